"""Values of the store as GitLab's GraphQL schema names them.

A view is a dictionary; what costs something or takes arguments is a function in it, called when it is asked for.
"""

from __future__ import annotations

import base64
import random
from collections.abc import Callable, Iterable
from typing import Any

import attrs
import pygit2

from simulators import git as objects
from simulators import store
from simulators.gitlab.calls import Call
from simulators.gitlab.merge_requests import has_labels
from simulators.gitlab.merge_shapes import STATES, changes_of, look, source_of
from simulators.gitlab.mergeability import has_conflicts, is_draft, status_of
from simulators.gitlab.shapes import kind_of, stamp, when

View = dict[str, Any]
PAGE = 100
POINTER = b"version https://git-lfs.github.com/spec/v1"


def gid(kind: str, number: object) -> str:
    return f"gid://gitlab/{kind}/{number}"


def cursor(position: int) -> str:
    return base64.b64encode(str(position).encode()).decode()


def connection(items: Iterable[Any], view: Callable[[Any], View], args: View, **more: Any) -> View:
    """Cut a page out of a list; more than a hundred are never given."""
    every = list(items)
    start = int(base64.b64decode(args["after"])) if args.get("after") else 0
    first = args.get("first")
    end = min(start + min(PAGE if first is None else first, PAGE), len(every))
    nodes = [view(each) for each in every[start:end]]
    return {
        "nodes": nodes,
        "edges": [{"cursor": cursor(start + at + 1), "node": each} for at, each in enumerate(nodes)],
        "pageInfo": {
            "startCursor": cursor(start + 1) if nodes else None,
            "endCursor": cursor(end) if nodes else None,
            "hasNextPage": end < len(every),
            "hasPreviousPage": start > 0,
        },
        **more,
    }


def lfs_of(data: bytes) -> tuple[str, int] | None:
    """Read what a pointer of LFS points to: its oid and its size; None of what only begins like one."""
    if not data.startswith(POINTER):
        return None
    facts = dict(line.split(" ", 1) for line in data.decode().splitlines() if " " in line)
    if not {"oid", "size"} <= facts.keys():
        return None
    return facts["oid"].removeprefix("sha256:"), int(facts["size"])


