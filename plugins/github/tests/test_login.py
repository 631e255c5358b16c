"""The ways to log in on GitHub, as its configuration has them."""

from __future__ import annotations

import pytest
from copydesk.auth import login_flows
from copydesk_github.login import website


@pytest.mark.parametrize(
    ("api_root", "site"),
    [
        ("https://api.github.com", "https://github.com"),
        ("https://github.example.org/api/v3", "https://github.example.org"),
        ("https://api.example.org/api/v3", "https://api.example.org"),
        ("https://api.octocorp.ghe.com", "https://octocorp.ghe.com"),
        ("http://127.0.0.1:8080/api/v3", "http://127.0.0.1:8080"),
    ],
)
def test_pages_are_beside_the_api(api_root, site):
    """A server of one's own has its API below, github.com and ghe.com before it."""
    assert website(api_root) == site


def test_device_needs_the_id_of_an_application_and_comes_first():
    def kinds(**options: str) -> list[str]:
        return [flow.kind for flow in login_flows("github", repo="o/r", **options)]

    assert kinds() == ["token", "popup", "app"]
    assert kinds(app_id="Iv1") == ["device", "token", "popup", "app"]


def test_device_goes_to_the_server_of_the_configuration():
    flow, *_ = login_flows("github", repo="o/r", app_id="Iv1", api_root="https://github.example.org/api/v3")
    assert flow.settings["device_url"] == "https://github.example.org/login/device/code"
    assert flow.settings["token_url"] == "https://github.example.org/login/oauth/access_token"


def test_popup_is_that_of_the_cms():
    popup = next(flow for flow in login_flows("github", repo="o/r") if flow.kind == "popup")
    assert dict(popup.settings) == {
        "authorize_url": "https://api.netlify.com/auth",
        "provider": "github",
        "site_id": "cms.netlify.com",
        "scope": "repo",
    }
