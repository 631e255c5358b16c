"""The device flow: a person types a code on another device (RFC 8628)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

import attrs

from copydesk.auth import _oauth
from copydesk.auth._begun import Begun, Kept
from copydesk.auth._tokens import ask_with, read_token
from copydesk.auth._way import Way
from copydesk.auth._words import checked, in_one_line
from copydesk.errors import AuthenticationError, ProtocolError, UnavailableError
from copydesk.http import Answer, HttpClient, Request
from copydesk.models import Credential

__all__ = ["ByDevice"]

#: Seconds between two questions where the provider does not say (RFC 8628 §3.2), and what slow_down adds (§3.5).
INTERVAL: Final = 5.0
_WAITING: Final = frozenset({"authorization_pending", "slow_down"})
_ENDED: Final = {
    "access_denied": "the person refused; nothing was kept",
    "expired_token": "nobody typed the code in time; begin the login again",
}


@attrs.frozen
class ByDevice(Way):
    """Shows a code to type, and asks until somebody did."""

    def begin(self, redirect_uri: str) -> Begun:  # noqa: ARG002 - nobody comes back
        address = self.setting("device_url")
        scope = self.setting("scope")
        form = urlencode({"client_id": self.client_id, **({"scope": scope} if scope else {})})
        with self.client(address) as client:
            answer = client.send(ask_with(address, form))
        data = answer.json_object()
        try:
            kept = Kept(
                kind="device",
                expires=self.clock() + float(data["expires_in"]),
                device_code=str(data["device_code"]),
                interval=float(data.get("interval") or INTERVAL),
            )
            shown, code = str(data["verification_uri"]), str(data["user_code"])
        except (KeyError, ValueError, TypeError) as exc:
            raise ProtocolError(
                f"{address} does not answer as RFC 8628 says; is app_id that of an application with a device flow?"
            ) from exc
        return Begun(state=kept.to_text(), address=_checked(shown), user_code=in_one_line(code))

    def complete(self, kept: Kept, said: Mapping[str, str]) -> Credential:  # noqa: ARG002 - all is in *kept*
        address, interval = self.setting("token_url"), kept.interval
        request = _oauth.ask_for_device(address, self.client_id, kept.device_code)
        with self.client(address) as client:
            client.keep_secret(Credential(kept.device_code))
            while self.clock() + interval < kept.expires:
                self.http.sleep(interval)
                answer = _asked(client, request)
                error, said_interval = _waits(answer) if answer is not None else ("", 0.0)
                if answer is not None and not error:
                    return self._given(answer)
                # A question that got no answer asks less often too (§3.5).
                if error != "authorization_pending":
                    interval = max(interval + INTERVAL, said_interval)
        raise AuthenticationError(_ENDED["expired_token"])

    def _given(self, answer: Answer) -> Credential:
        _oauth.check_token(answer)
        return checked(read_token(answer, self.clock()), "the provider")


def _asked(client: HttpClient, request: Request) -> Answer | None:
    """Ask once; None where the network had no answer."""
    try:
        return client.send(request, allow={400, 401, 403})
    except UnavailableError:
        return None


def _waits(answer: Answer) -> tuple[str, float]:
    """Tell why it is too early, and how long to wait; "" where it is not.

    :raises AuthenticationError: the waiting is over.
    """
    try:
        data = json.loads(answer.content)
    except ValueError:
        data = {}
    error = str(data.get("error", "")) if isinstance(data, dict) else ""
    if error in _WAITING:
        return error, float(data.get("interval") or 0.0)
    if error in _ENDED:
        raise AuthenticationError(_ENDED[error])
    return "", 0.0


def _checked(address: str) -> str:
    """Give the address of the page for the code; it is opened in a browser, so it must be one."""
    if not address.startswith(("https://", "http://")):
        raise ProtocolError("the provider names a page for the code that is no web address")
    return address
