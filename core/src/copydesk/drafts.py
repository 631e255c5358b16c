"""Finding drafts and describing entries. Reads only.

What was looked at a moment ago is not looked at again by the next write: a person who opens an entry and saves it
costs the forge one look. Every write is guarded by what was seen, so that a look which is out of date is found
out, and then it is taken again.
"""

from __future__ import annotations

import os.path
from collections.abc import Callable, Mapping
from typing import Any, Final

import attrs

from copydesk.config import SiteConfig
from copydesk.content import Collection
from copydesk.entries import Draft, Entry, pull_request_problem
from copydesk.errors import CopydeskError, NotFoundError
from copydesk.models import ChangedFile, FileVersion, PullRequest, Status, changed_by_path
from copydesk.naming import BRANCH_PREFIX, branch_key, branch_names, label_statuses
from copydesk.repository import Repository

__all__ = ["Drafts"]


#: How many seconds a look lasts.
KNOWN_SECONDS: Final = 15.0


@attrs.frozen(eq=False)
class Looks:
    """What was looked at, and when, in seconds of *clock*."""

    clock: Callable[[], float]
    _seen: dict[object, tuple[float, Any]] = attrs.field(factory=dict, repr=False)

    def keep(self, key: object, value: Any) -> None:
        """Remember what a look showed."""
        self._seen[key] = (self.clock(), value)

    def recall(self, key: object) -> tuple[Any, ...]:
        """Give what was seen as a tuple of one; empty where that is too long ago."""
        when, value = self._seen.get(key, (float("-inf"), None))
        return (value,) if self.clock() - when < KNOWN_SECONDS else ()

    def forget(self, key: object) -> None:
        """Look again the next time."""
        self._seen.pop(key, None)


