"""The simulator of Bitbucket Cloud: a client of strangers, Bitbucket's own description, and its quirks."""

from __future__ import annotations

import pytest
import requests

cloud = pytest.importorskip("atlassian.bitbucket", reason="atlassian-python-api is not installed")
pytest.importorskip("jsonschema", reason="jsonschema is not installed")

from simulators import client  # noqa: E402
from simulators.bitbucket import BitbucketSimulator  # noqa: E402
from simulators.bitbucket.validate import check  # noqa: E402
from simulators.store import Forge, Protection  # noqa: E402

FILES = {
    "README.md": b"# A site\n",
    "content/posts/hello.md": b"one\ntwo\nthree\n",
    "content/posts/2026/new.md": b"new\n",
    "bin/run": b"#!/bin/sh\n",
}
MISSING = "0123456789" * 4


class Client(client.Client):
    """Asks as a plain HTTP client does."""

    def __call__(self, method: str, path: str = "", body: object = None, **more: object) -> requests.Response:
        """Send a request about the repository, to an address, or to what stands behind a tilde."""
        url = f"{self.simulator.url}{self.simulator.root}{self.prefix}{path}"
        if path.startswith("~"):
            url = f"{self.simulator.url}{self.simulator.root}{path[1:]}"
        if path.startswith("http"):
            url = path
        more = {"json": body, "timeout": 10, "allow_redirects": False, **more}
        return self.session.request(method, url, **more)

    def message(self, *asked: object, **more: object) -> tuple[int, str]:
        answer = self(*asked, **more)
        return answer.status_code, answer.json()["error"]["message"]

    def commit(self, written: dict[str, bytes], **said: object) -> requests.Response:
        """Send the form of a commit."""
        files = [(path, (path.rpartition("/")[2], content)) for path, content in written.items()]
        return self("POST", "/src", data=said, files=files)

    def raw_form(self, *parts: bytes) -> requests.Response:
        """Send parts as they are."""
        body = b"".join(b"--edge\r\n" + part + b"\r\n" for part in parts) + b"--edge--\r\n"
        headers = {"Content-Type": "multipart/form-data; boundary=edge"}
        return self("POST", "/src", data=body, headers=headers)


@pytest.fixture
def forge(tmp_path):
    forge = Forge(tmp_path / "forge")
    owner = forge.add_user("owner", "Site Owner", "owner@example.org")
    forge.add_token("full", owner)
    forge.add_token("reader", forge.add_user("reader"), "read")
    forge.add_token("stranger", forge.add_user("stranger"), "none")
    forge.add_repository("owner/site", FILES, modes={"bin/run": 0o100755})
    yield forge
    forge.close()


@pytest.fixture
def site(forge):
    return forge.repository("owner/site")


@pytest.fixture
def simulator(forge):
    """Every exchange of every test is held against Bitbucket's description."""
    with BitbucketSimulator(forge) as simulator:
        yield simulator
    for exchange in simulator.log:
        check(exchange, simulator.root)


@pytest.fixture
def ask(simulator):
    with Client(simulator, "/repositories/owner/site") as asking:
        yield asking


def draft(site, branch="cms/posts/new", path="content/posts/new.md", content=b"new\n", **more):
    site.commit_files(branch, {path: content}, f"Add {path}", start="main")
    return site.open_pull(f"Add {path}", branch, **more)


def bearer(token: str) -> dict:
    return {"headers": {"Authorization": f"Bearer {token}"}}


def paths(answer: requests.Response) -> list[str]:
    return [each["path"] for each in answer.json()["values"]]


# -- a client of strangers ----------------------------------------------------------------------------


def test_atlassian_client_reads_and_takes_a_draft_to_its_end(simulator, site, git):
    api = cloud.Cloud(simulator.url, username="owner@example.org", password="full")
    repository = api.repositories.get("owner", "site")
    assert (repository.slug, repository.is_private) == ("site", False)
    assert repository.get("src/main/README.md", not_json_response=True) == b"# A site\n"
    branch = repository.branches.create("cms/posts/new", site.head("main"))
    assert branch.hash == site.head("main")
    site.commit_files("cms/posts/new", {"content/posts/new.md": b"new\n"}, "Add a post")
    pull = repository.pullrequests.create("Add a post", "cms/posts/new", "main", "by hand")
    pull.comment("netlify-cms/draft")
    assert [each.raw for each in pull.comments()] == ["netlify-cms/draft"]
    assert [each.new.path for each in pull.diffstat()] == ["content/posts/new.md"]
    assert not pull.has_conflict
    (commit,) = pull.commits
    commit.add_build("preview", "https://preview.example.org", "done", state="SUCCESSFUL")
    assert [each["state"] for each in pull.statuses()] == ["SUCCESSFUL"]
    assert [each.id for each in repository.pullrequests.each(q='state = "OPEN"')] == [pull.id]
    pull.merge(pull.MERGE_SQUASH, close_source_branch=True)
    assert repository.pullrequests.get(pull.id).is_merged
    assert [each.name for each in repository.branches.each()] == ["main"]
    assert len(list(repository.commits.each())) == 2
    api.close()
    assert git(site.path, "fsck", "--strict", "--no-dangling") == ""
    assert git(site.path, "cat-file", "-p", "main:content/posts/new.md") == "new"


