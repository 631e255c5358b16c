"""Reading from Bitbucket as git does: its API gives files one by one, and allows 1,000 requests an hour."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

pytest.importorskip("dulwich", reason="the extra git is not installed")
pytest.importorskip("simulators.bitbucket", reason="the simulators are not beside these tests")

from copydesk.http import Connector
from copydesk.models import Credential
from copydesk.options import BitbucketOptions
from copydesk.ways import Listing, Wanted, Way
from copydesk_bitbucket import backend
from copydesk_bitbucket.api import git_address

FILES = {"a.md": b"a\n", "posts/b.md": b"b\n"}


@pytest.fixture
def seeded(forge):
    repository = forge.add_repository("owner/site", FILES)
    repository.private = True
    return repository


@pytest.fixture
def open_ways(start, settings, seeded) -> Iterator:
    """Give the ways of a backend, and the simulator that it asks."""
    connects = []

    def opener(token: object) -> tuple[tuple[Way, ...], object]:
        simulator = start()
        options = BitbucketOptions(repo="owner/site", api_root=simulator.url + simulator.root)
        connects.append(Connector("bitbucket", token, settings))
        return backend.open(options, connects[-1]).list_ways(), simulator

    yield opener
    for connect in connects:
        connect.close()


@pytest.mark.parametrize("kind", ["bearer", "basic"])
def test_files_come_by_git_and_cost_nothing_of_the_apis_limit(open_ways, seeded, forge, kind):
    """With a token of OAuth, and with one for the API, which git is told under another name."""
    given = Credential("full-token", scheme=kind, user="owner@example.org" if kind == "basic" else "")
    (trees, blobs), simulator = open_ways(given)
    simulator.api_tokens |= {"full-token"} if kind == "basic" else set()
    left = simulator.quota_left
    head = seeded.head("main")
    given = list(trees.read(Wanted((head,))))
    (listing,) = (each for each in given if isinstance(each, Listing) and not each.is_part)
    contents = [each for each in given if isinstance(each, bytes)]
    assert sorted(contents) == sorted(FILES.values())
    assert sorted(blobs.read(Wanted((head,), entries=listing.entries))) == sorted(FILES.values())
    assert simulator.quota_left == left
    names = [each.path.removeprefix("/owner/site.git/") for each in simulator.log]
    assert names == ["info/refs", "git-upload-pack", "git-upload-pack"]


def test_versions_name_the_commit_as_bitbuckets_listings_do(open_ways, seeded):
    (trees, _), _ = open_ways("full-token")
    head = seeded.head("main")
    listing = next(trees.read(Wanted((head,))))
    assert {entry.version.last_commit_sha for entry in listing.entries} == {head}


def test_naming_them_asks_nothing(open_ways):
    _, simulator = open_ways("full-token")
    assert simulator.log == []


@pytest.mark.parametrize(
    ("api_root", "expected"),
    [
        ("https://api.bitbucket.org/2.0", "https://bitbucket.org/owner/site.git"),
        ("http://127.0.0.1:8080/2.0", "http://127.0.0.1:8080/owner/site.git"),
        ("https://bitbucket.example.org/api/2.0", "https://bitbucket.example.org/owner/site.git"),
    ],
)
def test_where_one_clones_from(api_root, expected):
    assert git_address(api_root, "owner/site") == expected
