"""The command on Bitbucket."""

from __future__ import annotations

import pytest

pytest.importorskip("simulators.bitbucket", reason="the simulators are not beside these tests")

from means.command import CommandSuite


@pytest.mark.long  # every day the command asks GitHub
class TestCommand(CommandSuite):
    backend = "bitbucket"
    repo = "owner/site"
    pull = "/owner/site/pull-requests/1"
    refusal = b"the credential is wrong or has expired"
    operations = (
        "commit_changes required the backend",
        "propose_changes core default the backend",
    )
