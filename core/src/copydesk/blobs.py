"""git's own identity of a file's bytes."""

from __future__ import annotations

import hashlib

__all__ = ["blob_sha"]


def blob_sha(content: bytes) -> str:
    """Give the sha-1 that git gives these bytes, as 40 hexadecimal digits."""
    return hashlib.sha1(b"blob %d\0%b" % (len(content), content), usedforsecurity=False).hexdigest()
