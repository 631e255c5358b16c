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
import os
import uuid
from collections.abc import Callable, Generator, Iterator
from typing import Any

import attrs
import pytest
import requests
from copydesk import Repository, hookimpl, open_repository
from copydesk.models import PullRequest
from copydesk.testing import SEED, BackendSuite

API = os.environ.get("COPYDESK_GITHUB_API", "https://api.github.com").rstrip("/")
TOKEN = os.environ.get("COPYDESK_GITHUB_TOKEN", "")
REPO = os.environ.get("COPYDESK_GITHUB_REPO", "")
#: What only a repository passes that has no other branch.
NEEDS_A_NEW_REPOSITORY = {"test_seed_is_there"}


class Scratch:
    """The scratch repository, prepared by plain requests, without copydesk."""

    def __init__(self, session: requests.Session) -> None:
        self.session = session

    def ask(self, method: str, path: str, body: object = None) -> Any:
        url = path if path.startswith("http") else f"{API}/repos/{REPO}{path}"
        response = self.session.request(method, url, json=body, timeout=60)
        assert response.ok, f"{method} {url}: {response.status_code} {response.text[:500]}"
        return response.json() if response.content else None

    def clear(self) -> None:
        """Delete every branch but the default one; GitHub closes their pull requests."""
        kept = f"refs/heads/{self.ask('GET', '')['default_branch']}"
        while True:
            refs = [ref["ref"] for ref in self.ask("GET", "/git/matching-refs/heads/?per_page=100")]
            if refs in ([kept], []):
                return
            for ref in refs:
                if ref != kept:
                    self.ask("DELETE", f"/git/{requests.utils.quote(ref)}")

    def seed(self, branch: str) -> None:
        """Make a branch with the seed in one commit that has no parent."""
        items = []
        for file in SEED:
            content = {"content": base64.b64encode(file.content).decode(), "encoding": "base64"}
            sha = self.ask("POST", "/git/blobs", content)["sha"]
            items.append({"path": file.path, "mode": file.mode.value, "type": "blob", "sha": sha})
        tree = self.ask("POST", "/git/trees", {"tree": items})["sha"]
        commit = self.ask("POST", "/git/commits", {"message": "Seed", "tree": tree, "parents": []})["sha"]
        self.ask("POST", "/git/refs", {"ref": f"refs/heads/{branch}", "sha": commit})


@attrs.define(eq=False)
class HideOlder:
    """Leaves the pull requests out that were there before a test."""

    newest: int

    @hookimpl(wrapper=True)
    def list_pull_requests(self) -> Generator[None, tuple[PullRequest, ...], tuple[PullRequest, ...]]:
        return tuple(pull for pull in (yield) if pull.number > self.newest)


@pytest.fixture(scope="module")
def scratch() -> Iterator[Scratch]:
    assert REPO.endswith("-scratch"), f"{REPO!r} does not end in '-scratch': its branches would be deleted"
    with requests.Session() as session:
        session.headers.update({"Authorization": f"Bearer {TOKEN}", "Accept": "application/vnd.github+json"})
        scratch = Scratch(session)
        yield scratch
        scratch.clear()


@pytest.fixture
def open_scratch(request, scratch) -> Callable[..., Repository]:
    """Open the scratch repository on a new branch that holds exactly the seed."""
    if request.node.name in NEEDS_A_NEW_REPOSITORY:
        pytest.skip("only a repository that is new has one branch")
    branch = f"seed-{uuid.uuid4().hex[:12]}"
    scratch.clear()
    scratch.seed(branch)
    pulls = scratch.ask("GET", "/pulls?state=all&sort=created&direction=desc&per_page=1")
    given = {"repo": REPO, "api_root": API, "branch": branch}
    hide = HideOlder(pulls[0]["number"] if pulls else 0)
    return lambda **more: open_repository("github", credential=TOKEN, extensions=[hide], **given, **more)


class TestLive(BackendSuite):
    unsupported = frozenset({"refresh_credential", "rebase_pull_request", "repair"})
    secret = TOKEN

    @pytest.fixture
    def repository(self, open_scratch) -> Repository:
        return open_scratch()


class TestLiveRest(TestLive):
    @pytest.fixture
    def repository(self, open_scratch) -> Repository:
        return open_scratch(use_graphql=False)
