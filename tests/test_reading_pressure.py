"""Reading many files where ways fail: the next one is taken, and the result is complete or an error."""

from __future__ import annotations

import contextlib
import gc
import hashlib
import json
import random
import struct
import tempfile
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

import attrs
import pygit2
import pytest
from copydesk import Repository
from copydesk.errors import CopydeskError, RateLimitedError
from copydesk.http import Gates, HttpSettings
from copydesk.testing import Answer, CutBody, Stall
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("graphql", reason="graphql-core is not installed")
pytest.importorskip("dulwich", reason="dulwich is not installed")

from means.examples import the_same_examples
from means.places import Place, place

N: Final = 300
FOLDER: Final = "content/posts"
FILES: Final = {
    f"{FOLDER}/p{number:05}.md": b"".join(b"line %d of %d\n" % (line, number) for line in range(8))
    for number in range(N)
}
PAGE: Final = b"<!DOCTYPE html><title>Log in</title><p>Please log in to go on.</p>"
ALWAYS: Final = 10**6
FORGES: Final = ("github", "gitlab", "gitea", "bitbucket")
TOO_MUCH: Final = {
    "github": {"errors": [{"type": "RESOURCE_LIMITS_EXCEEDED", "message": "Resource limits exceeded."}]},
    "gitlab": {"errors": [{"message": "Query has complexity of 251, which exceeds max complexity of 250"}]},
}

Strike = Callable[[Place], None]


def kind_of(path: str, body: bytes) -> str:
    """Tell which way a request belongs to; ``file`` is file by file."""
    if path.endswith("graphql"):
        return "graphql" if b"isTruncated" in body or b"rawTextBlob" in body else ""
    kinds = {
        "git-upload-pack": "git",
        "/info/refs": "git",
        "/tarball/": "archive",
        "legacy.tar.gz": "archive",
        "/archive": "archive",
        "/file-contents": "contents",
        "/git/blobs/": "file",
        "/raw": "file",
        ".md": "file",
    }
    return next((kind for part, kind in kinds.items() if part in path), "")


def asked(at: Place, kind: str, start: int = 0) -> int:
    """Count what a way asked for."""
    return sum(kind_of(each.path, each.request_body) == kind for each in at.server.log[start:])


def answering(kind: str, *faults: object) -> Strike:
    def strike(at: Place) -> None:
        for fault in faults:
            at.server.inject(fault, when=lambda it: kind_of(it.path, it.get_data()) == kind, times=ALWAYS)

    return strike


def git_set(**knobs: object) -> Strike:
    def strike(at: Place) -> None:
        for name, value in knobs.items():
            setattr(at.server.git_server, name, value)

    return strike


def too_much(at: Place) -> None:
    said = json.dumps({"data": None, **TOO_MUCH[at.name]}).encode()
    answering("graphql", Answer(200, said))(at)


def closed(kind: str) -> Strike:
    """Let a way be refused."""
    return git_set(refused=403) if kind == "git" else answering(kind, Answer(403, b"{}"))


#: How each way fails, by its name.
TROUBLES: Final[Mapping[str, Mapping[str, Strike]]] = {
    "git": {
        **{f"git {status}": git_set(refused=status) for status in (401, 403, 404, 503)},
        "git 429": answering("git", Answer(429, b"later", {"Retry-After": "3600"}, "text/plain")),
        "git cut": git_set(cut=6000),
        "git garbage": git_set(garbage=PAGE),
    },
    "archive": {
        "archive 429": answering("archive", Answer(429, b"{}", {"Retry-After": "50"})),
        "archive 500": answering("archive", Answer(500)),
        "archive 502": answering("archive", Answer(502, PAGE, {}, "text/html")),
        "archive cut": answering("archive", CutBody()),
        "archive page": answering("archive", Answer(200, PAGE, {}, "text/html")),
    },
    "graphql": {
        "graphql 502": answering("graphql", Answer(502, PAGE, {}, "text/html")),
        "graphql too much": too_much,
    },
    "contents": {
        "contents 502": answering("contents", Answer(502)),
        "contents 404": answering("contents", Answer(404)),
        "contents cut": answering("contents", CutBody()),
    },
    "file": {"file 500": answering("file", Answer(500))},
}
WAYS: Final = {
    "github": ("git", "archive", "graphql", "file"),
    "gitlab": ("git", "archive", "graphql", "file"),
    "gitea": ("git", "archive", "contents", "file"),
    "bitbucket": ("git", "file"),
}


