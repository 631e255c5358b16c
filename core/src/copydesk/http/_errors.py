"""Turning a refusal, or a failure below HTTP, into the error that says what to do."""

from __future__ import annotations

import functools
from collections.abc import Callable
from datetime import datetime
from http import HTTPStatus
from typing import Final

import attrs

from copydesk.auth import credential_remedy
from copydesk.errors import (
    AuthenticationError,
    ConfigError,
    ConflictError,
    CopydeskError,
    InvalidInputError,
    NotFoundError,
    NotSupportedError,
    PermissionDeniedError,
    ProtocolError,
    RateLimitedError,
    UnavailableError,
)
from copydesk.http._dialect import Dialect
from copydesk.http._failures import Failure, Kind
from copydesk.http._origins import origin_of, without_query
from copydesk.http._values import Answer
from copydesk.models import ForgeAnswer

__all__ = ["Asked", "error_of_answer", "error_of_failure", "error_of_limit"]

_LOOK: Final = "it may have happened: look before you do it again"
_AGAIN: Final = "try again"
_REPORT: Final = "report it, with this message, to the author of the backend"

#: Status to error and remedy; the rest is told by the class of the status.
_STATUS: Final[dict[int, tuple[Callable[[str], CopydeskError], str]]] = {
    400: (ProtocolError, _REPORT),
    401: (AuthenticationError, ""),
    403: (PermissionDeniedError, "ask the owner for rights, or use a credential with more scopes"),
    404: (NotFoundError, "check the name, and that the credential may see it"),
    405: (NotSupportedError, "do without, or use another backend"),
    406: (NotSupportedError, "do without, or use another backend"),
    407: (UnavailableError, "check user and password of the proxy in HTTPS_PROXY"),
    408: (UnavailableError, _AGAIN),
    409: (ConflictError, "read again what is there now"),
    410: (NotFoundError, "it was there once and is gone"),
    412: (ConflictError, "read again what is there now"),
    413: (InvalidInputError, "send less at once"),
    423: (RateLimitedError, "come back later"),
    425: (UnavailableError, _AGAIN),
    429: (RateLimitedError, "come back later"),
    451: (NotFoundError, "it may not be shown for legal reasons"),
    501: (NotSupportedError, "do without, or use another backend"),
}


@attrs.frozen
class Asked:
    """A request as messages name it."""

    dialect: Dialect
    method: str
    address: str = attrs.field(repr=lambda address: repr(without_query(address)))
    root: str
    hide: Callable[[str], str] = attrs.field(repr=False)
    safe: bool = True

    def __str__(self) -> str:
        """Give method and path; the whole address where it is not below the root's origin."""
        plain = without_query(self.address)
        home = f"{origin_of(self.root)}/"
        return f"{self.method} {plain[len(home) - 1 :] if plain.startswith(home) else plain}"


def error_of_answer(asked: Asked, answer: Answer, retry_at: datetime | None = None) -> CopydeskError:
    """Make the error of a refusal, with what the forge said in its message and as ``error.answer``.

    :param retry_at: given where it is a limit, whatever the status says.
    """
    make, remedy = _STATUS.get(answer.status) or _by_class(answer.status, safe=asked.safe)
    if answer.status == 401:
        remedy = f"the credential is wrong or has expired: {credential_remedy(asked.dialect.name)}"
    own = asked.dialect.error_class(answer)
    if retry_at is not None:
        own, make, remedy = None, functools.partial(RateLimitedError, retry_at=retry_at), "come back later"
    told = _told(asked, answer)
    said = asked.dialect.sentence(answer) or _phrase(answer.status)
    number = f"{told.status}, request {told.request_id}" if told.request_id else str(told.status)
    verb = "failed at" if answer.status >= 500 else "refused"
    message = f"{asked.dialect.name} {verb} {asked}: {asked.hide(said)[:500]!r} ({number})"
    error = (own or make)(asked.hide(message if own else f"{message}; {remedy}"))
    error.answer = told
    return error


def _told(asked: Asked, answer: Answer) -> ForgeAnswer:
    request_id = answer.headers.get(asked.dialect.request_id_header or "-", "")
    return ForgeAnswer(answer.status, asked.hide(request_id), asked.hide(without_query(answer.url)))


def _by_class(status: int, *, safe: bool) -> tuple[Callable[[str], CopydeskError], str]:
    if status >= 500:
        return functools.partial(UnavailableError, unclear=not safe), _AGAIN if safe else _LOOK
    return ProtocolError, _REPORT


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "no reason given"


def error_of_failure(asked: Asked, failure: Failure) -> CopydeskError:
    """Make the error of a request that got no answer; raise it from ``failure.cause``."""
    name, kind, unclear = asked.dialect.name, failure.kind, not (asked.safe or failure.unsent)
    origin = origin_of(asked.address)
    if kind is Kind.ADDRESS:
        return ConfigError(
            f"{name} ({origin}) cannot be reached: {kind.value}; check api_root, HTTPS_PROXY and NO_PROXY",
            key="api_root",
        )
    if kind is Kind.MISTAKE or (kind is Kind.UNREADABLE and not unclear):
        return ProtocolError(asked.hide(f"{name} and {asked}: {kind.value} ({failure.reason}); {_REPORT}"))
    if kind is Kind.UNTRUSTED:
        what = f"no secure connection to {name} ({origin}) for {asked}: {failure.reason}"
        remedy = (
            "set REQUESTS_CA_BUNDLE to the certificates that your network uses, or mend those of the server"
        )
    elif kind is Kind.UNSENT:
        what, remedy = (
            f"{name} ({origin}) cannot be reached for {asked}: {failure.reason}",
            "check the network",
        )
    else:
        what, remedy = f"{name} ({origin}) broke off {asked}: {failure.reason}", _AGAIN
    return UnavailableError(asked.hide(f"{what}; {_LOOK if unclear else remedy}"), unclear=unclear)


def error_of_limit(
    asked: Asked, retry_at: datetime, wait: float, most: float, answer: Answer | None
) -> RateLimitedError:
    """Make the error of a limit that lasts longer than anybody should wait; *answer* is the refusal, if any."""
    error = RateLimitedError(
        asked.hide(
            f"{asked.dialect.name} allows no {asked} before {retry_at:%Y-%m-%d %H:%M:%S} UTC, in {wait:.0f} s, "
            f"and no call waits longer than {most:.0f} s; come back then"
        ),
        retry_at=retry_at,
    )
    error.answer = _told(asked, answer) if answer is not None else None
    return error
