"""A small {{ cookiecutter.service }} on a real socket.

It keeps one repository in memory, whose shas are git's, and stands for the real service in the tests: what
the documentation of the service says that it refuses, this should refuse too. Its interface is invented; make
it that of the service, one route at a time.
"""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from difflib import SequenceMatcher
from typing import Any
from urllib.parse import urlencode

import attrs
from copydesk.blobs import blob_sha, tree_sha
from copydesk.models import FileVersion, Mode
from copydesk.testing import SeedFile, ServerSimulator
from werkzeug import Request, Response
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule

#: How much stands on one page of a listing.
PAGE = 10
OWNER = {"login": "owner", "name": "Site Owner", "email": "owner@example.org"}

Json = dict[str, Any]
#: Mode and bytes.
File = tuple[str, bytes]
#: What is at each path.
Files = dict[str, File]


@attrs.frozen(eq=False)
class Stored:
    """One commit, with the whole of its files."""

    sha: str
    parents: tuple[str, ...]
    files: Files
    author: Json
    message: str
    date: datetime

    def shown(self) -> Json:
        return {
            "sha": self.sha,
            "parents": list(self.parents),
            "author": self.author,
            "message": self.message,
            "date": self.date.isoformat(),
        }


@attrs.define(eq=False)
class Pull:
    """One pull request."""

    number: int
    title: str
    body: str
    head: str
    base: str
    labels: list[str]
    head_commit: str
    state: str = "open"
    updated: datetime = attrs.field(factory=lambda: datetime.now(UTC))


class RefusedError(Exception):
    """An answer that is none of the good ones."""

    def __init__(self, status: int, reason: str, **more: object) -> None:
        super().__init__(reason)
        self.status = status
        self.body = {"message": f"refused: {reason}", "reason": reason, **more}


