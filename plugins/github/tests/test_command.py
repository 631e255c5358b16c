"""The command on GitHub: the same words as on disk, with a token from the environment."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import pytest

pytest.importorskip("simulators.github", reason="the simulators are not beside these tests")

CONFIG = b"""\
backend: {name: github, repo: owner/site, branch: main, api_root: ROOT}
publish_mode: editorial_workflow
collections: [{name: posts, folder: content/posts}]
"""


@pytest.fixture
def copydesk(forge, start, tmp_path):
    """Run the command in the top directory of a site whose repository is on GitHub."""
    simulator = start()
    config = CONFIG.replace(b"ROOT", simulator.url.encode())
    files = {"admin/config.yml": config, "content/posts/hello.md": b"hello\n"}
    forge.add_repository("owner/site", files)
    (tmp_path / "admin").mkdir()
    (tmp_path / "admin/config.yml").write_bytes(config)

    def run(
        *arguments: str, stdin: bytes = b"", token: str = "full-token"
    ) -> subprocess.CompletedProcess[bytes]:
        clean = {key: value for key, value in os.environ.items() if not key.startswith("COPYDESK_")}
        given = {**clean, "COPYDESK_GITHUB_TOKEN": token} if token else clean
        command = [sys.executable, "-m", "copydesk", *arguments]
        return subprocess.run(command, cwd=tmp_path, input=stdin, capture_output=True, check=False, env=given)

    return run


def test_entry_goes_its_way_by_the_command(copydesk, forge):
    saved = copydesk("save", "posts", "new", "-", stdin=b"new\n")
    assert saved.stdout.startswith(b"saved: posts new (draft, pull request #1) at "), saved.stderr
    listed = json.loads(copydesk("entries", "--drafts", "--json").stdout)
    assert [each["slug"] for each in listed] == ["new"]
    assert listed[0]["url"].endswith("/owner/site/pull/1")
    for status in ("pending_review", "pending_publish"):
        assert copydesk("status", "posts", "new", status).returncode == 0
    assert b"+new" in copydesk("diff", "posts", "new").stdout
    assert copydesk("publish", "posts", "new").returncode == 0
    assert copydesk("cat", "content/posts/new.md").stdout == b"new\n"
    assert [name for name, _ in forge.repository("owner/site").branches()] == ["main"]


def test_token_that_is_missing_is_told_with_every_remedy(copydesk):
    done = copydesk("entries", token="")
    assert done.returncode == 1
    told = " ".join(done.stderr.decode().split())
    assert told == (
        "copydesk: the github backend needs a credential: set COPYDESK_GITHUB_TOKEN, or pass credential="
    )


def test_token_that_is_wrong_is_told_and_not_shown(copydesk):
    done = copydesk("entries", token="wr0ng-t0ken")
    assert done.returncode == 1
    assert b"Bad credentials" in done.stderr
    assert b"wr0ng-t0ken" not in done.stderr


def test_check_shows_what_it_can_do(copydesk):
    shown = copydesk("backends", "check", "github").stdout.decode()
    assert re.search(r"^commit_changes +required +the backend$", shown, re.MULTILINE)
    assert re.search(r"^propose_changes +core default +the backend$", shown, re.MULTILINE)
