"""The server of the popup: Netlify's, and those that people run in its place."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterable, Mapping
from typing import Final, Self
from urllib.parse import urlencode

import attrs
import requests
from werkzeug import Request, Response
from werkzeug.utils import redirect

from simulators.identity.authorize import AuthorizationServer
from simulators.identity.clock import Clock
from simulators.identity.grants import Client
from simulators.identity.handshakes import Manner, script, verdict
from simulators.identity.pages import page
from simulators.identity.provider import IdentityProvider, answer
from simulators.rest import Route

__all__ = ["PopupServer"]

#: Where each forge has people authorize, and where it gives tokens.
_PATHS: Final = {
    "github": ("/login/oauth/authorize", "/login/oauth/access_token"),
    "gitlab": ("/oauth/authorize", "/oauth/token"),
    "bitbucket": ("/site/oauth2/authorize", "/site/oauth2/access_token"),
}
_ID: Final = "popup-server"


@attrs.frozen
class _Refresh:
    """A refresh token of its own, for one of a forge."""

    provider: str
    theirs: str = attrs.field(repr=False)


class PopupServer(IdentityProvider):
    """Has a person authorize on the page of a forge, exchanges the code and tells the opener the token.

    :param forges: by what ``provider=`` says; they must run already.
    :param sites: the ``site_id`` that it knows; all when it is None.
    :ivar manner: how the last page speaks.
    :ivar refusal: tells this as an error in place of a token.
    :ivar alter: changes what is in the JSON of a success.
    :ivar refreshes: the providers whose JSON has a refresh token.
    :ivar detour: sends the popup there in place of the forge, as an open redirect would.
    :ivar framed: an address that the last page has in a frame.
    :ivar headers: those of the last page; ``{"Cross-Origin-Opener-Policy": "same-origin"}`` cuts it off.
    :ivar reused: the refresh tokens that somebody used again.
    """

    def __init__(
        self,
        forges: Mapping[str, AuthorizationServer],
        *,
        manner: Manner = Manner.NETLIFY,
        sites: Iterable[str] | None = None,
        clock: Clock | None = None,
    ) -> None:
        super().__init__(clock)
        self.forges = forges
        self.manner = manner
        self.sites = None if sites is None else frozenset(sites)
        self.refusal: str | None = None
        self.alter: Callable[[dict[str, str]], dict[str, str]] = dict
        self.refreshes = {"bitbucket"}
        self.detour: str | None = None
        self.framed: str | None = None
        self.headers: Mapping[str, str] = {}
        self.reused: list[str] = []
        self._secret = secrets.token_hex(16)
        self._states: dict[str, str] = {}
        self._refreshes: dict[str, _Refresh | None] = {}

    def start(self) -> Self:
        super().start()
        for forge in self.forges.values():
            forge.register(Client(_ID, (f"{self.url}/callback",), self._secret, name="Popup server"))
        return self

    def routes(self) -> Iterable[Route]:
        yield Route("GET", "/auth", self.auth)
        yield Route("GET", "/callback", self.callback)
        yield Route("POST", "/auth/refresh", self.refresh)

    def auth(self, request: Request) -> Response:
        """Send the popup to the forge."""
        provider = request.args.get("provider", "")
        forge = self.forges.get(provider)
        if forge is None or not self._knows(request):
            return Response("Not Found", 404)
        if self.detour is not None:
            return redirect(self.detour, 302)
        state = secrets.token_hex(8)
        self._states[state] = provider
        asked = {
            "client_id": _ID,
            "redirect_uri": f"{self.url}/callback",
            "response_type": "code",
            "scope": request.args.get("scope", ""),
            "state": state,
        }
        return redirect(f"{forge.url}{_PATHS[provider][0]}?{urlencode(asked)}", 302)

    def _knows(self, request: Request) -> bool:
        return self.sites is None or request.args.get("site_id", "") in self.sites

    def callback(self, request: Request) -> Response:
        """Take the forge's answer, and show the page that tells the opener."""
        provider = self._states.pop(request.args.get("state", ""), None)
        if provider is None:
            return Response("Invalid state parameter", 400)
        if self.refusal is not None:
            return self._last(provider, None, self.refusal)
        code = request.args.get("code")
        if code is None:
            return self._last(provider, None, request.args.get("error_description", "no code"))
        given = self._ask(
            provider, grant_type="authorization_code", code=code, redirect_uri=f"{self.url}/callback"
        )
        if "access_token" not in given:
            return self._last(provider, None, given.get("error_description", "no token"))
        return self._last(provider, self._told(provider, given))

    def _told(self, provider: str, given: Mapping[str, str]) -> dict[str, str]:
        told = {"token": given["access_token"]}
        if provider in self.refreshes:
            told["refresh_token"] = self._keep(provider, given.get("refresh_token", ""))
        return self.alter(told)

    def _last(self, provider: str, token: Mapping[str, str] | None, refusal: str = "") -> Response:
        content = json.dumps(verdict(self.manner, provider, token=token, refusal=refusal))
        word = "error" if token is None else "success"
        told = f"authorization:{provider}:{word}:{content}"
        frame = f'<iframe src="{self.framed}"></iframe>' if self.framed else ""
        said = script(self.manner, provider, told)
        return page("Authorizing", f'<p id="status">waiting</p>{frame}', script=said, headers=self.headers)

    def _ask(self, provider: str, **said: str) -> dict[str, str]:
        forge = self.forges[provider]
        with requests.Session() as session:
            session.trust_env = False
            given: dict[str, str] = session.post(
                f"{forge.url}{_PATHS[provider][1]}",
                data={"client_id": _ID, "client_secret": self._secret, **said},
                headers={"Accept": "application/json"},
                timeout=10,
            ).json()
        return given

    # -- refreshing -------------------------------------------------------------------------------

    def refresh(self, request: Request) -> Response:
        """Give new tokens for a refresh token, which is used up; everything is said in the query."""
        provider, token = request.args.get("provider", ""), request.args.get("refresh_token", "")
        if provider not in self.refreshes or not self._knows(request):
            return answer({"code": 404, "message": "Not Found"}, 404)
        known = self._refreshes.get(token)
        if token in self._refreshes and known is None:
            self.reused.append(token)
        if known is None or known.provider != provider:
            return answer({"code": 401, "message": "Unauthorized"}, 401)
        given = self._ask(provider, grant_type="refresh_token", refresh_token=known.theirs)
        if "access_token" not in given:
            return answer({"code": 401, "message": "Unauthorized"}, 401)
        self._refreshes[token] = None
        return answer(
            {"token": given["access_token"], "refresh_token": self._keep(provider, given["refresh_token"])}
        )

    def _keep(self, provider: str, theirs: str) -> str:
        token = secrets.token_hex(20)
        self._refreshes[token] = _Refresh(provider, theirs)
        return token
