"""The facade: gates, checks, threads, and trying again."""

from __future__ import annotations

import inspect
import threading
import time

import attrs
import pytest
from copydesk import NewCommit, Put, Repository, User, hookimpl, open_repository
from copydesk.errors import (
    BackendLoadError,
    ConflictError,
    InvalidInputError,
    InvalidPathError,
    NotSupportedError,
    ProtocolError,
    UnavailableError,
)
from copydesk.hookspecs import DERIVED, OPERATIONS, OPTIONAL, WRITES, BackendHooks
from copydesk.models import Branch, File, FileVersion, Mode, TreeEntry
from copydesk.options import BackendOptions
from copydesk.pool import WORKERS, ReadPool
from copydesk.registry import InstalledBackend

ANN = User("ann", "Ann", "ann@example.org")
SHA = "1" * 40


def over(backend: object, *extensions: object, **arguments: object) -> Repository:
    origin = InstalledBackend("tiny", "copydesk-tiny", "1.2.3", "copydesk_tiny:backend")
    return Repository(origin, BackendOptions(), (backend,), extensions, **arguments)


@pytest.fixture
def repository(site_path):
    with open_repository("local", repo=site_path) as opened:
        yield opened


# -- the contract -------------------------------------------------------------------------------------


@pytest.mark.parametrize("operation", OPERATIONS)
def test_facade_has_the_signature_of_the_contract(operation):
    spec = inspect.signature(getattr(BackendHooks, operation)).parameters
    facade = inspect.signature(getattr(Repository, operation)).parameters
    # The tree of the parent is the core's to give, and whether a branch may be rewritten the core's to know.
    assert [name for name in facade if name != "allow_rewrite"] == [name for name in spec if name != "tree"]


@pytest.mark.parametrize("operation", OPERATIONS)
def test_operation_is_documented(operation):
    """Each says its kind, what it answers and what it raises."""
    doc = getattr(BackendHooks, operation).__doc__
    assert ":returns:" in doc
    assert (":raises" in doc) is (operation != "list_ways")  # which asks for nothing
    kind = "Optional" if operation in OPTIONAL else "Core default" if operation in DERIVED else "Required"
    assert kind in doc


def test_fourteen_operations_are_required():
    assert len(set(OPERATIONS) - OPTIONAL - DERIVED.keys()) == 14
    assert set(OPERATIONS) >= OPTIONAL | DERIVED.keys() | WRITES


def test_hooks_have_neither_defaults_nor_keyword_only_parameters():
    """pluggy before 1.7 mishandles both."""
    for operation in OPERATIONS:
        for parameter in inspect.signature(getattr(BackendHooks, operation)).parameters.values():
            assert parameter.default is parameter.empty
            assert parameter.kind is parameter.POSITIONAL_OR_KEYWORD


# -- gates --------------------------------------------------------------------------------------------


class Tiny:
    @hookimpl
    def read_file(self, commit_sha, path):
        return None


def test_operation_that_the_backend_lacks():
    with pytest.raises(NotSupportedError, match="the tiny backend has no list_files") as caught:
        over(Tiny()).list_files(SHA)
    assert caught.value.operation == "list_files"


def test_derived_operation_whose_source_is_missing():
    with pytest.raises(NotSupportedError, match="last_changes"):
        over(Tiny()).last_changes(SHA, ["a.md"])


def test_operations_are_read_off_the_backend():
    repository = over(Tiny())
    assert repository.own_operations == {"read_file"}
    assert repository.operations == {"read_file", "read_files", "list_ways"}


def test_extension_can_bring_an_operation():
    class Checks:
        @hookimpl
        def list_checks(self, commit_sha):
            return (commit_sha,)

    repository = over(Tiny(), Checks())
    assert repository.list_checks(SHA) == (SHA,)
    assert "list_checks" not in repository.operations


