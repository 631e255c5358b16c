"""The editorial workflow: drafts, review, publishing. Written against `Repository` alone.

The truth is a branch, its pull request and its label; nothing is kept on the side. Every step may be
interrupted anywhere: the same call again finishes it, and `repair` finds what nobody called again.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeVar

import attrs

from copydesk.config import SiteConfig
from copydesk.content import Collection
from copydesk.drafts import Drafts, Looks
from copydesk.entries import Draft, Edit, Entry, make_changes, trailer
from copydesk.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    NotMergeableError,
    PermissionDeniedError,
)
from copydesk.models import Check, Commit, Delete, File, FileVersion, Put, Status, TreeEntry, User
from copydesk.naming import BRANCH_PREFIX, check_status
from copydesk.reading import Progress
from copydesk.repair import repair
from copydesk.repository import Repository
from copydesk.steps import Steps

__all__ = ["Entry", "Workflow"]

T = TypeVar("T")


class Workflow:
    """Takes the entries of one site through draft, review and publishing.

    A look at an entry lasts a few seconds for the writes that follow, each guarded by what was seen.

    :param clock: seconds, given for tests.
    """

    def __init__(
        self, repository: Repository, site: SiteConfig, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.repository = repository
        self.site = site
        self._drafts = Drafts(repository, site, Looks(clock))
        self._steps = Steps(self._drafts)

    # -- looking --------------------------------------------------------------------------------------

    def entries(self) -> tuple[Entry, ...]:
        """List every entry under workflow, newest first.

        One whose pull request is broken is listed with its *problem*, beside the others.
        """
        pulls = self.repository.list_pull_requests("open", self._drafts.base)
        ours = [pull for pull in pulls if pull.head.startswith(BRANCH_PREFIX) or pull.problem]
        return self.repository.map_reads(self._drafts.listed, ours)

    def published(self, collection: str) -> tuple[Entry, ...]:
        """List the published entries of a collection, in order of path, with their versions.

        :raises ConfigError: no such collection.
        """
        kind = self.site.collection(collection)
        head = self._drafts.look_at_base()
        files = self.repository.list_files(head, kind.folder or "")
        return tuple(
            Entry(collection, slug, Status.PUBLISHED, file.path, head, {file.path: file.version})
            for file in files
            if (slug := kind.slug_of(file.path)) is not None
        )

    def load_drafts(self) -> Iterator[tuple[Entry, tuple[File, ...]]]:
        """Give every entry under workflow, newest first, with its versions and the files that it changes.

        One whose pull request is broken comes with its *problem*; a file that it deletes is not there.
        """
        found = self.entries()
        paths = {entry.commit_sha: entry.changed_paths for entry in found if entry.commit_sha}
        read = dict(self.repository.read_each(paths))
        for entry in found:
            files = read.get(entry.commit_sha, ())
            yield attrs.evolve(entry, versions={file.path: file.version for file in files}), files

    def load_published(
        self, collection: str, *, progress: Callable[[Progress], None] | None = None
    ) -> Iterator[tuple[Entry, File]]:
        """Give each published entry of a collection with its file as soon as it is here; see `read_all`.

        :raises ConfigError: no such collection.
        """
        return self._loaded(self.site.collection(collection), progress)

    def _loaded(
        self, kind: Collection, progress: Callable[[Progress], None] | None
    ) -> Iterator[tuple[Entry, File]]:
        if kind.folder is None:  # a few files that may lie anywhere
            if found := self.published(kind.name):
                listed = [TreeEntry(entry.path, None, entry.versions[entry.path]) for entry in found]
                yield from zip(found, self.repository.read_files(found[0].commit_sha, listed), strict=True)
            return
        head = self._drafts.look_at_base()
        files = self.repository.read_all(
            kind.folder, lambda path: kind.slug_of(path) is not None, commit_sha=head, progress=progress
        )
        with contextlib.closing(files):
            for file in files:
                slug, versions = str(kind.slug_of(file.path)), {file.path: file.version}
                yield Entry(kind.name, slug, Status.PUBLISHED, file.path, head, versions), file

    def get(self, collection: str, slug: str) -> Entry:
        """Give an entry with its versions: its draft if there is one, else what is published.

        :raises NotFoundError: there is neither.
        """
        kind, slug = self._named(collection, slug)
        draft = self._drafts.find(collection, slug)
        if draft is None:
            return self._drafts.published(kind, slug)
        self._drafts.look_at_base()
        return self._drafts.entry(kind, slug, draft)

    def read(self, entry: Entry) -> tuple[File, ...]:
        """Read the files of an entry that `get` or `published` gave, as they were then."""
        entries = (TreeEntry(path, None, version) for path, version in entry.versions.items())
        return self.repository.read_files(entry.commit_sha, entries)

    def preview(self, collection: str, slug: str) -> Check | None:
        """Find the deploy preview of a draft: the check named by ``preview_context``, else one for `deploy`.

        :returns: its address and state, or None where there is none (yet).
        :raises NotSupportedError: the backend has no checks.
        :raises NotFoundError: it has no draft.
        """
        kind, slug = self._named(collection, slug)
        checks = self.repository.list_checks(self._require(kind, slug).commit_sha)
        wanted = self.repository.options.preview_context
        found = (
            check for check in checks if (check.name == wanted if wanted else "deploy" in check.name.lower())
        )
        return next(found, None)

    # -- writing --------------------------------------------------------------------------------------

    def save(
        self,
        collection: str,
        slug: str,
        files: bytes | Mapping[str, bytes],
        *,
        based_on: Mapping[str, FileVersion] | None = None,
        remove: Iterable[str] = (),
        move: Mapping[str, str] | None = None,
        message: str = "",
        author: User | None = None,
    ) -> Entry:
        """Save an entry as a draft: a new one, or one more commit on its branch.

        With ``publish_mode: simple`` it goes to the base branch at once.

        :param files: the entry's bytes, or path to bytes for it and its media. All go into one commit.
        :param based_on: the versions that the editor opened (`Entry.versions`); what is not in it must not
            exist yet.
        :param remove: paths in *based_on* that the entry no longer has; deleted in the same commit.
        :param move: old to new path of files in *based_on*; the new one must not exist. The draft keeps its
            slug until it is published.
        :raises ConflictError: somebody else changed one of the files since; nothing was written.
        :raises InvalidSlugError: no branch can have that name, or it does not fit the collection.
        """
        kind, slug = self._named(collection, slug)
        opened = dict(based_on or {})
        path = _opened_path(kind, slug, opened)
        contents = {path: files} if isinstance(files, bytes) else dict(files)
        changes = make_changes(contents, opened, remove, move)
        if not changes:
            return self.get(collection, slug)
        words = message or self._steps.message("update" if path in opened else "create", kind, slug, author)
        return self._save(Edit(kind, slug, changes, words, author))

    def _save(self, edit: Edit) -> Entry:
        return self._with_draft(edit.kind, edit.slug, lambda draft: self._steps.save(edit, draft))

    def delete(
        self,
        collection: str,
        slug: str,
        *,
        based_on: Mapping[str, FileVersion],
        remove: Iterable[str] = (),
        message: str = "",
        author: User | None = None,
    ) -> Entry:
        """Remove a published entry through review: a draft whose publishing deletes it.

        A later `save` turns the draft into an edit. With ``publish_mode: simple`` it is removed at once.

        :param based_on: the versions that the editor opened.
        :param remove: more paths in *based_on* that go with it.
        :raises ConflictError: somebody else changed it since; nothing was written.
        :raises NotFoundError: it is not published; a draft is discarded, not deleted.
        """
        kind, slug = self._named(collection, slug)
        published = self._drafts.published_or_gone(kind, slug)
        draft = self._drafts.find(collection, slug)
        if published.deletes and draft is not None:
            raise NotFoundError(f"{collection} {slug!r} is not published; to drop its draft, discard it")
        changes = make_changes({}, based_on, dict.fromkeys((kind.path_of(slug), *remove)))
        words = message or self._steps.message("delete", kind, slug, author)
        return self._save(Edit(kind, slug, changes, words, author))

    def unpublish(
        self,
        collection: str,
        slug: str,
        *,
        based_on: Mapping[str, FileVersion],
        message: str = "",
        author: User | None = None,
    ) -> Entry:
        """Take a published entry off the site and keep it as a draft that is `pending_publish`.

        One commit on the base removes it, with a trailer that names it; the draft then starts from that commit
        with the same bytes. If the second step is cut, the same call or `repair` finishes it.

        :param based_on: the versions that the editor opened.
        :raises ConflictError: somebody else changed it since, or it has a draft; nothing was written.
        :raises NotFoundError: it is not published.
        :raises PermissionDeniedError: the base branch is protected; `delete` goes through review.
        """
        kind, slug = self._named(collection, slug)
        draft = self._drafts.find(collection, slug)
        removal = self._steps.removal(kind, slug)
        if removal is None and draft is not None:
            raise ConflictError(
                f"{collection} {slug!r} has a draft on branch {draft.branch!r}; publish or discard it first",
                branch=draft.branch,
                head_commit_sha=draft.commit_sha,
            )
        if draft is not None and draft.pull_request is not None:  # made by an earlier call
            return self._drafts.entry(kind, slug, draft)
        if removal is None:
            self._drafts.published(kind, slug)  # or say that it is not
            words = message or self._steps.message("delete", kind, slug, author)
            removal = self._take_off(kind, slug, based_on, words, author)
        return self._steps.redraft(kind, slug, removal, author)

    def _take_off(
        self,
        kind: Collection,
        slug: str,
        based_on: Mapping[str, FileVersion],
        message: str,
        author: User | None,
    ) -> Commit:
        changes = make_changes({}, based_on, (kind.path_of(slug),))
        try:
            self._steps.commit_to_base(changes, f"{message}\n\n{trailer(kind.name, slug)}", author)
        except PermissionDeniedError as exc:
            raise PermissionDeniedError(
                f"{exc}; unpublishing commits to {self._drafts.base!r}: use delete, which goes through review"
            ) from exc
        removal = self._steps.removal(kind, slug)
        if removal is None:
            raise ConflictError(
                f"somebody else published {kind.name} {slug!r} again meanwhile; look at it again",
                branch=self._drafts.base,
            )
        return removal

    def set_status(self, collection: str, slug: str, status: str) -> Entry:
        """Move a draft to `draft`, `pending_review` or `pending_publish`.

        :raises NotFoundError: it has no draft.
        :raises InvalidInputError: no such status.
        """
        wanted = check_status(status)
        kind, slug = self._named(collection, slug)
        return self._with_draft(kind, slug, lambda draft: self._set_status(kind, slug, draft, wanted))

    def _set_status(self, kind: Collection, slug: str, draft: Draft | None, wanted: Status) -> Entry:
        if draft is not None and self._status(draft) is wanted:
            draft = self._drafts.find(kind.name, slug)  # nothing would be sent that shows a change meanwhile
        if draft is None:
            raise self._drafts.no_draft(kind.name, slug)
        pull = draft.pull_request
        if pull is None:
            words = self._steps.message("update", kind, slug, None)
            pull = self._steps.open(draft.branch, Edit(kind, slug, (), words, status=wanted))
        pull = self._steps.label(pull, wanted)
        return self._drafts.entry(kind, slug, attrs.evolve(draft, pull_request=pull))

    def update_from_base(self, collection: str, slug: str, *, allow_rewrite: bool = False) -> Entry:
        """Merge what was published since into a draft; never rewrites it, unless that is allowed.

        :param allow_rewrite: where the forge cannot merge, rebase: the commits of the draft get other shas.
        :raises NotFoundError: it has no draft with a pull request.
        :raises NotMergeableError: both changed the same places; *paths* says where.
        :raises NotSupportedError: the backend cannot, or only by rewriting.
        """
        kind, slug = self._named(collection, slug)
        draft = self._require(kind, slug)
        if draft.pull_request is None:
            raise self._drafts.no_draft(collection, slug)
        head = self.repository.update_from_base(draft.pull_request, allow_rewrite=allow_rewrite).commit_sha
        self._drafts.look_at_base()
        pull = attrs.evolve(draft.pull_request, head_commit_sha=head)
        return self._drafts.entry(kind, slug, Draft(draft.branch, head, pull))

    def publish(self, collection: str, slug: str, *, head_commit_sha: str = "") -> Entry:
        """Merge a draft that is `pending_publish` and delete its branch.

        :param head_commit_sha: the commit that the editor saw (`Entry.commit_sha`); "" for the one now.
        :returns: the published entry; also when an earlier call had published it.
        :raises ConflictError: the draft has moved since; look at it again.
        :raises NotMergeableError: it is not ready, or the forge refuses; *reason* says why.
        :raises NotFoundError: it has no draft and never had one.
        """
        kind, slug = self._named(collection, slug)
        return self._with_draft(kind, slug, lambda draft: self._publish(kind, slug, draft, head_commit_sha))

    def _publish(self, kind: Collection, slug: str, draft: Draft | None, head_commit_sha: str) -> Entry:
        collection = kind.name
        if draft is None:
            if not self._steps.finish(kind, slug, "merged"):
                raise self._drafts.no_draft(collection, slug)
            return self._drafts.published_or_gone(kind, slug)
        pull, status = draft.pull_request, self._status(draft)
        if pull is None or status is not Status.PENDING_PUBLISH:
            raise NotMergeableError(
                f"{collection} {slug!r} is {status} and not {Status.PENDING_PUBLISH}: "
                "set its status first, when it is ready",
                reason="status",
                number=pull.number if pull else 0,
            )
        if head_commit_sha and head_commit_sha != draft.commit_sha:
            raise ConflictError(
                f"the draft of {collection} {slug!r} is at {draft.commit_sha[:12]} and no longer at "
                f"{head_commit_sha[:12]}; look at the new commits before you publish",
                branch=draft.branch,
                head_commit_sha=draft.commit_sha,
            )
        return self._steps.merge(kind, slug, draft, pull)

    def discard(self, collection: str, slug: str, *, head_commit_sha: str = "") -> None:
        """Close the pull request of a draft and delete its branch; what is published stays.

        :param head_commit_sha: the commit that the editor saw; "" for the one now.
        :raises ConflictError: the draft has moved since.
        :raises NotFoundError: it has no draft and never had one.
        """
        kind, slug = self._named(collection, slug)
        self._with_draft(kind, slug, lambda draft: self._discard(kind, slug, draft, head_commit_sha))

    def _discard(self, kind: Collection, slug: str, draft: Draft | None, head_commit_sha: str) -> None:
        if draft is None:
            if not self._steps.finish(kind, slug, "closed"):
                raise self._drafts.no_draft(kind.name, slug)
            return
        seen = head_commit_sha or draft.commit_sha
        if draft.pull_request is None:
            self.repository.delete_branch(draft.branch, seen)
        else:
            pull = attrs.evolve(draft.pull_request, head_commit_sha=seen)
            self.repository.close_pull_request(pull, delete_branch=True)
        self._drafts.remember(kind.name, slug, None)

    def repair(self) -> tuple[str, ...]:
        """Finish what was interrupted and nobody called again; a healthy repository is left as it is.

        :returns: one sentence for each thing that was done, or found and left to a person.
        """
        return repair(self._steps)

    # -- media outside entries ------------------------------------------------------------------------

    def list_media(self) -> tuple[TreeEntry, ...]:
        """List the published files below ``media_folder``, in order of path.

        :raises InvalidInputError: the configuration names no media folder.
        """
        if not self.site.media_folder:
            raise InvalidInputError(f"{self.site.source} has no media_folder; add one to list media")
        head = self.repository.get_branch(self._drafts.base).commit_sha
        return self.repository.list_files(head, self.site.media_folder)

    def save_media(
        self,
        path: str,
        content: bytes,
        *,
        based_on: FileVersion | None = None,
        message: str = "",
        author: User | None = None,
    ) -> TreeEntry:
        """Put one file below ``media_folder`` on the base branch at once; media of an entry go with `save`.

        :param based_on: the version that it replaces, None: it must not exist yet.
        :raises ConflictError: it exists, or is another version.
        :raises InvalidInputError: it is not below the media folder.
        """
        self._commit_media("uploadMedia", Put(path, content, based_on), message, author)
        head = self.repository.get_branch(self._drafts.base).commit_sha
        return TreeEntry(path, len(content), self._drafts.version(head, path)[path])

    def delete_media(
        self, path: str, *, based_on: FileVersion, message: str = "", author: User | None = None
    ) -> None:
        """Remove one file below ``media_folder`` from the base branch at once.

        :raises ConflictError: it is another version than *based_on*.
        :raises InvalidInputError: it is not below the media folder.
        """
        self._commit_media("deleteMedia", Delete(path, based_on), message, author)

    def _commit_media(self, template: str, change: Put | Delete, message: str, author: User | None) -> None:
        folder = self.site.media_folder
        if not folder:
            raise InvalidInputError(f"{self.site.source} has no media_folder; add one to write media")
        if not change.path.startswith(f"{folder}/"):
            raise InvalidInputError(
                f"{change.path!r} is not below the media folder {folder!r} of {self.site.source}"
            )
        values = {"path": change.path, "slug": "", "collection": ""}
        words = message or self._steps.filled(template, values, author)
        self._steps.commit_to_base((change,), words, author)

    # -- how an entry is found ------------------------------------------------------------------------

    def _named(self, collection: str, slug: str) -> tuple[Collection, str]:
        kind = self.site.collection(collection)
        return kind, kind.full_slug(slug)

    def _with_draft(self, kind: Collection, slug: str, step: Callable[[Draft | None], T]) -> T:
        """Take a step with what was seen a moment ago; if that fails and is no longer so, with what is now."""
        base = self._drafts.known_base()
        draft, remembered = self._drafts.recall(kind.name, slug)
        try:
            return step(draft)
        except (ConflictError, NotFoundError, NotMergeableError) as exc:
            self._drafts.forget(kind.name, slug)
            committed = isinstance(exc, ConflictError) and exc.committed
            if committed or not (remembered or base) or not self._changed(kind, slug, draft, base):
                raise
        except BaseException:
            self._drafts.forget(kind.name, slug)
            raise
        return step(self._drafts.recall(kind.name, slug)[0])

    def _changed(self, kind: Collection, slug: str, draft: Draft | None, base: str) -> bool:
        """Look again, and tell whether draft or base are others than they were."""
        now = self._drafts.find(kind.name, slug)
        return now != draft or self._drafts.look_at_base() != base

    def _status(self, draft: Draft) -> Status:
        labels = self._drafts.statuses(draft.pull_request) if draft.pull_request else {}
        return next(iter(labels.values()), Status.DRAFT)

    def _require(self, kind: Collection, slug: str) -> Draft:
        draft = self._drafts.find(kind.name, slug)
        if draft is None:
            raise self._drafts.no_draft(kind.name, slug)
        return draft


def _opened_path(kind: Collection, slug: str, opened: Mapping[str, FileVersion]) -> str:
    """Give where the entry was when it was opened: its draft may have moved it."""
    path = kind.path_of(slug)
    moved = [each for each in opened if kind.slug_of(each) is not None]
    return moved[0] if path not in opened and len(moved) == 1 else path
