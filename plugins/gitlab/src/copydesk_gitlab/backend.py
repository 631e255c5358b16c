"""The backend over GitLab's REST API: it sends what `api` builds, and reads by it what comes back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import attrs
from copydesk import Door, hookimpl, refusals
from copydesk.blobs import check_blob
from copydesk.changes import check_versions, compare_trees
from copydesk.errors import (
    AuthenticationError,
    ConflictError,
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
    NewCommit,
    NewPullRequest,
    PullRequest,
    RepositoryInfo,
    TreeEntry,
)
from copydesk.snapshot import Tree
from copydesk.ways import Way

from copydesk_gitlab import api
from copydesk_gitlab.archive import FolderArchiveWay

__all__ = ["GitLabBackend"]

#: How often GitLab is asked what it is still finding out, and seconds between.
_LOOKS: Final = 10
_PAUSE: Final = 1.0


@attrs.define(eq=False)
class GitLabBackend:
    """One project on GitLab, by REST alone.

    :param base: where the project is below the root of the API: ``projects/group%2Fname``; "" at the root itself.
    :param name: the project as messages call it: ``group/name``.
    :param is_job: the credential is the token of a CI/CD job, which belongs to no user.
    :param door: the server in front of GitLab, which does not let everything through; None where there is none.
    :param git: the ways to read that are git's own.
    """

    client: HttpClient
    base: str
    name: str
    is_job: bool = False
    door: Door | None = None
    git: tuple[Way, ...] = ()

    # -- auth -----------------------------------------------------------------------------------------

    @hookimpl
    def authenticate(self) -> Access:
        """Cost two requests, and one more where neither project nor group tell the right (Project members API)."""
        who = self._who()
        project = self._send("GET", "")
        level = api.level_of(project.json_object())
        if level is None and not self.is_job:
            level = self._inherited_level(who["id"])
        return api.read_access(who, project, level)

    def _who(self) -> Any:
        """Give the user; a job's token may ask for its job alone (Jobs API: Get job token's job)."""
        answer = self.client.send(Request("GET", "job" if self.is_job else "user"))
        return answer.json_object()["user"] if self.is_job else answer.json_object()

    def _inherited_level(self, user_id: int) -> int:
        """Ask for the level by the groups above and the invited ones; who is not there is no member."""
        answer = self._send("GET", f"members/all/{user_id}", allow={404})
        return int(answer.json_object()["access_level"]) if answer.status == 200 else 0

    # -- files ----------------------------------------------------------------------------------------

    @hookimpl
    def get_repository(self) -> RepositoryInfo:
        """Cost one request; it may not know the right to write, see :meth:`authenticate`."""
        return api.read_repository(self._send("GET", ""))

    @hookimpl
    def get_branch(self, name: str) -> Branch:
        """Cost one request."""
        head = self.head(name)
        if head is not None:
            return Branch(name, head)
        if self.door:
            raise refusals.absent_branch("gitlab", name, self.door.branch)
        project = self._send("GET", "")
        if api.is_empty(project.json_object()):
            raise NotFoundError(
                f"{self.name!r} is empty on gitlab: it has no branch {name!r}; push a first commit"
            )
        raise refusals.absent_branch("gitlab", name, api.read_repository(project).default_branch)

    def head(self, name: str) -> str | None:
        """Give the head of a branch as it is now, None where there is none."""
        answer = self.client.send(Request("GET", api.branch_path(self.base, name)), allow={404})
        if answer.status == 404:
            self._check_absent(answer, "branch")
            return None
        return api.read_branch(answer.json_object())[1]

    def _check_absent(self, answer: Answer, what: str) -> None:
        """Check that a 404 says of *what* was asked for that it is not there, and not of the project, or nothing.

        :raises NotFoundError: it is something else.
        """
        said = api.sentence_of(answer)
        words = said.lower()
        if f"{what} not found" in words:
            return
        if "repository not found" in words:
            raise NotFoundError(
                f"{self.name!r} has no repository on gitlab ({said!r}): it was never made, or is turned "
                "off; push a first commit, or turn it on in the project's settings"
            )
        if "project not found" in words:
            raise NotFoundError(
                f"there is no project {self.name!r} on gitlab that this credential may see ({said!r}); "
                "check repo, which is the whole path with its groups, and the rights of the credential"
            )
        raise NotFoundError(f"gitlab found no {what} in {self.name!r}: {said!r}; check api_root and repo")

    @hookimpl
    def list_branches(self, prefix: str) -> tuple[Branch, ...]:
        """Cost one request per 100."""
        pages = self.client.pages(api.ask_branches(self.base, prefix), by_link)
        found = [Branch(*api.read_branch(item)) for page in pages for item in page.json_list()]
        # GitLab's search takes no account of case.
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
        """Delete a branch wherever it is; False: there was none."""
        answer = self.client.send(api.ask_delete_branch(self.base, name), allow={404})
        if answer.status == 404:
            self._check_absent(answer, "branch")
        return answer.status != 404

    @hookimpl
    def list_files(self, commit_sha: str, folder: str) -> tuple[TreeEntry, ...]:
        """Cost one request per 100 files and folders."""
        found: list[TreeEntry] = []
        for items in self._tree(commit_sha, folder, recursive=True):
            found += api.read_tree(items)
        return tuple(sorted(found, key=lambda entry: entry.path))

    def _tree(self, commit_sha: str, folder: str, *, recursive: bool) -> Iterable[list[Any]]:
        """Give the pages of a tree, none for a folder that is not there.

        :raises NotFoundError: there is no such commit.
        """
        request = api.ask_tree(self.base, commit_sha, folder, recursive=recursive)
        pages = self.client.pages(request, by_link)
        try:
            yield next(pages).json_list()
        except NotFoundError as exc:
            if exc.answer is None or exc.answer.status != 404:
                raise
            # GitLab says the same of a folder and of a commit that is not there.
            self._check_commit(commit_sha)
            return
        for page in pages:
            yield page.json_list()

    def _check_commit(self, commit_sha: str) -> Any:
        """Give a commit.

        :raises NotFoundError: there is none.
        """
        answer = self._send("GET", f"repository/commits/{commit_sha}", allow={404})
        if answer.status == 404:
            self._check_absent(answer, "commit")
            raise refusals.absent_commit("gitlab", self.name, commit_sha)
        return answer.json_object()

    @hookimpl
    def read_file(self, commit_sha: str, path: str, version: FileVersion | None) -> File:
        """Cost one request where the mode is known, else one more per 100 entries of its folder."""
        known = version or self._version(commit_sha, path)
        file = self._read(commit_sha, path, known.mode)
        check_blob("gitlab", path, file.content, file.version)
        check_blob("gitlab", path, file.content, known)
        return file

    def _version(self, commit_sha: str, path: str) -> FileVersion:
        for items in self._tree(commit_sha, path.rpartition("/")[0], recursive=False):
            for entry in api.read_tree(items):
                if entry.path == path:
                    return entry.version
        raise refusals.absent_path(path, commit_sha)

    def _read(self, commit_sha: str, path: str, mode: Mode) -> File:
        answer = self.client.send(api.ask_raw(self.base, path, commit_sha), allow={404})
        if answer.status == 404:
            raise refusals.absent_path(path, commit_sha)
        return api.read_raw(answer, path, mode)

    @hookimpl
    def list_ways(self) -> tuple[Way, ...]:
        """Name the archive after git's own, for it gives five a minute."""
        archive = FolderArchiveWay(self.client, self.base, self._tops)
        return (*self.git, archive) if self._lets("repository/archive") else self.git

    def _tops(self, commit_sha: str, folder: str) -> Mapping[str, str]:
        """Give the shas of what an archive of a folder has at its top: the folder itself, or all at the root."""
        above = folder.rpartition("/")[0]
        found: dict[str, str] = {}
        for items in self._tree(commit_sha, above, recursive=False):
            found |= {item["path"]: item["id"] for item in items if not folder or item["path"] == folder}
            if folder in found:
                return found if items_are_trees(items, folder) else {}
        return found

    @hookimpl
    def list_commits(self, commit_sha: str, path: str, limit: int) -> tuple[Commit, ...]:
        """Cost one request per 100, and one where there is none (Commits API: List repository commits)."""
        query: dict[str, str | int] = {"ref_name": commit_sha, "per_page": min(100, limit)}
        query |= {"path": path} if path else {}
        request = Request("GET", f"{self.base}/repository/commits", query)
        found: list[Commit] = []
        for answer in self.client.pages(request, by_link):
            found += [api.read_commit(item) for item in answer.json_list()]
            if len(found) >= limit:
                break
        if not found:  # a commit that is not there has no commits either
            self._check_commit(commit_sha)
        return tuple(found[:limit])

    @hookimpl
    def compare(self, base_commit_sha: str, head_commit_sha: str) -> Comparison:
        """Cost one request; one more where merges leave the merge base open; two trees where it may be cut.

        Behind a door that lets no question for the merge base through, a merge costs a comparison more.
        """
        request = api.ask_comparison(self.base, base_commit_sha, head_commit_sha)
        answer = self.client.send(request, allow={400, 404})
        if answer.status != 200:
            raise refusals.incomparable("gitlab", base_commit_sha, head_commit_sha)
        data = answer.json_object()
        merge_base, only = api.merge_base_of(data, head_commit_sha), True
        if merge_base is None and self._lets("repository/merge_base"):
            merge_base = self._merge_base(base_commit_sha, head_commit_sha)
        elif merge_base is None:
            merge_base, only = self._latest(api.shared_parents(data))
        if merge_base is None:
            raise refusals.incomparable("gitlab", base_commit_sha, head_commit_sha)
        if only and not api.is_cut(data):
            return Comparison(merge_base, api.read_changed_files(data["diffs"]))
        trees = (self.list_files(merge_base, ""), self.list_files(head_commit_sha, ""))
        return Comparison(merge_base, compare_trees(*trees))

    def _merge_base(self, base_commit_sha: str, head_commit_sha: str) -> str:
        request = api.ask_merge_base(self.base, base_commit_sha, head_commit_sha)
        answer = self.client.send(request, allow={400, 404})
        if answer.status != 200:
            raise refusals.incomparable("gitlab", base_commit_sha, head_commit_sha)
        sha: str = answer.json_object()["id"]
        return sha

    def _latest(self, commit_shas: list[str]) -> tuple[str | None, bool]:
        """Give one of some commits that comes before none of the others; this costs a comparison for each.

        :returns: it, and whether it is known to be the only one: else GitLab may have compared with another.
        """
        latest, only = commit_shas[0] if commit_shas else None, True
        for other in commit_shas[1:]:
            data = self.client.send(api.ask_comparison(self.base, other, str(latest))).json_object()
            if not data["commits"]:
                latest = other
            elif api.merge_base_of(data, str(latest)) != other:
                only = False
        return latest, only

    # -- commits --------------------------------------------------------------------------------------

    @hookimpl
    def commit_changes(self, commit: NewCommit, tree: Tree) -> Commit:
        """Cost one request, and one for each file replaced whose last commit is not known.

        A new branch starts at the parent and at nothing else. On a branch that is there GitLab checks the last
        commit of each file that is replaced, and commits afterwards onto the head of that moment: within the
        server lies a window, and the parent in the answer tells whether somebody came through it. What is created
        must not be there, without a window.
        """
        if commit.creates_branch:
            check_versions(commit, tree)
            return self._made(commit, tree, self._send_commit(commit, {}))
        replaced = api.replaced(commit)
        known = {path: version.last_commit_sha for path, version in replaced.items()}
        if all(known.values()):
            answer = self._send_commit(commit, known)
            # Another last commit need not mean other bytes: a change and its revert, or a squashed branch.
            if not api.says_changed(answer):
                return self._made(commit, tree, answer)
        check_versions(commit, tree)
        last = {path: self._last_commit(commit.parent_commit_sha, path) for path in replaced}
        return self._made(commit, tree, self._send_commit(commit, last))

    def _last_commit(self, commit_sha: str, path: str) -> str:
        answer = self.client.send(api.ask_file(self.base, path, commit_sha), allow={404})
        found = None if answer.status == 404 else api.read_last_commit(answer)
        if found is None:
            raise ProtocolError(
                f"gitlab does not tell the last commit of {path!r} at {commit_sha[:12]}, by which it guards "
                "files; nothing was written"
            )
        return found

    def _send_commit(self, commit: NewCommit, last_commits: Mapping[str, str | None]) -> Answer:
        return self.client.send(api.ask_commit(self.base, commit, last_commits), allow={400})

    def _made(self, commit: NewCommit, tree: Tree, answer: Answer) -> Commit:
        if answer.status != 400:
            return api.read_made_commit(answer, commit)
        own = api.DIALECT.error_class(answer)
        error = own(f"gitlab: {api.sentence_of(answer)!r}") if own else api.commit_error(answer, commit)
        if isinstance(error, ConflictError) and not commit.creates_branch:
            check_versions(commit, tree)  # it can tell the paths, where GitLab does not
        raise error

    # -- pull requests --------------------------------------------------------------------------------

    @hookimpl
    def create_pull_request(self, pull_request: NewPullRequest) -> PullRequest:
        """Cost one request."""
        request = api.ask_create_pull_request(self.base, pull_request)
        answer = self.client.send(request, allow={400, 409, 422})
        if answer.status != 201:
            raise api.create_error(answer, pull_request)
        made = api.read_new_pull_request(answer.json_object())
        if made.problem:  # GitLab opened it all the same
            self._update(made.number, state_event="close")
            raise NotFoundError(f"there is no branch {pull_request.head!r} on gitlab to merge; commit first")
        return made

    @hookimpl
    def list_pull_requests(self, state: str, base: str, head: str) -> tuple[PullRequest, ...]:
        """Cost one request per 100; the files of each are not told."""
        pages = self.client.pages(api.ask_pull_requests(self.base, state, base, head), by_link)
        return tuple(api.read_pull_request(item) for page in pages for item in page.json_list())

    @hookimpl
    def list_changed_files(self, pull_request: PullRequest) -> tuple[ChangedFile, ...]:
        """Cost one request per 100; where it may be cut, a comparison more (List merge request diffs)."""
        request = Request("GET", f"{self._path(pull_request)}/diffs", {"per_page": 100})
        items = [item for page in self.client.pages(request, by_link) for item in page.json_list()]
        if len(items) < api.COMPARED_FILES:
            return api.read_changed_files(items)
        base = self.get_branch(pull_request.base).commit_sha
        return self.compare(base, pull_request.head_commit_sha).files

    @hookimpl
    def set_labels(
        self, pull_request: PullRequest, add: tuple[str, ...], remove: tuple[str, ...]
    ) -> PullRequest:
        """Cost one request."""
        values = {"add_labels": api.joined(add), "remove_labels": api.joined(remove)}
        return self._update(
            pull_request.number, **{name: labels for name, labels in values.items() if labels}
        )

    @hookimpl
    def merge_pull_request(
        self, pull_request: PullRequest, method: str, message: str, delete_branch: bool
    ) -> Merge:
        """Cost one request, guarded by the head; GitLab deletes the branch a moment later, if it is still there.

        While GitLab is finding out whether it can be merged, as it does after each push, it is asked again.
        """
        for _ in range(_LOOKS):
            answer = self._merge(pull_request, method, message, delete_branch=delete_branch)
            if answer.status < 400:
                return self._merged(answer.json_object(), delete_branch=delete_branch)
            now = self._send("GET", f"merge_requests/{pull_request.number}").json_object()
            error = api.merge_error(api.sentence_of(answer), pull_request, now)
            if isinstance(error, ConflictError) or now.get("detailed_merge_status") not in api.CHECKING:
                raise error
            self.client.pause(_PAUSE)
        raise UnavailableError(
            f"gitlab is still finding out whether #{pull_request.number} can be merged; nothing was merged, "
            "try again"
        )

    def _merge(self, pull: PullRequest, method: str, message: str, *, delete_branch: bool) -> Answer:
        request = api.ask_merge(self.base, pull, method, message, delete_branch=delete_branch)
        known = self.client.was_accepted
        try:
            return self.client.send(request, allow={405, 406, 409, 422})
        except AuthenticationError as exc:
            if not known:
                raise
            # What it says of a wrong token it says of who may not merge, too (Merge a merge request).
            raise PermissionDeniedError(
                f"gitlab does not let this user merge into {pull.base!r}; ask the owner for the right to merge "
                f"there ({exc})"
            ) from exc

    def _merged(self, data: Mapping[str, Any], *, delete_branch: bool) -> Merge:
        if data["state"] != "merged":
            raise UnavailableError(
                f"gitlab has not yet merged !{data['iid']}, it is {data['state']}; look again", unclear=True
            )
        return Merge(api.merged_commit(data), delete_branch)

    @hookimpl
    def close_pull_request(self, pull_request: PullRequest, delete_branch: bool) -> PullRequest:
        """Check the head in the answer to closing; if it moved, open the merge request again.

        A merge request follows its branch a moment after a push, and the deletion has no guard: a commit pushed in
        these moments is lost from the branch.
        """
        closed = self._update(pull_request.number, state_event="close")
        if closed.state == "merged":
            raise refusals.not_mergeable("gitlab", pull_request, "closed", "it is merged")
        if closed.head_commit_sha != pull_request.head_commit_sha:
            self._update(pull_request.number, state_event="reopen")
            raise refusals.moved_head(pull_request, closed.head_commit_sha)
        if delete_branch:
            self._delete_branch(pull_request.head)
        return closed

    def _update(self, number: int, **values: str) -> PullRequest:
        answer = self.client.send(api.ask_update(self.base, number, **values))
        return api.read_pull_request(answer.json_object())

    @hookimpl
    def rebase_pull_request(self, pull_request: PullRequest) -> Branch:
        """Look, rebase, and look until it is done; the rebase has no guard (Rebase a merge request).

        A commit pushed between the look and the rebase is rebased with the others, and not lost.
        """
        seen = pull_request.head_commit_sha
        before = self._rebasing(pull_request)
        head = self.head(pull_request.head)
        if head != seen:
            raise refusals.moved_head(pull_request, head or "")
        if not before.get("diverged_commits_count"):
            return Branch(pull_request.head, seen)
        self.client.send(api.ask_rebase(self.base, pull_request.number))
        for _ in range(_LOOKS):
            now = self._rebasing(pull_request)
            if not now.get("rebase_in_progress"):
                return self._rebased(pull_request, now)
            self.client.pause(_PAUSE)
        raise UnavailableError(
            f"gitlab has not yet rebased {pull_request.head!r} onto {pull_request.base!r}; look again in a while"
        )

    def _rebasing(self, pull: PullRequest) -> dict[str, Any]:
        return self.client.send(api.ask_rebasing(self.base, pull.number)).json_object()

    def _rebased(self, pull: PullRequest, data: Mapping[str, Any]) -> Branch:
        head = self.head(pull.head)
        if head is None or head == pull.head_commit_sha:
            said = data.get("merge_error") or "the branch is where it was"
            raise refusals.not_mergeable("gitlab", pull, "conflicts", said)
        return Branch(pull.head, head)

    # -- checks ---------------------------------------------------------------------------------------

    @hookimpl
    def list_checks(self, commit_sha: str) -> tuple[Check, ...]:
        """Cost four requests: the commit, its statuses, its pipelines, and what was deployed since it was made."""
        made = api.read_commit(self._check_commit(commit_sha))
        found = [api.read_status(item) for item in self._items(f"repository/commits/{commit_sha}/statuses")]
        if self._lets("pipelines"):
            found += [api.read_pipeline(item) for item in self._items("pipelines", sha=commit_sha)]
        if self._lets("deployments"):
            for page in self.client.pages(api.ask_deployments(self.base, made.date), by_link):
                found += [api.read_deployment(item) for item in page.json_list() if item["sha"] == commit_sha]
        return tuple(check for _, check in sorted(found, key=lambda each: each[0], reverse=True))

    # -- sending --------------------------------------------------------------------------------------

    def _lets(self, path: str) -> bool:
        return self.door is None or self.door.lets(path)

    def _path(self, pull: PullRequest) -> str:
        return api.pull_path(self.base, pull.number)

    def _send(self, method: str, path: str, *, allow: Iterable[int] = ()) -> Answer:
        where = f"{self.base}/{path}" if path else self.base
        return self.client.send(Request(method, where), allow=set(allow))

    def _items(self, path: str, **query: str) -> Iterable[Any]:
        request = Request("GET", f"{self.base}/{path}", query | {"per_page": 100})
        return (item for page in self.client.pages(request, by_link) for item in page.json_list())


def items_are_trees(items: Iterable[Mapping[str, Any]], folder: str) -> bool:
    """Whether what has the name of a folder is one."""
    return any(item["path"] == folder and item["type"] == "tree" for item in items)
