"""The ways to get a credential for GitLab, as data (OAuth 2.0 identity provider API)."""

from __future__ import annotations

from copydesk.models import LoginFlow
from copydesk.options import GitLabOptions

__all__ = ["flows"]


def flows(options: GitLabOptions) -> tuple[LoginFlow, ...]:
    """Name the ways, best first: what ``auth_type`` says, then what the application allows besides."""
    site = options.api_root.removesuffix("/api/v4")
    token = LoginFlow(
        "token", {"page": f"{site}/-/user_settings/personal_access_tokens", "name": "access token"}
    )
    named = {"client_id": options.app_id, "scope": "api"}
    if not options.auth_type:
        popup = {"provider": "gitlab", "site_id": options.site_domain, "scope": "api"}
        more = _by_application(site, f"{site}/oauth/authorize", named) if options.app_id else ()
        return token, LoginFlow("popup", {"authorize_url": options.authorize_url} | popup), *more
    offered = _by_application(options.base_url, options.authorize_url, named)
    implicit = LoginFlow("implicit", {"authorize_url": options.authorize_url} | named)
    if options.auth_type == "implicit":
        # GitLab has given no more such tokens since 15.0; what it has now is offered beside it.
        return implicit, *(offered if options.app_id else ()), token
    return *offered, token


def _by_application(site: str, authorize_url: str, named: dict[str, str]) -> tuple[LoginFlow, ...]:
    token = {"token_url": f"{site}/oauth/token"} | named
    return (
        LoginFlow("pkce", {"authorize_url": authorize_url} | token),
        LoginFlow("device", {"device_url": f"{site}/oauth/authorize_device"} | token),
    )
