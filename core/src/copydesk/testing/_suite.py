"""The tests that hold for every backend: one for each promise of ``copydesk.hookspecs``, and for itself."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, cast

import attrs
import pytest

from copydesk._fitness import unfit_parameters, unmarked_operations
from copydesk.blobs import blob_sha
from copydesk.errors import (
    ConflictError,
    CopydeskError,
    InvalidInputError,
    InvalidPathError,
    NotFoundError,
    NotMergeableError,
)
from copydesk.hookspecs import DERIVED, OPERATIONS
from copydesk.lfs import Pointer
from copydesk.models import Delete, FileVersion, Mode, Move, NewCommit, Put, TreeEntry
from copydesk.repository import Repository
from copydesk.testing._seed import SEED
from copydesk.testing._steps import EDITOR, Declared, Steps
from copydesk.ways import Wanted, Way

__all__ = ["BackendSuite"]

HELLO = "content/posts/hello.md"
WORLD = "content/posts/world.md"
NOWHERE = "1" * 40

#: Names that were seen to break one forge's client or another.
PATHS_THAT_HURT = (
    "a file with spaces.md",
    " leading and trailing .md ",
    "hash#mark.md",
    "question?.md",
    "percent%.md",
    "percent%2Fencoded.md",
    "plus+and&amp;.md",
    "quote'\"double.md",
    "semi;colon:and=equals,comma.md",
    "back`tick$dollar!.md",
    "star*[set]{brace}.md",
    "angle<less>|pipe.md",
    ".hidden/.keep",
    "-dash/--option.md",
    "tab\there.md",
    "b/inside/b/path.md",
    "message",
    "branch",
    "ü/ä ö.md",
    "日本語/記事.md",
    "emoji-🎉.md",
    "caf\u00e9.md",
    "cafe\u0301.md",
    "dot./..two/...md",
    "/".join(["d"] * 200) + "/deep.md",
)
CONTENT_THAT_HURTS = (
    b"",
    b"\0",
    b"no newline at the end",
    b"crlf\r\nand\rcr\n",
    b"\xef\xbb\xbfbyte order mark",
    b"\xff\xfe not utf-8 \x80\x81",
    b"version https://git-lfs.github.com/spec/v1\n",
    bytes(range(256)) * 4096 + b"!",  # more than the megabyte that some interfaces give
)
IMPOSSIBLE_PATHS = (
    "",
    "/absolute.md",
    "../up.md",
    "a/../b.md",
    "a/./b.md",
    "a//b.md",
    "trailing/",
    ".git/config",
    "a/.GIT/hooks/x",
    "git~1/config",
    ".g\u200cit/config",
    "nul\0.md",
    "back\\slash.md",
)


def is_full(sha: str) -> bool:
    """Whether a sha has its whole length."""
    return len(sha) in {40, 64} and set(sha) <= set("0123456789abcdef")


def is_now(time: datetime | None) -> bool:
    """Whether a time is aware, in UTC, and of this test."""
    return (
        time is not None
        and time.utcoffset() == timedelta(0)
        and abs(datetime.now(UTC) - time) < timedelta(minutes=10)
    )


def check_nothing_overridden(subclass: type, suite: type) -> None:
    """Check that a subclass overrides a test of the suite only as an xfail with a reason, and deletes none."""
    for name in dir(suite):
        mine, theirs = getattr(subclass, name, None), getattr(suite, name)
        if not name.startswith("test_"):
            continue
        marks = getattr(mine, "pytestmark", [])
        # pytest.mark.skip(Suite.test_x) marks the suite's own function, for every subclass.
        if mine is theirs and all(mark.name == "parametrize" for mark in marks):
            continue
        excused = any(mark.name == "xfail" and mark.kwargs.get("reason") for mark in marks)
        assert excused, f"{name} was overridden: mark it xfail with a reason, or remove it"


class _Meta:
    """Tests of the backend as a plugin, and of the subclass as an honest one."""

    unsupported: ClassVar[frozenset[str]] = frozenset()
    #: How many branches, files and pull requests the listings are tested with; more than a page is best.
    many: ClassVar[int] = 12
    #: The credential that the fixture uses; it must not be seen anywhere.
    secret: ClassVar[str] = ""
    #: Three labels that the forge can hold, the first two of them a status.
    labels: ClassVar[tuple[str, str, str]] = ("a/draft", "a/ready", "theirs")
    #: Whether the forge holds but one label at a time: a status, which another one takes the place of.
    one_label: ClassVar[bool] = False
    #: Whether the forge has a place for large files (Git LFS), which the fixture's repository can reach.
    large_files: ClassVar[bool] = True

    @pytest.fixture(autouse=True)
    def nothing_is_kept(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Ask the backend each time, and leave nothing on this computer."""
        monkeypatch.setenv("COPYDESK_CACHE", "off")

    @pytest.fixture
    def repository(self) -> Repository:
        """Give a repository that holds exactly the seed; every subclass has its own."""
        pytest.fail("the suite needs a fixture 'repository': an open Repository that holds exactly SEED")

    @pytest.fixture
    def repo(self, repository: Repository) -> Iterator[Repository]:
        """Skip what is declared as missing, and close the repository at the end."""
        repository.remembers = False  # the backend is asked each time, for it is what is proved
        with repository:
            # It answers as a Repository does, by delegation.
            yield cast("Repository", Declared(repository, self.unsupported))

    @pytest.fixture
    def steps(self, repo: Repository) -> Steps:
        """Short ways to do things with it."""
        return Steps(repo, self.labels, self.one_label)

    def _needs_two_labels(self) -> None:
        if self.one_label:
            pytest.skip("the forge holds one label at a time")

    def test_unsupported_is_what_is_missing(self, repository: Repository) -> None:
        """What the subclass declares as unsupported is what the backend does not implement."""
        missing = {name for name in OPERATIONS if name not in repository.operations}
        assert set(self.unsupported) == missing

    def test_hookimpls_have_the_signature_of_the_contract(self, repository: Repository) -> None:
        """Parameters are the contract's, without defaults and keyword-only ones (old pluggy drops them)."""
        assert list(unfit_parameters(repository)) == []

    def test_operations_are_marked(self, repository: Repository) -> None:
        """A method named like an operation is marked: an override without the mark is not registered."""
        assert list(unmarked_operations(repository.backends)) == []

    def test_nothing_of_the_suite_is_overridden(self) -> None:
        """A test of the suite is overridden only as an xfail with a reason, and never deleted."""
        check_nothing_overridden(type(self), BackendSuite)

    def test_seed_is_there(self, repo: Repository, steps: Steps) -> None:
        """The fixture holds exactly the seed, on one branch, without pull requests."""
        files = {entry.path: entry.version.mode for entry in repo.list_files(steps.head())}
        assert files == {seed.path: seed.mode for seed in SEED}
        assert [branch.name for branch in repo.list_branches()] == [steps.base]
        assert repo.list_pull_requests("all") == ()

    def test_list_files_tells_order_size_and_version(self, repo: Repository, steps: Steps) -> None:
        """In order of path at any depth; a size is right or None, the sha of a version full."""
        entries = repo.list_files(steps.head())
        assert [entry.path for entry in entries] == sorted(seed.path for seed in SEED)
        sizes = {seed.path: len(seed.content) for seed in SEED}
        assert all(entry.size in {None, sizes[entry.path]} for entry in entries)
        for entry in entries:
            shas = {entry.version.blob_sha, entry.version.last_commit_sha} - {None}
            assert shas
            assert all(is_full(sha or "") for sha in shas)

    def test_own_derived_operations_answer(self, repository: Repository) -> None:
        """A backend that overrides a core default answers with a value: None would hide behind the default."""
        head = repository.get_branch(repository.base_branch).commit_sha
        asked: dict[str, dict[str, Any]] = {
            "read_files": {"commit_sha": head, "entries": ()},
            "last_changes": {"commit_sha": head, "paths": ()},
        }
        for backend in repository.backends:
            for name in asked.keys() & DERIVED.keys() & repository.own_operations:
                method = getattr(backend, name, None)
                if method is not None:
                    wanted = inspect.signature(method).parameters
                    answer = method(**{key: value for key, value in asked[name].items() if key in wanted})
                    assert answer is not None, f"{name} answered None"

    def test_secret_is_not_shown(self, repository: Repository) -> None:
        """The credential is in no repr of the repository, its options or its backend."""
        if not self.secret:
            pytest.skip(f"the {repository.backend} backend was opened without a credential")
        for thing in (repository, repository.options, *repository.backends):
            assert self.secret not in repr(thing)

    def test_secret_is_not_told(
        self, repo: Repository, steps: Steps, caplog: pytest.LogCaptureFixture
    ) -> None:
        """It is in no error, no answer, no address and no line of the log."""
        if not self.secret:
            pytest.skip(f"the {repo.backend} backend was opened without a credential")
        caplog.set_level("DEBUG")
        pull = steps.pull_request("topic", Put("new.md", b"new"))
        told = [repo.get_repository(), repo.authenticate(), pull, steps.now(pull)]
        with pytest.raises(NotFoundError) as absent:
            repo.get_branch("no-such-branch")
        with pytest.raises(ConflictError) as conflict:
            steps.commit(Put(HELLO, b"mine"))
        for error in (absent.value, conflict.value):
            told += [error, vars(error), error.__cause__, error.__context__]
        assert self.secret not in f"{told!r} {absent.value} {conflict.value} {caplog.text}"


