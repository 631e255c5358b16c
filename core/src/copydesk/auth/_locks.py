"""One process at a time: a lock for each credential, in the person's own folder."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator
from pathlib import Path

from copydesk.auth._extra import extra
from copydesk.errors import UnavailableError

__all__ = ["locked"]

#: Seconds that a refresh by another process may take.
PATIENCE = 90.0


@contextlib.contextmanager
def locked(*names: str) -> Iterator[None]:
    """Hold the lock of what is named so.

    :raises UnavailableError: another process has it for too long, or there is no folder for it.
    """
    filelock = extra("filelock")
    name = hashlib.sha256("\0".join(names).encode()).hexdigest()[:32]
    try:
        lock = filelock.FileLock(_folder() / f"{name}.lock", timeout=PATIENCE)
        lock.acquire()
    except filelock.Timeout as exc:
        raise UnavailableError(
            f"another process has refreshed the login for {PATIENCE:.0f} s; make the same call again"
        ) from exc
    except OSError as exc:
        raise UnavailableError(f"cannot lock the login against other processes: {exc.strerror}") from exc
    try:
        yield
    finally:
        lock.release()


def _folder() -> Path:
    """Give the folder, which nobody else may enter.

    Not the one for what runs now: where the system has made none, that would be below /tmp, where others write.
    """
    found = Path(extra("platformdirs").user_state_dir("copydesk", appauthor=False)) / "locks"
    found.mkdir(mode=0o700, parents=True, exist_ok=True)
    return found
