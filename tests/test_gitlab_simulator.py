"""The simulator of GitLab: a client of strangers, and what GitLab is known to do."""

from __future__ import annotations

import base64
import hashlib
import io
import tarfile
import threading

import pytest
import requests

gitlab = pytest.importorskip("gitlab", reason="python-gitlab is not installed")
pytest.importorskip("graphql", reason="graphql-core is not installed")

from simulators.client import Client  # noqa: E402
from simulators.gitlab import GitLabSimulator  # noqa: E402
from simulators.store import Forge, Protection  # noqa: E402

FILES = {
    "README.md": b"# A site\n",
    "content/posts/hello.md": b"one\ntwo\nthree\n",
    "content/posts/größe 1.md": b"gro\xc3\x9f\n",
    "bin/run": b"#!/bin/sh\n",
    "link": b"README.md",
}
MODES = {"bin/run": 0o100755, "link": 0o120000}
MISSING = "0123456789" * 4
CHANGED = "The file has changed since you started editing it: content/posts/hello.md"


class Asking(Client):
    """Makes commits, too."""

    def commit(self, *actions: dict, branch: str = "main", **more: object) -> requests.Response:
        body = {"branch": branch, "commit_message": "Change", "actions": list(actions), **more}
        return self("POST", "/repository/commits", body)


@pytest.fixture
def forge(tmp_path):
    forge = Forge(tmp_path / "forge")
    forge.add_token("full", forge.add_user("ann", "Ann", "ann@example.org"))
    forge.add_token("reader", forge.add_user("reader"), "read")
    forge.add_token("stranger", forge.add_user("stranger"), "none")
    forge.add_repository("group/sub/site", FILES, modes=MODES)
    yield forge
    forge.close()


@pytest.fixture
def site(forge):
    return forge.repository("group/sub/site")


@pytest.fixture
def simulator(forge):
    with GitLabSimulator(forge) as simulator:
        yield simulator


@pytest.fixture
def ask(simulator):
    with Asking(simulator, "/projects/group%2Fsub%2Fsite") as client:
        yield client


def draft(site, branch="draft", path="content/posts/new.md", content=b"new\n", **more):
    site.commit_files(branch, {path: content}, f"Add {path}", start="main")
    return site.open_pull(f"Add {path}", branch, **more)


def told(answer: requests.Response) -> tuple[int, object]:
    """Give a refusal: its status and what it says."""
    return answer.status_code, answer.json().get("message", answer.json().get("error"))


# -- a client of strangers ----------------------------------------------------------------------------


def test_python_gitlab_commits_opens_labels_and_merges(simulator, site, git):
    client = gitlab.Gitlab(simulator.url, oauth_token="full")
    client.auth()
    assert client.user.username == "ann"
    project = client.projects.get("group/sub/site")
    tree = project.repository_tree(recursive=True, get_all=True, per_page=2)
    assert {each["path"] for each in tree if each["type"] == "blob"} == FILES.keys()
    keyset = project.repository_tree(recursive=True, pagination="keyset", per_page=2, iterator=True)
    assert [each["path"] for each in keyset] == [each["path"] for each in tree]
    actions = [
        {"action": "create", "file_path": "new ü.md", "content": "new\n"},
        {"action": "update", "file_path": "link", "content": "bin/run"},
        {"action": "move", "previous_path": "bin/run", "file_path": "bin/go"},
        {
            "action": "create",
            "file_path": "a.png",
            "content": base64.b64encode(b"\x89PNG\0").decode(),
            "encoding": "base64",
        },
    ]
    made = project.commits.create(
        {
            "branch": "cms/new",
            "start_branch": "main",
            "commit_message": "Add ü",
            "actions": actions,
            "author_name": "Bob",
        }
    )
    assert (made.author_name, made.committer_name, made.stats["additions"]) == ("Bob", "Ann", 2)
    file = project.files.get("new ü.md", ref="cms/new")
    assert (file.decode(), file.last_commit_id) == (b"new\n", made.id)
    merge_request = project.mergerequests.create(
        {"source_branch": "cms/new", "target_branch": "main", "title": "New", "labels": ["a", "b"]}
    )
    merge_request.labels = ["b", "c"]
    merge_request.save()
    (listed,) = project.mergerequests.list(state="opened", labels=["c"], get_all=True)
    assert (listed.iid, listed.labels, listed.sha) == (1, ["b", "c"], made.id)
    assert {each["new_path"] for each in merge_request.changes()["changes"]} == {
        "new ü.md",
        "link",
        "bin/go",
        "a.png",
    }
    merge_request.merge(should_remove_source_branch=True, sha=made.id)
    assert project.mergerequests.get(1).state == "merged"
    assert [each.name for each in project.branches.list(get_all=True)] == ["main"]
    url = simulator.url + simulator.graphql_path
    asked = client.http_post(url, post_data={"query": "{currentUser {username}}"})
    assert asked["data"] == {"currentUser": {"username": "ann"}}
    assert git(site.path, "fsck", "--strict") == ""
    modes = git(site.path, "ls-tree", "--format=%(objectmode)", "main", "bin/go", "link")
    assert modes.split() == ["100755", "120000"]
    assert git(site.path, "log", "-1", "--format=%s") == "Merge branch 'cms/new' into 'main'"


def test_python_gitlab_rebases_and_reports_statuses(simulator, site):
    client = gitlab.Gitlab(simulator.url, private_token="full")
    project = client.projects.get(site.id)
    pull = draft(site)
    site.commit_files("main", {"other.md": b"other"})
    merge_request = project.mergerequests.get(pull.number, include_diverged_commits_count=True)
    assert merge_request.diverged_commits_count == 1
    assert merge_request.rebase() == {"rebase_in_progress": True}
    seen = [project.mergerequests.get(1, include_rebase_in_progress=True) for _ in range(2)]
    assert [each.rebase_in_progress for each in seen] == [True, False]
    assert seen[1].sha != merge_request.sha
    assert seen[1].diff_refs["base_sha"] == site.head("main")
    commit = project.commits.get(seen[1].sha)
    commit.statuses.create({"state": "running", "name": "ci"})
    commit.statuses.create({"state": "success", "name": "ci"})
    assert [each.status for each in commit.statuses.list(get_all=True)] == ["success"]
    assert len(commit.statuses.list(get_all=True, all=True)) == 2
    assert project.pipelines.list(get_all=True, sha=commit.id)[0].status == "success"
    assert [each["name"] for each in commit.refs(type="branch")] == ["draft"]


def test_python_gitlab_is_told_why_not(simulator, site):
    project = gitlab.Gitlab(simulator.url, private_token="full").projects.get("group/sub/site")
    with pytest.raises(gitlab.GitlabGetError, match="404 File Not Found"):
        project.files.get("none", ref="main")
    update = {"action": "update", "file_path": "none", "content": ""}
    with pytest.raises(gitlab.GitlabCreateError, match="A file with this name doesn't exist"):
        project.commits.create({"branch": "main", "commit_message": "x", "actions": [update]})
    with pytest.raises(gitlab.GitlabAuthenticationError, match="401 Unauthorized"):
        gitlab.Gitlab(simulator.url, private_token="wrong").auth()


