"""Git data: trees, blobs, commits; and files by their paths."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime
from typing import Any

import pygit2
from werkzeug import Response

from simulators import git as objects
from simulators.github.calls import Call, ProblemError, RefusedError, Route, invalid, not_found
from simulators.github.repos import REPOSITORY

LARGEST_INLINE = 1_000_000
LARGEST_BLOB = 100_000_000


def get_tree(call: Call, revision: str) -> Response:
    repository = call.repository
    found = objects.resolve(repository.git, revision)
    tree = found.peel(pygit2.Tree) if isinstance(found, pygit2.Commit | pygit2.Tag) else found
    if not isinstance(tree, pygit2.Tree):
        raise not_found()
    limit = call.simulator.tree_limit
    # Any value counts, "0" too.
    entries = list(objects.listing(tree, recursive="recursive" in call.request.args))
    return call.answer(_tree(call, tree, entries[:limit], truncated=len(entries) > limit))


def _tree(call: Call, tree: pygit2.Tree, entries: list[Any], *, truncated: bool) -> dict[str, Any]:
    return {
        "sha": str(tree.id),
        "url": f"{call.shapes.url(call.repository)}/git/trees/{tree.id}",
        "tree": [call.shapes.tree_entry(call.repository, path, entry) for path, entry in entries],
        "truncated": truncated,
    }


def create_tree(call: Call) -> Response:
    body = call.json()
    (entries,) = call.need(body, "tree")
    git = call.repository.git
    base = objects.resolve(git, body["base_tree"]) if body.get("base_tree") else None
    base = base.peel(pygit2.Tree) if isinstance(base, pygit2.Commit) else base
    if body.get("base_tree") and not isinstance(base, pygit2.Tree):
        raise ProblemError(422, "base_tree is not a valid tree oid")
    edits = dict(_edit(call, entry) for entry in entries)
    try:
        made = objects.edit_tree(git, base, edits)
    except RefusedError as exc:
        raise ProblemError(422, "GitRPC::BadObjectState") from exc
    tree = git[made]
    listed = list(objects.listing(tree, recursive=False))
    shown = _tree(call, tree, listed, truncated=False)
    return call.answer(shown, 201, Location=shown["url"])


def _edit(call: Call, entry: dict[str, Any]) -> tuple[str, tuple[int, str] | None]:
    path = entry.get("path", "")
    if not path or path.startswith("/") or any(part in {"", ".", "..", ".git"} for part in path.split("/")):
        raise ProblemError(422, "tree.path contains a malformed path component")
    mode = entry.get("mode")
    if mode not in {"100644", "100755", "040000", "160000", "120000"}:
        raise ProblemError(422, "Must supply a valid tree.mode")
    if "content" in entry:
        if entry.get("sha"):
            raise ProblemError(422, "Must supply either tree.sha or tree.content.")
        return path, (int(mode, 8), str(call.repository.git.create_blob(entry["content"].encode())))
    sha = entry.get("sha", "")
    if sha is None:
        return path, None
    if len(sha) != 40 or call.repository.git.get(sha) is None:
        raise ProblemError(422, f"tree.sha {sha} is not a valid {entry.get('type', 'blob')}")
    return path, (int(mode, 8), sha)


def get_blob(call: Call, sha: str) -> Response:
    blob = objects.resolve(call.repository.git, sha) if len(sha) == 40 else None
    if not isinstance(blob, pygit2.Blob):
        raise not_found()
    if blob.size > LARGEST_BLOB:
        raise ProblemError(403, "This API returns blobs up to 100 MB in size.")
    if call.accepts("raw") or call.accepts("v3.raw") or call.accepts("VERSION.raw"):
        return call.raw(blob.data)
    shown = {
        "sha": sha,
        "node_id": f"B_{sha}",
        "size": blob.size,
        "url": f"{call.shapes.url(call.repository)}/git/blobs/{sha}",
        "content": base64.encodebytes(blob.data).decode(),
        "encoding": "base64",
    }
    return call.answer(shown)


def create_blob(call: Call) -> Response:
    body = call.json()
    (content,) = call.need(body, "content")
    data = content.encode()
    if body.get("encoding", "utf-8") == "base64":
        try:
            data = base64.b64decode(content)
        except binascii.Error as exc:
            raise ProblemError(422, "Content is not valid Base64") from exc
    sha = str(call.repository.git.create_blob(data))
    url = f"{call.shapes.url(call.repository)}/git/blobs/{sha}"
    return call.answer({"sha": sha, "url": url}, 201, Location=url)


def get_git_commit(call: Call, sha: str) -> Response:
    commit = call.repository.commit(sha) if len(sha) == 40 else None
    if commit is None:
        raise not_found()
    return call.answer(call.shapes.git_commit(call.repository, commit))


def create_git_commit(call: Call) -> Response:
    body = call.json()
    message, tree = call.need(body, "message", "tree")
    git = call.repository.git
    if not isinstance(objects.resolve(git, tree) if len(tree) == 40 else None, pygit2.Tree):
        raise ProblemError(422, "Tree SHA does not exist")
    parents = body.get("parents", [])
    if any(call.repository.commit(each) is None for each in parents):
        raise ProblemError(422, "Parent SHA does not exist or is not a commit object")
    author = _signature(call, body.get("author"))
    committer = _signature(call, body.get("committer")) if "committer" in body else author
    made = objects.write_commit(git, tree, parents, message, author, committer)
    shown = call.shapes.git_commit(call.repository, git[made])
    return call.answer(shown, 201, Location=shown["url"])


def _signature(call: Call, given: dict[str, Any] | None) -> pygit2.Signature:
    own = call.repository.signature(call.user)
    if not given:
        return own
    name, email = given.get("name"), given.get("email")
    if not name or not email:
        raise invalid('Invalid request.\n\n"email", "name" weren\'t supplied.')
    if "date" not in given:
        return pygit2.Signature(name, email, own.time, 0)
    date = datetime.fromisoformat(given["date"])
    offset = date.utcoffset()
    minutes = int(offset.total_seconds() // 60) if offset else 0
    return pygit2.Signature(name, email, int(date.timestamp()), minutes)


def get_contents(call: Call, path: str = "") -> Response:
    repository = call.repository
    ref = call.arg("ref") or repository.default_branch
    if repository.empty:
        raise ProblemError(404, "This repository is empty.")
    commit = repository.commit(ref)
    if commit is None:
        raise ProblemError(404, f"No commit found for the ref {ref}")
    entry = objects.entry_at(commit.tree, path.strip("/"))
    if entry is None:
        raise not_found()
    if isinstance(entry, pygit2.Tree):
        start = f"{path.strip('/')}/" if path.strip("/") else ""
        listed = list(objects.listing(entry, start, recursive=False))[:1000]
        return call.answer([call.shapes.content(repository, each, there, ref) for each, there in listed])
    if call.accepts("raw") or call.accepts("v3.raw") or call.accepts("VERSION.raw"):
        return call.raw(entry.data)
    shown = call.shapes.content(repository, path.strip("/"), entry, ref)
    if entry.filemode == 0o120000:
        return call.answer({**shown, "target": entry.data.decode()})
    large = entry.size > LARGEST_INLINE
    content = "" if large else base64.encodebytes(entry.data).decode()
    return call.answer({**shown, "content": content, "encoding": "none" if large else "base64"})


ROUTES = (
    Route("POST", f"{REPOSITORY}/git/trees", create_tree, needs_commits=True),
    Route("GET", f"{REPOSITORY}/git/trees/<revision:path>", get_tree, needs_commits=True),
    Route("POST", f"{REPOSITORY}/git/blobs", create_blob, needs_commits=True),
    Route("GET", f"{REPOSITORY}/git/blobs/<sha>", get_blob, needs_commits=True),
    Route("POST", f"{REPOSITORY}/git/commits", create_git_commit, needs_commits=True),
    Route("GET", f"{REPOSITORY}/git/commits/<sha>", get_git_commit, needs_commits=True),
    Route("GET", f"{REPOSITORY}/contents", get_contents),
    Route("GET", f"{REPOSITORY}/contents/", get_contents),
    Route("GET", f"{REPOSITORY}/contents/<path:path>", get_contents),
)
