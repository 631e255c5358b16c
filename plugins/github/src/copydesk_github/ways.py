"""Reading many texts by GraphQL: a hundred a request, by their blobs."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence

import attrs
from copydesk.errors import UnavailableError
from copydesk.http import Batches, HttpClient, Reply, read_reply
from copydesk.models import TreeEntry
from copydesk.ways import Cost, Wanted

from copydesk_github import queries

__all__ = ["TextsWay"]


@attrs.define(eq=False)
class TextsWay:
    """The texts among what is wanted; what is none, or large, is left out."""

    client: HttpClient
    address: str
    repo: str
    name: str = "graphql"
    _batches: Batches = attrs.field(factory=lambda: Batches(queries.BATCH_FILES))

    def cost(self, wanted: Wanted) -> Cost | None:
        """Tell one request per 100 texts, or per what GitHub was found to bear; one after the other."""
        sizes = _small(wanted.entries or ())
        if not sizes:
            return None
        requests = self._batches.requests(len(sizes))
        return Cost(requests, requests, sum(sizes.values()), requests)

    def read(self, wanted: Wanted) -> Generator[bytes, None, None]:
        """Give texts batch by batch."""
        for found in self._batches.gather(tuple(_small(wanted.entries or ())), self._read):
            yield from found.values()

    def _read(self, shas: Sequence[str]) -> Mapping[str, bytes] | None:
        """Read texts by sha; None where it was too much."""
        reply = self._ask(shas)
        if reply is None or any(map(queries.is_too_much, reply.errors)):
            return None
        return queries.read_blobs(reply, shas)

    def _ask(self, shas: Sequence[str]) -> Reply | None:
        """Ask for texts; None: it was too much, which GitHub also says by 502."""
        request = queries.ask_blobs(self.address, self.repo, shas)
        try:
            return read_reply(self.client.send(request))
        except UnavailableError as exc:
            if exc.answer is not None:
                return None
        # No answer at all says nothing about the size: as any other read.
        return read_reply(self.client.send(attrs.evolve(request, safe=True)))


def _small(entries: Sequence[TreeEntry]) -> dict[str, int]:
    """Give the blobs that may come whole as a text, each with its size, 0 where nobody knows."""
    return {
        entry.version.blob_sha: entry.size or 0
        for entry in entries
        if entry.version.blob_sha and (entry.size or 0) <= queries.TEXT_BYTES
    }
