"""How many requests each step costs, exactly; from an open repository that knows its base and the entry."""

from __future__ import annotations

import sys

import pytest

pytest.importorskip("simulators.gitea", reason="the simulators are not beside these tests")

from copydesk.models import Mode, NewCommit, Put
from means.costs import FILES, PNG, Site, propose_many

REPO = "owner/site"
STATUSES = ("draft", "pending_review", "pending_publish")


@pytest.fixture
def open_counted(open_site):
    def opener(**knobs: object) -> Site:
        repository = open_site(branch="main")
        for name, value in knobs.items():
            setattr(repository.simulator, name, value)
        return Site(repository, repository.simulator)

    return opener


@pytest.fixture
def site(forge, open_counted) -> Site:
    """A site whose labels are there and known, as from the second draft on."""
    store = forge.add_repository(REPO, FILES)
    for status in STATUSES:
        store.create_label(f"netlify-cms/{status}")
    store.commit_files("cms/posts/first", {"content/posts/first.md": b"x\n"}, "x", start="main")
    store.open_pull("x", "cms/posts/first", "main", labels=[f"netlify-cms/{each}" for each in STATUSES])
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
        with site.costs(2):
            site.workflow.set_status("posts", "new", status)
    # The answer to a merge is empty: the second look tells the commit, and whether the branch is gone.
    with site.costs(2):
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


def test_first_draft_of_a_site_makes_its_label(forge, open_counted):
    """The labels are looked for, and the one that is missing made: two requests more, once."""
    forge.add_repository(REPO, FILES)
    site = open_counted()
    site.look("new")
    with site.costs(2 + 2):
        site.workflow.save("posts", "new", b"new\n")
    with site.costs(2 + 2):
        site.workflow.set_status("posts", "new", "pending_review")
    with site.costs(2):
        site.workflow.set_status("posts", "new", "draft")


def test_draft_from_a_commit_that_no_branch_was_seen_at(site, open_counted):
    """A branch there is looked for, whose name the request needs."""
    head = site.repository.get_branch("main").commit_sha
    other = open_counted()
    other.repository.list_files(head)
    with other.costs(2):
        other.repository.commit_changes(
            NewCommit("cms/posts/new", head, (Put("new.md", b"new"),), "x", creates_branch=True)
        )


def test_draft_from_a_commit_that_no_branch_is_at(site, forge, open_counted):
    """The branch is made at exactly that commit first."""
    before = site.repository.get_branch("main").commit_sha
    forge.repository(REPO).commit_files("main", {"beside.md": b"x"})
    other = open_counted()
    other.repository.list_files(before)
    with other.costs(3):
        made = other.repository.commit_changes(
            NewCommit("cms/posts/new", before, (Put("new.md", b"new"),), "x", creates_branch=True)
        )
    assert made.parent_commit_shas == (before,)


def test_executable_goes_by_patch(site):
    """One look at the head more."""
    site.look("new")
    repository = site.repository
    head = repository.get_branch("main").commit_sha
    repository.list_files(head)
    with site.costs(2):
        repository.commit_changes(NewCommit("main", head, (Put("run.sh", b"#!", mode=Mode.EXECUTABLE),), "x"))


def test_move_without_an_edit_reads_the_file(site):
    site.look("new")
    new = site.workflow.save("posts", "new", b"new\n")
    with site.costs(2):
        site.workflow.save(
            "posts", "new", {}, based_on=new.versions, move={"content/posts/new.md": "content/posts/newer.md"}
        )


def test_update_from_base(site, forge):
    """A look, the update, and where the branch is then; nothing new in the base costs the look."""
    site.look("new")
    site.workflow.save("posts", "new", b"new\n")
    (pull,) = site.repository.list_pull_requests("open", "main", "cms/posts/new")
    with site.costs(1):
        assert site.repository.update_from_base(pull).commit_sha == pull.head_commit_sha
    forge.repository(REPO).commit_files("main", {"beside.md": b"x"})
    with site.costs(3):
        assert site.repository.update_from_base(pull).commit_sha != pull.head_commit_sha


def test_warm_and_unchanged(site):
    site.look()
    site.workflow.published("posts")
    with site.costs(1):
        site.workflow.published("posts")


@pytest.mark.parametrize("count", [5, pytest.param(70, marks=pytest.mark.long)])
def test_entries(forge, open_counted, count):
    """One request per 50, and one for each draft, which tells its files."""
    propose_many(forge.add_repository(REPO, FILES), count)
    site = open_counted()
    site.look()
    with site.costs(-(-count // 50) + count):
        assert len(site.workflow.entries()) == count


@pytest.mark.parametrize(
    ("batches", "requests"), [(("file-contents",), 2), (("blobs",), 3), ((), 4)], ids=str
)
def test_cold_load_of_a_folder_without_git(forge, open_counted, monkeypatch, batches, requests):
    """From a known head a listing and 30 files a request; without such a way, which is tried once, an archive."""
    monkeypatch.setitem(sys.modules, "dulwich", None)
    files = {f"content/posts/p{number}.md": b"%d\n" % number for number in range(29)}
    forge.add_repository(REPO, {**files, **FILES})
    site = open_counted(batches=batches)
    repository = site.repository
    head = repository.get_branch("main").commit_sha
    with site.costs(requests):
        read = repository.read_folder(head, "content/posts")
    assert len(read) == 30