# -- who may ------------------------------------------------------------------------------------------


def test_token_is_a_bearer_or_the_password_of_an_email(ask):
    assert ask("GET", "~/user").json()["nickname"] == "owner"
    basic = ask("GET", "~/user", headers={"Authorization": ""}, auth=("owner@example.org", "full"))
    assert basic.json()["display_name"] == "Site Owner"
    assert ask("GET", "", headers={"Authorization": ""}).json()["full_name"] == "owner/site"


def test_password_of_an_app_is_no_longer_taken(ask):
    """They went with a user's name; a refusal has no body, only a challenge."""
    refused = ask("GET", "~/user", headers={"Authorization": ""}, auth=("owner", "full"))
    assert (refused.status_code, refused.content) == (401, b"")
    assert refused.headers["WWW-Authenticate"] == "BitbucketCustom realm=Bitbucket.org HTTP"


def test_wrong_and_old_tokens_are_told(ask, simulator):
    simulator.api_tokens.add("reader")
    simulator.expired.add("old")
    told = "Token is invalid, expired, or not supported for this endpoint."
    assert ask.message("GET", "~/user", **bearer("wrong")) == (401, told)
    assert ask.message("GET", "~/user", **bearer("reader")) == (401, told)
    assert ask.message("GET", "~/user", **bearer("old")) == (
        401,
        "Access token expired. Use your refresh token to obtain a new access token.",
    )


def test_token_of_a_repository_has_no_user(ask, simulator):
    simulator.repository_tokens.add("full")
    assert ask("GET", "~/user").json()["error"]["detail"]["required"] == ["account"]
    assert ask("GET").status_code == 200


def test_reader_may_comment(ask, site):
    """The real one asks for the scope `pullrequest` there, and not for the right to write."""
    draft(site)
    made = ask("POST", "/pullrequests/1/comments", {"content": {"raw": "Well done"}}, **bearer("reader"))
    assert made.status_code == 201
    assert made.headers["X-Accepted-OAuth-Scopes"] == "pullrequest"


def test_reader_may_not_write(ask, site):
    draft(site)
    for path in ("/refs/branches", "/pullrequests/1/decline", "/src"):
        refused = ask("POST", path, {}, **bearer("reader"))
        assert refused.status_code == 403
        assert refused.json()["error"]["message"].startswith("Your credentials lack")


def test_permissions_are_told_in_two_ways(ask, simulator):
    query = {"q": 'repository.full_name = "owner/site"'}
    newer = "~/user/workspaces/owner/permissions/repositories"
    for path in ("~/user/permissions/repositories", newer):
        (mine,) = ask("GET", path, params=query).json()["values"]
        (theirs,) = ask("GET", path, params=query, **bearer("reader")).json()["values"]
        assert (mine["permission"], theirs["permission"]) == ("admin", "read")
        assert ask("GET", path, params={"q": 'repository.name = "other"'}).json()["values"] == []
    simulator.old_permissions_gone = True
    assert ask("GET", "~/user/permissions/repositories").status_code == 410


def test_private_repository_is_not_there_for_a_stranger(ask, site):
    site.private = True
    for headers in (bearer("stranger"), {"headers": {"Authorization": ""}}):
        status, text = ask.message("GET", **headers)
        assert (status, text.startswith("You may not have access")) == (404, True)
    assert ask("GET", "~/repositories/owner/none").status_code == 404


def test_history_of_no_repository_is_a_page_for_people(ask):
    answer = ask("GET", "~/repositories/owner/none/commits/main")
    assert (answer.status_code, answer.headers["Content-Type"]) == (404, "text/html; charset=utf-8")


def test_renamed_repository_redirects_readers(ask, forge, site):
    forge.rename(site, "owner/renamed")
    moved = ask("GET", "/refs/branches/main")
    assert moved.status_code == 301
    assert ask("GET", moved.headers["Location"]).json()["name"] == "main"
    assert ask("POST", "/pullrequests", {}).status_code == 404


