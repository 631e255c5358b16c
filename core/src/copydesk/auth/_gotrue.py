"""GoTrue, the identity server of Netlify and of self-hosted gateways (netlify/gotrue, README)."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import attrs

from copydesk.auth._tokens import TokenDialect, ask_token, read_token
from copydesk.http import Request
from copydesk.models import Credential, User

if TYPE_CHECKING:
    from copydesk.http import Dialect, HttpClient

__all__ = ["GoTrue"]


@attrs.define(eq=False)
class GoTrue:
    """One identity server.

    :param client: of its root, without a credential.
    :param clock: epoch seconds.
    """

    client: HttpClient
    clock: Callable[[], float] = time.time

    @classmethod
    def at(
        cls,
        address: str,
        connect: Callable[[str, Dialect], HttpClient],
        backend: str,
        clock: Callable[[], float] = time.time,
    ) -> GoTrue:
        """Give the server at an address.

        :param connect: makes a client that sends no credential, such as :meth:`copydesk.http.Connector.anonymous`.
        :param backend: whose credential it is, for messages.
        """
        return cls(connect(address, TokenDialect(name=backend)), clock)

    def log_in(self, given: Credential) -> Credential:
        """Exchange e-mail and password for a credential that expires and can be refreshed.

        :param given: the two, as user and secret; a text of its own would be shown by tracebacks with variables.
        :raises AuthenticationError: the server knows no such pair.
        """
        self.client.keep_secret(given)
        answer = self.client.send(
            ask_token("token", grant_type="password", username=given.user, password=given.secret)
        )
        return read_token(answer, self.clock())

    def refresh(self, credential: Credential) -> Credential:
        """Exchange a credential for a fresh one; the server forgets the refresh token of the old one.

        :raises AuthenticationError: it was used before, or revoked by a login elsewhere; log in again.
        """
        self.client.keep_secret(credential)
        answer = self.client.send(
            ask_token("token", grant_type="refresh_token", refresh_token=credential.refresh_secret)
        )
        return read_token(answer, self.clock(), credential)

    def renew(self, credential: Credential) -> Credential:
        """Log in with a password, given as a credential of the scheme ``basic``; refresh any other."""
        if credential.scheme == "basic":
            return self.log_in(credential)
        return self.refresh(credential)

    def user(self, credential: Credential) -> User:
        """Tell whose credential it is.

        :raises AuthenticationError: the server does not know it, or no longer.
        """
        self.client.keep_secret(credential)
        data = self.client.send(Request("GET", "user", headers=_bearer(credential))).json_object()
        more = data.get("user_metadata") or {}
        return User(data["email"], more.get("full_name") or "", data["email"])

    def log_out(self, credential: Credential) -> None:
        """Revoke every refresh token of the user.

        :raises AuthenticationError: the server does not know the credential.
        """
        self.client.keep_secret(credential)
        self.client.send(Request("POST", "logout", headers=_bearer(credential)))


def _bearer(credential: Credential) -> dict[str, str]:
    return {"Authorization": f"Bearer {credential.secret}"}
