"""On Gitea: 5 requests, one for each 1,000 entries of the tree and one for each 30 files, one after the other."""

from __future__ import annotations

import base64
import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from benchmarks.reading.sveltia.model import Entry, Sveltia, authorization, chunks

__all__ = ["SveltiaOnGitea"]

_BATCH: Final = 30


class SveltiaOnGitea(Sveltia):
    def __init__(self, url: str, repo: str, *, stagger: float = 0.0) -> None:
        super().__init__(url, repo, authorization("token"), stagger=stagger)

    def sign_in(self) -> None:
        """Ask who it is, what the instance allows, for the repository, and for its branch."""
        self.ask("/user")
        self.ask("/settings/api")
        self.ask(f"/repos/{self.repo}")
        self.ask(f"/repos/{self.repo}/branches")

    def head(self) -> str:
        return str(self.ask(f"/repos/{self.repo}/branches/main")["commit"]["id"])

    def listing(self, head: str) -> Iterable[Entry]:
        for number in itertools.count(1):
            query = f"recursive=1&page={number}&per_page=1000"
            page = self.ask(f"/repos/{self.repo}/git/trees/{head}?{query}")
            yield from (Entry(each["path"], each["sha"]) for each in page["tree"] if each["type"] == "blob")
            if not page["truncated"]:
                return

    def read(self, head: str, entries: Sequence[Entry]) -> Mapping[str, bytes]:
        found: dict[str, bytes] = {}
        for some in chunks(entries, _BATCH):
            address = f"/repos/{self.repo}/file-contents?ref={head}"
            read = self.ask(address, {"files": [entry.path for entry in some]})
            found.update({each["sha"]: base64.b64decode(each["content"]) for each in read})
        return found
