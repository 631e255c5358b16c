"""Ways to read many files at once: what a backend names them by, for the core to choose from.

A way asks and reads, and does nothing else. Which one is taken, what happens where it fails, which bytes belong to
which path, and whether they are what git says that they are, is the core's (:mod:`copydesk.reading`): a way that
gives wrong bytes gives nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sized
from typing import Protocol

import attrs

from copydesk.models import TreeEntry

__all__ = ["Cost", "Listing", "Wanted", "Way"]


def _count(many: Sized) -> str:
    return f"<{len(many)}>"


@attrs.frozen
class Cost:
    """What a way takes for what is wanted, as far as that can be told before.

    :param requests: how many are sent.
    :param turns: how many of them wait for one another, connections that have to be made included.
    :param size: bytes that come; 0 where nobody knows.
    :param quota: how much of the API's own limit they use up.
    """

    requests: int
    turns: int
    size: int = 0
    quota: int = 0


def _nothing(_: str) -> None:
    """Have no bytes of any file."""


@attrs.frozen
class Wanted:
    """What is to be read at once.

    :param commit_shas: the commits that the files are at; with *entries* it is one. None at all where the head of
        *branch* is meant, which nobody has looked up: the first :class:`Listing` then tells it.
    :param folder: what they are below, "" for all.
    :param entries: which files, as a listing told them, each with its blob sha; None: all of them, and the way
        tells which these are.
    :param known: other commits with all their files, whose bytes the caller has: they need not come again.
    :param stored: gives those bytes by their blob sha, None where it has them no more: what is new may come as
        what it changes of them.
    """

    commit_shas: tuple[str, ...]
    folder: str = ""
    entries: tuple[TreeEntry, ...] | None = None
    known: Mapping[str, tuple[TreeEntry, ...]] = attrs.field(factory=dict, repr=_count)
    stored: Callable[[str], bytes | None] = attrs.field(default=_nothing, repr=False)
    branch: str = ""

    @property
    def commit_sha(self) -> str:
        """The one commit, or the first; "" for the head of *branch*."""
        return self.commit_shas[0] if self.commit_shas else ""


@attrs.frozen
class Listing:
    """Every file below a folder at a commit, in order of path, as a way found it out while it read."""

    commit_sha: str
    folder: str
    entries: tuple[TreeEntry, ...] = attrs.field(repr=_count)


class Way(Protocol):
    """One way to read many files."""

    @property
    def name(self) -> str:
        """What logs call it, such as ``archive``; ways of one name are of one server, and left together."""
        ...

    def cost(self, wanted: Wanted) -> Cost | None:
        """Tell what it would take; nothing is asked for. None: it cannot give that."""
        ...

    def read(self, wanted: Wanted) -> Generator[Listing | bytes, None, None]:
        """Give the bytes of files as they come, each once, in any order.

        Where *wanted* has no entries, a :class:`Listing` of each commit comes before the bytes of its files.
        What is left out is read in another way; bytes that nobody asked for do no harm. Closing the generator
        ends the requests.

        :raises NotSupportedError: the server cannot do that; from then on *cost* says so.
        :raises CopydeskError: it does not go this way now; the core takes another one, and this one later.
        """
        ...
