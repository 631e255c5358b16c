"""On GitHub: 4 requests and one for each 250 files; batches begin half a second apart and go on together."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from benchmarks.reading.sveltia.model import Entry, Sveltia, authorization, chunks
from benchmarks.requests.sites import PREFIX

__all__ = ["SveltiaOnGitHub"]

_BATCH: Final = 250
_HEAD: Final = """query ($owner: String!, $name: String!) {
  repository(owner: $owner, name: $name) { ref(qualifiedName: "refs/heads/main") { target { oid } } }
}"""
_DRAFTS: Final = """query ($owner: String!, $name: String!) {
  repository(owner: $owner, name: $name) {
    pullRequests(first: 100, states: OPEN, baseRefName: "main") {
      nodes { headRefName headRefOid labels(first: 20) { nodes { name } } files(first: 100) { nodes { path } } }
    }
  }
}"""
_IN_REPOSITORY: Final = (
    "query ($owner: String!, $name: String!) {{ repository(owner: $owner, name: $name) {{ {} }} }}"
)


class SveltiaOnGitHub(Sveltia):
    def __init__(self, url: str, repo: str, *, stagger: float = 0.5) -> None:
        super().__init__(url, repo, authorization("token"), stagger=stagger)

    def sign_in(self) -> None:
        self.ask("/user")
        self.ask(f"/repos/{self.repo}")

    def _of(self, document: str) -> dict[str, dict[str, object]]:
        owner, _, name = self.repo.partition("/")
        found = self.query(f"{self.url}/graphql", document, {"owner": owner, "name": name})
        repository: dict[str, dict[str, object]] = found["repository"]
        return repository

    def head(self) -> str:
        target = self._of(_HEAD)["ref"]["target"]
        return str(target["oid"]) if isinstance(target, dict) else ""

    def listing(self, head: str) -> Iterable[Entry]:
        found = self.ask(f"/repos/{self.repo}/git/trees/{head}?recursive=1")
        return (Entry(each["path"], each["sha"]) for each in found["tree"] if each["type"] == "blob")

    def read(self, head: str, entries: Sequence[Entry]) -> Mapping[str, bytes]:
        def batch(number: int, some: Sequence[Entry]) -> dict[str, bytes]:
            time.sleep(number * self.stagger)
            found = self._of(_IN_REPOSITORY.format(_texts(some) + _histories(head, some)))
            return {entry.sha: str(found[f"content_{at}"]["text"]).encode() for at, entry in enumerate(some)}

        batches = list(chunks(entries, _BATCH))
        read: dict[str, bytes] = {}
        with ThreadPoolExecutor(len(batches) or 1) as pool:
            for each in pool.map(batch, range(len(batches)), batches):
                read.update(each)
        return read

    def drafts(self) -> Mapping[str, bytes]:
        """One list with the files of each, and one document for all of their texts."""
        found = self._of(_DRAFTS)["pullRequests"]["nodes"]
        names = [
            (each["headRefOid"], file["path"])
            for each in (found if isinstance(found, list) else ())
            if any(label["name"].startswith(PREFIX) for label in each["labels"]["nodes"])
            for file in each["files"]["nodes"]
        ]
        asked = (
            f"content_{at}: object(expression: {json.dumps(f'{head}:{path}')}) {{ ... on Blob {{ text }} }}"
            for at, (head, path) in enumerate(names)
        )
        texts = self._of(_IN_REPOSITORY.format(" ".join(asked)))
        return {path: str(texts[f"content_{at}"]["text"]).encode() for at, (_, path) in enumerate(names)}


def _texts(entries: Sequence[Entry]) -> str:
    return " ".join(
        f'content_{at}: object(oid: "{entry.sha}") {{ ... on Blob {{ text }} }}'
        for at, entry in enumerate(entries)
    )


def _histories(head: str, entries: Sequence[Entry]) -> str:
    """Ask besides who changed each file last, and when."""
    asked = " ".join(
        f"commit_{at}: history(first: 1, path: {json.dumps(entry.path)}) "
        "{ nodes { author { name email } committedDate } }"
        for at, entry in enumerate(entries)
    )
    return f' commits: object(oid: "{head}") {{ ... on Commit {{ {asked} }} }}'
