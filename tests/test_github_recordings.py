"""What the real GitHub answered, asked again of the simulator: the same status, the same fields."""

from __future__ import annotations

import re

import pytest
import requests

pytest.importorskip("graphql", reason="graphql-core is not installed")

from simulators.github import Codeload, GitHubSimulator
from simulators.github.validate import check, operation
from simulators.recorded import (
    FOLDER,
    Recorded,
    ask_all_again,
    compare_exchanges,
    json_of,
    matches,
    missing_fields,
    path_of,
    read,
)
from simulators.seeds import github_files
from simulators.store import Forge

pytestmark = pytest.mark.skipif(not FOLDER.exists(), reason=f"the recordings are not at {FOLDER}")

#: Fields that the recordings have and the simulator has not, and why.
DIFFERENCES = {
    r"GET /rate_limit 200 \$\.resources\.": "quotas of interfaces that the simulator has not",
    r"GET /repos/{owner}/{repo} 200 \$\.(custom_properties|organization)": "the owner is a user",
    r"GET /repos/{owner}/{repo} 200 \$\.(parent|source)": "no repository is a fork",
    r"POST /repos/{owner}/{repo}/pulls 201 \$\.body_(html|text)": "for a media type that is not asked for",
}
#: Scenarios that are not asked again, and why.
LEFT_OUT = {
    "github-rest__editorial-workflow__can-update-an-entry--2019-11-28.jsonl": "keeps drafts in a ref of its own",
    "github-graphql__media-library__can-delete-image-from-global-media-library--2020-01-14.jsonl": (
        "deletes through the contents interface, file by file"
    ),
    "github-rest__simple-workflow__successfully-loads--2020-01-14.jsonl": "asks nothing of a repository",
}
#: Endpoints that the simulator does not have, and why.
NOT_SIMULATED = {
    r"(DELETE|PUT) .*/contents/": "writes file by file; copydesk commits whole trees",
    r"/collaborators/|/forks|/merge-upstream": "for forks, which copydesk does not do",
    r"/orgs/|/users": "people are not administered",
    r"(PATCH|DELETE) /repos/{owner}/{repo}$|/protection": "repositories are not administered",
    r"/issues$|PATCH .*/issues/": "issues that are no pull requests",
    r"PATCH .*/labels/{name}": "labels are not renamed",
    r"GET .*/statuses/{sha}": "another address of what stands below the commit",
    r"GET .*/git/refs$": "matching-refs took its place",
    r" \?": "another origin",
    r"enablePullRequestAutoMerge": "nothing is merged later",
}


def scenarios() -> list[str]:
    """Give those without forks, which copydesk does not do."""
    if not FOLDER.exists():
        return []
    found = (each for each in FOLDER.glob("github-*__*.jsonl") if "forkOwner" not in each.read_text())
    return sorted(each.name for each in found if each.name not in LEFT_OUT)


@pytest.fixture
def forge(tmp_path):
    forge = Forge(tmp_path / "forge")
    owner = forge.add_user("owner")
    forge.add_token("full", owner)
    yield forge
    forge.close()


@pytest.fixture
def simulator(forge):
    with GitHubSimulator(forge) as simulator:
        yield simulator


@pytest.fixture
def session():
    with requests.Session() as session:
        session.trust_env = False
        session.headers["Authorization"] = "token full"
        yield session


def asked_again(each: Recorded) -> bool:
    about = path_of(each.url).startswith(("/repos/owner/repo", "/user", "/graphql"))
    return about and not matches(each.endpoint, NOT_SIMULATED)


@pytest.mark.parametrize("name", scenarios())
def test_scenario_is_answered_as_it_was(name, forge, simulator, session):
    recorded = read(name)
    forge.add_repository("owner/repo", github_files(recorded), default_branch="master")
    assert ask_all_again(simulator, session, filter(asked_again, recorded), DIFFERENCES) == []


# -- single exchanges ---------------------------------------------------------------------------------


def endpoint_of(method: str, path: str) -> str:
    """Call an endpoint as the recordings do, older addresses by their newer ones."""
    path = re.sub(r"^/repositories/(\{repository_id\}|\d+)", "/repos/{owner}/{repo}", path)
    path = re.sub(r"/(tarball|contents)/?$", r"/\1/x", path)
    path = path.replace("/git/refs/", "/git/ref/") if method == "GET" else path
    found = operation(method, path)
    return f"{method} {found[0] if found else path}"


def tour(simulator, session, site) -> None:
    """Ask for everything that the simulator has, in all its states."""

    def ask(method: str, path: str, body: object = None, **headers: str) -> dict:
        url = f"{simulator.url}/repos/owner/repo{path}"
        response = session.request(method, url, json=body, headers=headers, timeout=10, allow_redirects=False)
        return json_of(response.content)

    main = site.head("main")
    tour_of_people(simulator, session, ask)
    pages = ("", "/branches", "/branches/main", "/branches/none", "/commits", "/commits/main", "/contents/")
    files = ("README.md", "link", "folder", "none", "folder/a.md?ref=none")
    for path in (*pages, *(f"/contents/{each}" for each in files), "/tarball", "/tarball/main"):
        ask("GET", path)
    tour_of_git(ask, main)
    head = site.head("draft")
    for length in (4, 141):
        ask("POST", f"/statuses/{head}", {"state": "success", "description": "x" * length})
    for path in ("status", "statuses", "check-runs"):
        ask("GET", f"/commits/{head}/{path}")
    tour_of_pulls(ask, site)
    tour_of_labels(ask)
    other = site.commit_files("other", {"o": b"o"}, start="main")
    for _ in range(2):
        ask("POST", "/merges", {"base": "main", "head": other})
    ask("DELETE", "/git/refs/heads/draft")
    site.forge.add_repository("owner/empty")
    session.get(f"{simulator.url}/repos/owner/empty/commits", timeout=10)
    session.get(f"{simulator.url}/repos/owner/none", timeout=10)
    site.forge.rename(site, "owner/renamed")
    ask("GET", "")


