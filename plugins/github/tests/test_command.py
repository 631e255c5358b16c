"""The command on GitHub."""

from __future__ import annotations

import pytest

pytest.importorskip("simulators.github", reason="the simulators are not beside these tests")

from means.command import CommandSuite


class TestCommand(CommandSuite):
    backend = "github"
    repo = "owner/site"
    pull = "/owner/site/pull/1"
    refusal = b"Bad credentials"
    operations = (
        "commit_changes required the backend",
        "propose_changes core default the backend",
    )
