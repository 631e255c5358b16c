"""Logging in with what a person types: a token, or e-mail and password."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from copydesk.auth._begun import Begun, Kept
from copydesk.auth._gotrue import GoTrue
from copydesk.auth._way import Way
from copydesk.auth._words import checked
from copydesk.errors import InvalidInputError
from copydesk.models import Credential

__all__ = ["ByPassword", "ByToken"]


@attrs.frozen
class ByToken(Way):
    """A token that the person made on the forge's own page, which the setting ``page`` names.

    The setting ``user`` says what to ask besides, where the forge wants a token as a password.
    """

    def begin(self, redirect_uri: str) -> Begun:  # noqa: ARG002 - nobody comes back
        user = self.setting("user")
        asks = {**({"user": user} if user else {}), "token": self.setting("name") or "token"}
        kept = Kept(kind="token", expires=self.deadline())
        return Begun(state=kept.to_text(), address=self.setting("page"), asks=asks)

    def complete(self, kept: Kept, said: Mapping[str, str]) -> Credential:  # noqa: ARG002 - it proves nothing
        # A line end around it came with the paste; one within did not.
        given = checked(Credential(said.get("token", "").strip()), "the paste")
        user = said.get("user", "").strip() if self.setting("user") else ""
        return attrs.evolve(given, scheme="basic", user=user) if user else given


@attrs.frozen
class ByPassword(Way):
    """E-mail and password of an account at GoTrue, which are exchanged and not kept."""

    def begin(self, redirect_uri: str) -> Begun:  # noqa: ARG002 - nobody comes back
        kept = Kept(kind="password", expires=self.deadline())
        return Begun(state=kept.to_text(), asks={"email": "e-mail", "password": "password"})

    def complete(self, kept: Kept, said: Mapping[str, str]) -> Credential:  # noqa: ARG002 - it proves nothing
        given = Credential(said.get("password", ""), "basic", said.get("email", "").strip())
        if not (given.user and given.secret):
            raise InvalidInputError("a login by password needs an e-mail address and a password")
        address = self.setting("identity_url")
        with self.client(address) as client:
            return checked(GoTrue(client, self.clock).log_in(given), address)
