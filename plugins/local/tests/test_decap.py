"""Drafts that decap-server's git mode left are drafts here, and become pull requests when they are touched."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from copydesk import PullRequest, Put, Status, Workflow, open_repository
from copydesk.config import read_config
from copydesk.errors import ConflictError, NotFoundError, UnavailableError
from copydesk.testing._steps import Steps

Git = Callable[..., str]
BRANCH = "cms/posts/left"
FILE = "content/posts/left.md"
LABEL = "decap-cms/pending_review"
SITE = read_config(
    {
        "backend": {"name": "local"},
        "publish_mode": "editorial_workflow",
        "collections": [{"name": "posts", "folder": "content/posts"}],
    }
)


@pytest.fixture
def steps(working_copy: Path) -> Iterator[Steps]:
    with open_repository("local", repo=working_copy) as repo:
        yield Steps(repo)


@pytest.fixture
def leave(working_copy: Path, run_git: Git) -> Callable[..., str]:
    """Leave a draft as decap-server does: checkout, commit, checkout back, and the status in git's config."""

    def work(branch: str = BRANCH, description: str = LABEL) -> str:
        file = working_copy / f"content/posts/{branch.rpartition('/')[2]}.md"
        run_git(working_copy, "checkout", "-q", "-b", branch)
        file.write_text("left\n")
        run_git(working_copy, "add", ".")
        run_git(
            working_copy, "commit", "-q", "--no-verify", "--no-gpg-sign", "-m", "Create Post “left”\n\nbody"
        )
        run_git(working_copy, "checkout", "-q", "main")
        run_git(working_copy, "config", f"branch.{branch}.description", description)
        return run_git(working_copy, "rev-parse", branch)

    return work


