"""Branches."""

from __future__ import annotations

from werkzeug import Response

from simulators.gitea.calls import REPOSITORY, Call, ProblemError, RefusedError, Route, not_found, refused

BRANCHES = f"{REPOSITORY}/branches"


def list_all(call: Call) -> Response:
    found = call.page(call.repository.branches())
    return call.answer([call.shapes.branch(call.repository, name, sha) for name, sha in found])


def get(call: Call, name: str) -> Response:
    sha = call.repository.head(name)
    if sha is None:
        raise not_found()
    return call.answer(call.shapes.branch(call.repository, name, sha))


def create(call: Call) -> Response:
    body = call.json()
    (name,) = call.need(body, new_branch_name="BranchName")
    start = body.get("old_ref_name") or body.get("old_branch_name") or call.repository.default_branch
    commit = call.repository.commit(start)
    if commit is None:
        raise ProblemError(500, "object does not exist")
    check_name(name, "BranchName")
    try:
        call.repository.create_branch(name, str(commit.id))
    except RefusedError as exc:
        if exc.reason == "exists":
            raise refused("The branch already exists.") from exc
        if exc.reason == "ref-conflict":
            raise refused("The branch with the same name already exists.") from exc
        raise ProblemError(500, exc.reason) from exc
    return call.answer(call.shapes.branch(call.repository, name, str(commit.id)), 201)


def check_name(name: str, field: str) -> None:
    if len(name) > 100:
        raise ProblemError(422, f"[{field}]: MaxSize")


def delete(call: Call, name: str) -> Response:
    if name == call.repository.default_branch:
        raise ProblemError(403, "can not delete default branch")
    try:
        call.repository.delete_branch(name)
    except RefusedError as exc:
        if exc.reason == "missing":
            raise not_found() from exc
        raise ProblemError(403, "branch protected") from exc
    return call.nothing()


ROUTES = (
    Route("GET", BRANCHES, list_all),
    Route("POST", BRANCHES, create),
    Route("GET", f"{BRANCHES}/<name:path>", get),
    Route("DELETE", f"{BRANCHES}/<name:path>", delete),
)
