"""The simulator of Gitea: asked by hand, its limits and its words, and the fields that the real one answers."""

from __future__ import annotations

import base64
import threading

import pytest
from simulators import client
from simulators.gitea import GiteaSimulator
from simulators.recorded import FOLDER, read
from simulators.store import Forge, Protection

FILES = {
    "README.md": b"# A site\n",
    "content/posts/hello.md": b"one\ntwo\nthree\n",
    "content/posts/2026/new.md": b"new\n",
    "bin/run": b"#!/bin/sh\n",
    "link": b"README.md",
}
MISSING = "0123456789" * 4
ABSENT = "The target couldn't be found."


@pytest.fixture
def forge(tmp_path):
    forge = Forge(tmp_path / "forge")
    forge.add_token("full", forge.add_user("owner", "Site Owner", "owner@example.org"))
    forge.add_token("reader", forge.add_user("reader"), "read")
    forge.add_token("stranger", forge.add_user("stranger"), "none")
    forge.add_repository("owner/site", FILES, modes={"bin/run": 0o100755, "link": 0o120000})
    yield forge
    forge.close()


@pytest.fixture
def site(forge):
    return forge.repository("owner/site")


@pytest.fixture
def simulator(forge):
    with GiteaSimulator(forge) as simulator:
        yield simulator


@pytest.fixture
def ask(simulator):
    with client.Client(simulator, "/repos/owner/site") as ask:
        yield ask


def sha_of(site, path: str) -> str:
    return str(site.git[site.head("main")].tree[path].id)


def change(operation: str, path: str, content: bytes | None = None, **more: object) -> dict[str, object]:
    told = {} if content is None else {"content": base64.b64encode(content).decode()}
    return {"operation": operation, "path": path, **told, **more}


def post(ask, *files: dict[str, object], **more: object):
    answer = ask("POST", "/contents", {"branch": "main", "message": "Change", "files": list(files), **more})
    return answer.status_code, answer.json()


def refusal(ask, *asked: object, **more: object) -> tuple[int, str]:
    answer = ask(*asked, **more)
    assert answer.json()["url"].endswith("/api/swagger")
    return answer.status_code, answer.json()["message"]


# -- who asks -----------------------------------------------------------------------------------------


def test_who_asks_is_looked_at(ask, site):
    assert ask("GET", "/user", prefix="").json()["login"] == "owner"
    assert refusal(ask, "GET", Authorization="token wrong") == (401, "invalid username, password or token")
    assert refusal(ask, "POST", "/labels", {}, Authorization=None) == (401, "token is required")
    told = refusal(ask, "POST", "/labels", {}, Authorization="token reader")
    assert told == (403, "user should have a permission to write to a repo")
    site.private = True
    assert refusal(ask, "GET", Authorization="token stranger") == (404, ABSENT)
    assert ask("GET", Authorization="token reader").json()["permissions"]["push"] is False
    site.archived = True
    assert ask("POST", "/labels", {}).status_code == 423


# -- pages and limits ---------------------------------------------------------------------------------


def test_pages_hold_fifty_at_most_and_are_linked(ask, site, simulator):
    head = site.head("main")
    for number in range(119):
        site.create_branch(f"b/{number:03}", head)
    answer = ask("GET", "/branches?limit=100&page=2")
    assert len(answer.json()) == 50
    assert answer.headers["X-Total-Count"] == "120"
    assert {rel: link["url"].partition("?")[2] for rel, link in answer.links.items()} == {
        "next": "limit=100&page=3",
        "last": "limit=100&page=3",
        "first": "limit=100&page=1",
        "prev": "limit=100&page=1",
    }
    assert len(ask("GET", "/branches").json()) == 30
    simulator.root_url = "https://gitea.example"
    assert ask("GET", "/branches").links["next"]["url"].startswith("https://gitea.example/api/v1/repos/")


def test_lists_of_labels_have_no_links(ask, site):
    for number in range(60):
        site.create_label(f"l{number}")
    answer = ask("GET", "/labels?limit=50")
    assert (len(answer.json()), answer.headers["X-Total-Count"]) == (50, "60")
    assert "Link" not in answer.headers


def test_trees_come_in_pages(ask, site, simulator):
    simulator.tree_limit = 4
    first = ask("GET", f"/git/trees/{site.head('main')}?recursive=true&per_page=1000").json()
    assert (len(first["tree"]), first["truncated"], first["total_count"]) == (4, True, 9)
    last = ask("GET", f"/git/trees/{site.head('main')}?recursive=true&page=3").json()
    assert (len(last["tree"]), last["truncated"]) == (1, False)
    beyond = ask("GET", f"/git/trees/{site.head('main')}?page=9").json()
    assert (beyond["tree"], beyond["truncated"]) == (None, False)
    below = ask("GET", f"/git/trees/{site.head('main')}:content/posts?recursive=1").json()
    assert [each["path"] for each in below["tree"]] == ["2026", "2026/new.md", "hello.md"]
    assert refusal(ask, "GET", f"/git/trees/{MISSING}") == (400, f"sha not found [{MISSING}]")


