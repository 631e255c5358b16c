"""The simulator of GitHub: a client of strangers, GitHub's own descriptions, and its answers on record."""

from __future__ import annotations

import base64
import json

import pytest
import requests

github = pytest.importorskip("github", reason="PyGithub is not installed")
pytest.importorskip("graphql", reason="graphql-core is not installed")
pytest.importorskip("jsonschema", reason="jsonschema is not installed")

from simulators.client import Client  # noqa: E402
from simulators.github import Codeload, GitHubSimulator  # noqa: E402
from simulators.github.validate import check  # noqa: E402
from simulators.store import Forge, Protection  # noqa: E402

FILES = {
    "README.md": b"# A site\n",
    "content/posts/hello.md": b"one\ntwo\nthree\n",
    "bin/run": b"#!/bin/sh\n",
}
MISSING = "0123456789" * 4


@pytest.fixture
def forge(tmp_path):
    forge = Forge(tmp_path / "forge")
    owner = forge.add_user("owner", "Site Owner", "owner@example.org")
    forge.add_token("full", owner)
    forge.add_token("reader", forge.add_user("reader"), "read")
    forge.add_token("classic-reader", forge.users["reader"], "read", fine_grained=False)
    forge.add_token("stranger", forge.add_user("stranger"), "none")
    forge.add_repository("owner/site", FILES, modes={"bin/run": 0o100755})
    yield forge
    forge.close()


@pytest.fixture
def site(forge):
    return forge.repository("owner/site")


@pytest.fixture
def simulator(forge):
    """Every exchange of every test is held against GitHub's description."""
    with GitHubSimulator(forge) as simulator:
        yield simulator
    for exchange in simulator.log:
        check(exchange, simulator.root)


@pytest.fixture
def ask(simulator):
    with Client(simulator, "/repos/owner/site") as client:
        yield client


def draft(site, branch="draft", path="content/posts/new.md", content=b"new\n", **more):
    site.commit_files(branch, {path: content}, f"Add {path}", start="main")
    return site.open_pull(f"Add {path}", branch, **more)


# -- a client of strangers ----------------------------------------------------------------------------


def test_pygithub_makes_a_commit_a_pull_request_and_merges_it(simulator, site, git):
    api = github.Github(
        base_url=simulator.url,
        auth=github.Auth.Token("full"),
        seconds_between_requests=0,
        seconds_between_writes=0,
    )
    repository = api.get_repo("owner/site")
    assert api.get_user().login == "owner"
    main = repository.get_branch("main").commit.sha
    listed = {each.path: each.mode for each in repository.get_git_tree(main, recursive=True).tree}
    assert listed["bin/run"] == "100755"
    blob = repository.create_git_blob(base64.b64encode(b"\x89PNG").decode(), "base64")
    elements = [
        github.InputGitTreeElement("static/a.png", "100644", "blob", sha=blob.sha),
        github.InputGitTreeElement("content/posts/new.md", "100644", "blob", content="new ü\n"),
        github.InputGitTreeElement("content/posts/hello.md", "100644", "blob", sha=None),
    ]
    tree = repository.create_git_tree(elements, repository.get_git_tree(main))
    parent = repository.get_git_commit(main)
    ann = github.InputGitAuthor("Ann", "ann@example.org", "2026-02-01T10:00:00+02:00")
    commit = repository.create_git_commit("Add a post", tree, [parent], author=ann)
    repository.create_git_ref("refs/heads/cms/posts/new", commit.sha)
    pull = repository.create_pull(base="main", head="cms/posts/new", title="Add a post", body="by hand")
    pull.add_to_labels("netlify-cms/draft")
    pull.set_labels("netlify-cms/pending_publish")
    assert [each.name for each in repository.get_pulls(head="owner:cms/posts/new")[0].labels] == [
        "netlify-cms/pending_publish"
    ]
    compared = repository.compare("main", commit.sha)
    assert {each.filename: each.status for each in compared.files} == {
        "content/posts/hello.md": "removed",
        "content/posts/new.md": "added",
        "static/a.png": "added",
    }
    merged = pull.merge("Published", sha=commit.sha)
    assert merged.merged
    repository.get_git_ref("heads/cms/posts/new").delete()
    assert repository.get_pull(pull.number).merged
    assert repository.get_contents("content/posts/new.md").decoded_content == "new ü\n".encode()
    api.close()
    assert git(site.path, "fsck", "--strict") == ""
    assert git(site.path, "cat-file", "-p", "main:content/posts/new.md") == "new ü"
    assert git(site.path, "log", "-1", "--format=%an %aI", commit.sha) == "Ann 2026-02-01T10:00:00+02:00"
    assert git(site.path, "rev-list", "--count", "main") == "3"


