"""What only a login needs, and an extra brings."""

from __future__ import annotations

import importlib
from typing import Any

from copydesk.errors import NotSupportedError

__all__ = ["extra"]


def extra(module: str) -> Any:
    """Import a module of the extra ``login``; it has no types that are worth a name here.

    :raises NotSupportedError: the extra is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as exc:
        name = module.partition(".")[0]
        raise NotSupportedError(
            f"a login needs {name}, which is not installed; try: pip install 'copydesk[login]'"
        ) from exc