def test_repository_is_found_by_its_ids(ask):
    shown = ask("GET").json()
    assert ask("GET", f"~/repositories/{shown['workspace']['uuid']}/{shown['uuid']}").json() == shown


def test_empty_repository_has_no_main_branch_until_it_has_a_commit(ask, forge):
    forge.add_repository("owner/empty")
    url = f"{ask.simulator.url}/2.0/repositories/owner/empty"
    assert ask("GET", url).json()["mainbranch"] is None
    made = ask("POST", f"{url}/src", data={"branch": "trunk", "message": "m", "/a": "a"})
    assert made.status_code == 201
    assert ask("GET", url).json()["mainbranch"]["name"] == "trunk"


# -- limits -------------------------------------------------------------------------------------------


def test_hour_rolls_for_each_credential(ask, simulator):
    now = [0.0]
    simulator.clock = lambda: now[0]
    simulator.quota_left = 2
    assert [ask("GET").status_code for _ in range(3)] == [200, 200, 429]
    assert ask("GET", "", **bearer("reader")).status_code == 200
    assert ask("GET", "~/user").status_code == 200
    now[0] = 3601.0
    assert (ask("GET").status_code, simulator.quota_left) == (200, 1)


def test_too_many_requests_say_when_to_come_back_or_not(ask, simulator):
    simulator.too_many(retry_after="7")
    assert ask("GET").headers["Retry-After"] == "7"
    simulator.too_many()
    assert ask.message("GET") == (429, "Rate limit for this resource has been exceeded")


def test_what_is_left_is_told_to_tokens_of_repositories(ask, simulator):
    assert "X-RateLimit-Limit" not in ask("GET").headers
    simulator.repository_tokens.add("full")
    assert ask("GET").headers["X-RateLimit-NearLimit"] == "false"


def test_what_is_known_is_304(ask):
    for path in ("/src/main/README.md", "/refs/branches/main"):
        tag = ask("GET", path).headers["ETag"]
        again = ask("GET", path, headers={"If-None-Match": tag})
        assert (again.status_code, again.content) == (304, b"")


# -- reading ------------------------------------------------------------------------------------------


def test_listing_goes_breadth_first_and_stops_at_its_depth(ask):
    deep = ask("GET", "/src/main/?max_depth=3&pagelen=100")
    assert paths(deep) == [
        "README.md", "bin", "content", "bin/run", "content/posts", "content/posts/2026", "content/posts/hello.md",
    ]  # fmt: skip
    assert paths(ask("GET", "/src/main/content/")) == ["content/posts"]
    entry = deep.json()["values"][3]
    assert (entry["type"], entry["size"], entry["attributes"]) == ("commit_file", 10, ["executable"])
    assert deep.json()["values"][1]["type"] == "commit_directory"
    assert "size" not in deep.json()


def test_pages_of_a_listing_are_followed_and_not_counted(ask, site):
    first = ask("GET", "/src/main/?max_depth=9&pagelen=5&fields=values.path,values.attributes,next")
    assert list(first.json()) == ["values", "next"]
    assert list(first.json()["values"][0]) == ["path", "attributes"]
    second = ask("GET", first.json()["next"])
    assert "next" not in second.json()
    assert len(paths(first)) + len(paths(second)) == 8
    assert ask("GET", "/src/main/?page=2").status_code == 404
    assert ask.message("GET", "/src/main/?pagelen=101") == (400, "Invalid pagelen")


def test_listing_that_is_too_deep_takes_too_long(ask, simulator):
    simulator.depth_limit = 2
    assert ask("GET", "/src/main/?max_depth=2").status_code == 200
    assert ask("GET", "/src/main/?max_depth=3").status_code == 555


def test_file_comes_as_it_is_and_says_what_it_is(ask, site):
    site.commit_files("main", {"ü b.bin": b"\0\xff", "link": b"README.md"}, modes={"link": 0o120000})
    head = site.head("main")
    raw = ask("GET", f"/src/{head}/%C3%BC%20b.bin")
    assert (raw.content, raw.headers["Content-Type"]) == (b"\0\xff", "application/octet-stream")
    assert raw.headers["Cache-Control"] == "max-age=86400"
    assert "Cache-Control" not in ask("GET", "/src/main/README.md").headers
    assert ask("GET", f"/src/{head}/ü b.bin?format=meta").json()["attributes"] == ["binary"]
    assert ask("GET", f"/src/{head}/link?format=meta").json()["attributes"] == ["link"]
    listed = ask("GET", f"/src/{head}/", params={"q": 'attributes = "binary"', "sort": "-size"})
    assert (paths(listed), listed.json()["size"]) == (["ü b.bin"], 1)


