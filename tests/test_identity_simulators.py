"""The simulators of identity providers: what they refuse, and their pages in a real browser."""

from __future__ import annotations

import json
import re
import threading
import time
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import pytest
import requests
from copydesk.testing import ServerSimulator
from werkzeug import Request, Response

jwt = pytest.importorskip("jwt", reason="PyJWT is not installed")
pytest.importorskip("cryptography", reason="cryptography is not installed")

from simulators.identity import (  # noqa: E402
    FORGED,
    App,
    AttackServer,
    BitbucketIdentity,
    Client,
    Clock,
    GitHubIdentity,
    GitLabIdentity,
    Key,
    Manner,
    OpenIdProvider,
    PopupServer,
    challenge,
)

BACK = "http://127.0.0.1:9/back"
VERIFIER = "ks02i3jdikdo2k0dkfodf3m39rjfjsdk0wk349rj3jrhf"
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
JSON = {"Accept": "application/json"}
CLI = Client("cli", (BACK,), scopes=frozenset({"api", "read_user", "openid", "email", "profile", "repo"}))

in_browser = pytest.mark.long  # some seconds each: for who changes the pages


@pytest.fixture
def session():
    with requests.Session() as session:
        session.trust_env = False
        yield session


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def gitlab(clock):
    with GitLabIdentity([CLI], clock=clock) as simulator:
        yield simulator


@pytest.fixture
def github(clock):
    app = App(7, {42: {"contents": "write"}}, client_id="Iv1.app")
    with GitHubIdentity([CLI], app=app, clock=clock) as simulator:
        yield simulator


@pytest.fixture
def bitbucket(clock):
    client = Client("key", (BACK,), secret="hidden")
    with BitbucketIdentity([client], clock=clock) as simulator:
        yield simulator


@pytest.fixture
def oidc(clock):
    with OpenIdProvider([CLI], clock=clock) as simulator:
        yield simulator


def decide(session, server, path="/oauth/authorize", decision="authorize", **asked):
    """Do as a person does on the page, without a browser; give where they are sent."""
    query = {"client_id": "cli", "redirect_uri": BACK, "response_type": "code", "state": "s", **asked}
    shown = session.get(f"{server.url}{path}", params=query, allow_redirects=False)
    if shown.status_code == 302:
        return shown.headers["Location"]
    ticket = re.search('name="ticket" value="([^"]+)"', shown.text)
    assert ticket is not None, shown.text
    done = session.post(
        f"{server.url}{path}", data={"ticket": ticket[1], "decision": decision}, allow_redirects=False
    )
    assert done.status_code == 302, done.text
    return done.headers["Location"]


def told(location):
    """Give what is in the query, or in the fragment, of the way back."""
    parts = urlsplit(location)
    return dict(parse_qsl(parts.query or parts.fragment))


def token(session, server, path="/oauth/token", **said):
    return session.post(f"{server.url}{path}", data={"client_id": "cli", **said}, headers=JSON)


def log_in(session, server, path="/oauth/token", **asked):
    """Log in with PKCE and give the answer with the tokens."""
    authorize = "/oauth/authorize" if path == "/oauth/token" else "/authorize"
    pkce = {"code_challenge": challenge(VERIFIER), "code_challenge_method": "S256"}
    code = told(decide(session, server, authorize, **pkce, **asked))["code"]
    return token(session, server, path, **exchange(code)).json()


def exchange(code, /, **changes):
    said = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK, "code_verifier": VERIFIER}
    return {name: value for name, value in {**said, **changes}.items() if value is not None}


def error(answer, status=400):
    assert answer.status_code == status, answer.text
    return answer.json()["error"]


# -- GitLab ---------------------------------------------------------------------------------------


def test_challenge_is_that_of_gitlabs_documentation():
    """The example of the page has this challenge."""
    assert challenge(VERIFIER) == "2i0WFA-0AerkjQm4X4oDEhqA17QIAKNjXpagHBXmO_U"


def test_gitlab_gives_tokens_for_a_code_and_its_verifier(session, gitlab):
    """The answer has the fields of GitLab's documentation, and the token is good for two hours."""
    given = log_in(session, gitlab, scope="api")
    assert set(given) == {"access_token", "token_type", "expires_in", "refresh_token", "scope", "created_at"}
    assert (given["token_type"], given["expires_in"], given["scope"]) == ("Bearer", 7200, "api")
    assert gitlab.grants.alive(given["access_token"])
    gitlab.clock.advance(7201)
    assert not gitlab.grants.alive(given["access_token"])


