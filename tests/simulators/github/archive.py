"""Tarballs, as codeload gives them."""

from __future__ import annotations

import io
import re
import tarfile

import pygit2
from werkzeug import Request, Response

from simulators import git as objects
from simulators.store import Forge


def tarball(forge: Forge, request: Request) -> Response:
    """Answer with the archive of a commit; its top folder is named after it."""
    found = re.fullmatch(r"/([^/]+/[^/]+)/legacy\.tar\.gz/(.+)", request.path)
    repository = forge.repository(found[1]) if found else None
    commit = repository.commit(found[2]) if found and repository else None
    if repository is None or commit is None:
        return Response("404: Not Found", 404)
    top = f"{repository.owner.login}-{repository.name}-{str(commit.id)[:7]}/"
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for path, entry in objects.listing(commit.tree, top):
            if isinstance(entry, pygit2.Blob):
                _add(archive, path, entry)
    return Response(packed.getvalue(), content_type="application/x-gzip")


def _add(archive: tarfile.TarFile, path: str, blob: pygit2.Object) -> None:
    member = tarfile.TarInfo(path)
    if blob.filemode == 0o120000:
        member.type, member.linkname = tarfile.SYMTYPE, blob.data.decode()
        archive.addfile(member)
        return
    member.size, member.mode = len(blob.data), 0o755 if blob.filemode == 0o100755 else 0o644
    archive.addfile(member, io.BytesIO(blob.data))