def test_files_come_in_batches_that_end(ask, simulator):
    simulator.batch_limit = 3
    wanted = ["README.md", "nothing", "link", "bin/run"]
    given = ask("POST", "/file-contents?ref=main", {"files": wanted}).json()
    assert [each and each["type"] for each in given] == ["file", None, "symlink"]
    assert base64.b64decode(given[0]["content"]) == FILES["README.md"]
    assert (given[2]["target"], given[2]["content"]) == ("README.md", None)
    simulator.batch_bytes = 4
    assert ask("POST", "/file-contents?ref=main", {"files": wanted}).json() == []
    simulator.batches = ("blobs",)
    assert ask("POST", "/file-contents?ref=main", {"files": wanted}).status_code == 404


def test_blobs_of_forgejo_come_by_their_shas(ask, site, simulator):
    simulator.batches = ("blobs",)
    shas = [sha_of(site, path) for path in ("README.md", "bin/run")]
    given = ask("GET", f"/git/blobs?shas={','.join(shas)}").json()
    assert [each["sha"] for each in given] == shas
    assert ask("GET", f"/git/blobs?shas={MISSING}").status_code == 400


def test_blob_above_the_limit_comes_without_its_bytes(ask, site, simulator):
    simulator.blob_limit = 3
    blob = ask("GET", f"/git/blobs/{sha_of(site, 'README.md')}").json()
    assert (blob["content"], blob["encoding"], blob["size"]) == (None, None, 9)
    assert ask("GET", "/raw/README.md?ref=main").content == FILES["README.md"]


# -- commits made of files ----------------------------------------------------------------------------


def test_files_are_changed_in_one_commit(ask, site):
    before = site.head("main")
    status, made = post(
        ask,
        change("create", "new.md", b"new"),
        change("update", "bin/ran", b"#!\n", from_path="bin/run", sha=sha_of(site, "bin/run")),
        change("delete", "content/posts/hello.md", sha=sha_of(site, "content/posts/hello.md")),
        author={"name": "Ann", "email": "ann@example.org"},
    )
    assert status == 201
    assert [parent["sha"] for parent in made["commit"]["parents"]] == [before]
    assert made["commit"]["author"]["name"] == made["commit"]["committer"]["name"] == "Ann"
    assert made["commit"]["message"] == "Change\n"
    assert [each and each["path"] for each in made["files"]] == ["new.md", "bin/ran", None]
    tree = site.git[site.head("main")].tree
    assert int(tree["bin/ran"].filemode) == 0o100755
    assert "run" not in tree["bin"]


@pytest.mark.parametrize(
    ("file", "status", "words"),
    [
        (change("create", "README.md", b"x"), 422, "repository file already exists [path: README.md]"),
        (change("update", "README.md", b"x", sha=MISSING), 422, "sha does not match [given: 0123456789"),
        (change("delete", "nothing", sha=MISSING), 404, "object does not exist [id: , rel_path: nothing]"),
        (change("update", "link", b"x"), 422, "a symbolic link exists where you’re trying to create"),
        (change("create", "content", b"x"), 422, "a directory exists where you’re trying to create a file"),
        (change("create", "README.md/x", b"x"), 422, "a file exists where you’re trying to create a sub"),
        (change("create", "a/.Git/x", b"x"), 422, "path contains a malformed path component"),
        (change("create", "x"), 201, ""),
        ({"operation": "create", "path": "x", "content": "no base64!"}, 422, "illegal base64 data"),
        (change("drop", "x"), 500, ""),
    ],
    ids=range(10),
)
def test_file_that_does_not_fit_refuses_the_whole(ask, site, file, status, words):
    before = site.head("main")
    told, body = post(ask, change("create", "beside.md", b"x"), file)
    assert told == status
    assert body.get("message", "").startswith(words)
    assert (site.head("main") == before) == (status != 201)


def test_new_branch_starts_at_the_name_of_another(ask, site):
    status, made = post(ask, change("create", "x", b"x"), new_branch="side")
    assert (status, site.head("side")) == (201, made["commit"]["sha"])
    status, told = post(ask, change("create", "y", b"x"), new_branch="side")
    assert (status, told["message"]) == (422, "branch already exists [name: side]")
    status, told = post(ask, change("create", "y", b"x"), branch="nothing")
    assert (status, told["message"].partition(" [")[0]) == (404, "branch does not exist")
    assert post(ask, change("create", "y", b"x"), new_branch="b" * 101)[0] == 422
    # git cannot hold it beside the other, and nobody outside is told.
    assert post(ask, change("create", "y", b"x"), new_branch="side/er") == (
        500,
        {"message": "", "url": "https://gitea.example/api/swagger"},
    )
    site.protections["main"] = Protection()
    assert post(ask, change("create", "y", b"x"))[0] == 403


