"""How many requests each step costs, exactly; from an open repository that knows its base and the entry."""

from __future__ import annotations

import sys

import pytest

pytest.importorskip("simulators.bitbucket", reason="the simulators are not beside these tests")

from copydesk.errors import RateLimitedError
from means.costs import FILES, PNG, Site


@pytest.fixture
def open_counted(open_site):
    def opener() -> Site:
        repository = open_site(branch="main")
        return Site(repository, repository.simulator)

    return opener


@pytest.fixture
def site(forge, open_counted) -> Site:
    forge.add_repository("owner/site", FILES)
    return open_counted()


def test_whole_way(site):
    site.look("new")
    path = "content/posts/new.md"
    with site.costs(3):
        made = site.workflow.save("posts", "new", {path: b"new\n", "static/img/new.png": PNG})
    with site.costs(1):
        saved = site.workflow.save("posts", "new", b"newer\n", based_on=made.versions)
    with site.costs(1):
        site.workflow.save("posts", "new", {"static/img/new.png": PNG + b"\0"}, based_on=saved.versions)
    for status in ("pending_review", "pending_publish", "pending_review", "pending_publish"):
        with site.costs(1):
            site.workflow.set_status("posts", "new", status)
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
    with site.costs(3):
        site.workflow.save("posts", "hello", b"other\n", based_on=entry.versions)


def test_update_of_a_draft_by_who_has_just_read_it(site, open_counted):
    site.workflow.save("posts", "new", {"content/posts/new.md": b"new\n", "static/img/new.png": PNG})
    other = open_counted()
    other.look("new")
    entry = other.workflow.get("posts", "new")
    other.workflow.read(entry)
    other.repository.list_files(entry.commit_sha)
    with other.costs(1):
        other.workflow.save("posts", "new", b"newer\n", based_on=entry.versions)


def test_warm_and_unchanged(site):
    site.look()
    site.workflow.published("posts")
    with site.costs(1):
        site.workflow.published("posts")


@pytest.mark.parametrize(
    ("count", "others"), [(20, 0), pytest.param(60, 0, marks=pytest.mark.long), (20, 130)]
)
def test_entries(forge, open_counted, count, others):
    """One per 50 pull requests, one per 100 branches, and each draft's comments and what it changes."""
    stored = forge.add_repository("owner/site", FILES)
    for number in range(others):
        stored.commit_files(f"feature/{number}", {"x.md": b"x"}, "x", start="main")
    for number in range(count):
        branch = f"cms/posts/p{number}"
        stored.commit_files(branch, {f"content/posts/p{number}.md": b"x\n"}, "x", start="main")
        pull = stored.open_pull("x", branch, "main")
        stored.comment(pull, stored.owner, "netlify-cms/draft")
    site = open_counted()
    site.look()
    branches = 1 + others + count
    with site.costs(-(-count // 50) + -(-branches // 100) + 2 * count):
        entries = site.workflow.entries()
    assert len(entries) == count
    assert {(entry.status, entry.problem) for entry in entries} == {("draft", "")}


def test_load_that_does_not_fit_into_the_hour_is_refused_before_it_starts(forge, open_counted):
    """Bitbucket allows 1,000 an hour and does not count them in its answers."""
    forge.add_repository("owner/site", {f"p/{number}.md": b"%d" % number for number in range(1000)})
    site = open_counted()
    head = site.repository.get_branch("main").commit_sha
    entries = site.repository.list_files(head, "p")
    with site.costs(0), pytest.raises(RateLimitedError, match="nothing was done; come back then") as caught:
        site.repository.read_files(head, entries)
    assert caught.value.retry_at is not None
    with site.costs(100):
        assert len(site.repository.read_files(head, entries[:100])) == 100


def test_load_that_never_fits_says_so(forge, open_counted, monkeypatch):
    monkeypatch.setitem(sys.modules, "dulwich", None)  # git has limits of its own
    forge.add_repository("owner/site", {f"p/{number}.md": b"%d" % number for number in range(1001)})
    site = open_counted()
    head = site.repository.get_branch("main").commit_sha
    # The second time it is known what there is.
    for listing in (11, 0):
        with (
            site.costs(listing),
            pytest.raises(RateLimitedError, match="1001 requests, and bitbucket allows 1000 an hour"),
        ):
            site.repository.read_folder(head, "p")