def test_gitlab_takes_json_as_well(session, gitlab):
    """A body of JSON is read as a form is."""
    pkce = {"code_challenge": challenge(VERIFIER), "code_challenge_method": "S256"}
    said = exchange(told(decide(session, gitlab, **pkce))["code"], client_id="cli")
    assert session.post(f"{gitlab.url}/oauth/token", json=said).status_code == 200


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"code_verifier": "x" * 43}, "invalid_grant"),
        ({"code_verifier": None}, "invalid_request"),
        ({"code_verifier": "short"}, "invalid_request"),
        ({"redirect_uri": BACK + "/"}, "invalid_grant"),
        ({"code": "0" * 32}, "invalid_grant"),
        ({"grant_type": "magic"}, "unsupported_grant_type"),
        ({"grant_type": None}, "invalid_request"),
    ],
)
def test_gitlab_refuses_an_exchange_that_does_not_fit(session, gitlab, changes, expected):
    """Verifier, redirect URI and code must be those of the authorization."""
    pkce = {"code_challenge": challenge(VERIFIER), "code_challenge_method": "S256"}
    code = told(decide(session, gitlab, **pkce))["code"]
    assert error(token(session, gitlab, **exchange(code, **changes))) == expected


def test_gitlab_refuses_a_verifier_without_a_challenge(session, gitlab):
    """A challenge that somebody took out of the address on its way is missed."""
    code = told(decide(session, gitlab))["code"]
    assert error(token(session, gitlab, **exchange(code))) == "invalid_grant"


def test_gitlab_takes_a_code_once_and_for_ten_minutes(session, gitlab):
    """A code that was used, or is old, is refused; a second use is noted."""
    code = told(decide(session, gitlab))["code"]
    said = exchange(code, code_verifier=None)
    assert token(session, gitlab, **said).status_code == 200
    assert error(token(session, gitlab, **said)) == "invalid_grant"
    assert gitlab.grants.reused == [code]
    late = told(decide(session, gitlab))["code"]
    gitlab.clock.advance(601)
    assert error(token(session, gitlab, **exchange(late, code_verifier=None))) == "invalid_grant"


def test_gitlab_refuses_parameters_in_the_query(session, gitlab):
    """Secrets do not belong in addresses."""
    answer = session.post(f"{gitlab.url}/oauth/token", params={"client_id": "cli"})
    assert error(answer) == "invalid_request"


def test_parameter_that_is_there_twice_is_refused(session, gitlab):
    """Nobody guesses which one is meant, RFC 6749 §3.2."""
    twice = [
        ("client_id", "cli"),
        ("client_id", "cli"),
        ("grant_type", "refresh_token"),
        ("refresh_token", "x"),
    ]
    assert error(session.post(f"{gitlab.url}/oauth/token", data=twice)) == "invalid_request"


@pytest.mark.parametrize(
    "uri", [BACK + "/", BACK + "?x=1", "http://127.0.0.1:10/back", "https://evil.example/back"]
)
def test_redirect_uri_is_compared_exactly(session, gitlab, uri):
    """Nobody is sent to an address that is not registered."""
    asked = {"client_id": "cli", "redirect_uri": uri, "response_type": "code"}
    answer = session.get(f"{gitlab.url}/oauth/authorize", params=asked, allow_redirects=False)
    assert (answer.status_code, "redirect URI" in answer.text) == (400, True)


@pytest.mark.parametrize(
    ("uri", "fits"),
    [
        ("http://127.0.0.1:10/back", True),
        ("http://127.0.0.1/back", True),
        ("http://me@127.0.0.1:10/back", False),
        ("http://localhost:9/back", False),
        ("http://127.0.0.1:10/other", False),
    ],
)
def test_loopback_port_varies_where_that_is_allowed(session, gitlab, uri, fits):
    """As Doorkeeper does: any port on an address of the loopback interface, and nothing else."""
    gitlab.any_loopback_port = True
    asked = {"client_id": "cli", "redirect_uri": uri, "response_type": "code"}
    answer = session.get(f"{gitlab.url}/oauth/authorize", params=asked)
    assert (answer.status_code == 200) is fits


def test_unknown_client_is_told_on_the_page(session, gitlab):
    """There is nowhere to go back to."""
    answer = session.get(
        f"{gitlab.url}/oauth/authorize", params={"client_id": "nobody", "redirect_uri": BACK}
    )
    assert answer.status_code == 401
    assert (
        error(session.post(f"{gitlab.url}/oauth/token", data={"client_id": "nobody"}), 401)
        == "invalid_client"
    )


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"response_type": "magic"}, "unsupported_response_type"),
        ({"scope": "sudo"}, "invalid_scope"),
        ({"code_challenge": "x", "code_challenge_method": "S1"}, "invalid_code_challenge_method"),
        ({"decision": "cancel"}, "access_denied"),
    ],
)
def test_errors_go_back_with_the_state(session, gitlab, asked, expected):
    """What is wrong with a request whose redirect URI is right is told to the client."""
    answer = told(decide(session, gitlab, **asked))
    assert (answer["error"], answer["state"]) == (expected, "s")


