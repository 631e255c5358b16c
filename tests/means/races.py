"""Two writers who commit to one branch in the same moment, and what git has of it in the end."""

from __future__ import annotations

import threading

import attrs
from copydesk import ConflictError, Repository
from copydesk.blobs import blob_sha
from copydesk.models import NewCommit, Put
from simulators.store import Repository as Stored

__all__ = ["FILES", "Writer", "race", "replaced_in_git"]

FILES = {"a.md": b"a\n", "b.md": b"b\n", "c.md": b"c\n"}


@attrs.define
class Writer:
    """Reads a file, waits for the others, and commits; notes what became of it."""

    repository: Repository
    path: str
    name: str
    refused: int = 0
    #: What was reported to be lost, and what was meant to be replaced, each by the blob that was written.
    told: dict[str, set[str]] = attrs.field(factory=dict)
    intended: dict[str, str] = attrs.field(factory=dict)

    def write(self, number: int, meet: threading.Barrier) -> None:
        head = self.repository.get_branch("main").commit_sha
        version = self.repository.read_file(head, self.path).version
        content = f"{self.name} {number}\n".encode()
        self.intended[blob_sha(content)] = str(version.blob_sha)
        commit = NewCommit("main", head, (Put(self.path, content, version),), f"{self.name} {number}")
        meet.wait(timeout=20)
        try:
            self.repository.commit_changes(commit)
        except ConflictError as exc:
            if exc.committed:
                self.told[blob_sha(content)] = {str(each.blob_sha) for each in exc.lost.values()}
            else:
                self.refused += 1


def race(first: Repository, second: Repository, paths: tuple[str, str], rounds: int) -> tuple[Writer, Writer]:
    """Let both write so many times."""
    writers = (Writer(first, paths[0], "one"), Writer(second, paths[1], "two"))
    for number in range(rounds):
        meet = threading.Barrier(2)
        threads = [threading.Thread(target=writer.write, args=(number, meet)) for writer in writers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return writers


def replaced_in_git(stored: Stored, path: str) -> dict[str, str]:
    """Give what each version of a file on main replaced, newest first."""
    found, commit = {}, stored.git[stored.head("main")]
    while commit.parents:
        now, before = (str(each.tree[path].id) for each in (commit, commit.parents[0]))
        if now != before:
            found[now] = before
        commit = commit.parents[0]
    return found