class Simulator(ServerSimulator):
    """Answers for one repository, to whoever has the secret."""

    repo = "owner/site"

    def __init__(self, seed: Iterable[SeedFile], secret: str) -> None:
        super().__init__()
        self.secret = secret
        self._writing = threading.Lock()
        self.begin(seed)
        self._routes = Map([], merge_slashes=False)
        for method, path, answer in self._interface():
            self._routes.add(Rule(f"/api/v1{path}", methods=[method], endpoint=answer))

    def begin(self, seed: Iterable[SeedFile]) -> None:
        """Forget everything but the seed, which is one commit on the default branch."""
        self.commits: dict[str, Stored] = {}
        self.branches: dict[str, str] = {}
        self.pulls: list[Pull] = []
        files = {file.path: (file.mode.value, file.content) for file in seed}
        self.branches["main"] = self._store(files, (), OWNER, "Seed").sha

    @property
    def api_root(self) -> str:
        return f"{self.url}/api/v1"

    def _interface(self) -> Iterable[tuple[str, str, Callable[..., Json | None]]]:
        """Give the routes; each is answered by JSON, or by nothing."""
        repo = f"/repos/{self.repo}"
        return (
            ("GET", "/user", self.get_user),
            ("GET", repo, self.get_repository),
            ("GET", f"{repo}/branches", self.list_branches),
            ("GET", f"{repo}/branches/<path:name>", self.get_branch),
            ("DELETE", f"{repo}/branches/<path:name>", self.delete_branch),
            ("GET", f"{repo}/trees/<sha>", self.list_files),
            ("GET", f"{repo}/files/<sha>/<path:path>", self.get_file),
            ("GET", f"{repo}/commits/<sha>", self.list_commits),
            ("POST", f"{repo}/commits", self.make_commit),
            ("GET", f"{repo}/compare/<base>/<head>", self.compare),
            ("GET", f"{repo}/pulls", self.list_pulls),
            ("POST", f"{repo}/pulls", self.open_pull),
            ("PATCH", f"{repo}/pulls/<int:number>", self.change_labels),
            ("POST", f"{repo}/pulls/<int:number>/close", self.close_pull),
            ("POST", f"{repo}/pulls/<int:number>/merge", self.merge_pull),
            ("POST", f"{repo}/pulls/<int:number>/update", self.update_pull),
        )

    def respond(self, request: Request) -> Response:
        if request.headers.get("Authorization") != f"Bearer {self.secret}":
            return _json(401, {"message": "unknown token"})
        try:
            answer, found = self._routes.bind_to_environ(request.environ).match()
            with self._writing:
                body = answer(request, **found)
        except RefusedError as exc:
            return _json(exc.status, exc.body)
        except HTTPException as exc:
            return _json(exc.code or 500, {"message": exc.name})
        return Response(status=204) if body is None else _json(200, body)

    # -- who and where --------------------------------------------------------------------------------

    def get_user(self, request: Request) -> Json:
        return {**OWNER, "may_write": True}

    def get_repository(self, request: Request) -> Json:
        url = f"{self.url}/{self.repo}"
        return {"name": self.repo, "default_branch": "main", "may_write": True, "url": url}

    # -- branches -------------------------------------------------------------------------------------

    def list_branches(self, request: Request) -> Json:
        names = sorted(name for name in self.branches if name.startswith(request.args["prefix"]))
        return _page(request, [{"name": name, "commit": self.branches[name]} for name in names])

    def get_branch(self, request: Request, name: str) -> Json:
        return {"name": name, "commit": self._head(name)}

    def delete_branch(self, request: Request, name: str) -> None:
        self._check_head(name, request.args["commit"])
        self._remember_head(name)
        del self.branches[name]

    # -- files ----------------------------------------------------------------------------------------

    def list_files(self, request: Request, sha: str) -> Json:
        folder = request.args["folder"]
        files = self._commit(sha).files
        paths = sorted(path for path in files if not folder or path.startswith(f"{folder}/"))
        return _page(request, [_described(path, files[path]) for path in paths])

    def get_file(self, request: Request, sha: str, path: str) -> Json:
        found = self._commit(sha).files.get(path)
        if found is None:
            raise RefusedError(404, "path")
        return {**_described(path, found), "content": base64.b64encode(found[1]).decode()}

    # -- commits --------------------------------------------------------------------------------------

    def list_commits(self, request: Request, sha: str) -> Json:
        found = (each for each in self._history(sha) if self._changed(each, request.args["path"]))
        return _page(request, [commit.shown() for commit in found])

    def make_commit(self, request: Request) -> Json:
        asked = request.get_json()
        branch, parent = asked["branch"], asked["parent"]
        # git cannot hold one beside another that would be its folder.
        if asked["creates_branch"] and any(_same_or_inside(branch, other) for other in self.branches):
            raise RefusedError(409, "exists")
        if not asked["creates_branch"]:
            self._check_head(branch, parent)
        files = _changed(self._commit(parent).files, asked["changes"])
        made = self._store(files, (parent,), asked["author"] or OWNER, asked["message"])
        self.branches[branch] = made.sha
        return made.shown()

    def compare(self, request: Request, base: str, head: str) -> Json:
        start = self._merge_base(base, head)
        old, new = self._commit(start).files, self._commit(head).files
        files = [{"path": path, "kind": "deleted"} for path in old.keys() - new.keys()]
        files += [{**_described(path, new[path]), "kind": "added"} for path in new.keys() - old.keys()]
        both = (path for path in new.keys() & old.keys() if new[path] != old[path])
        files += [{**_described(path, new[path]), "kind": "modified"} for path in both]
        return {"merge_base": start, "files": sorted(files, key=lambda file: file["path"])}

    # -- pull requests --------------------------------------------------------------------------------

    def list_pulls(self, request: Request) -> Json:
        state, base, head = (request.args[name] for name in ("state", "base", "head"))
        found = [
            self._shown(pull)
            for pull in reversed(self.pulls)
            if state in {"all", pull.state} and base in {"", pull.base} and head in {"", pull.head}
        ]
        return _page(request, found)

    def open_pull(self, request: Request) -> Json:
        asked = request.get_json()
        head = self._head(asked["head"])
        self._head(asked["base"])
        same = [pull for pull in self.pulls if (pull.head, pull.base) == (asked["head"], asked["base"])]
        if any(pull.state == "open" for pull in same):
            raise RefusedError(409, "exists")
        pull = Pull(len(self.pulls) + 1, **asked, head_commit=head)
        self.pulls.append(pull)
        return self._shown(pull)

    def change_labels(self, request: Request, number: int) -> Json:
        pull, asked = self._pull(number), request.get_json()
        kept = [label for label in pull.labels if label not in asked["remove"]]
        pull.labels = kept + [label for label in asked["add"] if label not in kept]
        return self._shown(pull)

    def close_pull(self, request: Request, number: int) -> Json:
        pull = self._pull(number)
        if pull.state == "merged":
            raise RefusedError(409, "merged")
        if pull.state == "open":
            self._check_head(pull.head, request.get_json()["head_commit"])
            self._remember_head(pull.head)
            pull.state = "closed"
        return self._shown(pull)

    def merge_pull(self, request: Request, number: int) -> Json:
        pull, asked = self._open_pull(number), request.get_json()
        self._check_head(pull.head, asked["head_commit"])
        base, head = self._head(pull.base), self._head(pull.head)
        parents = (base,) if asked["method"] == "squash" else (base, head)
        made = self._store(self._merged(base, head), parents, OWNER, asked["message"])
        self.branches[pull.base] = made.sha
        self._remember_head(pull.head)
        pull.state = "merged"
        return made.shown()

    def update_pull(self, request: Request, number: int) -> Json:
        pull, asked = self._open_pull(number), request.get_json()
        self._check_head(pull.head, asked["head_commit"])
        base, head = self._head(pull.base), self._head(pull.head)
        if self._merge_base(base, head) != base:
            files = self._merged(base, head)
            self.branches[pull.head] = self._store(files, (head, base), OWNER, f"Merge {pull.base}").sha
        return {"name": pull.head, "commit": self.branches[pull.head]}

    # -- what is stored -------------------------------------------------------------------------------

    def _store(self, files: Files, parents: tuple[str, ...], author: Json, message: str) -> Stored:
        date = datetime.now(UTC)
        versions = {path: FileVersion(blob_sha(file[1]), Mode(file[0])) for path, file in files.items()}
        tree = tree_sha(versions) if versions else "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
        who = f"{author['name']} <{author['email']}> {int(date.timestamp())} +0000"
        lines = [f"tree {tree}", *(f"parent {sha}" for sha in parents), f"author {who}", f"committer {who}"]
        # What a person writes twice in one second is two commits on the real service: it counts them.
        text = "\n".join([*lines, f"number {len(self.commits)}", "", message]).encode()
        sha = hashlib.sha1(b"commit %d\0%b" % (len(text), text)).hexdigest()
        self.commits[sha] = Stored(sha, parents, files, author, message, date)
        return self.commits[sha]

    def _commit(self, sha: str) -> Stored:
        if sha not in self.commits:
            raise RefusedError(404, "commit")
        return self.commits[sha]

    def _head(self, branch: str) -> str:
        if branch not in self.branches:
            raise RefusedError(404, "branch", default_branch="main")
        return self.branches[branch]

    def _check_head(self, branch: str, seen: str) -> None:
        if self._head(branch) != seen:
            raise RefusedError(409, "moved", head=self._head(branch))

    def _remember_head(self, branch: str) -> None:
        for pull in self.pulls:
            if pull.head == branch and pull.state == "open":
                pull.head_commit = self.branches[branch]
                pull.updated = datetime.now(UTC)

    def _history(self, sha: str) -> list[Stored]:
        """Give a commit and all before it, newest first."""
        found, todo = set(), [sha]
        while todo:
            commit = self._commit(todo.pop())
            todo += [parent for parent in commit.parents if parent not in found]
            found.add(commit.sha)
        return [commit for commit in reversed(self.commits.values()) if commit.sha in found]

    def _changed(self, commit: Stored, path: str) -> bool:
        """Tell whether a commit changed a path, as git does: against each of its parents."""
        before = [self._commit(parent).files for parent in commit.parents] or [{}]
        return not path or all(_below(files, path) != _below(commit.files, path) for files in before)

    def _merge_base(self, one: str, other: str) -> str:
        before = {commit.sha for commit in self._history(one)}
        common = (commit.sha for commit in self._history(other) if commit.sha in before)
        found = next(common, None)
        if found is None:
            raise RefusedError(404, "history")
        return found

    def _merged(self, base: str, head: str) -> Files:
        """Merge file by file, and by line what both sides changed."""
        old = self._commit(self._merge_base(base, head)).files
        ours, theirs = self._commit(base).files, self._commit(head).files
        merged = dict(ours)
        for path in {path for path in {*old, *theirs} if old.get(path) != theirs.get(path)}:
            file = theirs.get(path)
            if old.get(path) != ours.get(path) != file:
                file = _merged_file(old.get(path), ours.get(path), file)
                if file is None:
                    raise RefusedError(409, "conflicts", path=path)
            merged.pop(path, None)
            if file is not None:
                merged[path] = file
        return merged

    def _pull(self, number: int) -> Pull:
        if not 0 < number <= len(self.pulls):
            raise RefusedError(404, "pull request")
        return self.pulls[number - 1]

    def _open_pull(self, number: int) -> Pull:
        pull = self._pull(number)
        if pull.state != "open":
            raise RefusedError(409, pull.state)
        return pull

    def _shown(self, pull: Pull) -> Json:
        is_there = pull.state == "open" and pull.head in self.branches
        head = self.branches[pull.head] if is_there else pull.head_commit
        return {
            "number": pull.number,
            "title": pull.title,
            "state": pull.state,
            "head": pull.head,
            "head_commit": head,
            "base": pull.base,
            "labels": pull.labels,
            "author": OWNER,
            "updated": pull.updated.isoformat(),
            "url": f"{self.url}/{self.repo}/pulls/{pull.number}",
        }