def test_knobs_change_the_way_back(session, gitlab):
    """A test can have any error, and another state or none."""
    gitlab.returns = {"state": "another"}
    assert told(decide(session, gitlab))["state"] == "another"
    gitlab.returns = {"state": None}
    gitlab.refusal = ("server_error", "<b>no</b>")
    assert told(decide(session, gitlab)) == {"error": "server_error", "error_description": "<b>no</b>"}


def test_implicit_token_is_in_the_fragment(session, gitlab):
    """The query, which servers see, has nothing; and there is no refresh token."""
    location = decide(session, gitlab, response_type="token", scope="api")
    assert not urlsplit(location).query
    given = told(location)
    assert gitlab.grants.alive(given["access_token"])
    assert given == {**given, "token_type": "Bearer", "expires_in": "7200", "state": "s", "scope": "api"}
    assert "refresh_token" not in given
    gitlab.implicit = False
    refused = urlsplit(decide(session, gitlab, response_type="token"))
    assert "unsupported_response_type" in refused.fragment


def test_refresh_rotates_and_reuse_ends_the_login(session, gitlab):
    """The old tokens are used up; who uses one again ends the new ones too."""
    old = log_in(session, gitlab)
    new = token(session, gitlab, grant_type="refresh_token", refresh_token=old["refresh_token"]).json()
    assert not gitlab.grants.alive(old["access_token"])
    assert gitlab.grants.alive(new["access_token"])
    again = token(session, gitlab, grant_type="refresh_token", refresh_token=old["refresh_token"])
    assert error(again) == "invalid_grant"
    assert gitlab.grants.reused == [old["refresh_token"]]
    assert not gitlab.grants.alive(new["access_token"])
    assert error(token(session, gitlab, grant_type="refresh_token", refresh_token=new["refresh_token"]))


def test_reuse_may_be_refused_alone(session, gitlab):
    """The knob leaves the login of who refreshed first alive."""
    gitlab.grants.reuse_ends_login = False
    old = log_in(session, gitlab)
    said = {"grant_type": "refresh_token", "refresh_token": old["refresh_token"]}
    new = token(session, gitlab, **said).json()
    assert error(token(session, gitlab, **said)) == "invalid_grant"
    assert gitlab.grants.alive(new["access_token"])


def test_revoked_token_is_dead(session, gitlab):
    """Revoking ends both tokens, and is no error for one that nobody knows."""
    given = log_in(session, gitlab, scope="api")
    bearer = {"Authorization": f"Bearer {given['access_token']}"}
    known = session.get(f"{gitlab.url}/oauth/token/info", headers=bearer).json()
    assert known == {**known, "scope": ["api"], "application": {"uid": "cli"}}
    for each in (given["access_token"], "nothing"):
        assert token(session, gitlab, "/oauth/revoke", token=each).json() == {}
    assert error(session.get(f"{gitlab.url}/oauth/token/info", headers=bearer), 401) == "invalid_token"


def test_gitlab_gives_a_device_its_token(session, gitlab):
    """It waits, is told to wait longer, and gets tokens once."""
    begun = token(session, gitlab, "/oauth/authorize_device", scope="api").json()
    assert begun["verification_uri_complete"] == f"{gitlab.url}/oauth/device?user_code={begun['user_code']}"
    assert (begun["expires_in"], begun["interval"], len(begun["user_code"])) == (300, 5, 8)
    said = {"grant_type": DEVICE, "device_code": begun["device_code"]}
    assert error(token(session, gitlab, **said)) == "authorization_pending"
    assert error(token(session, gitlab, **said)) == "slow_down"
    gitlab.clock.advance(5)
    gitlab.devices.decide(begun["user_code"].lower(), allowed=True)
    assert token(session, gitlab, **said).json()["scope"] == "api"
    assert error(token(session, gitlab, **said)) == "invalid_grant"


@pytest.mark.parametrize("late", [False, True])
def test_device_is_refused_or_too_late(session, gitlab, late):
    """Both end the waiting."""
    begun = token(session, gitlab, "/oauth/authorize_device").json()
    if late:
        gitlab.clock.advance(301)
    else:
        gitlab.devices.decide(begun["user_code"], allowed=False)
    answer = token(session, gitlab, grant_type=DEVICE, device_code=begun["device_code"])
    assert error(answer) == ("expired_token" if late else "access_denied")


def test_new_tokens_are_told_to_who_listens(session, gitlab):
    """A forge's simulator can accept them from then on."""
    heard = []
    gitlab.grants.issued = heard.append
    assert log_in(session, gitlab)["access_token"] == heard[0]


# -- Bitbucket ------------------------------------------------------------------------------------

AUTHORIZE, ACCESS = "/site/oauth2/authorize", "/site/oauth2/access_token"


def test_bitbucket_gives_an_implicit_token(session, bitbucket):
    """It goes back to the registered address when none is said."""
    location = decide(session, bitbucket, AUTHORIZE, client_id="key", redirect_uri="", response_type="token")
    assert location.startswith(f"{BACK}#")
    assert bitbucket.grants.alive(told(location)["access_token"])
    assert told(location)["token_type"] == "bearer"


