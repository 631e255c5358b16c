"""The statuses of commits."""

from __future__ import annotations

from werkzeug import Response

from simulators.gitea.calls import REPOSITORY, Call, Route, invalid

STATES = {"pending", "success", "error", "failure", "warning", "skipped"}


def list_statuses(call: Call, sha: str) -> Response:
    """List every status that was ever set; nobody looks whether there is such a commit."""
    found = [each for each in call.repository.statuses if each.sha == sha]
    if call.arg("sort") == "highestindex":
        found.reverse()
    return call.answer([call.shapes.status(call.repository, each) for each in call.page(found)])


def create_status(call: Call, sha: str) -> Response:
    body = call.json()
    commit = call.commit(sha)
    state = body.get("state", "")
    if state not in STATES:
        raise invalid(f"[State]: In {state}")
    made = call.repository.add_status(
        str(commit.id),
        body.get("context", "default"),
        state,
        target_url=body.get("target_url"),
        description=body.get("description"),
        creator=call.user,
    )
    return call.answer(call.shapes.status(call.repository, made), 201)


ROUTES = (
    Route("GET", f"{REPOSITORY}/statuses/<sha>", list_statuses),
    Route("GET", f"{REPOSITORY}/commits/<sha>/statuses", list_statuses),
    Route("POST", f"{REPOSITORY}/statuses/<sha>", create_status),
)
