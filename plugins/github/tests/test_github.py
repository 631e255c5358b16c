"""What is GitHub's own: editors who meet there, its refusals, its limits, and a user's mistakes."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta

import attrs
import pytest

pytest.importorskip("simulators.github", reason="the simulators are not beside these tests")

from copydesk import ConflictError, NotMergeableError, Repository, Status, User, Workflow, open_repository
from copydesk.config import parse_config
from copydesk.errors import (
    AuthenticationError,
    ConfigError,
    CopydeskError,
    NotFoundError,
    PermissionDeniedError,
    ProtocolError,
    RateLimitedError,
    UnavailableError,
)
from copydesk.http import Gates
from copydesk.models import Delete, Mode, Move, NewCommit, Put
from copydesk.testing import Answer, Reset, ServerSimulator
from copydesk_github.graphql import graphql_address
from simulators.store import Protection
from werkzeug import Response

CONFIG = b"""\
backend: {name: github, repo: owner/site}
publish_mode: editorial_workflow
collections:
  - {name: posts, label: Post, folder: content/posts}
"""
FILES = {
    "content/posts/hello.md": b"one\ntwo\nthree\n",
    "content/posts/world.md": b"world\n",
    "bin/run": b"#!\n",
}
HELLO = "content/posts/hello.md"


@pytest.fixture
def seeded(forge):
    return forge.add_repository("owner/site", FILES, modes={"bin/run": 0o100755})


@pytest.fixture(params=[True, False], ids=["graphql", "rest"])
def repository(request, seeded, open_site) -> Repository:
    return open_site(use_graphql=request.param)


def workflow_of(repository: Repository) -> Workflow:
    return Workflow(repository, parse_config(CONFIG, "admin/config.yml"))


@pytest.fixture
def workflow(repository) -> Workflow:
    return workflow_of(repository)


@pytest.fixture
def second(repository, settings) -> Workflow:
    """Another editor's, in a process of their own."""
    options = {"repo": "owner/site", "api_root": repository.options.api_root}
    options["use_graphql"] = repository.options.use_graphql
    return workflow_of(open_repository("github", credential="full-token", http=settings, **options))


# -- two editors --------------------------------------------------------------------------------------


def test_second_save_of_a_changed_draft_is_a_conflict(workflow, second):
    draft = workflow.save("posts", "new", b"one\n")
    opened = second.get("posts", "new").versions
    theirs = workflow.save("posts", "new", b"two\n", based_on=draft.versions)
    with pytest.raises(ConflictError, match=r"'content/posts/new.md'") as caught:
        second.save("posts", "new", b"three\n", based_on=opened)
    assert caught.value.paths == ("content/posts/new.md",)
    assert caught.value.versions == theirs.versions
    assert workflow.read(workflow.get("posts", "new"))[0].content == b"two\n"


def test_second_save_of_an_untouched_file_goes_onto_the_new_head(workflow, second):
    workflow.save("posts", "new", b"one\n")
    opened = second.get("posts", "new").versions
    workflow.save("posts", "new", {"static/a.txt": b"a"})
    saved = second.save("posts", "new", b"two\n", based_on=opened)
    assert saved.changed_paths == ("content/posts/new.md", "static/a.txt")


def test_new_draft_of_what_was_published_meanwhile_is_a_conflict(workflow, second, seeded):
    """The base is known from a moment ago: the draft that was made of it is taken back."""
    opened = workflow.get("posts", "hello").versions
    seeded.commit_files("main", {HELLO: b"published\n"}, "By somebody else")
    with pytest.raises(ConflictError) as caught:
        workflow.save("posts", "hello", b"mine\n", based_on=opened)
    assert caught.value.paths == (HELLO,)
    assert [name for name, _ in seeded.branches()] == ["main"]
    assert second.entries() == ()


def test_reviewers_commits_survive(workflow, second, seeded):
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
    assert seeded.pull(1).state == "open"
    saved = workflow.save("posts", "new", b"two\n", based_on=draft.versions)
    assert "review.txt" in saved.changed_paths


