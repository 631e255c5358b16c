"""Where a client gets its credential from, again for each request."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import attrs

from copydesk.models import Credential

__all__ = ["CredentialSource", "FixedSource"]


@runtime_checkable
class CredentialSource(Protocol):
    """Gives the credential to use now; safe to call from threads."""

    def current(self) -> Credential:
        """Give the credential for the next request."""
        ...

    def refreshed(self, after: Credential) -> Credential | None:
        """Give one that is newer than *after*, which the forge refused; None where there is no way to."""
        ...


@attrs.frozen
class FixedSource:
    """A credential that stays what it is."""

    credential: Credential

    def current(self) -> Credential:
        return self.credential

    def refreshed(self, after: Credential) -> Credential | None:  # noqa: ARG002 - the protocol's name
        return None
