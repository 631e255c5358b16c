"""The suite for all backends, against a Gitea on a socket, with every way to read many files."""

from __future__ import annotations

from typing import ClassVar

import pytest

pytest.importorskip("simulators.gitea", reason="the simulators are not beside these tests")

from copydesk import Repository
from copydesk.testing import BackendSuite

pytestmark = pytest.mark.long  # a quarter of a minute: for who changes this backend, or the core


class TestGitea(BackendSuite):
    unsupported = frozenset({"rebase_pull_request", "repair"})
    secret = "full-token"
    batches: ClassVar[tuple[str, ...]] = ("file-contents",)

    @pytest.fixture
    def repository(self, open_seeded) -> Repository:
        repository = open_seeded()
        repository.simulator.batches = self.batches
        return repository
