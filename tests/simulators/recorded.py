"""Traffic that real services answered, asked again of a simulator.

The recordings are no part of the project; what reads them skips when their folder is not beside the checkout.
"""

from __future__ import annotations

import base64
import gzip
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs

__all__ = ["FOLDER", "Recorded", "Replay", "fields", "missing_fields", "read"]

FOLDER = Path(__file__).parents[3] / "shared/recordings/dev"
SHA = re.compile(r"\b[0-9a-f]{40}\b")
NUMBERED = re.compile(r"(?<=/pulls/|issues/)\d+")


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
        elif isinstance(recorded, list) and isinstance(ours, list):
            for one, two in zip(recorded, ours, strict=False):
                self.learn(one, two)
        elif all(isinstance(each, str) and SHA.fullmatch(each) for each in (recorded, ours)):
            self.words[recorded] = ours

    def _learn_name(self, name: str, recorded: Any, ours: Any) -> None:
        if name in {"id", "node_id"} and isinstance(recorded, str) and isinstance(ours, str):
            self.words[recorded] = ours
        if name == "number":
            self.numbers[str(recorded)] = str(ours)

    def url(self, path: str) -> str:
        path = NUMBERED.sub(lambda found: self.numbers.get(found[0], found[0]), path)
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
