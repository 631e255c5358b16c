"""Reading many files by the ways that a backend names: which is taken, and what happens where one fails."""

from __future__ import annotations

import itertools
import time

import attrs
import pytest
from copydesk import NotFoundError, hookimpl
from copydesk.blobs import blob_sha
from copydesk.errors import RateLimitedError, UnavailableError
from copydesk.models import Branch, File, FileVersion, Mode, TreeEntry
from copydesk.options import BackendOptions
from copydesk.registry import InstalledBackend
from copydesk.repository import Repository
from copydesk.ways import Cost, Listing

ORIGIN = InstalledBackend("tiny", "copydesk-tiny", "1.2.3", "tiny:backend")
SHA = "a" * 40
OTHER = "b" * 40
FILES = {f"posts/{number:03}.md": f"post {number}\n".encode() for number in range(100)}


def entry_of(path, content, mode=Mode.FILE):
    return TreeEntry(path, len(content), FileVersion(blob_sha(content), mode))


@attrs.define(eq=False)
class Forge:
    """A backend over a dictionary that counts what it is asked; its ways are given."""

    ways: tuple = ()
    files: dict = attrs.field(factory=lambda: dict(FILES))
    asked: list = attrs.field(factory=list)

    @hookimpl
    def list_ways(self):
        return self.ways

    @hookimpl
    def get_branch(self, name):
        self.asked.append("branch")
        return Branch(name, SHA)

    @hookimpl
    def list_files(self, commit_sha, folder):
        self.asked.append("list")
        if commit_sha != SHA:
            raise NotFoundError("no such commit")
        start = f"{folder}/" if folder else ""
        return tuple(entry_of(*each) for each in sorted(self.files.items()) if each[0].startswith(start))

    @hookimpl
    def read_file(self, commit_sha, path, version):
        self.asked.append(path)
        return File(path, self.files[path], version or FileVersion(blob_sha(self.files[path])))


@attrs.define(eq=False)
class Archive:
    """A way that gives everything, and what it is told to do in the middle."""

    forge: Forge
    name: str = "archive"
    turns: int = 1
    quota: int = 0
    lists: bool = False
    finds_heads: bool = False
    after: int | None = None
    failure: object = UnavailableError("it broke off")
    garble: bool = False
    reads: int = 0
    given: int = 0
    closed: bool = False

    def cost(self, wanted):
        if (wanted.entries is None) is not self.lists or (wanted.branch and not self.finds_heads):
            return None
        return Cost(1, self.turns, quota=self.quota)

    def read(self, wanted):
        self.reads += 1
        try:
            if wanted.entries is None:
                entries = (entry_of(*each) for each in sorted(self.forge.files.items()))
                yield Listing(wanted.commit_sha or SHA, "", tuple(entries))
            for number, content in enumerate(self.forge.files.values()):
                if number == self.after:
                    raise self.failure
                self.given += 1
                yield content[:-1] if self.garble else content
        except GeneratorExit:
            self.closed = True
            raise


@pytest.fixture
def forge():
    return Forge()


def opened(forge, branch="", **options):
    return Repository(ORIGIN, BackendOptions(branch=branch), (forge,), **options)


def everything(repository, **options):
    return {file.path: file.content for file in repository.read_all(commit_sha=SHA, **options)}


# -- which way ----------------------------------------------------------------------------------------


def test_way_that_lists_needs_no_other_look(forge):
    forge.ways = (Archive(forge, lists=True),)
    assert everything(opened(forge)) == FILES
    assert forge.asked == []


def test_way_for_files_that_were_listed(forge):
    forge.ways = (Archive(forge),)
    assert everything(opened(forge)) == FILES
    assert forge.asked == ["list"]


def test_few_files_are_read_one_by_one(forge):
    forge.ways = (Archive(forge, turns=2),)
    repository = opened(forge)
    entries = repository.list_files(SHA)[:3]
    assert [file.content for file in repository.read_files(SHA, entries)] == list(FILES.values())[:3]
    assert sorted(forge.asked) == ["list", *(entry.path for entry in entries)]


