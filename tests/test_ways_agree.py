"""The same bytes by every way: whatever is in a tree, on each forge, fresh, again, and from what was kept."""

from __future__ import annotations

import contextlib
import random
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import attrs
import pygit2
import pytest
from copydesk import Repository
from copydesk.blobs import blob_sha
from copydesk.errors import ProtocolError
from copydesk.http import Gates, HttpSettings
from copydesk.models import FileVersion, Mode, TreeEntry
from copydesk.testing import Answer
from copydesk.testing._suite import CONTENT_THAT_HURTS, PATHS_THAT_HURT
from copydesk.ways import Listing, Wanted, Way
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("graphql", reason="graphql-core is not installed")
pytest.importorskip("dulwich", reason="dulwich is not installed")

from means.examples import the_same_examples
from means.places import FORGES, Place, place
from simulators.lfs import Bucket, Objects, pointer_to
from simulators.store import Repository as Site

FILE, EXECUTABLE, LINK, MODULE = 0o100644, 0o100755, 0o120000, 0o160000
FOLDER = 0o040000
LARGE = b"\x89PNG and much more than git should have\n" * 50
ATTRIBUTES = {
    "none": b"",
    "lfs": b"*.bin filter=lfs diff=lfs merge=lfs -text\n",
    "ignored": b"*.md export-ignore\ncontent/ export-ignore\n",
    "altered": b"* export-subst\n",
    "all": b"*.bin filter=lfs\n*.txt export-subst\ncontent/posts export-ignore\n",
}
NAMES = (
    *PATHS_THAT_HURT,
    "content/posts/a.md",
    "content/posts/a.bin",
    "content/posts/deep/er/b.txt",
    "content/posts-old/a.md",
    "content/posts.md",
    "new\nline.txt",
    "n" * 250 + ".bin",
)
CONTENTS = (
    *CONTENT_THAT_HURTS[:-1],
    pointer_to(LARGE),
    pointer_to(b"")[:-1],
    b"$Format:%H %an$\n",
    b"the same\n",
    b"content/posts/a.md",
    bytes(range(256)) * 500,  # git leaves it out at first, being more than 100,000 bytes
)
#: So many that an archive is worth its while.
REST = {f"rest/{number:02}.md": (FILE, b"%d\n" % number) for number in range(24)}
#: Everything at once.
ALL = {path: (FILE, CONTENTS[number % len(CONTENTS)]) for number, path in enumerate(NAMES)} | {
    "bin/run": (EXECUTABLE, b"#!/bin/sh\n"),
    "bin/link": (LINK, b"run"),
    "bin/link to nothing": (LINK, b"../" * 400 + b"a"),
    "content/posts/module": (MODULE, b""),
    "module": (MODULE, b""),
    "large.bin": (FILE, pointer_to(LARGE)),
    "content/large.bin": (FILE, pointer_to(LARGE)),
    "empty.bin": (FILE, b""),
    "small.bin": (FILE, b"never given to LFS"),
    "link.bin": (LINK, pointer_to(LARGE)),
}

Files = Mapping[str, tuple[int, bytes]]

one_file = st.tuples(
    st.sampled_from((FILE, FILE, EXECUTABLE, LINK, MODULE)),
    st.sampled_from(CONTENTS) | st.binary(max_size=60),
)
trees = st.dictionaries(st.sampled_from((*NAMES, *ALL)), one_file, min_size=1, max_size=8)