# -- who may ------------------------------------------------------------------------------------------


def test_tokens_are_taken_in_three_headers_and_not_in_the_address(ask, simulator):
    for name, value in (("PRIVATE-TOKEN", "full"), ("JOB-TOKEN", "full"), ("Authorization", "Bearer full")):
        assert ask("GET", "/user", prefix="", **{"Authorization": None, name: value}).status_code == 200
    assert told(ask("GET", "/user?private_token=full", prefix="")) == (401, "401 Unauthorized")
    assert told(ask("GET", "/user", prefix="", Authorization=None)) == (401, "401 Unauthorized")
    assert told(ask("GET", "", Authorization="Bearer wrong")) == (401, "401 Unauthorized")


def test_expired_token_says_so(ask, simulator):
    simulator.expired_tokens.add("full")
    answer = ask("GET")
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")
    assert answer.json()["error_description"].startswith("Token is expired.")


def test_job_token_is_nobodys(ask, simulator):
    simulator.job_tokens.add("full")
    assert told(ask("GET", "/user", prefix="")) == (401, "401 Unauthorized")
    assert ask("GET").status_code == 200


def test_reader_may_not_write(ask, site):
    draft(site)
    reader = {"Authorization": "Bearer reader"}
    assert ask("GET", **reader).json()["permissions"]["project_access"]["access_level"] == 20
    for path in ("/repository/branches", "/merge_requests", "/labels"):
        assert told(ask("POST", path, {}, **reader)) == (403, "403 Forbidden")
    push = "403 Forbidden - You are not allowed to push into this branch"
    assert told(ask("POST", "/repository/commits", {"branch": "main"}, **reader)) == (403, push)
    assert told(ask("PUT", "/merge_requests/1/merge", **reader)) == (401, "401 Unauthorized")
    rebase = ask("PUT", "/merge_requests/1/rebase", **reader)
    assert told(rebase) == (403, "403 Forbidden - Cannot push to source branch")


def test_private_project_is_not_there_for_a_stranger(ask, site):
    site.private = True
    for token in ("Bearer stranger", None):
        assert told(ask("GET", Authorization=token)) == (404, "404 Project Not Found")
        answer = ask.post_graphql('{project(fullPath: "group/sub/site") {id}}', token)
        assert answer.json() == {"data": {"project": None}}


def test_archived_project_is_read_only(ask, site):
    site.archived = True
    assert told(ask("POST", "/labels", {"name": "a", "color": "#fff"})) == (403, "403 Forbidden")
    assert ask("GET").json()["archived"] is True


@pytest.mark.parametrize(
    ("membership", "shown"),
    [("project", {"project_access"}), ("group", {"group_access"}), ("shared", set()), ("inherited", set())],
)
def test_role_is_seen_where_it_comes_from(ask, simulator, site, membership, shown):
    simulator.project(site).membership = membership
    project = ask("GET").json()
    assert {name for name, value in project["permissions"].items() if value} == shown
    assert len(project["shared_with_groups"]) == (membership == "shared")
    number = site.forge.users["ann"].id
    assert ask("GET", f"/members/all/{number}").json()["access_level"] == 40
    simulator.project(site).membership = "none"
    assert told(ask("GET", f"/members/all/{number}")) == (404, "404 Not found")


# -- projects -----------------------------------------------------------------------------------------


def test_project_is_found_by_its_number_and_its_encoded_path(ask, site):
    for project in (f"/projects/{site.id}", "/projects/group%2FSub%2Fsite"):
        assert ask("GET", prefix=project).json()["path_with_namespace"] == "group/sub/site"
    assert ask("GET", prefix="/projects/group/sub/site").status_code == 404


def test_renamed_project_redirects_reading_and_refuses_writing(ask, forge, site):
    forge.rename(site, "group/other")
    answer = ask("GET", "/repository/tree?ref=main&path=content%2Fposts")
    assert answer.status_code == 301
    assert answer.headers["Location"].endswith(
        f"/api/v4/projects/{site.id}/repository/tree?ref=main&path=content%2Fposts"
    )
    assert len(ask.session.get(answer.headers["Location"], timeout=10).json()) == 2
    for method in ("HEAD", "POST"):
        assert ask(method, "/repository/commits").status_code == 405
    assert told(ask("DELETE", "/labels/a")) == (405, "Non GET methods are not allowed for moved projects")


def test_empty_project_has_no_default_branch_and_takes_a_first_commit(ask, forge):
    empty = forge.add_repository("group/empty")
    where = {"prefix": "/projects/group%2Fempty"}
    shown = ask("GET", **where).json()
    assert (shown["default_branch"], shown["empty_repo"]) == (None, True)
    assert told(ask("GET", "/repository/tree", **where)) == (404, "404 Tree Not Found")
    assert ask("GET", "/repository/commits", **where).json() == []
    new = {"action": "create", "file_path": "a", "content": "a"}
    body = {"branch": "main", "commit_message": "First", "actions": [new]}
    assert ask("POST", "/repository/commits", body, **where).json()["parent_ids"] == []
    assert empty.head("main")


def test_project_without_a_repository_says_so(ask, simulator, site):
    simulator.project(site).no_repository = True
    for path in ("tree", "branches", "commits", "files/README.md?ref=main"):
        assert told(ask("GET", f"/repository/{path}")) == (404, "404 Repository Not Found")
    assert ask("GET").json()["default_branch"] is None


# -- reading ------------------------------------------------------------------------------------------


def test_tree_lists_folders_first_and_counts_its_pages(ask):
    first = ask("GET", "/repository/tree?per_page=2")
    assert [(each["type"], each["path"]) for each in first.json()] == [("tree", "bin"), ("tree", "content")]
    counts = {
        name: first.headers[f"X-{name}"]
        for name in ("Page", "Per-Page", "Next-Page", "Prev-Page", "Total", "Total-Pages")
    }
    assert counts == {
        "Page": "1",
        "Per-Page": "2",
        "Next-Page": "2",
        "Prev-Page": "",
        "Total": "4",
        "Total-Pages": "2",
    }
    second = ask.session.get(first.links["next"]["url"], timeout=10)
    assert [(each["path"], each["mode"]) for each in second.json()] == [
        ("README.md", "100644"),
        ("link", "120000"),
    ]
    assert set(second.links) == {"prev", "first", "last"}
    assert ask("HEAD", "/repository/tree").headers["X-Total"] == "4"
    assert ask("GET", "/repository/tree?per_page=1000").headers["X-Per-Page"] == "100"


def test_tree_in_keyset_pages_links_only_to_the_next(ask):
    url, seen = "/repository/tree?recursive=true&pagination=keyset&per_page=3", []
    answer = ask("GET", url)
    while True:
        assert set(answer.links) <= {"next"}
        assert "X-Total" not in answer.headers
        seen += [each["path"] for each in answer.json()]
        if "next" not in answer.links:
            break
        answer = ask.session.get(answer.links["next"]["url"], timeout=10)
    assert seen == [each["path"] for each in ask("GET", "/repository/tree?recursive=true").json()]
    assert len(seen) == 8


