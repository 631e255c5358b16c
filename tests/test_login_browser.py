"""Logging in by a real headless Chromium: the pages of copydesk, the simulated providers, and who attacks."""

from __future__ import annotations

import threading

import pytest

pytest.importorskip("oauthlib", reason="oauthlib is not installed")
pytest.importorskip("jwt", reason="PyJWT is not installed")

from copydesk import auth
from copydesk.errors import AuthenticationError
from copydesk.http import HttpSettings
from copydesk.models import LoginFlow
from simulators.identity import (
    FORGED,
    AttackServer,
    BitbucketIdentity,
    Client,
    Clock,
    GitHubIdentity,
    GitLabIdentity,
    Manner,
    PopupServer,
)

SCOPES = frozenset({"api", "repo"})


class Waiting:
    """A login that waits on the loopback address, in a thread; *address* is what it shows."""

    def __init__(self, flow, **more):
        self.there, self.address, self.outcome = threading.Event(), "", None
        self._runner = auth.runner(flow, backend="forge", http=HttpSettings(environ={}))
        self._more = {"patience": 30, **more}
        self._thread = threading.Thread(target=self._wait, daemon=True)

    def _wait(self):
        try:
            self.outcome = auth.log_in_here(self._runner, self._show, **self._more)
        except Exception as exc:  # noqa: BLE001 - the test looks at it
            self.outcome = exc
        self.there.set()

    def _show(self, address):
        self.address = address
        self.there.set()

    def __enter__(self):
        self._thread.start()
        assert self.there.wait(10)
        return self

    def __exit__(self, *_):
        pass

    def end(self):
        self._thread.join(15)
        assert not self._thread.is_alive()
        return self.outcome

    @property
    def waits(self):
        return self._thread.is_alive()


@pytest.fixture
def github():
    with GitHubIdentity([], clock=Clock()) as simulator:
        yield simulator


@pytest.fixture
def bitbucket():
    with BitbucketIdentity([], clock=Clock()) as simulator:
        yield simulator


def popup_flow(popup, provider="github", path=""):
    settings = {
        "authorize_url": f"{popup.url}{path}/auth",
        "provider": provider,
        "site_id": "x",
        "scope": "repo",
    }
    return LoginFlow("popup", settings)


def open_popup(browser, waiting, forge):
    """Go to the page of the login, press its button, and look at the page of the forge; give the page's window."""
    browser.open(waiting.address)
    browser.press("open")
    here = browser.switch_to_popup()
    browser.wait_for_url(forge.url)
    return here


def left_behind(browser):
    """All that a person, or another program, could find later of what the page knows."""
    shown = [*browser.history(), *browser.console(), *browser.storage().values(), browser.url]
    return "\n".join([*shown, browser.driver.page_source])


OTHERS = [pytest.param(each, marks=pytest.mark.long) for each in Manner if each is not Manner.NETLIFY]


@pytest.mark.parametrize("manner", [Manner.NETLIFY, *OTHERS])
def test_popup_logs_in(browser, github, manner):
    """As Netlify's server does, and as the community's do; the window closes, and nothing stays behind."""
    with PopupServer({"github": github}, manner=manner) as popup, Waiting(popup_flow(popup)) as waiting:
        here = open_popup(browser, waiting, github)
        browser.press("authorize")
        browser.wait_for(lambda: browser.windows == (here,), "end of the popup")
        browser.switch(here)
        browser.wait_for_text("You may close this window.")
        assert browser.text_of("title") == "You are logged in"
        credential = waiting.end()
        browser.screenshot("done")
        assert credential.secret.startswith("gho_")
        assert credential.secret not in left_behind(browser)


@pytest.mark.long
def test_popup_of_bitbucket_brings_a_refresh_token(browser, bitbucket):
    flow = {"provider": "bitbucket"}
    with PopupServer({"bitbucket": bitbucket}) as popup, Waiting(popup_flow(popup, **flow)) as waiting:
        here = open_popup(browser, waiting, bitbucket)
        browser.press("authorize")
        browser.switch(here)
        browser.wait_for_text("You may close this window.")
        assert waiting.end().refresh_secret


@pytest.mark.long
def test_popup_that_refuses_is_told_as_text(browser, github):
    with PopupServer({"github": github}) as popup, Waiting(popup_flow(popup)) as waiting:
        popup.refusal = '<img src=x onerror="document.title=1"><b>no</b>'
        here = open_popup(browser, waiting, github)
        browser.press("authorize")
        browser.switch(here)
        browser.wait_for_text('<img src=x onerror="document.title=1"><b>no</b>')
        assert browser.text_of("title") == "The login failed"
        assert browser.driver.title == "Log in · copydesk"
        assert isinstance(waiting.end(), AuthenticationError)
        browser.screenshot("failed")


@pytest.mark.long
def test_token_with_a_line_end_is_refused(browser, github):
    with PopupServer({"github": github}) as popup, Waiting(popup_flow(popup)) as waiting:
        popup.alter = lambda told: {**told, "token": "s3cret\nX-Evil: 1"}
        here = open_popup(browser, waiting, github)
        browser.press("authorize")
        browser.switch(here)
        browser.wait_for_text("gave a token that holds a line end")
        assert "s3cret" not in left_behind(browser)
        assert isinstance(waiting.end(), AuthenticationError)