def _json(status: int, body: Json) -> Response:
    return Response(json.dumps(body), status, content_type="application/json")


def _page(request: Request, items: list[Json]) -> Json:
    """Give one page, and under ``next`` the address of the one after it."""
    number = int(request.args.get("page", "1"))
    more = len(items) > number * PAGE
    query = urlencode({**request.args, "page": number + 1})
    address = f"{request.base_url}?{query}" if more else None
    return {"items": items[(number - 1) * PAGE : number * PAGE], "next": address}


def _described(path: str, file: File) -> Json:
    mode, content = file
    return {"path": path, "mode": mode, "blob": blob_sha(content), "size": len(content)}


def _below(files: Files, path: str) -> Files:
    return {name: file for name, file in files.items() if name == path or name.startswith(f"{path}/")}


def _merged_file(old: File | None, ours: File | None, theirs: File | None) -> File | None:
    """Merge the lines that either side changed; None where both changed the same ones, or one deleted all."""
    if old is None or ours is None or theirs is None:
        return None
    before = old[1].splitlines(keepends=True)
    edits = sorted({*_edits(before, ours[1]), *_edits(before, theirs[1])})
    merged, end = [], -1
    for start, stop, lines in edits:
        if start <= end:
            return None
        merged += [*before[max(end, 0) : start], *lines]
        end = stop
    return theirs[0], b"".join([*merged, *before[max(end, 0) :]])


def _edits(before: list[bytes], after: bytes) -> Iterable[tuple[int, int, tuple[bytes, ...]]]:
    """Give the lines that were replaced, from and to, and by what."""
    lines = after.splitlines(keepends=True)
    for kind, start, stop, first, last in SequenceMatcher(None, before, lines).get_opcodes():
        if kind != "equal":
            yield start, stop, tuple(lines[first:last])


def _same_or_inside(one: str, other: str) -> bool:
    return f"{one}/".startswith(f"{other}/") or f"{other}/".startswith(f"{one}/")


def _changed(files: Files, changes: list[Json]) -> Files:
    """Apply the changes of a commit."""
    changed = dict(files)
    for change in changes:
        if change["do"] != "put":
            changed.pop(change["path"], None)
    for change in changes:
        content = base64.b64decode(change.get("content", ""))
        if change["do"] == "put":
            changed[change["path"]] = (change["mode"], content)
        elif change["do"] == "move":
            mode, old = files[change["path"]]
            changed[change["to"]] = (mode, content if "content" in change else old)
    return changed
