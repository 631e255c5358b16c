"""Asking for objects and reading the beginning of the answer: bytes from values, values from bytes."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from typing import Final

import attrs

from copydesk.errors import CopydeskError, NotFoundError, NotSupportedError, ProtocolError, UnavailableError
from copydesk.git._pkt import DELIMITER, FLUSH, Pieces, Remote, packet, packets
from copydesk.http import Answer, Request

__all__ = [
    "Fetch",
    "Server",
    "ask_abilities",
    "ask_head",
    "ask_pack",
    "pack_pieces",
    "read_abilities",
    "read_head",
]

_SERVICE: Final = "git-upload-pack"
_VERSION_2: Final = {"Git-Protocol": "version=2"}
#: Longer bodies are compressed: ten thousand shas are half a megabyte.
_LONG: Final = 4096
#: What the bytes of a pack come through, and what git says meanwhile (gitprotocol-pack: side-band-64k).
_PACK, _PROGRESS, _FAILURE = b"\x01", b"\x02", b"\x03"
#: Lines before a pack that say nothing about it.
_KNOWN_LINES: Final = (b"packfile", b"shallow", b"unshallow ", b"acknowledgments", b"ACK ", b"NAK", b"ready")


@attrs.frozen
class Server:
    """What a server can do; at first it is thought to be as the large forges' are.

    :param filters: it can leave out files that are too large.
    :param any_sha: it gives any object by its sha; in version 2 every server does.
    """

    version: int = 2
    filters: bool = True
    any_sha: bool = True


@attrs.frozen
class Fetch:
    """What is asked for.

    :param haves: commits that need not come again, nor what is in them; what leads to them is not there.
    :param alone: commits come without those that led to them.
    :param below: files of so many bytes and more are left out, where the server can do so.
    """

    wants: tuple[str, ...] = attrs.field(repr=lambda wants: f"<{len(wants)} objects>")
    haves: tuple[str, ...] = ()
    alone: bool = False
    below: int | None = None


def ask_abilities() -> Request:
    """Ask what the server can do (gitprotocol-http: Smart Server Response)."""
    return Request("GET", "info/refs", {"service": _SERVICE}, headers=_VERSION_2)


def ask_head(branch: str) -> Request:
    """Ask where a branch is (gitprotocol-v2: ls-refs)."""
    lines = packet("command=ls-refs"), DELIMITER, packet(f"ref-prefix refs/heads/{branch}"), FLUSH
    return Request("POST", _SERVICE, headers=_headers(2), content=b"".join(lines), safe=True)


def read_head(answer: Answer, branch: str, remote: Remote) -> str:
    """Read where a branch is, out of what either version lists.

    :raises NotFoundError: there is no such branch.
    :raises ProtocolError: it is no such answer, or a refusal in git's words.
    """
    ref = f"refs/heads/{branch}".encode()
    for line in packets(Pieces([answer.content], remote), remote):
        if line.startswith(b"ERR "):
            raise _refusal(line, remote)
        sha, _, rest = line.rstrip(b"\n").partition(b" ")
        if rest.partition(b"\0")[0] == ref:
            return sha.decode("ascii", "replace")
    raise NotFoundError(
        f"git at {remote.name} ({remote.address}) has no branch {branch!r}; check the option branch"
    )


def ask_pack(asked: Fetch, server: Server) -> Request:
    """Ask for a pack with all objects; a POST that changes nothing."""
    lines = _body_2 if server.version == 2 else _body_0
    body = lines(asked, filtered=server.filters and asked.below is not None)
    headers = _headers(server.version)
    if len(body) > _LONG:
        body, headers["Content-Encoding"] = gzip.compress(body, 6, mtime=0), "gzip"
    return Request("POST", _SERVICE, headers=headers, content=body, safe=True)


def _headers(version: int) -> dict[str, str]:
    return {
        "Content-Type": f"application/x-{_SERVICE}-request",
        "Accept": f"application/x-{_SERVICE}-result",
        **(_VERSION_2 if version == 2 else {}),
    }


def _body_2(asked: Fetch, *, filtered: bool) -> bytes:
    """Write a command (gitprotocol-v2: fetch)."""
    options = ["no-progress", "ofs-delta", *_thin(asked), *_limits(asked, filtered=filtered)]
    wants = [f"want {sha}" for sha in asked.wants]
    lines = [*options, *wants, *_haves(asked), "done"]
    return b"".join([packet("command=fetch"), DELIMITER, *map(packet, lines), FLUSH])


def _body_0(asked: Fetch, *, filtered: bool) -> bytes:
    """Write what comes without a command (gitprotocol-pack: Packfile Negotiation)."""
    options = " ".join(
        ["side-band-64k", "no-progress", "ofs-delta", *_thin(asked), *(["filter"] if filtered else [])]
    )
    first, *others = asked.wants
    wants = [f"want {first} {options}", *(f"want {sha}" for sha in others)]
    opening = map(packet, [*wants, *_limits(asked, filtered=filtered)])
    return b"".join([*opening, FLUSH, *map(packet, [*_haves(asked), "done"])])


def _thin(asked: Fetch) -> list[str]:
    # Without it git leaves nothing out for commits whose history the client has not.
    return ["thin-pack"] if asked.haves else []


def _limits(asked: Fetch, *, filtered: bool) -> list[str]:
    shallow = [f"shallow {sha}" for sha in asked.haves]
    depth = ["deepen 1"] if asked.alone else []
    return [*shallow, *depth, *([f"filter blob:limit={asked.below}"] if filtered else [])]


def _haves(asked: Fetch) -> list[str]:
    return [f"have {sha}" for sha in asked.haves]


def read_abilities(answer: Answer, remote: Remote) -> Server:
    """Read what the server can do.

    :raises ProtocolError: it does not speak git's protocol, or only the old one that is files.
    """
    lines = packets(Pieces([answer.content], remote), remote)
    spoken = [line.rstrip(b"\n") for line in lines if line and not line.startswith((b"# ", b"version 1"))]
    if not spoken:
        raise remote.unlike("nothing")
    if spoken[0].startswith(b"ERR "):
        raise _refusal(spoken[0], remote)
    if spoken[0] == b"version 2":
        fetch = next((line for line in spoken if line.startswith(b"fetch")), b"")
        return Server(filters=b"filter" in fetch.partition(b"=")[2].split())
    able = set(spoken[0].partition(b"\0")[2].split())
    if b"side-band-64k" not in able or b"shallow" not in able:
        raise NotSupportedError(
            f"the git server of {remote.name} at {remote.address} is too old to be read from; do without it"
        )
    return Server(0, filters=b"filter" in able, any_sha=b"allow-any-sha1-in-want" in able)


def pack_pieces(pieces: Pieces, remote: Remote) -> Iterator[bytes]:
    """Give the bytes of the pack, as they come, out of an answer.

    :raises NotFoundError: an object is not there.
    :raises ProtocolError: it is no such answer, or a refusal in git's words.
    :raises UnavailableError: it ends in the middle, or the server failed while it packed.
    """
    begun = answered = False
    for packed in packets(pieces, remote):
        answered = True
        channel, content = packed[:1], packed[1:]
        if channel == _PACK:
            begun = True
            yield content
        elif channel == _FAILURE:
            raise UnavailableError(
                f"git failed at {remote.name} ({remote.address}): {remote.words(content)!r}; try again"
            )
        elif not packed and begun:
            pieces.skip()
            return
        elif packed and channel != _PROGRESS:
            _check_line(packed, remote)
    raise remote.broken_off() if answered else remote.unlike("nothing")


def _check_line(line: bytes, remote: Remote) -> None:
    """Check that a line is one of those before a pack."""
    if line.startswith(b"ERR "):
        raise _refusal(line, remote)
    if not line.startswith(_KNOWN_LINES):
        raise remote.unlike(f"something that begins {remote.words(line)[:40]!r}")


def _refusal(line: bytes, remote: Remote) -> CopydeskError:
    said = remote.words(line.removeprefix(b"ERR "))
    where = f"git at {remote.name} ({remote.address})"
    if "not our ref" in said:
        return NotFoundError(f"{where} does not give what is asked for: {said!r}; read the branch again")
    return ProtocolError(f"{where} refused: {said!r}; check the repository, or do without git's protocol")
