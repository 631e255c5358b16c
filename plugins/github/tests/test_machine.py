"""Random workflows on a GitHub on a socket, in three settings; `pytest -m long -n 0 -s` runs many of them."""

from __future__ import annotations

from functools import partial

import pytest

pytest.importorskip("simulators.github", reason="the simulators are not beside these tests")

from copydesk import open_repository
from copydesk.testing import WorkflowMachine, run_machine
from means.machines import machine_on
from simulators.github import GitHubSimulator


@pytest.fixture(params=["graphql", "rest", pytest.param("enterprise", marks=pytest.mark.long)])
def machine(request, tmp_path, settings) -> type[WorkflowMachine]:
    simulate = partial(GitHubSimulator, enterprise=request.param == "enterprise")
    known = {"repo": "owner/site", "credential": "full-token", "http": settings}

    def connect(simulator, extensions):
        root = simulator.url + simulator.root
        by_graphql = request.param != "rest"
        return open_repository(
            "github", api_root=root, use_graphql=by_graphql, extensions=extensions, **known
        )

    return machine_on(tmp_path, simulate, connect)


def test_random_workflows_are_what_the_model_says(machine):
    run_machine(machine, 2)


@pytest.mark.long
def test_many_random_workflows_are_what_the_model_says(machine):
    run_machine(machine, 200)
