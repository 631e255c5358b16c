"""PyGithub, as somebody would write it who keeps the objects that its calls give."""

from __future__ import annotations

import base64
from collections.abc import Mapping

import attrs
from github import Auth, Github, InputGitTreeElement
from github.GitCommit import GitCommit
from github.GitRef import GitRef
from github.PullRequest import PullRequest
from github.Repository import Repository

from benchmarks.requests.editors import Editor
from benchmarks.requests.sites import PREFIX, TOKEN, Status

__all__ = ["PyGithub"]


@attrs.define
class _Draft:
    ref: GitRef
    commit: GitCommit
    pull: PullRequest
    label: str = f"{PREFIX}draft"


class PyGithub(Editor):
    """Knows base and drafts as its last calls gave them; without *waits* it does not slow itself down."""

    def __init__(self, url: str, repo: str, *, waits: bool = True) -> None:
        auth = Auth.Token(TOKEN)
        self._github = (
            Github(base_url=url, auth=auth)
            if waits
            else Github(base_url=url, auth=auth, seconds_between_requests=0, seconds_between_writes=0)
        )
        self._repository: Repository = self._github.get_repo(repo)
        self._base: GitCommit | None = None
        self._drafts: dict[str, _Draft] = {}
        self._contents: dict[str, bytes] = {}

    def load(self) -> Mapping[str, bytes]:
        found = {}
        for entry in self._repository.get_git_tree("main", recursive=True).tree:
            if entry.type != "blob":
                continue
            if entry.sha not in self._contents:
                self._contents[entry.sha] = base64.b64decode(self._repository.get_git_blob(entry.sha).content)
            found[entry.path] = self._contents[entry.sha]
        return found

    def drafts(self) -> Mapping[str, str]:
        found = {}
        for pull in self._repository.get_pulls(state="open", base="main"):
            if not list(pull.get_files()):
                continue
            status = next(label.name for label in pull.labels if label.name.startswith(PREFIX))
            found[pull.head.ref.removeprefix("cms/posts/")] = status.removeprefix(PREFIX)
        return found

    def look(self) -> None:
        self._base = self._repository.get_git_commit(self._repository.get_branch("main").commit.sha)

    def _commit(self, parent: GitCommit, files: Mapping[str, bytes], message: str) -> GitCommit:
        elements = []
        for path, content in files.items():
            blob = self._repository.create_git_blob(base64.b64encode(content).decode(), "base64")
            elements.append(InputGitTreeElement(path, "100644", "blob", sha=blob.sha))
        tree = self._repository.create_git_tree(elements, parent.tree)
        return self._repository.create_git_commit(message, tree, [parent])

    def create(self, slug: str, files: Mapping[str, bytes]) -> None:
        if self._base is None:
            raise AssertionError("look first")
        message, branch = f"Create {slug}", f"cms/posts/{slug}"
        commit = self._commit(self._base, files, message)
        ref = self._repository.create_git_ref(f"refs/heads/{branch}", commit.sha)
        pull = self._repository.create_pull(base="main", head=branch, title=message, body="")
        self._drafts[slug] = draft = _Draft(ref, commit, pull)
        pull.add_to_labels(draft.label)

    def update(self, slug: str, files: Mapping[str, bytes]) -> None:
        draft = self._drafts[slug]
        draft.commit = self._commit(draft.commit, files, f"Update {slug}")
        draft.ref.edit(draft.commit.sha)

    def set_status(self, slug: str, status: Status) -> None:
        draft = self._drafts[slug]
        draft.pull.add_to_labels(f"{PREFIX}{status}")
        draft.pull.remove_from_labels(draft.label)
        draft.label = f"{PREFIX}{status}"

    def publish(self, slug: str) -> None:
        draft = self._drafts.pop(slug)
        draft.pull.merge()
        draft.ref.delete()

    def discard(self, slug: str) -> None:
        draft = self._drafts.pop(slug)
        draft.pull.edit(state="closed")
        draft.ref.delete()

    def close(self) -> None:
        self._github.close()
