"""Finding what was interrupted, and finishing it by the same steps as the calls themselves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import attrs

from copydesk.drafts import Drafts
from copydesk.entries import Edit, unpublished_key
from copydesk.errors import CopydeskError
from copydesk.models import Commit, PullRequest, Status
from copydesk.naming import branch_key, branch_names
from copydesk.repository import Repository
from copydesk.steps import Steps

__all__ = ["repair"]

#: How far back removals without a draft are looked for.
_COMMITS: Final = 200


def repair(steps: Steps) -> tuple[str, ...]:
    """Do all that `Workflow.repair` promises; one thing that cannot be repaired does not stop the others.

    :returns: one sentence for each thing done, or found and left to a person.
    """
    operations = steps.repository.operations
    return (
        *(steps.repository.repair() if "repair" in operations else ()),
        *_Repair(steps).pull_requests(),
        *(_Repair(steps).removals() if "list_commits" in operations else ()),
    )


@attrs.frozen
class _Repair:
    """What an interruption can leave undone, in the order in which it is looked for."""

    steps: Steps

    @property
    def drafts(self) -> Drafts:
        return self.steps.drafts

    @property
    def repository(self) -> Repository:
        return self.steps.repository

    def pull_requests(self) -> Iterator[str]:
        """Branches without a pull request, and pull requests without exactly one status."""
        pulls = self.repository.list_pull_requests("open", self.drafts.base)
        heads = {pull.head for pull in pulls}
        for branch in self.drafts.branches():
            if branch not in heads:
                yield from _told(f"branch {branch!r}", self._lone_branch(branch))
        for pull in pulls:
            if branch_key(pull.head) and not (pull.problem or pull.from_fork):
                yield from _told(f"pull request #{pull.number}", self._labels(pull))

    def _labels(self, pull: PullRequest) -> Iterator[str]:
        labels = self.drafts.statuses(pull)
        if len(labels) != 1:
            wanted = next(iter(labels.values()), Status.DRAFT)
            self.steps.label(pull, wanted)
            yield f"gave pull request #{pull.number} the one status label {wanted}"

    def _lone_branch(self, branch: str) -> Iterator[str]:
        """Delete a branch that was published or discarded, or give it the pull request that it lacks."""
        key = branch_key(branch)
        if key is None:
            return
        head = self.drafts.head(branch)
        if self.drafts.is_finished(branch, head) or self._is_published(head):
            self.repository.delete_branch(branch, head)
            yield f"deleted branch {branch!r}, which was published or discarded"
            return
        kind = self.drafts.site.collection(key[0])
        message = self.steps.message("update", kind, key[1], None)
        # What took an entry off the site leaves a draft that only waits to be published again.
        status = Status.PENDING_PUBLISH if self.steps.removal(kind, key[1]) else Status.DRAFT
        pull = self.steps.open(branch, Edit(kind, key[1], (), message, status=status))
        yield f"opened pull request #{pull.number} for branch {branch!r}, which had none"

    def _is_published(self, head: str) -> bool:
        base = self.repository.get_branch(self.drafts.base).commit_sha
        return self.repository.compare(base, head).merge_base_commit_sha == head

    def removals(self) -> Iterator[str]:
        """Make the drafts of entries that were taken off the site by calls that were then cut."""
        base = self.repository.get_branch(self.drafts.base).commit_sha
        for commit in self.repository.list_commits(base, limit=_COMMITS):
            key = unpublished_key(commit)
            if key is not None:
                yield from _told("/".join(key), self._removal(commit, *key))

    def _removal(self, commit: Commit, collection: str, slug: str) -> Iterator[str]:
        kind = self.drafts.site.collection(collection)
        removal = self.steps.removal(kind, slug)
        if removal is None or removal.commit_sha != commit.commit_sha or self.drafts.find(collection, slug):
            return
        if self._was_ended_since(commit, collection, slug):
            return
        self.steps.redraft(kind, slug, removal, None)
        yield f"made the draft of {collection} {slug!r}, which was taken off the site and had none"

    def _was_ended_since(self, commit: Commit, collection: str, slug: str) -> bool:
        """Whether its draft was made, and then published or discarded by somebody."""
        ended = (pull for name in branch_names(collection, slug) for pull in self.drafts.ended(name))
        return any(
            self.repository.compare(commit.commit_sha, pull.head_commit_sha).merge_base_commit_sha
            == commit.commit_sha
            for pull in ended
        )


def _told(what: str, steps: Iterator[str]) -> Iterator[str]:
    try:
        yield from steps
    except CopydeskError as exc:
        yield f"{what} was left as it is: {exc}"
