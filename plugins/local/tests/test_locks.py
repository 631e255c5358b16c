"""Locks and names: what others hold, what the dead left behind, what git cannot keep side by side."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from pathlib import Path

import pytest
from copydesk import NewCommit, Put, Repository, hookimpl, open_repository
from copydesk.errors import ConflictError, UnavailableError
from copydesk.testing._steps import Steps

HELLO = "content/posts/hello.md"
WORLD = "content/posts/world.md"

HOLD = """
import sys, filelock
with filelock.FileLock(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def steps(bare: Path) -> Iterator[Steps]:
    with open_repository("local", repo=bare) as repo:
        yield Steps(repo)


def lock(path: Path, seconds: float) -> Path:
    """Leave a lock as a process that was killed that long ago does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    then = time.time() - seconds
    os.utime(path, (then, then))
    return path


# -- locks of git -------------------------------------------------------------------------------------


def test_stale_lock_is_named_with_age_and_remedy(bare: Path, steps: Steps) -> None:
    """A lock that is an hour old stops the commit at once; the error says whose it is and what removes it."""
    stale = lock(bare / "refs/heads/main.lock", 3600)
    head = steps.head()
    message = (
        rf"^'{re.escape(str(stale))}' has been held for 360\d s: a process that was killed left it behind; "
        r"nothing was committed: remove it with: copydesk repair$"
    )
    with pytest.raises(UnavailableError, match=message):
        steps.commit(Put("new.md", b"new"))
    assert steps.head() == head
    assert stale.exists()


def test_repair_removes_stale_lock_and_says_so(bare: Path, steps: Steps) -> None:
    """repair() names the lock and its age, a second one finds nothing, and the commit goes through."""
    stale = lock(bare / "refs/heads/main.lock", 3600)
    (sentence,) = steps.repo.repair()
    assert re.fullmatch(rf"removed the stale lock '{re.escape(str(stale))}', 360\d s old", sentence)
    assert not stale.exists()
    assert steps.repo.repair() == ()
    steps.commit(Put("new.md", b"new"))


@pytest.mark.parametrize(
    "name", ["HEAD.lock", "packed-refs.lock", "config.lock", "refs/heads/cms/posts/hello.lock"]
)
def test_repair_removes_lock_of_any_ref(bare: Path, steps: Steps, name: str) -> None:
    """Each file that git locks for a ref is found."""
    stale = lock(bare / name, 60)
    assert len(steps.repo.repair()) == 1
    assert not stale.exists()


def test_young_lock_is_reported_as_held(bare: Path, steps: Steps) -> None:
    """A lock that is held right now is waited for, then reported as somebody's at work."""
    held = lock(bare / "refs/heads/main.lock", 0)
    head = steps.head()
    message = rf"^git holds '{re.escape(str(held))}' right now .*; nothing was committed: try again$"
    with pytest.raises(UnavailableError, match=message):
        steps.commit(Put("new.md", b"new"))
    assert steps.head() == head


def test_young_lock_that_goes_away_is_waited_for(bare: Path, steps: Steps) -> None:
    """git holds its locks for milliseconds: the commit goes on when it is done."""
    held = lock(bare / "refs/heads/main.lock", 0)
    with ThreadPoolExecutor(1) as pool:
        commit = pool.submit(steps.commit, Put("new.md", b"new"))
        with pytest.raises(NotYet):
            commit.result(0.1)
        held.unlink()
        assert commit.result().commit_sha == steps.head()


def test_repair_refuses_while_a_lock_is_young(bare: Path, steps: Steps) -> None:
    """Where one lock may be somebody's, repair removes none, not even a stale one."""
    stale = lock(bare / "refs/heads/main.lock", 3600)
    young = lock(bare / "refs/heads/other.lock", 5)
    message = (
        rf"^'{re.escape(str(young))}' is younger than 10 s: somebody may be writing; "
        r"nothing was removed: try again in a moment$"
    )
    with pytest.raises(UnavailableError, match=message):
        steps.repo.repair()
    assert stale.exists()
    assert young.exists()


def test_stale_lock_on_pull_request_is_named(bare: Path, steps: Steps) -> None:
    """The lock of a pull request's ref stops its creation, and repair removes it like any other."""
    stale = lock(bare / "refs/copydesk/pulls/1.lock", 60)
    steps.branch("topic", Put("new.md", b"new"))
    with pytest.raises(UnavailableError, match=re.escape(str(stale))):
        steps.repo.create_pull_request(steps.new_pull_request("topic"))
    assert steps.repo.list_pull_requests("all") == ()
    assert len(steps.repo.repair()) == 1
    assert steps.repo.create_pull_request(steps.new_pull_request("topic")).number == 1


def test_locks_do_not_stop_readers(bare: Path, steps: Steps) -> None:
    """Reading takes no lock and minds none."""
    for name in ("refs/heads/main.lock", "copydesk.lock", "packed-refs.lock", "HEAD.lock"):
        lock(bare / name, 0)
    assert steps.content(WORLD)
    assert steps.repo.list_pull_requests() == ()


# -- the lock of copydesk -----------------------------------------------------------------------------


@pytest.fixture
def holder(bare: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process, which holds the writers' lock until it is told to let go."""
    command = [sys.executable, "-c", HOLD, bare / "copydesk.lock"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_writer_waits_for_other_process(steps: Steps, holder: subprocess.Popen[str]) -> None:
    """A commit waits while another process writes, and goes on when that one is done."""
    with ThreadPoolExecutor(1) as pool:
        commit = pool.submit(steps.commit, Put("new.md", b"new"))
        with pytest.raises(NotYet):
            commit.result(0.2)
        holder.communicate("let go\n")
        assert commit.result().commit_sha == steps.head()


def test_writer_goes_on_when_other_process_is_killed(steps: Steps, holder: subprocess.Popen[str]) -> None:
    """The lock dies with its holder, though its file stays."""
    with ThreadPoolExecutor(1) as pool:
        commit = pool.submit(steps.commit, Put("new.md", b"new"))
        holder.kill()
        assert commit.result().commit_sha == steps.head()


@pytest.mark.usefixtures("holder")
def test_writer_gives_up_after_its_time(bare: Path, steps: Steps, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waited too long is told which file is held, and that trying again is all there is to do."""
    monkeypatch.setattr("copydesk_local.store.LOCK_SECONDS", 0.1)
    lock_file = re.escape(str(bare / "copydesk.lock"))
    message = (
        rf"^another process has been writing to .* \(it holds '{lock_file}'\); try again when it is done$"
    )
    with pytest.raises(UnavailableError, match=message):
        steps.commit(Put("new.md", b"new"))


# -- packed refs and names that exclude each other ----------------------------------------------------


def test_packed_refs_move_and_go_like_loose_ones(
    bare: Path, steps: Steps, run_git: Callable[..., str]
) -> None:
    """Compare-and-swap sees the value of a packed ref, of branches and pull requests."""
    pull = steps.pull_request("cms/posts/hello", Put("new.md", b"new"))
    before = steps.head()
    run_git(bare, "pack-refs", "--all")
    steps.commit(Put("other.md", b"other"))
    with pytest.raises(ConflictError, match=r"is at .* and no longer at .*; read it again$"):
        steps.repo.delete_branch("cms/posts/hello", before)
    labelled = steps.repo.set_labels(pull, ["netlify-cms/draft"])
    run_git(bare, "pack-refs", "--all")
    steps.repo.merge_pull_request(labelled)
    assert run_git(bare, "for-each-ref", "--format=%(refname)") == "refs/copydesk/pulls/1\nrefs/heads/main"
    assert steps.paths() >= {"new.md", "other.md"}


@pytest.mark.parametrize("packed", [False, True], ids=["loose", "packed"])
@pytest.mark.parametrize(("there", "wanted"), [("cms/x/a", "cms/x/a/b"), ("cms/x/a/b", "cms/x/a")])
def test_branch_below_another_is_a_conflict_that_names_it(
    bare: Path, steps: Steps, run_git: Callable[..., str], *, there: str, wanted: str, packed: bool
) -> None:
    """git cannot keep a ref and one below it: neither can be made beside the other, wherever that is kept."""
    steps.branch(there, Put("new.md", b"new"))
    if packed:
        run_git(bare, "pack-refs", "--all")
    refs = run_git(bare, "for-each-ref")
    message = f"^branch '{wanted}' cannot be made: git cannot hold it beside branch '{there}'$"
    with pytest.raises(ConflictError, match=message) as caught:
        steps.branch(wanted, Put("other.md", b"other"))
    assert caught.value.branch == there
    assert run_git(bare, "for-each-ref") == refs


@pytest.mark.parametrize("packed", [False, True], ids=["loose", "packed"])
def test_branch_below_a_deleted_one_can_be_made(
    bare: Path, steps: Steps, run_git: Callable[..., str], *, packed: bool
) -> None:
    """What was deleted leaves no empty folder or packed line in the way."""
    made = steps.branch("cms/x/a/b", Put("new.md", b"new"))
    if packed:
        run_git(bare, "pack-refs", "--all")
    assert steps.repo.delete_branch("cms/x/a/b", made.commit_sha)
    steps.branch("cms/x/a", Put("new.md", b"new"))
    assert {branch.name for branch in steps.repo.list_branches()} == {"main", "cms/x/a"}


def test_existing_branch_cannot_be_made_again(steps: Steps) -> None:
    """A branch that exists is a conflict that says so."""
    steps.branch("cms/x/a", Put("new.md", b"new"))
    with pytest.raises(ConflictError, match=r"^branch 'cms/x/a' exists already in '.*site\.git'$"):
        steps.branch("cms/x/a", Put("new.md", b"new"))


# -- others move the branch between reading and writing -----------------------------------------------


@pytest.fixture
def push(bare: Path, tmp_path: Path, run_git: Callable[..., str]) -> Callable[[str, str], str]:
    """Somebody else's clone, who commits and pushes."""
    clone = tmp_path / "clone"
    run_git(tmp_path, "clone", "-q", str(bare), str(clone))
    run_git(clone, "config", "user.name", "Somebody Else")
    run_git(clone, "config", "user.email", "else@example.org")

    def commit_and_push(path: str, content: str) -> str:
        run_git(clone, "pull", "-q", "--ff-only")
        (clone / path).write_text(content)
        run_git(clone, "add", path)
        run_git(clone, "commit", "-q", "-m", f"Push {path}")
        run_git(clone, "push", "-q")
        return run_git(clone, "rev-parse", "HEAD")

    return commit_and_push


def test_push_elsewhere_is_built_upon(steps: Steps, push: Callable[[str, str], str]) -> None:
    """A push of another file between reading and writing becomes the parent of the commit."""
    head, hello = steps.head(), steps.version(HELLO)
    pushed = push(WORLD, "theirs")
    made = steps.commit(Put(HELLO, b"mine", hello), parent=head)
    assert made.parent_commit_shas == (pushed,)
    assert (steps.content(HELLO), steps.content(WORLD)) == (b"mine", b"theirs")


def test_push_of_the_same_file_is_a_conflict(steps: Steps, push: Callable[[str, str], str]) -> None:
    """A push of the same file is told, with the path and what it is now, and stays."""
    head, hello = steps.head(), steps.version(HELLO)
    pushed = push(HELLO, "theirs")
    message = (
        f"^somebody else changed '{HELLO}' on branch 'main' meanwhile; read the new version, merge your edit "
        "into it and save again$"
    )
    with pytest.raises(ConflictError, match=message) as caught:
        steps.commit(Put(HELLO, b"mine", hello), parent=head)
    assert caught.value.paths == (HELLO,)
    assert caught.value.versions == {HELLO: steps.version(HELLO)}
    assert steps.head() == caught.value.head_commit_sha == pushed


def test_push_that_rewrites_the_branch_is_a_conflict(
    bare: Path, steps: Steps, run_git: Callable[..., str], push: Callable[[str, str], str]
) -> None:
    """A branch that was forced back and elsewhere is not built upon."""
    parent, head = steps.head(), push(WORLD, "theirs")
    other = run_git(bare, "commit-tree", f"{head}^{{tree}}", "-p", parent, "-m", "Amended")
    run_git(bare, "update-ref", "refs/heads/main", other)
    message = (
        "^branch 'main' was rewritten: its head .* does not descend from .*; read it again and redo the edit$"
    )
    with pytest.raises(ConflictError, match=message):
        steps.commit(Put("new.md", b"new"), parent=head)
    assert steps.head() == other


def test_push_of_another_history_is_a_conflict(bare: Path, steps: Steps, run_git: Callable[..., str]) -> None:
    """A branch that has nothing in common with what it was is not built upon either."""
    head = steps.head()
    other = run_git(bare, "commit-tree", f"{head}^{{tree}}", "-m", "Another history")
    run_git(bare, "update-ref", "refs/heads/main", other)
    with pytest.raises(ConflictError, match="was rewritten"):
        steps.commit(Put("new.md", b"new"), parent=head)
    assert steps.head() == other


def test_push_at_the_last_moment_is_seen(bare: Path, push: Callable[[str, str], str]) -> None:
    """A push after the core asked for the commit, and before the backend made it, is built upon as well."""
    pushed = []

    class PushFirst:
        @hookimpl(wrapper=True)
        def commit_changes(self, commit: NewCommit) -> Iterator[None]:
            if not pushed:
                pushed.append(push(WORLD, "theirs"))
            return (yield)

    with open_repository("local", repo=bare, extensions=[PushFirst()]) as repo:
        made = Steps(repo).commit(Put("new.md", b"new"))
    assert list(made.parent_commit_shas) == pushed


def test_commit_of_git_in_the_working_copy_is_built_upon(
    working_copy: Path, run_git: Callable[..., str]
) -> None:
    """git commits in the working copy itself; the files of both are there afterwards."""
    with open_repository("local", repo=working_copy) as repo:
        steps = Steps(repo)
        head = steps.head()
        (working_copy / WORLD).write_text("theirs")
        run_git(working_copy, "commit", "-q", "-a", "-m", "By hand")
        steps.commit(Put("new.md", b"new"), parent=head)
    assert (working_copy / WORLD).read_text() == "theirs"
    assert (working_copy / "new.md").read_text() == "new"
    assert run_git(working_copy, "status", "--porcelain") == ""


def test_head_of_a_pull_request_that_was_pushed_to_is_guarded(
    bare: Path, steps: Steps, run_git: Callable[..., str]
) -> None:
    """Merging and closing compare the head that the caller saw with the one that git moved."""
    pull = steps.pull_request("topic", Put("new.md", b"new"))
    more = run_git(bare, "commit-tree", "topic^{tree}", "-p", "topic", "-m", "One more")
    run_git(bare, "update-ref", "refs/heads/topic", more)
    message = (
        "^branch 'topic' of pull request #1 is at .* and no longer at .*; look at the new commits first$"
    )
    with pytest.raises(ConflictError, match=message) as caught:
        steps.repo.merge_pull_request(pull)
    assert caught.value.head_commit_sha == more
    with pytest.raises(ConflictError, match=message):
        steps.repo.close_pull_request(pull)
    assert steps.now(pull).state == "open"


def test_symbolic_branch_shows_the_commit_of_the_other(
    bare: Path, steps: Steps, run_git: Callable[..., str]
) -> None:
    """An alias such as the old name of a branch that was renamed has a full sha like any other."""
    run_git(bare, "symbolic-ref", "refs/heads/master", "refs/heads/main")
    assert steps.head("master") == steps.head("main")
    assert {branch.commit_sha for branch in steps.repo.list_branches()} == {steps.head("main")}


def test_stale_handle_sees_what_others_packed(bare: Path, repo_pair: tuple[Repository, Repository]) -> None:
    """Two open handles on one repository see each other's writes at once."""
    one, two = (Steps(repo) for repo in repo_pair)
    made = one.commit(Put("new.md", b"new"))
    subprocess.run(["git", "-C", bare, "gc", "-q", "--prune=now"], check=True)
    assert two.head() == made.commit_sha
    assert two.content("new.md") == b"new"
    assert two.commit(Put("more.md", b"more")).commit_sha == one.head()


@pytest.fixture
def repo_pair(bare: Path) -> Iterator[tuple[Repository, Repository]]:
    with open_repository("local", repo=bare) as one, open_repository("local", repo=bare) as two:
        assert one.get_branch("main") == two.get_branch("main")
        yield one, two
