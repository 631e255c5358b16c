"""The simulator of Git Gateway: what it lets through, what it refuses, and what it changes on the way."""

from __future__ import annotations

import pytest
import requests
from copydesk.testing import ServerSimulator
from werkzeug import Request, Response

jwt = pytest.importorskip("jwt", reason="PyJWT is not installed")
pytest.importorskip("graphql", reason="graphql-core is not installed")

from simulators.bitbucket import BitbucketSimulator  # noqa: E402
from simulators.client import Client  # noqa: E402
from simulators.git_gateway import GitGatewaySimulator, Upstream  # noqa: E402
from simulators.github import GitHubSimulator  # noqa: E402
from simulators.gitlab import GitLabSimulator  # noqa: E402
from simulators.gotrue import GoTrueSimulator  # noqa: E402
from simulators.store import Forge  # noqa: E402

FILES = {"README.md": b"# A site\n", "content/größe #1 100%.md": b"gro\xc3\x9f\n", "content/a.md": b"a\n"}
ODD = "content%2Fgr%C3%B6%C3%9Fe%20%231%20100%25.md"
EMAIL = "ann@example.org"
HIDDEN = "Access to endpoint not allowed: "
GITLAB = "/api/v4/projects/group%2Fsite"


class Echo(ServerSimulator):
    """Gives back what it is sent."""

    def respond(self, request: Request) -> Response:
        return Response(request.get_data())


@pytest.fixture
def forge(tmp_path):
    forge = Forge(tmp_path / "forge")
    owner = forge.add_user("group", "The Group", "group@example.org")
    for token in ("full", "glpat-full"):
        forge.add_token(token, owner)
    forge.add_repository("group/site", FILES)
    yield forge
    forge.close()


@pytest.fixture
def site(forge):
    return forge.repository("group/site")


@pytest.fixture
def github(forge):
    with GitHubSimulator(forge) as github:
        yield github


@pytest.fixture
def gitlab(forge):
    with GitLabSimulator(forge) as gitlab:
        yield gitlab


@pytest.fixture
def identity():
    identity = GoTrueSimulator()  # makes tokens; nobody asks it
    identity.add_user(EMAIL, "secret", name="Ann", roles=["editor"])
    return identity


@pytest.fixture
def gateway(github, gitlab):
    with GitGatewaySimulator(
        github=Upstream(f"{github.url}/repos/group/site", "full"),
        gitlab=Upstream(f"{gitlab.url}{GITLAB}", "full"),
    ) as gateway:
        yield gateway


@pytest.fixture
def ask(gateway, identity):
    with Client(gateway, "") as client:
        client.session.headers["Authorization"] = f"Bearer {identity.issue(EMAIL)}"
        yield client


def told(answer: requests.Response) -> tuple[int, str]:
    """Give a refusal of the gateway: its status, which it repeats, and its words."""
    body = answer.json()
    assert (body.keys(), body["code"]) == ({"code", "msg"}, answer.status_code)
    assert answer.headers["Content-Type"] == "application/json"
    return answer.status_code, body["msg"]


# -- settings -----------------------------------------------------------------------------------------


def test_settings_tell_forges_and_roles(gateway, ask):
    """The settings name what is configured; no roles are null, as the server writes them."""
    enabled = {"github_enabled": True, "gitlab_enabled": True, "bitbucket_enabled": False}
    assert ask("GET", "/settings").json() == {**enabled, "roles": None}
    gateway.roles, gateway.gitlab = ("editor", "admin"), None
    enabled["gitlab_enabled"] = False
    assert ask("GET", "/settings").json() == {**enabled, "roles": ["editor", "admin"]}


def test_settings_ask_for_a_token_and_no_role(gateway, ask):
    """Who has none of the roles may read which ones there are."""
    assert told(ask("GET", "/settings", Authorization=None))[0] == 401
    gateway.roles = ("admin",)
    assert ask("GET", "/settings").json()["roles"] == ["admin"]


