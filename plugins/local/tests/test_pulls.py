"""Pull requests as git objects: their format, what git does to them, what is damaged or interrupted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from copydesk import NewCommit, NewPullRequest, PullRequest, Put, User, open_repository
from copydesk.errors import InvalidInputError, NotFoundError, NotMergeableError, ProtocolError
from copydesk.testing._steps import EDITOR, Steps

Git = Callable[..., str]
REF = "refs/copydesk/pulls/"
DRAFT = "cms/posts/new"


@pytest.fixture
def steps(bare: Path) -> Iterator[Steps]:
    with open_repository("local", repo=bare) as repo:
        yield Steps(repo)


@pytest.fixture
def pull(steps: Steps) -> PullRequest:
    """An open pull request with one commit and one label."""
    return steps.pull_request(DRAFT, Put("new.md", b"new\n"), labels=("netlify-cms/draft",))


def record(path: Path, git: Git, number: int = 1) -> dict[str, Any]:
    """Read a pull request as any program with git can."""
    data: dict[str, Any] = json.loads(git(path, "cat-file", "blob", f"{REF}{number}:pull.json"))
    return data


def parents(path: Path, git: Git, commit: str) -> list[str]:
    return git(path, "rev-list", "--parents", "--max-count=1", commit).split()[1:]


# -- the format ---------------------------------------------------------------------------------------


def test_record_is_what_the_format_says(bare: Path, steps: Steps, run_git: Git) -> None:
    """git alone can read all of it: a commit whose tree holds pull.json, and nothing else."""
    base = steps.head()
    head = steps.branch(DRAFT, Put("new.md", b"new\n")).commit_sha
    new = NewPullRequest("Grüße", "A\nbody", DRAFT, "main", ("netlify-cms/draft", "ours"), author=EDITOR)
    pull = steps.repo.create_pull_request(new)
    assert run_git(bare, "cat-file", "-t", f"{REF}1") == "commit"
    assert run_git(bare, "ls-tree", "--name-only", f"{REF}1") == "pull.json"
    data = record(bare, run_git)
    created, updated = data.pop("created_at"), data.pop("updated_at")
    assert created == updated
    assert created.endswith("+00:00")
    assert data == {
        "version": 1,
        "title": "Grüße",
        "body": "A\nbody",
        "state": "open",
        "head": DRAFT,
        "head_commit_sha": head,
        "base": "main",
        "base_commit_sha": base,
        "labels": ["netlify-cms/draft", "ours"],
        "author": {"name": "Ed Editor", "email": "editor@example.org"},
        "merge_commit_sha": None,
    }
    assert (pull.number, pull.node_id) == (1, f"{REF}1")


def test_record_keeps_what_it_speaks_of(bare: Path, steps: Steps, run_git: Git, pull: PullRequest) -> None:
    """Its parents are the record before it, the head and the base, so that git keeps them all."""
    first = run_git(bare, "rev-parse", f"{REF}1")
    assert parents(bare, run_git, first) == [pull.head_commit_sha, steps.head()]
    steps.repo.set_labels(pull, ["ours"])
    assert parents(bare, run_git, f"{REF}1") == [first, pull.head_commit_sha, steps.head()]


@pytest.mark.parametrize("end", ["close", "squash"])
def test_commits_of_an_ended_draft_survive_gc(
    bare: Path, steps: Steps, run_git: Git, pull: PullRequest, end: str
) -> None:
    """The draft's last commit is there after its branch is deleted and git has collected all garbage."""
    last = steps.commit(Put("more.md", b"more"), branch=DRAFT).commit_sha
    if end == "close":
        steps.repo.close_pull_request(steps.now(pull))
    else:
        steps.repo.merge_pull_request(steps.now(pull), "squash")
    run_git(bare, "gc", "-q", "--prune=now")
    assert run_git(bare, "for-each-ref", "--format=%(refname)") == f"{REF}1\nrefs/heads/main"
    assert run_git(bare, "show", f"{last}:more.md") == "more"
    assert run_git(bare, "cat-file", "-t", pull.head_commit_sha) == "commit"
    assert steps.now(pull).head_commit_sha == last


