"""Refreshing a credential once, however many threads find it expired."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future

from copydesk.auth._place import Place
from copydesk.errors import AuthenticationError
from copydesk.models import Credential

__all__ = ["Refresher"]


def _kept_nowhere(credential: Credential) -> None:
    """Keep nothing: the credential lives as long as the process."""


class Refresher:
    """A source of credentials that refreshes before expiry, and when the forge refuses one.

    Threads that ask while a refresh is under way wait for it and share its outcome; the next call after a
    failed one tries again.

    :param refresh: exchanges a credential for a new one; called by one thread at a time.
    :param save: keeps a new credential, before it is used: a forge that rotates has forgotten the old one.
    :param clock: epoch seconds.
    :param margin: how many seconds before expiry it is refreshed.
    :param place: where processes share it, in place of *save*: it is refreshed under the lock there, unless
        another process has kept a new one meanwhile.
    """

    def __init__(
        self,
        credential: Credential,
        refresh: Callable[[Credential], Credential],
        *,
        save: Callable[[Credential], None] = _kept_nowhere,
        clock: Callable[[], float] = time.time,
        margin: float = 60.0,
        place: Place | None = None,
    ) -> None:
        self._credential = credential
        self._refresh = refresh
        self._save = save if place is None else place.keep
        self._place = place
        self._clock = clock
        self._margin = margin
        self._lock = threading.Lock()
        self._flight: Future[Credential] | None = None

    def __repr__(self) -> str:
        return f"<Refresher of {self._credential!r}>"

    def current(self) -> Credential:
        """Give a credential that is not about to expire.

        :raises Exception: what the refresh raised.
        """
        with self._lock:
            credential = self._credential
        return self._renewed(credential) if self._expires(credential) else credential

    def refreshed(self, after: Credential) -> Credential:
        """Give a credential newer than *after*, which the forge refused.

        :raises Exception: what the refresh raised.
        """
        return self._renewed(after)

    def _expires(self, credential: Credential) -> bool:
        if credential.expires_at is None:
            return False
        return credential.expires_at.timestamp() - self._margin <= self._clock()

    def _renewed(self, old: Credential) -> Credential:
        with self._lock:
            if self._credential != old:  # another thread was faster
                return self._credential
            flight, leads = self._flight, self._flight is None
            if flight is None:
                flight = self._flight = Future()
        if leads:
            self._fly(flight, old)
        return flight.result()

    def _fly(self, flight: Future[Credential], old: Credential) -> None:
        try:
            new = self._exchanged(old)
        except BaseException as exc:  # noqa: BLE001 - whoever waits must hear of it, and none wait for ever
            self._land()
            flight.set_exception(exc)
        else:
            self._land()
            flight.set_result(new)

    def _exchanged(self, old: Credential) -> Credential:
        if self._place is None:
            return self._fresh(old)
        with self._place.lock():
            kept = self._place.read()
            if kept is None:
                raise AuthenticationError("somebody logged out meanwhile; log in again: copydesk login")
            if kept.secret == old.secret or self._expires(kept):
                return self._fresh(kept)
            with self._lock:  # another process was faster
                self._credential = kept
            return kept

    def _fresh(self, old: Credential) -> Credential:
        new = self._refresh(old)
        try:
            self._save(new)
        finally:
            # Also where it cannot be kept: the old one is worth nothing any more.
            with self._lock:
                self._credential = new
        return new

    def _land(self) -> None:
        with self._lock:
            self._flight = None