# -- who may ------------------------------------------------------------------------------------------


def test_wrong_token_is_told(ask):
    answer = ask("GET", Authorization="token wrong")
    assert (answer.status_code, answer.json()["message"]) == (401, "Bad credentials")


def test_reader_may_not_write(ask):
    body = {"ref": "refs/heads/x", "sha": MISSING}
    told = ask("POST", "/git/refs", body, Authorization="Bearer reader")
    assert (told.status_code, told.json()["message"]) == (
        403,
        "Resource not accessible by personal access token",
    )
    assert ask("POST", "/git/refs", body, Authorization="Bearer classic-reader").status_code == 404
    assert ask("GET", Authorization="Bearer reader").json()["permissions"]["push"] is False


def test_private_repository_is_not_there_for_a_stranger(ask, site):
    site.private = True
    assert ask("GET", Authorization="Bearer stranger").status_code == 404
    answer = ask.graphql('{repository(owner: "owner", name: "nothing") {id}}')
    assert answer["data"] == {"repository": None}
    assert answer["errors"][0]["type"] == "NOT_FOUND"


def test_archived_repository_is_read_only(ask, site):
    site.archived = True
    answer = ask("POST", "/git/blobs", {"content": "x"})
    assert (answer.status_code, answer.json()["message"]) == (403, "Repository was archived so is read-only.")


def test_renamed_repository_redirects(ask, forge, site):
    forge.rename(site, "owner/renamed")
    answer = ask("GET", "/branches/main")
    assert answer.status_code == 301
    followed = ask.session.get(answer.headers["Location"], timeout=10)
    assert followed.json()["name"] == "main"


def test_empty_repository_answers_409(ask, forge):
    forge.add_repository("owner/empty")
    url = f"{ask.simulator.url}/repos/owner/empty"
    for path in ("/commits", "/git/trees/main", "/git/ref/heads/main"):
        answer = ask.session.get(url + path, timeout=10)
        assert (answer.status_code, answer.json()["message"]) == (409, "Git Repository is empty.")


# -- limits -------------------------------------------------------------------------------------------


def test_known_commit_is_304_and_free(ask, simulator, site):
    first = ask("GET", "/commits/main", Accept="application/vnd.github.sha")
    assert first.text == site.head("main")
    assert first.headers["ETag"] == f'"{first.text}"'
    left = simulator.quota_left
    again = ask(
        "GET", "/commits/main", Accept="application/vnd.github.sha", If_None_Match=first.headers["ETag"]
    )
    assert (again.status_code, again.content, simulator.quota_left) == (304, b"", left)


def test_quota_runs_out(ask, simulator):
    simulator.quota_left = 1
    assert ask("GET").headers["X-RateLimit-Remaining"] == "0"
    answer = ask("GET")
    assert answer.status_code == 403
    assert answer.json()["message"].startswith("API rate limit exceeded for user ID")
    told = ask.graphql("{viewer {login}}")
    assert told["errors"][0]["type"] == "RATE_LIMITED"


def test_secondary_limit_says_when_to_come_back_or_not(ask, simulator):
    simulator.secondary_limit(retry_after="7")
    assert ask("GET").headers["Retry-After"] == "7"
    simulator.secondary_limit(status=429)
    answer = ask("GET")
    assert (answer.status_code, "Retry-After" in answer.headers) == (429, False)


