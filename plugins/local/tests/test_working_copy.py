"""A branch that is checked out: its files, index and ref move together, or none of them does."""

from __future__ import annotations

import json
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
from copydesk import Delete, Mode, Move, Put, open_repository
from copydesk.errors import ConflictError, NotMergeableError, NotSupportedError, UnavailableError
from copydesk.testing._steps import Steps

HELLO = "content/posts/hello.md"
WORLD = "content/posts/world.md"
BUILD = "bin/build.sh"
PIXEL = "static/img/pixel.png"
NOTE = "copydesk-update.json"


@pytest.fixture
def steps(working_copy: Path) -> Iterator[Steps]:
    with open_repository("local", repo=working_copy) as repo:
        yield Steps(repo)


@pytest.fixture
def state(working_copy: Path, run_git: Callable[..., str]) -> Callable[[], object]:
    """Tell everything that a refused write must leave as it was."""

    def tell() -> object:
        files = {
            path: path.readlink() if path.is_symlink() else path.read_bytes()
            for path in sorted(working_copy.rglob("*"))
            if not path.is_dir() and ".git" not in path.relative_to(working_copy).parts
        }
        status = run_git(working_copy, "status", "--porcelain", "--ignored")
        index = run_git(working_copy, "ls-files", "--stage")
        return (
            files,
            status,
            index,
            run_git(working_copy, "for-each-ref"),
            (working_copy / ".git/HEAD").read_text(),
        )

    return tell


def clean(path: Path, git: Callable[..., str]) -> bool:
    """Whether git finds no difference between commit, index and files, and none of our notes is left."""
    return not git(path, "status", "--porcelain") and not (path / ".git" / NOTE).exists()


# -- a write to the branch that is checked out --------------------------------------------------------


def test_commit_updates_files_index_and_head(
    working_copy: Path, steps: Steps, run_git: Callable[..., str]
) -> None:
    """A new file, an edit, a deletion and a move are there on disk, and git has nothing to report."""
    made = steps.commit(
        Put("a/new/file.md", b"new"),
        Put(HELLO, b"edited", steps.version(HELLO)),
        Delete(PIXEL, steps.version(PIXEL)),
        Move(WORLD, "content/moved/wörld.md", steps.version(WORLD)),
    )
    assert run_git(working_copy, "rev-parse", "HEAD") == made.commit_sha
    assert run_git(working_copy, "symbolic-ref", "HEAD") == "refs/heads/main"
    assert (working_copy / "a/new/file.md").read_bytes() == b"new"
    assert (working_copy / HELLO).read_bytes() == b"edited"
    assert not (working_copy / "static").exists()
    assert not (working_copy / WORLD).exists()
    assert (working_copy / "content/moved/wörld.md").exists()
    assert clean(working_copy, run_git)


def test_commit_updates_modes(working_copy: Path, steps: Steps, run_git: Callable[..., str]) -> None:
    """An executable is one on disk, a symlink is one and is not followed."""
    steps.commit(
        Put(BUILD, b"#!/bin/sh\n", steps.version(BUILD)),
        Put("latest.md", WORLD.encode(), steps.version("latest.md")),
        Put("tool", b"#!/bin/sh\n", mode=Mode.EXECUTABLE),
    )
    assert os.access(working_copy / BUILD, os.X_OK)
    assert os.access(working_copy / "tool", os.X_OK)
    assert (working_copy / "latest.md").readlink() == Path(WORLD)
    assert clean(working_copy, run_git)


def test_commit_goes_through_line_endings(
    working_copy: Path, steps: Steps, run_git: Callable[..., str]
) -> None:
    """Where .gitattributes asks for CRLF the file has it on disk, the commit does not, and git sees no change."""
    steps.commit(Put(".gitattributes", b"*.md text eol=crlf\n"))
    steps.commit(Put(HELLO, b"one\ntwo\n", steps.version(HELLO)), Put("new.md", b"three\n"))
    assert (working_copy / HELLO).read_bytes() == b"one\r\ntwo\r\n"
    assert (working_copy / "new.md").read_bytes() == b"three\r\n"
    assert steps.content(HELLO) == b"one\ntwo\n"
    assert clean(working_copy, run_git)


