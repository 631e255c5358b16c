"""A server on a real loopback socket that tests can make late, rude and unreliable."""

from __future__ import annotations

import os
import socket
import struct
import threading
import urllib.parse
import weakref
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Any, Final, Self

import attrs
from cheroot import wsgi
from werkzeug import Request, Response

__all__ = ["Answer", "CutBody", "Exchange", "Fault", "Reset", "ServerSimulator", "Stall"]

_CONNECTION: Final = "copydesk.connection"
_NO_LINGER: Final = struct.pack("ii", 1, 0)


@attrs.frozen
class Answer:
    """Answer with this instead."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = attrs.field(factory=dict)
    content_type: str = "application/json"


@attrs.frozen
class Reset:
    """Reset the connection without an answer."""


@attrs.frozen
class CutBody:
    """Announce the whole answer, send half of its body and close the connection."""


@attrs.frozen
class Stall:
    """Say nothing for so many seconds, or until the simulator stops, and close the connection."""

    seconds: float


Fault = Answer | Reset | CutBody | Stall


@attrs.frozen
class Exchange:
    """One request and what was answered; the path and the query are as they were sent.

    A status of 0 says that no answer was sent. Of a body that was cut it holds the half that went out.
    """

    method: str
    path: str
    query: str
    request_headers: Mapping[str, str] = attrs.field(repr=False)
    request_body: bytes = attrs.field(repr=False)
    status: int
    response_bytes: bytes = attrs.field(repr=False)
    response_headers: Mapping[str, str] = attrs.field(repr=False, factory=dict)


@attrs.define(eq=False)
class _Injected:
    """A fault that waits for its requests."""

    fault: Fault
    when: Callable[[Request], bool] | None
    after: bool
    times: int
    skip: int


class ServerSimulator:
    """A WSGI application on a loopback socket that logs what it is asked and can be told to fail.

    Subclass it and write :meth:`respond`. It runs between :meth:`start` and :meth:`stop`, or in a ``with``
    block. Requests come from several threads at once.
    """

    #: How many requests are answered at once; others wait.
    workers = 12

    def __init__(self) -> None:
        #: What was asked and answered, oldest first.
        self.log: list[Exchange] = []
        #: Seconds that every request waits before it is answered.
        self.delay = 0.0
        #: Seconds that the first request of every connection waits besides, as if it had to be made.
        self.connection_delay = 0.0
        #: How many connections brought a request.
        self.connections = 0
        self._greeted: weakref.WeakSet[Any] = weakref.WeakSet()
        self._faults: list[_Injected] = []
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None
        self._url = ""

    # -- for authors of simulators ----------------------------------------------------------------

    def respond(self, request: Request) -> Response:
        """Answer one request; to be overridden."""
        raise NotImplementedError(f"{type(self).__name__} does not answer {request.method} {request.path}")

    # -- for tests --------------------------------------------------------------------------------

    @property
    def url(self) -> str:
        """Where it listens, without a slash at the end; it stays known after :meth:`stop`."""
        if not self._url:
            raise RuntimeError(f"{type(self).__name__} was not started; use it in a `with` block")
        return self._url

    def start(self) -> Self:
        """Listen on a free port of the loopback address."""
        if self._server is not None:
            raise RuntimeError(f"{type(self).__name__} listens already at {self._url}")
        self._stopping.clear()
        server = _Server(("127.0.0.1", 0), self)
        server.prepare()
        self._url = f"http://127.0.0.1:{server.bind_addr[1]}"
        self._server = server
        self._thread = threading.Thread(target=server.serve, name=f"{type(self).__name__} {self._url}")
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop listening, end every connection and wait for the threads; harmless when it does not run."""
        server, thread = self._server, self._thread
        if server is None or thread is None:
            return
        self._stopping.set()
        server.stop()
        thread.join()
        self._server = self._thread = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def inject(
        self,
        fault: Fault,
        *,
        when: Callable[[Request], bool] | None = None,
        after: bool = False,
        times: int = 1,
        skip: int = 0,
    ) -> None:
        """Let the next requests fail.

        :param when: takes the request and says whether it is meant; every request is when it is None.
        :param after: the request takes effect first, and only its answer is replaced. A body that is cut is
            always that of an answer, so its request takes effect too.
        :param times: how many requests fail.
        :param skip: how many that are meant pass unharmed before.
        """
        with self._lock:
            self._faults.append(_Injected(fault, when, after, times, skip))

    def clear(self) -> None:
        """Forget the log, the faults that were not used up, and how many connections there were."""
        with self._lock:
            self.log.clear()
            self._faults.clear()
            self.connections = 0

    # -- WSGI -------------------------------------------------------------------------------------

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer as a WSGI application."""
        request = Request(environ)
        request.get_data()  # read and kept, so that conditions and the log see it too
        late = self.delay + self._greet(environ[_CONNECTION])
        if late:
            self._stopping.wait(late)
        fault, after = self._fault_for(request)
        response = self.respond(request) if fault is None or after else Response()
        if isinstance(fault, Answer):
            response = _response_of(fault)
        if isinstance(fault, Reset | Stall):
            self._record(request, 0, b"", {})
            return self._say_nothing(fault, environ[_CONNECTION])
        response.make_sequence()
        body = response.get_data()
        sent = body[: len(body) // 2] if isinstance(fault, CutBody) else body
        self._record(request, response.status_code, sent, dict(response.headers))
        if isinstance(fault, CutBody):
            return _half(response, sent, len(body), environ, start_response)
        return response(environ, start_response)

    def _greet(self, gateway: _Gateway) -> float:
        """Count a connection that brings its first request, and say how much later that is answered."""
        connection = gateway.req.conn
        with self._lock:
            if connection in self._greeted:
                return 0.0
            self._greeted.add(connection)
            self.connections += 1
        return self.connection_delay

    def _fault_for(self, request: Request) -> tuple[Fault | None, bool]:
        with self._lock:
            for each in self._faults:
                if each.when is not None and not each.when(request):
                    continue
                if each.skip:
                    each.skip -= 1
                    continue
                each.times -= 1
                if not each.times:
                    self._faults.remove(each)
                return each.fault, each.after or isinstance(each.fault, CutBody)
        return None, False

    def _record(self, request: Request, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        path, _, query = _target(request).partition("?")
        exchange = Exchange(
            method=request.method,
            path=path,
            query=query,
            request_headers=dict(request.headers),
            request_body=request.get_data(),
            status=status,
            response_bytes=body,
            response_headers=headers,
        )
        with self._lock:
            self.log.append(exchange)

    def _say_nothing(self, fault: Reset | Stall, connection: _Gateway) -> Iterable[bytes]:
        if isinstance(fault, Stall):
            self._stopping.wait(fault.seconds)
        connection.drop(reset=isinstance(fault, Reset))
        return ()


def _response_of(answer: Answer) -> Response:
    return Response(
        answer.body, answer.status, dict(answer.headers), content_type=answer.content_type or None
    )


def _half(
    response: Response, half: bytes, length: int, environ: dict[str, Any], start_response: Callable[..., Any]
) -> Iterable[bytes]:
    """Send half a body under the headers of the whole; the connection ends behind it."""
    headers = [(name, value) for name, value in response.headers if name.lower() != "content-length"]
    start_response(response.status, [*headers, ("Content-Length", str(length))])
    connection: _Gateway = environ[_CONNECTION]

    def chunks() -> Iterable[bytes]:
        yield half
        # After the headers, which would announce it otherwise.
        connection.close_afterwards()

    return chunks()


def _target(request: Request) -> str:
    """Give path and query as they were sent."""
    target: str = request.environ["REQUEST_URI"]
    return target if target.startswith("/") else "/" + target.split("/", 3)[3]


class _Gateway(wsgi.Gateway_10):
    """Hands an application the connection, and the path decoded once and whole."""

    def get_environ(self) -> dict[str, Any]:  # type: ignore[override]  # its stub says None
        environ: dict[str, Any] = super().get_environ()  # type: ignore[no-untyped-call]
        path = environ["REQUEST_URI"].partition("?")[0]
        if path.startswith("/"):
            # cheroot leaves %2F in the path, which then cannot be told from %252F.
            environ["PATH_INFO"] = urllib.parse.unquote_to_bytes(path).decode("latin-1")
        environ[_CONNECTION] = self
        return environ

    def close_afterwards(self) -> None:
        self.req.close_connection = True

    def drop(self, *, reset: bool) -> None:
        """Close the socket without an answer."""
        self.req.sent_headers = True
        self.req.close_connection = True
        if not reset:
            return
        connection = self.req.conn
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        # An orderly shutdown, which cheroot does unless it lingers, would come before the reset.
        connection.linger = True
        os.close(connection.socket.detach())


class _Server(wsgi.Server):
    """A server that starts and stops fast and says nothing."""

    expiration_interval = 0.02

    def __init__(self, address: tuple[str, int], application: ServerSimulator) -> None:
        super().__init__(
            address,
            application,
            numthreads=application.workers,
            request_queue_size=128,
            shutdown_timeout=1,
            timeout=60,
        )
        self.gateway = _Gateway
