"""Merging pull requests, at once or in a task that is asked for until it is done."""

from __future__ import annotations

import functools
import uuid
from collections.abc import Callable
from typing import Any

import attrs
from werkzeug import Response

from simulators import rest
from simulators.bitbucket.calls import Call, ProblemError, RefusedError, Route, bad_field
from simulators.bitbucket.pulls import ALREADY_CLOSED, PULL, found
from simulators.bitbucket.pullshapes import HIDDEN, address, pull_request
from simulators.bitbucket.shapes import STRATEGIES, link
from simulators.rest import JSON
from simulators.store import PullRequest, Repository, User

#: Why a pull request is not merged; of checks and drafts the words are not known.
REFUSALS = {
    "conflicts": "You can't merge until you resolve all merge conflicts.",
    "not-fast-forward": "Unable to fast forward due to changes in the destination branch.",
    "checks": "The source branch has failed merge checks that need to be resolved.",
    "reviews": "The source branch has failed merge checks that need to be resolved.",
    "draft": "Draft pull requests cannot be merged.",
}


@attrs.define(eq=False)
class Task:
    """A merge that is not done yet, or how it went."""

    repository: Repository
    run: Callable[[], None]
    left: int
    done: bool = False
    problem: rest.ProblemError | None = None


class Tasks:
    """Merges that nobody waits for."""

    def __init__(self) -> None:
        self._tasks: dict[str, Task] = {}

    def add(self, task: Task) -> str:
        name = str(uuid.uuid5(uuid.NAMESPACE_URL, f"task:{len(self._tasks)}"))
        self._tasks[name] = task
        return name

    def get(self, name: str) -> Task | None:
        return self._tasks.get(name)

    def advance(self, repository: Repository) -> None:
        """Let time go by for the merges of a repository."""
        for task in self._tasks.values():
            if task.repository is not repository or task.done:
                continue
            task.left -= 1
            if task.left < 0:
                _finish(task)


def _finish(task: Task) -> None:
    task.done = True
    try:
        task.run()
    except rest.ProblemError as exc:
        task.problem = exc


def merge(call: Call, number: str) -> Response:
    pull, body = found(call, number), call.json()
    strategy = body.get("merge_strategy") or STRATEGIES[0]
    if strategy not in STRATEGIES:
        raise bad_field("merge_strategy", f"{strategy} is not a valid merge strategy")
    if pull.state != "open":
        raise bad_field("newstatus", ALREADY_CLOSED)
    run = functools.partial(_merge, call.repository, pull, call.user, strategy, body)
    if call.arg("async") == "true" or call.simulator.slow_merges:
        return _later(call, pull, run)
    run()
    return call.shown(_merged(call, pull), hidden=HIDDEN)


def _later(call: Call, pull: PullRequest, run: Callable[[], None]) -> Response:
    name = call.simulator.tasks.add(Task(call.repository, run, call.simulator.merge_delay))
    return Response('""', 202, {"Location": _address(call, pull, name)}, content_type=JSON)


def _address(call: Call, pull: PullRequest, task: str) -> str:
    return f"{address(call.shapes, call.repository, pull)}/merge/task-status/{task}"


def _merged(call: Call, pull: PullRequest) -> dict[str, Any]:
    """Show what was merged: this once with the whole sha of the commit."""
    shown = pull_request(call.shapes, call.repository, pull)
    assert pull.merge_commit_sha is not None
    whole = call.shapes.commit(call.repository, call.repository.git[pull.merge_commit_sha])
    commit = {name: whole[name] for name in ("hash", "author", "date", "message", "summary", "type")}
    links = call.shapes.commit_links(call.repository, pull.merge_commit_sha)
    return {**shown, "merge_commit": {**commit, "links": links}}


def _merge(
    repository: Repository, pull: PullRequest, actor: User, strategy: str, body: dict[str, Any]
) -> None:
    message = body.get("message") or f"Merged in {pull.head} (pull request #{pull.number})\n\n{pull.title}"
    try:
        if strategy == "fast_forward":
            _fast_forward(repository, pull, actor)
        else:
            repository.merge_pull(pull, actor, message, squash=strategy == "squash")
    except RefusedError as exc:
        if exc.reason not in REFUSALS:
            raise bad_field("newstatus", ALREADY_CLOSED) from exc
        raise ProblemError(400, REFUSALS[exc.reason]) from exc
    _close_source(repository, pull, body)


def _fast_forward(repository: Repository, pull: PullRequest, actor: User) -> None:
    if (refused := repository.blocked(pull)) is not None:
        raise refused
    repository.move_branch(pull.base, pull.head_sha, pushed=False)
    repository.mark_merged(pull, actor, pull.head_sha)


def _close_source(repository: Repository, pull: PullRequest, body: dict[str, Any]) -> None:
    """Delete the branch when it is wanted; what was said when the pull request was made holds unless told."""
    said = body.get("close_source_branch")
    wanted = pull.delete_branch if said is None else said
    pull.delete_branch = bool(wanted)
    if not wanted or repository.head(pull.head) is None:
        return
    try:
        repository.delete_branch(pull.head)
    except RefusedError:
        return  # it is protected, and stays


def get_task(call: Call, number: str, task: str) -> Response:
    """Say how a merge goes; one that nobody knows of is never done."""
    pull, known = found(call, number), call.simulator.tasks.get(task)
    links = {"self": link(_address(call, pull, task))}
    if known is None or not known.done:
        return call.answer({"task_status": "PENDING", "links": links})
    if known.problem is not None:
        raise known.problem
    return call.answer({"task_status": "SUCCESS", "links": links, "merge_result": _merged(call, pull)})


ROUTES = (
    Route("POST", f"{PULL}/merge", merge),
    Route("GET", f"{PULL}/merge/task-status/<task>", get_task),
)
