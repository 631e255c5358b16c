"""The Bitbucket that everybody works on, and those who do."""

from __future__ import annotations

from functools import partial
from typing import Final

from simulators.bitbucket import BitbucketSimulator
from simulators.store import Forge, PullRequest, Repository

from benchmarks.requests.bench import Bench, Pace, Side
from benchmarks.requests.bitbucket.decap import DecapOnBitbucket
from benchmarks.requests.bitbucket.library import AtlassianPythonApi
from benchmarks.requests.ours import Copydesk

__all__ = ["BITBUCKET", "by_comment"]

_NOTES: Final = """\
- **Bitbucket** allows 1,000 requests in an hour and says how many are left only to the token of a repository.
  copydesk counts its own, and refuses to load 1,000 files when it knows how many they are, before it reads the
  first. The simulator lets the others go on, whom Bitbucket would stop in the middle of it; 900 files are the
  most that is timed. copydesk asks for 4 things at once and Decap CMS for 20, which shows where each request is
  late and many are asked.
- **atlassian-python-api** is used by somebody who keeps the objects that it gives, reads comments from the newest
  on, and sends files, for which it has no call, by its plain ones. Its lists are of 10, and it asks for each pull
  request in them again; what one changes is asked for where Bitbucket leads elsewhere.
- **Decap CMS on Bitbucket** asks besides three times before a creation, and eight times after it, and twice in a
  session for what is kept as large files. It saves without telling the head that it saw."""


def _simulator(forge: Forge) -> BitbucketSimulator:
    made = BitbucketSimulator(forge)
    # Thousands of requests in a minute: the limit is not what is measured.
    made.quota_left = 1_000_000
    return made


def by_comment(site: Repository, pull: PullRequest, status: str) -> None:
    """Say what a draft is on a forge that has no labels."""
    site.comment(pull, site.owner, status)


BITBUCKET: Final = Bench(
    "Bitbucket",
    _simulator,
    sides=(
        Side("copydesk", partial(Copydesk, "bitbucket")),
        Side("atlassian-python-api", AtlassianPythonApi, Pace.ONE_BY_ONE),
        Side("Decap CMS, modelled", DecapOnBitbucket),
    ),
    library="atlassian-python-api",
    notes=_NOTES,
    root=BitbucketSimulator.root,
    mark=by_comment,
    most=900,
)
