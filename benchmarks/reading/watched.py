"""Simulators that note what they are asked, and give what they have given before from memory.

A forge has archives and packs ready, or makes them on machines of its own. So nothing stands here for the time
that a forge takes itself: before it is timed, everybody reads once, and those answers are given again.
"""

from __future__ import annotations

import gzip
import re
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import attrs
from copydesk.testing import ServerSimulator
from werkzeug import Request, Response

from benchmarks.reading.traffic import Asked, kind_of

__all__ = ["Watched", "watched"]

#: What forges compress, and from which size on.
_TEXT: Final = re.compile(r"^(?:application/json|application/vnd\.github|text/)")
_LARGE: Final = 1000
#: The headers that make an answer another one.
_ASKED_BY: Final = ("Accept", "Authorization", "Git-Protocol", "If-None-Match", "Range")


@attrs.frozen
class _Kept:
    """An answer that was given."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes = attrs.field(repr=False)

    @classmethod
    def of(cls, response: Response) -> _Kept:
        response.make_sequence()
        return cls(response.status_code, tuple(response.headers.items()), response.get_data())

    def response(self) -> Response:
        made = Response(self.body, self.status)
        made.headers.clear()
        made.headers.extend(self.headers)
        return made


class Watched(ServerSimulator):
    """To be put before a simulator's class."""

    workers = 128

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.asked: list[Asked] = []
        self.most_in_flight = 0
        #: The classes of requests that are refused.
        self.refused: frozenset[str] = frozenset()
        #: What the answers depend on beside the requests.
        self.state: object = None
        self._in_flight = 0
        self._answers: dict[object, _Kept] = {}
        self._watch = threading.Lock()

    def forget(self) -> None:
        """Forget what was asked, and not the answers."""
        with self._watch:
            self.asked.clear()
            self.most_in_flight = 0
        self.clear()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        with self._watch:
            self._in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self._in_flight)
        try:
            return super().__call__(environ, start_response)
        finally:
            with self._watch:
                self._in_flight -= 1

    def respond(self, request: Request) -> Response:
        when = time.monotonic()
        if kind_of(request.method, request.path, 0) in self.refused:
            response = Response("not here", 403, content_type="text/plain")
        else:
            response = self._known(request)
        self._note(when, request, response)
        return response

    def _known(self, request: Request) -> Response:
        key = self._key(request)
        kept = self._answers.get(key) if key is not None else None
        if kept is None:
            kept = _Kept.of(_compressed(request, super().respond(request)))
            if key is not None and kept.status < 400:
                self._answers[key] = kept
        return kept.response()

    def _key(self, request: Request) -> object:
        """Name what a request asks for; None where it may change something."""
        body = request.get_data()
        kind = kind_of(request.method, request.path, 0)
        if kind == "write" or (kind == "GraphQL" and b"mutation" in body):
            return None
        named = tuple(request.headers.get(name, "") for name in _ASKED_BY)
        target = request.environ["REQUEST_URI"]
        return (self.state, request.method, target, _compresses(request), named, body)

    def _note(self, when: float, request: Request, response: Response) -> None:
        up = len(request.full_path) + len(request.get_data()) + _size(dict(request.headers))
        sent = 0 if request.method == "HEAD" else len(response.get_data())
        down = sent + _size(dict(response.headers))
        noted = Asked(when, request.method, request.path, response.status_code, up, down)
        with self._watch:
            self.asked.append(noted)
            # It is kept here, and a site is large.
            self.log.clear()


def watched(simulator: type[ServerSimulator]) -> type[Watched]:
    """Make the class of a simulator that is watched."""
    return type(f"Watched{simulator.__name__}", (Watched, simulator), {})


def _size(headers: Mapping[str, str]) -> int:
    """Give the bytes of headers with what stands between them; the first line is about as long as two."""
    return sum(len(name) + len(value) + 4 for name, value in headers.items()) + 30


def _compresses(request: Request) -> bool:
    return "gzip" in request.headers.get("Accept-Encoding", "")


def _compressed(request: Request, response: Response) -> Response:
    """Compress an answer that is text, for who takes it so."""
    response.make_sequence()
    body = response.get_data()
    if not _compresses(request) or len(body) < _LARGE or not _TEXT.match(response.content_type or ""):
        return response
    response.set_data(gzip.compress(body, 6, mtime=0))
    response.headers["Content-Encoding"] = "gzip"
    return response
