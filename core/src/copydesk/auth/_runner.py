"""Running a login flow that a backend declared: begin it, and complete it with what came back.

::

    flow = auth.login_flows("gitlab", repo="group/site", auth_type="pkce", app_id="…")[0]
    runner = auth.runner(flow, backend="gitlab")

    begun = runner.begin("https://editor.example.org/login/done")
    session["login"] = begun.state                     # the person's own session, of the host app
    ...                                                # show begun.page, or redirect to begun.address

    credential = runner.complete(session.pop("login", None), request.args)
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl, urlsplit

import attrs

from copydesk.auth._begun import Begun, Kept
from copydesk.auth._way import Way
from copydesk.auth._words import Said
from copydesk.errors import AuthenticationError, InvalidInputError, NotSupportedError
from copydesk.http import HttpSettings
from copydesk.models import Credential, LoginFlow

__all__ = ["LoginRunner", "runner"]

#: Each kind of flow, and what runs it: only that is imported.
_WAYS: Final = {
    "app": ("_app", "ByApp"),
    "device": ("_device", "ByDevice"),
    "implicit": ("_code", "ByFragment"),
    "password": ("_typed", "ByPassword"),
    "pkce": ("_code", "ByCode"),
    "popup": ("_popup", "ByPopup"),
    "token": ("_typed", "ByToken"),
}


@attrs.frozen
class LoginRunner:
    """Runs one flow; holds nothing of a login, so one is enough for all people and processes."""

    flow: LoginFlow
    way: Way = attrs.field(repr=False)

    def begin(self, redirect_uri: str = "") -> Begun:
        """Begin a login.

        :param redirect_uri: where the person comes back to, as it is registered; a device, a password and a token
            need none.
        :raises InvalidInputError: the flow needs one.
        :raises UnavailableError: the provider did not answer.
        """
        return self.way.begin(redirect_uri)

    def belongs(self, state: str | None, callback: str | Mapping[str, str]) -> bool:
        """Tell whether what came back is an answer to the login of *state*."""
        try:
            kept = self._kept(state)
            return self.way.belongs(kept, _said(kept, callback))
        except AuthenticationError:
            return False

    def complete(self, state: str | None, callback: str | Mapping[str, str] = "") -> Credential:
        """Exchange what came back for a credential; a device waits here until it is let in.

        :param state: that of :meth:`begin`; take it out of the session, for it is good once.
        :param callback: the address that the person came back to, or its query parameters; those of the form where
            it was posted; what ``asks`` asked for.
        :raises AuthenticationError: the person or the provider refused, it is too late, or the answer belongs to
            another login.
        :raises InvalidInputError: what was asked for is missing.
        """
        kept = self._kept(state)
        return self.way.complete(kept, _said(kept, callback))

    def _kept(self, state: str | None) -> Kept:
        kept = Kept.from_text(state)
        if kept.kind != self.flow.kind:
            raise AuthenticationError(
                f"the login that was begun is {kept.kind!r}, and not {self.flow.kind!r}"
            )
        if kept.expires <= self.way.clock():
            raise AuthenticationError("the login took too long; begin it again")
        return kept


def runner(flow: LoginFlow, *, backend: str, http: HttpSettings | None = None) -> LoginRunner:
    """Give what runs a flow.

    :param flow: one of :func:`login_flows`.
    :param backend: whose credential it is, for messages.
    :param http: how requests are sent, where the defaults do not fit.
    :raises NotSupportedError: the core cannot run this kind.
    """
    if flow.kind not in _WAYS:
        raise NotSupportedError(
            f"copydesk runs no login of the kind {flow.kind!r} (known: {', '.join(sorted(_WAYS))})"
        )
    module, name = _WAYS[flow.kind]
    way: type[Way] = getattr(importlib.import_module(f"copydesk.auth.{module}"), name)
    return LoginRunner(flow, way(flow, backend, http or HttpSettings()))


def _said(kept: Kept, callback: str | Mapping[str, str]) -> Said:
    """Read what came back; what the page for fragments posted is the parameters in it."""
    if not isinstance(callback, str):
        return _pairs(callback["fragment"]) if set(callback) == {"fragment"} else Said(callback)
    parts = urlsplit(callback)
    if kept.redirect_uri and callback and parts._replace(query="", fragment="").geturl() != kept.redirect_uri:
        raise AuthenticationError(
            "the answer came to another address than the login was begun with; nothing was kept, begin it again"
        )
    return _pairs("&".join(filter(None, (parts.query, parts.fragment))))


def _pairs(text: str) -> Said:
    pairs = parse_qsl(text, keep_blank_values=True)
    if len(dict(pairs)) < len(pairs):
        raise InvalidInputError("the answer says something twice; nothing was kept, begin the login again")
    return Said(dict(pairs))
