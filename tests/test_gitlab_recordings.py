"""What the real GitLab answered, asked again of the simulator: the same status, fields and headers."""

from __future__ import annotations

import re

import pytest
import requests

pytest.importorskip("graphql", reason="graphql-core is not installed")

from simulators.gitlab import GitLabSimulator
from simulators.recorded import (
    FOLDER,
    Recorded,
    ask_all_again,
    compare_exchanges,
    json_of,
    matches,
    path_of,
    read,
)
from simulators.seeds import gitlab_files
from simulators.store import Forge

pytestmark = pytest.mark.skipif(not FOLDER.exists(), reason=f"the recordings are not at {FOLDER}")

PROJECT = "/api/v4/projects/owner%2Frepo"
#: Fields and headers that the recordings have and the simulator has not, and why.
DIFFERENCES = {
    r"GET /api/v4/user 200 \$\.login": "the recorded answer is one of GitHub's, put there by hand",
    r"commits 200 header x-total": "newer versions do not count commits",
    r"GET /api/v4/projects/{id} 200 \$\.namespace\.plan": "what was paid for",
}
#: Endpoints that the simulator does not have, and why.
NOT_SIMULATED = {
    r"/forks?$": "for forks, which copydesk does not do",
    r"(POST|DELETE) /api/v4/projects(/{id})?$|/members$": "projects are not administered",
    r"/issues": "issues that are no merge requests",
    r"/discussions|/award_emoji|/notes/{note_id}": "comments are listed and added, and nothing more",
}
HEADERS = (
    "x-gitlab-",
    "x-page",
    "x-per-page",
    "x-next-page",
    "x-prev-page",
    "x-total",
    "link",
    "content-disposition",
)


def scenarios() -> list[str]:
    return sorted(each.name for each in FOLDER.glob("gitlab__*.jsonl")) if FOLDER.exists() else []


@pytest.fixture
def forge(tmp_path):
    forge = Forge(tmp_path / "forge")
    forge.add_token("full", forge.add_user("owner"))
    yield forge
    forge.close()


@pytest.fixture
def simulator(forge):
    with GitLabSimulator(forge) as simulator:
        simulator.old_tree = True  # the recordings are of 2020
        yield simulator


@pytest.fixture
def session():
    with requests.Session() as session:
        session.trust_env = False
        session.headers["Authorization"] = "Bearer full"
        yield session


def missing_headers(each: Recorded, response: requests.Response) -> list[str]:
    names = (name.lower() for name in each.answer_headers)
    return [f"header {name}" for name in names if name.startswith(HEADERS) and name not in response.headers]


@pytest.mark.parametrize("name", scenarios())
def test_scenario_is_answered_as_it_was(name, forge, simulator, session):
    recorded = read(name)
    forge.add_repository("owner/repo", gitlab_files(recorded), default_branch="master")
    kept = [each for each in recorded if path_of(each.url).startswith((PROJECT, "/api/v4/user"))]
    assert len(kept) > 5
    assert ask_all_again(simulator, session, kept, DIFFERENCES, missing_headers) == []


# -- single exchanges ---------------------------------------------------------------------------------


def tour(simulator, session, site) -> None:
    """Ask for everything that the simulator has, in all its states."""

    def ask(method: str, path: str = "", body: object = None, **headers: str) -> dict:
        url = f"{simulator.url}{PROJECT}{path}"
        response = session.request(method, url, json=body, headers=headers, timeout=10)
        return json_of(response.content)

    for method in ("GET", "HEAD"):
        session.request(method, f"{simulator.url}/api/v4/user", timeout=10)
    session.get(f"{simulator.url}/api/v4/user", headers={"Authorization": "Bearer wrong"}, timeout=10)
    for path in ("", "/labels", "/repository/branches", "/repository/branches/none", "/repository/commits"):
        ask("GET", path)
    tour_of_files(ask)
    tour_of_commits(ask, site)
    tour_of_merge_requests(ask, site)
    ask("POST", "/labels", {"name": "bug", "color": "#000000"})
    ask("GET", "/labels")
    ask("DELETE", "/labels?name=bug")


def tour_of_files(ask) -> None:
    for path in (
        "/repository/tree",
        "/repository/files/README.md?ref=main",
        "/repository/files/none?ref=main",
    ):
        ask("GET", path)
    new = {"branch": "main", "commit_message": "x", "content": "x"}
    for method, content in (("POST", "a"), ("PUT", "b")):
        ask(method, "/repository/files/new", {**new, "content": content})
    ask("DELETE", "/repository/files/new?branch=main&commit_message=x")


def tour_of_commits(ask, site) -> None:
    ask("POST", "/repository/branches", {"branch": "draft", "ref": "main"})
    actions = [{"action": "create", "file_path": "a", "content": "a"}]
    made = ask("POST", "/repository/commits", {"branch": "draft", "commit_message": "x", "actions": actions})
    head = made["id"]
    for state in ("success", "failed", "running"):
        ask("POST", f"/statuses/{head}?name={state}&state={state}&target_url=https://example.org")
    for path in ("", "/diff", "/statuses"):
        ask("GET", f"/repository/commits/{head}{path}")
    ask("GET", f"/repository/compare?from=main&to={head}")


def tour_of_merge_requests(ask, site) -> None:
    new = {"source_branch": "draft", "target_branch": "main", "title": "x", "labels": "a,b"}
    for _ in range(2):
        ask("POST", "/merge_requests", new)
    ask("GET", "/merge_requests")
    for path in ("", "/changes", "/diffs", "/commits", "/notes", "/merge_ref"):
        ask("GET", f"/merge_requests/1{path}")
    ask("GET", "/merge_requests/2")
    ask("POST", "/merge_requests/1/notes", {"body": "x"})
    ask("GET", "/merge_requests/1/notes")
    ask("PUT", "/merge_requests/1", {"title": "y"})
    ask("PUT", "/merge_requests/1/merge", {})
    ask("PUT", "/merge_requests/1/rebase")
    for path in ("/1", "/1/merge_ref", "?state=merged"):
        ask("GET", f"/merge_requests{path}")


def answers_of_a_tour(simulator, session, site, endpoints: set[str]) -> dict[tuple[str, int], list]:
    tour(simulator, session, site)
    # What has the fewest gaps is tried first: a name may stand where another address has a word.
    patterns = {
        each: re.sub(r"{\w+}", "[^/]+", each) for each in sorted(endpoints, key=lambda x: x.count("{"))
    }
    answers: dict[tuple[str, int], list] = {}
    for exchange in simulator.log:
        asked = f"{exchange.method} {exchange.path}"
        endpoint = next((name for name, pattern in patterns.items() if re.fullmatch(pattern, asked)), asked)
        answers.setdefault((endpoint, exchange.status), []).append(json_of(exchange.response_bytes))
    return answers


def test_single_exchanges_have_the_same_fields(simulator, session, forge):
    """For every endpoint and status on record the simulator has an answer with the same fields."""
    site = forge.add_repository("owner/repo", {"README.md": b"# A site\n"}, default_branch="main")
    recorded = [each for each in read("misc-gitlab.jsonl") if "sample" not in each.authenticity]
    kept = [(each.endpoint, each) for each in recorded if not matches(each.endpoint, NOT_SIMULATED)]
    answers = answers_of_a_tour(simulator, session, site, {endpoint for endpoint, _ in kept})
    assert compare_exchanges(kept, answers, DIFFERENCES) == []
