"""Pointers: what git has of a large file (Git LFS Specification: The Pointer)."""

from __future__ import annotations

import hashlib
import re
from typing import Final

import attrs

__all__ = ["LARGEST", "Pointer", "read_pointer"]

#: No pointer is as large as this.
LARGEST: Final = 1024
_SHAPE: Final = re.compile(
    rb"version https://(?:git-lfs\.github\.com/spec|hawser\.github\.com/spec)/v1\n"
    rb"(?:ext-\d-[\w.-]+ [^\n]+\n)*"
    rb"oid sha256:([0-9a-f]{64})\nsize (\d{1,18})\n?"
)


@attrs.frozen
class Pointer:
    """What a large file is: the sha-256 of its bytes in hexadecimal digits, and how many there are."""

    oid: str
    size: int

    @classmethod
    def of(cls, content: bytes) -> Pointer:
        """Give the pointer to some bytes."""
        return cls(hashlib.sha256(content).hexdigest(), len(content))

    def to_bytes(self) -> bytes:
        """Give what git is to have of it."""
        return (
            f"version https://git-lfs.github.com/spec/v1\noid sha256:{self.oid}\nsize {self.size}\n".encode()
        )


def read_pointer(content: bytes) -> Pointer | None:
    """Read a pointer; None where the bytes are something else."""
    found = _SHAPE.fullmatch(content) if len(content) < LARGEST else None
    return Pointer(found[1].decode(), int(found[2])) if found else None
