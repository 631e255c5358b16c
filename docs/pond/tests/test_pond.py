"""Pond, held against the suites."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from copydesk import Repository, open_repository
from copydesk.testing import BackendSuite, HttpBackendSuite, WorkflowMachine, run_machine
from pond import Pond


class TestPond(BackendSuite):
    """Everything that a backend promises."""

    unsupported = frozenset({"update_from_base", "rebase_pull_request", "list_checks", "repair"})
    secret = "s3cret"
    large_files = False

    @pytest.fixture
    def repository(self) -> Iterator[Repository]:
        with Pond(self.secret) as server:
            yield open_repository("pond", repo="o/site", api_root=server.url, credential=self.secret)


class TestPondMisbehaving(HttpBackendSuite):
    """What becomes of each request when the forge, or the network, misbehaves."""

    unsupported = TestPond.unsupported
    secret = "s3cret"

    @pytest.fixture
    def server(self) -> Iterator[Pond]:
        with Pond(self.secret) as server:
            yield server

    @pytest.fixture
    def connect(self, server):
        return lambda http: open_repository(
            "pond", repo="o/site", api_root=server.url, credential=self.secret, http=http
        )


class Machine(WorkflowMachine):
    """Two editors and a reviewer."""

    def open_repository(self, extensions):
        self.server = Pond("s3cret").start()
        return open_repository(
            "pond", repo="o/site", api_root=self.server.url, credential="s3cret", extensions=extensions
        )

    def teardown(self):
        super().teardown()
        self.server.stop()


def test_random_workflows():
    """Are what the model says."""
    run_machine(Machine, examples=20)
