"""Where credentials are kept between runs."""

from __future__ import annotations

from typing import Protocol

import attrs

from copydesk.models import Credential

__all__ = ["CredentialStore", "MemoryStore"]


class CredentialStore(Protocol):
    """Keeps one credential for each backend, API root and account; "" is the only account of a user.

    A store that processes share has besides ``lock(backend, api_root, account)``, which gives a context manager:
    in it one of them refreshes, and the others find what it kept.
    """

    def get(self, backend: str, api_root: str, account: str = "") -> Credential | None:
        """Give what was kept, or None."""
        ...

    def set(self, backend: str, api_root: str, credential: Credential, account: str = "") -> None:
        """Keep a credential, instead of the one before."""
        ...

    def delete(self, backend: str, api_root: str, account: str = "") -> bool:
        """Forget a credential; False: there was none."""
        ...


@attrs.define(eq=False)
class MemoryStore:
    """A store that lasts as long as the process."""

    _kept: dict[tuple[str, str, str], Credential] = attrs.field(factory=dict, init=False, repr=False)

    def get(self, backend: str, api_root: str, account: str = "") -> Credential | None:
        return self._kept.get((backend, api_root, account))

    def set(self, backend: str, api_root: str, credential: Credential, account: str = "") -> None:
        self._kept[backend, api_root, account] = credential

    def delete(self, backend: str, api_root: str, account: str = "") -> bool:
        return self._kept.pop((backend, api_root, account), None) is not None