def test_what_is_not_there_is_told(ask, site):
    head = site.head("main")
    assert ask.message("GET", f"/src/{head}/no/such") == (404, "No such file or directory: no/such")
    assert ask.message("GET", f"/src/{MISSING}/x") == (404, "Commit not found")


def test_branch_with_a_slash_is_no_commit_to_read_at(ask, site):
    draft(site)
    assert ask("GET", "/src/cms/posts/new/README.md").status_code == 404
    assert ask("GET", "/src/cms%2Fposts%2Fnew/README.md").status_code == 404
    assert ask("GET", f"/src/{site.head('cms/posts/new')[:12]}/README.md").status_code == 200


def test_source_leads_to_the_top_of_the_main_branch(ask, site):
    answer = ask("GET", "/src")
    assert answer.status_code == 302
    assert "README.md" in paths(ask("GET", answer.headers["Location"]))


def test_history_of_a_path_comes_in_pages(ask, site):
    for number in range(3):
        site.commit_files("main", {"a.md": b"%d" % number}, f"Edit {number}")
        site.commit_files("main", {"b.md": b"%d" % number}, "Other")
    first = ask("GET", "/commits/main?path=a.md&pagelen=2").json()
    assert [each["message"] for each in first["values"]] == ["Edit 2", "Edit 1"]
    second = ask("GET", first["next"]).json()
    assert [each["message"] for each in second["values"]] == ["Edit 0"]
    site.commit_files("cms/x", {"c.md": b"c"}, "Draft", start="main")
    only = ask("GET", "/commits?include=cms/x&exclude=main").json()["values"]
    assert [each["message"] for each in only] == ["Draft"]
    assert ask.message("GET", "/commits/none") == (404, "Commit not found")


def test_comparison_names_the_newer_side_first(ask, site):
    """That is the other way round than in git."""
    text = b"".join(b"line %d\n" % number for number in range(30))
    base = site.commit_files("main", {"old.md": text})
    head = site.commit_files("cms/x", {"old.md": None, "new.md": text + b"more\n"}, start="main")
    site.commit_files("main", {"other.md": b"other"})
    (change,) = ask("GET", "/diffstat/cms/x..main?topic=true").json()["values"]
    assert (change["status"], change["old"]["path"], change["new"]["path"]) == ("renamed", "old.md", "new.md")
    assert (change["lines_added"], change["lines_removed"]) == (1, 0)
    plain = ask("GET", "/diffstat/cms/x..main?topic=false&renames=false&path=other.md").json()["values"]
    assert [each["status"] for each in plain] == ["removed"]
    assert [each["status"] for each in ask("GET", f"/diffstat/{base}").json()["values"]] == ["added"]
    assert ask("GET", f"/merge-base/main..{head}").json()["hash"] == base
    assert "rename to new.md" in ask("GET", "/diff/cms/x..main?topic=true").text
    assert ask.message("GET", f"/diffstat/{MISSING}..main") == (404, "Commit not found")


# -- writing ------------------------------------------------------------------------------------------


def test_commit_makes_a_branch_at_its_parent(ask, site, git):
    main = site.head("main")
    said = {"message": "Édit", "branch": "cms/a", "parents": main, "files": ["/bin/run", "README.md"]}
    made = ask.commit(
        {'/content/ü "b".md': b"\xff\0", "README.md": b"kept\n"}, **said, author="Ann <a@x.org>"
    )
    sha = site.head("cms/a")
    assert (made.status_code, made.content) == (201, b"")
    assert made.headers["Location"].endswith(f"/repositories/owner/site/commit/{sha}")
    assert (
        git(site.path, "log", "-1", "--format=%an <%ae>|%cn|%B|%P", sha) == f"Ann <a@x.org>|Ann|Édit|{main}"
    )
    changed = git(site.path, "-c", "core.quotePath=false", "diff", "--name-status", main, sha).splitlines()
    assert changed == ["M\tREADME.md", "D\tbin/run", 'A\t"content/ü \\"b\\".md"']
    assert ask("GET", f'/src/{sha}/content/ü "b".md').content == b"\xff\0"
    assert git(site.path, "fsck", "--strict", "--no-dangling") == ""


