"""Pull requests."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from werkzeug import Response

from simulators import git as objects
from simulators.git import FileChange
from simulators.github.calls import Call, ProblemError, RefusedError, Route, invalid, not_found
from simulators.github.commits import between
from simulators.github.repos import REPOSITORY
from simulators.store import PullRequest, Repository

PULL = f"{REPOSITORY}/pulls/<number>"
FILES = 3000
NOT_MERGEABLE = "Pull Request is not mergeable"
MOVED = "Head branch was modified. Review and try the merge again."
WRONG_HEAD = "expected head sha didn’t match current head ref."


def found(call: Call, number: str) -> PullRequest:
    pull = call.repository.pull(int(number)) if number.isdigit() else None
    if pull is None or call.simulator.lagging("pull", call.repository.id, pull.number):
        raise not_found()
    return pull


def files_of(repository: Repository, pull: PullRequest, *, patches: bool = True) -> list[FileChange]:
    base = repository.merge_base(pull.base_sha, pull.head_sha)
    if base is None:
        return []
    git = repository.git
    return objects.changes(git, git[base].tree, git[pull.head_sha].tree, patches=patches)


def _full(call: Call, pull: PullRequest) -> dict[str, Any]:
    files = files_of(call.repository, pull, patches=False)
    shown = call.shapes.full_pull(call.repository, pull, files)
    if pull.state != "merged":
        shown["commits"] = len(_commits(call.repository, pull))
    return shown


def _commits(repository: Repository, pull: PullRequest) -> list[Any]:
    git = repository.git
    return between(repository, git[pull.head_sha].id, git[pull.base_sha].id)


def list_pulls(call: Call) -> Response:
    shown = _sorted(call, _selected(call))
    return call.answer([call.shapes.pull(call.repository, each) for each in call.page(shown)])


def _selected(call: Call) -> Iterable[PullRequest]:
    state, base, head = call.arg("state", "open"), call.arg("base"), call.arg("head")
    owner, colon, branch = head.partition(":")
    for pull in call.repository.pulls():
        if state != "all" and (pull.state == "open") != (state == "open"):
            continue
        if base and pull.base != base:
            continue
        # A head without its owner is not understood and filters nothing.
        side = (pull.fork or call.repository.full_name).partition("/")[0].casefold()
        if colon and (side, pull.head) != (owner.casefold(), branch):
            continue
        yield pull


def _sorted(call: Call, pulls: Iterable[PullRequest]) -> list[PullRequest]:
    order = call.arg("sort", "created")
    direction = call.arg("direction") or ("desc" if order == "created" else "asc")
    by_update = order == "updated"

    def key(pull: PullRequest) -> Any:
        return (pull.updated if by_update else pull.created, pull.number)

    return sorted(pulls, key=key, reverse=direction == "desc")


def create_pull(call: Call) -> Response:
    body = call.json()
    title, head, base = call.need(body, "title", "head", "base")
    pull = open_pull(call, title, head, base, body.get("body"), draft=bool(body.get("draft")))
    shown = _full(call, pull)
    return call.answer(shown, 201, Location=shown["url"])


def open_pull(call: Call, title: str, head: str, base: str, body: str | None, *, draft: bool) -> PullRequest:
    repository = call.repository
    owner, colon, branch = head.partition(":")
    if colon and owner.casefold() != repository.owner.login.casefold():
        raise invalid(resource="PullRequest", field="head", code="invalid")
    head = branch if colon else head
    try:
        pull = repository.open_pull(title, head, base, author=call.user, body=body, draft=draft)
    except RefusedError as exc:
        raise invalid(**_error(repository, exc, head, base)) from exc
    call.simulator.created("pull", repository.id, pull.number)
    return pull


def _error(repository: Repository, refused: RefusedError, head: str, base: str) -> dict[str, str]:
    owner = repository.owner.login
    custom = {
        "exists": f"A pull request already exists for {owner}:{head}.",
        "no-commits": f"No commits between {base} and {head}",
    }
    if refused.reason in custom:
        return {"resource": "PullRequest", "code": "custom", "message": custom[refused.reason]}
    return {"resource": "PullRequest", "field": refused.reason.removeprefix("bad-"), "code": "invalid"}


def get_pull(call: Call, number: str) -> Response:
    return call.answer(_full(call, found(call, number)))


def update_pull(call: Call, number: str) -> Response:
    pull, body = found(call, number), call.json()
    if (base := body.get("base")) is not None:
        if call.repository.head(base) is None:
            message = f"Proposed base branch '{base}' was not found"
            raise invalid(message=message, resource="PullRequest", field="base", code="invalid")
        pull.base = base
    pull.title = body.get("title") or pull.title
    pull.body = body.get("body", pull.body)
    pull.updated = call.forge.now()
    if body.get("state") == "closed":
        call.repository.close_pull(pull)
    elif body.get("state") == "open" and pull.state != "open":
        reopen(call.repository, pull)
    return call.answer(_full(call, pull))


def reopen(repository: Repository, pull: PullRequest) -> None:
    try:
        repository.reopen_pull(pull)
    except RefusedError as exc:
        message = {
            "merged": "state cannot be changed. The pull request cannot be reopened.",
            "missing": f"state cannot be changed. The {pull.head} branch has been deleted.",
        }[exc.reason]
        raise invalid(resource="PullRequest", code="invalid", field="state", message=message) from exc


def message_of(refused: RefusedError) -> str:
    """Say why a pull request is not merged, in GitHub's words."""
    missing = refused.facts.get("missing", ())
    checks = f"{len(missing)} of {len(missing)} required status checks are expected."
    if len(missing) == 1:
        checks = f'Required status check "{missing[0]}" is expected.'
    count = refused.facts.get("count", 1)
    plural = "review is" if count == 1 else "reviews are"
    return {
        "moved": MOVED,
        "draft": "Pull Request is still a draft",
        "checks": checks,
        "reviews": f"At least {count} approving {plural} required by reviewers with write access.",
    }.get(refused.reason, NOT_MERGEABLE)


