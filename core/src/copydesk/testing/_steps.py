"""What the tests of a suite do all the time."""

from __future__ import annotations

import attrs
import pytest

from copydesk.hookspecs import OPERATIONS
from copydesk.models import (
    Change,
    Commit,
    FileVersion,
    NewCommit,
    NewPullRequest,
    Proposal,
    PullRequest,
    User,
)
from copydesk.repository import Repository

__all__ = ["EDITOR", "LABELS", "Declared", "Steps"]

EDITOR = User("editor", "Ed Editor", "editor@example.org")
LABELS = ("netlify-cms/draft", "a label, with = and ü")


class Declared:
    """A repository that skips the test where it asks for what the backend declares as missing."""

    def __init__(self, repository: Repository, unsupported: frozenset[str]) -> None:
        self._repository = repository
        self._unsupported = unsupported

    def __getattr__(self, name: str) -> object:
        if name in OPERATIONS and name in self._unsupported:
            pytest.skip(f"the {self._repository.backend} backend declares {name} unsupported")
        return getattr(self._repository, name)


@attrs.define(eq=False)
class Steps:
    """Short ways to commit, to propose and to look."""

    repo: Repository
    #: Labels that the forge can hold, the first of them a status.
    labels: tuple[str, ...] = LABELS
    #: Whether it holds but one at a time.
    one_label: bool = False

    @property
    def new_labels(self) -> tuple[str, ...]:
        """What a pull request gets when it is opened."""
        return self.labels[: 1 if self.one_label else 2]

    @property
    def base(self) -> str:
        """The default branch."""
        return self.repo.base_branch

    def head(self, branch: str = "") -> str:
        """Give the head of a branch, the default one at first."""
        return self.repo.get_branch(branch or self.base).commit_sha

    def commit(
        self, *changes: Change, branch: str = "", parent: str = "", creates_branch: bool = False
    ) -> Commit:
        """Commit on a branch, at its head where no parent is given."""
        target = branch or self.base
        start = parent or (self.head() if creates_branch else self.head(target))
        return self.repo.commit_changes(
            NewCommit(target, start, changes, "A change", EDITOR, creates_branch=creates_branch)
        )

    def branch(self, name: str, *changes: Change) -> Commit:
        """Commit on a new branch that starts at the default one."""
        return self.commit(*changes, branch=name, creates_branch=True)

    def new_pull_request(self, head: str, *labels: str) -> NewPullRequest:
        """Describe a pull request into the default branch."""
        return NewPullRequest(f"Title of {head}", "A body", head, self.base, labels, author=EDITOR)

    def pull_request(self, head: str, *changes: Change, labels: tuple[str, ...] = ()) -> PullRequest:
        """Commit on a new branch and open its pull request, by two operations."""
        self.branch(head, *changes)
        return self.repo.create_pull_request(self.new_pull_request(head, *labels))

    def proposal(self, head: str, *changes: Change, labels: tuple[str, ...] = ()) -> Proposal:
        """Commit on a new branch and open its pull request, by one operation."""
        commit = NewCommit(head, self.head(), changes, "A change", EDITOR, creates_branch=True)
        return self.repo.propose_changes(commit, self.new_pull_request(head, *labels))

    def version(self, path: str, branch: str = "") -> FileVersion:
        """Give what a file is at the head of a branch."""
        files = {entry.path: entry.version for entry in self.repo.list_files(self.head(branch))}
        return files[path]

    def content(self, path: str, branch: str = "") -> bytes:
        """Read a file at the head of a branch."""
        return self.repo.read_file(self.head(branch), path).content

    def paths(self, branch: str = "") -> set[str]:
        """List the files at the head of a branch."""
        return {entry.path for entry in self.repo.list_files(self.head(branch))}

    def now(self, pull: PullRequest) -> PullRequest:
        """Look the pull request up again."""
        found = self.repo.list_pull_requests("all", pull.base, pull.head)
        return next(each for each in found if each.number == pull.number)
