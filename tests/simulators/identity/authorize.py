"""The page on which a person lets a client in, and the way back: with a code, or with a token in the fragment."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Mapping
from typing import ClassVar, Final
from urllib.parse import urlencode, urlsplit, urlunsplit

from werkzeug import Request, Response
from werkzeug.utils import redirect

from simulators.identity.clock import Clock
from simulators.identity.grants import Asked, Client, Grants, Login
from simulators.identity.pages import consent, message
from simulators.identity.provider import IdentityProvider, OAuthError, basic, parameters
from simulators.rest import Route

__all__ = ["AuthorizationServer", "need"]

DENIED: Final = "The resource owner or authorization server denied the request."
_VERIFIER: Final = re.compile(r"[A-Za-z0-9._~-]{43,128}")


class AuthorizationServer(IdentityProvider):
    """A provider with a page to authorize on.

    :ivar clients: those that are registered, by their id.
    :ivar grants: what it gave out, and the knobs of that.
    :ivar refusal: answers every authorization with this error and description, in place of a person's decision.
    :ivar returns: what it changes on the way back, say ``{"state": "another"}``; None takes a parameter away.
    :ivar any_loopback_port: lets a redirect URI on 127.0.0.1 or [::1] have any port, RFC 8252 §7.3.
    :ivar pkce_required: a client without a secret must use PKCE with S256.
    """

    host: ClassVar[str]
    authorize_path: ClassVar[str]
    #: With a token in the fragment, too.
    implicit: bool = True
    pkce: ClassVar[bool] = True

    def __init__(self, clients: Iterable[Client] = (), *, clock: Clock | None = None) -> None:
        super().__init__(clock)
        self.clients = {client.id: client for client in clients}
        self.grants = Grants(self.clock)
        self.refusal: tuple[str, str] | None = None
        self.returns: Mapping[str, str | None] = {}
        self.any_loopback_port = False
        self.pkce_required = False
        self._asked: dict[str, Asked] = {}

    def register(self, client: Client) -> None:
        """Add a client, whose address may be known only now."""
        self.clients[client.id] = client

    def routes(self) -> Iterable[Route]:
        yield Route("GET", self.authorize_path, self.show)
        yield Route("POST", self.authorize_path, self.decide)

    # -- to be overridden -------------------------------------------------------------------------

    def redirect_uri(self, client: Client, said: str) -> str | None:
        """Give where to go back to, or None when what was said is not registered; it is compared exactly."""
        if said in client.redirect_uris:
            return said
        registered = {without_loopback_port(each) for each in client.redirect_uris} - {None}
        return said if self.any_loopback_port and without_loopback_port(said) in registered else None

    def fragment(self, login: Login, asked: Asked) -> dict[str, str]:
        """Give what is in the fragment of the way back."""
        return {
            "access_token": login.access_token,
            "token_type": "Bearer",
            "expires_in": str(self.grants.lifetime),
        }

    # -- the page ---------------------------------------------------------------------------------

    def show(self, request: Request) -> Response:
        """Ask a person, or say what is wrong: on the page when nobody knows where to go back to."""
        client = self.clients.get(request.args.get("client_id", ""))
        if client is None:
            return message(
                f"{self.host}: error", "Client authentication failed.", element="error", status=401
            )
        said = request.args.get("redirect_uri", "")
        back = self.redirect_uri(client, said)
        if back is None:
            text = "The redirect URI included is not valid."
            return message(f"{self.host}: error", text, element="error", status=400)
        asked = Asked(
            client=client,
            redirect_uri=back,
            said_redirect_uri=said,
            response_type=request.args.get("response_type", "code"),
            scope=request.args.get("scope", ""),
            state=request.args.get("state", ""),
            nonce=request.args.get("nonce", ""),
            challenge=request.args.get("code_challenge", "") if self.pkce else "",
            method=request.args.get("code_challenge_method", "plain") if self.pkce else "",
        )
        try:
            self._check(asked)
        except OAuthError as exc:
            return self._back(asked, {"error": exc.error, "error_description": exc.args[1]})
        ticket = secrets.token_hex(8)
        self._asked[ticket] = asked
        return consent(self.host, client.name, asked.scope.split(), self.authorize_path, ticket)

    def _check(self, asked: Asked) -> None:
        allowed = {"code", "token"} if self.implicit else {"code"}
        if asked.response_type not in allowed:
            raise OAuthError("unsupported_response_type", "The server does not support this response type.")
        if asked.client.scopes and not asked.client.scopes >= set(re.split("[ ,]+", asked.scope)) - {""}:
            raise OAuthError("invalid_scope", "The requested scope is invalid, unknown, or malformed.")
        if asked.challenge and asked.method not in {"S256", "plain"}:
            raise OAuthError(
                "invalid_code_challenge_method", "The code challenge method must be plain or S256."
            )
        wanted = self.pkce_required and asked.client.secret is None and asked.response_type == "code"
        if wanted and not (asked.challenge and asked.method == "S256"):
            raise OAuthError("invalid_request", "Code challenge is required.")

    def decide(self, request: Request) -> Response:
        """Take a person's decision and go back."""
        asked = self._asked.pop(request.form.get("ticket", ""), None)
        if asked is None:
            return message(f"{self.host}: error", "This page was used already.", element="error", status=400)
        if self.refusal is not None:
            return self._back(asked, dict(zip(("error", "error_description"), self.refusal, strict=True)))
        if request.form.get("decision") != "authorize":
            return self._back(asked, {"error": "access_denied", "error_description": DENIED})
        if asked.response_type == "code":
            return self._back(asked, {"code": self.grants.code(asked)})
        # RFC 6749 §4.2.2: there is no refresh token in a fragment.
        login = self.grants.log_in(asked.client, asked.scope, refreshable=False)
        return self._back(asked, self.fragment(login, asked))

    def _back(self, asked: Asked, told: Mapping[str, str]) -> Response:
        given = {**told, **({"state": asked.state} if asked.state else {}), **self.returns}
        encoded = urlencode({name: value for name, value in given.items() if value is not None})
        query = "&" if urlsplit(asked.redirect_uri).query else "?"
        joint = "#" if asked.response_type == "token" else query
        return redirect(f"{asked.redirect_uri}{joint}{encoded}", 302)

    # -- for endpoints of tokens ------------------------------------------------------------------

    def client_of(self, request: Request, said: Mapping[str, str]) -> Client:
        """Give the client that a request is of, which proves it by its secret when it has one."""
        name, secret = basic(request) or (said.get("client_id", ""), said.get("client_secret", ""))
        client = self.clients.get(name)
        if client is None or (client.secret is not None and secret != client.secret):
            raise OAuthError("invalid_client", "Client authentication failed.", 401)
        return client

    def exchange(self, request: Request, said: Mapping[str, str]) -> Login:
        """Take a code or a refresh token."""
        client = self.client_of(request, said)
        kind = said.get("grant_type", "")
        if kind == "authorization_code":
            verifier = said.get("code_verifier", "")
            if verifier and not _VERIFIER.fullmatch(verifier):
                raise OAuthError("invalid_request", "The code verifier is malformed.")
            return self.grants.redeem(need(said, "code"), client, said.get("redirect_uri", ""), verifier)
        if kind == "refresh_token":
            return self.grants.refresh(need(said, "refresh_token"), client)
        if not kind:
            raise OAuthError("invalid_request", "Missing required parameter: grant_type.")
        raise OAuthError(
            "unsupported_grant_type", "The grant type is not supported by the authorization server."
        )

    def revoke(self, request: Request) -> Response:
        """End a token, as RFC 7009 has it: one that nobody knows is no error."""
        said = parameters(request)
        client = self.client_of(request, said)
        self.grants.revoke(need(said, "token"), client)
        return Response("{}", content_type="application/json; charset=utf-8")


def without_loopback_port(url: str) -> str | None:
    """Give an address on a loopback interface without its port; None when it is elsewhere, or names a user."""
    parts = urlsplit(url)
    if parts.hostname not in {"127.0.0.1", "::1"} or "@" in parts.netloc:
        return None
    return urlunsplit(parts._replace(netloc=parts.hostname))


def need(said: Mapping[str, str], name: str) -> str:
    """Give a parameter that must be there."""
    if name not in said:
        raise OAuthError("invalid_request", f"Missing required parameter: {name}.")
    return said[name]