def test_parent_must_be_where_the_branch_is(ask, site):
    main = site.head("main")
    assert ask.commit({"a": b"1"}, branch="cms/a", parents=main).status_code == 201
    assert ask.commit({"a": b"2"}, branch="cms/a", parents=main).status_code == 409
    assert ask.commit({"a": b"2"}, branch="cms/a", parents=site.head("cms/a")).status_code == 201
    assert ask.commit({"a": b"3"}, branch="cms/a").status_code == 201
    assert ask.commit({"a": b"3"}, parents=site.head("cms/a")).status_code == 409
    assert ask.commit({"a": b"3"}, parents=MISSING).json()["error"] == {
        "message": f"parents: Commit not found: {MISSING}",
        "fields": {"parents": []},
    }


def test_branch_that_stands_at_the_parent_is_committed_to(ask, site):
    site.create_branch("cms/a", site.head("main"))
    assert ask.commit({"a": b"1"}, branch="cms/a", parents=site.head("main")).status_code == 201
    assert site.commit("cms/a").parents[0].id == site.commit("main").id


def test_new_branch_may_begin_with_an_empty_commit(ask, site):
    assert ask("POST", "/src", data={"branch": "cms/a", "parents": site.head("main")}).status_code == 201
    assert site.commit("cms/a").tree == site.commit("main").tree
    assert ask("POST", "/src", data={"message": "nothing"}).status_code == 400


def test_commit_of_two_parents_inherits_from_the_first(ask, site):
    other = site.commit_files("other", {"other.md": b"o"}, start="main")
    site.commit_files("main", {"main.md": b"m"})
    ask.commit({"a": b"1"}, parents=f"{site.head('main')},{other}")
    made = site.commit("main")
    assert [str(each) for each in made.parent_ids][1] == other
    assert "main.md" in made.tree
    assert "other.md" not in made.tree


def test_part_with_a_filename_is_a_file_whatever_its_name(ask, site):
    ask.commit({"message": b"a file", "branch": b"too"}, message="said", branch="cms/a")
    assert site.commit("cms/a").message == "said"
    assert ask("GET", f"/src/{site.head('cms/a')}/message").content == b"a file"
    ask("POST", "/src", data={"message": "said", "/branch": "a file", "plain.md": "a & b=c"})
    assert ask("GET", "/src/main/branch").content == b"a file"
    assert ask("GET", "/src/main/plain.md").content == b"a & b=c"


def test_names_of_fields_are_read_in_every_way_that_clients_write_them(ask, site):
    ask.raw_form(
        'Content-Disposition: form-data; name="ü.md"; filename="x"\r\n\r\nraw'.encode(),
        b'Content-Disposition: form-data; name="%C3%A4 100%25.md"; filename="x"\r\n\r\npercent',
        b'Content-Disposition: form-data; name="a%22b.md"; filename="x"\r\n\r\nquote',
        b"Content-Disposition: form-data; name*=UTF-8''%C3%B6.md; filename=x\r\n\r\nextended",
        b'Content-ID: "/id.md"\r\nContent-Disposition: attachment; filename="id.md"\r\n\r\nid',
    )
    names = {"ü.md", "ä 100%25.md", 'a"b.md', "ö.md", "id.md"}
    assert names < set(paths(ask("GET", "/src/main/")))


def test_modes_are_lost_unless_they_are_said(ask, site):
    def part(name: str, attributes: str) -> bytes:
        said = f'Content-Disposition: form-data; name="{name}"; filename="x"{attributes}'
        return f"{said}\r\n\r\nREADME.md".encode()

    def mode(path: str) -> int:
        return site.commit("main").tree[path].filemode

    parts = part("bin/run", '; x-attributes="executable"'), part("link", '; x-attributes:"link"')
    assert ask.raw_form(*parts).status_code == 201
    assert (mode("bin/run"), mode("link")) == (0o100755, 0o120000)
    ask.commit({"bin/run": b"1", "link": b"2"})
    assert (mode("bin/run"), mode("link")) == (0o100644, 0o100644)
    for attributes in ("subrepository", "nonsense"):
        assert ask.raw_form(part("x", f'; x-attributes="{attributes}"')).status_code == 400


def test_paths_that_cannot_be_are_refused(ask, site):
    site.commit_files("main", {"sub": b"x"})
    wrong = [
        {"README.md/below": b"x"}, {"content": b"x"}, {"a": b"x", "a/b": b"x"}, {"../x": b"x"}, {".git/x": b"x"},
    ]  # fmt: skip
    assert [ask.commit(files).status_code for files in wrong] == [400] * 5
    for path in ("none", "content"):
        assert ask("POST", "/src", data={"files": path}).status_code == 400
    assert ask.commit({"README.md/below": b"x"}, files="README.md").status_code == 201