@pytest.mark.parametrize(
    ("protection", "reason"),
    [
        (Protection(required_reviews=1), "approvals"),
        (Protection(required_checks=("build",)), "checks"),
    ],
)
def test_refused_merge_leaves_the_branch(workflow, seeded, protection, reason):
    workflow.save("posts", "new", b"one\n")
    workflow.set_status("posts", "new", "pending_publish")
    seeded.protections["main"] = protection
    with pytest.raises(NotMergeableError) as caught:
        workflow.publish("posts", "new")
    assert caught.value.reason == reason
    assert seeded.head("cms/posts/new") is not None
    assert workflow.get("posts", "new").status is Status.PENDING_PUBLISH


def test_merge_conflict_is_told_as_one(workflow, seeded):
    entry = workflow.get("posts", "hello")
    workflow.save("posts", "hello", b"one\nmine\nthree\n", based_on=entry.versions)
    workflow.set_status("posts", "hello", "pending_publish")
    seeded.commit_files("main", {HELLO: b"one\ntheirs\nthree\n"}, "By somebody else")
    with pytest.raises(NotMergeableError) as caught:
        workflow.publish("posts", "hello")
    assert caught.value.reason == "conflicts"
    assert seeded.head("cms/posts/hello") is not None


def test_branch_that_is_protected_refuses_a_commit(repository, seeded):
    seeded.protections["main"] = Protection()
    head = seeded.head("main")
    with pytest.raises(PermissionDeniedError):
        repository.commit_changes(NewCommit("main", head, (Put("new.md", b"new"),), "New"))
    assert seeded.head("main") == head


def test_pull_request_from_a_fork_is_told_and_left_alone(workflow, seeded):
    sha = seeded.commit_files("theirs", {"content/posts/theirs.md": b"x"}, "Theirs", start="main")
    seeded.open_pull("Theirs", "cms/posts/theirs", "main", fork="stranger", head_sha=sha)
    (entry,) = workflow.entries()
    assert "comes from a fork" in entry.problem
    with pytest.raises(NotFoundError):
        workflow.set_status("posts", "theirs", "pending_review")


# -- GraphQL beside REST ------------------------------------------------------------------------------


def calls(repository: Repository) -> list[str]:
    return [f"{each.method} {each.path.rpartition('/')[2]}" for each in repository.simulator.log]


@pytest.mark.parametrize(
    ("change", "author"),
    [
        (lambda there: Put("bin/run", b"#!/bin/sh\n", there["bin/run"]), None),
        (lambda _: Put("bin/new", b"#!/bin/sh\n", mode=Mode.EXECUTABLE), None),
        (lambda there: Move("bin/run", "bin/walk", there["bin/run"]), None),
        (lambda _: Put("new.md", b"new"), User("ann", "Ann", "ann@example.org")),
    ],
    ids=["executable", "new executable", "moved", "author"],
)
def test_commit_that_graphql_would_change_goes_by_rest(seeded, open_site, change, author):
    """A mode would be flattened, the author be the owner of the token."""
    repository = open_site()
    head = repository.get_branch("main").commit_sha
    there = {entry.path: entry.version for entry in repository.list_files(head)}
    made = repository.commit_changes(NewCommit("main", head, (change(there),), "A change", author))
    assert "PATCH main" in calls(repository)
    repository.remembers = False
    now = {entry.path: entry.version for entry in repository.list_files(made.commit_sha)}
    assert all(now[path] == version for path, version in made.versions.items())
    if author:
        assert repository.list_commits(made.commit_sha, limit=1)[0].author.email == "ann@example.org"


def test_commit_of_the_owner_goes_by_graphql(seeded, open_site):
    repository = open_site()
    head = repository.get_branch("main").commit_sha
    owner = repository.authenticate().user
    repository.commit_changes(NewCommit("main", head, (Put("new.md", b"new"),), "A change", owner))
    assert calls(repository)[-1] == "POST graphql"


