"""Reading by git's own protocol: what comes is what git has, in as few requests as can be."""

from __future__ import annotations

import gzip
import hashlib
import os
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import attrs
import pytest
from copydesk.blobs import blob_sha
from copydesk.errors import (
    AuthenticationError,
    NotFoundError,
    NotSupportedError,
    PermissionDeniedError,
    ProtocolError,
    UnavailableError,
)
from copydesk.http import Connector, Dialect
from copydesk.models import Credential, FileVersion, Mode, TreeEntry
from copydesk.testing import CutBody
from copydesk.ways import Cost, Listing, Wanted, Way

pytest.importorskip("dulwich", reason="the extra git is not installed")
pytest.importorskip("simulators.gitea", reason="the simulators are not beside these tests")

from simulators.gitea import GiteaSimulator
from simulators.store import Forge, Repository

POST, REFS = "POST /owner/site.git/git-upload-pack", "GET /owner/site.git/info/refs"
HURTS = (
    "ünï/größe.md",
    "a b/tab\there.md",
    'quo"te.md',
    "-dash.md",
    "new\nline.md",
    "back\\slash.md",
    "latin-\udce9.md",
    "a/x.md",
    "a.md",
    "a-b.md",
    "a0.md",
    "empty.txt",
)
OLD_SHA = "1" * 40