class _Reading(_Meta):
    """Promises 1, 4, 5, 6 and 8 for what is read."""

    def test_authenticate_answers(self, repo: Repository) -> None:
        assert repo.authenticate().may_write in {True, None}

    def test_get_repository_tells_the_default_branch(self, repo: Repository) -> None:
        info = repo.get_repository()
        assert repo.get_branch(info.default_branch).name == info.default_branch

    def test_get_branch_gives_a_full_sha(self, repo: Repository, steps: Steps) -> None:
        assert is_full(steps.head())

    def test_get_branch_with_a_known_sha_gives_the_head(self, repo: Repository, steps: Steps) -> None:
        """Known or stale, the answer is where the branch is now."""
        before = steps.head()
        assert repo.get_branch(steps.base, before).commit_sha == before
        after = steps.commit(Put("new.md", b"new")).commit_sha
        assert repo.get_branch(steps.base, before).commit_sha == after

    def test_get_branch_absent(self, repo: Repository) -> None:
        with pytest.raises(NotFoundError, match="no-such-branch"):
            repo.get_branch("no-such-branch")

    def test_get_branch_takes_a_name_and_no_prefix(self, repo: Repository, steps: Steps) -> None:
        """A branch whose name only begins like it is another one."""
        made = steps.branch("topic-two", Put("new.md", b"new"))
        with pytest.raises(NotFoundError):
            repo.get_branch("topic")
        assert repo.delete_branch("topic", made.commit_sha) is False
        assert steps.head("topic-two") == made.commit_sha

    def test_list_branches_is_complete(self, repo: Repository, steps: Steps) -> None:
        """All branches with the prefix and no other, in order; a prefix is no folder."""
        names = [f"many/b{index:03}" for index in range(self.many)]
        start = steps.head()
        for name in reversed(names):
            steps.branch(name, Put(f"{name}.md", b"x"))
        steps.branch("other/b", Put("x.md", b"x"))
        found = repo.list_branches("many/b")
        assert [branch.name for branch in found] == names
        assert all(is_full(branch.commit_sha) and branch.commit_sha != start for branch in found)

    def test_list_branches_without_any(self, repo: Repository) -> None:
        assert repo.list_branches("nothing-begins-like-this/") == ()

    def test_list_files_in_a_folder_is_complete(self, repo: Repository, steps: Steps) -> None:
        """Everything below it and nothing of a folder whose name only begins like it."""
        found = [entry.path for entry in repo.list_files(steps.head(), "content/posts")]
        assert found == [HELLO, WORLD]

    def test_list_files_of_many(self, repo: Repository, steps: Steps) -> None:
        count = self.many * 10
        names = [f"many/f{index:04}.md" for index in range(count)]
        steps.commit(*(Put(name, name.encode()) for name in names))
        entries = repo.list_files(steps.head(), "many")
        assert [entry.path for entry in entries] == names
        assert [file.content for file in repo.read_files(steps.head(), entries)] == [
            name.encode() for name in names
        ]

    def test_list_files_absent_folder_is_empty(self, repo: Repository, steps: Steps) -> None:
        assert repo.list_files(steps.head(), "content/nothing") == ()
        assert repo.list_files(steps.head(), "README.md") == ()

    def test_list_files_absent_commit(self, repo: Repository) -> None:
        """An empty listing would say that the site has no content."""
        with pytest.raises(NotFoundError):
            repo.list_files(NOWHERE)

    def test_read_file_gives_bytes_and_version(self, repo: Repository, steps: Steps) -> None:
        listed = {entry.path: entry.version for entry in repo.list_files(steps.head())}
        for seed in SEED:
            file = repo.read_file(steps.head(), seed.path)
            assert (file.path, file.content, file.version.mode) == (seed.path, seed.content, seed.mode)
            assert file.version.same_as(listed[seed.path])

    def test_read_file_absent(self, repo: Repository, steps: Steps) -> None:
        """A path that is not there, a folder, and a commit that is not there: never an empty file."""
        for commit_sha, path in (
            (steps.head(), "content/posts/none.md"),
            (steps.head(), "content/posts"),
            (steps.head(), f"{HELLO}/below"),
            (NOWHERE, HELLO),
        ):
            with pytest.raises(NotFoundError):
                repo.read_file(commit_sha, path)

    def test_read_files_keeps_the_order(self, repo: Repository, steps: Steps) -> None:
        entries = tuple(reversed(repo.list_files(steps.head())))
        files = repo.read_files(steps.head(), entries)
        assert [file.path for file in files] == [entry.path for entry in entries]
        assert all(file.version.same_as(entry.version) for file, entry in zip(files, entries, strict=True))
        assert {file.path: file.content for file in files} == {seed.path: seed.content for seed in SEED}

    def test_read_files_absent(self, repo: Repository, steps: Steps) -> None:
        """One that is not there is an error, not a shorter answer."""
        there = repo.list_files(steps.head(), "content/posts")
        gone = TreeEntry("content/none.md", None, FileVersion(NOWHERE))
        with pytest.raises(CopydeskError):
            repo.read_files(steps.head(), (*there, gone))

    def test_read_files_of_an_older_commit(self, repo: Repository, steps: Steps) -> None:
        before = steps.head()
        entries = repo.list_files(before, "content/posts")
        steps.commit(Put(HELLO, b"newer", steps.version(HELLO)))
        assert b"newer" not in {file.content for file in repo.read_files(before, entries)}

    def test_read_folder_gives_every_file_below_it(self, repo: Repository, steps: Steps) -> None:
        """With bytes, modes and versions, in order of path, and nothing of a folder that only begins like it."""
        steps.commit(Put("content/posts-old/x.md", b"x"), Put("content/posts/deep/er/y.md", b"\xff\0"))
        for folder in ("content/posts", ""):
            listed = repo.list_files(steps.head(), folder)
            read = repo.read_folder(steps.head(), folder)
            assert [file.path for file in read] == [entry.path for entry in listed]
            assert all(file.version.same_as(entry.version) for file, entry in zip(read, listed, strict=True))
            assert [file.content for file in read] == [steps.content(file.path) for file in read]

    def test_read_folder_absent(self, repo: Repository, steps: Steps) -> None:
        """A folder that is not there is empty, a commit that is not there an error."""
        assert repo.read_folder(steps.head(), "content/nothing") == ()
        with pytest.raises(NotFoundError):
            repo.read_folder(NOWHERE, "content")

    def test_read_all_is_what_one_by_one_is(self, repo: Repository, steps: Steps) -> None:
        """As a stream, in the order in which they come."""
        steps.commit(
            Put("content/posts/deep/er/y.md", b"\xff\0"), Put("content/posts/image.bin", b"x" * 70_000)
        )
        read = {file.path: file.content for file in repo.read_all("content", "*.md", commit_sha=steps.head())}
        names = [
            entry.path for entry in repo.list_files(steps.head(), "content") if entry.path.endswith(".md")
        ]
        assert read == {path: steps.content(path) for path in names}

    def test_each_way_gives_files_as_they_are(self, repo: Repository, steps: Steps) -> None:
        """Each alone: what it leaves out or alters is read in another way, and would never be seen."""
        more = {f"many/f{index}.md": b"%d\n" % index for index in range(self.many)}
        steps.commit(Put("many/image.bin", bytes(range(256))), *(Put(*each) for each in more.items()))
        listed = self._listed_with_blobs(repo, steps)
        for way in repo.list_ways():
            for wanted in (Wanted((steps.head(),)), Wanted((steps.head(),), entries=tuple(listed.values()))):
                if way.cost(wanted) is not None:
                    self._check_way(way, wanted, listed)

    def _listed_with_blobs(self, repo: Repository, steps: Steps) -> dict[str, TreeEntry]:
        """List all files with their blobs, which a forge may not name."""
        listed = {}
        for entry in repo.list_files(steps.head()):
            sha = entry.version.blob_sha or blob_sha(steps.content(entry.path))
            listed[entry.path] = attrs.evolve(entry, version=attrs.evolve(entry.version, blob_sha=sha))
        return listed

    def _check_way(self, way: Way, wanted: Wanted, listed: Mapping[str, TreeEntry]) -> None:
        blobs = {entry.version.blob_sha for entry in listed.values()}
        told: dict[str, TreeEntry] = {}
        given: set[str] = set()
        seen: set[str | None] = set()
        for item in way.read(wanted):
            if isinstance(item, bytes):
                given.add(blob_sha(item))
                assert wanted.entries is not None or blob_sha(item) in seen, (
                    f"{way.name} gives bytes before it lists"
                )
            else:
                seen |= {entry.version.blob_sha for entry in item.entries}
                assert [entry.path for entry in item.entries] == sorted(entry.path for entry in item.entries)
                told |= {} if item.is_part else {entry.path: entry for entry in item.entries}
        assert given, f"{way.name} gives nothing"
        assert given <= blobs, f"{way.name} gives bytes that are no file's"
        if wanted.entries is None:
            versions = {path: (entry.version.blob_sha, entry.version.mode) for path, entry in told.items()}
            assert versions == {
                path: (each.version.blob_sha, each.version.mode) for path, each in listed.items()
            }

    def test_ways_of_an_absent_commit(self, repo: Repository, steps: Steps) -> None:
        """An error: a listing would say that the site has no content."""
        for way in repo.list_ways():
            if way.cost(Wanted((NOWHERE,))) is not None:
                with pytest.raises(CopydeskError):
                    list(way.read(Wanted((NOWHERE,))))

    def test_list_commits_newest_first(self, repo: Repository, steps: Steps) -> None:
        seed = steps.head()
        made = [steps.commit(Put(f"n{index}.md", b"n")).commit_sha for index in range(3)]
        found = repo.list_commits(steps.head())
        assert [commit.commit_sha for commit in found] == [*made[::-1], seed]
        assert [commit.commit_sha for commit in repo.list_commits(steps.head(), limit=2)] == made[:0:-1]

    def test_list_commits_of_many(self, repo: Repository, steps: Steps) -> None:
        """As many as *limit* says, on however many pages."""
        made = [steps.commit(Put(f"n{index}.md", b"n")).commit_sha for index in range(self.many)]
        found = repo.list_commits(steps.head(), limit=self.many)
        assert [commit.commit_sha for commit in found] == made[::-1]

    def test_list_commits_takes_a_path_and_no_pattern(self, repo: Repository, steps: Steps) -> None:
        """Neither wildcards nor the beginning of a name."""
        made = steps.commit(Put("star*.md", b"1"))
        steps.commit(Put("start.md", b"2"), Put("star*.md.bak", b"3"))
        assert [each.commit_sha for each in repo.list_commits(steps.head(), "star*.md")] == [made.commit_sha]

    def test_list_commits_of_a_path(self, repo: Repository, steps: Steps) -> None:
        first = steps.commit(Put("one.md", b"1"))
        steps.commit(Put("two.md", b"2"))
        last = steps.commit(Put("one.md", b"1.1", first.versions["one.md"]))
        found = repo.list_commits(steps.head(), "one.md")
        assert [commit.commit_sha for commit in found] == [last.commit_sha, first.commit_sha]

    def test_list_commits_tells_author_date_message(self, repo: Repository, steps: Steps) -> None:
        steps.commit(Put("one.md", b"1"))
        commit = repo.list_commits(steps.head(), limit=1)[0]
        assert (commit.author.name, commit.author.email) == (EDITOR.name, EDITOR.email)
        assert commit.message == "A change"
        assert is_now(commit.date)
        assert all(is_full(sha) for sha in (commit.commit_sha, *commit.parent_commit_shas))

    def test_list_commits_absent_commit(self, repo: Repository) -> None:
        with pytest.raises(NotFoundError):
            repo.list_commits(NOWHERE)

    def test_last_changes_of_many_paths(self, repo: Repository, steps: Steps) -> None:
        """Each path with the commit that changed it last, a path that is not there left out."""
        one = steps.commit(Put("one.md", b"1"), Put("both.md", b"1"))
        two = steps.commit(Put("two.md", b"2"), Put("both.md", b"2", one.versions["both.md"]))
        steps.commit(Delete("two.md", two.versions["two.md"]))
        found = repo.last_changes(steps.head(), ["one.md", "both.md", "two.md", "none.md"])
        assert {path: commit.commit_sha for path, commit in found.items()} == {
            "one.md": one.commit_sha,
            "both.md": two.commit_sha,
        }
        assert all(is_now(commit.date) for commit in found.values())

    def test_last_changes_absent_commit(self, repo: Repository) -> None:
        with pytest.raises(NotFoundError):
            repo.last_changes(NOWHERE, [HELLO])

    def test_last_changes_through_a_merge(self, repo: Repository, steps: Steps) -> None:
        """The commit on the branch counts, not the merge that brought it."""
        pull = steps.pull_request("cms/posts/merged", Put("merged.md", b"m"))
        steps.commit(Put("beside.md", b"b"))
        repo.merge_pull_request(pull)
        found = repo.last_changes(steps.head(), ["merged.md"])
        assert found["merged.md"].commit_sha == pull.head_commit_sha

    def test_compare_is_complete(self, repo: Repository, steps: Steps) -> None:
        """Every file that the head changed since it left the base, and none that the base changed."""
        start = steps.head()
        names = [f"many/f{index:04}.md" for index in range(self.many * 10)]
        steps.branch(
            "topic",
            *(Put(name, name.encode()) for name in names),
            Put(HELLO, b"edited", steps.version(HELLO)),
            Delete(WORLD, steps.version(WORLD)),
        )
        steps.commit(Put("base-only.md", b"b"))
        found = repo.compare(steps.head(), steps.head("topic"))
        assert found.merge_base_commit_sha == start
        kinds = {file.path: file.kind for file in found.files}
        assert kinds == {**dict.fromkeys(names, "added"), HELLO: "modified", WORLD: "deleted"}
        versions = {file.path: file.version for file in found.files}
        assert versions.pop(WORLD) is None
        there = {entry.path: entry.version for entry in repo.list_files(steps.head("topic"))}
        assert all(there[path].same_as(version) for path, version in versions.items())

    def test_compare_tells_both_names_of_a_rename(self, repo: Repository, steps: Steps) -> None:
        """As a rename, or as a deletion and an addition; no name is lost."""
        steps.branch("topic", Move(HELLO, "content/posts/bonjour.md", steps.version(HELLO)))
        found = repo.compare(steps.head(), steps.head("topic"))
        assert found.paths == {HELLO, "content/posts/bonjour.md"}

    def test_compare_of_equals_is_empty(self, repo: Repository, steps: Steps) -> None:
        assert repo.compare(steps.head(), steps.head()).files == ()

    def test_compare_absent_commit(self, repo: Repository, steps: Steps) -> None:
        for base, head in ((NOWHERE, steps.head()), (steps.head(), NOWHERE)):
            with pytest.raises(NotFoundError):
                repo.compare(base, head)

    def test_list_checks_without_any(self, repo: Repository, steps: Steps) -> None:
        assert repo.list_checks(steps.head()) == ()

    def test_repair_of_a_healthy_repository_does_nothing(self, repo: Repository, steps: Steps) -> None:
        before = steps.head()
        assert repo.repair() == ()
        assert steps.head() == before


