"""The backend over Bitbucket's REST API: it sends what `api` builds, and reads by it what comes back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import attrs
from copydesk import hookimpl, refusals
from copydesk.blobs import blob_sha, check_blob, is_blob
from copydesk.changes import check_versions
from copydesk.errors import (
    ConflictError,
    NotFoundError,
    NotSupportedError,
    ProtocolError,
    UnavailableError,
)
from copydesk.http import Answer, HttpClient, Request, by_body_next, origin_of
from copydesk.lfs import Pointer
from copydesk.models import (
    Access,
    Branch,
    Change,
    ChangedFile,
    Check,
    Commit,
    Comparison,
    File,
    FileVersion,
    Merge,
    Move,
    NewCommit,
    NewPullRequest,
    Proposal,
    PullRequest,
    RepositoryInfo,
    TreeEntry,
)
from copydesk.options import BitbucketOptions
from copydesk.snapshot import Tree
from copydesk.ways import Way

from copydesk_bitbucket import api

__all__ = ["BitbucketBackend"]

#: How deep one listing goes; folders below are listed by themselves.
_DEPTH: Final = 20
#: How often Bitbucket is asked whether a large merge is done, and seconds between.
_LOOKS: Final = 60
_PAUSE: Final = 1.0
#: What Bitbucket answers where a listing takes too long.
_TIMED_OUT: Final = 555


@attrs.define(eq=False)
class BitbucketBackend:
    """One repository on Bitbucket Cloud.

    :param base: where the repository is below the root of the API: ``repositories/workspace/name``.
    :param ways: to read many files; the REST API has none, and allows 1,000 requests an hour.
    """

    client: HttpClient
    base: str
    options: BitbucketOptions
    ways: tuple[Way, ...] = ()
    #: Heads of branches as they were seen last: pull requests name but their first digits.
    _heads: dict[str, str] = attrs.field(factory=dict)
    _depth: int = _DEPTH

    # -- auth -----------------------------------------------------------------------------------------

    @hookimpl
    def authenticate(self) -> Access:
        """Cost two requests; the token of a repository belongs to nobody, and tells its right by its scopes."""
        answer = self.client.send(Request("GET", "user"), allow={403})
        scopes = api.read_scopes(answer)
        if answer.status == 403:
            self._send("GET", "")  # or say that the repository is not there
            return Access(None, api.scopes_may_write(scopes), scopes)
        return Access(api.read_user(answer.json_object()), self._may_write(), scopes)

    def _may_write(self) -> bool | None:
        """Ask what the user may do; None where neither way to ask is there."""
        for older in (False, True):
            asked = api.ask_permissions(self.options.repo, older=older)
            answer = self.client.send(asked, allow={404, 410})
            if answer.status == 200:
                return api.read_may_write(answer.json_object(), self.options.repo)
        self._send("GET", "")
        return None

    # -- files ----------------------------------------------------------------------------------------

    @hookimpl
    def get_repository(self) -> RepositoryInfo:
        """Cost one request."""
        return api.read_repository(self._send("GET", "").json_object())

    @hookimpl
    def get_branch(self, name: str) -> Branch:
        """Cost one request."""
        head = self.head(name)
        if head is not None:
            return Branch(name, head)
        default = self.get_repository().default_branch
        if not default:
            raise NotFoundError(
                f"{self.options.repo!r} is empty on bitbucket: it has no branch {name!r}; push a first commit"
            )
        raise refusals.absent_branch("bitbucket", name, default)

    def head(self, name: str) -> str | None:
        """Give the head of a branch as it is now, None where there is none."""
        answer = self.client.send(Request("GET", api.branch_path(self.base, name)), allow={404})
        if answer.status == 404:
            self._heads.pop(name, None)
            return None
        self._heads[name] = api.read_branch(answer.json_object())[1]
        return self._heads[name]

    @hookimpl
    def list_branches(self, prefix: str) -> tuple[Branch, ...]:
        """Cost one request per 100."""
        items = self._items(api.ask_branches(self.base, prefix))
        found = [Branch(*api.read_branch(item)) for item in items]
        heads = {branch.name: branch.commit_sha for branch in found}
        self._heads = self._heads | heads if prefix else heads
        ours = (branch for branch in found if branch.name.startswith(prefix))
        return tuple(sorted(ours, key=lambda branch: branch.name))

    @hookimpl
    def delete_branch(self, name: str, head_commit_sha: str) -> bool:
        """Look and delete; the interface has no guard: a commit pushed in between is lost from the branch."""
        head = self.head(name)
        if head is None:
            return False
        if head != head_commit_sha:
            raise refusals.undeleted_branch(name, head, head_commit_sha)
        return self._delete_branch(name)

    def _delete_branch(self, name: str) -> bool:
        """Delete a branch wherever it is (Refs: Delete a branch); False: there was none."""
        # A second time it is not found, so it is safe to send again.
        request = Request("DELETE", api.branch_path(self.base, name), safe=True)
        answer = self.client.send(request, allow={404})
        if answer.status == 404 and self.head(name) is not None:
            raise NotFoundError(f"bitbucket did not delete branch {name!r}: {api.sentence_of(answer)!r}")
        self._heads.pop(name, None)
        return answer.status != 404

    @hookimpl
    def list_files(self, commit_sha: str, folder: str) -> tuple[TreeEntry, ...]:
        """Cost one request per 100 files and folders, and one for each folder that is 20 levels below."""
        found: list[TreeEntry] = []
        todo = [folder]
        while todo:
            now = todo.pop()
            items = self._tree(commit_sha, now)
            if items is None and now == folder:
                return ()
            found += api.read_tree(items or (), commit_sha)
            todo += api.folders_at(items or (), now, self._depth)
        return tuple(sorted(found, key=lambda entry: entry.path))

    def _tree(self, commit_sha: str, folder: str) -> list[Any] | None:
        """Give all of a listing down to the depth; None where there is no such folder.

        :raises NotFoundError: there is no such commit.
        """
        while True:
            try:
                return list(self._items(api.ask_tree(self.base, commit_sha, folder, self._depth)))
            except NotFoundError as exc:
                if exc.answer is None or exc.answer.status != 404 or not folder:
                    raise
                self._check_commit(commit_sha)
                return None
            except UnavailableError as exc:
                if exc.answer is None or exc.answer.status != _TIMED_OUT or self._depth == 1:
                    raise
                self._depth //= 2

    def _check_commit(self, commit_sha: str) -> None:
        """Check that there is a commit.

        :raises NotFoundError: there is none.
        """
        answer = self._send("GET", f"commit/{commit_sha}", allow={404})
        if answer.status == 404:
            raise refusals.absent_commit("bitbucket", self.options.repo, commit_sha)
        answer.json_object()

    @hookimpl
    def read_file(self, commit_sha: str, path: str, version: FileVersion | None) -> File:
        """Cost one request where it is known what the path is, else two; and one for what is in LFS.

        Of a file in LFS Bitbucket gives the file itself; its version is that of the pointer that git has of it.
        """
        known = version or self._version(commit_sha, path)
        answer = self.client.send(api.ask_source(self.base, commit_sha, path), allow={404})
        if origin_of(answer.url) != origin_of(self.client.root):
            content = self._large(commit_sha, path, answer)
            in_git = Pointer.of(content).to_bytes()
        elif answer.status == 404:
            raise refusals.absent_path(path, commit_sha)
        else:
            content = in_git = api.check_source(answer, path)
        check_blob("bitbucket", path, in_git, known)
        return File(path, content, FileVersion(blob_sha(in_git), known.mode, commit_sha))

    def _large(self, commit_sha: str, path: str, answer: Answer) -> bytes:
        """Give what was answered from elsewhere, if Bitbucket says that the file is in LFS."""
        meta = self.client.send(api.ask_meta(self.base, commit_sha, path)).json_object()
        if not api.is_large(meta):
            raise ProtocolError(
                f"bitbucket led to {origin_of(answer.url)} for {path!r}, which is not in LFS; check api_root and "
                "the proxy"
            )
        if answer.status == 404:
            raise NotFoundError(f"{path!r} is in LFS, and not there; push it with git lfs")
        return answer.content

    def _version(self, commit_sha: str, path: str) -> FileVersion:
        answer = self.client.send(api.ask_meta(self.base, commit_sha, path), allow={404})
        if answer.status == 404:
            raise refusals.absent_path(path, commit_sha)
        data = answer.json_object()
        if data["type"] != "commit_file":
            raise refusals.absent_path(path, commit_sha)
        return api.read_version(data, commit_sha)

    @hookimpl
    def list_ways(self) -> tuple[Way, ...]:
        """Read by git's own protocol, which has a limit of its own, of 60,000 requests an hour."""
        return self.ways

    @hookimpl
    def list_commits(self, commit_sha: str, path: str, limit: int) -> tuple[Commit, ...]:
        """Cost one request per 100."""
        found: list[Commit] = []
        try:
            for page in self.client.pages(api.ask_commits(self.base, commit_sha, path, limit), by_body_next):
                found += map(api.read_commit, api.values_of(page))
                if len(found) >= limit:
                    break
        except NotFoundError as exc:
            raise refusals.absent_commit("bitbucket", self.options.repo, commit_sha) from exc
        return tuple(found[:limit])

    @hookimpl
    def compare(self, base_commit_sha: str, head_commit_sha: str) -> Comparison:
        """Cost two requests, and one for each 500 files more."""
        asked = api.ask_merge_base(self.base, base_commit_sha, head_commit_sha)
        answer = self.client.send(asked, allow={404})
        if answer.status == 404:
            raise refusals.incomparable("bitbucket", base_commit_sha, head_commit_sha)
        merge_base: str = answer.json_object()["hash"]
        return Comparison(merge_base, self._changed_files(base_commit_sha, head_commit_sha))

    def _changed_files(self, old: str, new: str) -> tuple[ChangedFile, ...]:
        return api.read_changed_files(self._items(api.ask_diffstat(self.base, old, new)))

    # -- commits --------------------------------------------------------------------------------------

    @hookimpl
    def commit_changes(self, commit: NewCommit, tree: Tree) -> Commit:
        """Cost one request, guarded by the head of the branch; one for each file that is moved as it is.

        Bitbucket makes a branch that is not there: one that this backend has not seen is looked for first. A new
        branch that stands at the parent is adopted, as an interrupted call or a person leaves it.
        """
        check_versions(commit, tree)
        if (
            not commit.creates_branch
            and commit.branch not in self._heads
            and self.head(commit.branch) is None
        ):
            raise refusals.absent_branch("bitbucket", commit.branch, self.get_repository().default_branch)
        whole = attrs.evolve(commit, changes=tuple(self._whole(commit, each) for each in commit.changes))
        answer = self.client.send(api.ask_commit(self.base, whole), allow={400, 404, 409})
        if answer.status >= 400:
            raise api.commit_error(answer, self.options.repo, commit)
        made = api.read_made_commit(answer, whole)
        self._heads[commit.branch] = made.commit_sha
        return made

    def _whole(self, commit: NewCommit, change: Change) -> Change:
        """Give a move the bytes of what it moves: of a file in LFS, those of its pointer."""
        if not isinstance(change, Move) or change.content is not None:
            return change
        file = self.read_file(commit.parent_commit_sha, change.path, change.replaces)
        is_whole = is_blob(file.content, file.version)
        return attrs.evolve(change, content=file.content if is_whole else Pointer.of(file.content).to_bytes())

    # -- pull requests --------------------------------------------------------------------------------

    @hookimpl
    def propose_changes(self, commit: NewCommit, pull_request: NewPullRequest, tree: Tree) -> Proposal:
        """Cost three requests: the commit, the pull request, and the status.

        A pull request that is still open from a branch of that name, which was deleted, is taken up again.
        """
        api.check_labels(pull_request.labels, self.options.cms_label_prefix)
        made = self.commit_changes(commit, tree)
        opened = self._open(pull_request)
        ours = attrs.evolve(opened, base_commit_sha=self._base_of(opened, commit.parent_commit_sha))
        return Proposal(made, self._labelled(ours, pull_request.labels))

    def _base_of(self, pull: PullRequest, parent_commit_sha: str) -> str | None:
        """Give the head that the base had, if it is the parent that is known in full."""
        short = pull.base_commit_sha or "-"
        return parent_commit_sha if parent_commit_sha.startswith(short) else None

    @hookimpl
    def create_pull_request(self, pull_request: NewPullRequest) -> PullRequest:
        """Cost three requests, and one where the head is not known: one that is open would be renamed.

        Between the look and the opening somebody may open one, which is then taken up.
        """
        api.check_labels(pull_request.labels, self.options.cms_label_prefix)
        asked = api.ask_pull_requests(self.base, "open", pull_request.base, pull_request.head)
        if any(True for _ in self._items(asked)):
            raise refusals.existing_pull_request(pull_request)
        opened = attrs.evolve(self._open(pull_request), base_commit_sha=None)
        return self._labelled(opened, pull_request.labels)

    def _open(self, pull: NewPullRequest) -> PullRequest:
        """Open a pull request; its `base_commit_sha` has the first digits alone."""
        answer = self.client.send(api.ask_create_pull_request(self.base, pull), allow={400, 404})
        if answer.status >= 400:
            raise api.create_error(answer, pull)
        data = answer.json_object()
        opened = api.read_pull_request(data, self._full_head(data), ())
        if opened.problem:
            raise NotFoundError(f"bitbucket opened pull request #{opened.number}, and {opened.problem}")
        return attrs.evolve(opened, base_commit_sha=data["destination"]["commit"]["hash"][: api.SHORT])

    def _labelled(self, pull: PullRequest, labels: tuple[str, ...]) -> PullRequest:
        for label in labels:
            self.client.send(api.ask_comment(self.base, pull.number, label)).json_object()
            pull = attrs.evolve(pull, labels=(label,))
        return pull

    @hookimpl
    def list_pull_requests(self, state: str, base: str, head: str) -> tuple[PullRequest, ...]:
        """Cost one request per 50, one per 100 branches for their full heads, and the comments of each."""
        items = list(self._items(api.ask_pull_requests(self.base, state, base, head)))
        if not head and any(item["state"] == "OPEN" for item in items):
            self.list_branches("")
        return tuple(map(self._listed, items))

    def _listed(self, data: Mapping[str, Any]) -> PullRequest:
        label = self._label(data) if data.get("comment_count", 1) else ""
        return api.read_pull_request(data, self._full_head(data), (label,) if label else ())

    def _label(self, data: Mapping[str, Any]) -> str:
        """Find the status among the comments, page by page, newest first."""
        for page in self.client.pages(api.ask_comments(self.base, data["id"]), by_body_next):
            label = api.read_label(api.values_of(page), self.options.cms_label_prefix)
            if label:
                return label
        return ""

    def _full_head(self, data: Mapping[str, Any]) -> str:
        """Give the head in full; "" where it is gone, or in a fork.

        A pull request that is open follows its branch, whose head is known or looked at; else the commit is.
        """
        short, name = api.short_head(data), data["source"]["branch"]["name"]
        if not short or api.is_from_fork(data):
            return ""
        known = self._heads.get(name, "")
        if known.startswith(short):
            return known
        if data["state"] == "OPEN":
            return self.head(name) or ""
        answer = self._send("GET", f"commit/{short}", allow={404})
        return "" if answer.status == 404 else str(answer.json_object()["hash"])

    @hookimpl
    def list_changed_files(self, pull_request: PullRequest) -> tuple[ChangedFile, ...]:
        """Cost one request per 500; one more where the name of the base has a slash."""
        base = pull_request.base
        old = self.get_branch(base).commit_sha if "/" in base else base
        return self._changed_files(old, pull_request.head_commit_sha)

    @hookimpl
    def set_labels(
        self, pull_request: PullRequest, add: tuple[str, ...], remove: tuple[str, ...]
    ) -> PullRequest:
        """Cost one request: the status is the newest comment that is one, so it takes the place of all others."""
        api.check_labels(add, self.options.cms_label_prefix)
        left = tuple(label for label in pull_request.labels if label not in remove)
        if add:
            return self._labelled(pull_request, add)
        if left != pull_request.labels:
            raise NotSupportedError(
                f"bitbucket keeps a status as a comment: {', '.join(map(repr, remove))} can be followed by "
                "another one, and not be taken away",
                operation="set_labels",
            )
        return pull_request

    @hookimpl
    def merge_pull_request(
        self, pull_request: PullRequest, method: str, message: str, delete_branch: bool
    ) -> Merge:
        """Cost two requests: look at the head and merge; a large merge is asked for until it is done.

        Bitbucket takes no head that is expected: a commit pushed between the look and the merge is merged too, and
        told by an error that says so.
        """
        self._check_head(pull_request, "")
        request = api.ask_merge(self.base, pull_request, method, message, delete_branch=delete_branch)
        answer = self.client.send(request, allow={400, 409})
        if answer.status == 202:
            answer = self._merged_later(pull_request, answer)
        if answer.status >= 400:
            self._check_head(pull_request, api.sentence_of(answer))
        data = answer.json_object()
        merged = data.get("merge_result", data)
        if delete_branch:
            self._heads.pop(pull_request.head, None)
        merge_commit_sha = self._full_commit(merged["merge_commit"]["hash"])
        self._check_merged(pull_request, merged, merge_commit_sha)
        return Merge(merge_commit_sha, delete_branch)

    def _check_head(self, pull: PullRequest, said: str) -> None:
        """Look at a pull request, and raise where it cannot be merged, or was not (*said* are the words for it).

        :raises NotMergeableError: it is closed, or was refused.
        :raises ConflictError: it has another head.
        """
        now = self._send("GET", f"pullrequests/{pull.number}").json_object()
        state = api.read_pull_request(now, pull.head_commit_sha, ()).state
        if said or state != "open" or not pull.head_commit_sha.startswith(api.short_head(now) or "-"):
            raise api.merge_error(said, pull, state, api.short_head(now))

    def _merged_later(self, pull: PullRequest, answer: Answer) -> Answer:
        """Ask for the task of a merge until it is done (Pullrequests: Get the merge task status)."""
        task = Request("GET", answer.headers["location"])
        for _ in range(_LOOKS):
            now = self.client.send(task, allow={400, 409})
            if now.status >= 400 or now.json_object()["task_status"] == "SUCCESS":
                return now
            self.client.pause(_PAUSE)
        raise UnavailableError(
            f"bitbucket has not yet merged pull request #{pull.number}; look again in a while", unclear=True
        )

    def _check_merged(self, pull: PullRequest, merged: Mapping[str, Any], merge_commit_sha: str) -> None:
        """Tell that another head was merged than the caller had seen.

        :raises ConflictError: *committed*; it names both heads and the commit that has them.
        """
        head = api.short_head(merged) or self._second_parent(merge_commit_sha)
        if not head or pull.head_commit_sha.startswith(head):
            return
        raise ConflictError(
            f"branch {pull.head!r} had moved from {pull.head_commit_sha[:12]} to {head[:12]} in the moment in "
            f"which it was merged: commits that nobody had seen are on {pull.base!r} now; look at "
            f"{merge_commit_sha[:12]}",
            branch=pull.base,
            head_commit_sha=merge_commit_sha,
            committed=True,
        )

    def _second_parent(self, commit_sha: str) -> str:
        """Give what a merge brought in; "" for a squashed commit, which does not tell."""
        parents = self._send("GET", f"commit/{commit_sha}").json_object()["parents"]
        return str(parents[1]["hash"]) if len(parents) > 1 else ""

    def _full_commit(self, sha: str) -> str:
        if len(sha) > api.SHORT:
            return sha
        return str(self._send("GET", f"commit/{sha}").json_object()["hash"])

    @hookimpl
    def close_pull_request(self, pull_request: PullRequest, delete_branch: bool) -> PullRequest:
        """Decline, and check the head in the answer; if it moved, open another one like it.

        One that was declined cannot be opened again. A commit pushed between the answer and the deletion of the
        branch is lost from the branch.
        """
        request = Request("POST", f"{api.pull_path(self.base, pull_request.number)}/decline", safe=True)
        answer = self.client.send(request, allow={400, 409})
        if answer.status >= 400:
            answer = self._send("GET", f"pullrequests/{pull_request.number}")
        data = answer.json_object()
        closed = api.read_pull_request(data, pull_request.head_commit_sha, pull_request.labels)
        if closed.state != "closed":
            raise refusals.not_mergeable("bitbucket", pull_request, "closed", f"it is {closed.state}")
        short = api.short_head(data)
        if short and not pull_request.head_commit_sha.startswith(short):
            again = self.client.send(api.ask_open_again(self.base, data)).json_object()
            self._labelled(api.read_pull_request(again, "", ()), pull_request.labels)
            raise refusals.moved_head(pull_request, "")
        if delete_branch:
            self._delete_branch(pull_request.head)
        return closed

    # -- checks ---------------------------------------------------------------------------------------

    @hookimpl
    def list_checks(self, commit_sha: str) -> tuple[Check, ...]:
        """Cost one request per 100."""
        request = Request("GET", f"{self.base}/commit/{commit_sha}/statuses", {"pagelen": 100})
        found = [api.read_status(item) for item in self._items(request)]
        return tuple(check for _, check in sorted(found, key=lambda each: each[0], reverse=True))

    # -- sending --------------------------------------------------------------------------------------

    def _send(self, method: str, path: str, *, allow: Iterable[int] = ()) -> Answer:
        where = f"{self.base}/{path}" if path else self.base
        return self.client.send(Request(method, where), allow=set(allow))

    def _items(self, request: Request) -> Iterable[Any]:
        pages = self.client.pages(request, by_body_next)
        return (item for page in pages for item in api.values_of(page))
