"""The plot: how long a site takes, by its size, for everybody, one panel for each forge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.reading.cases import USUAL, Case
from benchmarks.reading.measuring import Outcome
from benchmarks.reading.sides import OURS
from benchmarks.reading.times import ratio

__all__ = ["draw"]

_COLUMNS: Final = 2
#: Told apart without colours too.
_MARKS: Final = "os^Dv<>P"
_MANY: Final = 10


def draw(outcomes: Mapping[str, Sequence[Outcome]], place: Path) -> bool:
    """Draw it where matplotlib is installed, and say whether it was."""
    try:
        import matplotlib as mpl  # of the group `bench`, and heavy
    except ModuleNotFoundError:
        return False
    mpl.use("agg")
    from matplotlib import pyplot as plt  # after the choice of what draws

    forges = [name for name, some in outcomes.items() if _cases(some)]
    rows = -(-len(forges) // _COLUMNS)
    figure, panels = plt.subplots(rows, _COLUMNS, figsize=(13, 5 * rows), squeeze=False)
    colours = _colours(outcomes)
    for panel, name in zip(panels.flat, forges, strict=False):
        _panel(panel, name, outcomes[name], colours)
    for panel in list(panels.flat)[len(forges) :]:
        panel.set_visible(False)
    figure.suptitle(
        f"Reading a site of entries of 4 kB, each answer {USUAL * 1000:.0f} ms late "
        "(broken lines: told from smaller sites)"
    )
    figure.tight_layout()
    figure.savefig(place, dpi=110)
    plt.close(figure)
    return True


def _cases(outcomes: Sequence[Outcome]) -> list[Case]:
    found = {each.case for each in outcomes if (each.case.task, each.case.delay) == ("cold", USUAL)}
    return sorted(found, key=lambda case: case.count)


def _colours(outcomes: Mapping[str, Sequence[Outcome]]) -> Mapping[str, int]:
    names = (each.side.name for some in outcomes.values() for each in some)
    return {name: number % _MANY for number, name in enumerate(dict.fromkeys(names))}


def _panel(panel: Any, name: str, outcomes: Sequence[Outcome], colours: Mapping[str, int]) -> None:
    for side in dict.fromkeys(each.side.name for each in outcomes):
        found = [(case.count, ratio(outcomes, side, case)) for case in _cases(outcomes)]
        points = [(count, each.seconds, each.extrapolated) for count, each in found if each is not None]
        measured = [point for point in points if not point[2]]
        told = [*measured[-1:], *(point for point in points if point[2])]
        look = {"color": f"C{colours[side]}", "linewidth": 2.5 if side == OURS else 1.3}
        mark = _MARKS[colours[side] % len(_MARKS)]
        panel.plot([x for x, _, _ in measured], [y for _, y, _ in measured], marker=mark, label=side, **look)
        panel.plot([x for x, _, _ in told], [y for _, y, _ in told], linestyle=":", **look)
    panel.set(xscale="log", yscale="log", title=name, xlabel="entries", ylabel="seconds")
    panel.grid(visible=True, which="major", alpha=0.3)
    panel.legend(fontsize=8, loc="upper left")
