"""Labels, which have numbers; a list of them tells its length and links to no other page."""

from __future__ import annotations

import re

from werkzeug import Response

from simulators.gitea.calls import REPOSITORY, Call, ProblemError, RefusedError, Route, invalid
from simulators.store import Label, PullRequest

LABELS = f"{REPOSITORY}/labels"
OF_ISSUE = f"{REPOSITORY}/issues/<number>/labels"


def list_all(call: Call) -> Response:
    found = call.page(call.repository.labels.values(), linked=False)
    return call.answer([call.shapes.label(call.repository, each) for each in found])


def create(call: Call) -> Response:
    body = call.json()
    name, color = call.need(body, name="Name", color="Color")
    if len(name) > 50:
        raise invalid("[Name]: MaxSize")
    if not re.fullmatch("#?([0-9A-Fa-f]{6}|[0-9A-Fa-f]{3})", color):
        raise invalid("bad color code")
    try:
        made = call.repository.create_label(name, color, body.get("description"))
    except RefusedError:
        # Gitea makes another one of the same name; the store keeps one of each.
        made = call.repository.label(name)
    return call.answer(call.shapes.label(call.repository, made), 201)


def delete(call: Call, number: str) -> Response:
    label = _found(call, number)
    if label is not None:
        del call.repository.labels[label.name.casefold()]
        for pull in call.repository.pulls():
            pull.labels = [each for each in pull.labels if each != label.name]
    return call.nothing()


def _found(call: Call, number: str) -> Label | None:
    return next((each for each in call.repository.labels.values() if str(each.id) == number), None)


def _answer(call: Call, pull: PullRequest) -> Response:
    return call.answer(call.shapes.labels(call.repository, sorted(pull.labels)))


def list_of_issue(call: Call, number: str) -> Response:
    return _answer(call, call.pull(number))


def _named(call: Call) -> list[str]:
    given = call.json().get("labels") or []
    if not all(isinstance(each, int | str) for each in given):
        raise ProblemError(400, "a label must be an integer or a string")
    if len({type(each) for each in given}) > 1:
        raise ProblemError(400, "labels should be an array of strings or integers")
    known = call.repository.labels.values()
    return [each.name for each in known if each.id in given or each.name in given]


def add(call: Call, number: str) -> Response:
    pull = call.pull(number)
    call.repository.set_labels(pull, [*pull.labels, *_named(call)])
    return _answer(call, pull)


def replace(call: Call, number: str) -> Response:
    pull = call.pull(number)
    call.repository.set_labels(pull, _named(call))
    return _answer(call, pull)


def remove(call: Call, number: str, label: str) -> Response:
    pull, found = call.pull(number), _found(call, label)
    if found is None:
        raise invalid(f"label does not exist [label_id: {label}]")
    call.repository.set_labels(pull, [each for each in pull.labels if each != found.name])
    return call.nothing()


ROUTES = (
    Route("GET", LABELS, list_all),
    Route("POST", LABELS, create),
    Route("DELETE", f"{LABELS}/<number>", delete),
    Route("GET", OF_ISSUE, list_of_issue),
    Route("POST", OF_ISSUE, add),
    Route("PUT", OF_ISSUE, replace),
    Route("DELETE", f"{OF_ISSUE}/<label>", remove),
)
