"""What Netlify's large media and Bitbucket's LFS answered, asked again: the same status, fields and kind."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import attrs
import pytest
import requests
from simulators.bitbucket import BitbucketSimulator
from simulators.lfs import MEDIA_TYPE, Bucket, LargeMedia, Objects
from simulators.recorded import FOLDER, Recorded, json_of, matches, missing_fields, path_of, read
from simulators.store import Forge

pytestmark = pytest.mark.skipif(not FOLDER.exists(), reason=f"the recordings are not at {FOLDER}")

#: Paths of what is asked for large files: of the server, and of where it keeps them.
LARGE = r"/\.netlify/large-media/|/info/lfs/|amazonaws\.com/|/upload/[^/]+/binary"
#: The image of all recordings.
OID = "b1d40c19b912d2130d1bed8ff1a62a55c7d932978502e1d8559eb77951c5e8d3"
#: What differs, and why.
DIFFERENCES = {
    r"locks/verify .*content-type": "there are no locks, which was said with a page that no program reads",
}


def scenarios(start: str) -> list[str]:
    """Give the recordings where anything was asked for large files."""
    files = FOLDER.glob(f"{start}__*large-media*.jsonl") if FOLDER.exists() else ()
    return sorted(each.name for each in files if matches(each.read_text(), [LARGE]))


def large(name: str) -> list[Recorded]:
    return [each for each in read(name) if matches(each.url, [LARGE])]


@cache
def image() -> bytes:
    """Find the image, which only Bitbucket's recordings give whole."""
    contents = (each.content for name in scenarios("bitbucket") for each in read(name))
    return next(each for each in contents if hashlib.sha256(each).hexdigest() == OID)


@attrs.define
class Again:
    """Asks again, and follows the actions that were given now instead of those that were recorded."""

    url: str
    session: requests.Session
    #: Actions by the path of the recorded ones.
    actions: dict[str, Mapping[str, Any]] = attrs.field(factory=dict)

    def ask(self, each: Recorded) -> requests.Response:
        action = self.actions.get(urlsplit(each.url).path, {})
        headers = {"Authorization": "Bearer full", "Accept": MEDIA_TYPE, "Content-Type": MEDIA_TYPE}
        body: dict[str, Any] = {"json": each.body}
        if each.method == "PUT":
            # The bucket is sent what the batch gave, and no credential.
            headers, body = {}, {"data": sent(each)}
        url = action.get("href") or self.url + path_of(each.url)
        headers |= action.get("header", {})
        response = self.session.request(each.method, url, headers=headers, timeout=10, **body)
        self._learn(each.answer, json_of(response.content))
        return response

    def _learn(self, recorded: Any, ours: Any) -> None:
        """Note the actions of a batch side by side."""
        if not isinstance(recorded, dict) or not isinstance(ours, dict):
            return
        for one, two in zip(recorded.get("objects", ()), ours.get("objects", ()), strict=True):
            for name in one.get("actions", {}).keys() & two.get("actions", {}).keys():
                self.actions[urlsplit(one["actions"][name]["href"]).path] = two["actions"][name]


def sent(each: Recorded) -> bytes:
    """Give what was uploaded, which is not in all recordings."""
    return base64.b64decode(each.body["base64Bytes"]) if each.body else image()


def differences(again: Again, recorded: list[Recorded]) -> Iterator[str]:
    for each in recorded:
        response = again.ask(each)
        where = f"{each.method} {path_of(each.url)}"
        if response.status_code != each.status:
            yield f"{where}: {response.status_code} {response.text[:200]}, not {each.status}"
        told = sorted(missing_fields(each.answer, [json_of(response.content)]))
        for name in ("content-type", "cache-control" if "/origin/" in each.url else "location"):
            known, ours = each.answer_headers.get(name), response.headers.get(name)
            told += [f"{name} {ours}, not {known}"] if known is not None and known != ours else []
        yield from (f"{where} {text}" for text in told if not matches(f"{where} {text}", DIFFERENCES))


def there_before(recorded: list[Recorded]) -> bool:
    """Say whether the object was there before anything was uploaded."""
    for each in recorded:
        if each.method == "PUT" or each.status == 404:
            return False
        if each.url.endswith("/objects/batch"):
            return "actions" not in each.answer["objects"][0]
        if "/large-media/" in each.url and each.status == 200:
            return True
    return False


@pytest.fixture
def session():
    with requests.Session() as session:
        session.trust_env = False
        yield session


@pytest.fixture
def bucket():
    with Bucket() as bucket:
        yield bucket


@pytest.mark.parametrize("name", scenarios("gitgateway-*"))
def test_large_media_answers_as_it_did(name, tmp_path, session, bucket):
    """Verification, batch, upload and the file itself are as Netlify had them."""
    recorded = large(name)
    with LargeMedia(tmp_path / "media", bucket=bucket) as simulator:
        simulator.tokens.add("full")
        if there_before(recorded):
            simulator.objects.add(image())
        found = list(differences(Again(simulator.url, session), recorded))
    assert (found, simulator.objects.oids()) == ([], [OID])


@pytest.mark.parametrize("name", scenarios("bitbucket"))
def test_bitbucket_answers_as_it_did(name, tmp_path, session, bucket):
    """Batch, upload and verification are as Bitbucket had them."""
    recorded = large(name)
    forge = Forge(tmp_path / "forge")
    forge.add_token("full", forge.add_user("owner"))
    objects = Objects.of_repository(forge.add_repository("owner/repo", {"README.md": b""}).path)
    with BitbucketSimulator(forge) as simulator:
        simulator.lfs.bucket = bucket
        if there_before(recorded):
            objects.add(image())
        found = list(differences(Again(simulator.url, session), recorded))
    forge.close()
    asked = any(each.url.endswith("/objects/batch") for each in recorded)
    assert (found, objects.oids()) == ([], [OID] if asked else [])
