"""Archives that GitLab makes of a folder: read, and held against what git says that the folder is."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from typing import Final

import attrs
from copydesk.archives import MANY, read_archive, sizes_of, stream_archive
from copydesk.blobs import blob_sha, tree_sha
from copydesk.errors import NotSupportedError, ProtocolError
from copydesk.http import HttpClient
from copydesk.models import FileVersion, TreeEntry
from copydesk.spool import Spool
from copydesk.ways import Cost, Listing, Wanted

from copydesk_gitlab import api

__all__ = ["FolderArchiveWay"]

#: How much of an archive waits in memory, before it goes to a file without a name.
_IN_MEMORY: Final = 8 * 2**20


@attrs.frozen(eq=False)
class FolderArchiveWay:
    """The files of one folder, or of all, as one ``tar.gz``.

    :param base: where the project is below the root of the API.
    :param tops: gives the sha of what an archive of a folder at a commit has at its top, by path: the folder, or
        all that is at the root; nothing for a folder that is not there.
    """

    client: HttpClient
    base: str
    tops: Callable[[str, str], Mapping[str, str]]
    name: str = "archive"

    def cost(self, wanted: Wanted) -> Cost | None:
        """Tell two requests for a whole folder, and one for many files in one that were listed already.

        GitLab tells no sizes, and an archive is of all in the folder: None where less than half of that is wanted,
        as far as the tree is known. Where it does not, None for fewer than 100 files, and for the whole tree.
        """
        if len(wanted.commit_shas) > 1 or not (wanted.commit_shas or wanted.branch):
            return None
        # A turn more than requests: it is made before it comes.
        if wanted.entries is None:
            return Cost(2, 3, quota=2)
        return Cost(1, 3, quota=1) if _is_most(wanted.entries, wanted.tree) else None

    def read(self, wanted: Wanted) -> Generator[Listing | bytes, None, None]:
        """Give bytes as they come; where a listing goes before them, when it was proved, from a file.

        An archive of a branch says which commit it is of.

        :raises ProtocolError: the archive is not what the folder is.
        """
        if wanted.entries is None:
            yield from self._whole(wanted.commit_sha or wanted.branch, wanted.folder)
            return
        folder = _folder(wanted.entries)
        with self.client.stream(api.ask_archive(self.base, wanted.commit_sha, folder)) as pieces:
            yield from stream_archive(pieces, "gitlab", sizes_of(wanted.entries))

    def _whole(self, ref: str, folder: str) -> Iterator[Listing | bytes]:
        tops = self.tops(ref, folder) if _is_commit(ref) else None
        if tops is not None and not tops:
            yield Listing(ref, folder, ())
            return
        with Spool("an archive of gitlab", _IN_MEMORY) as spool:
            files = tuple(self._spooled(ref, folder, spool))
            commit_sha = ref if tops is not None else _commit(ref, files)
            _check(folder, files, self.tops(commit_sha, folder) if tops is None else tops)
            entries = tuple(file.entry for file in files)
            yield Listing(commit_sha, folder, tuple(sorted(entries, key=lambda entry: entry.path)))
            spool.seek(0)
            for entry in entries:
                yield spool.read(entry.size or 0)

    def _spooled(self, ref: str, folder: str, spool: Spool) -> Iterator[_Spooled]:
        """Write the files of a folder one after the other, and tell what they are."""
        start = f"{folder}/" if folder else ""
        with self.client.stream(api.ask_archive(self.base, ref, folder)) as pieces:
            for file in read_archive(pieces, "gitlab"):
                if file.path.startswith(start):
                    spool.append(file.content)
                    version = FileVersion(blob_sha(file.content), file.mode)
                    yield _Spooled(TreeEntry(file.path, len(file.content), version), file.commit_sha)


@attrs.frozen
class _Spooled:
    """A file that was written, and the commit that the archive says it is of."""

    entry: TreeEntry
    commit_sha: str


def _is_commit(ref: str) -> bool:
    return len(ref) in {40, 64} and set(ref) <= set("0123456789abcdef")


def _commit(branch: str, files: tuple[_Spooled, ...]) -> str:
    """Give the commit that the archive of a branch is of.

    :raises NotSupportedError: it does not say so.
    """
    told = files[0].commit_sha if files else ""
    if not _is_commit(told):
        raise NotSupportedError(f"gitlab does not say of which commit its archive of {branch!r} is")
    return told


def _folder(entries: Iterable[TreeEntry]) -> str:
    """Give the deepest folder that all are in, "" for the root."""
    folders = {entry.path.rpartition("/")[0] for entry in entries}
    return posixpath.commonpath(folders) if folders else ""


def _is_most(entries: tuple[TreeEntry, ...], tree: tuple[TreeEntry, ...]) -> bool:
    """Tell whether files are half of all in their folder, as far as anybody knows."""
    folder = _folder(entries)
    start = f"{folder}/" if folder else ""
    there = sum(each.path.startswith(start) for each in tree)
    return 2 * len(entries) >= there if there else len(entries) >= MANY and bool(folder)


def _check(folder: str, spooled: Iterable[_Spooled], tops: Mapping[str, str]) -> None:
    """Check that files make up exactly what is at the top: attributes, and LFS, may leave out or alter some.

    :raises ProtocolError: they do not.
    """
    files = {file.entry.path: file.entry.version for file in spooled}
    if any(_sha(path, files) != sha for path, sha in tops.items()) or not _has_all(tops, files):
        what = repr(folder) if folder else "the tree"
        raise ProtocolError(
            f"gitlab alters {what} in its archives, as export-ignore, export-subst and LFS do; "
            "it is read another way"
        )


def _sha(path: str, files: Mapping[str, FileVersion]) -> str | None:
    if path in files:
        return files[path].blob_sha
    start = f"{path}/"
    return tree_sha({each.removeprefix(start): files[each] for each in files if each.startswith(start)})


def _has_all(tops: Mapping[str, str], files: Mapping[str, FileVersion]) -> bool:
    """Whether each file is one of those at the top, or below one."""
    below = tuple(f"{path}/" for path in tops)
    return all(path in tops or path.startswith(below) for path in files)
