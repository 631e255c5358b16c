"""Options of the whole test run: the real services, and new recordings of our own traffic."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from copydesk import Repository
    from copydesk.http import HttpSettings
    from simulators.store import Forge

pytest.register_assert_rewrite("means")

#: The tests that ask a real service, in the plugin of each.
LIVE: Final = "test_live.py"

#: What a file says that is long as a whole.
LONG: Final = re.compile(r"^pytestmark = pytest\.mark\.long\b", re.MULTILINE)

#: Where Linux has files in memory, and how many bytes are enough: a run leaves a fifth of them.
MEMORY: Final = "/dev/shm"  # noqa: S108 - pytest makes a folder of its own there
ROOM: Final = 2 * 2**30


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


@pytest.hookimpl(tryfirst=True)  # before the workers start, which compile as much as the commands do
def pytest_configure(config: pytest.Config) -> None:
    """Work in memory, keep what the commands compile, and refuse a live run that cannot be one."""
    _work_in_memory()
    _keep_bytecode(config)
    # Nobody's own keyring, in this process and those that tests start.
    os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.null.Keyring"
    os.environ["COPYDESK_CACHE"] = "off"  # nor what they have read
    if config.getoption("--live"):
        _check_live(config)


def _work_in_memory() -> None:
    """Keep the files of the tests, which make many thousands of folders, in memory where there is room.

    A folder takes half a millisecond on some disks. Who names a place, by TMPDIR or --basetemp, has it there.
    """
    if "TMPDIR" in os.environ or not os.access(MEMORY, os.W_OK):
        return
    there = os.statvfs(MEMORY)
    if there.f_bavail * there.f_frsize > ROOM and not there.f_flag & os.ST_NOEXEC:
        tempfile.tempdir = os.environ["TMPDIR"] = MEMORY


def _keep_bytecode(config: pytest.Config) -> None:
    """Let the processes of the tests share bytecode in a folder of its own, where none may lie in the checkout.

    A container says so by PYTHONDONTWRITEBYTECODE; hundreds of commands would compile all that they import.
    """
    if not os.environ.get("PYTHONDONTWRITEBYTECODE"):
        return
    folder = tempfile.TemporaryDirectory(prefix="copydesk-bytecode-", ignore_cleanup_errors=True)
    config.add_cleanup(folder.cleanup)
    sys.pycache_prefix = os.environ["PYTHONPYCACHEPREFIX"] = folder.name
    del os.environ["PYTHONDONTWRITEBYTECODE"]
    sys.dont_write_bytecode = False


def _check_live(config: pytest.Config) -> None:
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
    """Leave out the tests of the real services, and unread the files that belong to the long form as a whole."""
    if collection_path.name == LIVE and not config.getoption("--live"):
        return True
    if config.option.markexpr == "not long" and collection_path.name.endswith("suite.py"):
        return LONG.search(collection_path.read_text("utf-8")) is not None or None
    return None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave them out where their file was named too: that alone must delete no branches."""
    if config.getoption("--live"):
        return
    config.hook.pytest_deselected(items=[item for item in items if item.path.name == LIVE])
    items[:] = [item for item in items if item.path.name != LIVE]


@pytest.fixture(scope="session", autouse=True)
def in_a_hurry() -> Iterator[None]:
    """Wait for no disk: the local backend has libgit2 do so for its whole process, simulators and all."""
    import pygit2

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pygit2.Settings, "enable_fsync_gitdir", lambda *_: None)
        yield


# -- what the plugins' tests of forges on a socket begin with ---------------------------------------------


@pytest.fixture
def settings() -> HttpSettings:
    """Make requests whose waiting takes no time."""
    from copydesk.http import Gates, HttpSettings

    return HttpSettings(sleep=lambda _: None, gates=Gates(), environ={}, timeout=(5, 10))


@pytest.fixture
def forge(tmp_path: Path) -> Iterator[Forge]:
    """Make a forge where `full-token` may do everything and `read-token` may look; its time is ours."""
    from simulators.store import Forge  # beside the tests, where the tests are whole

    forge = Forge(tmp_path / "forge")
    forge.now = lambda: datetime.now(UTC)
    forge.add_token("full-token", forge.add_user("owner", "Site Owner", "owner@example.org"))
    forge.add_token("read-token", forge.add_user("reader"), "read")
    yield forge
    forge.close()


@pytest.fixture
def site_name() -> str:
    """Name the repository of a site on its forge."""
    return "owner/site"


@pytest.fixture
def open_seeded(
    forge: Forge, open_site: Callable[..., Repository], site_name: str
) -> Callable[..., Repository]:
    """Open a repository that holds exactly the seed of the suite, by the plugin's own `open_site`."""
    from copydesk.testing import SEED

    files = {file.path: file.content for file in SEED}
    forge.add_repository(site_name, files, modes={file.path: int(file.mode, 8) for file in SEED})
    return open_site
