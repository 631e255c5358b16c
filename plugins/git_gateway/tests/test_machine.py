"""Random workflows through a gateway on a socket; `pytest -m long -n 0 -s` runs many of them."""

from __future__ import annotations

from functools import partial

import pytest

pytest.importorskip("simulators.git_gateway", reason="the simulators are not beside these tests")

from copydesk.testing import WorkflowMachine, run_machine
from means.gateways import FORGES, GatewayBefore
from means.machines import machine_on


@pytest.fixture(params=FORGES)
def machine(request, tmp_path, settings) -> type[WorkflowMachine]:
    def connect(gateway, extensions):
        return gateway.open(settings, extensions=extensions)

    return machine_on(tmp_path, partial(GatewayBefore, forge=request.param), connect)


def test_random_workflows_are_what_the_model_says(machine):
    run_machine(machine, 1)


@pytest.mark.long
def test_many_random_workflows_are_what_the_model_says(machine):
    run_machine(machine, 100)
