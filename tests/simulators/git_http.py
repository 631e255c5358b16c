"""Fetching over HTTP as git does, at the clone addresses of a forge's repositories; git itself answers."""

from __future__ import annotations

import gzip
import os
import re
import subprocess
import threading
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

import attrs
from werkzeug import Request, Response

from simulators.lfs.server import LFSError
from simulators.store import Access, Repository

__all__ = ["GitServer"]

SERVICE: Final = "git-upload-pack"
#: So many answers are kept, as forges keep packs that many ask for.
KEPT: Final = 8
WORDS: Final = {
    401: "Authentication required",
    403: "You are not allowed to do that.",
    404: "Repository not found.",
}
OFFSETS: Final = b"000eofs-delta\n"


@attrs.define(eq=False, kw_only=True)
class GitServer:
    """Answers what git asks when it fetches; what is set holds for all repositories of the forge."""

    #: The newest version of the protocol that it speaks: 2, or 0.
    version: int = 2
    #: It can leave out files that are too large.
    filters: bool = True
    #: In version 0, it gives any object by its sha; else heads of branches alone.
    any_sha: bool = True
    #: Deltas name their base by where it is in the pack, for who can read that; else by its sha.
    offsets: bool = True
    #: Every request is refused with this status.
    refused: int | None = None
    #: The answers to a fetch end after so many bytes.
    cut: int | None = None
    #: They are these bytes instead.
    garbage: bytes | None = None
    _kept: dict[tuple[object, ...], bytes] = attrs.field(factory=dict, init=False)
    _lock: threading.Lock = attrs.field(factory=threading.Lock, init=False)

    def answer(
        self, request: Request, tail: str, find: Callable[[], tuple[Repository | None, Access | None]]
    ) -> Response:
        """Answer a request for what is at *tail* below the clone address.

        :param find: gives the repository and who asks; LFSError(401) for somebody unknown.
        """
        try:
            repository, access = find()
        except LFSError as exc:
            return refusal(exc.status)
        status = self.refused or _status(repository, access)
        if status != 200 or repository is None:
            return refusal(status)
        if request.method == "GET" and tail == "info/refs":
            return self._refs(request, repository)
        if request.method == "POST" and tail == SERVICE:
            return self._fetched(request, repository)
        return refusal(403)  # nobody pushes here

    def _refs(self, request: Request, repository: Repository) -> Response:
        if request.args.get("service") != SERVICE:
            return refusal(403)
        told = self._run(repository.path, b"", self._protocol(request), "--advertise-refs")
        opening = b"" if told.startswith(b"000eversion 2\n") else b"001e# service=git-upload-pack\n0000"
        return _response(opening + told, "advertisement")

    def _fetched(self, request: Request, repository: Repository) -> Response:
        if request.content_type != f"application/x-{SERVICE}-request":
            return refusal(415)
        body = request.get_data()
        if request.headers.get("Content-Encoding") == "gzip":
            try:
                body = gzip.decompress(body)
            except (OSError, EOFError, zlib.error):
                return refusal(400)
        whole = self._packed(repository, body, self._protocol(request))
        return _response((whole if self.garbage is None else self.garbage)[: self.cut], "result")

    def _packed(self, repository: Repository, body: bytes, protocol: str) -> bytes:
        body = body if self.offsets else body.replace(OFFSETS, b"")
        with repository.forge.lock:
            refs = tuple(sorted(_refs(repository)))
        key = (repository.path, body, protocol, self.filters, self.any_sha, refs)
        with self._lock:
            known = self._kept.get(key)
        if known is not None:
            return known
        made = self._refused_want(body, protocol, refs) or self._run(repository.path, body, protocol)
        with self._lock:
            self._kept[key] = made
            while len(self._kept) > KEPT:
                del self._kept[next(iter(self._kept))]
        return made

    def _refused_want(self, body: bytes, protocol: str, refs: Iterable[tuple[str, str]]) -> bytes:
        """Refuse what no branch has at its head: over HTTP git itself gives whatever a branch leads to."""
        if protocol or self.any_sha or b"command=" in body[:16]:
            return b""
        wants = (each.decode() for each in re.findall(rb"want ([0-9a-f]{40})", body))
        strange = next((each for each in wants if each not in {target for _, target in refs}), None)
        said = f"ERR upload-pack: not our ref {strange}".encode()
        return b"%04x%b" % (len(said) + 4, said) if strange else b""

    def _protocol(self, request: Request) -> str:
        return request.headers.get("Git-Protocol", "") if self.version == 2 else ""

    def _run(self, folder: Path, body: bytes, protocol: str, *more: str) -> bytes:
        allowed = {"allowFilter": self.filters, "allowAnySHA1InWant": self.any_sha}
        settings = (f"uploadpack.{name}={str(value).lower()}" for name, value in allowed.items())
        given = [part for setting in settings for part in ("-c", setting)]
        command = ["git", "-c", "safe.directory=*", *given, "upload-pack", "--stateless-rpc", *more, "."]
        # What is configured for whoever runs the tests is no concern of the forge's.
        outer = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
        environment = {
            **outer,
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_PROTOCOL": protocol,
        }
        # Where it dies it says why on a channel that goes nowhere, and the answer has begun with 200 by then.
        return subprocess.run(
            command, cwd=folder, env=environment, input=body, capture_output=True, check=False
        ).stdout


def _refs(repository: Repository) -> list[tuple[str, str]]:
    references = repository.git.references
    return [(name, str(references[name].target)) for name in references]


def _status(repository: Repository | None, access: Access | None) -> int:
    """Say whether somebody may fetch; what may not be seen is not there."""
    if access is None:
        return 200 if repository is not None and not repository.private else 401
    if repository is None or (repository.private and access.level == "none"):
        return 404
    return 200


def refusal(status: int) -> Response:
    headers = {"WWW-Authenticate": 'Basic realm="git"'} if status == 401 else {}
    return Response(WORDS.get(status, "It did not work."), status, headers, content_type="text/plain")


def _response(body: bytes, kind: str) -> Response:
    headers = {"Cache-Control": "no-cache"}
    return Response(body, 200, headers, content_type=f"application/x-{SERVICE}-{kind}")
