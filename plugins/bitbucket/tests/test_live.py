"""The suite for all backends, on the real Bitbucket: `pytest --live -n 0 plugins/bitbucket/tests/test_live.py`.

COPYDESK_BITBUCKET_REPO names a scratch repository as ``workspace/name``, which ends in ``-scratch``. It has one
commit at least, no branch restrictions, and belongs to nobody else meanwhile: **every branch but the main one is
deleted**, before each test. COPYDESK_BITBUCKET_TOKEN is an access token of the repository that may write it and
its pull requests, or an API token, of which COPYDESK_BITBUCKET_USER names the account by its e-mail address.
COPYDESK_BITBUCKET_API is the address of the API, where it is not https://api.bitbucket.org/2.0.

The suite wants a base branch that holds exactly the seed in one commit, and no pull request. The seed is pushed
with git once, over HTTPS as branch `seed`, which stays until the tests are through, and each test gets a branch of
its own at that commit. The main branch is left alone. Pull requests are declined; those of earlier tests are
hidden from the listings.

Bitbucket allows 1,000 requests an hour, and the suite needs more: it waits, and may take some hours.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import pytest
from copydesk.http import HttpSettings
from means.live import LiveSuite, Place, Scratch, push_seed
from requests.utils import quote

PLACE = Place.of("bitbucket", "https://api.bitbucket.org/2.0")
PLACE.require()
SEEDED = "seed"
#: How git is told whose token it is.
GIT_USER = "x-bitbucket-api-token-auth" if PLACE.user else "x-token-auth"
STATES = "state=OPEN&state=MERGED&state=DECLINED&state=SUPERSEDED"
HOUR = 3600


class BitbucketScratch(Scratch):
    tries = 70

    @property
    def root(self) -> str:
        return f"{self.place.api}/repositories/{self.place.repo}"

    def clear(self) -> None:
        """Bitbucket leaves pull requests open whose branches are deleted."""
        while pulls := self.ask("GET", "/pullrequests?state=OPEN&pagelen=50")["values"]:
            for pull in pulls:
                self.ask("POST", f"/pullrequests/{pull['id']}/decline")
        kept = {self.ask("GET", "")["mainbranch"]["name"], SEEDED}
        while names := self.branches() - kept:
            for name in names:
                self.ask("DELETE", f"/refs/branches/{quote(name)}")

    def branches(self) -> set[str]:
        return {each["name"] for each in self.ask("GET", "/refs/branches?pagelen=100")["values"]}

    def seed(self, branch: str) -> None:
        head = self.ask("GET", f"/refs/branches/{SEEDED}")["target"]["hash"]
        self.ask("POST", "/refs/branches", {"name": branch, "target": {"hash": head}})

    def newest(self) -> int:
        pulls = self.ask("GET", f"/pullrequests?{STATES}&sort=-created_on&pagelen=1")["values"]
        return pulls[0]["id"] if pulls else 0


@pytest.fixture(scope="module")
def scratch(tmp_path_factory) -> Iterator[Scratch]:
    with BitbucketScratch.open(PLACE, PLACE.authorization) as scratch:
        address = next(
            link["href"] for link in scratch.ask("GET", "")["links"]["clone"] if link["name"] == "https"
        )
        # The address may name a user, whose password would be asked for.
        bare = f"https://{address.partition('://')[2].rpartition('@')[2]}"
        push_seed(tmp_path_factory.mktemp("seed"), bare, SEEDED, GIT_USER, PLACE.token)
        yield scratch
        scratch.ask("DELETE", f"/refs/branches/{SEEDED}")


class TestLive(LiveSuite):
    unsupported = frozenset({"update_from_base", "rebase_pull_request", "repair"})
    secret = PLACE.token
    labels = ("netlify-cms/draft", "netlify-cms/pending_review", "netlify-cms/pending_publish")
    one_label = True
    options: ClassVar[dict[str, object]] = {"http": HttpSettings(max_wait=HOUR + 60)}