def test_cheaper_way_is_taken(forge):
    dear, cheap = Archive(forge, "dear", turns=4), Archive(forge, "cheap", turns=2)
    forge.ways = (dear, cheap)
    assert everything(opened(forge)) == FILES
    assert (dear.reads, cheap.reads) == (0, 1)


def test_way_that_the_quota_has_no_room_for_is_left_out(forge):
    def require(requests):
        if requests > 2:
            raise RateLimitedError("none left")

    dear, other = Archive(forge, "dear", quota=3), Archive(forge, "other", turns=5)
    forge.ways = (dear, other)
    assert everything(opened(forge, require=require)) == FILES
    assert (dear.reads, other.reads) == (0, 1)


@pytest.mark.parametrize("finds_heads", [True, False])
def test_way_that_finds_the_head_needs_nobody_to_look_it_up(forge, finds_heads):
    forge.ways = (Archive(forge, lists=True, finds_heads=finds_heads),)
    with opened(forge, branch="main") as repository:
        assert {file.path: file.content for file in repository.read_all()} == FILES
    assert forge.asked == ([] if finds_heads else ["branch"])
    assert forge.ways[0].reads == 1


def test_way_that_is_dearer_is_not_taken_for_the_head_alone(forge):
    dear, cheap = Archive(forge, "dear", 3, lists=True, finds_heads=True), Archive(forge, "cheap", lists=True)
    forge.ways = (dear, cheap)
    assert {file.path: file.content for file in opened(forge, branch="main").read_all()} == FILES
    assert (dear.reads, cheap.reads, forge.asked) == (0, 1, ["branch"])


@pytest.mark.parametrize("after", [0, 40])
def test_way_that_fails_after_it_found_the_head(forge, after):
    first, second = (
        Archive(forge, "first", lists=True, finds_heads=True, after=after),
        Archive(forge, "second"),
    )
    forge.ways = (first, second)
    assert {file.path: file.content for file in opened(forge, branch="main").read_all()} == FILES
    assert (first.reads, second.reads) == (1, 1)


# -- where one fails ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "failure",
    [
        UnavailableError("503"),
        RateLimitedError("used up"),
        NotFoundError("404"),
        KeyError("files"),
        TypeError(),
    ],
    ids=lambda failure: type(failure).__name__,
)
@pytest.mark.parametrize("lists", [True, False])
@pytest.mark.parametrize("after", [0, 40, 99])
def test_what_a_way_owes_comes_by_the_next(forge, failure, lists, after):
    first, second = (
        Archive(forge, "first", lists=lists, after=after, failure=failure),
        Archive(forge, "second"),
    )
    forge.ways = (first, second)
    repository = opened(forge)
    assert everything(repository) == FILES
    assert (first.reads, second.reads) == (1, 1)


def test_way_that_failed_is_left_for_a_while(forge):
    now = [0.0]
    first, second = Archive(forge, "first", after=0), Archive(forge, "second", turns=2)
    forge.ways = (first, second)
    repository = opened(forge, clock=lambda: now[0])
    for _ in range(3):
        assert everything(repository) == FILES
    assert (first.reads, second.reads) == (1, 3)
    now[0] += 301
    assert everything(repository) == FILES
    assert first.reads == 2


def test_wrong_bytes_are_none(forge):
    forge.ways = (Archive(forge, garble=True),)
    assert everything(opened(forge)) == FILES
    assert sorted(forge.asked[1:]) == sorted(FILES)


def test_no_way_left_is_the_error_of_reading_one_by_one(forge):
    forge.ways = (Archive(forge, after=10),)
    repository = opened(forge)
    entries = repository.list_files(SHA)
    gone = forge.files.pop("posts/050.md")
    with pytest.raises(Exception, match="does not understand the answer to read_file"):
        repository.read_files(SHA, entries)
    forge.files["posts/050.md"] = gone


