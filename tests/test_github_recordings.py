"""What the real GitHub answered, asked again of the simulator: the same status, the same fields."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
import requests

pytest.importorskip("graphql", reason="graphql-core is not installed")

from simulators.github import GitHubSimulator
from simulators.recorded import FOLDER, Recorded, Replay, content_of, missing_fields, read
from simulators.store import Forge

pytestmark = pytest.mark.skipif(not FOLDER.exists(), reason=f"the recordings are not at {FOLDER}")

#: Fields that the recordings have and the simulator has not, and why.
DIFFERENCES = {}
#: Scenarios that are not asked again, and why.
LEFT_OUT = {
    "github-rest__editorial-workflow__can-update-an-entry--2019-11-28.jsonl": "keeps its drafts in a ref of its own",
    "github-graphql__media-library__can-delete-image-from-global-media-library--2020-01-14.jsonl": (
        "deletes through the contents interface, file by file"
    ),
    "github-rest__simple-workflow__successfully-loads--2020-01-14.jsonl": "asks nothing of a repository",
}
#: Endpoints that the simulator does not have, and why.
NOT_SIMULATED = {}


def scenarios() -> list[str]:
    """Give those without forks, which copydesk does not do."""
    if not FOLDER.exists():
        return []
    found = (each for each in FOLDER.glob("github-*__*.jsonl") if "forkOwner" not in each.read_text())
    return sorted(each.name for each in found if each.name not in LEFT_OUT)


def known_files(recorded: list[Recorded]) -> dict[str, bytes]:
    """Gather the files of the base branch that a recording shows, before anything was written."""
    contents: dict[str, bytes] = {}
    # Every scenario's site has a file at the top, which the answers to a new tree show.
    listed: dict[str, str] = {"README.md": ""}
    for each in recorded:
        if each.method != "GET" and "/graphql" not in each.url:
            continue
        contents.update(blobs_of(each))
    for each in recorded:
        if each.method in {"PUT", "PATCH"} or ("/git/blobs" in each.url and each.method == "POST"):
            break
        listed.update(entries_of(each))
    return {path: contents.get(sha, f"placeholder of {path}".encode()) for path, sha in listed.items()}


def blobs_of(each: Recorded) -> Iterator[tuple[str, bytes]]:
    if "/git/blobs/" in each.url and isinstance(each.answer, dict):
        content = content_of(each.answer)
        if content is not None:
            yield each.answer["sha"], content
    if "/graphql" in each.url and "blob(" in each.body.get("query", ""):
        found = (each.answer.get("data") or {}).get("repository", {}).get("object") or {}
        content = content_of(found)
        if content is not None:
            yield each.body["variables"]["expression"], content


def entries_of(each: Recorded) -> Iterator[tuple[str, str]]:
    found = re.search(r"/git/trees/master:([^?]+)", each.url)
    if found and each.status == 200:
        folder = found[1].replace("%2F", "/")
        for entry in each.answer["tree"]:
            if entry["type"] == "blob":
                yield f"{folder}/{entry['path']}", entry["sha"]
    if "/contents/" in each.url and each.status == 200 and isinstance(each.answer, list):
        yield from ((entry["path"], entry["sha"]) for entry in each.answer if entry["type"] == "file")
    if "/graphql" in each.url and "files(" in each.body.get("query", ""):
        _, _, folder = each.body["variables"]["expression"].partition(":")
        there = each.answer["data"]["repository"]["object"] or {}
        for entry in there.get("entries", ()):
            if entry["type"] == "blob":
                yield f"{folder}/{entry['name']}", entry["sha"]


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


def path_of(url: str) -> str:
    """Give path and query without the parameter that only defeated a cache."""
    parts = urlsplit(url)
    query = [(name, value) for name, value in parse_qsl(parts.query) if name != "ts"]
    return parts.path + (f"?{urlencode(query)}" if query else "")


def asked_again(simulator, session, replay: Replay, each: Recorded) -> requests.Response:
    url = simulator.url + replay.url(path_of(each.url))
    headers = {name: value for name, value in each.headers.items() if name.lower() == "accept"}
    body = None if each.body is None else json.dumps(replay.body(each.body))
    return session.request(each.method, url, data=body, headers=headers, timeout=10, allow_redirects=False)


def answer_of(response: requests.Response):
    return response.json() if response.content[:1] in {b"{", b"["} else None


def reasoned(where: str, missing: set[str]) -> set[str]:
    """Leave out what has its reason in DIFFERENCES."""
    return {each for each in missing if not any(re.search(key, f"{where} {each}") for key in DIFFERENCES)}


@pytest.mark.parametrize("name", scenarios())
def test_scenario_is_answered_as_it_was(name, forge, simulator, session):
    recorded = read(name)
    forge.add_repository("owner/repo", known_files(recorded), default_branch="master")
    replay, wrong = Replay(), []
    for position, each in enumerate(recorded):
        if not path_of(each.url).startswith(("/repos/owner/repo", "/user", "/graphql")):
            continue
        response = asked_again(simulator, session, replay, each)
        ours = answer_of(response)
        replay.learn(each.answer, ours)
        where = f"{each.method} {path_of(each.url)}"
        if response.status_code != each.status:
            wrong.append(
                f"{position} {where}: {response.status_code} {response.text[:200]}, not {each.status}"
            )
        missing = reasoned(f"{each.endpoint} {each.status}", missing_fields(each.answer, [ours]))
        wrong.extend(f"{position} {where}: {field}" for field in sorted(missing))
    assert wrong == []
