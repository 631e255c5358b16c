"""Two ways to read by git's protocol: whole commits, and files by their shas."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Final

import attrs

from copydesk.errors import NotFoundError, NotSupportedError, ProtocolError
from copydesk.git._client import GitClient
from copydesk.git._protocol import Fetch
from copydesk.models import Mode, TreeEntry
from copydesk.ways import Cost, Listing, Wanted

if TYPE_CHECKING:
    from copydesk.git._packs import Pack, PackedObject
    from copydesk.git._trees import Trees, Walk

__all__ = ["GitBlobs", "GitTrees"]

#: Larger files are left out where the server can do that: most are media that nobody asked for.
_LARGE: Final = 100_000
#: So many files are asked for at once.
_AT_ONCE: Final = 20_000
#: Turns of the network that a connection takes: TCP and TLS.
_CONNECTING: Final = 2
_SHA_1: Final = re.compile(r"[0-9a-f]{40}")


def _is_sha(text: str | None) -> bool:
    return text is not None and _SHA_1.fullmatch(text) is not None


def _cost(client: GitClient, requests: int, size: int) -> Cost:
    connecting = 0 if client.is_connected or not requests else _CONNECTING
    return Cost(requests, requests + connecting, size)


@attrs.define(eq=False)
class GitTrees:
    """Reads all files of commits in one request, less what is in commits that are known.

    :param marks_commits: versions name the commit that they were listed at.
    """

    client: GitClient
    marks_commits: bool = False
    name: str = "git"
    #: There are folders that no listing tells as git has them, with modes of old.
    _knows_nothing: bool = attrs.field(default=False, init=False)

    def cost(self, wanted: Wanted) -> Cost | None:
        """Cost one request, and one for the head of a branch; which files there are is not known before."""
        if wanted.branch and not wanted.commit_shas:
            return _cost(self.client, 2, 0)
        if wanted.entries is not None or not wanted.commit_shas or not all(map(_is_sha, wanted.commit_shas)):
            return None
        return _cost(self.client, 1 if _unknown(wanted) else 0, 0)

    def read(self, wanted: Wanted) -> Generator[Listing | bytes, None, None]:
        """List every commit, all its folders included, and give the files that are not known.

        :raises NotFoundError: there is no such commit.
        :raises CopydeskError: the server cannot, or did not, give them.
        """
        if not wanted.commit_shas:
            wanted = attrs.evolve(wanted, commit_shas=(self.client.head(wanted.branch),))
        asked = _unknown(wanted)
        for sha in dict.fromkeys(wanted.commit_shas):
            if sha not in asked:
                yield Listing(sha, "", wanted.known[sha])
        if not asked:
            return
        haves = () if self._knows_nothing else _haves(wanted)
        try:
            yield from self._read(wanted, asked, haves)
        except ProtocolError:
            self._knows_nothing = bool(haves) or self._knows_nothing
            raise

    def _read(
        self, wanted: Wanted, asked: tuple[str, ...], haves: tuple[str, ...]
    ) -> Iterator[Listing | bytes]:
        # Bring dulwich, which is needed from here on only.
        from copydesk.git._packs import BLOB, TREE, Pack
        from copydesk.git._trees import Trees, Walk, known_trees

        known = known_trees(wanted.known[sha] for sha in haves)
        trees = Trees(asked, known, self.client.remote, self.marks_commits)

        def outside(sha: str) -> tuple[int, bytes] | None:
            tree = trees.get(sha)
            if tree is not None:
                return TREE, tree
            content = wanted.stored(sha)
            return None if content is None else (BLOB, content)

        fetch = Fetch(asked, haves, alone=True, below=_LARGE)
        with self.client.fetch(fetch) as pieces, Pack(pieces, self.client.remote, outside) as pack:
            cold = not haves and len(asked) == 1
            yield from _given(pack, trees, Walk(asked[0], trees) if cold else None)


def _given(pack: Pack, trees: Trees, walk: Walk | None) -> Iterator[Listing | bytes]:
    """Give the listings as soon as they are whole, and files from then on.

    With *walk* files come before that: as soon as it is known where their folder is.
    """
    from copydesk.git._packs import BLOB, Held

    listed = False
    with Held() as early:
        for found in pack.objects():
            if found.kind != BLOB:
                sha = _gather(found, pack, trees)
                if walk is not None and not trees.is_complete:
                    yield from walk.go_on(sha)
            elif listed or (walk is not None and found.sha in walk.told):
                yield found.content
            else:
                early.add(found.content)
            if trees.is_complete and not listed:
                listed = True
                yield from trees.listings()
                yield from early.contents()
        if not listed:
            yield from trees.listings()  # which tells what is missing


def _gather(found: PackedObject, pack: Pack, trees: Trees) -> str:
    """Note a commit or a tree, and give its sha."""
    from copydesk.git._packs import COMMIT, TREE

    sha = found.sha
    pack.know(found, sha)
    if found.kind == COMMIT:
        trees.add_commit(sha, found.content)
    elif found.kind == TREE:
        trees.add_tree(sha, found.content)
    return sha


def _is_known(wanted: Wanted, sha: str) -> bool:
    """Whether a commit is known as git knows it."""
    entries = wanted.known.get(sha)
    return entries is not None and _is_sha(sha) and all(_is_sha(each.version.blob_sha) for each in entries)


def _haves(wanted: Wanted) -> tuple[str, ...]:
    """Give the commits that need not come again, nor what is in them."""
    return tuple(sha for sha in wanted.known if _is_known(wanted, sha))


def _unknown(wanted: Wanted) -> tuple[str, ...]:
    """Give the commits that have to be asked for."""
    return tuple(sha for sha in dict.fromkeys(wanted.commit_shas) if not _is_known(wanted, sha))


@attrs.define(eq=False)
class GitBlobs:
    """Reads files by their shas, many thousand in one request."""

    client: GitClient
    #: As that of the whole commits: a server that refuses one refuses the other.
    name: str = "git"
    _refused: bool = attrs.field(default=False, init=False)

    def cost(self, wanted: Wanted) -> Cost | None:
        """Cost one request for each 20,000 files."""
        if wanted.entries is None or self._refused or not self.client.server.any_sha:
            return None
        files = _files(wanted)
        if not all(_is_sha(entry.version.blob_sha) for entry in files):
            return None
        sizes = {entry.version.blob_sha: entry.size or 0 for entry in files}
        return _cost(self.client, -(-len(sizes) // _AT_ONCE), sum(sizes.values()))

    def read(self, wanted: Wanted) -> Generator[Listing | bytes, None, None]:
        """Give the bytes of every file; a submodule has none.

        :raises NotSupportedError: this server gives commits alone.
        :raises CopydeskError: it did not give them.
        """
        shas = tuple(dict.fromkeys(str(entry.version.blob_sha) for entry in _files(wanted)))
        for start in range(0, len(shas), _AT_ONCE):
            yield from self._read(shas[start : start + _AT_ONCE])

    def _read(self, shas: tuple[str, ...]) -> Iterator[bytes]:
        from copydesk.git._packs import BLOB, Pack  # bring dulwich

        remote = self.client.remote
        try:
            with self.client.fetch(Fetch(shas)) as pieces, Pack(pieces, remote, lambda _: None) as pack:
                yield from (found.content for found in pack.objects() if found.kind == BLOB)
        except NotFoundError as exc:
            if exc.answer is not None:
                raise  # the repository is not there
            self._refused = True
            raise NotSupportedError(
                f"git at {remote.name} ({remote.address}) does not give files by their shas; read in another way"
            ) from exc


def _files(wanted: Wanted) -> list[TreeEntry]:
    return [entry for entry in wanted.entries or () if entry.version.mode != Mode.SUBMODULE]