def test_delete_by_graphql(seeded, open_site):
    repository = open_site()
    head = repository.get_branch("main").commit_sha
    version = next(e.version for e in repository.list_files(head) if e.path == HELLO)
    made = repository.commit_changes(NewCommit("main", head, (Delete(HELLO, version),), "Delete"))
    assert HELLO not in {entry.path for entry in repository.list_files(made.commit_sha)}


@pytest.mark.parametrize("status", [502, 200])
def test_batch_that_is_too_much_is_halved(seeded, open_site, status):
    """And what is no text, or large, comes by REST; all is complete."""
    files = {f"p/{number}.md": b"%d\n" % number for number in range(40)}
    files |= {"p/image.png": b"\x89PNG\0", "p/large.md": b"x" * 600_000, "p/latin.txt": b"\xe9t\xe9"}
    seeded.commit_files("main", files, "Many")
    repository = open_site()
    repository.simulator.blob_limit, repository.simulator.blob_limit_status = 16, status
    head = repository.get_branch("main").commit_sha
    read = repository.read_files(head, repository.list_files(head, "p"))
    assert {file.path: file.content for file in read} == files


def test_tree_that_is_cut_is_completed(repository, seeded):
    files = {f"{a}/{b}/{c}.md": b"x" for a in "abc" for b in "de" for c in "fgh"}
    seeded.commit_files("main", files, "Many")
    repository.simulator.tree_limit = 10
    found = repository.list_files(repository.get_branch("main").commit_sha)
    assert {entry.path for entry in found} == {*files, *FILES}


def test_comparison_beyond_its_limit_is_completed(repository, seeded):
    base = seeded.head("main")
    files = {f"many/{number:03}.md": b"%d" % number for number in range(310)}
    seeded.commit_files("side", files, "Many", start="main")
    compared = repository.compare(base, seeded.head("side"))
    assert {file.path for file in compared.files} == files.keys()
    assert all(file.version is not None for file in compared.files)


@pytest.mark.parametrize(
    ("root", "address"),
    [
        ("https://api.github.com", "https://api.github.com/graphql"),
        ("https://git.example.org/api/v3", "https://git.example.org/api/graphql"),
        ("https://api.example.ghe.com", "https://api.example.ghe.com/graphql"),
    ],
)
def test_address_of_graphql(root, address):
    assert graphql_address(root) == address


# -- limits and faults --------------------------------------------------------------------------------


@pytest.fixture
def slept() -> list[float]:
    return []


@pytest.fixture
def patient(seeded, open_site, settings, slept, start):
    """Open it with a clock that sleeping moves."""

    class Clock:
        now = datetime(2026, 11, 22, tzinfo=UTC).timestamp()

        def sleep(self, seconds: float) -> None:
            slept.append(seconds)
            self.now += seconds

    def opener(use_graphql: bool = True) -> Repository:
        clock = Clock()
        simulator = start()
        known = attrs.evolve(
            settings, clock=lambda: clock.now, sleep=clock.sleep, gates=Gates(), jitter=lambda _, most: most
        )
        repository = open_repository(
            *("github",), repo="owner/site", api_root=simulator.url, credential="full-token", http=known,
            use_graphql=use_graphql,
        )  # fmt: skip
        repository.simulator = simulator
        repository.clock = clock
        return repository

    return opener


def test_retry_after_is_waited_for(patient, slept):
    repository = patient()
    repository.simulator.secondary_limit(retry_after="5")
    assert repository.get_branch("main").name == "main"
    assert slept == [5.0]


def test_retry_after_an_hour_is_raised_at_once(patient, slept):
    repository = patient()
    repository.simulator.secondary_limit(retry_after="3600")
    with pytest.raises(RateLimitedError, match="2026-11-22 01:00:00 UTC") as caught:
        repository.get_branch("main")
    assert caught.value.retry_at == datetime(2026, 11, 22, 1, tzinfo=UTC)
    assert slept == []
    assert len(repository.simulator.log) == 1


