"""The operations that GitHub's GraphQL API does in fewer requests, or guards better, than its REST API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs
from copydesk import hookimpl, refusals
from copydesk.changes import check_versions
from copydesk.errors import (
    ConflictError,
    CopydeskError,
    PermissionDeniedError,
)
from copydesk.http import HttpClient, Reply, Request, message_of, read_reply
from copydesk.models import (
    Access,
    Branch,
    Commit,
    Merge,
    NewCommit,
    NewPullRequest,
    Proposal,
    PullRequest,
    RepositoryInfo,
)
from copydesk.snapshot import Tree
from copydesk.ways import Way

from copydesk_github import api, queries
from copydesk_github.backend import GitHubBackend
from copydesk_github.queries import Opened
from copydesk_github.ways import TextsWay

__all__ = ["GitHubGraphQL", "graphql_address"]


def graphql_address(api_root: str) -> str:
    """Give the address of GraphQL beside a REST root; on Enterprise ``…/api/v3`` it is ``…/api/graphql``."""
    root = api_root.removesuffix("/v3") if api_root.endswith("/api/v3") else api_root
    return f"{root}/graphql"


@attrs.define(eq=False)
class GitHubGraphQL:
    """Answers before the REST backend, and leaves to it what GraphQL cannot do."""

    rest: GitHubBackend
    address: str
    repo: str
    _opened: Opened | None = None
    _labels: dict[str, str] = attrs.field(factory=dict)
    texts: TextsWay = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.texts = TextsWay(self.client, self.address, self.repo)

    @property
    def client(self) -> HttpClient:
        return self.rest.client

    def _ask(self, request: Request) -> Reply:
        return read_reply(self.client.send(request))

    # -- the repository -------------------------------------------------------------------------------

    def opened(self) -> Opened:
        """Give what is known of the repository; the first time it costs a request."""
        return self._opened or self._open("")

    def _open(self, branch: str) -> Opened:
        opened = queries.read_open(self._ask(queries.ask_open(self.address, self.repo, branch)), self.repo)
        self._labels |= opened.labels
        self._opened = opened
        return opened

    @hookimpl
    def authenticate(self) -> Access:
        """Cost one request."""
        answer = self.client.send(queries.ask_open(self.address, self.repo, ""))
        opened = queries.read_open(read_reply(answer), self.repo)
        return Access(opened.viewer, opened.info.may_write, api.read_scopes(answer))

    @hookimpl
    def get_repository(self) -> RepositoryInfo:
        """Cost one request."""
        return self._open("").info

    @hookimpl
    def get_branch(self, name: str, known_commit_sha: str) -> Branch:
        """Cost one request, which the first time tells of the repository besides."""
        if known_commit_sha:
            return self.rest.get_branch(name, known_commit_sha)
        opened = self._open(name)
        if opened.head is None:
            raise refusals.absent_branch("github", name, opened.info.default_branch)
        return Branch(name, opened.head)

    @hookimpl
    def delete_branch(self, name: str, head_commit_sha: str) -> bool:
        """Cost one request, guarded by the head (updateRefs)."""
        request = queries.ask_delete(self.address, self.opened(), name, head_commit_sha)
        error = self._ask(request).error()
        return True if error is None else self._explain_deletion(name, head_commit_sha, error)

    def _explain_deletion(self, name: str, seen: str, error: Mapping[str, object]) -> bool:
        """Look why a branch was not deleted.

        :returns: False: there was none.
        """
        head = self.rest.head(name)
        if head is None:
            return False
        if head == seen:
            raise queries.error_of(error, f"delete branch {name!r}")
        raise refusals.undeleted_branch(name, head, seen)

    # -- files ----------------------------------------------------------------------------------------

    @hookimpl
    def list_ways(self) -> tuple[Way, ...]:
        return (self.texts, *self.rest.list_ways())

    @hookimpl
    def last_changes(self, commit_sha: str, paths: tuple[str, ...]) -> Mapping[str, Commit]:
        """Cost one request per 25 paths."""
        found: dict[str, Commit] = {}
        for start in range(0, len(paths), queries.BATCH_PATHS):
            some = paths[start : start + queries.BATCH_PATHS]
            reply = self._ask(queries.ask_last_commits(self.address, self.repo, commit_sha, some))
            commits = queries.read_last_commits(reply, some)
            if commits is None:
                raise refusals.absent_commit("github", self.repo, commit_sha)
            found |= commits
        return found

    @hookimpl
    def commit_changes(self, commit: NewCommit, tree: Tree) -> Commit:
        """Cost one request (createCommitOnBranch), guarded by the head.

        Where GraphQL would lose something (a mode, the author, a new branch that must not be there), by REST.
        """
        if commit.creates_branch or not self._fits(commit):
            return self.rest.commit_changes(commit, tree)
        check_versions(commit, tree)
        reply = self._ask(queries.ask_commit(self.address, self.repo, commit))
        made = reply.part("commit")
        if made is None:
            raise self._commit_error(reply.error() or {}, commit)
        return queries.read_made_commit(made, commit)

    def _fits(self, commit: NewCommit) -> bool:
        """Whether GraphQL makes the commit as it is: it has no author but the credential's owner."""
        author = commit.author
        if not queries.is_plain(commit):
            return False
        viewer = None if author is None else self.opened().viewer
        return author is None or (viewer is not None and viewer.email != "" and author == viewer)

    def _commit_error(self, error: Mapping[str, object], commit: NewCommit) -> CopydeskError:
        what = f"commit to branch {commit.branch!r}"
        if error.get("type") == "STALE_DATA":
            return ConflictError(
                f"branch {commit.branch!r} is no longer at {commit.parent_commit_sha[:12]}; read it again",
                branch=commit.branch,
            )
        return queries.error_of(error, what)

    # -- pull requests --------------------------------------------------------------------------------

    @hookimpl
    def propose_changes(self, commit: NewCommit, pull_request: NewPullRequest, tree: Tree) -> Proposal:
        """Cost two requests: one document, and one for the labels.

        A branch that is at the parent, as an interrupted call leaves it, is adopted.
        """
        if not self._fits(commit):
            made = self.rest.commit_changes(commit, tree)
            return Proposal(made, self.rest.create_pull_request(pull_request))
        check_versions(commit, tree)
        request = queries.ask_propose(self.address, self.repo, self.opened(), commit, pull_request)
        reply = self._ask(request)
        made_data, pull_data = reply.part("commit"), reply.part("pull")
        if made_data is None:
            raise self._propose_error(reply, commit)
        proposed = queries.read_made_commit(made_data, commit)
        if pull_data is None:
            raise self._create_error(reply.error("pull") or {}, pull_request)
        pull = queries.read_pull_request(pull_data["pullRequest"])
        pull = attrs.evolve(pull, head_commit_sha=proposed.commit_sha)
        return Proposal(proposed, self._labelled(pull, pull_request.labels))

    def _create_error(self, error: Mapping[str, object], pull: NewPullRequest) -> CopydeskError:
        plain = queries.plain_error(error, f"open a pull request from {pull.head!r} into {pull.base!r}")
        return plain or api.create_error(message_of(error), pull)

    def _propose_error(self, reply: Reply, commit: NewCommit) -> CopydeskError:
        ref = reply.error("ref")
        if ref is None:
            return self._commit_error(reply.error("commit") or reply.error() or {}, commit)
        what = f"make branch {commit.branch!r}"
        plain = queries.plain_error(ref, what)
        if plain is not None:
            return plain
        error = queries.error_of(ref, what)
        if isinstance(error, PermissionDeniedError):
            return error
        said = message_of(ref)
        return ConflictError(
            f"github made no branch {commit.branch!r}: {said!r}; read what is there and go on from it",
            branch=commit.branch,
        )

    def _labelled(self, pull: PullRequest, labels: Sequence[str]) -> PullRequest:
        if not labels:
            return pull
        answer = self.client.send(api.ask_add_labels(self.rest.base, pull.number, labels))
        added = answer.json_list()
        self._labels |= {label["name"]: label["node_id"] for label in added}
        return attrs.evolve(pull, labels=tuple(label["name"] for label in added))

    @hookimpl
    def list_pull_requests(self, state: str, base: str, head: str) -> tuple[PullRequest, ...]:
        """Cost one request per 100, files included."""
        found: list[PullRequest] = []
        after: str | None = None
        while True:
            reply = self._ask(queries.ask_pull_requests(self.address, self.repo, state, base, head, after))
            data = reply.part("repository")
            error = reply.error()
            if data is None or error is not None:
                if error is not None and queries.is_too_much(error):
                    return self.rest.list_pull_requests(state, base, head)
                raise queries.error_of(error or {}, f"list the pull requests of {self.repo!r}")
            page = data["pullRequests"]
            for node in page["nodes"]:
                self._labels |= queries.read_labels(node["labels"])
                found.append(queries.read_pull_request(node))
            if not page["pageInfo"]["hasNextPage"]:
                return tuple(found)
            after = page["pageInfo"]["endCursor"]

    @hookimpl
    def set_labels(
        self, pull_request: PullRequest, add: tuple[str, ...], remove: tuple[str, ...]
    ) -> PullRequest:
        """Cost one request where the ids of all labels are known, else two."""
        ids = [[self._labels.get(name) for name in names] for names in (add, remove)]
        if not (pull_request.node_id and add and remove and all(map(all, ids))):
            return self._set_by_name(pull_request, add, remove)
        known = [[str(each) for each in each_ids] for each_ids in ids]
        reply = self._ask(queries.ask_labels(self.address, pull_request, *known))
        removed = reply.part("remove")
        if reply.errors or removed is None:
            # An id that is no longer right: by name, adding first, it is put right whatever happened.
            return self._set_by_name(pull_request, add, remove)
        now = queries.read_pull_request(removed["labelable"])
        return attrs.evolve(pull_request, labels=now.labels, updated_at=now.updated_at)

    def _set_by_name(self, pull: PullRequest, add: tuple[str, ...], remove: tuple[str, ...]) -> PullRequest:
        return self.rest.set_labels(self._labelled(pull, add), (), remove)

    @hookimpl
    def merge_pull_request(
        self, pull_request: PullRequest, method: str, message: str, delete_branch: bool
    ) -> Merge:
        """Cost two requests, each guarded by the head; one where the repository deletes merged branches itself.

        The branch is deleted by a document of its own: in that of the merge it would go although the merge failed.
        """
        opened = self.opened()
        reply = self._ask(queries.ask_merge(self.address, pull_request, method, message))
        merged = reply.part("merge")
        if merged is None:
            error = reply.error() or {}
            plain = queries.plain_error(error, f"merge pull request #{pull_request.number}")
            raise plain or self.rest.merge_error(message_of(error), pull_request)
        commit = merged["pullRequest"].get("mergeCommit")
        return Merge(
            commit["oid"] if commit else None, delete_branch and self._delete_merged(opened, pull_request)
        )

    def _delete_merged(self, opened: Opened, pull: PullRequest) -> bool:
        if opened.deletes_merged:
            return True
        request = queries.ask_delete(self.address, opened, pull.head, pull.head_commit_sha)
        # A branch that moved after the merge holds commits that nobody merged: it stays.
        return self._ask(request).error() is None

    @hookimpl
    def close_pull_request(self, pull_request: PullRequest, delete_branch: bool) -> PullRequest:
        """Cost one request, the deletion guarded by the head; if that moved, the pull request is opened again."""
        opened = self.opened()
        request = queries.ask_close(self.address, opened, pull_request, delete_branch=delete_branch)
        reply = self._ask(request)
        closed = reply.part("close")
        pull = queries.read_pull_request(closed["pullRequest"]) if closed else None
        if pull is None:
            raise self._close_error(reply.error("close") or {}, pull_request)
        if pull.state == "merged":
            raise api.merge_error("", pull_request, pull)
        refused = reply.error("refs")
        if refused is not None or pull.head_commit_sha != pull_request.head_commit_sha:
            self._check_deleted(pull_request, refused or {})
        return pull

    def _close_error(self, error: Mapping[str, object], pull: PullRequest) -> CopydeskError:
        now = self.rest.list_pull_requests("all", pull.base, pull.head)
        ended = next((each for each in now if each.number == pull.number and each.state != "open"), None)
        if ended is not None:
            return api.merge_error("", pull, ended)
        return queries.error_of(error, f"close pull request #{pull.number}")

    def _check_deleted(self, pull: PullRequest, error: Mapping[str, object]) -> None:
        """Open the pull request again where its branch was not deleted because it moved."""
        try:
            self._explain_deletion(pull.head, pull.head_commit_sha, error)
        except CopydeskError:
            self._ask(queries.ask_reopen(self.address, pull))
            raise

    @hookimpl
    def update_from_base(self, pull_request: PullRequest) -> Branch:
        """Cost one request, guarded by the head (updatePullRequestBranch)."""
        reply = self._ask(queries.ask_update(self.address, pull_request))
        updated = reply.part("update")
        if updated is not None:
            return Branch(pull_request.head, updated["pullRequest"]["headRefOid"])
        refused = reply.error() or {}
        error = queries.plain_error(refused, f"update pull request #{pull_request.number}")
        error = error or api.update_error(message_of(refused), pull_request)
        if error is not None:
            raise error
        return Branch(pull_request.head, pull_request.head_commit_sha)
