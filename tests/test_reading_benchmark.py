"""What the reading benchmark counts, on small sites: copydesk and the models, each in a process of its own."""

from __future__ import annotations

import pytest

pytest.importorskip("atlassian.bitbucket", reason="atlassian-python-api is not installed")
pytest.importorskip("benchmarks.reading", reason="the benchmarks are not beside these tests")

from benchmarks.reading import limits
from benchmarks.reading.cases import QUICK, Case
from benchmarks.reading.measuring import Field, Outcome, Run
from benchmarks.reading.processes import serve
from benchmarks.reading.sides import DECAP, OURS, SIDES, SVELTIA, Pace, Side
from benchmarks.reading.tables import section
from benchmarks.reading.times import ratio
from benchmarks.reading.traffic import Asked, Traffic, kind_of

COLD, WARM, CHANGED = Case("cold", 10, 0.0), Case("warm", 10, 0.0), Case("warm", 10, 0.0, 1)
DRAFTS = Case("drafts", 2, 0.0)
#: Requests by forge, side and case, sign-in included.
WORK = {
    "GitHub": {
        OURS: {COLD: 2, WARM: 1, CHANGED: 2, DRAFTS: 2},
        SVELTIA: {COLD: 5, WARM: 3, CHANGED: 5, DRAFTS: 4},
        DECAP: {COLD: 23, WARM: 3, CHANGED: 5, DRAFTS: 12},
    },
    "GitLab": {
        OURS: {COLD: 2, WARM: 1, CHANGED: 2, DRAFTS: 2},
        SVELTIA: {COLD: 5, WARM: 3, CHANGED: 5, DRAFTS: 18},
        DECAP: {COLD: 24, WARM: 4, DRAFTS: 11},
    },
    "Bitbucket": {
        OURS: {COLD: 3, WARM: 1, CHANGED: 3, DRAFTS: 8},
        DECAP: {COLD: 25, WARM: 4, DRAFTS: 17},
    },
    "Gitea": {
        OURS: {COLD: 2, WARM: 1, CHANGED: 2, DRAFTS: 4},
        SVELTIA: {COLD: 7, WARM: 5, CHANGED: 7},
    },
}


@pytest.mark.long
@pytest.mark.parametrize("forge", WORK)
def test_requests_are_exact_and_everything_is_read(forge, tmp_path):
    """A side that reads something else than the site has is reported, and is not here."""
    with serve(forge, tmp_path) as server:
        field = Field(server, SIDES[forge], {}, tmp_path)
        played = [each for case in (COLD, WARM, CHANGED, DRAFTS) for each in field.play(case, QUICK)]
    assert [each.failure for each in played if each.failure] == []
    counted: dict[str, dict[Case, int]] = {}
    for each in played:
        counted.setdefault(each.side.name, {})[each.case] = each.traffic.total
    assert counted == WORK[forge]
    assert [each.broken for each in played if each.broken] == []
    assert "| read 10 entries | copydesk |" in "\n".join(section(forge, played))


def asked(path, *, when=0.0, method="GET", status=200):
    return Asked(when, method, path, status, 0, 0)


@pytest.mark.parametrize(
    ("path", "status", "kind"),
    [
        ("/owner/site.git/git-upload-pack", 200, "git"),
        ("/graphql", 200, "GraphQL"),
        ("/repos/owner/site/tarball/abc", 302, "archive"),
        ("/owner/site/legacy.tar.gz/abc", 200, "archive"),
        ("/api/v4/projects/1/repository/archive.tar.gz", 200, "archive"),
        ("/repos/owner/site/commits/main", 304, "304"),
        ("/repos/owner/site/git/blobs/abc", 200, "read"),
    ],
)
def test_class_of_a_request(path, status, kind):
    assert kind_of("GET", path, status) == kind


def test_limit_of_an_endpoint_is_broken_within_a_minute_only():
    """GitHub: 900 points a minute; the same in twice the time is allowed, and so is another endpoint."""
    blobs = [asked(f"/repos/o/r/git/blobs/{number:040}") for number in range(900)]
    assert limits.GITHUB.broken([*blobs, asked("/repos/o/r/commits")], 1) == ()
    (broken,) = limits.GITHUB.broken([*blobs, asked("/repos/o/r/git/blobs/x", when=59.0)], 1)
    assert broken == "900 points a minute for an endpoint: 901 (git blobs)"
    assert limits.GITHUB.broken([*blobs, asked("/repos/o/r/git/blobs/x", when=61.0)], 1) == ()


def test_other_limits_are_named():
    assert limits.GITHUB.broken([], 101) == ("100 requests in flight: 101",)
    archives = [asked("/api/v4/projects/1/repository/archive.tar.gz", when=when) for when in range(6)]
    assert limits.GITLAB.broken(archives, 1) == ("5 archives a minute: 6 (archive)",)
    sources = [asked("/2.0/repositories/o/r/src/x")] * 1001
    assert limits.BITBUCKET.broken(sources, 1) == ("1,000 requests an hour: 1,001 (repositories)",)


def outcome(side: Side, count: int, *seconds: float) -> Outcome:
    traffic = Traffic({}, 0, 0, 0, 0, 0)
    runs = tuple(Run(each, 0.0, 0, traffic) for each in seconds)
    return Outcome("GitHub", side, Case("cold", count), runs)


def test_ratio_is_the_median_of_rounds_or_told_from_smaller_sites():
    ours, slow = (Side(name, "x", {}, pace=Pace.AT_ONCE) for name in (OURS, "slow"))
    outcomes = [outcome(ours, 1000, 1.0, 2.0, 4.0), outcome(slow, 10, 2.0), outcome(slow, 100, 11.0)]
    told = ratio(outcomes, "slow", Case("cold", 1000))
    assert told is not None
    assert (told.seconds, told.ratio, told.extrapolated) == (101.0, 50.5, True)
    measured = ratio([*outcomes, outcome(slow, 1000, 8.0, 8.0, 8.0)], "slow", Case("cold", 1000))
    assert measured is not None
    assert (measured.ratio, measured.extrapolated) == (4.0, False)
