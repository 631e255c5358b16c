from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import attrs
import pytest
from copydesk.http import Dialect, Gates, HttpClient


@attrs.frozen
class Reply:
    """What the server answers; with *cut* the body is that many bytes short, with *silent* nothing comes."""

    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = attrs.field(factory=dict)
    cut: int = 0
    silent: bool = False


@attrs.frozen
class Seen:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Forge:
    """A server on a loopback socket that answers from a script; its last answer is given for ever."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self.script: list[Reply] = [Reply()]
        self.answer: Callable[[Seen], Reply] = self._next
        self._lock = threading.Lock()
        forge = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *arguments: object) -> None:
                """Say nothing."""

            def handle_one_request(self) -> None:
                try:
                    super().handle_one_request()
                except OSError:
                    self.close_connection = True

        def serve(handler: BaseHTTPRequestHandler) -> None:
            forge.serve(handler)

        for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "CONNECT"):
            setattr(Handler, f"do_{method}", serve)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def says(self, *script: Reply) -> None:
        self.script = list(script)

    def _next(self, _: Seen) -> Reply:
        with self._lock:
            return self.script.pop(0) if len(self.script) > 1 else self.script[0]

    def serve(self, handler: BaseHTTPRequestHandler) -> None:
        seen = Seen(handler.command, handler.path, dict(handler.headers), self._body(handler))
        with self._lock:
            self.seen.append(seen)
        reply = self.answer(seen)
        if reply.silent:
            handler.close_connection = True
            return
        handler.send_response_only(reply.status)
        fields = {"Content-Type": "application/json", "Content-Length": str(len(reply.body)), **reply.headers}
        for name, value in fields.items():
            handler.send_header(name, value)
        handler.end_headers()
        if handler.command != "HEAD":
            handler.wfile.write(reply.body[: len(reply.body) - reply.cut])
        if reply.cut:
            handler.close_connection = True

    def _body(self, handler: BaseHTTPRequestHandler) -> bytes:
        if handler.headers.get("Transfer-Encoding") != "chunked":
            return handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        body = b""
        while size := int(handler.rfile.readline(), 16):
            body += handler.rfile.read(size)
            handler.rfile.readline()
        handler.rfile.readline()
        return body

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class Clock:
    """Time that passes by sleeping alone."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def make_forge() -> Iterator[Callable[[], Forge]]:
    """Start servers; they stop with the test."""
    started: list[Forge] = []

    def make() -> Forge:
        started.append(Forge())
        return started[-1]

    yield make
    for forge in started:
        forge.close()


@pytest.fixture
def forge(make_forge: Callable[[], Forge]) -> Forge:
    return make_forge()


@pytest.fixture
def reply() -> type[Reply]:
    """Give the class of the server's answers; a conftest cannot be imported."""
    return Reply


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def make_client(forge: Forge, clock: Clock) -> Iterator[Callable[..., HttpClient]]:
    """Make clients of the forge with a clock of their own; they are closed with the test."""
    made: list[HttpClient] = []

    def make(root: str = "", dialect: Dialect | None = None, **options: object) -> HttpClient:
        given = {"clock": clock, "sleep": clock.sleep, "jitter": lambda _, most: most, "gates": Gates()}
        client = HttpClient(
            root or forge.url,
            dialect or Dialect(name="forge", request_id_header="X-Request-Id"),
            **{"timeout": (2, 2), **given, **options},
        )
        made.append(client)
        return client

    yield make
    for client in made:
        client.close()


@pytest.fixture
def nobody() -> str:
    """Give an address where nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}"
