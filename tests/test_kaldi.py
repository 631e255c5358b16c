"""The content of a real site: a roastery's, edited with Netlify CMS."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import attrs
import pytest
from copydesk import Status, User, Workflow, open_repository
from copydesk.config import parse_config

BUNDLE = Path(__file__).parents[2] / "shared/sites/kaldi.bundle"
CONFIG = "site/static/admin/config.yml"
POST = "site/content/post/new-brew/index.md"
IMAGE = "site/static/img/new-brew.png"

pytestmark = pytest.mark.skipif(not BUNDLE.exists(), reason=f"the bundle of the real site is not at {BUNDLE}")


@pytest.fixture
def kaldi(tmp_path, git):
    path = tmp_path / "kaldi.git"
    git(tmp_path, "clone", "-q", "--bare", str(BUNDLE), str(path))
    git(path, "config", "user.name", "Site Owner")
    git(path, "config", "user.email", "owner@example.org")
    return path


def test_its_configuration_is_read_and_its_collections_listed(kaldi):
    with open_repository("local", repo=kaldi) as repository:
        head = repository.get_branch("main").commit_sha
        site = parse_config(repository.read_file(head, CONFIG).content, CONFIG)
        workflow = Workflow(repository, site)
        found = {
            each.name: [entry.slug for entry in workflow.published(each.name)] for each in site.collections
        }
    assert (site.backend, site.media_folder, site.publish_mode) == (
        "git-gateway",
        "site/static/img",
        "simple",
    )
    assert found == {
        "post": ["brewing-chemex/index", "jamaica-blue/index", "making-sense/index"],
        "pages": ["home", "contact", "products", "values"],
        "site_settings": ["footer", "config"],
    }


def test_post_with_an_image_goes_through_the_three_states(kaldi, git):
    image = (b"\x89PNG\r\n\x1a\n" + bytes(range(256))) * 40
    with open_repository("local", repo=kaldi) as repository:
        head = repository.get_branch("main").commit_sha
        site = parse_config(repository.read_file(head, CONFIG).content, CONFIG)
        workflow = Workflow(repository, attrs.evolve(site, publish_mode="editorial_workflow"))
        ann = User("ann", "Ann", "ann@example.org")
        entry = workflow.save("post", "new-brew", {POST: b"# New\n", IMAGE: image}, author=ann)
        assert entry.status is Status.DRAFT
        for status in (Status.PENDING_REVIEW, Status.PENDING_PUBLISH):
            entry = workflow.set_status("post", "new-brew", status)
        assert [each.changed_paths for each in workflow.entries()] == [(POST, IMAGE)]
        workflow.publish("post", "new-brew")
        head = repository.get_branch("main").commit_sha
        assert repository.read_file(head, IMAGE).content == image
    assert git(kaldi, "fsck", "--strict") == ""
    assert git(kaldi, "log", "--format=%s", "-2", "main").splitlines() == [
        "Publish: Create Post “new-brew/index”",
        "Create Post “new-brew/index”",
    ]


@pytest.mark.long  # some seconds
def test_same_by_the_command(kaldi, git, tmp_path):
    def copydesk(*arguments: str) -> str:
        where = ("--backend", "local", "-o", f"repo={kaldi}", "--publish-mode", "editorial_workflow")
        done = subprocess.run(
            [sys.executable, "-m", "copydesk", *arguments, *where],
            cwd=tmp_path,
            capture_output=True,
            check=True,
            env={**os.environ, "COLUMNS": "200"},
        )
        return done.stdout.decode()

    (tmp_path / "post.md").write_text("# New\n")
    (tmp_path / "brew.png").write_bytes(b"\x89PNG")
    assert "brewing-chemex/index" in copydesk("entries")
    copydesk("save", "post", "new-brew", "post.md", "--media", f"{IMAGE}=brew.png")
    copydesk("status", "post", "new-brew", "pending_review")
    copydesk("status", "post", "new-brew", "pending_publish")
    copydesk("publish", "post", "new-brew")
    listed = {each["slug"]: each["status"] for each in json.loads(copydesk("entries", "post", "--json"))}
    assert listed["new-brew/index"] == "published"
    assert git(kaldi, "cat-file", "-p", f"main:{POST}") == "# New"
    assert git(kaldi, "fsck", "--strict") == ""
