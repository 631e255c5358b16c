"""Archives that GitLab makes of a folder: read, and held against what git says that the folder is."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping
from typing import Final

from copydesk.blobs import blob_sha, tree_sha
from copydesk.models import File, FileVersion, Mode

__all__ = ["read_archive"]

_EXECUTABLE: Final = 0o100


def read_archive(content: bytes, folder: str, wanted: Mapping[str, str]) -> tuple[File, ...] | None:
    """Read the files of a ``tar.gz``, in order of path.

    :param folder: what the archive is of, "" for the whole tree.
    :param wanted: the sha of each file and folder that is at its top, by path.
    :returns: None where the files are not what the shas say, or it is no archive.
    """
    try:
        files = _files(content)
    except (tarfile.TarError, EOFError, OSError, ValueError):
        return None
    start = f"{folder}/" if folder else ""
    files = {path: file for path, file in files.items() if path.startswith(start)}
    if any(_sha(path, files) != sha for path, sha in wanted.items()) or not _has_all(wanted, files):
        return None
    return tuple(files[path] for path in sorted(files))


def _files(content: bytes) -> dict[str, File]:
    files = {}
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as archive:
        for member in archive:
            # All is below one folder, which is named after project and commit.
            path = member.name.partition("/")[2]
            if member.issym():
                target = member.linkname.encode("utf-8", "surrogateescape")
                files[path] = _file(path, target, Mode.SYMLINK)
            elif member.isfile():
                body = archive.extractfile(member)
                data = body.read() if body is not None else b""
                files[path] = _file(path, data, Mode.EXECUTABLE if member.mode & _EXECUTABLE else Mode.FILE)
    return files


def _file(path: str, content: bytes, mode: Mode) -> File:
    return File(path, content, FileVersion(blob_sha(content), mode))


def _sha(path: str, files: Mapping[str, File]) -> str | None:
    if path in files:
        return files[path].version.blob_sha
    start = f"{path}/"
    below = {each.removeprefix(start): file.version for each, file in files.items() if each.startswith(start)}
    return tree_sha(below)


def _has_all(wanted: Mapping[str, str], files: Mapping[str, File]) -> bool:
    """Whether each file is one of those wanted, or below one."""
    tops = tuple(f"{path}/" for path in wanted)
    return all(path in wanted or path.startswith(tops) for path in files)