def description(path: Path, branch: str = BRANCH) -> str:
    """Give what git has as the description of a branch, "" where it has none."""
    command = ["git", "-C", path, "config", f"branch.{branch}.description"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


# -- listed -------------------------------------------------------------------------------------------


def test_draft_is_listed_without_a_number(steps: Steps, leave: Callable[..., str]) -> None:
    """It shows as an open pull request into the default branch, with its status as the label."""
    head = leave()
    (pull,) = steps.repo.list_pull_requests()
    assert (pull.number, pull.node_id, pull.state, pull.problem) == (0, "", "open", "")
    assert (pull.head, pull.head_commit_sha, pull.base) == (BRANCH, head, "main")
    assert (pull.title, pull.labels) == ("Create Post “left”", (LABEL,))
    assert pull.author
    assert pull.author.name == "Site Owner"
    assert pull.changed_files is not None
    assert [(file.path, file.kind) for file in pull.changed_files] == [(FILE, "added")]
    assert pull.updated_at


@pytest.mark.parametrize("status", ["draft", "pending_review", "pending_publish"])
@pytest.mark.parametrize("prefix", ["decap-cms/", "netlify-cms/"])
def test_draft_of_any_status_is_listed(
    steps: Steps, leave: Callable[..., str], prefix: str, status: str
) -> None:
    """The label is the description as it is, of both names that the CMS had."""
    leave(description=prefix + status)
    (pull,) = steps.repo.list_pull_requests()
    assert pull.labels == (prefix + status,)


def test_draft_under_the_configured_prefix_is_listed(working_copy: Path, leave: Callable[..., str]) -> None:
    """The prefix of the configuration is the CMS's too, with or without a slash."""
    leave(description="site:draft")
    with open_repository("local", repo=working_copy, cms_label_prefix="site:") as repo:
        assert [pull.labels for pull in repo.list_pull_requests()] == [("site:draft",)]


@pytest.mark.parametrize("slug", ["2020.01.01-first", "Grüße", 'say-"hello"', "a/b/c", "UPPER"])
def test_draft_of_any_name_is_listed(
    working_copy: Path, steps: Steps, run_git: Git, leave: Callable[..., str], slug: str
) -> None:
    """Dots, quotes and capitals in a name survive git's configuration."""
    leave()
    run_git(working_copy, "branch", "-m", BRANCH, f"cms/posts/{slug}")
    (pull,) = steps.repo.list_pull_requests()
    assert (pull.head, pull.labels) == (f"cms/posts/{slug}", (LABEL,))
    steps.repo.set_labels(pull, ["ours"])
    assert description(working_copy, f"cms/posts/{slug}") == ""


def test_draft_is_found_by_state_base_and_head(steps: Steps, leave: Callable[..., str]) -> None:
    """It is filtered like any other."""
    leave()
    lists = steps.repo.list_pull_requests
    asked = [("all", "", ""), ("open", "main", BRANCH), ("closed", "", ""), ("merged", "", "")]
    assert [len(lists(*each)) for each in asked] == [1, 1, 0, 0]
    assert (lists("open", "develop"), lists("open", "", "cms/posts/other")) == ((), ())


def test_draft_with_a_pull_request_is_listed_once(
    working_copy: Path, steps: Steps, run_git: Git, leave: Callable[..., str]
) -> None:
    """The pull request counts where both are there."""
    leave()
    pull = steps.repo.create_pull_request(steps.new_pull_request(BRANCH, "decap-cms/draft"))
    run_git(working_copy, "config", f"branch.{BRANCH}.description", LABEL)
    assert steps.repo.list_pull_requests() == (pull,)


def test_draft_whose_branch_is_gone_is_not_listed(
    working_copy: Path, steps: Steps, run_git: Git, leave: Callable[..., str]
) -> None:
    """The configuration alone makes no draft."""
    leave()
    run_git(working_copy, "update-ref", "-d", f"refs/heads/{BRANCH}")
    assert steps.repo.list_pull_requests("all") == ()


def test_draft_that_git_merged_is_not_open(
    working_copy: Path, steps: Steps, run_git: Git, leave: Callable[..., str]
) -> None:
    """Merged by hand, it has nothing left to publish, like a pull request that was merged by hand."""
    leave()
    run_git(working_copy, "merge", "-q", BRANCH)
    assert steps.repo.list_pull_requests("open") == ()


@pytest.mark.parametrize(
    ("branch", "text"),
    [
        (BRANCH, "about this branch"),
        (BRANCH, "decap-cms/pending_review later, please"),
        (BRANCH, "decap-cms/published"),
        pytest.param(
            BRANCH,
            "see docs/draft",
        ),
        pytest.param(
            "feature",
            "rewrites docs/draft",
        ),
    ],
)
def test_other_description_is_left_alone(
    working_copy: Path, steps: Steps, leave: Callable[..., str], branch: str, text: str
) -> None:
    """What a person wrote about a branch makes no draft, and stays through a pull request's whole life."""
    leave(branch, text)
    assert steps.repo.list_pull_requests("all") == ()
    pull = steps.repo.create_pull_request(steps.new_pull_request(branch))
    steps.repo.merge_pull_request(steps.repo.set_labels(pull, ["ours"]))
    assert description(working_copy, branch) == text


# -- touched ------------------------------------------------------------------------------------------


@pytest.fixture
def pull(steps: Steps, leave: Callable[..., str]) -> PullRequest:
    leave()
    return steps.repo.list_pull_requests()[0]


def test_label_makes_it_a_pull_request(working_copy: Path, steps: Steps, pull: PullRequest) -> None:
    """It gets a number, keeps its status beside the new label, and the description goes."""
    labelled = steps.repo.set_labels(pull, ["ours"])
    assert (labelled.number, labelled.labels, labelled.state) == (1, (LABEL, "ours"), "open")
    assert (labelled.title, labelled.head_commit_sha) == (pull.title, pull.head_commit_sha)
    assert labelled.author == pull.author
    assert description(working_copy) == ""
    assert steps.repo.list_pull_requests() == (labelled,)


def test_status_that_changes_replaces_the_old_one(steps: Steps, pull: PullRequest) -> None:
    """The label that was its description can be removed."""
    labelled = steps.repo.set_labels(pull, ["decap-cms/pending_publish"], [LABEL])
    assert labelled.labels == ("decap-cms/pending_publish",)


@pytest.mark.parametrize("method", ["merge", "squash"])
def test_merge_publishes_it(working_copy: Path, steps: Steps, pull: PullRequest, method: str) -> None:
    """The base has its file, the branch and the description are gone, and a record says that it was."""
    assert steps.repo.merge_pull_request(pull, method).branch_deleted
    assert (working_copy / FILE).read_text() == "left\n"
    assert description(working_copy) == ""
    (merged,) = steps.repo.list_pull_requests("all")
    assert (merged.number, merged.state) == (1, "merged")


@pytest.mark.parametrize("delete_branch", [True, False])
def test_close_discards_it(
    working_copy: Path, steps: Steps, pull: PullRequest, *, delete_branch: bool
) -> None:
    """It is closed and comes back in no listing, also where its branch stays."""
    closed = steps.repo.close_pull_request(pull, delete_branch)
    assert (closed.number, closed.state) == (1, "closed")
    assert steps.repo.list_pull_requests("all") == (closed,)
    assert description(working_copy) == ""
    assert len(steps.repo.list_branches("cms/")) == (0 if delete_branch else 1)


def test_update_from_base_works_on_it(steps: Steps, pull: PullRequest) -> None:
    """What was published meanwhile comes into the draft."""
    steps.commit(Put("other.md", b"other"))
    steps.repo.update_from_base(pull)
    assert {"other.md", FILE} <= steps.paths(BRANCH)


def test_commit_keeps_it(working_copy: Path, steps: Steps, pull: PullRequest) -> None:
    """Another commit on its branch is part of the draft, which decap-server still finds."""
    made = steps.commit(Put("more.md", b"more"), branch=BRANCH)
    (now,) = steps.repo.list_pull_requests()
    assert (now.number, now.head_commit_sha, now.labels) == (0, made.commit_sha, pull.labels)
    assert description(working_copy) == LABEL


def test_branch_that_is_deleted_takes_it_along(working_copy: Path, steps: Steps, pull: PullRequest) -> None:
    """A new branch of the same name must not inherit the status."""
    assert steps.repo.delete_branch(BRANCH, pull.head_commit_sha)
    assert description(working_copy) == ""
    steps.branch(BRANCH, Put("new.md", b"new"))
    assert steps.repo.list_pull_requests("all") == ()


@pytest.mark.parametrize("call", ["merge_pull_request", "close_pull_request"])
def test_draft_that_moved_is_guarded(steps: Steps, pull: PullRequest, call: str) -> None:
    """Nobody merges or discards a commit that he has not seen."""
    head = steps.head()
    steps.commit(Put("more.md", b"more"), branch=BRANCH)
    with pytest.raises(ConflictError, match="look at the new commits first"):
        getattr(steps.repo, call)(pull)
    assert steps.head() == head
    assert [each.state for each in steps.repo.list_pull_requests("all")] == ["open"]


def test_draft_that_is_a_pull_request_by_now_is_that_one(steps: Steps, pull: PullRequest) -> None:
    """Who still has it without its number works on the same one."""
    first = steps.repo.set_labels(pull, ["ours"])
    second = steps.repo.set_labels(pull, ["theirs"])
    assert second.number == first.number > 0
    assert {"ours", "theirs"} <= set(second.labels)


def test_interruption_before_the_description_goes_makes_no_second_one(
    working_copy: Path, steps: Steps, run_git: Git, pull: PullRequest
) -> None:
    """The record is written first and the description goes last: the same call again finds the record."""
    steps.repo.set_labels(pull, ["ours"])
    run_git(working_copy, "config", f"branch.{BRANCH}.description", LABEL)
    assert steps.repo.set_labels(pull, ["ours"]).number == 1
    assert [each.number for each in steps.repo.list_pull_requests("all")] == [1]


def test_configuration_that_is_locked_makes_no_second_one(
    working_copy: Path, steps: Steps, pull: PullRequest
) -> None:
    """Where git's configuration cannot be written, the error names the lock, and the same call again works."""
    lock = working_copy / ".git/config.lock"
    lock.touch()
    with pytest.raises(UnavailableError, match=r"config\.lock"):
        steps.repo.set_labels(pull, ["ours"])
    lock.unlink()
    assert steps.repo.set_labels(pull, ["ours"]).number == 1
    assert [each.number for each in steps.repo.list_pull_requests("all")] == [1]
    assert description(working_copy) == ""


# -- through the workflow -----------------------------------------------------------------------------


@pytest.fixture
def workflow(steps: Steps, leave: Callable[..., str]) -> Workflow:
    leave()
    return Workflow(steps.repo, SITE)


def test_workflow_shows_it(workflow: Workflow) -> None:
    """Its status, author and files are those that decap-server gave it, and nothing is wrong with it."""
    (entry,) = workflow.entries()
    assert (entry.collection, entry.slug, entry.path) == ("posts", "left", FILE)
    assert (entry.status, entry.author, entry.problem) == (Status.PENDING_REVIEW, "Site Owner", "")
    assert entry.changed_paths == (FILE,)
    assert [file.content for file in workflow.read(workflow.get("posts", "left"))] == [b"left\n"]


def test_workflow_carries_it_on_and_publishes_it(
    working_copy: Path, workflow: Workflow, run_git: Git
) -> None:
    """Saved, made ready and published here; its label keeps the prefix that it has."""
    opened = workflow.get("posts", "left")
    saved = workflow.save("posts", "left", b"carried on\n", based_on=opened.versions)
    assert (saved.status, saved.pull_request and saved.pull_request.number) == (Status.PENDING_REVIEW, 0)
    ready = workflow.set_status("posts", "left", "pending_publish")
    assert ready.pull_request
    assert (ready.pull_request.number, ready.pull_request.labels) == (1, ("decap-cms/pending_publish",))
    published = workflow.publish("posts", "left", head_commit_sha=ready.commit_sha)
    assert published.status is Status.PUBLISHED
    assert (working_copy / FILE).read_text() == "carried on\n"
    assert run_git(working_copy, "status", "--porcelain") == ""
    assert run_git(working_copy, "branch", "--list", "cms/*") == ""
    assert workflow.entries() == ()


def test_workflow_discards_it(working_copy: Path, workflow: Workflow) -> None:
    """Nothing of it is left but the record of the pull request."""
    workflow.discard("posts", "left")
    assert workflow.entries() == ()
    assert description(working_copy) == ""
    with pytest.raises(NotFoundError):
        workflow.get("posts", "left")
