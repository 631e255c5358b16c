"""copydesk, through its public doors, in a process that has imported it."""

from __future__ import annotations

import importlib
import pkgutil

from copydesk import Repository, Workflow, open_repository

from benchmarks.reading.clients.protocol import Given, Go, serve
from benchmarks.requests.sites import POSTS, config_of


def _import_all(backend: str) -> None:
    """Import what a load may need: it is done at the first use, and imports are not what is measured."""
    for name in ("copydesk", "copydesk.git", "copydesk.http", f"copydesk_{backend}"):
        package = importlib.import_module(name)
        for module in pkgutil.iter_modules(package.__path__, f"{name}."):
            if not module.ispkg and not module.name.endswith("__"):
                importlib.import_module(module.name)
    for name in ("dulwich.pack", "sqlite3", "tarfile"):
        importlib.import_module(name)


def _open(given: Given) -> Repository:
    named = {"name": given.options["backend"], "repo": given.repo, "branch": "main", "api_root": given.url}
    return open_repository(named, credential=given.token)


def load(given: Given) -> Go:
    """Read every entry and keep all."""
    _import_all(given.options["backend"])

    def go() -> dict[str, bytes]:
        with _open(given) as repository:
            return {file.path: file.content for file in repository.read_all(POSTS)}

    return go


def stream(given: Given) -> Go:
    """Read every entry and keep none."""
    _import_all(given.options["backend"])

    def go() -> int:
        with _open(given) as repository:
            return sum(1 for _ in repository.read_all(POSTS))

    return go


def drafts(given: Given) -> Go:
    """List the drafts with their texts."""
    _import_all(given.options["backend"])
    config = config_of(given.options["backend"])

    def go() -> dict[str, bytes]:
        with _open(given) as repository:
            loaded = Workflow(repository, config).load_drafts()
            return {file.path: file.content for _, files in loaded for file in files}

    return go


if __name__ == "__main__":
    serve({"load": load, "stream": stream, "drafts": drafts})
