"""Values of the store as GitHub's GraphQL schema names them.

A view is a dictionary; what costs something or takes arguments is a function in it, called when it is asked for.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from typing import Any

import attrs
import pygit2

from simulators import git as objects
from simulators import store
from simulators.github.pulls import files_of
from simulators.github.shapes import Shapes, node_id, permissions, stamp, when

View = dict[str, Any]
#: Longer texts are cut here.
TEXT_LIMIT = 512_000
STATES = {
    "added": "ADDED",
    "removed": "DELETED",
    "modified": "MODIFIED",
    "renamed": "RENAMED",
    "changed": "CHANGED",
}


class FaultError(Exception):
    """An error of one field, with GitHub's word for its kind."""

    def __init__(self, type_: str, message: str) -> None:
        super().__init__(message)
        self.type = type_


def connection(name: str, items: Iterable[Any], view: Callable[[Any], View], args: dict[str, Any]) -> View:
    """Cut a page out of a list."""
    first, last = args.get("first"), args.get("last")
    if first is None and last is None:
        text = f"You must provide a `first` or `last` value to properly paginate the `{name}` connection."
        raise FaultError("MISSING_PAGINATION_BOUNDARIES", text)
    size = first if first is not None else last
    if not 0 <= size <= 100:
        which = "first" if first is not None else "last"
        text = f"Requesting {size} records on the `{name}` connection exceeds the `{which}` limit of 100 records."
        raise FaultError("EXCESSIVE_PAGINATION", text)
    every = list(items)
    start = int(args["after"]) if args.get("after") else 0
    end = min(start + size, len(every))
    if first is None:
        end = int(args["before"]) if args.get("before") else len(every)
        start = max(end - size, 0)
    return {
        "nodes": [view(each) for each in every[start:end]],
        "totalCount": len(every),
        "pageInfo": {
            "startCursor": str(start) if start < end else None,
            "endCursor": str(end) if start < end else None,
            "hasNextPage": end < len(every),
            "hasPreviousPage": start > 0,
        },
    }


