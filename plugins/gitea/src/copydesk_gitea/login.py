"""The ways to get a credential for Gitea, as data (OAuth2 provider)."""

from __future__ import annotations

from copydesk.models import LoginFlow
from copydesk.options import GiteaOptions

__all__ = ["flows"]


def flows(options: GiteaOptions) -> tuple[LoginFlow, ...]:
    """Name the ways, best first: by PKCE where the application is known, else a token that somebody copies."""
    pkce = LoginFlow(
        "pkce",
        {
            "authorize_url": options.authorize_url,
            "token_url": f"{options.base_url}/login/oauth/access_token",
            "scope": "repository",
            "client_id": options.app_id,
        },
    )
    token = LoginFlow("token", {"page": f"{options.base_url}/user/settings/applications"})
    return (pkce, token) if options.app_id else (token, pkce)
