"""Random workflows on a Gitea on a socket; `pytest -m long -n 0 -s` runs many of them."""

from __future__ import annotations

import pytest

pytest.importorskip("simulators.gitea", reason="the simulators are not beside these tests")

from copydesk import open_repository
from copydesk.testing import WorkflowMachine, run_machine
from means.machines import machine_on
from simulators.gitea import GiteaSimulator


@pytest.fixture
def machine(tmp_path, settings) -> type[WorkflowMachine]:
    known = {"repo": "owner/site", "credential": "full-token", "http": settings}

    def connect(simulator, extensions):
        root = simulator.url + simulator.root
        return open_repository("gitea", api_root=root, extensions=extensions, **known)

    return machine_on(tmp_path, GiteaSimulator, connect)


def test_random_workflows_are_what_the_model_says(machine):
    run_machine(machine, 2)


@pytest.mark.long
def test_many_random_workflows_are_what_the_model_says(machine):
    run_machine(machine, 60)
