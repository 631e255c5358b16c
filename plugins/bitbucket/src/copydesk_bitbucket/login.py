"""The ways to get a credential for Bitbucket, as data (Use OAuth on Bitbucket Cloud)."""

from __future__ import annotations

from copydesk.models import LoginFlow
from copydesk.options import BitbucketOptions

__all__ = ["flows"]


def flows(options: BitbucketOptions) -> tuple[LoginFlow, ...]:
    """Name the ways, best first."""
    if options.auth_type == "implicit":
        settings = {"authorize_url": options.authorize_url, "client_id": options.app_id}
        return LoginFlow("implicit", settings | {"scope": "repository:write"}), LoginFlow("token")
    popup = {"authorize_url": options.authorize_url, "site_id": options.site_domain, "scope": "repo"}
    return LoginFlow("token"), LoginFlow("popup", popup)