def test_form_that_is_wrong_is_refused(ask, simulator, site):
    assert ask("POST", "/src", {"a": "b"}).status_code == 400
    assert ask("POST", "/src", data={"branch": ["a", "b"], "/x": "x"}).status_code == 400
    assert ask("POST", "/src", data={"author": "nobody", "/x": "x"}).status_code == 400
    simulator.commit_limit = 1
    assert ask.commit({"a": b"1", "b": b"2"}).status_code == 500
    site.protections["main"] = Protection()
    assert ask.commit({"a": b"1"}).status_code == 403


# -- branches -----------------------------------------------------------------------------------------


def test_branches_are_filtered_sorted_and_paged(ask, site):
    for name in ("cms/10", "cms/9", "CMS/1", "x/cms/2"):
        site.create_branch(name, site.head("main"))
    found = ask("GET", "/refs/branches", params={"q": 'name ~ "cms/"', "sort": "name", "pagelen": 3}).json()
    assert [each["name"] for each in found["values"]] == ["CMS/1", "cms/9", "cms/10"]
    assert ask("GET", found["next"]).json()["values"][0]["name"] == "x/cms/2"
    exact = ask("GET", "/refs/branches", params={"q": 'name = "cms/9" OR (name = "main" AND name != "x")'})
    assert exact.json()["size"] == 2
    assert ask("GET", "/refs/branches", params={"q": "name ~"}).status_code == 400
    assert ask("GET", "/refs/branches", params={"q": "nothing = 3"}).status_code == 400


def test_branch_is_created_and_deleted(ask, site):
    new = {"name": "cms/a", "target": {"hash": "main"}}
    assert ask("POST", "/refs/branches", new).json()["target"]["hash"] == site.head("main")
    again = ask("POST", "/refs/branches", new)
    assert (again.status_code, again.json()["error"]["data"]) == (400, {"key": "BRANCH_ALREADY_EXISTS"})
    for wrong in (
        {},
        {"name": "b", "target": {"hash": MISSING}},
        {"name": "a..b", "target": {"hash": "main"}},
    ):
        assert ask("POST", "/refs/branches", wrong).status_code == 400
    assert ask("DELETE", "/refs/branches/cms/a").status_code == 204
    assert ask("DELETE", "/refs/branches/cms/a").status_code == 404
    assert ask("GET", "/refs/branches/cms/a").status_code == 404
    assert ask("DELETE", "/refs/branches/main").status_code == 400


# -- pull requests ------------------------------------------------------------------------------------


def pull_body(branch="cms/posts/new", **more):
    return {"title": "A post", "source": {"branch": {"name": branch}}, **more}


def test_pull_request_shows_twelve_digits(ask, site):
    head = site.commit_files("cms/posts/new", {"a": b"a"}, start="main")
    made = ask("POST", "/pullrequests", pull_body(description="by hand", close_source_branch=True))
    shown = made.json()
    assert (made.status_code, made.headers["Location"]) == (201, shown["links"]["self"]["href"])
    assert shown["source"] == {**shown["source"], "branch": {"name": "cms/posts/new"}}
    assert (shown["source"]["commit"]["hash"], shown["destination"]["branch"]) == (
        head[:12],
        {"name": "main"},
    )
    asked = ask("GET", "/pullrequests/1?fields=destination.branch.*").json()
    assert asked["destination"]["branch"]["default_merge_strategy"] == "merge_commit"


def test_second_pull_request_of_the_same_branches_renames_the_first(ask, site):
    draft(site)
    again = ask("POST", "/pullrequests", pull_body(title="Another"))
    assert (again.json()["id"], again.json()["title"]) == (1, "Another")
    site.create_branch("other", site.head("main"))
    other = pull_body(destination={"branch": {"name": "other"}})
    assert ask("POST", "/pullrequests", other).json()["id"] == 2


def test_pull_request_that_cannot_be_is_refused(ask, site):
    site.create_branch("same", site.head("main"))
    assert ask.message("POST", "/pullrequests", pull_body("same")) == (
        400,
        "There are no changes to be pulled",
    )
    missing = ask("POST", "/pullrequests", pull_body("none")).json()["error"]
    assert missing["fields"] == {"source": ["branch not found: none"]}
    site.commit_files("other", {"a": b"a"}, start="main")
    wrong = pull_body("other", reviewers=[{"nickname": "reader"}])
    assert ask.message("POST", "/pullrequests", wrong) == (400, "Malformed reviewers list")
    assert ask("POST", "/pullrequests", {"title": "No branch"}).status_code == 400
    assert ask("POST", "/pullrequests", data=b"{").json()["error"]["message"] == "Bad request"


