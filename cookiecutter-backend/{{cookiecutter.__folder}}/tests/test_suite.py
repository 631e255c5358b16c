"""What copydesk asks of every backend, and of a network and a service that misbehave."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from copydesk import Repository, open_repository
from copydesk.http import HttpSettings
from copydesk.testing import SEED, BackendSuite, HttpBackendSuite

from simulator import Simulator

SECRET = "this-is-the-secret"
#: What is still to be written, and what the service does not have. The README says how it gets shorter.
UNSUPPORTED = frozenset(
    {
        "set_labels",
        "close_pull_request",
        "merge_pull_request",
        "update_from_base",
        "rebase_pull_request",
        "list_checks",
        "repair",
    }
)


def opened(server: Simulator, http: HttpSettings | None = None) -> Repository:
    return open_repository(
        "{{ cookiecutter.name }}",
        repo=server.repo,
        api_root=server.api_root,
        credential=SECRET,
        http=http,
    )


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator(SEED, SECRET) as simulator:
        yield simulator


class TestPromises(BackendSuite):
    unsupported = UNSUPPORTED
    secret = SECRET
    large_files = False

    @pytest.fixture
    def repository(self, simulator: Simulator) -> Repository:
        simulator.begin(SEED)
        return opened(simulator)


class TestMisbehaving(HttpBackendSuite):
    unsupported = UNSUPPORTED
    secret = SECRET

    @pytest.fixture
    def server(self, simulator: Simulator) -> Simulator:
        simulator.begin(SEED)
        return simulator

    @pytest.fixture
    def connect(self, server: Simulator) -> Callable[[HttpSettings], Repository]:
        return lambda http: opened(server, http)
