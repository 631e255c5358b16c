"""Random workflows on real repositories; `pytest -m long -n 0 -s` runs 2,000 of them."""

from __future__ import annotations

import itertools
import shutil
from pathlib import Path

import pytest
from copydesk import Repository, open_repository
from copydesk.testing import WorkflowMachine, run_machine


@pytest.fixture
def machine(bare: Path, tmp_path: Path) -> type[WorkflowMachine]:
    """Workflows each on a fresh copy."""
    numbers = itertools.count()

    class Machine(WorkflowMachine):
        def open_repository(self, extensions: tuple[object, ...]) -> Repository:
            self.path = tmp_path / f"copy-{next(numbers)}.git"
            shutil.copytree(bare, self.path)
            return open_repository("local", repo=self.path, extensions=extensions)

        def teardown(self) -> None:
            super().teardown()
            shutil.rmtree(self.path, ignore_errors=True)

    return Machine


def test_random_workflows_are_what_the_model_says(machine):
    run_machine(machine, 10)


@pytest.mark.long
def test_many_random_workflows_are_what_the_model_says(machine):
    run_machine(machine, 2000)
