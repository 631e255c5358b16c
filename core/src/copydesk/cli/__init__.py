"""The ``copydesk`` command. Needs the extra: ``pip install 'copydesk[cli]'``."""

from __future__ import annotations

import gc
import sys

__all__ = ["main"]

_EXTRA = {"click", "rich"}


def main() -> None:
    """Run the command, or say how to get what it needs."""
    # What is imported stays to the end; looking through it for garbage is a seventh of a short command's time.
    gc.set_threshold(50_000)
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
