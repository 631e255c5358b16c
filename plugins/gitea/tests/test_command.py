"""The command on Gitea."""

from __future__ import annotations

import pytest

pytest.importorskip("simulators.gitea", reason="the simulators are not beside these tests")

from means.command import CommandSuite


@pytest.mark.long  # every day the command asks GitHub
class TestCommand(CommandSuite):
    backend = "gitea"
    repo = "owner/site"
    pull = "/owner/site/pulls/1"
    refusal = b"invalid username, password or token"
    operations = (
        "commit_changes required the backend",
        "update_from_base optional the backend",
    )

    @pytest.mark.long  # seven processes; every day the other forges' tell the same
    def test_entry_goes_its_way_by_the_command(self, copydesk, forge):
        super().test_entry_goes_its_way_by_the_command(copydesk, forge)
