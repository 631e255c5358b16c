"""Listings of commits, out of their trees and those that are known already."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import attrs
from dulwich.objects import parse_tree

from copydesk.blobs import tree_objects
from copydesk.errors import ProtocolError
from copydesk.git._pkt import Remote
from copydesk.models import FileVersion, Mode, TreeEntry
from copydesk.ways import Listing

__all__ = ["Trees", "known_trees"]

_TYPE: Final = 0o170000
_FOLDER: Final = 0o040000
_EXECUTABLE: Final = 0o100
_KINDS: Final = {0o120000: Mode.SYMLINK, 0o160000: Mode.SUBMODULE}
#: The tree without files, which servers may leave out.
_EMPTY: Final = {"4b825dc642cb6eb9a060e54bf8d69288fbee4904": b""}
#: Folders in one another; deeper ones are nobody's site.
_DEPTH: Final = 400


def known_trees(listings: Iterable[tuple[TreeEntry, ...]]) -> dict[str, bytes]:
    """Give all trees of listings, as git has them, by their shas."""
    found = dict(_EMPTY)
    for entries in listings:
        found |= tree_objects({entry.path: entry.version for entry in entries})
    return found


@attrs.define(eq=False)
class Trees:
    """Gathers commits and trees as they come, until the listings of all that are wanted can be made.

    :param known: trees that need not come.
    :param marks_commits: versions name the commit that is listed.
    """

    wanted: tuple[str, ...]
    known: Mapping[str, bytes]
    remote: Remote
    marks_commits: bool = False
    _roots: dict[str, str] = attrs.field(factory=dict, init=False)
    _trees: dict[str, bytes] = attrs.field(factory=dict, init=False)
    _missing: set[str] = attrs.field(factory=set, init=False)
    _needed: set[str] = attrs.field(factory=set, init=False)
    _listed: dict[tuple[str, str, str | None], tuple[TreeEntry, ...]] = attrs.field(factory=dict, init=False)

    def add_commit(self, sha: str, content: bytes) -> None:
        """Note a commit that came."""
        if sha in self.wanted:
            root = content.partition(b"\n")[0].removeprefix(b"tree ").decode("ascii", "replace")
            self._roots[sha] = root
            self._need(root)

    def add_tree(self, sha: str, content: bytes) -> None:
        """Note a tree that came."""
        self._trees[sha] = content
        if sha in self._missing:
            self._missing.remove(sha)
            self._needed.remove(sha)
            self._need(sha)

    def get(self, sha: str) -> bytes | None:
        """Give a tree, None where it has not come."""
        content = self._trees.get(sha)
        return self.known.get(sha) if content is None else content

    @property
    def is_complete(self) -> bool:
        """Whether nothing is missing."""
        return not self._missing and len(self._roots) == len(self.wanted)

    def listings(self) -> Iterator[Listing]:
        """List every wanted commit.

        :raises ProtocolError: some of it has not come.
        """
        if not self.is_complete:
            absent = next((sha for sha in self.wanted if sha not in self._roots), None)
            what = f"commit {absent}" if absent else f"folder {min(self._missing)}"
            raise ProtocolError(
                f"git at {self.remote.name} ({self.remote.address}) left out {what}; read in another way"
            )
        for sha in self.wanted:
            mark = sha if self.marks_commits else None
            entries = self._entries("", self._roots[sha], mark)
            yield Listing(sha, "", tuple(sorted(entries, key=lambda entry: entry.path)))

    def _need(self, root: str) -> None:
        """Find out which trees below one have not come."""
        todo = [root]
        while todo:
            sha = todo.pop()
            if sha in self._needed:
                continue
            self._needed.add(sha)
            content = self.get(sha)
            if content is None:
                self._missing.add(sha)
            else:
                todo += [below for _, mode, below in self._parsed(content) if mode & _TYPE == _FOLDER]

    def _entries(self, prefix: str, sha: str, mark: str | None) -> tuple[TreeEntry, ...]:
        """List what is below a folder; drafts have most folders in common, and share their entries."""
        key = (prefix, sha, mark)
        if key not in self._listed:
            self._listed[key] = tuple(self._below(prefix, sha, mark))
        return self._listed[key]

    def _below(self, prefix: str, sha: str, mark: str | None) -> Iterator[TreeEntry]:
        if prefix.count("/") > _DEPTH:
            raise self.remote.unlike(f"more than {_DEPTH} folders in one another")
        for name, mode, below in self._parsed(self.get(sha) or b""):
            path = f"{prefix}{name}"
            if mode & _TYPE == _FOLDER:
                yield from self._entries(f"{path}/", below, mark)
            else:
                yield TreeEntry(path, None, FileVersion(below, _mode(mode), mark))

    def _parsed(self, content: bytes) -> list[tuple[str, int, str]]:
        try:
            return [
                (name.decode("utf-8", "surrogateescape"), mode, sha.decode())
                for name, mode, sha in parse_tree(content, 20)
            ]
        except Exception as exc:  # dulwich raises its own error, or ValueError
            raise self.remote.unlike("a damaged folder") from exc


def _mode(mode: int) -> Mode:
    """Give what a file is; old repositories have modes such as 100664."""
    plain = Mode.EXECUTABLE if mode & _EXECUTABLE else Mode.FILE
    return _KINDS.get(mode & _TYPE, plain)
