"""Labels of the repository and of its pull requests."""

from __future__ import annotations

import json
import re
from typing import Any

from werkzeug import Response

from simulators.github.calls import Call, ProblemError, RefusedError, Route, invalid
from simulators.github.pulls import found
from simulators.github.repos import REPOSITORY
from simulators.store import Label, PullRequest

ISSUE = f"{REPOSITORY}/issues/<number>"


def _wanted(call: Call) -> list[str]:
    """Read the labels of a body, which may be a bare list."""
    read = json.loads(call.request.get_data() or b"{}")
    names = read.get("labels", []) if isinstance(read, dict) else read
    return [each["name"] if isinstance(each, dict) else each for each in names]


def _answer(call: Call, pull: PullRequest) -> Response:
    return call.answer(call.shapes.labels(call.repository, pull.labels))


def list_of_pull(call: Call, number: str) -> Response:
    pull = found(call, number)
    return call.answer(call.page(call.shapes.labels(call.repository, pull.labels)))


def add(call: Call, number: str) -> Response:
    pull = found(call, number)
    call.repository.set_labels(pull, [*pull.labels, *_wanted(call)])
    return _answer(call, pull)


def replace(call: Call, number: str) -> Response:
    pull = found(call, number)
    call.repository.set_labels(pull, _wanted(call))
    return _answer(call, pull)


def remove_all(call: Call, number: str) -> Response:
    call.repository.set_labels(found(call, number), ())
    return call.nothing()


def remove(call: Call, number: str, name: str) -> Response:
    pull = found(call, number)
    kept = [each for each in pull.labels if each.casefold() != name.casefold()]
    if len(kept) == len(pull.labels):
        raise ProblemError(404, "Label does not exist")
    call.repository.set_labels(pull, kept)
    return _answer(call, pull)


def list_all(call: Call) -> Response:
    shown = [call.shapes.label(call.repository, each) for each in call.repository.labels.values()]
    return call.answer(call.page(shown))


def create(call: Call) -> Response:
    body = call.json()
    (name,) = call.need(body, "name")
    color = body.get("color", "ededed")
    if not re.fullmatch(r"[0-9A-Fa-f]{6}", color):
        raise invalid(resource="Label", code="invalid", field="color")
    try:
        made = call.repository.create_label(name, color, body.get("description"))
    except RefusedError as exc:
        raise invalid(resource="Label", code="already_exists", field="name") from exc
    shown = call.shapes.label(call.repository, made)
    return call.answer(shown, 201, Location=shown["url"])


def _label(call: Call, name: str) -> Label:
    label = call.repository.label(name)
    if label is None:
        raise ProblemError(404, "Not Found")
    return label


def get(call: Call, name: str) -> Response:
    return call.answer(call.shapes.label(call.repository, _label(call, name)))


def delete(call: Call, name: str) -> Response:
    label = _label(call, name)
    del call.repository.labels[label.name.casefold()]
    for pull in call.repository.pulls():
        pull.labels = [each for each in pull.labels if each != label.name]
    return call.nothing()


def get_issue(call: Call, number: str) -> Response:
    """Give a pull request as the issue that it is too."""
    pull = found(call, number)
    whole = call.shapes.pull(call.repository, pull)
    url = whole["issue_url"]
    common = (
        "id",
        "node_id",
        "number",
        "title",
        "user",
        "labels",
        "state",
        "locked",
        "assignee",
        "assignees",
    )
    more = ("milestone", "created_at", "updated_at", "closed_at", "author_association", "body", "html_url")
    shown: dict[str, Any] = {name: whole[name] for name in (*common, *more, "active_lock_reason")}
    addresses = {
        "url": url,
        "repository_url": call.shapes.url(call.repository),
        "labels_url": f"{url}/labels{{/name}}",
        "comments_url": f"{url}/comments",
        "events_url": f"{url}/events",
        "timeline_url": f"{url}/timeline",
    }
    request = {name: whole[name] for name in ("html_url", "diff_url", "patch_url", "merged_at")}
    return call.answer(
        {**shown, **addresses, "comments": 0, "pull_request": {**request, "url": whole["url"]}}
    )


ROUTES = (
    Route("GET", ISSUE, get_issue),
    Route("GET", f"{ISSUE}/labels", list_of_pull),
    Route("POST", f"{ISSUE}/labels", add),
    Route("PUT", f"{ISSUE}/labels", replace),
    Route("DELETE", f"{ISSUE}/labels", remove_all),
    Route("DELETE", f"{ISSUE}/labels/<name:path>", remove),
    Route("GET", f"{REPOSITORY}/labels", list_all),
    Route("POST", f"{REPOSITORY}/labels", create),
    Route("GET", f"{REPOSITORY}/labels/<name:path>", get),
    Route("DELETE", f"{REPOSITORY}/labels/<name:path>", delete),
)
