"""What the services of a site at Netlify share: bearer tokens, and errors in the words of their Go servers."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from typing import Any, Final

import jwt
from copydesk.testing import ServerSimulator
from werkzeug import Request, Response

from simulators.rest import ProblemError

__all__ = ["SECRET", "NetlifySimulator", "answer", "not_found", "refusal"]

#: Long enough for HS256.
SECRET: Final = "what the services of one site know and nobody else"
ALGORITHM: Final = "HS256"
BEARER = re.compile(r"(?:B|b)earer (\S+)")
#: Whether a token is over is told by the simulator's own clock.
UNCHECKED = dict.fromkeys(("verify_exp", "verify_nbf", "verify_iat", "verify_aud", "verify_sub"), False)


def refusal(code: int, msg: str) -> ProblemError:
    """Make the error that the Go servers make."""
    return ProblemError(code, {"code": code, "msg": msg})


def answer(data: Any, status: int = 200) -> Response:
    return Response(json.dumps(data), status, content_type="application/json")


class NetlifySimulator(ServerSimulator):
    """A service below a path of a site, which knows editors by their tokens.

    :param root: the path.
    :param secret: what the tokens are signed with.
    :param clock: seconds since the epoch.
    """

    def __init__(self, root: str, *, secret: str = SECRET, clock: Callable[[], float] = time.time) -> None:
        super().__init__()
        self.root = root
        self.secret = secret
        self.clock = clock
        #: Tokens of another kind that look-alikes take, each with what it stands for.
        self.opaque: dict[str, dict[str, Any]] = {}

    def answered(self, request: Request, path: str) -> Response:
        """Answer a request of a path below the root, or raise :class:`ProblemError`; to be overridden."""
        raise NotImplementedError

    def respond(self, request: Request) -> Response:
        if not request.path.startswith(f"{self.root}/"):
            return not_found()
        try:
            return self.answered(request, request.path.removeprefix(self.root))
        except ProblemError as exc:
            return answer(exc.body, exc.status)

    def signed(self, claims: dict[str, Any], secret: str | None = None) -> str:
        return jwt.encode(claims, secret or self.secret, ALGORITHM)

    def claims(self, request: Request) -> dict[str, Any]:
        """Give what the token says that a request bears."""
        found = BEARER.fullmatch(request.headers.get("Authorization", ""))
        if found is None:
            raise refusal(401, "This endpoint requires a Bearer token")
        if found[1] in self.opaque:
            return self.opaque[found[1]]
        try:
            claims: dict[str, Any] = jwt.decode(found[1], self.secret, [ALGORITHM], UNCHECKED)
        except jwt.InvalidTokenError as exc:
            raise refusal(401, f"Invalid token: {_words(found[1], exc)}") from exc
        late = int(self.clock()) - int(claims.get("exp", self.clock()))
        if late > 0:
            raise refusal(401, f"Invalid token: token is expired by {_duration(late)}")
        return claims


def not_found() -> Response:
    return Response("404 page not found\n", 404, content_type="text/plain; charset=utf-8")


def _words(token: str, exc: jwt.InvalidTokenError) -> str:
    """Say it as jwt-go does."""
    if token.count(".") != 2:
        return "token contains an invalid number of segments"
    if isinstance(exc, jwt.InvalidAlgorithmError):
        return f"signing method {jwt.get_unverified_header(token).get('alg')} is invalid"
    return "signature is invalid" if isinstance(exc, jwt.InvalidSignatureError) else str(exc)


def _duration(seconds: int) -> str:
    """Write a time as Go does: 1h0m5s."""
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h{minutes}m{rest}s"
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"
