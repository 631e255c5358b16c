"""Bitbucket as an identity provider: "OAuth 2.0" of the Bitbucket Cloud documentation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar

from werkzeug import Request, Response

from simulators.identity.authorize import AuthorizationServer
from simulators.identity.clock import Clock
from simulators.identity.grants import Asked, Client, Login
from simulators.identity.provider import OAuthError, answer, parameters
from simulators.rest import Route

__all__ = ["BitbucketIdentity"]


class BitbucketIdentity(AuthorizationServer):
    """Gives codes, and tokens in the fragment; a token is had with the consumer's secret alone.

    A refresh token of it lasts: ``grants.rotating`` is False.
    """

    host: ClassVar[str] = "Bitbucket"
    authorize_path: ClassVar[str] = "/site/oauth2/authorize"
    pkce: ClassVar[bool] = False

    def __init__(self, clients: Iterable[Client] = (), *, clock: Clock | None = None) -> None:
        super().__init__(clients, clock=clock)
        self.grants.rotating = False

    def routes(self) -> Iterable[Route]:
        yield from super().routes()
        yield Route("POST", "/site/oauth2/access_token", self.token)

    def redirect_uri(self, client: Client, said: str) -> str | None:
        """Take what begins with the registered address, or that when nothing is said."""
        registered = client.redirect_uris[0] if client.redirect_uris else None
        if not said:
            return registered
        below = (f"{registered}/", f"{registered}?") if registered else ()
        return said if said == registered or said.startswith(below) else None

    def fragment(self, login: Login, asked: Asked) -> dict[str, str]:
        return {
            "access_token": login.access_token,
            "scopes": login.scope,
            "expires_in": str(self.grants.lifetime),
            "token_type": "bearer",
        }

    def client_of(self, request: Request, said: Mapping[str, str]) -> Client:
        client = super().client_of(request, said)
        if client.secret is None:
            raise OAuthError("unauthorized_client", "Invalid OAuth client credentials", 401)
        return client

    def token(self, request: Request) -> Response:
        said = parameters(request)
        try:
            login = self.exchange(request, said)
        except OAuthError as exc:
            if exc.error == "invalid_client":
                raise OAuthError("unauthorized_client", "Invalid OAuth client credentials", 401) from exc
            if said.get("grant_type") == "refresh_token" and exc.error == "invalid_grant":
                raise OAuthError("invalid_request", "Invalid refresh_token") from exc
            raise
        return answer(
            {
                "scopes": login.scope,
                "access_token": login.access_token,
                "expires_in": self.grants.lifetime,
                "token_type": "bearer",
                "state": said["grant_type"],
                "refresh_token": login.refresh_token,
            }
        )
