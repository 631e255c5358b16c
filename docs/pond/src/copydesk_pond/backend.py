"""The backend: it sends what `api` builds, and reads by it what comes back."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any

import attrs
from copydesk import hookimpl, refusals
from copydesk.blobs import check_blob
from copydesk.changes import check_versions
from copydesk.errors import ConflictError, NotFoundError
from copydesk.http import Answer, HttpClient, Request, by_body_next
from copydesk.models import (
    Access,
    Branch,
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
from copydesk.snapshot import Tree

from copydesk_pond import api


@attrs.define(eq=False)
class PondBackend:
    """One repository on Pond."""

    client: HttpClient
    repo: str

    @hookimpl
    def authenticate(self) -> Access:
        """Cost one request."""
        data = self.client.send(Request("GET", "user")).json_object()
        return Access(User(data["login"], data["name"]), may_write=None)

    @hookimpl
    def get_repository(self) -> RepositoryInfo:
        """Cost one request."""
        data = self.client.send(Request("GET", api.path(self.repo))).json_object()
        return RepositoryInfo(self.repo, data["default_branch"], may_write=data["may_write"])

    @hookimpl
    def get_branch(self, name: str) -> Branch:
        """Cost one request."""
        answer = self.client.send(Request("GET", api.path(self.repo, "branches", name)))
        return api.read_branch(answer.json_object())

    @hookimpl
    def list_branches(self, prefix: str) -> tuple[Branch, ...]:
        """Cost one request for ten."""
        found = map(api.read_branch, self._items("branches", prefix=prefix))
        return tuple(sorted(found, key=lambda branch: branch.name))

    @hookimpl
    def delete_branch(self, name: str, head_commit_sha: str) -> bool:
        """Cost one request; Pond compares the head itself, so there is no window."""
        request = Request("DELETE", api.path(self.repo, "branches", name), {"at": head_commit_sha})
        answer = self.client.send(request, allow={404, 409})
        if answer.status == 409:
            raise refusals.undeleted_branch(name, answer.json_object()["commit"], head_commit_sha)
        if answer.status == 404 and "no branch" not in api.DIALECT.sentence(answer):
            raise NotFoundError(f"pond found no repository {self.repo!r}; check repo and api_root")
        return answer.status != 404

    @hookimpl
    def list_files(self, commit_sha: str, folder: str) -> tuple[TreeEntry, ...]:
        """Cost one request for ten files."""
        found = map(api.read_entry, self._items("trees", commit_sha, folder=folder))
        return tuple(sorted(found, key=lambda entry: entry.path))

    @hookimpl
    def read_file(self, commit_sha: str, path: str, version: FileVersion | None) -> File:
        """Cost one request where the version is known, else a listing of the folder more."""
        known = version or self._version(commit_sha, path)
        answer = self.client.send(Request("GET", api.path(self.repo, "blobs", str(known.blob_sha))))
        return File(path, check_blob("pond", path, answer.content, known), known)

    def _version(self, commit_sha: str, path: str) -> FileVersion:
        for entry in self.list_files(commit_sha, path.rpartition("/")[0]):
            if entry.path == path:
                return entry.version
        raise refusals.absent_path(path, commit_sha)

    @hookimpl
    def compare(self, base_commit_sha: str, head_commit_sha: str) -> Comparison:
        """Cost one request; Pond gives a comparison whole."""
        request = Request("GET", api.path(self.repo, "compare", base_commit_sha, head_commit_sha))
        return api.read_comparison(self.client.send(request).json_object())

    @hookimpl
    def commit_changes(self, commit: NewCommit, tree: Tree) -> Commit:
        """Cost one request; Pond moves the branch only from the parent, so there is no window."""
        check_versions(commit, tree)
        answer = self.client.send(api.ask_commit(self.repo, commit), allow={409})
        if answer.status != 409:
            return api.read_commit(answer.json_object(), commit)
        if commit.creates_branch:
            raise refusals.existing_branch(commit.branch)
        raise refusals.moved_branch(commit.branch, api.DIALECT.sentence(answer))

    @hookimpl
    def list_commits(self, commit_sha: str, path: str, limit: int) -> tuple[Commit, ...]:
        """Cost one request for ten."""
        items = self._items("commits", sha=commit_sha, path=path)
        return tuple(map(api.read_commit, itertools.islice(items, limit)))

    @hookimpl
    def create_pull_request(self, pull_request: NewPullRequest) -> PullRequest:
        """Cost one request."""
        answer = self.client.send(api.ask_pull_request(self.repo, pull_request), allow={409, 422})
        if answer.status == 409:
            raise refusals.existing_pull_request(pull_request)
        if answer.status == 422:
            raise refusals.nothing_to_propose(pull_request)
        return api.read_pull_request(answer.json_object())

    @hookimpl
    def list_pull_requests(self, state: str, base: str, head: str) -> tuple[PullRequest, ...]:
        """Cost one request for ten."""
        return tuple(map(api.read_pull_request, self._items("pulls", state=state, base=base, head=head)))

    @hookimpl
    def set_labels(
        self, pull_request: PullRequest, add: tuple[str, ...], remove: tuple[str, ...]
    ) -> PullRequest:
        """Cost one request; others' labels are left to Pond, which adds and removes by name."""
        answer = self._send(pull_request, "labels", {"add": add, "remove": remove})
        return api.read_pull_request(answer.json_object())

    @hookimpl
    def merge_pull_request(
        self, pull_request: PullRequest, method: str, message: str, delete_branch: bool
    ) -> Merge:
        """Cost one request, and one for the branch; Pond compares the head, so there is no window."""
        body = {"head": pull_request.head_commit_sha, "squash": method == "squash", "message": message}
        answer = self._send(pull_request, "merge", body)
        self._check(pull_request, answer)
        gone = delete_branch and self._delete(pull_request)
        return Merge(answer.json_object()["commit"], branch_deleted=gone)

    @hookimpl
    def close_pull_request(self, pull_request: PullRequest, delete_branch: bool) -> PullRequest:
        """Cost one request, and one for the branch; Pond compares the head, so there is no window."""
        answer = self._send(pull_request, "close", {"head": pull_request.head_commit_sha})
        self._check(pull_request, answer)
        if delete_branch:
            self._delete(pull_request)
        return api.read_pull_request(answer.json_object())

    def _send(self, pull: PullRequest, verb: str, body: Any) -> Answer:
        where = api.path(self.repo, "pulls", str(pull.number), verb)
        return self.client.send(Request("POST", where, json=body), allow={409, 422})

    def _check(self, pull: PullRequest, answer: Answer) -> None:
        """Raise what a refusal means: the head moved, or what the pull request waits for."""
        if answer.status == 409:
            raise refusals.moved_head(pull, answer.json_object()["commit"])
        if answer.status == 422:
            data = answer.json_object()
            raise refusals.not_mergeable("pond", pull, data["reason"], data["message"], data["paths"])

    def _delete(self, pull: PullRequest) -> bool:
        """Delete the branch if it still is where it was: after a push that came in between it stays."""
        try:
            self.delete_branch(pull.head, pull.head_commit_sha)
        except ConflictError:
            return False
        return True

    def _items(self, *segments: str, **query: str) -> Iterable[Any]:
        """Give the items of a listing, page after page, to the end."""
        for page in self.client.pages(Request("GET", api.path(self.repo, *segments), query), by_body_next):
            yield from page.json_object()["items"]