@pytest.mark.parametrize(
    "copy",
    [
        ("clone", "-q", "--mirror", "site.git", "copy.git"),
        ("-C", "copy.git", "fetch", "-q", "../site.git", "refs/*:refs/*"),
    ],
    ids=["clone --mirror", "fetch"],
)
def test_copies_of_the_repository_hold_the_pull_requests(
    bare: Path, steps: Steps, run_git: Git, pull: PullRequest, copy: tuple[str, ...]
) -> None:
    """A mirror, and a fetch of all refs, carry them; there they are read, and go on, as here."""
    if copy[0] == "-C":
        run_git(bare.parent, "init", "-q", "--bare", "-b", "main", "copy.git")
    steps.repo.close_pull_request(steps.pull_request("cms/posts/closed", Put("closed.md", b"closed")))
    run_git(bare.parent, *copy)
    with open_repository("local", repo=bare.parent / "copy.git") as mirror:
        assert mirror.list_pull_requests("all") == steps.repo.list_pull_requests("all")
        mirror.merge_pull_request(pull)
        assert Steps(mirror).content("new.md") == b"new\n"
    assert steps.now(pull).state == "open"


def test_ordinary_clone_leaves_them_behind(bare: Path, run_git: Git, pull: PullRequest) -> None:
    """Whoever clones the site to write it gets branches and no records."""
    run_git(bare.parent, "clone", "-q", "site.git", "clone")
    assert REF not in run_git(bare.parent / "clone", "for-each-ref")
    assert pull.number == 1


# -- damaged ------------------------------------------------------------------------------------------


def without(key: str) -> Callable[[dict[str, Any]], object]:
    return lambda data: {name: value for name, value in data.items() if name != key}


def replaced(**values: object) -> Callable[[dict[str, Any]], object]:
    return lambda data: {**data, **values}


DAMAGED = {
    "a list": lambda data: [data],
    "a text": lambda data: "pull request",
    "no version": without("version"),
    "no head": without("head"),
    "author of another kind": replaced(author="Ed"),
    "labels of another kind": replaced(labels=5),
    "no date": replaced(updated_at="yesterday"),
}
#: These read well, and only later turn out to be nonsense.
TWISTED = {
    "head that is no sha": replaced(head_commit_sha="HEAD", state="closed"),
    "head that is not there": replaced(head_commit_sha="1" * 40, state="closed"),
    "labels in one text": replaced(labels="draft"),
    "unknown state": replaced(state="abandoned"),
    "author without name": replaced(author={"name": None, "email": None}),
}


def damage(path: Path, git: Git, content: bytes, name: str = "pull.json") -> None:
    """Point a second pull request at a commit with other content."""
    blob = git(path, "hash-object", "-w", "--stdin", content=content)
    tree = git(path, "mktree", content=f"100644 blob {blob}\t{name}\n".encode())
    git(path, "update-ref", f"{REF}2", git(path, "commit-tree", tree, "-m", "Pull request #2"))


def check_damage_is_told(steps: Steps, pull: PullRequest) -> PullRequest:
    """Check that the second pull request is listed with its problem and nothing else suffers; give it."""
    for state in ("open", "all"):
        second, first = steps.repo.list_pull_requests(state)
        assert (first, second.number) == (pull, 2)
    assert second.problem
    assert steps.repo.list_pull_requests("open", head=DRAFT) == (pull,)
    third = steps.pull_request("cms/posts/third", Put("third.md", b"third"))
    assert third.number == 3
    assert steps.repo.merge_pull_request(pull).branch_deleted
    for call in (steps.repo.set_labels, steps.repo.merge_pull_request, steps.repo.close_pull_request):
        with pytest.raises(ProtocolError, match=r"pull request #2 cannot be read"):
            call(second)
    return second


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"null", b"[" * 100], ids=repr)
def test_record_that_is_no_json_is_told(
    bare: Path, steps: Steps, run_git: Git, pull: PullRequest, content: bytes
) -> None:
    """The listing says which one and where it is; the others are as they were."""
    damage(bare, run_git, content)
    second = check_damage_is_told(steps, pull)
    assert second.problem.startswith(f"pull request #2 cannot be read: pull.json at {REF}2 is damaged (")


