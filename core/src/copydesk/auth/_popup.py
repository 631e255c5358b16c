"""The popup of Netlify and of the servers that people run in its place: a handshake between two windows."""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import attrs

from copydesk.auth import _oauth
from copydesk.auth._begun import Begun, Kept
from copydesk.auth._pages import opener_page
from copydesk.auth._way import Way
from copydesk.auth._words import checked_secret, in_one_line
from copydesk.errors import AuthenticationError, ConfigError
from copydesk.http import HttpClient, Request, origin_of
from copydesk.models import Credential

__all__ = ["ByPopup", "PopupRefresh"]

_REFUSED: Final = (400, 401, 403, 404, 405, 422)


@attrs.frozen
class ByPopup(Way):
    """A window of the server says to its opener, by ``postMessage``, what the token is."""

    def begin(self, redirect_uri: str) -> Begun:
        asked = {name: self.setting(name) for name in ("provider", "site_id", "scope") if self.setting(name)}
        base = self.setting("authorize_url")
        try:
            origin = origin_of(base)
        except ValueError as exc:
            raise ConfigError(
                "'base_url' must be an address like 'https://example.org'", key="base_url"
            ) from exc
        address = f"{base}?{urlencode(asked)}"
        kept = Kept(
            kind="popup",
            expires=self.deadline(),
            redirect_uri=redirect_uri,
            state=_oauth.new_state(),
        )
        page = opener_page(
            address=address,
            origin=origin,
            provider=self.setting("provider"),
            state=kept.state,
            post_to=urlsplit(redirect_uri).path or "/",
        )
        return Begun(state=kept.to_text(), address=address, page=page)

    def belongs(self, kept: Kept, said: Mapping[str, str]) -> bool:
        return bool(kept.state) and hmac.compare_digest(said.get("state", "").encode(), kept.state.encode())

    def complete(self, kept: Kept, said: Mapping[str, str]) -> Credential:
        if not self.belongs(kept, said):
            raise AuthenticationError(
                "this answer does not belong to the login that was begun; nothing was kept, begin it again"
            )
        word, data = _read(said.get("message", ""), self.setting("provider"))
        if word != "success":
            # Netlify's servers say `message`, the community's `error`.
            reason = in_one_line(data.get("message") or data.get("error") or "no reason")
            raise AuthenticationError(f"the login was refused ({reason}); nothing was kept, begin it again")
        secret = checked_secret(data.get("token", ""), "the login server")
        refresh = data.get("refresh_token") or ""
        return Credential(
            secret, refresh_secret=checked_secret(refresh, "the login server") if refresh else ""
        )


def _read(message: str, provider: str) -> tuple[str, Mapping[str, Any]]:
    """Read ``authorization:<provider>:<word>:<JSON>``.

    :raises AuthenticationError: it is none.
    """
    head, found, rest = message.partition(f"authorization:{provider}:")
    word, _, text = rest.partition(":")
    try:
        data: Any = json.loads(text)
    except ValueError:
        data = None
    if head or not found or word not in {"success", "error"} or not isinstance(data, dict):
        # Not raised where json failed: the frames there hold the message.
        raise AuthenticationError("the login server said what is no answer; nothing was kept, begin it again")
    return word, data


@attrs.frozen
class PopupRefresh:
    """Exchanges the refresh token that a popup gave.

    The CMS puts the token into the query of a POST without body, and Netlify documents neither that nor anything
    else. So a body is tried first, which no log keeps; only a server that refuses it gets the query.
    """

    client: HttpClient
    address: str
    settings: Mapping[str, str]

    def __call__(self, credential: Credential) -> Credential:
        """Exchange it.

        :raises AuthenticationError: the server does not know it, or no longer.
        """
        asked = {name: self.settings[name] for name in ("provider", "site_id") if self.settings.get(name)}
        secret = {"refresh_token": credential.refresh_secret}
        request = Request(
            "POST", self.address, asked, content=urlencode(secret).encode("ascii"), headers=_oauth.FORM
        )
        answer = self.client.send(request, allow=_REFUSED)
        if answer.status in _REFUSED:
            answer = self.client.send(Request("POST", self.address, {**asked, **secret}))
        data = answer.json_object()
        return attrs.evolve(
            credential,
            secret=checked_secret(data.get("token", ""), "the login server"),
            refresh_secret=str(data.get("refresh_token") or credential.refresh_secret),
        )
