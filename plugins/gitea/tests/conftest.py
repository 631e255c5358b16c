from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from copydesk import Repository, open_repository
from copydesk.http import HttpSettings
from copydesk.testing import SEED

TOKEN = "full-token"
REPO = "owner/site"


@pytest.fixture
def forge(tmp_path):
    from simulators.store import Forge

    forge = Forge(tmp_path / "forge")
    forge.now = lambda: datetime.now(UTC)
    forge.add_token(TOKEN, forge.add_user("owner", "Site Owner", "owner@example.org"))
    forge.add_token("read-token", forge.add_user("reader"), "read")
    yield forge
    forge.close()


@pytest.fixture
def start(forge) -> Iterator[Callable]:
    """Start a Gitea over the forge."""
    from simulators.gitea import GiteaSimulator

    with contextlib.ExitStack() as stack:
        yield lambda: stack.enter_context(GiteaSimulator(forge))


@pytest.fixture
def settings() -> HttpSettings:
    """Requests whose waiting takes no time."""
    from copydesk.http import Gates

    return HttpSettings(sleep=lambda _: None, gates=Gates(), environ={}, timeout=(5, 10))


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


@pytest.fixture
def open_seeded(forge, open_site) -> Callable[..., Repository]:
    """Open a repository that holds exactly the seed of the suite."""
    files = {file.path: file.content for file in SEED}
    modes = {file.path: int(file.mode, 8) for file in SEED}
    forge.add_repository(REPO, files, modes=modes)
    return open_site