def test_large_tree_is_not_counted(ask, site):
    site.commit_files("main", {f"many/{number}": b"" for number in range(10_001)})
    answer = ask("GET", "/repository/tree?path=many")
    assert "X-Total" not in answer.headers
    assert (answer.headers["X-Next-Page"], "last" in answer.links) == ("2", False)


def test_tree_that_is_not_there(ask, simulator):
    gone = (404, "404 invalid revision or path Not Found")
    assert told(ask("GET", "/repository/tree?path=none")) == gone
    assert told(ask("GET", "/repository/tree?path=README.md")) == gone
    assert told(ask("GET", "/repository/tree?ref=none")) == (404, "404 Tree Not Found")
    simulator.old_tree = True
    assert ask("GET", "/repository/tree?path=none").json() == []


def test_file_tells_the_same_in_json_and_in_headers(ask, site):
    first = site.head("main")
    head = site.commit_files("main", {"other.md": b"x"})
    path = "/repository/files/content%2Fposts%2Fgr%C3%B6%C3%9Fe%201.md"
    answer = ask("GET", f"{path}?ref=main")
    shown, content = answer.json(), FILES["content/posts/größe 1.md"]
    assert (shown["file_name"], shown["size"], shown["ref"]) == ("größe 1.md", len(content), "main")
    assert (shown["commit_id"], shown["last_commit_id"]) == (head, first)
    assert shown["content_sha256"] == hashlib.sha256(content).hexdigest()
    assert base64.b64decode(shown["content"]) == content
    plain = ask("HEAD", f"{path}?ref=main")
    for each in (answer, plain, ask("GET", f"{path}/raw?ref=main")):
        assert each.headers["X-Gitlab-Blob-Id"] == shown["blob_id"]
        assert each.headers["X-Gitlab-Last-Commit-Id"] == first
        assert each.headers["X-Gitlab-Execute-Filemode"] == "false"
    assert plain.content == b""
    assert ask("HEAD", "/repository/files/bin%2Frun?ref=main").headers["X-Gitlab-Execute-Filemode"] == "true"
    assert ask("GET", "/repository/files/bin%2Frun/raw").content == FILES["bin/run"]


def test_file_that_is_not_there(ask):
    for path in ("none?ref=main", "content%2Fposts?ref=main", "none/raw?ref=main"):
        assert told(ask("GET", f"/repository/files/{path}")) == (404, "404 File Not Found")
    assert told(ask("GET", "/repository/files/README.md?ref=none")) == (404, "404 Commit Not Found")
    assert told(ask("GET", "/repository/files/README.md")) == (400, "ref is missing")
    gone = ask("HEAD", "/repository/files/none?ref=main")
    assert (gone.status_code, gone.content) == (404, b"")


def test_blob_comes_raw_and_as_json(ask, site):
    sha = ask("GET", "/repository/files/README.md?ref=main").json()["blob_id"]
    assert ask("GET", f"/repository/blobs/{sha}/raw").content == FILES["README.md"]
    assert base64.b64decode(ask("GET", f"/repository/blobs/{sha}").json()["content"]) == FILES["README.md"]
    assert told(ask("GET", f"/repository/blobs/{MISSING}")) == (404, "404 Blob Not Found")


def test_history_of_a_path_is_not_counted(ask, site):
    for number in range(3):
        site.commit_files("main", {"a.md": b"%d" % number}, f"Edit {number}")
    answer = ask("GET", "/repository/commits?path=a.md&ref_name=main&per_page=2")
    assert [each["title"] for each in answer.json()] == ["Edit 2", "Edit 1"]
    assert (answer.headers["X-Next-Page"], "X-Total" in answer.headers) == ("2", False)
    assert ask("GET", "/repository/commits?ref_name=none").json() == []
    assert told(ask("GET", "/repository/commits/none")) == (404, "404 Commit Not Found")


def test_comparison_starts_where_the_branches_parted(ask, simulator, site):
    text = b"".join(b"line %d\n" % number for number in range(30))
    site.commit_files("main", {"old.md": text})
    site.commit_files(
        "draft", {"old.md": None, "new.md": text + b"more\n", "a.png": b"\0"}, "One", start="main"
    )
    site.commit_files("draft", {"bin/run": b"#!/bin/sh\n"}, "Two")
    site.commit_files("main", {"later.md": b"later\n"})
    compared = ask("GET", "/repository/compare?from=main&to=draft").json()
    assert [each["title"] for each in compared["commits"]] == ["One", "Two"]
    assert compared["commit"]["title"] == "Two"
    kinds = {
        each["new_path"]: (each["a_mode"], each["b_mode"], each["new_file"], each["renamed_file"])
        for each in compared["diffs"]
    }
    assert kinds == {
        "a.png": ("0", "100644", True, False),
        "bin/run": ("100755", "100644", False, False),
        "new.md": ("100644", "100644", False, True),
    }
    assert compared["diffs"][0]["diff"] == "Binary files /dev/null and b/a.png differ\n"
    straight = ask("GET", "/repository/compare?from=main&to=draft&straight=true").json()
    assert [each["new_path"] for each in straight["diffs"] if each["deleted_file"]] == ["later.md"]
    assert told(ask("GET", "/repository/compare?from=main&to=none")) == (404, "404 Ref Not Found")
    assert ask("GET", "/repository/compare?from=main&to=main").json()["compare_same_ref"] is True
    simulator.compare_limit = 1
    assert len(ask("GET", "/repository/compare?from=main&to=draft").json()["diffs"]) == 1


def test_merge_base_of_refs(ask, site):
    main = site.head("main")
    site.commit_files("draft", {"a": b"a"}, start="main")
    site.commit_files("main", {"b": b"b"})
    assert ask("GET", "/repository/merge_base?refs[]=main&refs[]=draft").json()["id"] == main
    unknown = ask("GET", "/repository/merge_base?refs[]=main&refs[]=none")
    assert told(unknown) == (400, "Could not find ref: none")
    site.commit_files("orphan", {"a": b"a"})
    gone = ask("GET", "/repository/merge_base?refs[]=main&refs[]=orphan")
    assert told(gone) == (404, "404 Merge Base Not Found")


def test_branches_are_searched_made_and_deleted(ask, site):
    assert ask("POST", "/repository/branches?branch=cms/a&ref=main").status_code == 201
    assert told(ask("POST", "/repository/branches?branch=cms/a&ref=main")) == (400, "Branch already exists")
    assert told(ask("POST", "/repository/branches?branch=b&ref=none")) == (
        400,
        "Invalid reference name: none",
    )
    site.create_branch("x/cms/b", site.head("main"))
    for search, names in (("^cms/", ["cms/a"]), ("CMS/", ["cms/a", "x/cms/b"]), ("b$", ["x/cms/b"])):
        found = ask("GET", f"/repository/branches?search={search}").json()
        assert [each["name"] for each in found] == names
    assert ask("GET", "/repository/branches/cms%2Fa").json()["default"] is False
    assert ask("DELETE", "/repository/branches/cms%2Fa").status_code == 204
    assert told(ask("DELETE", "/repository/branches/cms%2Fa")) == (404, "404 Branch Not Found")
    site.protections["main"] = Protection()
    assert told(ask("DELETE", "/repository/branches/main")) == (403, "403 Forbidden")


