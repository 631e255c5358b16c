"""Timing two things in turns, and what a figure is."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable
from typing import Final

import attrs

__all__ = ["Clock", "Figure", "compare", "timed"]

#: Does something once and gives the seconds that it took.
Clock = Callable[[], float]

#: What is not yet cached, compiled or imported is paid for in these rounds, which do not count.
WARM_UP: Final = 2


@attrs.frozen
class Figure:
    """One comparison: the seconds of both sides, round by round; without *limit* it is only told."""

    name: str
    ours: tuple[float, ...]
    theirs: tuple[float, ...]
    limit: float | None = None

    @property
    def ratios(self) -> tuple[float, ...]:
        return tuple(our / their for our, their in zip(self.ours, self.theirs, strict=True))

    @property
    def median(self) -> float:
        return statistics.median(self.ratios)

    @property
    def within(self) -> bool:
        """Whether the median keeps the limit."""
        return self.limit is None or self.median <= self.limit


def compare(name: str, ours: Clock, theirs: Clock, *, rounds: int, limit: float | None = None) -> Figure:
    """Let both sides run in turns, ours first."""
    for _ in range(WARM_UP):
        ours()
        theirs()
    pairs = [(ours(), theirs()) for _ in range(rounds)]
    return Figure(name, tuple(our for our, _ in pairs), tuple(their for _, their in pairs), limit)


def timed(action: Callable[[], object], *, calls: int = 1) -> Clock:
    """Make the clock of an action; one that takes microseconds is called several times."""

    def clock() -> float:
        # The collector stays on, as it is for users, but nobody pays for what the other side left.
        gc.collect()
        start = time.perf_counter()
        for _ in range(calls):
            result = action()
        seconds = (time.perf_counter() - start) / calls
        del result  # only now: letting go of an answer is no part of getting it
        return seconds

    return clock
