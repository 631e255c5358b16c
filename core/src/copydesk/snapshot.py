"""Trees and comparisons that were seen, so that nothing is asked twice and nothing after our own commits.

What is at a commit never changes, so what is kept here is never stale; it is only bounded. Trees of our own
commits are worked out from those of their parents, when somebody asks.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Final, TypeVar

import attrs

from copydesk.errors import NotFoundError
from copydesk.models import (
    Change,
    ChangedFile,
    Commit,
    Comparison,
    Delete,
    File,
    FileVersion,
    Move,
    NewCommit,
    Put,
    TreeEntry,
)

if TYPE_CHECKING:
    from copydesk.store import BlobStore

__all__ = ["Snapshots", "Tree"]

#: How many commits are kept, with their trees.
COMMITS: Final = 32
#: How many comparisons are kept.
COMPARISONS: Final = 1000
#: Of how many files the commit that changed them last is kept.
LAST_COMMITS: Final = 20_000

K = TypeVar("K")
V = TypeVar("V")


@attrs.frozen(eq=False)
class Tree:
    """The files at one commit, asked for by folder when they are needed."""

    commit_sha: str
    _list: Callable[[str], tuple[TreeEntry, ...]] = attrs.field(repr=False)
    _compare: Callable[[str, str], Comparison] = attrs.field(repr=False)

    def find(self, path: str) -> TreeEntry | None:
        """Give the file at *path*, None where there is none.

        :raises NotFoundError: there is no such commit.
        """
        return next((entry for entry in self._list(path.rpartition("/")[0]) if entry.path == path), None)

    def has(self, path: str, version: FileVersion) -> bool:
        """Tell whether the file at *path* is that version.

        Where no blob tells it, what was changed since the commit as of which the version was read.
        """
        entry = self.find(path)
        if entry is None or entry.version.mode != version.mode:
            return False
        if entry.version.same_as(version) or (entry.version.blob_sha and version.blob_sha):
            return entry.version.same_as(version)
        try:
            return bool(version.last_commit_sha) and path not in self._changed_since(
                version.last_commit_sha or ""
            )
        except NotFoundError:  # it has nothing in common with that commit
            return False

    def _changed_since(self, commit_sha: str) -> frozenset[str]:
        since = self._compare(commit_sha, self.commit_sha)
        if since.merge_base_commit_sha == commit_sha:
            return since.paths
        return since.paths | self._compare(self.commit_sha, commit_sha).paths

    def below(self, folder: str) -> tuple[TreeEntry, ...]:
        """List the files below a folder."""
        return self._list(folder)

    def entries(self, paths: frozenset[str]) -> tuple[TreeEntry, ...]:
        """Give the files at some paths, in order; those that are not there are left out."""
        found = (self.find(path) for path in sorted(paths))
        return tuple(entry for entry in found if entry is not None)

    def versions(self, paths: frozenset[str]) -> dict[str, FileVersion]:
        """Give what the files at some paths are; those that are not there are left out."""
        return {entry.path: entry.version for entry in self.entries(paths)}


@attrs.frozen
class _Made:
    """How a commit of ours came about: its parent, and what each path became (None: removed)."""

    parent_commit_sha: str
    files: Mapping[str, TreeEntry | None]


@attrs.define(eq=False)
class Snapshots:
    """What is known of the commits of one repository; safe to use from threads.

    :param ask_files: lists the files of a commit below a folder.
    :param ask_comparison: compares two commits.
    :param enabled: False asks each time.
    :param store: keeps listings for other processes too; None: they end with this one.
    """

    ask_files: Callable[[str, str], tuple[TreeEntry, ...]]
    ask_comparison: Callable[[str, str], Comparison]
    enabled: bool = True
    store: BlobStore | None = attrs.field(default=None, repr=False)
    _listings: OrderedDict[str, dict[str, tuple[TreeEntry, ...]]] = attrs.field(
        factory=OrderedDict, repr=False
    )
    _made: OrderedDict[str, _Made] = attrs.field(factory=OrderedDict, repr=False)
    _comparisons: OrderedDict[tuple[str, str], Comparison] = attrs.field(factory=OrderedDict, repr=False)
    _last_commits: OrderedDict[tuple[str, FileVersion], str] = attrs.field(factory=OrderedDict, repr=False)
    _lock: threading.RLock = attrs.field(factory=threading.RLock, repr=False)

    # -- trees ----------------------------------------------------------------------------------------

    def tree(self, commit_sha: str) -> Tree:
        """Give the tree at a commit; nothing is asked for yet."""
        return Tree(commit_sha, lambda folder: self.list_files(commit_sha, folder), self._compare_plainly)

    def nearest(self, commit_sha: str) -> Tree:
        """Give the tree at a commit if it is known; else the one that was seen last, if any.

        For what seldom differs between commits, and is not worth a listing.
        """
        if not self.enabled or self.seen(commit_sha, "") is not None:
            return self.tree(commit_sha)
        with self._lock:
            known = (sha for sha in reversed(self._listings) if "" in self._listings[sha])
            return self.tree(next(known, commit_sha))

    def list_files(self, commit_sha: str, folder: str) -> tuple[TreeEntry, ...]:
        """List the files below a folder, in order of path."""
        known = self.seen(commit_sha, folder)
        if known is None:
            known = self.ask_files(commit_sha, folder)
            self.listed(commit_sha, folder, known)
        return known

    def seen(self, commit_sha: str, folder: str) -> tuple[TreeEntry, ...] | None:
        """Give the files below a folder as far as that is known, here or in the store; else None."""
        if not self.enabled:
            return None
        with self._lock:
            known = self._known(commit_sha, folder)
        if known is None and self.store is not None:
            for each in dict.fromkeys((folder, "")):
                kept = self.store.read_snapshot(commit_sha, each)
                if kept is not None:
                    self._learn(commit_sha, each, kept)
                    return kept if each == folder else _below(folder, kept)
        return known

    def listed(self, commit_sha: str, folder: str, entries: tuple[TreeEntry, ...]) -> None:
        """Learn the files below a folder, in order of path."""
        if self.enabled:
            self._learn(commit_sha, folder, entries)
            if self.store is not None:
                self.store.write_snapshot(commit_sha, folder, entries)

    def _learn(self, commit_sha: str, folder: str, entries: tuple[TreeEntry, ...]) -> None:
        with self._lock:
            known = {**self._listings.get(commit_sha, {}), folder: entries}
            _keep(self._listings, commit_sha, known, COMMITS)

    def _known(self, commit_sha: str, folder: str) -> tuple[TreeEntry, ...] | None:
        listings = self._listings.get(commit_sha, {})
        if folder in listings:
            self._listings.move_to_end(commit_sha)
            return listings[folder]
        for above in _folders_above(folder):
            if above in listings:
                return _below(folder, listings[above])
        made = self._made.get(commit_sha)
        before = self._known(made.parent_commit_sha, folder) if made is not None else None
        if made is None or before is None:
            return None
        files = {entry.path: entry for entry in before}
        start = f"{folder}/" if folder else ""
        for path, entry in made.files.items():
            if entry is None:
                files.pop(path, None)
            elif path.startswith(start):
                files[path] = entry
        after = tuple(sorted(files.values(), key=lambda entry: entry.path))
        _keep(self._listings, commit_sha, {**listings, folder: after}, COMMITS)
        return after

    def committed(self, commit: NewCommit, made: Commit) -> None:
        """Learn what a commit of ours made of the tree of its parent."""
        if len(made.parent_commit_shas) != 1:
            return
        files: dict[str, TreeEntry | None] = {}
        for change in commit.changes:
            if isinstance(change, Put):
                files[change.path] = _entry(change.path, len(change.content), made)
            elif isinstance(change, Delete):
                files[change.path] = None
            else:
                files[change.path] = None
                size = None if change.content is None else len(change.content)
                files[change.to] = _entry(change.to, size, made)
        written = {change.to if isinstance(change, Move) else change.path
                   for change in commit.changes if not isinstance(change, Delete)}  # fmt: skip
        if all(files[path] is not None for path in written):
            with self._lock:
                _keep(self._made, made.commit_sha, _Made(made.parent_commit_shas[0], files), COMMITS)

    # -- last commits ---------------------------------------------------------------------------------

    def told(self, files: Iterable[File]) -> None:
        """Learn which commit changed each file last, where the forge tells it with the bytes."""
        with self._lock:
            for file in files:
                version = file.version
                if self.enabled and version.blob_sha and version.last_commit_sha:
                    key = file.path, attrs.evolve(version, last_commit_sha=None)
                    _keep(self._last_commits, key, version.last_commit_sha, LAST_COMMITS)

    def with_last_commits(self, commit: NewCommit) -> NewCommit:
        """Name the last commit of what is replaced, where it was seen; a forge that is told checks it."""
        with self._lock:
            return attrs.evolve(commit, changes=map(self._with_last_commit, commit.changes))

    def _with_last_commit(self, change: Change) -> Change:
        version = change.replaces
        if version is None or version.last_commit_sha or not version.blob_sha:
            return change
        known = self._last_commits.get((change.path, version))
        return (
            attrs.evolve(change, replaces=attrs.evolve(version, last_commit_sha=known)) if known else change
        )

    # -- comparisons ----------------------------------------------------------------------------------

    def compare(self, base_commit_sha: str, head_commit_sha: str) -> Comparison:
        """Tell what the head changed since it left the base, with the versions of its files."""
        key = (base_commit_sha, head_commit_sha)
        if not self.enabled:
            return self._completed(head_commit_sha, self.ask_comparison(*key))
        if base_commit_sha == head_commit_sha:
            return Comparison(base_commit_sha, ())
        with self._lock:
            known = self._comparisons.get(key)
        if known is None:
            known = self._derived(*key) or self._completed(head_commit_sha, self.ask_comparison(*key))
            with self._lock:
                _keep(self._comparisons, key, known, COMPARISONS)
        return known

    def _compare_plainly(self, base: str, head: str) -> Comparison:
        """Compare without completing the versions of files, which takes the listing that is asked about."""
        with self._lock:
            known = self._comparisons.get((base, head)) if self.enabled else None
        return known or self.ask_comparison(base, head)

    def _derived(self, base: str, head: str) -> Comparison | None:
        """Work out the comparison with a commit of ours from that with its parent."""
        with self._lock:
            made = self._made.get(head)
            if made is None:
                return None
            parent = made.parent_commit_sha
            before = Comparison(base, ()) if parent == base else self._comparisons.get((base, parent))
        # With a parent that the base contains, the commit itself may be in the base too.
        if before is None or (before.merge_base_commit_sha == parent and parent != base):
            return None
        start, end = self.tree(before.merge_base_commit_sha), self.tree(head)
        files = (_changed(path, start, end) for path in sorted(before.paths | made.files.keys()))
        return Comparison(before.merge_base_commit_sha, tuple(file for file in files if file is not None))

    def _completed(self, head: str, comparison: Comparison) -> Comparison:
        """Add the versions that a forge does not tell with its comparisons."""
        if all(file.version is not None or file.kind == "deleted" for file in comparison.files):
            return comparison
        tree = self.tree(head)
        return attrs.evolve(comparison, files=tuple(_with_version(file, tree) for file in comparison.files))


def _entry(path: str, size: int | None, made: Commit) -> TreeEntry | None:
    version = made.versions.get(path)
    return None if version is None else TreeEntry(path, size, version)


def _folders_above(folder: str) -> list[str]:
    """List the folders that hold *folder*, the nearest first, and "" at last."""
    parts = folder.split("/") if folder else []
    return ["/".join(parts[:depth]) for depth in range(len(parts) - 1, -1, -1)]


def _below(folder: str, entries: tuple[TreeEntry, ...]) -> tuple[TreeEntry, ...]:
    return tuple(entry for entry in entries if entry.path.startswith(f"{folder}/"))


def _changed(path: str, start: Tree, end: Tree) -> ChangedFile | None:
    before, after = start.find(path), end.find(path)
    if after is None:
        return None if before is None else ChangedFile(path, "deleted", None)
    if before is None:
        return ChangedFile(path, "added", after.version)
    return None if after.version.same_as(before.version) else ChangedFile(path, "modified", after.version)


def _with_version(file: ChangedFile, tree: Tree) -> ChangedFile:
    if file.kind == "deleted" or file.version is not None:
        return file
    entry = tree.find(file.path)
    return file if entry is None else attrs.evolve(file, version=entry.version)


def _keep(kept: OrderedDict[K, V], key: K, value: V, most: int) -> None:
    kept[key] = value
    kept.move_to_end(key)
    while len(kept) > most:
        kept.popitem(last=False)
