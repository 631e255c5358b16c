"""The backend: it sends what :mod:`copydesk_gitea.api` builds, and answers with what that reads.

``POST contents`` checks the blob of every file that a commit replaces, in the head from which the commit is then
made, and its push fails if the branch moved meanwhile: nothing is lost. But no request names the commit that a
branch is to be at, or that a new one is to start from, so other files may have come in before: the parent in the
answer tells. Deleting a branch has no guard but the look before it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import partial
from http import HTTPStatus
from typing import Any, Final

import attrs
from copydesk import hookimpl
from copydesk.archives import ArchiveWay
from copydesk.blobs import check_blob
from copydesk.changes import check_versions, compare_trees, written_versions
from copydesk.errors import (
    ConflictError,
    CopydeskError,
    InvalidInputError,
    NotFoundError,
    PermissionDeniedError,
    ProtocolError,
    UnavailableError,
)
from copydesk.http import Answer, HttpClient, Request, by_link
from copydesk.models import (
    Access,
    Branch,
    Check,
    Commit,
    Comparison,
    File,
    FileVersion,
    Mode,
    Move,
    NewCommit,
    RepositoryInfo,
    TreeEntry,
)
from copydesk.refusals import (
    absent_branch,
    absent_commit,
    absent_path,
    existing_branch,
    incomparable,
    moved_branch,
    undeleted_branch,
)
from copydesk.snapshot import Tree
from copydesk.ways import Way

from copydesk_gitea import api
from copydesk_gitea.patch import needs_patch, write_patch
from copydesk_gitea.ways import FileContentsWay

__all__ = ["GiteaBackend"]

#: How a commit is answered that is not there: versions and endpoints differ.
_ABSENT: Final = frozenset({400, 404, 500})
#: How many heads are remembered by the name of their branch.
_HEADS: Final = 1000


@attrs.frozen(eq=False)
class _New:
    """A commit to be made, the tree of its parent, and how it goes."""

    commit: NewCommit
    tree: Tree
    #: The bytes of what is moved and not edited, by its old path.
    contents: Mapping[str, bytes] = attrs.field(repr=False)
    by_patch: bool


@attrs.define(eq=False)
class GiteaBackend:
    """One repository on one Gitea or Forgejo.

    :param git: the ways to read that are git's own.
    """

    client: HttpClient
    repo: str
    git: tuple[Way, ...] = ()
    api: api.Api = attrs.field(init=False)
    _contents: FileContentsWay = attrs.field(init=False, repr=False)
    #: Which branch was seen at a commit: a new branch starts at the name of another.
    _heads: dict[str, str] = attrs.field(factory=dict, init=False, repr=False)
    #: Branches that were to be made at a commit, and nobody said whether they were.
    _perhaps_made: set[tuple[str, str]] = attrs.field(factory=set, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self.api = api.Api(self.repo)
        self._contents = FileContentsWay(self.client, self.api)

    # -- auth -------------------------------------------------------------------------------------------

    @hookimpl
    def authenticate(self) -> Access:
        try:
            user = self.client.send(Request("GET", "user"))
        except PermissionDeniedError:  # a token without the scope read:user
            user = None
        return api.read_access(self._described(), user)

    @hookimpl
    def get_repository(self) -> RepositoryInfo:
        return api.read_repository(self._described())

    def _described(self) -> Answer:
        answer = self.client.send(self.api("GET"), allow={404})
        if answer.status == HTTPStatus.NOT_FOUND:
            raise NotFoundError(
                f"there is no repository {self.repo!r} on {api.FORGE} that this credential may see; check repo "
                "and api_root"
            )
        return answer

    def ask(self, request: Request, allow: Collection[int]) -> Answer:
        """Send a read; what refuses it and is not Gitea says nothing about what is there."""
        answer = self.client.send(request, allow=allow)
        return answer if answer.status < 400 or api.is_own(answer) else self.client.send(request)

    # -- branches ---------------------------------------------------------------------------------------

    @hookimpl
    def get_branch(self, name: str) -> Branch:
        branch = self._branch(name)
        if branch is None:
            raise absent_branch(api.FORGE, name, self.get_repository().default_branch)
        return branch

    def _branch(self, name: str) -> Branch | None:
        answer = self.ask(self.api.branch(name), {404})
        if answer.status == HTTPStatus.NOT_FOUND:
            return None
        branch = api.read_branch(answer.json_object())
        self.saw(branch.name, branch.commit_sha)
        return branch

    def saw(self, name: str, commit_sha: str) -> None:
        """Remember the head of a branch."""
        self._heads.pop(commit_sha, None)
        self._heads[commit_sha] = name
        for old in list(self._heads)[:-_HEADS]:
            self._heads.pop(old, None)

    @hookimpl
    def list_branches(self, prefix: str) -> tuple[Branch, ...]:
        found = map(api.read_branch, self.listed(self.api.listing("/branches")))
        branches = {branch.name: branch for branch in found if branch.name.startswith(prefix)}
        return tuple(branches[name] for name in sorted(branches))

    def listed(self, request: Request) -> Iterator[Any]:
        """Give the items of a list, from all its pages."""
        for answer in self.client.pages(request, by_link):
            yield from answer.json_list()

    @hookimpl
    def delete_branch(self, name: str, head_commit_sha: str) -> bool:
        branch = self._branch(name)
        if branch is None:
            return False
        if branch.commit_sha != head_commit_sha:
            raise undeleted_branch(name, branch.commit_sha, head_commit_sha)
        return self.delete(name)

    def delete(self, name: str) -> bool:
        """Delete a branch that was looked at; False where it is gone already."""
        answer = self.client.send(self.api.branch(name, "DELETE"), allow={404})
        if answer.status != HTTPStatus.NOT_FOUND:
            return True
        if self._branch(name) is not None:
            raise UnavailableError(f"gitea does not delete the branch {name!r}, which is there; try again")
        return False

    # -- files ------------------------------------------------------------------------------------------

    @hookimpl
    def list_files(self, commit_sha: str, folder: str) -> tuple[TreeEntry, ...]:
        entries = self._tree(commit_sha, folder, recursive=True)
        if entries is None:
            self._require_commit(commit_sha)
            return ()
        return tuple(sorted(entries, key=lambda entry: entry.path))

    def _tree(self, commit_sha: str, folder: str, *, recursive: bool) -> tuple[TreeEntry, ...] | None:
        """List a tree; None where there is no such folder, or no such commit."""
        entries: list[TreeEntry] = []
        seen, page = 0, 1
        while True:
            asked = self.api.tree(commit_sha, folder, recursive=recursive, page=page)
            answer = self.ask(asked, {400, 404})
            if answer.status >= 400:
                return None
            data = answer.json_object()
            # Null where it is empty, and "truncated" says that there is another page.
            listed = data["tree"] or ()
            entries += [api.read_entry(each, folder) for each in listed if each["type"] != "tree"]
            seen, page = seen + len(listed), page + 1
            if not data["truncated"]:
                break
            if not listed:
                raise UnavailableError(f"gitea cut the tree of {commit_sha[:12]} short at {seen} entries")
        if seen != data["total_count"]:
            raise UnavailableError(
                f"gitea gave {seen} of the {data['total_count']} entries of {folder!r} at {commit_sha[:12]}"
            )
        return tuple(entries)

    def _require_commit(self, commit_sha: str) -> None:
        answer = self.client.send(self.api.commit(commit_sha), allow={404, 422})
        if answer.status >= 400:
            raise absent_commit(api.FORGE, self.repo, commit_sha)

    @hookimpl
    def read_file(self, commit_sha: str, path: str, version: FileVersion | None) -> File:
        known = version if version is not None and version.blob_sha else self._version(commit_sha, path)
        content = self._blob(path, known)
        return File(path, self._raw(commit_sha, path, known) if content is None else content, known)

    def _version(self, commit_sha: str, path: str) -> FileVersion:
        entries = self._tree(commit_sha, path.rpartition("/")[0], recursive=False)
        if entries is None:
            self._require_commit(commit_sha)
        found = next((entry.version for entry in entries or () if entry.path == path), None)
        if found is None or found.mode is Mode.SUBMODULE:
            raise absent_path(path, commit_sha)
        return found

    def _blob(self, path: str, version: FileVersion) -> bytes | None:
        """Read a blob; None where it is more than the instance gives so (10 MiB)."""
        answer = self.client.send(self.api.blob(str(version.blob_sha)), allow={400, 404})
        if answer.status >= 400:
            raise NotFoundError(f"{path!r} is not there: gitea has no blob {version.blob_sha}")
        return api.read_blob(answer.json_object(), version)

    def _raw(self, commit_sha: str, path: str, version: FileVersion) -> bytes:
        answer = self.client.send(self.api.raw(commit_sha, path), allow={404})
        if answer.status == HTTPStatus.NOT_FOUND:
            raise absent_path(path, commit_sha)
        return check_blob(api.FORGE, path, answer.content, version)

    @hookimpl
    def list_ways(self) -> tuple[Way, ...]:
        """Name the archive last: it is of the whole tree, and made when somebody asks for it."""
        return (self._contents, *self.git, ArchiveWay(self.client, api.FORGE, self.api.archive))

    @hookimpl
    def list_commits(self, commit_sha: str, path: str, limit: int) -> tuple[Commit, ...]:
        found: list[Commit] = []
        for answer in self._pages_at(commit_sha, self.api.commits(commit_sha, path)):
            found += map(api.read_commit, answer.json_list())
            if len(found) >= limit:
                break
        return tuple(found[:limit])

    def _pages_at(self, commit_sha: str, request: Request) -> Iterator[Answer]:
        """Ask for the pages of something at a commit, which may have no such path."""
        first = self.ask(request, _ABSENT)
        if first.status >= 400:
            self._require_commit(commit_sha)
            if first.status == HTTPStatus.NOT_FOUND:
                return
            first = self.client.send(request)
        yield first
        following = by_link(first)
        if following is not None:
            address = self.client.dialect.page_address(first.url, following)
            yield from self.client.pages(Request("GET", address), by_link)

    @hookimpl
    def compare(self, base_commit_sha: str, head_commit_sha: str) -> Comparison:
        fork = self._merge_base(base_commit_sha, head_commit_sha)
        if fork is None:
            raise incomparable(api.FORGE, base_commit_sha, head_commit_sha)
        if fork == head_commit_sha:
            return Comparison(fork, ())
        before, after = (self.list_files(sha, "") for sha in (fork, head_commit_sha))
        return Comparison(fork, compare_trees(before, after))

    def _merge_base(self, base: str, head: str) -> str | None:
        """Find where a head left the base; None where they have no common history."""
        if base == head:
            self._require_commit(base)
            return base
        ahead = self.between(base, head)
        if not ahead:
            # A head that the base contains; or Gitea found nothing in common, and says the same.
            return head if self.between(head, base) else None
        candidates = api.merge_base_candidates(ahead)
        # Of the commits where it touches the base, all lie before the merge base.
        found = candidates[0] if candidates else None
        for other in candidates[1:]:
            if found is not None and self.between(found, other):
                found = other
        return found

    def between(self, base: str, head: str) -> tuple[Commit, ...]:
        """List what a head has and the base has not."""
        request = self.api.compare(base, head)
        first = self.client.send(request, allow=_ABSENT)
        if first.status >= 400:
            for sha in (base, head):
                self._require_commit(sha)
            first = self.client.send(request)
        return api.read_comparison([first])

    # -- commits ----------------------------------------------------------------------------------------

    @hookimpl
    def commit_changes(self, commit: NewCommit, tree: Tree) -> Commit:
        contents = {
            change.path: self.read_file(commit.parent_commit_sha, change.path, change.replaces).content
            for change in commit.changes
            if isinstance(change, Move) and change.content is None
        }
        by_patch = needs_patch(commit, contents)
        # The contents interface looks at blobs and not at modes, and refuses by itself what is there already.
        replacing = tuple(change for change in commit.changes if by_patch or change.replaces is not None)
        if replacing:
            check_versions(attrs.evolve(commit, changes=replacing), tree)
        new = _New(commit, tree, contents, by_patch)
        if not commit.creates_branch:
            if by_patch:
                self._require_head(commit, commit.branch)
            return self._committed(new, commit.branch)
        start = self._start(commit)
        if start is None:
            return self._on_new_branch(new)
        if by_patch:
            self._require_head(commit, start)
        return self._committed(new, start)

    def _start(self, commit: NewCommit) -> str | None:
        """Find a branch that is at the parent, for a new one starts at a name; None where there is none."""
        known = self._heads.get(commit.parent_commit_sha)
        if known not in {None, commit.branch}:
            return known
        for branch in map(api.read_branch, self.listed(self.api.listing("/branches"))):
            if branch.commit_sha == commit.parent_commit_sha and branch.name != commit.branch:
                return branch.name
        return None

    def _require_head(self, commit: NewCommit, start: str) -> None:
        """Look whether a branch is at the parent: git would merge a patch into what came in between."""
        branch = self.get_branch(start)
        if branch.commit_sha != commit.parent_commit_sha:
            raise moved_branch(start, f"it is at {branch.commit_sha[:12]}")

    def _committed(self, new: _New, start: str) -> Commit:
        commit = new.commit
        if new.by_patch:
            request = self.api.apply_patch(commit, start, write_patch(commit, new.contents))
        else:
            request = self.api.change_files(commit, start, new.contents)
        try:
            answer = self.client.send(request, allow={404, 409, 422})
        except UnavailableError as exc:
            self._check_room(commit, exc)
            raise
        if answer.status >= 400:
            raise self._refusal(new, start, api.said(answer))
        written = written_versions(commit)
        made = api.read_made(answer, written)
        for path, sha in api.read_stored(answer).items():
            if path in written and written[path].blob_sha != sha:
                raise ProtocolError(
                    f"gitea made another file of {path!r} in commit {made.commit_sha[:12]} than was sent; look at "
                    "it, and at what .gitattributes say"
                )
        self.saw(commit.branch, made.commit_sha)
        return made

    def _check_room(self, commit: NewCommit, lost: UnavailableError) -> None:
        """Refuse a new branch that git cannot hold beside another one; Gitea only says that it failed.

        :raises ConflictError: so it is.
        """
        failed = lost.answer is not None and lost.answer.status == HTTPStatus.INTERNAL_SERVER_ERROR
        if not failed or not commit.creates_branch:
            return
        try:
            others = self.list_branches("")
        except CopydeskError as exc:
            raise lost from exc
        for other in others:
            if f"{other.name}/".startswith(f"{commit.branch}/") or commit.branch.startswith(f"{other.name}/"):
                raise ConflictError(
                    f"the branch {commit.branch!r} cannot be made: git cannot hold it beside {other.name!r}; "
                    "give it another name",
                    branch=commit.branch,
                ) from lost

    def _refusal(self, new: _New, start: str, words: str) -> CopydeskError:
        """Find out why a commit was refused, from what is there and not from the words."""
        commit, tree = new.commit, new.tree
        base = self._branch(start)
        if base is None:
            return absent_branch(api.FORGE, start, self.get_repository().default_branch)
        if start != commit.branch and self._branch(commit.branch) is not None:
            return existing_branch(commit.branch)
        head = base.commit_sha
        if head != commit.parent_commit_sha:
            if start == commit.branch:
                return moved_branch(start, words)
            tree = Tree(head, partial(self.list_files, head), self.compare)
        try:
            check_versions(attrs.evolve(commit, parent_commit_sha=head), tree)
        except ConflictError as exc:
            return exc
        return InvalidInputError(
            f"gitea refused the commit for branch {commit.branch!r}: {words!r}; correct it, and save again"
        )

    def _on_new_branch(self, new: _New) -> Commit:
        """Make the branch at the parent, then the commit; without the commit the branch goes again."""
        commit = new.commit
        self._make_branch(commit)
        try:
            return self._committed(new, commit.branch)
        except CopydeskError:
            branch = self._branch(commit.branch)
            if branch is not None and branch.commit_sha == commit.parent_commit_sha:
                self.delete(commit.branch)
            raise

    def _make_branch(self, commit: NewCommit) -> None:
        request = self.api.create_branch(commit.branch, commit.parent_commit_sha)
        made = (commit.branch, commit.parent_commit_sha)
        try:
            answer = self.client.send(request, allow={404, 409})
        except UnavailableError as exc:
            if exc.unclear:
                self._perhaps_made.add(made)
            if not self._is_there(commit, exc):
                raise
            return
        if answer.status == HTTPStatus.CONFLICT:
            branch = self._branch(commit.branch)
            if made not in self._perhaps_made or branch != Branch(*made):
                raise existing_branch(commit.branch)
        elif answer.status == HTTPStatus.NOT_FOUND:
            raise absent_commit(api.FORGE, self.repo, commit.parent_commit_sha)

    def _is_there(self, commit: NewCommit, lost: UnavailableError) -> bool:
        """Look whether a branch was made whose answer was lost."""
        try:
            self._require_commit(commit.parent_commit_sha)  # one that is absent is 500 to some versions
            return self._branch(commit.branch) == Branch(commit.branch, commit.parent_commit_sha)
        except UnavailableError as exc:
            raise lost from exc

    # -- checks -------------------------------------------------------------------------------------------

    @hookimpl
    def list_checks(self, commit_sha: str) -> tuple[Check, ...]:
        checks = api.read_checks(
            [
                each
                for page in self._pages_at(commit_sha, self.api.statuses(commit_sha))
                for each in page.json_list()
            ]
        )
        if not checks:
            self._require_commit(commit_sha)
        return checks
