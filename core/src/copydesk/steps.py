"""The steps that the calls of the workflow are made of, each safe to do again. `repair` takes the same ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import attrs

from copydesk.blobs import blob_sha
from copydesk.changes import carry_over
from copydesk.content import Collection
from copydesk.drafts import Drafts
from copydesk.entries import Draft, Edit, Entry, unpublished_key
from copydesk.errors import ConflictError, InvalidInputError
from copydesk.models import (
    Change,
    Commit,
    Delete,
    Move,
    NewCommit,
    NewPullRequest,
    PullRequest,
    Put,
    Status,
    User,
)
from copydesk.naming import branch_names, commit_message
from copydesk.repository import Repository

__all__ = ["Steps"]

_BODY: Final = "Opened by copydesk"


@attrs.frozen(eq=False)
class Steps:
    """Commits, proposes, labels and merges for one site."""

    drafts: Drafts

    @property
    def repository(self) -> Repository:
        """The repository of the site."""
        return self.drafts.repository

    # -- messages -------------------------------------------------------------------------------------

    def message(self, template: str, kind: Collection, slug: str, author: User | None) -> str:
        """Fill a commit message template for an entry."""
        values = {"slug": slug, "collection": kind.label or kind.name, "path": kind.path_of(slug)}
        return self.filled(template, values, author)

    def filled(self, template: str, values: Mapping[str, str], author: User | None) -> str:
        """Fill a commit message template; who is logged in is asked for only where it names them."""
        templates = self.repository.options.commit_messages
        user = author
        if user is None and "author-" in templates.get(template, ""):
            user = self.repository.authenticate().user
        names = {"author-login": user.login if user else "", "author-name": user.name if user else ""}
        return commit_message(templates, template, {**values, **names})

    # -- saving ---------------------------------------------------------------------------------------

    def save(self, edit: Edit, draft: Draft | None) -> Entry:
        """Save an edit where it belongs: the base branch, a new draft, or the one there is."""
        if self.drafts.site.publish_mode == "simple":
            self.commit_to_base(edit.changes, edit.message, edit.author)
            return self.drafts.published_or_gone(edit.kind, edit.slug)
        return self.save_new(edit) if draft is None else self._save_again(edit, draft)

    def _save_again(self, edit: Edit, draft: Draft) -> Entry:
        head = self._commit(
            NewCommit(draft.branch, draft.commit_sha, edit.changes, edit.message, edit.author)
        )
        pull = draft.pull_request or self.open(draft.branch, edit)
        if not self.drafts.statuses(pull):
            pull = self.label(pull, edit.status)
        pull = attrs.evolve(pull, head_commit_sha=head)
        return self.drafts.entry(edit.kind, edit.slug, Draft(draft.branch, head, pull))

    def save_new(self, edit: Edit) -> Entry:
        """Make the draft of an entry: branch, commit, pull request, label."""
        start = edit.start or self.drafts.base_commit()
        names = branch_names(edit.kind.name, edit.slug)
        for branch in names:
            commit = NewCommit(branch, start, edit.changes, edit.message, edit.author, creates_branch=True)
            try:
                made = self.repository.propose_changes(commit, self._new_pull_request(branch, edit))
            except (ConflictError, InvalidInputError) as exc:
                if isinstance(exc, ConflictError):
                    if exc.paths or exc.committed:
                        raise
                    if self.drafts.head(branch):
                        return self._resume(branch, edit, exc)
                # Not every forge tells what of a name git cannot hold.
                if branch == names[-1] or not self._is_blocked(branch):
                    raise
                continue
            pull = attrs.evolve(made.pull_request, head_commit_sha=made.commit.commit_sha)
            self._check_base(commit, pull)
            draft = Draft(branch, made.commit.commit_sha, pull)
            return self.drafts.entry(edit.kind, edit.slug, draft)
        raise AssertionError  # unreachable: the last name returns or raises

    def _check_base(self, commit: NewCommit, pull: PullRequest) -> None:
        """Take a new draft back if somebody had published other versions of its files before it was made.

        The base was seen a moment before; what it is now comes with the pull request, without a request. Where
        this is cut, the conflict shows when the draft is published.
        """
        base = pull.base_commit_sha or self.drafts.look_at_base()
        if base == commit.parent_commit_sha:
            return
        self.drafts.base_moved(base)
        try:
            carry_over(commit, base, self.repository.compare(commit.parent_commit_sha, base))
        except ConflictError:
            self.repository.close_pull_request(pull, delete_branch=True)
            raise

    def _is_blocked(self, branch: str) -> bool:
        """Whether git cannot hold the branch because of one above or below it."""
        others = self.drafts.branches()
        return any(branch.startswith(f"{other}/") or other.startswith(f"{branch}/") for other in others)

    def _resume(self, branch: str, edit: Edit, conflict: ConflictError) -> Entry:
        """Go on from a branch that is there although no draft was found for it."""
        head = self.drafts.head(branch)
        if self.drafts.is_finished(branch, head):
            self.repository.delete_branch(branch, head)
            return self.save_new(edit)
        draft = self.drafts.find(edit.kind.name, edit.slug)
        if draft is None:
            raise conflict
        if draft.pull_request is None:
            return self._save_again(edit, draft)  # an earlier call was cut: go on where it was
        if not self._holds(draft.commit_sha, edit.changes):
            raise ConflictError(
                f"somebody else saved {edit.kind.name} {edit.slug!r} at the same time (branch {branch!r}); "
                "get it, merge your edit into it and save again",
                branch=branch,
                head_commit_sha=head,
            ) from conflict
        return self.drafts.entry(edit.kind, edit.slug, draft)

    def commit_to_base(self, changes: tuple[Change, ...], message: str, author: User | None) -> str:
        """Commit to the branch with the published content, and give its head."""
        parent = self.drafts.base_commit()
        self.drafts.forget_base()  # until it is known where this took it
        head = self._commit(NewCommit(self.drafts.base, parent, changes, message, author))
        self.drafts.base_moved(head)
        return head

    def _commit(self, commit: NewCommit) -> str:
        """Commit, and give the head; what an earlier, interrupted call had committed is not done again."""
        try:
            return self.repository.commit_changes(commit).commit_sha
        except ConflictError as exc:
            head = self.drafts.head(commit.branch)
            if exc.committed or not head or not self._holds(head, commit.changes):
                raise
            return head

    def _holds(self, commit_sha: str, changes: tuple[Change, ...]) -> bool:
        """Whether every change is already made as of a commit."""
        wanted = dict(_outcome(change) for change in changes)
        wanted.update((change.path, None) for change in changes if isinstance(change, Move))
        there = {file.path: file for file in self.repository.list_files(commit_sha) if file.path in wanted}
        if {path for path, sha in wanted.items() if sha} != there.keys():
            return False
        files = self.repository.read_files(commit_sha, there.values())
        return all(blob_sha(file.content) == wanted[file.path] for file in files)

    # -- proposing and publishing ---------------------------------------------------------------------

    def _new_pull_request(self, branch: str, edit: Edit) -> NewPullRequest:
        return NewPullRequest(
            title=edit.title,
            body=_BODY,
            head=branch,
            base=self.drafts.base,
            labels=(f"{self.repository.options.cms_label_prefix}{edit.status}",),
            squash=self.repository.options.squash_merges,
            author=edit.author,
        )

    def open(self, branch: str, edit: Edit) -> PullRequest:
        """Open the pull request of a draft that has none."""
        return self.repository.create_pull_request(self._new_pull_request(branch, edit))

    def label(self, pull: PullRequest, wanted: Status) -> PullRequest:
        """Give a pull request exactly one status label; it keeps the prefix that it has."""
        labels = self.drafts.statuses(pull)
        if list(labels.values()) == [wanted]:
            return pull
        own = self.repository.options.cms_label_prefix
        prefix = next((label.removesuffix(status) for label, status in labels.items()), own)
        label = f"{prefix}{wanted}"
        others = tuple(each for each in labels if each != label)
        pull = self.repository.set_labels(pull, () if label in labels else (label,), others)
        # Somebody may have given it another one since it was looked at; the answer tells all.
        more = tuple(each for each in self.drafts.statuses(pull) if each != label)
        return self.repository.set_labels(pull, (), more) if more else pull

    def merge(self, kind: Collection, slug: str, draft: Draft, pull: PullRequest) -> Entry:
        """Merge a draft at the commit that was looked at, delete its branch, and describe what is published."""
        entry = self.drafts.entry(kind, slug, draft)
        squash = self.repository.options.squash_merges
        merge = self.repository.merge_pull_request(
            attrs.evolve(pull, head_commit_sha=draft.commit_sha),
            "squash" if squash else "merge",
            pull.title if squash else f"Publish: {pull.title}",
            delete_branch=True,
        )
        if not merge.branch_deleted:
            self.repository.delete_branch(draft.branch, draft.commit_sha)
        self.drafts.remember(kind.name, slug, None)
        base = self.drafts.base_commit()
        at_base = self.repository.compare(base, draft.commit_sha).merge_base_commit_sha == base
        if merge.commit_sha is None or not at_base or entry.path != kind.path_of(slug):
            return self.drafts.published_or_gone(kind, slug)
        # Merged into the base that it left: what it had is what is published.
        self.drafts.base_moved(merge.commit_sha)
        versions = {path: version for path, version in entry.versions.items() if path == entry.path}
        return Entry(
            kind.name, slug, Status.PUBLISHED, entry.path, merge.commit_sha, versions, deletes=entry.deletes
        )

    def finish(self, kind: Collection, slug: str, state: str) -> bool:
        """Delete the branch that an interrupted publish or discard left; False if there was no such call."""
        for branch in branch_names(kind.name, slug):
            for pull in self.drafts.ended(branch)[:1]:
                if pull.state == state:
                    if self.drafts.head(branch) == pull.head_commit_sha:
                        self.repository.delete_branch(branch, pull.head_commit_sha)
                    return True
        return False

    # -- taking off the site --------------------------------------------------------------------------

    def removal(self, kind: Collection, slug: str) -> Commit | None:
        """Find the commit that took an entry off the site and is still what its path says."""
        path = kind.path_of(slug)
        head = self.repository.get_branch(self.drafts.base).commit_sha
        if self.drafts.version(head, path):
            return None
        for commit in self.repository.list_commits(head, path, limit=1):
            if unpublished_key(commit) == (kind.name, slug):
                return commit
        return None

    def redraft(self, kind: Collection, slug: str, removal: Commit, author: User | None) -> Entry:
        """Make the draft of an entry that was taken off the site, with the bytes that it had there."""
        path = kind.path_of(slug)
        file = self.repository.read_file(removal.parent_commit_shas[0], path)
        change = Put(path, file.content, mode=file.version.mode)
        message = self.message("create", kind, slug, author)
        edit = Edit(kind, slug, (change,), message, author, Status.PENDING_PUBLISH, removal.commit_sha)
        return self.save_new(edit)


def _outcome(change: Change) -> tuple[str, str | None]:
    """Give the path that a change leaves and the blob there, None where it is gone."""
    if isinstance(change, Delete):
        return change.path, None
    if isinstance(change, Put):
        return change.path, blob_sha(change.content)
    return change.to, change.replaces.blob_sha if change.content is None else blob_sha(change.content)