def test_root_is_configurable(identity):
    """A gateway of one's own stands elsewhere."""
    with GitGatewaySimulator(root="/gateway") as gateway:
        headers = {"Authorization": f"Bearer {identity.issue(EMAIL)}"}
        assert requests.get(f"{gateway.url}/gateway/settings", headers=headers, timeout=10).ok
        assert requests.get(f"{gateway.url}/.netlify/git/settings", timeout=10).status_code == 404


# -- what is let through ------------------------------------------------------------------------------


def test_allowed_paths_reach_their_forges(gateway, github, gitlab, ask):
    """Nobody looks at what comes behind the beginning of a path."""
    below = {
        "/github": (
            *("branches", "branches/main", "commits", "contents/", "pulls", "compare/main...main"),
            *("git/trees/main", "statuses/x", "merges", "issues/1/labels", "issues/12/labels/cms%2Fdraft"),
            *("gitignore/templates", "pulls_of_others"),
        ),
        "/gitlab": (
            *("repository/tree", "repository/commits", "repository/branches", "merge_requests"),
            *("repository/compare?from=a&to=b", "repository/files/README.md/raw?ref=main"),
            *("repository/commits/x/statuses", "merge_requests_of_others"),
        ),
    }
    for name, paths in below.items():
        answers = [ask("GET", f"{name}/{path}") for path in paths]
        assert [each.text for each in answers if "restricted" in each.text] == []
    assert (len(github.log), len(gitlab.log)) == (len(below["/github"]), len(below["/gitlab"]))
    assert gateway.refused == []


def test_restricted_paths_of_github_are_refused(gateway, github, ask):
    """GitHub is not asked, and the refusals are noted."""
    paths = (
        *("/github", "/github/", "/github/user", "/github/users/group", "/github/labels", "/github/issues/1"),
        *("/github/search/issues", "/github/issues/1/comments", "/github/issues/x/labels", "/github/issues"),
        *("/github/rate_limit", "/github/graphql", "/github/tarball/main", "/github/collaborators"),
    )
    refused = (401, f"{HIDDEN}this part of GitHub's API has been restricted")
    assert {told(ask("GET", path)) for path in paths} == {refused}
    assert (gateway.refused, github.log) == ([f"GET {path}" for path in paths], [])


def test_restricted_paths_of_gitlab_are_refused(gateway, gitlab, ask):
    """GitLab is not asked, and the refusals are noted."""
    paths = (
        *("/gitlab", "/gitlab/", "/gitlab/labels", "/gitlab/user", "/gitlab/members", "/gitlab/statuses/x"),
        *("/gitlab/repository/archive", "/gitlab/repository/blobs/x", "/gitlab/repository/merge_base"),
    )
    refused = (401, f"{HIDDEN}this part of GitLab's API has been restricted")
    assert {told(ask("POST", path, {})) for path in paths} == {refused}
    assert (gateway.refused, gitlab.log) == ([f"POST {path}" for path in paths], [])


def test_only_files_of_bitbucket_are_let_through(forge, gateway, ask):
    """Bitbucket's branches and pull requests are closed, and its pages lead through the gateway."""
    with BitbucketSimulator(forge) as bitbucket:
        gateway.bitbucket = Upstream(f"{bitbucket.url}/2.0/repositories/group/site", "full")
        for path in ("/bitbucket/refs/branches", "/bitbucket/pullrequests", "/bitbucket/commits"):
            assert told(ask("GET", path))[1] == f"{HIDDEN}this part of BitBucket's API has been restricted"
        assert len(gateway.refused) == 3
        head = forge.repository("group/site").head("main")
        page = ask("GET", f"/bitbucket/src/{head}/?pagelen=1").json()
        assert page["next"].startswith("/src/")
        assert ask("GET", f"/bitbucket{page['next']}").json()["values"] != page["values"]


def test_other_paths_are_not_found(ask, gateway):
    """What is no forge is not there, token or not, and that is no refusal of the list."""
    assert ask("GET", "/gitea/branches").status_code == 404
    assert ask("GET", "/").status_code == 404
    assert gateway.refused == []


# -- who is let through -------------------------------------------------------------------------------


