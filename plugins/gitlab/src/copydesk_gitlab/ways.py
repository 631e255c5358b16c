"""Reading many texts by GraphQL: a hundred a request, by their paths."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from functools import partial
from typing import Final

import attrs
from copydesk.errors import NotFoundError, NotSupportedError, UnavailableError
from copydesk.http import Batches, HttpClient, Reply, Request, read_reply
from copydesk.ways import Cost, Wanted

from copydesk_gitlab import queries

__all__ = ["TextsWay", "ask"]

#: So few files are read one by one: REST tells their last commits, which a save then need not ask for.
_FEW: Final = 4


@attrs.define(eq=False)
class TextsWay:
    """The texts among what is wanted; what is none is left out."""

    client: HttpClient
    address: str
    project: str
    name: str = "graphql"
    #: The server has no GraphQL, or none that knows what is asked.
    _lacking: bool = False
    _batches: Batches = attrs.field(factory=lambda: Batches(queries.BATCH_FILES))

    def cost(self, wanted: Wanted) -> Cost | None:
        """Tell one request per 100 files, or per what GitLab was found to bear; one after the other."""
        entries = wanted.entries or ()
        if len(entries) <= _FEW or self._lacking:
            return None
        requests = self._batches.requests(len(entries))
        return Cost(requests, requests, sum(entry.size or 0 for entry in entries), requests)

    def read(self, wanted: Wanted) -> Generator[bytes, None, None]:
        """Give texts batch by batch.

        :raises NotSupportedError: the server has no such GraphQL.
        """
        paths = [entry.path for entry in wanted.entries or ()]
        for found in self._batches.gather(paths, partial(self._read, wanted.commit_sha)):
            yield from found.values()

    def _read(self, commit_sha: str, paths: Sequence[str]) -> Mapping[str, bytes] | None:
        """Read texts by path; None where it was too much, which GitLab also says by 5xx."""
        request = queries.ask_blobs(self.address, self.project, commit_sha, paths)
        try:
            reply = ask(self.client, request)
        except UnavailableError as exc:
            if exc.answer is not None:
                return None
            # No answer at all says nothing about the size: as any other read.
            reply = ask(self.client, attrs.evolve(request, safe=True))
        if reply is None or any(map(queries.is_unknown, reply.errors)):
            self._lacking = True
            raise NotSupportedError("this gitlab gives no files by GraphQL; they are read another way")
        # Too much in other words than those of complexity, too: how much text there is, nobody knows before.
        return None if reply.errors else queries.read_blobs(reply)


def ask(client: HttpClient, request: Request) -> Reply | None:
    """Send a document; None where the server has no GraphQL."""
    try:
        return read_reply(client.send(request))
    except NotFoundError as exc:
        if exc.answer is None or exc.answer.status != 404:
            raise
        return None