def test_push_that_comes_too_late_fails_and_writes_nothing(ask, site, simulator):
    simulator.before_push = lambda: site.commit_files("main", {"theirs": b"x"})
    assert post(ask, change("create", "mine", b"x"))[0] == 500
    assert "mine" not in site.git[site.head("main")].tree


def test_what_attributes_track_becomes_a_pointer_be_it_one_already(ask, site):
    post(ask, change("create", ".gitattributes", b"*.bin filter=lfs\n"))
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:%b\nsize 1\n" % (b"a" * 64)
    assert post(ask, change("create", "a.bin", pointer))[0] == 201
    written = site.git[site.head("main")].tree["a.bin"].data
    assert written != pointer
    assert b"size %d\n" % len(pointer) in written


def test_patch_is_applied_by_git(ask, site):
    patch = (
        'diff --git "a/run" "b/run"\nnew file mode 100755\n--- /dev/null\n+++ "b/run"\n@@ -0,0 +1 @@\n+x\n'
    )
    body = {"branch": "main", "new_branch": "side", "content": patch, "message": "Patch"}
    assert refusal(ask, "POST", "/diffpatch", body) == (422, "[SHA]: Required")
    made = ask("POST", "/diffpatch", {**body, "sha": MISSING})
    assert made.status_code == 201
    assert int(site.git[site.head("side")].tree["run"].filemode) == 0o100755
    wrong = {**body, "new_branch": "other", "content": patch.replace("new file", "old"), "sha": MISSING}
    assert ask("POST", "/diffpatch", wrong).status_code == 500
    assert site.head("other") is None


# -- history ------------------------------------------------------------------------------------------


def test_history_takes_a_path_for_a_pattern_unless_it_is_told(ask, site):
    site.commit_files("main", {"star*.md": b"1"}, "one")
    site.commit_files("main", {"start.md": b"2"}, "two")

    def listed(path: str) -> list[str]:
        answer = ask("GET", f"/commits?path={path}")
        return [each["commit"]["message"] for each in answer.json()]

    assert listed("star*.md") == ["two", "one"]
    assert listed(":(literal)star*.md") == ["one"]
    assert refusal(ask, "GET", "/commits?path=nothing") == (404, ABSENT)
    assert ask("GET", f"/commits?sha={MISSING}").status_code == 500


def test_comparison_lists_commits_and_no_files(ask, site):
    base = site.head("main")
    made = site.commit_files("side", {"x": b"x"}, "X", start="main")
    told = ask("GET", f"/compare/{base}...{made}").json()
    assert (told["total_commits"], [each["sha"] for each in told["commits"]]) == (1, [made])
    assert ask("GET", f"/compare/{made}...{base}").json() == {"total_commits": 0, "commits": []}
    assert ask("GET", f"/compare/{MISSING}...{base}").status_code == 500
    assert ask("GET", "/compare/nothing...main").status_code == 404


# -- pull requests ------------------------------------------------------------------------------------


@pytest.fixture
def pull(ask, site):
    site.commit_files("side", {"x": b"x"}, "X", start="main")
    return ask("POST", "/pulls", {"title": "X", "head": "side", "base": "main"}).json()


def test_pull_request_is_opened_once(ask, site, pull):
    label = ask("POST", "/labels", {"name": "a", "color": "#ffffff"}).json()
    status, words = refusal(ask, "POST", "/pulls", {"title": "X", "head": "side", "base": "main"})
    assert (status, words.partition(" [")[0]) == (409, "pull request already exists for these targets")
    assert refusal(ask, "POST", "/pulls", {"title": "X", "head": "nothing", "base": "main"})[0] == 404
    assert refusal(ask, "POST", "/pulls", {"title": "X", "head": "main", "base": "main"})[0] == 422
    given = ask("POST", "/issues/1/labels", {"labels": [label["id"], 9]}).json()
    assert [each["name"] for each in given] == ["a"]
    assert ask("DELETE", f"/issues/1/labels/{label['id']}").status_code == 204
    assert ask("DELETE", "/issues/1/labels/9").status_code == 422


