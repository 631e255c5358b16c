"""One repository as git's own clients see it; it learns what its server can do where the first try fails."""

from __future__ import annotations

import contextlib
import itertools
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import attrs

from copydesk.errors import NotSupportedError, ProtocolError
from copydesk.git._pkt import Pieces, Remote
from copydesk.git._protocol import (
    Fetch,
    Server,
    ask_abilities,
    ask_head,
    ask_pack,
    pack_pieces,
    read_abilities,
    read_head,
)

if TYPE_CHECKING:
    from copydesk.http import Answer, HttpClient

__all__ = ["GitClient"]


@attrs.define(eq=False)
class GitClient:
    """Asks for packs; safe to use from threads.

    :param connect: makes the client when it is first used; its root is the address that one clones from.
    :param asks_first: what the server can do is asked before anything else, and not when a first try failed.
    """

    connect: Callable[[], HttpClient] = attrs.field(repr=False)
    asks_first: bool = False
    _http: HttpClient | None = attrs.field(default=None, init=False)
    _server: Server | None = attrs.field(default=None, init=False)
    _answered: bool = attrs.field(default=False, init=False)
    _lock: threading.Lock = attrs.field(factory=threading.Lock, init=False, repr=False)

    @property
    def is_connected(self) -> bool:
        """Whether there was an answer before, and with it a connection."""
        return self._answered

    @property
    def server(self) -> Server:
        """What the server can do, as far as that is known."""
        return self._server or Server()

    @property
    def remote(self) -> Remote:
        """The repository as messages name it."""
        http = self._opened()
        return Remote(http.dialect.name, http.root, http.hidden)

    def head(self, branch: str) -> str:
        """Give the head of a branch; one request, and one or two more where the first is not understood.

        :raises NotFoundError: there is no such branch.
        """
        if self._server is None and not self.asks_first:
            try:
                return self._head(branch)
            except (ProtocolError, NotSupportedError):
                pass  # it may not speak version 2
        if self._server is None or self._server.version != 2:
            answer = self._learn()
            if self.server.version != 2:
                return read_head(answer, branch, self.remote)
        return self._head(branch)

    def _head(self, branch: str) -> str:
        head = read_head(self._opened().send(ask_head(branch)), branch, self.remote)
        self._answered = True
        return head

    @contextlib.contextmanager
    def fetch(self, asked: Fetch) -> Iterator[Iterator[bytes]]:
        """Ask for a pack, and give its bytes as they come; two requests more where the first is not understood.

        :raises CopydeskError: there is none, also while the bytes are read.
        """
        with contextlib.ExitStack() as stack:
            yield self._begun(asked, stack)

    def _begun(self, asked: Fetch, stack: contextlib.ExitStack) -> Iterator[bytes]:
        if self.asks_first and self._server is None:
            self._learn()
        if self._server is not None:
            return self._answer(asked, self._server, stack)
        try:
            return self._answer(asked, Server(), stack)
        except (ProtocolError, NotSupportedError):
            stack.close()
            self._learn()
            if ask_pack(asked, self.server) == ask_pack(asked, Server()):
                raise  # it would be the same question
        return self._answer(asked, self.server, stack)

    def _answer(self, asked: Fetch, server: Server, stack: contextlib.ExitStack) -> Iterator[bytes]:
        """Ask, and read until the pack begins."""
        remote = self.remote
        body = stack.enter_context(self._opened().stream(ask_pack(asked, server)))
        pieces = pack_pieces(Pieces(body, remote), remote)
        first = next(pieces)
        self._answered = True
        return itertools.chain((first,), pieces)

    def _learn(self) -> Answer:
        """Ask what the server can do, and note it."""
        answer = self._opened().send(ask_abilities())
        self._server = read_abilities(answer, self.remote)
        return answer

    def _opened(self) -> HttpClient:
        with self._lock:
            self._http = self._http or self.connect()
            return self._http
