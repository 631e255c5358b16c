"""How long others take next to copydesk: in the same round, or as far as that can be told from smaller sites."""

from __future__ import annotations

import statistics
from collections.abc import Iterable

import attrs

from benchmarks.reading.cases import Case
from benchmarks.reading.measuring import Outcome

__all__ = ["Ratio", "ratio"]


@attrs.frozen
class Ratio:
    """A median of ratios, the seconds behind it, and whether they were told from smaller sites."""

    ratio: float
    seconds: float
    extrapolated: bool = False


def ratio(outcomes: Iterable[Outcome], side: str, case: Case) -> Ratio | None:
    """Compare a side with the first one, on one forge; None where nothing can be said."""
    outcomes = tuple(each for each in outcomes if each.runs)
    of_case = {each.side.name: each for each in outcomes if each.case == case}
    ours = next((each for each in of_case.values() if each.side.ours), None)
    if ours is None:
        return None
    if side in of_case:
        theirs = of_case[side]
        pairs = zip(theirs.runs, ours.runs, strict=False)
        return Ratio(statistics.median(their.seconds / our.seconds for their, our in pairs), theirs.seconds)
    seconds = _extrapolated([each for each in outcomes if each.side.name == side], case)
    return None if seconds is None else Ratio(seconds / ours.seconds, seconds, extrapolated=True)


def _extrapolated(outcomes: Iterable[Outcome], case: Case) -> float | None:
    """Draw a line through the two largest sites of those that are smaller."""
    if case.task != "cold":
        return None
    known = sorted(
        (each.case.count, each.seconds)
        for each in outcomes
        if (each.case.task, each.case.delay) == ("cold", case.delay) and each.case.count < case.count
    )
    if len(known) < 2:
        return None
    (fewer, less), (more, longer) = known[-2:]
    return longer + (longer - less) / (more - fewer) * (case.count - more)
