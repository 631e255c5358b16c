"""The reads that GitLab's GraphQL API does in fewer requests than its REST API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

import attrs
from copydesk import hookimpl
from copydesk.blobs import is_blob
from copydesk.errors import NotFoundError, UnavailableError
from copydesk.http import Batches, Reply, Request, read_reply
from copydesk.models import File, PullRequest, TreeEntry

from copydesk_gitlab import queries
from copydesk_gitlab.backend import GitLabBackend

__all__ = ["GitLabGraphQL"]

#: So few files are read one by one: REST tells their last commits, which a save then need not ask for.
_FEW: Final = 4


@attrs.define(eq=False)
class GitLabGraphQL:
    """Answers before the REST backend, and leaves to it what GraphQL cannot do, or does not on this server."""

    rest: GitLabBackend
    address: str
    _batches: Batches = attrs.field(factory=lambda: Batches(queries.BATCH_FILES))
    _page: int = queries.PAGE

    @property
    def project(self) -> str:
        return self.rest.name

    def _ask(self, request: Request) -> Reply | None:
        """Send a document; None where the server has no GraphQL."""
        try:
            return read_reply(self.rest.client.send(request))
        except NotFoundError as exc:
            if exc.answer is None or exc.answer.status != 404:
                raise
            return None

    # -- files ----------------------------------------------------------------------------------------

    @hookimpl
    def read_files(self, commit_sha: str, entries: tuple[TreeEntry, ...]) -> tuple[File, ...]:
        """Cost one request per 100 texts, and one for each file that is no text."""
        contents: Mapping[str, bytes] = {}
        if len(entries) > _FEW:
            read = partial(self._read_texts, commit_sha)
            contents = self._batches.gather([entry.path for entry in entries], read, lambda _: b"")
        return tuple(self._file(commit_sha, entry, contents.get(entry.path)) for entry in entries)

    def _read_texts(self, commit_sha: str, paths: Sequence[str]) -> Mapping[str, bytes] | None:
        """Read texts by path; None where it was too much, which GitLab also says by 5xx."""
        request = queries.ask_blobs(self.address, self.project, commit_sha, paths)
        try:
            reply = self._ask(request)
        except UnavailableError as exc:
            if exc.answer is not None:
                return None
            # No answer at all says nothing about the size: as any other read.
            reply = self._ask(attrs.evolve(request, safe=True))
        if reply is None or any(map(queries.is_unknown, reply.errors)):
            return {}
        # Too much in other words than those of complexity, too: how much text there is, nobody knows before.
        return None if reply.errors else queries.read_blobs(reply)

    def _file(self, commit_sha: str, entry: TreeEntry, content: bytes | None) -> File:
        """Take the text if it is what the listing says, and read by REST what is none."""
        if content is None or not entry.version.blob_sha or not is_blob(content, entry.version):
            return self.rest.read_file(commit_sha, entry.path, entry.version)
        return File(entry.path, content, entry.version)

    # -- pull requests --------------------------------------------------------------------------------

    @hookimpl
    def list_pull_requests(self, state: str, base: str, head: str) -> tuple[PullRequest, ...]:
        """Cost one request per 100, files included; by REST where GraphQL does not tell all."""
        found: list[PullRequest] = []
        after: str | None = None
        while True:
            asked = queries.ask_pull_requests(
                self.address, self.project, state, base, head, self._page, after
            )
            reply = self._ask(asked)
            if reply is not None and any(map(queries.is_too_complex, reply.errors)) and self._page > 1:
                self._page //= 2
                continue
            page = None if reply is None else queries.read_page(reply)
            if reply is None or page is None:
                return self.rest.list_pull_requests(state, base, head)
            self._page = queries.fitting_page(reply, self._page)
            found += map(queries.read_pull_request, page["nodes"])
            if not page["pageInfo"]["hasNextPage"]:
                return tuple(found)
            after = page["pageInfo"]["endCursor"]
