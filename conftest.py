"""Options of the whole test run: the real services, and new recordings of our own traffic."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import pytest

pytest.register_assert_rewrite("means")

#: What `--live` needs in the environment.
LIVE: Final = ("COPYDESK_GITHUB_TOKEN", "COPYDESK_GITHUB_REPO")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options; they are known from here wherever the tests are started."""
    group = parser.getgroup("copydesk")
    group.addoption(
        "--live", action="store_true", help=f"ask the real GitHub too; needs {' and '.join(LIVE)}"
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
    missing = [name for name in LIVE if not os.environ.get(name)]
    if missing:
        raise pytest.UsageError(
            f"--live needs {' and '.join(missing)} in the environment: a token and a scratch repository; "
            "see plugins/github/README.md"
        )
    if config.getoption("numprocesses", None):
        raise pytest.UsageError("--live needs -n 0: its tests share one repository")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave the tests of the real services out of the everyday run."""
    return True if collection_path.name == "test_live.py" and not config.getoption("--live") else None
