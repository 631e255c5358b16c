"""The database of what was read: opened, found to be ours, or replaced.

A file is made under another name and comes into its place complete: nobody ever finds half of one.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import attrs

from copydesk import _store_folder as folders

if TYPE_CHECKING:
    import sqlite3

__all__ = ["NotOursError", "StoreFile", "is_damage", "transaction"]

#: In the header of the file: whose it is, and of which version. Another version starts afresh.
_OWNER: Final = 0x436F7079
VERSION: Final = 1
#: Bytes of a page: most texts fit into one, and several do, where smaller ones take twice as long to write.
_PAGE: Final = 32 * 2**10
#: Seconds to wait for another process.
PATIENCE = 2.0
#: Columns that are asked for by themselves stand before the bytes: sqlite then reads no further.
_TABLES: Final = """
CREATE TABLE blobs (id INTEGER PRIMARY KEY, sha BLOB UNIQUE NOT NULL, used INTEGER NOT NULL, data BLOB NOT NULL);
CREATE TABLE snapshots (id INTEGER PRIMARY KEY, key BLOB UNIQUE NOT NULL, used INTEGER NOT NULL,
    digest BLOB NOT NULL, entries BLOB NOT NULL);
CREATE TABLE heads (id INTEGER PRIMARY KEY, place BLOB UNIQUE NOT NULL, used INTEGER NOT NULL,
    digest BLOB NOT NULL, commit_sha BLOB NOT NULL);
"""
#: Memory is not mapped: a file that somebody cuts would end the process.
_SETTINGS: Final = (
    "PRAGMA synchronous=NORMAL",
    "PRAGMA mmap_size=0",
    "PRAGMA temp_store=MEMORY",
    "PRAGMA cell_size_check=ON",
    f"PRAGMA journal_size_limit={4 * 2**20}",
)
#: What sqlite says of the system, or of other processes; all else it says of the file. Numbers, for the module
#: is imported later: PERM, BUSY, LOCKED, NOMEM, READONLY, INTERRUPT, IOERR, FULL, CANTOPEN, PROTOCOL, NOLFS.
_NOT_DAMAGED: Final = frozenset({3, 5, 6, 7, 8, 9, 10, 13, 14, 15, 22})
_SHORT_READ: Final = 10 | 2 << 8


class NotOursError(Exception):
    """The file is a database of somebody else, or of another version."""


@attrs.define(eq=False)
class StoreFile:
    """The file in one folder, with one connection, for one thread at a time."""

    folder: Path
    _connection: sqlite3.Connection | None = attrs.field(default=None, init=False, repr=False)
    _identity: tuple[int, int] | None = attrs.field(default=None, init=False, repr=False)
    #: Those of a process that this one was forked from: sqlite must not even close them here.
    _left: list[sqlite3.Connection] = attrs.field(factory=list, init=False, repr=False)

    @property
    def path(self) -> Path:
        return self.folder / folders.FILE

    def open(self, *, make: bool) -> sqlite3.Connection | None:
        """Give the connection; None where there is no file, and none is to be made.

        :raises OSError: the folder cannot be used or made, and why.
        :raises NotOursError: another file has its name.
        :raises sqlite3.Error: what sqlite says of the file.
        """
        if self._connection is not None:
            if self._identity == _identity_of(self.path):
                return self._connection
            self.close()  # it was removed, or replaced: sqlite itself would not notice
        problem = folders.problem_of(self.folder)
        if problem:
            raise OSError(problem)
        if _identity_of(self.path) is None:
            if not make:
                return None
            folders.make_folder(self.folder)
            self._make()
        else:
            folders.close_folder(self.folder)
        # Looked at before: where it is replaced meanwhile, the next call sees that.
        self._identity = _identity_of(self.path)
        self._connection = self._connect()
        return self._connection

    def _connect(self) -> sqlite3.Connection:
        import sqlite3  # costs 4 ms to import, and many programs keep nothing

        # By a mode that makes no file: it may have been removed just now.
        connection = sqlite3.connect(
            f"{self.path.absolute().as_uri()}?mode=rw",
            uri=True,
            timeout=PATIENCE,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            _check_ours(connection)
            for each in _SETTINGS:
                connection.execute(each)
        except BaseException:
            connection.close()
            raise
        connection.text_factory = bytes  # a damaged one is no text
        return connection

    def _make(self) -> None:
        import sqlite3  # as above

        made = self.folder / f"{folders.FILE}.new-{secrets.token_hex(8)}"
        os.close(os.open(made, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        try:
            with contextlib.closing(sqlite3.connect(made, isolation_level=None)) as connection:
                connection.execute(f"PRAGMA page_size={_PAGE}")  # these two before all else, or never
                connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
                connection.execute("PRAGMA journal_mode=WAL")
                connection.execute(f"PRAGMA application_id={_OWNER}")
                connection.executescript(_TABLES)
                connection.execute(f"PRAGMA user_version={VERSION}")
            folders.put_in_place(made, self.path)
        finally:
            for end in ("", "-wal", "-shm"):
                made.with_name(f"{made.name}{end}").unlink(missing_ok=True)

    def close(self) -> None:
        """Close the connection, if there is one."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def leave(self) -> None:
        """Forget the connection of the process that this one was forked from."""
        if self._connection is not None:
            self._left.append(self._connection)
        self._connection = None

    def replace(self) -> str:
        """Set aside the file that was opened, unless another process did; say where it is now, or "".

        :raises OSError: the system refuses.
        """
        self.close()
        if self._identity is None or self._identity != _identity_of(self.path):
            return ""
        return str(folders.set_aside(self.folder, secrets.token_hex(4)))


def _identity_of(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _check_ours(connection: sqlite3.Connection) -> None:
    (owner,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if owner != _OWNER:
        raise NotOursError("is not of copydesk")
    if version != VERSION:
        raise NotOursError(f"is of another version ({version})")


def is_damage(exc: sqlite3.Error) -> bool:
    """Tell whether an error speaks of the file, and not of the system or of other processes.

    :raises sqlite3.Error: it speaks of neither, but of us.
    """
    code: int | None = getattr(exc, "sqlite_errorcode", None)
    if code is None:
        raise exc
    return code == _SHORT_READ or code & 0xFF not in _NOT_DAMAGED


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Do all of the body, or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # sqlite itself has rolled some failures back
            connection.execute("ROLLBACK")
        raise
