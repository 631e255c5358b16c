"""Commits made of actions, and files written one by one."""

from __future__ import annotations

import base64
from typing import Any

import pygit2
from werkzeug import Response

from simulators import git as objects
from simulators.git import SHA
from simulators.gitlab.actions import apply
from simulators.gitlab.calls import (
    REPOSITORY,
    Call,
    ProblemError,
    RefusedError,
    Route,
    bad_request,
    forbidden,
)
from simulators.gitlab.commits import detail
from simulators.gitlab.trees import FILE
from simulators.store import Repository

ACTIONS = ("create", "update", "move", "delete", "chmod")
NOT_ON_BRANCH = "You can only create or edit files when you are on a branch"
NO_PUSH = "You are not allowed to push into this branch"
CHANGED = "The file has changed since you started editing it: "
NOT_UPDATED = "Could not update refs/heads/{}. Please refresh and try again."
Action = dict[str, Any]


def create_commit(call: Call) -> Response:
    given = call.parameters
    # Who may not push is told so before anything else is looked at.
    _check_push(call, str(given.get("branch", "")))
    _check_parameters(given)
    actions = [_read(action, at) for at, action in enumerate(given["actions"])]
    commit = commit_actions(call, actions)
    shown = call.flag("stats") is not False
    return call.answer(detail(call, commit, stats=shown), 201)


def _check_push(call: Call, branch: str) -> None:
    rules = call.repository.protections.get(branch)
    closed = rules is not None and rules.no_direct_pushes
    if call.user and (closed or call.access is None or call.access.level != "write"):
        raise forbidden(NO_PUSH)


def _check_parameters(given: dict[str, Any]) -> None:
    for name in ("branch", "commit_message", "actions"):
        if not given.get(name):
            raise bad_request(f"{name} is required")
    if not isinstance(given["actions"], list):
        raise bad_request("actions must be an array")
    if given.get("start_sha") and given.get("start_branch"):
        raise bad_request("start_branch, start_sha are mutually exclusive")


def _read(action: Action, at: int) -> Action:
    name = action.get("action")
    for key in ("action", "file_path"):
        if not action.get(key):
            raise bad_request(f"actions[{at}][{key}] is required")
    if name not in ACTIONS:
        raise bad_request(f"actions[{at}][action] must be one of: {', '.join(ACTIONS)}")
    if action.get("encoding", "text") not in {"text", "base64"}:
        raise bad_request(f"actions[{at}][encoding] must be text or base64")
    needed = {"update": "content", "move": "previous_path", "chmod": "execute_filemode"}.get(name)
    if needed and action.get(needed) is None:
        raise bad_request(f"actions[{at}][{needed}] is required for {name} action")
    return {**action, "bytes": _content(action)}


def _content(action: Action) -> bytes | None:
    text = action.get("content")
    if text is None:
        return None
    if action.get("encoding") != "base64":
        return str(text).encode()
    try:
        return base64.b64decode("".join(str(text).split()), validate=True)
    except ValueError as exc:
        raise ProblemError(400, "invalid base64") from exc


# -- as the service does it ---------------------------------------------------------------------------


def commit_actions(call: Call, actions: list[Action]) -> pygit2.Commit:
    """Check a commit, leave others the time between, and make it on what the branch is then."""
    branch, start = call.get("branch"), call.get("start_branch")
    start_sha = call.get("start_sha")
    start = start or (None if start_sha else branch)
    _check_start(call, branch, start, start_sha)
    for action in actions:
        _check_last_commit(call, action, start)
    actions = call.simulator.transformed(call.repository, start or branch, actions)
    call.simulator.wait_in_window()
    return _made(call, branch, start_sha or start, actions)


def _check_start(call: Call, branch: str, start: str | None, start_sha: str | None) -> None:
    repository = call.repository
    if start_sha and not SHA.fullmatch(start_sha):
        raise ProblemError(400, f"Invalid start_sha '{start_sha}'")
    if start_sha and repository.commit(start_sha) is None:
        raise ProblemError(400, f"Cannot find start_sha '{start_sha}'")
    if start and not repository.empty and repository.head(start) is None:
        raise ProblemError(400, NOT_ON_BRANCH)
    other = start != branch or start_sha is not None
    if other and repository.head(branch) is not None and not call.flag("force"):
        text = f"A branch called '{branch}' already exists. Switch to that branch in order to make changes"
        raise ProblemError(400, text)
    if other and not pygit2.reference_is_valid_name(f"refs/heads/{branch}"):
        reason = "Branch name is invalid"
        raise ProblemError(400, f"Something went wrong when we tried to create '{branch}' for you: {reason}")


