"""The simulator of GoTrue: what Netlify Identity is known to do."""

from __future__ import annotations

import threading
import time

import pytest
import requests
from copydesk.testing import Reset

jwt = pytest.importorskip("jwt", reason="PyJWT is not installed")

from simulators.gotrue import GoTrueSimulator  # noqa: E402

EMAIL, PASSWORD = "ann@example.org", "päss & word"
UNKNOWN = "No user found with that email, or password invalid."
INVALID = {"error": "invalid_grant", "error_description": "Invalid Refresh Token"}


class Clock:
    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def identity(clock):
    with GoTrueSimulator(clock=clock) as identity:
        identity.add_user(EMAIL, PASSWORD, name="Ann", roles=["editor", "admin"])
        yield identity


@pytest.fixture
def ask(identity):
    """Send a request; a token is borne, and what else is named is sent as a form."""
    with requests.Session() as session:
        session.trust_env = False

        def ask(method: str, path: str, token: str | None = None, **form: str) -> requests.Response:
            headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
            url = identity.url + identity.root + path
            return session.request(method, url, data=form or None, headers=headers, timeout=10)

        yield ask


@pytest.fixture
def sign_in(ask):
    def sign_in(username: str = EMAIL, password: str = PASSWORD) -> requests.Response:
        return ask("POST", "/token", grant_type="password", username=username, password=password)

    return sign_in


@pytest.fixture
def refresh(ask):
    def refresh(token: str) -> requests.Response:
        return ask("POST", "/token", grant_type="refresh_token", refresh_token=token)

    return refresh


def told(answer: requests.Response) -> tuple[int, object]:
    return answer.status_code, answer.json()


# -- signing in ---------------------------------------------------------------------------------------


def test_password_gives_tokens(identity, sign_in, clock):
    """A sign-in gives a signed token that says who it is, until when and with which roles."""
    given = sign_in().json()
    assert given.keys() == {"access_token", "token_type", "expires_in", "refresh_token"}
    assert (given["token_type"], given["expires_in"]) == ("bearer", 3600)
    unchecked = {"verify_exp": False, "verify_aud": False}
    claims = jwt.decode(given["access_token"], identity.secret, ["HS256"], unchecked)
    assert claims == {
        "sub": identity.users[EMAIL].id,
        "email": EMAIL,
        "exp": int(clock.now) + 3600,
        "aud": "",
        "app_metadata": {"provider": "email", "roles": ["editor", "admin"]},
        "user_metadata": {"full_name": "Ann"},
    }


@pytest.mark.parametrize("who", [("bob@example.org", PASSWORD), (EMAIL, "wrong"), (EMAIL, "")])
def test_unknown_user_and_wrong_password_are_refused_alike(sign_in, who):
    """Nobody learns from a refusal whether an address is known."""
    assert told(sign_in(*who)) == (400, {"error": "invalid_grant", "error_description": UNKNOWN})


def test_other_grants_are_refused(ask, identity):
    """Only two grants are known, and they are read from a form."""
    refused = (400, {"error": "unsupported_grant_type"})
    assert told(ask("POST", "/token", grant_type="client_credentials")) == refused
    assert told(ask("POST", "/token")) == refused
    body = {"grant_type": "password", "username": EMAIL, "password": PASSWORD}
    url = f"{identity.url}{identity.root}/token"
    assert told(requests.post(url, json=body, timeout=10)) == refused


# -- refreshing ---------------------------------------------------------------------------------------


def test_refresh_token_is_good_once(sign_in, refresh):
    """A refresh gives a new pair, and the old refresh token is refused afterwards."""
    first = sign_in().json()["refresh_token"]
    second = refresh(first).json()["refresh_token"]
    assert second != first
    assert told(refresh(first)) == (400, INVALID)
    assert refresh(second).status_code == 200


def test_refresh_tokens_of_two_browsers_are_independent(sign_in, refresh):
    """Who signs in elsewhere stays signed in here."""
    one, two = (sign_in().json()["refresh_token"] for _ in range(2))
    assert [refresh(each).status_code for each in (one, two)] == [200, 200]


def test_missing_and_unknown_refresh_tokens_are_refused(ask, refresh):
    """A refresh without a token is another error than one with a wrong token."""
    missing = {"error": "invalid_request", "error_description": "refresh_token required"}
    assert told(ask("POST", "/token", grant_type="refresh_token")) == (400, missing)
    assert told(refresh("unknown")) == (400, INVALID)


def test_revoked_refresh_tokens_are_refused(identity, sign_in, refresh):
    """Revoking takes every refresh token of one user."""
    identity.add_user("bob@example.org", "bob")
    tokens = [sign_in().json()["refresh_token"] for _ in range(2)]
    other = sign_in("bob@example.org", "bob").json()["refresh_token"]
    identity.revoke(EMAIL)
    assert [told(refresh(each)) for each in tokens] == [(400, INVALID)] * 2
    assert refresh(other).status_code == 200


def test_new_roles_are_in_the_next_token(identity, sign_in, refresh, ask):
    """A change of roles shows in tokens made afterwards."""
    before = sign_in().json()
    identity.users[EMAIL].roles = ("reader",)
    after = refresh(before["refresh_token"]).json()["access_token"]
    claims = jwt.decode(after, options={"verify_signature": False})
    assert claims["app_metadata"]["roles"] == ["reader"]


