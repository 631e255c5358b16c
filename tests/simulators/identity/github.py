"""GitHub as an identity provider: "Authorizing OAuth apps" of its documentation, and tokens of installations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar, Final
from urllib.parse import urlencode, urlsplit

import jwt
from werkzeug import Request, Response

from simulators.identity.authorize import AuthorizationServer, need
from simulators.identity.clock import Clock
from simulators.identity.devices import DEVICE_CODE, Devices
from simulators.identity.grants import Client, Login
from simulators.identity.keys import Key
from simulators.identity.provider import OAuthError, answer, parameters
from simulators.rest import Route

__all__ = ["App", "GitHubIdentity"]

DOCS: Final = "https://docs.github.com"
#: Seconds that a token of an installation is good for.
HOUR: Final = 3600
TEN_MINUTES: Final = 600
_UNCHECKED: Final[Any] = {f"verify_{claim}": False for claim in ("exp", "iat", "iss", "aud")}


class App:
    """A GitHub App, its key and where it is installed: the ids, and what each may."""

    def __init__(
        self,
        id: int,  # noqa: A002 - as GitHub has it
        installations: Mapping[int, Mapping[str, str]],
        *,
        client_id: str = "Iv23liApp",
        key: Key | None = None,
    ) -> None:
        self.id = id
        self.client_id = client_id
        self.installations = installations
        self.key = key or Key.shared()


class GitHubIdentity(AuthorizationServer):
    """Gives codes and tokens to web servers, to devices, and to installations of an App.

    Errors of tokens are 200s. Answers are form-encoded for who does not ask for JSON.

    :ivar expiring: tokens are those of a GitHub App: they end after eight hours and can be refreshed.
    :ivar device_flow: it is enabled for the clients.
    :ivar installation_tokens: those given out, and when each ends.
    """

    host: ClassVar[str] = "GitHub"
    authorize_path: ClassVar[str] = "/login/oauth/authorize"

    def __init__(
        self,
        clients: Iterable[Client] = (),
        *,
        app: App | None = None,
        clock: Clock | None = None,
        expiring: bool = False,
    ) -> None:
        clock = clock or Clock()
        self.devices = Devices(clock, self.host, "/login/device")
        super().__init__(clients, clock=clock)
        self.implicit = False
        self.any_loopback_port = True
        self.app = app
        self.expiring = expiring
        self.device_flow = True
        self.installation_tokens: dict[str, float] = {}
        self.grants.prefix = "ghu_" if expiring else "gho_"
        self.grants.refresh_prefix = "ghr_"
        self.grants.lifetime = 28_800 if expiring else 10 * 365 * 86_400

    def routes(self) -> Iterable[Route]:
        yield from super().routes()
        yield from self.devices.routes()
        yield Route("POST", "/login/device/code", self.device_code)
        yield Route("POST", "/login/oauth/access_token", self.access_token)
        for root in ("", "/api/v3"):  # as GitHub Enterprise has it, too
            yield Route("POST", f"{root}/app/installations/<installation>/access_tokens", self.installation)

    def redirect_uri(self, client: Client, said: str) -> str | None:
        """Take what is on the registered host and port and below its path, or that when nothing is said."""
        if not said:
            return client.redirect_uris[0] if client.redirect_uris else None
        wanted = urlsplit(said)
        for each in client.redirect_uris:
            known = urlsplit(each)
            same = (wanted.scheme, wanted.netloc) == (known.scheme, known.netloc)
            if same and (wanted.path == known.path or wanted.path.startswith(known.path.rstrip("/") + "/")):
                return said
        return super().redirect_uri(client, said)

    # -- OAuth ------------------------------------------------------------------------------------

    def device_code(self, request: Request) -> Response:
        said = parameters(request)
        client = self.clients.get(said.get("client_id", ""))
        if client is None:
            return _told(request, {"error": "Not Found"}, 404)
        if not self.device_flow:
            text = "Device Flow must be explicitly enabled for this App"
            return _told(request, _failed(OAuthError("device_flow_disabled", text)), 400)
        device = self.devices.begin(client, said.get("scope", ""))
        shown = {
            "device_code": device.device_code,
            "user_code": device.user_code,
            "verification_uri": f"{self.url}{self.devices.path}",
            "expires_in": self.devices.lifetime,
            "interval": int(self.devices.interval),
        }
        return _told(request, shown)

    def access_token(self, request: Request) -> Response:
        said = parameters(request)
        try:
            return _told(request, self._shown(self._login(request, said)))
        except OAuthError as exc:
            return _told(request, {**_failed(exc), **self._interval(exc, said)})

    def _login(self, request: Request, said: Mapping[str, str]) -> Login:
        kind = said.get("grant_type", "authorization_code")
        if kind == DEVICE_CODE:
            client = self.clients.get(said.get("client_id", ""))
            if client is None:
                raise OAuthError("incorrect_client_credentials", "The client_id passed is incorrect.")
            device = self.devices.poll(need(said, "device_code"), client, "incorrect_device_code")
            return self.grants.log_in(client, device.scope, refreshable=self.expiring)
        try:
            login = self.exchange(request, {"grant_type": kind, **said})
        except OAuthError as exc:
            named = {"invalid_client": "incorrect_client_credentials"}
            if exc.error == "invalid_grant":
                named["invalid_grant"] = (
                    "bad_refresh_token" if kind == "refresh_token" else "bad_verification_code"
                )
            raise OAuthError(named.get(exc.error, exc.error), exc.args[1]) from exc
        return login

    def client_of(self, request: Request, said: Mapping[str, str]) -> Client:
        """A refresh needs no secret: that of a device flow has none."""
        client = self.clients.get(said.get("client_id", ""))
        if said.get("grant_type") == "refresh_token" and client is not None and "client_secret" not in said:
            return client
        return super().client_of(request, said)

    def _interval(self, exc: OAuthError, said: Mapping[str, str]) -> dict[str, object]:
        if exc.error != "slow_down":
            return {}
        code = said.get("device_code")
        device = next(each for each in self.devices.waiting if each.device_code == code)
        return {"interval": int(device.interval)}

    def _shown(self, login: Login) -> dict[str, object]:
        scope = "" if self.expiring else ",".join(login.scope.replace(",", " ").split())
        shown: dict[str, object] = {
            "access_token": login.access_token,
            "token_type": "bearer",
            "scope": scope,
        }
        if not self.expiring:
            return shown
        ends = {"expires_in": self.grants.lifetime, "refresh_token_expires_in": 15_897_600}
        return {**shown, **ends, "refresh_token": login.refresh_token}

    # -- installations ----------------------------------------------------------------------------

    def installation(self, request: Request, installation: str) -> Response:
        problem = self._problem(request)
        if problem:
            return answer({"message": problem, "documentation_url": f"{DOCS}/rest"}, 401)
        assert self.app is not None
        permissions = self.app.installations.get(int(installation)) if installation.isdigit() else None
        if permissions is None:
            return answer({"message": "Not Found", "documentation_url": f"{DOCS}/rest"}, 404)
        token = f"ghs_{self.grants.make()}"
        end = self.clock.now() + HOUR
        self.installation_tokens[token] = end
        self.grants.issued(token)
        shown = datetime.fromtimestamp(end, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        told = {
            "token": token,
            "expires_at": shown,
            "permissions": permissions,
            "repository_selection": "all",
        }
        return answer(told, 201)

    def _problem(self, request: Request) -> str | None:
        given = request.authorization
        if given is None or given.type != "bearer" or self.app is None:
            return "A JSON web token could not be decoded"
        try:
            # The times are compared with this provider's clock below.
            unchecked = {"verify_exp": False, "verify_iat": False, "verify_iss": False, "verify_aud": False}
            claims = jwt.decode(
                given.token or "", self.app.key.public, algorithms=["RS256"], options=unchecked
            )
        except jwt.InvalidTokenError:
            return "A JSON web token could not be decoded"
        return self._wrong(claims, self.app)

    def _wrong(self, claims: Mapping[str, Any], app: App) -> str | None:
        now = self.clock.now()
        if claims.get("iss") not in {app.id, str(app.id), app.client_id}:
            return "'Issuer' claim ('iss') must be an Integer"
        issued, end = claims.get("iat"), claims.get("exp")
        if not isinstance(issued, int) or issued > now:
            return "'Issued at' claim ('iat') must be an Integer representing the time it was issued"
        if not isinstance(end, int) or end <= now:
            return (
                "'Expiration time' claim ('exp') must be a numeric value representing the future time at which "
                "the assertion expires"
            )
        return "'Expiration time' claim ('exp') is too far in the future" if end > now + TEN_MINUTES else None


def _failed(exc: OAuthError) -> dict[str, object]:
    return {**exc.body, "error_uri": DOCS}


def _told(request: Request, data: Mapping[str, object], status: int = 200) -> Response:
    """Answer form-encoded, or as JSON to who asks for it."""
    if "application/json" in request.headers.get("Accept", ""):
        return answer(data, status)
    kind = "application/x-www-form-urlencoded; charset=utf-8"
    return Response(urlencode(data), status, {"Cache-Control": "no-store"}, content_type=kind)