def raw(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def write_tree(git: pygit2.Repository, files: Files) -> bytes:
    """Write a tree as git has it, whatever its names; pygit2 takes no others than its own."""
    items: list[tuple[bytes, bytes]] = []
    below: dict[str, dict[str, tuple[int, bytes]]] = {}
    for path, (mode, content) in files.items():
        name, _, rest = path.partition("/")
        if rest:
            below.setdefault(name, {})[rest] = mode, content
        else:
            sha = b"\xab" * 20 if mode == MODULE else git.create_blob(content).raw
            items.append((raw(name), b"%o %b\0%b" % (mode, raw(name), sha)))
    for name, inner in below.items():
        items.append((raw(name) + b"/", b"%o %b\0%b" % (FOLDER, raw(name), write_tree(git, inner))))
    return git.write(pygit2.enums.ObjectType.TREE, b"".join(item for _, item in sorted(items))).raw


def commit(site: Site, files: Files) -> str:
    """Make a tree the head of the branch."""
    with site.forge.lock:
        tree = pygit2.Oid(raw=write_tree(site.git, files))
        head = site.git.references["refs/heads/main"].target
        who = site.signature(site.owner)
        return str(site.git.create_commit("refs/heads/main", who, who, "Other files", tree, [head]))


def told(site: Site, tree: pygit2.Tree, start: str = "") -> Iterator[tuple[str, int, str]]:
    """Tell what git has: path, mode and sha."""
    for entry in tree:
        path = start + entry.raw_name.decode("utf-8", "surrogateescape")
        if entry.filemode == FOLDER:
            yield from told(site, entry, f"{path}/")
        else:
            yield path, int(entry.filemode), str(entry.id)


@attrs.frozen
class Truth:
    """What git has at a commit, and what of it is to be given."""

    commit_sha: str
    entries: tuple[TreeEntry, ...]
    blobs: Mapping[str, bytes]
    attributes: bytes

    @classmethod
    def at(cls, site: Site, commit_sha: str) -> Truth:
        with site.forge.lock:
            found = sorted(told(site, site.git[commit_sha].tree))
            blobs = {sha: site.git[sha].data for _, mode, sha in found if mode != MODULE}
        entries = tuple(
            TreeEntry(path, None, FileVersion(sha, Mode(f"{mode:o}"))) for path, mode, sha in found
        )
        attributes = next(
            (blobs[each.version.blob_sha] for each in entries if each.path == ".gitattributes"), b""
        )
        return cls(commit_sha, entries, blobs, attributes)

    @property
    def has_large(self) -> bool:
        return b"filter=lfs" in self.attributes

    def files(self, *, led: bool = False) -> dict[str, tuple[bytes, Mode]]:
        """Give bytes and mode by path; a pointer that LFS tracks is the large file.

        :param led: the forge leads to a large file wherever there is one.
        """
        return {
            entry.path: (self._content(entry, led=led), entry.version.mode)
            for entry in self.entries
            if entry.version.mode is not Mode.SUBMODULE
        }

    def _content(self, entry: TreeEntry, *, led: bool) -> bytes:
        content = self.blobs[entry.version.blob_sha]
        known = {pointer_to(LARGE): LARGE} if led else {}
        if self.has_large and entry.path.endswith(".bin"):
            known = {pointer_to(LARGE): LARGE, pointer_to(b"")[:-1]: b""}
        return content if entry.version.mode is Mode.SYMLINK else known.get(content, content)

    def below(self, folder: str) -> tuple[TreeEntry, ...]:
        start = f"{folder}/" if folder else ""
        return tuple(entry for entry in self.entries if entry.path.startswith(start))


# -- each way by itself -------------------------------------------------------------------------------


def plain(entries: Iterable[TreeEntry]) -> list[tuple[str, str, Mode]]:
    return [(each.path, each.version.blob_sha, each.version.mode) for each in entries]


def is_altered(way: Way, content: bytes, truth: Truth) -> bool:
    """Tell whether bytes are those of a blob as the forge alters it, which the core passes over."""
    if way.name == "graphql":  # gives texts, and tells of none that it is no text
        return content in {blob.decode("utf-8", "replace").encode() for blob in truth.blobs.values()}
    return way.name == "archive" and b"export-subst" in truth.attributes


def check_alone(way: Way, wanted: Wanted, truth: Truth) -> None:
    """Check that a way lists what is there, wholly where it has to, and gives no other bytes."""
    listed: list[Listing] = []
    try:
        for item in way.read(wanted):
            if isinstance(item, Listing):
                there = truth.below(item.folder)
                assert item.commit_sha == truth.commit_sha
                assert set(plain(item.entries)) <= set(plain(there))
                assert item.is_part or plain(item.entries) == plain(there)
                listed.append(item)
            else:
                assert blob_sha(item) in truth.blobs or is_altered(way, item, truth)
    except ProtocolError:  # GitLab's archive is not what the folder is
        assert way.name == "archive"
        assert b"export-" in truth.attributes or any(
            each.version.mode is Mode.SUBMODULE for each in truth.entries
        )
        return
    assert (wanted.entries is None) is any(not each.is_part for each in listed)


def check_ways(repository: Repository, truth: Truth) -> None:
    sized = tuple(
        attrs.evolve(each, size=len(truth.blobs[each.version.blob_sha]))
        for each in truth.entries
        if each.version.mode is not Mode.SUBMODULE
    )
    for way in repository.list_ways():
        for wanted in (
            Wanted((truth.commit_sha,)),
            Wanted((truth.commit_sha,), "content/posts"),
            Wanted((truth.commit_sha,), "", sized, sized),
            Wanted((truth.commit_sha,), "", tuple(attrs.evolve(each, size=None) for each in sized), sized),
        ):
            if way.cost(wanted) is not None:
                check_alone(way, wanted, truth)


# -- through the repository ---------------------------------------------------------------------------


def kind_of(path: str, body: bytes) -> str:
    """Tell which way a request belongs to."""
    if "graphql" in path:
        return "graphql" if b"isTruncated" in body or b"rawTextBlob" in body else ""
    kinds = {
        "git-upload-pack": "git",
        "/tarball/": "archive",
        "legacy.tar.gz": "archive",
        "/archive": "archive",
        "file-contents": "file-contents",
    }
    return next((kind for part, kind in kinds.items() if part in path), "")


#: The ways of each forge; the last one is file by file.
OPEN = {
    "github": ("git", "archive", "graphql", ""),
    "github-rest": ("git", "archive", ""),
    "gitlab": ("git", "archive", "graphql", ""),
    "gitlab-rest": ("git", "archive", ""),
    "bitbucket": ("git", ""),
    "gitea": ("git", "archive", "file-contents", ""),
}


@contextlib.contextmanager
def only(at: Place, kind: str) -> Iterator[None]:
    """Close all ways but one: git refuses, or is not installed; the others are not there."""
    at.server.clear()
    at.server.git_server.refused = None if kind == "git" else 403
    others = {"git", "archive", "graphql", "file-contents"} - {"git", kind}
    refusal = Answer(403, b'{"message": "no"}')
    at.server.inject(
        refusal, when=lambda request: kind_of(request.path, request.get_data()) in others, times=10**6
    )
    with pytest.MonkeyPatch.context() as patch:
        if not kind:
            patch.setitem(sys.modules, "dulwich", None)
        yield
    at.server.git_server.refused = None


def opened(at: Place, kind: str = "git") -> Repository:
    """Open it as somebody who asked for nothing yet."""
    if at.name.startswith("gitlab"):
        at.server.archives.clear()
    if hasattr(at.server, "quota"):
        at.server.quota_left = at.server.quota
    elif at.name == "bitbucket":
        at.server.quota_left = 1000
    fresh = HttpSettings(sleep=lambda _: None, gates=Gates(), environ={}, timeout=(5, 20))
    options = {"use_graphql": False} if not kind and at.name in {"github", "gitlab"} else {}
    return at.open(http=fresh, **options)


def load(repository: Repository, commit_sha: str = "", folder: str = "") -> dict[str, tuple[bytes, Mode]]:
    files = list(repository.read_all(folder, commit_sha=commit_sha))
    found = {file.path: (file.content, file.version.mode) for file in files}
    assert len(files) == len(found)
    return found


def check_loads(at: Place, truth: Truth, kind: str) -> None:
    """Check what comes cold, warm, and from the store in another process."""
    led = at.name == "bitbucket" and not kind
    files = truth.files(led=led)
    below = {path: file for path, file in files.items() if path.startswith("content/posts/")}
    with only(at, kind), TemporaryDirectory() as cache, pytest.MonkeyPatch.context() as patch:
        patch.setenv("COPYDESK_CACHE", "on")
        patch.setenv("COPYDESK_CACHE_DIR", cache)
        with opened(at, kind) as repository:
            assert load(repository, truth.commit_sha) == files
            assert kind in {
                kind_of(each.path, each.request_body) for each in at.server.log if each.status < 400
            }
            assert load(repository, truth.commit_sha) == files
            assert load(repository, truth.commit_sha, "content/posts") == below
        before = len(at.server.log)
        with opened(at, kind) as repository:
            assert load(repository, truth.commit_sha) == files
        # What is in LFS is not kept: the repository and its head tell where it is.
        asked = [each for each in at.server.log[before:] if "lfs" not in each.path]
        assert led or len(asked) <= (2 if truth.has_large else 0)


def check_each(repository: Repository, *truths: Truth) -> None:
    """Check what comes of several commits at once."""
    wanted = {truth.commit_sha: truth.files().keys() for truth in truths}
    for truth, (commit_sha, files) in zip(truths, repository.read_each(wanted), strict=True):
        assert commit_sha == truth.commit_sha
        assert {file.path: (file.content, file.version.mode) for file in files} == truth.files()
        assert len(files) == len(truth.files())


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, Place]]:
    """Make a site on each forge; trees are written to it as they come."""
    settings = HttpSettings(sleep=lambda _: None, gates=Gates(), environ={}, timeout=(5, 20))
    with contextlib.ExitStack() as stack:
        made: dict[str, Place] = {}
        bucket = stack.enter_context(Bucket())
        for name in FORGES:
            files = {"README.md": b"as it began\n"}
            at = stack.enter_context(place(name, tmp_path_factory.mktemp(name), settings, files))
            Objects.of_repository(at.site.path).add(LARGE)
            at.server.lfs.bucket = bucket
            made[name] = at
        yield made