def test_bitbucket_takes_an_address_below_the_registered_one(session, bitbucket):
    """It may be longer, and nothing else."""
    assert decide(session, bitbucket, AUTHORIZE, client_id="key", redirect_uri=f"{BACK}/more")
    asked = {"client_id": "key", "redirect_uri": f"{BACK}evil", "response_type": "token"}
    assert session.get(f"{bitbucket.url}{AUTHORIZE}", params=asked).status_code == 400


def test_bitbucket_refreshes_with_the_consumers_secret_alone(session, bitbucket):
    """The refresh token stays the same; without the secret there is none."""
    code = told(decide(session, bitbucket, AUTHORIZE, client_id="key", scope="repository:write"))["code"]
    url, said = (
        f"{bitbucket.url}{ACCESS}",
        {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK},
    )
    assert error(session.post(url, data={"client_id": "key", **said}), 401) == "unauthorized_client"
    first = session.post(url, data=said, auth=("key", "hidden")).json()
    assert (first["scopes"], first["state"]) == ("repository:write", "authorization_code")
    refresh = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    for _ in range(2):
        second = session.post(url, data=refresh, auth=("key", "hidden")).json()
        assert second["refresh_token"] == first["refresh_token"]
        assert second["access_token"] != first["access_token"]
    wrong = session.post(url, data={**refresh, "refresh_token": "x"}, auth=("key", "hidden"))
    assert wrong.json() == {"error": "invalid_request", "error_description": "Invalid refresh_token"}


# -- GitHub ---------------------------------------------------------------------------------------


def begin(session, github, **said):
    return session.post(f"{github.url}/login/device/code", data={"client_id": "cli", **said}, headers=JSON)


def poll(session, github, begun, **said):
    said = {"grant_type": DEVICE, "device_code": begun["device_code"], **said}
    answer = token(session, github, "/login/oauth/access_token", **said)
    assert answer.status_code == 200
    return answer.json()


def test_github_answers_form_encoded_by_default(session, github):
    """Only who asks for JSON gets it."""
    answer = session.post(f"{github.url}/login/device/code", data={"client_id": "cli", "scope": "repo"})
    assert answer.headers["Content-Type"].startswith("application/x-www-form-urlencoded")
    given = {name: value for name, (value,) in parse_qs(answer.text).items()}
    assert given["verification_uri"] == f"{github.url}/login/device"
    assert (given["expires_in"], given["interval"], len(given["device_code"])) == ("900", "5", 40)
    assert re.fullmatch("[B-Z]{4}-[B-Z]{4}", given["user_code"])


def test_github_slows_a_device_down(session, github):
    """Every request that comes too soon adds five seconds, which the answer says; errors are 200s."""
    begun = begin(session, github).json()
    assert poll(session, github, begun)["error"] == "authorization_pending"
    answer = poll(session, github, begun)
    assert (answer["error"], answer["interval"]) == ("slow_down", 10)
    github.clock.advance(5)
    assert poll(session, github, begun)["interval"] == 15
    github.clock.advance(15)
    assert poll(session, github, begun)["error"] == "authorization_pending"


def test_github_gives_a_device_its_token(session, github):
    """The scopes are listed with commas, and the token has no end."""
    begun = begin(session, github, scope="repo read_user").json()
    github.devices.decide(begun["user_code"], allowed=True)
    given = poll(session, github, begun)
    assert given == {"access_token": given["access_token"], "token_type": "bearer", "scope": "repo,read_user"}
    assert given["access_token"].startswith("gho_")
    assert poll(session, github, begun)["error"] == "incorrect_device_code"


@pytest.mark.parametrize(
    ("late", "said", "expected"),
    [
        (True, {}, "expired_token"),
        (False, {}, "access_denied"),
        (False, {"client_id": "nobody"}, "incorrect_client_credentials"),
        (False, {"device_code": "x"}, "incorrect_device_code"),
        (False, {"grant_type": "magic"}, "unsupported_grant_type"),
    ],
)
def test_github_words_the_errors_of_the_device_flow(session, github, late, said, expected):
    """They are those of the page "Authorizing OAuth apps"."""
    begun = begin(session, github).json()
    if late:
        github.clock.advance(901)
    else:
        github.devices.decide(begun["user_code"], allowed=False)
    answer = poll(session, github, begun, **said)
    assert answer["error"] == expected
    assert answer["error_uri"].startswith("https://docs.github.com")


def test_github_has_device_flows_of_apps_that_enabled_it(session, github):
    """Here alone an error has a status of its own."""
    github.device_flow = False
    assert error(begin(session, github)) == "device_flow_disabled"
    assert error(begin(session, github, client_id="nobody"), 404) == "Not Found"


