"""Two writers on one branch, with the window stretched that GitLab leaves between its check and its commit.

What counts is what git has in the end: a commit that replaced another version than its writer named is an
overwrite, and the writer was told of it, with that version.
"""

from __future__ import annotations

import pytest

pytest.importorskip("simulators.gitlab", reason="the simulators are not beside these tests")

from copydesk import ConflictError, Repository, open_repository
from copydesk.models import FileVersion, NewCommit, Put
from copydesk.testing import Answer
from means.races import FILES, Writer, race, replaced_in_git

REPO = "group/sub/site"


@pytest.fixture
def seeded(forge):
    return forge.add_repository(REPO, FILES)


@pytest.fixture
def run(open_site, settings):
    """Let two writers race, each in a process of their own."""

    def run_race(paths: tuple[str, str], rounds: int) -> tuple[Writer, Writer]:
        first = open_site(branch="main")
        first.simulator.commit_window = 0.005
        known = {"repo": REPO, "api_root": first.options.api_root, "branch": "main"}
        second = open_repository("gitlab", credential="full-token", http=settings, **known)
        return race(first, second, paths, rounds)

    return run_race


@pytest.fixture(params=[20, pytest.param(200, marks=pytest.mark.long)])
def rounds(request) -> int:
    return request.param


def test_writers_of_different_files_all_arrive(seeded, run, rounds):
    writers = run(("a.md", "b.md"), rounds)
    for writer in writers:
        assert writer.refused == 0
        assert writer.told == {}
        assert replaced_in_git(seeded, writer.path) == writer.intended


def test_no_overwrite_of_one_file_is_silent(seeded, run, rounds):
    writers = run(("a.md", "a.md"), rounds)
    replaced = replaced_in_git(seeded, "a.md")
    intended = {**writers[0].intended, **writers[1].intended}
    told = {**writers[0].told, **writers[1].told}
    overwrites = {new: old for new, old in replaced.items() if intended[new] != old}
    assert told == {new: {old} for new, old in overwrites.items()}
    assert len(replaced) + sum(writer.refused for writer in writers) == 2 * rounds
    assert overwrites, "the window was never hit, so nothing was proved"


# -- the window, hit for certain ----------------------------------------------------------------------


@pytest.fixture
def in_window(open_site, seeded):
    """A repository whose next commit finds another one in the window."""

    def opener(files: dict[str, bytes]) -> Repository:
        repository = open_site(branch="main")

        def come_in_between() -> None:
            repository.simulator.in_window = None
            with seeded.forge.lock:
                seeded.commit_files("main", files, "By somebody else")

        repository.simulator.in_window = come_in_between
        return repository

    return opener


def commit_to(repository: Repository, path: str, content: bytes) -> NewCommit:
    head = repository.get_branch("main").commit_sha
    version = repository.read_file(head, path).version
    return NewCommit("main", head, (Put(path, content, version),), "Mine")


def test_overwrite_is_reported_with_the_version_that_it_replaced(in_window, seeded):
    repository = in_window({"a.md": b"theirs\n"})
    with pytest.raises(
        ConflictError, match=r"somebody else changed 'a.md' .* read it there, merge it"
    ) as caught:
        repository.commit_changes(commit_to(repository, "a.md", b"mine\n"))
    error = caught.value
    assert (error.committed, error.paths) == (True, ("a.md",))
    assert error.head_commit_sha == seeded.head("main")
    (parent,) = seeded.git[error.head_commit_sha].parent_ids
    theirs = repository.read_file(str(parent), "a.md")
    assert theirs.content == b"theirs\n"
    assert error.lost["a.md"].same_as(theirs.version)


def test_commit_beside_another_is_no_overwrite(in_window, seeded):
    repository = in_window({"c.md": b"theirs\n"})
    made = repository.commit_changes(commit_to(repository, "a.md", b"mine\n"))
    assert made.commit_sha == seeded.head("main")
    tree = seeded.git[made.commit_sha].tree
    assert (tree["a.md"].data, tree["c.md"].data) == (b"mine\n", b"theirs\n")


def test_overwrite_that_cannot_be_looked_at_is_reported_too(in_window):
    """The look at what came in between fails: that is no success."""
    repository = in_window({"a.md": b"theirs\n"})
    commit = commit_to(repository, "a.md", b"mine\n")
    repository.simulator.inject(Answer(403, b"{}"), when=lambda each: each.path.endswith("/compare"), times=9)
    with pytest.raises(ConflictError, match="cannot be seen") as caught:
        repository.commit_changes(commit)
    assert caught.value.committed


def test_file_that_was_created_in_the_window_is_not_overwritten(in_window, seeded):
    repository = in_window({"new.md": b"theirs\n"})
    head = repository.get_branch("main").commit_sha
    with pytest.raises(ConflictError) as caught:
        repository.commit_changes(NewCommit("main", head, (Put("new.md", b"mine\n"),), "Mine"))
    assert not caught.value.committed
    assert caught.value.paths == ("new.md",)
    assert seeded.git[seeded.head("main")].tree["new.md"].data == b"theirs\n"


# -- last commits -------------------------------------------------------------------------------------


@pytest.mark.parametrize("strict", [False, True], ids=["now", "older versions"])
def test_last_commit_that_is_another_one_with_the_same_bytes(seeded, open_site, strict):
    """A change and its revert: the version that is named is there, so nobody's work is replaced."""
    repository = open_site(branch="main")
    repository.simulator.strict_last_commit = strict
    head = repository.get_branch("main").commit_sha
    version = repository.read_file(head, "a.md").version
    seeded.commit_files("main", {"a.md": b"other\n"}, "A change")
    seeded.commit_files("main", {"a.md": FILES["a.md"]}, "And its revert")
    repository.commit_changes(NewCommit("main", head, (Put("a.md", b"mine\n", version),), "Mine"))
    assert seeded.git[seeded.head("main")].tree["a.md"].data == b"mine\n"


def test_same_bytes_with_another_mode_are_another_version(forge, open_site):
    """What was read of a symlink is not known of a file with the same bytes."""
    forge.add_repository(REPO, {"link": b"a.md", "a.md": b"a"}, modes={"link": 0o120000})
    repository = open_site(branch="main")
    head = repository.get_branch("main").commit_sha
    link = repository.read_file(head, "link").version
    taken_for_a_file = FileVersion(link.blob_sha)
    with pytest.raises(ConflictError):
        repository.commit_changes(NewCommit("main", head, (Put("link", b"mine", taken_for_a_file),), "Mine"))
