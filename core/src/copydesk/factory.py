"""What the entry point of a plugin names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

import attrs

from copydesk.options import BackendOptions

__all__ = ["BackendFactory"]

OptionsT = TypeVar("OptionsT", bound=BackendOptions)


@attrs.frozen
class BackendFactory(Generic[OptionsT]):
    """What an entry point names: the option class of a backend and the function that opens it.

    *open* is called with an instance of *options* and answers with the backend, bound to one repository, or
    with a tuple of objects, of which the first that has an operation answers it. It does not write.
    """

    options: type[OptionsT]
    open: Callable[[OptionsT], object]
