"""What is GitHub's own: editors who meet there, its refusals, its limits, and a user's mistakes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import attrs
import pytest

pytest.importorskip("simulators.github", reason="the simulators are not beside these tests")

from copydesk import Repository, User, Workflow, open_repository
from copydesk.errors import (
    AuthenticationError,
    ConfigError,
    CopydeskError,
    NotFoundError,
    PermissionDeniedError,
    ProtocolError,
    RateLimitedError,
)
from copydesk.http import Gates
from copydesk.models import Delete, Mode, Move, NewCommit, Put
from copydesk.testing import ServerSimulator
from copydesk_github.graphql import graphql_address
from means.editors import FILES, HELLO, EditorsMeet, finishes_after_any_cut, workflow_of
from werkzeug import Response


@pytest.fixture
def seeded(forge):
    return forge.add_repository("owner/site", FILES, modes={"bin/run": 0o100755})


@pytest.fixture(params=[True, False], ids=["graphql", "rest"])
def repository(request, seeded, open_site) -> Repository:
    return open_site(use_graphql=request.param)


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


def is_create(request) -> bool:
    return request.method == "POST" and (
        request.path.endswith("/pulls") or b"createPullRequest" in request.get_data()
    )


def is_commit(request) -> bool:
    return b"createCommitOnBranch" in request.get_data() or request.method == "PATCH"


class TestEditors(EditorsMeet):
    commits = is_commit
    opens = is_create


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


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(
    "use_graphql", [True, pytest.param(False, marks=pytest.mark.long)], ids=["graphql", "rest"]
)
def test_reset_at_every_request_of_a_save(open_site, forge, after, use_graphql, settings):
    def make(name: str):
        site = forge.add_repository(f"owner/{name}", FILES)
        return site, open_site(repo=f"owner/{name}", use_graphql=use_graphql)

    requests = finishes_after_any_cut(
        make,
        lambda repository: open_again(repository, settings),
        after=after,
        labels=lambda site: site.pulls()[0].labels,
    )
    assert requests > 3


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
