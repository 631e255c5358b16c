"""What the real GitHub answered is understood: each recorded answer, read by what the backend reads it with.

The recordings are no part of the project. They are of 2019 to 2024, made by other programs, so that REST answers
are whole and those to GraphQL hold what others asked for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

pytest.importorskip("simulators.recorded", reason="what reads the recordings is not beside these tests")

from copydesk import blobs, open_repository
from copydesk.blobs import blob_sha
from copydesk.errors import (
    AuthenticationError,
    ConflictError,
    NotFoundError,
    ProtocolError,
)
from copydesk.http import Reply, read_reply
from copydesk.models import FileVersion, NewCommit, NewPullRequest, PullRequest
from copydesk_github import api, queries
from means.recordings import Recordings, answer_of, check_all_read, is_full, is_time, playing
from simulators.recorded import FOLDER, Recorded, content_of

pytestmark = pytest.mark.skipif(not FOLDER.exists(), reason=f"the recordings are not at {FOLDER}")

RECORDED = Recordings("github-*.jsonl", "misc-github.jsonl")
exchanges = RECORDED.of
#: Recorded endpoints that nothing in the backend reads, and why.
LEFT_OUT = {
    r".* /(orgs|users|rate_limit)(/.*)?": "people and quotas are not looked at",
    r".* /repos/{owner}/{repo}(/forks|/merge-upstream|/collaborators/.*)": "for forks, which copydesk does not do",
    r"(DELETE|PATCH) /(repos/{owner}/{repo}|repositories/{repository_id})": "repositories are not administered",
    r".* /repos/{owner}/{repo}/branches.*": "git/ref and commits/{ref} tell a head in less",
    r".*/contents.*": "trees and blobs are read and written, which have no limit of a megabyte",
    r".*/(issues|issues/{issue_number})": "issues that are no pull requests",
    r".* /repos/{owner}/{repo}/labels.*": "labels are not administered",
    r"GET .*/commits/{ref}": "asked for with the media type sha, which is the sha and nothing else",
    r"GET .*/git/commits/{commit_sha}": "commits are read from listings",
    r".*/merges": "branches are merged as pull requests",
    r"GET .*/pulls/{pull_number}/(commits|files|merge)": "compare tells it at a fixed commit",
    r".*/tarball.*": "whole archives are not read",
    r".*/statuses(/{sha})?": "statuses are read in the combined listing; writing them is for builds",
    r".* \?.*": "another origin",
}
#: Fields of a pull request that the recorded GraphQL documents did not ask for, and what stands there instead.
NOT_ASKED = {
    "isCrossRepository": False,
    "updatedAt": "2020-01-01T00:00:00Z",
    "url": "https://github.com/owner/repo/pull/0",
    "author": None,
}
#: Recorded GraphQL operations that are not read, and why.
OPERATIONS_LEFT_OUT = {
    "files": "folders are listed by REST",
    "fileSha": "the sha of a file is in the tree",
    "branch": "another name for the fields of ref",
    "statues": "checks are read by REST",
    "openAuthoringBranches": "for forks, which copydesk does not do",
    "createBranch": "its answer is not read: the commit on the branch is",
    "updateRef": "commits are made by createCommitOnBranch",
    "deleteRef": "branches are deleted by updateRefs, which checks the head",
    "GetPullRequestID": "a listing tells the id",
}


# -- REST: what an answer holds -----------------------------------------------------------------------


def check_repository(each: Recorded, raw: Any) -> None:
    info = api.read_repository(answer_of(each))
    assert info.name == f"{raw['owner']['login']}/{raw['name']}"
    assert info.default_branch == raw["default_branch"]
    assert info.may_write is (raw["permissions"]["push"] and not raw["archived"])
    assert info.web_url == raw["html_url"]
    assert info.lfs_url == f"{raw['html_url']}.git/info/lfs"


def check_user(each: Recorded, raw: Any) -> None:
    repository = next(other for other, _ in exchanges("GET /repos/{owner}/{repo}"))
    access = api.read_access(answer_of(each), answer_of(repository))
    assert access.user is not None
    assert (access.user.login, access.user.name) == (raw["login"], raw["name"] or "")
    assert access.user.email == (raw.get("email") or "")
    assert access.may_write is True
    scopes = each.answer_headers.get("x-oauth-scopes", "")
    assert ", ".join(access.scopes) == scopes


def check_ref(each: Recorded, raw: Any) -> None:
    name, sha = api.read_ref(raw)
    assert raw["ref"] in {f"refs/heads/{name}", name}
    assert is_full(sha)
    assert raw["object"]["url"].endswith(sha)
    if each.method != "GET":
        assert sha == each.body["sha"]


def check_matching_refs(each: Recorded, raw: Any) -> None:
    refs = [api.read_ref(ref) for ref in raw]
    assert len({name for name, _ in refs}) == len(raw)
    assert all(is_full(sha) and not name.startswith("refs/heads/") for name, sha in refs)
    assert [name for name, _ in refs] == sorted(name for name, _ in refs)


def check_tree(each: Recorded, raw: Any) -> None:
    entries = api.read_tree(raw, "some/folder")
    folders = api.read_subtrees(raw)
    assert len(entries) + len(folders) == len(raw["tree"])
    told = {item["path"]: item for item in raw["tree"]}
    for entry in entries:
        item = told[entry.path.removeprefix("some/folder/")]
        assert is_full(entry.version.blob_sha)
        assert (entry.version.blob_sha, entry.version.mode) == (item["sha"], item["mode"])
        assert entry.size == item["size"]
    assert all(told[name]["type"] == "tree" and told[name]["sha"] == sha for name, sha in folders)


def check_blob(each: Recorded, raw: Any) -> None:
    """The bytes are those of the sha in the address, by media type raw and within JSON."""
    sha = urlsplit(each.url).path.rpartition("/")[2]
    content = each.content if raw is None else content_of(raw)
    assert content is not None
    assert blobs.check_blob("github", "a path", content, FileVersion(sha)) == content
    with pytest.raises(ProtocolError, match="gave other bytes for 'a path'"):
        blobs.check_blob("github", "a path", content + b"!", FileVersion(sha))


def check_stored_blob(each: Recorded, raw: Any) -> None:
    """GitHub gives what is stored the name that we give it."""
    assert is_full(raw["sha"])
    sent = content_of(each.body) if each.body.get("encoding") == "base64" else each.body["content"].encode()
    assert sent is not None
    if b"wner" not in sent:  # names of people were replaced, also in what was stored
        assert blob_sha(sent) == raw["sha"]


def check_commits(each: Recorded, raw: Any) -> None:
    for item in raw:
        commit = api.read_listed_commit(item)
        assert is_full(commit.commit_sha)
        assert commit.commit_sha == item["sha"]
        assert all(map(is_full, commit.parent_commit_shas))
        assert len(commit.parent_commit_shas) == len(item["parents"])
        assert is_time(commit.date, item["commit"]["committer"]["date"])
        assert commit.message == item["commit"]["message"]
        assert commit.author.email == item["commit"]["author"]["email"]
        assert commit.author.login == (item["author"] or item["commit"]["author"]).get(
            "login", item["commit"]["author"]["name"]
        )


def check_made_tree(each: Recorded, raw: Any) -> None:
    """What was put into a tree is in the one that was made; what was taken out is not."""
    assert is_full(raw["sha"])
    there = {entry.path: entry.version.blob_sha for entry in api.read_tree(raw, "")}
    for item in each.body["tree"]:
        if "/" not in item["path"] and item.get("sha"):
            assert there[item["path"]] == item["sha"]


def check_made_commit(each: Recorded, raw: Any) -> None:
    parent = (each.body["parents"] or [""])[0]
    made = api.read_made_commit(answer_of(each), NewCommit("main", parent, (), each.body["message"]))
    assert is_full(made.commit_sha)
    assert raw["url"].endswith(made.commit_sha)
    assert made.parent_commit_shas == tuple(each.body["parents"])
    assert made.message == each.body["message"]
    assert is_time(made.date, raw["committer"]["date"])
    assert made.author.name == raw["author"]["name"]


def check_comparison(each: Recorded, raw: Any) -> None:
    if raw is None:
        assert "diff" in each.headers["accept"]  # asked for as a text
        return
    comparison = api.read_comparison(raw)
    assert is_full(comparison.merge_base_commit_sha)
    if raw["status"] in {"ahead", "identical"}:
        assert comparison.merge_base_commit_sha == raw["base_commit"]["sha"]
    assert [file.path for file in comparison.files] == sorted(item["filename"] for item in raw["files"])
    told = {item["filename"]: item["status"] for item in raw["files"]}
    words = {"added": "added", "modified": "modified", "removed": "deleted", "renamed": "renamed"}
    assert all(file.kind == words[told[file.path]] for file in comparison.files)


def check_pull_request(raw: Any) -> None:
    pull = api.read_pull_request(raw)
    assert pull.number == raw["number"]
    assert raw["html_url"].endswith(f"/pull/{pull.number}") or "octokit" in raw["html_url"]
    assert pull.node_id == raw.get("node_id", "")
    assert pull.title == raw["title"]
    assert pull.state == ("merged" if raw["merged_at"] else raw["state"])
    assert (pull.head, pull.base) == (raw["head"]["ref"], raw["base"]["ref"])
    assert is_full(pull.head_commit_sha)
    assert (pull.head_commit_sha, pull.base_commit_sha) == (raw["head"]["sha"], raw["base"]["sha"])
    assert list(pull.labels) == [label["name"] for label in raw.get("labels", ())]
    assert pull.author is not None
    assert pull.author.login == raw["user"]["login"]
    assert is_time(pull.updated_at, raw["updated_at"])
    assert pull.from_fork is (raw["head"]["label"].split(":")[0] != raw["base"]["label"].split(":")[0])


def check_pull_requests(each: Recorded, raw: Any) -> None:
    for item in raw:
        check_pull_request(item)


def check_one_pull_request(each: Recorded, raw: Any) -> None:
    check_pull_request(raw)
    body = each.body or {}  # some requests were recorded without
    assert api.read_pull_request(raw).title == body.get("title", raw["title"])
    assert api.read_pull_request(raw).state == body.get(
        "state", raw["state"] if not raw["merged"] else "merged"
    )


def check_statuses(each: Recorded, raw: Any) -> None:
    checks = api.read_statuses(raw)
    assert len(checks) == raw["total_count"] == len(raw["statuses"])
    for (when, check), item in zip(checks, raw["statuses"], strict=True):
        assert when == item["updated_at"]
        assert (check.name, check.state, check.url) == (item["context"], item["state"], item["target_url"])


REPO = "/repos/{owner}/{repo}"
CHECKS: Mapping[str, Callable[[Recorded, Any], None]] = {
    f"GET {REPO}": check_repository,
    "GET /repositories/{repository_id}": check_repository,
    "GET /user": check_user,
    f"GET {REPO}/git/ref/{{ref}}": check_ref,
    f"GET {REPO}/git/refs/{{ref}}": check_ref,
    f"POST {REPO}/git/refs": check_ref,
    f"PATCH {REPO}/git/refs/{{ref}}": check_ref,
    f"GET {REPO}/git/refs": check_matching_refs,
    f"GET {REPO}/git/matching-refs/{{ref}}": check_matching_refs,
    f"GET {REPO}/git/trees/{{tree_sha}}": check_tree,
    f"GET {REPO}/git/blobs/{{file_sha}}": check_blob,
    f"POST {REPO}/git/blobs": check_stored_blob,
    f"POST {REPO}/git/trees": check_made_tree,
    f"POST {REPO}/git/commits": check_made_commit,
    f"GET {REPO}/commits": check_commits,
    f"GET {REPO}/compare/{{basehead}}": check_comparison,
    f"GET {REPO}/pulls": check_pull_requests,
    f"POST {REPO}/pulls": check_one_pull_request,
    f"GET {REPO}/pulls/{{pull_number}}": check_one_pull_request,
    f"PATCH {REPO}/pulls/{{pull_number}}": check_one_pull_request,
    f"GET {REPO}/commits/{{ref}}/status": check_statuses,
}
#: Endpoints whose answers the backend reads itself; they are played to it below.
PLAYED = {
    f"DELETE {REPO}/git/refs/{{ref}}",
    f"POST {REPO}/issues/{{issue_number}}/labels",
    f"PUT {REPO}/issues/{{issue_number}}/labels",
    f"DELETE {REPO}/issues/{{issue_number}}/labels/{{name}}",
    f"PUT {REPO}/pulls/{{pull_number}}/merge",
    f"PUT {REPO}/pulls/{{pull_number}}/update-branch",
}


@pytest.mark.parametrize("endpoint", CHECKS)
def test_answers_are_understood(endpoint):
    for each, raw in exchanges(endpoint, 200, 201):
        CHECKS[endpoint](each, raw)


def test_every_recorded_endpoint_is_read_or_has_its_reason():
    endpoints = {each.endpoint for each in RECORDED.all if "/graphql" not in each.url}
    check_all_read(endpoints, CHECKS.keys() | PLAYED, LEFT_OUT)


# -- REST: refusals -----------------------------------------------------------------------------------

PULL = PullRequest(1, "", "title", "open", "cms/posts/a", "1" * 40, "main", (), None, None)
NEW_PULL = NewPullRequest("title", "", "cms/posts/a", "main", (), squash=False, author=None)


def test_every_refusal_is_said_in_github_s_words():
    refused = [each for each in RECORDED.all if each.status >= 400]
    assert len(refused) > 50
    for each in refused:
        said = api.sentence_of(answer_of(each))
        raw = json.loads(each.content)
        assert said.startswith(" ".join(raw["message"].split()))
        for error in raw.get("errors", ()):
            assert error.get("message", error.get("field")) in said


def refusal(endpoint: str, status: int, words: str) -> str:
    """Give the words of a recorded refusal that are read."""
    said = [api.sentence_of(answer_of(each)) for each, _ in exchanges(endpoint, status)]
    return next(each for each in said if words in each)


def test_pull_request_that_exists_is_a_conflict():
    said = refusal(f"POST {REPO}/pulls", 422, "already exists")
    error = api.create_error(said, NEW_PULL)
    assert isinstance(error, ConflictError)
    assert error.branch == "cms/posts/a"


def test_base_that_is_not_there_is_not_found():
    said = refusal(f"PATCH {REPO}/pulls/{{pull_number}}", 422, "was not found")
    error = api.create_error(said, NEW_PULL)
    assert isinstance(error, NotFoundError)
    assert "'non-existing' was not found" in str(error)


def test_stale_head_of_an_update_is_a_conflict():
    said = refusal(f"PUT {REPO}/pulls/{{pull_number}}/update-branch", 422, "expected head")
    assert isinstance(api.update_error(said, PULL), ConflictError)


def test_missing_ref_of_a_write_is_not_found():
    each, _ = next(exchanges(f"GET {REPO}/git/refs/{{ref}}", 404))
    assert isinstance(api.ref_error(answer_of(each), "some"), NotFoundError)


@pytest.mark.parametrize("status", [403, 429])
def test_refusal_for_haste_is_a_limit(status):
    for each, _ in exchanges(f"GET {REPO}", status):
        limit = api.DIALECT.limits(answer_of(each))
        assert limit is not None
        assert limit.refused


def test_refusal_for_rights_is_no_limit():
    for each, _ in exchanges(f"GET {REPO}/collaborators/{{username}}/permission", 403):
        limit = api.DIALECT.limits(answer_of(each))
        assert limit is None or not limit.refused


def test_quota_in_the_headers_is_read():
    counted = [each for each in RECORDED.all if "x-ratelimit-reset" in each.answer_headers]
    assert len(counted) > 100
    for each in counted:
        limit = api.DIALECT.limits(answer_of(each))
        assert limit is not None
        assert limit.remaining == int(each.answer_headers["x-ratelimit-remaining"])
        assert limit.resets_at == int(each.answer_headers["x-ratelimit-reset"])


def test_pages_are_followed():
    """The Link headers on record name what comes next, by the number of the repository."""
    linked = [each for each in RECORDED.all if "link" in each.answer_headers]
    nexts = [answer_of(each).links.get("next") for each in linked]
    assert len(nexts) >= 5
    assert all(each is None or each.startswith("https://api.github.com/") for each in nexts)
    assert any(each and "/repositories/" in each and "page=2" in each for each in nexts)


# -- REST: played to the backend ----------------------------------------------------------------------


@pytest.fixture
def played(settings):
    """Open a backend without GraphQL whose next requests are answered with recorded answers."""

    def connect(root, http):
        given = {"repo": "owner/repo", "api_root": root, "use_graphql": False, "branch": "master"}
        return open_repository("github", credential="played", http=http, **given)

    headers = {"location", "retry-after", "x-ratelimit-remaining", "x-ratelimit-reset"}
    with playing(settings, connect, headers) as player:
        yield player


def test_labels_are_those_of_the_answer(played):
    endpoint = f"POST {REPO}/issues/{{issue_number}}/labels"
    for name in (endpoint, endpoint.replace("POST", "PUT")):
        for each, raw in exchanges(name):
            labelled = played(each).set_labels(PULL, ("a label",), ())
            assert labelled.labels == tuple(label["name"] for label in raw)
            assert all(label["node_id"] for label in raw if "node_id" in label)


def test_label_that_is_gone_already_is_no_error(played):
    for each, raw in exchanges(f"DELETE {REPO}/issues/{{issue_number}}/labels/{{name}}", 200, 404):
        name = unquote(urlsplit(each.url).path.rpartition("/")[2])
        left = played(each).set_labels(PULL, (), (name,))
        told = () if each.status == 404 else tuple(label["name"] for label in raw)
        assert left.labels == told
        assert name not in left.labels


def test_merge_gives_the_commit(played):
    for each, raw in exchanges(f"PUT {REPO}/pulls/{{pull_number}}/merge"):
        merge = played(each).merge_pull_request(PULL, "merge", "", delete_branch=False)
        assert is_full(merge.commit_sha)
        assert merge.commit_sha == raw["sha"]
        assert not merge.branch_deleted


def test_branch_is_deleted_where_it_was_seen(played):
    head, raw = next(
        (each, raw)
        for each, raw in exchanges(f"GET {REPO}/git/refs/{{ref}}")
        if raw["ref"].startswith("refs/heads/")
    )
    for each, _ in exchanges(f"DELETE {REPO}/git/refs/{{ref}}", 204):
        assert played(head, each).delete_branch("some", raw["object"]["sha"])


def test_branch_that_is_not_there_is_not_deleted(played):
    for each, _ in exchanges(f"GET {REPO}/git/refs/{{ref}}", 404):
        assert not played(each).delete_branch("some", "1" * 40)


def test_update_is_looked_for_until_it_is_there(played):
    updated, _ = next(exchanges(f"PUT {REPO}/pulls/{{pull_number}}/update-branch", 202))
    head, raw = next(exchanges(f"GET {REPO}/git/refs/{{ref}}"))
    branch = played(updated, head).update_from_base(PULL)
    assert branch.commit_sha == raw["object"]["sha"]


def test_commit_that_is_not_there_is_not_found(played):
    tree, _ = next(exchanges(f"GET {REPO}/git/trees/{{tree_sha}}", 404))
    compared, _ = next(exchanges(f"GET {REPO}/compare/{{basehead}}", 404))
    with pytest.raises(NotFoundError, match="there is no commit 111111111111"):
        played(tree).list_files("1" * 40)
    with pytest.raises(NotFoundError, match="cannot compare"):
        played(compared).compare("1" * 40, "2" * 40)


def test_empty_repository_is_not_found(played):
    empty, _ = next(exchanges(f"GET {REPO}/commits", 409))
    with pytest.raises(NotFoundError, match="has no branch 'master'"):
        played(empty).get_branch("master")


def test_wrong_credential_is_told(played):
    for each, _ in exchanges(f"GET {REPO}", 401):
        with pytest.raises(AuthenticationError, match="Bad credentials"):
            played(each).get_repository()


def test_repository_that_nobody_may_see_is_not_found(played):
    for each, _ in exchanges(f"GET {REPO}", 404):
        with pytest.raises(NotFoundError):
            played(each).get_repository()


def test_haste_is_waited_out_and_asked_again(played):
    there, raw = next(exchanges(f"GET {REPO}"))
    for each, _ in exchanges(f"GET {REPO}", 429):
        before = played.clock()
        assert played(each, there).get_repository().name == raw["full_name"]
        assert 8 <= played.clock() - before < 10


# -- GraphQL ------------------------------------------------------------------------------------------


def operations(*names: str) -> Iterator[tuple[Recorded, Any]]:
    """Give the exchanges of named GraphQL operations; there must be some."""
    found = [each for each in RECORDED.all if "/graphql" in each.url and operation_of(each) in names]
    assert found, f"nothing of {names} is on record"
    for each in found:
        yield each, each.answer


def operation_of(each: Recorded) -> str:
    found = re.match(r"\s*(?:query|mutation)?\s*(\w*)", each.body["query"])
    return found[1] if found else ""


def check_graphql_pull_request(raw: Mapping[str, Any]) -> None:
    assert not NOT_ASKED.keys() & raw.keys()
    labels = {"nodes": [{"id": "", **node} for node in raw["labels"]["nodes"]]}
    pull = queries.read_pull_request({**raw, **NOT_ASKED, "labels": labels})
    assert (pull.number, pull.node_id, pull.title) == (raw["number"], raw["id"], raw["title"])
    assert pull.state in {"open", "closed", "merged"}
    assert pull.state == raw["state"].lower()
    assert (pull.state == "merged") is bool(raw["merged_at"])
    assert (pull.head, pull.base) == (raw["headRefName"], raw["baseRefName"])
    assert is_full(pull.head_commit_sha)
    assert is_full(pull.base_commit_sha)
    assert list(pull.labels) == [node["name"] for node in raw["labels"]["nodes"]]
    assert pull.changed_files is None


def test_graphql_listings_are_understood():
    pulls = [
        node
        for each, raw in operations("pullRequests")
        for node in (read_reply(answer_of(each)).part("repository") or {})["pullRequests"]["nodes"]
    ]
    assert {node["state"] for node in pulls} >= {"OPEN", "CLOSED", "MERGED"} or len(pulls) > 50
    for node in pulls:
        check_graphql_pull_request(node)


@pytest.mark.parametrize(
    ("operation", "field"),
    [
        ("createPullRequest", "createPullRequest"),
        ("createBranchAndPullRequest", "createPullRequest"),
        ("closePullRequestAndDeleteBranch", "closePullRequest"),
    ],
)
def test_graphql_payloads_are_understood(operation, field):
    for each, _ in operations(operation):
        reply = read_reply(answer_of(each))
        assert reply.errors == ()
        part = reply.part(field)
        assert part is not None
        check_graphql_pull_request(part["pullRequest"])


def test_graphql_texts_have_the_bytes_of_their_sha():
    by_sha = [each for each, _ in operations("blob") if is_full(each.body["variables"]["expression"])]
    assert len(by_sha) > 50
    for each in by_sha:
        sha = each.body["variables"]["expression"]
        raw = each.answer["data"]["repository"]["object"]
        told = {"text": raw["text"], "isBinary": raw["is_binary"], "isTruncated": False}
        found = queries.read_blobs(Reply({"repository": {"b0": told}}), [sha])
        assert not raw["is_binary"]
        # One recorder took a character apart where a chunk ended; such bytes are asked for again by REST.
        assert blobs.is_blob(found[sha], FileVersion(sha)) is ("\ufffd" not in raw["text"])


def test_graphql_viewer_and_rights_are_understood():
    viewers = [raw["data"]["viewer"] for _, raw in operations("")]
    for each, viewer in zip(operations("repoPermission"), viewers, strict=False):
        raw = each[1]["data"]["repository"]
        info = {
            "nameWithOwner": "owner/repo",
            "isArchived": False,
            "deleteBranchOnMerge": False,
            "url": "https://github.com/owner/repo",
            "labels": {"nodes": []},
        }
        reply = Reply({"viewer": viewer, "repository": {**raw, **info}})
        opened = queries.read_open(reply, "owner/repo")
        assert opened.node_id == raw["id"]
        assert opened.info.may_write is (raw["viewerPermission"] == "ADMIN")
        assert opened.viewer.login == viewer["login"]
        assert opened.viewer.name == (viewer["name"] or "")


def test_graphql_failure_of_a_field_is_understood():
    """The one failed field on record: data is null there, and the error has type, path and message."""
    failed = [each for each, raw in operations("EnableAutoMerge") if "errors" in raw]
    assert failed
    for each in failed:
        reply = read_reply(answer_of(each))
        assert reply.part("enablePullRequestAutoMerge") is None
        error = reply.error("enablePullRequestAutoMerge")
        assert error is not None
        assert error == reply.error()
        assert reply.error("another") is None
        assert "verified email" in str(queries.error_of(error, "merge later"))


def test_every_recorded_operation_is_read_or_has_its_reason():
    names = {operation_of(each) for each in RECORDED.all if "/graphql" in each.url}
    done = {
        *(
            "pullRequests",
            "createPullRequest",
            "createBranchAndPullRequest",
            "closePullRequestAndDeleteBranch",
        ),
        *("blob", "", "repoPermission", "EnableAutoMerge"),
    }
    assert names == done | OPERATIONS_LEFT_OUT.keys()
