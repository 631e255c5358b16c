"""Branches."""

from __future__ import annotations

from werkzeug import Response

from simulators.gitlab.calls import REPOSITORY, Call, ProblemError, RefusedError, Route, forbidden, not_found

BRANCH = f"{REPOSITORY}/branches/<branch>"
REFUSALS = {
    "exists": "Branch already exists",
    "bad-name": "Branch name is invalid",
    "ref-conflict": "Failed to create branch '{}': branch name conflicts with an existing one",
}


def _found(call: Call, branch: str) -> str:
    sha = call.repository.head(branch)
    if sha is None:
        raise not_found("Branch")
    return sha


def list_branches(call: Call) -> Response:
    names = [name for name, _ in call.repository.branches() if _matches(name, call.arg("search"))]
    shown = [call.shapes.branch(call.repository, name, call.access) for name in call.page(names)]
    return call.answer(shown)


def _matches(name: str, search: str) -> bool:
    """Look for a term, for the beginning with ``^``, or for the end with ``$``; case does not count."""
    name, search = name.casefold(), search.casefold()
    if search.startswith("^"):
        return name.startswith(search[1:])
    return name.endswith(search[:-1]) if search.endswith("$") else search in name


def get_branch(call: Call, branch: str) -> Response:
    _found(call, branch)
    return call.answer(call.shapes.branch(call.repository, branch, call.access))


def create_branch(call: Call) -> Response:
    branch, ref = call.need("branch", "ref")
    commit = call.repository.commit(ref)
    if commit is None:
        raise ProblemError(400, f"Invalid reference name: {ref}")
    try:
        call.repository.create_branch(branch, str(commit.id))
    except RefusedError as exc:
        raise ProblemError(400, REFUSALS[exc.reason].format(branch)) from exc
    return call.answer(call.shapes.branch(call.repository, branch, call.access), 201)


def delete_branch(call: Call, branch: str) -> Response:
    _found(call, branch)
    try:
        call.repository.delete_branch(branch)
    except RefusedError as exc:
        raise forbidden() from exc
    return call.nothing()


ROUTES = (
    Route("GET", f"{REPOSITORY}/branches", list_branches),
    Route("POST", f"{REPOSITORY}/branches", create_branch),
    Route("GET", BRANCH, get_branch),
    Route("DELETE", BRANCH, delete_branch),
)