def test_tree_and_comparison_are_cut_where_told(ask, simulator, site):
    simulator.tree_limit, simulator.compare_limit = 2, 1
    tree = ask("GET", "/git/trees/main?recursive=1").json()
    assert (len(tree["tree"]), tree["truncated"]) == (2, True)
    site.commit_files("draft", {"a": b"1", "b": b"2"}, start="main")
    assert len(ask("GET", "/compare/main...draft").json()["files"]) == 1


def test_what_was_just_created_is_not_found_for_a_while(ask, simulator, site):
    simulator.lag = 2
    ask("POST", "/git/refs", {"ref": "refs/heads/late", "sha": site.head("main")})
    assert [ask("GET", "/branches/late").status_code for _ in range(3)] == [404, 404, 200]


# -- refs and git data --------------------------------------------------------------------------------


def test_refs_are_compared_and_swapped(ask, site):
    main = site.head("main")
    other = site.commit_files("other", {"x": b"x"}, start="main")
    sibling = site.commit_files("sibling", {"y": b"y"}, start="main")
    create = {"ref": "refs/heads/a/b", "sha": main}
    assert ask("POST", "/git/refs", create).status_code == 201
    assert ask("POST", "/git/refs", create).json()["message"] == "Reference already exists"
    assert ask("POST", "/git/refs", {**create, "ref": "refs/heads/a"}).status_code == 422
    moved = ask("PATCH", "/git/refs/heads/a%2Fb", {"sha": other, "force": False})
    assert moved.json()["object"]["sha"] == other
    refused = ask("PATCH", "/git/refs/heads/a/b", {"sha": sibling})
    assert (refused.status_code, refused.json()["message"]) == (422, "Update is not a fast forward")
    assert ask("PATCH", "/git/refs/heads/a/b", {"sha": sibling, "force": True}).status_code == 200
    assert [each["ref"] for each in ask("GET", "/git/matching-refs/heads/a/").json()] == ["refs/heads/a/b"]
    assert ask("DELETE", "/git/refs/heads/a/b").status_code == 204
    gone = ask("DELETE", "/git/refs/heads/a/b")
    assert (gone.status_code, gone.json()["message"]) == (422, "Reference does not exist")
    assert ask("GET", "/git/ref/heads/a/b").status_code == 404


def test_blobs_and_contents_come_raw_and_as_json(ask, site):
    tree = ask("GET", "/git/trees/main?recursive=1").json()["tree"]
    entry = next(each for each in tree if each["path"] == "content/posts/hello.md")
    assert entry["size"] == 14
    raw = {"Accept": "application/vnd.github.raw+json"}
    assert ask("GET", f"/git/blobs/{entry['sha']}", **raw).content == b"one\ntwo\nthree\n"
    read = ask("GET", f"/git/blobs/{entry['sha']}").json()
    assert base64.b64decode(read["content"]) == b"one\ntwo\nthree\n"
    assert ask("GET", "/contents/content/posts/hello.md", **raw).content == b"one\ntwo\nthree\n"
    assert ask("GET", "/contents/content/posts/none.md").status_code == 404
    assert ask("GET", "/contents/x?ref=none").json()["message"] == "No commit found for the ref none"
    assert [each["type"] for each in ask("GET", "/contents").json()] == ["file", "dir", "dir"]


def test_history_of_a_path_comes_in_pages(ask, site):
    for number in range(5):
        site.commit_files("main", {"a.md": b"%d" % number}, f"Edit {number}")
        site.commit_files("main", {"b.md": b"%d" % number}, "Other")
    first = ask("GET", "/commits?path=a.md&sha=main&per_page=2")
    assert [each["commit"]["message"] for each in first.json()] == ["Edit 4", "Edit 3"]
    second = ask.session.get(first.links["next"]["url"], timeout=10)
    assert [each["commit"]["message"] for each in second.json()] == ["Edit 2", "Edit 1"]


