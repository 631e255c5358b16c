"""What identity providers share: routes, parameters, errors as OAuth has them."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, unquote_plus

from copydesk.testing import ServerSimulator
from werkzeug import Request, Response

from simulators.identity.clock import Clock
from simulators.rest import Route, Router

__all__ = ["IdentityProvider", "OAuthError", "answer", "basic", "parameters"]

_PRIVATE: Final = {"Cache-Control": "no-store", "Pragma": "no-cache"}


class OAuthError(Exception):
    """An error of RFC 6749 §5.2, which is answered as JSON; *more* stands in its body too."""

    def __init__(self, error: str, description: str = "", status: int = 400, **more: object) -> None:
        super().__init__(error, description)
        self.error = error
        self.status = status
        self.body = {"error": error, **({"error_description": description} if description else {}), **more}

    def response(self) -> Response:
        headers = (
            {"WWW-Authenticate": f'Basic realm="oauth", error="{self.error}"'} if self.status == 401 else {}
        )
        return answer(self.body, self.status, headers)


class IdentityProvider(ServerSimulator):
    """A provider on a socket; it answers one request at a time.

    :param clock: what it takes for the time; its own when it is None.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        super().__init__()
        self.clock = clock or Clock()
        self._turn = threading.RLock()
        self._router = Router(self.routes())

    def routes(self) -> Iterable[Route]:
        """Give what it answers; to be overridden."""
        raise NotImplementedError

    def respond(self, request: Request) -> Response:
        with self._turn:
            response = self._answered(request)
        # A browser keeps connections, which a server that stops waits for.
        response.headers["Connection"] = "close"
        return response

    def _answered(self, request: Request) -> Response:
        for route, taken in self._router.matching(request.method, request.path):
            try:
                response: Response = route.handler(request, **taken)
            except OAuthError as exc:
                response = exc.response()
            return response
        known = {each.pattern for each in self.routes()}
        return Response(status=405 if request.path in known else 404)


def parameters(request: Request) -> dict[str, str]:
    """Read the body of a POST, form-encoded or JSON; the query is not read, and twice a name is an error."""
    if request.mimetype == "application/json":
        return _of_json(request.get_data())
    if request.mimetype != "application/x-www-form-urlencoded":
        raise OAuthError("invalid_request", f"The body is {request.mimetype or 'nothing'}.")
    pairs = parse_qsl(request.get_data().decode(), keep_blank_values=True)
    found = dict(pairs)
    if len(found) < len(pairs):
        raise OAuthError("invalid_request", "A parameter is there more than once.")
    return {name: value for name, value in found.items() if value}


def _of_json(data: bytes) -> dict[str, str]:
    try:
        read: Any = json.loads(data)
    except ValueError as exc:
        raise OAuthError("invalid_request", "The body is no JSON.") from exc
    if not isinstance(read, dict):
        raise OAuthError("invalid_request", "The body is no object.")
    return {name: value for name, value in read.items() if isinstance(value, str) and value}


def basic(request: Request) -> tuple[str, str] | None:
    """Read a client's name and secret from the Authorization header, form-encoded as RFC 6749 §2.3.1 has them."""
    given = request.authorization
    if given is None or given.type != "basic":
        return None
    return unquote_plus(given.username or ""), unquote_plus(given.password or "")


def answer(data: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Answer with JSON that nobody keeps."""
    told = {**_PRIVATE, **(headers or {})}
    return Response(json.dumps(data), status, told, content_type="application/json; charset=utf-8")
