"""Errors that the backends of several forges raise, in the same words; *forge* is the name of the backend."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from copydesk.errors import ConflictError, InvalidInputError, NotFoundError, NotMergeableError
from copydesk.models import NewPullRequest, PullRequest

__all__ = [
    "absent_branch",
    "absent_commit",
    "absent_path",
    "existing_branch",
    "existing_pull_request",
    "incomparable",
    "moved_branch",
    "moved_head",
    "not_mergeable",
    "nothing_to_propose",
    "undeleted_branch",
]

_REMEDIES: Final = {
    "closed": "list the pull requests to see how it ended",
    "draft": "mark it as ready on the forge",
    "approvals": "have it reviewed",
    "checks": "wait for the checks, or see why they fail",
    "conflicts": "update it from the base, and save what the files should be",
    "discussions": "resolve the discussions on the forge",
    "protected": "ask the owner what the base branch demands",
    "rebase": "update it from the base, which rewrites the branch here (allow_rewrite)",
}


def absent_branch(forge: str, name: str, default: str) -> NotFoundError:
    """Say that there is no such branch, and what there is instead."""
    return NotFoundError(f"there is no branch {name!r} on {forge}; the default branch is {default!r}")


def absent_commit(forge: str, where: str, commit_sha: str) -> NotFoundError:
    """Say that there is no such commit in the repository *where*."""
    return NotFoundError(f"there is no commit {commit_sha[:12]} in {where!r} on {forge}")


def absent_path(path: str, commit_sha: str) -> NotFoundError:
    """Say that a commit has no such file."""
    return NotFoundError(f"{path!r} is not there at commit {commit_sha[:12]}")


def incomparable(forge: str, base_commit_sha: str, head_commit_sha: str) -> NotFoundError:
    """Say that two commits cannot be compared."""
    return NotFoundError(
        f"{forge} cannot compare {base_commit_sha[:12]} and {head_commit_sha[:12]}: one of them is not "
        "there, or they have no common history"
    )


def existing_branch(name: str) -> ConflictError:
    """Say that a branch that was to be made exists."""
    return ConflictError(f"the branch {name!r} exists already; read it and go on from there", branch=name)


def moved_branch(name: str, said: str) -> ConflictError:
    """Say that a branch was moved before a commit could be made on it; *said* are the forge's words."""
    return ConflictError(
        f"branch {name!r} was moved by somebody else meanwhile ({said!r}); read it again", branch=name
    )


def moved_head(pull: PullRequest, head_commit_sha: str) -> ConflictError:
    """Say that the branch of a pull request is elsewhere than its caller saw."""
    return ConflictError(
        f"branch {pull.head!r} is no longer at {pull.head_commit_sha[:12]}; look at the new commits first",
        branch=pull.head,
        head_commit_sha=head_commit_sha,
    )


def undeleted_branch(name: str, head: str, seen: str) -> ConflictError:
    """Say that a branch was not deleted, because it is elsewhere than its caller saw."""
    return ConflictError(
        f"branch {name!r} is at {head[:12]} and no longer at {seen[:12]}; nothing was deleted",
        branch=name,
        head_commit_sha=head,
    )


def existing_pull_request(pull: NewPullRequest) -> ConflictError:
    """Say that a pull request of these branches is open already."""
    return ConflictError(
        f"a pull request from {pull.head!r} into {pull.base!r} is open already; list it and go on from there",
        branch=pull.head,
    )


def nothing_to_propose(pull: NewPullRequest) -> InvalidInputError:
    """Say that the head of a pull request has nothing new."""
    return InvalidInputError(
        f"branch {pull.head!r} has nothing that {pull.base!r} has not; commit something first"
    )


def not_mergeable(
    forge: str, pull: PullRequest, reason: str, said: str, paths: Iterable[str] = ()
) -> NotMergeableError:
    """Say why a forge does not merge, in its words and in ours, and what to do."""
    return NotMergeableError(
        f"{forge} does not merge pull request #{pull.number}: {said!r} ({reason}); {_REMEDIES[reason]}",
        reason=reason,
        number=pull.number,
        paths=paths,
    )