@attrs.define
class Clock:
    """A clock that goes on only where somebody waits."""

    now: float = attrs.field(factory=time.time)

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def settings(self, timeout: float = 10.0) -> HttpSettings:
        return HttpSettings(
            clock=lambda: self.now, sleep=self.sleep, gates=Gates(), environ={}, timeout=(5, timeout)
        )


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Place]]:
    """Make a site on a forge, once."""
    places: dict[str, Place] = {}
    with contextlib.ExitStack() as stack:

        def make(name: str) -> Place:
            if name not in places:
                folder = tmp_path_factory.mktemp(name)
                places[name] = stack.enter_context(place(name, folder, Clock().settings(), FILES))
            return places[name]

        yield make


@pytest.fixture
def at(request, made) -> Iterator[Place]:
    found = made(request.param)
    calm(found)
    yield found
    calm(found)


def on(*names: object) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("at", names, indirect=True)


def calm(at: Place) -> None:
    """Let everything work again."""
    at.server.clear()
    git_set(refused=None, cut=None, garbage=None)(at)
    if at.name == "gitlab":
        at.server.archives.clear()
    if at.name in {"github", "gitlab"}:
        at.server.quota_left = at.server.quota
    if at.name == "bitbucket":
        at.server.quota_left = 1000


def load(repository: Repository) -> dict[str, bytes]:
    files = list(repository.read_all(FOLDER))
    found = {file.path: file.content for file in files}
    assert len(files) == len(found)
    return found


def edit(at: Place) -> dict[str, bytes]:
    """Make another commit, which changes nothing that the other tests look at."""
    with at.site.forge.lock:
        at.site.commit_files("main", {"elsewhere.md": b"%d\n" % time.monotonic_ns()})
    return FILES


def check_falls_over(at: Place, kind: str, *strikes: Strike) -> None:
    """Check that files come whole, and that the way which failed is left alone from then on."""
    for strike in strikes:
        strike(at)
    with at.open(http=Clock().settings()) as repository:
        assert load(repository) == FILES
        assert asked(at, kind)
        start = len(at.server.log)
        assert load(repository) == edit(at)
        assert not asked(at, kind, start)


#: What is tried every day; the rest is of one kind with it, or reads file by file in the end, which takes longer.
OFTEN: Final = {
    ("github", "git 429"),
    ("github", "git cut"),
    ("gitlab", "git garbage"),
    ("gitea", "git 401"),
    ("gitlab", "archive 429"),
    ("gitlab", "archive cut"),
    ("github", "graphql too much"),
}


def failing(kind: str) -> pytest.MarkDecorator:
    """Let a way fail in each manner on each forge that has it."""
    cases = [(name, trouble) for name in FORGES if kind in WAYS[name] for trouble in TROUBLES[kind]]
    marked = [pytest.param(*case, marks=() if case in OFTEN else pytest.mark.long) for case in cases]
    return pytest.mark.parametrize(("at", "trouble"), marked, indirect=["at"])


# -- one way fails ------------------------------------------------------------------------------------


@failing("git")
def test_git_fails(at, trouble):
    check_falls_over(at, "git", TROUBLES["git"][trouble])


@failing("archive")
def test_archive_fails(at, trouble):
    others = [closed("graphql")] if at.name == "github" else []
    check_falls_over(at, "archive", closed("git"), *others, TROUBLES["archive"][trouble])


@failing("graphql")
def test_graphql_fails(at, trouble):
    others = [closed("archive")] if at.name == "gitlab" else []
    check_falls_over(at, "graphql", closed("git"), *others, TROUBLES["graphql"][trouble])


@failing("contents")
def test_files_at_once_fail(at, trouble):
    check_falls_over(at, "contents", closed("git"), closed("archive"), TROUBLES["contents"][trouble])


@on("gitlab", *(pytest.param(name, marks=pytest.mark.long) for name in ("github", "gitea")))
def test_archive_that_stalls(at):
    """It is not waited for longer than the settings say."""
    others = {"github": ("git", "graphql"), "gitlab": ("git",), "gitea": ("git", "contents")}[at.name]
    for strike in (*map(closed, others), answering("archive", Stall(30))):
        strike(at)
    began = time.monotonic()
    with at.open(http=Clock().settings(timeout=0.2)) as repository:
        assert load(repository) == FILES
    assert asked(at, "archive")
    assert time.monotonic() - began < 10


# -- limits -------------------------------------------------------------------------------------------


