"""The command: run, print, and judge; then what reading forges costs, by a program of its own."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import attrs

from benchmarks import imports, local, opening, sites
from benchmarks.measure import Figure
from benchmarks.report import conditions, table, times

_RESULTS: Final = Path(__file__).parent / "results" / "local.md"


@attrs.frozen
class Rounds:
    """How often each kind of figure is measured."""

    imports: int
    opening: int
    commits: int
    reads: int


FULL: Final = Rounds(imports=61, opening=301, commits=401, reads=25)
QUICK: Final = Rounds(imports=15, opening=41, commits=61, reads=4)


def measured(rounds: Rounds, folder: Path) -> Iterator[Figure]:
    yield from imports.figures(folder / "pycache", rounds.imports)
    loose = sites.make_loose(folder / "loose.git")
    packed = sites.make_packed(loose, folder / "packed.git")
    yield from opening.figures(packed, rounds.opening)
    yield from local.figures(loose, "loose", commits=rounds.commits, reads=rounds.reads)
    yield from local.figures(packed, "packed", commits=rounds.commits, reads=rounds.reads)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="What copydesk costs.")
    parser.add_argument("--quick", action="store_true", help="fewer rounds, under a minute")
    parser.add_argument(
        "--write", action="store_true", help="also keep tables and plot in benchmarks/results/"
    )
    given = parser.parse_args()
    figures = []
    with tempfile.TemporaryDirectory(prefix="copydesk-benchmarks-") as folder:
        for figure in measured(QUICK if given.quick else FULL, Path(folder)):
            # It takes minutes: show that it goes on.
            print(f"{figure.name}: {figure.median:.2f}", file=sys.stderr, flush=True)
            figures.append(figure)
    command = " ".join(["python -m benchmarks", *sys.argv[1:]])
    text = f"{conditions(command)}\n\n{table(figures)}\n\n{times(figures)}\n"
    print(text)
    if given.write:
        _RESULTS.parent.mkdir(exist_ok=True)
        _RESULTS.write_text(f"# Local repositories\n\n{text}", encoding="utf-8")
    over = [figure.name for figure in figures if not figure.within]
    for name in over:
        print(f"over its limit: {name}", file=sys.stderr)
    return read_forges(quick=given.quick, write=given.write) or int(bool(over))


def read_forges(*, quick: bool, write: bool) -> int:
    """Run the reading benchmark, in a process that has loaded nothing yet, and give its exit code."""
    # The first of the forges shows that it works, which is all that is quick.
    chosen = (["--quick", "--only", "GitHub"] if quick else []) + (["--write"] if write else [])
    command = [sys.executable, "-m", "benchmarks.reading", *chosen]
    print(flush=True)
    return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
