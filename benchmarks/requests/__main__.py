"""The command: count, time, print."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Final

import attrs

from benchmarks.report import conditions
from benchmarks.requests.bench import Bench, Pace, Served
from benchmarks.requests.bitbucket.bench import BITBUCKET
from benchmarks.requests.git_gateway.bench import BEFORE_GITHUB, BEFORE_GITLAB
from benchmarks.requests.github.bench import GITHUB
from benchmarks.requests.gitlab.bench import GITLAB
from benchmarks.requests.rounds import Outcome, play
from benchmarks.requests.tables import counts, seconds

_RESULTS: Final = Path(__file__).parents[1] / "results" / "requests.md"
_BENCHES: Final = (GITHUB, GITLAB, BITBUCKET, BEFORE_GITHUB, BEFORE_GITLAB)

_NOTES: Final = """\
All of a section work on one simulator of that forge and begin signed in, with the base branch known, and go on
with what their own calls gave them. Their work is checked: each file that was loaded, and what the repository
holds in the end.

- **Decap CMS, modelled** sends what the backends of Decap CMS 3.14 send by REST with the editorial workflow, up
  to 20 requests at once where that program sends them together. Its load asks for the last change of each file,
  and its list reads each draft. Left out is what the rest of it adds: signing in, listing the media folders,
  waiting for previews, the CORS preflights of a browser, and what is said below.
- **Loading again** is done by a caller that kept the files; copydesk asks whether the branch has moved.
- **Bytes** are those of bodies, uncompressed but for archives, which are small here because the texts repeat
  themselves. Headers add half a kilobyte to each request here, and more at a forge.
- **Times** are medians of ratios in the same round. The simulator answers 12 requests at once; its delay stands
  for the network, and nothing stands for the time that a forge takes itself."""


@attrs.frozen
class Scale:
    """How much is done: files of the sites that are counted, and of those that are timed, by who loads them."""

    counted: Collection[int]
    timed: Mapping[Pace, Collection[int]]
    rounds: int
    #: Whether those who wait do the work with all their waits, in the first round.
    patient: bool
    #: Seconds that every request waits at the simulator.
    delays: Collection[float]


FULL: Final = Scale(
    counted=(100, 1000),
    timed={Pace.AT_ONCE: (10, 100, 1000), Pace.ONE_BY_ONE: (10, 100), Pace.WAITING: (10,)},
    rounds=2,
    patient=True,
    delays=(0.0, 0.05),
)
QUICK: Final = Scale(
    counted=(100,),
    timed={Pace.AT_ONCE: (5, 100), Pace.ONE_BY_ONE: (5,), Pace.WAITING: (5,)},
    rounds=1,
    patient=False,
    delays=(0.02,),
)


def timed(bench: Bench, served: Served, scale: Scale) -> Iterator[list[Outcome]]:
    """Do the rounds; who waits a minute takes part in the first one only."""
    for number in range(scale.rounds):
        loading = bench.counted if number else bench.sides
        working = bench.sides if scale.patient and not number else bench.counted
        load = {side: {min(count, bench.most) for count in scale.timed[side.pace]} for side in loading}
        yield list(play(served, working, load=load))


def report(bench: Bench, served: Served, scale: Scale) -> Iterator[str]:
    """Give the section of a forge."""
    counted = list(play(served, bench.counted, load=dict.fromkeys(bench.counted, scale.counted)))
    yield f"## {bench.name}"
    yield f"### Counted, exactly\n\n{counts(counted, bench.counted)}"
    for delay in scale.delays:
        # It takes minutes.
        print(f"timing {bench.name} at {delay * 1000:.0f} ms …", file=sys.stderr, flush=True)
        served.simulator.delay = delay
        late = f"each request {delay * 1000:.0f} ms late" if delay else "without any delay"
        yield f"### Timed, {late}\n\n{seconds(list(timed(bench, served, scale)), bench.sides)}"


def sections(scale: Scale) -> Iterator[str]:
    for bench in _BENCHES:
        with (
            tempfile.TemporaryDirectory(prefix="copydesk-benchmarks-") as folder,
            bench.served(Path(folder)) as served,
        ):
            yield from report(bench, served, scale)
    notes = (bench.notes for bench in _BENCHES if bench.notes)
    yield "\n".join(("## What is compared\n", _NOTES, *notes))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.requests", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer files and rounds, about a minute")
    parser.add_argument("--write", action="store_true", help="also keep the tables in benchmarks/results/")
    given = parser.parse_args()
    command = " ".join(["python -m benchmarks.requests", *sys.argv[1:]])
    libraries = dict.fromkeys(bench.library for bench in _BENCHES)
    parts = (conditions(command, "requests", *libraries), *sections(QUICK if given.quick else FULL))
    text = "\n\n".join(parts) + "\n"
    print(text)
    if given.write:
        _RESULTS.parent.mkdir(exist_ok=True)
        _RESULTS.write_text(f"# Requests to forges\n\n{text}", encoding="utf-8")


if __name__ == "__main__":
    main()
