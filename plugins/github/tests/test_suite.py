"""The suite for all backends, against a GitHub on a socket, in three settings."""

from __future__ import annotations

import pytest

pytest.importorskip("simulators.github", reason="the simulators are not beside these tests")

from copydesk import Repository
from copydesk.testing import BackendSuite


class TestGraphQL(BackendSuite):
    unsupported = frozenset({"rebase_pull_request", "repair"})
    secret = "full-token"

    @pytest.fixture
    def repository(self, open_seeded) -> Repository:
        return open_seeded()


@pytest.mark.long  # every day GraphQL hands it what it cannot do
class TestRest(TestGraphQL):
    @pytest.fixture
    def repository(self, open_seeded) -> Repository:
        return open_seeded(use_graphql=False)


@pytest.mark.long  # everything is the same but the addresses
class TestEnterprise(TestGraphQL):
    @pytest.fixture
    def repository(self, open_seeded) -> Repository:
        return open_seeded(enterprise=True)
