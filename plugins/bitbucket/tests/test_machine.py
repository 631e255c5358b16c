"""Random workflows on a Bitbucket on a socket; `pytest -m long -n 0 -s` runs many of them."""

from __future__ import annotations

import pytest

pytest.importorskip("simulators.bitbucket", reason="the simulators are not beside these tests")

from copydesk import open_repository
from copydesk.testing import WorkflowMachine, run_machine
from means.machines import machine_on
from simulators.bitbucket import BitbucketSimulator


@pytest.fixture
def machine(tmp_path, settings) -> type[WorkflowMachine]:
    known = {"repo": "owner/site", "credential": "full-token", "http": settings}

    def simulate(forge):
        simulator = BitbucketSimulator(forge)
        simulator.quota_left = 10**6
        return simulator

    def connect(simulator, extensions):
        root = simulator.url + simulator.root
        return open_repository("bitbucket", api_root=root, extensions=extensions, **known)

    return machine_on(tmp_path, simulate, connect, one_label=True)


def test_random_workflows_are_what_the_model_says(machine):
    run_machine(machine, 2)


@pytest.mark.long
def test_many_random_workflows_are_what_the_model_says(machine):
    run_machine(machine, 200)
