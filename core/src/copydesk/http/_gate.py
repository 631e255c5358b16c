"""One gate for each origin and credential: what the forge said about its limit, for all threads."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

import attrs

from copydesk.http._dialect import Limit

__all__ = ["PROCESS_GATES", "Gates", "RateGate", "parse_retry_after"]

HOUR: Final = 3600.0
#: How long to wait after a refusal that does not say it; twice as long after each further one.
UNTOLD: Final = 60.0
#: No clock shows so little: a reset below it counts seconds from now.
_FIRST_EPOCH: Final = 10**9


def parse_retry_after(value: str, now: float) -> float | None:
    """Read a Retry-After header: seconds, or a date.

    :param now: epoch seconds.
    :returns: seconds from now, never below zero; None where it is neither.
    """
    text = value.strip()
    if text.isascii() and text.isdigit():
        return min(float(text), 1e9)
    try:
        date = parsedate_to_datetime(text)
        # A date without zone means UTC.
        aware = date if date.tzinfo is not None else date.replace(tzinfo=UTC)
        return max(0.0, aware.timestamp() - now)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


class RateGate:
    """Knows when the next request may be sent. It does not sleep: who asks does. Safe to use from threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._opens_at = 0.0
        self._refusals = 0
        self._remaining: int | None = None
        self._resets_at = 0.0
        self._sent: deque[float] = deque()

    def __repr__(self) -> str:
        return f"<RateGate, {len(self._sent)} requests in an hour>"

    def opens_at(self) -> float:
        """Give the epoch second from which on a request may be sent."""
        with self._lock:
            return self._opens_at

    def count(self, now: float) -> None:
        """Count a request that is sent now."""
        with self._lock:
            self._sent.append(now)
            self._forget(now)

    def heed(self, limit: Limit, retry_after: float | None, now: float) -> None:
        """Learn from an answer; *retry_after* is in seconds."""
        with self._lock:
            resets_at = _epoch(limit.resets_at, now)
            if limit.remaining is not None:
                self._remaining, self._resets_at = limit.remaining, resets_at or 0.0
            self._opens_at = max(self._opens_at, self._until(limit, resets_at, retry_after, now))

    def room_at(self, requests: int, budget: int | None, now: float) -> float | None:
        """Give the epoch second at which so many requests fit; None where they never do."""
        with self._lock:
            self._forget(now)
            known = self._remaining is not None and now < self._resets_at
            at = self._resets_at if known and requests > (self._remaining or 0) else now
            if budget is None:
                return at
            if requests > budget:
                return None
            over = len(self._sent) + requests - budget
            return at if over <= 0 else max(at, self._sent[over - 1] + HOUR)

    def _until(self, limit: Limit, resets_at: float | None, retry_after: float | None, now: float) -> float:
        if limit.refused and retry_after is not None:
            return now + retry_after
        if limit.remaining is not None and limit.remaining <= 0 and resets_at is not None:
            return resets_at + 1  # the second of the reset itself is still refused
        if not limit.refused:
            self._refusals = 0 if self._opens_at <= now else self._refusals
            return 0.0
        if self._opens_at > now:
            return 0.0  # sent before the gate closed: the same refusal, told to another thread
        self._refusals += 1
        return now + UNTOLD * 2.0 ** (self._refusals - 1)

    def _forget(self, now: float) -> None:
        while self._sent and self._sent[0] <= now - HOUR:
            self._sent.popleft()


def _epoch(resets_at: float | None, now: float) -> float | None:
    if resets_at is None:
        return None
    return resets_at if resets_at >= _FIRST_EPOCH else now + resets_at


@attrs.define(eq=False)
class Gates:
    """The gates of a process, found by origin and fingerprint of the credential; the oldest are forgotten."""

    most: int = 1000
    _gates: OrderedDict[tuple[str, str], RateGate] = attrs.field(factory=OrderedDict, init=False, repr=False)
    _lock: threading.Lock = attrs.field(factory=threading.Lock, init=False, repr=False)

    def get(self, origin: str, fingerprint: str) -> RateGate:
        """Give the gate, made where there is none."""
        with self._lock:
            gate = self._gates.setdefault((origin, fingerprint), RateGate())
            self._gates.move_to_end((origin, fingerprint))
            while len(self._gates) > self.most:
                self._gates.popitem(last=False)
            return gate


#: The one mutable global: the limit of a forge holds for the process, however many repositories are open in it.
PROCESS_GATES: Final = Gates()


def as_utc(epoch: float) -> datetime:
    """Give an epoch second as a time."""
    return datetime.fromtimestamp(min(epoch, 2.5e11), UTC)
