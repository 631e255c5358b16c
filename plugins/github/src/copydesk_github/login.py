"""The ways to get a credential for GitHub, as data (Authorizing OAuth apps)."""

from __future__ import annotations

from copydesk.models import LoginFlow
from copydesk.options import GitHubOptions

__all__ = ["flows"]


def flows(options: GitHubOptions) -> tuple[LoginFlow, ...]:
    """Name the ways, best first."""
    popup = {
        "authorize_url": options.authorize_url,
        "site_id": options.site_domain,
        "scope": options.auth_scope,
    }
    found = [LoginFlow("token"), LoginFlow("popup", popup)]
    if options.app_id:
        found.append(LoginFlow("device", {"client_id": options.app_id, "scope": options.auth_scope}))
    return tuple(found)
