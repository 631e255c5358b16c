"""Large files in a folder, laid out as git-lfs does: ``ab/cd/<oid>``."""

from __future__ import annotations

import hashlib
import re
import tempfile
from pathlib import Path

__all__ = ["Objects", "oid_of", "pointed_to", "pointer_to"]

VERSION = "https://git-lfs.github.com/spec/v1"
POINTER = re.compile(rb"version %s\noid sha256:([0-9a-f]{64})\nsize (\d+)\n" % re.escape(VERSION.encode()))


def oid_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def pointer_to(content: bytes) -> bytes:
    """Write what git has of a large file."""
    return f"version {VERSION}\noid sha256:{oid_of(content)}\nsize {len(content)}\n".encode()


def pointed_to(content: bytes) -> tuple[str, int] | None:
    """Read the oid and the size that a pointer tells; None when it is no pointer."""
    found = POINTER.fullmatch(content)
    return (found[1].decode(), int(found[2])) if found else None


class Objects:
    """The objects of one repository; others, such as git-lfs itself, may add to the folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def of_repository(cls, path: Path) -> Objects:
        """Give those of a bare repository, where git-lfs looks for them."""
        return cls(path / "lfs" / "objects")

    def path(self, oid: str) -> Path:
        return self.folder / oid[:2] / oid[2:4] / oid

    def size(self, oid: str) -> int | None:
        """Tell how large an object is, None when it is not there."""
        path = self.path(oid)
        return path.stat().st_size if path.is_file() else None

    def read(self, oid: str) -> bytes:
        return self.path(oid).read_bytes()

    def add(self, content: bytes, oid: str | None = None) -> str:
        """Keep an object and give its oid; a false one is not looked at."""
        oid = oid or oid_of(content)
        path = self.path(oid)
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=self.folder, delete=False) as file:
            file.write(content)
        Path(file.name).replace(path)
        return oid

    def remove(self, oid: str) -> None:
        self.path(oid).unlink()

    def oids(self) -> list[str]:
        """List all, sorted."""
        return sorted(each.name for each in self.folder.glob("??/??/*"))
