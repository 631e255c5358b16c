"""What it costs to open a repository and to call it, next to pluggy and the backend alone."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path

import pluggy
from copydesk.factory import BackendFactory
from copydesk.hookspecs import BackendHooks
from copydesk.http import Connector
from copydesk.registry import InstalledBackend, load_backend
from copydesk.repository import Repository
from copydesk_local import LocalBackend, LocalOptions

from benchmarks.measure import Figure, compare, timed

__all__ = ["figures"]

_CALLS = 500


def plain_plugin() -> object:
    """Give a plugin with the hooks of the local backend, and nothing else that pluggy would look at."""
    hooks = {
        name: function
        for name, function in inspect.getmembers(LocalBackend, inspect.isfunction)
        if hasattr(function, "copydesk_impl")
    }
    return type("Plain", (), hooks)()


def open_manager(plugin: object) -> pluggy.PluginManager:
    """Do what pluggy asks of everybody."""
    manager = pluggy.PluginManager("copydesk")
    manager.add_hookspecs(BackendHooks)
    manager.register(plugin)
    manager.check_pending()
    return manager


def figures(site: Path, rounds: int) -> Iterator[Figure]:
    factory, origin = load_backend("local")
    plugin = plain_plugin()
    alone = timed(lambda: open_manager(plugin))
    options = LocalOptions(repo=str(site))
    yield compare(
        "open a local repository / pluggy alone with the same hooks",
        timed(lambda: open_one(factory, origin, options)),
        alone,
        rounds=rounds,
        limit=3,
    )
    yield compare(
        "find the entry point (`load_backend`) / pluggy alone",
        timed(lambda: load_backend("local")),
        alone,
        rounds=rounds,
    )
    with open_one(factory, origin, options) as repository:
        yield from _calls(repository, LocalBackend.open(options), rounds)


def open_one(
    factory: BackendFactory[LocalOptions], origin: InstalledBackend, options: LocalOptions
) -> Repository:
    """Open without looking for the entry point."""
    return Repository(origin, options, (factory.open(options, Connector(origin.name)),))


def _calls(repository: Repository, backend: LocalBackend, rounds: int) -> Iterator[Figure]:
    head = repository.get_branch("main").commit_sha
    path = repository.list_files(head)[0].path
    yield compare(
        "`authenticate` / its method of the backend",
        timed(repository.authenticate, calls=_CALLS),
        timed(backend.authenticate, calls=_CALLS),
        rounds=rounds,
    )
    yield compare(
        "`get_branch` / its method of the backend",
        timed(lambda: repository.get_branch("main"), calls=_CALLS),
        timed(lambda: backend.get_branch("main"), calls=_CALLS),
        rounds=rounds,
    )
    yield compare(
        "`read_file` of 4 kB / its method of the backend",
        timed(lambda: repository.read_file(head, path), calls=_CALLS),
        timed(lambda: backend.read_file(head, path), calls=_CALLS),
        rounds=rounds,
    )
