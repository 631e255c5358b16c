"""Running the flows as a host app does, against the simulated providers; requests does what a person does."""

from __future__ import annotations

import json
import logging
import re
import traceback
from urllib.parse import parse_qsl, urlsplit

import attrs
import pytest
import requests

pytest.importorskip("oauthlib", reason="oauthlib is not installed")
pytest.importorskip("jwt", reason="PyJWT is not installed")

from copydesk import auth
from copydesk.errors import AuthenticationError, ConfigError, InvalidInputError, NotSupportedError
from copydesk.http import Connector, Dialect, HttpSettings
from copydesk.models import Credential, LoginFlow
from simulators.gotrue import GoTrueSimulator
from simulators.identity import (
    App,
    BitbucketIdentity,
    Client,
    Clock,
    GitHubIdentity,
    GitLabIdentity,
    OpenIdProvider,
    PopupServer,
)

BACK = "http://127.0.0.1:9/back"
SCOPES = frozenset({"api", "openid", "email", "repo"})
CLI = Client("cli", (BACK,), scopes=SCOPES)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def http(clock):
    """Settings whose time is that of the providers, and whose sleep turns it forward."""
    return HttpSettings(clock=clock.now, sleep=clock.advance, environ={})


@pytest.fixture
def gitlab(clock):
    with GitLabIdentity([CLI], clock=clock) as simulator:
        yield simulator


@pytest.fixture
def oidc(clock):
    with OpenIdProvider([CLI], clock=clock) as simulator:
        yield simulator


def decided(address, decision="authorize"):
    """Do as a person on the page of a provider; give the address that they are sent back to."""
    with requests.Session() as session:
        session.trust_env = False
        page = session.get(address, allow_redirects=False)
        if page.status_code == 302:
            return page.headers["Location"]
        ticket = re.search('name="ticket" value="([^"]+)"', page.text)
        assert ticket is not None, page.text
        at = address.partition("?")[0]
        form = {"ticket": ticket[1], "decision": decision}
        return session.post(at, data=form, allow_redirects=False).headers["Location"]


def pkce(gitlab, http, **changes):
    settings = {
        "authorize_url": f"{gitlab.url}/oauth/authorize",
        "token_url": f"{gitlab.url}/oauth/token",
        "client_id": "cli",
        "scope": "api",
    }
    return auth.runner(LoginFlow("pkce", settings | changes), backend="gitlab", http=http)


def asked(begun):
    return dict(parse_qsl(urlsplit(begun.address).query))


# -- code and PKCE --------------------------------------------------------------------------------


def test_code_becomes_a_credential_that_can_be_refreshed(gitlab, http, clock):
    runner = pkce(gitlab, http)
    begun = runner.begin(BACK)
    query = asked(begun)
    assert (query["code_challenge_method"], query["redirect_uri"], query["scope"]) == ("S256", BACK, "api")
    assert json.loads(begun.state)["verifier"] not in begun.address
    credential = runner.complete(begun.state, decided(begun.address))
    assert gitlab.grants.alive(credential.secret)
    assert credential.refresh_secret == gitlab.grants.logins[0].refresh_token
    assert credential.expires_at.timestamp() == pytest.approx(clock.now() + 7200, abs=5)


def test_parameters_do_as_well_as_the_address(gitlab, http):
    """As a web framework gives them."""
    runner = pkce(gitlab, http)
    begun = runner.begin(BACK)
    query = dict(parse_qsl(urlsplit(decided(begun.address)).query))
    assert runner.complete(begun.state, query).secret


@pytest.mark.parametrize("returned", ["another", None])
def test_state_that_is_wrong_or_missing_is_refused(gitlab, http, returned):
    """And nothing is exchanged."""
    runner = pkce(gitlab, http)
    begun = runner.begin(BACK)
    gitlab.returns = {"state": returned}
    back = decided(begun.address)
    assert not runner.belongs(begun.state, back)
    with pytest.raises(AuthenticationError, match="does not belong to the login that was begun"):
        runner.complete(begun.state, back)
    assert not gitlab.grants.logins


