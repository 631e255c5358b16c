"""The folder of what was read, which must be this person's alone, and the files in it."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

__all__ = [
    "FILE",
    "close_folder",
    "files_of",
    "make_folder",
    "problem_of",
    "put_in_place",
    "remove",
    "set_aside",
    "size_of",
]

FILE: Final = "blobs.sqlite"
#: What sqlite keeps beside it while somebody has it open.
_BESIDE: Final = ("-wal", "-shm")
_DAMAGED: Final = ".damaged-"
#: The name of a folder that is ours, however it came to be.
_OURS: Final = "copydesk"


def problem_of(folder: Path) -> str:
    """Say why a folder that is there is not used; "" where nothing speaks against it."""
    if not hasattr(os, "geteuid"):  # Windows: the folder has the rights of the person's profile
        return ""
    try:
        link, found = folder.lstat(), folder.stat()
    except FileNotFoundError:
        return "" if not folder.is_symlink() else f"{str(folder)!r} is a link to nothing; remove it"
    except OSError as exc:
        return f"cannot look at {str(folder)!r}: {exc.strerror}"
    elsewhere = "name another folder by COPYDESK_CACHE_DIR"
    if not stat.S_ISDIR(found.st_mode):
        return f"{str(folder)!r} is no folder; remove it, or {elsewhere}"
    if {link.st_uid, found.st_uid} != {os.geteuid()}:
        return f"{str(folder)!r} belongs to somebody else; {elsewhere}"
    open_to_others = found.st_mode & 0o022 and folder.name != _OURS
    return (
        f"others may write in {str(folder)!r}; close it by chmod go-w, or {elsewhere}"
        if open_to_others
        else ""
    )


def make_folder(folder: Path) -> None:
    """Make the folder, or close it to others where it is ours.

    :raises OSError: it cannot be made.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    close_folder(folder)


def close_folder(folder: Path) -> None:
    """Close a folder of ours to others, and its files; one that has another name is left as it is.

    :raises OSError: the system refuses, or a file was put there by somebody else.
    """
    if not hasattr(os, "geteuid"):
        return
    if folder.name == _OURS and stat.S_IMODE(folder.stat().st_mode) != 0o700:
        folder.chmod(0o700)
    for path in (folder / FILE, *(folder / f"{FILE}{end}" for end in _BESIDE)):
        with contextlib.suppress(FileNotFoundError):
            found = path.lstat()
            if found.st_uid != os.geteuid() or not stat.S_ISREG(found.st_mode):
                raise OSError(f"{str(path)!r} belongs to somebody else, or is no file; remove it")
            if found.st_mode & 0o077:
                path.chmod(stat.S_IMODE(found.st_mode) & 0o700)


def files_of(folder: Path) -> tuple[Path, ...]:
    """List the files that are ours: what was set aside or left by an interrupted process is, too."""
    try:
        with os.scandir(folder) as found:
            names = sorted(each.name for each in found if each.name.startswith(FILE))
    except OSError:
        return ()
    # What is beside the file goes before it: who comes between must not take it for that of a new file.
    return tuple(folder / name for name in sorted(names, key=lambda name: (name == FILE, name)))


def size_of(folder: Path) -> int:
    """Add up the bytes of the files, without what is there only while somebody has them open."""
    return sum(_sizes(path for path in files_of(folder) if not path.name.endswith("-shm")))


def _sizes(paths: Iterable[Path]) -> Iterator[int]:
    for path in paths:
        with contextlib.suppress(OSError):
            yield path.stat().st_size


def put_in_place(made: Path, place: Path) -> None:
    """Give a file that is complete its name, unless another process was sooner.

    :raises OSError: the system refuses.
    """
    try:
        os.link(made, place)
    except FileExistsError:
        pass
    except OSError:  # a file system without links
        if not place.exists():
            made.rename(place)
    made.unlink(missing_ok=True)


def set_aside(folder: Path, name: str) -> Path:
    """Rename the file, and remove what was set aside before.

    :param name: what tells this one from others.
    :raises OSError: the system refuses.
    """
    for path in files_of(folder):
        if path.name != FILE and (_DAMAGED in path.name or path.name.endswith(_BESIDE)):
            path.unlink(missing_ok=True)
    return (folder / FILE).rename(folder / f"{FILE}{_DAMAGED}{name}")


def remove(folder: Path) -> str:
    """Remove all files, and say what could not be; "" where all are gone."""
    for path in files_of(folder):
        try:
            path.unlink(missing_ok=True)
        except OSError as exc:
            return f"cannot remove {str(path)!r}: {exc.strerror}"
    return ""
