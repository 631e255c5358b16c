"""Traffic that real services answered, asked again of a simulator.

The recordings are no part of the project; what reads them skips when their folder is not beside the checkout.
"""

from __future__ import annotations

import base64
import gzip
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import attrs
import requests
from copydesk.testing import ServerSimulator

__all__ = [
    "FOLDER",
    "Recorded",
    "Replay",
    "ask_again",
    "ask_all_again",
    "compare_exchanges",
    "content_of",
    "fields",
    "json_of",
    "matches",
    "missing_fields",
    "path_of",
    "read",
]

FOLDER = Path(__file__).parents[3] / "shared/recordings/dev"
SHA = re.compile(r"\b[0-9a-f]{40}\b")
NUMBERED = re.compile(r"(/pulls/|issues/|/merge_requests/|/pullrequests/)(\d+)")


@attrs.frozen
class Recorded:
    """One recorded exchange."""

    endpoint: str
    method: str
    url: str
    headers: Mapping[str, str]
    body: Any
    status: int
    answer: Any
    authenticity: str = ""
    answer_headers: Mapping[str, str] = attrs.field(factory=dict)
    #: The body of the answer as it came, uncompressed; JSON is written anew.
    content: bytes = b""
    #: The parts of a form: names, filenames, contents.
    form: tuple[tuple[str, str | None, bytes], ...] = ()
    #: A body that is no JSON.
    text: str = ""


def _bodies() -> dict[str, dict[str, Any]]:
    lines = (FOLDER / "bodies.jsonl").read_text().split("\n")
    return {each.pop("ref"): each for each in map(json.loads, filter(None, lines))}


def read(name: str) -> list[Recorded]:
    """Read a recording in the order in which it was made."""
    bodies: dict[str, dict[str, Any]] = {}
    placed: list[tuple[int, Recorded]] = []
    for line in (FOLDER / name).read_text().split("\n"):
        item = json.loads(line) if line else {}
        if "request" not in item:
            continue
        for part in (item["request"], item["response"]):
            if "ref" in part:
                bodies = bodies or _bodies()
                part.update(bodies[part.pop("ref")])
        placed.extend((position, _recorded(item)) for position in item.get("n", [len(placed)]))
    return [each for _, each in sorted(placed, key=lambda pair: pair[0])]


def _recorded(item: Mapping[str, Any]) -> Recorded:
    request, response = item["request"], item["response"]
    return Recorded(
        item["endpoint"],
        request["method"],
        request["url"],
        request.get("headers") or {},
        request.get("json"),
        response["status"],
        response.get("json"),
        (item.get("provenance") or {}).get("authenticity", ""),
        response.get("headers") or {},
        _content(response),
        tuple((part["name"], part.get("filename"), _content(part)) for part in request.get("form", ())),
        request.get("text", ""),
    )


def _content(response: Mapping[str, Any]) -> bytes:
    if "json" in response:
        return json.dumps(response["json"]).encode()
    if "text" in response:
        return str(response["text"]).encode()
    content = base64.b64decode(response.get("base64", ""))
    kind = (response.get("headers") or {}).get("content-type", "")
    return gzip.decompress(content) if content[:2] == b"\x1f\x8b" and "gzip" not in kind else content


# -- shapes -------------------------------------------------------------------------------------------


def fields(value: Any, path: str = "$") -> Iterator[tuple[str, str]]:
    """Give the path and the type of everything in a JSON value; items of a list count as one."""
    if isinstance(value, dict):
        yield path, "object"
        for name, inner in value.items():
            yield from fields(inner, f"{path}.{name}")
    elif isinstance(value, list):
        yield path, "array"
        for inner in value:
            yield from fields(inner, f"{path}[]")
    elif value is None:
        yield path, "null"
    elif isinstance(value, bool):
        yield path, "boolean"
    else:
        yield path, "string" if isinstance(value, str) else "number"


def missing_fields(recorded: Any, answers: Iterable[Any]) -> set[str]:
    """Give what a recorded answer has that none of ours has, or has as another type; null goes with any."""
    known: dict[str, set[str]] = {}
    for answer in answers:
        for path, kind in fields(answer):
            known.setdefault(path, set()).add(kind)
    found = set()
    for path, kind in fields(recorded):
        kinds = known.get(path)
        if kinds is None:
            parent = path.rpartition(".")[0] if not path.endswith("[]") else path[:-2]
            # What stands in something that is empty or null here cannot be told.
            if _told(parent, known):
                found.add(path)
        elif kind != "null" and kind not in kinds and kinds != {"null"}:
            found.add(f"{path}: {kind}")
    return found


def _told(parent: str, known: Mapping[str, set[str]]) -> bool:
    return "object" in known.get(parent, ())


# -- asking again -------------------------------------------------------------------------------------