def test_commit_that_is_not_there(forge):
    forge.ways = (Archive(forge),)
    with pytest.raises(NotFoundError, match="no such commit"):
        list(opened(forge).read_all(commit_sha=OTHER))


# -- as a stream --------------------------------------------------------------------------------------


@pytest.mark.parametrize("lists", [True, False])
def test_first_file_is_here_before_the_second_was_given(forge, lists):
    archive = Archive(forge, lists=lists)
    forge.ways = (archive,)
    files = opened(forge).read_all(commit_sha=SHA)
    assert next(files).path in FILES
    assert archive.given == 1


def test_who_stops_taking_files_ends_the_requests(forge):
    archive = Archive(forge)
    forge.ways = (archive,)
    files = opened(forge).read_all(commit_sha=SHA)
    next(files)
    files.close()
    assert archive.closed


def test_progress_that_raises_ends_it(forge):
    archive = Archive(forge)
    forge.ways = (archive,)

    def stop(progress):
        if progress.files == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(opened(forge).read_all(commit_sha=SHA, progress=stop))
    assert archive.closed
    assert archive.given == 3


def test_progress_counts_files_bytes_and_what_there_will_be(forge):
    forge.ways = (Archive(forge, lists=True),)
    told = []
    files = list(opened(forge).read_all(commit_sha=SHA, progress=told.append))
    assert [each.files for each in told] == list(range(1, 101))
    assert [each.size for each in told] == list(itertools.accumulate(len(file.content) for file in files))
    assert {each.total for each in told} == {100}


def test_one_by_one_goes_a_few_ahead_and_no_further(forge):
    repository = opened(forge, workers=4)
    files = repository.read_all(commit_sha=SHA)
    next(files)
    time.sleep(0.05)
    assert len(forge.asked) <= 1 + 6
    files.close()


# -- which files --------------------------------------------------------------------------------------


@pytest.mark.parametrize("lists", [True, False])
@pytest.mark.parametrize(
    ("folder", "pattern", "paths"),
    [
        ("", "", {"a.md", "posts/b.md", "posts/c/d.md", "posts/e.txt"}),
        ("posts", "", {"posts/b.md", "posts/c/d.md", "posts/e.txt"}),
        ("posts", "*.md", {"posts/b.md", "posts/c/d.md"}),
        ("posts", "b.*", {"posts/b.md"}),
        ("", "*.txt", {"posts/e.txt"}),
        ("post", "", set()),
        ("", lambda path: path.endswith("d.md"), {"posts/c/d.md"}),
    ],
)
def test_folder_and_pattern(forge, lists, folder, pattern, paths):
    forge.files = {path: path.encode() for path in ("a.md", "posts/b.md", "posts/c/d.md", "posts/e.txt")}
    forge.ways = (Archive(forge, lists=lists),)
    assert set(everything(opened(forge), folder=folder, pattern=pattern)) == paths


def test_files_with_the_same_bytes_all_come(forge):
    forge.files = dict.fromkeys(FILES, b"the same\n")
    forge.ways = (Archive(forge, lists=True),)
    assert everything(opened(forge)) == forge.files


def test_tree_of_which_little_is_wanted_is_not_read_to_the_end(forge):
    forge.files = {f"other/{number}.md": b"%d" % number for number in range(3000)} | FILES
    archive = Archive(forge, lists=True)
    forge.ways = (archive,)
    assert everything(opened(forge), folder="posts") == FILES
    assert archive.given == 0


def test_repository_that_was_closed_reads_nothing(forge):
    forge.ways = (Archive(forge),)
    repository = opened(forge)
    entries = repository.list_files(SHA)
    repository.close()
    with pytest.raises(UnavailableError, match="was closed"):
        list(repository.read_all(commit_sha=SHA))
    with pytest.raises(UnavailableError, match="was closed"):
        repository.read_files(SHA, entries)
