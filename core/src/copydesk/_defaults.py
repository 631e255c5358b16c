"""Operations that the core derives from others, as a plugin of its own: a backend's own come before these."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING

import attrs

from copydesk.hookspecs import BackendHooks, hookimpl
from copydesk.models import (
    ChangedFile,
    Commit,
    File,
    NewCommit,
    NewPullRequest,
    Proposal,
    PullRequest,
    TreeEntry,
)
from copydesk.pool import ReadPool
from copydesk.snapshot import Tree
from copydesk.ways import Way

if TYPE_CHECKING:
    from copydesk.lfs import LfsServer, Pointer

__all__ = ["CoreDefaults"]


@attrs.define(eq=False)
class CoreDefaults:
    """What a backend that does no better gets for nothing.

    It asks the hooks and not the facade: it runs inside an operation that the facade has checked already, and
    extensions see the inner operations too.
    """

    _hooks: BackendHooks
    _pool: ReadPool
    #: Reads files in the cheapest way.
    _read: Callable[[str, tuple[TreeEntry, ...]], Iterable[File]]
    #: Gives the server of large files.
    _objects: Callable[[], LfsServer]

    @hookimpl(trylast=True)
    def list_ways(self) -> tuple[Way, ...]:
        return ()

    @hookimpl(trylast=True)
    def read_files(self, commit_sha: str, entries: tuple[TreeEntry, ...]) -> tuple[File, ...]:
        read = {file.path: file for file in self._read(commit_sha, entries)}
        return tuple(read[entry.path] for entry in entries)

    @hookimpl(trylast=True)
    def list_changed_files(self, pull_request: PullRequest) -> tuple[ChangedFile, ...]:
        base = self._hooks.get_branch(name=pull_request.base, known_commit_sha="").commit_sha
        return self._hooks.compare(base_commit_sha=base, head_commit_sha=pull_request.head_commit_sha).files

    @hookimpl(trylast=True)
    def last_changes(self, commit_sha: str, paths: tuple[str, ...]) -> Mapping[str, Commit]:
        last = partial(self._hooks.list_commits, commit_sha=commit_sha, limit=1)
        found = self._pool.map(lambda path: last(path=path), paths)
        return {path: commits[0] for path, commits in zip(paths, found, strict=True) if commits}

    @hookimpl(trylast=True)
    def download_objects(self, pointers: Mapping[str, Pointer]) -> Mapping[str, bytes]:
        return self._objects().download(pointers)

    @hookimpl(trylast=True)
    def upload_objects(self, contents: Mapping[str, bytes]) -> Mapping[str, Pointer]:
        return self._objects().upload(contents)

    @hookimpl(trylast=True)
    def propose_changes(self, commit: NewCommit, pull_request: NewPullRequest, tree: Tree) -> Proposal:
        made = self._hooks.commit_changes(commit=commit, tree=tree)
        return Proposal(made, self._hooks.create_pull_request(pull_request=pull_request))
