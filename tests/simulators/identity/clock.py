"""The time of a provider, which a test turns forward."""

from __future__ import annotations

import threading
import time

__all__ = ["Clock"]


class Clock:
    """The machine's time, and so many seconds more.

    Several providers may share one. A client's sleep can be ``clock.advance``, and nobody waits.
    """

    def __init__(self, ahead: float = 0.0) -> None:
        self._ahead = ahead
        self._lock = threading.Lock()

    def now(self) -> float:
        """Give seconds since 1970."""
        return time.time() + self._ahead

    def advance(self, seconds: float) -> None:
        """Turn it forward, or back."""
        with self._lock:
            self._ahead += seconds
