"""The backend's own traffic through one whole workflow, as it was recorded: nothing else may go over the wire.

`pytest -n 0 --record-mode=rewrite plugins/bitbucket/tests/test_cassettes.py` records it anew.
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
    backend = "bitbucket"
    wire = Wire(
        host="https://api.bitbucket.org",
        asked=frozenset({"accept", "content-type"}),
        answered=frozenset({"content-type", "date", "location", "x-accepted-oauth-scopes", "x-oauth-scopes"}),
        addresses=frozenset(),
        many=re.compile(r"^links$"),
    )
    cassette = CASSETTES / "rest.yaml"


def test_cassettes_are_short_and_hold_no_secret_and_no_address():
    check_cassettes(CASSETTES, "rest.yaml", limit=150_000)
