"""What a host app adds to a repository that it opens."""

from __future__ import annotations

import pytest
from copydesk import Audit, DryRun, Move, NewCommit, Put, ReadOnly, User, Workflow, hookimpl, open_repository
from copydesk.errors import ConflictError, NotFoundError, PermissionDeniedError
from copydesk.hookspecs import OPERATIONS, WRITES
from copydesk.models import Delete, NewPullRequest

ANN = User("ann", "Ann", "ann@example.org")


@pytest.fixture
def opened(site_path, site):
    def open_with(*extensions):
        repository = open_repository(site, repo=site_path, extensions=extensions)
        return Workflow(repository, site)

    return open_with


def refs(git, path):
    return git(path, "for-each-ref")


@pytest.mark.parametrize("extension", [ReadOnly, DryRun, Audit], ids=lambda each: each.__name__)
def test_every_operation_that_writes_is_covered(extension):
    """An operation that is added to the contract is not forgotten here."""
    marked = {name for name in OPERATIONS if hasattr(getattr(extension, name, None), "copydesk_impl")}
    assert marked == WRITES


def test_read_only_refuses_each_write_before_it_happens(opened, site_path, git):
    writer = opened()
    entry = writer.save("posts", "new", b"new\n", author=ANN)
    pull, before = entry.pull_request, refs(git, site_path)
    repository = opened(ReadOnly()).repository
    commit = NewCommit("main", entry.commit_sha, (Put("x.md", b"x"),), "X", ANN)
    new = NewPullRequest("X", "", "cms/posts/new", "main")
    for call in (
        lambda: repository.delete_branch("cms/posts/new", entry.commit_sha),
        lambda: repository.commit_changes(commit),
        lambda: repository.propose_changes(commit, new),
        lambda: repository.create_pull_request(new),
        lambda: repository.set_labels(pull, ("x",)),
        lambda: repository.merge_pull_request(pull),
        lambda: repository.close_pull_request(pull),
        lambda: repository.update_from_base(pull),
        repository.repair,
    ):
        with pytest.raises(PermissionDeniedError, match=r"open it without ReadOnly\(\) to write"):
            call()
    assert refs(git, site_path) == before


def test_read_only_reads(opened):
    assert opened(ReadOnly()).published("posts")


def test_dry_run_plans_and_writes_nothing(opened, site_path, git):
    """Every write answers as if it had happened, and git sees nothing of it."""
    entry = opened().save("posts", "new", b"new\n", author=ANN)
    pull, before = entry.pull_request, refs(git, site_path)
    rehearsal = DryRun()
    repository = opened(rehearsal).repository
    version = entry.versions["content/posts/new.md"]
    changes = (
        Put("content/posts/new.md", b"newer\n", version),
        Put("content/posts/fresh.md", b"new\n"),
        Move("content/a.md", "content/b.md", version),
        Delete("content/c.md", version),
    )
    made = repository.commit_changes(NewCommit("cms/posts/new", entry.commit_sha, changes, "X", ANN))
    assert made.versions["content/posts/fresh.md"] == version
    assert made.versions["content/b.md"] == version
    assert set(made.versions) == {"content/posts/new.md", "content/posts/fresh.md", "content/b.md"}
    assert repository.set_labels(pull, ("b",), ("netlify-cms/draft",)).labels == ("b",)
    assert repository.merge_pull_request(pull, "squash").branch_deleted
    assert repository.close_pull_request(pull).state == "closed"
    assert repository.delete_branch("cms/posts/new", entry.commit_sha)
    assert repository.update_from_base(pull).name == "cms/posts/new"
    assert repository.rebase_pull_request(pull).name == "cms/posts/new"
    assert repository.repair() == ()
    assert len(rehearsal.planned) == 8
    assert "put 'content/posts/new.md'" in rehearsal.planned[0]
    assert refs(git, site_path) == before


def test_dry_run_of_a_proposal_is_both(opened):
    rehearsal = DryRun()
    repository = opened(rehearsal).repository
    head = repository.get_branch("main").commit_sha
    commit = NewCommit("cms/posts/x", head, (Put("x.md", b"x"),), "X", ANN, creates_branch=True)
    made = repository.propose_changes(commit, NewPullRequest("X", "", "cms/posts/x", "main", ("a",)))
    assert (made.pull_request.number, made.pull_request.labels) == (0, ("a",))
    assert len(rehearsal.planned) == 2


def test_audit_records_what_was_written_and_never_the_content(opened):
    records = []
    workflow = opened(Audit(records.append))
    workflow.save("posts", "new", b"the secret recipe\n", author=ANN)
    workflow.set_status("posts", "new", "pending_publish")
    workflow.publish("posts", "new")
    assert [record.operation for record in records] == [
        "commit_changes",
        "create_pull_request",
        "propose_changes",
        "set_labels",
        "merge_pull_request",
    ]
    assert records[0].subject == "branch 'cms/posts/new': content/posts/new.md"
    assert all(record.at.utcoffset() is not None and not record.error for record in records)
    assert "recipe" not in repr(records)


def test_audit_records_failures(opened):
    records = []
    workflow = opened(Audit(records.append))
    with pytest.raises(ConflictError):
        workflow.save("posts", "hello", b"mine\n", author=ANN)
    assert records[-1].operation == "propose_changes"
    assert "exists already" in records[-1].error


def test_audit_sees_its_own_repository_only(opened):
    records = []
    opened(Audit(records.append))
    opened().save("posts", "new", b"new\n", author=ANN)
    assert records == []


def test_last_extension_is_the_outermost(opened):
    """Audit behind ReadOnly sees nothing of what was refused; around it, the refusal."""
    inside, outside = [], []
    repository = opened(Audit(inside.append), ReadOnly(), Audit(outside.append)).repository
    with pytest.raises(PermissionDeniedError):
        repository.repair()
    assert inside == []
    assert [record.operation for record in outside] == ["repair"]


class Memory:
    """A cache: it answers what it has seen, and remembers the rest."""

    def __init__(self):
        self.files = {}

    @hookimpl(tryfirst=True)
    def read_file(self, commit_sha, path):
        return self.files.get((commit_sha, path))


def test_extension_may_answer_or_pass(opened):
    """An implementation that answers None passes the call on to the backend."""
    memory = Memory()
    repository = opened(memory).repository
    head = repository.get_branch("main").commit_sha
    file = repository.read_file(head, "content/about.md")
    memory.files[head, "gone.md"] = file
    assert repository.read_file(head, "gone.md") is file
    with pytest.raises(NotFoundError):
        repository.read_file(head, "other.md")