def merge_pull(call: Call, number: str) -> Response:
    pull, body = found(call, number), call.json()
    method = body.get("merge_method") or "merge"
    message = commit_message(
        call.repository, pull, method, body.get("commit_title"), body.get("commit_message")
    )
    try:
        sha = call.repository.merge_pull(
            pull, call.user, message, squash=method == "squash", expected=body.get("sha")
        )
    except RefusedError as exc:
        raise ProblemError(409 if exc.reason == "moved" else 405, message_of(exc)) from exc
    return call.answer({"sha": sha, "merged": True, "message": "Pull Request successfully merged"})


def commit_message(
    repository: Repository, pull: PullRequest, method: str, title: str | None, text: str | None
) -> str:
    """Compose the message as GitHub does with its default settings."""
    owner = (pull.fork or repository.full_name).partition("/")[0]
    if method == "squash":
        title = title or f"{pull.title} (#{pull.number})"
        text = "" if text is None else text
    title = title or f"Merge pull request #{pull.number} from {owner}/{pull.head}"
    text = pull.title if text is None else text
    return f"{title}\n\n{text}".rstrip("\n")


def get_merged(call: Call, number: str) -> Response:
    if found(call, number).state != "merged":
        raise not_found()
    return call.nothing()


def update_branch(call: Call, number: str) -> Response:
    pull, body = found(call, number), call.json()
    try:
        call.repository.update_pull(pull, call.user, expected=body.get("expected_head_sha"))
    except RefusedError as exc:
        raise ProblemError(422, update_message(exc)) from exc
    url = f"{call.shapes.api}/repos/{call.repository.full_name}/pulls/{number}"
    return call.answer({"message": "Updating pull request branch.", "url": url}, 202)


def update_message(refused: RefusedError) -> str:
    return {
        "moved": WRONG_HEAD,
        "up-to-date": "There are no new commits on the base branch.",
        "conflicts": "merge conflict between base and head",
    }[refused.reason]


def list_files(call: Call, number: str) -> Response:
    pull = found(call, number)
    page = call.page(files_of(call.repository, pull), limit=FILES)
    return call.answer([call.shapes.file(call.repository, each, pull.head_sha) for each in page])


def list_commits(call: Call, number: str) -> Response:
    page = call.page(_commits(call.repository, found(call, number)), limit=250)
    return call.answer([call.shapes.commit(call.repository, each) for each in page])


ROUTES = (
    Route("GET", f"{REPOSITORY}/pulls", list_pulls),
    Route("POST", f"{REPOSITORY}/pulls", create_pull),
    Route("GET", PULL, get_pull),
    Route("PATCH", PULL, update_pull),
    Route("GET", f"{PULL}/files", list_files),
    Route("GET", f"{PULL}/commits", list_commits),
    Route("GET", f"{PULL}/merge", get_merged),
    Route("PUT", f"{PULL}/merge", merge_pull),
    Route("PUT", f"{PULL}/update-branch", update_branch),
)
