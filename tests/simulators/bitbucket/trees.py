"""Reading files and folders at a commit."""

from __future__ import annotations

import hashlib
import mimetypes
from collections.abc import Iterator
from typing import Any

import pygit2
from werkzeug import Response

from simulators import git as objects
from simulators.bitbucket.calls import BlankError, Call, ProblemError, Route
from simulators.bitbucket.repos import REPOSITORY
from simulators.bitbucket.shapes import ATTRIBUTES, SUBREPOSITORY
from simulators.lfs import pointed_to

#: What is named after nothing that is known.
PLAIN = "text/plain"
CACHED = {"Cache-Control": "max-age=86400"}


def get_root(call: Call) -> Response:
    """Lead to the top of the main branch."""
    head = call.repository.head(call.repository.default_branch)
    if head is None:
        raise ProblemError(404, "Repository has no commits")
    raise BlankError(302, headers={"Location": f"{call.shapes.url(call.repository)}/src/{head}/"})


def get_source(call: Call, commit: str, path: str = "") -> Response:
    """Answer with a file as it is, or with what is in a folder."""
    found = call.commit(commit)
    # Of a branch the headers say nothing that would be old soon.
    if commit == str(found.id):
        call.headers.update(CACHED)
    folder, path = path.endswith("/"), path.strip("/")
    entry = objects.entry_at(found.tree, path)
    if entry is None or (folder and not isinstance(entry, pygit2.Tree)):
        message = f"No such file or directory: {path}"
        raise ProblemError(404, message, headers=call.headers)
    sha = str(found.id)
    if call.arg("format") == "meta":
        return call.shown(call.shapes.entry(call.repository, sha, path, entry))
    if isinstance(entry, pygit2.Tree):
        return _listed(call, sha, path, entry)
    return _raw(call, path, entry)


def _listed(call: Call, sha: str, path: str, tree: pygit2.Tree) -> Response:
    depth = call.arg("max_depth", "1")
    if not depth.isdigit() or int(depth) < 1:
        raise ProblemError(400, "max_depth: Enter a whole number.")
    limit = call.simulator.depth_limit
    if limit is not None and int(depth) > limit:
        raise ProblemError(555, "The request timed out.")
    found = by_breadth(tree, path, int(depth))

    def show(pair: tuple[str, pygit2.Object]) -> dict[str, Any]:
        return call.shapes.entry(call.repository, sha, *pair)

    return call.page(found, show, counted=False, opaque=True)


def by_breadth(tree: pygit2.Tree, path: str, depth: int) -> Iterator[tuple[str, pygit2.Object]]:
    """List a folder, then what is in its folders; those at the last level are named and not opened."""
    level = [(f"{path}/" if path else "", tree)]
    for _ in range(depth):
        below = []
        for start, folder in level:
            for there, entry in objects.listing(folder, start, recursive=False):
                yield there, entry
                if isinstance(entry, pygit2.Tree):
                    below.append((f"{there}/", entry))
        level = below


def _raw(call: Call, path: str, entry: pygit2.Object) -> Response:
    mode = int(entry.filemode or 0)
    # Of a repository in it there is only the sha.
    content = str(entry.id).encode() if mode == SUBREPOSITORY else entry.data
    found = pointed_to(content)
    address = found and call.simulator.large_address(
        call.request, call.repository, found[0], path.rpartition("/")[2]
    )
    if address:
        raise BlankError(302, headers={"Location": address})
    kind = mimetypes.guess_type(path)[0] or PLAIN
    attributes = ATTRIBUTES.get(mode, "")
    tag = hashlib.md5(content + attributes.encode()).hexdigest()
    shown = {**call.headers, "ETag": f'"{tag}"', "Content-Disposition": "attachment"}
    response = Response(content, 200, shown)
    # No encoding is told, as nobody knows it.
    response.headers["Content-Type"] = PLAIN if kind.startswith("text/") else kind
    return response


ROUTES = (
    Route("GET", f"{REPOSITORY}/src", get_root),
    Route("GET", f"{REPOSITORY}/src/<commit>/", get_source),
    Route("GET", f"{REPOSITORY}/src/<commit>/<path:path>", get_source),
)
