"""What git itself talks to: the credential is the forge's, sent as git sends it."""

from __future__ import annotations

import attrs

from copydesk.auth import CredentialSource, FixedSource
from copydesk.http._dialect import Dialect
from copydesk.http._values import Answer
from copydesk.models import Credential

__all__ = ["GitDialect", "GitSource"]


@attrs.frozen(kw_only=True)
class GitDialect(Dialect):
    """How such a server answers: as the forge says that a credential is refused, else by the status."""

    forge: Dialect

    def refuses_credential(self, answer: Answer) -> bool:
        return self.forge.refuses_credential(answer)


@attrs.define(eq=False)
class GitSource:
    """Gives the credential of another source, as the forge wants it here."""

    source: CredentialSource
    forge: Dialect
    _given: Credential | None = None

    @classmethod
    def of(cls, found: Credential | CredentialSource | None, forge: Dialect) -> GitSource | None:
        """Make one of what was found; None of nothing."""
        if found is None:
            return None
        return cls(FixedSource(found) if isinstance(found, Credential) else found, forge)

    def current(self) -> Credential:
        """Give the credential for the next request."""
        self._given = self.source.current()
        return self.forge.git_credential(self._given)

    def refreshed(self, after: Credential) -> Credential | None:  # noqa: ARG002 - it is the other's that was refused
        """Give a newer credential, None where there is none."""
        newer = self.source.refreshed(self._given) if self._given is not None else None
        return None if newer is None else self.forge.git_credential(newer)
