"""Lines as git frames them (gitprotocol-common: pkt-line), and bytes that come in pieces."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

import attrs

from copydesk.errors import ProtocolError, UnavailableError

__all__ = ["DELIMITER", "FLUSH", "Pieces", "Remote", "packet", "packets"]

FLUSH: Final = b"0000"
DELIMITER: Final = b"0001"
_HEAD: Final = 4


@attrs.frozen
class Remote:
    """A repository as messages name it; *hide* takes the secrets out of what its server says."""

    name: str
    address: str
    hide: Callable[[str], str] = attrs.field(repr=False)

    def broken_off(self) -> UnavailableError:
        """Make the error of an answer that ended too early."""
        return UnavailableError(f"{self.name} broke off what git was to get from {self.address}; try again")

    def unlike(self, what: str) -> ProtocolError:
        """Make the error of an answer that git's protocol does not know."""
        return ProtocolError(
            f"{self.name} gave {what} at {self.address} instead of an answer to git; check the address"
        )

    def words(self, said: bytes) -> str:
        """Give what the server said, as a message may show it."""
        return self.hide(" ".join(said.decode("utf-8", "replace").split()))[:500]


class Pieces:
    """Reads bytes that come in pieces of any length, as many as are asked for."""

    def __init__(self, pieces: Iterable[bytes], remote: Remote) -> None:
        self._pieces = iter(pieces)
        self._remote = remote
        self._left = bytearray()

    def some(self, size: int) -> bytes:
        """Give at least one byte, and *size* at the most.

        :raises UnavailableError: there are no more.
        """
        while not self._left:
            self._left += self._next()
        return self._taken(size)

    def exactly(self, size: int) -> bytes:
        """Give so many bytes.

        :raises UnavailableError: there are fewer.
        """
        while len(self._left) < size:
            self._left += self._next()
        return self._taken(size)

    def at_end(self) -> bool:
        """Look whether there are no more."""
        while not self._left:
            piece = next(self._pieces, None)
            if piece is None:
                return True
            self._left += piece
        return False

    def skip(self) -> None:
        """Read what is left, so that the connection can be used again."""
        self._left.clear()
        for _ in self._pieces:
            pass

    def _next(self) -> bytes:
        piece = next(self._pieces, None)
        if piece is None:
            raise self._remote.broken_off()
        return piece

    def _taken(self, size: int) -> bytes:
        taken = bytes(self._left[:size])
        del self._left[:size]
        return taken


def packet(line: str) -> bytes:
    """Frame a line."""
    content = f"{line}\n".encode()
    return b"%04x%b" % (len(content) + _HEAD, content)


def packets(pieces: Pieces, remote: Remote) -> Iterator[bytes]:
    """Read what is framed until there is no more; what only parts or ends is empty.

    :raises ProtocolError: it is not framed.
    :raises UnavailableError: it ends in the middle.
    """
    while not pieces.at_end():
        head = pieces.exactly(_HEAD)
        try:
            size = int(head, 16)
        except ValueError as exc:
            raise remote.unlike(f"something that begins {remote.words(head)!r}") from exc
        yield pieces.exactly(size - _HEAD) if size > _HEAD else b""
