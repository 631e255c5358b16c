"""The ways to get a credential for GitHub, as data (Authorizing OAuth apps)."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

from copydesk.models import LoginFlow
from copydesk.options import GitHubOptions

__all__ = ["flows", "website"]


def flows(options: GitHubOptions) -> tuple[LoginFlow, ...]:
    """Name the ways, best first; a device needs the id of an application, Netlify's server that of a site."""
    site = website(options.api_root)
    scope = options.auth_scope
    popup = {
        "authorize_url": options.authorize_url,
        "provider": "github",
        "site_id": options.site_domain,
        "scope": scope,
    }
    token = {"page": f"{site}/settings/personal-access-tokens/new", "name": "token (fine-grained or classic)"}
    app = {"api_root": options.api_root, "page": f"{site}/settings/apps"}
    found = [LoginFlow("token", token), LoginFlow("popup", popup), LoginFlow("app", app)]
    if options.app_id:
        device = {
            "device_url": f"{site}/login/device/code",
            "token_url": f"{site}/login/oauth/access_token",
            "client_id": options.app_id,
            "scope": scope,
        }
        found.insert(0, LoginFlow("device", device))
    return tuple(found)


def website(api_root: str) -> str:
    """Give the address of the pages beside an API: github.com, an Enterprise server, or a company's ghe.com.

    https://HOST/api/v3 belongs to https://HOST, and https://api.HOST to https://HOST (Getting started with the
    REST API; Enterprise Cloud with data residency).
    """
    parts = urlsplit(api_root)
    host = parts.netloc.removeprefix("api.") if not parts.path.strip("/") else parts.netloc
    return urlunsplit((parts.scheme, host, "", "", ""))
