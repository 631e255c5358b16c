"""Requests that a backend builds, and the answers it reads."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote, urlencode

import attrs

from copydesk.errors import ProtocolError
from copydesk.http._origins import is_absolute, without_query

__all__ = ["Answer", "Headers", "Part", "Request", "quoted", "quoted_path"]

_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})

QueryValue = str | int | bool
Query = Mapping[str, QueryValue] | Iterable[tuple[str, QueryValue]]


def quoted(segment: str) -> str:
    """Encode one segment of a path; a slash in it becomes ``%2F``."""
    return quote(segment, safe="")


def quoted_path(path: str) -> str:
    """Encode a path of several segments; its slashes stay."""
    return quote(path, safe="/")


class Headers(Mapping[str, str]):
    """Header fields, found in any case; the repr names them and shows no value."""

    def __init__(self, fields: Mapping[str, str] | None = None) -> None:
        self._fields = {name.lower(): (name, value) for name, value in (fields or {}).items()}

    def __getitem__(self, name: str) -> str:
        return self._fields[name.lower()][1]

    def __iter__(self) -> Iterator[str]:
        return (name for name, _ in self._fields.values())

    def __len__(self) -> int:
        return len(self._fields)

    def __repr__(self) -> str:
        return f"<Headers {', '.join(self)}>"


def _as_headers(fields: Mapping[str, str]) -> Headers:
    return fields if isinstance(fields, Headers) else Headers(fields)


def _as_parts(parts: Iterable[Part]) -> tuple[Part, ...]:
    return tuple(parts)


def _as_text(value: QueryValue) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _as_pairs(query: Query) -> tuple[tuple[str, str], ...]:
    pairs = query.items() if isinstance(query, Mapping) else query
    return tuple((name, _as_text(value)) for name, value in pairs)


def _upper(method: str) -> str:
    return method.upper()


def _shown_address(address: str) -> str:
    return repr(without_query(address))


def _shown_size(content: bytes | Iterable[bytes] | None) -> str:
    return f"<{len(content)} bytes>" if isinstance(content, bytes) else f"<{type(content).__name__}>"


@attrs.frozen
class Part:
    """One part of a multipart body; without *filename* it is a plain field.

    :param parameters: what its Content-Disposition says besides; names and values in ASCII.
    """

    name: str
    content: bytes = attrs.field(repr=_shown_size)
    filename: str | None = None
    content_type: str | None = None
    parameters: tuple[tuple[str, str], ...] = ()


@attrs.frozen(repr=False)
class Request:
    """What is to be sent.

    :param path: below the client's root and percent-encoded (:func:`quoted`), or an absolute address.
    :param query: a mapping or pairs, not encoded.
    :param json: the body as JSON data; else *content* (bytes, or an iterable of them, which is streamed; with
        a ``Content-Length`` header it is sent as that many bytes), or *parts*.
    :param safe: may be sent again without harm; by default true of GET, HEAD and OPTIONS.
    :param follow_elsewhere: a redirect to another origin is followed, without the credential.
    :param lane: names a limit of its own, such as that of archives: where it is used up, RateLimitedError is
        raised at once, without waiting, and other requests go on.
    """

    method: str = attrs.field(converter=_upper)
    path: str = attrs.field(repr=_shown_address)
    # repr=False on the field as well: rich reads the fields and not the repr.
    query: tuple[tuple[str, str], ...] = attrs.field(default=(), converter=_as_pairs, repr=False)
    headers: Headers = attrs.field(factory=Headers, converter=_as_headers)
    json: Any = attrs.field(default=None, repr=False)
    content: bytes | Iterable[bytes] | None = attrs.field(default=None, repr=_shown_size)
    parts: tuple[Part, ...] = attrs.field(default=(), converter=_as_parts)
    safe: bool = attrs.field(default=attrs.Factory(lambda request: request.method in _SAFE, takes_self=True))
    follow_elsewhere: bool = False
    lane: str = ""

    def __repr__(self) -> str:
        """Show what is asked and where; bodies, header values and query values may be secret."""
        names = ", ".join(name for name, _ in self.query)
        return f"<Request {self.method} {without_query(self.path)}{f' ?{names}' if names else ''}>"

    @property
    def replayable(self) -> bool:
        """Whether the body can be sent a second time."""
        return not isinstance(self.content, Iterator)

    def with_query(self, **values: QueryValue) -> Request:
        """Give the same request with some query values set."""
        kept = tuple(pair for pair in self.query if pair[0] not in values)
        return attrs.evolve(self, query=(*kept, *values.items()))

    def address(self, root: str) -> str:
        """Give the absolute address, query included."""
        path = self.path if is_absolute(self.path) else f"{root}/{self.path.lstrip('/')}"
        if not self.query:
            return path
        return f"{path}{'&' if '?' in path else '?'}{urlencode(self.query, quote_via=quote)}"


def _shown_as_is(text: str) -> str:
    return text


@attrs.frozen(repr=False)
class Answer:
    """What came back; *content* is the whole body, and *url* the address that answered, query included.

    *hide* takes the secrets of the client out of a text that goes into a message.
    """

    status: int
    headers: Headers = attrs.field(factory=Headers, converter=_as_headers)
    content: bytes = attrs.field(default=b"", repr=_shown_size)
    url: str = attrs.field(default="", repr=_shown_address)
    hide: Callable[[str], str] = attrs.field(default=_shown_as_is, repr=False, eq=False)

    def __repr__(self) -> str:
        """Show status and size; the body may hold anything."""
        return f"<Answer {self.status} {len(self.content)} bytes>"

    def json(self) -> Any:
        """Read the body as JSON.

        :raises ProtocolError: it is none, or says that it is none.
        """
        value, problem = self._read()
        if problem:
            # Not raised where json failed: the frames there hold the whole body.
            raise ProtocolError(
                f"{self.hide(without_query(self.url))} answered {self.status} with {problem}, "
                f"which begins {self.hide(self.text)[:80]!r}; check the address of the API"
            )
        return value

    def json_list(self) -> list[Any]:
        """Read the body as a JSON list: an object in its place would be read as its keys, or as nothing.

        :raises ProtocolError: it is none.
        """
        value = self.json()
        if not isinstance(value, list):
            raise self._unlike("a list")
        return value

    def json_object(self) -> dict[str, Any]:
        """Read the body as a JSON object.

        :raises ProtocolError: it is none.
        """
        value = self.json()
        if not isinstance(value, dict):
            raise self._unlike("an object")
        return value

    def _unlike(self, shape: str) -> ProtocolError:
        return ProtocolError(
            f"{self.hide(without_query(self.url))} answered {self.status} with JSON that is not {shape}; "
            "check the address of the API"
        )

    def _read(self) -> tuple[Any, str]:
        kind = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind and not kind.endswith(("/json", "+json")):
            return None, f"{kind!r} instead of JSON"
        try:
            return json.loads(self.content), ""
        except (ValueError, RecursionError):
            return None, f"{kind or 'something'!r} that is not JSON"

    @property
    def text(self) -> str:
        """The body as text in UTF-8; bytes that are none are replaced."""
        return self.content.decode("utf-8", errors="replace")

    @property
    def links(self) -> dict[str, str]:
        """The Link header: rel to address."""
        from requests.utils import parse_header_links  # an answer comes from requests anyway

        parsed = parse_header_links(self.headers.get("link", ""))
        return {rel: link["url"] for link in parsed for rel in link.get("rel", "").split()}
