"""Random workflows on a GitLab on a socket, by both interfaces; `pytest -m long -n 0 -s` runs many of them."""

from __future__ import annotations

import pytest

pytest.importorskip("simulators.gitlab", reason="the simulators are not beside these tests")

from copydesk import open_repository
from copydesk.testing import WorkflowMachine, run_machine
from means.machines import machine_on
from simulators.gitlab import GitLabSimulator


@pytest.fixture(params=["graphql", pytest.param("rest", marks=pytest.mark.long)])
def machine(request, tmp_path, settings) -> type[WorkflowMachine]:
    known = {"repo": "group/sub/site", "credential": "full-token", "http": settings}

    def connect(simulator, extensions):
        root = simulator.url + simulator.root
        by_graphql = request.param != "rest"
        return open_repository(
            "gitlab", api_root=root, use_graphql=by_graphql, extensions=extensions, **known
        )

    return machine_on(tmp_path, GitLabSimulator, connect, repo="group/sub/site")


def test_random_workflows_are_what_the_model_says(machine):
    run_machine(machine, 2)


@pytest.mark.long
def test_many_random_workflows_are_what_the_model_says(machine):
    run_machine(machine, 200)
