"""The command on a forge: the same words as on disk, with a token from the environment."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from typing import ClassVar

import pytest

__all__ = ["CommandSuite"]

_CONFIG = b"""\
backend: {name: %s, branch: main, %s}
publish_mode: editorial_workflow
collections: [{name: posts, folder: content/posts}]
"""


class CommandSuite:
    """The tests; the plugin has the fixtures `forge`, where ``full-token`` may write, and `start`.

    :cvar pull: how the address of the first pull request ends.
    :cvar refusal: what the forge says of a wrong token.
    :cvar operations: what `backends check` tells of some operations.
    :cvar token: what may write.
    """

    backend: ClassVar[str]
    repo: ClassVar[str]
    pull: ClassVar[str]
    refusal: ClassVar[bytes]
    operations: ClassVar[tuple[str, ...]]
    token: ClassVar[str] = "full-token"

    @property
    def variable(self) -> str:
        return f"COPYDESK_{self.backend.upper().replace('-', '_')}_TOKEN"

    def place(self, simulator) -> str:
        """Give the options that say where the repository is."""
        return f'repo: {self.repo}, api_root: "{simulator.url}{simulator.root}"'

    @pytest.fixture
    def copydesk(self, forge, start, tmp_path) -> Callable[..., subprocess.CompletedProcess[bytes]]:
        """Run the command in the top directory of a site whose repository is on the forge."""
        simulator = start()
        config = _CONFIG % (self.backend.encode(), self.place(simulator).encode())
        files = {"admin/config.yml": config, "content/posts/hello.md": b"hello\n"}
        forge.add_repository(self.repo, files)
        (tmp_path / "admin").mkdir()
        (tmp_path / "admin/config.yml").write_bytes(config)

        def run(
            *arguments: str, stdin: bytes = b"", token: str = self.token
        ) -> subprocess.CompletedProcess[bytes]:
            clean = {key: value for key, value in os.environ.items() if not key.startswith("COPYDESK_")}
            given = {**clean, "COPYDESK_CACHE": "off", **({self.variable: token} if token else {})}
            command = [sys.executable, "-m", "copydesk", *arguments]
            return subprocess.run(
                command, cwd=tmp_path, input=stdin, capture_output=True, check=False, env=given
            )

        return run

    def test_entry_goes_its_way_by_the_command(self, copydesk, forge):
        saved = copydesk("save", "posts", "new", "-", stdin=b"new\n")
        assert saved.stdout.startswith(b"saved: posts new (draft, pull request #1) at "), saved.stderr
        listed = json.loads(copydesk("entries", "--drafts", "--json").stdout)
        assert [each["slug"] for each in listed] == ["new"]
        assert listed[0]["url"].endswith(self.pull)
        assert copydesk("status", "posts", "new", "pending_publish").returncode == 0
        assert b"+new" in copydesk("diff", "posts", "new").stdout
        assert copydesk("publish", "posts", "new").returncode == 0
        assert copydesk("cat", "content/posts/new.md").stdout == b"new\n"
        assert [name for name, _ in forge.repository(self.repo).branches()] == ["main"]

    def test_token_that_is_missing_is_told_with_every_remedy(self, copydesk):
        done = copydesk("entries", token="")
        assert done.returncode == 1
        told = " ".join(done.stderr.decode().split())
        assert told == (
            f"copydesk: the {self.backend.replace('-', '_')} backend needs a credential: "
            f"log in with `copydesk login`, set {self.variable}, or pass credential="
        )

    def test_token_that_is_wrong_is_told_and_not_shown(self, copydesk):
        done = copydesk("entries", token="wr0ng-t0ken")
        assert done.returncode == 1
        assert self.refusal in done.stderr
        assert b"wr0ng-t0ken" not in done.stderr

    def test_check_shows_what_it_can_do(self, copydesk):
        shown = copydesk("backends", "check", self.backend).stdout.decode()
        lines = [re.sub(" +", " ", line).strip() for line in shown.splitlines()]
        assert set(self.operations) <= set(lines)
