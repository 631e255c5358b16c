"""The batch protocol: requests from values, values from answers (docs/api/batch.md, basic-transfers.md)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import attrs

from copydesk.errors import (
    AuthenticationError,
    CopydeskError,
    InvalidInputError,
    NotFoundError,
    PermissionDeniedError,
    ProtocolError,
    UnavailableError,
)
from copydesk.http import Answer, Request, origin_of
from copydesk.lfs._pointer import Pointer

__all__ = ["BATCH", "Action", "ask_batch", "ask_verify", "check_object", "read_batch"]

#: So many objects fit into one question (servers may refuse more).
BATCH: Final = 100
_MEDIA: Final = "application/vnd.git-lfs+json"
_FRAMING: Final = frozenset({"transfer-encoding", "content-length", "connection"})
#: What a code of one object means, and what to do.
_ERRORS: Final[Mapping[int, tuple[Callable[[str], CopydeskError], str]]] = {
    401: (AuthenticationError, "log in again"),
    403: (PermissionDeniedError, "ask the owner for rights"),
    404: (NotFoundError, "it was never uploaded: push it with git lfs push --all"),
    410: (NotFoundError, "the owner removed it"),
    413: (InvalidInputError, "make the file smaller"),
    422: (InvalidInputError, "the server does not take this file"),
    507: (UnavailableError, "the server has no room left: ask its owner"),
    509: (UnavailableError, "its allowance is used up: come back later"),
}


@attrs.frozen
class Action:
    """One thing to do with an object: where, and with which headers.

    :param own: the address needs a credential, and the server gave none along with it.
    """

    address: str = attrs.field(repr=lambda address: repr(address.partition("?")[0]))
    headers: Mapping[str, str] = attrs.field(repr=False)
    own: bool = False


def ask_batch(operation: str, pointers: Iterable[Pointer]) -> Request:
    """Ask what to do to upload or download some objects; a POST that changes nothing."""
    objects = [{"oid": pointer.oid, "size": pointer.size} for pointer in pointers]
    body = {"operation": operation, "transfers": ["basic"], "objects": objects, "hash_algo": "sha256"}
    headers = {"Accept": _MEDIA, "Content-Type": _MEDIA}
    return Request("POST", "objects/batch", headers=headers, json=body, safe=True)


def ask_verify(action: Action, pointer: Pointer) -> Request:
    """Tell the server that an object is there, as it asked for; saying it twice does no harm."""
    headers = {**action.headers, "Accept": _MEDIA, "Content-Type": _MEDIA}
    body = {"oid": pointer.oid, "size": pointer.size}
    return Request("POST", action.address, headers=headers, json=body, safe=True)


def read_batch(answer: Answer, paths: Mapping[str, str], root: str) -> Mapping[str, Mapping[str, Action]]:
    """Read what to do with each object: actions by oid and name; none where there is nothing to do.

    :param paths: of the files, by oid, for messages.
    :param root: the address of the server.
    :raises CopydeskError: the server refuses one of them; nothing was transferred.
    """
    data = answer.json_object()
    transfer = data.get("transfer") or "basic"
    if transfer != "basic":
        raise ProtocolError(f"the LFS server wants the transfer {transfer!r}, and was offered 'basic' alone")
    found = {}
    for item in data["objects"]:
        oid = item["oid"]
        if oid not in paths:
            raise ProtocolError(f"the LFS server speaks of an object {oid[:12]} that it was not asked for")
        if "error" in item:
            raise _refusal(item["error"], paths[oid])
        signed = bool(item.get("authenticated"))
        actions = (item.get("actions") or {}).items()
        found[oid] = {name: _action(action, root, signed=signed) for name, action in actions}
    missing = paths.keys() - found.keys()
    if missing:
        raise ProtocolError(
            f"the LFS server says nothing of {', '.join(sorted(paths[oid] for oid in missing))}"
        )
    return found


def _action(data: Mapping[str, Any], root: str, *, signed: bool) -> Action:
    address = data["href"]
    # How a body is framed is the client's to say: GitLab asks for chunks, and means whatever works.
    headers = {
        name: value for name, value in (data.get("header") or {}).items() if name.lower() not in _FRAMING
    }
    given = any(name.lower() == "authorization" for name in headers)
    own = not (signed or given) and origin_of(address) == origin_of(root)
    return Action(address, headers, own)


def _refusal(error: Mapping[str, Any], path: str) -> CopydeskError:
    code = int(error.get("code") or 0)
    make, remedy = _ERRORS.get(code, (ProtocolError, "report it to the owner of the server"))
    return make(f"the LFS server refuses {path!r}: {error.get('message')!r} ({code}); {remedy}")


def check_object(content: bytes, pointer: Pointer, path: str) -> bytes:
    """Return the bytes of an object if they are what the pointer says.

    :raises ProtocolError: they are not.
    """
    if len(content) != pointer.size or hashlib.sha256(content).hexdigest() != pointer.oid:
        raise ProtocolError(
            f"the LFS server gave other bytes for {path!r} than those of object {pointer.oid[:12]}; try again"
        )
    return content
