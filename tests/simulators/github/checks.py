"""Statuses, check runs and deployments."""

from __future__ import annotations

from werkzeug import Response

from simulators.github.calls import Call, Route, invalid, not_found
from simulators.github.repos import REPOSITORY

STATES = {"error", "failure", "pending", "success"}


def _sha(call: Call, ref: str) -> str:
    commit = call.repository.commit(ref)
    if commit is None:
        raise not_found()
    return str(commit.id)


def combined_status(call: Call, ref: str) -> Response:
    sha = _sha(call, ref)
    newest = call.repository.newest_statuses(sha)
    shown = call.shapes.combined_status(call.repository, sha, newest)
    return call.answer({**shown, "statuses": call.page(shown["statuses"])})


def list_statuses(call: Call, ref: str) -> Response:
    sha = _sha(call, ref)
    newest_first = [each for each in reversed(call.repository.statuses) if each.sha == sha]
    return call.answer([call.shapes.status(call.repository, each) for each in call.page(newest_first)])


def create_status(call: Call, sha: str) -> Response:
    body = call.json()
    (state,) = call.need(body, "state")
    sha = _sha(call, sha)
    description = body.get("description")
    if state not in STATES:
        raise invalid(
            resource="Status", code="custom", field="state", message="state is not included in the list"
        )
    if description is not None and len(description) > 140:
        message = "description is too long (maximum is 140 characters)"
        raise invalid(code="custom", field="description", message=message, resource="Status")
    made = call.repository.add_status(
        sha,
        body.get("context", "default"),
        state,
        target_url=body.get("target_url"),
        description=description,
        creator=call.user,
    )
    return call.answer(call.shapes.status(call.repository, made), 201)


def list_check_runs(call: Call, ref: str) -> Response:
    sha = _sha(call, ref)
    # Unless all are asked for, only the newest of each name counts.
    runs = [each for each in call.repository.check_runs if each.sha == sha]
    if call.arg("filter", "latest") == "latest":
        runs = list({each.name: each for each in runs}.values())
    if name := call.arg("check_name"):
        runs = [each for each in runs if each.name == name]
    shown = [call.shapes.check_run(call.repository, each) for each in call.page(runs)]
    return call.answer({"total_count": len(runs), "check_runs": shown})


def list_deployments(call: Call) -> Response:
    chosen = [
        each
        for each in reversed(call.repository.deployments)
        if all(getattr(each, key) == call.arg(key) for key in ("sha", "ref", "environment") if call.arg(key))
    ]
    return call.answer([call.shapes.deployment(call.repository, each) for each in call.page(chosen)])


def list_deployment_statuses(call: Call, number: str) -> Response:
    made = next((each for each in call.repository.deployments if str(each.id) == number), None)
    if made is None:
        raise not_found()
    steps = call.page(list(reversed(made.statuses)))
    return call.answer([call.shapes.deployment_status(call.repository, made, each) for each in steps])


ROUTES = (
    Route("GET", f"{REPOSITORY}/commits/<ref:path>/status", combined_status, needs_commits=True),
    Route("GET", f"{REPOSITORY}/commits/<ref:path>/statuses", list_statuses, needs_commits=True),
    Route("GET", f"{REPOSITORY}/commits/<ref:path>/check-runs", list_check_runs, needs_commits=True),
    Route("POST", f"{REPOSITORY}/statuses/<sha>", create_status, needs_commits=True),
    Route("GET", f"{REPOSITORY}/deployments", list_deployments),
    Route("GET", f"{REPOSITORY}/deployments/<number>/statuses", list_deployment_statuses),
)