def test_racing_refreshes_have_one_winner(identity, sign_in, refresh):
    """Of many refreshes with one token one succeeds, however late its answer is."""
    token = sign_in().json()["refresh_token"]
    identity.lateness = 0.01
    statuses: list[int] = []
    racers = [threading.Thread(target=lambda: statuses.append(refresh(token).status_code)) for _ in range(4)]
    for each in racers:
        each.start()
    for each in racers:
        each.join()
    assert sorted(statuses) == [200, 400, 400, 400]


def test_answer_of_the_token_endpoint_is_late(identity, sign_in):
    """A race can be stretched without slowing other endpoints."""
    identity.lateness = 0.05
    started = time.monotonic()
    assert sign_in().status_code == 200
    assert time.monotonic() - started >= 0.05


def test_lost_answer_has_used_up_the_token(identity, sign_in, refresh):
    """A client whose answer was lost on the way has no refresh token any more."""
    token = sign_in().json()["refresh_token"]
    identity.inject(Reset(), after=True)
    with pytest.raises(requests.ConnectionError):
        refresh(token)
    assert told(refresh(token)) == (400, INVALID)


# -- being somebody -----------------------------------------------------------------------------------


def test_user_is_described(identity, ask):
    """The user of a token is shown, without empty names and roles."""
    shown = ask("GET", "/user", identity.issue(EMAIL)).json()
    assert (shown["id"], shown["email"]) == (identity.users[EMAIL].id, EMAIL)
    assert shown["app_metadata"] == {"provider": "email", "roles": ["editor", "admin"]}
    assert shown["user_metadata"] == {"full_name": "Ann"}
    assert shown["created_at"] == "2027-01-15T08:00:00Z"
    identity.add_user("bob@example.org", "bob")
    shown = ask("GET", "/user", identity.issue("bob@example.org")).json()
    assert (shown["app_metadata"], shown["user_metadata"]) == ({"provider": "email"}, {})


@pytest.mark.parametrize("path", ["/user", "/logout"])
def test_token_is_asked_for(identity, ask, path):
    """Without a good token nobody is shown or logged out, and the words are the server's."""
    method = "GET" if path == "/user" else "POST"
    bearer = {"code": 401, "msg": "This endpoint requires a Bearer token"}
    assert told(ask(method, path)) == (401, bearer)
    forged = identity.issue(EMAIL, secret="x" * 32)
    assert told(ask(method, path, forged))[1]["msg"] == "Invalid token: signature is invalid"
    expired = identity.issue(EMAIL, lifetime=-3605)
    assert told(ask(method, path, expired))[1]["msg"] == "Invalid token: token is expired by 1h0m5s"


def test_token_expires_by_the_clock(identity, ask, clock):
    """A token is good up to and including its last second."""
    identity.lifetime = 60
    token = identity.issue(EMAIL)
    clock.now += 60
    assert ask("GET", "/user", token).status_code == 200
    clock.now += 1
    late = {"code": 401, "msg": "Invalid token: token is expired by 1s"}
    assert told(ask("GET", "/user", token)) == (401, late)


def test_user_who_is_gone_is_not_found(identity, ask):
    """A token outlives its user."""
    token = identity.issue(EMAIL)
    del identity.users[EMAIL]
    assert told(ask("GET", "/user", token)) == (404, {"code": 404, "msg": "User not found"})
    assert told(ask("POST", "/logout", token)) == (401, {"code": 401, "msg": "Invalid user"})


def test_logout_takes_the_refresh_tokens_only(identity, sign_in, refresh, ask):
    """After a logout nothing is refreshed, and access tokens go on until they expire."""
    given = sign_in().json()
    answer = ask("POST", "/logout", given["access_token"])
    assert (answer.status_code, answer.content) == (204, b"")
    assert told(refresh(given["refresh_token"])) == (400, INVALID)
    assert ask("GET", "/user", given["access_token"]).status_code == 200


def test_other_audience_is_refused(identity, ask):
    """A token is for the audience that it names."""
    url = f"{identity.url}{identity.root}/user"
    headers = {"Authorization": f"Bearer {identity.issue(EMAIL)}", "X-JWT-AUD": "other"}
    answer = requests.get(url, headers=headers, timeout=10)
    assert told(answer) == (400, {"code": 400, "msg": "Token audience doesn't match request audience"})


# -- the service --------------------------------------------------------------------------------------


def test_settings_need_no_token(ask):
    """Everybody may see how people sign in."""
    settings = ask("GET", "/settings").json()
    assert settings.keys() == {"external", "external_labels", "disable_signup", "autoconfirm"}
    assert settings["external"]["email"]


def test_other_paths_and_methods_are_not_there(ask, identity):
    """What is not simulated is not found, and no error in JSON."""
    assert ask("GET", "/signup").status_code == 404
    assert ask("GET", "/token").status_code == 405
    assert requests.get(f"{identity.url}/token", timeout=10).status_code == 404


def test_root_is_configurable():
    """A GoTrue of one's own stands elsewhere."""
    with GoTrueSimulator(root="/auth") as identity:
        assert requests.get(f"{identity.url}/auth/settings", timeout=10).status_code == 200


def test_requests_are_counted(identity, sign_in, refresh):
    """The log tells how often a token was asked for."""
    refresh(sign_in().json()["refresh_token"])
    assert [(each.method, each.path) for each in identity.log] == [("POST", f"{identity.root}/token")] * 2
