"""What the request benchmark counts: exact for every side, and the work was done."""

from __future__ import annotations

import attrs
import pytest
import requests

pytest.importorskip("atlassian.bitbucket", reason="atlassian-python-api is not installed")
pytest.importorskip("github", reason="PyGithub is not installed")
pytest.importorskip("gitlab", reason="python-gitlab is not installed")
pytest.importorskip("benchmarks.requests", reason="the benchmarks are not beside these tests")

from benchmarks.requests.bitbucket.bench import BITBUCKET
from benchmarks.requests.git_gateway.bench import BEFORE_GITHUB, BEFORE_GITLAB
from benchmarks.requests.github.bench import GITHUB
from benchmarks.requests.gitlab.bench import GITLAB
from benchmarks.requests.rounds import play
from benchmarks.requests.tables import counts

#: Step: requests of copydesk, by GraphQL and by REST alone where there are both, of the forge's library, and of
#: Decap CMS.
WORK = {
    "GitHub": {
        "list 20 drafts": (1, 21, 21, 82),
        "create a draft": (2, 5, 6, 7),
        "create a draft with an image": (2, 6, 7, 8),
        "update the draft": (1, 3, 4, 6),
        "update the text beside the image": (1, 3, 4, 7),
        "change its status, by a new label": (2, 2, 2, 2),
        "change its status": (1, 2, 2, 2),
        "publish it": (2, 2, 2, 5),
        "discard the other draft": (1, 2, 2, 4),
    },
    "GitLab": {
        "list 20 drafts": (1, 21, 21, 101),
        "create a draft": (2, 2, 2, 3),
        "create a draft with an image": (2, 2, 2, 4),
        "update the draft": (1, 1, 1, 6),
        "update the text beside the image": (1, 1, 1, 7),
        "change its status, by a new label": (1, 1, 1, 2),
        "change its status": (1, 1, 1, 2),
        "publish it": (1, 1, 1, 2),
        "discard the other draft": (2, 2, 2, 3),
    },
    "Bitbucket": {
        "list 20 drafts": (42, 82, 141),
        "create a draft": (3, 3, 4),
        "create a draft with an image": (3, 3, 4),
        "update the draft": (1, 1, 2),
        "update the text beside the image": (1, 1, 2),
        "change its status, by a new label": (1, 1, 3),
        "change its status": (1, 1, 3),
        "publish it": (2, 1, 3),  # copydesk looks at the head, for the merge takes none
        "discard the other draft": (2, 2, 4),
    },
    BEFORE_GITHUB.name: {
        "list 20 drafts": (21, 82),
        "create a draft": (5, 7),
        "create a draft with an image": (6, 8),
        "update the draft": (3, 6),
        "update the text beside the image": (3, 7),
        "change its status, by a new label": (2, 2),
        "change its status": (2, 2),
        "publish it": (2, 5),
        "discard the other draft": (2, 4),
    },
    BEFORE_GITLAB.name: {
        "list 20 drafts": (21, 101),
        "create a draft": (2, 3),
        "create a draft with an image": (2, 4),
        "update the draft": (1, 6),
        "update the text beside the image": (1, 7),
        "change its status, by a new label": (1, 2),
        "change its status": (1, 2),
        "publish it": (1, 2),
        "discard the other draft": (2, 3),
    },
}
#: Seconds that Decap CMS waits, where it does.
WAITED = {
    "GitHub": {},
    "GitLab": {"update the draft": 1, "update the text beside the image": 1},
    "Bitbucket": {},
    BEFORE_GITHUB.name: {},
    BEFORE_GITLAB.name: {"update the draft": 1, "update the text beside the image": 1},
}
#: Requests of loading so many files and of loading them again, unchanged; Decap CMS asks twice for each file.
LOADS = {
    "GitHub": {
        20: ((3, 22, 21, 41), (1, 1, 1, 1)),
        1000: ((12, 1002, 1001, 2001), (1, 1, 1, 1)),
    },
    "GitLab": {
        20: ((3, 3, 21, 42), (1, 1, 1, 2)),  # copydesk looks for the head, and loads in two
        1000: ((3, 3, 1011, 2011), (1, 1, 11, 2)),
    },
    "Bitbucket": {
        20: ((22, 22, 43), (1, 1, 2)),
        1000: ((11, 1011, 2012), (1, 1, 2)),  # copydesk knows how many there are, and refuses
    },
    BEFORE_GITHUB.name: {
        20: ((22, 41), (1, 1)),
        1000: ((1002, 2001), (1, 1)),
    },
    BEFORE_GITLAB.name: {
        20: ((22, 42), (1, 2)),
        1000: ((1011, 2011), (1, 2)),
    },
}


