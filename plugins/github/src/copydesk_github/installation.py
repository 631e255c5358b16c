"""Tokens of an installation of a GitHub App (Authenticating as a GitHub App installation)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from copydesk.errors import AuthenticationError, NotSupportedError
from copydesk.http import Dialect, HttpClient, Request, quoted
from copydesk.models import Credential, LoginFlow

from copydesk_github.api import DIALECT

__all__ = ["exchange"]

#: Seconds that GitHub's clock and ours may be apart. A JWT may end within ten minutes, by GitHub's clock: one that
#: ends after five, by ours, is in the middle.
SKEW: Final = 300
#: Seconds that a token is good for.
LIFETIME: Final = 3600


def exchange(
    flow: LoginFlow, key: Credential, connect: Callable[[str, Dialect], HttpClient], now: float
) -> Credential:
    """Make a token, for an hour, of an app's private key; its user is ``<app id>/<installation id>``.

    :raises AuthenticationError: GitHub does not know the app, the key or the installation.
    :raises NotSupportedError: the extra ``app`` is not installed.
    """
    app_id, _, installation = key.user.partition("/")
    headers = {"Authorization": f"Bearer {_signed(app_id, key, now)}"}
    path = f"app/installations/{quoted(installation)}/access_tokens"
    with connect(flow.settings["api_root"], DIALECT) as client:
        client.keep_secret(key)
        answer = client.send(Request("POST", path, headers=headers), allow={401, 404})
    if answer.status != 201:
        raise AuthenticationError(
            f"GitHub gives app {app_id!r} no token for installation {installation!r} ({answer.status}: "
            f"{DIALECT.sentence(answer) or 'no reason'}); look at the settings of the app for both ids and the key"
        )
    # `expires_at` is there too, by GitHub's clock.
    ends = datetime.fromtimestamp(now + LIFETIME, UTC)
    return Credential(answer.json_object()["token"], expires_at=ends)


def _signed(app_id: str, key: Credential, now: float) -> str:
    """Sign a JWT (Generating a JSON Web Token for a GitHub App)."""
    try:
        import jwt  # of an extra, with a library for keys
    except ModuleNotFoundError as exc:
        raise NotSupportedError(
            f"a GitHub App needs {exc.name}, which is not installed; try: pip install 'copydesk-github[app]'"
        ) from exc
    claims: dict[str, Any] = {"iss": app_id, "iat": int(now) - SKEW, "exp": int(now) + SKEW}
    try:
        return jwt.encode(claims, key.secret, algorithm="RS256")
    except (jwt.PyJWTError, ValueError, TypeError):
        pass
    # Not raised where it failed: the frames there hold the key.
    raise AuthenticationError(
        "the private key of the app cannot be read; take the PEM file as GitHub had it downloaded"
    )
