"""Making a commit out of a form."""

from __future__ import annotations

import re

import pygit2
from werkzeug import Response

from simulators import git as objects
from simulators.bitbucket import forms
from simulators.bitbucket.calls import Call, ProblemError, RefusedError, Route
from simulators.bitbucket.forms import Form
from simulators.bitbucket.repos import REPOSITORY
from simulators.bitbucket.shapes import SUBREPOSITORY

AUTHOR = re.compile(r"\s*(.*?)\s*<([^<>]+)>\s*")
SHA = re.compile(r"[0-9a-f]{40}")
MESSAGE = "Committed by the API."


def commit(call: Call) -> Response:
    """Commit on top of a branch, which is made when it is not there; the answer has no body."""
    form = forms.read(call.request)
    limit = call.simulator.commit_limit
    if limit is not None and len(form.written) + len(form.deleted) > limit:
        raise ProblemError(500, "Something went wrong")
    branch = form.one("branch") or call.repository.default_branch
    parents = _parents(call, form, branch)
    tree = _tree(call, form, parents)
    message = form.one("message") or MESSAGE
    made = objects.write_commit(call.repository.git, tree, parents, message, _author(call, form))
    _move(call, branch, made, parents)
    location = f"{call.shapes.url(call.repository)}/commit/{made}"
    return Response(status=201, headers={"Location": location}, content_type="text/html; charset=utf-8")


def _parents(call: Call, form: Form, branch: str) -> list[str]:
    """Give the parents; the first of them must be where the branch is."""
    repository = call.repository
    for each in form.parents:
        if SHA.fullmatch(each) is None or repository.commit(each) is None:
            raise ProblemError(400, f"parents: Commit not found: {each}", fields={"parents": []})
    head = repository.head(branch)
    if head is None and not form.parents:
        main = repository.head(repository.default_branch)
        return [main] if main else []
    if head is not None and form.parents and form.parents[0] != head:
        raise ProblemError(409, f"parents: {form.parents[0]} is not the tip of {branch}")
    return form.parents or [head or ""]


def _tree(call: Call, form: Form, parents: list[str]) -> pygit2.Oid:
    git = call.repository.git
    if not form.written and not form.deleted and not (form.one("branch") and form.parents):
        raise ProblemError(400, "No files were given")
    base = git[parents[0]].tree if parents else None
    edits: dict[str, tuple[int, str] | None] = dict.fromkeys(form.deleted)
    for path, (mode, content) in form.written.items():
        edits[path] = mode, str(git.create_blob(content))
    if base is not None:
        for path in edits:
            _refuse_odd(base, path, form)
    _refuse_clashes(form)
    try:
        return objects.edit_tree(git, base, edits)
    except RefusedError as exc:
        raise _absent(str(exc.facts["path"])) from exc


def _absent(path: str) -> ProblemError:
    return ProblemError(400, f"files: No such file: {path}", fields={"files": [f"No such file: {path}"]})


def _refuse_odd(base: pygit2.Tree, path: str, form: Form) -> None:
    """Refuse to delete what is not there, to touch other repositories, and to put a file over a folder."""
    there = objects.entry_at(base, path)
    if there is not None and int(there.filemode or 0) == SUBREPOSITORY:
        raise ProblemError(400, f"{path}: subrepositories cannot be changed")
    if path not in form.written:
        if there is None or isinstance(there, pygit2.Tree):
            raise _absent(path)
        return
    if isinstance(there, pygit2.Tree):
        files = (each for each, entry in objects.listing(there, f"{path}/") if not _is_tree(entry))
        if any(each not in form.deleted for each in files):
            raise ProblemError(400, f"{path}: a directory is there")
    for above in _above(path):
        entry = objects.entry_at(base, above)
        if entry is not None and not _is_tree(entry) and above not in form.deleted:
            raise ProblemError(400, f"{path}: {above} is a file")


def _refuse_clashes(form: Form) -> None:
    for path in form.written:
        if any(above in form.written for above in _above(path)):
            raise ProblemError(400, f"{path}: a file is above it")


def _above(path: str) -> list[str]:
    return [path[:at] for at, letter in enumerate(path) if letter == "/"]


def _is_tree(entry: pygit2.Object) -> bool:
    return isinstance(entry, pygit2.Tree)


def _author(call: Call, form: Form) -> pygit2.Signature:
    own = call.repository.signature(call.user)
    given = form.one("author")
    if not given:
        return own
    found = AUTHOR.fullmatch(given)
    if found is None or not found[1]:
        raise ProblemError(400, "author: must be of the form Name <email>", fields={"author": [given]})
    return pygit2.Signature(found[1], found[2], own.time, 0)


def _move(call: Call, branch: str, made: str, parents: list[str]) -> None:
    repository = call.repository
    try:
        if repository.head(branch) is not None:
            repository.move_branch(branch, made)
            return
        if repository.empty:
            repository.default_branch = branch
        repository.create_branch(branch, made)
    except RefusedError as exc:
        if exc.reason == "protected":
            raise ProblemError(403, f"You cannot push to {branch}.") from exc
        raise ProblemError(400, f"branch: {branch}: {exc.reason}") from exc


ROUTES = (Route("POST", f"{REPOSITORY}/src", commit),)
