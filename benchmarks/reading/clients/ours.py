"""copydesk, through its public doors, in a process that has imported it."""

from __future__ import annotations

import sqlite3  # noqa: F401 - a cache is opened, and imports are not what is measured
import tarfile  # noqa: F401 - an archive is read
import copydesk.http
import copydesk.workflow  # noqa: F401 - as above
from copydesk import Repository, Workflow, open_repository
from copydesk.registry import load_backend

from benchmarks.reading.clients.protocol import Given, Go, serve
from benchmarks.requests.sites import POSTS, config_of


def _open(given: Given) -> Repository:
    named = {"name": given.options["backend"], "repo": given.repo, "branch": "main", "api_root": given.url}
    return open_repository(named, credential=given.token)


def load(given: Given) -> Go:
    """Read every entry and keep all."""
    load_backend(given.options["backend"])  # imports it

    def go() -> dict[str, bytes]:
        with _open(given) as repository:
            return {file.path: file.content for file in repository.read_all(POSTS)}

    return go


def stream(given: Given) -> Go:
    """Read every entry and keep none."""
    load_backend(given.options["backend"])

    def go() -> int:
        with _open(given) as repository:
            return sum(1 for _ in repository.read_all(POSTS))

    return go


def drafts(given: Given) -> Go:
    """List the drafts with their texts."""
    load_backend(given.options["backend"])
    config = config_of(given.options["backend"])

    def go() -> dict[str, bytes]:
        with _open(given) as repository:
            loaded = Workflow(repository, config).load_drafts()
            return {file.path: file.content for _, files in loaded for file in files}

    return go


if __name__ == "__main__":
    serve({"load": load, "stream": stream, "drafts": drafts})
