"""A site whose steps are counted in requests, from an open repository that knows its base and the entry."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from copydesk import NotFoundError, Repository, Workflow
from copydesk.config import parse_config
from copydesk.testing import ServerSimulator

__all__ = ["FILES", "PNG", "Site", "propose_many"]

_CONFIG = b"""\
backend: {name: %(backend)s, repo: owner/site}
publish_mode: editorial_workflow
media_folder: static/img
collections:
  - {name: posts, label: Post, folder: content/posts}
"""
FILES = {
    "admin/config.yml": b"# read by nobody\n",
    "content/posts/hello.md": b"one\ntwo\nthree\n",
    "static/img/logo.png": b"\x89PNG\0",
}
PNG = b"\x89PNG\0\xff"


class Site:
    """A workflow on a simulator that counts."""

    def __init__(self, repository: Repository, simulator: ServerSimulator) -> None:
        self.repository = repository
        self.simulator = simulator
        config = _CONFIG % {b"backend": repository.backend.encode()}
        self.workflow = Workflow(repository, parse_config(config, "admin/config.yml"))

    @contextlib.contextmanager
    def costs(self, requests: int) -> Iterator[None]:
        log = self.simulator.log
        before = len(log)
        yield
        asked = [f"{each.method} {each.path} {each.request_body[:300]!r}" for each in log[before:]]
        assert len(asked) == requests, "\n".join(asked)

    def look(self, slug: str = "hello") -> None:
        """Get to know the base, its tree and the entry, as an editor who opens it does."""
        self.repository.list_files(self.repository.get_branch("main").commit_sha)
        with contextlib.suppress(NotFoundError):
            self.workflow.get("posts", slug)


def propose_many(store: object, count: int) -> None:
    """Give a repository of the store so many drafts."""
    for number in range(count):
        branch = f"cms/posts/p{number}"
        store.commit_files(branch, {f"content/posts/p{number}.md": b"x\n"}, "x", start="main")
        store.open_pull("x", branch, "main", labels=["netlify-cms/draft"])
