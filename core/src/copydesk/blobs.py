"""git's own identity of a file's bytes, and of a folder."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from copydesk.errors import ProtocolError

if TYPE_CHECKING:
    from copydesk.models import FileVersion

__all__ = ["blob_sha", "check_blob", "is_blob", "is_blob_of", "object_sha", "tree_objects", "tree_sha"]

_FOLDER: Final = "40000"


def object_sha(kind: bytes, content: bytes) -> str:
    """Give the sha-1 that git gives an object of a kind, such as ``blob`` or ``tree``."""
    digest = hashlib.sha1(b"%b %d\0" % (kind, len(content)), usedforsecurity=False)
    digest.update(content)
    return digest.hexdigest()


def blob_sha(content: bytes) -> str:
    """Give the sha-1 that git gives these bytes, as 40 hexadecimal digits."""
    return object_sha(b"blob", content)


def is_blob_of(content: bytes, digest: bytes) -> bool:
    """Whether bytes are the blob whose sha-1, as 20 bytes, is *digest*."""
    found = hashlib.sha1(b"blob %d\0" % len(content), usedforsecurity=False)
    found.update(content)
    return found.digest() == digest


def is_blob(content: bytes, version: FileVersion) -> bool:
    """Whether the bytes are those of the version; one without a blob sha may be any."""
    return not version.blob_sha or blob_sha(content) == version.blob_sha


def check_blob(forge: str, path: str, content: bytes, version: FileVersion) -> bytes:
    """Return the bytes if they are those of the version.

    :param forge: the name of the backend.
    :raises ProtocolError: they are not.
    """
    if not is_blob(content, version):
        raise ProtocolError(
            f"{forge} gave other bytes for {path!r} than those of blob {version.blob_sha}; try again"
        )
    return content


def tree_sha(files: Mapping[str, FileVersion]) -> str:
    """Give the sha-1 that git gives a folder with exactly these files, by their paths below it."""
    return next(reversed(tree_objects(files)))


def tree_objects(files: Mapping[str, FileVersion]) -> dict[str, bytes]:
    """Give what git keeps of a folder with exactly these files, and of each folder in it, by sha; itself last."""
    items: dict[str, tuple[str, str]] = {}
    below: dict[str, dict[str, FileVersion]] = {}
    for path, version in files.items():
        name, slash, rest = path.partition("/")
        if slash:
            below.setdefault(name, {})[rest] = version
        else:
            items[name] = version.mode.value, str(version.blob_sha)
    found: dict[str, bytes] = {}
    for name, inner in below.items():
        inside = tree_objects(inner)
        items[name] = _FOLDER, next(reversed(inside))
        found |= inside
    # git sorts a folder as if its name ended in a slash.
    ordered = sorted(items, key=lambda name: _bytes(f"{name}/" if name in below else name))
    entries = (
        b"%b %b\0%b" % (items[name][0].encode(), _bytes(name), bytes.fromhex(items[name][1]))
        for name in ordered
    )
    content = b"".join(entries)
    sha = object_sha(b"tree", content)
    found.pop(sha, None)  # it comes last, whatever is in it
    return {**found, sha: content}


def _bytes(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")
