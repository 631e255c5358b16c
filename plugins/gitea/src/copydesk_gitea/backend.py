"""The backend: it sends what :mod:`copydesk_gitea.api` builds, and answers with what that reads.

``POST contents`` checks the blob of every file that a commit replaces, in the head from which the commit is then
made, and its push fails if the branch moved meanwhile: nothing is lost. But no request names the commit that a
branch is to be at, or that a new one is to start from, so other files may have come in before: the parent in the
answer tells. Deleting a branch has no guard but the look before it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from http import HTTPStatus
from typing import Any, Final

import attrs
from copydesk import hookimpl
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
    ChangedFile,
    Check,
    Commit,
    Comparison,
    File,
    FileVersion,
    Merge,
    Mode,
    Move,
    NewCommit,
    NewPullRequest,
    PullRequest,
    RepositoryInfo,
    TreeEntry,
)
from copydesk.pool import ReadPool
from copydesk.refusals import (
    absent_branch,
    absent_commit,
    absent_path,
    existing_branch,
    existing_pull_request,
    incomparable,
    moved_branch,
    moved_head,
    not_mergeable,
    undeleted_branch,
)
from copydesk.snapshot import Tree

from copydesk_gitea import api
from copydesk_gitea.labels import Labels
from copydesk_gitea.patch import needs_patch, write_patch

__all__ = ["GiteaBackend"]

#: How a commit is answered that is not there: versions and endpoints differ.
_ABSENT: Final = frozenset({400, 404, 500})
#: How many heads are remembered by the name of their branch.
_HEADS: Final = 1000
#: How often a pull request is asked that is still being checked, and seconds in between.
_LOOKS: Final = (0.5, 1.0, 2.0, 4.0)
#: Gitea's words for "still being checked", and for "cannot be merged" too.
_LATER: Final = "try again later"
_REASONS: Final = {
    "work in progress": "draft",
    "approval": "approvals",
    "review": "approvals",
    "status check": "checks",
    "not allowed to merge": "protected",
    "behind the base": "rebase",
}


@attrs.define(eq=False)
class GiteaBackend:
    """One repository on one Gitea or Forgejo."""

    client: HttpClient
    repo: str
    api: api.Api = attrs.field(init=False)
    labels: Labels = attrs.field(init=False, repr=False)
    #: Ways to read many files that this instance does not have.
    _lacking: set[str] = attrs.field(factory=set, init=False, repr=False)
    #: Which branch was seen at a commit: a new branch starts at the name of another.
    _heads: dict[str, str] = attrs.field(factory=dict, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self.api = api.Api(self.repo)
        self.labels = Labels(self.client, self.api)

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

    # -- branches ---------------------------------------------------------------------------------------

    @hookimpl
    def get_branch(self, name: str) -> Branch:
        branch = self._branch(name)
        if branch is None:
            raise absent_branch(api.FORGE, name, self.get_repository().default_branch)
        return branch

    def _branch(self, name: str) -> Branch | None:
        answer = self.client.send(self.api.branch(name), allow={404})
        if answer.status == HTTPStatus.NOT_FOUND:
            return None
        branch = api.read_branch(answer.json_object())
        self._saw(branch.name, branch.commit_sha)
        return branch

    def _saw(self, name: str, commit_sha: str) -> None:
        self._heads.pop(commit_sha, None)
        self._heads[commit_sha] = name
        for old in list(self._heads)[:-_HEADS]:
            self._heads.pop(old, None)

    @hookimpl
    def list_branches(self, prefix: str) -> tuple[Branch, ...]:
        found = map(api.read_branch, self._listed(self.api.listing("/branches")))
        branches = {branch.name: branch for branch in found if branch.name.startswith(prefix)}
        return tuple(branches[name] for name in sorted(branches))

    def _listed(self, request: Request) -> Iterator[Any]:
        for answer in self.client.pages(request, by_link):
            yield from answer.json_list()

    @hookimpl
    def delete_branch(self, name: str, head_commit_sha: str) -> bool:
        branch = self._branch(name)
        if branch is None:
            return False
        if branch.commit_sha != head_commit_sha:
            raise undeleted_branch(name, branch.commit_sha, head_commit_sha)
        return self._delete(name)

    def _delete(self, name: str) -> bool:
        """Delete a branch that was looked at; False where it is gone already."""
        answer = self.client.send(self.api.branch(name, "DELETE"), allow={404})
        return answer.status != HTTPStatus.NOT_FOUND

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
            answer = self.client.send(asked, allow={400, 404})
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
    def read_files(self, commit_sha: str, entries: tuple[TreeEntry, ...]) -> tuple[File, ...]:
        batches = [entries[start : start + api.BATCH] for start in range(0, len(entries), api.BATCH)]
        read: dict[str, bytes] = {}
        for batch in batches if len(entries) > 1 else ():
            read |= self._batch(commit_sha, batch)
        files = partial(self._file, commit_sha, read)
        pool = ReadPool(self.client.workers)
        try:
            return pool.map(files, entries)
        finally:
            pool.close()

    def _file(self, commit_sha: str, read: Mapping[str, bytes], entry: TreeEntry) -> File:
        if entry.path in read:
            return File(entry.path, read[entry.path], entry.version)
        return self.read_file(commit_sha, entry.path, entry.version)

    def _batch(self, commit_sha: str, entries: Iterable[TreeEntry]) -> dict[str, bytes]:
        """Read as many files as one request gives; the others are left out."""
        files = {entry.path: entry.version for entry in entries if entry.version.mode is not Mode.SYMLINK}
        shas = {str(version.blob_sha): version for version in files.values()}
        found = self._by_path(commit_sha, files) if files else {}
        if found is not None:
            return found
        by_sha = self._by_sha(shas) or {}
        told = {path: by_sha.get(str(version.blob_sha)) for path, version in files.items()}
        return {path: content for path, content in told.items() if content is not None}

    def _by_path(self, commit_sha: str, files: Mapping[str, FileVersion]) -> dict[str, bytes] | None:
        """Read files as Gitea gives them since 1.24."""
        answer = self._way("file-contents", self.api.file_contents(commit_sha, files))
        if answer is None:
            return None
        listed = [each for each in answer.json_list() if each and each["path"] in files]
        read = {each["path"]: api.read_blob(each, files[each["path"]]) for each in listed}
        return {path: content for path, content in read.items() if content is not None}

    def _by_sha(self, shas: Mapping[str, FileVersion]) -> dict[str, bytes] | None:
        """Read blobs as Forgejo gives them since 12."""
        answer = self._way("blobs", self.api.blobs(shas))
        if answer is None:
            return None
        read = {
            each["sha"]: api.read_blob(each, shas[each["sha"]])
            for each in answer.json_list()
            if each["sha"] in shas
        }
        return {sha: content for sha, content in read.items() if content is not None}

    def _way(self, name: str, request: Request) -> Answer | None:
        """Ask for many files in a way that the instance may not have; None where it has not."""
        if name in self._lacking:
            return None
        answer = self.client.send(request, allow={404, 405})
        if answer.status < 400:
            return answer
        self._lacking.add(name)
        return None

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
        first = self.client.send(request, allow=_ABSENT)
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
        ahead = self._between(base, head)
        if not ahead:
            # A head that the base contains; or Gitea found nothing in common, and says the same.
            return head if self._between(head, base) else None
        candidates = api.merge_base_candidates(ahead)
        # Of the commits where it touches the base, all lie before the merge base.
        found = candidates[0] if candidates else None
        for other in candidates[1:]:
            if found is not None and self._between(found, other):
                found = other
        return found

    def _between(self, base: str, head: str) -> tuple[Commit, ...]:
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
        check_versions(commit, tree)
        contents = {
            change.path: self.read_file(commit.parent_commit_sha, change.path, change.replaces).content
            for change in commit.changes
            if isinstance(change, Move) and change.content is None
        }
        by_patch = needs_patch(commit, contents)
        start = self._heads.get(commit.parent_commit_sha) if commit.creates_branch else commit.branch
        if start is None or (by_patch and commit.creates_branch):
            return self._on_new_branch(commit, contents, by_patch=by_patch)
        if by_patch:
            self._require_head(commit)
        try:
            return self._committed(commit, start, contents, by_patch=by_patch)
        except NotFoundError:
            if not commit.creates_branch or self._branch(start) is not None:
                raise
        # The branch that was at the parent is gone.
        self._heads.pop(commit.parent_commit_sha, None)
        return self._on_new_branch(commit, contents, by_patch=by_patch)

    def _require_head(self, commit: NewCommit) -> None:
        """Look whether the branch is at the parent: git would merge a patch into what came in between."""
        branch = self.get_branch(commit.branch)
        if branch.commit_sha != commit.parent_commit_sha:
            raise moved_branch(commit.branch, f"it is at {branch.commit_sha[:12]}")

    def _committed(
        self, commit: NewCommit, start: str, contents: Mapping[str, bytes], *, by_patch: bool
    ) -> Commit:
        if by_patch:
            request = self.api.apply_patch(commit, start, write_patch(commit, contents))
        else:
            request = self.api.change_files(commit, start, contents)
        answer = self.client.send(request, allow={404, 409, 422})
        if answer.status >= 400:
            raise self._refusal(commit, start, api.said(answer))
        written = written_versions(commit)
        made = api.read_made(answer, written)
        for path, sha in api.read_stored(answer).items():
            if path in written and written[path].blob_sha != sha:
                raise ProtocolError(
                    f"gitea made another file of {path!r} in commit {made.commit_sha[:12]} than was sent; look at "
                    "it, and at what .gitattributes say"
                )
        self._saw(commit.branch, made.commit_sha)
        return made

    def _refusal(self, commit: NewCommit, start: str, words: str) -> CopydeskError:
        """Find out why a commit was refused, from what is there and not from the words."""
        base = self._branch(start)
        if base is None:
            return absent_branch(api.FORGE, start, self.get_repository().default_branch)
        if start != commit.branch and self._branch(commit.branch) is not None:
            return existing_branch(commit.branch)
        if base.commit_sha == commit.parent_commit_sha:
            return InvalidInputError(
                f"gitea refused the commit for branch {commit.branch!r}: {words!r}; correct it, and save again"
            )
        if start != commit.branch:
            head = base.commit_sha
            now = Tree(head, partial(self.list_files, head), self.compare)
            try:
                check_versions(attrs.evolve(commit, parent_commit_sha=head), now)
            except ConflictError as exc:
                return exc
        return moved_branch(commit.branch, words)

    def _on_new_branch(self, commit: NewCommit, contents: Mapping[str, bytes], *, by_patch: bool) -> Commit:
        """Make the branch at the parent, then the commit; without the commit the branch goes again."""
        self._make_branch(commit)
        try:
            return self._committed(commit, commit.branch, contents, by_patch=by_patch)
        except CopydeskError:
            branch = self._branch(commit.branch)
            if branch is not None and branch.commit_sha == commit.parent_commit_sha:
                self._delete(commit.branch)
            raise

    def _make_branch(self, commit: NewCommit) -> None:
        request = self.api.create_branch(commit.branch, commit.parent_commit_sha)
        try:
            answer = self.client.send(request, allow={404, 409})
        except UnavailableError:
            self._require_commit(commit.parent_commit_sha)  # one that is absent is 500 to some versions
            branch = self._branch(commit.branch)
            if branch is None or branch.commit_sha != commit.parent_commit_sha:
                raise
            return  # it was made, and the answer lost
        if answer.status == HTTPStatus.CONFLICT:
            raise existing_branch(commit.branch)
        if answer.status == HTTPStatus.NOT_FOUND:
            raise absent_commit(api.FORGE, self.repo, commit.parent_commit_sha)

    # -- pull requests ----------------------------------------------------------------------------------

    @hookimpl
    def create_pull_request(self, pull_request: NewPullRequest) -> PullRequest:
        request = self.api.create_pull(pull_request, self.labels.ids(pull_request.labels))
        answer = self.client.send(request, allow={404, 409})
        if answer.status == HTTPStatus.CONFLICT:
            raise existing_pull_request(pull_request)
        if answer.status == HTTPStatus.NOT_FOUND:
            for name in (pull_request.head, pull_request.base):
                self.get_branch(name)
            raise NotFoundError(f"gitea opens no pull request here: {api.said(answer)!r}; check repo")
        made = self._pull(answer.json_object())
        missing = tuple(label for label in pull_request.labels if label not in made.labels)
        return self.set_labels(made, missing, ()) if missing else made

    def _pull(self, data: Mapping[str, Any]) -> PullRequest:
        self.labels.saw(data["labels"])
        pull = api.read_pull(data)
        if pull.base_commit_sha:
            self._saw(pull.base, pull.base_commit_sha)
        return pull

    @hookimpl
    def list_pull_requests(self, state: str, base: str, head: str) -> tuple[PullRequest, ...]:
        # A page may shift while it is read: each counts once.
        found = {pull.number: pull for pull in map(self._pull, self._listed(self.api.pulls(state)))}
        wanted = (
            pull
            for pull in found.values()
            if state in {"all", pull.state} and base in {"", pull.base} and head in {"", pull.head}
        )
        return tuple(sorted(wanted, key=lambda pull: -pull.number))

    def _one_pull(self, pull: PullRequest) -> Mapping[str, Any]:
        answer = self.client.send(self.api.pull(pull.number), allow={404})
        if answer.status == HTTPStatus.NOT_FOUND:
            raise self._absent_pull(pull)
        return answer.json_object()

    def _absent_pull(self, pull: PullRequest) -> NotFoundError:
        return NotFoundError(f"there is no pull request #{pull.number} in {self.repo!r} on {api.FORGE}")

    @hookimpl
    def list_changed_files(self, pull_request: PullRequest) -> tuple[ChangedFile, ...]:
        answer = self.client.send(self.api.changed_files(pull_request.number), allow={404, 500})
        if answer.status == HTTPStatus.NOT_FOUND:
            raise self._absent_pull(pull_request)
        data = [] if answer.status >= 500 else list(self._listed_from(answer))
        # It is as of a moment after the last push; of an empty list nobody can say as of when.
        if data and all(api.is_as_of(each, pull_request.head_commit_sha) for each in data):
            return tuple(sorted(map(api.read_changed_file, data), key=lambda file: file.path))
        base = self.get_branch(pull_request.base).commit_sha
        return self.compare(base, pull_request.head_commit_sha).files

    def _listed_from(self, first: Answer) -> Iterator[Any]:
        yield from first.json_list()
        following = by_link(first)
        if following is not None:
            address = self.client.dialect.page_address(first.url, following)
            yield from self._listed(Request("GET", address))

    @hookimpl
    def set_labels(
        self, pull_request: PullRequest, add: tuple[str, ...], remove: tuple[str, ...]
    ) -> PullRequest:
        there = self._with_labels(pull_request, add) if add else self._one_pull(pull_request)["labels"] or ()
        gone = [label for label in there if label["name"] in remove and label["name"] not in add]
        for label in gone:
            # 404 and 422: it is gone already.
            self.client.send(self.api.remove_label(pull_request.number, label["id"]), allow={404, 422})
        kept = tuple(label["name"] for label in there if label not in gone)
        return attrs.evolve(pull_request, labels=kept)

    def _with_labels(self, pull: PullRequest, add: tuple[str, ...]) -> list[dict[str, Any]]:
        """Add labels, and give all that there are then."""
        for _ in range(2):
            answer = self.client.send(self.api.add_labels(pull.number, self.labels.ids(add)), allow={404})
            if answer.status == HTTPStatus.NOT_FOUND:
                raise self._absent_pull(pull)
            there = answer.json_list()
            missing = set(add) - {label["name"] for label in there}
            if not missing:
                return there
            # Somebody deleted a label whose number was known: Gitea leaves it out without a word.
            self.labels.forget(missing)
        raise ProtocolError(f"gitea does not give pull request #{pull.number} the labels {sorted(missing)}")

    @hookimpl
    def merge_pull_request(
        self, pull_request: PullRequest, method: str, message: str, delete_branch: bool
    ) -> Merge:
        request = self.api.merge(pull_request, method, message, delete_branch=delete_branch)
        for seconds in (*_LOOKS, None):
            answer = self.client.send(request, allow={404, 405, 409})
            if answer.status < 400:
                return Merge(None, delete_branch)
            refusal, may_pass = self._why_not(pull_request, answer)
            if seconds is None or not may_pass:
                raise refusal
            self.client.pause(seconds)
        raise AssertionError  # unreachable: the last answer is returned or raised

    def _why_not(self, pull: PullRequest, answer: Answer) -> tuple[CopydeskError, bool]:
        """Tell why a pull request was not merged, and whether that may pass in a moment."""
        now = self._pull(self._one_pull(pull))
        refused = partial(not_mergeable, api.FORGE, pull)
        words = api.said(answer)
        if now.state != "open":
            return refused("closed", words), False
        if now.head_commit_sha != pull.head_commit_sha:
            return moved_head(pull, now.head_commit_sha), False
        reason = next((each for part, each in _REASONS.items() if part in words.lower()), None)
        if reason is not None:
            return refused(reason, words), False
        # Gitea says the same of one that it is still checking and of one that cannot be merged.
        both = self._changed_on_both_sides(now)
        return refused("conflicts", words, both), not both and _LATER in words.lower()

    def _changed_on_both_sides(self, pull: PullRequest) -> tuple[str, ...]:
        base, head = pull.base_commit_sha or self.get_branch(pull.base).commit_sha, pull.head_commit_sha
        ours, theirs = self.compare(base, head).by_path, self.compare(head, base).by_path
        return tuple(path for path in sorted(ours.keys() & theirs.keys()) if ours[path] != theirs[path])

    @hookimpl
    def close_pull_request(self, pull_request: PullRequest, delete_branch: bool) -> PullRequest:
        answer = self.client.send(self.api.set_state(pull_request.number, "closed"), allow={404, 412, 422})
        if answer.status == HTTPStatus.NOT_FOUND:
            raise self._absent_pull(pull_request)
        now = self._pull(self._one_pull(pull_request) if answer.status >= 400 else answer.json_object())
        if now.state == "merged" or answer.status >= 400:
            raise not_mergeable(api.FORGE, pull_request, "closed", api.said(answer))
        if now.head_commit_sha != pull_request.head_commit_sha:
            self.client.send(self.api.set_state(pull_request.number, "open"))
            raise moved_head(pull_request, now.head_commit_sha)
        if delete_branch:
            self._delete(pull_request.head)
        return now

    @hookimpl
    def update_from_base(self, pull_request: PullRequest) -> Branch:
        data = self._one_pull(pull_request)
        now = self._pull(data)
        if now.head_commit_sha != pull_request.head_commit_sha:
            raise moved_head(pull_request, now.head_commit_sha)
        if data["merge_base"] == now.base_commit_sha:
            return Branch(now.head, now.head_commit_sha)
        answer = self.client.send(self.api.update(now.number), allow={409, 422, 500})
        if answer.status == HTTPStatus.INTERNAL_SERVER_ERROR:
            return self._after_failed_update(now, answer)
        if answer.status >= 400:
            reason = "conflicts" if answer.status == HTTPStatus.CONFLICT else "closed"
            raise not_mergeable(api.FORGE, now, reason, api.said(answer))
        return self.get_branch(now.head)

    def _after_failed_update(self, pull: PullRequest, answer: Answer) -> Branch:
        """Look what became of an update; one that has nothing to do is a failure to Gitea."""
        branch = self.get_branch(pull.head)
        if branch.commit_sha != pull.head_commit_sha or not self._between(
            branch.commit_sha, str(pull.base_commit_sha)
        ):
            return branch
        raise UnavailableError(
            f"gitea failed to bring {pull.base!r} into {pull.head!r}: {api.said(answer)!r}; try again"
        )

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
