"""The backend's own traffic through one whole workflow, as it was recorded: nothing else may go over the wire.

`pytest -n 0 --record-mode=rewrite plugins/gitlab/tests/test_cassettes.py` records it anew.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import ClassVar

import pytest

pytest.importorskip("vcr", reason="vcrpy is not installed")
pytest.importorskip("means.cassettes", reason="what plays the cassettes is not beside these tests")

from means.cassettes import CassetteSuite, Wire, check_cassettes

CASSETTES = Path(__file__).parent / "cassettes"


class TestGraphQL(CassetteSuite):
    backend = "gitlab"
    repo = "group/sub/site"
    wire = Wire(
        host="https://gitlab.com",
        asked=frozenset({"accept", "content-type", "if-none-match"}),
        answered=frozenset({"content-type", "link", "x-gitlab-blob-id", "x-gitlab-last-commit-id"}),
        addresses=frozenset({"web_url", "target_url", "external_url"}),
        many=re.compile(r"_url$|^_links$"),
    )
    cassette = CASSETTES / "graphql.yaml"
    options: ClassVar[dict[str, object]] = {"use_graphql": True}


class TestRest(TestGraphQL):
    cassette = CASSETTES / "rest.yaml"
    options: ClassVar[dict[str, object]] = {"use_graphql": False}


def test_cassettes_are_short_and_hold_no_secret_and_no_address():
    check_cassettes(CASSETTES, "graphql.yaml", "rest.yaml", limit=150_000)
