"""What the real Bitbucket answered is understood: each recorded answer, read by what the backend reads it with.

The recordings are no part of the project. They are of 2020, made by another program; single exchanges beside them
are samples that somebody wrote, which are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import attrs
import pytest

pytest.importorskip("simulators.recorded", reason="what reads the recordings is not beside these tests")

from copydesk import open_repository
from copydesk.blobs import blob_sha
from copydesk.errors import ConflictError, NotFoundError, NotMergeableError
from copydesk.lfs import Pointer
from copydesk.models import Delete, FileVersion, Mode, NewCommit, NewPullRequest, PullRequest, Put
from copydesk_bitbucket import api
from means.recordings import Recordings, answer_of, check_all_read, is_full, is_time, playing
from simulators.recorded import FOLDER, Recorded, json_of

pytestmark = pytest.mark.skipif(not FOLDER.exists(), reason=f"the recordings are not at {FOLDER}")

RECORDED = Recordings("bitbucket__*.jsonl")
exchanges = RECORDED.of
REPO = "/2.0/repositories/{workspace}/{repo_slug}"
BASE = "repositories/owner/repo"
PREFIX = "netlify-cms/"
DATE = "Sun, 12 Apr 2020 09:47:04 GMT"
#: Recorded endpoints that nothing in the backend reads, and why.
LEFT_OUT = {
    r"GET .*/diff/{spec}": "what changed is read from diffstat",
    r".*/info/lfs/.*|PUT /upload/.*": "nothing is put into LFS",
}


def path_of(each: Recorded) -> str:
    return urlsplit(each.url).path.removeprefix("/2.0/")


def asked(each: Recorded) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(each.url).query))


def commit_of(each: Recorded) -> str:
    return path_of(each).split("/src/")[1].partition("/")[0]


def file_of(each: Recorded) -> str:
    return unquote(path_of(each).split("/src/")[1].partition("/")[2])


# -- what an answer holds -----------------------------------------------------------------------------


def check_repository(each: Recorded, raw: Any) -> None:
    info = api.read_repository(raw)
    assert path_of(each) == f"repositories/{info.name}" == BASE
    assert info.default_branch == raw["mainbranch"]["name"] == "master"
    assert info.web_url == raw["links"]["html"]["href"]
    assert info.clone_url == "https://owner@bitbucket.org/owner/repo.git"
    assert info.lfs_url == f"{info.web_url}/info/lfs"


def check_user(each: Recorded, raw: Any) -> None:
    user = api.read_user(raw)
    assert user is not None
    assert (user.login, user.name) == (raw["nickname"], raw["display_name"])


def check_branch(each: Recorded, raw: Any) -> None:
    name, sha = api.read_branch(raw)
    assert is_full(sha)
    assert path_of(each) == api.branch_path(BASE, name)


def check_source(each: Recorded, raw: Any) -> None:
    if isinstance(raw, dict) and "values" in raw:
        check_tree(each)
        return
    assert path_of(each) == api.ask_source(BASE, commit_of(each), file_of(each)).path
    content = api.check_source(answer_of(each), file_of(each))
    assert content == each.content


def check_tree(each: Recorded) -> None:
    items, commit, folder = api.values_of(answer_of(each)), commit_of(each), file_of(each)
    request = api.ask_tree(BASE, commit, folder, 1)
    assert request.path == f"{path_of(each)}/"
    assert dict(request.query)["max_depth"] == asked(each)["max_depth"]
    entries = api.read_tree(items, commit)
    assert [entry.path for entry in entries] == [item["path"] for item in items]
    for entry, item in zip(entries, items, strict=True):
        assert entry.path.startswith(f"{folder}/")
        assert item["commit"]["hash"] == commit
        assert entry.version == FileVersion(None, Mode.FILE, commit)
        assert entry.size == (None if "lfs" in item["attributes"] else item["size"])
    assert api.folders_at(items, folder, 1) == []


def check_commits(each: Recorded, raw: Any) -> None:
    for item in api.values_of(answer_of(each)):
        commit = api.read_commit(item)
        assert is_full(commit.commit_sha)
        assert commit.commit_sha == item["hash"]
        assert all(map(is_full, commit.parent_commit_shas))
        assert len(commit.parent_commit_shas) == len(item["parents"])
        assert is_time(commit.date, item["date"])
        assert commit.message == item["message"]
        assert commit.author is not None
        assert item["author"]["raw"] == f"{commit.author.name} <{commit.author.email}>"


def check_diffstat(each: Recorded, raw: Any) -> None:
    new, old = unquote(path_of(each)).split("/diffstat/")[1].split("..")
    assert path_of(each) == api.ask_diffstat(BASE, old, new).path
    files = api.read_changed_files(api.values_of(answer_of(each)))
    assert [(file.path, file.kind) for file in files] == [
        (item["new"]["path"], item["status"]) for item in raw["values"]
    ]


def new_commit(each: Recorded) -> NewCommit:
    """Give the commit that a recorded form asked for."""
    said = {name: content.decode() for name, filename, content in each.form if filename is None}
    parent = said.get("parents", "0" * 40)
    changes: list[Put | Delete] = [
        Put(name, content, None) for name, filename, content in each.form if filename is not None
    ]
    changes += [Delete(said["files"], FileVersion(None))] if "files" in said else []
    return NewCommit(said["branch"], parent, tuple(changes), said["message"])


def check_made_commit(each: Recorded, raw: Any) -> None:
    """Its form is the one that we send, but for the slash before a path, which keeps it from being a field."""
    commit = new_commit(each)
    request = api.ask_commit(BASE, commit)
    assert (request.method, request.path) == (each.method, path_of(each))
    sent = {(part.name.removeprefix("/"), part.filename, part.content) for part in request.parts}
    assert set(each.form) <= sent
    assert {name for name, _, _ in sent - set(each.form)} <= {"parents"}
    answer = answer_of(attrs.evolve(each, answer_headers={**each.answer_headers, "date": DATE}))
    made = api.read_made_commit(answer, commit)
    assert is_full(made.commit_sha)
    assert made.commit_sha in each.answer_headers["location"]
    assert made.versions.keys() == {name for name, filename, _ in each.form if filename is not None}
    assert {version.last_commit_sha for version in made.versions.values()} <= {made.commit_sha}


def check_pull_request(raw: Any) -> PullRequest:
    short = api.short_head(raw)
    assert short == raw["source"]["commit"]["hash"]
    pull = api.read_pull_request(raw, short.ljust(40, "0"), ())
    assert raw["links"]["self"]["href"].endswith(f"/{api.pull_path(BASE, pull.number)}")
    assert pull.url == f"https://bitbucket.org/owner/repo/pull-requests/{pull.number}"
    assert (pull.title, pull.problem, pull.from_fork) == (raw["title"], "", False)
    assert (pull.head, pull.base) == (raw["source"]["branch"]["name"], "master")
    assert pull.author is not None
    assert pull.author.login == raw["author"]["nickname"]
    assert is_time(pull.updated_at, raw["updated_on"])
    return pull


def check_pull_requests(each: Recorded, raw: Any) -> None:
    """The conditions that we ask with are among those that were asked with."""
    items = api.values_of(answer_of(each))
    pulls = list(map(check_pull_request, items))
    assert {pull.state for pull in pulls} <= {"open"}
    known = " ".join(asked(each)["q"].split())
    request = dict(api.ask_pull_requests(BASE, "open", "master", "").query)
    for condition in request["q"].split(" AND "):
        assert condition.strip("()") in known
    assert request["pagelen"] == asked(each)["pagelen"]


def check_new_pull_request(each: Recorded, raw: Any) -> None:
    pull = check_pull_request(raw)
    assert pull.state == "open"
    assert raw["comment_count"] == 0
    body = each.body
    given = NewPullRequest(
        body["title"], body["description"], pull.head, pull.base, (), squash=False, author=None
    )
    request = api.ask_create_pull_request(BASE, given)
    assert (request.method, request.path) == (each.method, path_of(each))
    assert request.json == {**body, "close_source_branch": request.json["close_source_branch"]}
    assert api.ask_open_again(BASE, raw).json == {**body, "reviewers": []}


def check_comments(each: Recorded, raw: Any) -> None:
    """The newest one is the status; it stands last, where nothing says how they are sorted."""
    items = sorted(api.values_of(answer_of(each)), key=lambda item: item["created_on"], reverse=True)
    assert items == raw["values"][::-1]
    assert api.read_label(items, PREFIX) == raw["values"][-1]["content"]["raw"]
    assert dict(api.ask_comments(BASE, 1).query)["pagelen"] == asked(each)["pagelen"]


def check_new_comment(each: Recorded, raw: Any) -> None:
    label = each.body["content"]["raw"]
    request = api.ask_comment(BASE, raw["pullrequest"]["id"], label)
    assert (request.method, request.path, request.json) == (each.method, path_of(each), each.body)
    assert api.read_label([raw], PREFIX) == label


def check_merge(each: Recorded, raw: Any) -> None:
    pull = check_pull_request(raw)
    assert pull.state == "merged"
    assert is_full(raw["merge_commit"]["hash"])
    request = api.ask_merge(BASE, pull, "merge", each.body["message"], delete_branch=True)
    assert (request.method, request.path) == (each.method, path_of(each))
    assert request.json == {**each.body, "type": "pullrequest_merge_parameters"}


def check_declined(each: Recorded, raw: Any) -> None:
    assert check_pull_request(raw).state == "closed"


def check_no_statuses(each: Recorded, raw: Any) -> None:
    """None on record has any."""
    assert api.values_of(answer_of(each)) == []


PULL = f"{REPO}/pullrequests/{{pull_request_id}}"
CHECKS: Mapping[str, Callable[[Recorded, Any], None]] = {
    "GET /2.0/user": check_user,
    f"GET {REPO}": check_repository,
    f"GET {REPO}/refs/branches/{{name}}": check_branch,
    f"GET {REPO}/src/{{commit}}/{{path}}": check_source,
    f"POST {REPO}/src": check_made_commit,
    f"GET {REPO}/commits": check_commits,
    f"GET {REPO}/diffstat/{{spec}}": check_diffstat,
    f"GET {REPO}/pullrequests": check_pull_requests,
    f"POST {REPO}/pullrequests": check_new_pull_request,
    f"GET {PULL}/comments": check_comments,
    f"POST {PULL}/comments": check_new_comment,
    f"GET {PULL}/statuses": check_no_statuses,
    f"POST {PULL}/merge": check_merge,
    f"POST {PULL}/decline": check_declined,
}
#: What is read by a test of its own below.
PLAYED = {f"DELETE {REPO}/refs/branches/{{name}}", "GET /file/{file_id}/binary"}


@pytest.mark.parametrize("endpoint", CHECKS)
def test_answers_are_understood(endpoint):
    for each, raw in exchanges(endpoint, 200, 201):
        CHECKS[endpoint](each, raw)


def test_every_recorded_endpoint_is_read_or_has_its_reason():
    check_all_read({each.endpoint for each in RECORDED.all}, CHECKS.keys() | PLAYED, LEFT_OUT)


def test_written_files_are_what_they_are_read_as_afterwards():
    made: dict[tuple[str, str], bytes] = {}
    for each, _ in exchanges(f"POST {REPO}/src", 201):
        sha = each.answer_headers["location"].rpartition("/")[2]
        made |= {(sha, name): content for name, filename, content in each.form if filename is not None}
    read = exchanges(f"GET {REPO}/src/{{commit}}/{{path}}")
    found = [(each.content, made.get((commit_of(each), file_of(each)))) for each, _ in read]
    seen = [(ours, theirs) for ours, theirs in found if theirs is not None]
    assert len(seen) > 10
    assert all(ours == theirs for ours, theirs in seen)


def test_pointer_is_the_one_that_was_committed():
    """What another program put into git for a large file is what we make of the file."""
    (content,) = {each.content for each, _ in exchanges("GET /file/{file_id}/binary")}
    pointers = {
        part
        for each, _ in exchanges(f"POST {REPO}/src", 201)
        for _, _, part in each.form
        if part.startswith(b"version https://git-lfs")
    }
    assert pointers == {Pointer.of(content).to_bytes()}


def test_scopes_are_read():
    """They let it write, for it wrote, and `repository:write` is not among them."""
    for each, _ in exchanges(f"POST {REPO}/src", 201):
        scopes = api.read_scopes(answer_of(each))
        assert scopes == ("pullrequest:write", "repository:delete", "repository:admin", "account")
        assert each.answer_headers["x-accepted-oauth-scopes"] == "repository:write"
        assert api.scopes_may_write(scopes) is True


def test_every_refusal_is_said_in_bitbucket_s_words():
    refused = [each for each in RECORDED.all if each.status >= 400 and each.endpoint.startswith("GET")]
    assert len(refused) > 30
    for each in refused:
        assert json_of(each.content)["error"]["message"] in api.sentence_of(answer_of(each))


# -- played to the backend ----------------------------------------------------------------------------


@pytest.fixture
def played(settings):
    """Open a backend whose next requests are answered with recorded answers."""

    def connect(root, http):
        return open_repository(
            "bitbucket", credential="played", http=http, repo="owner/repo", branch="master", api_root=root
        )

    headers = {"location", "x-oauth-scopes", "x-accepted-oauth-scopes"}
    with playing(settings, connect, headers) as player:
        yield player


def branch(name: str) -> tuple[Recorded, str]:
    found = exchanges(f"GET {REPO}/refs/branches/{{name}}")
    return next((each, raw["target"]["hash"]) for each, raw in found if raw["name"] == name)


DRAFT = "cms/posts/1970-01-01-first-title"


def test_repository_and_branch_are_told(played):
    repository, _ = next(exchanges(f"GET {REPO}"))
    assert played(repository).get_repository().default_branch == "master"
    there, head = branch(DRAFT)
    assert played(there).get_branch(DRAFT).commit_sha == head


def test_branch_is_deleted_where_it_was_seen(played):
    there, head = branch(DRAFT)
    for each, _ in exchanges(f"DELETE {REPO}/refs/branches/{{name}}", 204):
        assert played(there, each).delete_branch(DRAFT, head)
        with pytest.raises(ConflictError, match="nothing was deleted"):
            played(there, each).delete_branch(DRAFT, "1" * 40)


def test_file_is_read_as_of_its_commit(played):
    read = {each.content: each for each, raw in exchanges(f"GET {REPO}/src/{{commit}}/{{path}}") if not raw}
    assert len(read) > 5
    for content, each in read.items():
        file = played(each).read_file(commit_of(each), file_of(each), FileVersion(None))
        assert (file.content, file.version.blob_sha) == (content, blob_sha(content))
        assert file.version.last_commit_sha == commit_of(each)


def test_file_that_is_not_there_is_not_found(played):
    for each, _ in exchanges(f"GET {REPO}/src/{{commit}}/{{path}}", 404):
        with pytest.raises(NotFoundError, match="is not there at commit"):
            played(each).read_file(commit_of(each), file_of(each), FileVersion(None))


def pull_of(raw: Any) -> PullRequest:
    return api.read_pull_request(raw, api.short_head(raw).ljust(40, "0"), ())


def test_merge_gives_the_commit(played):
    for each, raw in exchanges(f"POST {PULL}/merge"):
        before = attrs.evolve(each, content=each.content.replace(b'"MERGED"', b'"OPEN"'))
        seen = attrs.evolve(pull_of(raw), state="open")
        merge = played(before, each).merge_pull_request(seen, "merge", "", delete_branch=True)
        assert merge.commit_sha == raw["merge_commit"]["hash"]
        with pytest.raises(NotMergeableError, match="it is merged"):
            played(each).merge_pull_request(seen, "merge", "", delete_branch=True)
        moved = attrs.evolve(seen, head_commit_sha="1" * 40)
        with pytest.raises(ConflictError):
            played(before).merge_pull_request(moved, "merge", "", delete_branch=True)


def test_declined_pull_request_is_closed(played):
    for each, raw in exchanges(f"POST {PULL}/decline"):
        closed = played(each).close_pull_request(pull_of(raw), delete_branch=False)
        assert (closed.number, closed.state) == (raw["id"], "closed")


def test_label_is_set_by_a_comment(played):
    for each, raw in exchanges(f"POST {PULL}/comments", 201):
        label = raw["content"]["raw"]
        seen = PullRequest(1, "", "t", "open", DRAFT, "1" * 40, "master", (), None, None)
        assert played(each).set_labels(seen, (label,), ()).labels == (label,)
