"""The device flow, RFC 8628: codes, how often a client may ask, and the page where a person types one."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from typing import Final
from urllib.parse import urlencode

import attrs
from werkzeug import Request, Response
from werkzeug.utils import redirect

from simulators.identity.authorize import DENIED
from simulators.identity.clock import Clock
from simulators.identity.grants import INVALID_GRANT, Client
from simulators.identity.pages import consent, form, message, page
from simulators.identity.provider import OAuthError
from simulators.rest import Route

__all__ = ["DEVICE_CODE", "Device", "Devices"]

DEVICE_CODE: Final = "urn:ietf:params:oauth:grant-type:device_code"
#: Without vowels and what looks alike, RFC 8628 §6.1.
LETTERS: Final = "BCDFGHJKLMNPQRSTVWXZ"


@attrs.define(eq=False)
class Device:
    """A client that waits until somebody typed its code."""

    client: Client
    scope: str
    device_code: str = attrs.field(repr=False)
    user_code: str
    expires: float
    interval: float
    asked: float | None = None
    #: None until a person decided.
    allowed: bool | None = None
    used: bool = False


@attrs.define(eq=False)
class Devices:
    """Those that wait at a provider, and its page for them.

    :ivar host: as which the pages speak.
    :ivar path: of the page.
    :ivar interval: the fewest seconds between two requests for a token.
    :ivar lifetime: seconds that a code is good for.
    :ivar slower: seconds that are added to the interval of a client that asks too soon.
    """

    clock: Clock
    host: str
    path: str
    interval: float = 5
    lifetime: int = 900
    slower: float = 5
    hyphen: bool = True
    waiting: list[Device] = attrs.field(factory=list)

    def begin(self, client: Client, scope: str) -> Device:
        """Give codes to a client."""
        letters = [secrets.choice(LETTERS) for _ in range(8)]
        user_code = "".join(letters[:4]) + ("-" if self.hyphen else "") + "".join(letters[4:])
        end = self.clock.now() + self.lifetime
        device = Device(client, scope, secrets.token_hex(20), user_code, end, self.interval)
        self.waiting.append(device)
        return device

    def poll(self, device_code: str, client: Client, unknown: str = "invalid_grant") -> Device:
        """Give the device when a person let it in, once; raise what it has to hear otherwise."""
        device = next((each for each in self.waiting if each.device_code == device_code), None)
        if device is None or device.client.id != client.id or device.used:
            raise OAuthError(unknown, INVALID_GRANT)
        now = self.clock.now()
        last, device.asked = device.asked, now
        if device.expires <= now:
            raise OAuthError("expired_token", "The device_code has expired.")
        if last is not None and now - last < device.interval:
            device.interval += self.slower
            raise OAuthError("slow_down", "Too many requests have been made in the same timeframe.")
        if device.allowed is None:
            raise OAuthError("authorization_pending", "The authorization request is still pending.")
        device.used = True
        if not device.allowed:
            raise OAuthError("access_denied", DENIED)
        return device

    def decide(self, user_code: str, *, allowed: bool) -> None:
        """Decide as a person does on the page."""
        device = self._typed(user_code)
        if device is None:
            raise LookupError(f"no device waits with {user_code!r}")
        device.allowed = allowed

    def _typed(self, user_code: str) -> Device | None:
        def bare(code: str) -> str:
            return "".join(letter for letter in code.upper() if letter.isalnum())

        for device in self.waiting:
            open_ = device.allowed is None and device.expires > self.clock.now()
            if open_ and bare(device.user_code) == bare(user_code):
                return device
        return None

    # -- the pages --------------------------------------------------------------------------------

    def routes(self) -> Iterable[Route]:
        yield Route("GET", self.path, self._ask)
        yield Route("POST", self.path, self._take)
        yield Route("GET", f"{self.path}/confirm", self._confirm)
        yield Route("POST", f"{self.path}/confirm", self._confirmed)

    def _ask(self, request: Request) -> Response:
        typed = request.args.get("user_code", "")
        shown = (
            '<label>Enter the code displayed on your device <input id="user_code" name="user_code"></label> '
            '<button id="continue">Continue</button>'
        )
        if typed:
            return redirect(f"{self.path}/confirm?{urlencode({'user_code': typed})}", 302)
        return page(f"{self.host}: device activation", form(self.path, {}, shown))

    def _take(self, request: Request) -> Response:
        typed = request.form.get("user_code", "")
        if self._typed(typed) is None:
            return message(f"{self.host}: error", "This code is not valid.", element="error", status=422)
        return redirect(f"{self.path}/confirm?{urlencode({'user_code': typed})}", 303)

    def _confirm(self, request: Request) -> Response:
        device = self._typed(request.args.get("user_code", ""))
        if device is None:
            return message(f"{self.host}: error", "This code is not valid.", element="error", status=404)
        name, scopes = device.client.name, device.scope.split()
        return consent(self.host, name, scopes, f"{self.path}/confirm", device.user_code)

    def _confirmed(self, request: Request) -> Response:
        allowed = request.form.get("decision") == "authorize"
        try:
            self.decide(request.form.get("ticket", ""), allowed=allowed)
        except LookupError:
            return message(f"{self.host}: error", "This code is not valid.", element="error", status=404)
        told = "Congratulations, you're all set!" if allowed else "The device was refused."
        return message(self.host, told, element="done")
