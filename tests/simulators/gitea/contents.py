"""Commits made of files: every file is checked in the head that the commit then stands on."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

import attrs
import pygit2
from werkzeug import Response

from simulators import git as objects
from simulators.gitea.branches import check_name
from simulators.gitea.calls import REPOSITORY, Call, ProblemError, RefusedError, Route, invalid
from simulators.lfs import Objects, pointer_to
from simulators.store import Repository

PLAIN, EXECUTABLE, LINK = 0o100644, 0o100755, 0o120000
READS_OLD = {"update", "delete", "rename"}


@attrs.frozen
class Start:
    """Where a commit starts and which branch gets it."""

    base: str
    branch: str
    head: pygit2.Commit


def find_start(call: Call, body: Mapping[str, Any]) -> Start:
    """Find the branch that a body names, and refuse the new one if it is there."""
    repository = call.repository
    base = body.get("branch") or repository.default_branch
    branch = body.get("new_branch") or base
    check_name(base, "BranchName")
    check_name(branch, "NewBranchName")
    head = repository.head(base)
    if head is None:
        raise ProblemError(404, f"branch does not exist [repo_id: {repository.id} name: {base}]")
    if branch == base:
        rules = repository.protections.get(branch)
        if rules is not None and rules.no_direct_pushes:
            raise ProblemError(403, f"user cannot commit to repo [user: {call.user.login}]")
    elif repository.head(branch) is not None:
        raise invalid(f"branch already exists [name: {branch}]")
    return Start(base, branch, repository.git[head])


def push(call: Call, start: Start, tree: pygit2.Oid | str, body: Mapping[str, Any]) -> pygit2.Commit:
    """Make the commit, and push it as git does: a branch that moved refuses it."""
    repository = call.repository
    own = repository.signature(call.user)
    named = {side: _identity(body.get(side), own) for side in ("author", "committer")}
    author = named["author"] or named["committer"] or own
    committer = named["committer"] or author
    message = f"{body['message'].strip()}\n"
    parents = [str(start.head.id)]
    sha = objects.write_commit(repository.git, tree, parents, message, author, committer)
    if call.simulator.before_push is not None:
        call.simulator.before_push()
    try:
        if start.branch == start.base:
            repository.move_branch(start.branch, sha, pushed=False)
        else:
            repository.create_branch(start.branch, sha)
    except RefusedError as exc:
        raise ProblemError(500, "PushOutOfDate") from exc
    return repository.git[sha]


def _identity(given: Mapping[str, str] | None, own: pygit2.Signature) -> pygit2.Signature | None:
    if not given or not (given.get("name") and given.get("email")):
        return None
    return pygit2.Signature(given["name"], given["email"], own.time, 0)


def change_files(call: Call) -> Response:
    body = call.json()
    files = body.get("files")
    if not files:
        raise invalid("[Files]: Required")
    start = find_start(call, body)
    body.setdefault("message", "")
    body["message"] = body["message"] or "Update files"
    modes = [_check(start.head, file) for file in files]
    made = push(call, start, _written(call, start.head.tree, files, modes), body)
    return call.answer(
        {
            "files": _shown(call, made, files),
            "commit": call.shapes.made(call.repository, made),
            "verification": None,
        },
        201,
    )


def _check(head: pygit2.Commit, file: Mapping[str, Any]) -> int:
    """Refuse a file that does not fit the head; give the mode that it gets."""
    operation, path = file.get("operation", ""), file.get("path", "")
    old_path = file.get("from_path") or path
    if operation not in {"create", *READS_OLD}:
        raise ProblemError(500, f"invalid file operation: {operation} {path}")
    if any(part.casefold() == ".git" for part in path.split("/")) or not path:
        raise invalid(f"path contains a malformed path component [path: {path}]")
    if len(file.get("from_path") or "") > 500:
        raise invalid("[FromPath]: MaxSize")
    mode = _old_mode(head, old_path, file) if operation in READS_OLD else PLAIN
    if operation != "delete":
        _check_new(head, path, may_exist=operation != "create" and old_path == path)
    return mode


def _old_mode(head: pygit2.Commit, path: str, file: Mapping[str, Any]) -> int:
    entry = objects.entry_at(head.tree, path)
    if entry is None:
        raise ProblemError(404, f"object does not exist [id: , rel_path: {path}]")
    given = file.get("sha") or ""
    if given and given != str(entry.id):
        raise invalid(f"sha does not match [given: {given}, expected: {entry.id}]")
    return EXECUTABLE if entry.filemode == EXECUTABLE else PLAIN


def _check_new(head: pygit2.Commit, path: str, *, may_exist: bool) -> None:
    names, entry = path.split("/"), head.tree
    for depth, name in enumerate(names, start=1):
        if name not in entry:
            return
        entry, above = entry[name], "/".join(names[:depth])
        folder = isinstance(entry, pygit2.Tree)
        if depth < len(names):
            if not folder:
                raise invalid(f"a file exists where you’re trying to create a subdirectory [path: {above}]")
        elif entry.filemode == LINK:
            raise invalid(
                f"a symbolic link exists where you’re trying to create a subdirectory [path: {above}]"
            )
        elif folder:
            raise invalid(f"a directory exists where you’re trying to create a file [path: {above}]")
        elif not may_exist:
            raise invalid(f"repository file already exists [path: {above}]")


def _written(call: Call, tree: pygit2.Tree, files: list[dict[str, Any]], modes: list[int]) -> pygit2.Oid:
    """Put the files into a tree, one after the other; attributes count as they are by then."""
    git, edits = call.repository.git, {}
    tracks = call.simulator.lfs_server and _has_attributes(tree, files)
    for file, mode in zip(files, modes, strict=True):
        now = git[objects.edit_tree(git, tree, edits)] if tracks else None
        path = file["path"]
        old_path = file.get("from_path") or path
        if file["operation"] == "create" and edits.get(path) is not None:
            raise invalid(f"repository file already exists [path: {path}]")
        if file["operation"] == "delete" or old_path != path:
            edits[old_path] = None
        if file["operation"] == "delete":
            continue
        content = _content(tree, file, old_path)
        if now is not None and _in_lfs(call.repository, now, path):
            Objects.of_repository(call.repository.path).add(content)
            content = pointer_to(content)
        edits[path] = (mode, str(git.create_blob(content)))
    return objects.edit_tree(git, tree, edits)


def _content(tree: pygit2.Tree, file: Mapping[str, Any], old_path: str) -> bytes:
    if file["operation"] == "rename":
        data: bytes = objects.entry_at(tree, old_path).data
        return data
    return _decoded(file.get("content") or "")


def _has_attributes(tree: pygit2.Tree, files: list[dict[str, Any]]) -> bool:
    """Say whether attributes may count: in no folder of these files, nor among them, there are any otherwise."""
    if any(file["path"].rpartition("/")[2] == ".gitattributes" for file in files):
        return True
    return any(_is_below_attributes(tree, file["path"]) for file in files)


def _is_below_attributes(tree: pygit2.Tree, path: str) -> bool:
    entry: pygit2.Object = tree
    for name in path.split("/"):
        if not isinstance(entry, pygit2.Tree):
            return False
        if ".gitattributes" in entry:
            return True
        if name not in entry:
            return False
        entry = entry[name]
    return False


def _decoded(content: str) -> bytes:
    try:
        return base64.b64decode(content, validate=True)
    except binascii.Error as exc:
        raise invalid("illegal base64 data at input byte 0") from exc


def _in_lfs(repository: Repository, tree: pygit2.Tree, path: str) -> bool:
    flags = pygit2.enums.AttrCheck
    wanted = flags.INCLUDE_COMMIT | flags.INDEX_ONLY | flags.NO_SYSTEM
    signature = pygit2.Signature("nobody", "nobody@example.org", 0, 0)
    commit = objects.write_commit(repository.git, tree.id, [], "attributes", signature)
    return repository.git.get_attr(path, "filter", wanted, commit) == "lfs"


def _shown(call: Call, made: pygit2.Commit, files: list[dict[str, Any]]) -> list[dict[str, Any] | None]:
    shown = []
    for file in files[: call.simulator.batch_limit]:
        entry = objects.entry_at(made.tree, file["path"])
        gone = entry is None or isinstance(entry, pygit2.Tree)
        shown.append(
            None if gone else call.shapes.content(call.repository, file["path"], entry, str(made.id))
        )
    return shown


ROUTES = (Route("POST", f"{REPOSITORY}/contents", change_files),)
__all__ = ["ROUTES", "Start", "find_start", "push"]
