"""copydesk, through its public doors."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping

from copydesk import Entry, NotFoundError, Workflow, open_repository
from copydesk.models import File

from benchmarks.requests.sites import CONFIG, TOKEN, Status

__all__ = ["Copydesk"]


class Copydesk:
    """Keeps the entries that its calls give, as somebody who has them open."""

    def __init__(self, url: str, repo: str, *, graphql: bool = True) -> None:
        self._repository = open_repository(
            "github", credential=TOKEN, repo=repo, branch="main", api_root=url, use_graphql=graphql
        )
        self._workflow = Workflow(self._repository, CONFIG)
        self._entries: dict[str, Entry] = {}
        self._files: dict[str | None, File] = {}

    def load(self) -> Mapping[str, bytes]:
        head = self._repository.get_branch("main").commit_sha
        listed = self._repository.list_files(head)
        missing = [entry for entry in listed if entry.version.blob_sha not in self._files]
        if missing:
            read = self._repository.read_files(head, missing)
            self._files |= {file.version.blob_sha: file for file in read}
        return {entry.path: self._files[entry.version.blob_sha].content for entry in listed}

    def drafts(self) -> Mapping[str, str]:
        return {entry.slug: str(entry.status) for entry in self._workflow.entries()}

    def look(self) -> None:
        self._repository.list_files(self._repository.get_branch("main").commit_sha)
        for slug in ("new", "photo"):
            with contextlib.suppress(NotFoundError):
                self._workflow.get("posts", slug)

    def create(self, slug: str, files: Mapping[str, bytes]) -> None:
        self._entries[slug] = self._workflow.save("posts", slug, files)

    def update(self, slug: str, files: Mapping[str, bytes]) -> None:
        opened = self._entries[slug].versions
        self._entries[slug] = self._workflow.save("posts", slug, files, based_on=opened)

    def set_status(self, slug: str, status: Status) -> None:
        self._workflow.set_status("posts", slug, status)

    def publish(self, slug: str) -> None:
        self._workflow.publish("posts", slug)

    def discard(self, slug: str) -> None:
        self._workflow.discard("posts", slug)

    def close(self) -> None:
        self._repository.close()