def test_bearer_token_is_asked_for(ask):
    """Without a bearer token nothing else counts."""
    for header in (None, "", "Basic eDp5", "Bearer ", "Bearer a b", "token abc"):
        answer = ask("GET", "/github/user", Authorization=header)
        assert told(answer) == (401, "This endpoint requires a Bearer token")


def test_bad_tokens_are_refused(ask, identity):
    """Forged, expired, malformed and otherwise signed tokens are refused in the words of the Go server."""
    for token, words in (
        (identity.issue(EMAIL, secret="x" * 32), "signature is invalid"),
        (identity.issue(EMAIL, lifetime=-1, secret="x" * 32), "signature is invalid"),
        ("abc", "token contains an invalid number of segments"),
        (jwt.encode({"sub": "x"}, "x" * 64, "HS512"), "signing method HS512 is invalid"),
        (jwt.encode({"sub": "x"}, None, "none"), "signing method none is invalid"),
    ):
        answer = ask("GET", "/github/branches", Authorization=f"Bearer {token}")
        assert told(answer) == (401, f"Invalid token: {words}")


def test_expired_token_is_refused(ask, gateway, identity):
    """The refusal says for how long the token has been invalid."""
    identity.clock = gateway.clock = lambda: 1_800_000_000.0
    for late, words in ((1, "1s"), (65, "1m5s"), (3600, "1h0m0s"), (90061, "25h1m1s")):
        token = identity.issue(EMAIL, lifetime=-late)
        answer = ask("GET", "/gitlab/repository/tree", Authorization=f"Bearer {token}")
        assert told(answer) == (401, f"Invalid token: token is expired by {words}")
    last = identity.issue(EMAIL, lifetime=0)
    assert ask("GET", "/settings", Authorization=f"Bearer {last}").status_code == 200


def test_role_is_asked_for_after_the_path(gateway, ask, identity):
    """One of the site's roles is enough; a restricted path is refused first."""
    gateway.roles = ("admin", "editor")
    assert ask("GET", "/github/branches").status_code == 200
    gateway.roles = ("admin",)
    for path in ("/github/branches", "/gitlab/repository/tree"):
        assert told(ask("GET", path)) == (401, f"{HIDDEN}your role doesn't allow access")
    assert "restricted" in told(ask("GET", "/github/user"))[1]
    identity.users[EMAIL].roles = ()
    plain = f"Bearer {identity.issue(EMAIL)}"
    assert "role" in told(ask("GET", "/github/branches", Authorization=plain))[1]
    assert gateway.refused == ["GET /github/user"]


def test_forge_that_is_not_configured_is_not_found(gateway, ask):
    """A forge without a token is none, though the settings name it."""
    assert told(ask("GET", "/bitbucket/refs")) == (404, "No BitBucket Settings Configured")
    gateway.gitlab, gateway.github.token = None, ""
    assert told(ask("GET", "/gitlab/repository/tree")) == (404, "No GitLab Settings Configured")
    assert told(ask("GET", "/github/user")) == (404, "No GitHub Settings Configured")
    assert ask("GET", "/settings").json()["github_enabled"]
    assert told(ask("GET", "/github/user", Authorization=None))[0] == 401


def test_site_without_a_gateway_is_not_found(gateway, ask):
    """Netlify looks for the site before it looks at the token."""
    gateway.site_known = False
    for path in ("/settings", "/github/branches/main"):
        missing = (404, "Unable to locate site configuration")
        assert told(ask("GET", path, Authorization=None)) == missing


# -- the forge's side ---------------------------------------------------------------------------------


def test_token_of_the_editor_stays_here(gateway, ask, github, gitlab):
    """A forge is sent the gateway's token in the place of the editor's."""
    ask("GET", "/github/branches")
    ask("GET", "/gitlab/repository/tree")
    gateway.gitlab.token_type = "personal_access"
    ask("GET", "/gitlab/repository/tree", Client_IP="10.0.0.1")
    assert github.log[0].request_headers["Authorization"] == "Bearer full"
    assert gitlab.log[0].request_headers["Authorization"] == "Bearer full"
    personal = gitlab.log[1].request_headers
    assert personal["Private-Token"] == "full"
    assert not personal.keys() & {"Authorization", "Client-Ip"}
    assert personal["X-Forwarded-For"] == "127.0.0.1"
    assert personal["Host"] == gitlab.url.removeprefix("http://")


