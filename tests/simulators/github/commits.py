"""Commits, their history, and comparisons."""

from __future__ import annotations

import itertools
from typing import Any

import pygit2
from pygit2.enums import SortMode
from werkzeug import Response

from simulators import git as objects
from simulators.github.calls import Call, ProblemError, Route, not_found
from simulators.github.repos import REPOSITORY
from simulators.store import Repository

#: A page of a comparison.
COMMITS = 250


def get_commit(call: Call, ref: str) -> Response:
    commit = call.repository.commit(ref)
    if commit is None:
        raise ProblemError(422, f"No commit found for SHA: {ref}")
    sha = str(commit.id)
    if call.accepts("sha") or call.accepts("v3.sha"):
        kind = "application/vnd.github.sha; charset=utf-8"
        return Response(sha, 200, {"ETag": f'"{sha}"'}, content_type=kind)
    parent = commit.parents[0].tree if commit.parents else call.repository.git[_empty_tree(call.repository)]
    files = objects.changes(call.repository.git, parent, commit.tree)
    added, deleted = sum(each.additions for each in files), sum(each.deletions for each in files)
    shown = {
        **call.shapes.commit(call.repository, commit),
        "stats": {"total": added + deleted, "additions": added, "deletions": deleted},
        "files": [call.shapes.file(call.repository, each, sha) for each in files],
    }
    return call.answer(shown)


def _empty_tree(repository: Repository) -> pygit2.Oid:
    return repository.git.TreeBuilder().write()


def list_commits(call: Call) -> Response:
    repository = call.repository
    start = repository.commit(call.arg("sha") or repository.default_branch)
    if start is None:
        raise not_found()
    # One more than the page that is asked for says whether there is another.
    wanted = (int(call.arg("page", "1")) + 1) * 100
    found = objects.history(repository.git, str(start.id), call.arg("path").strip("/"))
    page = call.page(itertools.islice(found, wanted))
    return call.answer([call.shapes.commit(repository, each) for each in page])


def compare(call: Call, basehead: str) -> Response:
    base_name, dots, head_name = basehead.partition("...")
    repository = call.repository
    base, head = (_side(repository, name) for name in (base_name, head_name))
    if not dots or base is None or head is None:
        raise not_found()
    merge_base = repository.merge_base(str(base.id), str(head.id))
    if merge_base is None:
        raise ProblemError(404, f"No common ancestor between {base_name} and {head_name}.")
    return call.answer(_comparison(call, base, head, repository.git[merge_base]))


def _side(repository: Repository, name: str) -> pygit2.Commit | None:
    owner, colon, branch = name.partition(":")
    if colon and owner.casefold() == repository.owner.login.casefold():
        name = branch
    return repository.commit(name)


def _comparison(call: Call, base: Any, head: Any, fork: Any) -> dict[str, Any]:
    repository, shapes = call.repository, call.shapes
    ahead = between(repository, head.id, base.id)
    behind = len(between(repository, base.id, head.id))
    path = f"/compare/{base.id}...{head.id}"
    page = shapes.page(repository) + path
    shown = {
        "url": shapes.url(repository) + path,
        "html_url": page,
        "permalink_url": page,
        "diff_url": f"{page}.diff",
        "patch_url": f"{page}.patch",
        "base_commit": shapes.commit(repository, base),
        "merge_base_commit": shapes.commit(repository, fork),
        "status": _status(len(ahead), behind),
        "ahead_by": len(ahead),
        "behind_by": behind,
        "total_commits": len(ahead),
        "commits": [shapes.commit(repository, each) for each in _page(call, ahead)],
    }
    if call.arg("page", "1") == "1":
        # The files stand on the first page only, and never more of them.
        files = objects.changes(repository.git, fork.tree, head.tree)[: call.simulator.compare_limit]
        shown["files"] = [shapes.file(repository, each, str(head.id)) for each in files]
    return shown


def _page(call: Call, commits: list[pygit2.Commit]) -> list[pygit2.Commit]:
    return call.page(commits) if "page" in call.request.args else commits[:COMMITS]


def _status(ahead: int, behind: int) -> str:
    if ahead and behind:
        return "diverged"
    return "ahead" if ahead else "behind" if behind else "identical"


def between(repository: Repository, head: pygit2.Oid, base: pygit2.Oid) -> list[pygit2.Commit]:
    """Give what head has and base has not, oldest first."""
    walk = repository.git.walk(head, SortMode.TOPOLOGICAL | SortMode.TIME | SortMode.REVERSE)
    walk.hide(base)
    return list(walk)


ROUTES = (
    Route("GET", f"{REPOSITORY}/commits", list_commits, needs_commits=True),
    Route("GET", f"{REPOSITORY}/commits/<ref:path>", get_commit, needs_commits=True),
    Route("GET", f"{REPOSITORY}/compare/<basehead:path>", compare),
)