def test_comparison_tells_renames_and_strangers(ask, site, git):
    text = b"".join(b"line %d\n" % number for number in range(30))
    site.commit_files("main", {"old.md": text})
    site.commit_files("draft", {"old.md": None, "new.md": text + b"more\n"}, start="main")
    site.commit_files("main", {"other.md": b"other"})
    compared = ask("GET", "/compare/main...draft").json()
    (file,) = compared["files"]
    assert (file["status"], file["previous_filename"], file["filename"]) == ("renamed", "old.md", "new.md")
    assert (compared["status"], compared["ahead_by"], compared["behind_by"]) == ("diverged", 1, 1)
    site.commit_files("orphan", {"a": b"a"})
    assert ask("GET", "/compare/main...orphan").status_code == 404
    assert ask("GET", "/compare/main...none").status_code == 404


# -- pull requests ------------------------------------------------------------------------------------


def test_pull_request_that_cannot_be_is_refused(ask, site):
    draft(site)
    body = {"title": "Again", "head": "draft", "base": "main"}
    answer = ask("POST", "/pulls", body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["message"] == "A pull request already exists for owner:draft."
    site.create_branch("same", site.head("main"))
    assert ask("POST", "/pulls", {**body, "head": "same"}).json()["errors"][0]["message"] == (
        "No commits between main and same"
    )
    assert ask("POST", "/pulls", {**body, "head": "none"}).json()["errors"][0]["field"] == "head"


def test_pull_requests_are_filtered_and_paged(ask, site):
    for number in range(4):
        draft(site, f"cms/{number}", f"{number}.md")
    site.close_pull(site.pull(1))
    pages = ask("GET", "/pulls?state=all&per_page=3&sort=created&direction=asc")
    assert [each["number"] for each in pages.json()] == [1, 2, 3]
    assert pages.links["next"]["url"].endswith("page=2")
    assert [each["number"] for each in ask("GET", "/pulls?head=owner:cms/2&base=main").json()] == [3]
    assert ask("GET", "/pulls?head=owner:cms/0").json() == []


def test_merge_is_guarded_by_the_head(ask, site):
    pull = draft(site)
    answer = ask("PUT", f"/pulls/{pull.number}/merge", {"sha": site.head("main")})
    assert answer.status_code == 409
    assert answer.json()["message"] == "Head branch was modified. Review and try the merge again."


def test_squash_merge_deletes_the_branch_when_the_repository_does(ask, site):
    site.delete_branch_on_merge = True
    pull = draft(site)
    body = {"merge_method": "squash", "commit_title": "Published", "commit_message": "by Ann"}
    merged = ask("PUT", f"/pulls/{pull.number}/merge", body).json()
    commit = site.commit(merged["sha"])
    assert (len(commit.parents), commit.message) == (1, "Published\n\nby Ann")
    assert site.head("draft") is None
    assert ask("GET", f"/pulls/{pull.number}").json()["merged"] is True
    assert ask("PUT", f"/pulls/{pull.number}/merge", {}).status_code == 405


def conflicting(site, pull):
    site.commit_files("main", {"content/posts/new.md": b"mine\n"})


def unfinished(site, pull):
    pull.draft = True


def unchecked(site, pull):
    site.protections["main"] = Protection(required_checks=("ci",))


def unread(site, pull):
    site.protections["main"] = Protection(required_reviews=1)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (conflicting, "Pull Request is not mergeable"),
        (unfinished, "Pull Request is still a draft"),
        (unchecked, 'Required status check "ci" is expected.'),
        (unread, "At least 1 approving review is required by reviewers with write access."),
    ],
)
def test_merge_is_refused_with_405(ask, site, make, message):
    pull = draft(site)
    make(site, pull)
    answer = ask("PUT", f"/pulls/{pull.number}/merge", {})
    assert (answer.status_code, answer.json()["message"]) == (405, message)
    assert site.pull(pull.number).state == "open"
    gave = ask.graphql(
        "mutation($id: ID!) {mergePullRequest(input: {pullRequestId: $id}) {pullRequest {number}}}",
        id=ask("GET", f"/pulls/{pull.number}").json()["node_id"],
    )
    assert gave["data"] == {"mergePullRequest": None}
    assert (gave["errors"][0]["type"], gave["errors"][0]["message"]) == ("UNPROCESSABLE", message)


