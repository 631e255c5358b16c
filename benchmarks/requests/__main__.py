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
from benchmarks.requests.rounds import DECAP, GRAPHQL, INSTALLED, PYGITHUB, REST, Outcome, Side, play
from benchmarks.requests.sites import GitHub
from benchmarks.requests.tables import counts, seconds

_RESULTS: Final = Path(__file__).parents[1] / "results" / "requests.md"
_COUNTED: Final = (GRAPHQL, REST, PYGITHUB, DECAP)
_TIMED: Final = (REST, INSTALLED, PYGITHUB, DECAP)
#: Seconds that every request waits at the simulator.
_DELAYS: Final = (0.0, 0.05)

_NOTES: Final = """\
All work on one simulator of GitHub and begin signed in, with the base branch known, and go on with what their
own calls gave them. Their work is checked: each file that was loaded, and what the repository holds in the
end.

- **PyGithub** is used by somebody who keeps the objects that it gives. It waits 0.25 s between requests and 1 s
  between writes; to show the rest, it is timed without these waits too. What would take it minutes is
  counted, without them, and not timed.
- **Decap CMS, modelled** sends what the GitHub backend of Decap CMS 3.14 sends (REST, editorial workflow), up
  to 20 requests at once where that program sends them together. Left out is what the rest of it adds: 2
  requests before a creation, to see whether the name is free, and 5 after it; listing the media folders;
  waiting for previews; and the CORS preflights of a browser. Its list reads each draft, and its load asks for
  the last change of each file.
- **Loading again** is done by a caller that kept the files. copydesk asks whether the branch has moved and a
  browser whether the folder has changed (both 304); PyGithub gets the listing again.
- **Bytes** are those of bodies, uncompressed. Headers add half a kilobyte to each request here, and more at
  GitHub.
- **Times** are medians of ratios in the same round. The simulator answers 12 requests at once; its delay
  stands for the network, and nothing stands for the time that GitHub takes itself."""


@attrs.frozen
class Scale:
    """How much is done: files of the sites that are counted, and those that are timed, by who loads them."""

    counted: Collection[int]
    timed: Mapping[Side, Collection[int]]
    rounds: int
    #: Whether PyGithub does its work with all its waits, in the first round.
    patient: bool


FULL: Final = Scale(
    counted=(100, 1000),
    timed={
        GRAPHQL: (10, 100, 1000),
        REST: (10, 100, 1000),
        INSTALLED: (10,),
        PYGITHUB: (10, 100),
        DECAP: (10, 100, 1000),
    },
    rounds=2,
    patient=True,
)
QUICK: Final = Scale(
    counted=(100,),
    timed={GRAPHQL: (5, 100), REST: (5, 100), INSTALLED: (5,), PYGITHUB: (5,), DECAP: (5, 100)},
    rounds=1,
    patient=False,
)


def timed(github: GitHub, scale: Scale) -> Iterator[list[Outcome]]:
    """Do the rounds; what waits a minute takes part in the first one only."""
    for number in range(scale.rounds):
        load = {side: files for side, files in scale.timed.items() if side != INSTALLED or not number}
        work = (*_COUNTED, INSTALLED) if scale.patient and not number else _COUNTED
        yield list(play(github, work, load=load))


def report(github: GitHub, scale: Scale) -> Iterator[str]:
    counted = list(play(github, _COUNTED, load=dict.fromkeys(_COUNTED, scale.counted)))
    yield f"## Counted, exactly\n\n{counts(counted, _COUNTED)}"
    for delay in _DELAYS:
        print(f"timing at {delay * 1000:.0f} ms …", file=sys.stderr, flush=True)  # it takes minutes
        github.delay = delay
        title = (
            f"## Timed, each request {delay * 1000:.0f} ms late" if delay else "## Timed, without any delay"
        )
        yield f"{title}\n\n{seconds(list(timed(github, scale)), _TIMED)}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.requests", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer files and rounds, about half a minute")
    parser.add_argument("--write", action="store_true", help="also keep the tables in benchmarks/results/")
    given = parser.parse_args()
    command = " ".join(["python -m benchmarks.requests", *sys.argv[1:]])
    with (
        tempfile.TemporaryDirectory(prefix="copydesk-benchmarks-") as folder,
        GitHub.below(Path(folder)) as github,
    ):
        tables = "\n\n".join(report(github, QUICK if given.quick else FULL))
    text = f"{conditions(command, 'requests', 'PyGithub')}\n\n{tables}\n\n## What is compared\n\n{_NOTES}\n"
    print(text)
    if given.write:
        _RESULTS.parent.mkdir(exist_ok=True)
        _RESULTS.write_text(f"# Requests to GitHub\n\n{text}", encoding="utf-8")


if __name__ == "__main__":
    main()
