"""The suite for all backends, through a gateway on a socket to each forge that it lets be used."""

from __future__ import annotations

import pytest

pytest.importorskip("simulators.git_gateway", reason="the simulators are not beside these tests")

from copydesk import Repository
from copydesk.testing import BackendSuite


class TestGitHub(BackendSuite):
    unsupported = frozenset({"rebase_pull_request", "repair"})
    secret = "upstream-token"

    @pytest.fixture
    def repository(self, behind, settings) -> Repository:
        return behind("github").open(settings)


class TestGitLab(BackendSuite):
    unsupported = frozenset({"update_from_base", "repair"})
    secret = "upstream-token"

    @pytest.fixture
    def repository(self, behind, settings) -> Repository:
        return behind("gitlab").open(settings)
