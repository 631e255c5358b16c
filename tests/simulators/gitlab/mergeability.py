"""Whether a merge request can be merged, and what it lacks."""

from __future__ import annotations

from simulators import git as objects
from simulators.gitlab.calls import Call
from simulators.gitlab.commits import between, pipeline_state, pipelines_of
from simulators.store import Protection, PullRequest, RefusedError

DRAFTS = ("draft:", "[draft]", "(draft)")
#: What git has against it answers 422 to a merge, everything else 405.
OF_GIT = ("conflict", "need_rebase")


def is_draft(pull: PullRequest) -> bool:
    """A draft says so in its title."""
    return pull.draft or pull.title.casefold().startswith(DRAFTS)


def tip_of(call: Call, pull: PullRequest) -> str:
    return call.repository.head(pull.base) or pull.base_sha


def has_conflicts(call: Call, pull: PullRequest) -> bool:
    if pull.state != "open":
        return False
    try:
        objects.merge_trees(call.repository.git, tip_of(call, pull), pull.head_sha)
    except RefusedError:
        return True
    return False


def behind(call: Call, pull: PullRequest) -> int:
    """Count the commits of the target that the source does not have."""
    return len(between(call.repository, tip_of(call, pull), pull.head_sha))


def status_of(call: Call, pull: PullRequest) -> str:
    """Say what a merge request lacks, in the order in which GitLab looks."""
    state = call.simulator.merge_request(pull)
    if state.status is not None:
        return state.status
    own = {
        "not_open": pull.state != "open",
        "checking": state.checking > 0,
        "draft_status": is_draft(pull),
        "commits_status": call.repository.descends(tip_of(call, pull), pull.head_sha),
        "discussions_not_resolved": state.unresolved_discussions,
    }
    first = next((name for name, lacks in own.items() if lacks), "")
    return first or _pipeline(call, pull) or _approvals(call, pull) or _git(call, pull) or "mergeable"


def _pipeline(call: Call, pull: PullRequest) -> str:
    rules = call.repository.protections.get(pull.base, Protection())
    checks = rules.required_checks
    if not checks and not call.state.pipeline_must_succeed:
        return ""
    newest = next((each for _, each in pipelines_of(call.repository, pull.head_sha)), [])
    wanted = [each for each in newest if not checks or each.context in checks]
    state = pipeline_state(wanted)
    if state in {"running", "pending"}:
        return "ci_still_running"
    if checks:
        passed = all(call.repository.passed(pull.head_sha, each) for each in checks)
        return "" if passed else "ci_must_pass"
    return "" if state == "success" else "ci_must_pass"


def _approvals(call: Call, pull: PullRequest) -> str:
    rules = call.repository.protections.get(pull.base, Protection())
    return "not_approved" if pull.approvals < rules.required_reviews else ""


def _git(call: Call, pull: PullRequest) -> str:
    if has_conflicts(call, pull):
        return "conflict"
    forward = call.state.merge_method in {"ff", "rebase_merge"}
    return "need_rebase" if forward and behind(call, pull) else ""