class _Committing(_Meta):
    """Promises 2, 3, 5, 6 and 8 for commits and branches."""

    def test_commit_makes_all_changes_in_one(self, repo: Repository, steps: Steps) -> None:
        before = steps.head()
        made = steps.commit(
            Put("new.md", b"new"),
            Put(HELLO, b"edited", steps.version(HELLO)),
            Delete("empty.txt", steps.version("empty.txt")),
            Move(WORLD, "content/posts/moved.md", steps.version(WORLD), b"moved and edited"),
            Move("README.md", "docs/README.md", steps.version("README.md")),
        )
        assert steps.head() == made.commit_sha
        assert made.parent_commit_shas == (before,)
        untouched = {seed.path for seed in SEED} - {"empty.txt", WORLD, "README.md"}
        assert steps.paths() == untouched | {"new.md", "content/posts/moved.md", "docs/README.md"}
        assert steps.content("new.md") == b"new"
        assert steps.content(HELLO) == b"edited"
        assert steps.content("content/posts/moved.md") == b"moved and edited"
        assert steps.content("docs/README.md") == SEED[0].content

    def test_commit_tells_what_it_made(self, repo: Repository, steps: Steps) -> None:
        """Versions of what was written, author, message, time and full shas, without reading again."""
        made = steps.commit(Put("new.md", b"new"), Delete("empty.txt", steps.version("empty.txt")))
        assert set(made.versions) == {"new.md"}
        assert made.versions["new.md"].same_as(steps.version("new.md"))
        assert (made.author.name, made.message) == (EDITOR.name, "A change")
        assert is_now(made.date)
        assert all(is_full(sha) for sha in (made.commit_sha, *made.parent_commit_shas))

    def test_commit_on_a_new_branch(self, repo: Repository, steps: Steps) -> None:
        before = steps.head()
        made = steps.branch("topic/new", Put("new.md", b"new"))
        assert steps.head("topic/new") == made.commit_sha
        assert made.parent_commit_shas == (before,)
        assert steps.head() == before

    def test_commit_on_a_new_branch_that_exists(self, repo: Repository, steps: Steps) -> None:
        """The branch stays as it was: a left-over branch is never taken for a new one."""
        made = steps.branch("topic", Put("first.md", b"1"))
        with pytest.raises(ConflictError):
            steps.branch("topic", Put("second.md", b"2"))
        assert steps.head("topic") == made.commit_sha

    def test_commit_on_a_new_branch_that_git_cannot_hold(self, repo: Repository, steps: Steps) -> None:
        """One that is the folder of another, or is in it: it is refused, and nobody is told to try again."""
        made = steps.branch("topic/new", Put("first.md", b"1"))
        for name in ("topic", "topic/new/er"):
            with pytest.raises((ConflictError, InvalidInputError)):
                steps.branch(name, Put("second.md", b"2"))
        assert [branch.name for branch in repo.list_branches("topic")] == ["topic/new"]
        assert steps.head("topic/new") == made.commit_sha

    def test_commit_on_an_absent_branch(self, repo: Repository, steps: Steps) -> None:
        with pytest.raises(NotFoundError, match="no-such-branch"):
            steps.commit(Put("new.md", b"new"), branch="no-such-branch", parent=steps.head())

    def test_commit_with_an_absent_parent(self, repo: Repository, steps: Steps) -> None:
        with pytest.raises(CopydeskError):
            steps.commit(Put("new.md", b"new"), branch="topic", parent=NOWHERE, creates_branch=True)
        assert repo.list_branches("topic") == ()

    def test_new_file_that_exists(self, repo: Repository, steps: Steps) -> None:
        """A slug that is taken: the other file stays, and the error has its version."""
        before = steps.head()
        with pytest.raises(ConflictError) as caught:
            steps.commit(Put(HELLO, b"mine"))
        assert HELLO in caught.value.paths
        assert steps.version(HELLO).same_as(caught.value.versions.get(HELLO))
        assert steps.head() == before

    def test_edit_of_an_older_version(self, repo: Repository, steps: Steps) -> None:
        """The core of promise 3: what somebody else wrote since is never replaced."""
        opened = steps.version(HELLO)
        theirs = steps.commit(Put(HELLO, b"theirs", opened))
        with pytest.raises(ConflictError) as caught:
            steps.commit(Put(HELLO, b"mine", opened))
        assert caught.value.paths == (HELLO,)
        assert (steps.head(), steps.content(HELLO)) == (theirs.commit_sha, b"theirs")

    def test_edit_of_a_file_that_is_gone(self, repo: Repository, steps: Steps) -> None:
        opened = steps.version(HELLO)
        theirs = steps.commit(Delete(HELLO, opened))
        with pytest.raises(ConflictError):
            steps.commit(Put(HELLO, b"mine", opened))
        assert steps.head() == theirs.commit_sha

    def test_delete_of_an_older_version(self, repo: Repository, steps: Steps) -> None:
        opened = steps.version(HELLO)
        steps.commit(Put(HELLO, b"theirs", opened))
        with pytest.raises(ConflictError):
            steps.commit(Delete(HELLO, opened))
        assert steps.content(HELLO) == b"theirs"

    def test_delete_of_a_file_that_is_gone(self, repo: Repository, steps: Steps) -> None:
        opened = steps.version(HELLO)
        steps.commit(Delete(HELLO, opened))
        with pytest.raises(ConflictError):
            steps.commit(Delete(HELLO, opened))

    def test_move_onto_a_file(self, repo: Repository, steps: Steps) -> None:
        before = steps.head()
        with pytest.raises(ConflictError) as caught:
            steps.commit(Move(HELLO, WORLD, steps.version(HELLO)))
        assert WORLD in caught.value.paths
        assert steps.head() == before

    def test_move_of_an_older_version(self, repo: Repository, steps: Steps) -> None:
        opened = steps.version(HELLO)
        steps.commit(Put(HELLO, b"theirs", opened))
        with pytest.raises(ConflictError):
            steps.commit(Move(HELLO, "content/posts/moved.md", opened))
        assert steps.content(HELLO) == b"theirs"

    def test_file_where_a_folder_is(self, repo: Repository, steps: Steps) -> None:
        """And a folder where a file is: neither swallows the other."""
        before = steps.head()
        for path in ("content/posts", f"{HELLO}/below.md"):
            with pytest.raises(CopydeskError):
                steps.commit(Put(path, b"mine"))
        assert steps.head() == before

    def test_file_takes_the_place_of_a_folder_that_goes(self, repo: Repository, steps: Steps) -> None:
        version = steps.version("bin/build.sh")
        steps.commit(Delete("bin/build.sh", version), Put("bin", b"now a file"))
        assert steps.content("bin") == b"now a file"

    def test_one_bad_change_stops_all(self, repo: Repository, steps: Steps) -> None:
        """Atomic: two good changes beside a conflict leave no trace."""
        before, opened = steps.head(), steps.version(HELLO)
        stale = attrs.evolve(opened, blob_sha=NOWHERE, last_commit_sha=NOWHERE)
        with pytest.raises(ConflictError):
            steps.commit(
                Put("good.md", b"good"),
                Put(HELLO, b"bad", stale),
                Delete(WORLD, steps.version(WORLD)),
            )
        assert steps.head() == before

    def test_branch_moved_elsewhere(self, repo: Repository, steps: Steps) -> None:
        """Somebody else changed another file: both changes are there, one after the other."""
        parent, opened = steps.head(), steps.version(HELLO)
        theirs = steps.commit(Put("theirs.md", b"theirs"))
        mine = steps.commit(Put(HELLO, b"mine", opened), parent=parent)
        assert mine.parent_commit_shas == (theirs.commit_sha,)
        assert (steps.content("theirs.md"), steps.content(HELLO)) == (b"theirs", b"mine")

    def test_branch_moved_on_the_same_file(self, repo: Repository, steps: Steps) -> None:
        parent, opened = steps.head(), steps.version(HELLO)
        theirs = steps.commit(Put(HELLO, b"theirs", opened))
        with pytest.raises(ConflictError) as caught:
            steps.commit(Put(HELLO, b"mine", opened), parent=parent)
        assert caught.value.paths == (HELLO,)
        assert theirs.versions[HELLO].same_as(caught.value.versions[HELLO])
        assert steps.head() == theirs.commit_sha

    def test_branch_moved_by_a_rename_of_the_file(self, repo: Repository, steps: Steps) -> None:
        parent, opened = steps.head(), steps.version(HELLO)
        theirs = steps.commit(Move(HELLO, "content/posts/renamed.md", opened))
        with pytest.raises(ConflictError):
            steps.commit(Put(HELLO, b"mine", opened), parent=parent)
        assert steps.head() == theirs.commit_sha

    def test_branch_moved_and_both_create(self, repo: Repository, steps: Steps) -> None:
        parent = steps.head()
        steps.commit(Put("new.md", b"theirs"))
        with pytest.raises(ConflictError):
            steps.commit(Put("new.md", b"mine"), parent=parent)
        assert steps.content("new.md") == b"theirs"

    def test_delete_branch(self, repo: Repository, steps: Steps) -> None:
        made = steps.branch("topic", Put("new.md", b"new"))
        assert repo.delete_branch("topic", made.commit_sha) is True
        assert repo.list_branches("topic") == ()

    def test_delete_branch_absent(self, repo: Repository, steps: Steps) -> None:
        assert repo.delete_branch("no-such-branch", steps.head()) is False

    def test_delete_branch_moved(self, repo: Repository, steps: Steps) -> None:
        """A draft that got another commit is not deleted by who has not seen it."""
        seen = steps.branch("topic", Put("new.md", b"new"))
        now = steps.commit(Put("more.md", b"more"), branch="topic")
        with pytest.raises(ConflictError):
            repo.delete_branch("topic", seen.commit_sha)
        assert steps.head("topic") == now.commit_sha

    @pytest.mark.parametrize("path", PATHS_THAT_HURT, ids=lambda path: ascii(path)[:40])
    def test_path_is_kept_as_it_is(self, repo: Repository, steps: Steps, path: str) -> None:
        """Written, listed, read, edited, compared and deleted under exactly this name."""
        start = steps.head()
        made = steps.commit(Put(path, b"one"))
        assert steps.paths() == {seed.path for seed in SEED} | {path}
        assert steps.content(path) == b"one"
        assert repo.compare(start, steps.head()).paths == {path}
        assert [entry.path for entry in repo.list_files(steps.head(), path.rpartition("/")[0])].count(
            path
        ) == 1
        edited = steps.commit(Put(path, b"two", made.versions[path]))
        assert steps.content(path) == b"two"
        steps.commit(Delete(path, edited.versions[path]))
        assert path not in steps.paths()

    def test_names_that_look_alike_are_two(self, repo: Repository, steps: Steps) -> None:
        """Composed and decomposed letters are different names, and so are small and large ones."""
        steps.commit(Put("readme.md", b"small"))
        assert (steps.content("readme.md"), steps.content("README.md")) == (b"small", SEED[0].content)
        with pytest.raises(NotFoundError):
            repo.read_file(steps.head(), "ReadMe.md")
        steps.commit(Put("caf\u00e9.md", b"composed"), Put("cafe\u0301.md", b"decomposed"))
        assert steps.content("caf\u00e9.md") == b"composed"
        assert steps.content("cafe\u0301.md") == b"decomposed"

    @pytest.mark.parametrize("path", IMPOSSIBLE_PATHS, ids=ascii)
    def test_impossible_path_is_refused(self, repo: Repository, steps: Steps, path: str) -> None:
        before = steps.head()
        with pytest.raises(InvalidPathError):
            steps.commit(Put(path, b"x"))
        with pytest.raises(InvalidPathError):
            repo.read_file(before, path)
        assert steps.head() == before

    @pytest.mark.parametrize("content", CONTENT_THAT_HURTS, ids=lambda content: ascii(content)[:30])
    def test_content_is_kept_as_it_is(self, repo: Repository, steps: Steps, content: bytes) -> None:
        made = steps.commit(Put("content.bin", content))
        assert steps.content("content.bin") == content
        entries = [entry for entry in repo.list_files(steps.head()) if entry.path == "content.bin"]
        assert repo.read_files(steps.head(), entries)[0].content == content
        assert made.versions["content.bin"].same_as(entries[0].version)

    def test_text_is_refused(self, repo: Repository, steps: Steps) -> None:
        """Text has no bytes until somebody knows the encoding."""
        with pytest.raises(InvalidInputError, match=r"new\.md"):
            steps.commit(Put("new.md", cast("bytes", "text")))

    def test_message_is_kept_as_it_is(self, repo: Repository, steps: Steps) -> None:
        message = "Grüße “quoted” 🎉\n\nbody with 'quotes', #1 and\n\n# a line like a comment"
        new = NewCommit(steps.base, steps.head(), (Put("new.md", b"new"),), message, EDITOR)
        assert repo.commit_changes(new).message == message

    def test_executable_survives_an_edit(self, repo: Repository, steps: Steps) -> None:
        made = steps.commit(Put("bin/build.sh", b"#!/bin/sh\nexit 1\n", steps.version("bin/build.sh")))
        assert made.versions["bin/build.sh"].same_as(steps.version("bin/build.sh"))
        assert steps.version("bin/build.sh").mode is Mode.EXECUTABLE

    def test_modes_survive_an_edit_beside_them(self, repo: Repository, steps: Steps) -> None:
        steps.commit(Put("bin/other.sh", b"x"), Put(HELLO, b"edited", steps.version(HELLO)))
        assert steps.version("bin/build.sh").mode is Mode.EXECUTABLE
        assert steps.version("latest.md").mode is Mode.SYMLINK

    def test_mode_survives_a_move(self, repo: Repository, steps: Steps) -> None:
        made = steps.commit(
            Move("bin/build.sh", "bin/make.sh", steps.version("bin/build.sh"), b"edited"),
            Move("latest.md", "newest.md", steps.version("latest.md")),
        )
        assert set(made.versions) == {"bin/make.sh", "newest.md"}
        assert all(version.same_as(steps.version(path)) for path, version in made.versions.items())
        assert steps.version("bin/make.sh").mode is Mode.EXECUTABLE
        assert steps.version("newest.md").mode is Mode.SYMLINK

    def test_new_executable(self, repo: Repository, steps: Steps) -> None:
        steps.commit(Put("bin/new.sh", b"#!/bin/sh\n", mode=Mode.EXECUTABLE))
        assert steps.version("bin/new.sh").mode is Mode.EXECUTABLE

    def test_symlink_is_not_overwritten_by_accident(self, repo: Repository, steps: Steps) -> None:
        """Who believes that it is a file, or not there, is refused; what it points at is not touched."""
        before = steps.head()
        taken_for_a_file = attrs.evolve(steps.version("latest.md"), mode=Mode.FILE)
        for replaces in (None, taken_for_a_file):
            with pytest.raises(ConflictError):
                steps.commit(Put("latest.md", b"mine", replaces))
        assert steps.head() == before

    def test_symlink_stays_one_when_it_is_edited(self, repo: Repository, steps: Steps) -> None:
        steps.commit(Put("latest.md", b"content/posts/world.md", steps.version("latest.md")))
        assert steps.version("latest.md").mode is Mode.SYMLINK
        assert steps.content("latest.md") == b"content/posts/world.md"


