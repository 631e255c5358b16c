from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import pytest
from copydesk import Repository, open_repository

TOKEN = "full-token"


@pytest.fixture
def start(forge) -> Iterator[Callable]:
    """Start a GitHub over the forge; every exchange with it is held against GitHub's own description."""
    from simulators.github import GitHubSimulator
    from simulators.github.validate import check

    with contextlib.ExitStack() as stack:
        started = []

        def starter(*, enterprise: bool = False):
            simulator = stack.enter_context(GitHubSimulator(forge, enterprise=enterprise))
            started.append(simulator)
            return simulator

        yield starter
        for simulator in started:
            for exchange in simulator.log:
                check(exchange, simulator.root)


@pytest.fixture
def open_site(start, settings) -> Callable[..., Repository]:
    """Open `owner/site` on a GitHub of its own; the simulator is its `simulator`."""

    def opener(*, enterprise: bool = False, token: str = TOKEN, **options: object) -> Repository:
        simulator = start(enterprise=enterprise)
        root = simulator.url + simulator.root
        given = {"repo": "owner/site", "api_root": root, **options}
        repository = open_repository("github", credential=token, http=settings, **given)
        repository.simulator = simulator
        return repository

    return opener
