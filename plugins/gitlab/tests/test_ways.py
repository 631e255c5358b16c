"""GitLab's ways to read many files: what each costs, exactly, and that its bytes are git's."""

from __future__ import annotations

import pytest

pytest.importorskip("simulators.gitlab", reason="the simulators are not beside these tests")

import attrs
from copydesk.errors import (
    NotFoundError,
    NotSupportedError,
    ProtocolError,
    RateLimitedError,
    UnavailableError,
)
from copydesk.models import Credential
from copydesk.testing import Answer, CutBody
from copydesk.ways import Cost, Listing, Wanted
from copydesk_gitlab.api import JOB_TOKEN, git_address
from means.ways import FILES, MODES, bytes_of, entries_of, go, way_of
from simulators.archives import git_archive

REPO = "group/sub/site"


@pytest.fixture
def seeded(forge):
    return forge.add_repository(REPO, FILES, modes=MODES)


def whole(seeded, folder: str = "") -> Wanted:
    return Wanted((seeded.head("main"),), folder)


def some(seeded, folder: str = "") -> Wanted:
    return attrs.evolve(whole(seeded, folder), entries=entries_of(seeded, folder, sizes=False))


def names(repository) -> list[str]:
    return [way.name for way in repository.backends[0].list_ways()]


def test_ways_by_what_may_be_asked(seeded, forge, open_site):
    """Where no way of git's own is installed."""
    forge.add_token("job-token", forge.add_user("runner"))
    assert names(open_site()) == ["graphql", "archive"]
    assert names(open_site(use_graphql=False)) == ["archive"]
    assert names(open_site(token=Credential("job-token", scheme=JOB_TOKEN))) == ["archive"]


# -- archives ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("folder", ["", "p"])
def test_archive_of_a_whole_folder(seeded, open_site, folder):
    """Two requests tell what the files are, prove it, and give them."""
    entries = entries_of(seeded, folder)
    listings, found = go(open_site(), "archive", whole(seeded, folder))
    assert listings == [Listing(seeded.head("main"), folder, entries)]
    assert found == bytes_of(seeded, entries)


def test_listing_comes_first(seeded, open_site):
    given = way_of(open_site(), "archive").read(whole(seeded, "q"))
    assert isinstance(next(given), Listing)
    assert list(given) == [b"a\n", b"\xc3\xbc\n"]


def test_archive_that_does_not_fit_into_memory(seeded, open_site, monkeypatch):
    """It waits in a file meanwhile."""
    monkeypatch.setattr("copydesk_gitlab.archive._IN_MEMORY", 4)
    _, found = go(open_site(), "archive", whole(seeded))
    assert found == bytes_of(seeded, entries_of(seeded))


def test_folder_that_is_not_there_is_empty(seeded, open_site):
    """Which one request tells, and another one whether there is such a commit."""
    repository = open_site()
    way = way_of(repository, "archive")
    assert list(way.read(whole(seeded, "nothing"))) == [Listing(seeded.head("main"), "nothing", ())]
    assert list(way.read(whole(seeded, "p/0.md"))) == [Listing(seeded.head("main"), "p/0.md", ())]
    with pytest.raises(NotFoundError, match="no commit"):
        list(way.read(attrs.evolve(whole(seeded, "p"), commit_shas=("1" * 40,))))


@pytest.mark.parametrize(
    "attributes", [b"p/1.md export-ignore\n", b"p/0.md export-subst\n", b"p/** export-ignore\n"]
)
@pytest.mark.parametrize("folder", ["", "p"])
def test_archive_that_is_not_the_folder(seeded, open_site, attributes, folder):
    """What attributes leave out or alter is missed: nothing of it is given."""
    seeded.commit_files("main", {"p/0.md": b"$Format:%H$\n", ".gitattributes": attributes}, "Attributes")
    given = []
    with pytest.raises(ProtocolError, match=r"gitlab alters ('p'|the tree) in its archives|cannot be read"):
        given.extend(way_of(open_site(), "archive").read(whole(seeded, folder)))
    assert not given


def test_archive_with_more_than_the_folder(seeded, open_site):
    """As it was before somebody deleted a file, for example: a listing must not name it."""
    wanted = whole(seeded)
    seeded.commit_files("main", {"z.md": b"z\n"}, "One more")
    packed = git_archive(seeded.path, seeded.head("main"), "site/")
    repository = open_site()
    repository.simulator.inject(Answer(200, packed), when=lambda each: each.path.endswith("archive.tar.gz"))
    with pytest.raises(ProtocolError, match="gitlab alters the tree in its archives"):
        list(way_of(repository, "archive").read(wanted))


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (CutBody(), UnavailableError),
        (Answer(200, b"<html>", content_type="text/html"), ProtocolError),
        (Answer(404, b'{"message":"404 File Not Found"}'), NotFoundError),
    ],
    ids=["cut", "page", "refused"],
)
def test_archive_that_is_none(seeded, open_site, fault, error):
    repository = open_site()
    repository.simulator.inject(fault, when=lambda request: request.path.endswith("archive.tar.gz"))
    with pytest.raises(error):
        list(way_of(repository, "archive").read(whole(seeded, "p")))