def test_secondary_limit_without_a_header_is_a_minute(patient, slept):
    repository = patient()
    repository.simulator.secondary_limit()
    repository.get_branch("main")
    assert slept == [60.0]


@pytest.mark.parametrize("use_graphql", [True, False])
def test_primary_limit_is_told_with_its_time(patient, slept, use_graphql):
    """By GraphQL with status 200; another request of the same credential is not even sent."""
    repository = patient(use_graphql)
    reset = repository.clock.now + 1800
    repository.simulator.quota_left = 0
    repository.simulator.quota_reset = int(reset)
    with pytest.raises(RateLimitedError) as caught:
        repository.get_branch("main")
    assert caught.value.retry_at - datetime.fromtimestamp(reset, UTC) <= timedelta(seconds=1)
    with pytest.raises(RateLimitedError):
        repository.list_branches()
    assert len(repository.simulator.log) == 1
    assert slept == []


def is_create(request) -> bool:
    return request.method == "POST" and (
        request.path.endswith("/pulls") or b"createPullRequest" in request.get_data()
    )


def test_lost_answer_to_a_new_pull_request_finds_it_again(repository, workflow, seeded):
    repository.simulator.inject(Reset(), when=is_create, after=True)
    entry = workflow.save("posts", "new", b"new\n")
    assert [pull.number for pull in seeded.pulls()] == [entry.pull_request.number]
    assert entry.status is Status.DRAFT
    assert entry.pull_request.labels == ("netlify-cms/draft",)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_bad_gateway_around_a_commit(repository, workflow, seeded, after):
    """One commit more, whether it was made or not before the answer was lost."""
    draft = workflow.save("posts", "new", b"one\n")
    before = seeded.head("cms/posts/new")

    def is_commit(request) -> bool:
        return b"createCommitOnBranch" in request.get_data() or request.method == "PATCH"

    repository.simulator.inject(Answer(502, content_type="text/html"), when=is_commit, after=after)
    saved = workflow.save("posts", "new", b"two\n", based_on=draft.versions)
    assert seeded.git[seeded.head("cms/posts/new")].parent_ids[0] == seeded.git[before].id
    assert workflow.read(saved)[0].content == b"two\n"


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_reset_at_every_request_of_a_save(open_site, forge, after, settings):
    """Whatever was cut, the same save finishes the job, and it is there once."""
    for use_graphql in (True, False):
        position, done = 0, False
        while not done:
            name = f"owner/s{use_graphql}{position}"
            site = forge.add_repository(name, FILES)
            repository = open_site(repo=name, use_graphql=use_graphql)
            workflow = workflow_of(repository)
            repository.simulator.inject(Reset(), when=lambda _: True, after=after, skip=position, times=9)
            with contextlib.suppress(UnavailableError):
                workflow.save("posts", "new", b"new\n")
            done = len(repository.simulator.log) <= position
            repository.simulator.clear()
            entry = workflow_of(open_again(repository, settings)).save("posts", "new", b"new\n")
            assert entry.problem == ""
            assert len(site.pulls()) == 1
            assert site.pulls()[0].labels == ["netlify-cms/draft"]
            assert site.git[site.head("cms/posts/new")].parent_ids == [site.git[site.head("main")].id]
            position += 1
        assert position > 3


def open_again(repository: Repository, settings) -> Repository:
    """Open it as a new process does, that knows nothing."""
    known = repository.options
    return open_repository(
        *("github",), repo=known.repo, api_root=known.api_root, use_graphql=known.use_graphql,
        credential="full-token", http=attrs.evolve(settings, gates=Gates()),
    )  # fmt: skip


# -- a user's mistakes --------------------------------------------------------------------------------


