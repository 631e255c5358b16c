"""Tarballs, as codeload gives them."""

from __future__ import annotations

import re
from typing import Final

from werkzeug import Request, Response

from simulators.archives import git_archive
from simulators.store import Forge

__all__ = ["TARBALL", "tarball"]

#: Where they are on the origin that they come from.
TARBALL: Final = re.compile(r"/([^/]+/[^/]+)/legacy\.tar\.gz/(.+)")


def tarball(forge: Forge, request: Request) -> Response:
    """Answer with the archive of a commit; its top folder is named after it."""
    found = TARBALL.fullmatch(request.path)
    repository = forge.repository(found[1]) if found else None
    commit = repository.commit(found[2]) if found and repository else None
    if repository is None or commit is None:
        return Response("404: Not Found", 404)
    top = f"{repository.owner.login}-{repository.name}-{str(commit.id)[:7]}/"
    packed = git_archive(repository.path, str(commit.id), top)
    return Response(packed, content_type="application/x-gzip")
