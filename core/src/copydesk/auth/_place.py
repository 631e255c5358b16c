"""Where in a store one credential is: read, replaced and locked."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import attrs

from copydesk.auth._store import CredentialStore
from copydesk.models import Credential

__all__ = ["Place"]


def _as_it_is(credential: Credential) -> Credential:
    return credential


@attrs.frozen
class Place:
    """The place of one credential in a store.

    :param as_sent: gives a credential as the forge wants it sent.
    """

    store: CredentialStore
    backend: str
    api_root: str
    account: str = ""
    as_sent: Callable[[Credential], Credential] = attrs.field(default=_as_it_is, repr=False)

    def read(self) -> Credential | None:
        """Give what is kept there now, or None."""
        found = self.store.get(self.backend, self.api_root, self.account)
        return None if found is None else self.as_sent(found)

    def keep(self, credential: Credential) -> None:
        """Keep a credential there."""
        self.store.set(self.backend, self.api_root, credential, self.account)

    def lock(self) -> contextlib.AbstractContextManager[None]:
        """Keep others from refreshing it; a store without locks is not shared."""
        lock = getattr(self.store, "lock", None)
        return contextlib.nullcontext() if lock is None else lock(self.backend, self.api_root, self.account)
