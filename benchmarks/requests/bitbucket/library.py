"""atlassian-python-api, as somebody would write it who keeps the objects that its calls give."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from atlassian.bitbucket.cloud import Cloud
from atlassian.bitbucket.cloud.repositories import Repository
from atlassian.bitbucket.cloud.repositories.pullRequests import PullRequest

from benchmarks.requests.editors import Editor
from benchmarks.requests.sites import POSTS, PREFIX, TOKEN, Status

__all__ = ["AtlassianPythonApi"]

#: Its own say that the body is JSON, which a form is not.
_FORM: Final = {"Accept": "application/json"}


class AtlassianPythonApi(Editor):
    """Knows base and drafts as its last calls gave them; the files of a site are of a head."""

    def __init__(self, url: str, repo: str) -> None:
        self._cloud = Cloud(url.removesuffix("/2.0"), token=TOKEN)
        self._repository: Repository = self._cloud.repositories.get(*repo.split("/"))
        self._base = ""
        self._drafts: dict[str, PullRequest] = {}
        self._head = ""
        self._contents: dict[str, bytes] = {}

    def load(self) -> Mapping[str, bytes]:
        head: str = self._repository.branches.get("main").hash
        if head != self._head:
            self._contents = {path: self._read(head, path) for path in self._paths(head)}
            self._head = head
        return self._contents

    def _paths(self, head: str) -> Iterator[str]:
        query = {"max_depth": 10, "pagelen": 100}
        page: Any = self._repository.get(f"src/{head}/{POSTS}", params=query)
        while True:
            yield from (each["path"] for each in page["values"] if each["type"] == "commit_file")
            if "next" not in page:
                return
            page = self._repository.get(page["next"], absolute=True)

    def _read(self, head: str, path: str) -> bytes:
        content: Any = self._repository.get(f"src/{head}/{path}", not_json_response=True)
        return bytes(content)

    def drafts(self) -> Mapping[str, str]:
        found = {}
        for draft in self._repository.pullrequests.each(
            q='state = "OPEN" AND destination.branch.name = "main"'
        ):
            if not list(draft.diffstat()):
                continue
            said = (comment.raw for comment in draft.comments(sort="-created_on"))
            status = next(text for text in said if text.startswith(PREFIX))
            found[draft.source_branch.removeprefix("cms/posts/")] = status.removeprefix(PREFIX)
        return found

    def look(self) -> None:
        self._base = self._repository.branches.get("main").hash

    def _commit(self, slug: str, action: str, files: Mapping[str, bytes], **more: str) -> None:
        said = {"message": f"{action} {slug}", "branch": f"cms/posts/{slug}", **more}
        parts = {path: (path.rpartition("/")[2], content) for path, content in files.items()}
        # The answer has no body, which the library would read.
        answer: Any = self._repository.post("src", data=said, files=parts, headers=_FORM, advanced_mode=True)
        answer.raise_for_status()

    def create(self, slug: str, files: Mapping[str, bytes]) -> None:
        self._commit(slug, "Create", files, parents=self._base)
        title, branch = f"Create {slug}", f"cms/posts/{slug}"
        draft = self._repository.pullrequests.create(title, branch, "main", close_source_branch=True)
        draft.comment(f"{PREFIX}draft")
        self._drafts[slug] = draft

    def update(self, slug: str, files: Mapping[str, bytes]) -> None:
        self._commit(slug, "Update", files)

    def set_status(self, slug: str, status: Status) -> None:
        self._drafts[slug].comment(f"{PREFIX}{status}")

    def publish(self, slug: str) -> None:
        self._drafts.pop(slug).merge(PullRequest.MERGE_COMMIT)

    def discard(self, slug: str) -> None:
        draft = self._drafts.pop(slug)
        draft.decline()
        self._repository.branches.delete(draft.source_branch)

    def close(self) -> None:
        self._cloud.close()
