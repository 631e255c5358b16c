"""The ``copydesk`` command: its verbs together, and how it ends.

The modules with the verbs import click alone; what costs time (the library, rich) is imported by the verb that
runs, so that help and completion answer at once.
"""

from __future__ import annotations

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


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="copydesk")
@click.option("--debug", is_flag=True, help="Show tracebacks and log messages.")
@click.pass_context
def cli(context: click.Context, debug: bool) -> None:
    """Read and write the content of a site kept in a git repository, through an editorial workflow.

    Every command finds the site's config.yml in admin/, static/admin/ or public/admin/, here or one folder
    down. Exit codes: 0 done, 1 failed, 2 wrong usage, 3 conflict.
    """
    context.obj = debug
    if os.environ.get("NO_COLOR"):
        context.color = False


def run() -> None:
    """Run the command and exit with its code."""
    try:
        cli.main(standalone_mode=False, prog_name="copydesk")
        sys.stdout.flush()
    except click.ClickException as exc:
        exc.show()
        sys.exit(exc.exit_code)
    except click.exceptions.Exit as exc:
        sys.exit(exc.exit_code)
    except (click.Abort, KeyboardInterrupt):
        _fail("interrupted; make the same call again to finish what it had begun", FAILED)
    except BrokenPipeError:
        # Whoever read our output has left; Python would complain once more while it shuts down.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(FAILED)
    except CopydeskError as exc:
        if "--debug" in sys.argv:
            raise
        _fail(str(exc), _code(exc))


def _code(exc: CopydeskError) -> int:
    if isinstance(exc, ConflictError):
        return CONFLICT
    return USAGE if isinstance(exc, _WRONG_USAGE) else FAILED


def _fail(message: str, code: int) -> NoReturn:
    words = f"copydesk: {printable(message)}"
    if sys.stderr.isatty():
        width = shutil.get_terminal_size().columns
        words = textwrap.fill(words, width, break_long_words=False, break_on_hyphens=False)
    click.echo(words, err=True)
    sys.exit(code)