def test_personal_token_is_known_by_its_first_letters(gateway, ask, gitlab):
    """GitLab's personal tokens begin with a word; saying it is one of OAuth counts more."""
    gateway.gitlab.token = "glpat-full"
    assert ask("GET", "/gitlab/repository/tree").status_code == 200
    assert gitlab.log[0].request_headers["Private-Token"] == "glpat-full"
    gateway.gitlab.token_type = "oauth"
    assert ask("GET", "/gitlab/repository/tree").status_code == 200
    assert gitlab.log[1].request_headers["Authorization"] == "Bearer glpat-full"


def test_broken_token_is_told_by_the_forge(gateway, ask, site):
    """The refusal is the forge's own, and no word of the gateway is in it."""
    gateway.github.broken = gateway.gitlab.broken = True
    answer = ask("GET", "/github/branches/main")
    assert (answer.status_code, answer.json()["message"]) == (401, "Bad credentials")
    answer = ask("GET", "/gitlab/repository/tree")
    assert (answer.status_code, answer.json()) == (401, {"message": "401 Unauthorized"})
    gateway.gitlab.broken = False
    assert ask("GET", "/gitlab/repository/tree").status_code == 200


def test_encoding_of_a_path_survives_to_gitlab(ask, gitlab):
    """GitLab sees a path letter by letter as it was sent."""
    path = f"/repository/files/{ODD}/raw"
    answer = ask("GET", f"/gitlab{path}?ref=main")
    assert (answer.content, gitlab.log[0].path) == (FILES["content/größe #1 100%.md"], GITLAB + path)
    ask("GET", "/gitlab/repository/branches/cms%2Fdraft%252F%2e%7e(')")
    assert gitlab.log[1].path.startswith(f"{GITLAB}/repository/branches/cms%2Fdraft%252F")


def test_path_is_encoded_anew_for_github(ask, github):
    """GitHub sees slashes where %2F was sent; what else must be encoded is so."""
    answer = ask("GET", f"/github/contents/{ODD}?ref=main")
    assert answer.json()["path"] == "content/größe #1 100%.md"
    path = "/repos/group/site/contents/content/gr%C3%B6%C3%9Fe%20%231%20100%25.md"
    assert (github.log[0].path, github.log[0].query) == (path, "ref=main")
    ask("GET", "/github/git/trees/main:content%2Fa%252Fb(1)!'*?recursive=1")
    assert github.log[1].path == "/repos/group/site/git/trees/main:content/a%252Fb%281%29%21%27%2A"


def test_query_survives(ask, gitlab, github):
    """A query is sent on letter by letter."""
    query = "path=content%2Fgr%C3%B6%C3%9Fe+%231&labels%5B%5D=a%26b&x=%25"
    ask("GET", f"/gitlab/repository/tree?{query}")
    ask("GET", f"/github/commits?{query}")
    assert [gitlab.log[0].query, github.log[0].query] == [query, query]


def test_links_of_gitlab_are_relative(ask, site):
    """The next page is asked for behind the forge's name; the entries are parted by commas alone."""
    answer = ask("GET", "/gitlab/repository/tree?recursive=true&per_page=1")
    first, _, rest = answer.headers["Link"].partition(",")
    assert first.startswith("</repository/tree?")
    assert first.endswith('; rel="next"')
    assert rest.startswith("</repository/tree?")
    assert ask("GET", f"/gitlab{answer.links['next']['url']}").json() != answer.json()


def test_links_of_github_lead_past_the_gateway(ask, github):
    """GitHub's next page has GitHub's address."""
    for number in range(3):
        github.forge.repository("group/site").commit_files("main", {"n": str(number).encode()})
    answer = ask("GET", "/github/commits?per_page=1")
    assert answer.links["next"]["url"].startswith(github.url)