@attrs.define(eq=False)
class Views:
    """Makes views of one project for one request."""

    call: Call
    #: Called with the size of each file whose content is given; raises when it becomes too much.
    count_bytes: Callable[[int], None]

    @property
    def repository(self) -> store.Repository:
        return self.call.repository

    def user(self, user: store.User) -> View:
        return {
            "id": gid("User", user.id),
            "username": user.login,
            "name": user.name,
            "publicEmail": "",
            "webUrl": f"{self.call.shapes.web}/{user.login}",
        }

    def project(self) -> View:
        repository = self.repository
        return {
            "id": gid("Project", repository.id),
            "fullPath": repository.full_name,
            "name": repository.name,
            "webUrl": self.call.shapes.page(repository),
            "archived": repository.archived,
            "repository": None if self.call.state.no_repository else self._storage(),
            "mergeRequest": lambda _info, iid: self._by_number(iid),
            "mergeRequests": lambda _info, **args: self._merge_requests(args),
        }

    # -- git --------------------------------------------------------------------------------------

    def _storage(self) -> View:
        repository = self.repository
        return {
            "rootRef": None if repository.empty else repository.default_branch,
            "empty": repository.empty,
            "exists": True,
            "tree": lambda _info, **args: self._tree(args),
            "blobs": lambda _info, **args: self._blobs(args),
            "commit": lambda _info, ref: self._commit(repository.commit(ref)),
        }

    def _commit_at(self, ref: str | None) -> pygit2.Commit | None:
        return self.repository.commit(ref or self.repository.default_branch)

    def _commit(self, commit: pygit2.Commit | None) -> View | None:
        if commit is None:
            return None
        return {
            "id": gid("Commit", commit.id),
            "sha": str(commit.id),
            "shortId": str(commit.id)[:8],
            "title": commit.message.partition("\n")[0],
            "message": commit.message,
            "authorName": commit.author.name,
            "authorEmail": commit.author.email,
            "authoredDate": stamp(commit.author),
            "committedDate": stamp(commit.committer),
            "webUrl": f"{self.call.shapes.page(self.repository)}/-/commit/{commit.id}",
        }

    def _tree(self, args: View) -> View:
        """Give a tree, one without entries for what is not there."""
        path = (args.get("path") or "").strip("/")
        commit = self._commit_at(args.get("ref"))
        tree = objects.entry_at(commit.tree, path) if commit else None
        start = f"{path}/" if path else ""
        there = isinstance(tree, pygit2.Tree)
        found = list(objects.listing(tree, start, recursive=bool(args.get("recursive")))) if there else []

        def of_kind(kind: str) -> Callable[..., View]:
            chosen = [pair for pair in found if kind_of(pair[1]) == kind]
            return lambda _info, **args: connection(chosen, self._entry, args)

        return {
            "trees": of_kind("tree"),
            "blobs": of_kind("blob"),
            "submodules": of_kind("commit"),
            "lastCommit": lambda _info: self._last(commit, path) if commit and there else None,
        }

    def _last(self, commit: pygit2.Commit, path: str) -> View | None:
        return self._commit(next(objects.history(self.repository.git, str(commit.id), path), None))

    def _entry(self, pair: tuple[str, pygit2.Object]) -> View:
        path, entry = pair
        shown = self.call.shapes.entry(path, entry)
        kind = kind_of(entry)
        lfs = lfs_of(entry.data) if kind == "blob" else None
        return {
            **{key: shown[key] for key in ("name", "type", "path", "mode")},
            "id": gid("Gitlab::Graphql::Representation::TreeEntry", entry.id),
            "sha": str(entry.id),
            "flatPath": path,
            "lfsOid": lfs and lfs[0],
            "webUrl": f"{self.call.shapes.page(self.repository)}/-/{kind}/{path}",
        }

    def _blobs(self, args: View) -> View:
        commit = self._commit_at(args.get("ref"))
        paths = args["paths"] if commit else ()
        found = [(path, objects.entry_at(commit.tree, path)) for path in paths] if commit else []
        blobs = [pair for pair in found if isinstance(pair[1], pygit2.Blob)]
        if self.call.simulator.blobs_shuffled:
            random.Random(len(blobs)).shuffle(blobs)
        return connection(blobs, self._blob, args)

    def _blob(self, pair: tuple[str, pygit2.Blob]) -> View:
        path, blob = pair
        lfs = lfs_of(blob.data)

        def content(*, only_text: bool) -> str | None:
            self.count_bytes(blob.size)
            if only_text and blob.is_binary:
                return None
            return blob.data.decode(errors="replace")

        return {
            "id": gid("Gitlab::Git::Blob", blob.id),
            "oid": str(blob.id),
            "path": path,
            "name": path.rpartition("/")[2],
            "mode": f"{int(blob.filemode or 0):o}",
            "size": str(blob.size),
            "rawSize": str(lfs[1] if lfs else blob.size),
            "rawBlob": lambda _info: content(only_text=False),
            "rawTextBlob": lambda _info: content(only_text=True),
            "lfsOid": lfs and lfs[0],
            "storedExternally": lfs is not None,
        }

    # -- merge requests ---------------------------------------------------------------------------

    def _by_number(self, iid: str) -> View | None:
        pull = self.repository.pull(int(iid)) if iid.isdigit() else None
        return None if pull is None else self._merge_request(pull)

    def _merge_requests(self, args: View) -> View:
        found = [each for each in self.repository.pulls() if _wanted(each, args)]
        by, _, order = str(args.get("sort", "created_desc")).lower().partition("_")
        found.sort(key=lambda each: (getattr(each, by), each.number), reverse=order == "desc")
        return connection(found, self._merge_request, args, count=len(found))

    def _merge_request(self, pull: store.PullRequest) -> View:
        state = look(self.call, pull)
        repository, full = self.repository, f"{self.repository.full_name}!{pull.number}"
        base = repository.merge_base(state.diff_start, state.diff_head)
        return {
            "id": gid("MergeRequest", pull.id),
            "iid": str(pull.number),
            "title": pull.title,
            "description": pull.body,
            "state": STATES.get(pull.state, pull.state),
            "draft": is_draft(pull),
            "sourceBranch": pull.head,
            "targetBranch": pull.base,
            "sourceProjectId": source_of(self.call, pull),
            "targetProjectId": repository.id,
            "diffHeadSha": pull.head_sha,
            "diffRefs": {"baseSha": base, "headSha": state.diff_head, "startSha": state.diff_start},
            "diffStats": lambda _info, path=None: self._stats(pull, path),
            "createdAt": when(pull.created),
            "updatedAt": when(pull.updated),
            "mergedAt": when(pull.closed) if pull.state == "merged" else None,
            "webUrl": f"{self.call.shapes.page(repository)}/-/merge_requests/{pull.number}",
            "reference": lambda _info, **args: full if args.get("full") else f"!{pull.number}",
            "author": self.user(pull.author),
            "labels": lambda _info, **args: connection(sorted(pull.labels), self._label, args),
            "mergeCommitSha": pull.merge_commit_sha,
            "squash": state.squash,
            "squashOnMerge": state.squash,
            "detailedMergeStatus": lambda _info: status_of(self.call, pull).upper(),
            "conflicts": lambda _info: has_conflicts(self.call, pull),
            "mergeError": state.merge_error,
            "rebaseInProgress": state.rebasing > 0,
        }

    def _stats(self, pull: store.PullRequest, path: str | None) -> list[View]:
        """Give the counts of each file, by its new path."""
        changes = [each for each in changes_of(self.call, pull) if path in {None, each.path}]
        return [
            {"path": each.path, "additions": each.additions, "deletions": each.deletions} for each in changes
        ]

    def _label(self, name: str) -> View:
        label = self.repository.label(name)
        assert label is not None
        return {
            "id": gid("ProjectLabel", label.id),
            "title": label.name,
            "color": f"#{label.color}",
            "description": label.description,
        }


def _wanted(pull: store.PullRequest, args: View) -> bool:
    """Hold a merge request against the arguments of a list; those that are not given let everything pass."""
    of = {"sourceBranches": pull.head, "targetBranches": pull.base, "iids": str(pull.number)}
    if any(args.get(name) and value not in args[name] for name, value in of.items()):
        return False
    state = args.get("state") or "all"
    if state != "all" and STATES.get(pull.state, pull.state) != state:
        return False
    return has_labels(pull, args.get("labels") or ()) and (when(pull.updated) or "") >= (
        args.get("updatedAfter") or ""
    )
