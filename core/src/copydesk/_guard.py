"""What a backend stumbles over when it reads an answer, turned into an error that names it."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, Final

from copydesk.errors import ProtocolError
from copydesk.hookspecs import OPERATIONS, hookimpl

__all__ = ["make_guard"]

#: What reading raises where an answer has another shape than its reader expects.
STUMBLES: Final = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError)


def make_guard(backend: str, origin: str) -> object:
    """Make the innermost wrapper of every operation; what extensions raise around it stays as it is.

    :param origin: distribution and version that bring the backend.
    """
    wrappers = {name: _wrapper(name, backend, origin) for name in OPERATIONS}
    return type("Guard", (), wrappers)()


def _wrapper(operation: str, backend: str, origin: str) -> Any:
    # trylast: of wrappers, the last is the innermost.
    @hookimpl(wrapper=True, trylast=True)
    def guarded(self: object) -> Generator[None, Any, Any]:  # noqa: ARG001 - pluggy passes it
        try:
            return (yield)
        except STUMBLES as exc:
            # The words of the exception are left to its traceback: they may quote the answer.
            raise ProtocolError(
                f"the {backend} backend ({origin}) does not understand the answer to {operation} "
                f"({type(exc).__name__}); check the address of the API, or report it to the author of the backend"
            ) from exc

    return guarded