def test_answer_to_the_login_of_somebody_else_is_refused(gitlab, http):
    """An attacker's own code, with their own state, in the session of another person."""
    runner = pkce(gitlab, http)
    mine, theirs = runner.begin(BACK), runner.begin(BACK)
    with pytest.raises(AuthenticationError, match="does not belong"):
        runner.complete(mine.state, decided(theirs.address))


def test_code_of_somebody_else_does_not_fit_the_verifier(gitlab, http):
    """Even where the state was made to fit: the code was given for another challenge."""
    runner = pkce(gitlab, http)
    mine, theirs = runner.begin(BACK), runner.begin(BACK)
    code = dict(parse_qsl(urlsplit(decided(theirs.address)).query))["code"]
    with pytest.raises(AuthenticationError, match="refused POST /oauth/token"):
        runner.complete(mine.state, {"code": code, "state": asked(mine)["state"]})


def test_answer_that_is_given_again_is_refused(gitlab, http):
    """The code was used; a host that took the state out of its session has nothing to give."""
    runner = pkce(gitlab, http)
    begun = runner.begin(BACK)
    back = decided(begun.address)
    runner.complete(begun.state, back)
    with pytest.raises(AuthenticationError, match="refused POST /oauth/token"):
        runner.complete(begun.state, back)
    for state in (None, "", "{}", "[]", "no JSON", '{"kind": 1, "expires": 1}'):
        with pytest.raises(AuthenticationError, match="no login was begun in this session"):
            runner.complete(state, back)


def test_answer_at_another_address_is_refused(gitlab, http):
    """The swap of a redirect URI: to another path of the host, and in the exchange."""
    runner = pkce(gitlab, http)
    begun = runner.begin(BACK)
    query = urlsplit(decided(begun.address)).query
    with pytest.raises(AuthenticationError, match="came to another address than the login was begun with"):
        runner.complete(begun.state, f"http://127.0.0.1:9/other?{query}")
    swapped = json.dumps({**json.loads(begun.state), "redirect_uri": "http://127.0.0.1:9/other"})
    with pytest.raises(AuthenticationError, match="refused POST /oauth/token"):
        runner.complete(swapped, dict(parse_qsl(query)))
    assert not gitlab.grants.logins


def test_answer_after_ten_minutes_is_refused(gitlab, http, clock):
    runner = pkce(gitlab, http)
    begun = runner.begin(BACK)
    back = decided(begun.address)
    clock.advance(601)
    with pytest.raises(AuthenticationError, match="the login took too long; begin it again"):
        runner.complete(begun.state, back)


def test_refusal_is_told_in_one_line(gitlab, http):
    gitlab.refusal = ("server_error", "<b>no</b>\nway\x1b[31m")
    runner = pkce(gitlab, http)
    begun = runner.begin(BACK)
    words = r"the login was refused \(server_error: <b>no</b> way\?\[31m\); nothing was kept"
    with pytest.raises(AuthenticationError, match=words):
        runner.complete(begun.state, decided(begun.address))


def test_answer_that_says_something_twice_is_refused(gitlab, http):
    runner = pkce(gitlab, http)
    begun = runner.begin(BACK)
    with pytest.raises(InvalidInputError, match="says something twice"):
        runner.complete(begun.state, f"{decided(begun.address)}&code=another")


def test_state_of_another_flow_is_refused(gitlab, http):
    begun = auth.runner(LoginFlow("token"), backend="gitlab", http=http).begin()
    with pytest.raises(AuthenticationError, match="the login that was begun is 'token', and not 'pkce'"):
        pkce(gitlab, http).complete(begun.state, {"code": "x"})


def test_redirect_uri_is_needed(gitlab, http):
    with pytest.raises(InvalidInputError, match="'' is no redirect URI"):
        pkce(gitlab, http).begin()


def test_kind_that_nobody_knows_is_refused(http):
    with pytest.raises(NotSupportedError, match="runs no login of the kind 'magic'"):
        auth.runner(LoginFlow("magic"), backend="gitlab", http=http)


# -- OpenID Connect -------------------------------------------------------------------------------


def openid(oidc, http):
    settings = {"issuer": oidc.url, "client_id": "cli", "scope": "openid email"}
    return auth.runner(LoginFlow("pkce", settings), backend="git-gateway", http=http)