@pytest.mark.parametrize(
    "stumble",
    [
        KeyError("sha"),
        IndexError(),
        TypeError(),
        ValueError(),
        UnicodeDecodeError("utf-8", b"", 0, 1, "x"),
        AttributeError(),
        OverflowError(),
    ],
    ids=lambda stumble: type(stumble).__name__,
)
def test_stumbling_over_an_answer_names_the_backend(stumble):
    class Stumbling:
        @hookimpl
        def list_branches(self, prefix):
            raise stumble

    expected = (
        r"the tiny backend \(copydesk-tiny 1\.2\.3\) does not understand the answer to list_branches "
        rf"\({type(stumble).__name__}\); check the address of the API, or report it"
    )
    with pytest.raises(ProtocolError, match=expected) as caught:
        over(Stumbling()).list_branches()
    assert caught.value.__cause__ is stumble


def test_what_an_extension_raises_is_left_as_it_is():
    class Careless:
        @hookimpl(wrapper=True)
        def list_branches(self):
            raise KeyError("mine")
            yield

    class Branches:
        @hookimpl
        def list_branches(self, prefix):
            return ()

    with pytest.raises(KeyError, match="mine"):
        over(Branches(), Careless()).list_branches()


def test_answer_of_none_is_the_backends_bug():
    with pytest.raises(ProtocolError, match=r"copydesk-tiny 1\.2\.3\) answered None to read_file"):
        over(Tiny()).read_file(SHA, "a.md")


def test_files_that_are_left_out_are_the_backends_bug():
    class Short:
        @hookimpl
        def read_files(self, commit_sha, entries):
            return ()

    with pytest.raises(ProtocolError, match="gave 0 of 1 files"):
        over(Short()).read_files(SHA, [object()])


def test_first_of_several_objects_answers():
    class First:
        @hookimpl
        def get_repository(self):
            return "first"

    class Second:
        @hookimpl
        def get_repository(self):
            return "second"

        @hookimpl
        def authenticate(self):
            return "second"

    origin = InstalledBackend("two", "copydesk-two", "1", "x:y")
    repository = Repository(origin, BackendOptions(), (First(), Second()))
    assert (repository.get_repository(), repository.authenticate()) == ("first", "second")
    assert repository.own_operations == {"get_repository", "authenticate"}


def test_unknown_operation_is_named_with_the_nearest():
    class Misspelt:
        @hookimpl
        def list_file(self, commit_sha, folder):
            return ()

    with pytest.raises(
        BackendLoadError, match="'list_file', which is no operation; did you mean 'list_files'"
    ):
        over(Misspelt())


def test_parameter_that_the_core_lacks_is_named():
    class Later:
        @hookimpl
        def read_file(self, commit_sha, path, encoding):
            return None

    with pytest.raises(BackendLoadError, match=r"encoding.*pip install --upgrade copydesk"):
        over(Later())


def test_closed_repository_says_so(repository):
    repository.close()
    repository.close()
    with pytest.raises(UnavailableError, match="was closed; open it again"):
        repository.get_repository()


def test_repr_counts_and_shows_no_options():
    shown = repr(over(Tiny()))
    assert shown == "<Repository 'tiny', 3 operations>"


# -- checks before anything is sent -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"changes": ()}, "has no changes"),
        ({"message": " "}, "has no message"),
        ({"message": "a\0b"}, "holds a NUL"),
        ({"parent_commit_sha": "main"}, "'main' is no full commit sha"),
        ({"changes": (Put("a", b""), Put("a", b""))}, "changed twice"),
        ({"changes": (Put("a", b""), Put("a/b", b""))}, "a path is a file or a folder"),
        ({"changes": (Put("a", b"", mode=Mode.SUBMODULE),)}, "is a submodule"),
        ({"branch": "a..b"}, "it holds '..'"),
    ],
)
def test_commit_that_no_forge_could_make_is_refused(repository, change, words):
    good = NewCommit("main", SHA, (Put("a.md", b"a"),), "A", ANN)
    with pytest.raises(InvalidInputError) as caught:
        repository.commit_changes(attrs.evolve(good, **change))
    assert words in str(caught.value)


def test_path_is_checked_before_the_backend_sees_it():
    with pytest.raises(InvalidPathError):
        over(Tiny()).read_file(SHA, "../etc/passwd")


