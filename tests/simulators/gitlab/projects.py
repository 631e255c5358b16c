"""The user, the project, and who is in it."""

from __future__ import annotations

from werkzeug import Response

from simulators.gitlab.calls import PROJECT, Call, Route, not_found, unauthorized
from simulators.gitlab.project_shapes import level_of, member, private_user, project


def get_user(call: Call) -> Response:
    if call.simulator.is_job(call.request):
        raise unauthorized()
    return call.answer(private_user(call.shapes, call.user))


def get_project(call: Call) -> Response:
    return call.answer(project(call.shapes, call.repository, call.state, call.access))


def get_member(call: Call, number: str) -> Response:
    """Give a member of the project or of anything above it."""
    tokens = (each for each in call.forge.tokens.values() if str(each.user.id) == number)
    levels = {level_of(call.state, each): each.user for each in tokens}
    level = max(levels, default=0)
    if not level:
        raise not_found()
    return call.answer(member(call.shapes, levels[level], level))


ROUTES = (
    Route("GET", "/user", get_user),
    Route("GET", PROJECT, get_project),
    Route("GET", f"{PROJECT}/members/all/<number>", get_member),
)
