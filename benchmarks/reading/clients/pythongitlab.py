"""python-gitlab: the tree by pages of 100, then one request per file."""

from __future__ import annotations

from typing import Any, Final

from gitlab import Gitlab
from gitlab.v4.objects import Project

from benchmarks.reading.clients.protocol import Given, Go, serve

PREFIX: Final = "netlify-cms/"
#: Every page of a list, in the largest that GitLab gives.
_ALL: Final[dict[str, Any]] = {"get_all": True, "per_page": 100}


def _project(given: Given) -> Project:
    return Gitlab(given.url.removesuffix("/api/v4"), oauth_token=given.token).projects.get(given.repo)


def load(given: Given) -> Go:
    def go() -> dict[str, bytes]:
        project = _project(given)
        found: dict[str, bytes] = {}
        for entry in project.repository_tree(ref="main", recursive=True, **_ALL):
            if entry["type"] == "blob":
                content: Any = project.repository_raw_blob(entry["id"])
                found[entry["path"]] = bytes(content)
        return found

    return go


def drafts(given: Given) -> Go:
    """List the merge requests, the changes of each, and read them."""

    def go() -> dict[str, bytes]:
        project = _project(given)
        found: dict[str, bytes] = {}
        for draft in project.mergerequests.list(state="opened", target_branch="main", **_ALL):
            if not any(label.startswith(PREFIX) for label in draft.labels):
                continue
            changed: Any = draft.changes()  # a response only if asked for as one
            for change in changed["changes"]:
                path = change["new_path"]
                content: Any = project.files.raw(path, ref=draft.sha)
                found[path] = bytes(content)
        return found

    return go


if __name__ == "__main__":
    serve({"load": load, "drafts": drafts})
