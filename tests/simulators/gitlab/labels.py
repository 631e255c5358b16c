"""Labels of a project."""

from __future__ import annotations

from werkzeug import Response

from simulators.gitlab.calls import PROJECT, Call, ProblemError, RefusedError, Route, not_found

LABELS = f"{PROJECT}/labels"


def list_labels(call: Call) -> Response:
    found = sorted(call.repository.labels.values(), key=lambda each: each.name.casefold())
    search = call.arg("search").casefold()
    shown = [each for each in found if search in each.name.casefold()]
    return call.answer([call.shapes.label(each) for each in call.page(shown)])


def create_label(call: Call) -> Response:
    name, color = call.need("name", "color")
    try:
        made = call.repository.create_label(name, color.removeprefix("#"), call.get("description"))
    except RefusedError as exc:
        raise ProblemError(409, "Label already exists") from exc
    return call.answer(call.shapes.label(made), 201)


def get_label(call: Call, name: str) -> Response:
    found = call.repository.label(name)
    if found is None:
        raise not_found("Label")
    return call.answer(call.shapes.label(found))


def delete_label(call: Call, name: str = "") -> Response:
    name = name or call.need("name")[0]
    if call.repository.labels.pop(name.casefold(), None) is None:
        raise not_found("Label")
    return call.nothing()


ROUTES = (
    Route("GET", LABELS, list_labels),
    Route("POST", LABELS, create_label),
    Route("DELETE", LABELS, delete_label),
    Route("GET", f"{LABELS}/<name>", get_label),
    Route("DELETE", f"{LABELS}/<name>", delete_label),
)
