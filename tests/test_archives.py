"""Archives are read as they come, whole, and no worse than typed errors come of bad ones."""

from __future__ import annotations

import gzip
import io
import subprocess
import tarfile
import tracemalloc
from collections.abc import Iterator

import pytest
from copydesk.archives import ArchivedFile, read_archive, sizes_of, stream_archive
from copydesk.errors import ProtocolError, UnavailableError
from copydesk.models import FileVersion, Mode, TreeEntry

LONG = f"{'folder/' * 30}{'name' * 30}.md"


def member(name: str, content: bytes = b"", **fields: object) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(f"top/{name}")
    info.size = len(content)
    for field, value in fields.items():
        setattr(info, field, value)
    return info, content


def packed(*members: tuple[tarfile.TarInfo, bytes], kind: int = tarfile.PAX_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz", format=kind) as archive:
        for info, content in members:
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def in_pieces(content: bytes, size: int = 7) -> Iterator[bytes]:
    yield b""
    for start in range(0, len(content), size):
        yield content[start : start + size]


@pytest.mark.parametrize("kind", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT], ids=["pax", "gnu"])
@pytest.mark.parametrize("size", [1, 7, 10**6])
def test_files_executables_and_symlinks(kind, size):
    """With names of any length, in pieces of any size; folders, links and devices are passed over."""
    content = packed(
        member("", type=tarfile.DIRTYPE),
        member("a.md", b"a"),
        member("empty"),
        member("bin/run", b"#!", mode=0o755),
        member("link", type=tarfile.SYMTYPE, linkname="a.md"),
        member("hard", type=tarfile.LNKTYPE, linkname="top/a.md"),
        member("device", type=tarfile.CHRTYPE),
        member(LONG, b"long"),
        kind=kind,
    )
    assert list(read_archive(in_pieces(content, size), "pond")) == [
        ArchivedFile("a.md", b"a", Mode.FILE),
        ArchivedFile("empty", b"", Mode.FILE),
        ArchivedFile("bin/run", b"#!", Mode.EXECUTABLE),
        ArchivedFile("link", b"a.md", Mode.SYMLINK),
        ArchivedFile(LONG, b"long", Mode.FILE),
    ]


def test_names_that_are_no_utf8():
    """They stay as git has them."""
    name = "\udce9t\udce9"
    out = io.BytesIO()
    with tarfile.open(
        fileobj=out, mode="w:gz", format=tarfile.GNU_FORMAT, encoding="utf-8", errors="surrogateescape"
    ) as archive:
        archive.addfile(*(member(name, type=tarfile.SYMTYPE, linkname=name)[:1]))
    assert list(read_archive(in_pieces(out.getvalue()), "pond")) == [
        ArchivedFile(name, b"\xe9t\xe9", Mode.SYMLINK)
    ]


def test_archives_of_git(make_repository):
    """Their first header holds the commit; a file of another length than any that is wanted is passed over."""
    site = make_repository("site", {"a.md": b"a", "b.md": b"bb", "c/d.md": b"ddd"})
    content = subprocess.run(
        ["git", "archive", "--format=tar.gz", "--prefix=site/", "HEAD"], cwd=site, capture_output=True, check=True
    ).stdout  # fmt: skip
    assert sorted(stream_archive(in_pieces(content), "pond")) == [b"a", b"bb", b"ddd"]
    assert list(stream_archive(in_pieces(content), "pond", {2})) == [b"bb"]


@pytest.mark.parametrize("cut", [0, 5, 0.5, -9, -1])
def test_archive_that_is_cut(cut):
    """What came before is given; the end is missed, be it the checksum alone."""
    content = packed(*(member(f"{number}.md", b"%d" % number * 999) for number in range(50)))
    end = int(len(content) * cut) if isinstance(cut, float) else cut
    with pytest.raises((UnavailableError, ProtocolError), match=r"pond gave an archive that .*; try again"):
        list(read_archive(in_pieces(content[:end]), "pond"))


@pytest.mark.parametrize(
    "content",
    [
        b"<html>not yet</html>",
        gzip.compress(b"no tar" * 999),
        gzip.compress(b""),
        b"\x1f\x8b\x08" + b"\xff" * 99,
    ],
    ids=["page", "no tar", "nothing", "garbage"],
)
def test_what_is_no_archive(content):
    with pytest.raises((ProtocolError, UnavailableError), match="try again"):
        list(read_archive(in_pieces(content), "pond"))


def test_damaged_archive():
    """The checksum behind it all is looked at, too."""
    content = bytearray(packed(member("a.md", b"a")))
    content[-6] ^= 1
    with pytest.raises(ProtocolError, match=r"cannot be read \(BadGzipFile"):
        list(read_archive(in_pieces(bytes(content)), "pond"))


def test_errors_of_who_gives_the_pieces_stay():
    def pieces() -> Iterator[bytes]:
        yield packed(member("a.md", b"a"))[:20]
        raise UnavailableError("the connection is gone")

    with pytest.raises(UnavailableError, match="the connection is gone"):
        list(read_archive(pieces(), "pond"))


@pytest.mark.parametrize("sizes", [{1}, None], ids=["sizes known", "no sizes"])
def test_small_archive_that_unpacks_to_much(sizes):
    """120 MiB of nothing are passed over and never held."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz", compresslevel=1) as archive:
        bomb = member("bomb")[0]
        bomb.size = 120 * 2**20
        archive.addfile(bomb, _Zeros())
        archive.addfile(member("a.md", b"a")[0], io.BytesIO(b"a"))
    bomb, a = out.getvalue(), b"a"
    tracemalloc.start()
    try:
        assert list(stream_archive(in_pieces(bomb, 65536), "pond", sizes)) == [a]
        assert tracemalloc.get_traced_memory()[1] < 2 * 2**20
    finally:
        tracemalloc.stop()


def test_header_that_is_longer_than_any():
    """The standard library would read it whole."""
    content = packed(member("a.md", b"a", pax_headers={"comment": "x" * (3 * 2**20)}))
    with pytest.raises(ProtocolError, match="a header of more than 1 MiB"):
        list(read_archive(in_pieces(content, 65536), "pond"))


def test_headers_are_not_kept():
    """Thousands of files take no more memory than one."""
    content = packed(*(member(f"{number}.md", b"x") for number in range(2000)))
    files = stream_archive(iter([content]), "pond")
    next(files)
    tracemalloc.start()
    try:
        assert sum(1 for _ in files) == 1999
        assert tracemalloc.get_traced_memory()[1] < 2**19
    finally:
        tracemalloc.stop()


def test_sizes_are_known_or_not():
    known = TreeEntry("a", 3, FileVersion("a" * 40))
    assert sizes_of((known, known)) == {3}
    assert sizes_of((known, TreeEntry("b", None, FileVersion("b" * 40)))) is None


class _Zeros(io.RawIOBase):
    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        return bytes(size)
