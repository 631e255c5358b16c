"""A backend's own traffic through one whole workflow, recorded from a simulator and played again."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import attrs
import pytest
import vcr
from copydesk import Repository, Workflow, open_repository
from copydesk.config import parse_config
from copydesk.http import HttpSettings

__all__ = ["CassetteSuite", "Wire", "check_cassettes"]

#: What stands for what is another one each time: between the parts of a form, and the time of an answer.
_BOUNDARY = "boundary"
_DATE = "Thu, 01 Jan 2026 00:00:00 GMT"
_CONFIG = b"""\
backend: {name: %(backend)s, repo: %(repo)s}
publish_mode: editorial_workflow
media_folder: static/img
collections:
  - {name: posts, label: Post, folder: content/posts}
"""
PNG = b"\x89PNG\0\xff"


@attrs.frozen
class Wire:
    """What of a forge's traffic is kept; names of headers are in lower case.

    :param host: what stands for the address of the simulator.
    :param fixed: what stands in some fields of answers, instead of what is another one each time.
    :param addresses: the fields of addresses that somebody reads.
    :param many: what fields of addresses are called, which a forge gives with everything.
    """

    host: str
    asked: frozenset[str]
    answered: frozenset[str]
    addresses: frozenset[str]
    many: re.Pattern[str] = re.compile(r"_url$")
    fixed: Mapping[str, str] = attrs.field(factory=dict)


class Scrubber:
    """Takes out of an exchange what is secret, or of one day or one machine.

    :param told: what stands for such texts, by the text.
    """

    def __init__(self, wire: Wire, told: Mapping[str, str]) -> None:
        self.wire = wire
        self.told = told

    def request(self, request: Any) -> Any:
        request.uri = self._told(request.uri)
        if self.told and not request.uri.startswith(self.wire.host):
            return None  # what one simulator asks of another, in this process
        kept = ((name, value) for name, value in request.headers.items() if name.lower() in self.wire.asked)
        request.headers = dict(kept)
        found = re.search("boundary=(.+)", request.headers.get("Content-Type", ""))
        if found is not None:
            request.headers["Content-Type"] = request.headers["Content-Type"].replace(found[1], _BOUNDARY)
            request.body = request.body.replace(found[1].encode(), _BOUNDARY.encode())
        for text, instead in self.told.items() if request.body else ():
            request.body = request.body.replace(text.encode(), instead.encode())
        return request

    def response(self, response: dict[str, Any]) -> dict[str, Any]:
        headers = {
            name: [_DATE] if name.lower() == "date" else list(map(self._told, values))
            for name, values in response["headers"].items()
            if name.lower() in self.wire.answered
        }
        content = response["body"]["string"]
        if content[:1] in {b"{", b"["}:
            content = json.dumps(self._bare(json.loads(content))).encode()
        return {**response, "headers": headers, "body": {"string": content}}

    def _told(self, text: str) -> str:
        for each, instead in self.told.items():
            text = text.replace(each, instead)
        return text

    def _bare(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._bare(each) for each in value]
        if isinstance(value, dict):
            kept = {name: self._bare(each) for name, each in value.items() if self._is_kept(name)}
            return kept | {name: each for name, each in self.wire.fixed.items() if name in kept}
        return self._told(value) if isinstance(value, str) else value

    def _is_kept(self, name: str) -> bool:
        return name in self.wire.addresses or not self.wire.many.search(name)


class CassetteSuite:
    """The test: the requests of the workflow are those of the cassette, each is made, and no other.

    ``pytest --record-mode=rewrite`` records it anew, from the simulator of the plugin's fixtures `forge` and
    `open_site`, or what opens a repository in `open_recorded`. Times and numbers are the same each time, so that a
    difference in a cassette is one of the wire.
    """

    backend: ClassVar[str]
    repo: ClassVar[str] = "owner/site"
    wire: ClassVar[Wire]
    cassette: ClassVar[Path]
    options: ClassVar[Mapping[str, object]] = {}
    #: What the forge tells of the right to write.
    may_write: ClassVar[bool | None] = True

    @pytest.fixture
    def settings(self, settings: HttpSettings) -> HttpSettings:
        """One request at a time: a cassette keeps no order among those that go at once."""
        return attrs.evolve(settings, workers=1)

    @pytest.fixture
    def files(self) -> dict[str, bytes]:
        words = {b"backend": self.backend.encode(), b"repo": self.repo.encode()}
        return {
            "admin/config.yml": _CONFIG % words,
            "content/posts/hello.md": b"one\ntwo\nthree\n",
            "static/img/logo.png": b"\x89PNG\0",
        }

    @pytest.fixture
    def records(self, request) -> bool:
        return request.config.getoption("--record-mode", default="none") != "none"

    @pytest.fixture
    def told(self) -> dict[str, str]:
        """What stands for secrets and addresses; whoever opens the repository knows them."""
        return {}

    @pytest.fixture
    def open_recorded(self, request, records, told, settings, files) -> Callable[[], Repository]:
        """Open the repository as it is in the cassette; while one is recorded, on a simulator."""
        given = {**self.options, "branch": "main"}
        if not records:
            return lambda: open_repository(
                self.backend, credential="replayed", http=settings, repo=self.repo, **given
            )
        # Replaying needs no simulator.
        from simulators.store import START

        forge, seconds = request.getfixturevalue("forge"), itertools.count()
        forge.now = lambda: START + timedelta(seconds=next(seconds))
        forge.add_repository(self.repo, files)
        open_site = request.getfixturevalue("open_site")

        def opener() -> Repository:
            repository = open_site(**given)  # which sends nothing
            told[repository.simulator.url] = self.wire.host
            return repository

        return opener

    @pytest.fixture
    def workflow(self, open_recorded, records, told, files) -> Iterator[Workflow]:
        """A workflow whose every request is in the cassette, and is made."""
        if records:
            self.cassette.unlink(missing_ok=True)
        scrub = Scrubber(self.wire, told)
        recorder = vcr.VCR(
            record_mode="all" if records else "none",
            match_on=("method", "uri", "body"),
            before_record_request=scrub.request,
            before_record_response=scrub.response,
            decode_compressed_response=True,
        )
        with recorder.use_cassette(str(self.cassette)) as cassette:
            yield Workflow(open_recorded(), parse_config(files["admin/config.yml"], "admin/config.yml"))
            assert records or cassette.all_played, "some recorded requests were not made"

    def test_whole_workflow(self, workflow, files):
        repository = workflow.repository
        assert repository.authenticate().may_write is self.may_write
        assert workflow.entries() == ()
        (hello,) = workflow.published("posts")
        assert workflow.read(hello)[0].content == files["content/posts/hello.md"]

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


def check_cassettes(folder: Path, *names: str, limit: int) -> None:
    """Check that a folder holds these cassettes, which are short and hold no secret and no address.

    :param limit: characters of all together.
    """
    texts = {path.name: path.read_text() for path in folder.iterdir()}
    assert texts.keys() == set(names)
    assert sum(map(len, texts.values())) < limit
    for text in texts.values():
        assert "uthorization:" not in text
        assert "full-token" not in text
        assert "127.0.0.1" not in text
