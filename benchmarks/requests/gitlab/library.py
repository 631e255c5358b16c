"""python-gitlab, as somebody would write it who keeps the objects that its calls give."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, Final

from gitlab import Gitlab
from gitlab.v4.objects import ProjectMergeRequest

from benchmarks.requests.editors import Editor
from benchmarks.requests.sites import PREFIX, TOKEN, Status

__all__ = ["PythonGitlab"]

#: Every page of a list, in the largest that GitLab gives.
_ALL: Final[dict[str, Any]] = {"get_all": True, "per_page": 100}


class PythonGitlab(Editor):
    """Knows the drafts as its last calls gave them."""

    def __init__(self, url: str, repo: str) -> None:
        self._gitlab = Gitlab(url.removesuffix("/api/v4"), oauth_token=TOKEN)
        self._project = self._gitlab.projects.get(repo)
        self._drafts: dict[str, ProjectMergeRequest] = {}
        self._contents: dict[str, Any] = {}

    def load(self) -> Mapping[str, bytes]:
        found = {}
        for entry in self._project.repository_tree(ref="main", recursive=True, **_ALL):
            if entry["type"] != "blob":
                continue
            if entry["id"] not in self._contents:
                self._contents[entry["id"]] = self._project.repository_raw_blob(entry["id"])
            found[entry["path"]] = self._contents[entry["id"]]
        return found

    def drafts(self) -> Mapping[str, str]:
        found = {}
        for draft in self._project.mergerequests.list(state="opened", target_branch="main", **_ALL):
            changed: Any = draft.changes()  # a response only if asked for as one
            if not changed["changes"]:
                continue
            status = next(label for label in draft.labels if label.startswith(PREFIX))
            found[draft.source_branch.removeprefix("cms/posts/")] = status.removeprefix(PREFIX)
        return found

    def look(self) -> None:
        """A commit names the branch that it goes to, so there is nothing to get to know."""

    def _commit(self, slug: str, action: str, files: Mapping[str, bytes], **more: str) -> None:
        actions = [
            {
                "action": action,
                "file_path": path,
                "content": base64.b64encode(content).decode(),
                "encoding": "base64",
            }
            for path, content in files.items()
        ]
        message = f"{action.capitalize()} {slug}"
        data = {"branch": f"cms/posts/{slug}", "commit_message": message, "actions": actions, **more}
        self._project.commits.create(data)

    def create(self, slug: str, files: Mapping[str, bytes]) -> None:
        self._commit(slug, "create", files, start_branch="main")
        data = {
            "source_branch": f"cms/posts/{slug}",
            "target_branch": "main",
            "title": f"Create {slug}",
            "labels": [f"{PREFIX}draft"],
        }
        self._drafts[slug] = self._project.mergerequests.create(data)

    def update(self, slug: str, files: Mapping[str, bytes]) -> None:
        self._commit(slug, "update", files)

    def set_status(self, slug: str, status: Status) -> None:
        draft = self._drafts[slug]
        draft.labels = [f"{PREFIX}{status}"]
        draft.save()

    def publish(self, slug: str) -> None:
        self._drafts.pop(slug).merge(should_remove_source_branch=True)

    def discard(self, slug: str) -> None:
        draft = self._drafts.pop(slug)
        draft.state_event = "close"
        draft.save()
        self._project.branches.delete(draft.source_branch)

    def close(self) -> None:
        self._gitlab.session.close()
