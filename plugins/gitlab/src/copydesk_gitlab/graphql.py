"""The reads that GitLab's GraphQL API does in fewer requests than its REST API."""

from __future__ import annotations

import attrs
from copydesk import hookimpl
from copydesk.models import PullRequest
from copydesk.ways import Way

from copydesk_gitlab import queries
from copydesk_gitlab.backend import GitLabBackend
from copydesk_gitlab.ways import TextsWay, ask

__all__ = ["GitLabGraphQL"]


@attrs.define(eq=False)
class GitLabGraphQL:
    """Answers before the REST backend, and leaves to it what GraphQL cannot do, or does not on this server."""

    rest: GitLabBackend
    address: str
    texts: TextsWay = attrs.field(init=False)
    _page: int = queries.PAGE

    def __attrs_post_init__(self) -> None:
        self.texts = TextsWay(self.rest.client, self.address, self.rest.name)

    # -- files ----------------------------------------------------------------------------------------

    @hookimpl
    def list_ways(self) -> tuple[Way, ...]:
        return (self.texts, *self.rest.list_ways())

    # -- pull requests --------------------------------------------------------------------------------

    @hookimpl
    def list_pull_requests(self, state: str, base: str, head: str) -> tuple[PullRequest, ...]:
        """Cost one request per 100, files included; by REST where GraphQL does not tell all."""
        found: list[PullRequest] = []
        after: str | None = None
        while True:
            asked = queries.ask_pull_requests(
                self.address, self.rest.name, state, base, head, self._page, after
            )
            reply = ask(self.rest.client, asked)
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