@pytest.mark.parametrize("damaged", DAMAGED.values(), ids=DAMAGED)
def test_record_that_lacks_something_is_told(
    bare: Path, steps: Steps, run_git: Git, pull: PullRequest, damaged: Callable[[dict[str, Any]], object]
) -> None:
    """JSON of another shape is as damaged as none."""
    damage(bare, run_git, json.dumps(damaged(record(bare, run_git))).encode())
    check_damage_is_told(steps, pull)


@pytest.mark.parametrize("twisted", TWISTED.values(), ids=TWISTED)
def test_record_that_makes_no_sense_is_told(
    bare: Path, steps: Steps, run_git: Git, pull: PullRequest, twisted: Callable[[dict[str, Any]], object]
) -> None:
    """Values that cannot be are found when it is read, not when somebody needs them."""
    damage(bare, run_git, json.dumps(twisted(record(bare, run_git))).encode())
    check_damage_is_told(steps, pull)


def test_record_of_a_later_version_is_told(bare: Path, steps: Steps, run_git: Git, pull: PullRequest) -> None:
    """A newer copydesk wrote it: the remedy is to have that one here too."""
    damage(bare, run_git, json.dumps(replaced(version=2)(record(bare, run_git))).encode())
    second, first = steps.repo.list_pull_requests()
    assert first == pull
    assert second.problem == (
        "pull request #2 has format version 2, this copydesk-local reads 1; "
        "try: pip install --upgrade copydesk-local"
    )
    with pytest.raises(ProtocolError, match=r"try: pip install --upgrade copydesk-local$"):
        steps.repo.close_pull_request(second)


def test_record_without_its_file_is_told(bare: Path, steps: Steps, run_git: Git, pull: PullRequest) -> None:
    """The ref of somebody else's tool, with a commit of another kind."""
    damage(bare, run_git, b"{}", name="other.json")
    second = check_damage_is_told(steps, pull)
    assert second.problem == f"pull request #2 cannot be read: {REF}2 holds no pull.json"


@pytest.mark.parametrize("kind", ["main:README.md", "main^{tree}"], ids=["blob", "tree"])
def test_ref_that_points_at_no_commit_is_told(
    bare: Path, steps: Steps, run_git: Git, pull: PullRequest, kind: str
) -> None:
    """It is listed with its problem beside the others."""
    run_git(bare, "update-ref", f"{REF}2", run_git(bare, "rev-parse", kind))
    check_damage_is_told(steps, pull)


@pytest.mark.parametrize(
    "name",
    [
        "readme",
        "1.5",
        pytest.param(
            "007",
        ),
        pytest.param("0"),
    ],
)
def test_ref_that_is_no_number_is_ignored(
    bare: Path, steps: Steps, run_git: Git, pull: PullRequest, name: str
) -> None:
    """What else lies beside the pull requests is none."""
    run_git(bare, "update-ref", f"{REF}{name}", f"{REF}1")
    assert steps.repo.list_pull_requests("all") == (pull,)
    assert steps.pull_request("cms/posts/second", Put("second.md", b"second")).number == 2


# -- by hand ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["--ff-only", "--no-ff"])
def test_draft_that_git_merged_is_merged(
    bare: Path, tmp_path: Path, steps: Steps, run_git: Git, pull: PullRequest, how: str
) -> None:
    """Somebody merged and pushed: the pull request is merged, and neither merged nor closed again."""
    clone = tmp_path / "clone"
    run_git(tmp_path, "clone", "-q", str(bare), str(clone))
    by_hand = ("-c", "user.name=Owner", "-c", "user.email=owner@example.org")
    run_git(clone, *by_hand, "merge", "-q", how, f"origin/{DRAFT}")
    run_git(clone, "push", "-q", "origin", "main")
    assert steps.now(pull).state == "merged"
    assert steps.repo.list_pull_requests("open") == ()
    for call in (steps.repo.merge_pull_request, steps.repo.close_pull_request):
        with pytest.raises(
            NotMergeableError, match=r"^pull request #1 is merged; nothing was done$"
        ) as caught:
            call(pull)
        assert (caught.value.reason, caught.value.number) == ("closed", 1)


