"""Reading a ``tar.gz`` as it comes: no more in memory than its largest file, and nothing on disk by its names."""

from __future__ import annotations

import io
from collections.abc import Callable, Collection, Generator, Iterable, Iterator
from typing import IO, TYPE_CHECKING, Final, cast

import attrs

from copydesk.errors import ProtocolError, UnavailableError
from copydesk.models import Mode, TreeEntry
from copydesk.ways import Cost, Wanted

if TYPE_CHECKING:
    import tarfile

    from _typeshed import WriteableBuffer

    from copydesk.http import HttpClient, Request

__all__ = ["ArchiveWay", "ArchivedFile", "read_archive", "sizes_of", "stream_archive"]

#: No forge takes a file in git that is larger, so one that says so is passed over and never held.
LARGEST: Final = 100 * 2**20
#: What may stand before and behind a file: its long name, its attributes, the padding.
_HEADERS: Final = 2**20
_EXECUTABLE: Final = 0o100


@attrs.frozen
class ArchivedFile:
    """A file, executable or symlink of an archive.

    :param path: without the folder that all is below.
    :param commit_sha: what the archive is of, as git notes it in a global header; "" where that is missing.
    """

    path: str
    content: bytes = attrs.field(repr=lambda content: f"<{len(content)} bytes>")
    mode: Mode
    commit_sha: str = ""


def stream_archive(
    pieces: Iterator[bytes], forge: str, sizes: Collection[int] | None = None
) -> Iterator[bytes]:
    """Give the bytes of each file of a ``tar.gz``, as :func:`read_archive` does, for who needs no names."""
    return (file.content for file in read_archive(pieces, forge, sizes))


def read_archive(
    pieces: Iterator[bytes], forge: str, sizes: Collection[int] | None = None
) -> Iterator[ArchivedFile]:
    """Give the files of a ``tar.gz`` as they come; the bytes of a symlink are its target.

    Folders, submodules, hard links, devices and sparse files are passed over: git archives none that matter.

    :param forge: who gave it, for messages.
    :param sizes: how long the files are that are wanted: one of another length cannot be one of them, so it is not
        held, however much a small archive unpacks to. None: what is larger than 100 MiB is passed over.
    :raises UnavailableError: it ends too early.
    :raises ProtocolError: it is none, or damaged.
    """
    import tarfile  # these three for who gets an archive
    import zlib

    try:
        yield from _files(pieces, sizes)
    except EOFError as exc:
        raise UnavailableError(f"{forge} gave an archive that ends too early; try again") from exc
    except (tarfile.TarError, OSError, zlib.error, ValueError, OverflowError) as exc:
        raise ProtocolError(
            f"{forge} gave an archive that cannot be read ({type(exc).__name__}: {exc}); try again, or report it"
        ) from exc


def sizes_of(entries: tuple[TreeEntry, ...]) -> frozenset[int] | None:
    """Give how long files are; None where one of them is not known."""
    sizes = frozenset(entry.size for entry in entries if entry.size is not None)
    return None if any(entry.size is None for entry in entries) else sizes


@attrs.frozen(eq=False)
class ArchiveWay:
    """The whole tree of a commit as one ``tar.gz``, for a forge that makes archives of whole trees only.

    The size that it tells is that of the largest tree that is known, halved for gzip. Where none is known it is
    that of what is wanted, too little where much of the tree is not: whoever asks takes that into account.

    :param ask: builds the request, from the sha of a commit.
    :param requests: how many it takes, redirects included.
    :param turns: how many of them, and of the connections that have to be made, wait for one another.
    """

    client: HttpClient
    forge: str
    ask: Callable[[str], Request]
    requests: int = 1
    turns: int = 1
    name: str = "archive"

    def cost(self, wanted: Wanted) -> Cost | None:
        """Tell the requests; None without entries, for attributes may leave files out of an archive."""
        if not wanted.entries:
            return None
        size = max(map(_size, (wanted.entries, *wanted.known.values()))) // 2
        return Cost(self.requests, self.turns, size, quota=1)

    def read(self, wanted: Wanted) -> Generator[bytes, None, None]:
        """Give the bytes of every file in the tree that may be wanted."""
        with self.client.stream(self.ask(wanted.commit_sha)) as pieces:
            yield from stream_archive(pieces, self.forge, sizes_of(wanted.entries or ()))


def _size(entries: Iterable[TreeEntry]) -> int:
    return sum(entry.size or 0 for entry in entries)


def _files(pieces: Iterator[bytes], sizes: Collection[int] | None) -> Iterator[ArchivedFile]:
    import tarfile

    source = _Unpacked(pieces)
    stream = cast("IO[bytes]", source)  # a stream is only ever read, which its type does not say
    with tarfile.open(fileobj=stream, mode="r|", encoding="utf-8", errors="surrogateescape") as archive:
        while (member := archive.next()) is not None:
            source.room = member.size + _HEADERS
            archive.members = []  # type: ignore[attr-defined]  # untyped; every header would be kept there
            file = _file(archive, member, sizes)
            if file is not None:
                yield file
    source.finish()


def _file(
    archive: tarfile.TarFile, member: tarfile.TarInfo, sizes: Collection[int] | None
) -> ArchivedFile | None:
    path = member.name.partition("/")[2]
    commit_sha = archive.pax_headers.get("comment", "")
    if member.issym():
        target = member.linkname.encode("utf-8", "surrogateescape")
        return ArchivedFile(path, target, Mode.SYMLINK, commit_sha)
    wanted = member.size <= LARGEST if sizes is None else member.size in sizes
    if not wanted or not member.isfile() or member.issparse():
        return None
    body = archive.extractfile(member)
    content = body.read() if body is not None else b""
    if len(content) != member.size:
        raise EOFError(path)
    mode = Mode.EXECUTABLE if member.mode & _EXECUTABLE else Mode.FILE
    return ArchivedFile(path, content, mode, commit_sha)


class _Unpacked:
    """The bytes that are packed, in order, and no more of them at once than there is room for.

    A header says how long it is, and the standard library reads it whole: what is longer than any is refused.
    """

    def __init__(self, pieces: Iterator[bytes]) -> None:
        import gzip

        self._packed = gzip.GzipFile(fileobj=io.BufferedReader(_Pieces(pieces)), mode="rb")
        self.room = _HEADERS

    def read(self, size: int) -> bytes:
        found = self._packed.read(size)
        self.room -= len(found)
        if self.room < 0:
            raise ValueError("a header of more than 1 MiB")
        return found

    def finish(self) -> None:
        """Read what is behind the last file: the checksum of all."""
        self.room = _HEADERS
        while self.read(io.DEFAULT_BUFFER_SIZE):
            pass


class _Pieces(io.RawIOBase):
    """Pieces of bytes as a file."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._left = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        target = memoryview(buffer).cast("B")
        while not self._left:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._left = memoryview(piece)
        count = min(len(target), len(self._left))
        target[:count], self._left = self._left[:count], self._left[count:]
        return count
