"""Commits, their history, and comparisons."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator

import pygit2
from pygit2.enums import SortMode
from werkzeug import Response

from simulators import git as objects
from simulators.gitea.calls import REPOSITORY, Call, ProblemError, Route, not_found

LITERAL = ":(literal)"


def get_commit(call: Call, sha: str) -> Response:
    return call.answer(call.shapes.commit(call.repository, call.commit(sha)))


def list_commits(call: Call) -> Response:
    if call.repository.empty:
        raise ProblemError(409, "Git Repository is empty.")
    start = call.repository.commit(call.arg("sha") or call.repository.default_branch)
    if start is None:
        raise ProblemError(500, "object does not exist")
    path = call.arg("path")
    found = list(_history(call.repository.git, str(start.id), path))
    if path and not found:
        raise not_found("FileCommitsCount")
    page = call.page(found, size=call.simulator.commits_range if path else None)
    return call.answer([call.shapes.commit(call.repository, each) for each in page])


def _history(git: pygit2.Repository, start: str, path: str) -> Iterator[pygit2.Commit]:
    """Walk back as git does with a pathspec, which is a pattern unless it says otherwise."""
    if path.startswith(LITERAL) or not path or not set("*?[") & set(path):
        yield from objects.history(git, start, path.removeprefix(LITERAL))
        return
    for commit in objects.history(git, start):
        parent = commit.parents[0].tree if commit.parents else git[git.TreeBuilder().write()]
        changes = objects.changes(git, parent, commit.tree, patches=False)
        if any(fnmatch.fnmatchcase(each.path, path) for each in changes):
            yield commit


def compare(call: Call, basehead: str) -> Response:
    base_name, dots, head_name = basehead.partition("...")
    sides = [call.repository.commit(name) for name in (base_name, head_name)]
    if not dots:
        raise not_found()
    if None in sides:
        looks = all(objects.SHA.fullmatch(name) for name in (base_name, head_name))
        raise ProblemError(500, "bad object") if looks else not_found()
    base, head = (each for each in sides if each is not None)
    walk: list[pygit2.Commit] = []
    # Where they have nothing in common Gitea lists nothing.
    if call.repository.merge_base(str(base.id), str(head.id)) is not None:
        walker = call.repository.git.walk(head.id, SortMode.TOPOLOGICAL | SortMode.TIME)
        walker.hide(base.id)
        walk = list(walker)
    shown = [call.shapes.commit(call.repository, each) for each in walk]
    return call.answer({"total_commits": len(shown), "commits": shown})


ROUTES = (
    Route("GET", f"{REPOSITORY}/git/commits/<sha>", get_commit),
    Route("GET", f"{REPOSITORY}/commits", list_commits),
    Route("GET", f"{REPOSITORY}/compare/<basehead:path>", compare),
)
