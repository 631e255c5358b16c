"""Random workflows on a GitHub on a socket, in three settings; `pytest -m long -n 0 -s` runs many of them."""

from __future__ import annotations

import itertools
import shutil
from datetime import UTC, datetime

import pytest

pytest.importorskip("simulators.github", reason="the simulators are not beside these tests")

from copydesk import Repository, open_repository
from copydesk.testing import SEED, WorkflowMachine, run_machine
from simulators.github import GitHubSimulator
from simulators.store import Forge


@pytest.fixture(params=["graphql", "rest", "enterprise"])
def machine(request, tmp_path, settings) -> type[WorkflowMachine]:
    """Workflows each on a forge of its own; Ann is the owner of the token, Ben is not."""
    numbers = itertools.count()
    enterprise = request.param == "enterprise"
    files = {file.path: file.content for file in SEED}
    modes = {file.path: int(file.mode, 8) for file in SEED}

    class Machine(WorkflowMachine):
        def open_repository(self, extensions: tuple[object, ...]) -> Repository:
            self.path = tmp_path / f"forge-{next(numbers)}"
            self.forge = Forge(self.path)
            self.forge.now = lambda: datetime.now(UTC)
            self.forge.add_token("full-token", self.forge.add_user("ann", "Ann", "ann@example.org"))
            self.forge.add_repository("owner/site", files, modes=modes)
            self.simulator = GitHubSimulator(self.forge, enterprise=enterprise)
            self.simulator.start()
            return open_repository(
                "github",
                credential="full-token",
                http=settings,
                extensions=extensions,
                repo="owner/site",
                api_root=self.simulator.url + self.simulator.root,
                use_graphql=request.param != "rest",
            )

        def teardown(self) -> None:
            super().teardown()
            self.simulator.stop()
            self.forge.close()
            shutil.rmtree(self.path, ignore_errors=True)

    return Machine


def test_random_workflows_are_what_the_model_says(machine):
    run_machine(machine, 3)


@pytest.mark.long
def test_many_random_workflows_are_what_the_model_says(machine):
    run_machine(machine, 200)
