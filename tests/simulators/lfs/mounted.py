"""LFS at the clone addresses of a forge's repositories, which keep it where git-lfs does: in their folders."""

from __future__ import annotations

from collections.abc import Callable

import attrs
from werkzeug import Request, Response

from simulators.lfs.objects import Objects
from simulators.lfs.server import LargeFiles, LFSError, Place
from simulators.lfs.transfers import Operation
from simulators.store import Access, Repository

__all__ = ["Mounted", "password"]


@attrs.frozen
class Mounted:
    """What a forge says about one of its repositories."""

    lfs: LargeFiles
    repository: Repository | None
    #: Finds out who asks: None is nobody, and LFSError(401) somebody unknown.
    access: Callable[[Request], Access | None]
    #: Where the repository's server is, and where its objects are transferred without a bucket.
    url: str
    transfer_url: str = ""

    def answer(self, request: Request, tail: str) -> Response:
        """Answer a request for what is at *tail* below the root."""
        if self.repository is None:
            status = 404 if self._known(request) else 401
            return LFSError(status).response()
        objects = Objects.of_repository(self.repository.path)
        place = Place(self.url, objects, self._authorize, self.transfer_url)
        return self.lfs.answer(request, tail, place)

    def _known(self, request: Request) -> bool:
        try:
            return self.access(request) is not None
        except LFSError:
            return False

    def _authorize(self, request: Request, operation: Operation) -> int:
        assert self.repository is not None
        access = self.access(request)
        if access is None:
            return 200 if operation == "download" and not self.repository.private else 401
        if self.repository.private and access.level == "none":
            return 404
        if operation == "download":
            return 200
        return 200 if access.level == "write" and not self.repository.archived else 403


def password(request: Request) -> tuple[str, str] | None:
    """Give user name and password of ``Basic``; None when there is no credential at all.

    :raises LFSError: 401 for a credential of another kind.
    """
    given = request.authorization
    if given is None and "Authorization" not in request.headers:
        return None
    if given is None or given.type != "basic":
        raise LFSError(401)
    return given.username or "", given.password or ""
