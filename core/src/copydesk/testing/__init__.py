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
"""

from __future__ import annotations

import pytest

# Without this a failing assertion of an installed suite explains nothing. It comes before the import.
pytest.register_assert_rewrite(
    "copydesk.testing._machine", "copydesk.testing._steps", "copydesk.testing._suite"
)

from copydesk.testing._machine import WorkflowMachine  # noqa: E402
from copydesk.testing._seed import SEED, SeedFile  # noqa: E402
from copydesk.testing._suite import BackendSuite  # noqa: E402

__all__ = ["SEED", "BackendSuite", "SeedFile", "WorkflowMachine"]
