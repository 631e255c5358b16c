"""Two editors, a reviewer and a release manager who meet on one forge; and a save that is cut anywhere."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping

import pytest
from copydesk import ConflictError, NotMergeableError, Repository, Status, Workflow
from copydesk.config import parse_config
from copydesk.errors import NotFoundError, PermissionDeniedError, UnavailableError
from copydesk.models import NewCommit, Put
from copydesk.testing import Answer, Reset
from simulators.store import Protection
from simulators.store import Repository as Stored

__all__ = ["FILES", "HELLO", "EditorsMeet", "finishes_after_any_cut", "workflow_of"]

_CONFIG = b"""\
backend: {name: %(backend)s, repo: owner/site}
publish_mode: editorial_workflow
collections:
  - {name: posts, label: Post, folder: content/posts}
"""
HELLO = "content/posts/hello.md"
FILES = {
    HELLO: b"one\ntwo\nthree\n",
    "content/posts/world.md": b"world\n",
    "bin/run": b"#!\n",
}


def workflow_of(repository: Repository) -> Workflow:
    """Make the workflow of an editor."""
    config = _CONFIG % {b"backend": repository.backend.encode()}
    return Workflow(repository, parse_config(config, "admin/config.yml"))


def finishes_after_any_cut(
    make: Callable[[str], tuple[Stored, Repository]],
    again: Callable[[Repository], Repository],
    *,
    after: bool,
    labels: Callable[[Stored], list[str]],
) -> int:
    """Cut a save at each of its requests in turn, and see that the same save finishes the job, once.

    :param make: makes a site of some name, and opens it; its simulator is ``repository.simulator``.
    :param again: opens it as a new process does, that knows nothing.
    :param after: whether the request that is cut takes effect.
    :param labels: gives the labels of the one pull request.
    :returns: how many requests a save makes.
    """
    position, done = 0, False
    while not done:
        site, repository = make(f"s{int(after)}{position}")
        repository.simulator.inject(Reset(), when=lambda _: True, after=after, skip=position, times=9)
        with contextlib.suppress(UnavailableError):
            workflow_of(repository).save("posts", "new", b"new\n")
        done = len(repository.simulator.log) <= position
        repository.simulator.clear()
        entry = workflow_of(again(repository)).save("posts", "new", b"new\n")
        assert entry.problem == ""
        assert len(site.pulls()) == 1
        assert labels(site) == ["netlify-cms/draft"]
        assert site.git[site.head("cms/posts/new")].parent_ids == [site.git[site.head("main")].id]
        position += 1
    return position


class EditorsMeet:
    """Needs the fixtures *repository*, *seeded*, *workflow* and *second*, another editor's in another process."""

    #: How the commits and the openings of pull requests are known among the requests.
    commits: Callable[[object], bool]
    opens: Callable[[object], bool]
    #: The reasons of refused merges that the forge gives with the words of another reason.
    told_as: Mapping[str, str] = {}

    def test_second_save_of_a_changed_draft_is_a_conflict(self, workflow, second):
        draft = workflow.save("posts", "new", b"one\n")
        opened = second.get("posts", "new").versions
        theirs = workflow.save("posts", "new", b"two\n", based_on=draft.versions)
        with pytest.raises(ConflictError, match=r"'content/posts/new.md'") as caught:
            second.save("posts", "new", b"three\n", based_on=opened)
        assert caught.value.paths == ("content/posts/new.md",)
        told = caught.value.versions["content/posts/new.md"]
        assert told.same_as(theirs.versions["content/posts/new.md"])
        assert workflow.read(workflow.get("posts", "new"))[0].content == b"two\n"

    def test_second_save_of_an_untouched_file_goes_onto_the_new_head(self, workflow, second):
        workflow.save("posts", "new", b"one\n")
        opened = second.get("posts", "new").versions
        workflow.save("posts", "new", {"static/a.txt": b"a"})
        saved = second.save("posts", "new", b"two\n", based_on=opened)
        assert saved.changed_paths == ("content/posts/new.md", "static/a.txt")

    def test_new_draft_of_what_was_published_meanwhile_is_a_conflict(self, workflow, second, seeded):
        """The base is known from a moment ago: the draft that was made of it is taken back."""
        opened = workflow.get("posts", "hello").versions
        seeded.commit_files("main", {HELLO: b"published\n"}, "By somebody else")
        with pytest.raises(ConflictError) as caught:
            workflow.save("posts", "hello", b"mine\n", based_on=opened)
        assert caught.value.paths == (HELLO,)
        assert [name for name, _ in seeded.branches()] == ["main"]
        assert second.entries() == ()

    def test_reviewers_commits_survive(self, workflow, seeded):
        """A commit pushed to the branch of a draft stops what would lose it."""
        draft = workflow.save("posts", "new", b"one\n")
        workflow.set_status("posts", "new", "pending_publish")
        seeded.commit_files("cms/posts/new", {"review.txt": b"look"}, "A review")
        head = seeded.head("cms/posts/new")
        with pytest.raises(ConflictError):
            workflow.discard("posts", "new", head_commit_sha=draft.commit_sha)
        with pytest.raises(ConflictError):
            workflow.publish("posts", "new", head_commit_sha=draft.commit_sha)
        assert seeded.head("cms/posts/new") == head
        assert [pull.head for pull in seeded.pulls() if pull.state == "open"] == ["cms/posts/new"]
        saved = workflow.save("posts", "new", b"two\n", based_on=draft.versions)
        assert "review.txt" in saved.changed_paths

    @pytest.mark.parametrize(
        ("protection", "reason"),
        [
            (Protection(required_reviews=1), "approvals"),
            (Protection(required_checks=("build",)), "checks"),
        ],
    )
    def test_refused_merge_leaves_the_branch(self, workflow, seeded, protection, reason):
        workflow.save("posts", "new", b"one\n")
        workflow.set_status("posts", "new", "pending_publish")
        seeded.protections["main"] = protection
        with pytest.raises(NotMergeableError) as caught:
            workflow.publish("posts", "new")
        assert caught.value.reason == self.told_as.get(reason, reason)
        assert seeded.head("cms/posts/new") is not None
        assert workflow.get("posts", "new").status is Status.PENDING_PUBLISH

    def test_merge_conflict_is_told_as_one(self, workflow, seeded):
        entry = workflow.get("posts", "hello")
        workflow.save("posts", "hello", b"one\nmine\nthree\n", based_on=entry.versions)
        workflow.set_status("posts", "hello", "pending_publish")
        seeded.commit_files("main", {HELLO: b"one\ntheirs\nthree\n"}, "By somebody else")
        with pytest.raises(NotMergeableError) as caught:
            workflow.publish("posts", "hello")
        assert caught.value.reason == "conflicts"
        assert seeded.head("cms/posts/hello") is not None

    def test_branch_that_is_protected_refuses_a_commit(self, repository, seeded):
        seeded.protections["main"] = Protection()
        head = seeded.head("main")
        with pytest.raises(PermissionDeniedError, match=r"protected|[Rr]ule"):
            repository.commit_changes(NewCommit("main", head, (Put("new.md", b"new"),), "New"))
        assert seeded.head("main") == head

    def test_pull_request_from_a_fork_is_told_and_left_alone(self, workflow, seeded):
        sha = seeded.commit_files("theirs", {"content/posts/theirs.md": b"x"}, "Theirs", start="main")
        seeded.open_pull("Theirs", "cms/posts/theirs", "main", fork="stranger", head_sha=sha)
        (entry,) = workflow.entries()
        assert "comes from a fork" in entry.problem
        with pytest.raises(NotFoundError):
            workflow.set_status("posts", "theirs", "pending_review")

    def test_left_over_branch_is_carried_on(self, workflow, seeded):
        """One that lost its pull request, or never got one, is no dead end."""
        seeded.commit_files("cms/posts/new", {"content/posts/new.md": b"left\n"}, "Left", start="main")
        opened = workflow.get("posts", "new").versions
        saved = workflow.save("posts", "new", b"on\n", based_on=opened)
        assert saved.problem == ""
        assert workflow.read(saved)[0].content == b"on\n"
        assert [pull.head for pull in seeded.pulls()] == ["cms/posts/new"]

    def test_lost_answer_to_a_new_pull_request_finds_it_again(self, repository, workflow, seeded):
        repository.simulator.inject(Reset(), when=type(self).opens, after=True)
        entry = workflow.save("posts", "new", b"new\n")
        assert [pull.number for pull in seeded.pulls()] == [entry.pull_request.number]
        assert entry.status is Status.DRAFT
        assert entry.pull_request.labels == ("netlify-cms/draft",)

    @pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
    def test_bad_gateway_around_a_commit(self, repository, workflow, seeded, after):
        """One commit more, whether it was made or not before the answer was lost."""
        draft = workflow.save("posts", "new", b"one\n")
        before = seeded.head("cms/posts/new")
        bad = Answer(502, content_type="text/html")
        repository.simulator.inject(bad, when=type(self).commits, after=after)
        saved = workflow.save("posts", "new", b"two\n", based_on=draft.versions)
        assert seeded.git[seeded.head("cms/posts/new")].parent_ids[0] == seeded.git[before].id
        assert workflow.read(saved)[0].content == b"two\n"
