"""What was read, kept on this computer for the next time: bytes by their sha, trees by their commit.

Nothing in here is needed, and nothing is believed: what is damaged, locked, full or somebody else's is as if it
were not there, and is told by a warning in the log and by :meth:`BlobStore.info`.
"""

from __future__ import annotations

import itertools
import logging
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

import attrs

from copydesk import _store_folder as folders
from copydesk import _store_rows as rows
from copydesk._store_file import NotOursError, StoreFile, is_damage, transaction
from copydesk.blobs import is_blob_of

if TYPE_CHECKING:
    import sqlite3

    from copydesk.models import TreeEntry

__all__ = ["BlobStore", "StoreInfo", "default_folder", "is_off"]

log = logging.getLogger(__name__)

T = TypeVar("T")

#: How many snapshots are kept, and branches whose head is.
SNAPSHOTS: Final = 200
HEADS: Final = 1000
#: Seconds for which what failed is left alone, so that no call waits again and again.
REST: Final = 60.0
_OFF: Final = frozenset({"off", "0", "no", "false"})


def is_off(environ: Mapping[str, str]) -> bool:
    """Tell whether COPYDESK_CACHE says that nothing is to be kept."""
    return environ.get("COPYDESK_CACHE", "").strip().lower() in _OFF


def default_folder(environ: Mapping[str, str]) -> Path | None:
    """Give the folder of this person, which COPYDESK_CACHE_DIR may name.

    None: COPYDESK_CACHE says ``off``, or it is not named and the extra ``cache`` is not installed.
    """
    if is_off(environ):
        return None
    named = environ.get("COPYDESK_CACHE_DIR", "").strip()
    if named:
        return Path(named).absolute()
    try:
        from platformdirs import user_cache_dir  # from an extra, and not needed where a folder is named
    except ModuleNotFoundError:
        return None
    return Path(user_cache_dir("copydesk", appauthor=False))


@attrs.frozen
class StoreInfo:
    """What is kept: *size* is the bytes of the files, *limit* what they may be, *problem* what was wrong."""

    path: Path
    blobs: int
    snapshots: int
    size: int
    limit: int
    problem: str = ""


