"""On GitLab: 3 requests and two for each 100 files, one after the other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote, urlencode

from benchmarks.reading.sveltia.model import Entry, Sveltia, authorization, chunks

__all__ = ["SveltiaOnGitLab"]

_BATCH: Final = 100
_PREFIXES: Final = ("netlify-cms", "decap-cms", "sveltia-cms")
_STATUSES: Final = ("draft", "pending_review", "pending_publish", "stale")
_TREE: Final = """query ($repo: ID!, $head: String, $after: String) {
  project(fullPath: $repo) { repository { tree(ref: $head, recursive: true) {
    blobs(after: $after) { nodes { path sha } pageInfo { endCursor hasNextPage } }
  } } }
}"""
_BLOBS: Final = """query ($repo: ID!, $head: String, $paths: [String!]!) {
  project(fullPath: $repo) { repository { blobs(ref: $head, paths: $paths) { nodes { path oid rawTextBlob } } } }
}"""


class SveltiaOnGitLab(Sveltia):
    def __init__(self, url: str, repo: str, *, stagger: float = 0.0) -> None:
        self._project = f"/projects/{quote(repo, safe='')}"
        super().__init__(url, repo, authorization("Bearer"), stagger=stagger)

    def sign_in(self) -> None:
        self.ask("/user")
        self.ask(self._project)

    def _repository(self, document: str, **variables: object) -> Any:
        address = self.url.removesuffix("/v4") + "/graphql"
        return self.query(address, document, {"repo": self.repo, **variables})["project"]["repository"]

    def head(self) -> str:
        return str(self.ask(f"{self._project}/repository/branches/main")["commit"]["id"])

    def listing(self, head: str) -> Iterable[Entry]:
        after = None
        while True:
            page = self._repository(_TREE, head=head, after=after)["tree"]["blobs"]
            yield from (Entry(each["path"], each["sha"]) for each in page["nodes"])
            if not page["pageInfo"]["hasNextPage"]:
                return
            after = page["pageInfo"]["endCursor"]

    def read(self, head: str, entries: Sequence[Entry]) -> Mapping[str, bytes]:
        found: dict[str, bytes] = {}
        for some in chunks(entries, _BATCH):
            found.update(self._texts(head, [entry.path for entry in some]))
        return found

    def _texts(self, head: str, paths: Sequence[str]) -> Mapping[str, bytes]:
        nodes = self._repository(_BLOBS, head=head, paths=paths)["blobs"]["nodes"]
        return {each["oid"]: each["rawTextBlob"].encode() for each in nodes}

    def drafts(self) -> Mapping[str, bytes]:
        """A list for each label that a draft can have, and for each draft its diffs and its texts."""
        found: dict[str, bytes] = {}
        for label in (f"{prefix}/{status}" for prefix in _PREFIXES for status in _STATUSES):
            query = urlencode({"state": "opened", "labels": label, "per_page": "100"})
            for draft in self.ask(f"{self._project}/merge_requests?{query}"):
                diffs = self.ask(f"{self._project}/merge_requests/{draft['iid']}/diffs")
                paths = [each["new_path"] for each in diffs]
                nodes = self._repository(_BLOBS, head=draft["sha"], paths=paths)["blobs"]["nodes"]
                found.update({each["path"]: each["rawTextBlob"].encode() for each in nodes})
        return found
