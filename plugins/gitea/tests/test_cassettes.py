"""The backend's own traffic through one whole workflow, as it was recorded: nothing else may go over the wire.

`pytest -n 0 --record-mode=rewrite plugins/gitea/tests/test_cassettes.py` records it anew.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytest.importorskip("vcr", reason="vcrpy is not installed")
pytest.importorskip("means.cassettes", reason="what plays the cassettes is not beside these tests")

from means.cassettes import CassetteSuite, Wire, check_cassettes

CASSETTES = Path(__file__).parent / "cassettes"


class TestRest(CassetteSuite):
    backend = "gitea"
    wire = Wire(
        host="https://try.gitea.io",
        asked=frozenset({"accept", "content-type"}),
        answered=frozenset({"content-type", "link", "x-total-count"}),
        addresses=frozenset({"html_url", "clone_url", "contents_url", "target_url"}),
        many=re.compile(r"_url$|^url$|^_links$"),
    )
    cassette = CASSETTES / "rest.yaml"


def test_cassettes_are_short_and_hold_no_secret_and_no_address():
    check_cassettes(CASSETTES, "rest.yaml", limit=150_000)
