"""Holding logged exchanges against the digest of a vendor's description of its REST interface."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote

import attrs
import jsonschema
from copydesk.testing import Exchange

__all__ = ["Description"]


@attrs.frozen
class Description:
    """A digest, and where it is known to be wrong or silent."""

    file: Path
    #: Parameters of paths that may hold slashes.
    wide: Collection[str]
    #: These come for every operation, whether its description has them or not.
    any_time: Collection[str]
    #: What every error has.
    error_fields: Collection[str]
    #: Where the description is known to be narrower than the service: places by operation.
    narrow: Mapping[str, re.Pattern[str]] = attrs.field(factory=dict)
    #: Query parameters of every operation.
    general: Collection[str] = ()
    #: The same, of every operation.
    wrong: re.Pattern[str] | None = None
    #: The service says null where it has nothing, and asks for no more than it reads, which the description
    #: does not know.
    loose: bool = False

    def operation(self, method: str, path: str) -> tuple[str, dict[str, Any]] | None:
        """Find what an operation is called and its description; None for what is not described."""
        path = unquote(path)
        for expression, template in _templates(self.file, tuple(self.wide)):
            found = _digest(self.file)["paths"][template].get(method.lower())
            if found is not None and expression.fullmatch(path):
                return template, found
        return None

    def check(self, exchange: Exchange, path: str) -> None:
        """Raise AssertionError where a request or its answer is not as described.

        :param path: what the exchange was about, as the description calls it.
        """
        found = self.operation(exchange.method, path)
        assert found is not None, f"{exchange.method} {path} is not described"
        template, described = found
        where = f"{exchange.method} {template}"
        self._check_request(exchange, described, where)
        self._check_answer(exchange, described, where)

    def _check_request(self, exchange: Exchange, described: dict[str, Any], where: str) -> None:
        given = parse_qs(exchange.query, keep_blank_values=True).keys()
        unknown = given - {*described["query"], *self.general}
        assert not unknown, f"{where} has no query parameters {sorted(unknown)}"
        if exchange.request_body and described["body"] is not None and exchange.status < 400:
            body = json.loads(exchange.request_body)
            self._validate(body, described["body"], f"body of {where}", whole=not self.loose)
        needed = described["body_required"] and exchange.status < 400
        assert exchange.request_body or not needed, f"{where} needs a body"

    def _check_answer(self, exchange: Exchange, described: dict[str, Any], where: str) -> None:
        status = str(exchange.status)
        where = f"{status} of {where}"
        assert status in described["answers"] or status in self.any_time, f"{where} is not described"
        headers = {name.lower(): value for name, value in exchange.response_headers.items()}
        if not headers.get("content-type", "").startswith("application/json"):
            return
        body = json.loads(exchange.response_bytes)
        schema = described["answers"].get(status)
        if schema is not None:
            whole = "fields" not in parse_qs(exchange.query)
            self._validate(body, schema, where, whole=whole)
        elif exchange.status >= 400:
            assert set(self.error_fields) <= body.keys(), where

    def _validate(self, value: Any, schema: Any, where: str, *, whole: bool = True) -> None:
        key = f"{where} {whole}"
        known = _validators(self.file)
        if key not in known:
            described = {"components": _digest(self.file)["components"], "allOf": [schema]}
            if not whole:
                described = _without_required(described)
            checker = _formats() if self.loose else None
            known[key] = _remembering()(described, format_checker=checker)
        for error in known[key].iter_errors(_without_nulls(value) if self.loose else value):
            known_places = filter(None, (self.narrow.get(where), self.wrong))
            if not any(place.fullmatch(error.json_path) for place in known_places):
                raise AssertionError(f"{where}: {error.json_path}: {error.message[:500]}")


@functools.cache
def _digest(file: Path) -> dict[str, Any]:
    return json.loads(file.read_text())


@functools.cache
def _templates(file: Path, wide: tuple[str, ...]) -> tuple[tuple[re.Pattern[str], str], ...]:
    def expression(template: str) -> re.Pattern[str]:
        return re.compile(re.sub(r"\{(\w+)\}", lambda m: ".+" if m[1] in wide else "[^/]+", template))

    # The most literal first.
    ordered = sorted(_digest(file)["paths"], key=lambda each: (each.count("{"), -len(each)))
    return tuple((expression(each), each) for each in ordered)


@functools.cache
def _validators(file: Path) -> dict[str, Any]:
    """Give the validators that were made, by what they are for."""
    return {}


def _remembering() -> Any:
    """Make a validator that looks once at what comes again under one reference: users, repositories, commits."""
    look = jsonschema.Draft202012Validator.VALIDATORS["$ref"]
    sound: set[tuple[str, str]] = set()

    def refer(validator: Any, reference: str, value: Any, schema: Any) -> Iterator[Any]:
        seen = reference, json.dumps(value)
        if seen in sound:
            return
        errors = list(look(validator, reference, value, schema))
        if not errors:
            sound.add(seen)
        yield from errors

    return jsonschema.validators.extend(jsonschema.Draft202012Validator, {"$ref": refer})


@functools.cache
def _formats() -> jsonschema.FormatChecker:
    checker = jsonschema.FormatChecker(())
    checker.checks("date-time", raises=ValueError)(lambda value: bool(datetime.fromisoformat(value)))
    checker.checks("uri")(lambda value: value.startswith(("http://", "https://")) or not value)
    return checker


def _without_nulls(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_nulls(each) for each in value]
    if isinstance(value, dict):
        return {name: _without_nulls(inner) for name, inner in value.items() if inner is not None}
    return value


def _without_required(schema: Any) -> Any:
    """Let everything be left out, as it is when only some fields are asked for."""
    if isinstance(schema, list):
        return [_without_required(each) for each in schema]
    if isinstance(schema, dict):
        kept = (pair for pair in schema.items() if pair[0] != "required" or not isinstance(pair[1], list))
        return {name: _without_required(inner) for name, inner in kept}
    return schema
