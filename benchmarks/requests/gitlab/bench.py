"""The GitLab that everybody works on, and those who do."""

from __future__ import annotations

from functools import partial
from typing import Final

from simulators.gitlab import GitLabSimulator
from simulators.store import Forge

from benchmarks.requests.bench import Bench, Pace, Side
from benchmarks.requests.gitlab.decap import DecapOnGitLab
from benchmarks.requests.gitlab.library import PythonGitlab
from benchmarks.requests.ours import Copydesk

__all__ = ["GITLAB"]

_NOTES: Final = """\
- **copydesk on GitLab** loads a site by an archive, of which GitLab gives a user five of a project in a minute.
  The next takes it 23 requests for 1,000 files, and 1,013 by REST alone.
- **python-gitlab** is used by somebody who keeps the objects that it gives, and asks for pages of 100.
- **Decap CMS on GitLab** asks besides twice before a creation, and six times after it. It lets each draft be
  rebased before it saves, and looks each second whether that is done. Here the first look finds it done: that
  second is counted and is part of the times, but it is not slept."""


def _simulator(forge: Forge) -> GitLabSimulator:
    made = GitLabSimulator(forge)
    # Thousands of requests in a minute: the limit is not what is measured.
    made.quota = made.quota_left = 1_000_000
    # The first look finds a rebase done: faster it cannot be.
    made.rebase_looks = 0
    return made


GITLAB: Final = Bench(
    "GitLab",
    _simulator,
    sides=(
        Side("copydesk", partial(Copydesk, "gitlab")),
        Side("copydesk, REST only", partial(Copydesk, "gitlab", use_graphql=False)),
        Side("python-gitlab", PythonGitlab, Pace.ONE_BY_ONE),
        Side("Decap CMS, modelled", DecapOnGitLab),
    ),
    library="python-gitlab",
    notes=_NOTES,
    root=GitLabSimulator.root,
)
