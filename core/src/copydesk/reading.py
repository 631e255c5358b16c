"""Reading many files: what is kept is not asked for, and the rest goes the cheapest way that is open.

A backend names its ways (:mod:`copydesk.ways`); the last one is to read file by file. A way that fails is left for
a while, and what it owed is read in the next: the result is complete, or an error. Bytes count only as the blob
that they are by their own sha-1, whoever gave them.
"""

from __future__ import annotations

import contextlib
import logging
import math
import time
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol

import attrs

from copydesk._guard import STUMBLES
from copydesk.blobs import blob_sha
from copydesk.errors import CopydeskError, NotFoundError, NotSupportedError, RateLimitedError
from copydesk.hookspecs import BackendHooks
from copydesk.models import File, Mode, TreeEntry
from copydesk.pool import ReadPool
from copydesk.snapshot import Snapshots
from copydesk.ways import Cost, Listing, Wanted, Way

if TYPE_CHECKING:
    from copydesk.store import BlobStore

__all__ = ["Progress", "Reader"]

log = logging.getLogger(__name__)

#: How many seconds a way is left alone after it failed.
LEFT_SECONDS: Final = 300.0
#: What the cost of a way is weighed by: seconds for a turn and for a part of the quota, bytes in a second.
_TURN: Final = 0.1
_QUOTA: Final = 0.02
_SPEED: Final = 5_000_000
#: How much is read before it is written to the store.
_BLOBS: Final = 512
_BYTES: Final = 4 * 2**20
#: A whole tree is read on only if no more files than these, or three of four, are unwanted.
_UNWANTED: Final = 1000
#: A commit, to ask for costs.
_ANY: Final = "0" * 40

Select = Callable[[Listing], Iterable[TreeEntry]]
Found = Generator[Listing | bytes, None, None]


class Keep(Protocol):
    """Keeps bytes, by their sha if that was made already."""

    def __call__(self, content: bytes, sha: str = "") -> None:
        """Keep some."""
        ...


@attrs.frozen
class Progress:
    """How far a reading has come: files and their bytes, and how many there will be, None until that is known."""

    files: int
    size: int
    total: int | None


class Missing:
    """The files that are still to come, found by the sha of their bytes."""

    def __init__(self, entries: Iterable[TreeEntry] = ()) -> None:
        self._named: dict[str, list[TreeEntry]] = {}
        self._nameless: list[TreeEntry] = []
        self.total = 0
        #: A way told which files there are, all of them.
        self.is_listed = False
        self._wanted: set[tuple[str, str | None]] = set()
        self.add(entries)

    def add(self, entries: Iterable[TreeEntry]) -> list[str]:
        """Want more, and tell their shas; what was wanted before is not wanted again."""
        added: list[str] = []
        before = len(self._wanted)
        for entry in entries:
            sha = entry.version.blob_sha
            key = entry.path, sha
            if key in self._wanted:
                continue
            self._wanted.add(key)
            if sha and entry.version.mode is not Mode.SUBMODULE:
                self._named.setdefault(sha, []).append(entry)
                added.append(sha)
            else:
                self._nameless.append(entry)
        self.total += len(self._wanted) - before
        return added

    def __bool__(self) -> bool:
        """Whether any of those is to come whose sha is known."""
        return bool(self._named)

    @property
    def shas(self) -> tuple[str, ...]:
        """What is to come, by sha."""
        return tuple(self._named)

    @property
    def named(self) -> tuple[TreeEntry, ...]:
        """The files whose sha is known, one for each sha."""
        return tuple(entries[0] for entries in self._named.values())

    @property
    def entries(self) -> tuple[TreeEntry, ...]:
        """Every file that is to come."""
        return (*(entry for entries in self._named.values() for entry in entries), *self._nameless)

    def take(self, sha: str) -> Sequence[TreeEntry]:
        """Give the files that have the bytes of that sha, and want them no longer."""
        return self._named.pop(sha, ())


