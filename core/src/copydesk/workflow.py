"""The editorial workflow: drafts, review, publishing. Written against `Repository` alone.

The truth is a branch, its pull request and its label; nothing is kept on the side. Every step may be
interrupted anywhere: the same call again finishes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

import attrs

from copydesk.blobs import blob_sha
from copydesk.config import SiteConfig
from copydesk.content import Collection
from copydesk.errors import (
    ConflictError,
    CopydeskError,
    InvalidInputError,
    NotFoundError,
    NotMergeableError,
)
from copydesk.models import (
    Change,
    ChangedFile,
    Delete,
    File,
    FileVersion,
    NewCommit,
    NewPullRequest,
    PullRequest,
    Put,
    Status,
    TreeEntry,
    User,
)
from copydesk.naming import (
    BRANCH_PREFIX,
    branch_key,
    branch_names,
    check_status,
    commit_message,
    label_statuses,
)
from copydesk.repository import Repository

__all__ = ["Entry", "Workflow"]

_BODY: Final = "Opened by copydesk"


@attrs.frozen
class Entry:
    """A piece of content and where it stands.

    :param path: its file; "" where the collection is not in the configuration.
    :param commit_sha: the commit that it was looked at: the head of its draft, or of the base branch.
    :param versions: what its files are, for `save(based_on=…)`; a listing leaves it empty, `get` fills it.
    :param changed_paths: under workflow, what publishing would change.
    :param deletes: publishing would remove it.
    :param problem: what is wrong with it and what to do, in one sentence; "" where all is well.
    """

    collection: str
    slug: str
    status: Status
    path: str
    commit_sha: str
    versions: Mapping[str, FileVersion] = attrs.field(factory=dict)
    changed_paths: tuple[str, ...] = ()
    pull_request: PullRequest | None = None
    deletes: bool = False
    problem: str = ""

    @property
    def author(self) -> str:
        """Who opened the draft, as far as known."""
        user = self.pull_request.author if self.pull_request else None
        return user.name or user.login if user else ""

    @property
    def updated_at(self) -> datetime | None:
        """When the draft changed last."""
        return self.pull_request.updated_at if self.pull_request else None


@attrs.frozen
class _Draft:
    """A draft's branch and its open pull request; the latter is missing after an interruption."""

    branch: str
    commit_sha: str
    pull_request: PullRequest | None


