"""Letting all who read a forge take turns, each in a process of its own, and seeing that they read it."""

from __future__ import annotations

import shutil
import statistics
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from benchmarks.reading.cases import Case, Scale
from benchmarks.reading.environments import Environment
from benchmarks.reading.processes import ClientError, Server, read_with
from benchmarks.reading.sides import Side
from benchmarks.reading.traffic import Traffic
from benchmarks.requests.sites import TOKEN

__all__ = ["Field", "Outcome", "Run"]


@attrs.frozen
class Run:
    """What one load took its client: seconds, seconds of its processor, bytes of memory over its idle process."""

    seconds: float
    cpu: float
    peak: int
    traffic: Traffic


@attrs.frozen
class Outcome:
    """The loads of one side; *failure* says why there are no more."""

    forge: str
    side: Side
    case: Case
    runs: tuple[Run, ...]
    failure: str = ""

    @property
    def seconds(self) -> float:
        return statistics.median(run.seconds for run in self.runs)

    @property
    def cpu(self) -> float:
        return statistics.median(run.cpu for run in self.runs)

    @property
    def peak(self) -> float:
        return statistics.median(run.peak for run in self.runs)

    @property
    def traffic(self) -> Traffic:
        """What was asked the last time."""
        return self.runs[-1].traffic

    @property
    def broken(self) -> tuple[str, ...]:
        """The limits of the forge that were not kept."""
        return tuple(dict.fromkeys(limit for run in self.runs for limit in run.traffic.broken))


@attrs.define(eq=False)
class Field:
    """A forge, and those who read it.

    :param pythons: the interpreters of the environments that could be made.
    :param folder: where caches are kept.
    """

    server: Server
    sides: Sequence[Side]
    pythons: Mapping[Environment, Path]
    folder: Path
    #: What a site gives in each of its states.
    _expected: dict[str, dict[int, str]] = attrs.field(factory=dict)
    #: The caches of a side that has read a site.
    _caches: dict[str, Path] = attrs.field(factory=dict)

    def play(self, case: Case, scale: Scale) -> Iterator[Outcome]:
        """Let everybody read once untimed, and then in turns."""
        self.know(case)
        taking = {side: scale.rounds_of(side, case) for side in self.sides if self._can(side)}
        runs: dict[Side, list[Run]] = {side: [] for side, rounds in taking.items() if rounds}
        failures: dict[Side, str] = {}
        for number in range(-int(scale.prepared), max(taking.values(), default=0)):
            for side, done in runs.items():
                if side in failures or number >= taking[side]:
                    continue
                try:
                    run = self.read(
                        side, attrs.evolve(case, delay=0.0) if number < 0 else case, first=number < 0
                    )
                except ClientError as exc:
                    failures[side] = str(exc)
                    continue
                if number >= 0:
                    done.append(run)
        for side, done in runs.items():
            yield Outcome(self.server.name, side, case, tuple(done), failures.get(side, ""))

    def _can(self, side: Side) -> bool:
        return side.environment is None or side.environment in self.pythons

    def know(self, case: Case) -> None:
        """Have the site of a case made."""
        if case.site in self._expected:
            return
        given: dict[str, Any] = {"name": case.site, "count": case.count}
        told = (
            self.server.ask("drafts", **given)
            if case.task == "drafts"
            else self.server.ask("entries", **given, changed=[1, 25])
        )
        self._expected[case.site] = {int(changed): expected for changed, expected in told.items()}

    def read(
        self, side: Side, case: Case, *, task: str = "", first: bool = False, refused: Sequence[str] = ()
    ) -> Run:
        """Let one side read.

        :param task: what its client is to do, where the case does not say that.
        :param first: nothing is timed yet.
        :param refused: classes of requests that the forge refuses.
        :raises ClientError: it did not, or it read something else.
        """
        options = [*side.options, *(side.first if first else ())]
        command = self._command(side, case.site, task or side.tasks[case.task], options)

        def begin() -> None:
            self.server.ask("point", name=case.site, changed=case.changed)
            self.server.begin(case.delay, refused)

        with tempfile.TemporaryDirectory(dir=self.folder) as cache:
            if side.ours and case.task == "warm":
                shutil.copytree(self.cache(side, case), cache, dirs_exist_ok=True)
            self.server.ask("point", name=case.site, changed=0)
            self.server.begin(0.0)
            environment = _cached(Path(cache)) if side.ours else {}
            found = read_with(command, self.folder, environment=environment, before=begin)
            traffic = self.server.end()
        if found["digest"] not in {self._expected[case.site][case.changed], ""} or not found["count"]:
            raise ClientError(f"it read {found['count']} files, and not those that are there")
        return Run(found["seconds"], found["cpu"], found["peak"], traffic)

    def cache(self, side: Side, case: Case) -> Path:
        """Give the folder that our cache is in when it has read the site of a case."""
        if case.site not in self._caches:
            kept = Path(tempfile.mkdtemp(dir=self.folder))
            self.server.ask("point", name=case.site, changed=0)
            self.server.begin(0.0)
            command = self._command(side, case.site, side.tasks["cold"], side.options)
            read_with(command, self.folder, environment=_cached(kept))
            self._caches[case.site] = kept
        return self._caches[case.site]

    def _command(self, side: Side, site: str, task: str, options: Iterable[str]) -> list[str]:
        return [
            str(self.pythons[side.environment]) if side.environment else sys.executable,
            *("-P", "-m", f"benchmarks.reading.clients.{side.module}", task),
            *("--url", self.server.url, "--token", TOKEN, "--repo", f"owner/{site}"),
            *(part for option in options for part in ("--option", option)),
        ]


def _cached(folder: Path) -> Mapping[str, str]:
    return {"COPYDESK_CACHE": "on", "COPYDESK_CACHE_DIR": str(folder)}
