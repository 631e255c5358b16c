"""A gateway, the forge behind it, and a network, that misbehave."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

pytest.importorskip("simulators.git_gateway", reason="the simulators are not beside these tests")

from copydesk import open_repository
from copydesk.testing import HttpBackendSuite
from means.gateways import BehindGateway, token_of_ann

pytestmark = pytest.mark.long  # minutes: for who changes a backend, or the client in the core


class TestGitHub(HttpBackendSuite):
    unsupported = frozenset({"rebase_pull_request", "repair"})
    free = frozenset({"get_repository"})
    secret = token_of_ann()  # one from elsewhere, which nobody can refresh
    many = 101  # a page holds 100 pull requests
    forge = "github"

    @pytest.fixture
    def site(self, tmp_path) -> Iterator[BehindGateway]:
        with BehindGateway(tmp_path / "forge", self.forge) as site:
            yield site

    @pytest.fixture
    def server(self, site):
        site.upstream.rebase_looks = 0
        return site.gateway

    @pytest.fixture
    def connect(self, site):
        return lambda http: open_repository("git-gateway", credential=self.secret, http=http, **site.options)


class TestGitLab(TestGitHub):
    unsupported = frozenset({"update_from_base", "repair"})
    many = 21
    labels = ("netlify-cms/draft", "a label with = and ü")  # no label of GitLab has a comma
    forge = "gitlab"
