"""The operations on a git repository on disk.

The reference of the contract: compare-and-swap on every ref, so there is no window in which a change is lost.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final

import attrs
import pygit2
from copydesk import hookimpl
from copydesk.changes import carry_over
from copydesk.errors import (
    ConfigError,
    ConflictError,
    InvalidInputError,
    NotFoundError,
    NotMergeableError,
    ProtocolError,
)
from copydesk.lfs import Pointer
from copydesk.models import (
    Access,
    Branch,
    ChangedFile,
    Commit,
    Comparison,
    File,
    FileVersion,
    Merge,
    NewCommit,
    NewPullRequest,
    PullRequest,
    RepositoryInfo,
    TreeEntry,
    User,
)
from copydesk.options import BackendOptions, help_text, text

from copydesk_local import decap, worktree
from copydesk_local.api import read_commit, read_comparison, read_date, read_user
from copydesk_local.objects import Objects
from copydesk_local.pulls import PULLS, PullRecord, Pulls, broken
from copydesk_local.store import HEADS, Store
from copydesk_local.trees import (
    edit_tree,
    files_in,
    find,
    list_tree,
    require_file,
    version_of,
    walk_changes,
)

__all__ = ["LocalBackend", "LocalOptions"]

_EMPTY_MERGE: Final = "Merge branch '{head}'"


def _as_text(value: object) -> Any:
    return os.fspath(value) if isinstance(value, os.PathLike) else value


@attrs.frozen(kw_only=True)
class LocalOptions(BackendOptions):
    """Options of the ``local`` backend."""

    repo: str = attrs.field(
        default=".",
        converter=_as_text,
        validator=text,
        metadata=help_text("path of the repository: a bare one, or the top of a working copy; default: here"),
    )


@attrs.define(eq=False)
class LocalBackend:
    """One repository on disk. Pull requests are git objects in it; labels are theirs."""

    options: LocalOptions
    _store: Store

    @classmethod
    def open(cls, options: LocalOptions) -> LocalBackend:
        """Open the repository that the options name.

        :raises ConfigError: there is none.
        :raises ProtocolError: it is damaged.
        """
        return cls(options, Store.open(options.repo))

    # -- auth -----------------------------------------------------------------------------------------

    @hookimpl
    def authenticate(self) -> Access:
        with self._store.failures():
            return Access(self._configured_user(), may_write=os.access(self._store.common_dir, os.W_OK))

    def _configured_user(self) -> User | None:
        try:
            return read_user(self._store.git.default_signature)
        except KeyError:  # neither user.name nor user.email is configured
            return None

    # -- files ----------------------------------------------------------------------------------------

    @hookimpl
    def get_repository(self) -> RepositoryInfo:
        with self._store.failures():
            head = self._store.git.lookup_reference("HEAD").raw_target
            # A detached HEAD holds a commit and names no branch.
            name = head.decode().removeprefix(HEADS) if isinstance(head, bytes) else "master"
            path = str(self._store.path)
            return RepositoryInfo(
                name=self._store.path.name,
                default_branch=name,
                may_write=os.access(self._store.common_dir, os.W_OK),
                clone_url=path,
            )

    @hookimpl
    def get_branch(self, name: str) -> Branch:
        with self._store.failures():
            target = self._store.branch_target(name)
            if target is None:
                raise self._no_branch(name)
            return Branch(name, target)

    def _no_branch(self, name: str) -> NotFoundError:
        there = sorted(self._store.git.branches.local)
        listed = ", ".join(there[:8]) + (", …" if len(there) > 8 else "")
        return NotFoundError(
            f"there is no branch {name!r} in {str(self._store.path)!r} (it has: {listed or 'no commits yet'})"
        )

    @hookimpl
    def list_branches(self, prefix: str) -> tuple[Branch, ...]:
        start = HEADS + prefix
        with self._store.failures():
            names = sorted(name for name in self._store.git.references if name.startswith(start))
            found = ((name.removeprefix(HEADS), self._store.ref_target(name)) for name in names)
            # One that another process deleted between the two looks has no target.
            return tuple(Branch(name, target) for name, target in found if target is not None)

    @hookimpl
    def delete_branch(self, name: str, head_commit_sha: str) -> bool:
        with self._store.locked():
            return self._delete_branch(name, head_commit_sha)

    def _delete_branch(self, name: str, head_commit_sha: str) -> bool:
        worktree.require_free(self._store, name)
        deleted = self._store.delete_ref(HEADS + name, head_commit_sha)
        decap.forget(self._store.git, name, self._prefix)
        return deleted

    @hookimpl
    def list_files(self, commit_sha: str, folder: str) -> tuple[TreeEntry, ...]:
        with self._store.failures():
            below = find(self._store.commit(commit_sha).tree, folder)
            if not isinstance(below, pygit2.Tree):
                return ()
            return tuple(sorted(list_tree(below, folder), key=lambda entry: entry.path))

    @hookimpl
    def read_file(self, commit_sha: str, path: str) -> File:
        with self._store.failures():
            entry = find(self._store.commit(commit_sha).tree, path)
            blob = require_file(entry, path, commit_sha)
            return File(path, blob.data, version_of(blob))

    @hookimpl
    def read_files(self, commit_sha: str, entries: tuple[TreeEntry, ...]) -> tuple[File, ...]:
        with self._store.failures():
            tree = self._store.commit(commit_sha).tree
            folders = {entry.path.rpartition("/")[0] for entry in entries}
            there = {folder: files_in(find(tree, folder)) for folder in folders}
            return tuple(self._read(there, entry, commit_sha) for entry in entries)

    def _read(
        self, there: Mapping[str, Mapping[str, FileVersion]], entry: TreeEntry, commit_sha: str
    ) -> File:
        folder, _, name = entry.path.rpartition("/")
        version = there[folder].get(name)
        if version is None or version.blob_sha is None:
            raise NotFoundError(f"{entry.path!r} is not a file at commit {commit_sha[:12]}")
        return File(entry.path, self._store.git.read(version.blob_sha)[1], version)

    @hookimpl
    def list_commits(self, commit_sha: str, path: str, limit: int) -> tuple[Commit, ...]:
        with self._store.failures():
            start = self._store.commit(commit_sha)
            if not path:
                order = pygit2.enums.SortMode.TOPOLOGICAL | pygit2.enums.SortMode.TIME
                walk = self._store.git.walk(start.id, order)
                return tuple(read_commit(commit) for commit in islice(walk, limit))
            changes = walk_changes(start, [path], once=False)
            return tuple(read_commit(commit) for commit, _ in islice(changes, limit))

    @hookimpl
    def last_changes(self, commit_sha: str, paths: tuple[str, ...]) -> Mapping[str, Commit]:
        with self._store.failures():
            start = self._store.commit(commit_sha)
            there = [path for path in paths if find(start.tree, path) is not None]
            return {
                path: read_commit(commit)
                for commit, changed in walk_changes(start, there, once=True)
                for path in changed
            }

    @hookimpl
    def compare(self, base_commit_sha: str, head_commit_sha: str) -> Comparison:
        with self._store.failures():
            base, head = self._store.commit(base_commit_sha), self._store.commit(head_commit_sha)
            git = self._store.git
            merge_base = git.merge_base(base.id, head.id)
            if merge_base is None:
                raise NotFoundError(
                    f"commits {base_commit_sha[:12]} and {head_commit_sha[:12]} have no common history"
                )
            diff = git[merge_base].peel(pygit2.Tree).diff_to_tree(head.tree)
            diff.find_similar()
            return read_comparison(merge_base, diff)

    @hookimpl
    def commit_changes(self, commit: NewCommit) -> Commit:
        with self._store.locked() as git:
            if commit.creates_branch:
                self._require_free(commit.branch)
            else:
                commit = self._at_head(commit)
            parent = self._store.commit(commit.parent_commit_sha)
            author = self._signature(commit.author)
            tree, versions = edit_tree(git, parent.tree, commit.changes, commit.branch)
            made = git.create_commit(None, author, author, _stored(commit.message), tree, [parent.id])
            if commit.creates_branch:
                self._store.create_ref(HEADS + commit.branch, str(made), "copydesk: branch created")
            else:
                self._move(commit.branch, commit.parent_commit_sha, str(made), commit.message)
            return read_commit(git[made].peel(pygit2.Commit), versions)

    def _require_free(self, branch: str) -> None:
        """Check that a branch can be made before any object is written; it is checked again when it is."""
        now = self._store.branch_target(branch)
        if now is not None:
            raise ConflictError(
                f"branch {branch!r} exists already in {str(self._store.path)!r}",
                branch=branch,
                head_commit_sha=now,
            )
        worktree.require_free(self._store, branch)

    def _at_head(self, commit: NewCommit) -> NewCommit:
        """Give the commit on the head of its branch. The lock is held: who lost a race need not race again."""
        now = self._store.branch_target(commit.branch)
        if now is None:
            raise self._no_branch(commit.branch)
        if now == commit.parent_commit_sha:
            return commit
        try:
            comparison = self.compare(commit.parent_commit_sha, now)
        except NotFoundError:  # no such parent, or nothing in common with it
            self._store.commit(commit.parent_commit_sha)
            comparison = Comparison("", ())
        return carry_over(commit, now, comparison)

    def _move(self, branch: str, old: str, new: str, message: str) -> None:
        subject = message.partition("\n")[0]
        with worktree.updated(self._store, branch, old, new):
            self._store.move_ref(HEADS + branch, old, new, f"copydesk: {subject}")

    def _signature(self, author: User | None) -> pygit2.Signature:
        user = author or self._configured_user()
        if user is None:
            raise ConfigError(
                f"nobody to sign the commit in {str(self._store.path)!r}: pass an author, or run there: "
                "git config user.name NAME; git config user.email ADDRESS",
                key="author",
            )
        name, email = user.name or user.login, user.email or "unknown"
        try:
            if any(character in name + email for character in "\r\n\0"):
                raise ValueError("it holds a line break")  # libgit2 would write it
            return pygit2.Signature(name, email)
        except (ValueError, pygit2.GitError) as exc:
            raise InvalidInputError(
                f"git cannot keep the author {user.name or user.login!r} with e-mail {user.email!r}: "
                "neither may be empty or hold '<', '>' or a line break"
            ) from exc

    # -- large files ----------------------------------------------------------------------------------

    @hookimpl
    def download_objects(self, pointers: Mapping[str, Pointer]) -> Mapping[str, bytes]:
        with self._store.failures():
            objects = Objects(self._store.common_dir / "lfs")
            return {path: objects.read(path, pointer) for path, pointer in pointers.items()}

    @hookimpl
    def upload_objects(self, contents: Mapping[str, bytes]) -> Mapping[str, Pointer]:
        """Store them where ``git push`` finds them: git-lfs uploads what the other side has not got."""
        with self._store.failures():
            objects = Objects(self._store.common_dir / "lfs")
            return {path: objects.write(content) for path, content in contents.items()}

    # -- pull requests --------------------------------------------------------------------------------

    @hookimpl
    def create_pull_request(self, pull_request: NewPullRequest) -> PullRequest:
        with self._store.locked() as git:
            head = self._tip(pull_request.head)
            base = self._tip(pull_request.base)
            if self._open_between(pull_request.head, pull_request.base):
                raise ConflictError(
                    f"a pull request from {pull_request.head!r} into {pull_request.base!r} is open already",
                    branch=pull_request.head,
                )
            if self._contains(base, head):
                raise InvalidInputError(
                    f"branch {pull_request.head!r} has nothing that {pull_request.base!r} lacks; "
                    "commit to it first"
                )
            now = datetime.now(UTC)
            signature = self._signature(pull_request.author)
            record = PullRecord(
                number=max(Pulls(git).numbers(), default=0) + 1,
                title=pull_request.title,
                body=pull_request.body,
                state="open",
                head=pull_request.head,
                head_commit_sha=head,
                base=pull_request.base,
                base_commit_sha=base,
                labels=tuple(dict.fromkeys(pull_request.labels)),
                author=read_user(signature),
                created_at=now,
                updated_at=now,
            )
            return self._live(self._write_new(record, signature))

    def _write_new(self, record: PullRecord, signature: pygit2.Signature) -> PullRecord:
        sha = Pulls(self._store.git).write(record, signature)
        name = f"{PULLS}{record.number}"
        self._store.create_ref(name, sha, f"copydesk: pull request opened: {record.title}"[:200])
        decap.forget(self._store.git, record.head, self._prefix)
        return attrs.evolve(record, sha=sha)

    def _rewrite(self, record: PullRecord, **changes: Any) -> PullRecord:
        """Write a record again as it is now, with changes. The lock is held."""
        fresh = attrs.evolve(record, updated_at=datetime.now(UTC), **changes)
        # Kept by who opened it where nobody is configured: a label needs no author.
        signature = self._signature(self._configured_user() or record.author or User("copydesk"))
        sha = Pulls(self._store.git).write(fresh, signature)
        self._store.move_ref(f"{PULLS}{record.number}", record.sha, sha, f"copydesk: {fresh.state}")
        return attrs.evolve(fresh, sha=sha)

    def _tip(self, branch: str) -> str:
        target = self._store.branch_target(branch)
        if target is None:
            raise self._no_branch(branch)
        return target

    def _contains(self, descendant: str, ancestor: str) -> bool:
        if descendant == ancestor:
            return True
        git = self._store.git
        return git.descendant_of(pygit2.Oid(hex=descendant), pygit2.Oid(hex=ancestor))

    def _open_between(self, head: str, base: str) -> bool:
        return any(each.number for each in self._list("open", base, head))

    @hookimpl
    def list_pull_requests(self, state: str, base: str, head: str) -> tuple[PullRequest, ...]:
        with self._store.failures():
            return self._list(state, base, head)

    def _list(self, state: str, base: str, head: str) -> tuple[PullRequest, ...]:
        def wanted(each: PullRequest) -> bool:
            return (
                state in {each.state, "all"}
                and (not base or each.base == base)
                and (not head or each.head == head)
            )

        found = []
        for number, record in Pulls(self._store.git).read_all():
            if isinstance(record, ProtocolError):
                # Whose it is cannot be known, so it shows where all are asked for and hides nowhere else.
                if not head:
                    found.append(broken(number, str(record)))
            elif (not head or record.head == head) and (not base or record.base == base):
                found.append(self._live(record))
        taken = {each.head for each in found if each.state == "open"}
        if state in {"open", "all"}:
            found.extend(self._decap_drafts(taken))
        return tuple(each for each in found if each.problem or wanted(each))

    def _live(self, record: PullRecord) -> PullRequest:
        """Give a pull request as the branches make it now: its head is where its branch is."""
        state, head = self._state(record)
        return PullRequest(
            number=record.number,
            node_id=f"{PULLS}{record.number}",
            title=record.title,
            state=state,
            head=record.head,
            head_commit_sha=head,
            base=record.base,
            labels=record.labels,
            author=record.author,
            updated_at=max(record.updated_at, self._date(head)),
            changed_files=self._changed_files(record.base, head) if state == "open" else None,
            base_commit_sha=self._store.branch_target(record.base),
        )

    def _state(self, record: PullRecord) -> tuple[str, str]:
        if record.state != "open":
            return record.state, record.head_commit_sha
        tip = self._store.branch_target(record.head)
        base = self._store.branch_target(record.base)
        head = tip or record.head_commit_sha
        if base is not None and self._contains(base, head):
            return "merged", head  # with git by hand, or by a call that was interrupted
        return ("open" if tip else "closed"), head

    def _date(self, commit_sha: str) -> datetime:
        return read_date(self._store.commit(commit_sha))

    def _changed_files(self, base: str, head_commit_sha: str) -> tuple[ChangedFile, ...] | None:
        target = self._store.branch_target(base)
        if target is None:
            return None
        try:
            return self.compare(target, head_commit_sha).files
        except NotFoundError:  # no common history: the comparison will say so to who asks
            return None

    @hookimpl
    def set_labels(
        self, pull_request: PullRequest, add: tuple[str, ...], remove: tuple[str, ...]
    ) -> PullRequest:
        with self._store.locked():
            record = self._record(pull_request)
            kept = [label for label in record.labels if label not in remove]
            labels = tuple(dict.fromkeys((*kept, *add)))
            if labels == record.labels:
                return self._live(record)
            return self._live(self._rewrite(record, labels=labels))

    def _record(self, pull_request: PullRequest) -> PullRecord:
        """Read the record of a pull request; one of decap-server's drafts gets its record now."""
        if not pull_request.number:
            return self._adopt(pull_request)
        try:
            return Pulls(self._store.git).read(pull_request.number)
        except KeyError as exc:
            raise NotFoundError(
                f"there is no pull request #{pull_request.number} in {str(self._store.path)!r}"
            ) from exc

    @hookimpl
    def merge_pull_request(
        self,
        pull_request: PullRequest,
        method: str,
        message: str,
        delete_branch: bool,
    ) -> Merge:
        with self._store.locked():
            record = self._open_record(pull_request)
            if delete_branch:
                worktree.require_free(self._store, record.head)
            base = self._tip(record.base)
            head = pull_request.head_commit_sha
            made = self._merged(record, base, head, method, message)
            if made != base:
                self._move(record.base, base, made, f"publish #{record.number}")
            self._rewrite(record, state="merged", head_commit_sha=head, merge_commit_sha=made)
            return Merge(made, delete_branch and self._delete_branch(record.head, head))

    def _open_record(self, pull_request: PullRequest) -> PullRecord:
        """Read a record that must be open, with its branch where the caller saw it."""
        record = self._record(pull_request)
        state, tip = self._state(record)
        if state != "open":
            raise NotMergeableError(
                f"pull request #{record.number} is {state}; nothing was done",
                reason="closed",
                number=record.number,
            )
        if tip != pull_request.head_commit_sha:
            raise ConflictError(
                f"branch {record.head!r} of pull request #{record.number} is at {tip[:12]} and no longer at "
                f"{pull_request.head_commit_sha[:12]}; look at the new commits first",
                branch=record.head,
                head_commit_sha=tip,
            )
        return record

    def _merged(self, record: PullRecord, base: str, head: str, method: str, message: str) -> str:
        """Write the commit that the base moves to; the base itself where it has all of it already."""
        git = self._store.git
        tree = self._merged_tree(record, into=base, source=head)
        if method == "squash" and tree == self._store.commit(base).tree.id:
            return base  # squashed by a call that was interrupted before it could note it
        parents = [pygit2.Oid(hex=base)] + ([pygit2.Oid(hex=head)] if method == "merge" else [])
        author = self._signature(self._configured_user() or record.author)
        stored = _stored(message or _EMPTY_MERGE.format(head=record.head))
        return str(git.create_commit(None, author, author, stored, tree, parents))

    def _merged_tree(self, record: PullRecord, into: str, source: str) -> pygit2.Oid:
        git = self._store.git
        index = git.merge_commits(pygit2.Oid(hex=into), pygit2.Oid(hex=source))
        if index.conflicts is not None:
            sides = {side.path for conflict in index.conflicts for side in conflict if side is not None}
            raise NotMergeableError(
                f"pull request #{record.number} conflicts with {record.base!r} in "
                f"{', '.join(map(repr, sorted(sides)))}: both changed the same places; keep what the draft has "
                f"aside, save what {record.base!r} has into the draft, update it, save the merged content, "
                "and publish",
                reason="conflicts",
                number=record.number,
                paths=sorted(sides),
            )
        return index.write_tree(git)

    @hookimpl
    def close_pull_request(self, pull_request: PullRequest, delete_branch: bool) -> PullRequest:
        with self._store.locked():
            record = self._open_record(pull_request)
            if delete_branch:
                worktree.require_free(self._store, record.head)
            head = pull_request.head_commit_sha
            closed = self._rewrite(record, state="closed", head_commit_sha=head)
            if delete_branch:
                self._delete_branch(record.head, head)
            return self._live(closed)

    @hookimpl
    def update_from_base(self, pull_request: PullRequest) -> Branch:
        with self._store.locked() as git:
            record = self._open_record(pull_request)
            base, head = self._tip(record.base), pull_request.head_commit_sha
            if self._contains(head, base):
                return Branch(record.head, head)
            tree = self._merged_tree(record, into=head, source=base)
            author = self._signature(self._configured_user() or record.author)
            message = f"Merge branch '{record.base}' into {record.head}"
            parents = [pygit2.Oid(hex=head), pygit2.Oid(hex=base)]
            made = str(git.create_commit(None, author, author, _stored(message), tree, parents))
            self._move(record.head, head, made, message)
            return Branch(record.head, made)

    @hookimpl
    def repair(self) -> tuple[str, ...]:
        with self._store.locked():
            return self._store.remove_stale_locks() + worktree.recover_all(self._store)

    # -- drafts of decap-server -----------------------------------------------------------------------

    @property
    def _prefix(self) -> str:
        return self.options.cms_label_prefix

    def _decap_drafts(self, taken: set[str]) -> list[PullRequest]:
        git = self._store.git
        base = self.options.branch or self.get_repository().default_branch
        found = []
        for branch in decap.drafts(git, self._prefix):
            tip, target = self._store.branch_target(branch), self._store.branch_target(base)
            if branch in taken or tip is None or (target is not None and self._contains(target, tip)):
                continue
            commit = self._store.commit(tip)
            found.append(
                PullRequest(
                    number=0,
                    node_id="",
                    title=read_commit(commit).message.partition("\n")[0],
                    state="open",
                    head=branch,
                    head_commit_sha=tip,
                    base=base,
                    labels=(decap.describe(git, branch, self._prefix),),
                    author=read_user(commit.author),
                    updated_at=self._date(tip),
                    changed_files=self._changed_files(base, tip),
                )
            )
        return found

    def _adopt(self, pull_request: PullRequest) -> PullRecord:
        git = self._store.git
        for number, record in Pulls(git).read_all():
            # A call that was cut had made its record, and not yet removed the description.
            if isinstance(record, PullRecord) and record.head == pull_request.head and record.state == "open":
                decap.forget(git, record.head, self._prefix)
                return Pulls(git).read(number)
        status = decap.describe(git, pull_request.head, self._prefix)
        if not status:
            raise NotFoundError(
                f"branch {pull_request.head!r} is no draft of decap-server any more; list the entries again"
            )
        now = datetime.now(UTC)
        record = PullRecord(
            number=max(Pulls(git).numbers(), default=0) + 1,
            title=pull_request.title,
            body="A draft of decap-server, carried on by copydesk",
            state="open",
            head=pull_request.head,
            head_commit_sha=self._tip(pull_request.head),
            base=pull_request.base,
            base_commit_sha=self._tip(pull_request.base),
            labels=(status,),
            author=pull_request.author,
            created_at=now,
            updated_at=now,
        )
        return self._write_new(record, self._signature(self._configured_user() or pull_request.author))


def _stored(message: str) -> str:
    """Give a message as git stores it, with a line break at the end."""
    return message if message.endswith("\n") else f"{message}\n"
