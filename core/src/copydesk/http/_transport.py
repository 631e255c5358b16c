"""The thin edge: one session of requests, and nothing that it does by itself."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import Any, Final

import attrs
import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from requests.structures import CaseInsensitiveDict
from requests.utils import get_environ_proxies
from urllib3.fields import RequestField
from urllib3.filepost import encode_multipart_formdata

from copydesk.errors import ConfigError
from copydesk.http._failures import RAISED, Failure, failure_of
from copydesk.http._origins import is_loopback
from copydesk.http._values import Part, Request

__all__ = ["Transport", "pieces", "read", "unfit_header"]

_CHUNK: Final = 64 * 1024


class _Incomplete(requests.exceptions.ChunkedEncodingError):
    """Fewer bytes came than the answer had announced."""


class _Session(requests.Session):
    def get_redirect_target(self, resp: requests.Response) -> None:
        """Find none: they are followed by the exchange, and an address that is none must not raise here."""


class Transport:
    """Sends prepared requests over one session, from any thread.

    A session may be shared between threads because nothing of it changes by sending: cookies are refused,
    redirects and retries are ours, and the pool of connections has its own locks.
    """

    def __init__(
        self, origins: Iterable[str], *, workers: int, timeout: tuple[float, float], user_agent: str
    ) -> None:
        self._session = _Session()
        # What the environment says is read here, once; ~/.netrc must never replace the credential.
        self._session.trust_env = False
        self._session.verify = _certificates()
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))
        adapter = HTTPAdapter(pool_connections=max(8, workers), pool_maxsize=workers)
        self._session.mount("https://", adapter)
        self._session.mount("http://", adapter)
        self._timeout = timeout
        self._headers = {"User-Agent": user_agent, "Accept": "*/*", "Accept-Encoding": "gzip"}
        self._proxies = {origin: _proxies(origin) for origin in origins}

    def prepare(
        self, request: Request, address: str, headers: Mapping[str, str], auth: AuthBase | None
    ) -> requests.PreparedRequest | Failure:
        """Make what is sent; the headers of the request win over *headers*, and the credential over both."""
        fields = CaseInsensitiveDict({**self._headers})
        fields.update(headers)
        fields.update(request.headers)
        if request.parts:
            content, fields["Content-Type"] = encode_multipart_formdata(list(map(_field, request.parts)))
            request = attrs.evolve(request, parts=(), content=content)
        try:
            prepared = requests.Request(
                request.method, address, headers=dict(fields), **_body(request)
            ).prepare()
        except RAISED as exc:
            return failure_of(exc)
        if "content-length" in request.headers:
            prepared.headers.pop("Transfer-Encoding", None)
        return auth(prepared) if auth is not None else prepared

    def open(self, prepared: requests.PreparedRequest, origin: str) -> requests.Response | Failure:
        """Send; the body of the answer is not read yet."""
        if origin not in self._proxies:
            self._proxies[origin] = _proxies(origin)
        try:
            return self._session.send(
                prepared,
                stream=True,
                timeout=self._timeout,
                allow_redirects=False,
                proxies=self._proxies[origin],
            )
        except RAISED as exc:
            return failure_of(exc)

    def close(self) -> None:
        """Close what connections are idle."""
        self._session.close()


def pieces(response: requests.Response) -> Iterator[bytes | Failure]:
    """Read a body piece by piece; a failure is the last piece."""
    failure = None
    try:
        yield from response.iter_content(_CHUNK)
        _check_length(response)
    except RAISED as exc:
        failure = failure_of(exc)
    if failure is not None:
        yield failure


def read(response: requests.Response) -> bytes | Failure:
    """Read a whole body."""
    with response:
        found = list(pieces(response))
    whole = [piece for piece in found if isinstance(piece, bytes)]
    failure = next((piece for piece in found if isinstance(piece, Failure)), None)
    return b"".join(whole) if failure is None else failure


def _check_length(response: requests.Response) -> None:
    """Miss bytes that never came: urllib3 before 2.0 does not."""
    announced = response.headers.get("content-length", "")
    empty = response.request.method == "HEAD" or response.status_code in {204, 304}
    chunked = "transfer-encoding" in response.headers
    if announced.isdigit() and not (empty or chunked) and response.raw.tell() != int(announced):
        raise _Incomplete("the connection was closed before the answer was complete")


def unfit_header(headers: Mapping[str, str]) -> str:
    """Name a header whose value cannot be sent, or give ""."""
    wrong = (
        name for name, value in headers.items() if not value.isprintable() or max(value, default="") > "\xff"
    )
    return next(wrong, "")


def _field(part: Part) -> RequestField:
    """Make a part of a form as browsers do: names in UTF-8, with quotes and line ends escaped."""
    field = RequestField(part.name, part.content, part.filename)
    field.make_multipart(content_type=part.content_type)
    more = "".join(f'; {name}="{value}"' for name, value in part.parameters)
    field.headers["Content-Disposition"] = f"{field.headers['Content-Disposition']}{more}"
    return field


def _body(request: Request) -> dict[str, Any]:
    if request.json is not None:
        return {"json": request.json}
    content = request.content
    return {"data": content if content is None or isinstance(content, bytes) else iter(content)}


def _proxies(origin: str) -> dict[str, str]:
    # A proxy would get the secret in the clear; and this machine is never behind one.
    return {} if is_loopback(origin) else dict(get_environ_proxies(origin, no_proxy=None))


def _certificates() -> str | bool:
    name = next((name for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE") if os.environ.get(name)), "")
    if not name:
        return True
    if not Path(os.environ[name]).exists():
        raise ConfigError(f"{name} names {os.environ[name]!r}, which does not exist; correct or unset it")
    return os.environ[name]
