"""The ``copydesk`` command: its verbs together, and how it ends.

The modules with the verbs import click alone; what costs time (the library, rich) is imported by the verb that
runs, so that help and completion answer at once.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import textwrap
from importlib import import_module
from typing import Final, NoReturn

import click

from copydesk import __version__
from copydesk.cli._show import printable
from copydesk.errors import (
    BackendNotFoundError,
    ConfigError,
    ConflictError,
    CopydeskError,
    InvalidInputError,
    NotMergeableError,
)

__all__ = ["cli", "run"]

FAILED: Final = 1
USAGE: Final = 2
CONFLICT: Final = 3
_WRONG_USAGE: Final = (BackendNotFoundError, ConfigError, InvalidInputError)


#: Each verb and the module that has it: only the one that runs is imported, and all for the help.
_VERBS: Final = {
    **dict.fromkeys(("backends",), "_backends"),
    **dict.fromkeys(("ls", "cat", "put", "rm", "mv", "log"), "_files"),
    **dict.fromkeys(("entries", "show", "save", "preview", "demo"), "_entries"),
    **dict.fromkeys(
        ("status", "diff", "publish", "discard", "delete", "unpublish", "update", "repair"), "_review"
    ),
    **dict.fromkeys(("media",), "_media"),
    **dict.fromkeys(("login", "logout", "whoami", "accounts"), "_login"),
    "cache": "_cache",
    "completion": "_completion",
}


class _Verbs(click.Group):
    """The verbs, imported when they are asked for."""

    def list_commands(self, context: click.Context) -> list[str]:  # noqa: ARG002 - click passes it
        return sorted(_VERBS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:  # noqa: ARG002
        if name not in _VERBS:
            return None
        command: click.Command = getattr(import_module(f"copydesk.cli.{_VERBS[name]}"), name)
        return command

    def resolve_command(
        self, context: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(context, args)
        except click.UsageError as exc:
            import difflib  # only for who misspelt it

            close = difflib.get_close_matches(args[0], _VERBS, n=1)
            if not close:
                raise
            context.fail(f"{exc.message.rstrip('.')}; did you mean {close[0]!r}?")

    def invoke(self, context: click.Context) -> object:
        try:
            return super().invoke(context)
        except BrokenPipeError:  # before click sees it, which calls it a failure
            _hush()
            return None


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="copydesk")
@click.option("--debug", is_flag=True, help="Show tracebacks and log messages; before the command.")
@click.pass_context
def cli(context: click.Context, debug: bool) -> None:
    """Read and write the content of a site kept in a git repository, through an editorial workflow.

    Every command finds the site's config.yml in admin/, static/admin/ or public/admin/, here, one folder down
    or, in a git repository, up to its top. Exit codes: 0 done, 1 failed, 2 wrong usage, 3 conflict.
    """
    context.obj = debug
    if os.environ.get("NO_COLOR"):
        context.color = False


def run() -> None:
    """Run the command and exit with its code."""
    if sys.stderr is None:  # closed by the caller, and not for what the command writes to
        sys.stderr = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")
    if sys.stdout is None:
        _fail("standard output is closed; to see nothing, redirect it to /dev/null", FAILED)
    try:
        cli.main(standalone_mode=False, prog_name="copydesk")
        sys.stdout.flush()
    except click.ClickException as exc:
        exc.show()
        sys.exit(exc.exit_code)
    except (click.Abort, KeyboardInterrupt):
        _fail("interrupted; make the same call again to finish what it had begun", FAILED)
    except BrokenPipeError:
        _hush()
    except CopydeskError as exc:
        _failed(exc, str(exc), _code(exc))
    except OSError as exc:  # the disk, the terminal: whatever no verb expected
        with contextlib.suppress(OSError):
            sys.stdout.flush()
        _hush()
        where = f" ({exc.filename!r})" if exc.filename else ""
        _failed(exc, f"the system refused: {exc.strerror or exc}{where}", FAILED)


def _hush() -> None:
    """Forget what is still to be written: its reader has left, and Python would complain while it shuts down."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _code(exc: CopydeskError) -> int:
    if isinstance(exc, ConflictError):
        return CONFLICT
    if isinstance(exc, NotMergeableError) and exc.reason == "conflicts":
        return CONFLICT
    return USAGE if isinstance(exc, _WRONG_USAGE) else FAILED


def _failed(exc: Exception, message: str, code: int) -> NoReturn:
    if "--debug" in sys.argv:
        import traceback

        traceback.print_exception(exc)
        sys.exit(code)
    _fail(message, code)


def _fail(message: str, code: int) -> NoReturn:
    words = f"copydesk: {printable(message)}"
    if sys.stderr.isatty():
        width = shutil.get_terminal_size().columns
        words = textwrap.fill(words, width, break_long_words=False, break_on_hyphens=False)
    click.echo(words, err=True)
    sys.exit(code)
