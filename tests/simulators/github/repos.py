"""The user, the repository, and its archive."""

from __future__ import annotations

from werkzeug import Response

from simulators.github.calls import Call, Route, not_found

REPOSITORY = "/repos/<owner>/<repo>"


def get_user(call: Call) -> Response:
    call.headers["X-OAuth-Scopes"] = "repo"
    return call.answer(call.shapes.private_user(call.user))


def get_rate_limit(call: Call) -> Response:
    core = call.simulator.quota_state()
    return call.answer({"resources": {"core": core, "search": core, "graphql": core}, "rate": core})


def get_repository(call: Call) -> Response:
    return call.answer(call.shapes.full_repository(call.repository, call.access))


def get_tarball(call: Call, ref: str = "") -> Response:
    """Lead to another origin."""
    ref = ref or call.repository.default_branch
    commit = call.repository.commit(ref)
    if commit is None:
        raise not_found()
    location = f"{call.simulator.codeload_url}/{call.repository.full_name}/legacy.tar.gz/{ref}"
    return Response(status=302, headers={"Location": location}, content_type="text/html;charset=utf-8")


ROUTES = (
    Route("GET", "/user", get_user),
    Route("GET", "/rate_limit", get_rate_limit),
    Route("GET", REPOSITORY, get_repository),
    Route("GET", f"{REPOSITORY}/tarball", get_tarball, needs_commits=True),
    Route("GET", f"{REPOSITORY}/tarball/<ref:path>", get_tarball, needs_commits=True),
)
