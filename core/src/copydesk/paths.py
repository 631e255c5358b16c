"""Refusing paths, slugs and branch names that git or a forge cannot hold, before anything is sent."""

from __future__ import annotations

import re
from typing import Final

from copydesk.errors import InvalidPathError, InvalidSlugError

__all__ = ["check_branch", "check_folder", "check_path"]

# git-check-ref-format(1); the control characters are shown by name, the others as they are.
_REF_FORBIDDEN: Final = re.compile("[\\x00-\\x20\\x7f~^:?*\\[\\\\\ud800-\udfff]")
# What HFS+ drops from a name before it compares it with `.git` (git's own list, utf8.c).
_HFS_IGNORED: Final = re.compile("[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]")
# `.git`, and the short name that NTFS gives it; both drop dots and blanks at the end.
_DOT_GIT: Final = re.compile(r"(\.git|git~1)[ .]*(:.*)?", re.IGNORECASE | re.DOTALL)
_MAX_SEGMENT_BYTES: Final = 255


def check_path(path: str) -> str:
    """Return *path* if a site's tree can hold it.

    :raises InvalidPathError: empty, absolute, with `.`, `..`, `.git`, NUL, backslash or an empty segment, or
        with a segment over 255 bytes.
    """
    if not path:
        raise InvalidPathError("the path is empty; paths look like 'posts/hello.md'", path=path)
    if path.startswith("/"):
        raise InvalidPathError(
            f"the path {path!r} is absolute; paths are relative to the top of the repository", path=path
        )
    for character, name in (("\0", "a NUL"), ("\\", "a backslash")):
        if character in path:
            raise InvalidPathError(
                f"the path {path!r} holds {name}; segments are separated by '/' and nothing else", path=path
            )
    for segment in path.split("/"):
        _check_segment(segment, path)
    return path


def _check_segment(segment: str, path: str) -> None:
    if not segment:
        raise InvalidPathError(f"the path {path!r} has an empty segment; remove the extra '/'", path=path)
    if segment in {".", ".."}:
        raise InvalidPathError(f"the path {path!r} has the segment {segment!r}; write it out", path=path)
    if _DOT_GIT.fullmatch(_HFS_IGNORED.sub("", segment)):
        raise InvalidPathError(
            f"the path {path!r} has the segment {segment!r}, which git keeps for itself; use another name",
            path=path,
        )
    if len(_encoded(segment, path)) > _MAX_SEGMENT_BYTES:
        raise InvalidPathError(
            f"the path {path!r} has a segment of more than {_MAX_SEGMENT_BYTES} bytes; shorten it", path=path
        )


def _encoded(segment: str, path: str) -> bytes:
    try:
        # surrogateescape stands for a byte of a name that is not UTF-8: such names exist and are kept.
        return segment.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError as exc:
        raise InvalidPathError(
            f"the path {path!r} holds half of a surrogate pair; decode it rightly first", path=path
        ) from exc


def check_folder(folder: str) -> str:
    """Return *folder*, which may be "" for the top.

    :raises InvalidPathError: as for :func:`check_path`.
    """
    return check_path(folder) if folder else folder


def check_branch(name: str) -> str:
    """Return *name* if a branch can have it.

    :raises InvalidSlugError: it names the character, or the rule of git-check-ref-format(1).
    """
    found = _REF_FORBIDDEN.search(name)
    if found:
        raise InvalidSlugError(
            f"{name!r} cannot be the name of a branch: git allows no {found.group()!r} in it", slug=name
        )
    for rule, broken in (
        ("it is empty", not name),
        ("it has an empty segment", "//" in name or name.startswith("/") or name.endswith("/")),
        ("it holds '..'", ".." in name),
        ("it holds '@{'", "@{" in name),
        (f"it is {name!r}", name in {"@", "HEAD"}),
        ("it begins with '-'", name.startswith("-")),
        ("it ends in '.'", name.endswith(".")),
        ("a segment begins with '.'", any(part.startswith(".") for part in name.split("/"))),
        ("a segment ends in '.lock'", any(part.endswith(".lock") for part in name.split("/"))),
        ("a segment has more than 240 bytes", any(len(part.encode()) > 240 for part in name.split("/"))),
    ):
        if broken:
            raise InvalidSlugError(f"{name!r} cannot be the name of a branch: {rule}", slug=name)
    return name
