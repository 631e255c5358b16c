"""What waits in a temporary file, which has no name and goes with whoever keeps it."""

from __future__ import annotations

import os
from types import TracebackType
from typing import Self

from copydesk.errors import UnavailableError

__all__ = ["Spool"]


class Spool:
    """Bytes that are kept one after the other, and read from anywhere.

    :param what: what is kept, as the error of a full disk names it.
    :param in_memory: so many bytes stay in memory.
    """

    def __init__(self, what: str, in_memory: int) -> None:
        import tempfile  # for who gets more than waits in memory

        self._what = what
        # Closed by __exit__: it is the object that lives as long as this one.
        self._file = tempfile.SpooledTemporaryFile(in_memory)  # noqa: SIM115

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def append(self, content: bytes) -> None:
        """Keep bytes behind those that are there.

        :raises UnavailableError: there is no room for them.
        """
        self._file.seek(0, os.SEEK_END)
        try:
            self._file.write(content)
        except OSError as exc:
            raise UnavailableError(
                f"{self._what} does not fit into the folder for temporary files ({exc.strerror}); make room "
                "there, or name another one by TMPDIR"
            ) from exc

    def seek(self, offset: int) -> None:
        """Read from there on."""
        self._file.seek(offset)

    def read(self, size: int = -1) -> bytes:
        """Give the next bytes, all by default."""
        return self._file.read(size)