def _check_last_commit(call: Call, action: Action, start: str | None) -> None:
    """Refuse what was edited since; what cannot be told is let pass, as GitLab does."""
    known = action.get("last_commit_id")
    if not known or action["action"] == "create":
        return
    path = action.get("previous_path") or action["file_path"]
    # Without a branch to start from GitLab looks at its default.
    here = _last_commit(call, start or call.repository.default_branch, path)
    there = known if call.simulator.strict_last_commit else _last_commit(call, known, path)
    if here is not None and there is not None and here != there:
        raise ProblemError(400, f"{CHANGED}{path}")


def _last_commit(call: Call, revision: str, path: str) -> str | None:
    commit = call.repository.commit(revision)
    if commit is None:
        return None
    found = next(objects.history(call.repository.git, str(commit.id), path), None)
    return None if found is None else str(found.id)


def _made(call: Call, branch: str, start: str, actions: list[Action]) -> pygit2.Commit:
    """Make the commit on where it starts, and move the branch from there, or from nothing, to it."""
    repository = call.repository
    git, head = repository.git, repository.head(branch)
    parent = repository.commit(start)
    if parent is None and not repository.empty:
        raise ProblemError(400, NOT_ON_BRANCH)
    if head is not None and not call.flag("force") and (parent is None or head != str(parent.id)):
        # Somebody made the branch since it was looked for.
        raise ProblemError(400, NOT_UPDATED.format(branch))
    tree = apply(git, parent.tree if parent else None, actions)
    sha = _written(call, tree, [str(parent.id)] if parent else [])
    _move(repository, branch, sha)
    return git[sha]


def _move(repository: Repository, branch: str, sha: str) -> None:
    """Move a branch from wherever it is; what git cannot hold beside another one is refused."""
    try:
        if repository.head(branch) is None:
            repository.create_branch(branch, sha)
    except RefusedError as exc:
        raise ProblemError(400, NOT_UPDATED.format(branch)) from exc
    repository.git.references.create(f"refs/heads/{branch}", pygit2.Oid(hex=sha), force=True)


def _written(call: Call, tree: pygit2.Oid, parents: list[str]) -> str:
    """Write a commit that no branch points to; its author may be somebody else."""
    committer = call.repository.signature(call.user)
    name, email = (call.get(f"author_{each}") or getattr(committer, each) for each in ("name", "email"))
    author = pygit2.Signature(name, email, committer.time, 0)
    return objects.write_commit(
        call.repository.git, tree, parents, call.get("commit_message"), author, committer
    )


# -- files --------------------------------------------------------------------------------------------


def _write_file(call: Call, path: str, name: str, status: int) -> Response:
    call.need("branch", "commit_message", *(() if name == "delete" else ("content",)))
    keys = ("content", "encoding", "last_commit_id", "execute_filemode")
    action = {key: call.get(key) for key in keys if call.get(key) is not None}
    _check_rules(call)
    commit_actions(call, [_read({"action": name, "file_path": path, **action}, 0)])
    if name == "delete":
        return call.nothing()
    return call.answer({"file_path": path, "branch": call.get("branch")}, status)


def _check_rules(call: Call) -> None:
    rules = call.repository.protections.get(call.get("branch"))
    if rules is not None and rules.no_direct_pushes:
        raise ProblemError(400, NO_PUSH)


def create_file(call: Call, path: str) -> Response:
    return _write_file(call, path, "create", 201)


def update_file(call: Call, path: str) -> Response:
    return _write_file(call, path, "update", 200)


def delete_file(call: Call, path: str) -> Response:
    return _write_file(call, path, "delete", 204)


ROUTES = (
    Route("POST", f"{REPOSITORY}/commits", create_commit),
    Route("POST", FILE, create_file),
    Route("PUT", FILE, update_file),
    Route("DELETE", FILE, delete_file),
)
