"""The options and arguments that commands share, and how a shell completes them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

if TYPE_CHECKING:
    from copydesk.models import User

__all__ = [
    "author_options",
    "backend_name",
    "based_on_option",
    "checked_commit",
    "collection_argument",
    "entry_arguments",
    "input_file",
    "is_commit",
    "read_pair",
    "site_options",
    "user_of",
]

F = TypeVar("F", bound=Callable[..., Any])


def _pairs(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    return dict(read_pair(value, "KEY=VALUE") for value in values)


def read_pair(given: str, shape: str) -> tuple[str, str]:
    """Split ``NAME=VALUE``.

    :raises click.BadParameter: a side is missing; *shape* says what was expected.
    """
    name, _, value = given.partition("=")
    if not name or "=" not in given:
        raise click.BadParameter(f"{given!r} is not {shape}")
    return name, value


def site_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that say which site; it gets them as *site*."""

    @click.option("--config", metavar="FILE", help="The site's config.yml.  [default: look for it]")
    @click.option(
        "--backend",
        metavar="NAME",
        shell_complete=_complete_backend,
        help="Use this backend and not the one in the configuration.",
    )
    @click.option(
        "-o", "options", metavar="KEY=VALUE", multiple=True, callback=_pairs, help="An option of the backend."
    )
    @click.option(
        "--publish-mode",
        type=click.Choice(["simple", "editorial_workflow"]),
        help="Save to the site at once, or as drafts.  [default: as configured]",
    )
    @click.option("--debug", is_flag=True, hidden=True)
    @click.pass_context
    def wrapped(
        context: click.Context,
        /,
        config: str | None,
        backend: str | None,
        options: dict[str, str],
        publish_mode: str | None,
        debug: bool,
        **others: Any,
    ) -> Any:
        import logging  # this and the next: the library, which help does not need

        from copydesk.cli._site import Site

        level = logging.DEBUG if debug or context.obj else logging.WARNING
        logging.basicConfig(level=level, format="copydesk: %(message)s")
        return context.invoke(command, site=Site(config, backend, options, publish_mode), **others)

    wrapped.__doc__ = command.__doc__
    wrapped.__name__ = command.__name__
    wrapped.__click_params__ = [  # type: ignore[attr-defined]  # where click keeps what its decorators made
        *getattr(wrapped, "__click_params__", []),
        *getattr(command, "__click_params__", []),
    ]
    return wrapped


# -- arguments ----------------------------------------------------------------------------------------


def _complete_backend(_: click.Context, __: click.Parameter, start: str) -> list[str]:
    from copydesk.registry import installed_backends

    names = {backend.name for backend in installed_backends()}
    return [name for name in sorted(names) if name.startswith(start)]


def _complete_collection(context: click.Context, _: click.Parameter, start: str) -> list[str]:
    from copydesk.cli._site import Site
    from copydesk.errors import CopydeskError

    try:  # from a file alone: a shell should not wait for a forge, and never see an error
        site = Site(context.params.get("config"), None, {}, None).configuration()
    except CopydeskError:
        return []
    collections = site.collections if site else ()
    return [each.name for each in collections if each.name.startswith(start)]


def backend_name(command: F) -> F:
    """Give a command the argument NAME of a backend."""
    return click.argument("name", shell_complete=_complete_backend)(command)


def collection_argument(command: F) -> F:
    """Give a command the optional argument COLLECTION."""
    return click.argument("collection", required=False, shell_complete=_complete_collection)(command)


def entry_arguments(command: F) -> F:
    """Give a command the arguments COLLECTION and SLUG."""
    command = click.argument("slug")(command)
    return click.argument("collection", shell_complete=_complete_collection)(command)


# -- what is written ----------------------------------------------------------------------------------


#: What an abbreviated commit must have: with less, it would soon be that of another one too.
_MIN_DIGITS: Final = 7


def is_commit(text: str) -> bool:
    """Tell whether a text can be a commit, whole or abbreviated."""
    return _MIN_DIGITS <= len(text) <= 64 and set(text) <= set("0123456789abcdefABCDEF")


def checked_commit(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    """Refuse what cannot be a commit; an empty one would stand for none, and overwrite."""
    if value is None:
        return None
    if not is_commit(value):
        raise click.BadParameter(
            f"{value!r} is no commit: give at least {_MIN_DIGITS} hex digits of it, as `copydesk entries` and "
            "`copydesk log` show them"
        )
    return value.lower()


def based_on_option(default: str) -> Callable[[F], F]:
    """Give a command the option ``--based-on``; *default* says what holds without it."""
    return click.option(
        "--based-on",
        metavar="COMMIT",
        callback=checked_commit,
        help=f"The commit that you looked at, as `copydesk entries` shows it.  [default: {default}]",
    )


class _Input(click.File):
    """A file to read, or "-" for standard input, which a caller may have closed."""

    def convert(self, value: Any, param: click.Parameter | None, context: click.Context | None) -> Any:
        if value == "-" and sys.stdin is None:
            self.fail("standard input is closed", param, context)
        return super().convert(value, param, context)


def input_file(command: F) -> F:
    """Give a command the argument FILE, open for reading."""
    return click.argument("file", type=_Input("rb"))(command)


def author_options(command: F) -> F:
    """Give a command the options of a commit: its message and its author."""
    command = click.option("--author", metavar="'NAME <EMAIL>'", help="Author.  [default: who you are]")(
        command
    )
    return click.option(
        "-m", "--message", default="", metavar="TEXT", help="Commit message.  [default: a standard one]"
    )(command)


def user_of(author: str | None) -> User | None:
    """Read the value of ``--author``.

    :raises click.BadParameter: it is not ``NAME <EMAIL>``.
    """
    import re

    from copydesk.models import User

    if author is None:
        return None
    match = re.fullmatch(r"\s*([^<>]+?)\s*<([^<>]+)>\s*", author)
    if not match:
        raise click.BadParameter(f"{author!r} is not 'NAME <EMAIL>'", param_hint="--author")
    return User(match[1], match[1], match[2])


def read_local(file: str, hint: str) -> bytes:
    """Read a file of this machine.

    :raises click.BadParameter: it cannot be read.
    """
    try:
        return Path(file).read_bytes()
    except OSError as exc:
        raise click.BadParameter(f"cannot read {file!r}: {exc.strerror}", param_hint=hint) from exc
