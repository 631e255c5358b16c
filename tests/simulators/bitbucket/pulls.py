"""Pull requests."""

from __future__ import annotations

import functools
from typing import Any

from pygit2.enums import SortMode
from werkzeug import Response

from simulators.bitbucket import checks
from simulators.bitbucket.calls import BlankError, Call, ProblemError, RefusedError, Route, bad_field
from simulators.bitbucket.pullshapes import HIDDEN, UNLISTED, address, pull_request, spec
from simulators.bitbucket.repos import REPOSITORY
from simulators.bitbucket.shapes import STATES, uuid_of
from simulators.store import PullRequest, User

PULLS = f"{REPOSITORY}/pullrequests"
PULL = f"{PULLS}/<number>"
LARGEST_PAGE = 50
NO_CHANGES = "There are no changes to be pulled"
ALREADY_CLOSED = "This pull request is already closed."


def found(call: Call, number: str) -> PullRequest:
    pull = call.repository.pull(int(number)) if number.isdigit() else None
    if pull is None:
        raise ProblemError(404, f"Pull request {number} not found")
    return pull


def answer(call: Call, pull: PullRequest, status: int = 200, **headers: str) -> Response:
    shown = pull_request(call.shapes, call.repository, pull)
    return call.shown(shown, status, HIDDEN, **headers)


def list_pulls(call: Call) -> Response:
    """List them, the newest first; with a query no state is looked at that is not in it."""
    states = call.request.args.getlist("state") or ["OPEN"]
    if unknown := set(states) - {*STATES.values(), "SUPERSEDED"}:
        raise ProblemError(400, f"state: {min(unknown)} is not a valid state")
    pulls = (
        pull for pull in reversed(call.repository.pulls()) if call.arg("q") or STATES[pull.state] in states
    )
    show = functools.partial(pull_request, call.shapes, call.repository)
    return call.page(pulls, show, most=LARGEST_PAGE, hidden=[f"values.{name}" for name in UNLISTED])


def create_pull(call: Call) -> Response:
    """Open one; that of the same branches, which is open, is renamed and given instead."""
    body = call.json()
    if not body.get("title"):
        raise bad_field("title", "required key not provided")
    head, base = _branch(body, "source"), _branch(body, "destination") or call.repository.default_branch
    if not head:
        raise bad_field("source", "required key not provided")
    pull = _open(call, head, base) or _opened(call, body, head, base)
    _change(call, pull, body)
    return answer(call, pull, 201, Location=address(call.shapes, call.repository, pull))


def _branch(body: dict[str, Any], side: str) -> str:
    return ((body.get(side) or {}).get("branch") or {}).get("name") or ""


def _open(call: Call, head: str, base: str) -> PullRequest | None:
    same = (each for each in call.repository.pulls() if (each.head, each.base) == (head, base))
    return next((each for each in same if each.state == "open"), None)


def _opened(call: Call, body: dict[str, Any], head: str, base: str) -> PullRequest:
    _reviewers(call, body, call.user)
    try:
        return call.repository.open_pull(body["title"], head, base, author=call.user)
    except RefusedError as exc:
        if exc.reason == "no-commits":
            raise bad_field("source", NO_CHANGES, named=False) from exc
        side, name = ("source", head) if exc.reason == "bad-head" else ("destination", base)
        raise bad_field(side, f"branch not found: {name}") from exc


def get_pull(call: Call, number: str) -> Response:
    return answer(call, found(call, number))


def update_pull(call: Call, number: str) -> Response:
    """Change what is said and leave the rest."""
    pull, body = found(call, number), call.json()
    if pull.state != "open":
        raise ProblemError(400, "Can only update an open pull request.")
    if (base := _branch(body, "destination")) and call.repository.head(base) is None:
        raise bad_field("destination", f"branch not found: {base}")
    pull.base = base or pull.base
    _change(call, pull, body)
    return answer(call, pull)


def _change(call: Call, pull: PullRequest, body: dict[str, Any]) -> None:
    pull.title = body.get("title") or pull.title
    pull.body = body.get("description", pull.body)
    for name, attribute in (("close_source_branch", "delete_branch"), ("draft", "draft")):
        if body.get(name) is not None:
            setattr(pull, attribute, bool(body[name]))
    if "reviewers" in body:
        pull.reviewers = _reviewers(call, body, pull.author)
    pull.updated = call.forge.now()


def _reviewers(call: Call, body: dict[str, Any], author: User) -> list[User]:
    """Find them by either of their ids; no other name is taken."""
    ids = {uuid_of("user", each.id): each for each in call.forge.users.values()}
    ids |= {call.shapes.user(each)["account_id"]: each for each in call.forge.users.values()}
    wanted = [each.get("uuid") or each.get("account_id") for each in body.get("reviewers") or ()]
    if not all(each in ids for each in wanted):
        raise bad_field("reviewers", "Malformed reviewers list", named=False)
    reviewers = [ids[each] for each in wanted]
    if author in reviewers:
        raise ProblemError(400, f"{author.name} is the author and cannot be included as a reviewer.")
    return reviewers


def decline(call: Call, number: str) -> Response:
    pull, body = found(call, number), call.json()
    if pull.state != "open":
        raise bad_field("newstatus", ALREADY_CLOSED)
    call.repository.close_pull(pull)
    pull.closed_by, pull.close_reason = call.user, str(body.get("message") or "")
    return answer(call, pull)


def list_statuses(call: Call, number: str) -> Response:
    return checks.answer(call, [found(call, number).head_sha])


def list_commits(call: Call, number: str) -> Response:
    pull, git = found(call, number), call.repository.git
    walk = git.walk(git[pull.head_sha].id, SortMode.TOPOLOGICAL | SortMode.TIME)
    walk.hide(git[pull.base_sha].id)
    return call.page(walk, functools.partial(call.shapes.commit, call.repository))


def diffstat(call: Call, number: str) -> Response:
    raise _elsewhere(call, number, "diffstat")


def diff(call: Call, number: str) -> Response:
    raise _elsewhere(call, number, "diff")


def _elsewhere(call: Call, number: str, name: str) -> BlankError:
    """Lead to the comparison of the commits."""
    pull = found(call, number)
    query = f"?from_pullrequest_id={pull.number}&topic=true"
    url = f"{call.shapes.url(call.repository)}/{name}/{spec(call.repository, pull)}{query}"
    return BlankError(302, headers={"Location": url})


ROUTES = (
    Route("GET", PULLS, list_pulls),
    Route("POST", PULLS, create_pull),
    Route("GET", PULL, get_pull),
    Route("PUT", PULL, update_pull),
    Route("POST", f"{PULL}/decline", decline),
    Route("GET", f"{PULL}/statuses", list_statuses),
    Route("GET", f"{PULL}/commits", list_commits),
    Route("GET", f"{PULL}/diffstat", diffstat),
    Route("GET", f"{PULL}/diff", diff),
)