@attrs.define(eq=False)
class Reader:
    """Reads many files of one repository; safe to use from threads.

    :param run: calls a hook; raises where nobody answers it.
    :param own: whether the backend itself reads many files, in place of all ways.
    :param require: raises where the forge's limit has no room for so many requests.
    :param store: what was read before; None: nothing is kept.
    """

    _run: Callable[..., Any]
    _hooks: BackendHooks
    _pool: ReadPool
    _snapshots: Snapshots
    _store: BlobStore | None
    _own: Callable[[], bool]
    _require: Callable[[int], None]
    _clock: Callable[[], float] = time.monotonic
    _left_until: dict[str, float] = attrs.field(factory=dict, init=False)
    _ways: tuple[Way, ...] | None = attrs.field(default=None, init=False)
    #: What was begun at the head of a branch, by its commit: the way, and what it gives.
    _begun: dict[str, tuple[Way, Found]] = attrs.field(factory=dict, init=False)

    @property
    def store(self) -> BlobStore | None:
        """What was read before; None where nothing is kept, or each time is to be asked."""
        return self._store if self._snapshots.enabled else None

    # -- what is read ---------------------------------------------------------------------------------

    def files(self, commit_sha: str, entries: Iterable[TreeEntry]) -> Iterator[File]:
        """Read files that were listed at a commit, in the order in which they come."""
        missing = Missing(entries)
        yield from self._kept(missing, missing.shas)
        yield from self._asked(commit_sha, missing)

    def asked(self, commit_sha: str, entries: Iterable[TreeEntry]) -> Iterator[File]:
        """Read files without looking at what is kept."""
        return self._asked(commit_sha, Missing(entries))

    def head(self, branch: str, folder: str) -> str:
        """Begin to read at the head of a branch, where the way to take finds that by itself.

        :returns: the commit that is read, "" where somebody has to look it up first.
        """
        wanted = Wanted((), folder, branch=branch)
        way = self._cheapest(Wanted((_ANY,), folder), ())
        if way is None or way.cost(wanted) is None:
            return ""
        found = way.read(wanted)
        try:
            first = next(found)
            if isinstance(first, Listing):
                self._begun[first.commit_sha] = way, _resumed(first, found)
                return first.commit_sha
        except NotFoundError:
            pass  # whoever looks the branch up says so better
        except (CopydeskError, StopIteration, *STUMBLES) as exc:
            self._leave(way, exc)
        return ""

    def below(
        self, commit_sha: str, folder: str, wanted: Callable[[str], bool], place: str = ""
    ) -> Generator[tuple[File, int], None, None]:
        """Read the files below a folder whose path is wanted, in the order in which they come.

        :param place: the branch whose head the commit is, as the store calls it, so that it need not be read a
            second time.
        :returns: each file, and how many there are in all.
        """
        before = self.kept_head(place) if place else ""
        known = self._known(before) if before != commit_sha else {}
        select = partial(_picked, wanted)
        missing = Missing()
        listed, begun = self._snapshots.seen(commit_sha, folder), self._begun.pop(commit_sha, None)
        if listed is None or begun is not None:
            asked = Wanted((commit_sha,), folder, known=known, stored=self._stored)
            for file in self._loaded(asked, missing, select, begun):
                yield file, missing.total
        if not missing.is_listed:
            listed = self._snapshots.list_files(commit_sha, folder) if listed is None else listed
            added = missing.add(select(Listing(commit_sha, folder, listed)))
            for file in self._kept(missing, added):
                yield file, missing.total
        for file in self._asked(commit_sha, missing, folder):
            yield file, missing.total
        if self.store is not None and place and before != commit_sha:
            self.store.write_head(place, commit_sha)

    def each(self, paths: Mapping[str, frozenset[str]], near: str) -> Iterator[tuple[str, tuple[File, ...]]]:
        """Read some paths at each of several commits; those that are not there are left out.

        :param near: a commit from which these differ little, "" for none.
        """
        unseen = tuple(commit_sha for commit_sha in paths if self._snapshots.seen(commit_sha, "") is None)
        found: dict[str, bytes] = {}
        if unseen:
            wanted = Wanted(unseen, known=self._known(near), stored=self._stored)
            for file in self._loaded(wanted, Missing(), lambda it: _at(it.entries, paths[it.commit_sha])):
                found[str(file.version.blob_sha)] = file.content
        read = partial(self._read_at, found)
        yield from zip(paths, self._pool.stream(read, paths.items()), strict=True)

    def kept_head(self, place: str) -> str:
        """Give the commit of a branch whose files are kept, "" for none."""
        return self.store.read_head(place) if self.store is not None else ""

    def _known(self, commit_sha: str) -> Mapping[str, tuple[TreeEntry, ...]]:
        """Give the whole tree of a commit if it is known with every blob."""
        entries = self._snapshots.seen(commit_sha, "") if commit_sha else None
        if entries is None or not all(entry.version.blob_sha for entry in entries):
            return {}
        return {commit_sha: entries}

    def _read_at(self, found: Mapping[str, bytes], asked: tuple[str, frozenset[str]]) -> tuple[File, ...]:
        commit_sha, paths = asked
        entries = self._snapshots.tree(commit_sha).entries(paths)
        there = {
            entry.path: content for entry in entries if (content := found.get(entry.version.blob_sha or ""))
        }
        rest = tuple(entry for entry in entries if entry.path not in there)
        read = {file.path: file for file in self.files(commit_sha, rest)}
        return tuple(
            read.get(entry.path) or File(entry.path, there[entry.path], entry.version) for entry in entries
        )

    # -- by ways --------------------------------------------------------------------------------------

    def _kept(self, missing: Missing, shas: Iterable[str]) -> Iterator[File]:
        """Give what was read before of some that are missing."""
        if self.store is not None:
            for sha, content in self.store.read(shas):
                for entry in missing.take(sha):
                    yield File(entry.path, content, entry.version)

    def _loaded(
        self, wanted: Wanted, missing: Missing, select: Select, begun: tuple[Way, Found] | None = None
    ) -> Iterator[File]:
        """Read by a way that lists besides, the next one where it fails; *missing* is what is left of it."""
        if begun is not None:
            yield from self._through(begun[0], wanted, missing, select, begun[1])
        tried: list[Way] = []
        while not missing.is_listed and (way := self._cheapest(wanted, tried)) is not None:
            tried.append(way)
            yield from self._through(way, wanted, missing, select)

    def _asked(self, commit_sha: str, missing: Missing, folder: str = "") -> Iterator[File]:
        tried: list[Way] = []
        while missing:
            tree = self._snapshots.seen(commit_sha, folder) or ()
            wanted = Wanted((commit_sha,), folder, missing.named, tree)
            way = self._cheapest(wanted, tried)
            if way is None:
                break
            tried.append(way)
            yield from self._through(way, wanted, missing)
        with self._keeping() as keep:
            for file in self._one_by_one(commit_sha, missing.entries):
                keep(file.content)
                yield file

    def _through(
        self,
        way: Way,
        wanted: Wanted,
        missing: Missing,
        select: Select | None = None,
        begun: Found | None = None,
    ) -> Iterator[File]:
        """Give what a way gives of what is missing; where it fails, it is left for a while."""
        listed = 0
        try:
            with contextlib.closing(begun or way.read(wanted)) as found, self._keeping() as keep:
                for item in found:
                    if isinstance(item, bytes):
                        sha = blob_sha(item)
                        keep(item, sha)
                        for entry in missing.take(sha):
                            yield File(entry.path, item, entry.version)
                    elif select is not None:
                        added = missing.add(select(item))
                        if not item.is_part:
                            self._snapshots.listed(item.commit_sha, item.folder, item.entries)
                            missing.is_listed = True
                            listed += len(item.entries)
                        yield from self._kept(missing, added)
                    if not (missing and isinstance(item, bytes)) and self._is_enough(missing, listed, wanted):
                        break
        except (CopydeskError, *STUMBLES) as exc:
            self._leave(way, exc)

    def _is_enough(self, missing: Missing, listed: int, wanted: Wanted) -> bool:
        """Tell whether what else comes is not worth waiting for."""
        if len(wanted.commit_shas) > 1 or (wanted.entries is None and not missing.is_listed):
            return False
        if not missing:
            return True
        unwanted = 0 if wanted.known else listed - missing.total
        return unwanted > max(_UNWANTED, 3 * missing.total)

    def _cheapest(self, wanted: Wanted, tried: Collection[Way]) -> Way | None:
        """Choose the way to take; None: file by file is as good, or the only one."""
        if self._own():
            return None
        if self._ways is None:
            self._ways = self._run(self._hooks.list_ways)
        open_ways = [way for way in self._ways if self._is_open(way) and way not in tried]
        costs = ((way.cost(wanted), way) for way in open_ways)
        priced = [
            (_weight(cost), way) for cost, way in costs if cost is not None and self._is_affordable(cost)
        ]
        weight, way = min(priced, key=lambda each: each[0], default=(math.inf, None))
        if wanted.entries is None:
            return way
        return way if weight <= _weight(self._plain_cost(wanted.entries)) else None

    def _plain_cost(self, entries: tuple[TreeEntry, ...]) -> Cost:
        size = sum(entry.size or 0 for entry in entries)
        return Cost(len(entries), math.ceil(len(entries) / self._pool.workers), size, len(entries))

    def _is_affordable(self, cost: Cost) -> bool:
        if not cost.quota:
            return True
        try:
            self._require(cost.quota)
        except RateLimitedError:
            return False
        return True

    def _is_open(self, way: Way) -> bool:
        return self._left_until.get(way.name, -math.inf) <= self._clock()

    def _leave(self, way: Way, exc: Exception) -> None:
        """Leave all ways of that name for a while; one that is not supported tells so itself from then on."""
        log.info("reading by %s failed: %s", way.name, exc)
        if not isinstance(exc, NotSupportedError):
            self._left_until[way.name] = self._clock() + LEFT_SECONDS

    # -- file by file ---------------------------------------------------------------------------------

    def _one_by_one(self, commit_sha: str, entries: tuple[TreeEntry, ...]) -> Iterator[File]:
        if self._own():
            for part in _parts(entries):
                yield from self._run(self._hooks.read_files, commit_sha=commit_sha, entries=part)
            return
        if entries:
            self._require(len(entries))
        read = partial(self._run, self._hooks.read_file, commit_sha=commit_sha)
        for file in self._pool.stream(lambda entry: read(path=entry.path, version=entry.version), entries):
            self._snapshots.told((file,))
            yield file

    # -- keeping --------------------------------------------------------------------------------------

    def _stored(self, sha: str) -> bytes | None:
        """Give the bytes of one blob that was read before."""
        found = self.store.read((sha,)) if self.store is not None else ()
        return next((content for _, content in found), None)

    def kept(self, entries: Iterable[TreeEntry]) -> dict[str, File]:
        """Give those of some files that were read before, by path."""
        if self.store is None:
            return {}
        missing = Missing(entries)
        return {file.path: file for file in self._kept(missing, missing.shas)}

    def keep(self, files: Iterable[File]) -> None:
        """Keep files that were read, or written."""
        with self._keeping() as keep:
            for file in files:
                keep(file.content)

    @contextlib.contextmanager
    def _keeping(self) -> Iterator[Keep]:
        """Write to the store what comes, some of it at a time, and the rest at the end."""
        store = self.store
        waiting: list[tuple[str, bytes]] = []
        size = 0

        def keep(content: bytes, sha: str = "") -> None:
            nonlocal size
            if store is None:
                return
            waiting.append((sha or blob_sha(content), content))
            size += len(content)
            if size >= _BYTES or len(waiting) >= _BLOBS:
                store.write(waiting)
                waiting.clear()
                size = 0

        try:
            yield keep
        finally:
            if store is not None and waiting:
                store.write(waiting)


def _weight(cost: Cost) -> float:
    """Give what a way costs, in seconds or what is as bad."""
    return cost.turns * _TURN + cost.size / _SPEED + cost.quota * _QUOTA


def _resumed(first: Listing, rest: Found) -> Found:
    """Give what a way gives, the first of which was taken to see what it is."""
    with contextlib.closing(rest):
        yield first
        yield from rest


def _picked(wanted: Callable[[str], bool], listing: Listing) -> Iterator[TreeEntry]:
    for entry in listing.entries:
        if entry.version.mode is not Mode.SUBMODULE and wanted(entry.path):
            yield entry


def _at(entries: Iterable[TreeEntry], paths: frozenset[str]) -> list[TreeEntry]:
    return [entry for entry in entries if entry.path in paths]


def _parts(entries: tuple[TreeEntry, ...]) -> Iterator[tuple[TreeEntry, ...]]:
    """Cut a list into parts that are read at once: as many files as hold little together, as far as is known."""
    part: list[TreeEntry] = []
    size = 0
    for entry in entries:
        if part and (len(part) >= _BLOBS or size + (entry.size or 0) > _BYTES):
            yield tuple(part)
            part, size = [], 0
        part.append(entry)
        size += entry.size or 0
    if part:
        yield tuple(part)
