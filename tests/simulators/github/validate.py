"""Holding logged exchanges against the digest of GitHub's description of its REST interface."""

from __future__ import annotations

import functools
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote

import jsonschema
from copydesk.testing import Exchange

__all__ = ["check", "operation"]

#: Parameters that may hold slashes.
WIDE = {"path", "ref", "basehead", "branch", "name", "tree_sha"}
#: These come for every operation, whether its description has them or not.
ANY_TIME = {"401", "403", "404", "409", "422", "429", "301", "302", "307", "304", "500", "502", "503"}
#: Where the description is known to be narrower than GitHub.
NARROW = {
    # Its own text says "You can also pass an array of labels directly".
    "body of POST /repos/{owner}/{repo}/issues/{issue_number}/labels": re.compile(r"\$"),
    "body of PUT /repos/{owner}/{repo}/issues/{issue_number}/labels": re.compile(r"\$"),
    # The head of a pull request from a deleted fork has no repository and no user; a label may be undescribed.
    "200 of GET /repos/{owner}/{repo}/pulls": re.compile(
        r"\$\[\d+\]\.(head\.(repo|user)|labels\[\d+\]\.description)"
    ),
}


@functools.cache
def digest() -> dict[str, Any]:
    return json.loads((Path(__file__).parent / "openapi.json").read_text())


@functools.cache
def _templates() -> tuple[tuple[re.Pattern[str], str], ...]:
    def expression(template: str) -> re.Pattern[str]:
        return re.compile(re.sub(r"\{(\w+)\}", lambda m: ".+" if m[1] in WIDE else "[^/]+", template))

    # The most literal first.
    ordered = sorted(digest()["paths"], key=lambda each: (each.count("{"), -len(each)))
    return tuple((expression(each), each) for each in ordered)


def operation(method: str, path: str) -> tuple[str, dict[str, Any]] | None:
    """Find what an operation is called and its description; None for what GitHub does not describe."""
    path = unquote(path)
    for expression, template in _templates():
        found = digest()["paths"][template].get(method.lower())
        if found is not None and expression.fullmatch(path):
            return template, found
    return None


def check(exchange: Exchange, root: str = "") -> None:
    """Raise AssertionError where a request or its answer is not as GitHub describes them.

    What was cut, or not answered, is not looked at; nor is GraphQL, which its schema checks.
    """
    path = exchange.path.removeprefix(root)
    if exchange.status == 0 or path.endswith("/graphql"):
        return
    path = re.sub(r"^/repositories/\d+", "/repos/o/r", path)
    if exchange.method == "GET":
        path = path.replace("/git/refs/", "/git/ref/")
    path = re.sub(r"/tarball$", "/tarball/HEAD", path)
    path = re.sub(r"/contents/?$", "/contents/.", path)
    found = operation(exchange.method, path)
    assert found is not None, f"{exchange.method} {path} is not described"
    template, described = found
    where = f"{exchange.method} {template}"
    _check_request(exchange, described, where)
    _check_answer(exchange, described, where)


def _check_request(exchange: Exchange, described: dict[str, Any], where: str) -> None:
    # `page` is GitHub's own, in the Link header of every listing.
    unknown = parse_qs(exchange.query, keep_blank_values=True).keys() - {*described["query"], "page"}
    assert not unknown, f"{where} has no query parameters {sorted(unknown)}"
    if exchange.request_body and described["body"] is not None and exchange.status < 400:
        _validate(json.loads(exchange.request_body), described["body"], f"body of {where}")
    needed = described["body_required"] and exchange.status < 400
    assert exchange.request_body or not needed, f"{where} needs a body"


def _check_answer(exchange: Exchange, described: dict[str, Any], where: str) -> None:
    status = str(exchange.status)
    where = f"{status} of {where}"
    assert status in described["answers"] or status in ANY_TIME, f"{where} is not described"
    kind = next(
        (value for name, value in exchange.response_headers.items() if name.lower() == "content-type"), ""
    )
    if not kind.startswith("application/json"):
        return
    body = json.loads(exchange.response_bytes)
    schema = described["answers"].get(status)
    if schema is not None:
        _validate(body, schema, where)
    elif exchange.status >= 400:
        assert {"message", "documentation_url", "status"} <= body.keys(), where


def _validate(value: Any, schema: Any, where: str) -> None:
    if where not in _validators():
        whole = {"components": digest()["components"], "allOf": [schema]}
        _validators()[where] = jsonschema.Draft202012Validator(whole)
    error = jsonschema.exceptions.best_match(_validators()[where].iter_errors(value))
    if error is not None and where in NARROW and NARROW[where].fullmatch(error.json_path):
        return
    assert error is None, f"{where}: {error.json_path}: {error.message[:500]}"


@functools.cache
def _validators() -> dict[str, Any]:
    """Give the validators that were made, by what they are for."""
    return {}
