"""Pull requests: opening, listing, closing, merging, and bringing the base in."""

from __future__ import annotations

from werkzeug import Response

from simulators import git as objects
from simulators.gitea.calls import (
    REPOSITORY,
    Call,
    ProblemError,
    RefusedError,
    Route,
    invalid,
    not_found,
    refused,
)
from simulators.store import PullRequest

PULLS = f"{REPOSITORY}/pulls"
LATER = "Please try again later"
BLOCKED = {
    "draft": "Work in progress PRs cannot be merged",
    "conflicts": LATER,
    "checks": "Not all required status checks successful",
    "reviews": "Does not have enough approvals",
    "merged": "",
}


def _shown(call: Call, pull: PullRequest, status: int = 200) -> Response:
    return call.answer(call.shapes.pull(call.repository, pull, call.access), status)


def list_all(call: Call) -> Response:
    state = call.arg("state", "open")
    found = [
        pull
        for pull in reversed(call.repository.pulls())
        if state == "all" or (pull.state == "open") == (state == "open")
    ]
    return call.answer([call.shapes.pull(call.repository, each, call.access) for each in call.page(found)])


def get(call: Call, number: str) -> Response:
    return _shown(call, call.pull(number))


def create(call: Call) -> Response:
    body = call.json()
    head, base = body.get("head") or "", body.get("base") or ""
    if head == base:
        raise invalid("Invalid PullRequest: There are no changes between the head and the base")
    if call.repository.head(base) is None or call.repository.head(head) is None:
        raise not_found()
    ids = set(body.get("labels") or ())
    names = [each.name for each in call.repository.labels.values() if each.id in ids]
    try:
        made = call.repository.open_pull(
            body.get("title") or "",
            head,
            base,
            author=call.user,
            body=body.get("body"),
            labels=names,
            empty=True,
        )
    except RefusedError as exc:
        old = next(each for each in call.repository.pulls() if (each.head, each.base) == (head, base))
        raise refused(
            f"pull request already exists for these targets [id: {old.id}, issue_id: {old.id}, head_repo_id: "
            f"{call.repository.id}, base_repo_id: {call.repository.id}, head_branch: {head}, base_branch: {base}]"
        ) from exc
    return _shown(call, made, 201)


def edit(call: Call, number: str) -> Response:
    pull, body = call.pull(number), call.json()
    state = body.get("state")
    if state is not None:
        if pull.state == "merged":
            raise ProblemError(412, "cannot change state of this pull request, it was already merged")
        if state == "closed":
            call.repository.close_pull(pull)
        elif pull.state != "open":
            call.repository.reopen_pull(pull)
    pull.title = body.get("title") or pull.title
    return _shown(call, pull, 201)


def list_files(call: Call, number: str) -> Response:
    pull, git = call.pull(number), call.repository.git
    head = git[pull.head_sha]
    if call.simulator.stale_files and head.parents:
        head = head.parents[0]
    fork = call.repository.merge_base(pull.base_sha, str(head.id))
    assert fork is not None
    found = objects.changes(git, git[fork].tree, head.tree)
    return call.answer([call.shapes.file(call.repository, each, str(head.id)) for each in call.page(found)])


def merge(call: Call, number: str) -> Response:
    pull, body = call.pull(number), call.json()
    style = body.get("Do") or ""
    if style not in {"merge", "squash", "rebase", "rebase-merge", "fast-forward-only", "manually-merged"}:
        raise invalid(f"[Do]: In {style}")
    if style not in {"merge", "squash"}:
        raise ProblemError(405, f"{style} is not allowed an allowed merge style for this repository")
    if pull.state == "closed":
        raise not_found()
    if call.simulator.checking and pull.state == "open":
        call.simulator.checking -= 1
        raise ProblemError(405, LATER)
    title = (body.get("MergeTitleField") or "").strip() or f"Merge pull request '{pull.title}' (#{number})"
    rest = (body.get("MergeMessageField") or "").strip()
    expected = body.get("head_commit_id") or None
    why = call.repository.blocked(pull)
    if why is not None:
        raise ProblemError(405, BLOCKED[why.reason])
    try:
        call.repository.merge_pull(
            pull,
            call.user,
            f"{title}\n\n{rest}\n" if rest else f"{title}\n",
            squash=style == "squash",
            expected=expected,
        )
    except RefusedError as exc:
        raise refused("head out of date") from exc
    if body.get("delete_branch_after_merge") and pull.fork is None:
        _clean_up(call, pull)
    return Response(status=200, content_type="")


def _clean_up(call: Call, pull: PullRequest) -> None:
    """Delete the branch, unless another pull request needs it or a rule keeps it."""
    others = (each for each in call.repository.pulls() if each.state == "open" and each.head == pull.head)
    rules = call.repository.protections.get(pull.head)
    if next(others, None) is None and rules is None and call.repository.head(pull.head) is not None:
        call.repository.delete_branch(pull.head)


def update(call: Call, number: str) -> Response:
    pull = call.pull(number)
    if pull.state != "open":
        raise ProblemError(422, "")
    if call.arg("style", "merge") != "merge":
        raise ProblemError(403, "")
    try:
        call.repository.update_pull(pull, call.user)
    except RefusedError as exc:
        if exc.reason == "conflicts":
            raise refused("merge failed because of conflict") from exc
        raise ProblemError(500, f"HeadBranch of PR {number} is up to date") from exc
    return Response(status=200, content_type="")


ROUTES = (
    Route("GET", PULLS, list_all),
    Route("POST", PULLS, create),
    Route("GET", f"{PULLS}/<number>", get),
    Route("PATCH", f"{PULLS}/<number>", edit),
    Route("GET", f"{PULLS}/<number>/files", list_files),
    Route("POST", f"{PULLS}/<number>/merge", merge),
    Route("POST", f"{PULLS}/<number>/update", update),
)
