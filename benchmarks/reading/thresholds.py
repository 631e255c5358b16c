"""What has to hold, and whether it does."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import attrs

from benchmarks.measure import Figure
from benchmarks.reading.cases import USUAL, Case
from benchmarks.reading.extremes import Streamed
from benchmarks.reading.measuring import Outcome
from benchmarks.reading.sides import DECAP, OURS, PYGITHUB_AS_INSTALLED, SVELTIA
from benchmarks.reading.times import ratio

__all__ = ["Judged", "of_figure", "of_stream", "of_times"]

_FORGE: Final = "GitHub"
#: Others on GitHub, entries, and how many times as long they take at least.
_TIMES: Final = (
    (DECAP, 1000, 10.0),
    (SVELTIA, 1000, 3.0),
    (PYGITHUB_AS_INSTALLED, 1000, 50.0),
    (SVELTIA, 10_000, 15.0),
)
_PEAK: Final = 40 * 2**20


@attrs.frozen
class Judged:
    """A number and its limit; None: it could not be measured, which is no better than a miss."""

    name: str
    value: float | None
    limit: float
    unit: str = ""
    at_least: bool = False

    @property
    def holds(self) -> bool:
        if self.value is None:
            return False
        return self.value >= self.limit if self.at_least else self.value <= self.limit


def of_times(outcomes: Iterable[Outcome]) -> Iterator[Judged]:
    """Judge how many times as long others take, at the usual delay."""
    on_forge = [each for each in outcomes if each.forge == _FORGE]
    for side, count, least in _TIMES:
        found = ratio(on_forge, side, Case("cold", count, USUAL))
        name = f"{_FORGE}, read {count:,} entries: {side} / {OURS}"
        yield Judged(name, found.ratio if found else None, least, at_least=True)


def of_figure(figure: Figure) -> Judged:
    return Judged(figure.name, figure.median, figure.limit or 0.0)


def of_stream(streamed: Streamed, name: str) -> Judged:
    """Judge memory, if it was an archive that came."""
    value = streamed.peak / 2**20 if streamed.archives else None
    return Judged(f"{name}, memory over the idle process", value, _PEAK / 2**20, "MiB")