@attrs.define(eq=False)
class Views:
    """Makes views for one request."""

    shapes: Shapes
    access: store.Access
    #: Called for each object that a query names; raises when they are too many.
    count_object: Callable[[], None]
    lagging: Callable[..., bool]

    def user(self, user: store.User) -> View:
        return {
            "__typename": "User",
            "id": node_id("U", user.login),
            "databaseId": user.id,
            "login": user.login,
            "name": user.name,
            "email": user.email,
            "avatarUrl": lambda _info, **_: f"{self.shapes.web}/avatars/u/{user.id}?v=4",
            "url": f"{self.shapes.web}/{user.login}",
        }

    def repository(self, repository: store.Repository) -> View:
        shown = permissions(repository, self.access)
        permission = "ADMIN" if shown["admin"] else "WRITE" if shown["push"] else "READ"
        return {
            "__typename": "Repository",
            "id": node_id("R", repository.id),
            "databaseId": repository.id,
            "name": repository.name,
            "nameWithOwner": repository.full_name,
            "owner": self.user(repository.owner),
            "url": self.shapes.page(repository),
            "isArchived": repository.archived,
            "isEmpty": repository.empty,
            "isFork": False,
            "isPrivate": repository.private,
            "viewerPermission": permission,
            "deleteBranchOnMerge": repository.delete_branch_on_merge,
            **dict.fromkeys(("mergeCommitAllowed", "squashMergeAllowed", "rebaseMergeAllowed"), True),
            "defaultBranchRef": lambda _info: self.ref(repository, repository.default_branch),
            "ref": lambda _info, **args: self.ref(repository, args["qualifiedName"]),
            "refs": lambda _info, **args: self.refs(repository, args),
            "object": lambda _info, **args: self.named_object(repository, args),
            "label": lambda _info, name: self.known_label(repository, name),
            "labels": lambda _info, **args: self.labels(repository, args),
            "pullRequest": lambda _info, number: self.pull_by_number(repository, number),
            "pullRequests": lambda _info, **args: self.pulls(repository, args),
        }

    # -- refs and objects -------------------------------------------------------------------------

    def ref(self, repository: store.Repository, name: str) -> View | None:
        branch = name.removeprefix("refs/heads/")
        head = repository.head(branch)
        if head is None or self.lagging("branch", repository.id, branch):
            return None
        return {
            "__typename": "Ref",
            "id": node_id("REF", repository.id, f"refs/heads/{branch}"),
            "name": branch,
            "prefix": "refs/heads/",
            "target": lambda _info: self.object(repository, repository.git[head]),
            "repository": lambda _info: self.repository(repository),
        }

    def refs(self, repository: store.Repository, args: dict[str, Any]) -> View:
        prefix = args["refPrefix"].removeprefix("refs/heads/")
        names = [
            name for name, _ in repository.branches(prefix) if args["refPrefix"].startswith("refs/heads/")
        ]
        if text := args.get("query"):
            names = [name for name in names if text in name]

        def view(name: str) -> View:
            shown = self.ref(repository, name) or {}
            # The name is what stands behind the prefix that was asked for.
            return {**shown, "name": name.removeprefix(prefix), "prefix": args["refPrefix"]}

        return connection("refs", names, view, args)

    def named_object(self, repository: store.Repository, args: dict[str, Any]) -> View | None:
        self.count_object()
        name = args.get("oid") or args.get("expression")
        if name is None:
            raise FaultError("MISSING_ARGUMENT", "One of oid or expression is required.")
        found = objects.resolve(repository.git, name)
        return None if found is None else self.object(repository, found)

    def object(self, repository: store.Repository, found: pygit2.Object) -> View:
        oid = str(found.id)
        kind = {pygit2.Blob: "Blob", pygit2.Tree: "Tree"}.get(type(found), "Commit")
        shown = {
            "__typename": kind,
            "id": node_id(kind[0], repository.id, oid),
            "oid": oid,
            "abbreviatedOid": oid[:7],
            "repository": lambda _info: self.repository(repository),
        }
        if isinstance(found, pygit2.Blob):
            return shown | self._blob(found)
        if isinstance(found, pygit2.Tree):
            entries = lambda _info: [self._entry(repository, each) for each in found]  # noqa: E731 - a field
            return {**shown, "entries": entries}
        return shown | self._commit(repository, found)

    def _blob(self, blob: pygit2.Blob) -> View:
        text = None if blob.is_binary else blob.data[:TEXT_LIMIT].decode(errors="replace")
        return {
            "byteSize": blob.size,
            "isBinary": blob.is_binary,
            "isTruncated": not blob.is_binary and blob.size > TEXT_LIMIT,
            "text": text,
        }

    def _entry(self, repository: store.Repository, entry: pygit2.Object, folder: str = "") -> View:
        kind = {pygit2.Blob: "blob", pygit2.Tree: "tree"}.get(type(entry), "commit")
        return {
            "name": entry.name,
            "path": f"{folder}{entry.name}",
            "mode": int(entry.filemode or 0),
            "type": kind,
            "oid": str(entry.id),
            "size": repository.size(str(entry.id)) if kind == "blob" else 0,
            "object": lambda _info: None if kind == "commit" else self.object(repository, entry),
        }

    def _commit(self, repository: store.Repository, commit: pygit2.Commit) -> View:
        headline, _, body = commit.message.partition("\n")
        sha = str(commit.id)

        def listed(name: str, found: Iterable[pygit2.Commit], args: dict[str, Any]) -> View:
            return connection(name, found, lambda each: self.object(repository, each), args)

        def history(_info: Any, path: str = "", **args: Any) -> View:
            found = objects.history(repository.git, sha, path)
            return listed("history", itertools.islice(found, 1000), args)

        def file(_info: Any, path: str) -> View | None:
            entry = objects.entry_at(commit.tree, path)
            return None if entry is None else self._entry(repository, entry, path[: path.rfind("/") + 1])

        return {
            "message": commit.message,
            "messageHeadline": headline,
            "messageBody": body.strip("\n"),
            "committedDate": stamp(commit.committer.time),
            "authoredDate": stamp(commit.author.time),
            "author": self._actor(commit.author),
            "committer": self._actor(commit.committer),
            "url": f"{self.shapes.page(repository)}/commit/{sha}",
            "tree": lambda _info: self.object(repository, commit.tree),
            "parents": lambda _info, **args: listed("parents", commit.parents, args),
            "history": history,
            "file": file,
            "status": lambda _info: self._status(repository, sha),
            "statusCheckRollup": lambda _info: self._rollup(repository, sha),
            "deployments": lambda _info, **args: self._deployments(repository, sha, args),
        }

    def _actor(self, signature: pygit2.Signature) -> View:
        known = (each for each in self.shapes.forge.users.values() if each.email == signature.email)
        user = next(known, None)
        return {
            "name": signature.name,
            "email": signature.email,
            "date": stamp(signature.time),
            "user": None if user is None else self.user(user),
        }

    # -- checks -----------------------------------------------------------------------------------

    def _status(self, repository: store.Repository, sha: str) -> View | None:
        found = repository.newest_statuses(sha)
        if not found:
            return None
        return {
            "id": node_id("ST", repository.id, sha),
            "state": _combined([each.state for each in found]),
            "contexts": [self._context(each) for each in found],
        }

    def _context(self, status: store.Status) -> View:
        return {
            "__typename": "StatusContext",
            "id": node_id("SC", status.id),
            "context": status.context,
            "state": status.state.upper(),
            "description": status.description,
            "targetUrl": status.target_url,
            "createdAt": when(status.created),
        }

    def _rollup(self, repository: store.Repository, sha: str) -> View | None:
        statuses = repository.newest_statuses(sha)
        runs = [each for each in repository.check_runs if each.sha == sha]
        if not statuses and not runs:
            return None
        states = [each.state for each in statuses] + [each.conclusion or "pending" for each in runs]
        every = [self._check_run(repository, each) for each in runs] + [
            self._context(each) for each in statuses
        ]
        return {
            "id": node_id("SCR", repository.id, sha),
            "state": _combined(states),
            "contexts": lambda _info, **args: connection("contexts", every, lambda each: each, args),
        }

    def _check_run(self, repository: store.Repository, run: store.CheckRun) -> View:
        return {
            "__typename": "CheckRun",
            "id": node_id("CR", run.id),
            "databaseId": run.id,
            "name": run.name,
            "title": None,
            "status": run.status.upper(),
            "conclusion": run.conclusion.upper() if run.conclusion else None,
            "detailsUrl": run.details_url,
            "startedAt": when(run.created),
            "completedAt": when(run.created) if run.status == "completed" else None,
            "url": f"{self.shapes.page(repository)}/runs/{run.id}",
        }

    def _deployments(self, repository: store.Repository, sha: str, args: dict[str, Any]) -> View:
        found = [each for each in repository.deployments if each.sha == sha]
        return connection("deployments", found, self._deployment, args)

    def _deployment(self, made: store.Deployment) -> View:
        step = made.statuses[-1] if made.statuses else None
        state = step.state.upper() if step else "PENDING"
        status = step and {
            "id": node_id("DES", step.id),
            "state": state,
            "description": "",
            "environmentUrl": step.environment_url or None,
            "logUrl": None,
            "createdAt": when(step.created),
        }
        return {
            "id": node_id("DE", made.id),
            "databaseId": made.id,
            "commitOid": made.sha,
            "environment": made.environment,
            "task": "deploy",
            "state": "ACTIVE" if state == "SUCCESS" else state,
            "createdAt": when(made.created),
            "latestStatus": status,
        }

    # -- labels and pull requests -----------------------------------------------------------------

    def label(self, repository: store.Repository, label: store.Label) -> View:
        return {
            "__typename": "Label",
            "id": node_id("LA", repository.id, label.id),
            "name": label.name,
            "color": label.color,
            "description": label.description,
            "isDefault": False,
        }

    def known_label(self, repository: store.Repository, name: str) -> View | None:
        found = repository.label(name)
        return None if found is None else self.label(repository, found)

    def labels(self, repository: store.Repository, args: dict[str, Any]) -> View:
        text = (args.get("query") or "").casefold()
        found = [each for each in repository.labels.values() if text in each.name.casefold()]
        return connection("labels", found, lambda each: self.label(repository, each), args)

    def pull_by_number(self, repository: store.Repository, number: int) -> View:
        found = repository.pull(number)
        if found is None or self.lagging("pull", repository.id, number):
            text = f"Could not resolve to a PullRequest with the number of {number}."
            raise FaultError("NOT_FOUND", text)
        return self.pull(repository, found)

    def pulls(self, repository: store.Repository, args: dict[str, Any]) -> View:
        found = [each for each in repository.pulls() if _wanted(each, args)]
        order = args.get("orderBy") or {"field": "CREATED_AT", "direction": "ASC"}
        by_update = order["field"] == "UPDATED_AT"
        found.sort(
            key=lambda each: (each.updated if by_update else each.created, each.number),
            reverse=order["direction"] == "DESC",
        )
        return connection("pullRequests", found, lambda each: self.pull(repository, each), args)

    def pull(self, repository: store.Repository, pull: store.PullRequest) -> View:
        return {
            "__typename": "PullRequest",
            "id": node_id("PR", repository.id, pull.number),
            "databaseId": pull.id,
            "number": pull.number,
            "title": pull.title,
            "body": pull.body or "",
            "state": pull.state.upper(),
            "closed": pull.state != "open",
            "merged": pull.state == "merged",
            "isDraft": pull.draft,
            "headRefName": pull.head,
            "headRefOid": pull.head_sha,
            "headRef": lambda _info: None if pull.fork else self.ref(repository, pull.head),
            "headRepository": lambda _info: None if pull.fork_deleted else self.repository(repository),
            "baseRefName": pull.base,
            "baseRefOid": pull.base_sha,
            "baseRef": lambda _info: self.ref(repository, pull.base),
            "isCrossRepository": pull.fork is not None,
            "createdAt": when(pull.created),
            "updatedAt": when(pull.updated),
            "closedAt": when(pull.closed),
            "mergedAt": when(pull.closed) if pull.state == "merged" else None,
            "mergeCommit": lambda _info: self._merge_commit(repository, pull),
            "mergeable": lambda _info: _mergeable(repository, pull),
            "mergeStateStatus": lambda _info: _merge_state(repository, pull),
            "url": f"{self.shapes.page(repository)}/pull/{pull.number}",
            "author": self.user(pull.author),
            "repository": lambda _info: self.repository(repository),
            "labels": lambda _info, **args: self._labels_of(repository, pull, args),
            "changedFiles": lambda _info: len(files_of(repository, pull, patches=False)),
            "files": lambda _info, **args: self._files(repository, pull, args),
        }

    def _merge_commit(self, repository: store.Repository, pull: store.PullRequest) -> View | None:
        sha = pull.merge_commit_sha
        return None if sha is None else self.object(repository, repository.git[sha])

    def _labels_of(self, repository: store.Repository, pull: store.PullRequest, args: dict[str, Any]) -> View:
        found = [each for each in map(repository.label, pull.labels) if each is not None]
        return connection("labels", found, lambda each: self.label(repository, each), args)

    def _files(self, repository: store.Repository, pull: store.PullRequest, args: dict[str, Any]) -> View:
        def view(change: objects.FileChange) -> View:
            return {
                "path": change.path,
                "changeType": STATES[change.status],
                "additions": change.additions,
                "deletions": change.deletions,
            }

        return connection("files", files_of(repository, pull, patches=False), view, args)


def _wanted(pull: store.PullRequest, args: dict[str, Any]) -> bool:
    states = args.get("states")
    labels = args.get("labels")
    return (
        (not states or pull.state.upper() in states)
        and args.get("baseRefName") in {None, pull.base}
        and args.get("headRefName") in {None, pull.head}
        and (not labels or bool(set(labels) & set(pull.labels)))
    )


def _combined(states: list[str]) -> str:
    if {"failure", "error"} & set(states):
        return "FAILURE"
    return "SUCCESS" if set(states) <= {"success", "neutral", "skipped"} else "PENDING"


def _mergeable(repository: store.Repository, pull: store.PullRequest) -> str:
    if pull.state != "open":
        return "UNKNOWN"
    blocked = repository.blocked(pull)
    return "CONFLICTING" if blocked and blocked.reason == "conflicts" else "MERGEABLE"


def _merge_state(repository: store.Repository, pull: store.PullRequest) -> str:
    if pull.state != "open":
        return "UNKNOWN"
    blocked = repository.blocked(pull)
    reasons = {"conflicts": "DIRTY", "draft": "DRAFT"}
    return reasons.get(blocked.reason, "BLOCKED") if blocked else "CLEAN"


__all__ = ["FaultError", "View", "Views"]
