"""Sending a request on, with nothing changed that need not be."""

from __future__ import annotations

import http.client
from urllib.parse import urlsplit

from werkzeug import Request, Response
from werkzeug.datastructures import Headers

__all__ = ["forward", "forwarded_headers"]

#: What is about one connection.
HOPS = {
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
}


def forwarded_headers(request: Request) -> Headers:
    """Give the headers of a request that are sent on; the host is another."""
    kept = ((name, value) for name, value in request.headers if name.lower() not in HOPS | {"host"})
    headers = Headers(kept)
    before = headers.get("X-Forwarded-For")
    headers["X-Forwarded-For"] = f"{before}, {request.remote_addr}" if before else str(request.remote_addr)
    return headers


def forward(request: Request, address: str, target: str, headers: Headers) -> Response:
    """Ask for a path, encoded already, and give what is answered.

    A 502 without a body says that there was no answer, or none to its end.

    :param address: of the server; only scheme, host and port count.
    """
    # Other clients look at a path and encode it in their own way.
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=60)
    try:
        connection.putrequest(request.method, target, skip_accept_encoding=True)
        for name, value in headers:
            connection.putheader(name, value)
        connection.endheaders(request.get_data() or None)
        answered = connection.getresponse()
        response = Response(answered.read(), answered.status)
        pairs = answered.getheaders()
    except (OSError, http.client.HTTPException):
        return Response(status=502)
    finally:
        connection.close()
    response.headers = Headers([(name, value) for name, value in pairs if name.lower() not in HOPS])
    return response
