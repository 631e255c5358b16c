"""Which origin gets which credential, and the gate that goes with it."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from requests.auth import AuthBase

from copydesk.auth import CredentialSource, FixedSource
from copydesk.errors import AuthenticationError
from copydesk.http._auth import Secrets, auth_for, fingerprint
from copydesk.http._gate import Gates, RateGate
from copydesk.models import Credential

__all__ = ["Keyring", "OriginAccess"]

#: What an origin may be given.
OriginAccess = Credential | CredentialSource | AuthBase | None


class Keyring:
    """The credentials of one client, by origin; an origin that is not named gets none."""

    def __init__(self, access: Mapping[str, OriginAccess], gates: Gates) -> None:
        self._sources = {origin: _source(given) for origin, given in access.items()}
        self._auths = {origin: given for origin, given in access.items() if isinstance(given, AuthBase)}
        self._gates = gates
        self._opened: dict[tuple[str, str], RateGate] = {}
        self._accepted: set[str] = set()
        self._lock = threading.Lock()
        self._secrets = Secrets()

    def __repr__(self) -> str:
        return f"<Keyring for {', '.join(self._sources)}>"

    @property
    def origins(self) -> frozenset[str]:
        """The origins that were named."""
        return frozenset(self._sources)

    def credential(self, origin: str) -> Credential | None:
        """Give the credential to use now; from here on it is hidden in messages."""
        source = self._sources.get(origin)
        credential = source.current() if source is not None else None
        if credential is not None:
            auth_for(credential)  # refuses what no header can hold
            self._secrets.add(credential)
        return credential

    def auth(self, origin: str, credential: Credential | None) -> AuthBase | None:
        """Give what sends the credential, or what the origin was given instead."""
        return auth_for(credential) if credential is not None else self._auths.get(origin)

    def refresh(self, origin: str, refused: Credential) -> bool:
        """Get a newer credential than the refused one; False where there is no way to.

        :raises AuthenticationError: what the refresh gave is the refused one.
        """
        source = self._sources.get(origin)
        newer = source.refreshed(refused) if source is not None else None
        if newer is not None and newer == refused:
            raise AuthenticationError("the refresh gave the credential that was refused; log in again")
        return newer is not None

    def gate(self, origin: str, credential: Credential | None, lane: str = "") -> RateGate:
        """Give the gate of an origin: that of the first credential, for a refreshed one has the same limit.

        :param lane: the name of a limit that some requests have besides.
        """
        with self._lock:
            if (origin, lane) not in self._opened:
                self._opened[origin, lane] = self._gates.get(origin, f"{fingerprint(credential)}{lane}")
            return self._opened[origin, lane]

    def accepted(self, origin: str, credential: Credential | None) -> None:
        """Remember that the origin took the credential."""
        if credential is not None:
            self._accepted.add(origin)

    def was_accepted(self, origin: str) -> bool:
        """Tell whether the origin has taken a credential before."""
        return origin in self._accepted

    def keep_secret(self, credential: Credential) -> None:
        """Hide a credential from here on that is sent in another way."""
        self._secrets.add(credential)

    def hide(self, text: str) -> str:
        """Give the text without any secret that was used."""
        return self._secrets.hide(text)


def _source(given: OriginAccess) -> CredentialSource | None:
    if given is None or isinstance(given, AuthBase):
        return None
    return FixedSource(given) if isinstance(given, Credential) else given
