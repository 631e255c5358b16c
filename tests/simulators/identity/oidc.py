"""A provider of OpenID Connect: discovery, codes with PKCE, and an id token that says who it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar

import jwt
from werkzeug import Request, Response

from simulators.identity.authorize import AuthorizationServer
from simulators.identity.clock import Clock
from simulators.identity.grants import Client, Login
from simulators.identity.keys import Key
from simulators.identity.provider import OAuthError, answer, parameters
from simulators.rest import Route

__all__ = ["OpenIdProvider"]

USER = {"sub": "248289761001", "email": "owner@example.org", "email_verified": True, "name": "Site Owner"}


class OpenIdProvider(AuthorizationServer):
    """Follows "OpenID Connect Core 1.0" and "Discovery 1.0"; clients without a secret must use PKCE.

    :ivar user: the claims of who logs in.
    :ivar id_token_changes: what it changes in the claims of the id token, say ``{"nonce": "another"}``.
    """

    host: ClassVar[str] = "Example Identity"
    authorize_path: ClassVar[str] = "/authorize"

    def __init__(
        self, clients: Iterable[Client] = (), *, clock: Clock | None = None, key: Key | None = None
    ) -> None:
        super().__init__(clients, clock=clock)
        self.implicit = False
        self.pkce_required = True
        self.grants.lifetime = 3600
        self.key = key or Key.shared()
        self.user: Mapping[str, object] = USER
        self.id_token_changes: Mapping[str, object] = {}

    def routes(self) -> Iterable[Route]:
        yield from super().routes()
        yield Route("GET", "/.well-known/openid-configuration", self.configuration)
        yield Route("GET", "/keys", self.keys)
        yield Route("POST", "/token", self.token)
        yield Route("GET", "/userinfo", self.userinfo)
        yield Route("POST", "/revoke", self.revoke)

    def configuration(self, request: Request) -> Response:
        return answer(
            {
                "issuer": self.url,
                "authorization_endpoint": f"{self.url}{self.authorize_path}",
                "token_endpoint": f"{self.url}/token",
                "userinfo_endpoint": f"{self.url}/userinfo",
                "revocation_endpoint": f"{self.url}/revoke",
                "jwks_uri": f"{self.url}/keys",
                "response_types_supported": ["code"],
                "grant_types_supported": ["authorization_code", "refresh_token"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "scopes_supported": ["openid", "email", "profile"],
                "token_endpoint_auth_methods_supported": [
                    "none",
                    "client_secret_basic",
                    "client_secret_post",
                ],
                "code_challenge_methods_supported": ["S256"],
                "claims_supported": sorted(self.user),
            }
        )

    def keys(self, request: Request) -> Response:
        return answer({"keys": [self.key.jwk]})

    def token(self, request: Request) -> Response:
        login = self.exchange(request, parameters(request))
        shown: dict[str, object] = {
            "access_token": login.access_token,
            "token_type": "Bearer",
            "expires_in": self.grants.lifetime,
            "refresh_token": login.refresh_token,
            "scope": login.scope,
        }
        if "openid" in login.scope.split():
            shown["id_token"] = self._id_token(login)
        return answer(shown)

    def _id_token(self, login: Login) -> str:
        now = int(self.clock.now())
        about = {"iss": self.url, "aud": login.client.id, "iat": now, "exp": now + self.grants.lifetime}
        claims = {**about, **self._claims(login), **({"nonce": login.nonce} if login.nonce else {})}
        headers = {"kid": str(self.key.jwk["kid"])}
        return jwt.encode({**claims, **self.id_token_changes}, self.key.private, "RS256", headers)

    def _claims(self, login: Login) -> dict[str, object]:
        scopes = set(login.scope.split())
        of = {"email": "email", "email_verified": "email", "name": "profile"}
        return {name: value for name, value in self.user.items() if of.get(name, "openid") in scopes}

    def userinfo(self, request: Request) -> Response:
        given = request.authorization
        login = self.grants.login((given.token or "") if given is not None and given.type == "bearer" else "")
        if login is None:
            raise OAuthError("invalid_token", "The access token is invalid or expired.", 401)
        return answer(self._claims(login))
