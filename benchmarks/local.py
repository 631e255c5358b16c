"""What committing and reading cost on disk, next to pygit2 alone."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path

import pygit2
from copydesk import NewCommit, Put, Repository, User, open_repository
from copydesk.models import File, FileVersion

from benchmarks.measure import Figure, compare, timed
from benchmarks.raw import RawBranch, read_all
from benchmarks.sites import BRANCHES, FILES, FOLDERS, path_of, text

__all__ = ["figures"]

_MESSAGE = "Edit three entries"
_PER_FOLDER = FILES // FOLDERS


class Edits:
    """Three files to be written at each call: never the same content twice, and the same paths for all."""

    def __init__(self, side: str, *, folders: int) -> None:
        self._filler = text(side)
        self._numbers = itertools.count()
        self._step = _PER_FOLDER if folders == 3 else 1

    def __call__(self) -> Mapping[str, bytes]:
        number = next(self._numbers)
        first = number * 4 * self._step  # a folder holds a multiple of four: three stay together
        paths = (path_of((first + which * self._step) % FILES) for which in range(3))
        return {path: b"%d %s\n%s" % (number, path.encode(), self._filler) for path in paths}


class OurBranch:
    """A branch that is committed to through the facade, on the head and the versions that are known."""

    def __init__(self, repository: Repository, name: str) -> None:
        self._repository = repository
        self._name = name
        self._author = User("author", "A. Author", "author@example.org")
        self._head = repository.get_branch(name).commit_sha
        self._versions: dict[str, FileVersion] = {
            entry.path: entry.version for entry in repository.list_files(self._head)
        }

    def commit(self, files: Mapping[str, bytes], message: str) -> None:
        changes = tuple(Put(path, content, self._versions[path]) for path, content in files.items())
        made = self._repository.commit_changes(
            NewCommit(self._name, self._head, changes, message, self._author)
        )
        self._head = made.commit_sha
        self._versions.update(made.versions)


def figures(site: Path, kind: str, *, commits: int, reads: int) -> Iterator[Figure]:
    """Measure on one repository; *kind* names it."""
    with open_repository("local", repo=str(site)) as repository:
        git = pygit2.Repository(str(site))
        main = repository.get_branch("main").commit_sha
        oid = pygit2.Oid(hex=main)
        if [(file.path, file.content) for file in read_everything(repository, main)] != read_all(git, oid):
            raise AssertionError("the two sides do not read the same; what they take cannot be compared")
        yield compare(
            f"list and read {FILES:,} files, {kind} / pygit2 alone",
            timed(lambda: read_everything(repository, main)),
            timed(lambda: read_all(git, oid)),
            rounds=reads,
            limit=2,
        )
        for folders in (3, 1):
            yield _commits(repository, site, kind, folders=folders, rounds=commits)


def read_everything(repository: Repository, commit_sha: str) -> tuple[File, ...]:
    return repository.read_files(commit_sha, repository.list_files(commit_sha))


def _commits(repository: Repository, site: Path, kind: str, *, folders: int, rounds: int) -> Figure:
    ours, theirs = OurBranch(repository, BRANCHES[0]), RawBranch.open(str(site), BRANCHES[1])
    our_edits, their_edits = (Edits(f"{branch} {folders}", folders=folders) for branch in BRANCHES)
    return compare(
        f"commit 3 files in {folders} folder{'s' * (folders > 1)}, {kind} / pygit2 alone",
        timed(lambda: ours.commit(our_edits(), _MESSAGE)),
        timed(lambda: theirs.commit(their_edits(), _MESSAGE)),
        rounds=rounds,
        limit=2,
    )