@pytest.mark.long
def test_either_window_may_answer_where_two_were_opened(browser, github):
    with PopupServer({"github": github}) as popup, Waiting(popup_flow(popup)) as waiting:
        here = open_popup(browser, waiting, github)
        first = browser.window
        browser.switch(here)
        browser.press("open")
        browser.wait_for(lambda: len(browser.windows) == 3, "second window")
        browser.switch(first)
        browser.press("authorize")
        browser.wait_for(lambda: browser.windows == (here,), "end of both windows")
        browser.switch(here)
        browser.wait_for_text("You may close this window.")
        assert waiting.end().secret


@pytest.mark.long
def test_popup_that_is_closed_can_be_opened_again(browser, github):
    with PopupServer({"github": github}) as popup, Waiting(popup_flow(popup)) as waiting:
        here = open_popup(browser, waiting, github)
        browser.driver.close()
        browser.switch(here)
        browser.wait_for_text("nobody was let in. You can try again.")
        browser.press("open")
        browser.switch_to_popup()
        browser.wait_for_url(github.url)
        browser.press("authorize")
        browser.switch(here)
        browser.wait_for_text("You may close this window.")
        assert waiting.end().secret


@pytest.mark.parametrize("way", ["detour", pytest.param("frame", marks=pytest.mark.long)])
def test_message_from_another_origin_is_not_heard(browser, github, way):
    """In the popup itself, after an open redirect; or in a frame of its last page. And it is told nothing."""
    with (
        AttackServer() as attack,
        PopupServer({"github": github}) as popup,
        Waiting(popup_flow(popup)) as waiting,
    ):
        if way == "detour":
            popup.detour = attack.forging("github")
        else:
            popup.framed = attack.forging("github")
        browser.open(waiting.address)
        browser.press("open")
        here = browser.switch_to_popup()
        if way == "frame":
            browser.wait_for_url(github.url)
            browser.press("authorize")
            browser.switch(here)
            browser.wait_for_text("You may close this window.")
            assert waiting.end().secret.startswith("gho_")
        else:
            browser.wait_for(lambda: browser.text_of("struck") not in {"", "0"}, "attack")
            browser.wait_for(lambda: attack.url in browser.url, "attack")
            browser.switch(here)
            browser.wait_for_text("Go on in the window that has opened.")
            assert waiting.waits
            assert browser.has("open")
        assert not [each for each in attack.heard if "authorization" in each["data"]]
        assert waiting.outcome is None or FORGED not in waiting.outcome.secret


@pytest.mark.long
@pytest.mark.parametrize("way", ["opening", "embedding"])
def test_page_that_opens_or_embeds_the_login_is_not_heard(browser, github, way):
    """It knows the address, which nobody does; it is in no frame, and what opened it has no hold of it."""
    with (
        AttackServer() as attack,
        PopupServer({"github": github}) as popup,
        Waiting(popup_flow(popup)) as waiting,
    ):
        browser.open(getattr(attack, way)(waiting.address, "github"))
        if way == "opening":
            browser.press("open")
        browser.wait_for(lambda: browser.text_of("struck") not in {"", "0"}, "attack")
        assert waiting.waits
        assert not attack.heard


@pytest.mark.long
def test_base_url_with_a_path_hears_its_origin(browser, github):
    """The CMS compares the whole, and hears nobody; a beginning would hear too many."""
    with PopupServer({"github": github}) as popup, Waiting(popup_flow(popup, path="/path/..")) as waiting:
        here = open_popup(browser, waiting, github)
        browser.press("authorize")
        browser.switch(here)
        browser.wait_for_text("You may close this window.")
        assert waiting.end().secret.startswith("gho_")


@pytest.mark.long
def test_code_with_pkce_comes_back(browser):
    """The code does not stay in the address of the page."""
    client = Client("cli", ("http://127.0.0.1/callback",), scopes=SCOPES)
    with GitLabIdentity([client], clock=Clock()) as gitlab:
        gitlab.any_loopback_port = True
        urls = {"authorize_url": f"{gitlab.url}/oauth/authorize", "token_url": f"{gitlab.url}/oauth/token"}
        with Waiting(LoginFlow("pkce", {**urls, "client_id": "cli", "scope": "api"})) as waiting:
            browser.open(waiting.address)
            browser.press("authorize")
            browser.wait_for_text("You may close this window.")
            credential = waiting.end()
            assert gitlab.grants.alive(credential.secret)
            assert "code=" not in browser.url
            found = left_behind(browser)
            assert credential.secret not in found
            assert credential.refresh_secret not in found


@pytest.mark.long
def test_token_in_the_fragment_is_taken_out_of_the_address(browser):
    """By the implicit grant, which has it there; the page replaces the entry of its history."""
    client = Client("cli", ("http://127.0.0.1/callback",), scopes=SCOPES)
    with GitLabIdentity([client], clock=Clock()) as gitlab:
        gitlab.any_loopback_port = True
        settings = {"authorize_url": f"{gitlab.url}/oauth/authorize", "client_id": "cli", "scope": "api"}
        with Waiting(LoginFlow("implicit", settings)) as waiting:
            browser.open(waiting.address)
            browser.press("authorize")
            browser.wait_for_text("You may close this window.")
            credential = waiting.end()
            assert gitlab.grants.alive(credential.secret)
            assert browser.url.endswith("/callback")
            browser.screenshot("implicit")
            shown = [browser.url, *browser.console(), browser.driver.page_source, *browser.storage().values()]
            assert credential.secret not in "\n".join(shown)
