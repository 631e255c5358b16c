"""A GitHub, and a network, that misbehave, in three settings."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import ClassVar

import pytest

pytest.importorskip("simulators.github", reason="the simulators are not beside these tests")

from copydesk import open_repository
from copydesk.testing import SEED, HttpBackendSuite

pytestmark = pytest.mark.long  # a minute: for who changes a backend, or the client in the core


class TestGraphQL(HttpBackendSuite):
    unsupported = frozenset({"rebase_pull_request", "repair"})
    secret = "full-token"
    many = 31  # a page holds 30 branches
    enterprise = False
    options: ClassVar[dict[str, object]] = {}

    @pytest.fixture
    def server(self, tmp_path) -> Iterator:
        from simulators.github import GitHubSimulator
        from simulators.store import Forge

        forge = Forge(tmp_path / "forge")
        forge.now = lambda: datetime.now(UTC)
        forge.add_token(self.secret, forge.add_user("owner", "Site Owner", "owner@example.org"))
        files = {file.path: file.content for file in SEED}
        forge.add_repository("owner/site", files, modes={file.path: int(file.mode, 8) for file in SEED})
        with GitHubSimulator(forge, enterprise=self.enterprise) as server:
            yield server
        forge.close()

    @pytest.fixture
    def connect(self, server):
        options: ClassVar[dict[str, object]] = {
            "repo": "owner/site",
            "api_root": server.url + server.root,
            **self.options,
        }
        return lambda http: open_repository("github", credential=self.secret, http=http, **options)


class TestRest(TestGraphQL):
    many = 101  # and 100 pull requests
    options: ClassVar[dict[str, object]] = {"use_graphql": False}


class TestEnterprise(TestGraphQL):
    enterprise = True
