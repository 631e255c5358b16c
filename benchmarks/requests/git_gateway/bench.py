"""The gateways that everybody works behind, and those who do."""

from __future__ import annotations

from typing import Any, Final

from simulators.github import GitHubSimulator
from simulators.gitlab import GitLabSimulator
from simulators.store import Forge

from benchmarks.requests.bench import Bench, Side
from benchmarks.requests.git_gateway.decap import DecapBeforeGitHub, DecapBeforeGitLab
from benchmarks.requests.git_gateway.gateways import EDITOR, Gateways, address_of
from benchmarks.requests.ours import Copydesk

__all__ = ["BEFORE_GITHUB", "BEFORE_GITLAB"]

_NOTES: Final = """\
- **Behind Git Gateway** there is no library of others. What is counted is what the gateway is asked for; what it
  lets through it asks of the forge, once. Of the requests of Decap CMS it refuses 23 before GitHub: who made each
  draft, and where there are notes. Decap CMS asks besides once for the owner of the repository, and for two files
  at its start, which tell of large ones."""


class CopydeskBehind(Copydesk):
    """Knows no forge, and has a token of the identity server."""

    def __init__(self, url: str, repo: str) -> None:
        gateway = address_of(url, repo)
        self._begin("git-gateway", EDITOR, gateway_url=gateway, identity_url=f"{gateway}/identity")


def _generous(made: Any) -> Any:
    # Thousands of requests in a minute: the limit is not what is measured.
    made.quota = made.quota_left = 1_000_000
    return made


def _before_github(forge: Forge) -> Gateways:
    return Gateways("github", _generous(GitHubSimulator(forge)), "repos/")


def _before_gitlab(forge: Forge) -> Gateways:
    made = _generous(GitLabSimulator(forge))
    # The first look finds a rebase done: faster it cannot be.
    made.rebase_looks = 0
    return Gateways("gitlab", made, "projects/")


BEFORE_GITHUB: Final = Bench(
    "Git Gateway before GitHub",
    _before_github,
    sides=(Side("copydesk", CopydeskBehind), Side("Decap CMS, modelled", DecapBeforeGitHub)),
    library="PyJWT",
    notes=_NOTES,
)
BEFORE_GITLAB: Final = Bench(
    "Git Gateway before GitLab",
    _before_gitlab,
    sides=(Side("copydesk", CopydeskBehind), Side("Decap CMS, modelled", DecapBeforeGitLab)),
    library="PyJWT",
    notes="",
)
