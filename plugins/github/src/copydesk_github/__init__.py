"""copydesk backend for GitHub and GitHub Enterprise."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from copydesk import BackendFactory, Door
from copydesk.http import Connector
from copydesk.models import Credential, LoginFlow
from copydesk.options import GitHubOptions

from copydesk_github.backend import GitHubBackend
from copydesk_github.login import flows

if TYPE_CHECKING:
    from copydesk.http import Dialect, HttpClient

__all__ = ["GitHubBackend", "GitHubOptions", "backend"]


def _open(options: GitHubOptions, connect: Connector) -> object:
    from copydesk_github.api import DIALECT, git_address
    from copydesk_github.graphql import GitHubGraphQL, graphql_address

    client = connect(options.api_root, DIALECT)
    git = connect.git_ways(git_address(options.api_root, options.repo))
    rest = GitHubBackend(client, f"repos/{options.repo}", options.repo.partition("/")[0], git=git)
    if not options.use_graphql:
        return rest
    return GitHubGraphQL(rest, graphql_address(options.api_root), options.repo), rest


def _behind(door: Door) -> object:
    from copydesk_github.api import DIALECT

    return GitHubBackend(door.connect(DIALECT), door.base, door=door)


def _exchange(
    flow: LoginFlow, key: Credential, connect: Callable[[str, Dialect], HttpClient], now: float
) -> Credential:
    from copydesk_github.installation import exchange  # most have no app

    return exchange(flow, key, connect, now)


backend = BackendFactory(options=GitHubOptions, open=_open, flows=flows, behind=_behind, exchange=_exchange)
