"""How many requests each step costs, exactly; from an open repository that knows its base and the entry."""

from __future__ import annotations

import sys

import pytest

pytest.importorskip("simulators.gitlab", reason="the simulators are not beside these tests")

from means.costs import FILES, PNG, Site, propose_many

REPO = "group/sub/site"


@pytest.fixture(params=["graphql", "rest"])
def open_counted(request, forge, open_site):
    def opener() -> Site:
        repository = open_site(branch="main", use_graphql=request.param == "graphql")
        return Site(repository, repository.simulator)

    return opener


@pytest.fixture
def site(forge, open_counted) -> Site:
    forge.add_repository(REPO, FILES)
    return open_counted()


def test_whole_way(site):
    site.look("new")
    path = "content/posts/new.md"
    with site.costs(2):
        made = site.workflow.save("posts", "new", {path: b"new\n", "static/img/new.png": PNG})
    with site.costs(1):
        saved = site.workflow.save("posts", "new", b"newer\n", based_on=made.versions)
    with site.costs(1):
        site.workflow.save("posts", "new", {"static/img/new.png": PNG + b"\0"}, based_on=saved.versions)
    for status in ("pending_review", "pending_publish", "pending_review", "pending_publish"):
        with site.costs(1):
            site.workflow.set_status("posts", "new", status)
    with site.costs(1):
        site.workflow.publish("posts", "new")


def test_discard(site):
    site.look("new")
    site.workflow.save("posts", "new", b"new\n")
    with site.costs(2):
        site.workflow.discard("posts", "new")


def test_edit_of_what_is_published(site):
    site.look()
    entry = site.workflow.get("posts", "hello")
    with site.costs(2):
        site.workflow.save("posts", "hello", b"other\n", based_on=entry.versions)


def test_update_of_a_draft_by_who_has_just_read_it(site, open_counted):
    """The bytes come with their last commits: the save knows them."""
    site.workflow.save("posts", "new", {"content/posts/new.md": b"new\n", "static/img/new.png": PNG})
    other = open_counted()
    other.look("new")
    entry = other.workflow.get("posts", "new")
    other.repository.list_files(entry.commit_sha)
    assert len(other.workflow.read(entry)) == 2
    with other.costs(1):
        other.workflow.save("posts", "new", b"newer\n", based_on=entry.versions)


@pytest.mark.parametrize("files", [1, 2])
def test_update_of_a_draft_whose_last_commits_are_not_known(site, open_counted, files):
    """One request more for each file that is replaced."""
    contents = {"content/posts/new.md": b"new\n", "static/img/new.png": PNG}
    site.workflow.save("posts", "new", contents)
    other = open_counted()
    other.look("new")
    entry = other.workflow.get("posts", "new")
    other.repository.list_files(entry.commit_sha)
    changed = {path: content + b"!" for path, content in list(contents.items())[:files]}
    with other.costs(1 + files):
        other.workflow.save("posts", "new", changed, based_on=entry.versions)


def test_warm_and_unchanged(site):
    site.look()
    site.workflow.published("posts")
    with site.costs(1):
        site.workflow.published("posts")


@pytest.mark.parametrize("count", [20, pytest.param(120, marks=pytest.mark.long)])
def test_entries(forge, open_counted, count):
    """By GraphQL one request per 100, by REST one more for each draft, which tells its files."""
    propose_many(forge.add_repository(REPO, FILES), count)
    site = open_counted()
    site.look()
    pages = -(-count // 100)
    with site.costs(pages if site.repository.options.use_graphql else pages + count):
        assert len(site.workflow.entries()) == count


def test_entries_that_a_listing_does_not_tell_of(site):
    """A deletion and a move cost one request more each, for GraphQL tells neither."""
    hello = site.workflow.get("posts", "hello")
    site.workflow.delete("posts", "hello", based_on=hello.versions)
    new = site.workflow.save("posts", "new", b"new\n")
    site.workflow.save(
        "posts", "new", {}, based_on=new.versions, move={"content/posts/new.md": "content/posts/newer.md"}
    )
    site.workflow.save("posts", "plain", {"content/posts/plain.md": b"x\n", "static/img/x.png": PNG})
    # The draft that only moved a file it had made adds lines, so it is told: the deletion alone is not.
    with site.costs(3 if site.repository.options.use_graphql else 1 + 3):
        entries = {entry.slug: entry for entry in site.workflow.entries()}
    assert entries["hello"].deletes
    assert entries["new"].path == "content/posts/newer.md"
    assert set(entries["plain"].changed_paths) == {"content/posts/plain.md", "static/img/x.png"}


def test_cold_load_of_a_thousand_files_without_git(forge, open_counted, monkeypatch):
    """From a known head two requests, by archive, whole and checked; one more to find the head."""
    monkeypatch.setitem(sys.modules, "dulwich", None)
    files = {f"content/posts/p{number}.md": b"%d\n" % number for number in range(1000)}
    forge.add_repository(REPO, {**files, **FILES})
    site = open_counted()
    repository = site.repository
    with site.costs(1):
        head = repository.get_branch("main").commit_sha
    with site.costs(2):
        read = repository.read_folder(head, "content/posts")
    assert {file.path: file.content for file in read} == {
        **files,
        "content/posts/hello.md": FILES["content/posts/hello.md"],
    }
    with site.costs(0):
        assert len(repository.list_files(head, "content/posts")) == 1001
