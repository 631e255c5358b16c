from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import pytest
from copydesk import Repository, open_repository

TOKEN = "full-token"
REPO = "owner/site"


@pytest.fixture
def start(forge) -> Iterator[Callable]:
    """Start a Gitea over the forge."""
    from simulators.gitea import GiteaSimulator

    with contextlib.ExitStack() as stack:
        yield lambda: stack.enter_context(GiteaSimulator(forge))


@pytest.fixture
def open_site(start, settings) -> Callable[..., Repository]:
    """Open the site on a Gitea of its own; the simulator is its `simulator`."""

    def opener(*, token: object = TOKEN, **options: object) -> Repository:
        simulator = start()
        given = {"repo": REPO, "api_root": simulator.url + simulator.root, **options}
        repository = open_repository("gitea", credential=token, http=settings, **given)
        repository.simulator = simulator
        return repository

    return opener