def test_provider_of_openid_connect_is_asked_for_its_endpoints(oidc, http):
    runner = openid(oidc, http)
    begun = runner.begin(BACK)
    assert begun.address.startswith(f"{oidc.url}/authorize?")
    assert oidc.grants.alive(runner.complete(begun.state, decided(begun.address)).secret)


@pytest.mark.parametrize(
    "changes",
    [{"nonce": "another"}, {"iss": "https://evil.example"}, {"aud": "another"}, {"exp": 1}, {"exp": "soon"}],
)
def test_id_token_of_another_login_is_refused(oidc, http, changes):
    oidc.id_token_changes = changes
    runner = openid(oidc, http)
    begun = runner.begin(BACK)
    with pytest.raises(AuthenticationError, match="says who somebody is in another login"):
        runner.complete(begun.state, decided(begun.address))


@pytest.mark.parametrize("apart", [-299, 299])
def test_clocks_may_be_five_minutes_apart(oidc, clock, apart):
    """An id token that has expired by our clock, and the expiry of the access token, which is by ours."""
    oidc.grants.lifetime = 200
    http = HttpSettings(clock=lambda: clock.now() + apart, environ={})
    runner = openid(oidc, http)
    begun = runner.begin(BACK)
    credential = runner.complete(begun.state, decided(begun.address))
    assert credential.expires_at.timestamp() == pytest.approx(clock.now() + apart + 200, abs=5)


def test_provider_that_is_another_issuer_is_refused(oidc, http):
    """It answers for somebody else; or does not answer as one at all."""
    other = auth.runner(
        LoginFlow("pkce", {"issuer": f"{oidc.url.replace('127.0.0.1', 'localhost')}", "client_id": "cli"}),
        backend="git-gateway",
        http=http,
    )
    with pytest.raises(ConfigError, match="describes itself as another issuer"):
        other.begin(BACK)


class StrangeProvider(OpenIdProvider):
    """One that names an endpoint elsewhere."""

    elsewhere = ""

    def configuration(self, request):
        response = super().configuration(request)
        told = {**json.loads(response.get_data()), "authorization_endpoint": self.elsewhere}
        response.set_data(json.dumps(told))
        return response


@pytest.mark.parametrize("address", ["http://evil.example/x", "javascript:alert(1)", "//evil.example", ""])
def test_endpoint_that_is_no_secure_address_is_refused(clock, http, address):
    """A person would be sent there."""
    with StrangeProvider([CLI], clock=clock) as provider:
        provider.elsewhere = address
        with pytest.raises(ConfigError, match="names endpoints that are not https"):
            openid(provider, http).begin(BACK)


def test_answer_of_another_provider_is_refused(oidc, http):
    """RFC 9207: a mix-up."""
    runner = openid(oidc, http)
    begun = runner.begin(BACK)
    with pytest.raises(AuthenticationError, match="another provider answered than the one that was asked"):
        runner.complete(begun.state, f"{decided(begun.address)}&iss=https%3A%2F%2Fevil.example")


# -- implicit -------------------------------------------------------------------------------------


@pytest.fixture
def bitbucket(clock):
    with BitbucketIdentity([Client("key", (BACK,), secret="hidden")], clock=clock) as simulator:
        yield simulator


def implicit(bitbucket, http):
    settings = {
        "authorize_url": f"{bitbucket.url}/site/oauth2/authorize",
        "client_id": "key",
        "scope": "repository:write",
    }
    return auth.runner(LoginFlow("implicit", settings), backend="bitbucket", http=http)


def test_token_in_the_fragment_is_taken(bitbucket, http, clock):
    runner = implicit(bitbucket, http)
    begun = runner.begin(BACK)
    back = decided(begun.address)
    credential = runner.complete(begun.state, {"fragment": urlsplit(back).fragment})
    assert bitbucket.grants.alive(credential.secret)
    assert credential.expires_at.timestamp() == pytest.approx(clock.now() + 7200, abs=5)


