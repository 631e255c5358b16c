"""GitHub's ways to read many files: what each costs, exactly, and that its bytes are git's."""

from __future__ import annotations

import pytest

pytest.importorskip("simulators.github", reason="the simulators are not beside these tests")

import attrs
from copydesk.errors import CopydeskError, NotFoundError, ProtocolError, UnavailableError
from copydesk.testing import Answer, CutBody
from copydesk.ways import Cost, Wanted
from copydesk_github.api import git_address
from means.ways import FILES, MODES, bytes_of, entries_of, go, way_of


@pytest.fixture
def seeded(forge):
    return forge.add_repository("owner/site", FILES, modes=MODES)


@pytest.fixture
def wanted(seeded) -> Wanted:
    """All, with what was there before."""
    return Wanted((seeded.head("main"),), "", entries_of(seeded), entries_of(seeded))


def names(repository) -> list[str]:
    """Without git's own, which may be installed or not."""
    return [way.name for way in repository.backends[0].list_ways() if not way.name.startswith("git")]


def test_ways_by_what_may_be_asked(seeded, open_site):
    assert names(open_site()) == ["graphql", "archive"]
    assert names(open_site(use_graphql=False)) == ["archive"]


@pytest.mark.parametrize("enterprise", [False, True])
def test_archive(seeded, open_site, wanted, enterprise):
    """Two requests, one of which counts, for all; the credential goes to the first one alone."""
    repository = open_site(enterprise=enterprise)
    simulator = repository.simulator
    before = simulator.quota_left
    _, found = go(repository, "archive", wanted)
    assert found == bytes_of(seeded, wanted.entries)
    assert before - simulator.quota_left == 1
    asked, sent = simulator.log[-2:]
    assert "Authorization" in asked.request_headers
    assert "Authorization" not in sent.request_headers
    assert sent.request_headers["Host"].startswith("localhost:")


def test_archive_for_a_hundred_files_where_the_tree_is_not_known(forge, open_site):
    seeded = forge.add_repository("owner/site", {f"{number}.md": b"xx" for number in range(100)})
    entries = entries_of(seeded)
    way = way_of(open_site(), "archive")
    assert way.cost(Wanted((seeded.head("main"),), "", entries)) == Cost(2, 4, 100, 1)
    assert way.cost(Wanted((seeded.head("main"),), "", entries[1:])) is None


