"""The forges that are read: which simulator plays each, and what it allows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import attrs
from copydesk.testing import ServerSimulator
from simulators.bitbucket import BitbucketSimulator
from simulators.gitea import GiteaSimulator
from simulators.github import Codeload
from simulators.gitlab import GitLabSimulator
from simulators.store import Forge, PullRequest, Repository

from benchmarks.reading import limits
from benchmarks.reading.limits import Limits
from benchmarks.reading.watched import Watched, watched
from benchmarks.requests.bench import by_label
from benchmarks.requests.bitbucket.bench import by_comment
from benchmarks.requests.github.bench import GitHubForAll

__all__ = ["KINDS", "Kind"]

_PLENTY: Final = 1_000_000


@attrs.frozen
class Kind:
    """A kind of forge.

    :param make: gives its simulators, the API's first; all have to be started.
    :param root: where the API is below the first one.
    :param mark: says on the forge what a draft is.
    """

    name: str
    backend: str
    make: Callable[[Forge], tuple[Watched, ...]] = attrs.field(repr=False)
    limits: Limits = attrs.field(repr=False)
    root: str = ""
    mark: Callable[[Repository, PullRequest, str], object] = attrs.field(default=by_label, repr=False)


def _plain(simulator: type[ServerSimulator]) -> Callable[[Forge], tuple[Watched, ...]]:
    return lambda forge: (watched(simulator)(forge),)


def _github(forge: Forge) -> tuple[Watched, ...]:
    archives = watched(Codeload)(forge)
    return watched(GitHubForAll)(forge, codeload=archives), archives


def allow(simulators: tuple[Watched, ...]) -> None:
    """Lift what counts over time: it is looked at afterwards, so that those who break it can be timed too."""
    for each in simulators:
        if isinstance(each, BitbucketSimulator):
            each.quota_left = _PLENTY
        elif isinstance(each, GitHubForAll | GitLabSimulator):
            each.quota = each.quota_left = _PLENTY
        if isinstance(each, GitLabSimulator):
            each.archives.clear()


KINDS: Final[Mapping[str, Kind]] = {
    each.name: each
    for each in (
        Kind("GitHub", "github", _github, limits.GITHUB),
        Kind("GitLab", "gitlab", _plain(GitLabSimulator), limits.GITLAB, GitLabSimulator.root),
        Kind(
            "Bitbucket",
            "bitbucket",
            _plain(BitbucketSimulator),
            limits.BITBUCKET,
            BitbucketSimulator.root,
            by_comment,
        ),
        Kind("Gitea", "gitea", _plain(GiteaSimulator), limits.GITEA, GiteaSimulator.root),
    )
}