# -- committing ---------------------------------------------------------------------------------------

HELLO = "content/posts/hello.md"


def action(name: str, path: str = HELLO, content: str | None = "x", **more: object) -> dict:
    given = {} if content is None else {"content": content}
    return {"action": name, "file_path": path, **given, **more}


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (action("create"), "A file with this name already exists"),
        (action("create", "README.md/x"), "A file with this name already exists"),
        (action("create", "content"), "A directory with this name already exists"),
        (action("update", "none"), "A file with this name doesn't exist"),
        (action("delete", "none"), "A file with this name doesn't exist"),
        (action("chmod", "none", execute_filemode=True), "A file with this name doesn't exist"),
        (action("move", "new", previous_path="none"), "A file with this name doesn't exist"),
        (action("move", "README.md", previous_path=HELLO), "A file with this name already exists"),
        (action("create", "../x"), "Path cannot include directory traversal"),
        (action("create", "a/.git/x"), "invalid path: 'a/.git/x'"),
        (
            action("update", content=None),
            "400 Bad request - actions[0][content] is required for update action",
        ),
        (
            action("burn"),
            "400 Bad request - actions[0][action] must be one of: create, update, move, delete, chmod",
        ),
    ],
)
def test_action_that_cannot_be_is_refused(ask, site, wanted, message):
    head = site.head("main")
    assert told(ask.commit(wanted)) == (400, message)
    assert site.head("main") == head


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"branch": "none"}, "You can only create or edit files when you are on a branch"),
        (
            {"branch": "new", "start_branch": "none"},
            "You can only create or edit files when you are on a branch",
        ),
        ({"branch": "new", "start_sha": MISSING}, f"Cannot find start_sha '{MISSING}'"),
        ({"branch": "new", "start_sha": "main"}, "Invalid start_sha 'main'"),
        (
            {"start_branch": "other"},
            "A branch called 'main' already exists. Switch to that branch in order to make changes",
        ),
        (
            {"branch": "new", "start_sha": MISSING, "start_branch": "main"},
            "400 Bad request - start_branch, start_sha are mutually exclusive",
        ),
        ({"commit_message": ""}, "400 Bad request - commit_message is required"),
    ],
)
def test_commit_that_does_not_know_where_to_is_refused(ask, site, more, message):
    site.create_branch("other", site.head("main"))
    assert told(ask.commit(action("update"), **more)) == (400, message)


def test_protected_branch_refuses_before_anything_else(ask, site):
    site.protections["main"] = Protection()
    answer = ask("POST", "/repository/commits", {"branch": "main"})
    assert told(answer) == (403, "403 Forbidden - You are not allowed to push into this branch")


def test_commit_starts_at_a_sha_or_resets_a_branch(ask, site):
    first = site.head("main")
    site.commit_files("main", {"later": b"x"})
    made = ask.commit(action("update"), branch="new", start_sha=first).json()
    assert made["parent_ids"] == [first]
    again = ask.commit(action("update"), branch="new", start_branch="main", force=True).json()
    assert again["parent_ids"] == [site.head("main")]
    assert site.head("new") == again["id"]
    assert "stats" not in ask.commit(action("update"), branch="new", stats=False).json()


def test_modes_are_kept_as_gits_index_does(ask, site, git):
    done = ask.commit(
        action("update", "bin/run", "other\n"),
        action("update", "link", "bin/run", execute_filemode=True),
        action("move", "bin/go", None, previous_path="bin/run"),
        action("create", "new.sh", execute_filemode=True),
        action("chmod", "README.md", None, execute_filemode=True),
    )
    assert done.status_code == 201
    listed = git(site.path, "ls-tree", "-r", "main").splitlines()
    modes = {line.partition("\t")[2]: line[:6] for line in listed}
    assert [modes[each] for each in ("bin/go", "link", "new.sh", "README.md")] == [
        "100755", "120000", "100755", "100755",
    ]  # fmt: skip
    assert git(site.path, "cat-file", "-p", "main:bin/go") == "other"


def test_last_commit_of_a_file_guards_it(ask, site):
    known = site.head("main")
    site.commit_files("main", {"other.md": b"x"})
    # The file was not touched in between: any commit that has it as it is will do.
    assert ask.commit(action("update", last_commit_id=site.head("main"))).status_code == 201
    assert told(ask.commit(action("update", last_commit_id=known))) == (400, CHANGED)
    moved = action("move", "new", None, previous_path=HELLO, last_commit_id=known)
    assert told(ask.commit(moved)) == (400, CHANGED)
    assert ask.commit(action("create", "b", last_commit_id=known)).status_code == 201
    # What cannot be told is let pass.
    assert ask.commit(action("update", last_commit_id=MISSING)).status_code == 201


def test_old_versions_compare_the_sha_of_the_last_commit(ask, simulator, site):
    simulator.strict_last_commit = True
    site.commit_files("main", {"other.md": b"x"})
    assert told(ask.commit(action("update", last_commit_id=site.head("main")))) == (400, CHANGED)


def test_commit_between_the_checks_and_the_write_is_built_upon(ask, simulator, site):
    """Nobody is told: what was checked is not what is written to."""
    known = site.head("main")
    simulator.in_window = lambda: site.commit_files("main", {HELLO: b"theirs\n", "b": b"b"}, "Theirs")
    made = ask.commit(action("update", content="ours\n", last_commit_id=known))
    assert made.status_code == 201
    assert site.commit(made.json()["parent_ids"][0]).message == "Theirs"
    assert site.git[site.head("main")].tree[HELLO].data == b"ours\n"
    assert "b" in site.git[site.head("main")].tree


def test_branch_that_was_made_or_went_since_the_checks_is_not_written_to(ask, simulator, site):
    theirs = {"branch": "new", "start_branch": "main"}
    simulator.in_window = lambda: site.commit_files("new", {"b": b"b"}, start="main")
    refused = ask.commit(action("update"), **theirs)
    assert told(refused) == (400, "Could not update refs/heads/new. Please refresh and try again.")
    simulator.in_window = lambda: site.delete_branch("new")
    refused = ask.commit(action("update"), branch="new")
    assert told(refused) == (400, "You can only create or edit files when you are on a branch")


def test_another_request_gets_through_while_a_commit_waits(ask, simulator, site):
    inside, done = threading.Event(), threading.Event()
    simulator.in_window = lambda: (inside.set(), done.wait(10))
    answers: list[int] = []
    thread = threading.Thread(target=lambda: answers.append(ask.commit(action("update")).status_code))
    thread.start()
    assert inside.wait(10)
    simulator.in_window = None
    other = requests.get(f"{simulator.url}/api/v4/projects/{site.id}", timeout=10)
    done.set()
    thread.join(10)
    assert (other.status_code, answers) == (200, [201])