@attrs.define
class Replay:
    """Translates what a recording names (shas, ids, numbers) into what the simulator calls it."""

    words: dict[str, str] = attrs.field(factory=dict)
    numbers: dict[str, str] = attrs.field(factory=dict)

    def learn(self, recorded: Any, ours: Any) -> None:
        """Walk two answers side by side and note who is called what."""
        if isinstance(recorded, dict) and isinstance(ours, dict):
            for name in recorded.keys() & ours.keys():
                self._learn_name(name, recorded[name], ours[name])
                self.learn(recorded[name], ours[name])
            if recorded.get("type") == "pullrequest":
                self.numbers[str(recorded.get("id"))] = str(ours.get("id"))
        elif isinstance(recorded, list) and isinstance(ours, list):
            for one, two in zip(recorded, ours, strict=False):
                self.learn(one, two)
        elif all(isinstance(each, str) and SHA.fullmatch(each) for each in (recorded, ours)):
            self.words[recorded] = ours

    def _learn_name(self, name: str, recorded: Any, ours: Any) -> None:
        if name in {"id", "node_id"} and isinstance(recorded, str) and isinstance(ours, str):
            self.words[recorded] = ours
        if name in {"number", "iid"}:
            self.numbers[str(recorded)] = str(ours)

    def learn_text(self, recorded: str, ours: str) -> None:
        """Note the shas that stand in the same places of two texts."""
        self.words.update(zip(SHA.findall(recorded), SHA.findall(ours), strict=False))

    def url(self, path: str) -> str:
        path = NUMBERED.sub(lambda found: found[1] + self.numbers.get(found[2], found[2]), path)
        return self.text(path)

    def text(self, value: str) -> str:
        return SHA.sub(lambda found: self.words.get(found[0], found[0]), value)

    def body(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: self.body(inner) for name, inner in value.items()}
        if isinstance(value, list):
            return [self.body(inner) for inner in value]
        if isinstance(value, str):
            return self.words.get(value) or self.text(value)
        return value


def content_of(answer: Mapping[str, Any]) -> bytes | None:
    """Give the bytes of a blob from REST or GraphQL."""
    if answer.get("encoding") == "base64":
        return base64.b64decode(answer["content"])
    text = answer.get("text")
    return text.encode() if isinstance(text, str) else None


def path_of(url: str) -> str:
    """Give path and query without the parameter that only defeated a cache."""
    parts = urlsplit(url)
    query = [(name, value) for name, value in parse_qsl(parts.query) if name != "ts"]
    return parts.path + (f"?{urlencode(query)}" if query else "")


def ask_again(
    simulator: ServerSimulator, session: requests.Session, replay: Replay, each: Recorded
) -> requests.Response:
    """Send a recorded request to a simulator, in whose words it is put."""
    url = simulator.url + replay.url(path_of(each.url))
    headers = {name: value for name, value in each.headers.items() if name.lower() == "accept"}
    body = None if each.body is None else json.dumps(replay.body(each.body))
    if body is not None:
        headers["Content-Type"] = "application/json"
    elif each.text.startswith("grant_type="):
        body, headers["Content-Type"] = each.text, "application/x-www-form-urlencoded"
    form = [
        (name, (filename, replay.text(content.decode()) if filename is None else content))
        for name, filename, content in each.form
    ]
    return session.request(
        each.method, url, data=body, files=form or None, headers=headers, timeout=10, allow_redirects=False
    )


def json_of(content: bytes) -> Any:
    """Read a body, None when it is no JSON."""
    try:
        return json.loads(content) if content[:1] in {b"{", b"["} else None
    except ValueError:
        return None


def matches(text: str, patterns: Iterable[str]) -> bool:
    return any(re.search(each, text) for each in patterns)


def ask_all_again(
    simulator: ServerSimulator,
    session: requests.Session,
    recorded: Iterable[Recorded],
    reasons: Iterable[str],
    check: Callable[[Recorded, requests.Response], Iterable[str]] = lambda _each, _response: (),
) -> list[str]:
    """Ask a scenario again and say what is answered in another way.

    :param reasons: patterns of what may differ: endpoint, status and field.
    :param check: says what else differs.
    """
    replay, wrong = Replay(), []
    for position, each in enumerate(recorded):
        response = ask_again(simulator, session, replay, each)
        ours = json_of(response.content)
        replay.learn(each.answer, ours)
        replay.learn_text(each.answer_headers.get("location", ""), response.headers.get("Location", ""))
        where = f"{position} {each.method} {path_of(each.url)}"
        if response.status_code != each.status:
            wrong.append(f"{where}: {response.status_code} {response.text[:200]}, not {each.status}")
        found = [*sorted(missing_fields(each.answer, [ours])), *check(each, response)]
        told = (text for text in found if not matches(f"{each.endpoint} {each.status} {text}", reasons))
        wrong.extend(f"{where}: {text}" for text in told)
    return wrong


def compare_exchanges(
    recorded: Iterable[tuple[str, Recorded]],
    answers: Mapping[tuple[str, int], list[Any]],
    reasons: Iterable[str],
) -> list[str]:
    """Hold single exchanges, each with the name of its endpoint, against all answers to the same.

    :param answers: what was answered, by endpoint and status.
    """
    wrong = set()
    for endpoint, each in recorded:
        ours = answers.get((endpoint, each.status))
        if ours is None:
            wrong.add(f"{each.status} {endpoint} is not answered")
            continue
        missing = missing_fields(each.answer, ours)
        told = (text for text in missing if not matches(f"{endpoint} {each.status} {text}", reasons))
        wrong.update(f"{each.status} {endpoint} {text}" for text in told)
    return sorted(wrong)
