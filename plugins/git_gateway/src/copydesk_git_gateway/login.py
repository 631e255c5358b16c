"""The ways to get a credential for a gateway, as data."""

from __future__ import annotations

from copydesk.models import LoginFlow
from copydesk.options import GitGatewayOptions

__all__ = ["flows"]


def flows(options: GitGatewayOptions) -> tuple[LoginFlow, ...]:
    """Name the ways, best first; a JWT from elsewhere is a plain token."""
    if not options.auth_type:
        return LoginFlow("password", {"identity_url": options.address("identity_url")}), LoginFlow("token")
    settings = {
        "authorize_url": f"{options.base_url}/{options.auth_endpoint}",
        "token_url": f"{options.base_url}/{options.auth_token_endpoint}",
        "client_id": options.app_id,
        "scope": options.auth_scope,
    }
    if options.use_oidc:
        settings["issuer"] = options.base_url
    return LoginFlow("pkce", settings), LoginFlow("token")
