"""What the request benchmark counts: exact for every side, and the work was done."""

from __future__ import annotations

import pytest

pytest.importorskip("github", reason="PyGithub is not installed")
pytest.importorskip("benchmarks.requests", reason="the benchmarks are not beside these tests")

from benchmarks.requests.rounds import DECAP, GRAPHQL, PYGITHUB, REST, play
from benchmarks.requests.sites import GitHub

SIDES = (GRAPHQL, REST, PYGITHUB, DECAP)
#: Step: requests of copydesk by GraphQL and by REST alone, of PyGithub, and of Decap CMS.
WORK = {
    "list 20 drafts": (1, 42, 21, 82),
    "create a draft": (2, 5, 6, 7),
    "create a draft with an image": (2, 6, 7, 8),
    "update the draft": (1, 3, 4, 6),
    "update the text beside the image": (1, 3, 4, 7),
    "change its status, by a new label": (2, 2, 2, 2),
    "change its status": (1, 2, 2, 2),
    "publish it": (2, 2, 2, 5),
    "discard the other draft": (1, 2, 2, 4),
}


@pytest.fixture
def github(tmp_path):
    with GitHub.below(tmp_path) as github:
        yield github
    github.forge.close()


def played(github, work, load):
    return {(each.step, each.side): each.cost for each in play(github, work, load=load)}


def requests_of(costs):
    """Give the requests of all sides by step."""
    counted = {}
    for (step, _), cost in costs.items():
        counted.setdefault(step, []).append(cost.requests)
    return {step: tuple(each) for step, each in counted.items()}


@pytest.mark.long
def test_requests_of_the_work_are_exact_and_bytes_are_the_same_again(github):
    first = played(github, SIDES, {})
    assert requests_of(first) == WORK
    assert played(github, SIDES, {}) == first


@pytest.mark.long
def test_requests_of_loading_are_exact(github):
    costs = played(github, (), {**dict.fromkeys(SIDES, (20,)), GRAPHQL: (20, 250, 1000)})
    assert requests_of(costs) == {
        "cold load of 20 files": (3, 22, 21, 41),  # in their order; Decap CMS asks twice for each file
        "load the 20 files again, unchanged": (1, 1, 1, 1),
        "cold load of 250 files": (5,),
        "load the 250 files again, unchanged": (1,),
        "cold load of 1,000 files": (12,),
        "load the 1,000 files again, unchanged": (1,),
    }


@pytest.mark.long
def test_requests_of_loading_a_thousand_files_are_exact(github):
    costs = played(github, (), dict.fromkeys(SIDES, (1000,)))
    assert requests_of(costs)["cold load of 1,000 files"] == (12, 1002, 1001, 2001)
