"""GraphQL over HTTP: documents to send, and what they gave, field by field."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import attrs

from copydesk.errors import ProtocolError, UnavailableError
from copydesk.http._values import Answer, Request

__all__ = ["Batches", "Reply", "document", "message_of", "read_reply"]

K = TypeVar("K")
V = TypeVar("V")


def document(address: str, text: str, *, safe: bool, **variables: Any) -> Request:
    """Make the request of a document."""
    return Request("POST", address, json={"query": text, "variables": variables}, safe=safe)


@attrs.frozen
class Reply:
    """What a document gave: the data there is, and the errors by the field that failed."""

    data: Mapping[str, Any] = attrs.field(repr=False)
    errors: tuple[Mapping[str, Any], ...] = ()

    def error(self, field: str = "") -> Mapping[str, Any] | None:
        """Give the error of a field, or of any."""
        return next(
            (each for each in self.errors if not field or (each.get("path") or [None])[0] == field), None
        )

    def part(self, field: str) -> Mapping[str, Any] | None:
        """Give what a field answered, None where it failed."""
        found: Mapping[str, Any] | None = self.data.get(field)
        return found


def read_reply(answer: Answer) -> Reply:
    """Read data and errors of an answer.

    :raises ProtocolError: it has neither; something that is absent would look the same.
    """
    body = answer.json_object()
    if not body.get("data") and not body.get("errors"):
        raise ProtocolError(
            "the forge answered GraphQL with neither data nor errors; check the address of the API"
        )
    return Reply(body.get("data") or {}, tuple(body.get("errors") or ()))


def message_of(error: Mapping[str, Any] | None) -> str:
    """Give the forge's own words."""
    return " ".join(str((error or {}).get("message") or "no reason given").split())


@attrs.define(eq=False)
class Batches:
    """Asks for many things at once, as many as the forge bears; what is refused as too much is halved for good.

    :param size: how many to begin with.
    """

    size: int

    def requests(self, count: int) -> int:
        """Tell how many requests so many things take now."""
        return -(-count // self.size)

    def gather(
        self, wanted: Sequence[K], ask: Callable[[Sequence[K]], Mapping[K, V] | None]
    ) -> Iterator[Mapping[K, V]]:
        """Give what each *ask* gives, as it comes; it may leave things out, as what is too much alone is.

        :param ask: answers None where it was too much.
        :raises UnavailableError: two things, one after the other, are too much alone: the forge is away.
        """
        todo, begun, refused = list(wanted), self.size, 0
        while todo:
            now = todo[: self.size]
            answer = ask(now)
            if answer is None and len(now) > 1:
                self.size = len(now) // 2
                continue
            if answer is None:
                self.size, refused = begun, refused + 1  # it was to blame, and not how many were asked for
            if refused > 1:
                raise UnavailableError(
                    "the forge refuses even one thing at a time as too much; read another way, or try again later"
                )
            todo = todo[len(now) :]
            if answer is not None:
                refused = 0
                yield answer
