"""Trees, files and blobs, read."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any
from urllib.parse import quote

import pygit2
from werkzeug import Response

from simulators import git as objects
from simulators.gitlab.calls import REPOSITORY, Call, Route, not_found
from simulators.gitlab.shapes import kind_of
from simulators.rest import Page

FILE = f"{REPOSITORY}/files/<path>"
#: At each listing folders come first, then files, then submodules.
ORDER = ("tree", "blob", "commit")
NO_PATH = "invalid revision or path"
UNCACHED = "max-age=0, private, must-revalidate, no-store, no-cache"


def commit_at(call: Call, ref: str, missing: str = "Commit") -> pygit2.Commit:
    commit = call.repository.commit(ref or call.repository.default_branch)
    if commit is None:
        raise not_found(missing)
    return commit


# -- trees --------------------------------------------------------------------------------------------


def get_tree(call: Call) -> Response:
    path = call.arg("path").strip("/")
    commit = commit_at(call, call.arg("ref"), "Tree")
    tree = objects.entry_at(commit.tree, path)
    if not isinstance(tree, pygit2.Tree):
        if call.simulator.old_tree:
            return call.answer(call.page([]))
        raise not_found(NO_PATH)
    start = f"{path}/" if path else ""
    found = list(objects.listing(tree, start, recursive=bool(call.flag("recursive"))))
    found.sort(key=lambda pair: ORDER.index(kind_of(pair[1])))
    shown = [call.shapes.entry(path, entry) for path, entry in found]
    keyset = call.arg("pagination") == "keyset"
    return call.answer(_keyset(call, shown) if keyset else call.page(shown))


def _keyset(call: Call, entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Give what comes behind the token; only the next page is linked to and nothing is counted."""
    token = call.arg("page_token")
    tokens = [_cursor(each) for each in entries]
    known = [token in {made, each["id"]} for made, each in zip(tokens, entries, strict=True)]
    start = known.index(True) + 1 if True in known else 0
    asked = {"per_page": call.arg("per_page")}
    page = Page.cut(entries[start:], asked, size=20)
    call.headers["X-Per-Page"] = str(page.size)
    if page.number < page.last:
        call.link({"next": {"page_token": tokens[start + page.size - 1], "per_page": str(page.size)}})
    return list(page.items)


def _cursor(entry: dict[str, Any]) -> str:
    """Name an entry as the place to go on from; its id would not do where two files are the same."""
    return base64.b64encode(json.dumps({"file_name": entry["path"]}).encode()).decode()


# -- files --------------------------------------------------------------------------------------------


def _file(call: Call, path: str) -> tuple[pygit2.Commit, pygit2.Blob]:
    commit = commit_at(call, call.arg("ref"))
    blob = objects.entry_at(commit.tree, path)
    if not isinstance(blob, pygit2.Blob):
        raise not_found("File")
    return commit, blob


def _facts(call: Call, path: str, commit: pygit2.Commit, blob: pygit2.Blob) -> dict[str, Any]:
    last = next(objects.history(call.repository.git, str(commit.id), path), commit)
    return {
        "file_name": path.rpartition("/")[2],
        "file_path": path,
        "size": blob.size,
        "encoding": "base64",
        "content_sha256": hashlib.sha256(blob.data).hexdigest(),
        "ref": call.arg("ref") or "HEAD",
        "blob_id": str(blob.id),
        "commit_id": str(commit.id),
        "last_commit_id": str(last.id),
        "execute_filemode": blob.filemode == 0o100755,
    }


def _headers(facts: dict[str, Any]) -> dict[str, str]:
    """Say the same in headers, where only what is in ASCII can stand as it is."""

    def word(value: Any) -> str:
        if isinstance(value, bool):
            return str(value).lower()
        return quote(str(value), safe="/ ") if not str(value).isascii() else str(value)

    names = {name: "-".join(part.title() for part in name.split("_")) for name in facts}
    return {f"X-Gitlab-{names[name]}": word(value) for name, value in facts.items()}


def get_file(call: Call, path: str) -> Response:
    if "ref" not in call.request.args:
        call.need("ref")
    commit, blob = _file(call, path)
    facts = _facts(call, path, commit, blob)
    call.headers |= _headers(facts)
    return call.answer({**facts, "content": base64.b64encode(blob.data).decode()})


def get_raw_file(call: Call, path: str) -> Response:
    commit, blob = _file(call, path)
    large = call.simulator.large_file(call.repository, blob.data) if call.flag("lfs") else None
    if large is not None:
        return Response(large, content_type="application/octet-stream")
    headers = _headers(_facts(call, path, commit, blob))
    name = quote(path.rpartition("/")[2])
    headers["Content-Disposition"] = f"inline; filename=\"{name}\"; filename*=UTF-8''{name}"
    return _raw(call, blob, headers)


def _raw(call: Call, blob: pygit2.Blob, headers: dict[str, str]) -> Response:
    kind = "application/octet-stream" if blob.is_binary else "text/plain; charset=utf-8"
    headers = {**call.headers, **headers, "Cache-Control": UNCACHED}
    return Response(blob.data, 200, headers, content_type=kind)


# -- blobs --------------------------------------------------------------------------------------------


def _blob(call: Call, sha: str) -> pygit2.Blob:
    found = objects.resolve(call.repository.git, sha) if len(sha) == 40 else None
    if not isinstance(found, pygit2.Blob):
        raise not_found("Blob")
    return found


def get_blob(call: Call, sha: str) -> Response:
    blob = _blob(call, sha)
    content = base64.b64encode(blob.data).decode()
    return call.answer({"size": blob.size, "encoding": "base64", "content": content, "sha": sha})


def get_raw_blob(call: Call, sha: str) -> Response:
    return _raw(call, _blob(call, sha), {})


ROUTES = (
    Route("GET", f"{REPOSITORY}/tree", get_tree),
    Route("GET", FILE, get_file),
    Route("GET", f"{FILE}/raw", get_raw_file),
    Route("GET", f"{REPOSITORY}/blobs/<sha>", get_blob),
    Route("GET", f"{REPOSITORY}/blobs/<sha>/raw", get_raw_blob),
)
