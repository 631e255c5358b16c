"""The files that a recorded repository had before anything was written, as far as its recording shows them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote

from simulators.recorded import Recorded, content_of

__all__ = ["github_files", "gitlab_files"]


def github_files(recorded: list[Recorded]) -> dict[str, bytes]:
    """Gather the files of the base branch that a recording shows, before anything was written."""
    contents: dict[str, bytes] = {}
    # Every scenario's site has a file at the top, which the answers to a new tree show.
    listed: dict[str, str] = {"README.md": ""}
    for each in recorded:
        if each.method != "GET" and "/graphql" not in each.url:
            continue
        contents.update(_github_blobs(each))
    for each in recorded:
        if each.method in {"PUT", "PATCH"} or ("/git/blobs" in each.url and each.method == "POST"):
            break
        listed.update(_github_entries(each))
    return {path: contents.get(sha, f"placeholder of {path}".encode()) for path, sha in listed.items()}


def _github_blobs(each: Recorded) -> Iterator[tuple[str, bytes]]:
    if re.search("/git/blobs/|/contents/", each.url) and isinstance(each.answer, dict):
        content = content_of(each.answer)
        if content is not None:
            yield each.answer["sha"], content
    if "/graphql" in each.url and "blob(" in each.body.get("query", ""):
        found = (each.answer.get("data") or {}).get("repository", {}).get("object") or {}
        content = content_of(found)
        if content is not None:
            yield each.body["variables"]["expression"], content


def _github_entries(each: Recorded) -> Iterator[tuple[str, str]]:
    found = re.search(r"/git/trees/master:([^?]*)", each.url)
    if found and each.status == 200:
        folder = f"{unquote(found[1])}/".removeprefix("/")
        for entry in each.answer["tree"]:
            if entry["type"] == "blob":
                yield folder + entry["path"], entry["sha"]
    if "/contents/" in each.url and each.status == 200:
        shown = each.answer if isinstance(each.answer, list) else [each.answer]
        yield from ((entry["path"], entry["sha"]) for entry in shown if entry["type"] == "file")
    if "/graphql" in each.url and "files(" in each.body.get("query", ""):
        _, _, folder = each.body["variables"]["expression"].partition(":")
        there = each.answer["data"]["repository"]["object"] or {}
        for entry in there.get("entries", ()):
            if entry["type"] == "blob":
                yield f"{folder}/{entry['name']}", entry["sha"]


def gitlab_files(recorded: list[Recorded]) -> dict[str, bytes]:
    """Gather the files of the base branch that a recording shows, before anything was written."""
    # Every scenario's site has a file at the top, which the answers about the project show.
    listed: dict[str, str] = {"README.md": ""}
    contents: dict[str, bytes] = {}
    for each in recorded:
        contents.update(_gitlab_contents(each))
    for each in recorded:
        if each.method in {"POST", "PUT", "DELETE"}:
            break
        listed.update(_gitlab_entries(each))
    return {path: contents.get(path, f"placeholder of {path}".encode()) for path in listed}


def _gitlab_contents(each: Recorded) -> Iterator[tuple[str, bytes]]:
    found = re.search(r"/repository/files/([^/?]+)/raw", each.url)
    if found and each.status == 200:
        yield unquote(found[1]), each.content


def _gitlab_entries(each: Recorded) -> Iterator[tuple[str, str]]:
    if each.endpoint.endswith("/repository/tree") and isinstance(each.answer, list):
        yield from ((entry["path"], entry["id"]) for entry in each.answer if entry["type"] == "blob")
    if "ref=master" in each.url:  # some are read and never listed
        yield from ((path, "") for path, _ in _gitlab_contents(each))
