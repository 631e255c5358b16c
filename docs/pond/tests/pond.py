"""A Pond on a socket, in memory: what the documentation of its API says, and no more."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import tempfile
import threading
import urllib.parse
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from copydesk.blobs import blob_sha
from copydesk.testing import SEED, ServerSimulator
from werkzeug import Request, Response
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule

OWNER = {"login": "ann", "name": "Ann", "email": "ann@example.org"}
#: What a merge makes of a file that both sides changed in the same places.
TORN = ("torn", "")

SITE = "/repos/o/site"
#: Each names the method that answers it. A branch may have slashes, which arrive encoded.
ROUTES = Map(
    [
        Rule("/user", endpoint="show_user"),
        Rule(SITE, endpoint="show_site"),
        Rule(f"{SITE}/branches", endpoint="list_branches"),
        Rule(f"{SITE}/branches/<path:name>", methods=["GET"], endpoint="show_branch"),
        Rule(f"{SITE}/branches/<path:name>", methods=["DELETE"], endpoint="delete_branch"),
        Rule(f"{SITE}/trees/<sha>", endpoint="list_tree"),
        Rule(f"{SITE}/blobs/<sha>", endpoint="show_blob"),
        Rule(f"{SITE}/compare/<base>/<head>", endpoint="show_comparison"),
        Rule(f"{SITE}/commits", methods=["GET"], endpoint="list_commits"),
        Rule(f"{SITE}/commits", methods=["POST"], endpoint="make_commit"),
        Rule(f"{SITE}/pulls", methods=["GET"], endpoint="list_pulls"),
        Rule(f"{SITE}/pulls", methods=["POST"], endpoint="open_pull"),
        Rule(f"{SITE}/pulls/<int:number>/labels", methods=["POST"], endpoint="label_pull"),
        Rule(f"{SITE}/pulls/<int:number>/merge", methods=["POST"], endpoint="merge_pull"),
        Rule(f"{SITE}/pulls/<int:number>/close", methods=["POST"], endpoint="close_pull"),
    ],
    merge_slashes=False,
)


class Commit(NamedTuple):
    """A commit with all of its files: path to mode and blob."""

    parents: tuple[str, ...]
    files: dict[str, tuple[str, str]]
    message: str
    author: dict[str, str]
    date: str


def refused(status: int, message: str, **facts: object) -> HTTPException:
    """Give an answer that is none of 2xx, to be raised."""
    body = json.dumps({"message": message, **facts})
    return HTTPException(response=Response(body, status, content_type="application/json"))


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


class Pond(ServerSimulator):
    """One repository, ``o/site``, that holds the seed."""

    page = 10

    def __init__(self, token: str) -> None:
        super().__init__()
        self.token = token
        self.blobs: dict[str, bytes] = {}
        self.commits: dict[str, Commit] = {}
        self.branches: dict[str, str] = {}
        self.pulls: list[dict[str, Any]] = []
        self._turn = threading.Lock()
        files = {seed.path: (seed.mode.value, self.keep(seed.content)) for seed in SEED}
        self.branches["main"] = self.make((), files, "seed", OWNER)

    def respond(self, request: Request) -> Response:
        """Answer one request at a time."""
        with self._turn:
            try:
                if request.headers.get("Authorization") != f"Bearer {self.token}":
                    raise refused(401, "who are you?")
                endpoint, values = ROUTES.bind_to_environ(request.environ).match()
                found = getattr(self, endpoint)(request, **values)
            except HTTPException as exc:
                return exc.get_response(request.environ)
        if isinstance(found, bytes):
            return Response(found, content_type="application/octet-stream")
        return Response(json.dumps(found), content_type="application/json")

    def paged(self, request: Request, items: list[Any]) -> dict[str, Any]:
        """Give one page, and where the next one is."""
        start = int(request.args.get("from", 0))
        end = start + self.page
        more = urllib.parse.urlencode({**request.args, "from": end})
        return {
            "items": items[start:end],
            "next": f"{self.url}{request.path}?{more}" if items[end:] else None,
        }

    # -- the repository ---------------------------------------------------------------------------

    def keep(self, content: bytes) -> str:
        sha = blob_sha(content)
        self.blobs[sha] = content
        return sha

    def make(self, parents: tuple[str, ...], files: dict, message: str, author: dict) -> str:
        sha = hashlib.sha1(f"commit {len(self.commits)}".encode()).hexdigest()
        self.commits[sha] = Commit(parents, files, message, author, now())
        return sha

    def head(self, name: str) -> str:
        if name not in self.branches:
            raise refused(404, f"there is no branch {name!r}")
        return self.branches[name]

    def found(self, sha: str) -> Commit:
        if sha not in self.commits:
            raise refused(404, "there is no such commit")
        return self.commits[sha]

    def history(self, sha: str) -> list[str]:
        """Give a commit and all before it, nearest first."""
        seen = [sha]
        for each in seen:
            seen += [parent for parent in self.found(each).parents if parent not in seen]
        return seen

    def compared(self, base: str, head: str) -> tuple[str, list[str]]:
        """Give the merge base, and the paths that the head changed since."""
        ours = self.history(head)
        shared = next((sha for sha in self.history(base) if sha in ours), None)
        if shared is None:
            raise refused(404, "these have no common history")
        before, after = self.commits[shared].files, self.commits[head].files
        return shared, sorted(path for path in before | after if before.get(path) != after.get(path))

    # -- files ------------------------------------------------------------------------------------

    def show_user(self, _: Request) -> dict[str, Any]:
        return OWNER

    def show_site(self, _: Request) -> dict[str, Any]:
        return {"default_branch": "main", "may_write": True}

    def list_branches(self, request: Request) -> dict[str, Any]:
        prefix = request.args["prefix"]
        found = {name: sha for name, sha in self.branches.items() if name.startswith(prefix)}
        return self.paged(request, [{"name": name, "commit": sha} for name, sha in found.items()])

    def show_branch(self, _: Request, name: str) -> dict[str, Any]:
        return {"name": name, "commit": self.head(name)}

    def delete_branch(self, request: Request, name: str) -> dict[str, Any]:
        if self.head(name) != request.args["at"]:
            raise refused(409, "the branch is elsewhere", commit=self.head(name))
        del self.branches[name]
        return {}

    def list_tree(self, request: Request, sha: str) -> dict[str, Any]:
        folder = request.args["folder"]
        below = f"{folder}/" if folder else ""
        found = {path: file for path, file in self.found(sha).files.items() if path.startswith(below)}
        return self.paged(request, [self.shown_file(path, file) for path, file in found.items()])

    def shown_file(self, path: str, file: tuple[str, str]) -> dict[str, Any]:
        mode, blob = file
        return {"path": path, "mode": mode, "blob": blob, "size": len(self.blobs[blob])}

    def show_blob(self, _: Request, sha: str) -> bytes:
        if sha not in self.blobs:
            raise refused(404, "there is no such blob")
        return self.blobs[sha]

    def show_comparison(self, _: Request, base: str, head: str) -> dict[str, Any]:
        merge_base, paths = self.compared(base, head)
        before, after = self.commits[merge_base].files, self.commits[head].files
        gone = [{"path": path, "kind": "deleted"} for path in paths if path not in after]
        kinds = {path: "modified" if path in before else "added" for path in paths if path in after}
        there = [{**self.shown_file(path, after[path]), "kind": kind} for path, kind in kinds.items()]
        return {"merge_base": merge_base, "files": gone + there}

    def list_commits(self, request: Request) -> dict[str, Any]:
        """Give those that differ from all of their parents at the path, newest first."""
        path, found = request.args["path"], []
        for sha in sorted(self.history(request.args["sha"]), key=list(self.commits).index, reverse=True):
            commit = self.commits[sha]
            befores = [self.commits[parent].files for parent in commit.parents] or [{}]
            if not path or all(before.get(path) != commit.files.get(path) for before in befores):
                found.append({"sha": sha, **commit._asdict()})
        return self.paged(request, found)

    def make_commit(self, request: Request) -> dict[str, Any]:
        """Move the branch only from the parent, or make it only where it is not."""
        asked = request.get_json()
        name, parent = asked["branch"], asked["parent"]
        beside = [
            other
            for other in self.branches
            if f"{other}/".startswith(f"{name}/") or f"{name}/".startswith(f"{other}/")
        ]
        if asked["creates_branch"] and beside:  # itself, or one that git cannot hold beside it
            raise refused(409, f"the branch {beside[0]!r} is there already")
        if not asked["creates_branch"] and self.head(name) != parent:
            raise refused(409, "the branch is elsewhere")
        files = dict(self.found(parent).files)
        for file in asked["files"]:
            files.pop(file["path"], None)
            if file["mode"] is not None:
                blob = file.get("blob") or self.keep(base64.b64decode(file["base64"]))
                files[file["path"]] = (file["mode"], blob)
        author = {**OWNER, **(asked["author"] or {})}
        sha = self.branches[name] = self.make((parent,), files, asked["message"], author)
        return {"sha": sha, **self.commits[sha]._asdict()}

    # -- pull requests ----------------------------------------------------------------------------

    def now(self, pull: dict[str, Any]) -> dict[str, Any]:
        """Give a pull request as it is now; an open one follows its branch, and closes when that is gone."""
        if pull["state"] == "open":
            pull["head_commit"] = self.branches.get(pull["head"], pull["head_commit"])
            pull["state"] = "open" if pull["head"] in self.branches else "closed"
        return pull

    def pull(self, number: int) -> dict[str, Any]:
        if number > len(self.pulls):
            raise refused(404, "there is no such pull request")
        return self.now(self.pulls[number - 1])

    def selected(self, wanted: Mapping[str, str]) -> list[dict[str, Any]]:
        return [
            pull
            for pull in map(self.now, reversed(self.pulls))
            if wanted["state"] in {"all", pull["state"]}
            and wanted["base"] in {"", pull["base"]}
            and wanted["head"] in {"", pull["head"]}
        ]

    def list_pulls(self, request: Request) -> dict[str, Any]:
        return self.paged(request, self.selected(request.args))

    def open_pull(self, request: Request) -> dict[str, Any]:
        asked = request.get_json()
        head, base = self.head(asked["head"]), self.head(asked["base"])
        if self.selected({**asked, "state": "open"}):
            raise refused(409, "there is one already")
        if head in self.history(base):
            raise refused(422, "there is nothing new")
        facts = {"number": len(self.pulls) + 1, "state": "open", "head_commit": head, "author": OWNER}
        self.pulls.append({**asked, **facts, "updated": now()})
        return self.pulls[-1]

    def label_pull(self, request: Request, number: int) -> dict[str, Any]:
        pull, asked = self.pull(number), request.get_json()
        kept = [label for label in pull["labels"] if label not in asked["add"] + asked["remove"]]
        pull["labels"] = kept + asked["add"]
        return pull

    def close_pull(self, request: Request, number: int) -> dict[str, Any]:
        pull = self.guarded(request, number, refuses=("merged",))
        pull["state"] = "closed"
        return pull

    def merge_pull(self, request: Request, number: int) -> dict[str, Any]:
        pull = self.guarded(request, number, refuses=("merged", "closed"))
        sha = self.branches[pull["base"]] = self.merged(pull, request.get_json())
        pull["state"] = "merged"
        return {"commit": sha}

    def guarded(self, request: Request, number: int, refuses: tuple[str, ...]) -> dict[str, Any]:
        """Give a pull request that is at the head which the caller saw."""
        pull = self.pull(number)
        if pull["state"] in refuses:
            raise refused(422, f"it is {pull['state']}", reason="closed", paths=[])
        if pull["head_commit"] != request.get_json()["head"]:
            raise refused(409, "the branch is elsewhere", commit=pull["head_commit"])
        return pull

    def merged(self, pull: dict[str, Any], asked: dict[str, Any]) -> str:
        """Put what the head changed onto the base, file by file and line by line, as git does."""
        base, head = self.head(pull["base"]), pull["head_commit"]
        merge_base, paths = self.compared(base, head)
        ours, fork, theirs = (self.commits[sha].files for sha in (base, merge_base, head))
        changed = {path: self.merged_file(ours.get(path), fork.get(path), theirs.get(path)) for path in paths}
        torn = [path for path, file in changed.items() if file == TORN]
        if torn:
            raise refused(422, "both sides changed it", reason="conflicts", paths=torn)
        files = {path: file for path, file in (ours | changed).items() if file is not None}
        return self.make((base,) if asked["squash"] else (base, head), files, asked["message"], OWNER)

    def merged_file(self, ours: Any, fork: Any, theirs: Any) -> Any:
        """Give what a file is after a merge: None where it is gone, TORN where both changed the same lines."""
        if ours in (fork, theirs):
            return theirs
        if None in (ours, fork, theirs):
            return TORN
        with tempfile.TemporaryDirectory() as folder:
            for name, (_, blob) in zip("abc", (ours, fork, theirs), strict=True):
                Path(folder, name).write_bytes(self.blobs[blob])
            command = ["git", "merge-file", "-p", "a", "b", "c"]
            done = subprocess.run(command, cwd=folder, capture_output=True, check=False)
        return TORN if done.returncode else (theirs[0], self.keep(done.stdout))
