"""The command on GitLab."""

from __future__ import annotations

import pytest

pytest.importorskip("simulators.gitlab", reason="the simulators are not beside these tests")

from means.command import CommandSuite


@pytest.mark.long  # every day the command asks GitHub
class TestCommand(CommandSuite):
    backend = "gitlab"
    repo = "group/sub/site"
    pull = "/group/sub/site/-/merge_requests/1"
    refusal = b"Invalid token"
    operations = (
        "commit_changes required the backend",
        "rebase_pull_request optional the backend",
    )