def test_draft_whose_branch_git_deleted_is_closed(
    bare: Path, steps: Steps, run_git: Git, pull: PullRequest
) -> None:
    """It is closed at its last known head; pushed again, the branch opens it again."""
    run_git(bare, "update-ref", "-d", f"refs/heads/{DRAFT}")
    now = steps.now(pull)
    assert (now.state, now.head_commit_sha) == ("closed", pull.head_commit_sha)
    with pytest.raises(NotMergeableError, match="is closed; nothing was done"):
        steps.repo.merge_pull_request(pull)
    run_git(bare, "update-ref", f"refs/heads/{DRAFT}", pull.head_commit_sha)
    assert steps.now(pull) == pull


def test_draft_whose_base_is_gone_is_listed(
    bare: Path, steps: Steps, run_git: Git, pull: PullRequest
) -> None:
    """It stays open, and merging it says which branch is missing."""
    run_git(bare, "update-ref", "-d", "refs/heads/main")
    (now,) = steps.repo.list_pull_requests()
    assert (now.state, now.changed_files) == ("open", None)
    with pytest.raises(NotFoundError, match="there is no branch 'main'"):
        steps.repo.merge_pull_request(now)


def test_pull_request_that_is_not_there_is_not_found(
    steps: Steps, run_git: Git, bare: Path, pull: PullRequest
) -> None:
    """Its ref was deleted by hand."""
    run_git(bare, "update-ref", "-d", f"{REF}1")
    with pytest.raises(NotFoundError, match=r"^there is no pull request #1 in "):
        steps.repo.set_labels(pull, ["ours"])


# -- merging ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["merge", "squash"])
def test_merge_commit_has_the_right_parents(
    bare: Path, steps: Steps, run_git: Git, pull: PullRequest, method: str
) -> None:
    """A merge descends from base and head in this order, a squash from the base alone; both tell the tree."""
    base = steps.commit(Put("other.md", b"other")).commit_sha
    merge = steps.repo.merge_pull_request(pull, method, "Publish it")
    expected = [base, pull.head_commit_sha] if method == "merge" else [base]
    assert parents(bare, run_git, "main") == expected
    assert run_git(bare, "log", "-1", "--format=%H %B", "main") == f"{merge.commit_sha} Publish it"
    assert record(bare, run_git)["merge_commit_sha"] == merge.commit_sha
    assert {"new.md", "other.md"} <= steps.paths()


def test_merge_without_message_names_the_branch(
    bare: Path, steps: Steps, run_git: Git, pull: PullRequest
) -> None:
    """The message is git's own where the caller gives none."""
    steps.repo.merge_pull_request(pull)
    assert run_git(bare, "log", "-1", "--format=%B", "main") == f"Merge branch '{DRAFT}'"


def forget_the_end(path: Path, git: Git, since: str) -> None:
    """Put the record back to where a process leaves it that is killed right after it moved the base."""
    git(path, "update-ref", f"{REF}1", since)


@pytest.mark.parametrize("elsewhere", [False, True], ids=["", "and others went on"])
def test_squash_that_was_interrupted_is_finished(
    bare: Path, steps: Steps, run_git: Git, pull: PullRequest, *, elsewhere: bool
) -> None:
    """The base has it, the record does not say so: the same call notes it and makes no second commit."""
    opened = run_git(bare, "rev-parse", f"{REF}1")
    steps.repo.merge_pull_request(pull, "squash", delete_branch=False)
    forget_the_end(bare, run_git, opened)
    if elsewhere:
        steps.commit(Put("other.md", b"other"))
    head = steps.head()
    assert steps.now(pull).state == "open"
    merge = steps.repo.merge_pull_request(pull, "squash")
    assert (merge.commit_sha, merge.branch_deleted) == (head, True)
    assert steps.head() == head
    assert steps.now(pull).state == "merged"


