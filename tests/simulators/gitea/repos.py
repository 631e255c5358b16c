"""The user, the repository, and what the instance says of itself."""

from __future__ import annotations

from werkzeug import Response

from simulators.gitea.calls import REPOSITORY, Call, ProblemError, Route


def get_user(call: Call) -> Response:
    if "read:user" in call.simulator.lacking_scopes:
        raise ProblemError(
            403,
            "token does not have at least one of required scope(s), "
            "required=[read:user], token scope=write:repository",
        )
    return call.answer(call.shapes.user(call.user))


def get_repository(call: Call) -> Response:
    return call.answer(call.shapes.repository(call.repository, call.access))


def get_settings(call: Call) -> Response:
    known = call.simulator
    return call.answer(
        {
            "max_response_items": known.page_limit,
            "default_paging_num": known.batch_limit,
            "default_git_trees_per_page": known.tree_limit,
            "default_max_blob_size": known.blob_limit,
            "default_max_response_size": known.batch_bytes,
        }
    )


ROUTES = (
    Route("GET", "/user", get_user),
    Route("GET", "/settings/api", get_settings),
    Route("GET", REPOSITORY, get_repository),
)
