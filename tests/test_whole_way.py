"""Everything that an editor does with a site, on the content of a real one and on a small one of our own."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest
from copydesk import Status, User, Workflow, open_repository
from copydesk.config import parse_config

BUNDLE = Path(__file__).parents[2] / "shared/sites/kaldi.bundle"
ANN = User("ann", "Ann", "ann@example.org")
IMAGE = (b"\x89PNG\r\n\x1a\n" + bytes(range(256))) * 40


@attrs.frozen
class Given:
    path: Path
    config: str
    collection: str
    new: str
    deleted: str
    unpublished: str
    label: str


@pytest.fixture(params=["kaldi", "small"])
def given(request, tmp_path, git, site_path):
    if request.param == "small":
        return Given(site_path, "admin/config.yml", "posts", "new", "world", "hello", "Post")
    if not BUNDLE.exists():
        pytest.skip(f"the bundle of the real site is not at {BUNDLE}")
    path = tmp_path / "kaldi.git"
    git(tmp_path, "clone", "-q", "--bare", str(BUNDLE), str(path))
    git(path, "config", "user.name", "Site Owner")
    git(path, "config", "user.email", "owner@example.org")
    config = "site/static/admin/config.yml"
    return Given(path, config, "post", "new-brew/index", "jamaica-blue/index", "making-sense/index", "Post")


@pytest.fixture
def workflow(given):
    with open_repository("local", repo=given.path) as repository:
        head = repository.get_branch("main").commit_sha
        site = parse_config(repository.read_file(head, given.config).content, given.config)
        yield Workflow(repository, attrs.evolve(site, publish_mode="editorial_workflow"))


def published(workflow, collection):
    return {entry.slug for entry in workflow.published(collection)}


def through_review(workflow, collection, slug):
    for status in (Status.PENDING_REVIEW, Status.PENDING_PUBLISH):
        assert workflow.set_status(collection, slug, status).status is status
    return workflow.publish(collection, slug)


def test_every_entry_of_every_collection_is_read(given, workflow, git):
    """The bytes are those that git has."""
    entries = [entry for kind in workflow.site.collections for entry in workflow.published(kind.name)]
    assert len(entries) >= 6
    for entry in entries:
        (file,) = workflow.read(entry)
        assert file.content.decode().strip() == git(given.path, "cat-file", "-p", f"main:{file.path}")


def test_whole_way(given, workflow, git):
    kind, before = given.collection, published(workflow, given.collection)
    path = workflow.site.collection(kind).path_of(given.new)
    image = f"{workflow.site.media_folder}/new.png"

    draft = workflow.save(kind, given.new, {path: b"# New\n", image: IMAGE}, author=ANN)
    assert (draft.status, draft.changed_paths) == (Status.DRAFT, tuple(sorted((path, image))))
    through_review(workflow, kind, given.new)
    assert published(workflow, kind) == before | {given.new}
    assert next(f for f in workflow.list_media() if f.path == image)

    opened = workflow.get(kind, given.deleted)
    edited = workflow.save(kind, given.deleted, b"# Last words\n", based_on=opened.versions, author=ANN)
    assert workflow.delete(kind, given.deleted, based_on=edited.versions, author=ANN).deletes
    assert given.deleted in published(workflow, kind)
    assert through_review(workflow, kind, given.deleted).deletes
    assert published(workflow, kind) == (before | {given.new}) - {given.deleted}

    opened = workflow.get(kind, given.unpublished)
    content = workflow.read(opened)[0].content
    again = workflow.unpublish(kind, given.unpublished, based_on=opened.versions, author=ANN)
    assert again.status is Status.PENDING_PUBLISH
    assert given.unpublished not in published(workflow, kind)
    assert workflow.read(workflow.publish(kind, given.unpublished))[0].content == content

    assert workflow.entries() == ()
    assert workflow.repair() == ()
    assert git(given.path, "fsck", "--strict") == ""
    messages = git(given.path, "log", "--format=%s", "main").splitlines()
    for template, slug in (
        ("Create", given.new),
        ("Update", given.deleted),
        ("Delete", given.deleted),
        ("Delete", given.unpublished),
        ("Create", given.unpublished),
    ):
        assert f"{template} {given.label} “{slug}”" in messages
