"""Trees: listing, reading, editing, and who changed what last."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import attrs
import pygit2
from copydesk.errors import ConflictError, InvalidPathError, NotFoundError
from copydesk.models import Change, Delete, FileVersion, Mode, Move, Put, TreeEntry

__all__ = ["edit_tree", "find", "list_tree", "tree_changes", "version_of", "walk_changes"]

_TYPE: Final = 0o170000
_TREE: Final = 0o040000
_SUBMODULE: Final = 0o160000
_MODES: Final = {0o120000: Mode.SYMLINK, _SUBMODULE: Mode.SUBMODULE}


def mode_of(filemode: int) -> Mode:
    """Read git's file mode; old repositories also hold 100664."""
    return _MODES.get(filemode & _TYPE) or (Mode.EXECUTABLE if filemode & 0o100 else Mode.FILE)


def name_of(entry: pygit2.Object) -> str:
    """Give the name of a tree entry; bytes that are not UTF-8 become surrogates and back."""
    return (entry.raw_name or b"").decode("utf-8", "surrogateescape")


def version_of(entry: pygit2.Object) -> FileVersion:
    """Give the version of a tree entry."""
    return FileVersion(str(entry.id), mode_of(entry.filemode))


def find(tree: pygit2.Tree, path: str) -> pygit2.Object | None:
    """Give the entry at *path*, a folder too, or None."""
    entry: pygit2.Object = tree
    for segment in path.split("/") if path else ():
        # An entry that is there and cannot be read raises: it is damaged and not absent.
        if not isinstance(entry, pygit2.Tree) or segment not in entry:
            return None
        entry = entry[segment]
    return entry


def list_tree(tree: pygit2.Tree, folder: str) -> Iterator[TreeEntry]:
    """List every file below, at any depth; submodules are no files."""
    start = f"{folder}/" if folder else ""
    for entry in tree:
        filemode = int(entry.filemode)  # an enum.IntFlag is slow to compare
        path = start + name_of(entry)
        if isinstance(entry, pygit2.Tree):
            yield from list_tree(entry, path)
        elif filemode != _SUBMODULE:
            yield TreeEntry(path, None, FileVersion(str(entry.id), mode_of(filemode)))


def files_in(folder: pygit2.Object | None) -> dict[str, FileVersion]:
    """Give the files right in a folder by name; empty where there is no such folder."""
    if not isinstance(folder, pygit2.Tree):
        return {}
    blobs = (entry for entry in folder if isinstance(entry, pygit2.Blob))
    return {name_of(entry): version_of(entry) for entry in blobs}


# -- editing ------------------------------------------------------------------------------------------


@attrs.define
class _Node:
    """What happens at one path of the tree, and below it."""

    write: tuple[pygit2.Oid, int] | None = None
    remove: bool = False
    below: dict[str, _Node] = attrs.field(factory=dict)

    def at(self, path: str) -> _Node:
        node = self
        for segment in path.split("/"):
            node = node.below.setdefault(segment, _Node())
        return node


def edit_tree(
    git: pygit2.Repository, tree: pygit2.Tree, changes: Iterable[Change], branch: str
) -> tuple[pygit2.Oid, Mapping[str, FileVersion]]:
    """Write the tree with all changes made, each against the version it replaces.

    :returns: the tree, and the versions of what was written.
    :raises ConflictError: a file is not the version named, or a file and a folder want one path.
    """
    changes = tuple(changes)
    _check_versions(tree, changes, branch)
    root = _Node()
    versions: dict[str, FileVersion] = {}
    for change in changes:
        if isinstance(change, Delete | Move):
            root.at(change.path).remove = True
        if isinstance(change, Put | Move):
            path, version = _written(git, change)
            _check_writable(path)
            root.at(path).write = (pygit2.Oid(hex=version.blob_sha or ""), int(version.mode, 8))
            versions[path] = version
    return _built(git, tree, root, "", branch) or git.TreeBuilder().write(), versions


def _written(git: pygit2.Repository, change: Put | Move) -> tuple[str, FileVersion]:
    if isinstance(change, Put):
        mode = change.written_mode
        return change.path, FileVersion(str(git.create_blob(change.content)), mode)
    if change.content is None:
        return change.to, FileVersion(change.replaces.blob_sha, change.replaces.mode)
    return change.to, FileVersion(str(git.create_blob(change.content)), change.replaces.mode)


def _check_writable(path: str) -> None:
    try:
        path.encode()
    except UnicodeEncodeError as exc:
        raise InvalidPathError(
            f"the path {path!r} is not UTF-8: such a file can be read and deleted here, but not written",
            path=path,
        ) from exc


def _check_versions(tree: pygit2.Tree, changes: tuple[Change, ...], branch: str) -> None:
    expected: dict[str, FileVersion | None] = {change.path: change.replaces for change in changes}
    expected.update((change.to, None) for change in changes if isinstance(change, Move))
    there = {path: _version_at(tree, path) for path in expected}
    wrong = {path: now for path, now in there.items() if not _same(now, expected[path])}
    if not wrong:
        return
    facts = "; ".join(_fact(path, expected[path], now) for path, now in wrong.items())
    raise ConflictError(
        f"the change does not fit branch {branch!r}: {facts}; read what is there now, merge your edit into it "
        "and save again",
        branch=branch,
        paths=wrong,
        versions=wrong,
    )


def _version_at(tree: pygit2.Tree, path: str) -> FileVersion | None:
    entry = find(tree, path)
    return None if entry is None or isinstance(entry, pygit2.Tree) else version_of(entry)


def _same(now: FileVersion | None, expected: FileVersion | None) -> bool:
    return now.same_as(expected) if now is not None else expected is None


