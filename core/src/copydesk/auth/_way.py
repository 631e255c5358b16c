"""What the ways to log in have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

import attrs

from copydesk.auth._begun import Begun, Kept
from copydesk.auth._tokens import TokenDialect
from copydesk.models import Credential, LoginFlow

if TYPE_CHECKING:
    from copydesk.http import HttpClient, HttpSettings

__all__ = ["PATIENCE", "Way"]

#: Seconds that a login may take, from its beginning to its answer.
PATIENCE: Final = 600.0


@attrs.frozen
class Way:
    """One way to log in: *begin* and *complete* are what differs."""

    flow: LoginFlow
    backend: str
    http: HttpSettings

    def begin(self, redirect_uri: str) -> Begun:
        """Begin a login, see :class:`.LoginRunner`."""
        raise NotImplementedError

    def belongs(self, kept: Kept, said: Mapping[str, str]) -> bool:  # noqa: ARG002 - to override
        """Tell whether an answer is one to this login, so that a stranger's does not end it."""
        return True

    def complete(self, kept: Kept, said: Mapping[str, str]) -> Credential:
        """Exchange an answer for a credential, see :class:`.LoginRunner`."""
        raise NotImplementedError

    @property
    def clock(self) -> Callable[[], float]:
        """Epoch seconds."""
        return self.http.clock

    @property
    def client_id(self) -> str:
        """The id of the application that people let in."""
        return self.setting("client_id")

    def setting(self, name: str) -> str:
        """Give a setting of the flow, "" where it has none."""
        return self.flow.settings.get(name, "")

    def deadline(self) -> float:
        """Tell when it is too late for an answer, in epoch seconds."""
        return self.clock() + PATIENCE

    def client(self, address: str) -> HttpClient:
        """Make a client for an address, which sends no credential; the caller closes it."""
        from copydesk.http import Connector  # which needs this package

        return Connector(self.backend, None, self.http).anonymous(address, TokenDialect(name=self.backend))