def test_protected_branch_takes_no_push(ask, site):
    sha = site.commit_files("other", {"x": b"x"}, start="main")
    site.protections["main"] = Protection()
    answer = ask("PATCH", "/git/refs/heads/main", {"sha": sha})
    assert answer.status_code == 422
    assert "Changes must be made through a pull request" in answer.json()["message"]


def test_deleting_the_branch_closes_the_pull_request(ask, site):
    pull = draft(site)
    ask("DELETE", "/git/refs/heads/draft")
    assert ask("GET", f"/pulls/{pull.number}").json()["state"] == "closed"
    reopened = ask("PATCH", f"/pulls/{pull.number}", {"state": "open"})
    assert reopened.status_code == 422
    assert "branch has been deleted" in reopened.json()["errors"][0]["message"]


def test_branch_is_updated_from_its_base(ask, site):
    pull = draft(site)
    path = f"/pulls/{pull.number}/update-branch"
    assert ask("PUT", path, {}).json()["message"] == "There are no new commits on the base branch."
    site.commit_files("main", {"other.md": b"other"})
    wrong = ask("PUT", path, {"expected_head_sha": site.head("main")})
    assert (wrong.status_code, wrong.json()["message"]) == (
        422,
        "expected head sha didn’t match current head ref.",
    )
    assert ask("PUT", path, {"expected_head_sha": pull.head_sha}).status_code == 202
    assert len(site.commit("draft").parents) == 2
    assert [each["filename"] for each in ask("GET", f"/pulls/{pull.number}/files").json()] == [
        "content/posts/new.md"
    ]


def test_labels_are_created_and_taken_away(ask, site):
    path = f"/issues/{draft(site).number}/labels"
    assert [each["name"] for each in ask("POST", path, {"labels": ["a/b", "c"]}).json()] == ["a/b", "c"]
    assert [each["name"] for each in ask("DELETE", f"{path}/a%2Fb").json()] == ["c"]
    missing = ask("DELETE", f"{path}/a%2Fb")
    assert (missing.status_code, missing.json()["message"]) == (404, "Label does not exist")
    assert [each["name"] for each in ask("PUT", path, {"labels": ["d"]}).json()] == ["d"]
    assert [each["name"] for each in ask("GET", "/labels").json()] == ["a/b", "c", "d"]


def test_pull_request_of_a_deleted_fork_has_no_repository(ask, site):
    sha = site.commit_files("elsewhere", {"x": b"x"}, start="main")
    site.git.references.delete("refs/heads/elsewhere")
    site.open_pull("From a fork", "cms/x", fork="stranger/site", fork_deleted=True, head_sha=sha)
    (shown,) = ask("GET", "/pulls").json()
    assert (shown["head"]["label"], shown["head"]["repo"]) == ("stranger:cms/x", None)


def test_checks_of_all_three_kinds(ask, site):
    sha = site.head("main")
    ask(
        "POST",
        f"/statuses/{sha}",
        {"state": "success", "context": "ci", "target_url": "https://ci.example.org"},
    )
    site.add_check_run(sha, "build", "failure")
    site.add_deployment(sha, "Preview", "https://preview.example.org")
    assert ask("GET", f"/commits/{sha}/status").json()["statuses"][0]["context"] == "ci"
    assert ask("GET", f"/commits/{sha}/check-runs").json()["check_runs"][0]["conclusion"] == "failure"
    (made,) = ask("GET", f"/deployments?sha={sha}").json()
    steps = ask("GET", f"/deployments/{made['id']}/statuses").json()
    assert steps[0]["environment_url"] == "https://preview.example.org"
    query = """query($sha: GitObjectID!) {repository(owner: "owner", name: "site") {
      object(oid: $sha) {... on Commit {
      statusCheckRollup {contexts(first: 10) {nodes {__typename ... on StatusContext {context state}
        ... on CheckRun {name conclusion}}}}
      deployments(first: 5) {nodes {environment latestStatus {environmentUrl}}}}}}}"""
    commit = ask.graphql(query, sha=sha)["data"]["repository"]["object"]
    assert [each["__typename"] for each in commit["statusCheckRollup"]["contexts"]["nodes"]] == [
        "CheckRun",
        "StatusContext",
    ]
    assert (
        commit["deployments"]["nodes"][0]["latestStatus"]["environmentUrl"] == "https://preview.example.org"
    )


