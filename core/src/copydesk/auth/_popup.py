"""The popup of Netlify and of the servers that people run in its place: a handshake between two windows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import attrs

from copydesk.auth import _oauth
from copydesk.auth._begun import Begun, Kept
from copydesk.auth._pages import opener_page
from copydesk.auth._tokens import FORM
from copydesk.auth._way import Way
from copydesk.auth._words import checked, in_one_line
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
        return kept.is_repeated_in(said)

    def complete(self, kept: Kept, said: Mapping[str, str]) -> Credential:
        if not self.belongs(kept, said):
            raise AuthenticationError(
                "this answer does not belong to the login that was begun; nothing was kept, begin it again"
            )
        verdict = _verdict(said, self.setting("provider"))
        if verdict is None:
            raise AuthenticationError(
                "the login server said what is no answer; nothing was kept, begin it again"
            )
        if isinstance(verdict, str):
            raise AuthenticationError(f"the login was refused ({verdict}); nothing was kept, begin it again")
        return checked(verdict, "the login server")


def _verdict(said: Mapping[str, str], provider: str) -> Credential | str | None:
    """Read ``authorization:<provider>:<word>:<JSON>``: a credential, a reason, or None of what is neither.

    Nothing is raised here, where the token is in variables.
    """
    head, found, rest = said.get("message", "").partition(f"authorization:{provider}:")
    word, _, text = rest.partition(":")
    try:
        data: Any = json.loads(text)
    except ValueError:
        return None
    if head or not found or not isinstance(data, dict):
        return None
    if word == "error":
        # Netlify's servers say `message`, the community's `error`.
        return in_one_line(data.get("message") or data.get("error") or "no reason")
    return _credential(data) if word == "success" else None


def _credential(data: Mapping[str, Any], before: str = "") -> Credential:
    token, refresh = data.get("token"), data.get("refresh_token")
    return Credential(
        token if isinstance(token, str) else "",
        refresh_secret=refresh if isinstance(refresh, str) and refresh else before,
    )


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
        self.client.keep_secret(credential)
        asked = {name: self.settings[name] for name in ("provider", "site_id") if self.settings.get(name)}
        answer = self.client.send(self._in_body(asked, credential), allow=_REFUSED)
        if answer.status in _REFUSED:
            answer = self.client.send(self._in_query(asked, credential))
        return checked(_credential(answer.json_object(), credential.refresh_secret), "the login server")

    def _in_query(self, asked: Mapping[str, str], credential: Credential) -> Request:
        return Request("POST", self.address, {**asked, "refresh_token": credential.refresh_secret})

    def _in_body(self, asked: Mapping[str, str], credential: Credential) -> Request:
        body = urlencode({"refresh_token": credential.refresh_secret})
        return Request("POST", self.address, asked, headers=FORM, content=body.encode("ascii"))
