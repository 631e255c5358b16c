"""Trees, blobs, and files by their paths."""

from __future__ import annotations

import pygit2
from werkzeug import Response

from simulators import git as objects
from simulators.archives import git_archive
from simulators.gitea.calls import REPOSITORY, Call, ProblemError, Route, invalid, not_found
from simulators.rest import Page


def get_tree(call: Call, revision: str) -> Response:
    found = objects.resolve(call.repository.git, revision)
    tree = found.peel(pygit2.Tree) if isinstance(found, pygit2.Commit | pygit2.Tag) else found
    if not isinstance(tree, pygit2.Tree):
        raise ProblemError(400, f"sha not found [{revision}]")
    recursive = call.arg("recursive").casefold() in {"1", "true", "on"}
    limit = call.simulator.tree_limit
    entries = list(objects.listing(tree, recursive=recursive))
    page = Page.cut(entries, call.request.args, size=limit, most=limit)
    shown = [call.shapes.tree_entry(call.repository, path, entry) for path, entry in page.items]
    url = f"{call.shapes.url(call.repository)}/git/trees/{tree.id}"
    return call.answer(
        {
            "sha": str(tree.id),
            "url": url,
            "tree": shown or None,
            "truncated": page.number < page.last,
            "page": page.number,
            "total_count": page.total,
        }
    )


def _blob(call: Call, sha: str) -> pygit2.Blob | None:
    found = call.repository.git.get(sha) if objects.SHA.fullmatch(sha) else None
    return found if isinstance(found, pygit2.Blob) else None


def get_blob(call: Call, sha: str) -> Response:
    blob = _blob(call, sha)
    if blob is None:
        raise ProblemError(400, f"object does not exist [id: {sha}, rel_path: ]")
    return call.answer(call.shapes.blob(call.repository, blob, call.simulator.blob_limit))


def get_blobs(call: Call) -> Response:
    """Give many blobs, as Forgejo does."""
    shown = []
    for sha in filter(None, call.arg("shas").split(",")):
        blob = _blob(call, sha)
        if blob is None:
            raise ProblemError(400, f"object does not exist [id: {sha}, rel_path: ]")
        shown.append(call.shapes.blob(call.repository, blob, call.simulator.blob_limit))
    return call.answer(shown[: call.simulator.batch_limit])


def get_file_contents(call: Call) -> Response:
    """Give many files, until there are too many or they are too large."""
    files = call.json().get("files")
    if not files:
        raise invalid("[Files]: Required")
    commit = call.commit(call.arg("ref") or call.repository.default_branch)
    shown, size = [], 0
    for path in files[: call.simulator.batch_limit]:
        entry = objects.entry_at(commit.tree, path)
        limit = call.simulator.blob_limit
        each = entry and call.shapes.content(call.repository, path, entry, str(commit.id), limit)
        size += len(each["content"] or "") if each else 0
        if size > call.simulator.batch_bytes:
            break
        shown.append(each)
    return call.answer(shown)


def get_raw(call: Call, path: str) -> Response:
    commit = call.commit(call.arg("ref") or call.repository.default_branch)
    entry = objects.entry_at(commit.tree, path)
    if not isinstance(entry, pygit2.Blob):
        raise not_found()
    return Response(entry.data, 200, call.headers, content_type="application/octet-stream")


def get_contents(call: Call, path: str = "") -> Response:
    commit = call.commit(call.arg("ref") or call.repository.default_branch)
    entry = objects.entry_at(commit.tree, path)
    if entry is None:
        raise not_found()
    sha = str(commit.id)
    if isinstance(entry, pygit2.Tree):
        start = f"{path}/" if path else ""
        listed = objects.listing(entry, start, recursive=False)
        return call.answer([call.shapes.content(call.repository, name, each, sha) for name, each in listed])
    return call.answer(call.shapes.content(call.repository, path, entry, sha, call.simulator.blob_limit))


def get_archive(call: Call, name: str) -> Response:
    """Give the files of a commit below a folder that is named after the repository."""
    commit = call.commit(name.removesuffix(".tar.gz"))
    packed = git_archive(call.repository.path, str(commit.id), f"{call.repository.name}/")
    return Response(packed, 200, call.headers, content_type="application/octet-stream")


ROUTES = (
    Route("GET", f"{REPOSITORY}/git/trees/<revision:path>", get_tree),
    Route("GET", f"{REPOSITORY}/git/blobs", get_blobs),
    Route("GET", f"{REPOSITORY}/git/blobs/<sha>", get_blob),
    Route("POST", f"{REPOSITORY}/file-contents", get_file_contents),
    Route("GET", f"{REPOSITORY}/archive/<name:path>", get_archive),
    Route("GET", f"{REPOSITORY}/raw/<path:path>", get_raw),
    Route("GET", f"{REPOSITORY}/contents", get_contents),
    Route("GET", f"{REPOSITORY}/contents/<path:path>", get_contents),
)
