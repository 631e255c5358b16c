"""How many requests each step costs, exactly; from an open repository that knows its base and the entry."""

from __future__ import annotations

import sys

import pytest

pytest.importorskip("simulators.github", reason="the simulators are not beside these tests")

from means.costs import FILES, PNG, Site, propose_many


@pytest.fixture(params=["graphql", "rest"])
def site(request, forge, open_site):
    forge.add_repository("owner/site", FILES)
    repository = open_site(branch="main", use_graphql=request.param == "graphql")
    return Site(repository, repository.simulator)


@pytest.fixture
def by(site):
    """Choose a number by how the backend speaks."""
    return lambda graphql, rest: graphql if site.repository.options.use_graphql else rest


def test_whole_way(site, by):
    site.look("new")
    path = "content/posts/new.md"
    with site.costs(by(2, 6)):  # REST: 5 and the image
        made = site.workflow.save("posts", "new", {path: b"new\n", "static/img/new.png": PNG})
    with site.costs(by(1, 3)):
        saved = site.workflow.save("posts", "new", b"newer\n", based_on=made.versions)
    with site.costs(by(1, 4)):
        site.workflow.save("posts", "new", {"static/img/new.png": PNG + b"\0"}, based_on=saved.versions)
    with site.costs(by(2, 2)):  # the first label of its name has no id yet
        site.workflow.set_status("posts", "new", "pending_review")
    with site.costs(by(2, 2)):
        site.workflow.set_status("posts", "new", "pending_publish")
    with site.costs(by(1, 2)):
        site.workflow.set_status("posts", "new", "pending_review")
    with site.costs(by(1, 2)):
        site.workflow.set_status("posts", "new", "pending_publish")
    with site.costs(2):
        site.workflow.publish("posts", "new")


def test_discard(site, by):
    site.look("new")
    site.workflow.save("posts", "new", b"new\n")
    with site.costs(by(1, 2)):
        site.workflow.discard("posts", "new")


def test_edit_of_what_is_published(site, by):
    site.look()
    entry = site.workflow.get("posts", "hello")
    with site.costs(by(2, 5)):
        site.workflow.save("posts", "hello", b"other\n", based_on=entry.versions)


def test_warm_and_unchanged(site):
    site.look()
    site.workflow.published("posts")
    with site.costs(1):
        site.workflow.published("posts")
    assert site.repository.simulator.log[-1].status == 304


@pytest.mark.parametrize("way", ["graphql", "rest"])
def test_entries(forge, open_site, way):
    """By REST one request more for each draft, which tells its files."""
    propose_many(forge.add_repository("owner/site", FILES), 120)
    repository = open_site(branch="main", use_graphql=way == "graphql")
    site = Site(repository, repository.simulator)
    site.look()
    with site.costs(2 if way == "graphql" else 2 + 120):
        assert len(site.workflow.entries()) == 120


def test_publish_where_the_repository_deletes_merged_branches(site, forge, by):
    forge.repository("owner/site").delete_branch_on_merge = True
    site.look("new")
    site.workflow.save("posts", "new", b"new\n")
    site.workflow.set_status("posts", "new", "pending_publish")
    with site.costs(by(1, 2)):
        site.workflow.publish("posts", "new")


@pytest.mark.parametrize(("count", "requests"), [(150, 2 + 2), (1000, 2 + 2)])
def test_cold_load_without_git(forge, open_site, monkeypatch, count, requests):
    """The head and the tree, and then the cheaper one of batches and the archive, which is two requests."""
    monkeypatch.setitem(sys.modules, "dulwich", None)
    files = {f"content/posts/p{number}.md": b"%d\n" % number for number in range(count)}
    forge.add_repository("owner/site", files)
    repository = open_site()
    head = repository.get_branch("main").commit_sha
    entries = repository.list_files(head)
    assert len(repository.read_files(head, entries)) == count
    log = repository.simulator.log
    assert len(log) == requests
    assert log[-1].path.endswith("/graphql" if count == 150 else f"/legacy.tar.gz/{head}")
