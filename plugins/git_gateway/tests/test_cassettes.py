"""The backend's own traffic through a login and one whole workflow, as it was recorded: nothing else may go out.

`pytest -n 0 --record-mode=rewrite plugins/git_gateway/tests/test_cassettes.py` records it anew.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import quote_plus

import pytest

pytest.importorskip("vcr", reason="vcrpy is not installed")
pytest.importorskip("means.cassettes", reason="what plays the cassettes is not beside these tests")

import jwt
from copydesk import Repository, open_repository
from copydesk.models import Credential
from means.cassettes import CassetteSuite, Wire, check_cassettes

if TYPE_CHECKING:
    from simulators.store import Forge

CASSETTES = Path(__file__).parent / "cassettes"
SITE = "https://www.example.org"
EDITOR = "editor@example.org"
#: What stands for the token: it tells whose it is, and no gateway takes it.
TOKEN = jwt.encode(
    {"email": EDITOR, "app_metadata": {"roles": ["editor"]}, "user_metadata": {"full_name": "An Editor"}},
    "a key that no gateway has, and long enough",
    "HS256",
)
FIXED = {"access_token": TOKEN, "refresh_token": "replayed"}


class TestGitHub(CassetteSuite):
    backend = "git-gateway"
    may_write = None
    wire = Wire(
        host=SITE,
        asked=frozenset({"accept", "content-type", "if-none-match"}),
        answered=frozenset({"content-type", "link", "location"}),
        addresses=frozenset({"html_url", "target_url", "details_url"}),
        fixed=FIXED,
    )
    cassette = CASSETTES / "github.yaml"
    forge: ClassVar[str] = "github"
    api: ClassVar[str] = "https://api.github.com"

    @pytest.fixture
    def store(self, tmp_path, files) -> Iterator[Forge]:
        from simulators.store import START, Forge

        store, seconds = Forge(tmp_path / "forge"), itertools.count()
        store.now = lambda: START + timedelta(seconds=next(seconds))
        store.add_repository("owner/site", files)
        yield store
        store.close()

    @pytest.fixture
    def open_recorded(self, request, records, told, settings) -> Iterator[Callable[[], Repository]]:
        """Log in and open the site; while a cassette is recorded, on simulators."""
        if not records:
            given = {"credential": Credential("replayed", "basic", EDITOR), "site_url": SITE}
            yield lambda: open_repository("git-gateway", http=settings, branch="main", **given)
            return
        # Replaying needs no simulator.
        from means.gateways import EMAIL, PASSWORD, GatewayBefore

        with GatewayBefore(request.getfixturevalue("store"), self.forge) as site:
            told |= {site.gateway.url: SITE, site.identity.url: SITE, site.upstream.url: self.api}
            told |= {EMAIL: EDITOR, quote_plus(EMAIL): quote_plus(EDITOR), "Ann Editor": "An Editor"}
            told |= {quote_plus(PASSWORD): "replayed"}
            yield lambda: site.open(settings, Credential(PASSWORD, "basic", EMAIL))


class TestGitLab(TestGitHub):
    wire = Wire(
        host=SITE,
        asked=frozenset({"accept", "content-type", "if-none-match"}),
        answered=frozenset({"content-type", "link", "x-gitlab-blob-id", "x-gitlab-last-commit-id"}),
        addresses=frozenset({"web_url", "target_url", "external_url"}),
        fixed=FIXED,
    )
    cassette = CASSETTES / "gitlab.yaml"
    forge = "gitlab"
    api = "https://gitlab.com"


def test_cassettes_are_short_and_hold_no_secret_and_no_address():
    check_cassettes(CASSETTES, "github.yaml", "gitlab.yaml", limit=150_000)
    text = "".join(path.read_text() for path in CASSETTES.iterdir())
    for secret in ("ann@", "ann%40", "horse", "upstream-token"):
        assert secret not in text
