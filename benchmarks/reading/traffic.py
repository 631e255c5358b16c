"""What was asked, by class, and what it took on the wire."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final

import attrs

__all__ = ["KINDS", "Asked", "Traffic", "kind_of"]

#: The classes of requests, in the order of the tables.
KINDS: Final = ("read", "304", "git", "archive", "GraphQL", "write")
_GIT: Final = re.compile(r"\.git/(?:info/refs|git-upload-pack)$")
_ARCHIVE: Final = re.compile(r"/tarball(?:/|$)|/legacy\.tar\.gz/|/archive(?:[./]|$)|/get/[^/]+\.tar\.gz$")
#: They only read, and send what they read in a body.
_ASKING: Final = ("/file-contents",)


def kind_of(method: str, path: str, status: int) -> str:
    """Name the class of a request."""
    if _GIT.search(path):
        return "git"
    if path.endswith("/graphql"):
        return "GraphQL"
    if _ARCHIVE.search(path):
        return "archive"
    if status == 304:
        return "304"
    return "read" if method in {"GET", "HEAD"} or path.endswith(_ASKING) else "write"


@attrs.frozen
class Asked:
    """One request: when it came, in seconds of a clock of its own, and the bytes of it and of its answer."""

    when: float
    method: str
    path: str
    status: int
    up: int
    down: int

    @property
    def kind(self) -> str:
        return kind_of(self.method, self.path, self.status)


@attrs.frozen
class Traffic:
    """All that one client asked; *broken* are the limits that it did not keep."""

    requests: Mapping[str, int]
    up: int
    down: int
    connections: int
    in_flight: int
    points: int
    broken: tuple[str, ...] = ()

    @classmethod
    def of(
        cls, asked: Iterable[Asked], *, connections: int, in_flight: int, points: int, broken: tuple[str, ...]
    ) -> Traffic:
        asked = tuple(asked)
        kinds = Counter(each.kind for each in asked)
        up, down = sum(each.up for each in asked), sum(each.down for each in asked)
        return cls(dict(kinds), up, down, connections, in_flight, points, broken)

    @classmethod
    def read(cls, facts: Mapping[str, Any]) -> Traffic:
        """Make it of JSON."""
        return cls(**{**facts, "broken": tuple(facts["broken"])})

    @property
    def total(self) -> int:
        return sum(self.requests.values())