@on("gitlab")
def test_five_archives_a_minute_are_used_up(at):
    """The sixth is not waited for: what it would have given comes by GraphQL."""
    closed("git")(at)
    for number in range(6):
        start = len(at.server.log)
        with at.open(http=Clock().settings()) as repository:
            assert load(repository) == FILES
        assert asked(at, "graphql", start) == (0 if number < 5 else N // 100)
    statuses = [each.status for each in at.server.log if kind_of(each.path, b"") == "archive"]
    assert statuses == [200] * 5 + [429]


@on("github")
def test_quota_is_nearly_gone_and_git_is_not_counted(at):
    at.server.quota_left = 3
    with at.open(http=Clock().settings()) as repository:
        assert load(repository) == FILES
    assert at.server.quota_left == 3


@on("github")
@pytest.mark.parametrize("left", [2, 3])
def test_quota_is_nearly_gone_and_git_refuses(at, left):
    """An archive takes one of it: neither single files nor texts are begun that it has no room for."""
    closed("git")(at)
    at.server.quota_left = left
    with at.open(http=Clock().settings()) as repository:
        if left == 3:
            assert load(repository) == FILES
        else:
            with pytest.raises(
                RateLimitedError, match=r"github .* nothing was done; come back then"
            ) as caught:
                load(repository)
            assert caught.value.retry_at.timestamp() >= at.server.quota_reset
    assert (asked(at, "file"), asked(at, "graphql"), at.server.quota_left) == (0, 0, 0)


@on("bitbucket")
def test_more_files_than_bitbucket_gives_in_an_hour(at):
    """None is begun: a thousand would be read in vain."""
    closed("git")(at)
    many = {f"many/{number}.md": b"%d\n" % number for number in range(1001)}
    with at.site.forge.lock:
        head = at.site.commit_files("many", many, start="main")
    with at.open(http=Clock().settings()) as repository:
        with pytest.raises(RateLimitedError, match="bitbucket allows 1000 an hour; do it in smaller steps"):
            list(repository.read_all("many", commit_sha=head))
        assert not asked(at, "file")


@pytest.mark.long
@on("bitbucket")
def test_hour_of_bitbucket_ends_in_the_middle(at):
    closed("git")(at)
    at.server.quota_left = N // 2
    with at.open(http=Clock().settings()) as repository:
        with pytest.raises(RateLimitedError, match="bitbucket") as caught:
            load(repository)
        assert caught.value.retry_at is None or caught.value.retry_at.tzinfo
        at.server.quota_left = 1000


# -- in the middle ------------------------------------------------------------------------------------


@on("github", "gitlab")
def test_what_came_need_not_come_again(at):
    """Only what git owes is asked for in the other way, and no file comes twice."""
    chance = random.Random(1)
    files = {path: chance.randbytes(500).hex().encode() for path in FILES}
    with at.site.forge.lock:
        head = at.site.commit_files(f"chance-{at.name}", files, start="main")
    # Git sends up to 64 KiB at a time, which are of use when they are whole.
    for strike in (git_set(cut=100_000), closed("archive")):
        strike(at)
    with at.open(http=Clock().settings()) as repository:
        found = [(file.path, file.content) for file in repository.read_all(FOLDER, commit_sha=head)]
    assert sorted(found) == sorted(files.items())
    bodies = b"".join(each.request_body for each in at.server.log if kind_of(each.path, each.request_body))
    assert 0 < bodies.count(b"object(oid") + bodies.count(FOLDER.encode()) < N


@on("github")
def test_no_room_for_temporary_files(at, monkeypatch, tmp_path):
    """What git sends is kept in one while it comes; without it the files come another way."""
    files = {f"large/{number}.bin": random.Random(number).randbytes(90_000) for number in range(20)}
    with at.site.forge.lock:
        head = at.site.commit_files("large", files, start="main")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    with at.open(http=Clock().settings()) as repository:
        found = {file.path: file.content for file in repository.read_all("large", commit_sha=head)}
    assert found == files
    assert asked(at, "git") == 1
    assert 0 < asked(at, "file") < len(files)


def packed(git: pygit2.Repository, shas: Iterable[str]) -> bytes:
    """Write what git sends of some objects, in exactly this order."""
    objects = [git.read(pygit2.Oid(hex=sha)) for sha in shas]
    pack = b"PACK" + struct.pack(">II", 2, len(objects))
    for kind, content in objects:
        size, first = len(content) >> 4, int(kind) << 4 | len(content) & 15
        head = bytearray([first | (0x80 if size else 0)])
        while size:
            head.append(size & 0x7F | (0x80 if size >> 7 else 0))
            size >>= 7
        pack += bytes(head) + zlib.compress(content)
    pack += hashlib.sha1(pack).digest()
    parts = (b"\1" + pack[start : start + 60_000] for start in range(0, len(pack), 60_000))
    return b"".join(b"%04x%b" % (len(each) + 4, each) for each in (b"packfile\n", *parts)) + b"0000"


@on("github")
@pytest.mark.parametrize("room", [True, False])
def test_files_that_come_before_their_folders(at, monkeypatch, caplog, tmp_path, room):
    """They wait in a temporary file; where there is no room for it, all comes another way."""
    files = {f"early/{number}.txt": b"%02d" % number * 30_000 for number in range(24)}
    with at.site.forge.lock:
        head = at.site.commit_files("early", files, start="main")
        tree = at.site.git[head].tree
        blobs = [str(each.id) for each in tree["early"]]
        rest = [str(each.id) for each in (tree / "content", tree / "content" / "posts", tree / "early", tree)]
        git_set(garbage=packed(at.site.git, [*blobs, *rest, head]))(at)
    if not room:
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    with caplog.at_level("INFO", "copydesk.reading"), at.open(http=Clock().settings()) as repository:
        found = {file.path: file.content for file in repository.read_all("early", commit_sha=head)}
    assert found == files
    assert ("make room there, or name another one by TMPDIR" in caplog.text) is not room
    assert asked(at, "git") == 1
    assert (asked(at, "file") + asked(at, "graphql") == 0) is room


# -- several at once ----------------------------------------------------------------------------------


def check_complete_or_error(at: Place, troubles: set[tuple[str, str]]) -> None:
    """Check that files come whole, or an error says what to do; and that they come when all works again."""
    calm(at)
    for kind, trouble in sorted(troubles):
        TROUBLES[kind][trouble](at)
    clock = Clock()
    with at.open(http=clock.settings()) as repository:
        refusal: CopydeskError | None = None
        try:
            assert load(repository) == FILES
        except CopydeskError as exc:
            refusal = exc
        if refusal is not None:
            assert "file" in {kind for kind, _ in troubles}
            assert at.name in str(refusal)
            assert ";" in str(refusal)
        calm(at)
        clock.sleep(4000)
        assert load(repository) == FILES


def check_sets(at: Place, examples: int) -> None:
    known = [(kind, trouble) for kind in WAYS[at.name] for trouble in TROUBLES[kind]]

    @the_same_examples(examples)
    @given(st.sets(st.sampled_from(known), min_size=2, max_size=3))
    def holds(troubles: set[tuple[str, str]]) -> None:
        check_complete_or_error(at, troubles)

    holds()


@on("gitlab")
def test_several_ways_fail_at_once(at):
    check_sets(at, 2)


@pytest.mark.long
@on(*FORGES)
def test_any_ways_fail_at_once(at):
    check_sets(at, 8 if at.name == "bitbucket" else 25)


# -- who stops ----------------------------------------------------------------------------------------


def threads() -> set[threading.Thread]:
    return {each for each in threading.enumerate() if each.name.startswith("copydesk")}


@on("github", "gitlab", pytest.param("gitea", marks=pytest.mark.long))
@pytest.mark.parametrize("open_way", ["git", "archive", pytest.param("file", marks=pytest.mark.long)])
def test_who_stops_after_the_first_file(at, open_way):
    """No thread stays and no connection; the next call works."""
    others = threads()  # those of another test
    for kind in WAYS[at.name]:
        if kind not in {open_way, "file"}:
            closed(kind)(at)
    with at.open(http=Clock().settings()) as repository:
        files = repository.read_all(FOLDER)
        assert next(files).content in FILES.values()
        files.close()
        assert open_way == "file" or threads() <= others
        assert load(repository) == FILES
        assert asked(at, open_way)
    gc.collect()  # a connection that nobody closed is a warning, and that an error
    assert threads() <= others


# -- many ---------------------------------------------------------------------------------------------


@pytest.mark.long
@pytest.mark.parametrize("name", FORGES)
def test_ten_thousand_files(name, tmp_path, monkeypatch):
    """By git: all in two requests, nothing in one, 25 that changed in two; Bitbucket is asked what it can do."""
    monkeypatch.setenv("COPYDESK_CACHE", "on")
    monkeypatch.setenv("COPYDESK_CACHE_DIR", str(tmp_path / "cache"))
    files = {f"{FOLDER}/p{number:05}.md": b"post %d\n" % number * 20 for number in range(10_000)}
    changed = {f"{FOLDER}/p{number * 400:05}.md": b"changed %d\n" % number for number in range(25)}
    cold = 3 if name == "bitbucket" else 2
    with place(name, tmp_path / "place", Clock().settings(), files) as at:
        with at.open() as repository, at.costs(cold):
            assert load(repository) == files
        with at.open() as repository, at.costs(1):
            assert load(repository) == files
        with at.site.forge.lock:
            at.site.commit_files("main", changed)
        with at.open() as repository, at.costs(cold):
            assert load(repository) == files | changed
