"""Random workflows on a forge on a socket, each example on a forge of its own."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol, TypeVar

from copydesk import Repository
from copydesk.testing import SEED, WorkflowMachine
from simulators.store import Forge

__all__ = ["machine_on"]


class Running(Protocol):
    """What stands over a forge: its simulator, or several servers."""

    def start(self) -> object: ...

    def stop(self) -> None: ...


Servers = TypeVar("Servers", bound=Running)


def machine_on(
    folder: Path,
    simulate: Callable[[Forge], Servers],
    connect: Callable[[Servers, tuple[object, ...]], Repository],
    *,
    repo: str = "owner/site",
    one_label: bool = False,
) -> type[WorkflowMachine]:
    """Make the machine; Ann is the owner of the token ``full-token``, Ben is not.

    :param connect: opens the repository on a simulator, with extensions.
    """
    numbers = itertools.count()
    files = {file.path: file.content for file in SEED}
    modes = {file.path: int(file.mode, 8) for file in SEED}

    class Machine(WorkflowMachine):
        def open_repository(self, extensions: tuple[object, ...]) -> Repository:
            self.path = folder / f"forge-{next(numbers)}"
            self.forge = Forge(self.path)
            self.forge.now = lambda: datetime.now(UTC)
            self.forge.add_token("full-token", self.forge.add_user("ann", "Ann", "ann@example.org"))
            self.forge.add_repository(repo, files, modes=modes)
            self.simulator = simulate(self.forge)
            self.simulator.start()
            return connect(self.simulator, extensions)

        def teardown(self) -> None:
            super().teardown()
            self.simulator.stop()
            self.forge.close()
            shutil.rmtree(self.path, ignore_errors=True)

    Machine.one_label = one_label
    return Machine
