"""Gitea's and Forgejo's ways to read many files: what each costs, exactly, and that its bytes are git's."""

from __future__ import annotations

import pytest

pytest.importorskip("simulators.gitea", reason="the simulators are not beside these tests")

import attrs
from copydesk.errors import NotFoundError, NotSupportedError, ProtocolError, UnavailableError
from copydesk.models import Mode
from copydesk.testing import Answer, CutBody
from copydesk.ways import Cost, Wanted
from copydesk_gitea.api import git_address
from means.ways import FILES, MODES, bytes_of, entries_of, go, way_of


@pytest.fixture
def seeded(forge):
    return forge.add_repository("owner/site", FILES, modes=MODES)


@pytest.fixture
def wanted(seeded) -> Wanted:
    return Wanted((seeded.head("main"),), "", entries_of(seeded))


def no_links(wanted: Wanted) -> tuple:
    return tuple(entry for entry in wanted.entries if entry.version.mode is not Mode.SYMLINK)


def test_ways(open_site, seeded):
    """Where no way of git's own is installed."""
    assert [way.name for way in open_site().backends[0].list_ways()] == ["file-contents", "archive"]


def test_archive(open_site, seeded, wanted):
    """One request gives all."""
    repository = open_site()
    assert way_of(repository, "archive").cost(wanted) == Cost(1, 1, sum(map(len, FILES.values())) // 2, 1)
    assert way_of(repository, "archive").cost(attrs.evolve(wanted, entries=None)) is None
    _, found = go(repository, "archive", wanted)
    assert found == bytes_of(seeded, wanted.entries)


def test_archive_names_its_commit_and_heeds_attributes(open_site, seeded):
    """As that of git does, which Gitea calls."""
    seeded.commit_files("main", {".gitattributes": b"p/1.md export-ignore\n"}, "Attributes")
    wanted = Wanted((seeded.head("main"),), "", entries_of(seeded))
    repository = open_site()
    _, found = go(repository, "archive", wanted)
    missing = [entry.path for entry in wanted.entries if entry.version.blob_sha not in found]
    assert missing == ["p/1.md"]
    assert repository.simulator.log[-1].path.endswith(f"/archive/{wanted.commit_sha}.tar.gz")


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (CutBody(), UnavailableError),
        (Answer(200, b"<html>", content_type="text/html"), ProtocolError),
        (Answer(404, b"{}"), NotFoundError),
    ],
    ids=["cut", "page", "refused"],
)
def test_archive_that_is_none(open_site, wanted, fault, error):
    repository = open_site()
    repository.simulator.inject(fault, when=lambda request: "/archive/" in request.path)
    with pytest.raises(error):
        list(way_of(repository, "archive").read(wanted))


@pytest.mark.parametrize("batches", ["file-contents", "blobs"])
def test_batches(forge, open_site, batches):
    """Thirty a request, by path or by sha; what a forge does not have is tried once."""
    files = {f"p/{number}.md": b"%d\n" % number for number in range(60)}
    seeded = forge.add_repository("owner/site", {**files, "p/link": b"0.md"}, modes={"p/link": 0o120000})
    wanted = Wanted((seeded.head("main"),), "", entries_of(seeded))
    repository = open_site()
    repository.simulator.batches = (batches,)
    way = way_of(repository, "file-contents")
    assert way.cost(wanted) == Cost(2, 2, sum(map(len, files.values())), 2)
    assert set(way.read(wanted)) == set(files.values())
    assert len(repository.simulator.log) == (2 if batches == "file-contents" else 3)
    _, found = go(repository, "file-contents", wanted)
    assert found == bytes_of(seeded, no_links(wanted))


def test_batches_that_do_not_hold_all(open_site, seeded, wanted):
    """What is too large, or no longer fits, is left out, to be read in another way."""
    repository = open_site()
    repository.simulator.blob_limit, repository.simulator.batch_limit = 4, 10
    _, found = go(repository, "file-contents", wanted)
    ten = no_links(wanted)[:10]
    assert found.keys() == {entry.version.blob_sha for entry in ten if entry.size <= 4} | {
        entry.version.blob_sha for entry in wanted.entries if not entry.size
    }


def test_instance_without_batches_is_asked_once(open_site, wanted):
    repository = open_site()
    repository.simulator.batches = ()
    way = way_of(repository, "file-contents")
    with pytest.raises(NotSupportedError, match="gives no files at once"):
        list(way.read(wanted))
    assert len(repository.simulator.log) == 2
    assert way.cost(wanted) is None


def test_one_file_is_no_batch(open_site, wanted):
    way = way_of(open_site(), "file-contents")
    links = tuple(entry for entry in wanted.entries if entry.version.mode is Mode.SYMLINK)
    assert way.cost(attrs.evolve(wanted, entries=wanted.entries[:1])) is None
    assert way.cost(attrs.evolve(wanted, entries=links)) is None
    assert way.cost(attrs.evolve(wanted, entries=None)) is None


@pytest.mark.parametrize(
    ("root", "address"),
    [
        ("https://codeberg.org/api/v1", "https://codeberg.org/owner/site.git"),
        ("https://git.example.org/gitea/api/v1", "https://git.example.org/gitea/owner/site.git"),
    ],
)
def test_address_that_one_clones_from(root, address):
    assert git_address(root, "owner/site") == address
