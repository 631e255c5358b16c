"""What tests set beside the store: how a project is shared, what a merge request lacks."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import attrs

from simulators.store import User

__all__ = ["MergeRequestState", "Note", "ProjectState"]


@attrs.define(eq=False)
class ProjectState:
    """What GitLab knows of a project that other forges do not."""

    #: How a user comes to their role: only the first two show in the project's permissions.
    membership: Literal["project", "group", "shared", "inherited", "none"] = "project"
    #: The role of whoever may write, or read; None is 40 or 30 for who may write, 20 else.
    access_level: int | None = None
    #: A project whose repository was never made, or is switched off.
    no_repository: bool = False
    merge_method: Literal["merge", "rebase_merge", "ff"] = "merge"
    squash_option: Literal["never", "always", "default_on", "default_off"] = "default_off"
    #: Beside what protects the target branch.
    pipeline_must_succeed: bool = False
    lfs: bool = True


@attrs.frozen
class Note:
    """A comment on a merge request."""

    id: int
    body: str
    author: User
    created: datetime


@attrs.define(eq=False)
class MergeRequestState:
    """What GitLab knows of a merge request that other forges do not."""

    #: Says this instead of what is found out: any value of ``detailed_merge_status``.
    status: str | None = None
    #: So many requests, a merge among them, find it still being looked at.
    checking: int = 0
    #: So many answers say nothing about its diff.
    diff_lag: int = 0
    squash: bool = False
    remove_source_branch: bool | None = None
    should_remove_source_branch: bool | None = None
    unresolved_discussions: bool = False
    #: It is merged when its pipeline has succeeded.
    auto_merge: bool = False
    squash_commit_sha: str | None = None
    merge_error: str | None = None
    #: So many looks find a rebase going on; it has its effect when they are used up.
    rebasing: int = 0
    rebased_by: User | None = None
    closed_by: User | None = None
    notes: list[Note] = attrs.field(factory=list)
    #: The head that the diff was made for, and that of the target at that time.
    diff_head: str = ""
    diff_start: str = ""
