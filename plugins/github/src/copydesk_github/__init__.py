"""copydesk backend for GitHub and GitHub Enterprise."""

from __future__ import annotations

from copydesk import BackendFactory, Door
from copydesk.http import Connector
from copydesk.options import GitHubOptions

from copydesk_github.backend import GitHubBackend
from copydesk_github.login import flows

__all__ = ["GitHubBackend", "GitHubOptions", "backend"]


def _open(options: GitHubOptions, connect: Connector) -> object:
    from copydesk_github.api import DIALECT
    from copydesk_github.graphql import GitHubGraphQL, graphql_address

    client = connect(options.api_root, DIALECT)
    rest = GitHubBackend(client, f"repos/{options.repo}", options.repo.partition("/")[0])
    if not options.use_graphql:
        return rest
    return GitHubGraphQL(rest, graphql_address(options.api_root), options.repo), rest


def _behind(door: Door) -> object:
    from copydesk_github.api import DIALECT

    return GitHubBackend(door.connect(DIALECT), door.base, door=door)


backend = BackendFactory(options=GitHubOptions, open=_open, flows=flows, behind=_behind)