def test_file_is_written_one_by_one(ask, site):
    body = {"branch": "main", "commit_message": "x", "content": "a", "author_email": "bob@example.org"}
    made = ask("POST", "/repository/files/a%2Fb.md", body)
    assert (made.status_code, made.json()) == (201, {"file_path": "a/b.md", "branch": "main"})
    assert told(ask("POST", "/repository/files/a%2Fb.md", body)) == (
        400,
        "A file with this name already exists",
    )
    assert ask("PUT", "/repository/files/a%2Fb.md", {**body, "content": "b"}).status_code == 200
    assert site.git[site.head("main")].tree["a/b.md"].data == b"b"
    gone = ask("DELETE", "/repository/files/a%2Fb.md?branch=main&commit_message=x")
    assert (gone.status_code, gone.content) == (204, b"")
    site.protections["main"] = Protection()
    refused = ask("POST", "/repository/files/a", body)
    assert told(refused) == (400, "You are not allowed to push into this branch")


def test_body_that_cannot_be_read_is_refused(ask):
    url = f"{ask.simulator.url}{ask.simulator.root}{ask.prefix}/repository/commits"
    headers = {"Content-Type": "application/json"}
    for text in ("{", "[]"):
        assert ask.session.post(url, data=text, headers=headers, timeout=10).status_code == 400
    broken = action("create", "new", "!", encoding="base64")
    assert ask.commit(broken).status_code == 400


def test_body_that_is_too_large_is_refused(ask, simulator):
    simulator.body_limit = 1000
    assert ask.commit(action("update", content="x" * 1000)).status_code == 413


# -- merge requests -----------------------------------------------------------------------------------


def test_merge_request_is_made_by_parameters_or_by_a_body(ask, site):
    for branch in ("one", "two"):
        site.commit_files(branch, {branch: b"x"}, start="main")
    query = "source_branch=one&target_branch=main&title=One&labels=a,b&remove_source_branch=true&squash=true"
    made = ask("POST", f"/merge_requests?{query}")
    assert (made.status_code, made.json()["merge_status"]) == (201, "checking")
    assert (made.json()["labels"], made.json()["squash"]) == (["a", "b"], True)
    body = {"source_branch": "two", "target_branch": "main", "title": "Draft: Two", "labels": ["c"]}
    assert ask("POST", "/merge_requests", body).json()["draft"] is True
    again = ask("POST", "/merge_requests", body)
    assert told(again) == (409, ["Another open merge request already exists for this source branch: !2"])
    for change, refusal in (
        ({"source_branch": "none"}, (400, {"source_branch": ["does not exist"]})),
        ({"target_branch": "none"}, (400, {"target_branch": ["does not exist"]})),
        ({"target_branch": "two"}, (422, ["You can't use same project/branch for source and target"])),
    ):
        assert told(ask("POST", "/merge_requests", {**body, **change})) == refusal
    assert told(ask("POST", "/merge_requests")) == (
        400, "title is missing, source_branch is missing, target_branch is missing",
    )  # fmt: skip


def test_merge_request_without_commits_can_be_made_and_not_merged(ask, site):
    site.create_branch("same", site.head("main"))
    body = {"source_branch": "same", "target_branch": "main", "title": "Nothing"}
    assert ask("POST", "/merge_requests", body).status_code == 201
    assert ask("GET", "/merge_requests/1").json()["detailed_merge_status"] == "commits_status"
    assert told(ask("PUT", "/merge_requests/1/merge")) == (405, "405 Method Not Allowed")
    site.commit_files("main", {"later": b"x"})
    assert ask("GET", "/merge_requests/1").json()["state"] == "opened"


def test_merge_requests_are_filtered_sorted_and_paged(ask, site):
    for number in range(4):
        draft(site, f"cms/{number}", f"{number}.md", labels=["a", f"b{number}"] if number else [])
    site.close_pull(site.pull(2))
    for query, iids in (
        ("state=opened", [4, 3, 1]),
        ("state=closed", [2]),
        ("labels=a,b2", [3]),
        ("labels=None", [1]),
        ("labels=Any&sort=asc", [2, 3, 4]),
        ("source_branch=cms/1", [2]),
        ("target_branch=none", []),
        ("order_by=updated_at", [2, 4, 3, 1]),
        ("iids[]=1&iids[]=3", [3, 1]),
    ):
        assert [each["iid"] for each in ask("GET", f"/merge_requests?{query}").json()] == iids, query
    pages = ask("GET", "/merge_requests?per_page=3")
    assert (len(pages.json()), pages.headers["X-Total"]) == (3, "4")
    assert "sha" not in ask("GET", "/merge_requests?view=simple").json()[0]
    assert told(ask("GET", "/merge_requests/9")) == (404, "404 Not found")


def test_merge_request_is_changed_closed_and_opened_again(ask, site):
    draft(site, labels=["a", "b"])
    changed = ask("PUT", "/merge_requests/1?add_labels=c&remove_labels=a&title=T&description=D").json()
    assert (changed["labels"], changed["title"], changed["description"]) == (["b", "c"], "T", "D")
    assert ask("PUT", "/merge_requests/1?labels=").json()["labels"] == []
    closed = ask("PUT", "/merge_requests/1", {"state_event": "close"}).json()
    assert (closed["state"], closed["closed_by"]["username"]) == ("closed", "ann")
    site.open_pull("Other", "draft")
    conflict = ask("PUT", "/merge_requests/1", {"state_event": "reopen"})
    assert told(conflict) == (409, ["Another open merge request already exists for this source branch: !2"])
    ask("PUT", "/merge_requests/2", {"state_event": "close"})
    assert ask("PUT", "/merge_requests/1", {"state_event": "reopen"}).json()["state"] == "opened"


def test_diff_keeps_the_target_of_its_time(ask, site):
    old = site.head("main")
    draft(site)
    refs = {"base_sha": old, "head_sha": site.head("draft"), "start_sha": old}
    assert ask("GET", "/merge_requests/1").json()["diff_refs"] == refs
    site.commit_files("main", {"later": b"x"})
    assert ask("GET", "/merge_requests/1").json()["diff_refs"] == refs
    ask.commit(action("update"), branch="draft")
    shown = ask("GET", "/merge_requests/1").json()
    assert shown["diff_refs"] == {**refs, "head_sha": site.head("draft"), "start_sha": site.head("main")}
    changes = ask("GET", "/merge_requests/1/changes").json()
    assert [each["new_path"] for each in changes["changes"]] == [HELLO, "content/posts/new.md"]
    assert shown["changes_count"] == "2"
    assert len(ask("GET", "/merge_requests/1/diffs?per_page=1").json()) == 1
    assert len(ask("GET", "/merge_requests/1/commits").json()) == 2


def test_new_merge_request_is_looked_at_for_a_while(ask, simulator, site):
    simulator.checking = simulator.diff_lag = 2
    draft(site)
    seen = ask("GET", "/merge_requests/1").json()
    assert (seen["detailed_merge_status"], seen["diff_refs"]) == ("checking", None)
    assert ask("PUT", "/merge_requests/1/merge").status_code == 405
    assert ask("PUT", "/merge_requests/1/merge").status_code == 200