def test_answers_of_a_forge_are_passed_on(gateway, ask):
    """Status, body and headers are the forge's, but for those that count and the links of pages."""
    below = {
        "github": ("/branches/main", "/git/trees/main?recursive=1", "/contents/none"),
        "gitlab": (
            "/repository/tree?ref=main",
            "/repository/files/none/raw?ref=main",
            "/repository/commits/x",
        ),
    }
    changing = {"Date", "Link", "X-Request-Id", "X-GitHub-Request-Id"}
    for name, path in ((name, path) for name, paths in below.items() for path in paths):
        url = getattr(gateway, name).api + path
        direct = requests.get(url, headers={"Authorization": "Bearer full"}, timeout=10)
        through = ask("GET", f"/{name}{path}")
        assert (through.status_code, through.content) == (direct.status_code, direct.content)
        assert through.headers.keys() == direct.headers.keys()
        kept = {each for each in direct.headers.keys() - changing if "ratelimit" not in each.lower()}
        assert {each: through.headers[each] for each in kept} == {each: direct.headers[each] for each in kept}


def test_known_answer_is_not_sent_again(ask, github):
    """ETags pass both ways, and what the forge says of its limits passes too."""
    for path in ("/github/branches/main", "/gitlab/repository/tree"):
        etag = ask("GET", path).headers["ETag"]
        again = ask("GET", path, If_None_Match=etag)
        assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", etag)
    left = int(ask("GET", "/github/branches/main").headers["X-RateLimit-Remaining"])
    assert left == github.quota_left
    assert "RateLimit-Remaining" in ask("GET", "/gitlab/repository/tree").headers


def test_address_of_what_was_made_is_the_forges(ask, github, site):
    """Location leads past the gateway, as links in bodies do."""
    made = ask("POST", "/github/git/refs", {"ref": "refs/heads/cms/draft", "sha": site.head("main")})
    assert made.status_code == 201
    assert made.json()["url"].startswith(f"{github.url}/repos/group/site/git/refs/")


def test_every_method_reaches_the_forge(ask, site):
    """Drafts are made, labelled, closed, merged and deleted through the gateway."""
    main = site.head("main")
    ask("POST", "/github/git/refs", {"ref": "refs/heads/cms/draft", "sha": main})
    site.commit_files("cms/draft", {"new.md": b"new\n"})
    number = ask("POST", "/github/pulls", {"title": "x", "head": "cms/draft", "base": "main"}).json()[
        "number"
    ]
    assert ask("PUT", f"/github/issues/{number}/labels", {"labels": ["cms/draft"]}).status_code == 200
    assert ask("PATCH", f"/github/pulls/{number}", {"state": "closed"}).json()["state"] == "closed"
    assert ask("DELETE", "/github/git/refs/heads/cms/draft").status_code == 204
    head = ask("HEAD", "/gitlab/repository/files/README.md?ref=main")
    assert (head.status_code, head.content, head.headers["X-Gitlab-Size"]) == (200, b"", "9")
    assert site.head("cms/draft") is None


def test_large_bodies_pass(gateway, ask):
    """Thirty million bytes pass both ways."""
    content = b"0123456789" * 3_000_000
    with Echo() as echo:
        gateway.github = Upstream(f"{echo.url}/repos/group/site", "full")
        url = f"{gateway.url}{gateway.root}/github/git/blobs"
        assert ask.session.post(url, data=content, timeout=10).content == content


def test_forge_that_is_down_is_a_bad_gateway(gateway, ask, github):
    """Without an answer of the forge there is a status and nothing more."""
    github.stop()
    answer = ask("GET", "/github/branches/main")
    assert (answer.status_code, answer.content) == (502, b"")


def test_redirect_is_not_followed(forge, ask, site, github):
    """Where a repository went is for the client to see."""
    forge.rename(site, "group/other")
    answer = ask("GET", "/github/branches/main")
    assert answer.status_code == 301
    assert answer.headers["Location"].startswith(github.url)
