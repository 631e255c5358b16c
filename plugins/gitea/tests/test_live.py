"""The suite for all backends, on a real Gitea or Forgejo: `pytest --live -n 0 plugins/gitea/tests/test_live.py`.

COPYDESK_GITEA_REPO names a scratch repository, which ends in ``-scratch``. It has one commit at least, no rules
for branches, lets pull requests be merged and squashed, and belongs to nobody else meanwhile: **every branch but
the default one is deleted**, before each test. COPYDESK_GITEA_TOKEN has the scopes ``write:repository``,
``write:issue`` and ``read:user``. COPYDESK_GITEA_API is the address of the API, where it is not
https://try.gitea.io/api/v1; Codeberg's is https://codeberg.org/api/v1.

The suite wants a base branch that holds exactly the seed in one commit, and no pull request. The seed is pushed
with git once, over HTTPS as branch `seed`, which stays until the tests are through, and each test gets a branch of
its own at that commit. The default branch is left alone. Pull requests close with their branches; those of earlier
tests are hidden from the listings.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from means.live import LiveSuite, Place, Scratch, push_seed
from requests.utils import quote

PLACE = Place.of("gitea", "https://try.gitea.io/api/v1")
PLACE.require()
SEEDED = "seed"


class GiteaScratch(Scratch):
    @property
    def root(self) -> str:
        return f"{self.place.api}/repos/{self.place.repo}"

    def clear(self) -> None:
        kept = {self.ask("GET", "")["default_branch"], SEEDED}
        while names := {each["name"] for each in self.ask("GET", "/branches?limit=50")} - kept:
            for name in names:
                self.ask("DELETE", f"/branches/{quote(name)}")

    def seed(self, branch: str) -> None:
        self.ask("POST", "/branches", {"new_branch_name": branch, "old_ref_name": SEEDED})

    def newest(self) -> int:
        pulls = self.ask("GET", "/pulls?state=all&sort=newest&limit=1")
        return pulls[0]["number"] if pulls else 0


@pytest.fixture(scope="module")
def scratch(tmp_path_factory) -> Iterator[Scratch]:
    with GiteaScratch.open(PLACE, {"Authorization": f"token {PLACE.token}"}) as scratch:
        address = f"{PLACE.api.removesuffix('/api/v1')}/{PLACE.repo}.git"
        push_seed(tmp_path_factory.mktemp("seed"), address, SEEDED, "oauth2", PLACE.token)
        yield scratch
        scratch.ask("DELETE", f"/branches/{SEEDED}")


class TestLive(LiveSuite):
    unsupported = frozenset({"rebase_pull_request", "repair"})
    secret = PLACE.token
