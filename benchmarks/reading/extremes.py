"""What is measured besides: memory of a stream, the processor of a warm load, and what the facade adds."""

from __future__ import annotations

import statistics
import sys
from pathlib import Path

import attrs
from copydesk import open_repository
from copydesk_local import LocalBackend, LocalOptions

from benchmarks import sites
from benchmarks.measure import Figure, compare, timed
from benchmarks.reading.cases import Case
from benchmarks.reading.measuring import Field
from benchmarks.reading.processes import ClientError, read_with
from benchmarks.reading.sides import Side

__all__ = ["Streamed", "facade", "stream", "warm_cpu"]

#: Of the facade: entries that are read together, and how often.
_ENTRIES = 1000
_READS = 101


@attrs.frozen
class Streamed:
    """The bytes of memory that streaming a site took over an idle process, and how it came."""

    peak: float
    archives: int


def stream(field: Field, side: Side, case: Case, rounds: int) -> Streamed:
    """Read a site without keeping anything, from a forge that refuses git."""
    field.know(case)
    runs = [field.read(side, case, task="stream", refused=("git",)) for _ in range(rounds)]
    archives = min(run.traffic.requests.get("archive", 0) for run in runs)
    return Streamed(statistics.median(run.peak for run in runs), archives)


def warm_cpu(field: Field, side: Side, case: Case, rounds: int) -> Figure:
    """Compare a warm load, unchanged, with reading the same rows from the same file by sqlite alone."""
    field.know(case)
    database = field.cache(side, case) / "blobs.sqlite"
    if not database.exists():
        raise ClientError(f"no {database.name} is in its cache")
    command = [sys.executable, "-P", "-m", "benchmarks.reading.clients.rows", "load"]
    command += ["--option", f"path={database}"]
    ours, theirs = [], []
    for _ in range(rounds):
        ours.append(field.read(side, case).cpu)
        theirs.append(float(read_with(command, field.folder)["cpu"]))
    return Figure(f"{case.name}, processor / its rows by sqlite alone", tuple(ours), tuple(theirs), 3)


def facade(folder: Path) -> Figure:
    """Compare reading entries that are known through the facade with the backend's own call, on disk."""
    site = sites.make_packed(sites.make_loose(folder / "loose.git"), folder / "packed.git")
    backend = LocalBackend.open(LocalOptions(repo=str(site)))
    with open_repository("local", repo=str(site)) as repository:
        head = repository.get_branch("main").commit_sha
        entries = repository.list_files(head)[:_ENTRIES]
        return compare(
            f"`read_files` of {_ENTRIES:,} entries / its method of the backend",
            timed(lambda: repository.read_files(head, entries)),
            timed(lambda: backend.read_files(head, entries)),
            rounds=_READS,
            limit=1.02,
        )