def test_token_of_another_login_in_the_fragment_is_refused(bitbucket, http):
    runner = implicit(bitbucket, http)
    mine, theirs = runner.begin(BACK), runner.begin(BACK)
    with pytest.raises(AuthenticationError, match="does not belong"):
        runner.complete(mine.state, decided(theirs.address))
    bitbucket.returns = {"state": None}
    with pytest.raises(AuthenticationError, match="does not belong"):
        runner.complete(mine.state, decided(mine.address))


def test_token_with_a_line_end_is_refused_and_not_shown(bitbucket, http):
    runner = implicit(bitbucket, http)
    begun = runner.begin(BACK)
    said = {"access_token": "s3cret\r\nX-Evil: 1", "token_type": "bearer", "state": asked(begun)["state"]}
    with pytest.raises(AuthenticationError, match="a token that holds a line end") as caught:
        runner.complete(begun.state, said)
    assert "s3cret" not in str(caught.value)


# -- devices --------------------------------------------------------------------------------------


def device(server, http, paths):
    settings = {
        "device_url": f"{server.url}{paths[0]}",
        "token_url": f"{server.url}{paths[1]}",
        "client_id": "cli",
        "scope": "repo" if "access_token" in paths[1] else "api",
    }
    return auth.runner(LoginFlow("device", settings), backend="forge", http=http)


GITHUB = (GitHubIdentity, ("/login/device/code", "/login/oauth/access_token"))
GITLAB = (GitLabIdentity, ("/oauth/authorize_device", "/oauth/token"))


@pytest.mark.parametrize(("provider", "paths"), [GITHUB, GITLAB], ids=["github", "gitlab"])
@pytest.mark.parametrize("decision", ["authorize", "cancel", None])
def test_device_waits_until_somebody_decides(clock, provider, paths, decision):
    """It asks as often as it may: nobody tells it to slow down. Too late is told, too."""
    waits = []

    def sleep(seconds):
        waits.append(seconds)
        clock.advance(seconds)
        if len(waits) == 3 and decision:
            server.devices.decide(begun.user_code, allowed=decision == "authorize")

    http = HttpSettings(clock=clock.now, sleep=sleep, environ={})
    with provider([CLI], clock=clock) as server:
        runner = device(server, http, paths)
        begun = runner.begin()
        assert begun.address == f"{server.url}{server.devices.path}"
        assert begun.user_code == server.devices.waiting[0].user_code
        if decision == "authorize":
            assert server.grants.alive(runner.complete(begun.state).secret)
        else:
            words = "the person refused" if decision else "nobody typed the code in time"
            with pytest.raises(AuthenticationError, match=words):
                runner.complete(begun.state)
    assert set(waits) == {5.0}


def test_device_slows_down_when_it_is_told_to(clock):
    """And then asks no oftener than it was told."""
    waits = []

    def sleep(seconds):
        waits.append(seconds)
        # The provider's clock is behind: the first question comes too soon.
        clock.advance(seconds if len(waits) != 2 else 1)
        if len(waits) == 4:
            server.devices.decide(begun.user_code, allowed=True)

    http = HttpSettings(clock=clock.now, sleep=sleep, environ={})
    with GitHubIdentity([CLI], clock=clock) as server:
        runner = device(server, http, GITHUB[1])
        begun = runner.begin()
        assert runner.complete(begun.state).secret
    assert waits == [5.0, 5.0, 10.0, 10.0]


def test_device_flow_that_is_not_enabled_is_told(clock, http):
    with GitHubIdentity([CLI], clock=clock) as server:
        server.device_flow = False
        with pytest.raises(AuthenticationError, match="Device Flow must be explicitly enabled"):
            device(server, http, GITHUB[1]).begin()


# -- popup: what the page hands over --------------------------------------------------------------


def popup(http, address="https://login.example/base", provider="bitbucket"):
    settings = {"authorize_url": f"{address}/auth", "provider": provider, "site_id": "a site&x=1"}
    return auth.runner(LoginFlow("popup", settings), backend=provider, http=http)


def handed(begun, message):
    return {"state": json.loads(begun.state)["state"], "message": message}


