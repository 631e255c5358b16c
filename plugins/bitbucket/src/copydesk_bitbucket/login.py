"""The ways to get a credential for Bitbucket, as data (Use OAuth on Bitbucket Cloud, API tokens)."""

from __future__ import annotations

from typing import Final

from copydesk.models import LoginFlow
from copydesk.options import BitbucketOptions

__all__ = ["flows"]

#: An API token is the password of its owner's e-mail address; the token of a repository is sent alone.
_TOKEN: Final = LoginFlow(
    "token",
    {
        "page": "https://id.atlassian.com/manage-profile/security/api-tokens",
        "user": "e-mail of the account (empty for an access token of a repository, project or workspace)",
        "name": "API token or access token",
    },
)


def flows(options: BitbucketOptions) -> tuple[LoginFlow, ...]:
    """Name the ways, best first."""
    if options.auth_type == "implicit":
        settings = {"authorize_url": options.authorize_url, "client_id": options.app_id}
        return LoginFlow("implicit", settings | {"scope": "repository:write"}), _TOKEN
    popup = {
        "authorize_url": options.authorize_url,
        "refresh_url": f"{options.authorize_url}/refresh",
        "provider": "bitbucket",
        "site_id": options.site_domain,
        "scope": "repo",
    }
    return _TOKEN, LoginFlow("popup", popup)