@pytest.mark.parametrize(
    "call", [lambda r: r.list_pull_requests("opened"), lambda r: r.merge_pull_request(1, "rebase")]
)
def test_word_that_is_none_of_the_choices(repository, call):
    with pytest.raises(ValueError, match="must be one of"):
        call(repository)


# -- trying again -------------------------------------------------------------------------------------


class Interloper:
    """A forge with other users: just before each of the first *times* commits somebody else commits."""

    def __init__(self, site_path, times, path="theirs"):
        self.other = open_repository("local", repo=site_path)
        self.times = times
        self.path = path

    @hookimpl(wrapper=True)
    def commit_changes(self, commit):
        if self.times:
            self.times -= 1
            head = self.other.get_branch(commit.branch).commit_sha
            files = {entry.path: entry.version for entry in self.other.list_files(head)}
            path = self.path if self.path in files else f"{self.path}-{self.times}.md"
            change = Put(path, f"{self.times}".encode(), files.get(path))
            self.other.commit_changes(NewCommit(commit.branch, head, (change,), "Theirs", ANN))
            # A forge refuses a parent that is not the head, and leaves it to the core.
            raise ConflictError(f"branch {commit.branch!r} is no longer at its parent", branch=commit.branch)
        return (yield)


def test_branch_that_others_move_is_tried_until_it_fits(site_path):
    slept = []
    origin = open_repository("local", repo=site_path)
    repository = Repository(
        origin.origin, origin.options, origin.backends, (Interloper(site_path, 5),), sleep=slept.append
    )
    head = repository.get_branch("main").commit_sha
    repository.commit_changes(NewCommit("main", head, (Put("mine.md", b"mine"),), "Mine", ANN))
    paths = {entry.path for entry in repository.list_files(repository.get_branch("main").commit_sha)}
    assert paths >= {"mine.md", *(f"theirs-{index}.md" for index in range(5))}
    assert len(slept) == 5
    assert max(slept) <= 0.5


def test_branch_that_others_never_leave_alone_is_given_up_in_time(site_path):
    """The clock is a parameter: nobody waits a minute here."""
    origin = open_repository("local", repo=site_path)
    ticks = iter(range(0, 1000, 25))
    repository = Repository(
        origin.origin,
        origin.options,
        origin.backends,
        (Interloper(site_path, 1000),),
        clock=lambda: float(next(ticks)),
        sleep=lambda _: None,
    )
    head = repository.get_branch("main").commit_sha
    with pytest.raises(ConflictError, match="no longer at"):
        repository.commit_changes(NewCommit("main", head, (Put("mine.md", b"mine"),), "Mine", ANN))


def test_touched_path_is_a_conflict_with_the_version_that_is_there(site_path):
    interloper = Interloper(site_path, 1, path="content/about.md")
    with open_repository("local", repo=site_path, extensions=[interloper]) as repository:
        head = repository.get_branch("main").commit_sha
        version = repository.read_file(head, "content/about.md").version
        change = Put("content/about.md", b"mine", version)
        with pytest.raises(ConflictError, match=r"somebody else changed 'content/about\.md'") as caught:
            repository.commit_changes(NewCommit("main", head, (change,), "Mine", ANN))
        now = repository.get_branch("main").commit_sha
        assert caught.value.versions == {
            "content/about.md": repository.read_file(now, "content/about.md").version
        }
        assert caught.value.head_commit_sha == now


def test_branch_that_was_rewritten_is_a_conflict(site_path, git, repository):
    """What was there when the editor looked is no longer in the history: nothing is built on that."""
    head = repository.get_branch("main").commit_sha
    made = repository.commit_changes(NewCommit("main", head, (Put("a.md", b"a"),), "A", ANN))
    git(site_path, "update-ref", "refs/heads/main", head)
    git(site_path, "gc", "-q")
    other = NewCommit("main", head, (Put("b.md", b"b"),), "B", ANN)
    repository.commit_changes(other)
    with pytest.raises(ConflictError, match="was rewritten"):
        repository.commit_changes(NewCommit("main", made.commit_sha, (Put("c.md", b"c"),), "C", ANN))


