"""What the page of a login answers to a browser: decided here, sent by the loopback server."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import parse_qsl, urlsplit

import attrs

from copydesk.auth._begun import Begun, Page
from copydesk.auth._pages import ending_page, fragment_page
from copydesk.auth._runner import LoginRunner
from copydesk.auth._words import Said, in_one_line
from copydesk.errors import CopydeskError
from copydesk.models import Credential

__all__ = ["LARGEST", "Desk", "Reply"]

#: Bytes of an answer; tokens have some thousand.
LARGEST: Final = 65_536
DONE: Final = "You may close this window."
_USED: Final = "This login has had its answer already. Begin another one."
_STRANGE: Final = "This answer does not belong to the login that waits here."


@attrs.frozen
class Reply:
    """What is answered: a page, or the words on it for a page that posted."""

    status: int
    page: Page = attrs.field(repr=False)
    words: str = attrs.field(default="", repr=False)


@attrs.define(eq=False)
class Desk:
    """Takes one answer to one login, and lets nobody else give or see one.

    :param hosts: what the Host header may be; another one is that of a page whose name was made to lead here.
    :param callback: the path that the answer comes to.
    :param page_path: where the page of a popup is.
    """

    runner: LoginRunner
    begun: Begun
    hosts: frozenset[str]
    callback: str
    page_path: str
    keep: Callable[[Credential], None] = lambda _: None
    outcome: Credential | CopydeskError | None = attrs.field(default=None, init=False, repr=False)
    _taken: bool = attrs.field(default=False, init=False)
    _lock: threading.Lock = attrs.field(factory=threading.Lock, init=False, repr=False)

    def get(self, target: str, headers: Mapping[str, str]) -> Reply:
        """Answer a GET: with the page of the popup, that for a fragment, or with how the login ended."""
        if not self._is_here(headers):
            return _failed(421, "This page is for the machine that it is on.")
        parts = urlsplit(target)
        if parts.path == self.page_path and self.begun.page is not None:
            return _failed(410, _USED) if self._taken else Reply(200, self.begun.page)
        if parts.path != self.callback or self.begun.page is not None:
            return _failed(404, "There is nothing here.")
        if self.runner.flow.kind == "implicit":
            return _failed(410, _USED) if self._taken else Reply(200, fragment_page())
        return self._answered(Said(dict(parse_qsl(parts.query, keep_blank_values=True))))

    def post(self, target: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Answer a POST, which a page of this server alone may make."""
        if not self._is_here(headers):
            return _failed(421, "This page is for the machine that it is on.")
        if headers.get("Origin", "") != f"http://{headers.get('Host', '')}":
            return _failed(403, "Another page must not answer for this one.")
        if urlsplit(target).path != self.callback or self.runner.flow.kind not in {"implicit", "popup"}:
            return _failed(404, "There is nothing here.")
        return self._answered(Said(dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))))

    def _is_here(self, headers: Mapping[str, str]) -> bool:
        return headers.get("Host", "") in self.hosts

    def _answered(self, said: Said) -> Reply:
        """Take an answer, the first that belongs to the login; another one does not end it."""
        if not self.runner.belongs(self.begun.state, said):
            return _failed(400, _USED if self._taken else _STRANGE)
        with self._lock:
            if self._taken:
                return _failed(410, _USED)
            self._taken = True
        try:
            credential = self.runner.complete(self.begun.state, said)
            self.keep(credential)
        except CopydeskError as exc:
            self.outcome = exc
            return _failed(400, f"{in_one_line(exc)}.")
        self.outcome = credential
        return Reply(200, ending_page(DONE), DONE)


def _failed(status: int, words: str) -> Reply:
    shown = words[:1].upper() + words[1:]
    return Reply(status, ending_page(shown, failed=True), shown)
