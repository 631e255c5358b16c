"""Options of the whole test run: the real services, and new recordings of our own traffic."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import pytest

pytest.register_assert_rewrite("means")

#: The tests that ask a real service, in the plugin of each.
LIVE: Final = "test_live.py"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options; they are known from here wherever the tests are started."""
    group = parser.getgroup("copydesk")
    group.addoption(
        "--live", action="store_true", help="ask the real forges too: those whose variables are set"
    )
    group.addoption(
        "--record-mode",
        choices=("none", "rewrite"),
        default="none",
        help="rewrite: record the cassettes anew, from the simulators",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Refuse a live run that cannot be one."""
    if not config.getoption("--live"):
        return
    from means.live import needed  # it is imported where there is something to ask

    plugins = sorted(path.parents[1].name for path in Path(__file__).parent.glob(f"plugins/*/tests/{LIVE}"))
    if not any(all(map(os.environ.get, needed(each))) for each in plugins):
        told = ", or ".join(" and ".join(needed(each)) for each in plugins)
        raise pytest.UsageError(
            f"--live needs a token and a scratch repository in the environment: {told}; see the plugin's README.md"
        )
    if config.getoption("numprocesses", None):
        raise pytest.UsageError("--live needs -n 0: its tests share one repository")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave the tests of the real services out of the everyday run."""
    return True if collection_path.name == LIVE and not config.getoption("--live") else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave them out where their file was named too: that alone must delete no branches."""
    if config.getoption("--live"):
        return
    config.hook.pytest_deselected(items=[item for item in items if item.path.name == LIVE])
    items[:] = [item for item in items if item.path.name != LIVE]