def check(at: Place, files: Files, kept: Path) -> None:
    """Check one tree, after others were read of the same branch."""
    before = at.site.head("main")
    truth = Truth.at(at.site, commit(at.site, files))
    with only(at, "git"), pytest.MonkeyPatch.context() as patch:
        patch.setenv("COPYDESK_CACHE", "on")
        patch.setenv("COPYDESK_CACHE_DIR", str(kept))
        with opened(at) as repository:  # of what changed since the last one
            assert load(repository) == truth.files()
    at.server.clear()
    with opened(at) as repository:
        check_ways(repository, truth)
        check_each(repository, Truth.at(at.site, before), truth)
    for kind in OPEN[at.name]:
        check_loads(at, truth, kind)


def whole(name: str, files: Files, attributes: str) -> Files:
    """Add what makes a tree worth every way, and leave out what the simulator of a forge knows no answer to."""

    def fits(path: str, mode: int, content: bytes) -> bool:
        if mode == LINK and (not content or b"\0" in content):  # leads nowhere, and no archive can hold it
            return False
        if name.startswith("gitlab"):  # tells the name of a file in a header
            return "\n" not in path
        # Bitbucket's finds out by the bytes alone what is in LFS, and tells nothing else of it.
        return name != "bitbucket" or mode == FILE or content != pointer_to(LARGE)

    fit = {path: file for path, file in files.items() if fits(path, *file)}
    return {**REST, ".gitattributes": (FILE, ATTRIBUTES[attributes]), **fit}


