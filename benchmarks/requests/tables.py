"""What was counted and timed, as Markdown."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from benchmarks.requests.bench import Side
from benchmarks.requests.rounds import Outcome

__all__ = ["counts", "seconds"]

_ABSENT: Final = "–"


def _table(first: str, columns: Iterable[str], rows: Iterable[Sequence[str]]) -> str:
    names = (first, *columns)
    lines = (names, ["---", *["---:"] * (len(names) - 1)], *rows)
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _steps(outcomes: Iterable[Outcome]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(outcome.step for outcome in outcomes))


def counts(outcomes: Sequence[Outcome], sides: Sequence[Side]) -> str:
    """Show requests, and the bytes of bodies there and back."""
    counted = {(each.step, each.side): each for each in outcomes}
    steps = _steps(outcomes)
    names = [side.name for side in sides]

    def table(first: str, cell: Callable[[Outcome], str]) -> str:
        return _table(
            first, names, ([step, *(cell(counted[step, name]) for name in names)] for step in steps)
        )

    return "\n\n".join(
        (
            table("requests", _requests),
            table("bytes of bodies, sent and received", lambda each: f"{each.cost.size:,}"),
        )
    )


def _requests(outcome: Outcome) -> str:
    asked = f"{outcome.cost.requests:,}"
    waited = f" + {outcome.cost.waited:g} s" if outcome.cost.waited else ""
    return f"{asked}{waited}, refused" if outcome.refused else f"{asked}{waited}"


def seconds(rounds: Sequence[Sequence[Outcome]], sides: Sequence[Side]) -> str:
    """Show how many times as long as the first side the others take: the median of the ratios of each round."""
    timed = [{(each.step, each.side): each.seconds for each in outcomes} for outcomes in rounds]
    first, *others = (side.name for side in sides)

    def cells(step: str) -> Iterable[str]:
        own = [each[step, first] for each in timed if (step, first) in each]
        yield f"{statistics.median(own) * 1000:,.0f} ms"
        for name in others:
            ratios = [each[step, name] / each[step, first] for each in timed if (step, name) in each]
            yield _ratio(statistics.median(ratios)) if ratios else _ABSENT

    rows = ([step, *cells(step)] for step in _steps(rounds[0]))
    return _table(f"time, as a ratio to {first}", [first, *others], rows)


def _ratio(number: float) -> str:
    return f"{number:,.0f}" if number >= 100 else f"{number:.1f}"
