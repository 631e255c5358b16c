"""The command through a gateway, with a token from the environment."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import ClassVar

import pytest

pytest.importorskip("simulators.git_gateway", reason="the simulators are not beside these tests")

from means.command import CommandSuite
from means.gateways import GatewayBefore, token_of_ann
from simulators.store import Forge


@pytest.mark.long  # every day the command asks the forge itself
class TestGitHub(CommandSuite):
    backend = "git-gateway"
    repo = "owner/site"
    pull = "/owner/site/pull/1"
    refusal = b"Invalid token: token contains an invalid number of segments"
    operations = (
        "authenticate required the backend",
        "update_from_base optional the backend",
    )
    token = token_of_ann()
    name: ClassVar[str] = "github"

    @pytest.fixture
    def forge(self, tmp_path) -> Iterator[Forge]:
        forge = Forge(tmp_path / "forge")
        forge.now = lambda: datetime.now(UTC)
        yield forge
        forge.close()

    @pytest.fixture
    def start(self, forge) -> Iterator:
        site = GatewayBefore(forge, self.name)
        yield site.start
        site.stop()

    def place(self, site: GatewayBefore) -> str:
        return json.dumps(site.options)[1:-1]


@pytest.mark.long  # the same commands, which ask the other backend
class TestGitLab(TestGitHub):
    pull = "/owner/site/-/merge_requests/1"
    operations = ("rebase_pull_request optional the backend",)
    name = "gitlab"
