"""What was granted in a batch, and what becomes of it."""

from __future__ import annotations

import hashlib
import itertools
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Literal

import attrs

from simulators.lfs.objects import Objects, oid_of

__all__ = ["Grant", "Operation", "TransferError", "Transfers"]

Operation = Literal["upload", "download"]


class TransferError(Exception):
    """An upload or a download that fails."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(status, reason)
        self.status = status
        self.reason = reason


@attrs.frozen
class Grant:
    """Leave to transfer one object, as an action tells it."""

    transfers: Transfers = attrs.field(repr=False)
    operation: Operation
    objects: Objects = attrs.field(repr=False)
    oid: str
    size: int
    token: str = attrs.field(repr=False)
    #: Seconds that the clock shows when it ends.
    expires: float | None
    header: Mapping[str, str] = attrs.field(repr=False, factory=dict)

    @property
    def method(self) -> str:
        return "PUT" if self.operation == "upload" else "GET"


@attrs.define(eq=False, kw_only=True)
class Transfers:
    """Keeps what is uploaded, well or badly, and gives it back."""

    #: Seconds that a grant is good for, None for ever.
    expires_in: int | None = 900
    clock: Callable[[], float] = time.time
    #: What is kept instead of what was uploaded, by whoever says that all is well.
    spoil: Callable[[bytes], bytes] | None = None
    #: So many looks do not find what was just uploaded.
    lag: int = 0
    _failing: list[int] = attrs.field(factory=list, init=False)
    _lagging: dict[str, int] = attrs.field(factory=dict, init=False)
    _lock: threading.Lock = attrs.field(factory=threading.Lock, init=False, repr=False)
    _serial: Iterator[int] = attrs.field(factory=lambda: itertools.count(1), init=False)

    def fail_uploads(self, status: int = 503, *, skip: int = 0, times: int = 1) -> None:
        """Let uploads fail: so many after so many that pass."""
        self._failing.extend([0] * skip + [status] * times)

    def grant(
        self,
        operation: Operation,
        objects: Objects,
        oid: str,
        size: int,
        header: Callable[[str], Mapping[str, str]] = lambda _token: {},
    ) -> Grant:
        """Grant a transfer; *header* makes the headers of its token that have to be sent."""
        token = hashlib.sha256(f"{id(self)} {next(self._serial)}".encode()).hexdigest()
        expires = None if self.expires_in is None else self.clock() + self.expires_in
        return Grant(self, operation, objects, oid, size, token, expires, header(token))

    def expired(self, grant: Grant) -> bool:
        return grant.expires is not None and self.clock() >= grant.expires

    def known(self, objects: Objects, oid: str) -> int | None:
        """Look for an object and tell its size, None when it is not found, or not yet."""
        with self._lock:
            left = self._lagging.get(oid, 0)
            self._lagging[oid] = max(left - 1, 0)
        if left:
            return None
        return objects.size(oid)

    def upload(self, grant: Grant, content: bytes) -> None:
        with self._lock:
            status = self._failing.pop(0) if self._failing else 0
        if status:
            raise TransferError(status, "The upload failed; it was told to.")
        if len(content) != grant.size:
            raise TransferError(422, f"The size is {len(content)}, not {grant.size}.")
        if oid_of(content) != grant.oid:
            raise TransferError(422, f"The content has not the hash {grant.oid}.")
        grant.objects.add(self.spoil(content) if self.spoil else content, grant.oid)
        self._lagging[grant.oid] = self.lag

    def download(self, grant: Grant) -> bytes:
        if grant.objects.size(grant.oid) is None:
            raise TransferError(404, "The object is not there.")
        return grant.objects.read(grant.oid)