def test_tarball_comes_from_another_origin(ask, simulator, forge):
    with Codeload(forge) as codeload:
        simulator.codeload = codeload
        answer = ask("GET", "/tarball/main")
        assert answer.status_code == 302
        followed = requests.get(answer.headers["Location"], timeout=10)
    assert followed.content[:2] == b"\x1f\x8b"
    assert "Authorization" not in codeload.log[0].request_headers


def test_enterprise_is_below_its_own_paths(forge):
    with GitHubSimulator(forge, enterprise=True) as simulator:
        ask = Client(simulator, "/repos/owner/site")
        assert ask("GET").json()["url"] == f"{simulator.url}/api/v3/repos/owner/site"
        assert ask.graphql("{viewer {login}}") == {"data": {"viewer": {"login": "owner"}}}
        assert requests.get(f"{simulator.url}/repos/owner/site", timeout=5).status_code == 404
        ask.session.close()


# -- GraphQL ------------------------------------------------------------------------------------------

OPEN = """query($owner: String!, $name: String!) {
  viewer {login name email databaseId}
  rateLimit {cost remaining resetAt}
  repository(owner: $owner, name: $name) {
    id nameWithOwner viewerPermission isArchived isEmpty deleteBranchOnMerge
    defaultBranchRef {name target {oid}}
    refs(refPrefix: "refs/heads/cms/", first: 10) {nodes {name target {oid}}}
    labels(first: 100, query: "cms") {nodes {id name}}
    pullRequests(first: 100, states: OPEN, baseRefName: "main", orderBy: {field: UPDATED_AT, direction: DESC}) {
      pageInfo {hasNextPage endCursor}
      nodes {id number title state isDraft headRefName headRefOid baseRefName baseRefOid isCrossRepository
        updatedAt url author {login} labels(first: 20) {nodes {id name} pageInfo {hasNextPage}}
        files(first: 100) {nodes {path changeType} totalCount pageInfo {hasNextPage}}}}
    object(expression: "main") {... on Commit {oid history(first: 5, path: "README.md") {nodes {
      oid message committedDate authoredDate author {name email user {login}}
      parents(first: 2) {nodes {oid}}}}}}}}"""


def test_one_query_opens_a_repository(ask, site):
    draft(site, "cms/posts/new", labels=["cms/draft"])
    data = ask.graphql(OPEN, owner="owner", name="site")["data"]
    shown = data["repository"]
    assert data["viewer"]["email"] == "owner@example.org"
    assert shown["viewerPermission"] == "ADMIN"
    assert shown["defaultBranchRef"] == {"name": "main", "target": {"oid": site.head("main")}}
    assert [each["name"] for each in shown["refs"]["nodes"]] == ["posts/new"]
    (pull,) = shown["pullRequests"]["nodes"]
    assert pull["files"]["nodes"] == [{"path": "content/posts/new.md", "changeType": "ADDED"}]
    assert pull["labels"]["nodes"] == shown["labels"]["nodes"]
    assert shown["object"]["history"]["nodes"][0]["author"]["user"] == {"login": "owner"}


def test_unknown_field_is_an_error(ask):
    assert "Cannot query field 'nothing'" in ask.graphql("{viewer {nothing}}")["errors"][0]["message"]


def test_connection_wants_a_bound_of_a_hundred(ask):
    query = '{repository(owner: "owner", name: "site") {labels%s {totalCount}}}'
    assert ask.graphql(query % "")["errors"][0]["type"] == "MISSING_PAGINATION_BOUNDARIES"
    assert ask.graphql(query % "(first: 101)")["errors"][0]["type"] == "EXCESSIVE_PAGINATION"


