"""The suite for all backends, against both kinds of repository."""

from __future__ import annotations

from pathlib import Path

import pytest
from copydesk import Repository, open_repository
from copydesk.testing import BackendSuite

UNSUPPORTED = frozenset({"rebase_pull_request", "list_checks"})


class TestBareRepository(BackendSuite):
    unsupported = UNSUPPORTED

    @pytest.fixture
    def repository(self, bare: Path) -> Repository:
        return open_repository("local", repo=bare)


@pytest.mark.long  # what differs in a working copy has tests of its own
class TestWorkingCopy(BackendSuite):
    unsupported = UNSUPPORTED

    @pytest.fixture
    def repository(self, working_copy: Path) -> Repository:
        return open_repository("local", repo=working_copy)
