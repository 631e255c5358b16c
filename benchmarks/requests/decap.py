"""What the models of Decap CMS 3.14 share: the same requests in the same order, on every forge.

They are written from a description of that program and hold none of its code. The calls of a backend are
modelled; left out is what the rest of the program does around them. Of the requests that it sends together, 20 go
at once, as its limit of ten files allows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final, NamedTuple

import requests
from requests.adapters import HTTPAdapter

from benchmarks.requests.editors import Editor
from benchmarks.requests.sites import PREFIX

__all__ = ["Decap", "Listed", "status_of"]

_AT_ONCE: Final = 20


class Listed(NamedTuple):
    """A published file: what is kept of it is kept by both."""

    path: str
    sha: str


class Decap(Editor):
    """Remembers nothing of a draft but its files, and finds its pull request again each time.

    :param repository: where the repository is below the address.
    """

    def __init__(self, url: str, repository: str, authorization: str) -> None:
        self._url = url
        self._repository = repository
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers["Authorization"] = authorization
        self._session.mount("http://", HTTPAdapter(pool_maxsize=_AT_ONCE, pool_block=True))
        self._pool = ThreadPoolExecutor(_AT_ONCE)
        #: What the program, or the browser, keeps: files, and who changed them last.
        self._contents: dict[Listed, bytes] = {}
        self._metadata: dict[Listed, Any] = {}
        #: The files of each draft that is open in the editor; its media are sent again with every save.
        self._open: dict[str, Mapping[str, bytes]] = {}
        self.sign_in()

    def disconnect(self) -> None:
        """Be closed as a page is: what it keeps stays, and connections do not."""
        self._session.close()

    def sign_in(self) -> None:
        """Ask who it is, and for the repository."""
        self._ask("GET", "/user")
        self._of("GET", "")

    # -- asking ---------------------------------------------------------------------------------------

    def _send(
        self,
        method: str,
        path: str,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        form: Sequence[tuple[str, tuple[str | None, bytes]]] | None = None,
    ) -> requests.Response:
        """Send a body as JSON, or the parts of a form: names, and filenames with contents."""
        answer = self._session.request(
            method, self._url + path, json=body, headers=headers, files=form, timeout=30
        )
        answer.raise_for_status()
        return answer

    def _ask(self, method: str, path: str, body: object = None) -> Any:
        answer = self._send(method, path, body)
        return answer.json() if answer.content else None

    def _of(self, method: str, path: str, body: object = None) -> Any:
        return self._ask(method, f"{self._repository}{path}", body)

    # -- what each forge does in its way --------------------------------------------------------------

    def _fetch(self, file: Listed) -> bytes:
        """Read a file."""
        raise NotImplementedError

    def _fetch_last_change(self, file: Listed) -> Any:
        """Tell who changed a file last."""
        raise NotImplementedError

    # -- reading --------------------------------------------------------------------------------------

    def _read_all(self, files: Collection[Listed]) -> Mapping[str, bytes]:
        """Ask two things of each file that is new: its bytes, and who changed it last."""
        asked: list[Future[Any]] = []
        for file in files:
            asked.append(self._pool.submit(self._content, file))
            asked.append(self._pool.submit(self._last_change, file))
        for each in asked:
            each.result()
        return {file.path: self._contents[file] for file in files}

    def _content(self, file: Listed) -> bytes:
        if file not in self._contents:
            self._contents[file] = self._fetch(file)
        return self._contents[file]

    def _last_change(self, file: Listed) -> None:
        if file not in self._metadata:
            self._metadata[file] = self._fetch_last_change(file)

    @property
    def contents(self) -> Mapping[str, bytes]:
        """Give the files that were read, by their paths."""
        return {file.path: content for file, content in self._contents.items()}

    # -- the rest -------------------------------------------------------------------------------------

    def look(self) -> None:
        """It asks for the base each time, so there is nothing to get to know."""

    def close(self) -> None:
        self._pool.shutdown()
        self._session.close()


def status_of(labels: Iterable[str], branch: str) -> str:
    """Give the status of a draft by its label, "" for what is none."""
    label = next((name for name in labels if name.startswith(PREFIX)), "")
    return label.removeprefix(PREFIX) if branch.startswith("cms/") else ""
