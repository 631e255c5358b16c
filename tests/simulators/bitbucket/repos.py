"""The user, what they may do, and the repository."""

from __future__ import annotations

import functools
from typing import Any

from werkzeug import Response

from simulators.bitbucket.calls import Call, ProblemError, Route
from simulators.store import Repository

REPOSITORY = "/repositories/<workspace>/<repo_slug>"


def get_user(call: Call) -> Response:
    return call.shown(call.shapes.private_user(call.user))


def list_permissions(call: Call, workspace: str = "") -> Response:
    """List what the user may do in every repository, or in those of a workspace."""
    if not workspace and call.simulator.old_permissions_gone:
        raise ProblemError(410, "This API is no longer supported.")
    assert call.access is not None
    found = (
        each
        for each in call.forge.repositories.values()
        if not workspace or each.owner.login.casefold() == workspace.casefold()
    )
    shown = found if call.access.level != "none" else ()
    return call.page(shown, functools.partial(_permission, call))


def _permission(call: Call, repository: Repository) -> dict[str, Any]:
    assert call.access is not None
    level = call.access.level
    admin = level == "write" and call.user is repository.owner
    return {
        "type": "repository_permission",
        "permission": "admin" if admin else level,
        "user": call.shapes.user(call.user),
        "repository": call.shapes.repository(repository),
    }


def get_repository(call: Call) -> Response:
    return call.shown(call.shapes.full_repository(call.repository))


ROUTES = (
    Route("GET", "/user", get_user),
    Route("GET", "/user/permissions/repositories", list_permissions),
    Route("GET", "/user/workspaces/<workspace>/permissions/repositories", list_permissions),
    Route("GET", REPOSITORY, get_repository),
)
