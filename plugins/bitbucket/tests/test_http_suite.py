"""A Bitbucket, and a network, that misbehave."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

pytest.importorskip("simulators.bitbucket", reason="the simulators are not beside these tests")

from copydesk import open_repository
from copydesk.testing import SEED, HttpBackendSuite

pytestmark = pytest.mark.long  # half a minute: for who changes a backend, or the client in the core


class TestBitbucket(HttpBackendSuite):
    unsupported = frozenset({"update_from_base", "rebase_pull_request", "repair"})
    secret = "full-token"
    many = 11
    labels = ("netlify-cms/draft", "netlify-cms/pending_review")
    one_label = True

    @pytest.fixture
    def server(self, tmp_path) -> Iterator:
        from simulators.bitbucket import BitbucketSimulator
        from simulators.store import Forge

        forge = Forge(tmp_path / "forge")
        forge.now = lambda: datetime.now(UTC)
        forge.add_token(self.secret, forge.add_user("owner", "Site Owner", "owner@example.org"))
        files = {file.path: file.content for file in SEED}
        forge.add_repository("owner/site", files, modes={file.path: int(file.mode, 8) for file in SEED})
        with BitbucketSimulator(forge) as server:
            server.quota_left = 10**6
            yield server
        forge.close()

    @pytest.fixture
    def connect(self, server):
        given = {"repo": "owner/site", "api_root": server.url + server.root}
        return lambda http: open_repository("bitbucket", credential=self.secret, http=http, **given)