def prepared(simulator, site, lack: str):
    """Open a merge request that lacks something."""
    pull = draft(site)
    state = simulator.merge_request(pull)
    if lack == "draft_status":
        pull.title = "Draft: x"
    elif lack == "discussions_not_resolved":
        state.unresolved_discussions = True
    elif lack == "not_approved":
        site.protections["main"] = Protection(required_reviews=1)
    elif lack.startswith("ci_"):
        site.protections["main"] = Protection(required_checks=("ci",))
        site.add_status(pull.head_sha, "ci", "running" if lack == "ci_still_running" else "failure")
    elif lack == "conflict":
        site.commit_files("main", {"content/posts/new.md": b"theirs\n"})
    elif lack == "need_rebase":
        simulator.project(site).merge_method = "ff"
        site.commit_files("main", {"later": b"x"})
    elif lack == "not_open":
        site.close_pull(pull)
    else:
        state.status = lack
    return pull


@pytest.mark.parametrize(
    "lack",
    [
        "draft_status", "discussions_not_resolved", "not_approved", "ci_must_pass", "ci_still_running", "not_open",
        "blocked_status",
    ],
)  # fmt: skip
def test_merge_request_that_lacks_something_is_not_merged(ask, simulator, site, lack):
    prepared(simulator, site, lack)
    assert ask("GET", "/merge_requests/1").json()["detailed_merge_status"] == lack
    assert told(ask("PUT", "/merge_requests/1/merge")) == (405, "405 Method Not Allowed")


@pytest.mark.parametrize("lack", ["conflict", "need_rebase"])
def test_what_git_has_against_a_merge_is_told_in_another_way(ask, simulator, site, lack):
    prepared(simulator, site, lack)
    shown = ask("GET", "/merge_requests/1").json()
    assert (shown["detailed_merge_status"], shown["has_conflicts"]) == (lack, lack == "conflict")
    assert told(ask("PUT", "/merge_requests/1/merge")) == (422, "Branch cannot be merged")
    simulator.old_merge = True
    assert ask("PUT", "/merge_requests/1/merge").status_code == 406


def test_semi_linear_history_needs_a_rebase_too(ask, simulator, site):
    prepared(simulator, site, "need_rebase")
    for method, status in (("rebase_merge", "need_rebase"), ("merge", "mergeable")):
        simulator.project(site).merge_method = method
        assert ask("GET", "/merge_requests/1").json()["detailed_merge_status"] == status


def test_merge_waits_for_its_pipeline_when_told_to(ask, simulator, site):
    prepared(simulator, site, "ci_still_running")
    shown = ask("PUT", "/merge_requests/1/merge?merge_when_pipeline_succeeds=true").json()
    assert (shown["state"], shown["merge_when_pipeline_succeeds"]) == ("opened", True)


def test_merge_is_guarded_by_the_head(ask, site):
    pull = draft(site)
    refused = ask("PUT", f"/merge_requests/1/merge?sha={MISSING}")
    assert told(refused) == (409, f"SHA does not match HEAD of source branch: {pull.head_sha}")
    assert ask("PUT", f"/merge_requests/1/merge?sha={pull.head_sha}").json()["state"] == "merged"


def test_developer_may_not_merge_into_a_protected_branch(ask, simulator, site):
    draft(site)
    simulator.project(site).access_level = 30
    site.protections["main"] = Protection()
    assert told(ask("PUT", "/merge_requests/1/merge")) == (401, "401 Unauthorized")
    del site.protections["main"]
    assert ask("PUT", "/merge_requests/1/merge").status_code == 200


@pytest.mark.parametrize(
    ("method", "squash", "parents"),
    [("merge", False, 2), ("merge", True, 2), ("rebase_merge", True, 2), ("ff", True, 1), ("ff", False, 1)],
)
def test_merge_makes_the_commits_of_the_projects_method(ask, simulator, site, method, squash, parents):
    simulator.project(site).merge_method = method
    old = site.head("main")
    pull = draft(site)
    site.commit_files("draft", {"second": b"x"}, "Second")
    messages = "squash_commit_message=Squashed&merge_commit_message=Merged"
    shown = ask("PUT", f"/merge_requests/1/merge?{messages}&squash={str(squash).lower()}").json()
    head = site.commit("main")
    assert len(head.parents) == parents
    assert shown["merge_commit_sha"] == (str(head.id) if parents == 2 else None)
    squashed = shown["squash_commit_sha"]
    assert (squashed is not None) == squash
    if squash:
        assert (site.commit(squashed).message, str(site.commit(squashed).parents[0].id)) == ("Squashed", old)
    if parents == 2:
        assert head.message == "Merged"
        assert [str(each.id) for each in head.parents] == [old, squashed or site.pull(pull.number).head_sha]


def test_source_branch_goes_with_its_merge_request_or_later(ask, simulator, site):
    simulator.remove_later = True
    draft(site)
    ask("PUT", "/merge_requests/1?remove_source_branch=true")
    assert ask("PUT", "/merge_requests/1/merge").json()["state"] == "merged"
    assert site.head("draft")
    simulator.remove_branches()
    assert site.head("draft") is None
    draft(site, "kept", "kept.md")
    ask("PUT", "/merge_requests/2?remove_source_branch=true")
    ask("PUT", "/merge_requests/2/merge?should_remove_source_branch=false")
    simulator.remove_branches()
    assert site.head("kept")


def test_rebase_that_conflicts_says_so_and_leaves_the_branch(ask, simulator, site):
    pull = prepared(simulator, site, "conflict")
    simulator.rebase_looks = 0
    assert ask("PUT", "/merge_requests/1/rebase").json() == {"rebase_in_progress": True}
    shown = ask("GET", "/merge_requests/1?include_rebase_in_progress=true").json()
    assert (shown["rebase_in_progress"], shown["merge_error"]) == (
        False,
        "Rebase failed. Please rebase locally",
    )
    assert shown["sha"] == pull.head_sha


def test_rebase_keeps_authors_and_drops_what_is_there_already(ask, simulator, site):
    simulator.rebase_looks = 0
    bob = site.forge.add_user("bob", "Bob")
    site.commit_files("draft", {"same": b"x"}, "Same", start="main", author=bob)
    site.commit_files("draft", {"own": b"x"}, "Own", author=bob)
    site.open_pull("T", "draft")
    site.commit_files("main", {"same": b"x"}, "Same in main")
    ask("PUT", "/merge_requests/1/rebase")
    head = site.commit("draft")
    assert (head.message, head.author.name, head.committer.name) == ("Own", "Bob", "Ann")
    assert [str(each.id) for each in head.parents] == [site.head("main")]


def test_rebase_of_a_protected_or_missing_branch_is_refused(ask, site):
    draft(site)
    site.protections["draft"] = Protection(no_direct_pushes=False)
    refused = ask("PUT", "/merge_requests/1/rebase")
    assert told(refused) == (403, "403 Forbidden - Source branch is protected from force push")
    del site.protections["draft"]
    site.delete_branch("draft")
    refused = ask("PUT", "/merge_requests/1/rebase")
    assert told(refused) == (403, "403 Forbidden - Source branch does not exist")


