"""The backend over GitHub's REST API: it sends what `api` builds, and reads by it what comes back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any, Final

import attrs
from copydesk import Door, hookimpl, refusals
from copydesk.archives import ArchiveWay
from copydesk.blobs import blob_sha, check_blob
from copydesk.changes import check_versions, compare_trees
from copydesk.errors import (
    CopydeskError,
    NotFoundError,
    ProtocolError,
    UnavailableError,
)
from copydesk.http import Answer, HttpClient, Request, by_link, quoted_path
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
    Move,
    NewCommit,
    NewPullRequest,
    PullRequest,
    Put,
    RepositoryInfo,
    TreeEntry,
)
from copydesk.snapshot import Tree
from copydesk.ways import Way

from copydesk_github import api

__all__ = ["GitHubBackend"]

#: How often GitHub is asked whether it has updated a pull request's branch, and seconds between.
_LOOKS: Final = 10
_PAUSE: Final = 1.0


@attrs.define(eq=False)
class GitHubBackend:
    """One repository on GitHub, by REST alone.

    :param base: where the repository is below the root of the API: ``repos/owner/name``; "" where it is the root.
    :param owner: whose it is, which filters pull requests; "" where nobody said so yet.
    :param door: the server in front of GitHub, which does not let everything through; None where there is none.
    :param git: the ways to read that are git's own.
    """

    client: HttpClient
    base: str
    owner: str = ""
    door: Door | None = None
    git: tuple[Way, ...] = ()

    # -- auth -----------------------------------------------------------------------------------------

    @hookimpl
    def authenticate(self) -> Access:
        user = self.client.send(Request("GET", "user"))
        return api.read_access(user, self._send("GET", ""))

    # -- files ----------------------------------------------------------------------------------------

    @hookimpl
    def get_repository(self) -> RepositoryInfo:
        return api.read_repository(self._send("GET", ""))

    @hookimpl
    def get_branch(self, name: str, known_commit_sha: str) -> Branch:
        """Cost one request; unchanged, one that GitHub does not count (Best practices for using the REST API)."""
        answer = self.client.send(api.ask_head(self.base, name, known_commit_sha), allow={404, 409, 422})
        if answer.status == 304:
            return Branch(name, known_commit_sha)
        if answer.status != 200:
            raise self._no_branch(name, answer)
        return Branch(name, api.read_head(answer))

    def _no_branch(self, name: str, answer: Answer) -> NotFoundError:
        """Say what is there instead; this asks once more."""
        if answer.status == 409:
            return NotFoundError(f"{self._where!r} is empty: it has no branch {name!r}; push a first commit")
        default = self.door.branch if self.door else self.get_repository().default_branch
        return refusals.absent_branch("github", name, default)

    @hookimpl
    def list_branches(self, prefix: str) -> tuple[Branch, ...]:
        request = Request("GET", f"{self.base}/git/matching-refs/heads/{quoted_path(prefix)}")
        refs = [api.read_ref(ref) for page in self.client.pages(request, by_link) for ref in page.json_list()]
        return tuple(sorted((Branch(*ref) for ref in refs), key=lambda branch: branch.name))

    @hookimpl
    def delete_branch(self, name: str, head_commit_sha: str) -> bool:
        """Look and delete; REST has no guard: a commit pushed in between is lost from the branch."""
        head = self.head(name)
        if head is None:
            return False
        if head != head_commit_sha:
            raise refusals.undeleted_branch(name, head, head_commit_sha)
        return self.delete_ref(name)

    def head(self, name: str) -> str | None:
        """Give the head of a branch as it is now, None where there is none."""
        try:
            answer = self._send("GET", f"git/ref/heads/{quoted_path(name)}")
        except NotFoundError:  # also that the repository is empty
            return None
        return api.read_ref(answer.json())[1]

    def delete_ref(self, name: str) -> bool:
        """Delete a branch wherever it is; False: there was none."""
        # A 404 is for who may not delete it (Delete a reference).
        answer = self.client.send(api.ask_delete_ref(self.base, name), allow={422})
        if answer.status == 422 and "does not exist" not in api.sentence_of(answer).lower():
            raise api.ref_error(answer, name)
        return answer.status == 204

    @hookimpl
    def list_files(self, commit_sha: str, folder: str) -> tuple[TreeEntry, ...]:
        """Cost one request; one for each folder where GitHub cuts it (Get a tree: 100,000 entries, 7 MB)."""
        answer = self.client.send(
            api.ask_tree(self.base, commit_sha, folder, recursive=True), allow={404, 409, 422}
        )
        if answer.status == 200:
            data = answer.json()
            found = self._walk(data["sha"], folder) if data["truncated"] else api.read_tree(data, folder)
            return tuple(sorted(found, key=lambda entry: entry.path))
        if folder and answer.status != 404:
            # A refusal does not say that the folder is not there: the whole tree does.
            every = self.list_files(commit_sha, "")
            return tuple(entry for entry in every if entry.path.startswith(f"{folder}/"))
        if folder and self._tree(commit_sha) is not None:
            return ()
        raise self._no_commit(commit_sha)

    def _walk(self, tree_sha: str, folder: str) -> tuple[TreeEntry, ...]:
        data = self._tree(tree_sha)
        if data is None or data["truncated"]:
            raise ProtocolError(
                f"github does not list folder {folder!r} in full: it has too many entries; split the folder"
            )
        found = list(api.read_tree(data, folder))
        for name, sha in api.read_subtrees(data):
            below = f"{folder}/{name}" if folder else name
            part = self.client.send(api.ask_tree(self.base, sha, "", recursive=True)).json()
            found += self._walk(sha, below) if part["truncated"] else api.read_tree(part, below)
        return tuple(found)

    def _tree(self, sha: str, folder: str = "") -> Any | None:
        request = api.ask_tree(self.base, sha, folder, recursive=False)
        answer = self.client.send(request, allow={404, 409, 422})
        return answer.json_object() if answer.status == 200 else None

    def _no_commit(self, commit_sha: str) -> NotFoundError:
        return refusals.absent_commit("github", self._where, commit_sha)

    @hookimpl
    def read_file(self, commit_sha: str, path: str, version: FileVersion | None) -> File:
        """Cost one request where the version is known, else one more to find it."""
        known = version if version is not None and version.blob_sha else self._version(commit_sha, path)
        content = self.client.send(api.ask_blob(self.base, str(known.blob_sha))).content
        return File(path, check_blob("github", path, content, known), known)

    def _version(self, commit_sha: str, path: str) -> FileVersion:
        folder = path.rpartition("/")[0]
        data = self._tree(commit_sha, folder)
        if data is None and (not folder or self._tree(commit_sha) is None):
            raise self._no_commit(commit_sha)
        for entry in api.read_tree(data, folder) if data is not None else ():
            if entry.path == path:
                return entry.version
        raise refusals.absent_path(path, commit_sha)

    @hookimpl
    def list_ways(self) -> tuple[Way, ...]:
        """Name the archive after git's own: most archives are made when somebody asks for them."""
        return (*self.git, self._archive()) if self._lets("tarball") else self.git

    def _archive(self) -> ArchiveWay:
        """Make the way of two requests, the second to another server, over a connection of its own."""
        return ArchiveWay(self.client, "github", partial(api.ask_archive, self.base), requests=2, turns=4)

    @hookimpl
    def list_commits(self, commit_sha: str, path: str, limit: int) -> tuple[Commit, ...]:
        query: dict[str, str | int] = {"sha": commit_sha, "per_page": min(100, limit)}
        if path:
            query["path"] = path
        found: list[Commit] = []
        request = Request("GET", f"{self.base}/commits", query)
        try:
            for answer in self.client.pages(request, by_link):
                found += [api.read_listed_commit(item) for item in answer.json_list()]
                if len(found) >= limit:
                    break
        except NotFoundError as exc:
            raise self._no_commit(commit_sha) from exc
        return tuple(found[:limit])

    @hookimpl
    def compare(self, base_commit_sha: str, head_commit_sha: str) -> Comparison:
        """Cost one request, and two trees more beyond 300 files (Compare two commits), without renames then."""
        path = f"compare/{base_commit_sha}...{head_commit_sha}"
        answer = self._send("GET", path, allow={404, 422})
        if answer.status != 200:
            raise refusals.incomparable("github", base_commit_sha, head_commit_sha)
        data = answer.json()
        if len(data.get("files") or ()) < api.COMPARED_FILES:
            return api.read_comparison(data)
        merge_base = data["merge_base_commit"]["sha"]
        trees = (self.list_files(merge_base, ""), self.list_files(head_commit_sha, ""))
        return Comparison(merge_base, compare_trees(*trees))

    @hookimpl
    def commit_changes(self, commit: NewCommit, tree: Tree) -> Commit:
        """Cost three requests and one for each file that is no text; the ref is never forced (Update a reference).

        An error leaves objects that no ref points at, which GitHub removes by itself.
        """
        check_versions(commit, tree)
        for content in _contents(commit):
            if not api.is_inline(content):
                self._store(content)
        made = self._make_commit(commit)
        if commit.creates_branch:
            request = api.ask_create_ref(self.base, commit.branch, made.commit_sha)
        else:
            request = api.ask_move_ref(self.base, commit.branch, made.commit_sha)
        answer = self.client.send(request, allow={403, 404, 409, 422})
        if answer.status >= 400:
            raise api.ref_error(answer, commit.branch)
        return made

    def _store(self, content: bytes) -> None:
        sha = self.client.send(api.ask_create_blob(self.base, content)).json()["sha"]
        if sha != blob_sha(content):
            raise ProtocolError(
                f"github stored other bytes than were sent ({sha[:12]}); nothing was committed; try again"
            )

    def _make_commit(self, commit: NewCommit) -> Commit:
        answer = self.client.send(api.ask_create_tree(self.base, commit), allow={404, 422})
        if answer.status != 201:
            raise NotFoundError(
                f"github made no tree on commit {commit.parent_commit_sha[:12]}: {api.sentence_of(answer)!r}; "
                "check that the commit and the credential's right to write are there"
            )
        answer = self.client.send(api.ask_create_commit(self.base, commit, answer.json()["sha"]))
        return api.read_made_commit(answer, commit)

    # -- pull requests --------------------------------------------------------------------------------

    @hookimpl
    def create_pull_request(self, pull_request: NewPullRequest) -> PullRequest:
        answer = self.client.send(api.ask_create_pull_request(self.base, pull_request), allow={404, 422})
        if answer.status != 201:
            raise api.create_error(api.sentence_of(answer), pull_request)
        return self.labelled(api.read_pull_request(answer.json()), pull_request.labels)

    def labelled(self, pull: PullRequest, labels: Iterable[str]) -> PullRequest:
        """Give a pull request with some labels more."""
        added = tuple(labels)
        if not added:
            return pull
        answer = self.client.send(api.ask_add_labels(self.base, pull.number, added))
        return attrs.evolve(pull, labels=api.read_labels(answer))

    @hookimpl
    def list_pull_requests(self, state: str, base: str, head: str) -> tuple[PullRequest, ...]:
        """Cost one request per 100; the files of each are not told."""
        request = api.ask_pull_requests(self.base, self._owner() if head else "", state, base, head)
        pages = self.client.pages(request, by_link)
        found = [api.read_pull_request(item) for page in pages for item in page.json_list()]
        return tuple(pull for pull in found if _is_wanted(pull, state, base, head))

    def _owner(self) -> str:
        """Tell whose the repository is; behind a door its published branch says so, asked for once."""
        if not self.owner and self.door:
            self.owner = api.read_owner(self._send("GET", f"branches/{quoted_path(self.door.branch)}"))
        return self.owner

    @hookimpl
    def list_changed_files(self, pull_request: PullRequest) -> tuple[ChangedFile, ...]:
        """Cost one request per 100; beyond 3,000 (List pull requests files), a comparison more."""
        pages = self._pages(f"pulls/{pull_request.number}/files")
        items = [item for page in pages for item in page.json_list()]
        if len(items) < api.PROPOSED_FILES:
            return api.read_changed_files(items)
        base = self.get_branch(pull_request.base, "").commit_sha
        return self.compare(base, pull_request.head_commit_sha).files

    @hookimpl
    def set_labels(
        self, pull_request: PullRequest, add: tuple[str, ...], remove: tuple[str, ...]
    ) -> PullRequest:
        pull = self.labelled(pull_request, add)
        if self.door is not None:
            return self._without_labels(pull, remove, known=bool(add)) if remove else pull
        for label in remove:
            answer = self.client.send(api.ask_remove_label(self.base, pull.number, label), allow={404})
            # 404 also says that the pull request has not got the label.
            if answer.status == 404:
                api.check_label_is_gone(answer, label)
            left = (item["name"] for item in answer.json_list()) if answer.status == 200 else pull.labels
            pull = attrs.evolve(pull, labels=tuple(name for name in left if name != label))
        return pull

    def _without_labels(self, pull: PullRequest, remove: Iterable[str], *, known: bool) -> PullRequest:
        """Take labels away by naming those that stay, for a gateway passes no slash on in the name of one.

        A label that somebody adds between the answer that told them and this request is lost.
        """
        if not known:
            pages = self._pages(f"issues/{pull.number}/labels")
            pull = attrs.evolve(pull, labels=tuple(name for page in pages for name in api.read_labels(page)))
        kept = tuple(name for name in pull.labels if name not in set(remove))
        answer = self.client.send(api.ask_set_labels(self.base, pull.number, kept))
        return attrs.evolve(pull, labels=api.read_labels(answer))

    @hookimpl
    def merge_pull_request(
        self, pull_request: PullRequest, method: str, message: str, delete_branch: bool
    ) -> Merge:
        """Merge, guarded by the head; a commit pushed between that and the deletion is lost from the branch."""
        answer = self.client.send(
            api.ask_merge(self.base, pull_request, method, message), allow={405, 409, 422}
        )
        if answer.status != 200:
            raise self.merge_error(api.sentence_of(answer), pull_request)
        if delete_branch:
            self.delete_ref(pull_request.head)  # or the repository deletes merged branches itself
        return Merge(answer.json()["sha"], delete_branch)

    def merge_error(self, said: str, pull: PullRequest) -> CopydeskError:
        """Look at the pull request, for GitHub's words alone do not always tell the reason."""
        data = self._send("GET", f"pulls/{pull.number}").json()
        return api.merge_error(said, pull, api.read_pull_request(data), data.get("mergeable_state") or "")

    @hookimpl
    def close_pull_request(self, pull_request: PullRequest, delete_branch: bool) -> PullRequest:
        """Check the head in the answer to closing; if it moved, open the pull request again.

        A commit pushed between that and the deletion of the branch is lost from the branch.
        """
        closed = self._set_state(pull_request, "closed")
        if closed.state == "merged":
            raise api.merge_error("", pull_request, closed)
        if closed.head_commit_sha != pull_request.head_commit_sha:
            self._set_state(pull_request, "open")
            raise refusals.moved_head(pull_request, closed.head_commit_sha)
        if delete_branch:
            self.delete_ref(pull_request.head)
        return closed

    def _set_state(self, pull: PullRequest, state: str) -> PullRequest:
        return api.read_pull_request(self.client.send(api.ask_state(self.base, pull.number, state)).json())

    @hookimpl
    def update_from_base(self, pull_request: PullRequest) -> Branch:
        """Look until the branch moved: GitHub merges after it answered (Update a pull request branch)."""
        answer = self.client.send(api.ask_update_branch(self.base, pull_request), allow={409, 422})
        seen = pull_request.head_commit_sha
        if answer.status != 202:
            error = api.update_error(api.sentence_of(answer), pull_request)
            if error is not None:
                raise error
            return Branch(pull_request.head, seen)
        for _ in range(_LOOKS):
            head = self.head(pull_request.head)
            if head is not None and head != seen:
                return Branch(pull_request.head, head)
            self.client.pause(_PAUSE)
        raise UnavailableError(
            f"github has not yet merged {pull_request.base!r} into {pull_request.head!r}; look again in a while"
        )

    # -- checks ---------------------------------------------------------------------------------------

    @hookimpl
    def list_checks(self, commit_sha: str) -> tuple[Check, ...]:
        """Cost three requests, and one for each deployment; two behind a door that lets none of these through."""
        found: list[tuple[str, Check]] = []
        at = f"commits/{commit_sha}"
        try:
            for page in self._pages(f"{at}/status"):
                found += api.read_statuses(page.json())
            for page in self._pages(f"{at}/check-runs"):
                found += api.read_check_runs(page.json())
        except (NotFoundError, ProtocolError) as exc:
            # Others may be about a server in front of GitHub.
            if exc.answer is None or exc.answer.status not in {404, 422}:
                raise
            raise self._no_commit(commit_sha) from exc
        if self._lets("deployments"):
            found += self._deployments(commit_sha)
        return tuple(check for _, check in sorted(found, key=lambda each: each[0], reverse=True))

    def _deployments(self, commit_sha: str) -> Iterator[tuple[str, Check]]:
        for page in self._pages("deployments", sha=commit_sha):
            for deployment in page.json_list():
                statuses = self._send("GET", f"deployments/{deployment['id']}/statuses").json_list()
                yield api.read_deployment(deployment, statuses)

    # -- sending --------------------------------------------------------------------------------------

    @property
    def _where(self) -> str:
        """The repository as messages call it."""
        return self.base or "the repository behind the gateway"

    def _lets(self, path: str) -> bool:
        return self.door is None or self.door.lets(path)

    def _send(self, method: str, path: str, *, allow: Iterable[int] = ()) -> Answer:
        where = f"{self.base}/{path}" if path else self.base
        return self.client.send(Request(method, where), allow=set(allow))

    def _pages(self, path: str, **query: str | int) -> Iterable[Answer]:
        request = Request("GET", f"{self.base}/{path}", query | {"per_page": 100})
        return self.client.pages(request, by_link)


def _contents(commit: NewCommit) -> list[bytes]:
    contents = (change.content for change in commit.changes if isinstance(change, Put | Move))
    return [content for content in contents if content is not None]


def _is_wanted(pull: PullRequest, state: str, base: str, head: str) -> bool:
    """Whether a pull request is what was asked for: GitHub leaves a filter out that it does not understand."""
    right_state = state in {"all", pull.state}
    return right_state and base in {"", pull.base} and head in {"", pull.head}