def test_merge_that_was_interrupted_shows_as_merged(
    bare: Path, steps: Steps, run_git: Git, pull: PullRequest
) -> None:
    """That the base has the head says it, whatever the record says; the same call merges nothing twice."""
    opened = run_git(bare, "rev-parse", f"{REF}1")
    merge = steps.repo.merge_pull_request(pull, delete_branch=False)
    forget_the_end(bare, run_git, opened)
    assert steps.now(pull).state == "merged"
    with pytest.raises(NotMergeableError, match="is merged; nothing was done"):
        steps.repo.merge_pull_request(pull)
    assert steps.head() == merge.commit_sha


# -- who signs ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "author",
    [
        User("ed", "Ed <editor>"),
        pytest.param(
            User("ed", "Ed\nEditor", "ed@example.org"),
        ),
        User("ed", "Ed", "ed@example.org\ncommitter Eve <eve@example.org> 0 +0000"),
        User("ed", "Ed", "<ed@example.org>"),
        pytest.param(
            User("ed", "Ed\0", "ed@example.org"),
        ),
        User("", "", "ed@example.org"),
        User("ed", " ", "ed@example.org"),
    ],
    ids=repr,
)
def test_author_that_git_cannot_keep_is_refused(bare: Path, steps: Steps, run_git: Git, author: User) -> None:
    """Nothing is written where the author would break the commit object."""
    head = steps.head()
    message = r"^git cannot keep .* with e-mail .*: neither may be empty or hold '<', '>' or a line break$"
    with pytest.raises(InvalidInputError, match=message):
        steps.repo.commit_changes(NewCommit("main", head, [Put("new.md", b"new")], "A change", author))
    assert steps.head() == head
    assert run_git(bare, "fsck", "--strict", "--no-dangling") == ""


def test_author_of_a_pull_request_that_git_cannot_keep_is_refused(steps: Steps) -> None:
    """The same for who opens one."""
    steps.branch(DRAFT, Put("new.md", b"new"))
    new = NewPullRequest("Title", "", DRAFT, "main", author=User("ed", "Ed <editor>"))
    with pytest.raises(InvalidInputError, match=r"^git cannot keep the author 'Ed <editor>' with e-mail ''"):
        steps.repo.create_pull_request(new)
    assert steps.repo.list_pull_requests("all") == ()


WITHOUT_AUTHOR = """
import sys
from copydesk import NewCommit, NewPullRequest, Put, User, open_repository
from copydesk.errors import ConfigError

with open_repository("local", repo=sys.argv[1]) as repo:
    assert repo.authenticate().user is None
    head = repo.get_branch("main").commit_sha
    commit = NewCommit("topic", head, [Put("new.md", b"new")], "A change", creates_branch=True)
    try:
        repo.commit_changes(commit)
    except ConfigError as exc:
        print(exc.key, exc)
    assert [branch.name for branch in repo.list_branches()] == ["main"]
    author = User("ed", "Ed", "ed@example.org")
    repo.commit_changes(NewCommit("topic", head, commit.changes, "A change", author, creates_branch=True))
    pull = repo.create_pull_request(NewPullRequest("Title", "", "topic", "main", author=author))
    repo.merge_pull_request(repo.set_labels(pull, ["ours"]))
"""


@pytest.mark.parametrize("configured", [(), ("user.name", "Ed")], ids=["nothing", "user.name alone"])
def test_nobody_to_sign_is_told_with_the_remedy(
    bare: Path, tmp_path: Path, run_git: Git, configured: tuple[str, ...]
) -> None:
    """Without an author and a configured user the commit is refused; with one, labels and merges need none."""
    run_git(bare, "config", "--remove-section", "user")
    if configured:
        run_git(bare, "config", *configured)
    (tmp_path / "home").mkdir()
    # libgit2 reads the files below HOME itself, so this is a process of its own.
    env = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "XDG_"))}
    nowhere = {
        "HOME": str(tmp_path / "home"),
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_CONFIG_SYSTEM": "/dev/null",
    }
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_AUTHOR, bare],
        env={**env, **nowhere},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip() == (
        f"author nobody to sign the commit in '{bare}': pass an author, or run there: "
        "git config user.name NAME; git config user.email ADDRESS"
    )
    assert run_git(bare, "log", "-1", "--format=%an", "main^2") == "Ed"
