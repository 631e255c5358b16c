"""Drafts that decap-server's git mode left: a branch ``cms/…`` with its status in the branch's description.

They have no pull request. They are listed as ones with number 0, and become real ones with the first
operation on them; their description is then removed, for the label says it.
"""

from __future__ import annotations

from collections.abc import Iterator

import pygit2
from copydesk.naming import BRANCH_PREFIX, label_statuses

__all__ = ["describe", "drafts", "forget"]


def _key(branch: str) -> str:
    return f"branch.{branch}.description"


def describe(git: pygit2.Repository, branch: str, prefix: str) -> str:
    """Give the status that decap-server wrote for a branch, as the label that it is, or "".

    *prefix* is the configured one; those of the known CMSs are understood besides.
    """
    try:
        description = (git.config[_key(branch)] or "").strip()
    except KeyError:
        return ""
    return description if label_statuses((description,), prefix) else ""


def drafts(git: pygit2.Repository, prefix: str) -> Iterator[str]:
    """List the branches that carry such a status, whether or not they have a pull request."""
    for entry in git.config:
        name = entry.name or ""
        if name.startswith(f"branch.{BRANCH_PREFIX}") and name.endswith(".description"):
            branch = name[len("branch.") : -len(".description")]
            if describe(git, branch, prefix):
                yield branch


def forget(git: pygit2.Repository, branch: str, prefix: str) -> None:
    """Remove the status of a branch; other descriptions are left alone."""
    if branch.startswith(BRANCH_PREFIX) and describe(git, branch, prefix):
        del git.config[_key(branch)]
