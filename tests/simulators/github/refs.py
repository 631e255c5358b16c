"""Branches, refs, and merging one into another."""

from __future__ import annotations

from typing import Any

from werkzeug import Response

from simulators import git as objects
from simulators.github.calls import Call, ProblemError, RefusedError, Route, invalid, not_found
from simulators.github.repos import REPOSITORY

HEADS = "heads/"


def _found(call: Call, branch: str) -> str:
    sha = call.repository.head(branch)
    if sha is None or call.simulator.lagging("branch", call.repository.id, branch):
        raise not_found()
    return sha


def _branch(ref: str) -> str:
    """Give the branch that ``heads/…`` names; the simulator keeps no other refs."""
    if not ref.startswith(HEADS):
        raise not_found()
    return ref.removeprefix(HEADS)


def list_matching(call: Call, ref: str) -> Response:
    start = ref.removeprefix("refs/")
    found = (pair for pair in call.repository.branches() if f"{HEADS}{pair[0]}".startswith(start))
    shown = [call.shapes.ref(call.repository, name, sha) for name, sha in found]
    return call.answer(call.page(shown))


def get_ref(call: Call, ref: str) -> Response:
    branch = _branch(ref)
    return call.answer(call.shapes.ref(call.repository, branch, _found(call, branch)))


def create_ref(call: Call) -> Response:
    ref, sha = call.need(call.json(), "ref", "sha")
    if not str(ref).startswith("refs/heads/"):
        raise ProblemError(
            422, f"Reference name '{ref}' must start with 'refs/' and have at least two slashes."
        )
    branch = ref.removeprefix("refs/heads/")
    try:
        call.repository.create_branch(branch, sha)
    except RefusedError as exc:
        raise _problem(exc, branch) from exc
    call.simulator.created("branch", call.repository.id, branch)
    shown = call.shapes.ref(call.repository, branch, sha)
    return call.answer(shown, 201, Location=shown["url"])


def update_ref(call: Call, ref: str) -> Response:
    body = call.json()
    (sha,) = call.need(body, "sha")
    branch = _branch(ref)
    try:
        call.repository.move_branch(branch, sha, force=bool(body.get("force")))
    except RefusedError as exc:
        raise _problem(exc, branch) from exc
    return call.answer(call.shapes.ref(call.repository, branch, sha))


def delete_ref(call: Call, ref: str) -> Response:
    branch = _branch(ref)
    try:
        call.repository.delete_branch(branch)
    except RefusedError as exc:
        raise _problem(exc, branch) from exc
    return call.nothing()


def message_of(refused: RefusedError, branch: str) -> str:
    """Say why a ref is not written, in GitHub's words."""
    return {
        "exists": "Reference already exists",
        "missing": "Reference does not exist",
        "bad-name": f"refs/heads/{branch} is not a valid ref name.",
        "unknown-object": "Object does not exist",
        "not-fast-forward": "Update is not a fast forward",
        "moved": "Reference cannot be updated: it is not at the expected commit.",
        "protected": "Repository rule violations found\n\nChanges must be made through a pull request.\n\n",
        "ref-conflict": "Reference update failed",
    }[refused.reason]


def _problem(refused: RefusedError, branch: str) -> ProblemError:
    return ProblemError(422, message_of(refused, branch))


def get_branch(call: Call, branch: str) -> Response:
    if call.repository.head(branch) is None or call.simulator.lagging("branch", call.repository.id, branch):
        raise ProblemError(404, "Branch not found")
    return call.answer(_shown(call, branch, long=True))


def list_branches(call: Call) -> Response:
    names = [name for name, _ in call.repository.branches()]
    return call.answer([_shown(call, name, long=False) for name in call.page(names)])


def _shown(call: Call, branch: str, *, long: bool) -> dict[str, Any]:
    repository = call.repository
    url = f"{call.shapes.url(repository)}/branches/{branch}"
    commit = repository.commit(f"refs/heads/{branch}")
    assert commit is not None
    rules = repository.protections.get(branch)
    checks = {
        "enforcement_level": "non_admins" if rules else "off",
        "contexts": list(rules.required_checks) if rules else [],
        "checks": [],
    }
    shown = {
        "name": branch,
        "commit": {"sha": str(commit.id), "url": f"{call.shapes.url(repository)}/commits/{commit.id}"},
        "protected": rules is not None,
        "protection": {"enabled": rules is not None, "required_status_checks": checks},
        "protection_url": f"{url}/protection",
    }
    if long:
        shown["commit"] = call.shapes.commit(repository, commit)
        shown["_links"] = {"self": url, "html": f"{call.shapes.page(repository)}/tree/{branch}"}
    return shown


def merge(call: Call) -> Response:
    """Merge a head into a branch."""
    body = call.json()
    base, head = call.need(body, "base", "head")
    repository = call.repository
    tip, commit = repository.head(base), repository.commit(head)
    if tip is None or commit is None:
        raise ProblemError(404, f"{'Base' if tip is None else 'Head'} does not exist")
    sha = str(commit.id)
    if repository.descends(tip, sha):
        return call.nothing()
    try:
        tree = objects.merge_trees(repository.git, tip, sha)
    except RefusedError as exc:
        raise ProblemError(409, "Merge conflict") from exc
    message = body.get("commit_message") or f"Merge {head} into {base}"
    signature = repository.signature(call.user)
    made = objects.write_commit(repository.git, tree, [tip, sha], message, signature)
    try:
        repository.move_branch(base, made)
    except RefusedError as exc:
        raise invalid(message_of(exc, base)) from exc
    return call.answer(call.shapes.commit(repository, repository.git[made]), 201)


ROUTES = (
    Route("GET", f"{REPOSITORY}/git/matching-refs/<ref:path>", list_matching, needs_commits=True),
    Route("GET", f"{REPOSITORY}/git/ref/<ref:path>", get_ref, needs_commits=True),
    # What it was called once; clients that were not brought up to date use it.
    Route("GET", f"{REPOSITORY}/git/refs/<ref:path>", get_ref, needs_commits=True),
    Route("POST", f"{REPOSITORY}/git/refs", create_ref, needs_commits=True),
    Route("PATCH", f"{REPOSITORY}/git/refs/<ref:path>", update_ref, needs_commits=True),
    Route("DELETE", f"{REPOSITORY}/git/refs/<ref:path>", delete_ref, needs_commits=True),
    Route("GET", f"{REPOSITORY}/branches", list_branches),
    Route("GET", f"{REPOSITORY}/branches/<branch:path>", get_branch),
    Route("POST", f"{REPOSITORY}/merges", merge, needs_commits=True),
)