@attrs.frozen(eq=False)
class Drafts:
    """What one site has under workflow, and what it has published."""

    repository: Repository
    site: SiteConfig
    _looks: Looks

    @property
    def base(self) -> str:
        """The branch with the published content."""
        return self.repository.base_branch

    def look_at_base(self) -> str:
        """Give the head of the base branch as it is now."""
        head = self.repository.get_branch(self.base).commit_sha
        self._looks.keep("", head)
        return head

    def known_base(self) -> str:
        """Give the head of the base branch as it was seen a moment ago; "" if it was not."""
        seen: tuple[str, ...] = self._looks.recall("")
        return seen[0] if seen else ""

    def base_commit(self) -> str:
        """Give the head of the base branch as it was seen a moment ago, or is now."""
        return self.known_base() or self.look_at_base()

    def base_moved(self, commit_sha: str) -> None:
        """Remember where our own commit took the base branch; a rehearsal takes it nowhere."""
        if commit_sha.strip("0"):
            self._looks.keep("", commit_sha)

    def head(self, branch: str) -> str:
        """Give the head of a branch, "" where there is none."""
        try:
            return self.repository.get_branch(branch).commit_sha
        except NotFoundError:
            return ""

    def statuses(self, pull: PullRequest) -> Mapping[str, Status]:
        """Give the status labels of a pull request, least advanced first."""
        return label_statuses(pull.labels, self.repository.options.cms_label_prefix)

    # -- finding --------------------------------------------------------------------------------------

    def find(self, collection: str, slug: str) -> Draft | None:
        """Find the draft of an entry: an open pull request, or a branch that lost or never got one."""
        first, *others = branch_names(collection, slug)
        draft = self._proposed(first) or self._on_branches(collection, slug, others)
        self.remember(collection, slug, draft)
        return draft

    def _proposed(self, branch: str) -> Draft | None:
        for pull in self.repository.list_pull_requests("open", self.base, branch):
            if not pull.from_fork and not pull.problem:
                return Draft(branch, pull.head_commit_sha, pull)
        return None

    def _on_branches(self, collection: str, slug: str, others: list[str]) -> Draft | None:
        """Find a draft by its branch: under its other names, or without a pull request."""
        names = branch_names(collection, slug)
        start = os.path.commonprefix(names)  # noqa: RUF071 - refs are asked for by the letter
        there = {each.name: each for each in self.repository.list_branches(start)}
        for branch in others:
            draft = self._proposed(branch) if branch in there else None
            if draft is not None:
                return draft
        for branch in names:
            if branch in there and not self.is_finished(branch, there[branch].commit_sha):
                return Draft(branch, there[branch].commit_sha, None)
        return None

    def recall(self, collection: str, slug: str) -> tuple[Draft | None, bool]:
        """Give the draft of an entry, and whether it was seen a moment ago and not now."""
        seen = self._looks.recall((collection, slug))
        return (seen[0], True) if seen else (self.find(collection, slug), False)

    def remember(self, collection: str, slug: str, draft: Draft | None) -> None:
        """Keep what was seen of an entry, or made of it."""
        self._looks.keep((collection, slug), draft)

    def forget(self, collection: str, slug: str) -> None:
        """Look again the next time: nobody knows what a call left that failed."""
        self._looks.forget((collection, slug))
        self.forget_base()

    def forget_base(self) -> None:
        """Look at the base again the next time."""
        self._looks.forget("")

    def ended(self, branch: str) -> tuple[PullRequest, ...]:
        """List the merged and closed pull requests of a branch, newest first."""
        pulls = self.repository.list_pull_requests("all", self.base, branch)
        return tuple(pull for pull in pulls if pull.state != "open" and not pull.from_fork)

    def is_finished(self, branch: str, head: str) -> bool:
        """Whether a branch is only what an interrupted publish or discard left."""
        return any(pull.head_commit_sha == head for pull in self.ended(branch))

    # -- describing -----------------------------------------------------------------------------------

    def listed(self, pull: PullRequest) -> Entry:
        """Describe one pull request of a listing; what is wrong with it is told, not raised."""
        key = branch_key(pull.head)
        collection, slug = key or ("", "")
        labels = self.statuses(pull)
        changed: Mapping[str, ChangedFile] = {}
        problem = pull_request_problem(pull, key, labels)
        try:
            changed = changed_by_path(pull.changed_files or ())
            kind: Collection | None = self.site.collection(collection) if key else None
            if not pull.problem and (pull.changed_files is None or not _is_told(kind, slug, changed)):
                changed = changed_by_path(self.repository.list_changed_files(pull))
            path, deletes = _place(kind, slug, changed)
        except CopydeskError as exc:
            path, deletes, problem = "", False, problem or str(exc)
        return Entry(
            collection=collection,
            slug=slug,
            status=next(iter(labels.values()), Status.DRAFT),
            path=path,
            commit_sha=pull.head_commit_sha,
            changed_paths=tuple(sorted(changed)),
            pull_request=pull,
            deletes=deletes,
            problem=problem,
        )

    def _compared(self, head_commit_sha: str) -> Mapping[str, ChangedFile]:
        return self.repository.compare(self.base_commit(), head_commit_sha).by_path

    def entry(self, kind: Collection, slug: str, draft: Draft) -> Entry:
        """Describe a draft with the versions of its files, and remember it."""
        self.remember(kind.name, slug, draft)
        changed = self._compared(draft.commit_sha)
        path, deletes = _place(kind, slug, changed)
        versions = {file.path: file.version for file in changed.values() if file.version is not None}
        if path not in changed:
            versions.update(self.version(draft.commit_sha, path))
        pull = draft.pull_request
        labels = self.statuses(pull) if pull else {}
        if pull is None:
            problem = f"branch {draft.branch!r} has no pull request; save it again, or run repair"
        else:
            problem = pull_request_problem(pull, (kind.name, slug), labels)
        return Entry(
            collection=kind.name,
            slug=slug,
            status=next(iter(labels.values()), Status.DRAFT),
            path=path,
            commit_sha=draft.commit_sha,
            versions=versions,
            changed_paths=tuple(sorted(changed)),
            pull_request=pull,
            deletes=deletes,
            problem=problem,
        )

    def version(self, commit_sha: str, path: str) -> dict[str, FileVersion]:
        """Give what one file is as of a commit; empty where it is not there."""
        files = self.repository.list_files(commit_sha, path.rpartition("/")[0])
        return {file.path: file.version for file in files if file.path == path}

    def published(self, kind: Collection, slug: str) -> Entry:
        """Describe a published entry.

        :raises NotFoundError: it is not published.
        """
        entry = self.published_or_gone(kind, slug)
        if entry.deletes:
            raise NotFoundError(
                f"{kind.name} {slug!r} is neither published (no {entry.path!r} on {self.base!r}) "
                "nor under workflow"
            )
        return entry

    def published_or_gone(self, kind: Collection, slug: str) -> Entry:
        """Describe what publishing made; a deletion that was published leaves `deletes`."""
        path = kind.path_of(slug)
        head = self.look_at_base()
        versions = self.version(head, path)
        return Entry(kind.name, slug, Status.PUBLISHED, path, head, versions, deletes=not versions)

    def no_draft(self, collection: str, slug: str) -> NotFoundError:
        """Make the error for an entry that is not under workflow."""
        return NotFoundError(f"{collection} {slug!r} has no draft; save it first, or list the entries")

    def branches(self) -> tuple[str, ...]:
        """List the branches that look like drafts."""
        return tuple(branch.name for branch in self.repository.list_branches(BRANCH_PREFIX))


def _is_told(kind: Collection | None, slug: str, changed: Mapping[str, ChangedFile]) -> bool:
    """Whether a listing says enough to tell where the draft has the entry, and whether it deletes it."""
    if kind is None:
        return True
    path = kind.path_of(slug)
    if path in changed:
        return changed[path].kind != "changed"
    unclear = (each.path for each in changed.values() if each.kind in {"written", "changed"})
    return all(kind.slug_of(each) is None for each in unclear)


def _place(kind: Collection | None, slug: str, changed: Mapping[str, ChangedFile]) -> tuple[str, bool]:
    """Give where a draft has the entry, and whether it deletes it.

    A draft that no longer has the entry's file and adds one other entry of the collection has moved it.
    """
    if kind is None:
        return "", False
    path = kind.path_of(slug)
    if path in changed and changed[path].kind != "deleted":
        return path, False
    added = [
        each.path
        for each in changed.values()
        if each.kind in {"added", "renamed"} and kind.slug_of(each.path) is not None
    ]
    return (added[0], False) if len(added) == 1 else (path, path in changed)
