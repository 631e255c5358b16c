"""Codes and tokens: made, exchanged once, refreshed, rotated, revoked, expired."""

from __future__ import annotations

import hashlib
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Callable
from hmac import compare_digest
from typing import Final

import attrs

from simulators.identity.clock import Clock
from simulators.identity.provider import OAuthError

__all__ = ["INVALID_GRANT", "Asked", "Client", "Grants", "Login", "challenge"]

INVALID_GRANT: Final = (
    "The grant is invalid, expired, revoked, of another redirect URI, or was issued to another client."
)


@attrs.frozen
class Client:
    """An application that is registered with a provider; without a secret it is a public one."""

    id: str
    redirect_uris: tuple[str, ...] = ()
    secret: str | None = attrs.field(default=None, repr=False)
    scopes: frozenset[str] = frozenset()
    name: str = "copydesk"


@attrs.frozen
class Asked:
    """A request for authorization that was found valid."""

    client: Client
    redirect_uri: str
    #: What was said of it; the exchange must say the same.
    said_redirect_uri: str
    response_type: str
    scope: str = ""
    state: str = ""
    nonce: str = ""
    challenge: str = ""
    method: str = ""


@attrs.define(eq=False)
class Login:
    """What one authorization led to: the newest tokens, and when they end."""

    client: Client
    scope: str
    access_token: str = attrs.field(default="", repr=False)
    refresh_token: str = attrs.field(default="", repr=False)
    created: float = 0.0
    expires: float = 0.0
    ended: bool = False
    nonce: str = ""


@attrs.define(eq=False)
class Grants:
    """All that a provider has given out.

    :ivar lifetime: seconds that an access token is good for.
    :ivar code_lifetime: seconds that a code is good for.
    :ivar rotating: a refresh gives a new refresh token, and the old one is used up.
    :ivar reuse_ends_login: a refresh token that is used a second time ends all tokens of its login, as RFC 9700
        §4.14.2 wants it.
    :ivar reused: the codes and refresh tokens that somebody used again.
    :ivar issued: is told each new access token, say to let a forge accept it.
    """

    clock: Clock
    lifetime: int = 7200
    code_lifetime: int = 600
    rotating: bool = True
    reuse_ends_login: bool = True
    prefix: str = ""
    refresh_prefix: str = ""
    issued: Callable[[str], object] = lambda _: None
    reused: list[str] = attrs.field(factory=list, repr=False)
    logins: list[Login] = attrs.field(factory=list, repr=False)
    _codes: dict[str, tuple[Asked, float]] = attrs.field(factory=dict, repr=False)
    _used: set[str] = attrs.field(factory=set, repr=False)
    _of_refresh: dict[str, Login] = attrs.field(factory=dict, repr=False)

    # -- codes ------------------------------------------------------------------------------------

    def code(self, asked: Asked) -> str:
        """Give a code for what a person agreed to."""
        code = secrets.token_hex(16)
        self._codes[code] = (asked, self.clock.now() + self.code_lifetime)
        return code

    def redeem(self, code: str, client: Client, redirect_uri: str, verifier: str) -> Login:
        """Exchange a code, once."""
        if code in self._used:
            self.reused.append(code)
            raise OAuthError("invalid_grant", INVALID_GRANT)
        asked, end = self._codes.get(code, (None, 0.0))
        if asked is None or asked.client.id != client.id or end <= self.clock.now():
            raise OAuthError("invalid_grant", INVALID_GRANT)
        if redirect_uri != asked.said_redirect_uri:
            raise OAuthError("invalid_grant", INVALID_GRANT)
        if asked.challenge and not verifier:
            raise OAuthError("invalid_request", "Missing required parameter: code_verifier.")
        if verifier and not compare_digest(
            challenge(verifier, asked.method).encode(), asked.challenge.encode()
        ):
            raise OAuthError("invalid_grant", INVALID_GRANT)
        del self._codes[code]
        self._used.add(code)
        return self.log_in(client, asked.scope, nonce=asked.nonce)

    # -- tokens -----------------------------------------------------------------------------------

    def log_in(self, client: Client, scope: str, *, refreshable: bool = True, nonce: str = "") -> Login:
        """Give the first tokens of a login."""
        login = Login(client, scope, nonce=nonce)
        self.logins.append(login)
        self._renew(login)
        if refreshable:
            self._rotate(login)
        return login

    def refresh(self, token: str, client: Client) -> Login:
        """Give new tokens for a refresh token."""
        login = self._of_refresh.get(token)
        if login is None or login.client.id != client.id or login.ended:
            raise OAuthError("invalid_grant", INVALID_GRANT)
        if token != login.refresh_token:
            self.reused.append(token)
            login.ended = self.reuse_ends_login
            raise OAuthError("invalid_grant", INVALID_GRANT)
        self._renew(login)
        if self.rotating:
            self._rotate(login)
        return login

    def revoke(self, token: str, client: Client) -> None:
        """End the login that a token is of; a token that nobody knows is none of anybody's."""
        for login in self.logins:
            if token in {login.access_token, login.refresh_token} and login.client.id == client.id:
                login.ended = True

    def alive(self, token: str) -> bool:
        """Say whether an access token is good now."""
        return self.login(token) is not None

    def login(self, token: str) -> Login | None:
        """Give the login of an access token that is good now."""
        now = self.clock.now()
        for login in self.logins:
            if compare_digest(login.access_token.encode(), token.encode()) and not login.ended:
                return login if login.expires > now else None
        return None

    @staticmethod
    def make() -> str:
        """Make what nobody guesses."""
        return secrets.token_hex(20)

    def _renew(self, login: Login) -> None:
        login.access_token = self.prefix + self.make()
        login.created = self.clock.now()
        login.expires = login.created + self.lifetime
        self.issued(login.access_token)

    def _rotate(self, login: Login) -> None:
        login.refresh_token = self.refresh_prefix + self.make()
        self._of_refresh[login.refresh_token] = login


def challenge(verifier: str, method: str = "S256") -> str:
    """Give the challenge of a verifier, RFC 7636 §4.2."""
    if method != "S256":
        return verifier
    digest = hashlib.sha256(verifier.encode()).digest()
    return urlsafe_b64encode(digest).rstrip(b"=").decode()
