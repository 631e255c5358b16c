from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import pytest
from copydesk import Repository, open_repository

TOKEN = "full-token"
REPO = "group/sub/site"


@pytest.fixture
def start(forge) -> Iterator[Callable]:
    """Start a GitLab over the forge."""
    from simulators.gitlab import GitLabSimulator

    with contextlib.ExitStack() as stack:
        yield lambda: stack.enter_context(GitLabSimulator(forge))


@pytest.fixture
def open_site(start, settings) -> Callable[..., Repository]:
    """Open the site on a GitLab of its own; the simulator is its `simulator`."""

    def opener(*, token: object = TOKEN, **options: object) -> Repository:
        simulator = start()
        given = {"repo": REPO, "api_root": simulator.url + simulator.root, **options}
        repository = open_repository("gitlab", credential=token, http=settings, **given)
        repository.simulator = simulator
        return repository

    return opener


@pytest.fixture
def site_name() -> str:
    return REPO
