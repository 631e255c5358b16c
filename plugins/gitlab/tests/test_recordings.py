"""What the real GitLab answered is understood: each recorded answer, read by what the backend reads it with.

The recordings are no part of the project. They are of 2017 to 2026, most of 2020, made by other programs, and
none is of GraphQL.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import attrs
import pytest

pytest.importorskip("simulators.recorded", reason="what reads the recordings is not beside these tests")

from copydesk import blobs, open_repository
from copydesk.blobs import blob_sha
from copydesk.errors import (
    AuthenticationError,
    ConflictError,
    NotFoundError,
    PermissionDeniedError,
    ProtocolError,
)
from copydesk.models import FileVersion, Mode, NewCommit, NewPullRequest, PullRequest, Put
from copydesk_gitlab import api
from means.recordings import Recordings, answer_of, check_all_read, is_full, is_time, playing
from simulators.recorded import FOLDER, Recorded

pytestmark = pytest.mark.skipif(not FOLDER.exists(), reason=f"the recordings are not at {FOLDER}")

RECORDED = Recordings("gitlab__*.jsonl", "misc-gitlab.jsonl")
exchanges = RECORDED.of
PROJECT = "/api/v4/projects/{id}"
#: Recorded endpoints that nothing in the backend reads, and why.
LEFT_OUT = {
    r"HEAD .*/(user|repository/tree)": "asked for with GET",
    r"GET .*/forks": "for forks, which copydesk does not do",
    r"DELETE .*/projects/{id}|.*/members": "projects are not administered",
    r".*/labels": "labels are made by setting them",
    r".*/issues": "issues that are no merge requests",
    r"GET .*/repository/files/{file_path}": "files are read raw, with the same in the headers",
    r"(POST|PUT|DELETE) .*/repository/files/{file_path}": "files are written by commits",
    r".*/merge_ref": "whether it can be merged is found by merging",
}


def asked(each: Recorded) -> dict[str, str]:
    """Give what a request asked for, in its address or in its body."""
    return dict(parse_qsl(urlsplit(each.url).query)) | (each.body or {})


# -- what an answer holds -----------------------------------------------------------------------------


def check_project(each: Recorded, raw: Any) -> None:
    info = api.read_repository(answer_of(each))
    assert info.name == raw["path_with_namespace"]
    assert info.default_branch == (raw["default_branch"] or "")
    assert info.web_url == raw["web_url"]
    assert info.clone_url == f"{raw['web_url']}.git"
    assert info.lfs_url == f"{raw['web_url']}.git/info/lfs"
    told = raw.get("permissions", {}).get("project_access")  # not in answers to who made the project
    assert api.level_of(raw) == (told and told["access_level"])
    assert info.may_write is (told and True)


def check_user(each: Recorded, raw: Any) -> None:
    project, _ = next(exchanges(f"GET {PROJECT}"))
    access = api.read_access(raw, answer_of(project), None)
    assert access.user is not None
    assert (access.user.login, access.user.name) == (raw["username"], raw["name"])
    assert access.user.email == raw["email"]
    assert access.may_write is True


def check_branches(each: Recorded, raw: Any) -> None:
    for item in raw:
        name, sha = api.read_branch(item)
        assert is_full(sha)
        assert item["web_url"].endswith(f"/-/tree/{name}") if "web_url" in item else name
        assert item["commit"]["short_id"] == sha[:8]


def check_tree(each: Recorded, raw: Any) -> None:
    entries = api.read_tree(raw)
    assert [entry.path for entry in entries] == [item["path"] for item in raw if item["type"] == "blob"]
    folder = asked(each).get("path")
    for entry, item in zip(entries, raw, strict=True):
        assert folder is None or entry.path.startswith(f"{folder}/")
        assert is_full(entry.version.blob_sha)
        assert (entry.version.blob_sha, entry.version.mode) == (item["id"], item["mode"])
        assert entry.size is None


def check_raw(each: Recorded, raw: Any) -> None:
    """The bytes are those of the sha in the headers, and the last commit is told."""
    path = unquote(urlsplit(each.url).path.split("/files/")[1].removesuffix("/raw"))
    file = api.read_raw(answer_of(each), path, Mode.FILE)
    headers = each.answer_headers
    assert file.path == path == headers["x-gitlab-file-path"]
    assert file.version.blob_sha == headers["x-gitlab-blob-id"]
    assert file.version.last_commit_sha == headers["x-gitlab-last-commit-id"]
    assert is_full(file.version.last_commit_sha)
    assert hashlib.sha256(file.content).hexdigest() == headers["x-gitlab-content-sha256"]
    assert blobs.check_blob("gitlab", path, file.content, file.version) == file.content
    with pytest.raises(ProtocolError, match="gave other bytes for 'a path'"):
        blobs.check_blob("gitlab", "a path", file.content + b"!", file.version)


def check_file(each: Recorded, raw: Any) -> None:
    last = api.read_last_commit(answer_of(each))
    assert is_full(last)
    assert last == each.answer_headers["x-gitlab-last-commit-id"]


def check_commits(each: Recorded, raw: Any) -> None:
    for item in raw:
        commit = api.read_commit(item)
        assert is_full(commit.commit_sha)
        assert commit.commit_sha == item["id"]
        assert all(map(is_full, commit.parent_commit_shas))
        assert list(commit.parent_commit_shas) == item["parent_ids"]
        assert is_time(commit.date, item["committed_date"])
        assert commit.message == item["message"]
        assert commit.author is not None
        assert (commit.author.name, commit.author.email) == (item["author_name"], item["author_email"])


def new_commit(each: Recorded, parent: str) -> NewCommit:
    """Give the commit that a recorded request asked for."""
    body = each.body
    changes = []
    for action in body["actions"]:
        known = {"create": None, "update": FileVersion("0" * 40)}
        content = base64.b64decode(action["content"])
        changes.append(Put(action["file_path"], content, known[action["action"]]))
    return NewCommit(body["branch"], parent, tuple(changes), body["commit_message"])


def check_made_commit(each: Recorded, raw: Any) -> None:
    made = api.read_made_commit(answer_of(each), new_commit(each, raw["parent_ids"][0]))
    assert is_full(made.commit_sha)
    assert made.commit_sha[:8] == raw["short_id"]
    assert list(made.parent_commit_shas) == raw["parent_ids"]
    assert made.message == raw["message"]
    assert is_time(made.date, raw["committed_date"])
    assert made.versions.keys() == {action["file_path"] for action in each.body["actions"]}
    assert {version.last_commit_sha for version in made.versions.values()} == {made.commit_sha}


def merge_bases() -> Mapping[str, str]:
    """Give where each head on record left its base, as GitLab told it of merge requests."""
    pulls = [each.answer for each in RECORDED.all if isinstance(each.answer, dict) and "iid" in each.answer]
    told = [pull["diff_refs"] for pull in pulls if pull.get("diff_refs")]
    return {refs["head_sha"]: refs["base_sha"] for refs in told}


def check_comparison(each: Recorded, raw: Any) -> None:
    head = raw["commit"]["id"]
    assert asked(each)["to"] in {head, "cms/posts/1970-01-01-first-title"}
    assert api.merge_base_of(raw, head) == merge_bases()[head]
    assert not api.is_cut(raw)
    check_changed_files(raw["diffs"])


def check_changes(each: Recorded, raw: Any) -> None:
    """An endpoint that is not asked for, but its files are those of `diffs`, which is."""
    check_changed_files(raw["changes"])


def check_changed_files(items: Any) -> None:
    files = api.read_changed_files(items)
    assert [file.path for file in files] == sorted(item["new_path"] for item in items)
    was_there = {item["new_path"]: item["a_mode"] != "0" for item in items}
    for file in files:
        assert file.kind == ("modified" if was_there[file.path] else "added")


def check_pull_request(raw: Any) -> PullRequest:
    pull = api.read_pull_request(raw)
    assert pull.number == raw["iid"]
    assert raw["web_url"].endswith(f"/merge_requests/{pull.number}")
    assert pull.title == raw["title"]
    assert pull.state == {"opened": "open"}.get(raw["state"], raw["state"])
    assert (pull.head, pull.base) == (raw["source_branch"], raw["target_branch"])
    assert is_full(pull.head_commit_sha) or pull.problem.endswith(" is gone")
    assert pull.head_commit_sha == (raw["sha"] or "")
    assert list(pull.labels) == raw["labels"]
    assert pull.author is not None
    assert pull.author.login == raw["author"]["username"]
    assert is_time(pull.updated_at, raw["updated_at"])
    assert pull.from_fork is (raw["project_id"] != raw["source_project_id"])
    return pull


def check_pull_requests(each: Recorded, raw: Any) -> None:
    for item in raw:
        pull = check_pull_request(item)
        assert pull.state == {"opened": "open"}[asked(each).get("state", "opened")]


def check_new_pull_request(each: Recorded, raw: Any) -> None:
    check_pull_request(raw)
    made = api.read_new_pull_request(raw)
    refs = raw["diff_refs"]
    assert is_full(made.base_commit_sha)
    assert refs["base_sha"] in {made.base_commit_sha, None}
    assert attrs.evolve(made, base_commit_sha=None) == api.read_pull_request(raw)
    assert made.labels == tuple(filter(None, asked(each).get("labels", "").split(",")))
    assert made.head == asked(each).get("source_branch", made.head)


def check_one_pull_request(each: Recorded, raw: Any) -> None:
    """It is in the state, and has the labels, that were asked for."""
    pull, words = check_pull_request(raw), asked(each)
    states = {"close": "closed", "reopen": "open"}
    assert pull.state == states.get(words.get("state_event", ""), pull.state)
    assert ",".join(pull.labels) == words.get("labels", ",".join(pull.labels))


def check_statuses(each: Recorded, raw: Any) -> None:
    states = {"failed": "failure", "running": "pending", "success": "success"}
    for item in raw:
        when, check = api.read_status(item)
        assert when == item["started_at" if item["status"] == "running" else "finished_at"]
        assert (check.name, check.url) == (item["name"], item["target_url"])
        assert check.state == states[item["status"]]


MERGE_REQUEST = f"{PROJECT}/merge_requests/{{iid}}"
CHECKS: Mapping[str, Callable[[Recorded, Any], None]] = {
    "GET /api/v4/user": check_user,
    f"GET {PROJECT}": check_project,
    "POST /api/v4/projects": check_project,
    f"POST {PROJECT}/fork": check_project,
    f"GET {PROJECT}/repository/branches": check_branches,
    f"GET {PROJECT}/repository/tree": check_tree,
    f"GET {PROJECT}/repository/files/{{file_path}}/raw": check_raw,
    f"HEAD {PROJECT}/repository/files/{{file_path}}": check_file,
    f"GET {PROJECT}/repository/commits": check_commits,
    f"POST {PROJECT}/repository/commits": check_made_commit,
    f"GET {PROJECT}/repository/commits/{{sha}}/statuses": check_statuses,
    f"GET {PROJECT}/repository/compare": check_comparison,
    f"GET {PROJECT}/merge_requests": check_pull_requests,
    f"POST {PROJECT}/merge_requests": check_new_pull_request,
    f"GET {MERGE_REQUEST}": check_one_pull_request,
    f"PUT {MERGE_REQUEST}": check_one_pull_request,
    f"GET {MERGE_REQUEST}/changes": check_changes,
}
#: Endpoints whose answers the backend reads itself; they are played to it below.
PLAYED = {
    f"GET {PROJECT}/repository/branches/{{branch}}",
    f"DELETE {PROJECT}/repository/branches/{{branch}}",
    f"PUT {MERGE_REQUEST}/merge",
    f"PUT {MERGE_REQUEST}/rebase",
}


@pytest.mark.parametrize("endpoint", CHECKS)
def test_answers_are_understood(endpoint):
    for each, raw in exchanges(endpoint, 200, 201):
        CHECKS[endpoint](each, raw)


def test_every_recorded_endpoint_is_read_or_has_its_reason():
    check_all_read({each.endpoint for each in RECORDED.all}, CHECKS.keys() | PLAYED, LEFT_OUT)


def test_written_files_are_what_they_are_read_as_afterwards():
    """The versions in the answer to a commit are those that GitLab tells of its files later."""
    made: dict[tuple[str, str], FileVersion] = {}
    for each, raw in exchanges(f"POST {PROJECT}/repository/commits", 201):
        commit = api.read_made_commit(answer_of(each), new_commit(each, raw["parent_ids"][0]))
        made |= {(commit.commit_sha, path): version for path, version in commit.versions.items()}
    seen = 0
    for each in RECORDED.all:
        headers = each.answer_headers
        written = made.get((headers.get("x-gitlab-commit-id", ""), headers.get("x-gitlab-file-path", "")))
        if written is not None:
            seen += 1
            assert written.blob_sha == headers["x-gitlab-blob-id"]
            assert written.last_commit_sha == api.read_last_commit(answer_of(each))
    assert seen > 10


# -- refusals -----------------------------------------------------------------------------------------

PULL = PullRequest(1, "", "title", "open", "cms/posts/a", "1" * 40, "main", (), None, None)
NEW_PULL = NewPullRequest("title", "", "cms/posts/a", "main", (), squash=False, author=None)


def words_in(message: Any) -> Iterator[str]:
    if isinstance(message, dict):
        for name, inner in message.items():
            yield name
            yield from words_in(inner)
    else:
        yield from message if isinstance(message, list) else [message]


def test_every_refusal_is_said_in_gitlab_s_words():
    refused = [each for each in RECORDED.all if each.status >= 400 and each.method != "HEAD"]
    assert len(refused) > 20
    for each in refused:
        said = api.sentence_of(answer_of(each))
        for words in words_in(json.loads(each.content)["message"]):
            assert words in said


def test_file_that_is_not_there_has_no_last_commit():
    for each, _ in exchanges(f"HEAD {PROJECT}/repository/files/{{file_path}}", 404):
        assert api.read_last_commit(answer_of(each)) is None


def test_quota_in_the_headers_is_read():
    counted = [each for each in RECORDED.all if "ratelimit-remaining" in each.answer_headers]
    assert len(counted) > 40
    for each in counted:
        limit = api.DIALECT.limits(answer_of(each))
        assert limit is not None
        assert limit.remaining == int(each.answer_headers["ratelimit-remaining"])
        assert (
            limit.resets_at == int(each.answer_headers.get("ratelimit-reset", 0)) or limit.resets_at is None
        )
        assert not limit.refused


def test_pages_are_followed():
    """The Link headers on record name what comes next, by the number of the project."""
    linked = [each for each in RECORDED.all if "link" in each.answer_headers]
    assert len(linked) > 100
    for each in linked:
        following = answer_of(each).links.get("next")
        assert (following is not None) is bool(each.answer_headers["x-next-page"])
        if following is not None:
            assert following.startswith("https://gitlab.com/api/v4/projects/3163647/repository/branches?")
            assert "page=2" in following


# -- played to the backend ----------------------------------------------------------------------------


@pytest.fixture
def played(settings):
    """Open a backend without GraphQL whose next requests are answered with recorded answers."""

    def connect(root, http):
        given = {"repo": "owner/repo", "api_root": root, "use_graphql": False, "branch": "master"}
        return open_repository("gitlab", credential="played", http=http, **given)

    headers = {"ratelimit-remaining", "ratelimit-reset", "x-gitlab-blob-id", "x-gitlab-last-commit-id"}
    with playing(settings, connect, headers) as player:
        yield player


def branch() -> tuple[Recorded, str]:
    """Give a branch as if it had been asked for alone, and its head."""
    each, raw = next(exchanges(f"GET {PROJECT}/repository/branches"))
    alone = json.dumps(raw[0]).encode()
    return attrs.evolve(each, answer=raw[0], content=alone, answer_headers={}), raw[0]["commit"]["id"]


def test_wrong_credential_is_told(played):
    for each, _ in exchanges("GET /api/v4/user", 401):
        with pytest.raises(AuthenticationError, match="401 Unauthorized"):
            played(each).authenticate()


def test_missing_right_is_told(played):
    for each, _ in exchanges(f"POST {PROJECT}/issues", 403):
        with pytest.raises(PermissionDeniedError, match="403 Forbidden"):
            played(each).get_repository()


def test_access_is_told(played):
    project, _ = next(exchanges(f"GET {PROJECT}"))
    for each, raw in exchanges("GET /api/v4/user"):
        access = played(each, project).authenticate()
        assert access.user is not None
        assert (access.user.login, access.may_write) == (raw["username"], True)


def test_branch_that_is_not_there_is_not_found(played):
    project, _ = next(exchanges(f"GET {PROJECT}"))
    for each, _ in exchanges(f"GET {PROJECT}/repository/branches/{{branch}}", 404):
        with pytest.raises(NotFoundError, match="no branch 'some' on gitlab; the default branch is 'master'"):
            played(each, project).get_branch("some")


def test_project_without_a_branch_is_empty(played):
    """It has a default branch all the same, in the answer to who made it."""
    empty, raw = next(exchanges("POST /api/v4/projects", 201))
    assert raw["default_branch"] == "main"
    for each, _ in exchanges(f"GET {PROJECT}/repository/branches/{{branch}}", 404):
        with pytest.raises(NotFoundError, match="it has no branch 'main'; push a first commit"):
            played(each, empty).get_branch("main")


def test_branch_that_is_not_there_is_not_deleted(played):
    for each, _ in exchanges(f"GET {PROJECT}/repository/branches/{{branch}}", 404):
        assert not played(each).delete_branch("some", "1" * 40)


def test_branch_is_deleted_where_it_was_seen(played):
    there, head = branch()
    for each, _ in exchanges(f"DELETE {PROJECT}/repository/branches/{{branch}}", 204):
        assert played(there, each).delete_branch("some", head)
        with pytest.raises(ConflictError, match="nothing was deleted"):
            played(there, each).delete_branch("some", "1" * 40)


def test_file_is_read_with_its_last_commit(played):
    read = exchanges(f"GET {PROJECT}/repository/files/{{file_path}}/raw")
    for sha, each in {each.answer_headers["x-gitlab-blob-id"]: each for each, _ in read}.items():
        known = FileVersion(sha)
        file = played(each).read_file("1" * 40, "a path", known)
        assert blob_sha(file.content) == known.blob_sha
        assert file.version.last_commit_sha == each.answer_headers["x-gitlab-last-commit-id"]


def test_file_that_is_not_there_is_not_found(played):
    for each, _ in exchanges(f"GET {PROJECT}/repository/files/{{file_path}}/raw", 404):
        with pytest.raises(NotFoundError, match="'a path' is not there at commit 111111111111"):
            played(each).read_file("1" * 40, "a path", FileVersion("2" * 40))


def test_pull_request_that_exists_is_a_conflict(played):
    for each, _ in exchanges(f"POST {PROJECT}/merge_requests", 409):
        with pytest.raises(ConflictError, match="open already") as caught:
            played(each).create_pull_request(NEW_PULL)
        assert caught.value.branch == "cms/posts/a"


def test_pull_request_that_is_not_there_is_not_found(played):
    for each, _ in exchanges(f"GET {MERGE_REQUEST}", 404):
        with pytest.raises(NotFoundError, match="404 Not found"):
            played(each).set_labels(PULL, ("a label",), ())


def test_merge_gives_the_commit(played):
    for each, raw in exchanges(f"PUT {MERGE_REQUEST}/merge"):
        merge = played(each).merge_pull_request(PULL, "merge", "", delete_branch=False)
        assert is_full(merge.commit_sha)
        assert merge.commit_sha == raw["merge_commit_sha"] != raw["sha"]
        assert not merge.branch_deleted


def test_rebase_is_looked_for_until_it_is_done(played):
    """None on record was behind its base, so that is put in."""
    rebasing, raw = next(exchanges(f"PUT {MERGE_REQUEST}/rebase", 202))
    assert raw == {"rebase_in_progress": True}
    done, raw = next(
        (each, raw) for each, raw in exchanges(f"GET {MERGE_REQUEST}") if "rebase_in_progress" in raw
    )
    assert raw["rebase_in_progress"] is False
    behind, going_on = (
        attrs.evolve(done, content=json.dumps({**raw, **more}).encode())
        for more in ({"diverged_commits_count": 1}, {"rebase_in_progress": True})
    )
    before, after = branch(), branch()
    seen = attrs.evolve(PULL, head_commit_sha=before[1])
    new_head = attrs.evolve(after[0], content=after[0].content.replace(after[1].encode(), b"2" * 40))
    rebased = played(behind, before[0], rebasing, going_on, done, new_head).rebase_pull_request(seen)
    assert rebased.commit_sha == "2" * 40
