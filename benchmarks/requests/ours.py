"""copydesk, through its public doors."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping

from copydesk import Entry, NotFoundError, Workflow, open_repository
from copydesk.errors import RateLimitedError
from copydesk.http import Gates, HttpSettings
from copydesk.models import File

from benchmarks.requests.editors import Editor
from benchmarks.requests.sites import POSTS, TOKEN, Status, config_of

__all__ = ["Copydesk"]


class Copydesk(Editor):
    """Keeps the entries that its calls give, as somebody who has them open and has asked nothing in this hour.

    :param backend: the name of the forge's backend, which takes *options*.
    """

    def __init__(self, backend: str, url: str, repo: str, **options: object) -> None:
        self._begin(backend, TOKEN, repo=repo, api_root=url, **options)

    def _begin(self, backend: str, credential: str, **options: object) -> None:
        # Else all that are opened here would share one hour of a forge whose answers do not count it.
        settings = HttpSettings(gates=Gates())
        given = {"name": backend, "branch": "main", **options}
        self._repository = open_repository(given, credential=credential, http=settings)
        self._workflow = Workflow(self._repository, config_of(backend))
        self._entries: dict[str, Entry] = {}
        self._head = ""
        self._files: tuple[File, ...] = ()

    def load(self) -> Mapping[str, bytes] | None:
        head = self._repository.get_branch("main").commit_sha
        if head != self._head:
            try:
                self._files = self._repository.read_folder(head, POSTS)
            except RateLimitedError as exc:
                if exc.answer is not None:  # the forge said it, too late
                    raise
                return None
            self._head = head
        return {file.path: file.content for file in self._files}

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
