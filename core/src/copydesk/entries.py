"""Entries, their drafts, and the edits that are made of them: values and pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

import attrs

from copydesk.blobs import blob_sha
from copydesk.content import Collection
from copydesk.errors import InvalidInputError
from copydesk.lfs import Pointer
from copydesk.models import Change, Commit, Delete, FileVersion, Move, PullRequest, Put, Status, User

__all__ = ["Draft", "Edit", "Entry", "make_changes", "pull_request_problem", "trailer", "unpublished_key"]

_TRAILER: Final = "Copydesk-Unpublish: "


@attrs.frozen
class Entry:
    """A piece of content and where it stands.

    :param path: its file; "" where the collection is not in the configuration.
    :param commit_sha: the commit that it was looked at: the head of its draft, or of the base branch.
    :param versions: what its files are, for `save(based_on=…)`; a listing of drafts leaves it empty, `get`
        fills it.
    :param changed_paths: under workflow, what publishing would change.
    :param deletes: publishing would remove it.
    :param problem: what is wrong with it and what to do, in one sentence; "" where all is well.
    """

    collection: str
    slug: str
    status: Status
    path: str
    commit_sha: str
    versions: Mapping[str, FileVersion] = attrs.field(factory=dict)
    changed_paths: tuple[str, ...] = ()
    pull_request: PullRequest | None = None
    deletes: bool = False
    problem: str = ""

    @property
    def author(self) -> str:
        """Who opened the draft, as far as known."""
        user = self.pull_request.author if self.pull_request else None
        return user.name or user.login if user else ""

    @property
    def updated_at(self) -> datetime | None:
        """When the draft changed last."""
        return self.pull_request.updated_at if self.pull_request else None


@attrs.frozen
class Draft:
    """A draft's branch and its open pull request; the latter is missing after an interruption."""

    branch: str
    commit_sha: str
    pull_request: PullRequest | None


@attrs.frozen
class Edit:
    """What one call does to an entry: changes for one commit, and the status of a draft made for them.

    *start* is the commit on the base that a new draft begins at, "" for its head.
    """

    kind: Collection
    slug: str
    changes: tuple[Change, ...]
    message: str
    author: User | None = None
    status: Status = Status.DRAFT
    start: str = ""

    @property
    def title(self) -> str:
        """The first line of the message, which names the pull request."""
        return self.message.partition("\n")[0]


def make_changes(
    contents: Mapping[str, bytes],
    opened: Mapping[str, FileVersion],
    remove: Iterable[str] = (),
    move: Mapping[str, str] | None = None,
) -> tuple[Change, ...]:
    """Give what differs from the versions that the editor opened.

    :raises InvalidInputError: a path is to be removed or moved that was not opened.
    """
    moves, removed = dict(move or {}), tuple(remove)
    for path in (*removed, *moves):
        if path not in opened:
            raise InvalidInputError(
                f"cannot remove or move {path!r}: it is not in based_on; pass the version that was opened"
            )
    puts = [
        Put(path, content, opened.get(path))
        for path, content in contents.items()
        if path not in moves.values() and not _is_unchanged(content, opened.get(path))
    ]
    deletes = [Delete(path, opened[path]) for path in removed]
    return (*puts, *deletes, *(Move(old, new, opened[old], contents.get(new)) for old, new in moves.items()))


def _is_unchanged(content: bytes, version: FileVersion | None) -> bool:
    """Whether bytes are those of a version, of which git may have a pointer alone."""
    if version is None:
        return False
    return version.blob_sha == blob_sha(content) or version.blob_sha == blob_sha(
        Pointer.of(content).to_bytes()
    )


def pull_request_problem(pull: PullRequest, key: tuple[str, str] | None, labels: Mapping[str, Status]) -> str:
    """Say what is wrong with a pull request as that of an entry, "" where nothing is."""
    if pull.problem or key is None:
        return pull.problem or f"the name of branch {pull.head!r} is not that of an entry; rename it"
    if pull.from_fork:
        return "it comes from a fork, which copydesk does not write to; merge or close it on the forge"
    if not pull.head_commit_sha:
        return f"its branch {pull.head!r} is gone; close it on the forge"
    if not labels:
        return "it has no status label and counts as a draft; set a status, or run repair"
    if len(labels) > 1:
        return f"it has more than one status label ({', '.join(labels)}); set a status, or run repair"
    return ""


def trailer(collection: str, slug: str) -> str:
    """Give the line that marks the commit which takes an entry off the site."""
    return f"{_TRAILER}{collection}/{slug}"


def unpublished_key(commit: Commit) -> tuple[str, str] | None:
    """Give collection and slug of the entry that a commit took off the site, or None."""
    for line in reversed(commit.message.splitlines()):
        if line.startswith(_TRAILER):
            collection, _, slug = line.removeprefix(_TRAILER).partition("/")
            return collection, slug
    return None