def test_pull_requests_are_filtered_and_paged(ask, site):
    for number in range(4):
        draft(site, f"cms/{number}", f"{number}.md")
    site.close_pull(site.pull(1))

    def listed(**asked) -> list[int]:
        return [each["id"] for each in ask("GET", "/pullrequests", params=asked).json()["values"]]

    assert listed() == [4, 3, 2]
    assert listed(state=["DECLINED", "OPEN"], pagelen=2) == [4, 3]
    assert listed(q='source.branch.name ~ "cms/" AND destination.branch.name = "main"', sort="id") == [
        1,
        2,
        3,
        4,
    ]
    assert listed(q='state = "OPEN" AND source.branch.name = "cms/1"') == [2]
    assert listed(q="comment_count > 0", state="OPEN") == []
    assert ask.message("GET", "/pullrequests?pagelen=51") == (400, "Invalid pagelen")


def test_list_leaves_out_what_is_not_asked_for(ask, site):
    draft(site)
    assert "participants" not in ask("GET", "/pullrequests").json()["values"][0]
    shown = ask("GET", "/pullrequests?fields=%2Bvalues.participants,-values.links").json()["values"][0]
    assert ("participants" in shown, "links" in shown, "title" in shown) == (True, False, True)


def test_pull_request_is_changed_declined_and_stays_so(ask, site):
    draft(site, body="by hand")
    changed = ask("PUT", "/pullrequests/1", {"title": "Better"}).json()
    assert (changed["title"], changed["description"]) == ("Better", "by hand")
    assert ask("PUT", "/pullrequests/1", {"destination": {"branch": {"name": "none"}}}).status_code == 400
    declined = ask("POST", "/pullrequests/1/decline", {"message": "no"}).json()
    assert (declined["state"], declined["reason"], declined["closed_by"]["nickname"]) == (
        "DECLINED",
        "no",
        "owner",
    )
    assert ask.message("PUT", "/pullrequests/1", {"title": "x"}) == (
        400,
        "Can only update an open pull request.",
    )
    for path in ("decline", "merge"):
        error = ask("POST", f"/pullrequests/1/{path}", {"type": "x"}).json()["error"]
        assert error["fields"] == {"newstatus": ["This pull request is already closed."]}


def test_pull_request_outlives_its_branch(ask, site):
    """Whoever deletes a branch has to decline by hand."""
    pull = draft(site)
    ask("DELETE", f"/refs/branches/{pull.head}")
    assert ask("GET", "/pullrequests/1").json()["state"] == "OPEN"


def test_pull_request_leads_to_its_comparison(ask, site):
    site.commit_files("main", {"README.md": b"mine\n"})
    site.commit_files("cms/a", {"README.md": b"theirs\n"}, start="main")
    site.commit_files("main", {"README.md": b"more\n"})
    site.open_pull("Edit", "cms/a")
    moved = ask("GET", "/pullrequests/1/diffstat")
    assert (moved.status_code, moved.headers["Location"].startswith(ask.simulator.url)) == (302, True)
    (change,) = ask("GET", moved.headers["Location"]).json()["values"]
    assert (change["status"], change["new"]["path"]) == ("merge conflict", "README.md")
    assert ask("GET", ask("GET", "/pullrequests/1/diff").headers["Location"]).text.startswith("diff --git")


def test_merge_shows_the_whole_sha_once(ask, site):
    pull = draft(site)
    pull.delete_branch = True
    merged = ask("POST", "/pullrequests/1/merge", {"type": "x", "message": "Published"}).json()
    assert merged["merge_commit"]["hash"] == site.head("main")
    assert (site.commit("main").message, len(site.commit("main").parents)) == ("Published", 2)
    assert ask("GET", "/pullrequests/1").json()["merge_commit"]["hash"] == site.head("main")[:12]
    assert site.head(pull.head) is None


def test_merge_is_done_in_the_way_that_is_asked_for(ask, site):
    for number, strategy in enumerate(("fast_forward", "squash"), 1):
        head = draft(site, f"cms/{number}", f"{number}.md").head_sha
        body = {"merge_strategy": strategy, "close_source_branch": False}
        merged = ask("POST", f"/pullrequests/{number}/merge", body).json()
        assert len(site.commit("main").parents) == 1
        assert (merged["merge_commit"]["hash"] == head) == (strategy == "fast_forward")
        assert site.head(f"cms/{number}")
    draft(site, "cms/3", "3.md")
    site.commit_files("main", {"other": b"x"})
    assert ask.message("POST", "/pullrequests/3/merge", {"merge_strategy": "fast_forward"}) == (
        400,
        "Unable to fast forward due to changes in the destination branch.",
    )
    wrong = ask("POST", "/pullrequests/3/merge", {"merge_strategy": "magic"}).json()["error"]
    assert list(wrong["fields"]) == ["merge_strategy"]


