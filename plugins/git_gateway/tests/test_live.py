"""The suite for all backends, through a real gateway: `pytest --live -n 0 plugins/git_gateway/tests/test_live.py`.

COPYDESK_GIT_GATEWAY_API is the address of a gateway before GitHub, and COPYDESK_GIT_GATEWAY_REPO names the
repository behind it, which the gateway does not tell: a scratch one whose name ends in ``-scratch``, with one
commit at least and no rules for branches. It belongs to nobody else meanwhile: **every branch but the base is
deleted**, before each test; the base is ``main``, or what COPYDESK_GIT_GATEWAY_BRANCH says.

COPYDESK_GIT_GATEWAY_USER and COPYDESK_GIT_GATEWAY_TOKEN are e-mail and password at the identity server, whose
address is COPYDESK_GIT_GATEWAY_IDENTITY; without USER the token is a JWT, which must be good until the end.

The suite wants a base branch that holds exactly the seed in one commit, and no pull request. Each test gets such a
branch of its own, made through the gateway. Before GitLab none can be: its interface makes no commit without a
parent, and the gateway lets no push through. Pull requests cannot be deleted: those of earlier tests are hidden
from the listings.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator

import pytest
import requests
from copydesk.auth import GoTrue
from copydesk.http import HttpClient
from copydesk.models import Credential
from copydesk.testing import SEED
from means.live import LiveSuite, Place, Scratch

PLACE = Place.of("git-gateway", "")
PLACE.require()
GATEWAY = PLACE.api.removesuffix("/github")
IDENTITY = os.environ.get("COPYDESK_GIT_GATEWAY_IDENTITY", GATEWAY)
BASE = os.environ.get("COPYDESK_GIT_GATEWAY_BRANCH", "main")


def bearer() -> str:
    """Give a token for what is asked without copydesk."""
    if not PLACE.user:
        return PLACE.token
    identity = GoTrue.at(IDENTITY, HttpClient, "git-gateway")
    with identity.client:
        return identity.renew(Credential(PLACE.token, "basic", PLACE.user)).secret


class GatewayScratch(Scratch):
    root = f"{GATEWAY}/github"

    def clear(self) -> None:
        """GitHub closes the pull requests of branches that are deleted."""
        self.session.headers["Authorization"] = f"Bearer {bearer()}"
        kept = f"refs/heads/{BASE}"
        while True:
            refs = [ref["ref"] for ref in self.ask("GET", "/git/matching-refs/heads/?per_page=100")]
            assert kept in refs, f"{BASE!r} is no branch there; COPYDESK_GIT_GATEWAY_BRANCH names the base"
            if refs == [kept]:
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
    with GatewayScratch.open(PLACE, {"Accept": "application/vnd.github+json"}) as scratch:
        yield scratch


class TestLive(LiveSuite):
    unsupported = frozenset({"rebase_pull_request", "repair"})
    secret = PLACE.token
    options = {"gateway_url": GATEWAY, "identity_url": IDENTITY}  # noqa: RUF012 - the suite says what it is
