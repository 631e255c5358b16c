"""Going one way to read many files: what it tells before, what it gives, and what git has."""

from __future__ import annotations

import pygit2
from copydesk import Repository
from copydesk.blobs import blob_sha
from copydesk.models import FileVersion, Mode, TreeEntry
from copydesk.ways import Cost, Listing, Wanted, Way
from simulators import git as objects
from simulators import store

__all__ = ["FILES", "MODES", "bytes_of", "entries_of", "go", "way_of"]

#: Ten texts in two folders, and what is none; what is no text, or a symlink, some ways leave out.
FILES = {f"p/{number}.md": b"%d\n" % number for number in range(8)}
FILES |= {"q/a.md": b"a\n", "q/\u00fc .md": b"\xc3\xbc\n"}
FILES |= {"p/image.png": b"\x89PNG\0", "p/link": b"0.md", "p/run": b"#!/bin/sh\n", "p/empty": b""}
MODES = {"p/link": 0o120000, "p/run": 0o100755}


def way_of(repository: Repository, name: str) -> Way:
    """Find a way by its name, as the core asks for them: of the first backend that names any."""
    backend = next(each for each in repository.backends if hasattr(each, "list_ways"))
    return next(way for way in backend.list_ways() if way.name == name)


def entries_of(
    repository: store.Repository, folder: str = "", *, sizes: bool = True
) -> tuple[TreeEntry, ...]:
    """List what git has at the head, without asking the forge."""
    tree = repository.git[repository.head("main")].tree
    start = f"{folder}/" if folder else ""
    blobs = (
        (path, entry)
        for path, entry in objects.listing(tree)
        if isinstance(entry, pygit2.Blob) and path.startswith(start)
    )
    return tuple(
        TreeEntry(
            path, entry.size if sizes else None, FileVersion(str(entry.id), Mode(f"{entry.filemode:o}"))
        )
        for path, entry in sorted(blobs)
    )


def bytes_of(repository: store.Repository, entries: tuple[TreeEntry, ...]) -> dict[str, bytes]:
    """Give the bytes that git has, by sha."""
    return {entry.version.blob_sha: repository.git[entry.version.blob_sha].data for entry in entries}


def go(repository: Repository, name: str, wanted: Wanted) -> tuple[list[Listing], dict[str, bytes]]:
    """Go a way, and hold what it sent against what it said; the listings, and bytes by their sha."""
    way, log = way_of(repository, name), repository.simulator.log
    cost = way.cost(wanted)
    assert isinstance(cost, Cost)
    before = len(log)
    given = list(way.read(wanted))
    asked = [f"{each.method} {each.path}" for each in log[before:]]
    assert len(asked) == cost.requests, "\n".join(asked)
    listings = [each for each in given if isinstance(each, Listing)]
    return listings, {blob_sha(each): each for each in given if isinstance(each, bytes)}