def _fact(path: str, expected: FileVersion | None, now: FileVersion | None) -> str:
    if now is None:
        return f"{path!r} is gone"
    return f"{path!r} {'was changed since it was read' if expected else 'exists already'}"


def _built(
    git: pygit2.Repository, tree: pygit2.Tree | None, node: _Node, folder: str, branch: str
) -> pygit2.Oid | None:
    """Write one folder; None where nothing is left in it."""
    builder = git.TreeBuilder(tree) if tree is not None else git.TreeBuilder()
    for name, child in node.below.items():
        path = f"{folder}/{name}" if folder else name
        there = _entry(tree, name)
        made = _merged(git, there, child, path, branch)
        if made is not None:
            builder.insert(name, *made)
        elif there is not None:
            builder.remove(name)
    return builder.write() if len(builder) else None


def _entry(tree: pygit2.Tree | None, name: str) -> pygit2.Object | None:
    return tree[name] if tree is not None and name in tree else None


def _merged(
    git: pygit2.Repository, there: pygit2.Object | None, node: _Node, path: str, branch: str
) -> tuple[pygit2.Oid, int] | None:
    """Give what stands at one path afterwards: a file, a folder, or None."""
    folder = there if isinstance(there, pygit2.Tree) else None
    kept = (there.id, there.filemode) if there is not None and folder is None and not node.remove else None
    below = (folder.id, _TREE) if folder is not None else None
    if node.below:
        built = _built(git, folder, node, path, branch)
        below = (built, _TREE) if built is not None else None
    file = node.write or kept
    if file is not None and below is not None:
        raise ConflictError(
            f"the change does not fit branch {branch!r}: {path!r} would be a file and a folder; "
            "move one of them out of the way",
            branch=branch,
            paths=(path,),
        )
    return file or below


# -- history ------------------------------------------------------------------------------------------


def tree_changes(old: pygit2.Tree | None, new: pygit2.Tree | None, folder: str = "") -> Iterator[str]:
    """List the paths of files that differ; equal folders are not looked into."""
    before = {entry.raw_name: entry for entry in old} if old is not None else {}
    after = {entry.raw_name: entry for entry in new} if new is not None else {}
    for raw in before.keys() | after.keys():
        one, two = before.get(raw), after.get(raw)
        if one is not None and two is not None and one.id == two.id and one.filemode == two.filemode:
            continue
        path = folder + (raw or b"").decode("utf-8", "surrogateescape")
        trees = [side if isinstance(side, pygit2.Tree) else None for side in (one, two)]
        if trees != [None, None]:
            yield from tree_changes(trees[0], trees[1], f"{path}/")
        if any(side is not None and not isinstance(side, pygit2.Tree) for side in (one, two)):
            yield path


def walk_changes(
    start: pygit2.Commit, paths: Iterable[str], *, once: bool
) -> Iterator[tuple[pygit2.Commit, frozenset[str]]]:
    """Walk back from *start*, giving each commit that changed some of the paths, and which; newest first.

    A path that a parent has as the commit has it was not changed by the commit and is followed into the first
    such parent only, as ``git log`` does. With *once* it is not followed behind the first commit that changed
    it.
    """
    frontier = _Frontier()
    frontier.add(start, set(paths))
    while frontier.queue:
        commit, left = frontier.pop()
        for parent in commit.parents:
            same = left - _differing(parent, commit, left)
            frontier.add(parent, same)
            left -= same
        changed = frozenset(path for path in left if commit.parents or find(commit.tree, path) is not None)
        if not changed:
            continue
        yield commit, changed
        if not once:
            for parent in commit.parents:
                frontier.add(parent, set(changed))


@attrs.define
class _Frontier:
    """Commits that are still to be looked at, newest first, each with the paths that lead to it."""

    queue: list[tuple[int, int, pygit2.Commit]] = attrs.field(factory=list)
    paths: dict[pygit2.Oid, set[str]] = attrs.field(factory=dict)
    #: What each commit was looked at for: clocks that were wrong can lead to one twice.
    seen: dict[pygit2.Oid, set[str]] = attrs.field(factory=dict)
    count: int = 0

    def add(self, commit: pygit2.Commit, paths: set[str]) -> None:
        fresh = paths - self.seen.get(commit.id, set())
        if not fresh:
            return
        if commit.id not in self.paths:
            self.count += 1  # commits of one second, in the order they were met
            heapq.heappush(self.queue, (-commit.commit_time, self.count, commit))
        self.paths.setdefault(commit.id, set()).update(fresh)

    def pop(self) -> tuple[pygit2.Commit, set[str]]:
        commit = heapq.heappop(self.queue)[2]
        paths = self.paths.pop(commit.id)
        self.seen.setdefault(commit.id, set()).update(paths)
        return commit, paths


def _differing(one: pygit2.Commit, two: pygit2.Commit, paths: set[str]) -> set[str]:
    """Give those of the paths that differ between two commits; a path may be a folder."""
    if one.tree.id == two.tree.id or not paths:
        return set()
    found = set()
    for path in tree_changes(one.tree, two.tree):
        if path in paths:
            found.add(path)
        while "/" in path:
            path = path.rpartition("/")[0]  # noqa: PLW2901 - climbing
            if path in paths:
                found.add(path)
    return found


def require_file(entry: pygit2.Object | None, path: str, commit_sha: str) -> pygit2.Blob:
    """Give the blob at a path.

    :raises NotFoundError: nothing there, or a folder or submodule.
    """
    if isinstance(entry, pygit2.Blob):
        return entry
    there = "is a submodule" if entry is not None and entry.filemode == _SUBMODULE else "is a folder"
    kind = "is not there" if entry is None else there
    raise NotFoundError(f"{path!r} {kind} at commit {commit_sha[:12]}")
