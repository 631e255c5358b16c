"""A site on each forge, for what has to hold on all of them; its server counts."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import attrs
from copydesk import Repository, open_repository
from copydesk.http import HttpSettings
from copydesk.testing import ServerSimulator
from simulators import store
from simulators.bitbucket import BitbucketSimulator
from simulators.gitea import GiteaSimulator
from simulators.github import GitHubSimulator
from simulators.gitlab import GitLabSimulator

from means.gateways import EMAIL, BehindGateway

__all__ = ["FORGES", "GATEWAYS", "Place", "place"]

TOKEN: Final = "full-token"

FORGES: Final[Mapping[str, tuple[str, Callable[[store.Forge], Any], dict[str, object]]]] = {
    "github": ("github", GitHubSimulator, {}),
    "github-rest": ("github", GitHubSimulator, {"use_graphql": False}),
    "gitlab": ("gitlab", GitLabSimulator, {}),
    "gitlab-rest": ("gitlab", GitLabSimulator, {"use_graphql": False}),
    "bitbucket": ("bitbucket", BitbucketSimulator, {}),
    "gitea": ("gitea", GiteaSimulator, {}),
}
GATEWAYS: Final = ("gateway-github", "gateway-gitlab")


@attrs.define
class Place:
    """A site somewhere.

    :param opener: opens it; what is given more are options, or ``http`` and ``credential``.
    :param site: the repository as the forge has it.
    :param server: what the backend asks.
    """

    name: str
    opener: Callable[..., Repository]
    site: store.Repository
    server: ServerSimulator

    def open(self, **given: object) -> Repository:
        return self.opener(**given)

    @contextlib.contextmanager
    def costs(self, requests: int) -> Iterator[None]:
        """Check that what is done takes exactly so many requests."""
        before = len(self.server.log)
        yield
        asked = [
            f"{each.method} {each.path} {each.request_body[:200]!r}" for each in self.server.log[before:]
        ]
        assert len(asked) == requests, "\n".join(asked[:20])


@contextlib.contextmanager
def place(
    name: str,
    folder: Path,
    settings: HttpSettings,
    files: Mapping[str, bytes],
    modes: Mapping[str, int] | None = None,
) -> Iterator[Place]:
    """Make a site by the name of its place, one of :data:`FORGES` or :data:`GATEWAYS`."""
    if name in GATEWAYS:
        with BehindGateway(folder, name.removeprefix("gateway-"), files, modes or {}) as behind:
            token = behind.identity.issue(EMAIL)
            opener = lambda **more: behind.open(settings, token, **more)  # noqa: E731
            yield Place(name, opener, behind.site, behind.gateway)
        return
    backend, simulate, options = FORGES[name]
    forge = store.Forge(folder)
    forge.now = lambda: datetime.now(UTC)
    forge.add_token(TOKEN, forge.add_user("owner", "Site Owner", "owner@example.org"))
    site = forge.add_repository("owner/site", files, modes=modes or {})
    with contextlib.closing(forge), simulate(forge) as server:
        known = {"repo": "owner/site", "api_root": server.url + server.root, "branch": "main"}
        given = {**known, "credential": TOKEN, "http": settings, **options}
        opener = lambda **more: open_repository(backend, **{**given, **more})  # noqa: E731
        yield Place(name, opener, site, server)