def test_sixth_archive_in_a_minute_is_refused_and_the_seventh_not_asked_for(seeded, open_site):
    """Nobody waits for archives, and other requests go on."""
    repository = open_site()
    way = way_of(repository, "archive")
    for _ in range(5):
        assert len(list(way.read(whole(seeded, "q")))) == 3
    for _ in range(2):
        with pytest.raises(RateLimitedError):
            list(way.read(whole(seeded, "q")))
    archives = [each.status for each in repository.simulator.log if each.path.endswith("archive.tar.gz")]
    assert archives == [200] * 5 + [429]
    assert repository.get_branch("main").commit_sha == seeded.head("main")


def test_archive_for_files_that_are_known(forge, open_site):
    """One request, for a hundred files and more; whatever attributes alter is read in another way."""
    files = {f"p/{number}.md": b"%d\n" % number for number in range(100)}
    seeded = forge.add_repository(REPO, {**FILES, **files, ".gitattributes": b"p/1.md export-ignore\n"})
    wanted = some(seeded, "p")
    repository = open_site()
    _, found = go(repository, "archive", wanted)
    assert "path=p" in repository.simulator.log[-1].query
    missing = [entry.path for entry in wanted.entries if entry.version.blob_sha not in found]
    assert missing == ["p/1.md"]


def test_cost_of_an_archive(seeded, open_site):
    """It is of all below the folder: who wants little of it goes another way."""
    way = way_of(open_site(), "archive")
    assert way.cost(whole(seeded)) == Cost(2, 2, quota=2)
    assert way.cost(attrs.evolve(whole(seeded), commit_shas=("1" * 40, "2" * 40))) is None
    assert way.cost(some(seeded)) is None
    assert way.cost(attrs.evolve(some(seeded), entries=())) is None
    known = {"1" * 40: entries_of(seeded)}
    assert way.cost(attrs.evolve(some(seeded), known=known)) == Cost(1, 1, 0, 1)
    assert way.cost(attrs.evolve(some(seeded, "q"), known=known, folder="")) == Cost(1, 1, 0, 1)
    few = tuple(entry for entry in entries_of(seeded) if entry.path in {"p/0.md", "q/a.md"})
    assert way.cost(attrs.evolve(some(seeded), entries=few, known=known)) is None


@pytest.mark.parametrize(("folder", "is_way"), [("", False), ("p/", True)])
def test_archive_of_what_nobody_knows(forge, open_site, folder, is_way):
    """A hundred files are asked for in their folder, and never with the whole tree."""
    files = {f"{folder}{number}.md": b"%d" % number for number in range(100)}
    seeded = forge.add_repository(REPO, files)
    way = way_of(open_site(), "archive")
    assert (way.cost(some(seeded)) is not None) is is_way
    assert way.cost(attrs.evolve(some(seeded), entries=entries_of(seeded)[1:])) is None


# -- GraphQL ----------------------------------------------------------------------------------------------


def test_texts(forge, open_site):
    """A hundred a request; what is no text is left out."""
    files = {f"p/{number}.md": b"%d\n" % number for number in range(100)}
    seeded = forge.add_repository(REPO, {**files, "p/image.png": b"\x89PNG\0\xff"})
    wanted = some(seeded)
    repository = open_site()
    cost = way_of(repository, "graphql").cost(wanted)
    assert cost == Cost(2, 2, 0, 2)
    _, found = go(repository, "graphql", wanted)
    assert set(found.values()) == set(files.values())
    assert {each.path for each in repository.simulator.log} == {repository.simulator.graphql_path}


def test_few_files_come_with_their_last_commits_another_way(seeded, open_site):
    way = way_of(open_site(), "graphql")
    assert way.cost(attrs.evolve(some(seeded), entries=entries_of(seeded)[:4])) is None
    assert way.cost(attrs.evolve(some(seeded), entries=entries_of(seeded)[:5])) is not None
    assert way.cost(whole(seeded)) is None


@pytest.mark.parametrize("limit", ["complexity", "bytes"])
def test_batch_that_is_too_much_is_halved_for_good(seeded, open_site, limit):
    repository = open_site()
    repository.simulator.complexity_limit = 25 if limit == "complexity" else 250
    repository.simulator.blob_bytes_limit = 14 if limit == "bytes" else 2**20
    way, wanted = way_of(repository, "graphql"), some(seeded, "p")
    texts = {content for path, content in FILES.items() if path.startswith("p/") and path.endswith(".md")}
    assert set(way.read(wanted)) >= texts
    assert way.cost(wanted).requests > 1
    _, found = go(repository, "graphql", wanted)
    assert set(found.values()) >= texts


def test_server_without_graphql_is_asked_once(seeded, open_site):
    repository = open_site()
    repository.simulator.graphql_path = "/nowhere"
    way, wanted = way_of(repository, "graphql"), some(seeded)
    with pytest.raises(NotSupportedError, match="no files by GraphQL"):
        list(way.read(wanted))
    assert way.cost(wanted) is None


def test_graphql_that_is_away_is_not_asked_for_each_file(seeded, open_site):
    repository = open_site()
    repository.simulator.inject(Answer(502), when=lambda request: "graphql" in request.path, times=99)
    with pytest.raises(UnavailableError, match="refuses even one thing at a time"):
        list(way_of(repository, "graphql").read(some(seeded)))
    assert len(repository.simulator.log) < len(FILES)


@pytest.mark.parametrize(
    ("root", "address"),
    [
        ("https://gitlab.com/api/v4", "https://gitlab.com/group/sub/site.git"),
        ("https://git.example.org/gitlab/api/v4", "https://git.example.org/gitlab/group/sub/site.git"),
    ],
)
def test_address_that_one_clones_from(root, address):
    assert git_address(root, REPO) == address