def test_texts_are_cut_and_bytes_are_none(ask, site):
    site.commit_files("main", {"long.txt": b"x" * 600_000, "a.bin": b"\0\xff"})
    query = """{repository(owner: "owner", name: "site") {
      long: object(expression: "main:long.txt") {... on Blob {byteSize isTruncated text}}
      bin: object(expression: "main:a.bin") {... on Blob {isBinary text}}
      none: object(expression: "main:none") {oid}}}"""
    data = ask.graphql(query)["data"]["repository"]
    assert (data["long"]["byteSize"], data["long"]["isTruncated"], len(data["long"]["text"])) == (
        600000,
        True,
        512000,
    )
    assert data["bin"] == {"isBinary": True, "text": None}
    assert data["none"] is None


def test_too_many_objects_are_502_or_a_part(ask, simulator):
    objects = " ".join(f'a{number}: object(expression: "main") {{oid}}' for number in range(5))
    query = f'{{repository(owner: "owner", name: "site") {{{objects}}}}}'
    simulator.blob_limit = 3
    assert "Something went wrong" in ask.graphql(query)["errors"][0]["message"]
    assert simulator.log[-1].status == 502
    simulator.blob_limit_status = 200
    answer = ask.graphql(query)
    assert [bool(each) for each in answer["data"]["repository"].values()] == [True] * 3 + [False] * 2
    assert {each["type"] for each in answer["errors"]} == {"RESOURCE_LIMITS_EXCEEDED"}


CREATE = """mutation($ref: CreateRefInput!, $commit: CreateCommitOnBranchInput!, $pull: CreatePullRequestInput!) {
  createRef(input: $ref) {ref {id name target {oid}}}
  createCommitOnBranch(input: $commit) {commit {oid file(path: "bin/run") {mode oid}}}
  createPullRequest(input: $pull) {pullRequest {id number headRefOid}}}"""


def create(ask, site, name="cms/a", expected=None):
    repository = ask.graphql('{repository(owner: "owner", name: "site") {id}}')["data"]["repository"]["id"]
    head = site.head("main")
    addition = {"path": "bin/run", "contents": base64.b64encode(b"#!/bin/bash\n").decode()}
    return ask.graphql(
        CREATE,
        ref={"repositoryId": repository, "name": f"refs/heads/{name}", "oid": head},
        commit={
            "branch": {"repositoryNameWithOwner": "owner/site", "branchName": name},
            "expectedHeadOid": expected or head,
            "message": {"headline": "Edit", "body": "more"},
            "fileChanges": {"additions": [addition], "deletions": [{"path": "README.md"}]},
        },
        pull={"repositoryId": repository, "baseRefName": "main", "headRefName": name, "title": "Edit"},
    )


def test_one_document_makes_a_draft(ask, site, git):
    """A file that is written loses its mode, as on GitHub."""
    data = create(ask, site)["data"]
    assert (
        data["createPullRequest"]["pullRequest"]["headRefOid"]
        == data["createCommitOnBranch"]["commit"]["oid"]
    )
    assert data["createCommitOnBranch"]["commit"]["file"]["mode"] == 0o100644
    assert git(site.path, "log", "-1", "--format=%B", "cms/a") == "Edit\n\nmore"
    assert git(site.path, "fsck", "--strict") == ""


def test_stale_head_fails_its_field_and_the_next_runs(ask, site):
    """The pull request has no commits then, so it fails by itself."""
    answer = create(ask, site, expected=MISSING)
    assert answer["data"]["createRef"]["ref"]["name"] == "cms/a"
    assert answer["data"]["createCommitOnBranch"] is None
    stale, empty = answer["errors"]
    assert (stale["type"], stale["path"]) == ("STALE_DATA", ["createCommitOnBranch"])
    assert stale["message"] == (
        f'Expected branch to point to "{MISSING}" but it did not.  Pull and try again.'
    )
    assert (empty["type"], empty["message"]) == ("UNPROCESSABLE", "No commits between main and cms/a")


def test_chosen_field_fails(ask, simulator, site):
    simulator.fail_field("createPullRequest", "Something went wrong", "INTERNAL")
    answer = create(ask, site)
    assert answer["errors"][0]["type"] == "INTERNAL"
    assert site.head("cms/a") != site.head("main")
    assert create(ask, site, "cms/b")["data"]["createPullRequest"] is not None


