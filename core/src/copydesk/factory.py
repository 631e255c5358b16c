"""What the entry point of a plugin names."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import attrs

from copydesk.models import Credential, LoginFlow
from copydesk.options import BackendOptions

if TYPE_CHECKING:
    from copydesk.http import Connector, Dialect, HttpClient

__all__ = ["BackendFactory", "Door"]

OptionsT = TypeVar("OptionsT", bound=BackendOptions)


#: Makes a client for an address, which sends no credential.
Connect = Callable[[str, "Dialect"], "HttpClient"]


def _no_flows(_: object) -> tuple[LoginFlow, ...]:
    """Name no way to log in: the forge needs no credential."""
    return ()


@attrs.frozen
class Door:
    """Where a forge's repository is when a server stands in front of its API and holds the credential.

    :param connect: makes the client, from the dialect of the forge.
    :param base: where the repository is below the root; "" where the root is the repository itself.
    :param branch: the branch with the published content, for the server does not tell.
    :param passes: which paths below *base* the server lets through, matched from their beginning.
    """

    connect: Callable[[Dialect], HttpClient]
    base: str
    branch: str
    passes: re.Pattern[str]

    def lets(self, path: str) -> bool:
        """Tell whether a path below the repository gets through."""
        return self.passes.match(path) is not None


def _explained(_: object, __: object, options: Any) -> None:
    """Require an option class, each of whose options has a help text: it is all that users are told."""
    if not (isinstance(options, type) and issubclass(options, BackendOptions)):
        raise TypeError(f"options={options!r} is no subclass of copydesk.BackendOptions; make it one")
    if not attrs.has(options):
        raise TypeError(f"{options.__name__} is no attrs class; decorate it with @attrs.frozen(kw_only=True)")
    for field in attrs.fields(options):
        if not field.metadata.get("help"):
            raise TypeError(
                f"option {field.name!r} of {options.__name__} has no help text; "
                f"give it one: {field.name} = attrs.field(metadata={{'help': …}})"
            )


@attrs.frozen
class BackendFactory(Generic[OptionsT]):
    """What an entry point names: the option class of a backend and the functions that open it.

    Each field of *options* has a help text, ``metadata={"help": …}``; one without is a TypeError.

    *open* is called with an instance of *options* and a :class:`~copydesk.http.Connector`, which makes HTTP
    clients that know the credential. It answers with the backend, bound to one repository, or with a tuple of
    objects, of which the first that has an operation answers it. It sends nothing; only a backend that stands
    before another one may have to ask which.

    *flows* names the ways to get a credential, best first, as data for :mod:`copydesk.auth`, and needs none
    itself. *exchange* makes a token of the key of an app (flow ``app``), as of a time in epoch seconds.
    *behind* opens the same repository through a :class:`Door`, for backends that compose others.
    """

    options: type[OptionsT] = attrs.field(validator=_explained)
    open: Callable[[OptionsT, Connector], object]
    flows: Callable[[OptionsT], tuple[LoginFlow, ...]] = _no_flows
    behind: Callable[[Door], object] | None = None
    exchange: Callable[[LoginFlow, Credential, Connect, float], Credential] | None = None
