"""What every backend is tested with. Needs the extra: ``pip install 'copydesk[testing]'``.

A backend author writes a subclass and gives one fixture::

    import pytest
    from copydesk import open_repository
    from copydesk.testing import SEED, BackendSuite

    class TestForge(BackendSuite):
        unsupported = frozenset({"list_checks"})

        @pytest.fixture
        def repository(self, tmp_path):
            return open_repository("forge", repo=seeded(tmp_path, SEED))

The repository holds exactly :data:`SEED` in one commit on its default branch, fresh for each test. A test that
needs what *unsupported* names is skipped; the suite fails when that set is not exactly what is missing.

A backend that speaks HTTP is also held against a forge and a network that misbehave, for which it gives two::

    class TestForgeMisbehaving(HttpBackendSuite):
        unsupported = frozenset({"list_checks"})
        secret = "s3cret"

        @pytest.fixture
        def server(self, tmp_path):
            with ForgeSimulator(seeded(tmp_path, SEED)) as server:
                yield server

        @pytest.fixture
        def connect(self, server):
            return lambda http: open_repository(
                "forge", repo="o/site", api_root=server.url, credential=self.secret, http=http
            )

Every test names its branches anew, so a *server* of class scope does. The credential is one that cannot be
refreshed, and the whole forge is behind *server*: what is asked elsewhere is not hit.

A forge is simulated by a subclass of :class:`ServerSimulator`, which listens on a real socket and can be told to
be late, to cut answers and to reset connections.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from copydesk.testing._http_suite import HttpBackendSuite
    from copydesk.testing._server import Answer, CutBody, Exchange, Reset, ServerSimulator, Stall

# Without this a failing assertion of an installed suite explains nothing. It comes before the import.
pytest.register_assert_rewrite(
    *(f"copydesk.testing.{name}" for name in ("_http_means", "_http_suite", "_machine", "_steps", "_suite"))
)

from copydesk.testing._machine import WorkflowMachine, run_machine  # noqa: E402
from copydesk.testing._seed import SEED, SeedFile  # noqa: E402
from copydesk.testing._suite import BackendSuite  # noqa: E402

__all__ = [
    "SEED",
    "Answer",
    "BackendSuite",
    "CutBody",
    "Exchange",
    "HttpBackendSuite",
    "Reset",
    "SeedFile",
    "ServerSimulator",
    "Stall",
    "WorkflowMachine",
    "run_machine",
]

_SERVER = frozenset({"Answer", "CutBody", "Exchange", "Reset", "ServerSimulator", "Stall"})


def __getattr__(name: str) -> Any:
    # A suite against a backend on disk needs neither a server nor requests.
    if name == "HttpBackendSuite":
        from copydesk.testing._http_suite import HttpBackendSuite

        return HttpBackendSuite
    if name not in _SERVER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from copydesk.testing import _server

    return getattr(_server, name)
