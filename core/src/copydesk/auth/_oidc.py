"""OpenID Connect: a provider's endpoints, and whether its id token is for this login (Core 1.0, Discovery 1.0)."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

import attrs

from copydesk.errors import AuthenticationError, ConfigError, ProtocolError
from copydesk.http import Answer, HttpClient, Request, origin_of
from copydesk.http._origins import is_secure

__all__ = ["SKEW", "Endpoints", "check_id_token", "discover"]

#: Seconds that the clocks of two machines may be apart.
SKEW = 300.0


@attrs.frozen
class Endpoints:
    """Where a person authorizes, and where a code becomes a token."""

    authorize_url: str
    token_url: str


def discover(client: HttpClient, issuer: str) -> Endpoints:
    """Ask a provider for its endpoints.

    :raises ConfigError: it has no such page, or one of another issuer.
    """
    try:
        answer = client.send(Request("GET", ".well-known/openid-configuration"))
        data = answer.json_object()
        found = Endpoints(str(data["authorization_endpoint"]), str(data["token_endpoint"]))
    except (ProtocolError, KeyError) as exc:
        raise ConfigError(
            f"{issuer} does not describe itself as OpenID Connect does; correct base_url, or set use_oidc: false",
            key="base_url",
        ) from exc
    # Discovery 1.0 §4.3: or somebody else could answer for it.
    if str(data.get("issuer", "")).rstrip("/") != issuer.rstrip("/"):
        raise ConfigError(
            f"{issuer} describes itself as another issuer; write base_url as it does", key="base_url"
        )
    if not all(map(_is_secure, (found.authorize_url, found.token_url))):
        raise ConfigError(f"{issuer} names endpoints that are not https; do not log in there", key="base_url")
    return found


def _is_secure(address: str) -> bool:
    try:
        return is_secure(origin_of(address))
    except ValueError:
        return False


def check_id_token(answer: Answer, *, issuer: str, client_id: str, nonce: str, now: float) -> None:
    """Make sure that the id token beside an access token is for this login (Core 1.0 §3.1.3.7).

    It came from the token endpoint itself, over TLS, so its signature need not be checked (there, step 6).

    :raises AuthenticationError: it is for another login, another client, or too old.
    """
    text = answer.json_object().get("id_token")
    if text is None:
        return
    claims = _claims(str(text))
    audience = claims.get("aud")
    clients = audience if isinstance(audience, list) else [audience]
    ends = claims.get("exp")
    sound = (
        str(claims.get("iss", "")).rstrip("/") == issuer.rstrip("/")
        and client_id in clients
        and claims.get("nonce", "") == nonce
        and isinstance(ends, int | float)
        and ends + SKEW > now
    )
    if not sound:
        raise AuthenticationError(
            "the provider says who somebody is in another login, and not in this one; nothing was kept, "
            "begin it again"
        )


def _claims(token: str) -> Mapping[str, Any]:
    try:
        part = token.split(".")[1]
        claims: Any = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (IndexError, ValueError):
        return {}
    return claims if isinstance(claims, dict) else {}
