"""Servers of LFS that stand alone: a plain one, and the form that Netlify gave it."""

from __future__ import annotations

import json
from pathlib import Path

from copydesk.testing import ServerSimulator
from werkzeug import Request, Response

from simulators.lfs.bucket import Bucket
from simulators.lfs.objects import Objects
from simulators.lfs.server import MEDIA_TYPE, OID, LargeFiles, Place, bearer, named
from simulators.lfs.transfers import Operation

__all__ = ["LFSSimulator", "LargeMedia"]


class LFSSimulator(ServerSimulator):
    """A server of LFS over a folder; a credential is the password of ``Basic``, or a ``Bearer``.

    Without tokens everybody may do everything.
    """

    root = "/lfs"

    def __init__(self, folder: Path, *, bucket: Bucket | None = None) -> None:
        super().__init__()
        self.objects = Objects(folder)
        self.lfs = LargeFiles(bucket=bucket)
        #: What each token may do: ``write`` or ``read``.
        self.tokens: dict[str, str] = {}

    def respond(self, request: Request) -> Response:
        if not request.path.startswith(f"{self.root}/"):
            return Response(status=404)
        url = request.host_url.rstrip("/") + self.root
        place = Place(url, self.objects, self.authorize)
        return self.lfs.answer(request, request.path.removeprefix(self.root), place)

    def authorize(self, request: Request, operation: Operation) -> int:
        """Say whether a request is allowed."""
        if not self.tokens:
            return 200
        given = request.authorization
        level = self.tokens.get((given.password or given.token or "") if given else "")
        if level is None:
            return 401
        return 200 if level == "write" or operation == "download" else 403


class LargeMedia(ServerSimulator):
    """Netlify's large media: the batch protocol, one address that verifies, and one that gives files."""

    root = "/.netlify/large-media"

    def __init__(self, folder: Path, *, bucket: Bucket) -> None:
        super().__init__()
        self.objects = Objects(folder)
        self.lfs = LargeFiles(bucket=bucket, header=bearer)
        #: What the identity service made for those who are logged in.
        self.tokens: set[str] = set()
        self.site = "00000000-0000-4000-8000-000000000001"

    def respond(self, request: Request) -> Response:
        tail = request.path.removeprefix(self.root)
        if not request.path.startswith(f"{self.root}/"):
            return problem(404, "Not Found")
        granted = tail == "/verify" and self.lfs.granted(request) is not None
        if not granted and self.authorize(request, "upload") != 200:
            return problem(401, "Unauthorized")
        if request.method == "POST" and tail == "/verify":
            return self._verify(request)
        if request.method == "GET" and tail.startswith("/origin/"):
            return self._origin(tail.removeprefix("/origin/"))
        place = Place(request.host_url.rstrip("/") + self.root, self.objects, self.authorize)
        return self.lfs.answer(request, tail, place)

    def authorize(self, request: Request, operation: Operation) -> int:
        """Say whether a request is allowed."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        return 200 if scheme == "Bearer" and token in self.tokens else 401

    def _verify(self, request: Request) -> Response:
        oid, size = named(json.loads(request.get_data()))
        if not OID.fullmatch(str(oid)) or self.lfs.known(self.objects, oid) != size:
            return problem(404, f"object {self.site}/{oid} not found")
        return Response("null", content_type=MEDIA_TYPE)

    def _origin(self, oid: str) -> Response:
        if not OID.fullmatch(oid) or self.lfs.known(self.objects, oid) is None:
            return problem(404, f"object {self.site}/{oid} not found")
        headers = {"Cache-Control": "public, max-age=0, must-revalidate"}
        content = self.objects.read(oid)
        kind = "image/png" if content.startswith(b"\x89PNG") else "application/octet-stream"
        return Response(content, 200, headers, content_type=kind)


def problem(status: int, reason: str) -> Response:
    return Response(json.dumps({"code": status, "msg": reason}), status, content_type="application/json")