def test_commit_replaces_file_by_folder_and_back(
    working_copy: Path, steps: Steps, run_git: Callable[..., str]
) -> None:
    """A path that was a file becomes a folder, and a file again."""
    steps.commit(Delete("empty.txt", steps.version("empty.txt")), Put("empty.txt/inside.md", b"inside"))
    assert (working_copy / "empty.txt/inside.md").read_bytes() == b"inside"
    inside = steps.version("empty.txt/inside.md")
    steps.commit(Delete("empty.txt/inside.md", inside), Put("empty.txt", b"a file"))
    assert (working_copy / "empty.txt").read_bytes() == b"a file"
    assert clean(working_copy, run_git)


def test_commit_leaves_sparse_checkout_sparse(
    working_copy: Path, steps: Steps, run_git: Callable[..., str]
) -> None:
    """A file outside of a sparse checkout is committed and does not appear."""
    run_git(working_copy, "sparse-checkout", "set", "content/posts")
    assert not (working_copy / PIXEL).exists()
    steps.commit(Put(PIXEL, b"edited", steps.version(PIXEL)), Put("static/new.png", b"new"))
    assert not (working_copy / "static").exists()
    assert clean(working_copy, run_git)


def test_commit_is_not_misled_by_surroundings_of_git_hooks(
    working_copy: Path, steps: Steps, run_git: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Called from a hook of another repository, where GIT_DIR and its like are set, it finds its own."""
    with monkeypatch.context() as hook:
        for name in ("GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE"):
            hook.setenv(name, str(working_copy.parent / "elsewhere"))
        steps.commit(Put("new.md", b"new"))
    assert (working_copy / "new.md").exists()
    assert clean(working_copy, run_git)


def test_commit_needs_git_command(
    working_copy: Path, steps: Steps, state: Callable[[], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without git nothing is written to a branch that is checked out, and the error says what to do."""
    before = state()
    message = (
        rf"^writing to a branch that is checked out in '{re.escape(str(working_copy))}' needs the git command: "
        r"install it, or check out another branch$"
    )
    with monkeypatch.context() as nowhere:
        nowhere.setenv("PATH", str(working_copy))
        with pytest.raises(NotSupportedError, match=message):
            steps.commit(Put("new.md", b"new"))
    assert state() == before


def test_repository_whose_git_directory_is_elsewhere_is_updated(
    working_copy: Path, tmp_path: Path, run_git: Callable[..., str]
) -> None:
    """`git init --separate-git-dir`, and a submodule, keep the git directory away from the files."""
    (tmp_path / "gits").mkdir()
    run_git(working_copy, "init", "-q", f"--separate-git-dir={tmp_path / 'gits' / 'site.git'}")
    with open_repository("local", repo=working_copy) as repo:
        Steps(repo).commit(Put("new.md", b"new"))
    assert (working_copy / "new.md").exists()
    assert run_git(working_copy, "status", "--porcelain") == ""


# -- refused: what is not committed -------------------------------------------------------------------


def modified(path: Path, git: Callable[..., str]) -> None:
    (path / HELLO).write_text("mine")


def staged(path: Path, git: Callable[..., str]) -> None:
    modified(path, git)
    git(path, "add", HELLO)


def deleted(path: Path, git: Callable[..., str]) -> None:
    (path / HELLO).unlink()


def removed(path: Path, git: Callable[..., str]) -> None:
    git(path, "rm", "-q", "--cached", HELLO)


def made_executable(path: Path, git: Callable[..., str]) -> None:
    (path / HELLO).chmod(0o755)


def merging(path: Path, git: Callable[..., str]) -> None:
    git(path, "checkout", "-q", "-b", "theirs")
    modified(path, git)
    git(path, "commit", "-q", "-a", "-m", "Theirs")
    git(path, "checkout", "-q", "main")
    (path / HELLO).write_text("ours")
    git(path, "commit", "-q", "-a", "-m", "Ours")
    with pytest.raises(subprocess.CalledProcessError):
        git(path, "merge", "theirs")


@pytest.mark.parametrize("dirty", [modified, staged, deleted, removed, made_executable, merging])
def test_dirty_working_copy_is_refused(
    working_copy: Path,
    steps: Steps,
    run_git: Callable[..., str],
    state: Callable[[], object],
    dirty: Callable[[Path, Callable[..., str]], None],
) -> None:
    """Work that is not committed is named, and nothing is touched, also where the commit is to another file."""
    dirty(working_copy, run_git)
    before = state()
    message = (
        rf"^the working copy '{re.escape(str(working_copy))}' has 'main' checked out and changes that are not "
        rf"committed \('{HELLO}'\); nothing was written: commit or stash them, or check out another branch$"
    )
    for put in (Put(HELLO, b"edited", steps.version(HELLO)), Put("new.md", b"new")):
        with pytest.raises(ConflictError, match=message) as caught:
            steps.commit(put)
        assert caught.value.paths == (HELLO,)
    assert state() == before


def test_file_that_is_to_be_added_is_refused(
    working_copy: Path, steps: Steps, run_git: Callable[..., str], state: Callable[[], object]
) -> None:
    """A new file in the index is work that is not committed."""
    (working_copy / "mine.md").write_text("mine")
    run_git(working_copy, "add", "mine.md")
    before = state()
    with pytest.raises(ConflictError, match=r"not committed \('mine.md'\)"):
        steps.commit(Put("new.md", b"new"))
    assert state() == before


# -- refused: what git does not know ------------------------------------------------------------------


@pytest.mark.parametrize("ignored", [False, True], ids=["untracked", "ignored"])
@pytest.mark.parametrize(
    ("there", "wanted"),
    [
        ("mine/file.md", "mine/file.md"),
        ("mine/file.md", "mine"),
        pytest.param(
            "mine",
            "mine/file.md",
        ),
    ],
    ids=["file", "folder", "file where a folder is wanted"],
)
def test_file_in_the_way_is_refused(
    working_copy: Path,
    steps: Steps,
    run_git: Callable[..., str],
    state: Callable[[], object],
    *,
    there: str,
    wanted: str,
    ignored: bool,
) -> None:
    """A file that git does not track is not written over, not even an ignored one, which git would not spare."""
    if ignored:
        (working_copy / ".git/info/exclude").write_text("mine\n")
    (working_copy / there).parent.mkdir(exist_ok=True)
    (working_copy / there).write_text("mine")
    before = state()
    message = (
        rf"^the file '{wanted}' in the working copy '{re.escape(str(working_copy))}' is not tracked by git and in "
        r"the way of the change to 'main'; nothing was written: move it away and make the same call again$"
    )
    if "mine" in {there, wanted}:
        message = r"'mine(/file.md)?' .* is not tracked by git and in the way"
    with pytest.raises(ConflictError, match=message):
        steps.commit(Put(wanted, b"new"))
    assert state() == before
    assert not (working_copy / ".git" / NOTE).exists()


@pytest.mark.parametrize("ignored", [False, True], ids=["untracked", "ignored"])
def test_file_in_a_folder_that_becomes_a_file_is_refused(
    working_copy: Path, steps: Steps, state: Callable[[], object], *, ignored: bool
) -> None:
    """A folder with something that git does not track cannot become a file."""
    if ignored:
        (working_copy / ".git/info/exclude").write_text("mine.md\n")
    (working_copy / "static/img/mine.md").write_text("mine")
    before = state()
    with pytest.raises(ConflictError, match="is not tracked by git and in the way"):
        steps.commit(Delete(PIXEL, steps.version(PIXEL)), Put("static/img", b"a file now"))
    assert state() == before
    assert not (working_copy / ".git" / NOTE).exists()


def test_untracked_file_elsewhere_is_left_alone(
    working_copy: Path, steps: Steps, run_git: Callable[..., str]
) -> None:
    """What git does not track is neither committed nor touched nor a reason to refuse."""
    (working_copy / "content/mine.md").write_text("mine")
    (working_copy / ".git/info/exclude").write_text("ignored\n")
    (working_copy / "ignored").write_text("mine too")
    steps.commit(Put("content/new.md", b"new"))
    assert run_git(working_copy, "status", "--porcelain", "--ignored") == "?? content/mine.md\n!! ignored"
    assert steps.paths().isdisjoint({"content/mine.md", "ignored"})


# -- what is checked out, and what is not -------------------------------------------------------------


def test_other_branch_does_not_touch_the_files(
    working_copy: Path, steps: Steps, run_git: Callable[..., str]
) -> None:
    """A draft is committed, changed and deleted while somebody is in the middle of something on main."""
    modified(working_copy, run_git)
    (working_copy / "draft.md").write_text("mine")
    before = run_git(working_copy, "status", "--porcelain")
    pull = steps.pull_request("cms/posts/draft", Put("draft.md", b"draft"))
    steps.commit(Put(HELLO, b"edited", steps.version(HELLO)), branch="cms/posts/draft")
    steps.repo.close_pull_request(steps.now(pull))
    assert run_git(working_copy, "status", "--porcelain") == before
    assert (working_copy / HELLO).read_text() == "mine"
    assert (working_copy / "draft.md").read_text() == "mine"


def test_detached_head_is_left_where_it_is(
    working_copy: Path, steps: Steps, run_git: Callable[..., str]
) -> None:
    """With no branch checked out, a commit to main moves the branch alone."""
    head = steps.head()
    run_git(working_copy, "checkout", "-q", "--detach")
    made = steps.commit(Put("new.md", b"new"), branch="main", parent=head)
    assert run_git(working_copy, "rev-parse", "main", "HEAD").split() == [made.commit_sha, head]
    assert not (working_copy / "new.md").exists()
    assert clean(working_copy, run_git)


@pytest.fixture
def linked(working_copy: Path, tmp_path: Path, run_git: Callable[..., str]) -> Path:
    """A second working copy, of the branch `linked`."""
    run_git(working_copy, "worktree", "add", "-q", "-b", "linked", str(tmp_path / "linked"))
    return tmp_path / "linked"


def test_linked_working_copy_is_updated(
    working_copy: Path, linked: Path, steps: Steps, run_git: Callable[..., str]
) -> None:
    """`git worktree add` checks out a second branch elsewhere: it is updated there, and only it."""
    steps.commit(Put("new.md", b"new"), branch="linked")
    assert (linked / "new.md").read_bytes() == b"new"
    assert not (working_copy / "new.md").exists()
    assert run_git(linked, "status", "--porcelain") == run_git(working_copy, "status", "--porcelain") == ""


def test_linked_working_copy_can_be_opened(
    working_copy: Path, linked: Path, run_git: Callable[..., str]
) -> None:
    """Opened by the path of the linked one, its branch is the default and the other's files follow too."""
    with open_repository("local", repo=linked) as repo:
        steps = Steps(repo)
        assert repo.base_branch == "linked"
        steps.commit(Put("new.md", b"new"))
        steps.commit(Put("other.md", b"other"), branch="main")
    assert ((linked / "new.md").exists(), (linked / "other.md").exists()) == (True, False)
    assert ((working_copy / "new.md").exists(), (working_copy / "other.md").exists()) == (False, True)
    assert run_git(linked, "status", "--porcelain") == run_git(working_copy, "status", "--porcelain") == ""


def test_linked_working_copy_that_is_dirty_is_refused(
    linked: Path, steps: Steps, run_git: Callable[..., str]
) -> None:
    """The error names the working copy with the changes, which is not the one that was opened."""
    modified(linked, run_git)
    with pytest.raises(ConflictError, match=rf"the working copy '{re.escape(str(linked))}' has 'linked'"):
        steps.commit(Put("new.md", b"new"), branch="linked")
    assert not (linked / "new.md").exists()


def test_linked_working_copy_that_was_deleted_is_no_hindrance(
    linked: Path, steps: Steps, run_git: Callable[..., str]
) -> None:
    """A directory that was removed before `git worktree prune` is not looked for."""
    run_git(linked.parent, "-C", str(linked), "status")
    subprocess.run(["rm", "-r", str(linked)], check=True)
    made = steps.commit(Put("new.md", b"new"), branch="linked")
    assert steps.repo.delete_branch("linked", made.commit_sha)


def test_branch_that_is_checked_out_is_not_deleted(working_copy: Path, linked: Path, steps: Steps) -> None:
    """Neither the branch of this working copy nor that of another one goes."""
    for branch, path in (("main", working_copy), ("linked", linked)):
        message = (
            rf"^branch '{branch}' is checked out in '{re.escape(str(path))}'; "
            r"switch to another branch there first$"
        )
        with pytest.raises(ConflictError, match=message):
            steps.repo.delete_branch(branch, steps.head(branch))
    assert {branch.name for branch in steps.repo.list_branches()} == {"main", "linked"}


def test_branch_that_is_checked_out_before_it_exists_is_not_made(
    working_copy: Path, steps: Steps, run_git: Callable[..., str]
) -> None:
    """Somebody is preparing the first commit of a branch: it is not made behind his back."""
    head = steps.head()
    run_git(working_copy, "checkout", "-q", "--orphan", "first")
    with pytest.raises(ConflictError, match="branch 'first' is checked out in"):
        steps.commit(Put("new.md", b"new"), branch="first", parent=head, creates_branch=True)


# -- pull requests ------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["merge", "squash"])
def test_merge_into_the_branch_that_is_checked_out_updates_it(
    working_copy: Path, steps: Steps, run_git: Callable[..., str], method: str
) -> None:
    """Publishing puts the files where the site generator looks for them."""
    pull = steps.pull_request("cms/posts/new", Put("new.md", b"new"))
    steps.commit(Put("other.md", b"other"))
    assert not (working_copy / "new.md").exists()
    merge = steps.repo.merge_pull_request(pull, method)
    assert run_git(working_copy, "rev-parse", "HEAD") == merge.commit_sha
    assert (working_copy / "new.md").read_bytes() == b"new"
    assert clean(working_copy, run_git)


def test_merge_into_a_dirty_working_copy_is_refused(
    working_copy: Path, steps: Steps, run_git: Callable[..., str], state: Callable[[], object]
) -> None:
    """Nothing is merged over work that is not committed; the pull request stays open."""
    pull = steps.pull_request("cms/posts/new", Put("new.md", b"new"))
    modified(working_copy, run_git)
    before = state()
    with pytest.raises(ConflictError, match="not committed"):
        steps.repo.merge_pull_request(pull)
    assert state() == before
    assert steps.now(pull).state == "open"


def test_merge_with_conflicts_leaves_the_files(
    working_copy: Path, steps: Steps, run_git: Callable[..., str]
) -> None:
    """A merge that fails leaves no marks, no index with conflicts and no MERGE_HEAD."""
    hello = steps.version(HELLO)
    pull = steps.pull_request("cms/posts/hello", Put(HELLO, b"theirs", hello))
    made = steps.commit(Put(HELLO, b"ours", hello))
    with pytest.raises(NotMergeableError, match=f"conflicts with 'main' in '{HELLO}': both changed the same"):
        steps.repo.merge_pull_request(pull)
    assert steps.head() == made.commit_sha
    assert clean(working_copy, run_git)


def test_update_from_base_updates_a_draft_that_is_checked_out(
    working_copy: Path, steps: Steps, run_git: Callable[..., str]
) -> None:
    """The draft that somebody looks at gets the files of the base."""
    pull = steps.pull_request("cms/posts/new", Put("new.md", b"new"))
    steps.commit(Put("other.md", b"other"))
    run_git(working_copy, "checkout", "-q", "cms/posts/new")
    steps.repo.update_from_base(pull)
    assert (working_copy / "other.md").exists()
    assert clean(working_copy, run_git)


def test_merge_of_a_draft_that_is_checked_out_is_refused_whole(
    linked: Path, steps: Steps, run_git: Callable[..., str]
) -> None:
    """The branch cannot be deleted while it is checked out: that is told before anything is merged."""
    steps.commit(Put("new.md", b"new"), branch="linked")
    pull = steps.repo.create_pull_request(steps.new_pull_request("linked"))
    head = steps.head()
    with pytest.raises(ConflictError, match="branch 'linked' is checked out in"):
        steps.repo.merge_pull_request(pull)
    assert (steps.now(pull).state, steps.head()) == ("open", head)


def test_close_of_a_draft_that_is_checked_out_is_refused_whole(linked: Path, steps: Steps) -> None:
    """The same for discarding it."""
    steps.commit(Put("new.md", b"new"), branch="linked")
    pull = steps.repo.create_pull_request(steps.new_pull_request("linked"))
    with pytest.raises(ConflictError, match=rf"branch 'linked' is checked out in '{re.escape(str(linked))}'"):
        steps.repo.close_pull_request(pull)
    assert steps.now(pull).state == "open"


# -- interrupted --------------------------------------------------------------------------------------


class Interrupted:
    """An update from one commit to another that a killed process left half done."""

    def __init__(self, path: Path, steps: Steps, git: Callable[..., str]) -> None:
        self.path, self.steps, self.git = path, steps, git
        self.old = steps.head()
        self.new = steps.branch(
            "next",
            Put(HELLO, b"hello of the new commit\n", steps.version(HELLO)),
            Put(WORLD, b"world of the new commit\n", steps.version(WORLD)),
            Put("added/deep/file.md", b"added by the new commit\n"),
            Delete(PIXEL, steps.version(PIXEL)),
            Put("latest.md", WORLD.encode(), steps.version("latest.md")),
            Put(BUILD, b"#!/bin/sh\nexit 1\n", steps.version(BUILD)),
        ).commit_sha
        git(path, "update-ref", "-d", "refs/heads/next")
        self.note = path / ".git" / NOTE
        self.note.write_text(json.dumps({"old": self.old, "new": self.new}))

    def untouched(self) -> None:
        """No file was touched yet."""

    def half(self) -> None:
        """Some files are new, some old, one is added, one deleted; the index is old."""
        (self.path / HELLO).write_bytes(b"hello of the new commit\n")
        (self.path / "added/deep").mkdir(parents=True)
        (self.path / "added/deep/file.md").write_bytes(b"added by the new commit\n")
        (self.path / PIXEL).unlink()
        (self.path / "latest.md").unlink()

    def truncated(self) -> None:
        """Files were being written."""
        self.half()
        (self.path / WORLD).write_bytes(b"world of th")
        (self.path / "added/deep/file.md").write_bytes(b"")
        (self.path / BUILD).unlink()

    def written(self) -> None:
        """All files and the index are new, the ref is not."""
        self.git(self.path, "read-tree", "-m", "-u", self.old, self.new)

    def is_back(self) -> bool:
        return (
            clean(self.path, self.git) and self.git(self.path, "diff", "--stat", self.old, "--", HELLO) == ""
        )


@pytest.fixture
def interrupted(working_copy: Path, steps: Steps, run_git: Callable[..., str]) -> Interrupted:
    return Interrupted(working_copy, steps, run_git)


def leave_lock(lock: Path, content: bytes) -> None:
    """Leave a lock as a git command that was killed half a minute ago."""
    lock.write_bytes(content)
    then = time.time() - 30
    os.utime(lock, (then, then))


POINTS = [Interrupted.untouched, Interrupted.half, Interrupted.truncated, Interrupted.written]


@pytest.mark.parametrize("locked", [False, True], ids=["", "index.lock"])
@pytest.mark.parametrize("point", POINTS)
def test_next_commit_puts_back_an_interrupted_update(
    interrupted: Interrupted, steps: Steps, point: Callable[[Interrupted], None], *, locked: bool
) -> None:
    """Wherever it was cut off, the next commit finds the files as the branch has them, and goes on."""
    point(interrupted)
    if locked:
        leave_lock(interrupted.path / ".git/index.lock", b"DIRC")
    made = steps.commit(Put("new.md", b"new"))
    assert made.parent_commit_shas == (interrupted.old,)
    assert interrupted.is_back()
    assert not (interrupted.path / "added").exists()
    assert (interrupted.path / "new.md").exists()


@pytest.mark.parametrize("point", POINTS)
def test_repair_puts_back_an_interrupted_update(
    interrupted: Interrupted, steps: Steps, point: Callable[[Interrupted], None]
) -> None:
    """repair() does the same without a commit, and says it once."""
    point(interrupted)
    leave_lock(interrupted.path / ".git/index.lock", b"")
    sentence = f"put back the files of '{interrupted.path}' after an interrupted update"
    assert steps.repo.repair() == (sentence,)
    assert interrupted.is_back()
    assert steps.repo.repair() == ()


def test_commit_that_the_update_was_for_goes_through_again(interrupted: Interrupted, steps: Steps) -> None:
    """The caller who was killed makes the same commit again."""
    interrupted.half()
    steps.commit(
        Put(HELLO, b"hello of the new commit\n", steps.version(HELLO)), Put("added/deep/file.md", b"added")
    )
    assert clean(interrupted.path, interrupted.git)
    assert (interrupted.path / "added/deep/file.md").read_bytes() == b"added"


def test_update_whose_ref_had_moved_is_kept(interrupted: Interrupted, steps: Steps) -> None:
    """Cut off after the ref moved, only the note is left over: the new files stay."""
    interrupted.written()
    interrupted.git(interrupted.path, "update-ref", "refs/heads/main", interrupted.new)
    made = steps.commit(Put("new.md", b"new"))
    assert made.parent_commit_shas == (interrupted.new,)
    assert (interrupted.path / HELLO).read_bytes() == b"hello of the new commit\n"
    assert clean(interrupted.path, interrupted.git)


@pytest.mark.parametrize("note", ["", '{"old": "', '{"old": "1", "new": "2'])
def test_note_that_was_not_finished_is_dropped(interrupted: Interrupted, steps: Steps, note: str) -> None:
    """The note is written before the first file: half a note means that nothing was touched."""
    interrupted.note.write_text(note)
    steps.commit(Put("new.md", b"new"))
    assert clean(interrupted.path, interrupted.git)


@pytest.mark.parametrize("edited", [HELLO, WORLD, "added/deep/file.md", PIXEL])
def test_edit_since_the_interruption_is_not_overwritten(
    interrupted: Interrupted, steps: Steps, edited: str
) -> None:
    """A file that somebody edited afterwards is named, with the way out; neither call touches it."""
    interrupted.half()
    (interrupted.path / edited).write_text("edited by hand\n")
    before = {path: path.read_bytes() for path in interrupted.path.rglob("*.md")}
    message = (
        rf"^an update of the working copy '{re.escape(str(interrupted.path))}' was interrupted and '{edited}' was "
        r"edited since; nothing was written: save your edit elsewhere, run git checkout -- "
        rf"'{edited}' there, and make the same call again$"
    )
    for call in (steps.repo.repair, lambda: steps.commit(Put("new.md", b"new"))):
        with pytest.raises(UnavailableError, match=message):
            call()
        assert {path: path.read_bytes() for path in interrupted.path.rglob("*.md")} == before
    assert steps.head() == interrupted.old


@pytest.mark.parametrize("edited", [HELLO, PIXEL])
def test_way_out_of_an_edit_since_the_interruption_works(
    interrupted: Interrupted, steps: Steps, edited: str
) -> None:
    """Who does what the error says can go on."""
    interrupted.half()
    (interrupted.path / edited).write_text("edited by hand\n")
    interrupted.git(interrupted.path, "checkout", "--", edited)
    steps.commit(Put("new.md", b"new"))
    assert interrupted.is_back()


def test_edit_of_another_file_since_the_interruption_stays(interrupted: Interrupted, steps: Steps) -> None:
    """A file that the update had nothing to do with keeps its edit, which is then refused as ever."""
    interrupted.half()
    (interrupted.path / "README.md").write_text("edited by hand\n")
    with pytest.raises(ConflictError, match=r"not committed \('README.md'\)"):
        steps.commit(Put("new.md", b"new"))
    assert (interrupted.path / "README.md").read_text() == "edited by hand\n"
    assert interrupted.git(interrupted.path, "status", "--porcelain") == "M README.md"


def test_truncated_file_with_other_line_endings_is_put_back(
    working_copy: Path, steps: Steps, run_git: Callable[..., str]
) -> None:
    """A file cut off while git wrote it with CRLF is nobody's edit."""
    steps.commit(Put(".gitattributes", b"*.md text eol=crlf\n"))
    steps.commit(Put("lines.md", b"one\ntwo\n"))
    old = steps.head()
    new = steps.branch("next", Put("lines.md", b"three\nfour\nfive\n", steps.version("lines.md"))).commit_sha
    (working_copy / ".git" / NOTE).write_text(json.dumps({"old": old, "new": new}))
    (working_copy / "lines.md").write_bytes(b"three\r\nfou")
    assert len(steps.repo.repair()) == 1
    assert (working_copy / "lines.md").read_bytes() == b"one\r\ntwo\r\n"


def test_commit_by_hand_after_the_interruption_is_not_undone(interrupted: Interrupted, steps: Steps) -> None:
    """The ref had moved and somebody built upon it with git: the files of the update stay."""
    interrupted.written()
    interrupted.git(interrupted.path, "update-ref", "refs/heads/main", interrupted.new)
    (interrupted.path / "README.md").write_text("by hand\n")
    interrupted.git(interrupted.path, "commit", "-q", "-a", "-m", "By hand")
    steps.commit(Put("new.md", b"new"))
    assert (interrupted.path / HELLO).read_bytes() == b"hello of the new commit\n"
    assert clean(interrupted.path, interrupted.git)


def test_branch_switched_after_the_interruption_is_left_alone(interrupted: Interrupted, steps: Steps) -> None:
    """Somebody threw the half update away and went to another branch: its files are not the note's business."""
    interrupted.half()
    interrupted.git(interrupted.path, "checkout", "-q", "-f", "-b", "elsewhere", interrupted.new)
    assert interrupted.git(interrupted.path, "status", "--porcelain") == ""
    (interrupted.path / "added/deep/file.md").write_bytes(b"")
    interrupted.git(interrupted.path, "commit", "-q", "-a", "-m", "Emptied")
    steps.repo.repair()
    assert clean(interrupted.path, interrupted.git)


def test_head_detached_after_the_interruption_is_put_back(interrupted: Interrupted, steps: Steps) -> None:
    """Somebody detached HEAD with the half update in the files: repair puts them back there."""
    interrupted.half()
    interrupted.git(interrupted.path, "checkout", "-q", "--detach")
    assert len(steps.repo.repair()) == 1
    assert interrupted.is_back()


def test_interruption_whose_commit_was_pruned_is_no_dead_end(interrupted: Interrupted, steps: Steps) -> None:
    """`git gc --prune=now` removed the commit that the branch never came to: what is not clean is told."""
    interrupted.written()
    interrupted.git(interrupted.path, "reflog", "expire", "--expire=now", "--all")
    interrupted.git(interrupted.path, "update-ref", "-d", "refs/heads/next")
    interrupted.git(interrupted.path, "read-tree", interrupted.old)
    interrupted.git(interrupted.path, "gc", "-q", "--prune=now")
    with pytest.raises(ConflictError, match="commit or stash them"):
        steps.commit(Put("new.md", b"new"))
    interrupted.git(interrupted.path, "checkout", "-q", "-f", "main")
    interrupted.git(interrupted.path, "clean", "-q", "-f", "-d")
    steps.commit(Put("new.md", b"new"))
    assert interrupted.is_back()


# -- git at work at the same time ---------------------------------------------------------------------


def test_index_lock_of_somebody_else_is_respected(
    working_copy: Path, steps: Steps, state: Callable[[], object]
) -> None:
    """While a git command of the user holds the index, nothing is written and its lock is left alone."""
    held = working_copy / ".git/index.lock"
    held.write_bytes(b"")
    before = state()
    with pytest.raises(UnavailableError, match=rf"{re.escape(str(held))}.* try again"):
        steps.commit(Put("new.md", b"new"))
    assert held.exists()
    assert state() == before


COMMIT = """
import sys
from copydesk import NewCommit, Put, User, open_repository
with open_repository("local", repo=sys.argv[1]) as repo:
    head = repo.get_branch("main").commit_sha
    puts = [Put(f"slow/{number}.slow", b"slow") for number in range(3)]
    repo.commit_changes(NewCommit("main", head, puts, "Slow", User("x", "x", "x@example.org")))
"""


def test_git_that_outlives_its_killed_caller_is_waited_for(
    working_copy: Path, tmp_path: Path, steps: Steps, run_git: Callable[..., str]
) -> None:
    """A kill leaves the git command running that was updating the files: the next commit lets it end first."""
    steps.commit(Put(".gitattributes", b"*.slow filter=slow\n"))
    started, go = tmp_path / "started", tmp_path / "go"
    os.mkfifo(started)
    os.mkfifo(go)
    # For the first file it says that it is at work, and waits.
    smudge = f"if mkdir '{tmp_path}/once'; then echo > '{started}'; read x < '{go}'; fi; cat"
    run_git(working_copy, "config", "filter.slow.smudge", smudge)
    with subprocess.Popen([sys.executable, "-c", COMMIT, working_copy]) as process:
        started.read_text()
        process.kill()
    with ThreadPoolExecutor(1) as pool:
        commit = pool.submit(steps.commit, Put("new.md", b"new"))
        try:
            with pytest.raises((NotYet, UnavailableError)):
                commit.result(0.3)
        finally:
            go.write_text("go on\n")
    if commit.exception():
        steps.commit(Put("new.md", b"new"))
    assert not (working_copy / "slow").exists()
    assert clean(working_copy, run_git)
