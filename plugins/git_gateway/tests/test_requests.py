"""How many requests each step costs at the gateway, exactly; from an open repository that knows base and entry."""

from __future__ import annotations

import pytest

pytest.importorskip("simulators.git_gateway", reason="the simulators are not beside these tests")

from means.costs import FILES, PNG, Site, propose_many


@pytest.fixture(params=["github", "gitlab"])
def place(request, behind):
    """A site whose gateway counts."""
    return behind(request.param, files=FILES, modes={})


@pytest.fixture
def open_counted(place, settings):
    return lambda: Site(place.open(settings), place.gateway)


@pytest.fixture
def site(open_counted) -> Site:
    return open_counted()


@pytest.fixture
def by(place):
    """Choose a number by the forge behind the gateway."""
    return lambda github, gitlab: github if place.name == "github" else gitlab


def asked(place) -> list[str]:
    return [f"{each.method} {each.path.removeprefix(place.gateway.root)}" for each in place.gateway.log]


def test_opening_asks_for_the_settings(place, settings):
    place.open(settings)
    assert asked(place) == ["GET /settings"]


def test_opening_by_an_address_that_names_the_forge_asks_nothing(place, settings):
    place.open(settings, gateway_url=f"{place.options['gateway_url']}/{place.name}")
    assert asked(place) == []


def test_whole_way(site, by):
    site.look("new")
    path = "content/posts/new.md"
    with site.costs(by(6, 2)):  # GitHub: 5 and the image
        made = site.workflow.save("posts", "new", {path: b"new\n", "static/img/new.png": PNG})
    with site.costs(by(3, 1)):
        saved = site.workflow.save("posts", "new", b"newer\n", based_on=made.versions)
    with site.costs(by(4, 1)):
        site.workflow.save("posts", "new", {"static/img/new.png": PNG + b"\0"}, based_on=saved.versions)
    for status in ("pending_review", "pending_publish", "pending_review", "pending_publish"):
        with site.costs(by(2, 1)):
            site.workflow.set_status("posts", "new", status)
    with site.costs(by(2, 1)):
        site.workflow.publish("posts", "new")


def test_new_entry_without_an_image(site, by):
    site.look("new")
    with site.costs(by(5, 2)):
        site.workflow.save("posts", "new", b"new\n")


def test_discard(site):
    site.look("new")
    site.workflow.save("posts", "new", b"new\n")
    with site.costs(2):
        site.workflow.discard("posts", "new")


def test_edit_of_what_is_published(site, by):
    site.look()
    entry = site.workflow.get("posts", "hello")
    with site.costs(by(5, 2)):
        site.workflow.save("posts", "hello", b"other\n", based_on=entry.versions)


def test_warm_and_unchanged(site, place):
    site.look()
    site.workflow.published("posts")
    with site.costs(1):
        site.workflow.published("posts")
    assert place.gateway.log[-1].status == (304 if place.name == "github" else 200)


def test_entries(place, open_counted):
    """One request per 100, and one more for each draft, which tells its files."""
    propose_many(place.site, 101)
    site = open_counted()
    site.look()
    with site.costs(2 + 101):
        assert len(site.workflow.entries()) == 101


def test_owner_is_asked_for_once(place, site, by):
    """GitHub finds a pull request by owner and branch; the gateway does not say whose the repository is."""
    for slug in ("one", "two"):
        with site.costs(by(1 if slug == "two" else 2, 1)):
            assert site.repository.list_pull_requests("open", head=f"cms/posts/{slug}") == ()
    branches = [each for each in asked(place) if each == "GET /github/branches/main"]
    assert len(branches) == by(1, 0)


def test_first_look_at_who_edits(site):
    """The token tells whose it is; the gateway, that it takes it."""
    with site.costs(1):
        assert site.repository.authenticate().user.login == "ann@example.org"
    with site.costs(0):
        site.repository.get_repository()
