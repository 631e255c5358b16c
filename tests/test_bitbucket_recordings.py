"""What the real Bitbucket answered, asked again of the simulator: the same status, fields and kind."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from urllib.parse import unquote

import pytest
import requests

pytest.importorskip("jsonschema", reason="jsonschema is not installed")

from simulators.bitbucket import BitbucketSimulator
from simulators.bitbucket.validate import check
from simulators.recorded import FOLDER, Recorded, ask_all_again, read
from simulators.store import Forge

pytestmark = pytest.mark.skipif(not FOLDER.exists(), reason=f"the recordings are not at {FOLDER}")

API = "https://api.bitbucket.org/2.0/"
ROOT = "/2.0"


def scenarios() -> list[str]:
    """Give all; the single exchanges beside them are samples that somebody wrote, which prove nothing."""
    return sorted(each.name for each in FOLDER.glob("bitbucket__*.jsonl"))


def asked(each: Recorded) -> bool:
    """Say whether it is for the simulator: large files, which are on another origin, are not."""
    return each.url.startswith(API)


def large_files(recorded: list[Recorded]) -> dict[str, str]:
    """Give where large files were, by their sha256."""
    contents = {each.url: each.content for each in recorded}
    places = {each.answer_headers["location"] for each in recorded if each.status == 302}
    return {hashlib.sha256(contents[place]).hexdigest(): place for place in places & contents.keys()}


def known_files(recorded: list[Recorded]) -> dict[str, bytes]:
    """Gather the files of the base branch that a recording shows before anything was written."""
    found = {"README.md": b"A site\n"}
    for each in recorded:
        if each.method == "POST":
            break
        found.update(files_of(each))
    return found


def files_of(each: Recorded) -> Iterator[tuple[str, bytes]]:
    place = re.search(r"/src/[0-9a-f]{40}/([^?]*)", each.url)
    if place is None or each.status not in {200, 302}:
        return
    if isinstance(each.answer, dict) and "values" in each.answer:
        yield from ((entry["path"], b"something\n") for entry in each.answer["values"])
    else:
        yield unquote(place[1]), each.content


@pytest.fixture
def forge(tmp_path):
    forge = Forge(tmp_path / "forge")
    forge.add_token("full", forge.add_user("owner"))
    yield forge
    forge.close()


@pytest.fixture
def simulator(forge):
    with BitbucketSimulator(forge) as simulator:
        yield simulator


@pytest.fixture
def session():
    with requests.Session() as session:
        session.trust_env = False
        session.headers["Authorization"] = "Bearer full"
        yield session


def headers_differ(each: Recorded, response: requests.Response) -> Iterator[str]:
    """Say where the kind of the content, how long it may be kept, or what a token needs is another one."""
    names = ["content-type", "cache-control", "x-accepted-oauth-scopes"]
    for name in names + (["location"] if each.status == 302 else []):
        recorded, ours = each.answer_headers.get(name), response.headers.get(name)
        if recorded is not None and recorded != ours:
            yield f"{name} {ours}, not {recorded}"


@pytest.mark.parametrize("name", scenarios())
def test_scenario_is_answered_as_it_was(name, forge, simulator, session):
    everything = read(name)
    recorded = list(filter(asked, everything))
    simulator.large.update(large_files(everything))
    forge.add_repository("owner/repo", known_files(recorded), default_branch="master")
    assert ask_all_again(simulator, session, recorded, (), headers_differ) == []
    for exchange in simulator.log:
        check(exchange, ROOT)
