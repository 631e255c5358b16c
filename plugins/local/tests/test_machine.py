"""Random workflows on real repositories; `pytest -m long` runs 2,000 of them."""

from __future__ import annotations

import itertools
import os
import random
import shutil
from pathlib import Path

import hypothesis
import pytest
from copydesk import Repository, open_repository
from copydesk.testing import WorkflowMachine
from hypothesis.stateful import run_state_machine_as_test


@pytest.fixture
def run_machine(bare: Path, tmp_path: Path):
    """Run so many examples, each on a fresh copy, with a seed that a failure shows."""

    def run(examples: int) -> None:
        seed = int(os.environ.get("COPYDESK_SEED") or random.randrange(2**32))
        print(f"the seed is {seed}: run again with COPYDESK_SEED={seed}")  # noqa: T201 - shown on failure
        numbers = itertools.count()

        @hypothesis.seed(seed)
        class Machine(WorkflowMachine):
            def open_repository(self, extensions: tuple[object, ...]) -> Repository:
                self.path = tmp_path / f"copy-{next(numbers)}.git"
                shutil.copytree(bare, self.path)
                return open_repository("local", repo=self.path, extensions=extensions)

            def teardown(self) -> None:
                super().teardown()
                shutil.rmtree(self.path, ignore_errors=True)

        run_state_machine_as_test(
            Machine,
            settings=hypothesis.settings(
                max_examples=examples,
                stateful_step_count=25,
                deadline=None,
                database=None,
                report_multiple_bugs=False,
                # Each step costs a few milliseconds of disk: a failure is told as it is, with its seed.
                phases=[hypothesis.Phase.generate],
                suppress_health_check=list(hypothesis.HealthCheck),
            ),
        )

    return run


def test_random_workflows_are_what_the_model_says(run_machine):
    run_machine(10)


@pytest.mark.long
def test_many_random_workflows_are_what_the_model_says(run_machine):
    run_machine(int(os.environ.get("COPYDESK_EXAMPLES", "2000")))
