"""What was counted and timed, as Markdown."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from benchmarks.requests.rounds import GRAPHQL, INSTALLED, PYGITHUB, Outcome, Side

__all__ = ["counts", "seconds"]

_ABSENT: Final = "–"


def _table(first: str, columns: Iterable[str], rows: Iterable[Sequence[str]]) -> str:
    names = (first, *columns)
    lines = (names, ["---", *["---:"] * (len(names) - 1)], *rows)
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _steps(outcomes: Iterable[Outcome]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(outcome.step for outcome in outcomes))


def counts(outcomes: Sequence[Outcome], sides: Sequence[Side]) -> str:
    """Show requests, and the bytes of bodies there and back; whether PyGithub waits makes no difference."""
    costs = {(each.step, each.side): each.cost for each in outcomes}
    steps = _steps(outcomes)
    names = [INSTALLED.name if side == PYGITHUB else side.name for side in sides]

    def table(first: str, cell: Callable[[str, str], int]) -> str:
        return _table(
            first, names, ([step, *(f"{cell(step, side.name):,}" for side in sides)] for step in steps)
        )

    return "\n\n".join(
        (
            table("requests", lambda step, side: costs[step, side].requests),
            table("bytes of bodies, sent and received", lambda step, side: costs[step, side].size),
        )
    )


def seconds(rounds: Sequence[Sequence[Outcome]], sides: Sequence[Side]) -> str:
    """Show how many times as long as copydesk the others take: the median of the ratios of each round."""
    timed = [{(each.step, each.side): each.seconds for each in outcomes} for outcomes in rounds]

    def cells(step: str) -> Iterable[str]:
        own = [each[step, GRAPHQL.name] for each in timed if (step, GRAPHQL.name) in each]
        yield f"{statistics.median(own) * 1000:,.0f} ms"
        for side in sides:
            key = (step, side.name)
            ratios = [each[key] / each[step, GRAPHQL.name] for each in timed if key in each]
            yield _ratio(statistics.median(ratios)) if ratios else _ABSENT

    rows = ([step, *cells(step)] for step in _steps(rounds[0]))
    return _table("time, as a ratio to copydesk", [GRAPHQL.name, *(side.name for side in sides)], rows)


def _ratio(number: float) -> str:
    return f"{number:,.0f}" if number >= 100 else f"{number:.1f}"
