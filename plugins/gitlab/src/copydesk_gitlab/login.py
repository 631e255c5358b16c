"""The ways to get a credential for GitLab, as data (OAuth 2.0 identity provider API)."""

from __future__ import annotations

from copydesk.models import LoginFlow
from copydesk.options import GitLabOptions

__all__ = ["flows"]


def flows(options: GitLabOptions) -> tuple[LoginFlow, ...]:
    """Name the ways, best first."""
    address = {"authorize_url": options.authorize_url, "scope": "api"}
    if not options.auth_type:
        return LoginFlow("token"), LoginFlow("popup", address | {"site_id": options.site_domain})
    token = {"token_url": f"{options.base_url}/oauth/token"} if options.auth_type == "pkce" else {}
    return LoginFlow(options.auth_type, address | token | {"client_id": options.app_id}), LoginFlow("token")
