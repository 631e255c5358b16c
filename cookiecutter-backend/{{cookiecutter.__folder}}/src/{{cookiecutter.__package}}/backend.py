"""The backend: it sends what `api` builds, and reads by it what comes back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import attrs
from copydesk import hookimpl, refusals
from copydesk.blobs import check_blob
from copydesk.changes import check_versions
from copydesk.errors import NotFoundError
from copydesk.http import HttpClient, Request, by_body_next
from copydesk.models import (
    Access,
    Branch,
    Commit,
    Comparison,
    File,
    NewCommit,
    NewPullRequest,
    PullRequest,
    RepositoryInfo,
    TreeEntry,
)
from copydesk.snapshot import Tree

from {{ cookiecutter.__package }} import api
from {{ cookiecutter.__package }}.options import {{ cookiecutter.__class }}Options

__all__ = ["{{ cookiecutter.__class }}Backend"]


@attrs.define(eq=False)
class {{ cookiecutter.__class }}Backend:
    """One repository on {{ cookiecutter.service }}.

    `copydesk.hookspecs` says what each operation promises; what is not here is not supported.
    """

    client: HttpClient
    options: {{ cookiecutter.__class }}Options

    def _items(self, request: Request) -> Iterator[Mapping[str, Any]]:
        """Give what stands on all pages of a listing."""
        for page in self.client.pages(request, by_body_next):
            yield from api.items_of(page)

    # -- who and where --------------------------------------------------------------------------------

    @hookimpl
    def authenticate(self) -> Access:
        """Cost one request."""
        return api.read_access(self.client.send(api.ask_user()))

    @hookimpl
    def get_repository(self) -> RepositoryInfo:
        """Cost one request."""
        return api.read_repository(self.client.send(Request("GET", api.repo_path(self.options.repo))))

    # -- branches -------------------------------------------------------------------------------------

    @hookimpl
    def get_branch(self, name: str) -> Branch:
        """Cost one request."""
        answer = self.client.send(api.ask_branch(self.options.repo, name), allow={404})
        if answer.status == 404:
            raise refusals.absent_branch(api.DIALECT.name, name, self.get_repository().default_branch)
        return api.read_branch(answer.json_object())

    @hookimpl
    def list_branches(self, prefix: str) -> tuple[Branch, ...]:
        """Cost one request per page."""
        found = map(api.read_branch, self._items(api.ask_branches(self.options.repo, prefix)))
        return tuple(sorted(found, key=lambda branch: branch.name))

    @hookimpl
    def delete_branch(self, name: str, head_commit_sha: str) -> bool:
        """Cost one request, which the service guards by the head."""
        request = api.ask_delete_branch(self.options.repo, name, head_commit_sha)
        answer = self.client.send(request, allow={404, 409})
        if answer.status == 409:
            head = self.get_branch(name).commit_sha
            raise refusals.undeleted_branch(name, head, head_commit_sha)
        if answer.status == 404 and api.reason_of(answer) != "branch":
            raise NotFoundError(f"the repository {self.options.repo!r} is not there, or not to be seen")
        return answer.status != 404

    # -- files ----------------------------------------------------------------------------------------

    @hookimpl
    def list_files(self, commit_sha: str, folder: str) -> tuple[TreeEntry, ...]:
        """Cost one request per page."""
        request = api.ask_tree(self.options.repo, commit_sha, folder)
        try:
            found = [api.read_entry(item) for item in self._items(request)]
        except NotFoundError as exc:
            raise refusals.absent_commit(api.DIALECT.name, self.options.repo, commit_sha) from exc
        return tuple(sorted(found, key=lambda entry: entry.path))

    @hookimpl
    def read_file(self, commit_sha: str, path: str) -> File:
        """Cost one request; the bytes are checked against their sha."""
        answer = self.client.send(api.ask_file(self.options.repo, commit_sha, path), allow={404})
        if answer.status == 404:
            raise refusals.absent_path(path, commit_sha)
        file = api.read_file(answer, path)
        check_blob(api.DIALECT.name, path, file.content, file.version)
        return file

    # -- commits --------------------------------------------------------------------------------------

    @hookimpl
    def list_commits(self, commit_sha: str, path: str, limit: int) -> tuple[Commit, ...]:
        """Cost one request per page, until there are *limit*."""
        found: list[Commit] = []
        try:
            for item in self._items(api.ask_commits(self.options.repo, commit_sha, path)):
                found.append(api.read_commit(item))
                if len(found) >= limit:
                    break
        except NotFoundError as exc:
            raise refusals.absent_commit(api.DIALECT.name, self.options.repo, commit_sha) from exc
        return tuple(found[:limit])

    @hookimpl
    def compare(self, base_commit_sha: str, head_commit_sha: str) -> Comparison:
        """Cost one request."""
        request = api.ask_comparison(self.options.repo, base_commit_sha, head_commit_sha)
        answer = self.client.send(request, allow={404})
        if answer.status == 404:
            raise refusals.incomparable(api.DIALECT.name, base_commit_sha, head_commit_sha)
        return api.read_comparison(answer)

    @hookimpl
    def commit_changes(self, commit: NewCommit, tree: Tree) -> Commit:
        """Cost one request, which the service guards by the head of the branch."""
        check_versions(commit, tree)
        answer = self.client.send(api.ask_commit(self.options.repo, commit), allow={404, 409})
        if answer.status >= 400:
            raise api.commit_error(answer, self.options.repo, commit)
        return api.read_made_commit(answer, commit)

    # -- pull requests --------------------------------------------------------------------------------

    @hookimpl
    def create_pull_request(self, pull_request: NewPullRequest) -> PullRequest:
        """Cost one request."""
        request = api.ask_create_pull_request(self.options.repo, pull_request)
        answer = self.client.send(request, allow={409})
        if answer.status == 409:
            raise refusals.existing_pull_request(pull_request)
        return api.read_pull_request(answer.json_object())

    @hookimpl
    def list_pull_requests(self, state: str, base: str, head: str) -> tuple[PullRequest, ...]:
        """Cost one request per page."""
        request = api.ask_pull_requests(self.options.repo, state, base, head)
        return tuple(map(api.read_pull_request, self._items(request)))
