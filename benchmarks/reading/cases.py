"""What is read, how often, and by whom."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal

import attrs

from benchmarks.reading.sides import Pace, Side

__all__ = ["FULL", "QUICK", "USUAL", "Case", "Scale"]

#: The delay that thresholds and the plot are for, in seconds.
USUAL: Final = 0.05
#: From so many files on, who asks one by one is measured less, or not at all; larger sites are read fewer times.
_MANY: Final = 100
_HUGE: Final = 10_000


@attrs.frozen
class Case:
    """One thing to read.

    :param count: of entries, or of drafts.
    :param delay: seconds that each answer is late; a connection takes twice that to be made.
    :param changed: entries that changed since they were read before.
    """

    task: Literal["cold", "warm", "drafts"]
    count: int
    delay: float = USUAL
    changed: int = 0

    @property
    def site(self) -> str:
        return f"{'drafts' if self.task == 'drafts' else 'entries'}-{self.count}"

    @property
    def name(self) -> str:
        if self.task == "drafts":
            return f"list {self.count:,} draft{'s' * (self.count > 1)} with their texts"
        if self.task == "cold":
            return f"read {self.count:,} entries"
        return f"read {self.count:,} entries again, {self.changed or 'none'} changed"


@attrs.frozen
class Scale:
    """How much is done."""

    cases: tuple[Case, ...]
    rounds: int
    #: Of the largest sites, and with delays that are not the usual one.
    few_rounds: int
    #: Whether libraries take part that need an environment, and those who ask one by one.
    libraries: bool
    #: Whether everybody reads once before it is timed, so that answers are ready.
    prepared: bool
    #: Whether memory, processor and overhead are measured, and thresholds judged.
    judged: bool

    def rounds_of(self, side: Side, case: Case) -> int:
        """Say how often a side takes part; 0: not at all."""
        one_by_one = side.pace is not Pace.AT_ONCE
        if case.task not in side.tasks or case.count > side.most:
            return 0
        if (case.changed and not side.changes) or (one_by_one and not self.libraries):
            return 0
        if side.pace is Pace.WAITING and case.count >= _MANY:
            return int(case.delay == USUAL)
        if case.delay != USUAL:
            return 0 if one_by_one and case.count >= _MANY else self.few_rounds
        return self.few_rounds if case.count >= _HUGE else self.rounds


def _all(delay: float) -> Iterable[Case]:
    yield from (Case("cold", count, delay) for count in (10, 100, 1000, 10_000))
    yield from (Case("warm", 1000, delay, changed) for changed in (0, 1, 25))
    yield from (Case("warm", 10_000, delay, changed) for changed in (0, 1, 25) if delay == USUAL)
    yield from (Case("drafts", count, delay) for count in (1, 20, 100))


FULL: Final = Scale(
    cases=(*_all(USUAL), *_all(0.0), *_all(0.15)),
    rounds=5,
    few_rounds=1,
    libraries=True,
    prepared=True,
    judged=True,
)
QUICK: Final = Scale(
    cases=(Case("cold", 10, 0.02), Case("warm", 10, 0.02, 1), Case("drafts", 2, 0.02)),
    rounds=1,
    few_rounds=1,
    libraries=False,
    prepared=False,
    judged=False,
)
