"""Git LFS: large files that git knows by pointers alone, and a server of objects knows by their sha-256.

An open repository does what is needed by itself: who reads gets the object for its pointer, who writes a file
that ``.gitattributes`` gives to LFS has it uploaded and the pointer committed. Here is what that is made of, by
the specification of Git LFS (docs/spec.md and docs/api/ of git-lfs/git-lfs).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from copydesk._lazy import lazy_names

if TYPE_CHECKING:
    from copydesk.lfs._attributes import Attributes
    from copydesk.lfs._files import LargeFiles, is_pointer
    from copydesk.lfs._pointer import Pointer, read_pointer
    from copydesk.lfs._server import LfsServer
    from copydesk.lfs._where import LFS_CONFIG, Place, find_place

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "_attributes": ("Attributes",),
        "_files": ("LargeFiles", "is_pointer"),
        "_pointer": ("Pointer", "read_pointer"),
        "_server": ("LfsServer",),
        "_where": ("LFS_CONFIG", "Place", "find_place"),
    },
)

__all__ = [
    "LFS_CONFIG",
    "Attributes",
    "LargeFiles",
    "LfsServer",
    "Place",
    "Pointer",
    "find_place",
    "is_pointer",
    "read_pointer",
]