def test_archive_tells_half_of_what_is_wanted(open_site, seeded, wanted):
    way = way_of(open_site(), "archive")
    assert way.cost(wanted) == Cost(2, 4, sum(map(len, FILES.values())) // 2, 1)
    # It is the whole tree, which is not worth it for a few files of it.
    assert way.cost(attrs.evolve(wanted, entries=wanted.entries[1:])) == way.cost(wanted)
    assert way.cost(attrs.evolve(wanted, entries=wanted.entries[:1])) is None
    assert way.cost(attrs.evolve(wanted, entries=None)) is None
    assert way.cost(attrs.evolve(wanted, entries=())) is None


def test_archive_holds_no_file_that_cannot_be_wanted(forge, open_site):
    """None of another length comes, so a film beside the texts takes no memory."""
    seeded = forge.add_repository("owner/site", {**FILES, "film.mp4": bytes(2**20)}, modes=MODES)
    tree = entries_of(seeded)
    texts = tuple(entry for entry in tree if entry.path != "film.mp4")
    some = Wanted((seeded.head("main"),), "", texts, tree)
    _, found = go(open_site(), "archive", some)
    assert found.keys() >= bytes_of(seeded, some.entries).keys()
    assert max(len(content) for content in found.values()) == 10


def test_archive_that_leaves_out_and_alters(seeded, open_site):
    """What attributes say of archives is done; what is missing is then read in another way."""
    files = {"p/0.md": b"$Format:%H$\n", ".gitattributes": b"p/0.md export-subst\np/1.md export-ignore\n"}
    seeded.commit_files("main", files, "Attributes")
    entries = entries_of(seeded)
    wanted = Wanted((seeded.head("main"),), "", entries, entries)
    _, found = go(open_site(), "archive", wanted)
    missing = [entry.path for entry in entries if entry.version.blob_sha not in found]
    assert missing == ["p/0.md", "p/1.md"]


def test_archive_of_a_commit_that_is_not_there(seeded, open_site, wanted):
    with pytest.raises(NotFoundError):
        list(way_of(open_site(), "archive").read(attrs.evolve(wanted, commit_shas=("1" * 40,))))


@pytest.mark.parametrize(
    ("fault", "error"),
    [(CutBody(), UnavailableError), (Answer(200, b"<html>", content_type="text/html"), ProtocolError)],
    ids=["cut", "page"],
)
def test_archive_that_is_none(seeded, open_site, wanted, fault, error):
    repository = open_site()
    repository.simulator.inject(fault, when=lambda request: "/legacy.tar.gz/" in request.path)
    with pytest.raises(error):
        list(way_of(repository, "archive").read(wanted))


def test_way_that_is_left_ends_its_request(seeded, open_site, wanted):
    repository = open_site()
    given = way_of(repository, "archive").read(wanted)
    next(given)
    given.close()
    assert repository.get_branch("main").commit_sha == wanted.commit_sha


def test_texts(forge, open_site):
    """A hundred a request, by their blobs; what is no text, or is large, is left out and not asked for twice."""
    files = {f"p/{number}.md": b"%d\n" % number for number in range(101)}
    files |= {"p/again.md": b"0\n", "p/large.md": b"x" * 400_001, "p/image.png": b"\x89PNG\0"}
    seeded = forge.add_repository("owner/site", files)
    wanted = Wanted((seeded.head("main"),), "", entries_of(seeded))
    repository = open_site()
    cost = way_of(repository, "graphql").cost(wanted)
    assert (cost.requests, cost.turns, cost.quota) == (2, 2, 2)
    _, found = go(repository, "graphql", wanted)
    left_out = [entry.path for entry in wanted.entries if entry.version.blob_sha not in found]
    assert left_out == ["p/image.png", "p/large.md"]
    assert {repository.simulator.graphql_path} == {each.path for each in repository.simulator.log}


def test_texts_cannot_be_told_without_entries(open_site, forge, wanted):
    seeded = forge.add_repository("owner/large", {"large.md": b"x" * 400_001})
    way = way_of(open_site(), "graphql")
    assert way.cost(attrs.evolve(wanted, entries=None)) is None
    assert way.cost(attrs.evolve(wanted, entries=entries_of(seeded))) is None


@pytest.mark.parametrize("status", [502, 200])
def test_batch_that_is_too_much_is_halved_for_good(forge, open_site, status):
    """By its status or by its errors: the next time it is known."""
    seeded = forge.add_repository("owner/site", {f"p/{number}.md": b"%d\n" % number for number in range(40)})
    wanted = Wanted((seeded.head("main"),), "", entries_of(seeded))
    repository = open_site()
    simulator = repository.simulator
    simulator.blob_limit, simulator.blob_limit_status = 16, status
    way = way_of(repository, "graphql")
    assert way.cost(wanted).requests == 1
    assert set(way.read(wanted)) == set(bytes_of(seeded, wanted.entries).values())
    assert len(simulator.log) == 2 + 4  # 40 and 20 were too much
    assert way.cost(wanted).requests == 4
    _, found = go(repository, "graphql", wanted)
    assert found == bytes_of(seeded, wanted.entries)


def test_graphql_that_is_away_is_not_asked_for_each_file(seeded, open_site, wanted):
    """It is given up after the second one that is too much alone."""
    repository = open_site()
    repository.simulator.blob_limit = 0
    with pytest.raises(UnavailableError, match="refuses even one thing at a time as too much"):
        list(way_of(repository, "graphql").read(wanted))
    assert len(repository.simulator.log) < len(FILES)
    with pytest.raises(CopydeskError):
        list(way_of(repository, "graphql").read(wanted))


@pytest.mark.parametrize(
    ("root", "address"),
    [
        ("https://api.github.com", "https://github.com/owner/site.git"),
        ("https://api.octocorp.ghe.com", "https://octocorp.ghe.com/owner/site.git"),
        ("https://git.example.org/api/v3", "https://git.example.org/owner/site.git"),
        ("https://api.example.org", "https://api.example.org/owner/site.git"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080/owner/site.git"),
    ],
)
def test_address_that_one_clones_from(root, address):
    assert git_address(root, "owner/site") == address
