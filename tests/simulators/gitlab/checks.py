"""Statuses, pipelines, deployments and environments."""

from __future__ import annotations

from typing import Any

from werkzeug import Response

from simulators.gitlab.calls import PROJECT, Call, ProblemError, Route, not_found
from simulators.gitlab.commits import COMMIT, pipeline_shape, pipelines_of, ref_of
from simulators.gitlab.shapes import when
from simulators.gitlab.trees import commit_at
from simulators.store import Deployment

ENVIRONMENTS = f"{PROJECT}/environments"
STATES = ("pending", "running", "success", "failed", "canceled", "skipped")


# -- statuses and pipelines ---------------------------------------------------------------------------


def list_statuses(call: Call, sha: str) -> Response:
    repository, commit = call.repository, commit_at(call, sha)
    found = [each for each in repository.statuses if each.sha == str(commit.id)]
    if not call.flag("all"):
        found = list({each.context: each for each in found}.values())
    refs = {each.id: ref_of(repository, each) for each in found}
    name, ref = call.arg("name"), call.arg("ref")
    found = [each for each in found if name in {"", each.context} and ref in {"", refs[each.id]}]
    found.sort(key=lambda each: each.id)
    shown = [call.shapes.status(each, refs[each.id]) for each in call.page(found)]
    return call.answer(shown)


def create_status(call: Call, sha: str) -> Response:
    commit = commit_at(call, sha)
    (state,) = call.need("state")
    if state not in STATES:
        raise ProblemError(400, "state does not have a valid value", key="error")
    made = call.repository.add_status(
        str(commit.id),
        call.get("name") or call.get("context") or "default",
        state,
        target_url=call.get("target_url"),
        description=call.get("description"),
        creator=call.user,
        ref=call.get("ref"),
    )
    return call.answer(call.shapes.status(made, ref_of(call.repository, made)), 201)


def list_pipelines(call: Call) -> Response:
    found = pipelines_of(call.repository, call.arg("sha"))
    ref = call.arg("ref")
    if ref:
        found = [each for each in found if ref_of(call.repository, each[1][-1]) == ref]
    return call.answer([pipeline_shape(call, *each) for each in call.page(found)])


# -- deployments and environments ---------------------------------------------------------------------


def _environment_id(call: Call, name: str) -> int:
    """Number an environment by its first deployment."""
    first = next(each for each in call.repository.deployments if each.environment == name)
    return first.id


def _environment(call: Call, name: str, url: str | None) -> dict[str, Any]:
    tier = "production" if name == "production" else "development"
    slug = "".join(letter if letter.isalnum() else "-" for letter in name.lower())[:24]
    number = _environment_id(call, name)
    return {"id": number, "name": name, "slug": slug, "external_url": url, "tier": tier, "state": "available"}


def _deployment(call: Call, deployment: Deployment) -> dict[str, Any]:
    last = deployment.statuses[-1] if deployment.statuses else None
    state = last.state if last else "created"
    user = call.shapes.user(deployment.creator)
    url = (last.environment_url or None) if last else None
    return {
        "id": deployment.id,
        "iid": deployment.id,
        "ref": deployment.ref,
        "sha": deployment.sha,
        "created_at": when(deployment.created),
        "updated_at": when(last.created if last else deployment.created),
        "status": {"failure": "failed", "error": "failed", "in_progress": "running"}.get(state, state),
        "user": user,
        "environment": _environment(call, deployment.environment, url),
        "deployable": {
            "id": deployment.id,
            "name": f"deploy {deployment.environment}",
            "ref": deployment.ref,
            "stage": "deploy",
            "status": "success" if state == "success" else "running",
            "web_url": f"{call.shapes.page(call.repository)}/-/jobs/{deployment.id}",
            "created_at": when(deployment.created),
            "user": user,
        },
    }


def list_deployments(call: Call) -> Response:
    name, after, state = call.arg("environment"), call.arg("updated_after"), call.arg("status")
    shown = [_deployment(call, each) for each in call.repository.deployments]
    shown = [each for each in shown if name in {"", each["environment"]["name"]}]
    shown = [each for each in shown if each["updated_at"] > after and state in {"", each["status"]}]
    order = call.arg("order_by", "id")
    shown.sort(key=lambda each: (each[order], each["id"]), reverse=call.arg("sort", "asc") == "desc")
    return call.answer(call.page(shown))


def _environments(call: Call) -> list[dict[str, Any]]:
    """Give each with its newest deployment and the address of that."""
    newest = {each.environment: each for each in call.repository.deployments}
    shown = [_deployment(call, each) for each in newest.values()]
    return [{**each["environment"], "last_deployment": each} for each in shown]


def list_environments(call: Call) -> Response:
    name, search, states = call.arg("name"), call.arg("search"), call.arg("states")
    found = [each for each in _environments(call) if name in {"", each["name"]} and search in each["name"]]
    shown = [each for each in found if states in {"", each["state"]}]
    # The last deployment stands only in the answer about one environment.
    plain = [{key: value for key, value in each.items() if key != "last_deployment"} for each in shown]
    return call.answer(call.page(plain))


def get_environment(call: Call, number: str) -> Response:
    found = next((each for each in _environments(call) if str(each["id"]) == number), None)
    if found is None:
        raise not_found("Environment")
    return call.answer(found)


ROUTES = (
    Route("GET", f"{COMMIT}/statuses", list_statuses),
    Route("POST", f"{PROJECT}/statuses/<sha>", create_status),
    Route("GET", f"{PROJECT}/pipelines", list_pipelines),
    Route("GET", f"{PROJECT}/deployments", list_deployments),
    Route("GET", ENVIRONMENTS, list_environments),
    Route("GET", f"{ENVIRONMENTS}/<number>", get_environment),
)