@attrs.define(eq=False)
class BlobStore:
    """What was read, by its sha; safe to use from threads and from several processes at once.

    Never raises for the state of the file: what cannot be read is not there, what cannot be written is not kept.
    Threads share one connection, one after the other, and none holds it while its caller works; a process that was
    forked makes one of its own. What is not in use for longest goes first, at *limit* bytes.
    """

    folder: Path
    limit: int = attrs.field(default=512 * 2**20, kw_only=True)
    clock: Callable[[], float] = attrs.field(default=time.time, kw_only=True, repr=False)
    _file: StoreFile = attrs.field(init=False, repr=False)
    _lock: threading.Lock = attrs.field(factory=threading.Lock, init=False, repr=False)
    _process: int = attrs.field(factory=os.getpid, init=False, repr=False)
    _problem: str = attrs.field(default="", init=False, repr=False)
    _warned: bool = attrs.field(default=False, init=False, repr=False)
    #: Until when nothing is read, and nothing written.
    _no_reading: float = attrs.field(default=0.0, init=False, repr=False)
    _no_writing: float = attrs.field(default=0.0, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self._file = StoreFile(self.folder)

    # -- blobs ----------------------------------------------------------------------------------------

    def read(self, shas: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """Give those that are there with their bytes, which are checked, in any order, each once.

        Some megabytes are in memory at a time. What is damaged is deleted and left out.
        """
        wanted = iter(dict.fromkeys(shas))
        while batch := list(itertools.islice(wanted, rows.BATCH)):
            left = [key for key in map(_key_of, batch) if key is not None]
            while left:
                found, left = self._some(left)
                damaged = []
                for key, data in found:
                    if isinstance(data, bytes) and is_blob_of(data, key):
                        yield key.hex(), data
                    else:
                        damaged.append(key)
                self._delete("blobs", "sha", damaged)

    def _some(self, left: list[bytes]) -> tuple[list[tuple[bytes, bytes]], list[bytes]]:
        now = int(self.clock())
        nothing: tuple[list[tuple[bytes, bytes]], list[bytes]] = ([], [])
        return self._reading(lambda connection: rows.some_blobs(connection, left, now), nothing)

    def write(self, blobs: Iterable[tuple[str, bytes]]) -> None:
        """Keep some, all in one transaction, before which they are all in memory.

        Each comes with the sha that was made of its bytes; another one is found out when it is read. Left out are
        those larger than an eighth of the limit.
        """
        now, most = int(self.clock()), self.limit // 8
        given = [(bytes.fromhex(sha), now, data) for sha, data in blobs if len(data) <= most]
        if not given:
            return

        def work(connection: sqlite3.Connection) -> None:
            rows.write_blobs(connection, given)
            rows.make_room(connection, self.limit)

        self._writing(work)

    # -- snapshots ------------------------------------------------------------------------------------

    def read_snapshot(self, commit_sha: str, folder: str) -> tuple[TreeEntry, ...] | None:
        """Give the files below a folder at a commit, as they were written; None where they are not kept."""
        key, now = _snapshot_key(commit_sha, folder), int(self.clock())

        def work(connection: sqlite3.Connection) -> tuple[bytes, bytes] | None:
            found: tuple[int, bytes, bytes] | None = connection.execute(
                "SELECT used, digest, entries FROM snapshots WHERE key=?", (key,)
            ).fetchone()
            if found is None:
                return None
            if found[0] != now:  # they are few, and go by the second
                rows.refresh(connection, "snapshots", "key", [key], now)
            return found[1:]

        found = self._reading(work, None)
        if found is None:
            return None
        digest, payload = found
        try:
            if digest == rows.digest_of(key, payload):
                return rows.unpack_entries(payload)
        except (TypeError, ValueError):
            pass
        self._delete("snapshots", "key", [key])
        return None

    def write_snapshot(self, commit_sha: str, folder: str, entries: tuple[TreeEntry, ...]) -> None:
        """Keep the files below a folder at a commit; the 200 that were used last stay."""
        key, payload = _snapshot_key(commit_sha, folder), rows.pack_entries(entries)
        if len(payload) > self.limit // 8:
            return
        row = (key, int(self.clock()), rows.digest_of(key, payload), payload)

        def work(connection: sqlite3.Connection) -> None:
            with transaction(connection):
                connection.execute(
                    "INSERT OR REPLACE INTO snapshots (key, used, digest, entries) VALUES (?,?,?,?)", row
                )
                rows.keep_newest(connection, SNAPSHOTS, self.limit // 4)
            rows.make_room(connection, self.limit)

        self._writing(work)

    # -- heads ----------------------------------------------------------------------------------------

    def read_head(self, place: str) -> str:
        """Give the commit that a branch was at when it was asked for last; "" where none is kept.

        :param place: a text that names backend, address, repository and branch.
        """
        key = rows.as_bytes(place)
        found = self._reading(
            lambda connection: connection.execute(
                "SELECT digest, commit_sha FROM heads WHERE place=?", (key,)
            ).fetchone(),
            None,
        )
        if found is None:
            return ""
        digest, commit_sha = found
        try:
            if digest == rows.digest_of(key, commit_sha):
                return str(commit_sha.decode())
        except (AttributeError, TypeError, ValueError):
            pass
        self._delete("heads", "place", [key])
        return ""

    def write_head(self, place: str, commit_sha: str) -> None:
        """Keep the commit that a branch is at."""
        key, value = rows.as_bytes(place), commit_sha.encode()
        row = (key, int(self.clock()), rows.digest_of(key, value), value)

        def work(connection: sqlite3.Connection) -> None:
            with transaction(connection):
                connection.execute(
                    "INSERT OR REPLACE INTO heads (place, used, digest, commit_sha) VALUES (?,?,?,?)", row
                )
                connection.execute(
                    "DELETE FROM heads WHERE id IN "
                    "(SELECT id FROM heads ORDER BY used DESC, id DESC LIMIT -1 OFFSET ?)",
                    (HEADS,),
                )

        self._writing(work)

    # -- the whole ------------------------------------------------------------------------------------

    def info(self) -> StoreInfo:
        """Tell what is kept, and where."""
        blobs, snapshots = self._reading(_counted, (0, 0))
        size = folders.size_of(self.folder)
        return StoreInfo(self._file.path, blobs, snapshots, size, self.limit, self._problem)

    def clear(self) -> StoreInfo:
        """Remove all, also a file that is damaged or was set aside; tell what it was, and what is still there."""
        size = folders.size_of(self.folder)
        before = self.info()
        with self._alone():
            self._file.close()
            self._problem = folders.problem_of(self.folder) or folders.remove(self.folder)
            self._no_reading = self._no_writing = 0.0
        if self._problem:
            return attrs.evolve(before, problem=self._problem)
        return attrs.evolve(before, size=size, problem="")

    def close(self) -> None:
        """Let go of the file; the next call opens it again."""
        with self._alone():
            self._file.close()

    # -- how it is done -------------------------------------------------------------------------------

    def _alone(self) -> threading.Lock:
        if self._process != os.getpid():
            # Forked: the lock may be held by a thread that is not here, the connection is the other process's.
            self._file.leave()
            self._lock, self._process = threading.Lock(), os.getpid()
        return self._lock

    def _reading(self, work: Callable[[sqlite3.Connection], T], otherwise: T) -> T:
        if self.clock() < self._no_reading:
            return otherwise
        return self._done(work, otherwise, make=False)

    def _writing(self, work: Callable[[sqlite3.Connection], None]) -> None:
        if self.clock() >= max(self._no_reading, self._no_writing):
            self._done(work, None, make=True)

    def _delete(self, table: str, column: str, keys: list[bytes]) -> None:
        if keys:
            self._warn(f"{len(keys)} damaged in the table {table} of {str(self._file.path)!r}; deleted")
            self._writing(lambda connection: rows.delete(connection, table, column, keys))

    def _done(self, work: Callable[[sqlite3.Connection], T], otherwise: T, *, make: bool) -> T:
        import sqlite3  # costs 4 ms to import, and many programs keep nothing

        with self._alone():
            try:
                connection = self._file.open(make=make)
                return otherwise if connection is None else work(connection)
            except sqlite3.Error as exc:
                if is_damage(exc):
                    self._replace(f"is damaged ({exc})")
                else:
                    self._rest(str(exc), writes=make)
            except UnicodeDecodeError as exc:  # a message of sqlite that tells what it found
                self._replace(f"is damaged ({exc.reason})")
            except NotOursError as exc:
                self._replace(str(exc))
            except OSError as exc:
                self._rest(str(exc), writes=False)
            return otherwise

    def _replace(self, why: str) -> None:
        try:
            where = self._file.replace()
        except OSError as exc:
            self._rest(f"{why}, and cannot be set aside: {exc}", writes=False)
            return
        self._warn(
            f"{str(self._file.path)!r} {why}; " + (f"it is now {where!r}" if where else "it was replaced")
        )

    def _rest(self, why: str, *, writes: bool) -> None:
        until = self.clock() + REST
        self._no_writing = until
        if not writes:
            self._no_reading = until
        self._warn(why if str(self.folder) in why else f"{str(self._file.path)!r} cannot be used: {why}")

    def _warn(self, problem: str) -> None:
        self._problem = problem
        if not self._warned:
            self._warned = True
            log.warning("what was read is not kept, or not found again: %s", problem)


def _key_of(sha: str) -> bytes | None:
    try:
        return bytes.fromhex(sha)
    except ValueError:  # then nothing is kept by it
        return None


def _snapshot_key(commit_sha: str, folder: str) -> bytes:
    return rows.as_bytes(f"{commit_sha}\0{folder}")


def _counted(connection: sqlite3.Connection) -> tuple[int, int]:
    (blobs,) = connection.execute("SELECT count(*) FROM blobs").fetchone()
    (snapshots,) = connection.execute("SELECT count(*) FROM snapshots").fetchone()
    return int(blobs), int(snapshots)
