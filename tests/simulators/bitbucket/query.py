"""Bitbucket's language for filters: ``name ~ "cms/" AND (state = "OPEN" OR id > 3)``, and for sorting."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

__all__ = ["QueryError", "filtered", "ordered"]

TOKEN: Final = re.compile(
    r"""\s*(?:(?P<text>"(?:\\.|[^"\\])*")|(?P<sign>!=|!~|>=|<=|[=~<>()])|(?P<word>[^\s()=~<>!"]+))"""
)
Condition = Callable[[Any], bool]
MISSING: Final = object()


class QueryError(Exception):
    """A query that is not understood."""


def filtered(values: Iterable[Any], query: str) -> list[Any]:
    """Give what a query lets through."""
    values = list(values)
    if not query.strip():
        return values
    parser = _Parser(query)
    condition = parser.whole()
    for field in parser.fields:
        _refuse_unknown(values, field)
    return [each for each in values if condition(each)]


def _refuse_unknown(values: list[Any], field: str) -> None:
    """Refuse what none of the values has; some may have what others have not."""
    if values and all(at(each, field.split(".")) is MISSING for each in values):
        raise QueryError(f"Field {field} does not support filtering")


def ordered(values: Iterable[Any], field: str) -> list[Any]:
    """Sort by a field, downwards when it begins with a minus; names as people do, by the numbers in them."""
    name = field.removeprefix("-")
    natural = name == "name"

    def key(value: Any) -> Any:
        found = at(value, name.split("."))
        if natural:
            return [(part.isdigit(), int(part) if part.isdigit() else part) for part in _parts(str(found))]
        there = found is not None and found is not MISSING
        return there, found if there else 0

    values = list(values)
    _refuse_unknown(values, name)
    return sorted(values, key=key, reverse=field.startswith("-"))


def _parts(text: str) -> list[str]:
    return [part for part in re.split(r"(\d+)", text) if part]


def at(value: Any, path: list[str]) -> Any:
    """Give what is at a path, MISSING for a name that is not there; what is below null is null."""
    if not path or value is None:
        return value
    if isinstance(value, list):
        return [at(each, path) for each in value]
    if not isinstance(value, dict) or path[0] not in value:
        return MISSING
    return at(value[path[0]], path[1:])


class _Parser:
    """Reads a query from left to right; AND binds stronger than OR."""

    def __init__(self, query: str) -> None:
        self.tokens: list[str] = []
        self.fields: set[str] = set()
        position = 0
        query = query.rstrip()
        while position < len(query):
            found = TOKEN.match(query, position)
            if found is None:
                raise QueryError(f"Invalid query: {query}")
            self.tokens.append(found["text"] or found["sign"] or found["word"])
            position = found.end()

    def whole(self) -> Condition:
        condition = self._any()
        if self.tokens:
            raise QueryError(f"Unexpected {self.tokens[0]}")
        return condition

    def _next(self) -> str:
        if not self.tokens:
            raise QueryError("Unexpected end of query")
        return self.tokens.pop(0)

    def _word(self) -> str:
        return self.tokens[0].upper() if self.tokens else ""

    def _any(self) -> Condition:
        parts = list(self._joined("OR", self._all))
        return lambda value: any(part(value) for part in parts)

    def _all(self) -> Condition:
        parts = list(self._joined("AND", self._one))
        return lambda value: all(part(value) for part in parts)

    def _joined(self, word: str, read: Callable[[], Condition]) -> Iterator[Condition]:
        yield read()
        while self._word() == word:
            self._next()
            yield read()

    def _one(self) -> Condition:
        token = self._next()
        if token == "(":
            condition = self._any()
            if self._next() != ")":
                raise QueryError("Missing closing parenthesis")
            return condition
        self.fields.add(token)
        return _comparison(token, self._next(), _literal(self._next()))


def _literal(token: str) -> Any:
    if token.startswith('"'):
        return re.sub(r"\\(.)", r"\1", token[1:-1])
    if re.fullmatch(r"-?\d+", token):
        return int(token)
    return {"null": None, "true": True, "false": False}.get(token.lower(), token)


def _comparison(field: str, sign: str, wanted: Any) -> Condition:
    if sign not in _SIGNS:
        raise QueryError(f"Unknown operator {sign}")

    def condition(value: Any) -> bool:
        found = at(value, field.split("."))
        if found is MISSING:
            return False
        if isinstance(found, list):
            return any(_holds(sign, each, wanted) for each in found)
        return _holds(sign, found, wanted)

    return condition


def _holds(sign: str, found: Any, wanted: Any) -> bool:
    try:
        return _SIGNS[sign](found, wanted)
    except TypeError:
        return False


def _contains(found: Any, wanted: Any) -> bool:
    return found is not None and str(wanted).casefold() in str(found).casefold()


_SIGNS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "=": lambda found, wanted: found == wanted,
    "!=": lambda found, wanted: found != wanted,
    "~": _contains,
    "!~": lambda found, wanted: not _contains(found, wanted),
    ">": lambda found, wanted: found > wanted,
    ">=": lambda found, wanted: found >= wanted,
    "<": lambda found, wanted: found < wanted,
    "<=": lambda found, wanted: found <= wanted,
}