def test_merge_wants_the_head_that_was_seen(ask, site, pull):
    body = {"Do": "merge", "MergeTitleField": "T", "head_commit_id": MISSING}
    assert refusal(ask, "POST", "/pulls/1/merge", body) == (409, "head out of date")
    body |= {"head_commit_id": pull["head"]["sha"], "delete_branch_after_merge": True}
    done = ask("POST", "/pulls/1/merge", body)
    assert (done.status_code, done.content) == (200, b"")
    told = ask("GET", "/pulls/1").json()
    assert (told["merged"], told["state"], told["head"]["ref"]) == (True, "closed", "refs/pull/1/head")
    assert told["merge_commit_sha"] == site.head("main")
    assert site.git[site.head("main")].message == "T\n"
    assert refusal(ask, "POST", "/pulls/1/merge", body) == (405, "")
    status, words = refusal(ask, "PATCH", "/pulls/1", {"state": "closed"})
    assert (status, words) == (412, "cannot change state of this pull request, it was already merged")


def test_merge_that_conflicts_is_told_as_one_that_is_being_checked(ask, site, pull):
    site.commit_files("main", {"x": b"theirs"})
    told = refusal(ask, "POST", "/pulls/1/merge", {"Do": "merge"})
    assert told == (405, "Please try again later")
    assert ask("GET", "/pulls/1").json()["mergeable"] is False
    assert refusal(ask, "POST", "/pulls/1/update?style=merge")[0] == 409
    assert refusal(ask, "POST", "/pulls/1/merge", {"Do": "octopus"})[0] == 422


def test_update_that_has_nothing_to_do_fails(ask, site, pull):
    assert ask("POST", "/pulls/1/update?style=merge").status_code == 500
    site.commit_files("main", {"beside": b"x"})
    assert ask("POST", "/pulls/1/update?style=merge").status_code == 200
    assert len(site.git[site.head("side")].parent_ids) == 2


def test_files_of_a_pull_request_are_told_as_of_its_head(ask, pull):
    (file,) = ask("GET", "/pulls/1/files").json()
    assert (file["filename"], file["status"]) == ("x", "added")
    assert file["contents_url"].endswith(f"/contents/x?ref={pull['head']['sha']}")


def test_statuses_are_all_there_ever_were(ask, site):
    head = site.head("main")
    for state in ("pending", "success"):
        ask("POST", f"/statuses/{head}", {"state": state, "context": "build"})
    told = ask("GET", f"/statuses/{head}?sort=highestindex").json()
    assert [each["status"] for each in told] == ["success", "pending"]
    assert ask("GET", f"/statuses/{MISSING}").json() == []
    assert ask("POST", f"/statuses/{head}", {"state": "odd"}).status_code == 422


def test_two_who_commit_at_once_come_one_after_the_other(ask, site, simulator):
    def write(number: int) -> None:
        with client.Client(simulator, "/repos/owner/site") as own:
            post(own, change("create", f"{number}.md", b"x"))

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {f"{number}.md" for number in range(4)} <= {
        entry.name for entry in site.git[site.head("main")].tree
    }


# -- what the real one answers ------------------------------------------------------------------------

#: Fields that clients have no use for, or that Gitea has dropped.
LEFT_OUT = {
    "language",
    "website",
    "stars_count",
    "forks_count",
    "watchers_count",
    "open_issues_count",
    "parent",
}


def missing(recorded: object, shown: object, where: str = "") -> set[str]:
    """Give the fields of a recorded answer that a simulated one lacks."""
    if isinstance(recorded, list) and recorded and isinstance(shown, list) and shown:
        return missing(recorded[0], shown[0], where)
    if not (isinstance(recorded, dict) and isinstance(shown, dict)):
        return set()
    gone = {f"{where}{name}" for name in recorded.keys() - shown.keys() - LEFT_OUT}
    there = recorded.keys() & shown.keys()
    return gone.union(*(missing(recorded[name], shown[name], f"{where}{name}.") for name in there))


@pytest.mark.skipif(not FOLDER.exists(), reason="the recordings are not beside the checkout")
def test_answers_have_the_fields_of_the_real_ones(ask, site, pull):
    head = site.head("main")
    ask("POST", f"/statuses/{head}", {"state": "success"})
    asked = {
        "branches/{branch}": "/branches/main",
        "branches": "/branches",
        "git/commits/{sha}": f"/git/commits/{head}",
        "commits": "/commits",
        "contents/{filepath}": "/contents/content/posts?ref=main",
        "pulls": "/pulls",
        "pulls/{index}": "/pulls/1",
        "statuses/{sha}": f"/statuses/{head}",
    }
    seen = set()
    for each in read("misc-gitea.jsonl"):
        name = each.endpoint.partition("{repo}/")[2]
        if each.method == "GET" and name in asked:
            seen.add(name)
            assert missing(each.answer, ask("GET", asked[name]).json()) == set(), name
    assert seen == asked.keys()
