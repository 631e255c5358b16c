"""Large files on disk, where git-lfs itself keeps them: ``lfs/objects/ab/cd/abcd…`` in the git directory."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import attrs
from copydesk.errors import NotFoundError, ProtocolError
from copydesk.lfs import Pointer

__all__ = ["Objects"]


@attrs.frozen
class Objects:
    """The objects of one repository; *folder* is its ``lfs``."""

    folder: Path

    def path(self, pointer: Pointer) -> Path:
        """Give where an object is, or would be."""
        return self.folder / "objects" / pointer.oid[:2] / pointer.oid[2:4] / pointer.oid

    def read(self, path: str, pointer: Pointer) -> bytes:
        """Read an object; *path* is that of the file, for messages.

        :raises NotFoundError: it is not on this disk.
        :raises ProtocolError: it is damaged.
        """
        try:
            content = self.path(pointer).read_bytes()
        except FileNotFoundError as exc:
            raise NotFoundError(
                f"the large file {path!r} is not on this disk (Git LFS object {pointer.oid[:12]}); "
                "get it with: git lfs fetch"
            ) from exc
        if Pointer.of(content) != pointer:
            raise ProtocolError(
                f"the large file {path!r} is damaged (Git LFS object {pointer.oid[:12]}); "
                "look at it with: git lfs fsck"
            )
        return content

    def write(self, content: bytes) -> Pointer:
        """Store an object, whole or not at all; one that is there already is left alone."""
        pointer = Pointer.of(content)
        place = self.path(pointer)
        if place.exists() and place.stat().st_size == pointer.size:
            return pointer
        place.parent.mkdir(parents=True, exist_ok=True)
        unfinished = self.folder / "tmp"
        unfinished.mkdir(exist_ok=True)
        handle, name = tempfile.mkstemp(dir=unfinished)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(place)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        return pointer