def test_conflict_after_the_forge_had_written_is_not_tried_again():
    class Committed:
        calls = 0

        @hookimpl
        def commit_changes(self, commit):
            self.calls += 1
            raise ConflictError("overwrote", committed=True, lost={})

    backend = Committed()
    with pytest.raises(ConflictError) as caught:
        over(backend).commit_changes(NewCommit("main", SHA, (Put("a.md", b"a"),), "A", ANN))
    assert caught.value.committed
    assert backend.calls == 1


@pytest.mark.parametrize("made", [True, False])
def test_lost_answer_of_a_commit_where_nobody_can_list_commits(made):
    """It is not made twice, and not told as somebody else's: whoever asked has to look."""

    class Losing:
        def __init__(self):
            self.head, self.calls = SHA, 0

        @hookimpl
        def get_branch(self, name):
            return Branch(name, self.head)

        @hookimpl
        def commit_changes(self):
            self.calls += 1
            self.head = "2" * 40 if made else SHA
            raise UnavailableError("no answer", unclear=True)

    backend = Losing()
    with pytest.raises(UnavailableError, match="no answer") as caught:
        over(backend, sleep=lambda _: None).commit_changes(
            NewCommit("main", SHA, (Put("a.md", b"a"),), "A", ANN)
        )
    assert caught.value.unclear
    assert backend.calls == (1 if made else 3)


# -- threads ------------------------------------------------------------------------------------------


def test_writes_of_one_repository_go_one_at_a_time(site_path):
    class Watch:
        inside = most = 0

        @hookimpl(wrapper=True)
        def commit_changes(self):
            self.inside += 1
            self.most = max(self.most, self.inside)
            try:
                return (yield)
            finally:
                self.inside -= 1

    watch = Watch()
    with open_repository("local", repo=site_path, extensions=[watch]) as repository:
        head = repository.get_branch("main").commit_sha

        def commit(index):
            change = Put(f"t{index}.md", b"t")
            repository.commit_changes(NewCommit("main", head, (change,), "T", ANN))

        threads = [threading.Thread(target=commit, args=(index,)) for index in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        paths = {entry.path for entry in repository.list_files(repository.get_branch("main").commit_sha)}
    assert paths >= {f"t{index}.md" for index in range(8)}
    assert watch.most == 1


def test_reads_go_together_but_not_more_than_eight():
    """Sixteen reads, each waiting for seven others to be there: eight at a time, and never nine."""
    meet = threading.Barrier(WORKERS)
    lock = threading.Lock()
    state = {"inside": 0, "most": 0}

    class Slow:
        @hookimpl
        def read_file(self, commit_sha, path):
            with lock:
                state["inside"] += 1
                state["most"] = max(state["most"], state["inside"])
            meet.wait(timeout=20)
            with lock:
                state["inside"] -= 1
            return File(path, b"", FileVersion("1" * 40))

    asked = [TreeEntry(f"{index}.md", 0, FileVersion("1" * 40)) for index in range(16)]
    with over(Slow()) as repository:
        files = repository.read_files(SHA, asked)
    assert [file.path for file in files] == [entry.path for entry in asked]
    assert state["most"] == WORKERS


def test_pool_within_the_pool_does_not_wait_for_itself():
    pool = ReadPool(workers=2)
    assert pool.map(lambda n: sum(pool.map(lambda m: m * n, range(3))), range(4)) == (0, 3, 6, 9)
    pool.close()


def test_first_failure_of_the_pool_in_order_of_the_items_is_raised():
    pool = ReadPool()

    def fail(number):
        raise UnavailableError(f"cut {number}")

    with pytest.raises(UnavailableError, match="cut 0"):
        pool.map(fail, range(20))
    pool.close()


def test_threads_end_with_the_repository(site_path):
    def reading():
        return {thread for thread in threading.enumerate() if thread.name.startswith("copydesk-read")}

    others = reading()  # of repositories that other tests left to the collector
    repository = open_repository("local", repo=site_path)
    repository.map_reads(lambda _: time.sleep(0), range(4))
    assert reading() - others
    repository.close()
    assert not reading() - others