def test_page_of_a_popup_knows_one_origin_and_no_secret(http):
    """Of a base_url with a path, too: origins have none."""
    begun = popup(http).begin("https://editor.example/login/done")
    assert begun.address == "https://login.example/base/auth?provider=bitbucket&site_id=a+site%26x%3D1"
    assert 'data-origin="https://login.example"' in begun.page.html
    assert 'data-post="/login/done"' in begun.page.html
    headers = begun.page.headers
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin-allow-popups"
    assert (headers["Cache-Control"], headers["Referrer-Policy"]) == ("no-store", "no-referrer")
    assert "default-src 'none'; script-src 'sha256-" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]


def test_message_of_a_popup_becomes_a_credential(http):
    begun = popup(http).begin(BACK)
    told = json.dumps({"token": "t0ken", "refresh_token": "again", "provider": "bitbucket"})
    credential = popup(http).complete(begun.state, handed(begun, f"authorization:bitbucket:success:{told}"))
    assert credential == Credential("t0ken", refresh_secret="again")


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ('authorization:bitbucket:error:{"message": "<i>no</i>\\n way"}', r"refused \(<i>no</i> way\)"),
        ('authorization:bitbucket:error:{"error": "no", "errorCode": "X"}', r"refused \(no\)"),
        ("authorization:bitbucket:error:{}", r"refused \(no reason\)"),
        ('authorization:bitbucket:success:{"token": "s3c\\nret"}', "a token that holds a line end"),
        ('authorization:bitbucket:success:{"token": "  s3cret "}', "a token that holds a line end"),
        ('authorization:bitbucket:success:{"token": ["s3cret"]}', "a token that is empty"),
        ('authorization:bitbucket:success:{"token": ""}', "a token that is empty"),
        ('authorization:bitbucket:success:["s3cret"]', "said what is no answer"),
        ("authorization:bitbucket:success:s3cret", "said what is no answer"),
        ('authorization:github:success:{"token": "s3cret"}', "said what is no answer"),
        ('xauthorization:bitbucket:success:{"token": "s3cret"}', "said what is no answer"),
        ("", "said what is no answer"),
    ],
)
def test_message_that_is_no_token_is_refused_and_not_shown(http, message, words):
    begun = popup(http).begin(BACK)
    with pytest.raises(AuthenticationError, match=words) as caught:
        popup(http).complete(begun.state, handed(begun, message))
    assert "s3c" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("state", ["", "another"])
def test_message_without_the_state_of_the_page_is_refused(http, state):
    begun = popup(http).begin(BACK)
    said = {"state": state, "message": 'authorization:bitbucket:success:{"token": "forged"}'}
    with pytest.raises(AuthenticationError, match="does not belong to the login that was begun"):
        popup(http).complete(begun.state, said)


class ModestPopupServer(PopupServer):
    """One that reads what it is told in the body, as everybody else does."""

    def refresh(self, request):
        request.args = {**request.args, **request.form}
        return super().refresh(request)


@pytest.mark.parametrize(("server", "tries"), [(PopupServer, 2), (ModestPopupServer, 1)])
def test_popup_is_refreshed_by_its_own_server(bitbucket, http, server, tries):
    """The token goes into the body, and into the query only where the server takes nothing else."""
    with server({"bitbucket": bitbucket}) as popups:
        login = bitbucket.grants.log_in(bitbucket.clients["popup-server"], "repo")
        old = Credential("old", refresh_secret=popups._keep("bitbucket", login.refresh_token))
        settings = {"refresh_url": f"{popups.url}/auth/refresh", "provider": "bitbucket", "site_id": "x"}
        connect = Connector("bitbucket", None, http)
        renew = auth.renewal([LoginFlow("popup", settings)], old, connect.anonymous, "bitbucket", http.clock)
        new = renew(old)
        with pytest.raises(AuthenticationError, match="log in with `copydesk login`") as caught:
            renew(old)
        connect.close()
        assert old.refresh_secret not in popups.log[0].query
    assert old.refresh_secret not in str(caught.value)
    assert len(popups.log) == tries + 2
    assert bitbucket.grants.alive(new.secret)
    assert new.refresh_secret not in {"", old.refresh_secret}
    assert popups.reused


# -- typed ----------------------------------------------------------------------------------------


