"""The suite for all backends, against the real GitHub: `pytest --live -n 0 plugins/github/tests/test_live.py`.

COPYDESK_GITHUB_REPO names a scratch repository whose name ends in ``-scratch``. It has one commit at least, no
rules for branches, and belongs to nobody else meanwhile: **every branch but the default one is deleted**, before
each test. COPYDESK_GITHUB_TOKEN may write contents, pull requests and issues there. COPYDESK_GITHUB_API is the
address of the REST API, where it is not https://api.github.com.

The suite wants a base branch that holds exactly the seed in one commit, and no pull request. Each test gets such a
branch of its own, and the default branch is left alone. Pull requests cannot be deleted: those of earlier tests
are hidden from the listings.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import ClassVar

import pytest
import requests
from copydesk.testing import SEED
from means.live import LiveSuite, Place, Scratch

PLACE = Place.of("github", "https://api.github.com")
PLACE.require()


class GitHubScratch(Scratch):
    @property
    def root(self) -> str:
        return f"{self.place.api}/repos/{self.place.repo}"

    def clear(self) -> None:
        """GitHub closes the pull requests of branches that are deleted."""
        kept = f"refs/heads/{self.ask('GET', '')['default_branch']}"
        while True:
            refs = [ref["ref"] for ref in self.ask("GET", "/git/matching-refs/heads/?per_page=100")]
            if refs in ([kept], []):
                return
            for ref in refs:
                if ref != kept:
                    self.ask("DELETE", f"/git/{requests.utils.quote(ref)}")

    def seed(self, branch: str) -> None:
        items = []
        for file in SEED:
            content = {"content": base64.b64encode(file.content).decode(), "encoding": "base64"}
            sha = self.ask("POST", "/git/blobs", content)["sha"]
            items.append({"path": file.path, "mode": file.mode.value, "type": "blob", "sha": sha})
        tree = self.ask("POST", "/git/trees", {"tree": items})["sha"]
        commit = self.ask("POST", "/git/commits", {"message": "Seed", "tree": tree, "parents": []})["sha"]
        self.ask("POST", "/git/refs", {"ref": f"refs/heads/{branch}", "sha": commit})

    def newest(self) -> int:
        pulls = self.ask("GET", "/pulls?state=all&sort=created&direction=desc&per_page=1")
        return pulls[0]["number"] if pulls else 0


@pytest.fixture(scope="module")
def scratch() -> Iterator[Scratch]:
    headers = {"Authorization": f"Bearer {PLACE.token}", "Accept": "application/vnd.github+json"}
    with GitHubScratch.open(PLACE, headers) as scratch:
        yield scratch


class TestLive(LiveSuite):
    unsupported = frozenset({"rebase_pull_request", "repair"})
    secret = PLACE.token


class TestLiveRest(TestLive):
    options: ClassVar[dict[str, object]] = {"use_graphql": False}
