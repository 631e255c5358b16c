"""What the models share: what is kept, and that a head that is known ends a load."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import requests
from requests.adapters import HTTPAdapter

from benchmarks.requests.sites import POSTS, TOKEN

__all__ = ["Entry", "Sveltia", "chunks"]

#: By HTTP/2 a browser needs but one for all; a model by HTTP/1.1 is not held to six either.
_CONNECTIONS: Final = 64


class Entry(NamedTuple):
    path: str
    sha: str


class Sveltia:
    """Signs in, looks for the head, lists everything, and reads what it has not.

    :param stagger: seconds by which each batch that is sent together begins after the one before, on GitHub.
    """

    def __init__(self, url: str, repo: str, authorization: str, *, stagger: float = 0.0) -> None:
        self.url = url
        self.repo = repo
        self.stagger = stagger
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers["Authorization"] = authorization
        self._session.mount("http://", HTTPAdapter(pool_maxsize=_CONNECTIONS))
        #: What the browser's database keeps: the head, the listing and the files by their shas.
        self._head = ""
        self._listed: tuple[Entry, ...] = ()
        self._contents: dict[str, bytes] = {}
        self.sign_in()

    def sign_in(self) -> None:
        """Ask who it is and whether it may."""
        raise NotImplementedError

    def disconnect(self) -> None:
        """Be closed as a page is: what it keeps stays, and connections do not."""
        self._session.close()

    def head(self) -> str:
        """Ask for the head of the branch."""
        raise NotImplementedError

    def listing(self, head: str) -> Iterable[Entry]:
        raise NotImplementedError

    def read(self, head: str, entries: Sequence[Entry]) -> Mapping[str, bytes]:
        """Read files and give them by their shas."""
        raise NotImplementedError

    def drafts(self) -> Mapping[str, bytes]:
        """Give the texts of all drafts by their paths."""
        raise NotImplementedError

    def load(self) -> Mapping[str, bytes]:
        head = self.head()
        if head != self._head:
            self._listed = tuple(entry for entry in self.listing(head) if entry.path.startswith(f"{POSTS}/"))
            self._contents.update(
                self.read(head, [entry for entry in self._listed if entry.sha not in self._contents])
            )
            self._head = head
        return {entry.path: self._contents[entry.sha] for entry in self._listed}

    # -- asking ---------------------------------------------------------------------------------------

    def ask(self, path: str, body: object = None) -> Any:
        """Ask below the address, with an object to send it."""
        return self.send(self.url + path, body)

    def send(self, url: str, body: object = None) -> Any:
        method = "GET" if body is None else "POST"
        answer = self._session.request(method, url, json=body, timeout=600)
        answer.raise_for_status()
        return answer.json()

    def query(self, url: str, text: str, variables: Mapping[str, object] | None = None) -> Any:
        """Send a document of GraphQL and give its data."""
        answer = self.send(url, {"query": text, "variables": dict(variables or {})})
        if answer.get("errors"):
            raise AssertionError(f"GraphQL says {answer['errors'][:1]}")
        return answer["data"]


def chunks(entries: Sequence[Entry], size: int) -> Iterable[Sequence[Entry]]:
    return (entries[first : first + size] for first in range(0, len(entries), size))


def authorization(scheme: str) -> str:
    return f"{scheme} {TOKEN}"