def test_tokens_of_a_github_app_are_refreshed_without_a_secret(session, clock):
    """They end after eight hours, and a refresh token is good once."""
    with GitHubIdentity([CLI], clock=clock, expiring=True) as github:
        begun = begin(session, github).json()
        github.devices.decide(begun["user_code"], allowed=True)
        first = poll(session, github, begun)
        assert (first["expires_in"], first["access_token"][:4]) == (28_800, "ghu_")
        said = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
        assert (
            token(session, github, "/login/oauth/access_token", **said).json()["refresh_token"][:4] == "ghr_"
        )
        again = token(session, github, "/login/oauth/access_token", **said)
        assert (again.status_code, again.json()["error"]) == (200, "bad_refresh_token")


def signed(key=None, algorithm="RS256", **changes):
    now = int(time.time())
    claims = {"iss": "7", "iat": now - 60, "exp": now + 540, **changes}
    return jwt.encode(claims, key or Key.shared().pem, algorithm)


def ask_installation(session, github, assertion, installation="42", root=""):
    url = f"{github.url}{root}/app/installations/{installation}/access_tokens"
    return session.post(url, headers={"Authorization": f"Bearer {assertion}"})


@pytest.mark.parametrize("root", ["", "/api/v3"])
@pytest.mark.parametrize("issuer", ["7", "Iv1.app"])
def test_installation_gets_a_token_for_an_hour(session, github, root, issuer):
    """The App is named by its id or its client's."""
    answer = ask_installation(session, github, signed(iss=issuer), root=root)
    given = answer.json()
    assert answer.status_code == 201
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", given["expires_at"])
    assert given["permissions"] == {"contents": "write"}
    assert 3590 < github.installation_tokens[given["token"]] - github.clock.now() <= 3600


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"exp": 700}, "'exp'.*too far in the future"),
        ({"exp": -5}, "'exp'.*must be a numeric value"),
        ({"iat": 60}, "'iat'"),
        ({"iss": "8"}, "'iss'"),
        ({"key": "a secret of the same length as a key", "algorithm": "HS256"}, "could not be decoded"),
    ],
)
def test_installation_wants_a_good_assertion(session, github, changes, told):
    """Signature, issuer and times are checked; times are given in seconds from now."""
    now = int(time.time())
    said = {name: now + value if name in {"exp", "iat"} else value for name, value in changes.items()}
    answer = ask_installation(session, github, signed(**said))
    assert answer.status_code == 401
    assert re.search(told, answer.json()["message"])


def test_installation_compares_with_its_own_clock(session, github):
    """A machine whose clock is five minutes ahead is refused, and so is another key."""
    assert ask_installation(session, github, signed(), "43").status_code == 404
    github.clock.advance(-300)
    assert ask_installation(session, github, signed()).status_code == 401
    github.clock.advance(300)
    assert ask_installation(session, github, signed(Key.make().pem)).status_code == 401


# -- OpenID Connect -------------------------------------------------------------------------------


def test_openid_provider_says_who_it_is(session, oidc):
    """The id token is signed by a published key and has the claims that the scopes ask for."""
    said = session.get(f"{oidc.url}/.well-known/openid-configuration").json()
    assert (said["issuer"], said["token_endpoint"]) == (oidc.url, f"{oidc.url}/token")
    given = log_in(session, oidc, "/token", scope="openid email", nonce="n")
    (key,) = session.get(said["jwks_uri"]).json()["keys"]
    claims = jwt.decode(given["id_token"], jwt.PyJWK(key).key, ["RS256"], audience="cli", issuer=oidc.url)
    assert (claims["nonce"], claims["email"], "name" in claims) == ("n", "owner@example.org", False)
    bearer = {"Authorization": f"Bearer {given['access_token']}"}
    assert session.get(said["userinfo_endpoint"], headers=bearer).json()["email"] == "owner@example.org"


def test_openid_provider_wants_pkce_of_public_clients(session, oidc):
    """Without a challenge with S256 there is no code."""
    asked = {"code_challenge": VERIFIER, "code_challenge_method": "plain"}
    assert told(decide(session, oidc, "/authorize"))["error"] == "invalid_request"
    assert told(decide(session, oidc, "/authorize", **asked))["error"] == "invalid_request"


def test_id_token_can_be_made_wrong(session, oidc):
    """A knob changes any claim."""
    oidc.id_token_changes = {"nonce": "another"}
    given = log_in(session, oidc, "/token", scope="openid", nonce="n")
    assert jwt.decode(given["id_token"], options={"verify_signature": False})["nonce"] == "another"


# -- popups, without a browser --------------------------------------------------------------------


