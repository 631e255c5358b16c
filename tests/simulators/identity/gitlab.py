"""GitLab as an identity provider: "OAuth 2.0 identity provider API" of its documentation, on Doorkeeper."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from werkzeug import Request, Response

from simulators.identity.authorize import AuthorizationServer, need
from simulators.identity.clock import Clock
from simulators.identity.devices import DEVICE_CODE, Devices
from simulators.identity.grants import Asked, Client, Login
from simulators.identity.provider import OAuthError, answer, parameters
from simulators.rest import Route

__all__ = ["GitLabIdentity"]


class GitLabIdentity(AuthorizationServer):
    """Gives codes (with PKCE), tokens in the fragment, and tokens to devices; refresh tokens rotate.

    :ivar implicit: lets the token be in the fragment, as GitLab did before 15.0.
    :ivar devices: those that wait, and how often they may ask.
    """

    host: ClassVar[str] = "GitLab"
    authorize_path: ClassVar[str] = "/oauth/authorize"

    def __init__(
        self, clients: Iterable[Client] = (), *, clock: Clock | None = None, implicit: bool = True
    ) -> None:
        clock = clock or Clock()
        # Its intervals do not grow; it is the client that must ask less often, RFC 8628 §3.5.
        self.devices = Devices(clock, self.host, "/oauth/device", lifetime=300, slower=0, hyphen=False)
        super().__init__(clients, clock=clock)
        self.implicit = implicit

    def routes(self) -> Iterable[Route]:
        yield from super().routes()
        yield from self.devices.routes()
        yield Route("POST", "/oauth/token", self.token)
        yield Route("POST", "/oauth/authorize_device", self.authorize_device)
        yield Route("POST", "/oauth/revoke", self.revoke)
        yield Route("GET", "/oauth/token/info", self.info)

    def fragment(self, login: Login, asked: Asked) -> dict[str, str]:
        told = super().fragment(login, asked)
        return {**told, "scope": login.scope}

    def token(self, request: Request) -> Response:
        said = parameters(request)
        if said.get("grant_type") == DEVICE_CODE:
            client = self.client_of(request, said)
            device = self.devices.poll(need(said, "device_code"), client)
            return answer(self._shown(self.grants.log_in(client, device.scope)))
        return answer(self._shown(self.exchange(request, said)))

    def _shown(self, login: Login) -> dict[str, object]:
        return {
            "access_token": login.access_token,
            "token_type": "Bearer",
            "expires_in": self.grants.lifetime,
            "refresh_token": login.refresh_token,
            "scope": login.scope,
            "created_at": int(login.created),
        }

    def authorize_device(self, request: Request) -> Response:
        said = parameters(request)
        client = self.client_of(request, said)
        device = self.devices.begin(client, said.get("scope", ""))
        page = f"{self.url}{self.devices.path}"
        return answer(
            {
                "device_code": device.device_code,
                "user_code": device.user_code,
                "verification_uri": page,
                "verification_uri_complete": f"{page}?user_code={device.user_code}",
                "expires_in": self.devices.lifetime,
                "interval": int(self.devices.interval),
            }
        )

    def info(self, request: Request) -> Response:
        given = request.authorization
        login = self.grants.login((given.token or "") if given is not None and given.type == "bearer" else "")
        if login is None:
            raise OAuthError("invalid_token", "The access token is invalid", 401)
        left = int(login.expires - self.clock.now())
        return answer(
            {
                "resource_owner_id": 1,
                "scope": login.scope.split(),
                "expires_in": left,
                "application": {"uid": login.client.id},
                "created_at": int(login.created),
            }
        )