def test_comments_are_added_and_listed(ask, site):
    draft(site)
    for body in ("one", "two"):
        assert ask("POST", "/merge_requests/1/notes", {"body": body}).status_code == 201
    assert [each["body"] for each in ask("GET", "/merge_requests/1/notes").json()] == ["two", "one"]
    assert ask("GET", "/merge_requests/1").json()["user_notes_count"] == 2


def test_merge_request_gets_another_target(ask, site):
    site.create_branch("next", site.head("main"))
    draft(site)
    site.commit_files("next", {"next.md": b"x"})
    changed = ask("PUT", "/merge_requests/1?target_branch=next").json()
    assert (changed["target_branch"], changed["diff_refs"]["start_sha"]) == ("next", site.head("next"))
    none = ask("PUT", "/merge_requests/1?target_branch=none")
    assert told(none) == (400, {"target_branch": ["does not exist"]})
    assert told(ask("PUT", "/merge_requests/1")) == (400, "at least one parameter must be provided")
    bad = ask("PUT", "/merge_requests/1?state_event=burn")
    assert told(bad) == (400, "state_event does not have a valid value")


def test_merge_request_of_a_fork_names_its_project(ask, forge, site):
    fork = forge.add_repository("bob/site")
    head = site.commit_files("theirs", {"x": b"x"}, start="main")
    site.open_pull("Theirs", "theirs", fork="bob/site", head_sha=head)
    assert ask("GET", "/merge_requests/1").json()["source_project_id"] == fork.id
    site.pull(1).fork, site.pull(1).fork_deleted = "bob/gone", True
    assert ask("GET", "/merge_requests/1").json()["source_project_id"] is None
    query = """{project(fullPath: "group/sub/site") {mergeRequest(iid: "1") {
      sourceProjectId reference(full: true)}}}"""
    shown = ask.graphql(query)["data"]["project"]["mergeRequest"]
    assert shown == {"sourceProjectId": None, "reference": "group/sub/site!1"}


def test_project_may_remove_source_branches(ask, site):
    site.delete_branch_on_merge = True
    site.commit_files("draft", {"x": b"x"}, start="main")
    ask("POST", "/merge_requests?source_branch=draft&target_branch=main&title=x")
    ask("PUT", "/merge_requests/1/merge")
    assert site.head("draft") is None


# -- labels and checks --------------------------------------------------------------------------------


def test_labels_need_not_be_there_before(ask, site):
    draft(site)
    ask("PUT", "/merge_requests/1?add_labels=z,a")
    assert [each["name"] for each in ask("GET", "/labels").json()] == ["a", "z"]
    assert told(ask("POST", "/labels", {"name": "a", "color": "#fff"})) == (409, "Label already exists")
    assert ask("GET", "/labels/a").json()["name"] == "a"
    assert ask("DELETE", "/labels/a").status_code == 204
    assert told(ask("DELETE", "/labels?name=a")) == (404, "404 Label Not Found")


def test_statuses_are_asked_for_by_ref_and_name(ask, site):
    pull = draft(site)
    site.add_status(pull.head_sha, "ci", "failure")
    site.add_status(pull.head_sha, "docs", "success", ref="other")
    path = f"/repository/commits/{pull.head_sha}/statuses"
    assert [(each["name"], each["status"], each["ref"]) for each in ask("GET", path).json()] == [
        ("ci", "failed", "draft"), ("docs", "success", "other"),
    ]  # fmt: skip
    assert [each["name"] for each in ask("GET", f"{path}?ref=draft").json()] == ["ci"]
    assert [each["name"] for each in ask("GET", f"{path}?name=docs").json()] == ["docs"]
    assert ask("GET", f"/repository/commits/{pull.head_sha}").json()["last_pipeline"]["status"] == "failed"
    assert len(ask("GET", "/pipelines?ref=draft").json()) == 1
    bad = ask("POST", f"/statuses/{pull.head_sha}?state=odd")
    assert told(bad) == (400, "state does not have a valid value")


def test_deployments_and_environments_name_each_other(ask, site):
    main = site.head("main")
    site.add_deployment(main, "review/a", "https://a.example.org", ref="main")
    site.add_deployment(main, "production", "https://example.org", "in_progress")
    newest, oldest = ask("GET", "/deployments?order_by=created_at&sort=desc").json()
    assert (newest["status"], oldest["status"], oldest["ref"]) == ("running", "success", "main")
    assert oldest["environment"]["external_url"] == "https://a.example.org"
    assert ask("GET", f"/deployments?updated_after={newest['updated_at']}").json() == []
    assert len(ask("GET", "/deployments?environment=production").json()) == 1
    (found,) = ask("GET", "/environments?search=review").json()
    assert (found["slug"], "last_deployment" in found) == ("review-a", False)
    whole = ask("GET", f"/environments/{found['id']}").json()
    assert whole["last_deployment"]["sha"] == main
    assert told(ask("GET", "/environments/1")) == (404, "404 Environment Not Found")


# -- archives -----------------------------------------------------------------------------------------


def test_archive_is_gits_own(ask, site):
    attributes = b"bin/run export-ignore\nversion export-subst\n"
    head = site.commit_files("main", {".gitattributes": attributes, "version": b"$Format:%H$\n"})
    answer = ask("GET", f"/repository/archive.tar.gz?sha={head}")
    top = f"site-{head}-{head}"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{top}.tar.gz"'
    with tarfile.open(fileobj=io.BytesIO(answer.content)) as archive:
        members = {each.name: each for each in archive}
        assert archive.pax_headers["comment"] == head
        assert archive.extractfile(f"{top}/version").read() == f"{head}\n".encode()
    assert f"{top}/bin/run" not in members
    assert members[f"{top}/link"].linkname == "README.md"
    assert f"{top}/content/posts/größe 1.md" in members


def test_archive_of_a_folder_has_whole_paths(ask, site):
    head = site.head("main")
    answer = ask("GET", "/repository/archive.tar.gz?sha=main&path=content/posts")
    with tarfile.open(fileobj=io.BytesIO(answer.content)) as archive:
        assert f"site-main-{head}-content-posts/content/posts/hello.md" in archive.getnames()
    assert told(ask("GET", "/repository/archive.tar.gz?sha=none")) == (404, "404 File Not Found")
    assert told(ask("GET", "/repository/archive.tar.gz?path=none")) == (404, "404 File Not Found")


def test_sixth_archive_in_a_minute_is_refused(ask, simulator):
    now = [0.0]
    simulator.clock = lambda: now[0]
    assert [ask("GET", "/repository/archive.tar.gz").status_code for _ in range(6)] == [200] * 5 + [429]
    now[0] = 20.0
    refused = ask("GET", "/repository/archive.tar.gz")
    assert told(refused)[1] == {"error": "This archive has been requested too many times. Try again later."}
    assert refused.headers["Retry-After"] == "40"
    assert ask("GET", "/repository/archive.tar.gz", Authorization="Bearer reader").status_code == 200
    now[0] = 61.0
    assert ask("GET", "/repository/archive.tar.gz").status_code == 200


# -- limits -------------------------------------------------------------------------------------------


