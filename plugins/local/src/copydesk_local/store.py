"""One repository on disk: handles, the lock that writers take, and refs that move by compare-and-swap.

Every copydesk process that writes holds ``copydesk.lock`` in the git directory (flock, so that a killed one
lets go of it) around reading, writing objects and moving the ref. Against others, such as ``git push``,
libgit2 compares the old value under git's own ``<ref>.lock``. A killed writer can leave that file behind:
it is named in the error and removed by :meth:`Store.remove_stale_locks`.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, TypeVar

import attrs
import pygit2
from copydesk.errors import (
    ConfigError,
    ConflictError,
    CopydeskError,
    NotFoundError,
    PermissionDeniedError,
    ProtocolError,
    UnavailableError,
)

__all__ = ["BUSY_SECONDS", "HEADS", "STALE_SECONDS", "Store", "lock_age"]

HEADS: Final = "refs/heads/"
#: How long a writer waits for the others.
LOCK_SECONDS: Final = 60.0
#: How long git's own lock on a ref may be held by somebody else before it is reported.
BUSY_SECONDS: Final = 1.0
#: git holds a lock for milliseconds: one that is older was left by a process that died.
STALE_SECONDS: Final = 10.0

_LOCK_FILE: Final = re.compile(r"failed to (?:lock|create locked) file '(?P<path>.*)'", re.DOTALL)
_NO_SPACE: Final = ("No space left on device", "Disk quota exceeded", "File too large")
_NO_ACCESS: Final = ("Permission denied", "Read-only file system", "Operation not permitted")

T = TypeVar("T")


@attrs.define(eq=False)
class Store:
    """A repository at *path*; pygit2 handles are one for each thread."""

    path: Path
    _handles: threading.local = attrs.field(factory=threading.local, repr=False)

    @classmethod
    def open(cls, path: str) -> Store:
        """Open the repository at exactly *path*: its git directory, or the top of a working copy.

        :raises ConfigError: there is no repository, or it is one that cannot be read.
        """
        place = Path(path).expanduser().resolve()
        store = cls(place)
        if not place.exists():
            raise ConfigError(f"there is no directory {str(place)!r}; make one with: git init", key="repo")
        try:
            _ = store.git
        except pygit2.GitError as exc:
            if "not owned by" in str(exc):
                raise ConfigError(
                    f"the repository {str(place)!r} belongs to somebody else; if you trust it, run: "
                    f"git config --global --add safe.directory {place}",
                    key="repo",
                ) from exc
            if (place / "HEAD").exists() or (place / ".git").exists():
                raise ProtocolError(
                    f"the repository {str(place)!r} cannot be opened: {exc}; look at it with: git fsck"
                ) from exc
            raise ConfigError(
                f"{str(place)!r} is no git repository; give its top directory, or make one with: git init",
                key="repo",
            ) from exc
        return store

    @property
    def git(self) -> pygit2.Repository:
        """This thread's handle."""
        handle = getattr(self._handles, "git", None)
        if handle is None:
            handle = pygit2.Repository(str(self.path), pygit2.enums.RepositoryOpenFlag.NO_SEARCH)
            # Durable like git itself: objects and refs are on the disk before a commit is reported.
            pygit2.settings.enable_fsync_gitdir(True)
            self._handles.git = handle
        return handle

    @property
    def common_dir(self) -> Path:
        """The git directory that all working trees share."""
        own = Path(self.git.path)
        pointer = own / "commondir"
        return (own / pointer.read_text().strip()).resolve() if pointer.exists() else own

    # -- writing --------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def locked(self) -> Iterator[pygit2.Repository]:
        """Hold the writers' lock; failures of disk and git inside come out as ours.

        :raises UnavailableError: another writer held it for a minute.
        """
        import filelock  # takes as long as all the rest of this package, and reading needs no lock

        lock = filelock.FileLock(
            self.common_dir / "copydesk.lock", timeout=LOCK_SECONDS, poll_interval=0.002, thread_local=False
        )
        with self.failures():
            try:
                lock.acquire()
            except filelock.Timeout as exc:
                raise UnavailableError(
                    f"another process has been writing to {str(self.path)!r} for {LOCK_SECONDS:.0f} s "
                    f"(it holds {lock.lock_file!r}); try again when it is done"
                ) from exc
            try:
                yield self.git
            finally:
                lock.release()

    @contextlib.contextmanager
    def failures(self) -> Iterator[None]:
        """Turn what libgit2 and the disk say into our errors; libgit2 tells them apart by text alone."""
        try:
            yield
        except CopydeskError:
            raise
        except (OSError, pygit2.GitError, KeyError) as exc:
            raise self._explained(exc) from exc

    def _explained(self, exc: Exception) -> CopydeskError:
        text = str(exc)
        number = getattr(exc, "errno", None)
        held = _LOCK_FILE.search(text)
        if held and not any(word in text for word in (*_NO_SPACE, *_NO_ACCESS)):
            return self._held(Path(held["path"]))
        if number in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG} or any(word in text for word in _NO_SPACE):
            return UnavailableError(
                f"no space left for {str(self.path)!r} ({text}); nothing was committed: "
                "free some and make the same call again"
            )
        if number in {errno.EACCES, errno.EROFS, errno.EPERM} or any(word in text for word in _NO_ACCESS):
            return PermissionDeniedError(
                f"{str(self.path)!r} may not be written to ({text}); nothing was committed: "
                "ask its owner for the right to write"
            )
        return ProtocolError(
            f"the repository {str(self.path)!r} is damaged ({text}); nothing was committed: "
            "look at it with: git fsck"
        )

    def _held(self, lock: Path) -> UnavailableError:
        age = lock_age(lock)
        if age < STALE_SECONDS:
            return UnavailableError(
                f"git holds {str(lock)!r} right now (for {age:.0f} s); nothing was committed: try again"
            )
        return UnavailableError(
            f"{str(lock)!r} has been held for {age:.0f} s: a process that was killed left it behind; "
            "nothing was committed: remove it with: copydesk repair"
        )

    def _patiently(self, action: Callable[[], T]) -> T:
        """Do it again while git's own lock is held by somebody for a moment."""
        deadline = time.monotonic() + BUSY_SECONDS
        while True:
            try:
                return action()
            except OSError as exc:
                held = _LOCK_FILE.search(str(exc))
                if not held or time.monotonic() > deadline or lock_age(Path(held["path"])) > STALE_SECONDS:
                    raise
            time.sleep(0.01)

    # -- refs -----------------------------------------------------------------------------------------

    def branch_target(self, name: str) -> str | None:
        """Give the commit at the head of a branch, or None."""
        return self.ref_target(HEADS + name)

    def ref_target(self, name: str) -> str | None:
        """Give what a ref points at, or None."""
        ref = self._ref(name)
        return str(ref.target) if ref is not None else None

    def _ref(self, name: str) -> pygit2.Reference | None:
        """Give a ref, or the one that it is another name of; None where there is none."""
        ref = self.git.references.get(name)
        try:
            return ref.resolve() if ref is not None else None
        except KeyError:  # another name of something that is gone
            return None

    def create_ref(self, name: str, target: str, message: str) -> None:
        """Make a ref that must not exist. Call it with the lock held.

        :raises ConflictError: it exists, or git cannot hold it beside one above or below it.
        """
        git = self.git
        self._refuse_clash(name)
        oid = pygit2.Oid(hex=target)

        def create() -> None:
            with git.transaction() as transaction:
                transaction.lock_ref(name)
                # Under git's own lock: nobody else can have made it since.
                if name in git.references:
                    raise ConflictError(
                        f"{_shown(name)} exists already in {str(self.path)!r}", branch=_branch(name)
                    )
                transaction.set_target(name, oid, message=message)

        try:
            self._patiently(create)
        except (pygit2.GitError, ValueError) as exc:
            if "Not a directory" in str(exc) or "Is a directory" in str(exc):
                self._refuse_clash(name)
            raise

    def _refuse_clash(self, name: str) -> None:
        # A transaction does not see packed refs: both directions are checked here.
        for other in self.git.references:
            if other == name:
                raise ConflictError(
                    f"{_shown(name)} exists already in {str(self.path)!r}", branch=_branch(name)
                )
            if other.startswith(f"{name}/") or name.startswith(f"{other}/"):
                raise ConflictError(
                    f"{_shown(name)} cannot be made: git cannot hold it beside {_shown(other)}",
                    branch=_branch(other),
                )

    def move_ref(self, name: str, old: str, new: str, message: str) -> None:
        """Move a ref that is at *old*. Call it with the lock held.

        :raises ConflictError: it is elsewhere, or gone.
        """
        ref = self._ref(name)
        if ref is None or str(ref.target) != old:
            raise self._elsewhere(name, old)
        try:
            # libgit2 compares the value that was read with the one on disk, under `<ref>.lock`.
            self._patiently(lambda: ref.set_target(pygit2.Oid(hex=new), message))
        except pygit2.GitError as exc:
            if "old reference value does not match" in str(exc):
                raise self._elsewhere(name, old) from exc
            raise

    def delete_ref(self, name: str, old: str) -> bool:
        """Delete a ref that is at *old*; False if there is none. Call it with the lock held.

        :raises ConflictError: it is elsewhere.
        """
        ref = self.git.references.get(name)
        if ref is None:
            return False
        if str(ref.target) != old:
            raise self._elsewhere(name, old)
        try:
            self._patiently(ref.delete)
        except pygit2.GitError as exc:
            if "old reference value does not match" in str(exc):
                raise self._elsewhere(name, old) from exc
            raise
        return True

    def _elsewhere(self, name: str, old: str) -> ConflictError:
        now = self.ref_target(name)
        where = f"is at {now[:12]}" if now else "is gone"
        return ConflictError(
            f"{_shown(name)} {where} and no longer at {old[:12]}; read it again",
            branch=_branch(name),
            head_commit_sha=now or "",
        )

    def commit(self, sha: str) -> pygit2.Commit:
        """Give the commit of that sha.

        :raises NotFoundError: there is none.
        """
        try:
            found: object = self.git.get(pygit2.Oid(hex=sha))
        except ValueError:  # a sha of git's other object format
            found = None
        if not isinstance(found, pygit2.Commit):
            raise NotFoundError(f"there is no commit {sha!r} in {str(self.path)!r}")
        return found

    # -- repair ---------------------------------------------------------------------------------------

    def remove_stale_locks(self) -> tuple[str, ...]:
        """Remove locks on refs that killed processes left. Call it with the lock held.

        :raises UnavailableError: one is too young to tell; nothing was removed.
        """
        found = [(lock, lock_age(lock)) for lock in self._ref_locks()]
        young = [lock for lock, age in found if age < STALE_SECONDS]
        if young:
            raise UnavailableError(
                f"{str(young[0])!r} is younger than {STALE_SECONDS:.0f} s: somebody may be writing; "
                "nothing was removed: try again in a moment"
            )
        for lock, _ in found:
            lock.unlink(missing_ok=True)
        return tuple(f"removed the stale lock {str(lock)!r}, {age:.0f} s old" for lock, age in found)

    def _ref_locks(self) -> Iterator[Path]:
        for name in ("HEAD.lock", "packed-refs.lock", "config.lock"):
            if (self.common_dir / name).exists():
                yield self.common_dir / name
        for folder, _, names in os.walk(self.common_dir / "refs"):
            yield from (Path(folder) / name for name in sorted(names) if name.endswith(".lock"))


def lock_age(lock: Path) -> float:
    """Give how long a lock has been there, in seconds; 0 where it is gone."""
    try:
        # The clock of the file system: the two times must come from the same one.
        return max(0.0, time.time() - lock.stat().st_mtime)
    except FileNotFoundError:
        return 0.0


def _branch(ref: str) -> str:
    return ref.removeprefix(HEADS) if ref.startswith(HEADS) else ""


def _shown(ref: str) -> str:
    return f"branch {_branch(ref)!r}" if ref.startswith(HEADS) else f"ref {ref!r}"
