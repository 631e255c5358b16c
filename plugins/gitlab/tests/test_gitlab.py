"""What is GitLab's own: editors who meet there, its refusals, its limits, and a user's mistakes."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

import attrs
import pytest

pytest.importorskip("simulators.gitlab", reason="the simulators are not beside these tests")

from copydesk import NotMergeableError, Repository, Workflow, open_repository
from copydesk.auth import Refresher, login_flows
from copydesk.errors import (
    AuthenticationError,
    ConfigError,
    CopydeskError,
    InvalidInputError,
    NotFoundError,
    NotSupportedError,
    PermissionDeniedError,
    ProtocolError,
    RateLimitedError,
    UnavailableError,
)
from copydesk.http import Gates
from copydesk.models import Credential, Mode, NewCommit, NewPullRequest, Put
from copydesk.testing import ServerSimulator
from means.editors import FILES, EditorsMeet, finishes_after_any_cut, workflow_of
from simulators.store import Protection
from werkzeug import Response

REPO = "group/sub/site"
ways = pytest.mark.parametrize("use_graphql", [True, False], ids=["graphql", "rest"])


@pytest.fixture
def seeded(forge):
    return forge.add_repository(REPO, FILES, modes={"bin/run": 0o100755})


@pytest.fixture(params=[True, False], ids=["graphql", "rest"])
def repository(request, seeded, open_site) -> Repository:
    return open_site(use_graphql=request.param)


@pytest.fixture
def workflow(repository) -> Workflow:
    return workflow_of(repository)


def open_again(repository: Repository, settings) -> Repository:
    """Open it as another process does, that knows nothing."""
    known = repository.options
    return open_repository(
        *("gitlab",), repo=known.repo, api_root=known.api_root, use_graphql=known.use_graphql,
        credential="full-token", http=attrs.evolve(settings, gates=Gates()),
    )  # fmt: skip


@pytest.fixture
def second(repository, settings) -> Workflow:
    return workflow_of(open_again(repository, settings))


# -- two editors --------------------------------------------------------------------------------------


def is_create(request) -> bool:
    return request.method == "POST" and request.path.endswith("/merge_requests")


def is_commit(request) -> bool:
    return request.method == "POST" and request.path.endswith("/repository/commits")


class TestEditors(EditorsMeet):
    commits = is_commit
    opens = is_create


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(
    "use_graphql", [True, pytest.param(False, marks=pytest.mark.long)], ids=["graphql", "rest"]
)
def test_reset_at_every_request_of_a_save(open_site, forge, after, use_graphql, settings):
    def make(name: str):
        site = forge.add_repository(f"group/{name}", FILES)
        return site, open_site(repo=f"group/{name}", use_graphql=use_graphql)

    requests = finishes_after_any_cut(
        make,
        lambda repository: open_again(repository, settings),
        after=after,
        labels=lambda site: site.pulls()[0].labels,
    )
    assert requests > 3


# -- merging ------------------------------------------------------------------------------------------


@pytest.fixture
def ready(workflow, seeded):
    """A draft that is ready to be published; its merge request on the simulator."""
    workflow.save("posts", "new", b"one\n")
    workflow.set_status("posts", "new", "pending_publish")
    return workflow.repository.simulator.merge_request(seeded.pull(1))


@pytest.mark.parametrize(
    ("status", "reason", "remedy"),
    [
        ("ci_still_running", "checks", "wait for the checks"),
        ("ci_must_pass", "checks", "see why they fail"),
        ("not_approved", "approvals", "have it reviewed"),
        ("requested_changes", "approvals", "have it reviewed"),
        ("conflict", "conflicts", "update it from the base"),
        ("discussions_not_resolved", "discussions", "resolve the discussions"),
        ("need_rebase", "rebase", "allow_rewrite"),
        ("draft_status", "draft", "mark it as ready"),
        ("security_policy_violations", "protected", "ask the owner"),
    ],
)
@pytest.mark.parametrize("old", [False, True], ids=["422", "406"])
def test_refused_merge_says_why(ready, workflow, seeded, status, reason, remedy, old):
    workflow.repository.simulator.old_merge = old
    ready.status = status
    before = seeded.head("main")
    with pytest.raises(NotMergeableError, match=f"{status}.*{remedy}") as caught:
        workflow.publish("posts", "new")
    assert (caught.value.reason, caught.value.number) == (reason, 1)
    assert (seeded.head("main"), seeded.pull(1).state) == (before, "open")


def test_merge_request_that_is_still_looked_at_is_asked_for_again(ready, workflow, seeded):
    """GitLab says so for a moment after each push: it is no refusal."""
    ready.checking = 4
    workflow.publish("posts", "new")
    assert seeded.pull(1).state == "merged"


def test_merge_request_that_is_looked_at_for_ever(ready, workflow, seeded):
    ready.checking = 1000
    with pytest.raises(UnavailableError, match="nothing was merged, try again"):
        workflow.publish("posts", "new")
    assert seeded.pull(1).state == "open"


def test_user_who_may_not_merge_is_no_stranger(workflow, seeded, ready):
    """GitLab answers 401 to both; the credential was good a moment ago."""
    workflow.repository.simulator.project(seeded).access_level = 30
    seeded.protections["main"] = Protection()
    workflow.repository.simulator.forge.tokens["full-token"] = attrs.evolve(
        workflow.repository.simulator.forge.tokens["full-token"], level="read"
    )
    with pytest.raises(PermissionDeniedError, match="does not let this user merge into 'main'"):
        workflow.publish("posts", "new")
    assert seeded.pull(1).state == "open"


def test_branch_that_goes_later_is_in_nobodys_way(ready, workflow, seeded):
    """GitLab deletes it by and by: a new draft of the same name does not stumble over it."""
    simulator = workflow.repository.simulator
    simulator.remove_later = True
    workflow.publish("posts", "new")
    assert seeded.head("cms/posts/new") is not None
    published = workflow.get("posts", "new")
    again = workflow.save("posts", "new", b"two\n", based_on=published.versions)
    assert again.problem == ""
    simulator.remove_branches()
    assert workflow.read(workflow.get("posts", "new"))[0].content == b"two\n"


@pytest.mark.parametrize("method", ["merge", "ff"])
def test_squashed_draft(seeded, open_site, method):
    repository = open_site(squash_merges=True)
    repository.simulator.project(seeded).merge_method = method
    workflow = workflow_of(repository)
    draft = workflow.save("posts", "new", b"one\n")
    workflow.save("posts", "new", b"two\n", based_on=draft.versions)
    workflow.set_status("posts", "new", "pending_publish")
    published = workflow.publish("posts", "new")
    assert published.commit_sha == seeded.head("main")
    assert workflow.read(published)[0].content == b"two\n"


# -- rebasing -----------------------------------------------------------------------------------------


def test_draft_is_not_rewritten_unless_that_is_allowed(workflow, seeded):
    draft = workflow.save("posts", "new", b"one\n")
    seeded.commit_files("main", {"other.md": b"o"}, "Published since")
    with pytest.raises(NotSupportedError, match="allow it by allow_rewrite"):
        workflow.update_from_base("posts", "new")
    assert seeded.head("cms/posts/new") == draft.commit_sha
    updated = workflow.update_from_base("posts", "new", allow_rewrite=True)
    assert updated.commit_sha == seeded.head("cms/posts/new") != draft.commit_sha
    assert updated.changed_paths == ("content/posts/new.md",)
    assert "other.md" in {entry.path for entry in workflow.repository.list_files(updated.commit_sha)}
    again = workflow.update_from_base("posts", "new", allow_rewrite=True)
    assert again.commit_sha == updated.commit_sha


def test_error_of_an_earlier_rebase_is_not_taken_for_one_of_this(workflow, seeded):
    workflow.save("posts", "new", b"one\n")
    workflow.repository.simulator.merge_request(
        seeded.pull(1)
    ).merge_error = "Rebase failed. Please rebase locally"
    seeded.commit_files("main", {"other.md": b"o"}, "Published since")
    updated = workflow.update_from_base("posts", "new", allow_rewrite=True)
    assert updated.commit_sha == seeded.head("cms/posts/new")


# -- reading ------------------------------------------------------------------------------------------


def asked(repository: Repository) -> list[str]:
    return [f"{each.method} {each.path.rpartition('/')[2]}" for each in repository.simulator.log]


def many(seeded) -> dict[str, bytes]:
    files = {f"p/{number}.md": b"%d\n" % number for number in range(40)}
    files |= {"p/image.png": b"\x89PNG\0", "p/latin.txt": b"\xe9t\xe9", "p/ü ä.md": b"ue"}
    seeded.commit_files("main", files, "Many")
    return files


@pytest.mark.parametrize("limit", ["complexity", "bytes", "shuffled"])
def test_texts_are_complete_whatever_graphql_makes_of_them(seeded, open_site, limit):
    """Halved where it is too much, matched by path where the order is another, by REST what is no text."""
    files = many(seeded)
    repository = open_site()
    simulator = repository.simulator
    simulator.complexity_limit = 40 if limit == "complexity" else 250
    simulator.blob_bytes_limit = 30 if limit == "bytes" else 2**20
    simulator.blobs_shuffled = limit == "shuffled"
    head = repository.get_branch("main").commit_sha
    read = repository.read_files(head, repository.list_files(head, "p"))
    assert {file.path: file.content for file in read} == files
    assert asked(repository).count("GET raw") < len(files) / 2


def test_server_without_graphql_is_asked_by_rest(seeded, open_site):
    files = many(seeded)
    repository = open_site()
    repository.simulator.graphql_path = "/nowhere"
    head = repository.get_branch("main").commit_sha
    read = repository.read_files(head, repository.list_files(head, "p"))
    assert {file.path: file.content for file in read} == files
    workflow = workflow_of(repository)
    workflow.save("posts", "new", b"new\n")
    assert [entry.slug for entry in workflow.entries()] == ["new"]


def test_page_of_drafts_that_is_too_complex_is_halved(seeded, open_site):
    for number in range(60):
        seeded.commit_files(f"cms/posts/p{number}", {f"content/posts/p{number}.md": b"x"}, "x", start="main")
        seeded.open_pull("x", f"cms/posts/p{number}", "main", labels=["netlify-cms/draft"])
    workflow = workflow_of(open_site(branch="main"))
    simulator = workflow.repository.simulator
    simulator.complexity_limit = 50
    counts = []
    for _ in range(2):
        before = len(simulator.log)
        assert len(workflow.entries()) == 60
        counts.append(len(simulator.log) - before)
    # Refused and halved the first time; what fits is remembered.
    assert counts[0] > counts[1] > 1
    assert {each.path for each in simulator.log} == {simulator.graphql_path}


@pytest.mark.parametrize(
    "attributes", [b"p/1.md export-ignore\n", b"p/1.md export-subst\n", b"* export-ignore\n"]
)
def test_folder_whose_archive_is_not_the_folder(seeded, open_site, attributes):
    """What attributes leave out or alter is read another way, and nothing is missing."""
    files = {"p/1.md": b"$Format:%H$\n", "p/2.md": b"2\n", ".gitattributes": attributes}
    seeded.commit_files("main", files, "Attributes")
    repository = open_site()
    head = repository.get_branch("main").commit_sha
    for folder in ("p", ""):
        read = {file.path: file.content for file in repository.read_folder(head, folder)}
        assert {path: read[path] for path in ("p/1.md", "p/2.md")} == {
            path: files[path] for path in ("p/1.md", "p/2.md")
        }
    assert len(read) == len({**FILES, **files})


def test_archives_are_left_alone_where_their_limit_is_used_up(seeded, open_site, monkeypatch):
    """Five a minute: the sixth is not waited for, and the seventh not even asked."""
    monkeypatch.setitem(sys.modules, "dulwich", None)
    files = many(seeded)
    repository = open_site()
    repository.remembers = False
    head = repository.get_branch("main").commit_sha
    for _ in range(8):
        read = repository.read_folder(head, "p")
        assert {file.path: file.content for file in read} == files
    archives = [each.status for each in repository.simulator.log if each.path.endswith("archive.tar.gz")]
    assert archives == [200] * 5 + [429]
    assert repository.get_branch("main").commit_sha == head


def test_comparison_that_is_cut_is_completed(repository, seeded):
    base = seeded.head("main")
    files = {f"many/{number:04}.md": b"%d" % number for number in range(1010)}
    seeded.commit_files("side", files, "Many", start="main")
    compared = repository.compare(base, seeded.head("side"))
    assert {file.path for file in compared.files} == files.keys()
    assert all(file.version is not None for file in compared.files)


def test_merge_base_of_a_branch_that_was_merged_into(repository, seeded):
    """GitLab does not name it with the comparison; where its commits do not tell it, it is asked for."""
    start = seeded.head("main")
    seeded.commit_files("side", {"side.md": b"1"}, "Side", start="main")
    seeded.commit_files("main", {"main.md": b"1"}, "Main")
    merged = seeded.open_pull("Side", "side", "main")
    seeded.update_pull(merged, seeded.owner)
    tip = seeded.commit_files("side", {"side.md": b"2"}, "More")
    seeded.commit_files("main", {"main.md": b"2"}, "Main again")
    compared = repository.compare(seeded.head("main"), tip)
    assert compared.paths == {"side.md"}
    assert compared.merge_base_commit_sha == str(seeded.git[seeded.head("main")].parent_ids[0])
    assert repository.compare(start, tip).merge_base_commit_sha == start


def test_preview_is_the_environment_of_the_review_app(workflow, seeded):
    draft = workflow.save("posts", "new", b"one\n")
    seeded.add_status(draft.commit_sha, "build", "success", target_url="https://ci.example.org/1")
    seeded.add_deployment(seeded.head("main"), "production", "https://www.example.org")
    seeded.add_deployment(draft.commit_sha, "review/new", "https://new.review.example.org")
    check = workflow.preview("posts", "new")
    assert (check.name, check.state) == ("deploy/review/new", "success")
    assert check.url == "https://new.review.example.org"


# -- writing ------------------------------------------------------------------------------------------


def test_symlink_that_gitlab_cannot_make_is_refused_before_anything_is_sent(repository, seeded):
    head = repository.get_branch("main").commit_sha
    repository.list_files(head)
    before = len(repository.simulator.log)
    with pytest.raises(NotSupportedError, match="makes no new symlink, such as 'link'; make it with git"):
        repository.commit_changes(
            NewCommit("main", head, (Put("link", b"bin/run", mode=Mode.SYMLINK),), "Link")
        )
    assert len(repository.simulator.log) == before


def test_label_with_a_comma_is_refused_before_anything_is_sent(repository, seeded):
    seeded.commit_files("side", {"x.md": b"x"}, "X", start="main")
    with pytest.raises(InvalidInputError, match="no label with a comma, such as 'a,b'"):
        repository.create_pull_request(NewPullRequest("X", "", "side", "main", labels=("a,b",)))
    assert repository.simulator.log == []
    assert seeded.pulls() == ()


def test_commit_that_is_too_large_is_told(repository, seeded):
    head = repository.get_branch("main").commit_sha
    repository.simulator.body_limit = 1000
    with pytest.raises(InvalidInputError, match="send less at once"):
        repository.commit_changes(NewCommit("main", head, (Put("large.md", b"x" * 2000),), "Large"))
    assert seeded.head("main") == head


# -- rights -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("membership", ["project", "group", "shared", "inherited"])
@pytest.mark.parametrize(("token", "may_write"), [("full-token", True), ("read-token", False)])
def test_right_to_write_however_it_came_about(seeded, open_site, membership, token, may_write):
    """Null is no answer: who is a member by a group above is asked for."""
    repository = open_site(token=token)
    repository.simulator.project(seeded).membership = membership
    assert repository.authenticate().may_write is may_write
    assert len(repository.simulator.log) == (2 if membership in {"project", "group"} else 3)


def test_who_is_no_member_may_not_write(seeded, open_site):
    repository = open_site()
    repository.simulator.project(seeded).membership = "none"
    assert repository.authenticate().may_write is False


def test_project_says_only_what_it_knows_of_the_right_to_write(seeded, open_site):
    repository = open_site()
    assert repository.get_repository().may_write is True
    repository.simulator.project(seeded).membership = "inherited"
    assert repository.get_repository().may_write is None


@pytest.mark.parametrize("scheme", ["bearer", "header:PRIVATE-TOKEN"])
def test_token_in_either_header(seeded, open_site, scheme):
    repository = open_site(token=Credential("full-token", scheme=scheme))
    assert repository.authenticate().user.login == "owner"


@pytest.mark.parametrize("given", ["glcbt-64_abc", Credential("a-job-token", scheme="header:JOB-TOKEN")])
def test_token_of_a_job(seeded, forge, open_site, given):
    """It is sent as one, asks for no user and no GraphQL, and reads."""
    secret = given if isinstance(given, str) else given.secret
    forge.add_token(secret, forge.users["owner"])
    repository = open_site(token=given)
    repository.simulator.job_tokens.add(secret)
    head = repository.get_branch("main").commit_sha
    assert len(repository.read_files(head, repository.list_files(head))) == 3
    assert repository.list_pull_requests() == ()
    assert {each.request_headers.get("Job-Token") for each in repository.simulator.log} == {secret}
    assert not any("graphql" in each.path for each in repository.simulator.log)


@pytest.mark.parametrize("scheme", ["bearer", "header:PRIVATE-TOKEN", "header:JOB-TOKEN"])
def test_token_does_not_follow_a_redirect_to_another_origin(settings, scheme):
    class Elsewhere(ServerSimulator):
        target = ""

        def respond(self, request):
            return Response("", 302, headers={"Location": f"{self.target}{request.path}"})

    with Elsewhere() as first, Elsewhere() as other:
        first.target = other.url
        repository = open_repository(
            *("gitlab",), repo="g/r", api_root=f"{first.url}/api/v4", http=settings,
            credential=Credential("s3cret-t0ken", scheme=scheme),
        )  # fmt: skip
        with pytest.raises(ProtocolError, match="where the credential must not go"):
            repository.get_repository()
        assert len(first.log) == 1
        assert other.log == []


def test_token_does_not_go_to_gitlab_com_where_the_server_is_another(seeded, open_site):
    repository = open_site()
    assert repository.options.graphql_api_root == f"{repository.simulator.url}/api/graphql"


@pytest.mark.parametrize("body", ["invalid_token", "401 Unauthorized"])
@ways
def test_expired_token_is_refreshed_once(seeded, forge, open_site, body, use_graphql):
    """GitLab says it in two ways, and both are the same."""
    refreshed = []

    def refresh(old: Credential) -> Credential:
        refreshed.append(old.secret)
        return Credential("full-token")

    repository = open_site(token=Refresher(Credential("old-token"), refresh), use_graphql=use_graphql)
    if body == "invalid_token":
        repository.simulator.expired_tokens.add("old-token")
    workflow = workflow_of(repository)
    assert workflow.save("posts", "new", b"new\n").problem == ""
    assert refreshed == ["old-token"]
    refused = [each for each in repository.simulator.log if each.status == 401]
    assert len(refused) == 1
    assert body.encode() in refused[0].response_bytes
    assert len(seeded.pulls()) == 1


# -- limits -------------------------------------------------------------------------------------------


@pytest.fixture
def patient(seeded, settings, start):
    """Open it with a clock that sleeping moves; what was slept is its `slept`."""

    class Clock:
        now = datetime(2026, 11, 25, tzinfo=UTC).timestamp()

        def __init__(self) -> None:
            self.slept: list[float] = []

        def sleep(self, seconds: float) -> None:
            self.slept.append(seconds)
            self.now += seconds

    def opener() -> Repository:
        clock, simulator = Clock(), start()
        known = attrs.evolve(settings, clock=lambda: clock.now, sleep=clock.sleep, gates=Gates())
        repository = open_repository(
            *("gitlab",), repo=REPO, api_root=f"{simulator.url}/api/v4", credential="full-token", http=known,
        )  # fmt: skip
        simulator.clock = lambda: clock.now
        repository.simulator, repository.clock = simulator, clock
        return repository

    return opener


def test_retry_after_is_waited_for_though_there_is_quota(patient):
    repository = patient()
    repository.simulator.throttle(retry_after="5")
    assert repository.get_branch("main").name == "main"
    assert repository.clock.slept == [5.0]
    refused = repository.simulator.log[0]
    assert refused.status == 429
    assert int(refused.response_headers["RateLimit-Remaining"]) > 0


def test_retry_after_an_hour_is_raised_at_once(patient):
    repository = patient()
    repository.simulator.throttle(retry_after="3600")
    with pytest.raises(RateLimitedError, match="2026-11-25 01:00:00 UTC") as caught:
        repository.get_branch("main")
    assert caught.value.retry_at == datetime(2026, 11, 25, 1, tzinfo=UTC)
    assert repository.clock.slept == []


def test_quota_that_is_used_up_is_told_with_its_time(patient):
    repository = patient()
    reset = int(repository.clock.now) + 1800
    repository.simulator.quota_left, repository.simulator.quota_reset = 1, reset
    repository.get_branch("main")
    with pytest.raises(RateLimitedError) as caught:
        repository.get_branch("main")
    assert caught.value.retry_at == datetime.fromtimestamp(reset + 1, UTC)
    assert len(repository.simulator.log) == 1


# -- a user's mistakes --------------------------------------------------------------------------------


@ways
class TestMistakes:
    """Each a typed error that says what to do, and no request sent twice."""

    def told(self, repository: Repository, kind: type[CopydeskError], requests: int = 1) -> str:
        with pytest.raises(kind) as caught:
            repository.get_branch("main")
        assert len(repository.simulator.log) == requests
        return str(caught.value)

    def test_wrong_token(self, seeded, open_site, use_graphql):
        told = self.told(open_site(token="wrong-token", use_graphql=use_graphql), AuthenticationError)
        assert "401 Unauthorized" in told
        assert "COPYDESK_GITLAB_TOKEN" in told
        assert "wrong-token" not in told

    def test_token_without_the_right_to_write(self, seeded, open_site, use_graphql):
        repository = open_site(token="read-token", use_graphql=use_graphql)
        head = repository.get_branch("main").commit_sha
        with pytest.raises(PermissionDeniedError, match="ask the owner for rights"):
            repository.commit_changes(NewCommit("main", head, (Put("new.md", b"new"),), "New"))
        assert seeded.head("main") == head

    def test_no_token(self, use_graphql, settings):
        with pytest.raises(AuthenticationError, match="set COPYDESK_GITLAB_TOKEN, or pass credential="):
            open_repository("gitlab", repo=REPO, use_graphql=use_graphql, http=settings)

    def test_missing_project(self, open_site, use_graphql):
        told = self.told(open_site(use_graphql=use_graphql), NotFoundError)
        assert "no project 'group/sub/site' on gitlab" in told
        assert "the whole path with its groups" in told

    def test_project_without_its_groups(self, seeded, open_site, use_graphql):
        told = self.told(open_site(repo="sub/site", use_graphql=use_graphql), NotFoundError)
        assert "the whole path with its groups" in told

    def test_project_without_a_repository(self, seeded, open_site, use_graphql):
        repository = open_site(use_graphql=use_graphql)
        repository.simulator.project(seeded).no_repository = True
        told = self.told(repository, NotFoundError)
        assert "'group/sub/site' has no repository on gitlab" in told
        assert "turn it on in the project's settings" in told

    def test_empty_project(self, forge, open_site, use_graphql):
        forge.add_repository(REPO)
        told = self.told(open_site(use_graphql=use_graphql), NotFoundError, 2)
        assert "is empty on gitlab: it has no branch 'main'; push a first commit" in told

    def test_absent_branch(self, seeded, open_site, use_graphql):
        repository = open_site(use_graphql=use_graphql)
        with pytest.raises(NotFoundError, match="no branch 'mian' on gitlab; the default branch is 'main'"):
            repository.get_branch("mian")

    def test_renamed_project_is_read_and_not_written(self, seeded, forge, open_site, use_graphql):
        repository = open_site(use_graphql=use_graphql)
        forge.rename(seeded, "group/other/site")
        head = repository.get_branch("main").commit_sha
        assert head == seeded.head("main")
        assert len(repository.list_files(head)) == 3
        with pytest.raises(NotFoundError, match="the project has another path now, and nothing was written"):
            repository.commit_changes(NewCommit("main", head, (Put("new.md", b"new"),), "New"))
        assert seeded.head("main") == head

    def test_archived_project(self, seeded, open_site, use_graphql):
        seeded.archived = True
        repository = open_site(use_graphql=use_graphql)
        head = repository.get_branch("main").commit_sha
        assert repository.authenticate().may_write is False
        with pytest.raises(PermissionDeniedError):
            repository.commit_changes(NewCommit("main", head, (Put("new.md", b"new"),), "New"))
        assert seeded.head("main") == head

    def test_branch_that_is_protected_says_what_to_do(self, seeded, open_site, use_graphql):
        seeded.protections["main"] = Protection()
        repository = open_site(use_graphql=use_graphql)
        head = repository.get_branch("main").commit_sha
        with pytest.raises(PermissionDeniedError, match="the branch is protected: propose the change"):
            repository.commit_changes(NewCommit("main", head, (Put("new.md", b"new"),), "New"))

    def test_root_that_answers_html(self, use_graphql, settings):
        class Page(ServerSimulator):
            def respond(self, request):
                return Response("<html>Sign in</html>", 200, content_type="text/html")

        with Page() as page:
            repository = open_repository(
                *("gitlab",), repo="g/r", api_root=page.url, credential="t0ken", http=settings,
                use_graphql=use_graphql,
            )  # fmt: skip
            with pytest.raises(ProtocolError, match="text/html"):
                repository.get_branch("main")
            assert len(page.log) == 1

    def test_root_that_is_not_secure(self, use_graphql, settings):
        for option in ("api_root", "graphql_api_root"):
            with pytest.raises(ConfigError, match="https"):
                open_repository(
                    *("gitlab",), repo="g/r", credential="t0ken", http=settings, use_graphql=use_graphql,
                    **{option: "http://git.example.org/api/v4"},
                )  # fmt: skip


def test_flows_of_login_are_those_of_the_configuration():
    def kinds(**options: str) -> list[str]:
        return [flow.kind for flow in login_flows("gitlab", repo="g/r", **options)]

    assert kinds() == ["token", "popup"]
    assert kinds(auth_type="pkce", app_id="id") == ["pkce", "device", "token"]
    assert kinds(auth_type="implicit", app_id="id") == ["implicit", "pkce", "device", "token"]
    assert kinds(app_id="id") == ["token", "popup", "pkce", "device"]
