"""The rows of what was read: how they are written, found and let go."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

from copydesk._store_file import transaction
from copydesk.models import FileVersion, Mode, TreeEntry

if TYPE_CHECKING:
    import sqlite3

__all__ = [
    "BATCH",
    "as_bytes",
    "delete",
    "digest_of",
    "keep_newest",
    "make_room",
    "pack_entries",
    "refresh",
    "some_blobs",
    "unpack_entries",
    "write_blobs",
]

#: How many blobs are looked for at once, and about how many bytes of them are in memory.
BATCH: Final = 500
_BATCH_BYTES: Final = 4 * 2**20
#: Seconds after which a use is noted again.
_HOUR: Final = 3600
_WRITE: Final = f"""
INSERT INTO blobs (sha, used, data) VALUES (?, ?, ?)
ON CONFLICT (sha) DO UPDATE SET used = excluded.used WHERE used < excluded.used - {_HOUR}
"""  # noqa: S608 - a number of ours
_MODES: Final = tuple(Mode)
_LETTERS: Final = {mode: str(at) for at, mode in enumerate(_MODES)}
_BY_LETTER: Final = {letter: mode for mode, letter in _LETTERS.items()}


def as_bytes(text: str) -> bytes:
    """Give any text as bytes, that of a name in another encoding too."""
    return text.encode("utf-8", "surrogatepass")


def digest_of(key: bytes, payload: bytes) -> bytes:
    """Give what tells that *payload* is whole, and that of *key*."""
    return hashlib.sha256(b"%d\0%b%b" % (len(key), key, payload)).digest()


def pack_entries(entries: Sequence[TreeEntry]) -> bytes:
    """Write entries column by column, which is read three times as fast as an object for each."""
    versions = [entry.version for entry in entries]
    columns = (
        [entry.path for entry in entries],
        [entry.size for entry in entries],
        [version.blob_sha for version in versions],
        "".join(_LETTERS[version.mode] for version in versions),
        [version.last_commit_sha for version in versions],
    )
    return as_bytes(json.dumps(columns, ensure_ascii=False, separators=(",", ":")))


def unpack_entries(payload: bytes) -> tuple[TreeEntry, ...]:
    """Read what :func:`pack_entries` wrote.

    :raises ValueError: it did not write that.
    """
    columns: Any = json.loads(payload.decode("utf-8", "surrogatepass"))
    try:
        paths, sizes, blob_shas, letters, commit_shas = columns
        modes = map(_BY_LETTER.__getitem__, letters)
        versions = [FileVersion(*each) for each in zip(blob_shas, modes, commit_shas, strict=True)]
        return tuple(map(TreeEntry, paths, sizes, versions))
    except (KeyError, TypeError) as exc:
        raise ValueError(f"no entries: {exc}") from exc


def write_blobs(connection: sqlite3.Connection, rows: Iterable[tuple[bytes, int, bytes]]) -> None:
    """Write blobs; one that is there is only used again."""
    with transaction(connection):
        connection.executemany(_WRITE, rows)


def some_blobs(
    connection: sqlite3.Connection, shas: list[bytes], now: int
) -> tuple[list[tuple[bytes, bytes]], list[bytes]]:
    """Read the first of some blobs, so many as memory is to hold; also give the shas still to be asked for."""
    found: list[tuple[bytes, bytes]] = []
    stale: list[bytes] = []
    size = 0
    cursor = connection.execute(
        f"SELECT sha, used, data FROM blobs WHERE sha IN ({','.join('?' * len(shas))})",  # noqa: S608 - marks alone
        shas,
    )
    for sha, used, data in cursor:
        found.append((sha, data))
        size += len(data) if isinstance(data, bytes) else 0
        if isinstance(used, int) and used < now - _HOUR:
            stale.append(sha)
        if size > _BATCH_BYTES:
            break
    cut = size > _BATCH_BYTES
    cursor.close()
    if stale:
        refresh(connection, "blobs", "sha", stale, now)
    seen = {sha for sha, _ in found}
    return found, [sha for sha in shas if sha not in seen] if cut else []


def refresh(connection: sqlite3.Connection, table: str, column: str, keys: list[bytes], now: int) -> None:
    """Note that rows are used, unless somebody writes: then it is for the next time."""
    import sqlite3  # is there already

    (patience,) = connection.execute("PRAGMA busy_timeout").fetchone()
    connection.execute("PRAGMA busy_timeout=0")
    try:
        marks = ",".join("?" * len(keys))
        connection.execute(f"UPDATE {table} SET used=? WHERE {column} IN ({marks})", (now, *keys))  # noqa: S608 - names of ours
    except sqlite3.OperationalError:  # a lock, or a file that is for reading alone
        pass
    finally:
        connection.execute(f"PRAGMA busy_timeout={patience}")


def delete(connection: sqlite3.Connection, table: str, column: str, keys: Iterable[bytes]) -> None:
    """Delete rows, by a column that names each."""
    with transaction(connection):
        connection.executemany(f"DELETE FROM {table} WHERE {column}=?", ((key,) for key in keys))  # noqa: S608 - names of ours


# -- room ---------------------------------------------------------------------------------------------


def make_room(connection: sqlite3.Connection, limit: int) -> None:
    """Where the file holds more than *limit*, delete the blobs that were not used for longest, down to 90 %.

    What is counted is the pages that are in use, which sqlite knows without looking: a sum of sizes would be kept
    by a trigger for each row, and leave out what the rows themselves take.
    """
    if _in_use(connection) <= limit:
        return
    with transaction(connection):
        while (excess := _in_use(connection) - limit * 9 // 10) > 0:
            oldest = _oldest(connection, excess)
            if not oldest:
                break
            connection.executemany("DELETE FROM blobs WHERE id=?", oldest)
    connection.executescript("PRAGMA incremental_vacuum")  # `execute` gives back the first page alone
    connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()  # the other kinds wait for readers


def _in_use(connection: sqlite3.Connection) -> int:
    size, pages, free = (
        int(connection.execute(f"PRAGMA {name}").fetchone()[0])
        for name in ("page_size", "page_count", "freelist_count")
    )
    return size * (pages - free)


def _oldest(connection: sqlite3.Connection, excess: int) -> list[tuple[int]]:
    """List the blobs used longest ago that have about so many bytes."""
    ids = []
    cursor = connection.execute("SELECT id, length(data) FROM blobs ORDER BY used, id")
    for row, size in cursor:
        ids.append((row,))
        excess -= size
        if excess <= 0:
            break
    cursor.close()
    return ids


def keep_newest(connection: sqlite3.Connection, most: int, limit: int) -> None:
    """Keep the snapshots that were used last: so many, and so many bytes."""
    rows = connection.execute(
        "SELECT id, length(entries) FROM snapshots ORDER BY used DESC, id DESC"
    ).fetchall()
    total, old = 0, []
    for at, (row, size) in enumerate(rows):
        total += size
        if at >= most or total > limit:
            old.append((row,))
    connection.executemany("DELETE FROM snapshots WHERE id=?", old)