def test_token_is_taken_without_what_a_paste_brings(http):
    runner = auth.runner(LoginFlow("token", {"page": "https://forge.example/tokens"}), backend="x", http=http)
    begun = runner.begin()
    assert (begun.address, dict(begun.asks)) == ("https://forge.example/tokens", {"token": "token"})
    assert runner.complete(begun.state, {"token": " t0ken\n"}) == Credential("t0ken")
    with pytest.raises(AuthenticationError, match="the paste gave a token that holds a line end"):
        runner.complete(begun.state, {"token": "one\ntwo"})
    with pytest.raises(AuthenticationError, match="the paste gave a token that is empty"):
        runner.complete(begun.state, {"token": " "})


def test_token_may_be_the_password_of_a_user(http):
    """An API token of Bitbucket with the e-mail address; alone it is the token of a repository."""
    (flow, *_) = auth.login_flows("bitbucket", repo="o/r")
    runner = auth.runner(flow, backend="bitbucket", http=http)
    begun = runner.begin()
    assert list(begun.asks) == ["user", "token"]
    given = runner.complete(begun.state, {"user": "ann@example.org", "token": "t0ken"})
    assert given == Credential("t0ken", "basic", "ann@example.org")
    assert runner.complete(begun.state, {"user": "", "token": "t0ken"}) == Credential("t0ken")


def test_password_is_exchanged(http, clock):
    with GoTrueSimulator(clock=clock.now) as identity:
        identity.add_user("ann@example.org", "correct horse")
        flow = LoginFlow("password", {"identity_url": f"{identity.url}{identity.root}"})
        runner = auth.runner(flow, backend="git-gateway", http=http)
        begun = runner.begin()
        given = runner.complete(begun.state, {"email": "ann@example.org", "password": "correct horse"})
        assert given.refresh_secret
        with pytest.raises(AuthenticationError, match=r"log in with `copydesk login`") as caught:
            runner.complete(begun.state, {"email": "ann@example.org", "password": "wr0ng"})
        assert "wr0ng" not in str(caught.value)
    with pytest.raises(InvalidInputError, match="needs an e-mail address and a password"):
        runner.complete(begun.state, {"email": "ann@example.org"})


# -- secrets --------------------------------------------------------------------------------------


def test_nothing_that_is_written_shows_a_secret(gitlab, http, caplog):
    """In the log, in a repr, in an address but the provider's own, in an error that repeats it."""
    caplog.set_level(logging.DEBUG)
    runner = pkce(gitlab, http)
    begun = runner.begin(BACK)
    kept = json.loads(begun.state)
    back = decided(begun.address)
    credential = runner.complete(begun.state, back)
    code = dict(parse_qsl(urlsplit(back).query))["code"]
    secrets = [credential.secret, credential.refresh_secret, code, kept["verifier"]]
    written = f"{caplog.text}{begun!r}{credential!r}{runner!r}{begun.address}"
    for exchange in gitlab.log:
        written += f"{exchange.path} {exchange.query}"
    assert not [secret for secret in secrets if secret in written]


def test_provider_that_repeats_a_secret_is_not_repeated(gitlab, http):
    runner = pkce(gitlab, http)
    begun = runner.begin(BACK)
    gitlab.exchange = _repeat
    with pytest.raises(AuthenticationError, match=r"no such code \*\*\*") as caught:
        runner.complete(begun.state, decided(begun.address))
    assert caught.value.__cause__ is None


def _repeat(request, said):
    from simulators.identity.provider import OAuthError

    raise OAuthError("invalid_grant", f"no such code {said['code']}")


def rendered(exc):
    """A traceback as some tools have it: with the variables of each of our frames."""
    frames = traceback.TracebackException.from_exception(exc, capture_locals=True)
    ours = [frame for frame in frames.stack if "copydesk" in frame.filename and "tests" not in frame.filename]
    return "\n".join(f"{each.name}: {name}={value}" for each in ours for name, value in each.locals.items())


