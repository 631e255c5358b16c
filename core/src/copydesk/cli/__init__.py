"""The ``copydesk`` command. Needs the extra: ``pip install 'copydesk[cli]'``."""

from __future__ import annotations

import sys

__all__ = ["main"]

_EXTRA = {"click", "rich"}


def main() -> None:
    """Run the command, or say how to get what it needs."""
    try:
        from copydesk.cli._app import run
    except ModuleNotFoundError as exc:
        if exc.name not in _EXTRA:
            raise
        sys.stderr.write(
            f"copydesk: the command needs {exc.name}, which is not installed; "
            "try: pip install 'copydesk[cli]'\n"
        )
        sys.exit(2)
    except KeyboardInterrupt:
        sys.stderr.write("copydesk: interrupted before it began\n")
        sys.exit(1)
    run()
