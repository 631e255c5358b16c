"""A commit as a patch of git, which says exactly what each path becomes, with its mode (git-apply(1))."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Iterator, Mapping
from typing import Final

from copydesk.blobs import blob_sha
from copydesk.changes import touched_paths
from copydesk.lfs import read_pointer
from copydesk.models import Change, Delete, Mode, Move, NewCommit, Put

__all__ = ["needs_patch", "write_patch"]

_NOTHING: Final = "0" * 40
#: Bytes in a line of a binary patch.
_LINE: Final = 52
_ESCAPED: Final = {0x22: '\\"', 0x5C: "\\\\", 0x09: "\\t"}


def needs_patch(commit: NewCommit, contents: Mapping[str, bytes]) -> bool:
    """Tell whether a commit holds what the contents interface cannot do, or does in its own way.

    It makes plain files alone and refuses to touch a symlink; it refuses a file where a folder is that goes in
    the same commit; and of what ``.gitattributes`` track it makes an object of LFS, be it a pointer already.

    :param contents: the bytes of what is moved and not edited, by its old path.
    """
    return (
        any(map(_is_wrapped, contents.values()))
        or any(map(_is_special, commit.changes))
        or _trades_places(commit)
    )


def _is_special(change: Change) -> bool:
    if isinstance(change, Delete):
        return False
    path = change.to if isinstance(change, Move) else change.path
    if path.rpartition("/")[2] == ".gitattributes":
        return True
    old, new = change.replaces.mode if change.replaces else None, _mode(change)
    if Mode.SYMLINK in {old, new} or (old is None and new is not Mode.FILE):
        return True
    return change.content is not None and _is_wrapped(change.content)


def _is_wrapped(content: bytes) -> bool:
    """Tell whether Gitea makes another file of it where it is tracked: a pointer, or nothing at all."""
    return not content or read_pointer(content) is not None


def _mode(change: Put | Move) -> Mode:
    return change.written_mode if isinstance(change, Put) else change.replaces.mode


def _trades_places(commit: NewCommit) -> bool:
    gone = {change.path for change in commit.changes if not isinstance(change, Put)}
    there = touched_paths(commit.changes) - gone
    above = {folder for path in there | gone for folder in _folders(path)}
    return not above.isdisjoint(there | gone)


def _folders(path: str) -> Iterator[str]:
    parts = path.split("/")
    return ("/".join(parts[:depth]) for depth in range(1, len(parts)))


def write_patch(commit: NewCommit, contents: Mapping[str, bytes]) -> str:
    """Write the patch of a commit.

    Every part names the blob that it replaces, and git refuses the whole where one of them is another.

    :param contents: as for :func:`needs_patch`.
    """
    return "".join(part for change in commit.changes for part in _parts(change, contents))


def _parts(change: Change, contents: Mapping[str, bytes]) -> Iterator[str]:
    if isinstance(change, Put):
        old = change.replaces.blob_sha if change.replaces else None
        yield _part(change.path, old, change.content, change.written_mode)
        return
    yield _part(change.path, change.replaces.blob_sha, None, change.replaces.mode)
    if isinstance(change, Move):
        content = contents[change.path] if change.content is None else change.content
        yield _part(change.to, None, content, change.replaces.mode)


def _part(path: str, old: str | None, content: bytes | None, mode: Mode) -> str:
    lines = [f"diff --git {_named('a', path)} {_named('b', path)}"]
    new = _NOTHING if content is None else blob_sha(content)
    index = f"index {old or _NOTHING}..{new}"
    if old is None:
        lines += [f"new file mode {mode.value}", index]
    elif content is None:
        lines += [f"deleted file mode {mode.value}", index]
    else:
        lines += [f"{index} {mode.value}"]
    return "\n".join([*lines, "GIT binary patch", *_literal(content or b""), "", ""])


def _named(side: str, path: str) -> str:
    """Name a path as git does where it holds anything out of the ordinary."""
    return f'"{side}/{"".join(map(_letter, path.encode()))}"'


def _letter(byte: int) -> str:
    if byte in _ESCAPED:
        return _ESCAPED[byte]
    return chr(byte) if 0x20 <= byte < 0x7F else f"\\{byte:03o}"


def _literal(content: bytes) -> Iterator[str]:
    yield f"literal {len(content)}"
    packed = zlib.compress(content)
    for start in range(0, len(packed), _LINE):
        line = packed[start : start + _LINE]
        length = chr(ord("A") - 1 + len(line)) if len(line) <= 26 else chr(ord("a") - 27 + len(line))
        yield length + base64.b85encode(line, pad=True).decode()
