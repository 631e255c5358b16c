"""Finding drafts and describing entries. Reads only."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from copydesk.config import SiteConfig
from copydesk.content import Collection
from copydesk.entries import Draft, Entry, pull_request_problem
from copydesk.errors import CopydeskError, NotFoundError
from copydesk.models import ChangedFile, FileVersion, PullRequest, Status, changed_by_path
from copydesk.naming import BRANCH_PREFIX, branch_key, branch_names, label_statuses
from copydesk.repository import Repository

__all__ = ["Drafts"]


@attrs.frozen(eq=False)
class Drafts:
    """What one site has under workflow, and what it has published."""

    repository: Repository
    site: SiteConfig

    @property
    def base(self) -> str:
        """The branch with the published content."""
        return self.repository.base_branch

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
        names = branch_names(collection, slug)
        for branch in names:
            for pull in self.repository.list_pull_requests("open", self.base, branch):
                if not pull.from_fork and not pull.problem:
                    return Draft(branch, pull.head_commit_sha, pull)
        for branch in names:
            head = self.head(branch)
            if head and not self.is_finished(branch, head):
                return Draft(branch, head, None)
        return None

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
            changed = self._listed_changes(pull)
            kind: Collection | None = self.site.collection(collection) if key else None
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

    def _listed_changes(self, pull: PullRequest) -> Mapping[str, ChangedFile]:
        if pull.changed_files is not None:
            return changed_by_path(pull.changed_files)
        return {} if pull.problem else self._compared(pull.head_commit_sha)

    def _compared(self, head_commit_sha: str) -> Mapping[str, ChangedFile]:
        start = self.repository.get_branch(self.base).commit_sha
        return self.repository.compare(start, head_commit_sha).by_path

    def entry(self, kind: Collection, slug: str, draft: Draft) -> Entry:
        """Describe a draft with the versions of its files."""
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
        head = self.repository.get_branch(self.base).commit_sha
        versions = self.version(head, path)
        return Entry(kind.name, slug, Status.PUBLISHED, path, head, versions, deletes=not versions)

    def no_draft(self, collection: str, slug: str) -> NotFoundError:
        """Make the error for an entry that is not under workflow."""
        return NotFoundError(f"{collection} {slug!r} has no draft; save it first, or list the entries")

    def branches(self) -> tuple[str, ...]:
        """List the branches that look like drafts."""
        return tuple(branch.name for branch in self.repository.list_branches(BRANCH_PREFIX))


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
