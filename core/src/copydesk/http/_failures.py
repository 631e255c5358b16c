"""What the exceptions of requests and urllib3 mean: one table."""

from __future__ import annotations

import enum
import http.client
import ssl
from typing import Final

import attrs
import requests
import urllib3
from requests.exceptions import ChunkedEncodingError

__all__ = ["RAISED", "Failure", "Kind", "TransportFailure", "failure_of", "kind_of"]


class Kind(enum.Enum):
    """What went wrong below HTTP."""

    UNSENT = "no connection: the request was not sent"
    BROKEN = "the connection broke: the request may have arrived"
    UNTRUSTED = "no secure connection"
    ADDRESS = "the address, or that of a proxy, cannot be used"
    UNREADABLE = "the answer cannot be decoded"
    MISTAKE = "the request cannot be sent as it is"


#: By name, because versions differ in what they have; a class that is not here is what its base is.
TABLE: Final = {
    "requests.exceptions.ConnectTimeout": Kind.UNSENT,
    "requests.exceptions.ProxyError": Kind.BROKEN,
    "requests.exceptions.SSLError": Kind.UNTRUSTED,
    "requests.exceptions.ConnectionError": Kind.BROKEN,
    "requests.exceptions.Timeout": Kind.BROKEN,
    "requests.exceptions.ChunkedEncodingError": Kind.BROKEN,
    "requests.exceptions.RetryError": Kind.BROKEN,
    "requests.exceptions.URLRequired": Kind.ADDRESS,
    "requests.exceptions.MissingSchema": Kind.ADDRESS,
    "requests.exceptions.InvalidSchema": Kind.ADDRESS,
    "requests.exceptions.InvalidURL": Kind.ADDRESS,
    "requests.exceptions.ContentDecodingError": Kind.UNREADABLE,
    "requests.exceptions.HTTPError": Kind.UNREADABLE,
    "requests.exceptions.TooManyRedirects": Kind.UNREADABLE,
    "requests.exceptions.InvalidJSONError": Kind.MISTAKE,
    "requests.exceptions.JSONDecodeError": Kind.UNREADABLE,
    "requests.exceptions.InvalidHeader": Kind.MISTAKE,
    "requests.exceptions.StreamConsumedError": Kind.MISTAKE,
    "requests.exceptions.UnrewindableBodyError": Kind.MISTAKE,
    "urllib3.exceptions.ConnectTimeoutError": Kind.UNSENT,
    "urllib3.exceptions.NewConnectionError": Kind.UNSENT,
    "urllib3.exceptions.ProxyError": Kind.BROKEN,
    "urllib3.exceptions.SSLError": Kind.UNTRUSTED,
    "urllib3.exceptions.PoolError": Kind.BROKEN,
    "urllib3.exceptions.ProtocolError": Kind.BROKEN,
    "urllib3.exceptions.TimeoutError": Kind.BROKEN,
    "urllib3.exceptions.IncompleteRead": Kind.BROKEN,
    "urllib3.exceptions.InvalidChunkLength": Kind.BROKEN,
    "urllib3.exceptions.LocationValueError": Kind.ADDRESS,
    "urllib3.exceptions.ProxySchemeUnsupported": Kind.ADDRESS,
    "urllib3.exceptions.DecodeError": Kind.UNREADABLE,
    "urllib3.exceptions.ResponseNotChunked": Kind.UNREADABLE,
    "urllib3.exceptions.BodyNotHttplibCompatible": Kind.UNREADABLE,
    "urllib3.exceptions.HeaderParsingError": Kind.UNREADABLE,
    "urllib3.exceptions.ResponseError": Kind.UNREADABLE,
    "urllib3.exceptions.InvalidHeader": Kind.UNREADABLE,
    "urllib3.exceptions.TimeoutStateError": Kind.MISTAKE,
    "urllib3.exceptions.UnrewindableBodyError": Kind.MISTAKE,
}

#: What sending and reading can raise. UnicodeError: a host name, or a header, in letters that neither can hold.
RAISED: Final = (
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    urllib3.exceptions.ProxySchemeUnsupported,
    http.client.HTTPException,
    OSError,
    UnicodeError,
)


class TransportFailure(Exception):  # noqa: N818 - the cause of an error, never raised by itself
    """What requests or urllib3 raised, without its request, its frames and the secrets in them."""


@attrs.frozen
class Failure:
    """A request that got no answer; *reason* says why in a few words, *unsent* that nothing can have happened."""

    kind: Kind
    reason: str
    unsent: bool
    cause: TransportFailure


def kind_of(exception: type[BaseException]) -> Kind | None:
    """Look an exception class up, then its bases."""
    for cls in exception.__mro__:
        kind = TABLE.get(f"{cls.__module__}.{cls.__qualname__}")
        if kind is not None:
            return kind
    return None


def failure_of(exc: BaseException) -> Failure:
    """Tell what an exception means, and keep nothing of it but words without addresses."""
    chain = _chain(exc)
    kinds = [kind for kind in (kind_of(type(link)) for link in chain) if kind is not None]
    kind = kinds[0] if kinds else Kind.BROKEN
    # requests wraps a connection that was never made into the same error as one that broke.
    if kind is Kind.BROKEN and Kind.UNSENT in kinds:
        kind = Kind.UNSENT
    # Another TLS error may come in the middle of an answer.
    refused = any(isinstance(link, ssl.SSLCertVerificationError) for link in chain)
    reason = next(filter(None, map(_words, reversed(chain))), type(exc).__name__)
    return Failure(
        kind,
        reason,
        unsent=refused or kind in {Kind.UNSENT, Kind.ADDRESS, Kind.MISTAKE},
        cause=TransportFailure(f"{' < '.join(_names(chain))}: {reason}"),
    )


def _chain(exc: BaseException) -> list[BaseException]:
    """List an exception and what it was made of, the outermost first."""
    found: list[BaseException] = []
    todo: list[object] = [exc]
    while todo:
        link = todo.pop(0)
        if isinstance(link, BaseException) and all(link is not other for other in found):
            found.append(link)
            # Not __context__, which leads to what the caller happened to be handling; but urllib3 before 2.0
            # says no other way why it could not connect.
            new = isinstance(link, urllib3.exceptions.NewConnectionError)
            todo += [getattr(link, "reason", None), *link.args, link.__context__ if new else link.__cause__]
    return found


def _names(chain: list[BaseException]) -> list[str]:
    return [f"{type(link).__module__}.{type(link).__qualname__}" for link in chain]


def _words(link: BaseException) -> str:
    """Say why, with words that hold no address and no header."""
    if isinstance(link, ssl.SSLCertVerificationError):
        return str(getattr(link, "verify_message", "") or "the certificate is not trusted").lower()
    if isinstance(link, TimeoutError | urllib3.exceptions.TimeoutError) and not isinstance(
        link, urllib3.exceptions.NewConnectionError
    ):
        return "no answer in time"
    if isinstance(link, http.client.RemoteDisconnected | http.client.IncompleteRead | ChunkedEncodingError):
        return "the connection was closed before the answer was complete"
    if isinstance(link, ssl.SSLError):
        return str(link.reason or "").replace("_", " ").lower()
    if isinstance(link, OSError) and not isinstance(link, requests.RequestException):
        return (link.strerror or "").lower() if isinstance(link.errno, int) else ""
    return ""