def test_every_answer_tells_the_quota(ask, simulator):
    for answer in (ask("GET"), ask("GET", "/none"), ask.post_graphql("{currentUser {id}}")):
        assert answer.headers["RateLimit-Limit"] == "2000"
        assert int(answer.headers["RateLimit-Observed"]) + int(answer.headers["RateLimit-Remaining"]) == 2000
        assert answer.headers["RateLimit-ResetTime"].endswith("GMT")
        assert answer.headers["X-Request-Id"]


def test_quota_runs_out_for_both_interfaces(ask, simulator):
    simulator.quota_left = 0
    for answer in (ask("GET"), ask.post_graphql("{currentUser {id}}")):
        assert (answer.status_code, answer.text) == (429, "Retry later\n")
        assert 0 < int(answer.headers["Retry-After"]) <= 60
    simulator.clock = lambda: simulator.quota_reset
    assert ask("GET").headers["RateLimit-Observed"] == "1"


def test_request_is_refused_while_quota_is_left(ask, simulator):
    simulator.throttle(retry_after="7")
    answer = ask("GET")
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7")
    assert int(answer.headers["RateLimit-Remaining"]) > 0
    assert ask("GET").status_code == 200


def test_known_answer_is_304(ask):
    tag = ask("GET", "/repository/tree").headers["ETag"]
    assert tag.startswith('W/"')
    again = ask("GET", "/repository/tree", If_None_Match=tag)
    assert (again.status_code, again.content) == (304, b"")


# -- GraphQL ------------------------------------------------------------------------------------------

BLOBS = """query ($paths: [String!]!) {
  queryComplexity {score limit}
  project(fullPath: "group/sub/site") {repository {blobs(paths: $paths) {nodes {path rawTextBlob}}}}
}"""


def test_files_come_by_their_paths(ask, simulator, site):
    site.commit_files("main", {"a.png": b"\x89PNG\0"})
    paths = ["README.md", "none", "a.png", "bin/run", "content"]
    nodes = ask.graphql(BLOBS, paths=paths)["data"]["project"]["repository"]["blobs"]["nodes"]
    assert nodes == [
        {"path": "README.md", "rawTextBlob": "# A site\n"},
        {"path": "a.png", "rawTextBlob": None},
        {"path": "bin/run", "rawTextBlob": "#!/bin/sh\n"},
    ]
    simulator.blobs_shuffled = True
    shuffled = ask.graphql(BLOBS, paths=paths)["data"]["project"]["repository"]["blobs"]["nodes"]
    assert nodes != shuffled
    assert sorted(nodes, key=str) == sorted(shuffled, key=str)


def test_complexity_is_what_was_measured(ask, simulator):
    """A hundred paths cost 215 of 250, as they did on the real service."""
    found = ask.graphql(BLOBS, paths=[str(number) for number in range(100)])
    assert found["data"]["queryComplexity"] == {"score": 215, "limit": 250}
    many = ask.post_graphql(BLOBS, paths=[str(number) for number in range(120)])
    message = "Query has complexity of 255, which exceeds max complexity of 250"
    assert (many.status_code, many.json()) == (200, {"errors": [{"message": message}]})
    simulator.complexity_limit = 300
    assert "data" in ask.graphql(BLOBS, paths=[str(number) for number in range(120)])


def test_smaller_pages_cost_less(ask):
    query = 'query {queryComplexity {score} project(fullPath: "x") {mergeRequests(first: 10) {...Page}}}'
    page = "fragment Page on MergeRequestConnection {nodes {iid title}}"
    assert ask.graphql(query + page)["data"]["queryComplexity"] == {"score": 7}


def test_tree_and_merge_requests_are_asked_for_at_once(ask, site):
    pull = draft(site, labels=["a"])
    query = """{project(fullPath: "group/sub/site") {
      repository {rootRef empty commit(ref: "main") {sha} tree(path: "content", recursive: true) {
        lastCommit {sha} trees {nodes {path}} blobs(first: 1) {nodes {path sha mode} pageInfo {hasNextPage}}}}
      mergeRequests(state: opened, labels: ["a"], sourceBranches: ["draft"], sort: UPDATED_DESC) {count nodes {
        iid diffHeadSha detailedMergeStatus labels {nodes {title}} diffStats {path additions}
        diffRefs {baseSha headSha startSha} author {username}}}}}"""
    found = ask.graphql(query)["data"]["project"]
    main = site.head("main")
    repository = found["repository"]
    assert (repository["rootRef"], repository["commit"], repository["empty"]) == (
        "main",
        {"sha": main},
        False,
    )
    assert repository["tree"]["trees"] == {"nodes": [{"path": "content/posts"}]}
    page = repository["tree"]["blobs"]
    assert (page["nodes"][0]["path"], page["pageInfo"]["hasNextPage"]) == ("content/posts/größe 1.md", True)
    (shown,) = found["mergeRequests"]["nodes"]
    assert (shown["iid"], shown["diffHeadSha"], shown["detailedMergeStatus"]) == (
        "1",
        pull.head_sha,
        "MERGEABLE",
    )
    assert shown["diffStats"] == [{"path": "content/posts/new.md", "additions": 1}]
    assert shown["diffRefs"] == {"baseSha": main, "headSha": pull.head_sha, "startSha": main}


def test_pages_of_a_tree_follow_their_cursor(ask):
    query = """query ($after: String) {project(fullPath: "group/sub/site") {repository {tree(recursive: true) {
      blobs(first: 2, after: $after) {nodes {path} pageInfo {hasNextPage endCursor}}}}}}"""
    seen, after = [], None
    for _ in range(3):
        page = ask.graphql(query, after=after)["data"]["project"]["repository"]["tree"]["blobs"]
        seen += [each["path"] for each in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
    assert (set(seen), page["pageInfo"]["hasNextPage"]) == (FILES.keys(), False)


def test_pointers_of_lfs_tell_what_they_point_to(ask, site):
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'a' * 64}\nsize 12345\n"
    site.commit_files("main", {"big.bin": pointer.encode()})
    query = """{project(fullPath: "group/sub/site") {repository {blobs(paths: ["big.bin"]) {
      nodes {size rawSize lfsOid}}}}}"""
    (node,) = ask.graphql(query)["data"]["project"]["repository"]["blobs"]["nodes"]
    assert node == {"size": str(len(pointer)), "rawSize": "12345", "lfsOid": "a" * 64}


def test_query_that_is_too_much_is_refused(ask, simulator):
    large = ask.post_graphql("{currentUser {id}}" + " " * 10_000)
    assert (large.status_code, large.json()) == (422, {"errors": [{"message": "Query too large"}]})
    simulator.blob_bytes_limit = 5
    heavy = ask.graphql(BLOBS, paths=["README.md"])
    assert (heavy["data"], len(heavy["errors"])) == (None, 1)
    wrong = ask.post_graphql("{currentUser {id}}", "Bearer wrong")
    assert (wrong.status_code, wrong.json()) == (401, {"errors": [{"message": "Invalid token"}]})
    assert "nothing" in ask.graphql("{nothing}")["errors"][0]["message"]
    anonymous = ask.graphql("{currentUser {id} queryComplexity {limit}}", None)
    assert anonymous["data"] == {"currentUser": None, "queryComplexity": {"limit": 200}}
