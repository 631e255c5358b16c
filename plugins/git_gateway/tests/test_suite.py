"""The suite for all backends, through a gateway on a socket to each forge that it lets be used."""

from __future__ import annotations

import pytest

pytest.importorskip("simulators.git_gateway", reason="the simulators are not beside these tests")

from copydesk import Repository
from copydesk.testing import BackendSuite

pytestmark = pytest.mark.long  # every day the forge itself is held against it


class TestGitHub(BackendSuite):
    unsupported = frozenset({"rebase_pull_request", "repair"})
    secret = "upstream-token"
    large_files = False  # the gateway has none; a site has large media beside it, see tests/test_lfs.py

    @pytest.fixture
    def repository(self, behind, settings) -> Repository:
        return behind("github").open(settings)


class TestGitLab(BackendSuite):
    unsupported = frozenset({"update_from_base", "repair"})
    secret = "upstream-token"
    large_files = False  # the gateway has none; a site has large media beside it, see tests/test_lfs.py

    @pytest.fixture
    def repository(self, behind, settings) -> Repository:
        return behind("gitlab").open(settings)
