"""copydesk backend for gitlab.com and self-managed GitLab."""

from __future__ import annotations

from copydesk import BackendFactory, Door
from copydesk.http import Connector, origin_of, quoted
from copydesk.models import Credential
from copydesk.options import GitLabOptions

from copydesk_gitlab.backend import GitLabBackend
from copydesk_gitlab.login import flows

__all__ = ["GitLabBackend", "GitLabOptions", "backend"]


def _open(options: GitLabOptions, connect: Connector) -> object:
    from copydesk_gitlab.api import DIALECT, JOB_TOKEN, git_address
    from copydesk_gitlab.graphql import GitLabGraphQL

    graphql = options.graphql_api_root
    credential = connect.found(options.api_root, DIALECT)
    elsewhere = {} if origin_of(graphql) == origin_of(options.api_root) else {graphql: credential}
    client = connect(options.api_root, DIALECT, origins=elsewhere)
    job = isinstance(credential, Credential) and credential.scheme == JOB_TOKEN
    git = connect.git_ways(git_address(options.api_root, options.repo))
    rest = GitLabBackend(client, f"projects/{quoted(options.repo)}", options.repo, is_job=job, git=git)
    # A job's token is good for some REST endpoints and for nothing else (CI/CD job tokens).
    return rest if job or not options.use_graphql else (GitLabGraphQL(rest, graphql), rest)


def _behind(door: Door) -> object:
    from copydesk_gitlab.api import DIALECT

    return GitLabBackend(door.connect(DIALECT), door.base, "the project behind the gateway", door=door)


backend = BackendFactory(options=GitLabOptions, open=_open, flows=flows, behind=_behind)
