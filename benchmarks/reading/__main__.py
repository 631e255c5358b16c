"""The command: read, print, draw, and judge."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from benchmarks.reading.cases import FULL, QUICK, Case, Scale
from benchmarks.reading.environments import Environment
from benchmarks.reading.extremes import facade, stream, warm_cpu
from benchmarks.reading.measuring import Field, Outcome
from benchmarks.reading.plot import draw
from benchmarks.reading.processes import ClientError, serve
from benchmarks.reading.sides import SIDES
from benchmarks.reading.tables import judgement, section
from benchmarks.reading.thresholds import Judged, of_figure, of_stream, of_times
from benchmarks.report import conditions

__all__ = ["main", "run"]

_RESULTS: Final = Path(__file__).parents[1] / "results"
#: Where memory and processor are measured, and how often.
_FORGE: Final = "GitHub"
_TIMES: Final = 5

_NOTES: Final = """\
Each forge is a simulator in a process of its own, and so is every client at each load. A load begins with nothing:
it signs in where that program does, and copydesk's cache is empty. Imports are not part of it. Read again is
what the next process of copydesk does with its cache; the two other editors keep what their browser keeps, and
libraries keep nothing. Entries are texts of 4 kB that compress to about a half, all in one folder, and nothing
else is in the repository. Everything that was read is checked.

- **Times** are seconds of copydesk and, for others, medians of ratios to it in the same round. An answer is late
  by what is said, and the first one of a connection by three times that. Nothing stands for the time that a
  forge takes itself: everybody reads once before, and those answers are given again from memory.
- **~** is told from smaller sites, by a line through the two largest: it would take minutes.
- **†** breaks a limit that the forge documents; it is let, to see how long it would take.
- **Asked** is counted exactly, with headers; texts come compressed by gzip, as forges send them. Quota is what the
  forge's API counts of it. Memory is the most that the client had over what it had after its imports.
- **Decap CMS, modelled** sends what its backends send with the editorial workflow, as in `benchmarks.requests`.
- **Sveltia CMS, modelled** sends on GitHub documents for 250 files each, half a second after one another, which
  ask for the last change of each too; on GitLab and Gitea it goes on one by one.
- **PyGithub** waits 0.25 s between requests as it is installed, and **ogr**, which is made of it, does too."""


def _pythons(scale: Scale, names: Collection[str], folder: Path) -> Mapping[Environment, Path]:
    if not scale.libraries:
        return {}
    wanted = dict.fromkeys(side.environment for name in names for side in SIDES[name] if side.environment)
    made = ((each, each.make(folder)) for each in wanted)
    return {each: python for each, python in made if python is not None}


def play(scale: Scale, names: Collection[str], folder: Path) -> Iterator[Outcome | Judged]:
    """Let everybody read every forge."""
    pythons = _pythons(scale, names, folder)
    for name in names:
        with serve(name, folder) as server:
            field = Field(server, SIDES[name], pythons, folder)
            for case in scale.cases:
                # It takes minutes: show that it goes on.
                print(f"{name}, {case.delay * 1000:.0f} ms: {case.name} …", file=sys.stderr, flush=True)
                yield from field.play(case, scale)
            if scale.judged and name == _FORGE:
                yield from _extremes(field)
    if scale.judged:
        yield of_figure(facade(folder))


def _extremes(field: Field) -> Iterator[Judged]:
    ours = next(side for side in field.sides if side.ours)
    cold, warm = Case("cold", 10_000, 0.0), Case("warm", 10_000, 0.0)
    streamed = f"{field.server.name}, stream {cold.count:,} entries of an archive"
    try:
        yield of_stream(stream(field, ours, cold, _TIMES), streamed)
        yield of_figure(warm_cpu(field, ours, warm, _TIMES))
    except ClientError as exc:
        yield Judged(f"{field.server.name}, memory and processor: {exc}", None, 0.0)


def problems(outcomes: Sequence[Outcome], judged: Sequence[Judged]) -> Iterator[str]:
    """Tell what must not be: copydesk did not read, or broke a limit, or a threshold was missed."""
    for each in outcomes:
        if not each.side.ours:
            continue
        where = f"{each.forge}, {each.case.name}"
        if each.failure:
            yield f"{where}: {each.side.name} did not do it: {each.failure}"
        yield from (f"{where}: {each.side.name} broke a limit: {limit}" for limit in each.broken)
    yield from (f"missed: {each.name}" for each in judged if not each.holds)


def run(scale: Scale, names: Collection[str], *, command: str, write: bool) -> int:
    """Do it all, and give the exit code."""
    with tempfile.TemporaryDirectory(prefix="copydesk-benchmarks-") as folder:
        found = list(play(scale, names, Path(folder)))
    outcomes = [each for each in found if isinstance(each, Outcome)]
    judged = [each for each in found if isinstance(each, Judged)]
    if scale.judged and _FORGE in names:
        judged = [*of_times(outcomes), *judged]
    by_forge = {name: [each for each in outcomes if each.forge == name] for name in names}
    parts = [conditions(command, "requests", *_versions(outcomes))]
    parts += [f"## What has to hold\n\n{judgement(judged)}"] if judged else []
    parts += [part for name, some in by_forge.items() for part in section(name, some)]
    text = "\n\n".join((*parts, f"## What is compared\n\n{_NOTES}")) + "\n"
    print(text)
    if write:
        _keep(text, by_forge)
    missed = list(problems(outcomes, judged))
    for each in missed:
        print(each, file=sys.stderr)
    return 1 if missed else 0


def _versions(outcomes: Sequence[Outcome]) -> Sequence[str]:
    """Name the distributions of the benchmark's own environment that take part."""
    return [each for each in ("atlassian-python-api",) if any(_uses(outcome, each) for outcome in outcomes)]


def _uses(outcome: Outcome, name: str) -> bool:
    return outcome.side.name == name


def _keep(text: str, by_forge: Mapping[str, Sequence[Outcome]]) -> None:
    _RESULTS.mkdir(exist_ok=True)
    picture = _RESULTS / "reading.png"
    if draw(by_forge, picture):
        text = f"![Seconds by entries for each forge]({picture.name})\n\n{text}"
    else:
        print(
            "no plot: matplotlib is not installed; try: uv run --group bench python -m benchmarks.reading --write",
            file=sys.stderr,
        )
    (_RESULTS / "reading.md").write_text(f"# Reading whole sites\n\n{text}", encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.reading", description="What reading a site costs."
    )
    parser.add_argument(
        "--quick", action="store_true", help="small sites and no libraries, under half a minute"
    )
    parser.add_argument(
        "--write", action="store_true", help="also keep table and plot in benchmarks/results/"
    )
    parser.add_argument("--only", action="append", choices=SIDES, help="a forge; may be said again")
    given = parser.parse_args()
    command = " ".join(["python -m benchmarks.reading", *sys.argv[1:]])
    return run(QUICK if given.quick else FULL, given.only or tuple(SIDES), command=command, write=given.write)


if __name__ == "__main__":
    sys.exit(main())
