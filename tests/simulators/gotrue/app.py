"""The simulator itself: who may sign in, and what tokens they have."""

from __future__ import annotations

import secrets
import threading
import time
import uuid
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

import attrs
from werkzeug import Request, Response

from simulators.netlify import SECRET, NetlifySimulator, answer, not_found, refusal
from simulators.rest import ProblemError

UNKNOWN = "No user found with that email, or password invalid."


@attrs.define(eq=False)
class User:
    """Somebody who may sign in; what is changed here is in the next token."""

    id: str
    email: str
    password: str = attrs.field(repr=False)
    name: str
    roles: tuple[str, ...]
    created: float

    @property
    def app_metadata(self) -> dict[str, Any]:
        return {"provider": "email"} | ({"roles": list(self.roles)} if self.roles else {})

    @property
    def user_metadata(self) -> dict[str, Any]:
        return {"full_name": self.name} if self.name else {}


class GoTrueSimulator(NetlifySimulator):
    """GoTrue's interface for people who are known already; nobody signs up or gets mail."""

    def __init__(
        self,
        *,
        root: str = "/.netlify/identity",
        secret: str = SECRET,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(root, secret=secret, clock=clock)
        #: Whose tokens these are; hosted sites have nobody here.
        self.aud = ""
        #: Seconds that an access token is good for.
        self.lifetime = 3600
        #: Seconds between a token's coming into force and its answer, in which the old one is used up.
        self.lateness = 0.0
        self.users: dict[str, User] = {}
        self._granting = threading.Lock()
        #: Whose a refresh token is, while it is good.
        self._refresh_tokens: dict[str, str] = {}

    # -- knobs ------------------------------------------------------------------------------------

    def add_user(self, email: str, password: str, *, name: str = "", roles: Iterable[str] = ()) -> User:
        """Let somebody sign in."""
        number = str(uuid.uuid5(uuid.NAMESPACE_URL, email))
        user = self.users[email] = User(number, email, password, name, tuple(roles), self.clock())
        return user

    def revoke(self, email: str) -> None:
        """Make every refresh token of a user invalid; access tokens are good until they expire."""
        with self._granting:
            owners = self._refresh_tokens.items()
            self._refresh_tokens = {token: owner for token, owner in owners if owner != email}

    def issue(self, email: str, *, lifetime: float | None = None, secret: str | None = None) -> str:
        """Make an access token without being asked for one.

        :param lifetime: in seconds; one below zero has expired.
        :param secret: another one makes a token that is forged.
        """
        user = self.users[email]
        lifetime = self.lifetime if lifetime is None else lifetime
        claims = {"exp": int(self.clock() + lifetime), "aud": self.aud, "sub": user.id, "email": email}
        more = {"app_metadata": user.app_metadata, "user_metadata": user.user_metadata}
        return self.signed(claims | more, secret)

    def grant(self, email: str) -> dict[str, Any]:
        """Make what a sign-in gives: an access token, and a refresh token that is good once."""
        refresh_token = secrets.token_urlsafe(16)
        self._refresh_tokens[refresh_token] = email
        return {
            "access_token": self.issue(email),
            "token_type": "bearer",
            "expires_in": self.lifetime,
            "refresh_token": refresh_token,
        }

    # -- answering --------------------------------------------------------------------------------

    def answered(self, request: Request, path: str) -> Response:
        handlers = {
            "/settings": ("GET", self._settings),
            "/token": ("POST", self._token),
            "/user": ("GET", self._user),
            "/logout": ("POST", self._logout),
        }
        method, handler = handlers.get(path, ("", None))
        if handler is None:
            return not_found()
        return handler(request) if request.method == method else Response(status=405)

    def _settings(self, request: Request) -> Response:
        providers = dict.fromkeys(("bitbucket", "github", "gitlab", "google", "facebook", "saml"), False)
        return answer(
            {
                "external": {**providers, "email": True},
                "external_labels": {},
                "disable_signup": True,
                "autoconfirm": False,
            }
        )

    def _token(self, request: Request) -> Response:
        grants = {"password": self._by_password, "refresh_token": self._by_refresh_token}
        by = grants.get(request.values.get("grant_type", ""))
        if by is None:
            raise ProblemError(400, {"error": "unsupported_grant_type"})
        with self._granting:
            granted = by(request)
        self._stopping.wait(self.lateness)
        return answer(granted)

    def _by_password(self, request: Request) -> dict[str, Any]:
        user = self.users.get(request.values.get("username", ""))
        if user is None or user.password != request.values.get("password", ""):
            raise _invalid("invalid_grant", UNKNOWN)
        return self.grant(user.email)

    def _by_refresh_token(self, request: Request) -> dict[str, Any]:
        token = request.values.get("refresh_token", "")
        if not token:
            raise _invalid("invalid_request", "refresh_token required")
        email = self._refresh_tokens.pop(token, None)
        if email is None:
            raise _invalid("invalid_grant", "Invalid Refresh Token")
        return self.grant(email)

    def _user(self, request: Request) -> Response:
        claims = self.claims(request)
        if request.headers.get("X-JWT-AUD") not in {None, "", claims.get("aud")}:
            raise refusal(400, "Token audience doesn't match request audience")
        user = self._owner(claims)
        if user is None:
            raise refusal(404, "User not found")
        created = datetime.fromtimestamp(int(user.created), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return answer(
            {
                "id": user.id,
                "aud": self.aud,
                "role": "",
                "email": user.email,
                "confirmed_at": created,
                "app_metadata": user.app_metadata,
                "user_metadata": user.user_metadata,
                "created_at": created,
                "updated_at": created,
            }
        )

    def _logout(self, request: Request) -> Response:
        user = self._owner(self.claims(request))
        if user is None:
            raise refusal(401, "Invalid user")
        self.revoke(user.email)
        return Response(status=204)

    def _owner(self, claims: dict[str, Any]) -> User | None:
        return next((user for user in self.users.values() if user.id == claims.get("sub")), None)


def _invalid(error: str, description: str) -> ProblemError:
    return ProblemError(400, {"error": error, "error_description": description})


__all__ = ["GoTrueSimulator", "User"]