def test_merge_is_refused_for_conflicts_and_checks(ask, site):
    draft(site, path="README.md")
    site.commit_files("main", {"README.md": b"other\n"})
    told = "You can't merge until you resolve all merge conflicts."
    assert ask.message("POST", "/pullrequests/1/merge", {}) == (400, told)
    pull = draft(site, "cms/b", "b.md")
    site.protections["main"] = Protection(required_checks=("ci",))
    status, text = ask.message("POST", "/pullrequests/2/merge", {})
    assert (status, "failed merge checks" in text) == (400, True)
    build = {"key": "ci", "state": "SUCCESSFUL", "url": "https://ci.example.org", "name": "Build 7"}
    assert ask("POST", f"/commit/{pull.head_sha}/statuses/build", build).status_code == 201
    assert ask("POST", "/pullrequests/2/merge", {}).json()["state"] == "MERGED"


def test_slow_merge_is_asked_for_until_it_is_done(ask, simulator, site):
    draft(site)
    simulator.slow_merges, simulator.merge_delay = True, 2
    accepted = ask("POST", "/pullrequests/1/merge", {"type": "x"})
    assert (accepted.status_code, accepted.json()) == (202, "")
    task = accepted.headers["Location"]
    states = [ask("GET", task).json()["task_status"] for _ in range(3)]
    assert states == ["PENDING", "PENDING", "SUCCESS"]
    assert ask("GET", task).json()["merge_result"]["merge_commit"]["hash"] == site.head("main")
    unknown = task.replace(task[-4:], "none")
    assert [ask("GET", unknown).json()["task_status"] for _ in range(4)] == ["PENDING"] * 4


def test_task_that_fails_says_what_the_merge_would(ask, simulator, site):
    draft(site, path="README.md")
    site.commit_files("main", {"README.md": b"other\n"})
    simulator.merge_delay = 0
    task = ask("POST", "/pullrequests/1/merge?async=true", {}).headers["Location"]
    assert ask.message("GET", task) == (400, "You can't merge until you resolve all merge conflicts.")


# -- comments and statuses ----------------------------------------------------------------------------


def test_comments_are_written_sorted_changed_and_deleted(ask, site):
    draft(site)
    for text in ("netlify-cms/draft", "netlify-cms/pending_review", "by hand"):
        made = ask("POST", "/pullrequests/1/comments", {"content": {"raw": text}})
        assert (made.status_code, made.headers["Location"]) == (201, made.json()["links"]["self"]["href"])
    newest = ask("GET", "/pullrequests/1/comments?sort=-created_on&pagelen=1").json()
    assert [each["content"]["raw"] for each in newest["values"]] == ["by hand"]
    url = made.headers["Location"]
    assert ask("PUT", url, {"content": {"raw": "better"}}).json()["content"]["raw"] == "better"
    assert ask("DELETE", url).status_code == 204
    gone = ask("GET", url).json()
    assert (gone["deleted"], gone["content"]["raw"]) == (True, "")
    kept = ask("GET", "/pullrequests/1/comments", params={"q": "deleted = false"}).json()
    assert kept["size"] == ask("GET", "/pullrequests/1").json()["comment_count"] == 2
    for body in ({}, {"content": {"raw": "x"}, "parent": {"id": 1}}):
        assert ask("POST", "/pullrequests/1/comments", body).status_code == 400
    assert ask("DELETE", url).status_code == 403


def test_comments_come_back_escaped_when_told(ask, simulator, site):
    simulator.escape_comments = True
    site.comment(draft(site), site.owner, "netlify-cms/pending_review")
    (shown,) = ask("GET", "/pullrequests/1/comments").json()["values"]
    assert shown["content"]["raw"] == r"netlify-cms/pending\_review"


def test_newest_status_of_a_key_counts(ask, site):
    pull = draft(site)
    for state in ("INPROGRESS", "FAILED"):
        body = {"key": "ci", "state": state, "url": "https://ci.example.org"}
        ask("POST", f"/commit/{pull.head_sha}/statuses/build", body)
    for path in (f"/commit/{pull.head_sha}/statuses", "/pullrequests/1/statuses"):
        assert [each["state"] for each in ask("GET", path).json()["values"]] == ["FAILED"]
    wrong = {"key": "ci", "state": "GREEN", "url": "https://ci.example.org"}
    assert ask("POST", f"/commit/{pull.head_sha}/statuses/build", wrong).status_code == 400
