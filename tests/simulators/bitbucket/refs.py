"""Branches."""

from __future__ import annotations

import functools
from typing import Any

from werkzeug import Response

from simulators.bitbucket.calls import Call, ProblemError, RefusedError, Route, bad_field
from simulators.bitbucket.repos import REPOSITORY

BRANCHES = f"{REPOSITORY}/refs/branches"


def list_branches(call: Call) -> Response:
    names = [name for name, _ in call.repository.branches()]
    return call.page(names, functools.partial(call.shapes.branch, call.repository))


def _missing(name: str) -> ProblemError:
    return ProblemError(404, f"Branch {name} not found")


def get_branch(call: Call, name: str) -> Response:
    if call.repository.head(name) is None:
        raise _missing(name)
    return call.shown(call.shapes.branch(call.repository, name))


def create_branch(call: Call) -> Response:
    body = call.json()
    name, target = body.get("name"), (body.get("target") or {}).get("hash")
    if not name or not target:
        missing = "name" if not name else "target"
        raise bad_field(missing, "required key not provided")
    try:
        call.repository.create_branch(name, str(_target(call, target)))
    except RefusedError as exc:
        raise _problem(exc, name) from exc
    shown = call.shapes.branch(call.repository, name)
    return call.shown(shown, 201, Location=shown["links"]["self"]["href"])


def _target(call: Call, name: str) -> Any:
    """Find where the branch is to be: a commit, by its sha or by another branch."""
    try:
        return call.commit(name).id
    except ProblemError as exc:
        raise bad_field("target", f"Commit not found: {name}") from exc


def _problem(refused: RefusedError, name: str) -> ProblemError:
    if refused.reason == "exists":
        return ProblemError(400, f'Branch "{name}" already exists.', data={"key": "BRANCH_ALREADY_EXISTS"})
    if refused.reason == "protected":
        return ProblemError(403, f"You cannot change {name}.")
    return bad_field("name", f"{name} is not a valid branch name")


def delete_branch(call: Call, name: str) -> Response:
    if call.repository.head(name) is None:
        raise _missing(name)
    if name == call.repository.default_branch:
        raise ProblemError(400, "The main branch cannot be deleted.")
    try:
        call.repository.delete_branch(name)
    except RefusedError as exc:
        raise _problem(exc, name) from exc
    return Response(status=204, content_type="text/html; charset=utf-8")


ROUTES = (
    Route("GET", BRANCHES, list_branches),
    Route("POST", BRANCHES, create_branch),
    Route("GET", f"{BRANCHES}/<name:path>", get_branch),
    Route("DELETE", f"{BRANCHES}/<name:path>", delete_branch),
)