def test_popup_server_knows_its_sites(session, github):
    """A site that it does not know, or a provider, is not found."""
    with PopupServer({"github": github}, sites=["site.example.org"]) as popup:
        for asked, status in [
            ({"provider": "github", "site_id": "site.example.org"}, 302),
            ({"provider": "github", "site_id": "evil.example.org"}, 404),
            ({"provider": "gitlab", "site_id": "site.example.org"}, 404),
        ]:
            answer = session.get(f"{popup.url}/auth", params=asked, allow_redirects=False)
            assert answer.status_code == status
        assert session.get(f"{popup.url}/callback", params={"code": "x", "state": "x"}).status_code == 400


def test_netlifys_refresh_rotates(session, bitbucket):
    """Each refresh token is good once; that is told apart from one that nobody knows."""
    with PopupServer({"bitbucket": bitbucket}) as popup:
        asked = session.get(f"{popup.url}/auth?provider=bitbucket&site_id=x", allow_redirects=False)
        back = decide(session, bitbucket, AUTHORIZE, **told(asked.headers["Location"]))
        first = re.search(r'refresh_token\\": \\"(\w+)', session.get(back).text)[1]

        def refresh(refresh_token):
            query = {"provider": "bitbucket", "site_id": "x", "refresh_token": refresh_token}
            return session.post(f"{popup.url}/auth/refresh", params=query)

        second = refresh(first).json()
        assert bitbucket.grants.alive(second["token"])
        assert (refresh(first).status_code, refresh("x").status_code) == (401, 401)
        assert popup.reused == [first]
        assert refresh(second["refresh_token"]).json()["token"] != second["token"]
        assert session.get(f"{popup.url}/auth/refresh").status_code == 405


# -- in the browser -------------------------------------------------------------------------------

CLOSE = {"Connection": "close"}  # or stopping waits for the browser
OPENER = """<!doctype html><title>opener</title><button id="open">Log in</button>
<pre id="result"></pre><pre id="heard"></pre>
<script>
const { base, provider, naive } = %s;
const hello = "authorizing:" + provider;
document.getElementById("open").addEventListener("click", () => {
    window.open(`${base}/auth?provider=${provider}&site_id=site.example.org&scope=repo`, "login");
});
window.addEventListener("message", (event) => {
    document.getElementById("heard").textContent += `${event.origin} ${event.data}\\n`;
    if (event.origin !== base && !naive) { event.source.postMessage("something else", "*"); return; }
    if (event.data === hello) event.source.postMessage(hello, event.origin);
    const [, , word, ...rest] = event.data.split(":");
    if (word) document.getElementById("result").textContent = word + " " + rest.join(":");
});
</script>"""


class Opener(ServerSimulator):
    """A page that opens the popup and plays its part of the handshake."""

    def __init__(self, base: str, provider: str = "github", *, naive: bool = False) -> None:
        super().__init__()
        self.known = {"base": base, "provider": provider, "naive": naive}

    def respond(self, request: Request) -> Response:
        return Response(OPENER % json.dumps(self.known), headers=CLOSE, content_type="text/html")


def authorize(browser, popup, opener, decision="authorize"):
    """Press the button of the opener and then that of the forge, and come back to the opener."""
    forge = next(iter(popup.forges.values()))
    browser.open(opener.url)
    browser.press("open")
    here = browser.switch_to_popup()
    browser.wait_for_url(forge.url)
    browser.press(decision)
    return here


def result(browser):
    """Wait until the opener was told, and give the word and the JSON."""
    browser.wait_for(lambda: browser.text_of("result"), "result")
    word, _, data = browser.text_of("result").partition(" ")
    return word, json.loads(data)


