"""A GitLab, and a network, that misbehave, by GraphQL and by REST alone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import ClassVar

import pytest

pytest.importorskip("simulators.gitlab", reason="the simulators are not beside these tests")

from copydesk import open_repository
from copydesk.testing import SEED, HttpBackendSuite

pytestmark = pytest.mark.long  # a minute: for who changes a backend, or the client in the core


class TestGraphQL(HttpBackendSuite):
    unsupported = frozenset({"update_from_base", "repair"})
    secret = "full-token"
    many = 21
    labels = ("netlify-cms/draft", "a label with = and ü")  # no label of GitLab has a comma
    options: ClassVar[dict[str, object]] = {}

    @pytest.fixture
    def server(self, tmp_path) -> Iterator:
        from simulators.gitlab import GitLabSimulator
        from simulators.store import Forge

        forge = Forge(tmp_path / "forge")
        forge.now = lambda: datetime.now(UTC)
        forge.add_token(self.secret, forge.add_user("owner", "Site Owner", "owner@example.org"))
        files = {file.path: file.content for file in SEED}
        forge.add_repository("group/site", files, modes={file.path: int(file.mode, 8) for file in SEED})
        with GitLabSimulator(forge) as server:
            server.rebase_looks = 0
            yield server
        forge.close()

    @pytest.fixture
    def connect(self, server):
        given = {"repo": "group/site", "api_root": server.url + server.root, **self.options}
        return lambda http: open_repository("gitlab", credential=self.secret, http=http, **given)


class TestRest(TestGraphQL):
    options: ClassVar[dict[str, object]] = {"use_graphql": False}
