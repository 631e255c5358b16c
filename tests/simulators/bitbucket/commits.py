"""Commits, their history, and what is different between two of them."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

import pygit2
from pygit2.enums import DiffFlag, SortMode
from werkzeug import Response

from simulators import git as objects
from simulators.bitbucket.calls import Call, ProblemError, RefusedError, Route, no_commit
from simulators.bitbucket.repos import REPOSITORY
from simulators.git import FileChange

UNCACHED = {"Cache-Control": "must-revalidate, max-age=0"}


def get_commit(call: Call, commit: str) -> Response:
    found = call.commit(commit)
    return call.shown({**call.shapes.commit(call.repository, found), "participants": []})


def list_commits(call: Call, revision: str = "") -> Response:
    """List what can be reached from some commits and not from others, the newest first."""
    included = [*filter(None, [revision]), *call.request.args.getlist("include")]
    starts = included or [name for name, _ in call.repository.branches()]
    hidden = [call.commit(name).id for name in call.request.args.getlist("exclude")]
    found = _history(call, [call.commit(name).id for name in starts], hidden)
    return call.page(found, functools.partial(call.shapes.commit, call.repository), size=30)


def _history(call: Call, starts: list[pygit2.Oid], hidden: list[pygit2.Oid]) -> Iterator[pygit2.Commit]:
    if not starts:
        return
    walk = call.repository.git.walk(starts[0], SortMode.TOPOLOGICAL | SortMode.TIME)
    for each in starts[1:]:
        walk.push(each)
    for each in hidden:
        walk.hide(each)
    path = call.arg("path").strip("/")
    yield from (each for each in walk if not path or objects.touches(each, path))


def merge_base(call: Call, revspec: str) -> Response:
    one, two = pair(call, revspec)
    base = call.repository.merge_base(str(one.id), str(two.id))
    if base is None:
        raise no_commit(revspec)
    return call.shown(call.shapes.commit(call.repository, call.repository.git[base]))


def pair(call: Call, spec: str) -> tuple[pygit2.Commit, pygit2.Commit]:
    """Read two commits: with dots between them, or as the links of pull requests have them."""
    spec = spec.removeprefix(f"{call.repository.full_name}:")
    one, dots, two = spec.partition("\r" if "\r" in spec else "..")
    if not dots:
        raise ProblemError(400, f"Invalid spec: {spec}")
    return call.commit(one), call.commit(two)


def _sides(call: Call, spec: str) -> tuple[pygit2.Commit | None, pygit2.Commit]:
    """Give what is compared: the older side, None for nothing, and the newer one, which stands first."""
    if ".." not in spec and "\r" not in spec:
        found = call.commit(spec)
        return (found.parents[0] if found.parents else None), found
    new, old = pair(call, spec)
    if "false" in {call.arg("topic"), call.arg("merge")} and "\r" not in spec:
        return old, new
    base = call.repository.merge_base(str(new.id), str(old.id))
    return (old if base is None else call.repository.git[base]), new


def _conflicting(call: Call, spec: str) -> set[str]:
    """Give the paths that could not be merged, where a merge is what is shown."""
    linked = "\r" in spec
    if not linked and (".." not in spec or call.arg("topic") or call.arg("merge") == "false"):
        return set()
    new, old = pair(call, spec)
    try:
        objects.merge_trees(call.repository.git, str(old.id), str(new.id))
    except RefusedError as exc:
        return set(exc.facts["paths"])
    return set()


def diffstat(call: Call, spec: str) -> Response:
    old, new = _sides(call, spec)
    git = call.repository.git
    renames = call.arg("renames", "true") != "false"
    found = objects.changes(git, _tree(call, old), new.tree, patches=False, renames=renames)
    paths = call.request.args.getlist("path")
    before, after = str(old.id) if old else "", str(new.id)
    conflicting = _conflicting(call, spec)
    chosen = [
        each
        for each in found
        if not paths or any(_within(each.path, path) or _within(each.old_path, path) for path in paths)
    ]

    def show(change: FileChange) -> dict[str, Any]:
        shown = call.shapes.change(call.repository, change, before, after)
        return {**shown, "status": "merge conflict"} if change.path in conflicting else shown

    call.headers.update(UNCACHED)
    return call.page(chosen, show, size=500, most=5000)


def _tree(call: Call, commit: pygit2.Commit | None) -> pygit2.Tree:
    git = call.repository.git
    return git[git.TreeBuilder().write()] if commit is None else commit.tree


def _within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder.rstrip('/')}/")


def diff(call: Call, spec: str) -> Response:
    old, new = _sides(call, spec)
    found = call.repository.git.diff(_tree(call, old), new.tree)
    if call.arg("renames", "true") != "false":
        found.find_similar()
    paths = call.request.args.getlist("path")
    text = b"".join(
        patch.data
        for patch in found
        if (not paths or any(_within(patch.delta.new_file.path, path) for path in paths))
        and not (call.arg("binary") == "false" and patch.delta.flags & DiffFlag.BINARY)
    )
    response = Response(text, 200, UNCACHED)
    response.headers["Content-Type"] = "text/plain"
    return response


ROUTES = (
    Route("GET", f"{REPOSITORY}/commits", list_commits),
    Route("GET", f"{REPOSITORY}/commits/<revision:path>", list_commits),
    Route("GET", f"{REPOSITORY}/commit/<commit:path>", get_commit),
    Route("GET", f"{REPOSITORY}/merge-base/<revspec:path>", merge_base),
    Route("GET", f"{REPOSITORY}/diffstat/<spec:path>", diffstat),
    Route("GET", f"{REPOSITORY}/diff/<spec:path>", diff),
)
