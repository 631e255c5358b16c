"""The objects of a pack while it comes (gitformat-pack), whatever they are packed against."""

from __future__ import annotations

import functools
import hashlib
from array import array
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Final, Self, TypeVar

import attrs
from dulwich.lru_cache import LRUSizeCache
from dulwich.pack import DELTA_TYPES, PackStreamReader, UnpackedObject, apply_delta, unpack_object

from copydesk.blobs import object_sha
from copydesk.errors import CopydeskError, ProtocolError
from copydesk.git._pkt import Pieces, Remote
from copydesk.spool import Spool

__all__ = ["BLOB", "COMMIT", "TREE", "Held", "Pack", "PackedObject"]

T = TypeVar("T")

COMMIT: Final = 1
TREE: Final = 2
BLOB: Final = 3
_NAMES: Final = {COMMIT: b"commit", TREE: b"tree", BLOB: b"blob", 4: b"tag"}
#: What does not fit where there is no room.
_WHAT: Final = "what git sends"
#: A smaller pack stays in memory.
_IN_MEMORY: Final = 1 << 20
#: So many bytes of what others are packed against are kept at hand.
_AT_HAND: Final = 8 << 20
_SHA1: Final = functools.partial(hashlib.sha1, usedforsecurity=False)


@attrs.frozen
class PackedObject:
    """An object, and where in the pack it is."""

    kind: int
    offset: int
    content: bytes = attrs.field(repr=lambda content: f"<{len(content)} bytes>")

    @property
    def sha(self) -> str:
        """The sha-1 that git gives it."""
        return object_sha(_NAMES[self.kind], self.content)


def _size(found: PackedObject) -> int:
    return len(found.content)


class Held(Spool):
    """Keeps the bytes of files until they may be given."""

    def __init__(self) -> None:
        super().__init__(_WHAT, _IN_MEMORY)
        self._sizes = array("Q")

    def add(self, content: bytes) -> None:
        """Keep the bytes of a file."""
        self.append(content)
        self._sizes.append(len(content))

    def contents(self) -> Iterator[bytes]:
        """Give what was kept."""
        self.seek(0)
        for size in self._sizes:
            yield self.read(size)


class Pack:
    """Reads a pack that comes in pieces; what came is kept in a temporary file until the end.

    :param outside: gives kind and bytes of an object that is not in the pack by its sha, None where there is none.
    """

    def __init__(
        self, pieces: Iterator[bytes], remote: Remote, outside: Callable[[str], tuple[int, bytes] | None]
    ) -> None:
        self._pieces = Pieces(pieces, remote)
        self._remote = remote
        self._outside = outside
        self._kept = Spool(_WHAT, _IN_MEMORY)
        self._at_hand = LRUSizeCache[int, PackedObject](max_size=_AT_HAND, compute_size=_size)
        self._offsets = array("Q")
        self._held: list[int] = []
        self._known: dict[str, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._kept.__exit__(kind, exc, trace)

    def objects(self) -> Iterator[PackedObject]:
        """Give every object; one that is packed against what nobody has is left out.

        :raises ProtocolError: it is no pack, or damaged.
        :raises UnavailableError: it ends in the middle.
        """
        reader = PackStreamReader(_SHA1, self._read_all, self._read_some)
        stream = reader.read_objects()
        while (unpacked := self._guarded(lambda: next(stream, None))) is not None:
            found = self._found(unpacked)
            if found is None:
                self._held.append(int(unpacked.offset or 0))
                continue
            self._offsets.append(found.offset)
            yield found
        self._pieces.skip()
        yield from self._late()

    def know(self, found: PackedObject, sha: str) -> None:
        """Note the sha of an object, which others may be packed against."""
        self._known[sha] = found.offset

    # -- reading --------------------------------------------------------------------------------------

    def _read_all(self, size: int) -> bytes:
        return self._keep(self._pieces.exactly(size))

    def _read_some(self, size: int) -> bytes:
        return self._keep(self._pieces.some(size))

    def _keep(self, content: bytes) -> bytes:
        self._kept.append(content)
        return content

    def _found(self, unpacked: UnpackedObject) -> PackedObject | None:
        offset = int(unpacked.offset or 0)
        if unpacked.pack_type_num in DELTA_TYPES:
            return self._resolved(offset)
        return PackedObject(unpacked.pack_type_num, offset, b"".join(unpacked.decomp_chunks))

    def _late(self) -> Iterator[PackedObject]:
        """Give what is packed against an object that came behind it, or that nobody had to know the sha of."""
        if not self._held:
            return
        for found in filter(None, map(self._resolved, self._offsets)):
            self.know(found, found.sha)
        progress = True
        while progress and self._held:
            waiting, self._held, progress = self._held, [], False
            for offset in waiting:
                late = self._resolved(offset)
                if late is None:
                    self._held.append(offset)
                    continue
                progress = True
                self.know(late, late.sha)
                yield late

    # -- deltas ---------------------------------------------------------------------------------------

    def _resolved(self, offset: int) -> PackedObject | None:
        """Give the object at an offset; None where what it is packed against is not known."""
        deltas: list[tuple[int, bytes]] = []
        at: int | None = offset
        base: PackedObject | None = None
        while at is not None and base is None:
            base, at = self._step(at, deltas)
        if base is None:
            return None
        for each, delta in reversed(deltas):
            whole = self._guarded(functools.partial(apply_delta, base.content, delta))
            base = PackedObject(base.kind, each, b"".join(whole))
            self._at_hand[each] = base
        return base

    def _step(self, at: int, deltas: list[tuple[int, bytes]]) -> tuple[PackedObject | None, int | None]:
        """Give what is at an offset; where it is a delta, note that and give where its base is."""
        known = self._at_hand.get(at)
        if known is not None:
            return known, None
        unpacked = self._guarded(lambda: self._unpacked(at))
        content = b"".join(unpacked.decomp_chunks)
        if unpacked.pack_type_num not in DELTA_TYPES:
            found = PackedObject(unpacked.pack_type_num, at, content)
            if deltas:  # what is one base is often that of others
                self._at_hand[at] = found
            return found, None
        deltas.append((at, content))
        if isinstance(unpacked.delta_base, int):
            return None, self._earlier(at, unpacked.delta_base)
        sha = (unpacked.delta_base or b"").hex()
        if sha in self._known:
            return None, self._known[sha]
        outside = self._outside(sha)
        return (None if outside is None else PackedObject(outside[0], -1, outside[1])), None

    def _earlier(self, at: int, distance: int) -> int:
        if not 0 < distance < at:
            raise self._damaged()
        return at - distance

    def _unpacked(self, at: int) -> UnpackedObject:
        self._kept.seek(at)
        unpacked, _ = unpack_object(self._kept.read, _SHA1)
        return unpacked

    def _guarded(self, call: Callable[[], T]) -> T:
        try:
            return call()
        except CopydeskError:
            raise
        except Exception as exc:  # dulwich raises what comes: zlib.error, AssertionError, ValueError, its own
            raise self._damaged() from exc

    def _damaged(self) -> ProtocolError:
        return self._remote.damaged("pack")