# The other interface of the same forge differs in how it lists, and in one way less.
often = pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.long if "-" in name else ()) for name in FORGES]
)


@often
@pytest.mark.parametrize("attributes", [pytest.param("none", marks=pytest.mark.long), "all"])
def test_every_way_gives_everything_that_hurts(sites, tmp_path, name, attributes):
    check(sites[name], whole(name, ALL, attributes), tmp_path)


def check_many(at: Place, kept: Path, examples: int) -> None:
    """Check trees that nobody thought of; the same ones each time."""

    @the_same_examples(examples)
    @given(trees, st.sampled_from(sorted(ATTRIBUTES)))
    def agrees(files: Files, attributes: str) -> None:
        check(at, whole(at.name, files, attributes), kept)

    agrees()


@pytest.mark.parametrize("name", ["github", "gitlab"])
def test_every_way_gives_the_same(sites, tmp_path, name):
    check_many(sites[name], tmp_path, 2)


@pytest.mark.long
@pytest.mark.parametrize("name", FORGES)
def test_every_way_gives_the_same_of_many(sites, tmp_path, name):
    check_many(sites[name], tmp_path, 40)


@often
def test_names_that_are_no_utf8(sites, name):
    """Git's protocol carries them; what is kept of them is read again."""
    names = ("caf\udce9.md", "\udcff\udcfe/\udc80.md", "content/posts/\udce9\n.md")
    at, files = sites[name], dict.fromkeys(names, (FILE, b"as it is\n"))
    truth = Truth.at(at.site, commit(at.site, whole("", files, "none")))
    assert set(names) < truth.files().keys()
    check_loads(at, truth, "git")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        pytest.param(
            name, kind, marks=() if name in {"github", "gitlab"} and kind == "git" else pytest.mark.long
        )
        for name in FORGES
        for kind in OPEN[name]
    ],
)
def test_file_of_20_mb(sites, name, kind):
    at, large = sites[name], random.Random(20).randbytes(2**14) * 1280
    truth = Truth.at(at.site, commit(at.site, whole(name, {"static/film.bin": (EXECUTABLE, large)}, "none")))
    assert truth.files()["static/film.bin"] == (large, Mode.EXECUTABLE)
    check_loads(at, truth, kind)