def run_git(folder: Path, *arguments: str, content: bytes | None = None) -> bytes:
    outer = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    told = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    people = {f"GIT_{who}_{what}": "a@b.c" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    command = ["git", "-C", str(folder), *arguments]
    done = subprocess.run(
        command, input=content, capture_output=True, check=True, env={**outer, **told, **people}
    )
    return done.stdout


def entries_of(repository: Repository, commit_sha: str, mark: str | None = None) -> tuple[TreeEntry, ...]:
    """List a commit as git does."""
    listed = run_git(repository.path, "ls-tree", "-r", "-z", "--full-tree", commit_sha)
    found = []
    for line in filter(None, listed.split(b"\0")):
        fields, _, name = line.partition(b"\t")
        mode, _, sha = fields.decode().split()
        path = name.decode("utf-8", "surrogateescape")
        found.append(TreeEntry(path, None, FileVersion(sha, Mode(mode), mark)))
    return tuple(sorted(found, key=lambda entry: entry.path))


def shas_of(entries: tuple[TreeEntry, ...]) -> set[str]:
    return {str(each.version.blob_sha) for each in entries if each.version.mode != Mode.SUBMODULE}


def several(count: int, size: int = 400) -> dict[str, bytes]:
    return {f"content/d{n % 20}/f{n}.md": f"{n} {os.urandom(size).hex()}\n".encode() for n in range(count)}


@attrs.define
class Site:
    """A repository on a simulator, and the ways to it."""

    forge: Forge
    simulator: GiteaSimulator
    connect: Connector
    trees: Way
    blobs: Way

    @property
    def repository(self) -> Repository:
        found = self.forge.repository("owner/site")
        assert found is not None
        return found

    @property
    def asked(self) -> list[str]:
        return [f"{each.method} {each.path}" for each in self.simulator.log]

    def read(self, *commits: str, **given: object) -> tuple[list[Listing], list[bytes]]:
        out = list(self.trees.read(Wanted(commits, **given)))
        told: set[str | None] = set()
        for each in out:
            if isinstance(each, Listing):
                told |= {entry.version.blob_sha for entry in each.entries}
            else:
                assert given or blob_sha(each) in told, "bytes came before their listing"
        listings = [each for each in out if isinstance(each, Listing) and not each.is_part]
        return listings, [each for each in out if isinstance(each, bytes)]

    def take(self, entries: tuple[TreeEntry, ...]) -> list[bytes]:
        return [bytes(each) for each in self.blobs.read(Wanted(("0" * 40,), entries=entries))]

    def stored(self, sha: str) -> bytes | None:
        return self.repository.git[sha].data

    def check(self, commit_sha: str, missing: set[str] = frozenset()) -> tuple[TreeEntry, ...]:
        """Read a commit, hold it against git, and give its entries."""
        (listing,), contents = self.read(commit_sha)
        entries = entries_of(self.repository, commit_sha)
        assert listing == Listing(commit_sha, "", entries)
        assert sorted(map(blob_sha, contents)) == sorted(shas_of(entries) - missing)
        return entries


@pytest.fixture
def forge(tmp_path) -> Iterator[Forge]:
    forge = Forge(tmp_path / "forge")
    forge.add_token("full-token", forge.add_user("owner"))
    yield forge
    forge.close()


@pytest.fixture
def open_site(forge, settings) -> Iterator[Callable[..., Site]]:
    """Start a simulator with a repository `owner/site`, and give the ways to it."""
    started = []

    def opener(
        files: Mapping[str, bytes] | None = None, *, token: str = "full-token", **given: object
    ) -> Site:
        if files is not None:
            forge.add_repository("owner/site", files)
        simulator = GiteaSimulator(forge).start()
        sent = Credential(token, scheme="basic", user="x")
        connect = Connector("gitea", sent, settings)
        connect(f"{simulator.url}/api/v1", Dialect(name="gitea"))
        ways = connect.git_ways(f"{simulator.url}/owner/site.git", **given)
        started.append((connect, simulator))
        return Site(forge, simulator, connect, *ways)

    yield opener
    for connect, simulator in started:
        connect.close()
        simulator.stop()


@pytest.fixture
def site(open_site) -> Site:
    return open_site({"a.md": b"a\n", "posts/b.md": b"b\n"})


# -- what comes ---------------------------------------------------------------------------------------


def test_a_commit_is_read_in_one_request(site):
    site.check(site.repository.head("main"))
    assert site.asked == [POST]


def test_names_and_modes_are_those_of_git(open_site):
    """Executables, symlinks, submodules, empty files, modes of old, and names that hurt."""
    site = open_site({})
    path = site.repository.path
    names = [each.encode("utf-8", "surrogateescape") for each in HURTS]
    blob = {name: run_git(path, "hash-object", "-w", "--stdin", content=name).strip() for name in names}
    blob[b"empty.txt"] = run_git(path, "hash-object", "-w", "--stdin", content=b"").strip()
    lines = [b"100644 blob %b\t%b\0" % (sha, name) for name, sha in blob.items() if b"/" not in name]
    for folder in (b"a", "ünï".encode(), b"a b"):
        inside = [
            (name.partition(b"/")[2], sha) for name, sha in blob.items() if name.startswith(folder + b"/")
        ]
        made = run_git(
            path, "mktree", "-z", content=b"".join(b"100644 blob %b\t%b\0" % (s, n) for n, s in inside)
        )
        lines.append(b"040000 tree %b\t%b\0" % (made.strip(), folder))
    some = blob[b"a.md"]
    lines += [b"100755 blob %b\trun\0" % some, b"120000 blob %b\tlink\0" % some]
    lines += [b"160000 commit %b\tmodule\0" % OLD_SHA.encode()]
    tree = run_git(path, "mktree", "-z", "--missing", content=b"".join(lines)).strip().decode()
    commit = run_git(path, "commit-tree", tree, content=b"x").strip().decode()
    run_git(path, "update-ref", "refs/heads/main", commit)
    entries = site.check(commit)
    modes = {entry.path: entry.version.mode for entry in entries}
    assert modes["run"] is Mode.EXECUTABLE
    assert modes["link"] is Mode.SYMLINK
    assert modes["module"] is Mode.SUBMODULE
    assert set(HURTS) < set(modes)
    assert sorted(map(blob_sha, site.take(entries))) == sorted(shas_of(entries))
    assert site.asked == [POST, POST]


def old_mode(site: Site) -> str:
    """Make a commit whose tree has a mode that git writes no more."""
    path = site.repository.path
    sha = run_git(path, "hash-object", "-w", "--stdin", content=b"old\n").strip().decode()
    raw = b"100664 old.md\0" + bytes.fromhex(sha)
    inner = run_git(path, "hash-object", "-t", "tree", "-w", "--literally", "--stdin", content=raw).strip()
    raw = b"40000 d\0" + bytes.fromhex(inner.decode())
    raw += b"100644 new.md\0" + bytes.fromhex(sha)
    tree = run_git(path, "hash-object", "-t", "tree", "-w", "--literally", "--stdin", content=raw).strip()
    commit = run_git(path, "commit-tree", tree.decode(), content=b"x").strip().decode()
    run_git(path, "update-ref", "refs/heads/old", commit)
    return commit


def test_a_mode_of_old_is_a_file_and_known_no_more(site):
    """Such a folder cannot be told from its listing: what is left out for that comes from then on."""
    first = old_mode(site)
    (listing,), contents = site.read(first)
    assert [(each.path, each.version.mode) for each in listing.entries] == [
        ("d/old.md", Mode.FILE),
        ("new.md", Mode.FILE),
    ]
    assert contents == [b"old\n"]
    tree = run_git(site.repository.path, "ls-tree", first, "d").split()[2].decode()
    content = b"40000 d\0" + bytes.fromhex(tree)
    made = run_git(site.repository.path, "hash-object", "-t", "tree", "-w", "--stdin", content=content)
    second = run_git(site.repository.path, "commit-tree", made.strip().decode(), content=b"y")
    run_git(site.repository.path, "update-ref", "refs/heads/old", second.strip().decode())
    known = {first: listing.entries}
    with pytest.raises(ProtocolError, match=f"left out folder {tree}; read in another way"):
        site.read(second.strip().decode(), known=known)
    (again,), contents = site.read(second.strip().decode(), known=known)
    assert [each.path for each in again.entries] == ["d/old.md"]
    assert contents == [b"old\n"]
    assert site.asked == [POST] * 3


def test_a_commit_without_files_is_an_empty_listing(site):
    empty = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
    run_git(site.repository.path, "hash-object", "-t", "tree", "-w", "--stdin", content=b"")
    commit = run_git(site.repository.path, "commit-tree", empty, content=b"x").strip().decode()
    run_git(site.repository.path, "update-ref", "refs/heads/empty", commit)
    assert site.read(commit) == ([Listing(commit, "", ())], [])


def test_a_large_file_is_left_out_and_read_by_its_sha(open_site):
    large = os.urandom(2_000) * 10_000
    site = open_site({"a.md": b"a\n", "film.bin": large})
    entries = site.check(site.repository.head("main"), {blob_sha(large)})
    assert len(site.simulator.log[0].response_bytes) < 10_000
    assert site.take(entries[1:]) == [large]
    assert site.asked == [POST, POST]


def test_a_server_without_filters_gives_everything_and_is_asked_once_what_it_can(open_site):
    large = os.urandom(200_000)
    site = open_site({"a.md": b"a\n", "film.bin": large})
    site.simulator.git_server.filters = False
    head = site.repository.head("main")
    site.check(head)
    assert site.asked == [POST, REFS, POST]
    site.check(head)
    assert site.asked == [POST, REFS, POST, POST]


@pytest.mark.parametrize("filters", [True, False])
def test_a_server_of_version_0_is_asked_once_what_it_can(open_site, filters):
    large = os.urandom(200_000)
    site = open_site({"a.md": b"a\n", "film.bin": large})
    site.simulator.git_server.version = 0
    site.simulator.git_server.filters = filters
    head = site.repository.head("main")
    entries = site.check(head, {blob_sha(large)} if filters else set())
    assert site.asked == [POST, REFS, POST]
    assert sorted(site.take(entries)) == sorted([b"a\n", large])
    assert site.asked == [POST, REFS, POST, POST]
    assert site.simulator.log[3].request_headers.get("Git-Protocol") is None


def test_several_commits_come_in_one_request(site):
    heads = [site.repository.commit_files(f"d{n}", {f"n{n}.md": b"%d" % n}, start="main") for n in range(5)]
    listings, contents = site.read(*heads, heads[0])
    assert listings == [Listing(head, "", entries_of(site.repository, head)) for head in heads]
    assert sorted(contents) == sorted([b"a\n", b"b\n", *(b"%d" % n for n in range(5))])
    assert site.asked == [POST]


def test_versions_name_the_commit_where_that_is_wanted(open_site):
    site = open_site({"a.md": b"a\n"}, marks_commits=True)
    head = site.repository.head("main")
    (listing,), _ = site.read(head)
    assert listing.entries == entries_of(site.repository, head, head)


@pytest.mark.parametrize("offsets", [True, False])
@pytest.mark.parametrize("version", [2, 0])
def test_what_is_packed_as_changes_of_something_else_comes_whole(open_site, offsets, version):
    """Servers send deltas as they have them: by the place of the base, and by its sha."""
    base = os.urandom(3000).hex().encode()
    files = {f"d{n % 3}/f{n}.md": base[: 20 * n] + b"%d" % n + base[20 * n :] for n in range(60)}
    site = open_site({**files, **{f"wide/{n:03}.md": b"%d" % n for n in range(300)}})
    site.simulator.git_server.offsets = offsets
    site.simulator.git_server.version = version
    for n in range(3):
        site.repository.commit_files("main", {f"wide/{n:03}.md": b"other %d" % n})
    run_git(site.repository.path, "repack", "-adfq", "--depth=50", "--window=50")
    head = site.repository.head("main")
    first = run_git(site.repository.path, "rev-list", "--max-parents=0", head).decode().strip()
    entries = site.check(head)
    assert len(site.simulator.log[-1].response_bytes) < 60_000  # of 360,000
    assert sorted(map(blob_sha, site.take(entries))) == sorted(shas_of(entries))
    listings, contents = site.read(first, head)
    assert [listing.entries for listing in listings] == [
        entries_of(site.repository, each) for each in (first, head)
    ]
    assert set(map(blob_sha, contents)) == {sha for each in listings for sha in shas_of(each.entries)}


# -- what is known ------------------------------------------------------------------------------------


def known_at(site: Site, *commits: str) -> dict[str, object]:
    known = {sha: entries_of(site.repository, sha) for sha in commits}
    return {"known": known, "stored": site.stored}


@pytest.mark.parametrize(
    ("version", "repacked"),
    [
        (2, True),
        *(pytest.param(*each, marks=pytest.mark.long) for each in ((2, False), (0, True), (0, False))),
    ],
)
def test_only_what_changed_comes_in_one_request(open_site, repacked, version):
    site = open_site(several(1000))
    site.simulator.git_server.version = version
    first = site.repository.head("main")
    changed = [entry.path for entry in entries_of(site.repository, first)][::40]
    for n in range(5):
        new = {path: b"new" + site.stored(blob_at(site, "main", path)) for path in changed[5 * n : 5 * n + 5]}
        site.repository.commit_files("main", new)
    if repacked:
        run_git(site.repository.path, "repack", "-adfq")
    head = site.repository.head("main")
    if version == 0:
        site.read(head)
        site.simulator.clear()
    (listing,), contents = site.read(head, **known_at(site, first))
    assert listing.entries == entries_of(site.repository, head)
    news = shas_of(listing.entries) - shas_of(entries_of(site.repository, first))
    assert len(news) == 25
    assert set(map(blob_sha, contents)) >= news
    assert len(contents) <= 30
    assert site.asked == [POST]
    assert len(site.simulator.log[0].response_bytes) < 30_000


def blob_at(site: Site, branch: str, path: str) -> str:
    return str(site.repository.git.revparse_single(f"{branch}:{path}").id)


def test_what_cannot_be_made_of_bytes_that_are_known_no_more_is_left_out(open_site):
    site = open_site(several(50))
    first = site.repository.head("main")
    path = "content/d3/f3.md"
    site.repository.commit_files("main", {path: site.stored(blob_at(site, "main", path)) + b"more\n"})
    run_git(site.repository.path, "repack", "-adfq")
    head = site.repository.head("main")
    known = {first: entries_of(site.repository, first)}
    (listing,), contents = site.read(head, known=known)
    assert (listing.entries, contents) == (entries_of(site.repository, head), [])
    (entry,) = (each for each in listing.entries if each.path == path)
    assert site.take((entry,)) == [site.stored(str(entry.version.blob_sha))]


CHANGES = {
    "renamed": {"content/d3/f3.md": None, "content/d3/other.md": "content/d3/f3.md"},
    "deleted": {"content/d3/f3.md": None},
    "a new folder": {"fresh/deep/er.md": b"new\n"},
    "nothing at all": {},
    "a folder that is gone": {f"content/d3/f{n}.md": None for n in range(3, 100, 20)},
    "a folder that moved": {
        **{f"content/d3/f{n}.md": None for n in range(3, 100, 20)},
        **{f"moved/here/f{n}.md": f"content/d3/f{n}.md" for n in range(3, 100, 20)},
    },
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_listing_is_whole_whatever_became_of_what_is_known(open_site, change):
    site = open_site(several(100))
    first = site.repository.head("main")
    edits = {
        path: site.stored(blob_at(site, "main", content)) if isinstance(content, str) else content
        for path, content in CHANGES[change].items()
    }
    head = site.repository.commit_files("main", edits)
    (listing,), contents = site.read(head, **known_at(site, first))
    assert listing.entries == entries_of(site.repository, head)
    assert contents == [content for content in CHANGES[change].values() if isinstance(content, bytes)]
    assert len(site.simulator.log[0].response_bytes) < 2_000


def test_drafts_from_older_commits_come_whole(open_site):
    """What a draft has of the commit it began at, and the known one no more, is new."""
    site = open_site(several(100))
    drafts = [
        site.repository.commit_files(f"d{n}", {f"n{n}.md": b"%d\n" % n}, start="main") for n in range(3)
    ]
    older = blob_at(site, "main", "content/d3/f3.md")
    head = site.repository.commit_files("main", {"content/d3/f3.md": b"newer\n"})
    listings, contents = site.read(*drafts, **known_at(site, head))
    assert [each.entries for each in listings] == [entries_of(site.repository, sha) for sha in drafts]
    assert set(map(blob_sha, contents)) == {older, *(blob_sha(b"%d\n" % n) for n in range(3))}
    assert site.asked == [POST]


def test_a_commit_that_led_to_the_known_one_comes_too(open_site):
    """Who has a commit without its history has none of those before it."""
    site = open_site(several(100))
    first = site.repository.head("main")
    older = blob_at(site, "main", "content/d3/f3.md")
    head = site.repository.commit_files("main", {"content/d3/f3.md": b"newer\n"})
    (listing,), contents = site.read(first, **known_at(site, head))
    assert listing.entries == entries_of(site.repository, first)
    assert [blob_sha(content) for content in contents] == [older]


def test_a_commit_that_is_known_costs_nothing(site):
    head = site.repository.head("main")
    given = known_at(site, head)
    assert site.trees.cost(Wanted((head,), **given)) == Cost(0, 0)
    assert site.read(head, **given) == ([Listing(head, "", entries_of(site.repository, head))], [])
    assert site.asked == []


def test_listings_that_name_no_blobs_are_not_known(site):
    head = site.repository.head("main")
    unnamed = (TreeEntry("a.md", None, FileVersion(None, Mode.FILE, head)),)
    (listing,), contents = site.read(head, known={head: unnamed})
    assert listing.entries == entries_of(site.repository, head)
    assert len(contents) == 2


def test_a_known_commit_that_the_server_has_no_more_is_no_hindrance(site):
    known = {OLD_SHA: entries_of(site.repository, site.repository.head("main"))}
    (listing,), contents = site.read(site.repository.head("main"), known=known)
    assert len(listing.entries) == len(contents) == 2


# -- what it costs ------------------------------------------------------------------------------------


def test_costs_are_told_before_anything_is_asked(site):
    head = site.repository.head("main")
    entries = tuple(attrs.evolve(each, size=7) for each in entries_of(site.repository, head))
    assert site.trees.cost(Wanted((head,))) == Cost(1, 3)
    assert site.blobs.cost(Wanted((head,), entries=entries)) == Cost(1, 3, 14)
    assert site.blobs.cost(Wanted((head,), entries=())) == Cost(0, 0)
    assert site.asked == []
    site.read(head)
    assert site.trees.cost(Wanted((head,))) == Cost(1, 1)
    many = tuple(TreeEntry(f"{n}", 1, FileVersion(f"{n:040x}")) for n in range(20_001))
    assert site.blobs.cost(Wanted((head,), entries=many)) == Cost(2, 2, 20_001)


def test_what_a_way_cannot_give_has_no_cost(site):
    head = site.repository.head("main")
    entry = TreeEntry("a.md", None, FileVersion(None))
    assert site.trees.cost(Wanted(())) is None
    assert site.trees.cost(Wanted(("a" * 64,))) is None
    assert site.trees.cost(Wanted((head,), entries=())) is None
    assert site.blobs.cost(Wanted((head,))) is None
    assert site.blobs.cost(Wanted((head,), entries=(entry,))) is None
    large = attrs.evolve(entry, version=FileVersion("a" * 64))
    assert site.blobs.cost(Wanted((head,), entries=(large,))) is None


def test_submodules_are_not_asked_for(site):
    module = TreeEntry("module", None, FileVersion(OLD_SHA, Mode.SUBMODULE))
    assert site.take((module,)) == []
    assert site.asked == []


def test_a_long_question_is_compressed(open_site):
    site = open_site(several(500, 5))
    entries = entries_of(site.repository, site.repository.head("main"))
    assert len(site.take(entries)) == 500
    (exchange,) = site.simulator.log
    assert exchange.request_headers["Content-Encoding"] == "gzip"
    assert len(gzip.decompress(exchange.request_body)) > len(exchange.request_body)


def test_naming_the_ways_imports_nothing_heavy():
    script = (
        "import sys; from copydesk.http import Connector; "
        "ways = Connector('gitea', 't').git_ways('https://example.org/a.git'); "
        "print([way.name for way in ways], [m for m in ('dulwich', 'requests') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['git', 'git'] []"


def test_without_the_extra_there_are_no_ways(monkeypatch):
    monkeypatch.setitem(sys.modules, "dulwich", None)
    assert Connector("gitea", "t").git_ways("https://example.org/a.git") == ()


# -- refusals -----------------------------------------------------------------------------------------

REFUSED = {
    401: (AuthenticationError, 1),
    403: (PermissionDeniedError, 1),
    404: (NotFoundError, 1),
    503: (UnavailableError, 3),
}


@pytest.mark.parametrize("status", REFUSED)
def test_a_refusal_is_told_by_its_status(site, status):
    site.simulator.git_server.refused = status
    expected, requests = REFUSED[status]
    entries = entries_of(site.repository, site.repository.head("main"))
    with pytest.raises(expected) as caught:
        site.read(site.repository.head("main"))
    assert type(caught.value) is expected
    assert site.asked == [POST] * requests
    with pytest.raises(expected) as caught:
        site.take(entries)
    assert type(caught.value) is expected
    site.simulator.git_server.refused = None
    assert len(site.take(entries)) == 2


def test_somebody_unknown_is_refused_and_the_token_not_told(open_site):
    site = open_site({"a.md": b"a\n"}, token="sesame-1234")
    with pytest.raises(AuthenticationError) as caught:
        site.read(site.repository.head("main"))
    assert "sesame" not in str(caught.value)


@pytest.mark.parametrize("version", [2, 0])
def test_a_commit_that_is_not_there_is_named(site, version):
    site.simulator.git_server.version = version
    with pytest.raises(NotFoundError, match=f"not our ref {OLD_SHA}.*read the branch again"):
        site.read(OLD_SHA)


def test_a_server_that_gives_no_files_by_sha_is_not_asked_again(site):
    site.simulator.git_server.version = 0
    site.simulator.git_server.any_sha = False
    head = site.repository.head("main")
    wanted = Wanted((head,), entries=entries_of(site.repository, head))
    with pytest.raises(NotSupportedError, match="does not give files by their shas; read in another way"):
        list(site.blobs.read(wanted))
    assert site.blobs.cost(wanted) is None
    site.check(head)
    assert site.asked == [POST, REFS, POST, POST]


def test_what_was_learned_of_version_0_is_known_before_the_first_file(site):
    site.simulator.git_server.version = 0
    site.simulator.git_server.any_sha = False
    head = site.repository.head("main")
    site.check(head)
    assert site.blobs.cost(Wanted((head,), entries=entries_of(site.repository, head))) is None


def test_a_file_that_is_not_there_closes_the_way_by_sha(site):
    entry = TreeEntry("a.md", None, FileVersion(OLD_SHA))
    with pytest.raises(NotSupportedError):
        site.take((entry,))
    assert site.blobs.cost(Wanted((OLD_SHA,), entries=(entry,))) is None


def test_an_answer_that_ends_anywhere_is_never_taken_for_whole(open_site):
    """Every eighth byte or so; where HTTP does not notice."""
    site = open_site(several(8, 20))
    head = site.repository.head("main")
    site.check(head)
    size = len(site.simulator.log[0].response_bytes)
    for cut in {*range(1, size, 8), size - 1, size - 4, size - 5}:
        site.simulator.git_server.cut = cut
        with pytest.raises((UnavailableError, ProtocolError)) as caught:
            site.read(head)
        assert isinstance(caught.value, UnavailableError), cut
    site.simulator.git_server.cut = 0
    with pytest.raises(ProtocolError, match="gave nothing"):
        site.read(head)
    site.simulator.git_server.cut = None
    site.check(head)


def test_a_connection_that_breaks_is_unavailable(site):
    site.simulator.inject(CutBody(), times=9)
    with pytest.raises(UnavailableError, match="try again"):
        site.read(site.repository.head("main"))


def framed(channel: bytes, content: bytes) -> bytes:
    return b"%04x%b%b" % (len(content) + 5, channel, content)


GARBAGE = {
    "a page": (b"<!DOCTYPE html><p>Log in", ProtocolError, "instead of an answer to git; check the address"),
    "another line": (b"000ahello\n", ProtocolError, "begins 'hello'"),
    "no pack": (
        b"000dpackfile\n" + framed(b"\x01", b"nonsense" * 9) + b"0000",
        ProtocolError,
        "a damaged pack",
    ),
    "a refusal": (b"0018ERR access denied: x", ProtocolError, "refused: 'access denied: x'"),
    "a failure": (
        b"000dpackfile\n" + framed(b"\x03", b"pack-objects died of full-token\n") + b"0000",
        UnavailableError,
        r"pack-objects died of [^f]*'; try again",
    ),
}


@pytest.mark.parametrize("kind", GARBAGE)
def test_an_answer_that_is_none_is_refused(site, kind):
    body, expected, words = GARBAGE[kind]
    site.simulator.git_server.garbage = body
    head = site.repository.head("main")
    with pytest.raises(expected, match=words) as caught:
        site.read(head)
    assert "full-token" not in str(caught.value)
    # What looks as if the server spoke another version is asked for; the same question is not asked twice.
    assert site.asked == ([POST] if b"packfile" in body else [POST, REFS])
    site.simulator.git_server.garbage = None
    site.check(head)


@pytest.mark.parametrize("distance", [0, 1, 100])
def test_an_object_that_is_packed_against_itself_or_nothing_is_refused(site, distance):
    delta = zlib.compress(b"\x01\x01\x01a")
    pack = b"PACK" + struct.pack(">II", 2, 1) + bytes([0x60 | 4, distance]) + delta
    body = framed(b"\x01", pack + hashlib.sha1(pack).digest())
    site.simulator.git_server.garbage = b"000dpackfile\n" + body + b"0000"
    with pytest.raises(ProtocolError, match="a damaged pack"):
        site.read(site.repository.head("main"))


def test_a_pack_that_was_changed_on_the_way_is_refused(site):
    """The checksum at its end is git's own."""
    head = site.repository.head("main")
    site.check(head)
    whole = site.simulator.log[0].response_bytes
    for place in range(whole.index(b"PACK") + 12, len(whole) - 4, 7):
        changed = bytearray(whole)
        changed[place] ^= 0x55
        site.simulator.git_server.garbage = bytes(changed)
        with pytest.raises((ProtocolError, UnavailableError)):
            site.read(head)


def test_who_reads_no_further_ends_the_request(open_site):
    site = open_site(several(200))
    head = site.repository.head("main")
    reading = site.trees.read(Wanted((head,)))
    assert isinstance(next(reading), Listing)
    reading.close()
    site.check(head)


# -- memory -------------------------------------------------------------------------------------------

MEASURE = """
import pathlib, re, sys
from copydesk.http import Connector, Dialect
from copydesk.models import Credential
from copydesk.ways import Wanted
root, few, many = sys.argv[1:]
connect = Connector("gitea", Credential("full-token", scheme="basic", user="x"))
connect(root + "/api/v1", Dialect(name="gitea"))
trees, _ = connect.git_ways(root + "/owner/site.git")
def peak(commit):
    count = sum(isinstance(each, bytes) for each in trees.read(Wanted((commit,))))
    # Not ru_maxrss, which begins with what the parent had.
    return count, int(re.search(r"VmHWM:\\s+(\\d+)", pathlib.Path("/proc/self/status").read_text())[1])
(_, before), (count, after) = peak(few), peak(many)
print(count, after - before)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="this system does not tell it so")
@pytest.mark.parametrize(
    ("files", "most"), [(3000, 4_000), pytest.param(10_000, 10_000, marks=pytest.mark.long)]
)
def test_memory_is_bounded_by_files_and_not_by_their_number(open_site, files, most):
    """Of 12 MB, or 41 MB, there is never more at once than a part; the listing is most of it."""
    site = open_site({"a.md": b"a\n"})
    few = site.repository.head("main")
    for name, value in {"core.compression": "1", "pack.window": "0"}.items():
        run_git(site.repository.path, "config", name, value)  # it is not git that is measured
    line = os.urandom(2000)
    stream = [b"commit refs/heads/many\ncommitter a <a@b.c> 1 +0000\ndata 1\nx\n"]
    for n in range(files):
        content = (b"%d " % n + os.urandom(60) + line).hex().encode()
        stream.append(b"M 100644 inline d%d/f%d.md\ndata %d\n%b\n" % (n % 30, n, len(content), content))
    run_git(site.repository.path, "fast-import", "--quiet", "--depth=0", content=b"".join(stream))
    many = site.repository.head("many")
    command = [sys.executable, "-c", MEASURE, site.simulator.url, few, many]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    count, kilobytes = map(int, done.stdout.split())
    assert count == files
    assert kilobytes < most
