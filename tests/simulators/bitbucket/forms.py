"""Reading the form of a commit: what is said about it, and its files as bytes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import unquote, unquote_to_bytes

import attrs
from werkzeug import Request
from werkzeug.sansio.multipart import Data, Epilogue, Field, File, MultipartDecoder

from simulators.bitbucket.calls import ProblemError

__all__ = ["Form", "Part", "read"]

SAID: Final = ("message", "author", "branch", "parents", "files")
UNSUPPORTED: Final = "Unsupported Content-Type; use multipart/form-data or application/x-www-form-urlencoded"
MODES: Final = {"": 0o100644, "executable": 0o100755, "link": 0o120000}
#: The description writes a colon where others have an equals sign.
PARAMETER: Final = re.compile(r';\s*([\w*-]+)\s*[=:]\s*("(?:\\.|[^"\\])*"|[^;]*)')
#: What clients must escape in a name, and what they may: bytes beyond ASCII.
ESCAPED: Final = re.compile(r"(?:%22|%0[AaDd])|(?:%[89A-Fa-f][0-9A-Fa-f])+")


@attrs.frozen
class Part:
    """A field of the form."""

    name: str
    content: bytes
    filename: str | None = None
    attributes: str = ""

    @property
    def is_said(self) -> bool:
        """Say whether it says something about the commit; what has a filename is a file, whatever its name."""
        return self.filename is None and self.name in SAID


@attrs.frozen
class Form:
    """What the commit is to be."""

    said: Mapping[str, list[str]]
    #: Modes and contents by paths.
    written: Mapping[str, tuple[int, bytes]]

    def one(self, name: str) -> str:
        values = self.said.get(name, [])
        if len(values) > 1:
            raise ProblemError(400, f"{name}: This field cannot be repeated.")
        return values[0] if values else ""

    @property
    def parents(self) -> list[str]:
        """Give them, be they separated by commas or said one by one."""
        parts = (part.strip() for value in self.said.get("parents", []) for part in value.split(","))
        return [part for part in parts if part]

    @property
    def deleted(self) -> list[str]:
        """Give the paths that are named without a content."""
        named = (clean(path) for path in self.said.get("files", []))
        return [path for path in dict.fromkeys(named) if path not in self.written]


def read(request: Request) -> Form:
    """Read either kind of form."""
    parts = list(_parts(request))
    said: dict[str, list[str]] = {name: request.args.getlist(name) for name in SAID}
    for part in parts:
        if part.is_said:
            said[part.name].append(part.content.decode(errors="replace"))
    files = (part for part in parts if not part.is_said)
    return Form(said, {clean(part.name): (_mode(part), part.content) for part in files})


def _mode(part: Part) -> int:
    if part.attributes not in MODES:
        raise ProblemError(400, f"x-attributes: {part.attributes} is not supported")
    return MODES[part.attributes]


def clean(path: str) -> str:
    """Give a path as git has it; one that leads elsewhere is refused."""
    path = path.removeprefix("/")
    if any(part in {"", ".", "..", ".git"} for part in path.split("/")):
        raise ProblemError(400, f"Invalid path: {path}")
    return path


def _parts(request: Request) -> Iterator[Part]:
    kind = request.mimetype
    if kind == "multipart/form-data":
        yield from _multipart(request)
    elif kind == "application/x-www-form-urlencoded":
        yield from _urlencoded(request.get_data())
    elif request.get_data():
        raise ProblemError(400, UNSUPPORTED)


def _urlencoded(body: bytes) -> Iterator[Part]:
    for pair in filter(None, body.split(b"&")):
        name, _, value = (unquote_to_bytes(each.replace(b"+", b" ")) for each in _split(pair))
        yield Part(name.decode(), value)


def _split(pair: bytes) -> tuple[bytes, bytes, bytes]:
    return pair.partition(b"=")


def _multipart(request: Request) -> Iterator[Part]:
    boundary = request.mimetype_params.get("boundary", "")
    decoder = MultipartDecoder(boundary.encode(), max_parts=None)
    decoder.receive_data(request.get_data())
    decoder.receive_data(None)
    part, content = None, b""
    try:
        while not isinstance(event := decoder.next_event(), Epilogue):
            if isinstance(event, Field | File):
                part, content = _described(event), b""
            elif isinstance(event, Data) and part is not None:
                content += event.data
                if not event.more_data:
                    yield attrs.evolve(part, content=content)
    except ValueError as exc:
        raise ProblemError(400, "Bad request") from exc


def _described(event: Field | File) -> Part:
    header = event.headers.get("content-disposition", "")
    said = {name.lower(): _value(value) for name, value in PARAMETER.findall(header)}
    for name in ("name", "filename"):
        if f"{name}*" in said:
            said[name] = unquote(said.pop(f"{name}*").split("'", 2)[2])
    # Its description names a file by the id of its content.
    name = said.get("name") or event.headers.get("content-id", "").strip('"')
    return Part(name, b"", said.get("filename"), said.get("x-attributes", ""))


def _value(text: str) -> str:
    text = text.strip()
    if text.startswith('"'):
        text = re.sub(r'\\(["\\])', r"\1", text[1:-1])
    return ESCAPED.sub(_unescaped, text)


def _unescaped(found: re.Match[str]) -> str:
    try:
        return unquote(found[0], errors="strict")
    except UnicodeDecodeError:
        return found[0]
