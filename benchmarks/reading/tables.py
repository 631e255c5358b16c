"""What was counted and timed, as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from benchmarks.reading.cases import USUAL, Case
from benchmarks.reading.measuring import Outcome
from benchmarks.reading.sides import OURS
from benchmarks.reading.thresholds import Judged
from benchmarks.reading.times import Ratio, ratio
from benchmarks.reading.traffic import KINDS

__all__ = ["judgement", "section"]

_ABSENT: Final = "–"
_COUNTED: Final = (
    "case",
    "side",
    "requests",
    "kB up",
    "kB down",
    "connections",
    "quota",
    "CPU s",
    "memory MB",
)


def _table(columns: Sequence[str], texts: int, rows: Iterable[Sequence[str]]) -> str:
    """Write a table whose first columns are texts and the rest are numbers."""
    marks = [*["---"] * texts, *["---:"] * (len(columns) - texts)]
    return "\n".join(f"| {' | '.join(line)} |" for line in (columns, marks, *rows))


def section(name: str, outcomes: Sequence[Outcome]) -> Iterator[str]:
    """Give the section of a forge."""
    cases = tuple(dict.fromkeys(each.case for each in outcomes))
    sides = tuple(dict.fromkeys(each.side.name for each in outcomes))
    yield f"## {name}"
    for delay in dict.fromkeys(case.delay for case in cases):
        some = [case for case in cases if case.delay == delay]
        yield f"### Time, each answer {delay * 1000:.0f} ms late\n\n{_times(outcomes, some, sides)}"
    shown = USUAL if any(case.delay == USUAL for case in cases) else cases[0].delay
    yield f"### Asked, exactly, and what it took the client\n\n{_counts(outcomes, shown)}"
    if told := list(_told(outcomes)):
        yield "\n".join(told)


def _times(outcomes: Sequence[Outcome], cases: Sequence[Case], sides: Sequence[str]) -> str:
    broken = {(each.side.name, each.case) for each in outcomes if each.broken}

    def cell(side: str, case: Case) -> str:
        found = ratio(outcomes, side, case)
        if found is None:
            return _ABSENT
        mark = " †" if (side, case) in broken else ""
        return (_seconds(found.seconds) if side == OURS else _ratio(found)) + mark

    rows = ([case.name, *(cell(side, case) for side in sides)] for case in cases)
    return _table((f"seconds of {OURS}, and how many times as long others take", *sides), 1, rows)


def _seconds(seconds: float) -> str:
    return f"{seconds:.2f} s"


def _ratio(found: Ratio) -> str:
    number = f"{found.ratio:,.0f}" if found.ratio >= 100 else f"{found.ratio:.1f}"
    return f"~{number}" if found.extrapolated else number


def _counts(outcomes: Sequence[Outcome], delay: float) -> str:
    some = [each for each in outcomes if each.case.delay == delay and each.runs]
    rows = (
        [
            each.case.name,
            each.side.name,
            _requests(each),
            f"{each.traffic.up / 1000:,.1f}",
            f"{each.traffic.down / 1000:,.0f}",
            f"{each.traffic.connections:,}",
            f"{each.traffic.points:,}",
            f"{each.cpu:.2f}",
            f"{each.peak / 1e6:.1f}",
        ]
        for each in some
    )
    return _table(_COUNTED, 3, rows)


def _requests(outcome: Outcome) -> str:
    kinds = [(kind, outcome.traffic.requests.get(kind, 0)) for kind in KINDS]
    parts = ", ".join(f"{count:,} {kind}" for kind, count in kinds if count)
    return f"{outcome.traffic.total:,} ({parts}){' †' if outcome.broken else ''}"


def _told(outcomes: Iterable[Outcome]) -> Iterator[str]:
    """Tell which limits were broken by whom, and who gave up."""
    broken: dict[tuple[str, int, str], str] = {}
    for each in outcomes:
        for limit in each.broken:
            broken[each.side.name, each.case.count, limit.partition(":")[0]] = limit
    for (side, count, _), limit in broken.items():
        yield f"- † {side}, {count:,}: {limit}"
    for each in outcomes:
        if each.failure:
            yield f"- {each.side.name} did not {each.case.name}: {each.failure[:200]}"


def judgement(judged: Iterable[Judged]) -> str:
    def row(each: Judged) -> Sequence[str]:
        value = "not measured" if each.value is None else f"{each.value:.2f} {each.unit}".strip()
        limit = f"{'≥' if each.at_least else '≤'} {each.limit:g} {each.unit}".strip()
        return [each.name, value, limit, "yes" if each.holds else "NO"]

    return _table(("threshold", "measured", "limit", "holds"), 1, map(row, judged))