def test_variables_of_a_traceback_show_no_secret(gitlab, http):
    """But for what the caller itself gave to `complete`."""
    runner = pkce(gitlab, http)
    begun = runner.begin(BACK)
    kept = json.loads(begun.state)
    back = dict(parse_qsl(urlsplit(decided(begun.address)).query))
    gitlab.exchange = _repeat
    with pytest.raises(AuthenticationError) as caught:
        runner.complete(begun.state, back)
    inner = rendered(caught.value).replace(repr(begun.state), "").replace(repr(back), "")
    assert "complete: " in inner
    for secret in (back["code"], kept["verifier"]):
        assert secret not in inner, [line for line in inner.splitlines() if secret in line]

    begun = popup(http).begin(BACK)
    said = handed(begun, 'authorization:bitbucket:success:{"token": "s3c\\nret"}')
    with pytest.raises(AuthenticationError) as caught:
        popup(http).complete(begun.state, said)
    assert "s3c" not in rendered(caught.value).replace(repr(said), "")


def test_values_hide_what_is_secret():
    begun = auth.Begun(state="s3cret", page=auth.Page("<p>s3cret"))
    assert "s3cret" not in repr(begun)
    assert attrs.fields(auth.Begun).state.repr is False


# -- apps -----------------------------------------------------------------------------------------


@pytest.fixture
def app(clock, tmp_path):
    """A GitHub that knows one app, and the file with its key."""
    known = App(7, {42: {"contents": "write"}}, client_id="Iv1.app")
    key = tmp_path / "app.pem"
    key.write_bytes(known.key.pem)
    with GitHubIdentity([], app=known, clock=clock) as simulator:
        yield simulator, key


def app_flow(server):
    flows = auth.login_flows("github", repo="o/r", api_root=f"{server.url}/api/v3")
    return next(flow for flow in flows if flow.kind == "app"), flows


def source(server, http, credential, flows):
    return Connector("github", credential, http, flows).found(f"{server.url}/api/v3", Dialect(name="github"))


@pytest.mark.parametrize("app_id", ["7", "Iv1.app"])
@pytest.mark.parametrize("apart", [-290, 0, 290])
def test_key_of_an_app_becomes_a_token_of_an_hour(app, clock, app_id, apart):
    """Again before it ends; with clocks that are five minutes apart, too."""
    server, key = app
    http = HttpSettings(clock=lambda: clock.now() + apart, environ={})
    flow, flows = app_flow(server)
    runner = auth.runner(flow, backend="github", http=http)
    asked = {"app_id": app_id, "installation_id": "42", "private_key_file": str(key)}
    credential = runner.complete(runner.begin().state, asked)
    assert "PRIVATE KEY" not in repr(credential)
    tokens = source(server, http, credential, flows)
    first = tokens.current()
    assert first.secret in server.installation_tokens
    assert tokens.current() == first
    clock.advance(3600)
    assert tokens.current().secret in set(server.installation_tokens) - {first.secret}


@pytest.mark.parametrize("in_file", [False, True])
def test_app_is_found_in_the_environment(app, clock, in_file):
    server, key = app
    given = {"KEY_FILE": str(key)} if in_file else {"KEY": key.read_text()}
    environ = {f"COPYDESK_GITHUB_{name}": value for name, value in {"APP": "7/42", **given}.items()}
    http = HttpSettings(clock=clock.now, environ=environ)
    assert source(server, http, None, app_flow(server)[1]).current().secret in server.installation_tokens


@pytest.mark.parametrize(
    ("user", "key", "words"),
    [
        ("8/42", None, "gives app '8' no token for installation '42' \\(401: 'Issuer' claim"),
        ("7/43", None, "gives app '7' no token for installation '43' \\(404: Not Found\\)"),
        ("7/42", "no key", "the private key of the app cannot be read"),
    ],
)
def test_app_that_is_not_known_is_told(app, http, user, key, words):
    server, file = app
    credential = auth.app_credential(*user.split("/"), key or file.read_text())
    with pytest.raises(AuthenticationError, match=words) as caught:
        source(server, http, credential, app_flow(server)[1]).current()
    assert "PRIVATE KEY" not in str(caught.value)


def test_key_file_that_is_not_there_is_told(http):
    runner = auth.runner(LoginFlow("app"), backend="github", http=http)
    asked = {"app_id": "7", "installation_id": "42", "private_key_file": "no/such.pem"}
    with pytest.raises(InvalidInputError, match="cannot read the private key in 'no/such"):
        runner.complete(runner.begin().state, asked)
