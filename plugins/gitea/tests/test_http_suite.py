"""A Gitea, and a network, that misbehave, with the ways of Gitea and of Forgejo to read many files."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import ClassVar

import pytest

pytest.importorskip("simulators.gitea", reason="the simulators are not beside these tests")

from copydesk import open_repository
from copydesk.testing import SEED, HttpBackendSuite

pytestmark = pytest.mark.long  # a minute: for who changes a backend, or the client in the core


class TestGitea(HttpBackendSuite):
    unsupported = frozenset({"rebase_pull_request", "repair"})
    secret = "full-token"
    many = 21
    labels = ("netlify-cms/draft", "a label with = and ü")
    batches: ClassVar[tuple[str, ...]] = ("file-contents",)

    @pytest.fixture
    def server(self, tmp_path) -> Iterator:
        from simulators.gitea import GiteaSimulator
        from simulators.store import Forge

        forge = Forge(tmp_path / "forge")
        forge.now = lambda: datetime.now(UTC)
        forge.add_token(self.secret, forge.add_user("owner", "Site Owner", "owner@example.org"))
        files = {file.path: file.content for file in SEED}
        forge.add_repository("owner/site", files, modes={file.path: int(file.mode, 8) for file in SEED})
        with GiteaSimulator(forge, batches=self.batches) as server:
            server.page_limit = server.commits_range = server.tree_limit = 20
            yield server
        forge.close()

    @pytest.fixture
    def connect(self, server):
        given = {"repo": "owner/site", "api_root": server.url + server.root}
        return lambda http: open_repository("gitea", credential=self.secret, http=http, **given)


class TestForgejo(TestGitea):
    batches = ("blobs",)
