"""Commits: listed, one by one, and what stands at them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pygit2
from pygit2.enums import SortMode
from werkzeug import Response

from simulators import git as objects
from simulators.git import FileChange
from simulators.gitlab.calls import REPOSITORY, Call, Route
from simulators.gitlab.shapes import STATES
from simulators.gitlab.trees import commit_at
from simulators.store import Repository, Status

COMMIT = f"{REPOSITORY}/commits/<sha>"


def changes_of(repository: Repository, commit: pygit2.Commit) -> list[FileChange]:
    """Compare a commit with its first parent."""
    git = repository.git
    old = commit.parents[0].tree if commit.parents else git[git.TreeBuilder().write()]
    return objects.changes(git, old, commit.tree)


def between(repository: Repository, newer: str, older: str) -> list[pygit2.Commit]:
    """Give the commits of one that another does not have, newest first."""
    walker = repository.git.walk(pygit2.Oid(hex=newer), SortMode.TOPOLOGICAL | SortMode.TIME)
    walker.hide(pygit2.Oid(hex=older))
    return list(walker)


def detail(call: Call, commit: pygit2.Commit, *, stats: bool = True) -> dict[str, Any]:
    shown = call.shapes.commit(call.repository, commit)
    if stats:
        changes = changes_of(call.repository, commit)
        plus, minus = (sum(getattr(each, name) for each in changes) for name in ("additions", "deletions"))
        shown["stats"] = {"additions": plus, "deletions": minus, "total": plus + minus}
    last = next(iter(pipelines_of(call.repository, str(commit.id))), None)
    pipeline = None if last is None else pipeline_shape(call, *last)
    return {
        **shown,
        "status": pipeline and pipeline["status"],
        "project_id": call.repository.id,
        "last_pipeline": pipeline,
    }


# -- pipelines ----------------------------------------------------------------------------------------


def state_of(status: Status) -> str:
    """Give a status in GitLab's words."""
    return STATES.get(status.state, status.state)


def ref_of(repository: Repository, status: Status) -> str | None:
    """Give the branch of a status, the one that its commit is the head of when it does not say."""
    heads = (name for name, sha in repository.branches() if sha == status.sha)
    return status.ref or next(heads, None)


def pipelines_of(repository: Repository, sha: str = "") -> list[tuple[str, list[Status]]]:
    """Put the newest statuses of each commit together, newest commit first."""
    shas = dict.fromkeys(each.sha for each in reversed(repository.statuses) if sha in {"", each.sha})
    return [(each, repository.newest_statuses(each)) for each in shas]


def pipeline_state(statuses: Iterable[Status]) -> str:
    states = {state_of(each) for each in statuses}
    order = ("failed", "running", "pending", "canceled", "success", "skipped")
    return next((each for each in order if each in states), "created")


def pipeline_shape(call: Call, sha: str, statuses: list[Status]) -> dict[str, Any]:
    first = statuses[-1]
    created = call.shapes.status(first, None)["created_at"]
    return {
        "id": first.id,
        "iid": first.id,
        "project_id": call.repository.id,
        "sha": sha,
        "ref": ref_of(call.repository, first),
        "status": pipeline_state(statuses),
        "source": "external",
        "name": None,
        "created_at": created,
        "updated_at": call.shapes.status(statuses[0], None)["created_at"],
        "web_url": f"{call.shapes.page(call.repository)}/-/pipelines/{first.id}",
    }


# -- requests -----------------------------------------------------------------------------------------


def list_commits(call: Call) -> Response:
    repository, path = call.repository, call.arg("path").strip("/")
    commit = repository.commit(call.arg("ref_name") or repository.default_branch)
    # That a name is not known is nowhere said to be an error here; git's storage finds no commit.
    found = [] if commit is None else list(objects.history(repository.git, str(commit.id), path))
    shown = call.page(found, counted=False)
    return call.answer([call.shapes.commit(repository, each) for each in shown])


def get_commit(call: Call, sha: str) -> Response:
    return call.answer(detail(call, commit_at(call, sha), stats=call.flag("stats") is not False))


def get_diff(call: Call, sha: str) -> Response:
    changes = changes_of(call.repository, commit_at(call, sha))
    return call.answer([call.shapes.diff(each) for each in call.page(changes)])


def list_refs(call: Call, sha: str) -> Response:
    commit = commit_at(call, sha)
    kind = call.arg("type", "all")
    pairs = call.repository.branches() if kind != "tag" else ()
    names = [name for name, head in pairs if call.repository.descends(head, str(commit.id))]
    return call.answer([{"type": "branch", "name": each} for each in call.page(names)])


ROUTES = (
    Route("GET", f"{REPOSITORY}/commits", list_commits),
    Route("GET", COMMIT, get_commit),
    Route("GET", f"{COMMIT}/diff", get_diff),
    Route("GET", f"{COMMIT}/refs", list_refs),
)