class _Proposing(_Meta):
    """Promises 1, 2, 3 and 8 for pull requests."""

    def test_create_pull_request_tells_what_it_made(self, repo: Repository, steps: Steps) -> None:
        pull = steps.pull_request("cms/posts/new", Put("new.md", b"new"), labels=steps.new_labels)
        assert (pull.state, pull.head, pull.base) == ("open", "cms/posts/new", steps.base)
        assert pull.title == "Title of cms/posts/new"
        assert pull.head_commit_sha == steps.head("cms/posts/new")
        assert set(pull.labels) == set(steps.new_labels)
        assert pull.number > 0
        assert is_full(pull.head_commit_sha)
        assert is_now(pull.updated_at)
        assert not pull.from_fork
        assert not pull.problem

    def test_propose_changes_makes_both(self, repo: Repository, steps: Steps) -> None:
        made = steps.proposal("cms/posts/new", Put("new.md", b"new"), labels=self.labels[:1])
        assert made.commit.commit_sha == steps.head("cms/posts/new")
        assert made.pull_request.head_commit_sha == made.commit.commit_sha
        assert made.pull_request.labels == self.labels[:1]
        assert steps.now(made.pull_request).state == "open"

    def test_propose_changes_makes_all_changes(self, repo: Repository, steps: Steps) -> None:
        """In one commit, with modes, like a commit without a pull request."""
        before = steps.head()
        made = steps.proposal(
            "cms/posts/new",
            Put("new.md", b"new"),
            Put("bin/build.sh", b"edited", steps.version("bin/build.sh")),
            Delete("empty.txt", steps.version("empty.txt")),
            Move(WORLD, "content/posts/moved.md", steps.version(WORLD)),
        )
        assert made.commit.parent_commit_shas == (before,)
        gone = {"empty.txt", WORLD}
        assert steps.paths("cms/posts/new") == {seed.path for seed in SEED} - gone | {
            "new.md",
            "content/posts/moved.md",
        }
        assert steps.content("bin/build.sh", "cms/posts/new") == b"edited"
        assert steps.version("bin/build.sh", "cms/posts/new").mode is Mode.EXECUTABLE

    def test_propose_changes_into_an_absent_base(self, repo: Repository, steps: Steps) -> None:
        """The second step fails: its error is raised, and the branch stays to be found."""
        commit = NewCommit(
            "cms/posts/new", steps.head(), (Put("new.md", b"new"),), "A change", EDITOR, creates_branch=True
        )
        pull = attrs.evolve(steps.new_pull_request("cms/posts/new"), base="no-such-base")
        with pytest.raises(NotFoundError):
            repo.propose_changes(commit, pull)
        assert steps.content("new.md", "cms/posts/new") == b"new"

    def test_propose_changes_on_a_branch_that_exists(self, repo: Repository, steps: Steps) -> None:
        """A left-over branch gets neither commit nor pull request."""
        left = steps.branch("cms/posts/new", Put("left.md", b"left"))
        with pytest.raises(ConflictError):
            steps.proposal("cms/posts/new", Put("new.md", b"new"))
        assert steps.head("cms/posts/new") == left.commit_sha
        assert repo.list_pull_requests("all", "", "cms/posts/new") == ()

    def test_propose_changes_of_an_older_version(self, repo: Repository, steps: Steps) -> None:
        opened = steps.version(HELLO)
        steps.commit(Put(HELLO, b"theirs", opened))
        with pytest.raises(ConflictError):
            steps.proposal("cms/posts/hello", Put(HELLO, b"mine", opened))
        assert repo.list_branches("cms/posts/hello") == ()
        assert repo.list_pull_requests("all", "", "cms/posts/hello") == ()

    def test_second_pull_request_of_a_branch(self, repo: Repository, steps: Steps) -> None:
        steps.pull_request("cms/posts/new", Put("new.md", b"new"))
        with pytest.raises(ConflictError):
            repo.create_pull_request(steps.new_pull_request("cms/posts/new"))
        assert len(repo.list_pull_requests("all", "", "cms/posts/new")) == 1

    def test_pull_request_of_an_absent_branch(self, repo: Repository, steps: Steps) -> None:
        with pytest.raises(NotFoundError):
            repo.create_pull_request(steps.new_pull_request("no-such-branch"))

    def test_pull_request_into_an_absent_base(self, repo: Repository, steps: Steps) -> None:
        steps.branch("cms/posts/new", Put("new.md", b"new"))
        wanted = attrs.evolve(steps.new_pull_request("cms/posts/new"), base="no-such-base")
        with pytest.raises(NotFoundError):
            repo.create_pull_request(wanted)
        assert repo.list_pull_requests("all") == ()

    def test_pull_request_is_told_alike(self, repo: Repository, steps: Steps) -> None:
        """By whichever operation: with a full sha and a time in UTC."""
        made = steps.pull_request("cms/posts/new", Put("new.md", b"new"))
        labelled = repo.set_labels(made, self.labels[1:2])
        listed = steps.now(made)
        closed = repo.close_pull_request(listed)
        for pull in (labelled, listed, closed):
            assert (pull.number, pull.head, pull.base) == (made.number, made.head, made.base)
            assert pull.head_commit_sha == made.head_commit_sha
            assert pull.labels == self.labels[1:2]
            assert is_now(pull.updated_at)

    def test_list_pull_requests_is_complete(self, repo: Repository, steps: Steps) -> None:
        """All of them, newest first, each number once, with labels and head."""
        count = self.many
        made = [
            steps.pull_request(f"cms/posts/p{index:03}", Put(f"p{index}.md", b"p"), labels=self.labels[:1])
            for index in range(count)
        ]
        found = repo.list_pull_requests("open", steps.base)
        assert [pull.number for pull in found] == [pull.number for pull in reversed(made)]
        assert len({pull.number for pull in found}) == count
        assert all(pull.labels == self.labels[:1] and is_full(pull.head_commit_sha) for pull in found)
        assert all(is_now(pull.updated_at) for pull in found)
        for pull in found:
            if pull.changed_files is not None:
                (file,) = pull.changed_files
                assert file.path == f"p{int(pull.head[-3:])}.md"
                assert file.kind in {"added", "written"}

    def test_list_changed_files_is_complete(self, repo: Repository, steps: Steps) -> None:
        """What the pull request changes, by kind, and nothing that the base changed since."""
        names = [f"many/f{index:04}.md" for index in range(self.many * 10)]
        pull = steps.pull_request(
            "cms/posts/new",
            *(Put(name, name.encode()) for name in names),
            Put(HELLO, b"edited", steps.version(HELLO)),
            Delete(WORLD, steps.version(WORLD)),
        )
        steps.commit(Put("base-only.md", b"b"))
        kinds = {file.path: file.kind for file in repo.list_changed_files(pull)}
        assert kinds == {**dict.fromkeys(names, "added"), HELLO: "modified", WORLD: "deleted"}

    def test_list_pull_requests_by_state_base_and_head(self, repo: Repository, steps: Steps) -> None:
        """A head is exact: one that only begins like it is another."""
        first = steps.pull_request("cms/posts/one", Put("one.md", b"1"))
        steps.pull_request("cms/posts/one-more", Put("more.md", b"2"))
        closed = steps.pull_request("cms/posts/gone", Put("gone.md", b"3"))
        repo.close_pull_request(closed)
        heads = {pull.head for pull in repo.list_pull_requests("open")}
        assert heads == {"cms/posts/one", "cms/posts/one-more"}
        assert [pull.number for pull in repo.list_pull_requests("open", "", "cms/posts/one")] == [
            first.number
        ]
        assert repo.list_pull_requests("open", "no-such-base") == ()
        assert [pull.number for pull in repo.list_pull_requests("closed")] == [closed.number]
        assert len(repo.list_pull_requests("all")) == 3

    def test_list_pull_requests_that_are_merged(self, repo: Repository, steps: Steps) -> None:
        """Those and no others; and none of them is among the closed ones."""
        merged = steps.pull_request("cms/posts/one", Put("one.md", b"1"))
        repo.merge_pull_request(merged)
        closed = steps.pull_request("cms/posts/two", Put("two.md", b"2"))
        repo.close_pull_request(closed)
        assert [pull.number for pull in repo.list_pull_requests("merged")] == [merged.number]
        assert [pull.number for pull in repo.list_pull_requests("closed")] == [closed.number]

    def test_pull_request_follows_its_branch(self, repo: Repository, steps: Steps) -> None:
        pull = steps.pull_request("cms/posts/new", Put("new.md", b"new"))
        made = steps.commit(Put("more.md", b"more"), branch="cms/posts/new")
        assert steps.now(pull).head_commit_sha == made.commit_sha

    def test_set_labels_leaves_others_alone(self, repo: Repository, steps: Steps) -> None:
        self._needs_two_labels()
        draft, ready, theirs = self.labels
        pull = steps.pull_request("cms/posts/new", Put("new.md", b"new"), labels=(draft, theirs))
        after = repo.set_labels(pull, (ready,), (draft,))
        assert set(after.labels) == set(steps.now(pull).labels) == {ready, theirs}

    def test_set_labels_works_on_the_labels_of_now(self, repo: Repository, steps: Steps) -> None:
        """Labels that somebody set since the pull request was read are not undone."""
        self._needs_two_labels()
        draft, ready, theirs = self.labels
        seen = steps.pull_request("cms/posts/new", Put("new.md", b"new"), labels=(draft,))
        repo.set_labels(seen, (theirs,))
        repo.set_labels(seen, (ready,), (draft,))
        assert set(steps.now(seen).labels) == {ready, theirs}

    def test_set_labels_twice_is_once(self, repo: Repository, steps: Steps) -> None:
        pull = steps.pull_request("cms/posts/new", Put("new.md", b"new"))
        for _ in range(2):
            pull = repo.set_labels(pull, self.labels[1:2], self.labels[:1])
        assert pull.labels == self.labels[1:2]

    def test_set_labels_follows_the_last_one(self, repo: Repository, steps: Steps) -> None:
        """From one to the next and back again, as seen by whoever looks."""
        draft, ready, _ = self.labels
        pull = steps.pull_request("cms/posts/new", Put("new.md", b"new"), labels=(draft,))
        for now, before in ((ready, draft), (draft, ready), (ready, draft)):
            pull = repo.set_labels(pull, (now,), (before,))
            assert pull.labels == steps.now(pull).labels == (now,)

    def test_set_labels_of_an_absent_pull_request(self, repo: Repository, steps: Steps) -> None:
        pull = steps.pull_request("cms/posts/new", Put("new.md", b"new"))
        with pytest.raises(NotFoundError):
            repo.set_labels(attrs.evolve(pull, number=pull.number + 1, node_id=""), self.labels[1:2])

    def test_merge_brings_the_changes(self, repo: Repository, steps: Steps) -> None:
        pull = steps.pull_request("cms/posts/new", Put("new.md", b"new"))
        merge = repo.merge_pull_request(pull, "merge", "Publish it")
        assert steps.content("new.md") == b"new"
        assert merge.commit_sha in {None, steps.head()}
        assert steps.now(pull).state == "merged"
        assert merge.branch_deleted
        assert repo.list_branches("cms/posts/new") == ()

    def test_merge_tells_the_message(self, repo: Repository, steps: Steps) -> None:
        pull = steps.pull_request("cms/posts/new", Put("new.md", b"new"))
        repo.merge_pull_request(pull, "merge", "Publish it")
        assert repo.list_commits(steps.head(), limit=1)[0].message.startswith("Publish it")

    def test_merge_keeps_history(self, repo: Repository, steps: Steps) -> None:
        pull = steps.pull_request("cms/posts/new", Put("new.md", b"new"))
        repo.merge_pull_request(pull)
        assert pull.head_commit_sha in {commit.commit_sha for commit in repo.list_commits(steps.head())}

    def test_merge_squashed_is_one_commit(self, repo: Repository, steps: Steps) -> None:
        before = steps.head()
        pull = steps.pull_request("cms/posts/new", Put("new.md", b"new"))
        steps.commit(Put("more.md", b"more"), branch="cms/posts/new")
        repo.merge_pull_request(steps.now(pull), "squash", "Publish it")
        history = [commit.commit_sha for commit in repo.list_commits(steps.head())]
        new = repo.list_commits(steps.head(), limit=history.index(before))
        # A forge may bring the one commit by another one that merges it.
        (commit,) = (each for each in new if len(each.parent_commit_shas) == 1)
        assert commit.parent_commit_shas == (before,)
        assert commit.message.startswith("Publish it")
        assert (steps.content("new.md"), steps.content("more.md")) == (b"new", b"more")

    def test_merge_may_keep_the_branch(self, repo: Repository, steps: Steps) -> None:
        pull = steps.pull_request("cms/posts/new", Put("new.md", b"new"))
        assert repo.merge_pull_request(pull, delete_branch=False).branch_deleted is False
        assert steps.head("cms/posts/new") == pull.head_commit_sha

    def test_merge_with_a_base_that_moved(self, repo: Repository, steps: Steps) -> None:
        """Three ways: what both did is there, in one file too."""
        hello = steps.content(HELLO)
        pull = steps.pull_request("cms/posts/hello", Put(HELLO, b"first\n" + hello, steps.version(HELLO)))
        steps.commit(Put(HELLO, hello + b"last\n", steps.version(HELLO)), Put("beside.md", b"b"))
        repo.merge_pull_request(pull)
        assert steps.content(HELLO) == b"first\n" + hello + b"last\n"
        assert steps.content("beside.md") == b"b"

    def test_merge_with_conflicts_is_refused(self, repo: Repository, steps: Steps) -> None:
        """Never by overwriting: base, branch and pull request are as they were."""
        opened = steps.version(HELLO)
        pull = steps.pull_request("cms/posts/hello", Put(HELLO, b"mine", opened))
        theirs = steps.commit(Put(HELLO, b"theirs", opened))
        with pytest.raises(NotMergeableError) as caught:
            repo.merge_pull_request(pull)
        assert caught.value.reason == "conflicts"
        assert caught.value.paths in {(), (HELLO,)}
        assert steps.head() == theirs.commit_sha
        assert steps.head("cms/posts/hello") == pull.head_commit_sha
        assert steps.now(pull).state == "open"

    def test_merge_of_a_moved_head_is_refused(self, repo: Repository, steps: Steps) -> None:
        """Nobody publishes what he has not seen."""
        before = steps.head()
        seen = steps.pull_request("cms/posts/new", Put("new.md", b"new"))
        steps.commit(Put("more.md", b"unseen"), branch="cms/posts/new")
        with pytest.raises(ConflictError):
            repo.merge_pull_request(seen)
        assert steps.head() == before
        assert steps.now(seen).state == "open"

    def test_squash_with_conflicts_is_refused(self, repo: Repository, steps: Steps) -> None:
        opened = steps.version(HELLO)
        pull = steps.pull_request("cms/posts/hello", Put(HELLO, b"mine", opened))
        theirs = steps.commit(Put(HELLO, b"theirs", opened))
        with pytest.raises(NotMergeableError):
            repo.merge_pull_request(pull, "squash")
        assert steps.head() == theirs.commit_sha
        assert steps.now(pull).state == "open"

    def test_squash_of_a_moved_head_is_refused(self, repo: Repository, steps: Steps) -> None:
        before = steps.head()
        seen = steps.pull_request("cms/posts/new", Put("new.md", b"new"))
        steps.commit(Put("more.md", b"unseen"), branch="cms/posts/new")
        with pytest.raises(ConflictError):
            repo.merge_pull_request(seen, "squash")
        assert steps.head() == before
        assert steps.now(seen).state == "open"

    def test_merge_of_a_closed_one_is_refused(self, repo: Repository, steps: Steps) -> None:
        before = steps.head()
        pull = steps.pull_request("cms/posts/new", Put("new.md", b"new"))
        repo.close_pull_request(pull)
        with pytest.raises(NotMergeableError) as caught:
            repo.merge_pull_request(pull)
        assert caught.value.reason == "closed"
        assert steps.head() == before

    def test_close_deletes_the_branch(self, repo: Repository, steps: Steps) -> None:
        before = steps.head()
        pull = steps.pull_request("cms/posts/new", Put("new.md", b"new"))
        assert repo.close_pull_request(pull).state == "closed"
        assert repo.list_branches("cms/posts/new") == ()
        assert steps.now(pull).state == "closed"
        assert steps.head() == before

    def test_close_may_keep_the_branch(self, repo: Repository, steps: Steps) -> None:
        pull = steps.pull_request("cms/posts/new", Put("new.md", b"new"))
        repo.close_pull_request(pull, delete_branch=False)
        assert steps.head("cms/posts/new") == pull.head_commit_sha

    def test_close_with_a_moved_head_is_refused(self, repo: Repository, steps: Steps) -> None:
        """A draft that got another commit does not vanish with it."""
        seen = steps.pull_request("cms/posts/new", Put("new.md", b"new"))
        now = steps.commit(Put("more.md", b"unseen"), branch="cms/posts/new")
        with pytest.raises(ConflictError):
            repo.close_pull_request(seen)
        assert steps.head("cms/posts/new") == now.commit_sha
        # It, or another one where the forge cannot open it again.
        assert len(repo.list_pull_requests("open", steps.base, "cms/posts/new")) == 1

    def test_close_with_a_moved_head_that_stays_is_refused(self, repo: Repository, steps: Steps) -> None:
        """Nobody closes what he has not seen, though nothing would be deleted."""
        seen = steps.pull_request("cms/posts/new", Put("new.md", b"new"))
        steps.commit(Put("more.md", b"unseen"), branch="cms/posts/new")
        with pytest.raises(ConflictError):
            repo.close_pull_request(seen, delete_branch=False)
        assert len(repo.list_pull_requests("open", steps.base, "cms/posts/new")) == 1

    def test_close_of_a_merged_one_is_refused(self, repo: Repository, steps: Steps) -> None:
        pull = steps.pull_request("cms/posts/new", Put("new.md", b"new"))
        repo.merge_pull_request(pull)
        with pytest.raises(NotMergeableError):
            repo.close_pull_request(pull)
        assert steps.now(pull).state == "merged"

    def test_branch_can_be_used_again_after_closing(self, repo: Repository, steps: Steps) -> None:
        first = steps.pull_request("cms/posts/new", Put("new.md", b"new"))
        repo.close_pull_request(first)
        second = steps.pull_request("cms/posts/new", Put("new.md", b"again"))
        assert second.number != first.number
        assert steps.now(first).state == "closed"
        assert steps.now(second).state == "open"

    def test_update_from_base_brings_the_base(self, repo: Repository, steps: Steps) -> None:
        """By a merge: what was on the branch is still in its history."""
        pull = steps.pull_request("cms/posts/new", Put("new.md", b"new"))
        steps.commit(Put("base.md", b"base"))
        branch = repo.update_from_base(pull)
        assert branch.commit_sha == steps.head("cms/posts/new")
        assert steps.content("base.md", "cms/posts/new") == b"base"
        assert steps.content("new.md", "cms/posts/new") == b"new"
        shas = {commit.commit_sha for commit in repo.list_commits(branch.commit_sha)}
        assert pull.head_commit_sha in shas

    def test_update_from_base_of_a_moved_head_is_refused(self, repo: Repository, steps: Steps) -> None:
        seen = steps.pull_request("cms/posts/new", Put("new.md", b"new"))
        now = steps.commit(Put("more.md", b"unseen"), branch="cms/posts/new")
        steps.commit(Put("base.md", b"base"))
        with pytest.raises(ConflictError):
            repo.update_from_base(seen)
        assert steps.head("cms/posts/new") == now.commit_sha

    def test_update_from_base_without_news(self, repo: Repository, steps: Steps) -> None:
        pull = steps.pull_request("cms/posts/new", Put("new.md", b"new"))
        assert repo.update_from_base(pull).commit_sha == pull.head_commit_sha

    def test_update_from_base_with_conflicts_is_refused(self, repo: Repository, steps: Steps) -> None:
        opened = steps.version(HELLO)
        pull = steps.pull_request("cms/posts/hello", Put(HELLO, b"mine", opened))
        steps.commit(Put(HELLO, b"theirs", opened))
        with pytest.raises(NotMergeableError):
            repo.update_from_base(pull)
        assert steps.head("cms/posts/hello") == pull.head_commit_sha

    def test_rebase_brings_the_base(self, repo: Repository, steps: Steps) -> None:
        """What was on the branch is on it after what is in the base."""
        pull = steps.pull_request("cms/posts/new", Put("new.md", b"new"))
        more = steps.commit(Put("more.md", b"more"), branch="cms/posts/new")
        base = steps.commit(Put("base.md", b"base"))
        branch = repo.rebase_pull_request(attrs.evolve(pull, head_commit_sha=more.commit_sha))
        assert branch.commit_sha == steps.head("cms/posts/new")
        for path in ("base.md", "new.md", "more.md"):
            assert steps.content(path, "cms/posts/new") == path.removesuffix(".md").encode()
        history = [commit.commit_sha for commit in repo.list_commits(branch.commit_sha)]
        assert history.index(base.commit_sha) == 2

    def test_rebase_of_a_moved_head_is_refused(self, repo: Repository, steps: Steps) -> None:
        seen = steps.pull_request("cms/posts/new", Put("new.md", b"new"))
        now = steps.commit(Put("more.md", b"unseen"), branch="cms/posts/new")
        steps.commit(Put("base.md", b"base"))
        with pytest.raises(ConflictError):
            repo.rebase_pull_request(seen)
        assert steps.head("cms/posts/new") == now.commit_sha

    def test_rebase_with_conflicts_is_refused(self, repo: Repository, steps: Steps) -> None:
        opened = steps.version(HELLO)
        pull = steps.pull_request("cms/posts/hello", Put(HELLO, b"mine", opened))
        steps.commit(Put(HELLO, b"theirs", opened))
        with pytest.raises(NotMergeableError):
            repo.rebase_pull_request(pull)
        assert steps.head("cms/posts/hello") == pull.head_commit_sha


