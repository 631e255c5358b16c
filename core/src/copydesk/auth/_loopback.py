"""Logging in who sits at this machine: a page on the loopback address, for one answer and a few minutes."""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final
from urllib.parse import urlsplit

from copydesk.auth._desk import LARGEST, Desk, Reply
from copydesk.auth._runner import LoginRunner
from copydesk.errors import CopydeskError, InvalidInputError, UnavailableError
from copydesk.models import Credential

__all__ = ["log_in_here"]

#: Seconds that the page waits for an answer.
PATIENCE: Final = 300.0
_LOOPBACK: Final = {"127.0.0.1": ("127.0.0.1",), "::1": ("::1",), "localhost": ("127.0.0.1", "::1")}
_TRIES: Final = 20


def log_in_here(
    runner: LoginRunner,
    show: Callable[[str], object],
    *,
    redirect_uri: str = "",
    keep: Callable[[Credential], None] = lambda _: None,
    patience: float = PATIENCE,
) -> Credential:
    """Run a flow whose answer comes by a browser on this machine, and give the credential.

    The answer is taken by a server on 127.0.0.1 and, where there is one, ::1. It takes one, from its own page or
    with the state of this login, and is closed after it.

    :param show: is told the address to open.
    :param redirect_uri: the address that is registered with the provider, ``http://127.0.0.1:8976/callback`` or
        with ``localhost``; by default a port that is free, which GitHub and GitLab take for the registered
        ``http://127.0.0.1/callback`` (RFC 8252 §7.3), and a popup needs none.
    :param keep: keeps the credential before the page says that all went well; what it raises, the page tells.
    :param patience: seconds until nobody waits any longer.
    :raises UnavailableError: nobody logged in in time, or the port is taken.
    :raises AuthenticationError: the person or the provider refused.
    """
    with _servers(redirect_uri) as (servers, uri):
        begun = runner.begin(uri)
        path = f"/login/{secrets.token_urlsafe(24)}"
        port = servers[0].server_port
        hosts = frozenset({f"127.0.0.1:{port}", f"[::1]:{port}", f"localhost:{port}"})
        desk = Desk(runner, begun, hosts, urlsplit(uri).path or "/", path, keep)
        for server in servers:
            server.desk = desk
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            show(f"http://{urlsplit(uri).netloc}{path}" if begun.page is not None else begun.address)
            answered = servers[0].done.wait(patience)
        finally:
            for server in servers:
                server.shutdown()
    if not answered or desk.outcome is None:
        minutes = f"{patience / 60:.0f} minutes" if patience >= 120 else f"{patience:.0f} s"
        raise UnavailableError(f"nobody logged in within {minutes}; run the login again")
    if isinstance(desk.outcome, CopydeskError):
        raise desk.outcome
    return desk.outcome


class _Server(ThreadingHTTPServer):
    """A server on one loopback address."""

    daemon_threads = True
    # A registered port can be used again at once. On Windows the same word lets another program share it.
    allow_reuse_address = os.name == "posix"
    desk: Desk

    def __init__(self, host: str, port: int, done: threading.Event) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.done = done
        super().__init__((host, port), _Handler)

    def server_bind(self) -> None:
        """Bind, without asking a name server who this machine is."""
        if self.allow_reuse_address:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if self.address_family == socket.AF_INET6:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a browser that leaves is no matter, and a traceback shows what it said."""


class _Handler(BaseHTTPRequestHandler):
    """Hands requests to the desk, and notes none."""

    server: _Server
    timeout = 5.0  # a browser opens connections that it does not use

    def do_GET(self) -> None:
        self._send(self.server.desk.get(self.path, dict(self.headers.items())))

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit() and int(length) <= LARGEST):
            self.send_error(413)
            return
        body = self.rfile.read(int(length))
        reply = self.server.desk.post(self.path, dict(self.headers.items()), body)
        self._send(reply, words=True)

    def _send(self, reply: Reply, *, words: bool = False) -> None:
        content = (reply.words if words else reply.page.html).encode()
        headers = {**reply.page.headers, **({"Content-Type": "text/plain; charset=utf-8"} if words else {})}
        self.send_response_only(reply.status)
        for name, value in {**headers, "Content-Length": str(len(content)), "Connection": "close"}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)
        self.wfile.flush()
        if self.server.desk.outcome is not None:
            self.server.done.set()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Write no log: an address may have a code in it."""


@contextlib.contextmanager
def _servers(redirect_uri: str) -> Iterator[tuple[list[_Server], str]]:
    """Listen at the redirect URI, or at a free port; give the whole URI too."""
    host, port, uri = _place(redirect_uri)
    servers = _bound(_LOOPBACK[host], port)
    try:
        yield servers, uri or f"http://127.0.0.1:{servers[0].server_port}/callback"
    finally:
        for server in servers:
            server.server_close()


def _place(redirect_uri: str) -> tuple[str, int, str]:
    if not redirect_uri:
        return "localhost", 0, ""
    try:
        parts = urlsplit(redirect_uri)
        host, port = parts.hostname or "", parts.port or 80
    except ValueError:
        host, port = "", 0
    sound = host in _LOOPBACK and redirect_uri.startswith("http://") and not (parts.query or parts.fragment)
    if not sound or parts.username is not None:
        raise InvalidInputError(
            f"{redirect_uri!r} is no address that this machine can listen at: give one like "
            "'http://127.0.0.1:8976/callback', as it is registered with the provider"
        )
    return host, port, redirect_uri


def _bound(hosts: tuple[str, ...], port: int) -> list[_Server]:
    """Bind the addresses to one port; at ::1 nobody else must listen in place of this one."""
    done = threading.Event()
    for _ in range(_TRIES if port == 0 else 1):
        servers: list[_Server] = []
        try:
            for host in hosts:
                if host != "::1" or len(hosts) == 1 or _has_ipv6():
                    servers.append(_Server(host, servers[0].server_port if servers else port, done))
        except OSError as exc:
            for server in servers:
                server.server_close()
            reason = exc.strerror
            continue
        return servers
    raise UnavailableError(
        f"cannot listen at port {port or 'any'} of this machine ({reason}); end what uses it, or choose another "
        "redirect URI"
    )


def _has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True
