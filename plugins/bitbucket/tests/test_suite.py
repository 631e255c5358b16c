"""The suite for all backends, against a Bitbucket on a socket."""

from __future__ import annotations

import pytest

pytest.importorskip("simulators.bitbucket", reason="the simulators are not beside these tests")

from copydesk import Repository
from copydesk.testing import BackendSuite

pytestmark = pytest.mark.long  # half a minute: for who changes this backend, or the core


class TestBitbucket(BackendSuite):
    unsupported = frozenset({"update_from_base", "rebase_pull_request", "repair"})
    secret = "full-token"
    labels = ("netlify-cms/draft", "netlify-cms/pending_review", "netlify-cms/pending_publish")
    one_label = True

    @pytest.fixture
    def repository(self, open_seeded) -> Repository:
        return open_seeded()