class _LargeFiles(_Meta):
    """Promises 1 and 4 for large files, and what git has of them."""

    def _needs_large_files(self) -> None:
        if not self.large_files:
            pytest.skip("the forge has no place for large files")

    def test_large_files_come_back(self, repo: Repository) -> None:
        """By path, and as often as one likes."""
        self._needs_large_files()
        contents = {"a.bin": bytes(range(256)) * 9, "b/\u00fc.bin": b"b", "c.bin": b"b"}
        pointers = repo.upload_objects(contents)
        assert pointers == {path: Pointer.of(content) for path, content in contents.items()}
        assert repo.upload_objects(contents) == pointers
        assert repo.download_objects(pointers) == contents

    def test_large_file_that_is_not_there(self, repo: Repository) -> None:
        self._needs_large_files()
        with pytest.raises(NotFoundError, match=r"a\.bin"):
            repo.download_objects({"a.bin": Pointer("0" * 64, 12)})

    def test_tracked_file_is_a_pointer_in_git(self, repo: Repository, steps: Steps) -> None:
        """Who reads it gets the file, in the version of its pointer."""
        self._needs_large_files()
        content = bytes(range(256))
        steps.commit(
            Put(".gitattributes", b"*.bin filter=lfs diff=lfs merge=lfs -text\n"), Put("a.bin", content)
        )
        file = repo.read_file(steps.head(), "a.bin")
        assert file.content == content
        assert file.version.blob_sha in {None, blob_sha(Pointer.of(content).to_bytes())}


class BackendSuite(_Reading, _Committing, _LargeFiles, _Proposing):
    """Everything that a backend promises; subclass it and give the fixture ``repository``."""
