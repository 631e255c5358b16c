"""Large files of a repository: the object for its pointer where one reads, the pointer where one writes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import attrs

from copydesk.lfs._attributes import NAME, Attributes
from copydesk.lfs._pointer import LARGEST, Pointer, read_pointer
from copydesk.models import Change, Delete, File, Mode, Move, NewCommit, Put, TreeEntry
from copydesk.snapshot import Tree

__all__ = ["LargeFiles", "is_pointer"]


@attrs.define(eq=False)
class LargeFiles:
    """What LFS makes of what is read and written.

    :param tree: gives the tree of a commit, or one near it that is known already.
    :param read: reads a file of that tree as git has it.
    :param download: gives objects by path; *upload* stores bytes by path, and gives their pointers.
    """

    tree: Callable[[str], Tree]
    read: Callable[[str, TreeEntry], File]
    download: Callable[[Mapping[str, Pointer]], Mapping[str, bytes]]
    upload: Callable[[Mapping[str, bytes]], Mapping[str, Pointer]]
    _known: dict[object, bytes] = attrs.field(factory=dict, repr=False)

    def restored(self, commit_sha: str, files: tuple[File, ...]) -> tuple[File, ...]:
        """Give files with their objects in the place of pointers; a pointer that LFS does not track is a text."""
        pointers = {file.path: pointer for file in files if (pointer := _pointer_in(file)) is not None}
        if not pointers:
            return files
        attributes = self.attributes(commit_sha)
        tracked = {path: pointer for path, pointer in pointers.items() if attributes.track(path)}
        objects = self._objects(tracked) if tracked else {}
        return tuple(
            attrs.evolve(file, content=objects[file.path]) if file.path in objects else file for file in files
        )

    def _objects(self, pointers: Mapping[str, Pointer]) -> dict[str, bytes]:
        """Give objects by path, also those behind a pointer that somebody wrapped in another one."""
        large = {path: pointer for path, pointer in pointers.items() if pointer.size}
        found = dict.fromkeys(pointers.keys() - large.keys(), b"") | (
            dict(self.download(large)) if large else {}
        )
        inner = {
            path: pointer for path, content in found.items() if (pointer := read_pointer(content)) is not None
        }
        return found | (self._objects(inner) if inner else {})

    def stored(self, commit: NewCommit) -> NewCommit:
        """Give a commit of pointers, whose objects are uploaded; what is a pointer already stays as it is."""
        attributes = self.attributes(commit.parent_commit_sha, _written_attributes(commit.changes))
        if not attributes:
            return commit
        changes = tuple(
            self._moved(commit.parent_commit_sha, change, attributes) for change in commit.changes
        )
        large = {
            path: content
            for path, content in map(_written, changes)
            if content and _is_large(path, content, attributes)
        }
        pointers = self.upload(large) if large else {}
        return attrs.evolve(commit, changes=tuple(_pointed(change, pointers) for change in changes))

    def attributes(self, commit_sha: str, written: Mapping[str, bytes | None] | None = None) -> Attributes:
        """Read what is LFS's at a commit; *written* are ``.gitattributes`` that are about to be, None: removed."""
        tree = self.tree(commit_sha)
        there = {entry.path: entry for entry in tree.below("") if entry.path.rpartition("/")[2] == NAME}
        wanted = (entry for path, entry in there.items() if path not in (written or {}))
        files: dict[str, bytes | None] = {entry.path: self._content(tree, entry) for entry in wanted}
        files |= written or {}
        return Attributes.read({path: content for path, content in files.items() if content is not None})

    def _content(self, tree: Tree, entry: TreeEntry) -> bytes:
        key = entry.version.blob_sha or (tree.commit_sha, entry.path)
        if key not in self._known:
            self._known[key] = self.read(tree.commit_sha, entry).content
        return self._known[key]

    def _moved(self, commit_sha: str, change: Change, attributes: Attributes) -> Change:
        """Fill in the content of a file that moves into LFS, or out of it."""
        if not isinstance(change, Move) or change.content is not None:
            return change
        if attributes.track(change.path) == attributes.track(change.to):
            return change
        entry = TreeEntry(change.path, None, change.replaces)
        (file,) = self.restored(commit_sha, (self.read(commit_sha, entry),))
        return attrs.evolve(change, content=file.content)


def is_pointer(file: File) -> bool:
    """Whether the bytes of a file are a pointer, tracked or not."""
    return len(file.content) < LARGEST and _pointer_in(file) is not None


def _pointer_in(file: File) -> Pointer | None:
    return None if file.version.mode is Mode.SYMLINK else read_pointer(file.content)


def _written(change: Change) -> tuple[str, bytes | None]:
    """Give path and bytes of a file that is written; None where none are, or where it is a link."""
    if isinstance(change, Delete):
        return change.path, None
    if isinstance(change, Put):
        return change.path, None if change.written_mode is Mode.SYMLINK else change.content
    return change.to, None if change.replaces.mode is Mode.SYMLINK else change.content


def _is_large(path: str, content: bytes, attributes: Attributes) -> bool:
    """Whether bytes are to be LFS's; an empty file is its own pointer."""
    return read_pointer(content) is None and attributes.track(path)


def _pointed(change: Change, pointers: Mapping[str, Pointer]) -> Change:
    if isinstance(change, Delete):
        return change
    pointer = pointers.get(change.to if isinstance(change, Move) else change.path)
    return change if pointer is None else attrs.evolve(change, content=pointer.to_bytes())


def _written_attributes(changes: Iterable[Change]) -> dict[str, bytes | None]:
    """Give the ``.gitattributes`` that changes write, and those that they remove."""
    found: dict[str, bytes | None] = {}
    for change in changes:
        if isinstance(change, Delete | Move) and change.path.rpartition("/")[2] == NAME:
            found[change.path] = None
        path, content = _written(change)
        if content is not None and path.rpartition("/")[2] == NAME:
            found[path] = content
    return found