def test_labels_are_swapped_and_created(ask, site):
    pull = draft(site, labels=["old"])
    site.create_label("new")
    shown = ask.graphql(OPEN.replace("cms", ""), owner="owner", name="site")["data"]["repository"]
    ids = {each["name"]: each["id"] for each in shown["labels"]["nodes"]}
    answer = ask.graphql(
        """mutation($id: ID!, $add: [ID!]!, $remove: [ID!]!, $repository: ID!) {
          createLabel(input: {repositoryId: $repository, name: "third", color: "ededed"}) {label {id}}
          addLabelsToLabelable(input: {labelableId: $id, labelIds: $add}) {clientMutationId}
          removeLabelsFromLabelable(input: {labelableId: $id, labelIds: $remove}) {
            labelable {labels(first: 5) {nodes {name}}}}}""",
        id=shown["pullRequests"]["nodes"][0]["id"],
        add=[ids["new"]],
        remove=[ids["old"]],
        repository=shown["id"],
    )
    assert answer["data"]["removeLabelsFromLabelable"]["labelable"]["labels"]["nodes"] == [{"name": "new"}]
    assert site.pull(pull.number).labels == ["new"]
    assert site.label("third")


UPDATE_REFS = "mutation($input: UpdateRefsInput!) {updateRefs(input: $input) {clientMutationId}}"


def test_refs_are_updated_all_or_none(ask, site):
    first, second = (site.commit_files(name, {name: b"x"}, start="main") for name in ("one", "two"))
    repository = ask.graphql('{repository(owner: "owner", name: "site") {id}}')["data"]["repository"]["id"]
    updates = [
        {"name": "refs/heads/one", "beforeOid": first, "afterOid": "0" * 40},
        {"name": "refs/heads/two", "beforeOid": first, "afterOid": "0" * 40},
    ]
    answer = ask.graphql(UPDATE_REFS, input={"repositoryId": repository, "refUpdates": updates})
    assert answer["errors"][0]["path"] == ["updateRefs"]
    assert (site.head("one"), site.head("two")) == (first, second)
    updates[1]["beforeOid"] = second
    answer = ask.graphql(UPDATE_REFS, input={"repositoryId": repository, "refUpdates": updates})
    assert "errors" not in answer
    assert (site.head("one"), site.head("two")) == (None, None)


def test_pull_request_is_closed_opened_updated_and_merged(ask, site):
    pull = draft(site)
    site.commit_files("main", {"other": b"x"})
    number = ask("GET", f"/pulls/{pull.number}").json()["node_id"]

    def mutate(field: str, given: str = "") -> dict:
        call = f"{field}(input: {{pullRequestId: $id {given}}}) {{pullRequest {{state title}}}}"
        text = f"mutation($id: ID!) {{{call}}}"
        answer = ask.graphql(text, id=number)
        assert "errors" not in answer
        return answer["data"][field]["pullRequest"]

    assert mutate("closePullRequest")["state"] == "CLOSED"
    assert mutate("reopenPullRequest")["state"] == "OPEN"
    assert mutate("updatePullRequest", 'title: "Better"')["title"] == "Better"
    assert mutate("updatePullRequestBranch", f'expectedHeadOid: "{pull.head_sha}"')["state"] == "OPEN"
    given = (
        f'expectedHeadOid: "{site.head("draft")}" mergeMethod: SQUASH commitHeadline: "Done" commitBody: ""'
    )
    assert mutate("mergePullRequest", given)["state"] == "MERGED"
    assert site.commit("main").message == "Done"


def test_foreign_push_is_seen(ask, site, git):
    """Whoever merges by pushing has merged the pull request."""
    pull = draft(site)
    git(site.path, "update-ref", "refs/heads/main", "refs/heads/draft")
    assert ask("GET", f"/pulls/{pull.number}").json()["merged"] is True
    assert json.loads(ask.simulator.log[-1].response_bytes)["state"] == "closed"
