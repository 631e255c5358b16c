"""Drafts that decap-server's git mode left: a branch ``cms/…`` with its status in the branch's description.

They have no pull request. They are listed as ones with number 0, and become real ones with the first
operation on them; their description is then removed, for the label says it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pygit2
from copydesk.models import Status

__all__ = ["describe", "drafts", "forget"]

_WORKFLOW: Final = (Status.DRAFT, Status.PENDING_REVIEW, Status.PENDING_PUBLISH)


def _key(branch: str) -> str:
    return f"branch.{branch}.description"


def _is_status(description: str) -> bool:
    return any(description.endswith(f"/{status}") for status in _WORKFLOW)


def describe(git: pygit2.Repository, branch: str) -> str:
    """Give the status that decap-server wrote for a branch, as it is, or ""."""
    try:
        description = (git.config[_key(branch)] or "").strip()
    except KeyError:
        return ""
    return description if _is_status(description) else ""


def drafts(git: pygit2.Repository) -> Iterator[str]:
    """List the branches that carry such a status, whether or not they have a pull request."""
    for entry in git.config:
        name = entry.name or ""
        if name.startswith("branch.cms/") and name.endswith(".description"):
            branch = name[len("branch.") : -len(".description")]
            if describe(git, branch):
                yield branch


def forget(git: pygit2.Repository, branch: str) -> None:
    """Remove the status of a branch; other descriptions are left alone."""
    if describe(git, branch):
        del git.config[_key(branch)]
