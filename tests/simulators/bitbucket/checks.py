"""The statuses of commits."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import Any

from werkzeug import Response

from simulators.bitbucket.calls import Call, Route, bad_field
from simulators.bitbucket.repos import REPOSITORY
from simulators.bitbucket.shapes import when
from simulators.store import Status

COMMIT = f"{REPOSITORY}/commit/<commit>"
#: How the store calls a state.
STORED = {"SUCCESSFUL": "success", "FAILED": "failure", "INPROGRESS": "pending", "STOPPED": "stopped"}
SHOWN = {**{stored: state for state, stored in STORED.items()}, "error": "FAILED"}


def shown(call: Call, status: Status) -> dict[str, Any]:
    url = f"{call.shapes.url(call.repository)}/commit/{status.sha}"
    return {
        "key": status.context,
        "type": "build",
        "state": SHOWN[status.state],
        "name": status.name or status.context,
        "refname": None,
        "commit": call.shapes.short_commit(call.repository, status.sha),
        "url": status.target_url or "",
        "repository": call.shapes.repository(call.repository),
        "description": status.description or "",
        "created_on": when(status.created),
        "updated_on": when(status.created),
        "links": {
            "self": {"href": f"{url}/statuses/build/{status.context}"},
            "commit": {"href": url},
        },
    }


def answer(call: Call, shas: Iterable[str]) -> Response:
    """Answer with the newest status of every key."""
    found = (each for sha in shas for each in call.repository.newest_statuses(sha))
    return call.page(found, functools.partial(shown, call))


def list_statuses(call: Call, commit: str) -> Response:
    return answer(call, [str(call.commit(commit).id)])


def create_status(call: Call, commit: str) -> Response:
    """Note a status; one of the same key before it counts no longer."""
    found, body = call.commit(commit), call.json()
    for name in ("key", "state", "url"):
        if not body.get(name):
            raise bad_field(name, "required key not provided")
    if body["state"] not in STORED:
        raise bad_field("state", f"{body['state']} is not a valid state")
    made = call.repository.add_status(
        str(found.id),
        body["key"],
        STORED[body["state"]],
        target_url=body["url"],
        description=body.get("description"),
        creator=call.user,
        name=body.get("name", ""),
    )
    data = shown(call, made)
    return call.shown(data, 201, Location=data["links"]["self"]["href"])


ROUTES = (
    Route("GET", f"{COMMIT}/statuses", list_statuses),
    Route("POST", f"{COMMIT}/statuses/build", create_status),
)
