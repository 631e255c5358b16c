"""Models of what Decap CMS asks through a gateway: what it asks of the forge, less the repository.

Some of it no gateway lets through, and it asks all the same: who made each draft, and twice for notes.
"""

from __future__ import annotations

from typing import Any

import requests

from benchmarks.requests.decap import Decap
from benchmarks.requests.git_gateway.gateways import EDITOR, address_of
from benchmarks.requests.github.decap import DecapOnGitHub
from benchmarks.requests.gitlab.decap import DecapOnGitLab

__all__ = ["DecapBeforeGitHub", "DecapBeforeGitLab"]


class _Behind(Decap):
    """Signs in at the gateway, and bears what it refuses."""

    forge: str

    def __init__(self, url: str, repo: str) -> None:
        self._gateway = address_of(url, repo)
        super().__init__(url, repo)  # type: ignore[call-arg]  # that of the model it is mixed into

    def sign_in(self) -> None:
        self._url, self._repository = f"{self._gateway}/{self.forge}", ""
        self._session.headers["Authorization"] = f"Bearer {EDITOR}"
        self._session.get(f"{self._gateway}/settings", timeout=30).raise_for_status()

    def _ask(self, method: str, path: str, body: object = None) -> Any:
        try:
            return super()._ask(method, path, body)
        except requests.HTTPError as exc:
            if exc.response.status_code != requests.codes.unauthorized:
                raise
            return None


class DecapBeforeGitHub(_Behind, DecapOnGitHub):
    forge = "github"


class DecapBeforeGitLab(_Behind, DecapOnGitLab):
    forge = "gitlab"
