"""The suite for all backends, against the real GitLab: `pytest --live -n 0 plugins/gitlab/tests/test_live.py`.

COPYDESK_GITLAB_REPO names a scratch project with its groups, and ends in ``-scratch``. It has one commit at
least, no rules for branches but for the default one, makes merge commits, and belongs to nobody else meanwhile:
**every branch but the default one is deleted**, before each test. COPYDESK_GITLAB_TOKEN has the scope `api` and
the role Developer there. COPYDESK_GITLAB_API is the address of the REST API, where it is not
https://gitlab.com/api/v4.

The suite wants a base branch that holds exactly the seed in one commit, and no merge request. No request makes
such a commit: GitLab's commits follow others, and none makes a symlink. So the seed is pushed with git once, over
HTTPS as branch `seed`, which stays until the tests are through, and each test gets a branch of its own at that
commit. The default branch is left alone. Merge requests are closed; those of earlier tests are hidden from the
listings.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import pytest
from means.live import LiveSuite, Place, Scratch, push_seed
from requests.utils import quote

PLACE = Place.of("gitlab", "https://gitlab.com/api/v4")
PLACE.require()
SEEDED = "seed"


class GitLabScratch(Scratch):
    @property
    def root(self) -> str:
        return f"{self.place.api}/projects/{quote(self.place.repo, safe='')}"

    def clear(self) -> None:
        """GitLab leaves merge requests open whose base is deleted."""
        while pulls := self.ask("GET", "/merge_requests?state=opened&per_page=100"):
            for pull in pulls:
                self.ask("PUT", f"/merge_requests/{pull['iid']}", {"state_event": "close"})
        kept = {self.ask("GET", "")["default_branch"], SEEDED}
        while names := {each["name"] for each in self.ask("GET", "/repository/branches?per_page=100")} - kept:
            for name in names:
                self.ask("DELETE", f"/repository/branches/{quote(name, safe='')}")

    def seed(self, branch: str) -> None:
        self.ask("POST", "/repository/branches", {"branch": branch, "ref": SEEDED})

    def newest(self) -> int:
        pulls = self.ask("GET", "/merge_requests?state=all&order_by=created_at&sort=desc&per_page=1")
        return pulls[0]["iid"] if pulls else 0


@pytest.fixture(scope="module")
def scratch(tmp_path_factory) -> Iterator[Scratch]:
    with GitLabScratch.open(PLACE, {"Authorization": f"Bearer {PLACE.token}"}) as scratch:
        address = f"{PLACE.api.removesuffix('/api/v4')}/{PLACE.repo}.git"
        push_seed(tmp_path_factory.mktemp("seed"), address, SEEDED, "oauth2", PLACE.token)
        yield scratch
        scratch.ask("DELETE", f"/repository/branches/{SEEDED}")


class TestLive(LiveSuite):
    unsupported = frozenset({"update_from_base", "repair"})
    secret = PLACE.token


class TestLiveRest(TestLive):
    options: ClassVar[dict[str, object]] = {"use_graphql": False}
