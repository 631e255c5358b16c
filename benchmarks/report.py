"""Figures as Markdown."""

from __future__ import annotations

import platform
import statistics
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.metadata import version

import pygit2

from benchmarks.measure import Figure

__all__ = ["conditions", "row", "table", "times"]

HEADER = ("figure", "median ratio", "min", "max", "limit", "ok")


def row(figure: Figure) -> str:
    limit = "" if figure.limit is None else f"{figure.limit:g}"
    ok = "" if figure.limit is None else ("yes" if figure.within else "NO")
    numbers = (f"{number:.2f}" for number in (figure.median, min(figure.ratios), max(figure.ratios)))
    return _line((figure.name, *numbers, limit, ok))


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def table(figures: Iterable[Figure]) -> str:
    return "\n".join((_line(HEADER), "|---|---:|---:|---:|---:|---|", *map(row, figures)))


def times(figures: Iterable[Figure]) -> str:
    """Give the medians behind the ratios; they hold for one machine only."""
    lines = (
        _line((figure.name, _duration(figure.ours), _duration(figure.theirs), str(len(figure.ours))))
        for figure in figures
    )
    return "\n".join((_line(("figure", "copydesk", "without", "rounds")), "|---|---:|---:|---:|", *lines))


def _duration(seconds: tuple[float, ...]) -> str:
    median = statistics.median(seconds)
    return f"{median * 1e6:.1f} µs" if median < 1e-4 else f"{median * 1e3:.2f} ms"


def conditions(command: str, *more: str) -> str:
    """Say what was run, when, and on which versions; nothing about whose machine."""
    parts = [f"Python {platform.python_version()}"]
    parts += [f"{name} {version(name)}" for name in ("copydesk", "attrs", "pluggy", "pygit2", *more)]
    parts.append(f"libgit2 {pygit2.LIBGIT2_VERSION}")
    return f"`{command}`, {datetime.now(UTC):%Y-%m-%d}, {', '.join(parts)}"
