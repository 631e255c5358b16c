"""Logging in on a provider's own page: with a code and PKCE, or with a token in the fragment."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from copydesk.auth import _oauth
from copydesk.auth._begun import Begun, Kept
from copydesk.auth._oidc import Endpoints, check_id_token, discover
from copydesk.auth._tokens import ends_at, read_token
from copydesk.auth._way import Way
from copydesk.auth._words import checked
from copydesk.errors import AuthenticationError, InvalidInputError
from copydesk.models import Credential

__all__ = ["ByCode", "ByFragment"]


@attrs.frozen
class ByCode(Way):
    """Authorization code with PKCE and S256 (RFC 6749 §4.1, RFC 7636); OpenID Connect where there is an issuer."""

    def begin(self, redirect_uri: str) -> Begun:
        _check_uri(redirect_uri)
        kept = Kept(
            kind="pkce",
            expires=self.deadline(),
            redirect_uri=redirect_uri,
            state=_oauth.new_state(),
            verifier=_oauth.new_verifier(),
            nonce=_oauth.new_state() if self.issuer else "",
        )
        address = _oauth.authorize_address(
            self._endpoints().authorize_url,
            "code",
            client_id=self.client_id,
            redirect_uri=redirect_uri,
            scope=self.setting("scope"),
            state=kept.state,
            nonce=kept.nonce,
            code_challenge=_oauth.challenge(kept.verifier),
            code_challenge_method="S256",
        )
        return Begun(state=kept.to_text(), address=address)

    def belongs(self, kept: Kept, said: Mapping[str, str]) -> bool:
        return kept.is_repeated_in(said)

    def complete(self, kept: Kept, said: Mapping[str, str]) -> Credential:
        code = Credential(_oauth.read_code(said, kept.state), refresh_secret=kept.verifier)
        # RFC 9207: a provider that names itself must be the one that was asked.
        if self.issuer and said.get("iss", self.issuer).rstrip("/") != self.issuer.rstrip("/"):
            raise AuthenticationError("another provider answered than the one that was asked; begin it again")
        request = _oauth.ask_for_code(
            self._endpoints().token_url, self.client_id, code, redirect_uri=kept.redirect_uri
        )
        with self.client(request.path) as client:
            client.keep_secret(code)
            answer = client.send(request)
            _oauth.check_token(answer)
        now = self.clock()
        if self.issuer:
            check_id_token(answer, issuer=self.issuer, client_id=self.client_id, nonce=kept.nonce, now=now)
        return checked(read_token(answer, now), "the provider")

    @property
    def issuer(self) -> str:
        return self.setting("issuer")

    def _endpoints(self) -> Endpoints:
        if not self.issuer:
            return Endpoints(self.setting("authorize_url"), self.setting("token_url"))
        with self.client(self.issuer) as client:
            return discover(client, self.issuer)


@attrs.frozen
class ByFragment(Way):
    """The implicit grant (RFC 6749 §4.2), for configurations of old: the token is in the address."""

    def begin(self, redirect_uri: str) -> Begun:
        _check_uri(redirect_uri)
        kept = Kept(
            kind="implicit",
            expires=self.deadline(),
            redirect_uri=redirect_uri,
            state=_oauth.new_state(),
        )
        address = _oauth.authorize_address(
            self.setting("authorize_url"),
            "token",
            client_id=self.client_id,
            redirect_uri=redirect_uri,
            scope=self.setting("scope"),
            state=kept.state,
        )
        return Begun(state=kept.to_text(), address=address)

    def belongs(self, kept: Kept, said: Mapping[str, str]) -> bool:
        return kept.is_repeated_in(said)

    def complete(self, kept: Kept, said: Mapping[str, str]) -> Credential:
        token = _oauth.read_fragment(said, kept.state)
        if token.get("token_type", "bearer").lower() != "bearer":
            raise AuthenticationError("the provider gave a token of a kind that copydesk cannot send")
        ends = ends_at(token.get("expires_in"), self.clock())
        return checked(Credential(token["access_token"], expires_at=ends), "the provider")


def _check_uri(redirect_uri: str) -> None:
    if not redirect_uri.startswith(("https://", "http://")):
        raise InvalidInputError(
            f"{redirect_uri!r} is no redirect URI: give the whole address that is registered with the provider"
        )