@pytest.fixture(
    params=[GITHUB, GITLAB, BITBUCKET, BEFORE_GITHUB, BEFORE_GITLAB], ids=lambda bench: bench.name
)
def bench(request):
    return request.param


@pytest.fixture
def served(bench, tmp_path):
    with bench.served(tmp_path) as served:
        yield served


def played(served, work, load):
    return {(each.step, each.side): each.cost for each in play(served, work, load=load)}


def requests_of(costs):
    """Give the requests of all sides by step."""
    counted = {}
    for (step, _), cost in costs.items():
        counted.setdefault(step, []).append(cost.requests)
    return {step: tuple(each) for step, each in counted.items()}


@pytest.mark.long
def test_requests_of_the_work_are_exact_and_bytes_are_the_same_again(bench, served):
    first = played(served, bench.counted, {})
    assert requests_of(first) == WORK[bench.name]
    assert {step: cost.waited for (step, _), cost in first.items() if cost.waited} == WAITED[bench.name]
    assert played(served, bench.counted, {}) == first


@pytest.mark.long
@pytest.mark.parametrize("files", [20, 1000])
def test_requests_of_loading_are_exact(bench, served, files):
    costs = requests_of(played(served, (), dict.fromkeys(bench.counted, (files,))))
    assert tuple(costs.values()) == LOADS[bench.name][files]


@pytest.mark.long
def test_files_come_by_hundreds_by_graphql(tmp_path):
    with GITHUB.served(tmp_path) as served:
        costs = requests_of(played(served, (), {GITHUB.sides[0]: (250,)}))
    assert tuple(costs.values()) == ((5,), (1,))


@pytest.mark.long
@pytest.mark.parametrize(("side", "last"), [(GITLAB.sides[0], 23), (GITLAB.sides[1], 1013)])
def test_requests_of_loading_when_gitlab_gives_no_more_archives(tmp_path, side, last):
    """It refuses the sixth in a minute; files come by hundreds then, or one by one by REST alone."""
    with GITLAB.served(tmp_path) as served:
        served.simulator.clock = lambda: 0.0
        sides = [attrs.evolve(side, name=str(number)) for number in range(6)]
        costs = requests_of(played(served, (), dict.fromkeys(sides, (1000,))))
    assert costs["cold load of 1,000 files"] == (3, 3, 3, 3, 3, last)


@pytest.mark.long
def test_site_that_fits_into_an_hour_of_bitbucket_is_loaded_whole(tmp_path):
    """A look at the head, a listing by hundreds, and one request per file."""
    with BITBUCKET.served(tmp_path) as served:
        outcomes = list(play(served, (), load={BITBUCKET.sides[0]: (BITBUCKET.most,)}))
    assert [(each.cost.requests, each.refused) for each in outcomes] == [(1 + 9 + 900, False), (1, False)]


@pytest.mark.long
def test_site_that_does_not_fit_into_an_hour_of_bitbucket_is_refused(tmp_path):
    side = BITBUCKET.sides[0]
    with BITBUCKET.served(tmp_path) as served:
        outcomes = list(play(served, (), load={side: (1000,)}))
    assert [each.refused for each in outcomes] == [True, True]
    assert "| cold load of 1,000 files | 11, refused |" in counts(outcomes, [side])


@pytest.mark.long
@pytest.mark.parametrize("side", BITBUCKET.sides[1:], ids=lambda side: side.name)
def test_others_are_stopped_by_bitbucket_in_the_middle(tmp_path, side):
    """It refuses what comes after the thousandth request, and they have nothing then."""
    with BITBUCKET.served(tmp_path) as served:
        served.simulator.quota_left = 1000
        with pytest.raises(requests.HTTPError, match=r"Rate limit|429"):
            list(play(served, (), load={side: (1000,)}))
        assert served.simulator.quota_left == 0


@pytest.mark.long
@pytest.mark.parametrize("side", BEFORE_GITHUB.sides, ids=lambda side: side.name)
def test_only_others_ask_a_gateway_for_what_it_refuses(tmp_path, side):
    """Decap CMS asks who made each of the 20 drafts, and where notes are: twice to publish, once to discard."""
    with BEFORE_GITHUB.served(tmp_path) as served:
        list(play(served, (side,), load={side: (20,)}))
        assert len(served.simulator.refused) == (0 if side.name == "copydesk" else 23)