@pytest.mark.parametrize("use_graphql", [True, False], ids=["graphql", "rest"])
class TestMistakes:
    """Each a typed error that says what to do, and no request sent twice."""

    def told(self, repository: Repository, kind: type[CopydeskError], requests: int = 1) -> str:
        with pytest.raises(kind) as caught:
            repository.get_branch("main")
        assert len(repository.simulator.log) == requests
        return str(caught.value)

    def test_wrong_token(self, seeded, open_site, use_graphql):
        told = self.told(open_site(token="wrong-token", use_graphql=use_graphql), AuthenticationError)
        assert "Bad credentials" in told
        assert "COPYDESK_GITHUB_TOKEN" in told
        assert "wrong-token" not in told

    def test_token_without_the_right_to_write(self, seeded, open_site, use_graphql):
        repository = open_site(token="read-token", use_graphql=use_graphql)
        head = repository.get_branch("main").commit_sha
        assert repository.authenticate().may_write is False
        with pytest.raises(PermissionDeniedError, match="credential with more scopes"):
            repository.commit_changes(NewCommit("main", head, (Put("new.md", b"new"),), "New"))
        assert seeded.head("main") == head

    def test_no_token(self, use_graphql, settings):
        with pytest.raises(AuthenticationError, match="set COPYDESK_GITHUB_TOKEN, or pass credential="):
            open_repository("github", repo="owner/site", use_graphql=use_graphql, http=settings)

    def test_missing_repository(self, open_site, use_graphql):
        told = self.told(open_site(use_graphql=use_graphql), NotFoundError, 1 if use_graphql else 2)
        assert "owner/site" in told

    def test_archived_repository(self, seeded, open_site, use_graphql):
        seeded.archived = True
        repository = open_site(use_graphql=use_graphql)
        head = repository.get_branch("main").commit_sha
        with pytest.raises(PermissionDeniedError, match="archived"):
            repository.commit_changes(NewCommit("main", head, (Put("new.md", b"new"),), "New"))

    def test_empty_repository(self, forge, open_site, use_graphql):
        forge.add_repository("owner/site")
        told = self.told(open_site(use_graphql=use_graphql), NotFoundError)
        assert "no branch" in told

    def test_absent_branch(self, seeded, open_site, use_graphql):
        repository = open_site(use_graphql=use_graphql)
        with pytest.raises(NotFoundError, match="no branch 'mian' on github; the default branch is 'main'"):
            repository.get_branch("mian")

    def test_root_that_answers_html(self, use_graphql, settings):
        class Page(ServerSimulator):
            def respond(self, request):
                return Response("<html>Sign in</html>", 200, content_type="text/html")

        with Page() as page:
            repository = open_repository(
                *("github",), repo="o/r", api_root=page.url, credential="t0ken", http=settings,
                use_graphql=use_graphql,
            )  # fmt: skip
            with pytest.raises(ProtocolError, match="text/html"):
                repository.get_repository()
            assert len(page.log) == 1

    def test_redirect_to_another_origin(self, use_graphql, settings):
        class Elsewhere(ServerSimulator):
            target = ""

            def respond(self, request):
                return Response("", 302, headers={"Location": f"{self.target}{request.path}"})

        with Elsewhere() as first, Elsewhere() as other:
            first.target = other.url
            repository = open_repository(
                *("github",), repo="o/r", api_root=first.url, credential="t0ken", http=settings,
                use_graphql=use_graphql,
            )  # fmt: skip
            with pytest.raises(ProtocolError, match="where the credential must not go"):
                repository.get_repository()
            assert len(first.log) == 1
            assert other.log == []

    def test_root_that_is_not_secure(self, use_graphql, settings):
        with pytest.raises(ConfigError, match="https"):
            open_repository(
                *("github",), repo="o/r", api_root="http://git.example.org/api/v3", credential="t0ken",
                http=settings, use_graphql=use_graphql,
            )  # fmt: skip


def test_preview_is_the_check_of_a_deployment(workflow, seeded):
    draft = workflow.save("posts", "new", b"one\n")
    seeded.add_status(
        draft.commit_sha, "netlify/site/deploy-preview", "success", target_url="https://preview.example.org"
    )
    check = workflow.preview("posts", "new")
    assert (check.state, check.url) == ("success", "https://preview.example.org")
