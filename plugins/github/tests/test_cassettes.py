"""The backend's own traffic through one whole workflow, as it was recorded: nothing else may go over the wire.

`pytest --record-mode=rewrite plugins/github/tests/test_cassettes.py` records it anew, from the simulator. Times
and numbers are the same each time, so that a difference in a cassette is one of the wire.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest

pytest.importorskip("vcr", reason="vcrpy is not installed")

import vcr
from copydesk import Repository, Workflow, open_repository
from copydesk.config import parse_config

CASSETTES = Path(__file__).parent / "cassettes"
HOST = "https://api.github.com"
ASKED = {"accept", "content-type", "if-none-match"}
ANSWERED = {"content-type", "link", "location", "x-oauth-scopes"}
#: Addresses that somebody reads; GitHub gives many more with everything.
ADDRESSES = {"html_url", "clone_url", "target_url", "details_url", "environment_url"}
CONFIG = b"""\
backend: {name: github, repo: owner/site}
publish_mode: editorial_workflow
media_folder: static/img
collections:
  - {name: posts, label: Post, folder: content/posts}
"""
FILES = {
    "admin/config.yml": CONFIG,
    "content/posts/hello.md": b"one\ntwo\nthree\n",
    "static/img/logo.png": b"\x89PNG\0",
}
PNG = b"\x89PNG\0\xff"


class Scrubber:
    """Takes out of an exchange what is secret, or of one day or one machine."""

    def __init__(self, recorded_from: str) -> None:
        self.url = recorded_from or HOST

    def request(self, request: Any) -> Any:
        request.uri = request.uri.replace(self.url, HOST)
        request.headers = {name: value for name, value in request.headers.items() if name.lower() in ASKED}
        return request

    def response(self, response: dict[str, Any]) -> dict[str, Any]:
        headers = {
            name: [value.replace(self.url, HOST) for value in values]
            for name, values in response["headers"].items()
            if name.lower() in ANSWERED
        }
        content = response["body"]["string"]
        if content[:1] in {b"{", b"["}:
            content = json.dumps(self._bare(json.loads(content))).encode()
        return {**response, "headers": headers, "body": {"string": content}}

    def _bare(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._bare(each) for each in value]
        if isinstance(value, dict):
            kept = ((name, each) for name, each in value.items() if name in ADDRESSES or name[-4:] != "_url")
            return {name: self._bare(each) for name, each in kept}
        return value.replace(self.url, HOST) if isinstance(value, str) else value


@pytest.fixture
def settings(settings):
    """One request at a time: a cassette keeps no order among those that go at once."""
    return attrs.evolve(settings, workers=1)


@pytest.fixture(params=["graphql", "rest"])
def way(request) -> str:
    return str(request.param)


@pytest.fixture
def open_recorded(request, way, settings) -> Callable[[], Repository]:
    """Open the repository as it is in the cassette; while one is recorded, on a simulator."""
    given = {"use_graphql": way == "graphql", "branch": "main"}
    if request.config.getoption("--record-mode", default="none") == "none":
        return lambda: open_repository(
            "github", credential="replayed", http=settings, repo="owner/site", **given
        )
    pytest.importorskip("simulators.github", reason="the simulators are not beside these tests")
    from simulators.store import START

    forge, seconds = request.getfixturevalue("forge"), itertools.count()
    forge.now = lambda: START + timedelta(seconds=next(seconds))
    forge.add_repository("owner/site", FILES)
    open_site = request.getfixturevalue("open_site")
    return lambda: open_site(**given)


@pytest.fixture
def workflow(way, open_recorded) -> Iterator[Workflow]:
    """A workflow whose every request is in the cassette, and is made."""
    repository = open_recorded()
    simulator = getattr(repository, "simulator", None)
    path = CASSETTES / f"{way}.yaml"
    if simulator is not None:
        path.unlink(missing_ok=True)
    scrub = Scrubber(simulator.url if simulator is not None else "")
    recorder = vcr.VCR(
        record_mode="none" if simulator is None else "all",
        match_on=("method", "uri", "body"),
        before_record_request=scrub.request,
        before_record_response=scrub.response,
        decode_compressed_response=True,
    )
    with recorder.use_cassette(str(path)) as cassette:
        yield Workflow(repository, parse_config(CONFIG, "admin/config.yml"))
        assert simulator is not None or cassette.all_played, "some recorded requests were not made"


def test_whole_workflow(workflow):
    repository = workflow.repository
    assert repository.authenticate().may_write
    assert workflow.entries() == ()
    (hello,) = workflow.published("posts")
    assert workflow.read(hello)[0].content == FILES["content/posts/hello.md"]

    opened = workflow.get("posts", "hello")
    edited = workflow.save("posts", "hello", b"one\n2\nthree\n", based_on=opened.versions)
    edited = workflow.save(
        "posts",
        "hello",
        {"content/posts/hello.md": b"one\n2\n3\n", "static/img/new.png": PNG},
        based_on=edited.versions,
    )
    assert edited.changed_paths == ("content/posts/hello.md", "static/img/new.png")
    assert {file.content for file in workflow.read(edited)} == {b"one\n2\n3\n", PNG}

    for status in ("pending_review", "pending_publish", "pending_review", "pending_publish"):
        assert workflow.set_status("posts", "hello", status).status == status
    dropped = workflow.save("posts", "dropped", b"dropped\n")
    assert {entry.slug for entry in workflow.entries()} == {"hello", "dropped"}
    workflow.discard("posts", "dropped", head_commit_sha=dropped.commit_sha)

    published = workflow.publish("posts", "hello", head_commit_sha=edited.commit_sha)
    assert published.status == "published"
    assert workflow.read(workflow.get("posts", "hello"))[0].content == b"one\n2\n3\n"
    assert workflow.entries() == ()


def test_cassettes_hold_no_secret_and_no_address():
    texts = {path.name: path.read_text() for path in CASSETTES.glob("*.yaml")}
    assert texts.keys() == {"graphql.yaml", "rest.yaml"}
    assert sum(map(len, texts.values())) < 150_000
    for text in texts.values():
        assert "uthorization" not in text
        assert "full-token" not in text
        assert "127.0.0.1" not in text
