"""The suite for all backends, against a GitLab on a socket, by GraphQL and by REST alone."""

from __future__ import annotations

import pytest

pytest.importorskip("simulators.gitlab", reason="the simulators are not beside these tests")

from copydesk import Repository
from copydesk.testing import BackendSuite

pytestmark = pytest.mark.long  # a quarter of a minute: for who changes this backend, or the core


class TestGraphQL(BackendSuite):
    unsupported = frozenset({"update_from_base", "repair"})
    secret = "full-token"

    @pytest.fixture
    def repository(self, open_seeded) -> Repository:
        return open_seeded()


class TestRest(TestGraphQL):
    @pytest.fixture
    def repository(self, open_seeded) -> Repository:
        return open_seeded(use_graphql=False)
