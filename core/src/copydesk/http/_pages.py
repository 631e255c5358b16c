"""Listings of several pages: each page an answer, each way to the next one a function."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator

import attrs

from copydesk.errors import ProtocolError
from copydesk.http._origins import is_absolute, joined, origin_of, without_query
from copydesk.http._values import Answer, Request

__all__ = ["NextPage", "by_body_next", "by_cursor", "by_link", "pages"]

NextPage = Callable[[Answer], Request | str | None]


def by_link(answer: Answer) -> str | None:
    """Find the next page in the Link header."""
    return answer.links.get("next")


def by_body_next(answer: Answer) -> str | None:
    """Find the next page under ``next`` in the body."""
    body = answer.json()
    address = body.get("next") if isinstance(body, dict) else None
    return address if isinstance(address, str) and address else None


def by_cursor(read: Callable[[Answer], str | None], ask: Callable[[str], Request]) -> NextPage:
    """Find the next page by a cursor: *read* finds it in an answer, *ask* makes the request that has it."""

    def next_page(answer: Answer) -> Request | None:
        cursor = read(answer)
        return None if cursor is None else ask(cursor)

    return next_page


def pages(
    send: Callable[[Request], Answer],
    request: Request,
    next_page: NextPage,
    *,
    root: str,
    named: frozenset[str],
    address: Callable[[str, str], str] = joined,
) -> Iterator[Answer]:
    """Give the answer of each page, in order.

    :param address: makes an address of a link and of that of the page that has it.
    :raises ProtocolError: a page is named twice, or lies on an origin that the client does not name.
    """
    seen = {_identity(request, root)}
    asked: Request | None = request
    while asked is not None:
        answer = send(asked)
        yield answer
        asked = _next_request(next_page, asked, answer, address)
        if asked is not None:
            _check_origin(asked, root, named, answer)
            _check_new(_identity(asked, root), seen, answer)


def _next_request(
    next_page: NextPage, asked: Request, answer: Answer, address: Callable[[str, str], str]
) -> Request | None:
    found = next_page(answer)
    if found is None or isinstance(found, Request):
        return found
    return attrs.evolve(asked, path=address(answer.url, found), query=())


def _check_new(identity: str, seen: set[str], answer: Answer) -> None:
    if identity in seen:
        raise ProtocolError(
            f"the listing {answer.hide(without_query(answer.url))} names a page twice after {len(seen)} pages "
            "and would never end; report it to the author of the backend"
        )
    seen.add(identity)


def _check_origin(request: Request, root: str, named: frozenset[str], answer: Answer) -> None:
    if not is_absolute(request.path):
        return
    try:
        origin = origin_of(request.address(root))
    except ValueError:
        origin = "an address that cannot be used"
    if origin not in named:
        raise ProtocolError(
            f"the listing {answer.hide(without_query(answer.url))} goes on at {origin}, which is none of "
            f"{', '.join(sorted(named))}; check api_root"
        )


def _identity(request: Request, root: str) -> str:
    # A digest, because an address may hold a secret and tracebacks show what stands in variables.
    body = json.dumps(request.json, sort_keys=True) if request.json is not None else repr(request.content)
    return hashlib.sha256(repr((request.method, request.address(root), body)).encode()).hexdigest()