@in_browser
@pytest.mark.parametrize(
    ("manner", "keys", "target"),
    [
        (Manner.NETLIFY, {"token", "provider"}, None),
        (Manner.ECHO, {"token", "provider"}, None),
        (Manner.ANYONE, {"token"}, "*"),
        (Manner.AT_ONCE, {"token", "provider"}, "closed"),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_popup_tells_its_opener_the_token(browser, github, manner, keys, target):
    """In each manner the opener has a token that is good, and the popup tells it to whom it said."""
    with PopupServer({"github": github}, manner=manner) as popup, Opener(popup.url) as opener:
        here = authorize(browser, popup, opener)
        if target != "closed":
            browser.wait_for_text(f"told {target or opener.url}")
        browser.switch(here)
        word, data = result(browser)
        if target == "closed":
            browser.wait_for(lambda: browser.windows == (here,), "end of the popup")
    assert (word, set(data)) == ("success", keys)
    assert github.grants.alive(data["token"])
    assert browser.screenshot("told").read_bytes().startswith(b"\x89PNG")


@in_browser
def test_popup_tells_that_a_person_refused(browser, github):
    """Who presses cancel on the forge's page is told why nothing comes of it."""
    with PopupServer({"github": github}) as popup, Opener(popup.url) as opener:
        browser.switch(authorize(browser, popup, opener, "cancel"))
        word, data = result(browser)
    assert (word, set(data)) == ("error", {"message"})
    assert "denied" in data["message"]


@in_browser
@pytest.mark.parametrize(("manner", "key"), [(Manner.NETLIFY, "message"), (Manner.ECHO, "error")])
def test_popup_tells_an_error_with_html_in_it(browser, github, manner, key):
    """No script of it runs on the popup's own page; what the opener makes of it is its own affair."""
    evil = "</script><script>document.title = 'run'</script><b>no"
    with PopupServer({"github": github}, manner=manner) as popup, Opener(popup.url) as opener:
        popup.refusal = evil
        here = authorize(browser, popup, opener)
        browser.wait_for_text("told")
        assert browser.driver.title == "Authorizing"
        browser.switch(here)
        word, data = result(browser)
    assert (word, data[key]) == ("error", evil)


@in_browser
def test_popup_can_tell_a_token_with_a_newline_and_a_refresh_token(browser, bitbucket):
    """What is in the JSON is a knob, and Bitbucket's has a refresh token."""
    with PopupServer({"bitbucket": bitbucket}) as popup, Opener(popup.url, "bitbucket") as opener:
        popup.alter = lambda told: {**told, "token": told["token"] + "\nX-Evil: 1"}
        browser.switch(authorize(browser, popup, opener))
        _, data = result(browser)
    assert data["token"].endswith("\nX-Evil: 1")
    assert set(data) == {"token", "provider", "refresh_token"}


@in_browser
@pytest.mark.parametrize(("manner", "answers"), [(Manner.NETLIFY, False), (Manner.ECHO, True)])
def test_netlifys_popup_waits_for_the_echo(browser, github, manner, answers):
    """It answers nothing else; the community's takes any message for one. Here the opener has another base."""
    with PopupServer({"github": github}, manner=manner) as popup, Opener(popup.url) as opener:
        opener.known["base"] = popup.url.replace("127.0.0.1", "localhost")
        here = authorize(browser, popup, opener)
        popped = browser.window
        browser.switch(here)
        browser.wait_for_text(f"{popup.url} authorizing:github")
        browser.wait_for(
            lambda: ("authorization:github:success" in browser.text_of("heard")) is answers, "answer"
        )
        assert not browser.text_of("result")
        browser.switch(popped)
        assert browser.text_of("status") == (f"told {opener.url}" if answers else "waiting")


@in_browser
def test_popup_of_its_own_browsing_context_has_no_opener(browser, github):
    """A Cross-Origin-Opener-Policy breaks the handshake."""
    with PopupServer({"github": github}) as popup, Opener(popup.url) as opener:
        popup.headers = {"Cross-Origin-Opener-Policy": "same-origin"}
        authorize(browser, popup, opener)
        browser.wait_for(lambda: "there is no opener" in browser.text, "message")


@in_browser
@pytest.mark.parametrize("way", ["framed", "detour"])
def test_attack_reaches_an_opener_that_does_not_compare_origins(browser, github, way):
    """The forged token arrives from a frame in the popup and from a page that the popup was sent to."""
    with (
        PopupServer({"github": github}) as popup,
        AttackServer() as attack,
        Opener(popup.url, naive=True) as opener,
    ):
        setattr(popup, way, attack.forging("github"))
        browser.open(opener.url)
        browser.press("open")
        here = browser.switch_to_popup()
        if way == "framed":
            browser.press("authorize")
        browser.switch(here)
        browser.wait_for(lambda: FORGED in browser.text_of("result"), "forged token")


@in_browser
@pytest.mark.parametrize("way", ["framed", "detour"])
def test_attack_is_told_from_the_popup_by_its_origin(browser, github, way):
    """An opener that compares origins hears the forged messages and takes none of them."""
    with PopupServer({"github": github}) as popup, AttackServer() as attack, Opener(popup.url) as opener:
        setattr(popup, way, attack.forging("github"))
        browser.open(opener.url)
        browser.press("open")
        here = browser.switch_to_popup()
        if way == "framed":
            browser.press("authorize")
        browser.switch(here)
        browser.wait_for_text(f"{attack.url} authorization:github:success:")
        assert FORGED not in browser.text_of("result")


@in_browser
def test_attack_opens_and_embeds_other_pages(browser, github):
    """It reaches what it opened and what it has in a frame, and hears what that says to anybody."""
    with PopupServer({"github": github}, manner=Manner.AT_ONCE) as popup, AttackServer() as attack:
        with Opener(popup.url, naive=True) as opener:
            browser.open(attack.opening(opener.url, "github"))
            browser.press("open")
            here = browser.switch_to_popup()
            browser.wait_for(lambda: FORGED in browser.text_of("result"), "forged token")
            browser.driver.close()
            browser.switch(here)
            browser.open(attack.embedding(opener.url, "github"))
            browser.driver.switch_to.frame(0)
            browser.wait_for(lambda: FORGED in browser.text_of("result"), "forged token")
        browser.open(attack.opening(f"{popup.url}/auth?provider=github", "github"))
        browser.press("open")
        browser.switch_to_popup()
        browser.press("authorize")
        browser.wait_for(
            lambda: any("gho_" in each["data"] for each in attack.heard), "token that was overheard"
        )


@in_browser
@pytest.mark.parametrize("decision", ["authorize", "cancel"])
def test_person_types_a_code_on_githubs_page(browser, session, github, decision):
    """A wrong code is told; who typed the right one decides."""
    begun = begin(session, github, scope="repo").json()
    browser.open(begun["verification_uri"])
    browser.type("user_code", "AAAA-AAAA")
    browser.press("continue")
    assert browser.text_of("error") == "This code is not valid."
    browser.open(begun["verification_uri"])
    browser.type("user_code", begun["user_code"].lower())
    browser.press("continue")
    assert (browser.text_of("client"), browser.text_of("scopes")) == ("copydesk", "repo")
    browser.press(decision)
    assert browser.text_of("done")
    answer = poll(session, github, begun)
    assert ("access_token" in answer) is (decision == "authorize")


@in_browser
def test_gitlabs_page_for_devices_knows_the_code_already(browser, session, gitlab):
    """The complete address spares the typing."""
    begun = token(session, gitlab, "/oauth/authorize_device").json()
    browser.open(begun["verification_uri_complete"])
    browser.press("authorize")
    assert browser.text_of("done")
    given = token(session, gitlab, grant_type=DEVICE, device_code=begun["device_code"]).json()
    assert gitlab.grants.alive(given["access_token"])


LANDING = """<!doctype html><title>back</title><p id="seen"></p><script>
document.getElementById("seen").textContent = location.hash + location.search;
console.log("landed at " + location.pathname);
localStorage.setItem("visits", Number(localStorage.getItem("visits")) + 1);
document.cookie = "kept=1";
history.replaceState(null, "", "/clean");
</script>"""


class Landing(ServerSimulator):
    """A page that people come back to."""

    def respond(self, request: Request) -> Response:
        return Response(LANDING, headers=CLOSE, content_type="text/html")


def go_back(browser, provider, landing, response_type):
    provider.register(Client("web", (f"{landing.url}/back",), name="A site"))
    asked = {
        "client_id": "web",
        "redirect_uri": f"{landing.url}/back",
        "response_type": response_type,
        "state": "s",
    }
    browser.open(f"{provider.url}{provider.authorize_path}?{urlencode(asked)}")
    assert browser.text_of("client") == "A site"
    browser.press("authorize")
    browser.wait_for_url(f"{landing.url}/clean")
    return told("?" + browser.text_of("seen")[1:])


@in_browser
@pytest.mark.parametrize(("response_type", "name"), [("code", "code"), ("token", "access_token")])
def test_person_authorizes_on_the_page_of_gitlab(browser, gitlab, response_type, name):
    """They come back with a code in the query or with a token in the fragment."""
    with Landing() as landing:
        assert go_back(browser, gitlab, landing, response_type).keys() >= {name, "state"}


@in_browser
def test_browser_tells_what_is_left_behind(browser, gitlab):
    """A token that a page took out of its address is in the history all the same; the console has its lines."""
    with Landing() as landing:
        given = go_back(browser, gitlab, landing, "token")["access_token"]
        assert browser.history()[-1] == f"{landing.url}/clean"
        assert browser.storage() == {"visits": "1", "cookie": "kept=1"}
        assert any("landed at /back" in line for line in browser.console())
        assert any(given in url for url in browser.visited())


@in_browser
def test_browser_begins_without_a_past(browser, chromium, tmp_path):
    """Windows, storage, cookies, history and console of the test before are gone."""
    with Landing() as landing:
        browser.open(f"{landing.url}/first")
        browser.driver.switch_to.new_window("tab")
        browser.open(f"{landing.url}/second")
        browser.reset()
        assert (len(browser.windows), browser.console()) == (1, [])
        assert not any(landing.url in url for url in browser.history())
        browser.open(f"{landing.url}/third")
        assert browser.storage() == {"visits": "1", "cookie": "kept=1"}
        visited = browser.visited()
        assert f"{landing.url}/third" in visited
        assert not {f"{landing.url}/first", f"{landing.url}/second"} & set(visited)


@in_browser
def test_browser_shows_the_page_where_it_waits_in_vain(browser):
    """A failure says what was there in its place."""
    with Landing() as landing:
        browser.open(landing.url)
        with pytest.raises(AssertionError, match=r"no text 'nothing' in 0.1 s at http://.*/clean"):
            browser.wait_for_text("nothing", 0.1)


def test_providers_leave_no_thread_behind(session):
    """They end as all simulators do."""
    before = set(threading.enumerate())
    with GitHubIdentity() as github, PopupServer({"github": github}):
        session.get(github.url)
    session.close()
    assert set(threading.enumerate()) <= before
