"""What the entry point of a plugin names."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, TypeVar

import attrs

from copydesk.options import BackendOptions

if TYPE_CHECKING:
    from copydesk.http import Connector

__all__ = ["BackendFactory"]

OptionsT = TypeVar("OptionsT", bound=BackendOptions)


@attrs.frozen
class BackendFactory(Generic[OptionsT]):
    """What an entry point names: the option class of a backend and the function that opens it.

    *open* is called with an instance of *options* and a :class:`~copydesk.http.Connector`, which makes HTTP
    clients that know the credential. It answers with the backend, bound to one repository, or with a tuple of
    objects, of which the first that has an operation answers it. It sends nothing.
    """

    options: type[OptionsT]
    open: Callable[[OptionsT, Connector], object]