def tour_of_people(simulator, session, ask) -> None:
    for path in ("/rate_limit", "/user"):
        session.get(simulator.url + path, timeout=10)
        session.get(simulator.url + path, headers={"Authorization": "token wrong"}, timeout=10)
    ask("GET", "", Authorization="token wrong")
    for status in (403, 429):
        simulator.secondary_limit(status=status, retry_after="8")
        ask("GET", "")


def tour_of_git(ask, main) -> None:
    blob = ask("POST", "/git/blobs", {"content": "x"})["sha"]
    ask("GET", f"/git/blobs/{blob}")
    files = [{"path": "a", "mode": "100644", "type": "blob", "sha": blob}]
    tree = ask("POST", "/git/trees", {"base_tree": main, "tree": files})["sha"]
    ask("GET", f"/git/trees/{tree}?recursive=1")
    ask("GET", "/git/trees/none")
    new = {"message": "Add a", "tree": tree, "parents": [main]}
    head = ask("POST", "/git/commits", new)["sha"]
    ask("GET", f"/git/commits/{head}")
    ask("POST", "/git/refs", {"ref": "refs/heads/draft", "sha": main})
    ask("PATCH", "/git/refs/heads/draft", {"sha": head})
    for path in ("ref/heads/draft", "ref/heads/none", "matching-refs/heads/"):
        ask("GET", f"/git/{path}")
    for path in ("main...draft", "main...none"):
        ask("GET", f"/compare/{path}")


def tour_of_labels(ask) -> None:
    ask("POST", "/labels", {"name": "foo", "color": "invalid"})
    for method, path in (("GET", "/labels"), ("GET", "/labels/a"), ("DELETE", "/labels/a")):
        ask(method, path)


def tour_of_pulls(ask, site) -> None:
    new = {"title": "Add a", "head": "draft", "base": "main"}
    for _ in range(2):
        ask("POST", "/pulls", new)
    ask("POST", "/issues/1/labels", {"labels": ["a", "b", "c"]})
    ask("PUT", "/issues/1/labels", {"labels": ["a", "b"]})
    for _ in range(2):
        ask("DELETE", "/issues/1/labels/a")
    for path in ("/issues/1", "/pulls", "/pulls/1", "/pulls/1/files", "/pulls/1/commits", "/pulls/1/merge"):
        ask("GET", path)
    site.commit_files("main", {"folder/b.md": b"b"})
    for expected in (site.head("main"), site.head("draft")):
        ask("PUT", "/pulls/1/update-branch", {"expected_head_sha": expected})
    ask("PATCH", "/pulls/1", {"base": "none"})
    for state in ("closed", "open"):
        ask("PATCH", "/pulls/1", {"state": state})
    ask("PUT", "/pulls/1/merge", {"merge_method": "squash"})
    for path in ("/pulls/1", "/pulls?state=all"):
        ask("GET", path)


def answers_of_a_tour(simulator, session, site) -> dict[tuple[str, int], list]:
    with Codeload(site.forge) as simulator.codeload:
        tour(simulator, session, site)
    answers: dict[tuple[str, int], list] = {}
    for exchange in simulator.log:
        check(exchange)
        key = endpoint_of(exchange.method, exchange.path), exchange.status
        answers.setdefault(key, []).append(json_of(exchange.response_bytes))
    return answers


def test_single_exchanges_have_the_same_fields(simulator, session, forge):
    """For every endpoint and status on record the simulator has an answer with the same fields."""
    files = {"README.md": b"# A site\n", "folder/a.md": b"a", "link": b"README.md"}
    site = forge.add_repository("owner/repo", files, default_branch="main", modes={"link": 0o120000})
    answers = answers_of_a_tour(simulator, session, site)
    recorded = [(endpoint_of(*each.endpoint.split(" ", 1)), each) for each in read("misc-github.jsonl")]
    kept = [
        (endpoint, each)
        for endpoint, each in recorded
        if "/graphql" not in each.url
        and not matches(endpoint, NOT_SIMULATED)
        and "sample" not in each.authenticity
    ]
    assert compare_exchanges(kept, answers, DIFFERENCES) == []


def test_difference_is_noticed():
    recorded = {"a": 1, "b": [{"c": "x"}], "d": None}
    assert missing_fields(recorded, [{"a": 2, "b": [], "d": "y"}]) == set()
    assert missing_fields(recorded, [{"a": "2", "b": [{}]}]) == {"$.a: number", "$.b[].c", "$.d"}