class Workflow:
    """Takes the entries of one site through draft, review and publishing."""

    def __init__(self, repository: Repository, site: SiteConfig) -> None:
        self.repository = repository
        self.site = site

    # -- looking --------------------------------------------------------------------------------------

    def entries(self) -> tuple[Entry, ...]:
        """List every entry under workflow, newest first.

        One whose pull request is broken is listed with its *problem*, beside the others.
        """
        pulls = self.repository.list_pull_requests("open", self.repository.base_branch)
        ours = [pull for pull in pulls if pull.head.startswith(BRANCH_PREFIX) or pull.problem]
        return self.repository.map_reads(self._listed, ours)

    def published(self, collection: str) -> tuple[Entry, ...]:
        """List the published entries of a collection, in order of path, with their versions.

        :raises ConfigError: no such collection.
        """
        kind = self.site.collection(collection)
        head = self.repository.get_branch(self.repository.base_branch).commit_sha
        files = self.repository.list_files(head, kind.folder or "")
        return tuple(
            Entry(collection, slug, Status.PUBLISHED, file.path, head, {file.path: file.version})
            for file in files
            if (slug := kind.slug_of(file.path)) is not None
        )

    def get(self, collection: str, slug: str) -> Entry:
        """Give an entry with its versions: its draft if there is one, else what is published.

        :raises NotFoundError: there is neither.
        """
        kind, slug = self._named(collection, slug)
        draft = self._find(collection, slug)
        return self._entry(kind, slug, draft) if draft else self._published(kind, slug)

    def read(self, entry: Entry) -> tuple[File, ...]:
        """Read the files of an entry that `get` or `published` gave, as they were then."""
        entries = (TreeEntry(path, None, version) for path, version in entry.versions.items())
        return self.repository.read_files(entry.commit_sha, entries)

    # -- writing --------------------------------------------------------------------------------------

    def save(
        self,
        collection: str,
        slug: str,
        files: bytes | Mapping[str, bytes],
        *,
        based_on: Mapping[str, FileVersion] | None = None,
        remove: Iterable[str] = (),
        message: str = "",
        author: User | None = None,
    ) -> Entry:
        """Save an entry as a draft: a new one, or one more commit on its branch.

        With ``publish_mode: simple`` it goes to the base branch at once.

        :param files: the entry's bytes, or path to bytes for it and its media. All go into one commit.
        :param based_on: the versions that the editor opened (`Entry.versions`); what is not in it must not
            exist yet.
        :param remove: paths in *based_on* that the entry no longer has; deleted in the same commit.
        :raises ConflictError: somebody else changed one of the files since; nothing was written.
        :raises InvalidSlugError: no branch can have that name, or it does not fit the collection.
        """
        kind, slug = self._named(collection, slug)
        opened = dict(based_on or {})
        path = kind.path_of(slug)
        contents = {path: files} if isinstance(files, bytes) else dict(files)
        changes = _changes(contents, opened, tuple(remove))
        message = message or self._message("update" if path in opened else "create", kind, slug, author)
        if not changes:
            return self.get(collection, slug)
        if self.site.publish_mode == "simple":
            return self._save_simple(kind, slug, changes, message, author)
        draft = self._find(collection, slug)
        if draft is None:
            return self._save_new(kind, slug, changes, message, author)
        return self._save_again(kind, slug, draft, changes, message, author)

    def set_status(self, collection: str, slug: str, status: str) -> Entry:
        """Move a draft to `draft`, `pending_review` or `pending_publish`.

        :raises NotFoundError: it has no draft.
        :raises InvalidInputError: no such status.
        """
        wanted = check_status(status)
        kind, slug = self._named(collection, slug)
        draft = self._require(kind, slug)
        pull = draft.pull_request
        if pull is None:
            pull = self._open(draft.branch, self._message("update", kind, slug, None), None, wanted)
        labels = label_statuses(pull.labels, self._prefix)
        if list(labels.values()) != [wanted]:
            # The pull request keeps the prefix that it has.
            prefix = next((label.removesuffix(now) for label, now in labels.items()), self._prefix)
            label = f"{prefix}{wanted}"
            others = tuple(each for each in labels if each != label)
            pull = self.repository.set_labels(pull, (label,) if label not in labels else (), others)
        return self._entry(kind, slug, attrs.evolve(draft, pull_request=pull))

    def publish(self, collection: str, slug: str, *, head_commit_sha: str = "") -> Entry:
        """Merge a draft that is `pending_publish` and delete its branch.

        :param head_commit_sha: the commit that the editor saw (`Entry.commit_sha`); "" for the one now.
        :returns: the published entry; also when an earlier call had published it.
        :raises ConflictError: the draft has moved since; look at it again.
        :raises NotMergeableError: it is not ready, or the forge refuses; *reason* says why.
        :raises NotFoundError: it has no draft and never had one.
        """
        kind, slug = self._named(collection, slug)
        draft = self._find(collection, slug)
        if draft is None:
            if not self._finish(kind, slug, "merged"):
                raise self._no_draft(kind, slug)
            return self._published_or_gone(kind, slug)
        entry = self._entry(kind, slug, draft)
        if entry.status is not Status.PENDING_PUBLISH or draft.pull_request is None:
            raise NotMergeableError(
                f"{collection} {slug!r} is {entry.status} and not {Status.PENDING_PUBLISH}: "
                f"set its status first, when it is ready",
                reason="status",
                number=draft.pull_request.number if draft.pull_request else 0,
            )
        if head_commit_sha and head_commit_sha != draft.commit_sha:
            raise ConflictError(
                f"the draft of {collection} {slug!r} is at {draft.commit_sha[:12]} and no longer at "
                f"{head_commit_sha[:12]}; look at the new commits before you publish",
                branch=draft.branch,
                head_commit_sha=draft.commit_sha,
            )
        self._merge(draft, draft.pull_request)
        return self._published_or_gone(kind, slug)

    def discard(self, collection: str, slug: str, *, head_commit_sha: str = "") -> None:
        """Close the pull request of a draft and delete its branch; what is published stays.

        :param head_commit_sha: the commit that the editor saw; "" for the one now.
        :raises ConflictError: the draft has moved since.
        :raises NotFoundError: it has no draft and never had one.
        """
        kind, slug = self._named(collection, slug)
        draft = self._find(collection, slug)
        if draft is None:
            if not self._finish(kind, slug, "closed"):
                raise self._no_draft(kind, slug)
            return
        seen = attrs.evolve(draft, commit_sha=head_commit_sha or draft.commit_sha)
        if draft.pull_request is not None:
            pull = attrs.evolve(draft.pull_request, head_commit_sha=seen.commit_sha)
            self.repository.close_pull_request(pull, delete_branch=True)
        self.repository.delete_branch(seen.branch, seen.commit_sha)

    # -- how a draft is found -------------------------------------------------------------------------

    @property
    def _prefix(self) -> str:
        return self.repository.options.cms_label_prefix

    def _named(self, collection: str, slug: str) -> tuple[Collection, str]:
        kind = self.site.collection(collection)
        return kind, kind.full_slug(slug)

    def _find(self, collection: str, slug: str) -> _Draft | None:
        """Find the draft of an entry: an open pull request, or a branch that lost or never got one."""
        base = self.repository.base_branch
        for branch in branch_names(collection, slug):
            pulls = self.repository.list_pull_requests("open", base, branch)
            for pull in pulls:
                if not pull.from_fork and not pull.problem:
                    return _Draft(branch, pull.head_commit_sha, pull)
        for branch in branch_names(collection, slug):
            head = self._head(branch)
            if head and not self._is_finished(branch, head):
                return _Draft(branch, head, None)
        return None

    def _head(self, branch: str) -> str:
        try:
            return self.repository.get_branch(branch).commit_sha
        except NotFoundError:
            return ""

    def _ended(self, branch: str) -> tuple[PullRequest, ...]:
        pulls = self.repository.list_pull_requests("all", self.repository.base_branch, branch)
        return tuple(pull for pull in pulls if pull.state != "open" and not pull.from_fork)

    def _is_finished(self, branch: str, head: str) -> bool:
        """Whether a branch is only what an interrupted publish or discard left."""
        return any(pull.head_commit_sha == head for pull in self._ended(branch))

    def _finish(self, kind: Collection, slug: str, state: str) -> bool:
        """Delete the branch that an interrupted publish or discard left; False if there was no such call."""
        for branch in branch_names(kind.name, slug):
            for pull in self._ended(branch)[:1]:
                if pull.state == state:
                    if self._head(branch) == pull.head_commit_sha:
                        self.repository.delete_branch(branch, pull.head_commit_sha)
                    return True
        return False

    def _require(self, kind: Collection, slug: str) -> _Draft:
        draft = self._find(kind.name, slug)
        if draft is None:
            raise self._no_draft(kind, slug)
        return draft

    def _no_draft(self, kind: Collection, slug: str) -> NotFoundError:
        return NotFoundError(f"{kind.name} {slug!r} has no draft; save it first, or list the entries")

    # -- how an entry is described --------------------------------------------------------------------

    def _listed(self, pull: PullRequest) -> Entry:
        """Describe one pull request of a listing; what is wrong with it is told, not raised."""
        key = branch_key(pull.head)
        collection, slug = key or ("", "")
        labels = label_statuses(pull.labels, self._prefix)
        path, misplaced = self._path(collection, slug)
        problem = pull.problem or _problem(pull, key, labels) or misplaced
        changed: tuple[str, ...] = pull.changed_paths or ()
        if pull.changed_paths is None and not pull.problem:
            try:
                changed = tuple(sorted(self._compared(pull.base, pull.head_commit_sha)))
            except CopydeskError as exc:
                problem = problem or f"its changes cannot be told: {exc}"
        return Entry(
            collection=collection,
            slug=slug,
            status=next(iter(labels.values()), Status.DRAFT),
            path=path,
            commit_sha=pull.head_commit_sha,
            changed_paths=changed,
            pull_request=pull,
            problem=problem,
        )

    def _path(self, collection: str, slug: str) -> tuple[str, str]:
        """Give the path of an entry, or what is wrong with it."""
        try:
            return self.site.collection(collection).path_of(slug), ""
        except CopydeskError as exc:
            return "", str(exc) if collection else ""

    def _compared(self, base: str, head_commit_sha: str) -> dict[str, ChangedFile]:
        start = self.repository.get_branch(base).commit_sha
        files = self.repository.compare(start, head_commit_sha).files
        gone = {
            file.previous_path: ChangedFile(file.previous_path, "deleted", None)
            for file in files
            if file.previous_path
        }
        return {**gone, **{file.path: file for file in files}}

    def _entry(self, kind: Collection, slug: str, draft: _Draft) -> Entry:
        """Describe a draft with the versions of its files."""
        path = kind.path_of(slug)
        changed = self._compared(self.repository.base_branch, draft.commit_sha)
        versions = {file.path: file.version for file in changed.values() if file.version is not None}
        if path not in changed:
            versions.update(self._version(draft.commit_sha, path))
        pull = draft.pull_request
        labels = label_statuses(pull.labels, self._prefix) if pull else {}
        lacking = (
            "" if pull else f"branch {draft.branch!r} has no pull request; save it again, or set a status"
        )
        return Entry(
            collection=kind.name,
            slug=slug,
            status=next(iter(labels.values()), Status.DRAFT),
            path=path,
            commit_sha=draft.commit_sha,
            versions=versions,
            changed_paths=tuple(sorted(changed)),
            pull_request=pull,
            deletes=path in changed and path not in versions,
            problem=lacking or (_problem(pull, (kind.name, slug), labels) if pull else ""),
        )

    def _version(self, commit_sha: str, path: str) -> dict[str, FileVersion]:
        folder = path.rpartition("/")[0]
        files = self.repository.list_files(commit_sha, folder)
        return {file.path: file.version for file in files if file.path == path}

    def _published(self, kind: Collection, slug: str) -> Entry:
        path = kind.path_of(slug)
        head = self.repository.get_branch(self.repository.base_branch).commit_sha
        versions = self._version(head, path)
        if not versions:
            raise NotFoundError(
                f"{kind.name} {slug!r} is neither published (no {path!r} on {self.repository.base_branch!r}) "
                "nor under workflow"
            )
        return Entry(kind.name, slug, Status.PUBLISHED, path, head, versions)

    def _published_or_gone(self, kind: Collection, slug: str) -> Entry:
        """Describe what publishing made; of a published deletion there is nothing left."""
        try:
            return self._published(kind, slug)
        except NotFoundError:
            head = self.repository.get_branch(self.repository.base_branch).commit_sha
            return Entry(kind.name, slug, Status.PUBLISHED, kind.path_of(slug), head, deletes=True)

    def _message(self, template: str, kind: Collection, slug: str, author: User | None) -> str:
        templates = self.repository.options.commit_messages
        user = author
        if user is None and "author-" in templates.get(template, ""):
            user = self.repository.authenticate().user
        values = {
            "slug": slug,
            "collection": kind.label or kind.name,
            "path": kind.path_of(slug),
            "author-login": user.login if user else "",
            "author-name": user.name if user else "",
        }
        return commit_message(templates, template, values)

    # -- how it is saved, published -------------------------------------------------------------------

    def _save_simple(
        self, kind: Collection, slug: str, changes: tuple[Change, ...], message: str, author: User | None
    ) -> Entry:
        branch = self.repository.get_branch(self.repository.base_branch)
        self._commit(NewCommit(branch.name, branch.commit_sha, changes, message, author))
        return self._published_or_gone(kind, slug)

    def _save_again(
        self,
        kind: Collection,
        slug: str,
        draft: _Draft,
        changes: tuple[Change, ...],
        message: str,
        author: User | None,
    ) -> Entry:
        head = self._commit(NewCommit(draft.branch, draft.commit_sha, changes, message, author))
        pull = draft.pull_request
        if pull is None:
            pull = self._open(draft.branch, message, author, Status.DRAFT)
        elif not label_statuses(pull.labels, self._prefix):
            pull = self.repository.set_labels(pull, (f"{self._prefix}{Status.DRAFT}",))
        return self._entry(kind, slug, _Draft(draft.branch, head, attrs.evolve(pull, head_commit_sha=head)))

    def _save_new(
        self, kind: Collection, slug: str, changes: tuple[Change, ...], message: str, author: User | None
    ) -> Entry:
        base = self.repository.get_branch(self.repository.base_branch)
        names = branch_names(kind.name, slug)
        for branch in names:
            commit = NewCommit(branch, base.commit_sha, changes, message, author, creates_branch=True)
            pull = self._new_pull_request(branch, message, author, Status.DRAFT)
            try:
                made = self.repository.propose_changes(commit, pull)
            except ConflictError as exc:
                if exc.paths or exc.committed:
                    raise
                if self._head(branch):
                    return self._resume(kind, slug, commit, exc)
                if branch == names[-1] or not self._is_blocked(branch):
                    raise
                continue
            head = made.commit.commit_sha
            return self._entry(kind, slug, _Draft(branch, head, made.pull_request))
        raise AssertionError  # unreachable: the last name returns or raises

    def _is_blocked(self, branch: str) -> bool:
        """Whether git cannot hold the branch because of one above or below it."""
        others = self.repository.list_branches(BRANCH_PREFIX)
        return any(
            branch.startswith(f"{other.name}/") or other.name.startswith(f"{branch}/") for other in others
        )

    def _resume(self, kind: Collection, slug: str, commit: NewCommit, conflict: ConflictError) -> Entry:
        """Go on from a branch that is there although no open pull request was found for it."""
        head = self._head(commit.branch)
        if self._is_finished(commit.branch, head):
            self.repository.delete_branch(commit.branch, head)
            return self._save_new(kind, slug, commit.changes, commit.message, commit.author)
        draft = self._find(kind.name, slug)
        if draft is None or not self._holds(draft.commit_sha, commit.changes):
            raise ConflictError(
                f"somebody else saved {kind.name} {slug!r} at the same time (branch {commit.branch!r}); "
                "get it, merge your edit into it and save again",
                branch=commit.branch,
                head_commit_sha=head,
            ) from conflict
        pull = draft.pull_request or self._open(draft.branch, commit.message, commit.author, Status.DRAFT)
        return self._entry(kind, slug, attrs.evolve(draft, pull_request=pull))

    def _commit(self, commit: NewCommit) -> str:
        """Commit, and give the head; what an earlier, interrupted call had committed is not done again."""
        try:
            return self.repository.commit_changes(commit).commit_sha
        except ConflictError as exc:
            head = self._head(commit.branch)
            if exc.committed or not head or not self._holds(head, commit.changes):
                raise
            return head

    def _holds(self, commit_sha: str, changes: tuple[Change, ...]) -> bool:
        """Whether every change is already made as of a commit."""
        there = {file.path: file.version for file in self.repository.list_files(commit_sha)}
        for change in changes:
            version = there.get(change.path)
            if isinstance(change, Put):
                if (
                    version is None
                    or self.repository.read_file(commit_sha, change.path).content != change.content
                ):
                    return False
            elif version is not None:
                return False
        return True

    def _new_pull_request(
        self, branch: str, message: str, author: User | None, status: Status
    ) -> NewPullRequest:
        return NewPullRequest(
            title=message.partition("\n")[0],
            body=_BODY,
            head=branch,
            base=self.repository.base_branch,
            labels=(f"{self._prefix}{status}",),
            squash=self.repository.options.squash_merges,
            author=author,
        )

    def _open(self, branch: str, message: str, author: User | None, status: Status) -> PullRequest:
        return self.repository.create_pull_request(self._new_pull_request(branch, message, author, status))

    def _merge(self, draft: _Draft, pull: PullRequest) -> None:
        squash = self.repository.options.squash_merges
        merge = self.repository.merge_pull_request(
            attrs.evolve(pull, head_commit_sha=draft.commit_sha),
            "squash" if squash else "merge",
            pull.title if squash else f"Publish: {pull.title}",
            delete_branch=True,
        )
        if not merge.branch_deleted:
            self.repository.delete_branch(draft.branch, draft.commit_sha)


def _changes(
    contents: Mapping[str, bytes], opened: Mapping[str, FileVersion], remove: tuple[str, ...]
) -> tuple[Change, ...]:
    """Give what differs from the versions that the editor opened."""
    unknown = [path for path in remove if path not in opened]
    if unknown:
        raise InvalidInputError(
            f"cannot remove {unknown[0]!r}: it is not in based_on; pass the version that was opened"
        )
    puts: list[Change] = [
        Put(path, content, opened.get(path))
        for path, content in contents.items()
        if path not in opened or opened[path].blob_sha != blob_sha(content)
    ]
    return (*puts, *(Delete(path, opened[path]) for path in remove))


def _problem(pull: PullRequest, key: tuple[str, str] | None, labels: Mapping[str, Status]) -> str:
    if key is None:
        return f"the name of branch {pull.head!r} is not that of an entry; rename it"
    if pull.from_fork:
        return "it comes from a fork, which copydesk does not write to; merge or close it on the forge"
    if not pull.head_commit_sha:
        return f"its branch {pull.head!r} is gone; close it on the forge"
    if not labels:
        return "it has no status label and counts as a draft; set a status"
    if len(labels) > 1:
        return f"it has more than one status label ({', '.join(labels)}); set a status"
    return ""
