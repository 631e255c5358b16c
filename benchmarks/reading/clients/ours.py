"""copydesk, through its public doors, in a process that has imported it."""

from __future__ import annotations

import sqlite3  # noqa: F401 - a cache is opened, and imports are not what is measured
import tarfile  # noqa: F401 - an archive is read
from collections.abc import Iterator

import copydesk.http
import copydesk.workflow  # noqa: F401 - as above
from copydesk import Repository, Workflow, open_repository
from copydesk.models import File
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
            return {file.path: file.content for file in _read_all(repository)}

    return go


def stream(given: Given) -> Go:
    """Read every entry and keep none."""
    load_backend(given.options["backend"])

    def go() -> int:
        with _open(given) as repository:
            return sum(1 for _ in _read_all(repository))

    return go


def drafts(given: Given) -> Go:
    """List the drafts with their texts."""
    load_backend(given.options["backend"])
    config = config_of(given.options["backend"])

    def go() -> dict[str, bytes]:
        with _open(given) as repository:
            return {file.path: file.content for file in _drafts(repository, Workflow(repository, config))}

    return go


# To be removed: what there is until the facade reads by itself.
def _read_all(repository: Repository) -> Iterator[File]:
    if hasattr(repository, "read_all"):
        yield from repository.read_all(folder=POSTS)
        return
    head = repository.get_branch("main").commit_sha
    yield from repository.read_files(head, repository.list_files(head, POSTS))


def _drafts(repository: Repository, workflow: Workflow) -> Iterator[File]:
    if hasattr(workflow, "load_drafts"):
        for _, files in workflow.load_drafts():
            yield from files
        return
    for entry in workflow.entries():
        for path in entry.changed_paths:
            yield repository.read_file(entry.commit_sha, path)


if __name__ == "__main__":
    serve({"load": load, "stream": stream, "drafts": drafts})
