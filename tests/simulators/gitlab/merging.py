"""Merging and rebasing."""

from __future__ import annotations

import pygit2
from werkzeug import Response

from simulators import git as objects
from simulators.gitlab.calls import Call, ProblemError, Route, forbidden, not_found, unauthorized
from simulators.gitlab.commits import between
from simulators.gitlab.merge_requests import MERGE_REQUEST, found
from simulators.gitlab.merge_shapes import full, look, single
from simulators.gitlab.mergeability import OF_GIT, status_of, tip_of
from simulators.gitlab.project_shapes import level_of
from simulators.store import PullRequest, RefusedError, User

REBASE_FAILED = "Rebase failed. Please rebase locally"


# -- merging ------------------------------------------------------------------------------------------


def merge(call: Call, iid: str) -> Response:
    pull = found(call, iid)
    state = look(call, pull)
    if not _may_merge(call, pull):
        raise unauthorized()
    status = status_of(call, pull)
    waits = bool(call.flag("merge_when_pipeline_succeeds") or call.flag("auto_merge"))
    waits = waits and status == "ci_still_running"
    _check_status(call, pull, "mergeable" if waits else status)
    if call.get("sha") not in {None, "", pull.head_sha}:
        raise ProblemError(409, f"SHA does not match HEAD of source branch: {pull.head_sha}")
    state.squash = bool(call.flag("squash")) or state.squash
    state.should_remove_source_branch = call.flag("should_remove_source_branch")
    state.auto_merge = waits
    if not waits:
        _merge_now(call, pull)
    return call.answer(full(call, pull))


def _may_merge(call: Call, pull: PullRequest) -> bool:
    needed = 40 if pull.base in call.repository.protections else 30
    return level_of(call.state, call.access) >= needed


def _check_status(call: Call, pull: PullRequest, status: str) -> None:
    if status == "mergeable":
        return
    if status in OF_GIT:
        raise ProblemError(406 if call.simulator.old_merge else 422, "Branch cannot be merged")
    state = call.simulator.merge_request(pull)
    state.checking = max(state.checking - 1, 0)
    raise ProblemError(405, "405 Method Not Allowed")


def _merge_now(call: Call, pull: PullRequest) -> None:
    repository, state = call.repository, call.simulator.merge_request(pull)
    tip = tip_of(call, pull)
    source = pull.head_sha
    option = call.state.squash_option
    if option == "always" or (state.squash and option != "never"):
        source = state.squash_commit_sha = _squashed(call, pull, tip)
    merged = source if call.state.merge_method == "ff" else _merge_commit(call, pull, tip, source)
    repository.move_branch(pull.base, merged, expected=tip, pushed=False)
    pull.base_sha = tip
    repository.mark_merged(pull, call.user, None if merged == source else merged)
    _remove_source(call, pull)


def _squashed(call: Call, pull: PullRequest, tip: str) -> str:
    """Put the changes of a merge request into one commit on its target."""
    git = call.repository.git
    message = call.get("squash_commit_message") or pull.title
    commits = between(call.repository, pull.head_sha, tip)
    if len(commits) == 1 and commits[0].message.rstrip("\n") == message:
        return pull.head_sha
    tree = objects.merge_trees(git, tip, pull.head_sha)
    signature = call.repository.signature
    return objects.write_commit(git, tree, [tip], message, signature(pull.author), signature(call.user))


def _merge_commit(call: Call, pull: PullRequest, tip: str, source: str) -> str:
    git = call.repository.git
    tree = objects.merge_trees(git, tip, source)
    reference = f"See merge request {call.repository.full_name}!{pull.number}"
    default = f"Merge branch '{pull.head}' into '{pull.base}'\n\n{pull.title}\n\n{reference}"
    message = call.get("merge_commit_message") or default
    return objects.write_commit(git, tree, [tip, source], message, call.repository.signature(call.user))


def _remove_source(call: Call, pull: PullRequest) -> None:
    state = call.simulator.merge_request(pull)
    asked = state.should_remove_source_branch
    wanted = state.remove_source_branch if asked is None else asked
    protected = pull.head in call.repository.protections or pull.head == call.repository.default_branch
    if wanted and pull.fork is None and not protected:
        call.simulator.remove(call.repository, pull.head)


def get_merge_ref(call: Call, iid: str) -> Response:
    """Give the commit that a merge would make."""
    pull = found(call, iid)
    if status_of(call, pull) in {*OF_GIT, "not_open"}:
        raise ProblemError(400, "Merge request is not mergeable")
    return call.answer({"commit_id": _merge_commit(call, pull, tip_of(call, pull), pull.head_sha)})


# -- rebasing -----------------------------------------------------------------------------------------


def rebase(call: Call, iid: str) -> Response:
    """Take a rebase on; it is done when it was looked for often enough."""
    pull = found(call, iid)
    state = look(call, pull)
    if call.repository.head(pull.head) is None:
        raise forbidden("Source branch does not exist")
    rules = call.repository.protections.get(pull.head)
    if level_of(call.state, call.access) < 30 or (rules is not None and rules.no_direct_pushes):
        raise forbidden("Cannot push to source branch")
    if rules is not None:
        raise forbidden("Source branch is protected from force push")
    if pull.state != "open":
        raise not_found()
    state.merge_error, state.rebased_by = None, call.user
    state.rebasing = call.simulator.rebase_looks
    if not state.rebasing:
        _rebase(call, pull, call.user)
    return call.answer({"rebase_in_progress": True}, 202)


def get_merge_request(call: Call, iid: str) -> Response:
    """Give a merge request; a rebase that is going on gets on by it."""
    pull = found(call, iid)
    state = look(call, pull)
    shown = single(call, pull)
    if call.flag("include_rebase_in_progress"):
        shown["rebase_in_progress"] = state.rebasing > 0
    if state.rebasing:
        state.rebasing -= 1
        if not state.rebasing and state.rebased_by is not None:
            _rebase(call, pull, state.rebased_by)
    return call.answer(shown)


def _rebase(call: Call, pull: PullRequest, user: User) -> None:
    repository, head = call.repository, pull.head_sha
    tip = tip_of(call, pull)
    if repository.descends(head, tip):
        return
    top = tip
    for commit in reversed(between(repository, head, tip)):
        if len(commit.parent_ids) == 1:
            try:
                top = _picked(call, commit, top, user)
            except RefusedError:
                call.simulator.merge_request(pull).merge_error = REBASE_FAILED
                return
    repository.move_branch(pull.head, top, expected=head, force=True)


def _picked(call: Call, commit: pygit2.Commit, onto: str, user: User) -> str:
    """Make a commit again on another one, unless it is there already."""
    git = call.repository.git
    below = git[onto]
    index = git.merge_trees(commit.parents[0].tree, below.tree, commit.tree)
    if index.conflicts is not None:
        raise RefusedError("conflicts")
    tree = index.write_tree(git)
    if tree == below.tree_id:
        return onto
    signature = call.repository.signature(user)
    return objects.write_commit(git, tree, [onto], commit.message, commit.author, signature)


ROUTES = (
    Route("GET", MERGE_REQUEST, get_merge_request),
    Route("PUT", f"{MERGE_REQUEST}/merge", merge),
    Route("GET", f"{MERGE_REQUEST}/merge_ref", get_merge_ref),
    Route("PUT", f"{MERGE_REQUEST}/rebase", rebase),
)
