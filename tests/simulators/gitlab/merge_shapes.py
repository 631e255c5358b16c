"""Merge requests as GitLab's REST interface shows them."""

from __future__ import annotations

from typing import Any

from simulators import git as objects
from simulators.git import FileChange
from simulators.gitlab.calls import Call
from simulators.gitlab.commits import between, pipeline_shape, pipelines_of
from simulators.gitlab.knobs import MergeRequestState, Note
from simulators.gitlab.mergeability import behind, has_conflicts, is_draft, status_of
from simulators.gitlab.shapes import when
from simulators.store import PullRequest

Json = dict[str, Any]
STATES = {"open": "opened"}


def look(call: Call, pull: PullRequest) -> MergeRequestState:
    """Make the diff of a merge request when its head has moved: from then on it knows its target's head."""
    state = call.simulator.merge_request(pull)
    if state.diff_head != pull.head_sha:
        state.diff_head, state.diff_start = pull.head_sha, pull.base_sha
    return state


def changes_of(call: Call, pull: PullRequest) -> list[FileChange]:
    state = look(call, pull)
    base = call.repository.merge_base(state.diff_start, state.diff_head)
    git = call.repository.git
    return objects.changes(git, git[base].tree, git[state.diff_head].tree) if base else []


def commits_of(call: Call, pull: PullRequest) -> list[Any]:
    state = look(call, pull)
    return between(call.repository, state.diff_head, state.diff_start)


def simple(call: Call, pull: PullRequest) -> Json:
    """Give what ``view=simple`` does."""
    return {
        "id": pull.id,
        "iid": pull.number,
        "project_id": call.repository.id,
        "title": pull.title,
        "description": pull.body,
        "state": STATES.get(pull.state, pull.state),
        "created_at": when(pull.created),
        "updated_at": when(pull.updated),
        "web_url": f"{call.shapes.page(call.repository)}/-/merge_requests/{pull.number}",
    }


def basic(call: Call, pull: PullRequest) -> Json:
    """Give what stands in lists."""
    state, user = look(call, pull), call.shapes.user
    merged = pull.state == "merged"
    closed = pull.state == "closed"
    who = user(pull.merged_by) if merged and pull.merged_by else None
    status = status_of(call, pull)
    state.checking = max(state.checking - 1, 0)
    conflicts = has_conflicts(call, pull)
    reference = f"{call.repository.full_name}!{pull.number}"
    nothing = (
        "assignee", "milestone", "discussion_locked", "approvals_before_merge", "allow_collaboration",
        "allow_maintainer_to_push", "merge_after",
    )  # fmt: skip
    return {
        **simple(call, pull),
        **dict.fromkeys(nothing),
        "merged_by": who,
        "merge_user": who,
        "merged_at": when(pull.closed) if merged else None,
        "closed_by": user(state.closed_by) if closed and state.closed_by else None,
        "closed_at": when(pull.closed) if closed else None,
        "target_branch": pull.base,
        "source_branch": pull.head,
        **dict.fromkeys(("upvotes", "downvotes"), 0),
        "user_notes_count": len(state.notes),
        "author": user(pull.author),
        "assignees": [],
        "reviewers": [],
        "source_project_id": source_of(call, pull),
        "target_project_id": call.repository.id,
        "labels": sorted(pull.labels),
        "draft": is_draft(pull),
        "imported": False,
        "imported_from": "none",
        "work_in_progress": is_draft(pull),
        "merge_when_pipeline_succeeds": state.auto_merge,
        "merge_status": "checking" if status == "checking" else f"can{'not' if conflicts else ''}_be_merged",
        "detailed_merge_status": status,
        "sha": pull.head_sha,
        "merge_commit_sha": pull.merge_commit_sha,
        "squash_commit_sha": state.squash_commit_sha,
        "should_remove_source_branch": state.should_remove_source_branch,
        "force_remove_source_branch": state.remove_source_branch,
        "prepared_at": when(pull.created),
        "reference": f"!{pull.number}",
        "references": {"short": f"!{pull.number}", "relative": f"!{pull.number}", "full": reference},
        "time_stats": {
            "time_estimate": 0,
            "total_time_spent": 0,
            "human_time_estimate": None,
            "human_total_time_spent": None,
        },
        "squash": state.squash,
        "squash_on_merge": state.squash,
        "task_completion_status": {"count": 0, "completed_count": 0},
        "has_conflicts": conflicts,
        "blocking_discussions_resolved": not state.unresolved_discussions,
    }


def source_of(call: Call, pull: PullRequest) -> int | None:
    """Give the number of the project that a merge request comes from, None when it is gone."""
    if pull.fork is None:
        return call.repository.id
    fork = call.forge.repository(pull.fork)
    if fork is not None:
        return fork.id
    return None if pull.fork_deleted else pull.id


def full(call: Call, pull: PullRequest, *, fresh: bool = False) -> Json:
    """Give the answer about one; a fresh one is still being looked at."""
    shown, state = basic(call, pull), call.simulator.merge_request(pull)
    refs = {
        "base_sha": call.repository.merge_base(state.diff_start, state.diff_head),
        "head_sha": state.diff_head,
        "start_sha": state.diff_start,
    }
    if fresh:
        shown |= {"merge_status": "checking", "detailed_merge_status": "checking"}
    late, state.diff_lag = state.diff_lag > 0, max(state.diff_lag - 1, 0)
    last = next(iter(pipelines_of(call.repository, pull.head_sha)), None)
    pipeline = None if last is None else pipeline_shape(call, *last)
    nothing = ("latest_build_started_at", "latest_build_finished_at", "first_deployed_to_production_at")
    return {
        **shown,
        **dict.fromkeys(nothing),
        "subscribed": False,
        "changes_count": None if late else str(len(changes_of(call, pull))),
        "pipeline": pipeline,
        "head_pipeline": pipeline,
        "diff_refs": None if late else refs,
        "merge_error": state.merge_error,
        "user": {"can_merge": call.access is not None and call.access.level == "write"},
    }


def single(call: Call, pull: PullRequest) -> Json:
    """Give one as it is asked for by itself, with what the parameters add."""
    shown = {**full(call, pull), "first_contribution": False}
    if call.flag("include_diverged_commits_count"):
        shown["diverged_commits_count"] = behind(call, pull)
    return shown


def note_shape(call: Call, pull: PullRequest, note: Note) -> Json:
    return {
        "id": note.id,
        "type": None,
        "body": note.body,
        "attachment": None,
        "author": call.shapes.user(note.author),
        "created_at": when(note.created),
        "updated_at": when(note.created),
        "system": False,
        "noteable_id": pull.id,
        "noteable_type": "MergeRequest",
        "project_id": call.repository.id,
        "noteable_iid": pull.number,
        "resolvable": False,
        "confidential": False,
        "internal": False,
    }
