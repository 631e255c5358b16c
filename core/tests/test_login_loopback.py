"""The page of a login on the loopback address: who may ask it, who may answer it, and how often."""

from __future__ import annotations

import http.client
import json
import re
import socket
import threading
import time
from urllib.parse import parse_qsl, urlencode, urlsplit

import attrs
import pytest

pytest.importorskip("oauthlib", reason="oauthlib is not installed")

from copydesk import auth
from copydesk.errors import AuthenticationError, InvalidInputError, UnavailableError
from copydesk.models import Credential, LoginFlow

POPUP = LoginFlow(
    "popup",
    {"authorize_url": "https://login.example/auth", "provider": "github", "site_id": "x"},
)
IMPLICIT = LoginFlow("implicit", {"authorize_url": "https://login.example/auth", "client_id": "cli"})
SUCCESS = 'authorization:github:success:{"token": "t0ken-of-ann"}'


@attrs.frozen
class Answer:
    status: int
    headers: dict[str, str]
    text: str


@attrs.define
class Door:
    """A login that waits in a thread."""

    thread: threading.Thread
    address: str
    outcome: list[object]

    @property
    def netloc(self) -> str:
        query = dict(parse_qsl(urlsplit(self.address).query))
        return urlsplit(query.get("redirect_uri", self.address)).netloc

    def ask(self, path, *, method="GET", host=None, body=None, at="127.0.0.1", **headers):
        port = int(self.netloc.rpartition(":")[2])
        connection = http.client.HTTPConnection(at, port, timeout=5)
        try:
            connection.putrequest(method, path, skip_host=True)
            connection.putheader("Host", host or f"127.0.0.1:{port}")
            content = None if body is None else urlencode(body).encode()
            for name, value in headers.items():
                connection.putheader(name, value)
            if content is not None and "Content-Length" not in headers:
                connection.putheader("Content-Length", str(len(content)))
            connection.endheaders(content)
            response = connection.getresponse()
            return Answer(response.status, dict(response.headers.items()), response.read().decode())
        finally:
            connection.close()

    def post(self, body, **more):
        return self.ask("/callback", method="POST", body=body, **{"Origin": f"http://{self.netloc}", **more})

    @property
    def state(self) -> str:
        """What the page of the popup has, or what is in the address of the provider."""
        if "login.example" in self.address:
            return dict(parse_qsl(urlsplit(self.address).query))["state"]
        return re.search('data-state="([^"]+)"', self.ask(urlsplit(self.address).path).text)[1]

    def end(self):
        self.thread.join(10)
        assert not self.thread.is_alive()
        (outcome,) = self.outcome
        return outcome


@pytest.fixture
def start():
    """Begin a login that waits; it is left alone after the test."""
    doors = []

    def begin(flow, **more):
        shown, outcome, there = [], [], threading.Event()

        def show(address):
            shown.append(address)
            there.set()

        def wait():
            try:
                runner = auth.runner(flow, backend="github")
                outcome.append(auth.log_in_here(runner, show, **{"patience": 10, **more}))
            except Exception as exc:  # noqa: BLE001 - the test looks at it
                outcome.append(exc)
                there.set()

        thread = threading.Thread(target=wait, daemon=True)
        thread.start()
        assert there.wait(10)
        door = Door(thread, shown[0] if shown else "", outcome)
        doors.append(door)
        return door

    yield begin
    for door in doors:
        if door.thread.is_alive() and "login.example" not in door.address:
            door.post({"state": door.state, "message": SUCCESS})
            door.thread.join(5)


@pytest.fixture
def door(start):
    return start(POPUP)


def test_page_of_the_popup_is_shown_and_its_answer_taken(door):
    page = door.ask(urlsplit(door.address).path)
    assert page.status == 200
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    for name, value in {
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin-allow-popups",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    }.items():
        assert page.headers[name] == value
    assert "Server" not in page.headers
    done = door.post({"state": door.state, "message": SUCCESS})
    assert (done.status, done.text) == (200, "You may close this window.")
    assert done.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert door.end() == Credential("t0ken-of-ann")


def test_server_is_closed_after_the_answer(door):
    door.post({"state": door.state, "message": SUCCESS})
    door.end()
    with pytest.raises(ConnectionRefusedError):
        door.ask("/callback")


def test_second_answer_is_refused_while_the_first_is_looked_at(start):
    """The first one counts."""
    going, go_on = threading.Event(), threading.Event()

    def keep(_):
        going.set()
        assert go_on.wait(5)

    door = start(POPUP, keep=keep)
    state, answers = door.state, []
    first = threading.Thread(
        target=lambda: answers.append(door.post({"state": state, "message": SUCCESS}).status)
    )
    first.start()
    assert going.wait(5)
    second = door.post({"state": state, "message": SUCCESS.replace("ann", "eve")})
    page = door.ask(urlsplit(door.address).path)
    go_on.set()
    first.join(5)
    assert (second.status, page.status, answers) == (410, 410, [200])
    assert "has had its answer already" in second.text
    assert door.end() == Credential("t0ken-of-ann")


@pytest.mark.parametrize("state", [{}, {"state": ""}, {"state": "another"}])
def test_answer_without_the_state_is_refused_and_does_not_end_the_login(door, state):
    refused = door.post({**state, "message": SUCCESS.replace("ann", "eve")})
    assert refused.status == 400
    assert "does not belong to the login that waits here" in refused.text
    assert door.thread.is_alive()
    door.post({"state": door.state, "message": SUCCESS})
    assert door.end() == Credential("t0ken-of-ann")


@pytest.mark.parametrize("host", ["evil.example", "evil.example:{port}", "127.0.0.1", "localhost:1", ""])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_name_that_was_made_to_lead_here_is_refused(door, host, method):
    """DNS rebinding: the page of evil.example is at 127.0.0.1, and of the same origin as this server."""
    state, port = door.state, door.netloc.rpartition(":")[2]
    host = host.format(port=port) or " "
    path = urlsplit(door.address).path if method == "GET" else "/callback"
    body = {"state": state, "message": SUCCESS} if method == "POST" else None
    refused = door.ask(path, method=method, host=host, body=body, Origin=f"http://{host.strip()}")
    assert (refused.status, state in refused.text) == (421, False)
    assert door.thread.is_alive()


@pytest.mark.parametrize(
    "origin", [None, "null", "https://login.example", "http://evil.example", "http://127.0.0.1:1"]
)
def test_page_of_another_origin_may_not_answer(door, origin):
    """Nor one of whom the browser does not tell the origin."""
    headers = {} if origin is None else {"Origin": origin}
    state = door.state
    refused = door.ask("/callback", method="POST", body={"state": state, "message": SUCCESS}, **headers)
    assert refused.status == 403
    assert door.thread.is_alive()


@pytest.mark.parametrize(
    "path", ["/", "/login", "/login/", "/login/another", "/callback", "/callback/x", "/favicon.ico"]
)
def test_page_is_found_by_its_own_address_alone(door, path):
    refused = door.ask(path)
    assert (refused.status, "data-state" in refused.text) == (404, False)


def test_answer_is_taken_as_a_post_alone(door):
    """A token in an address would be in the history, and in logs."""
    said = urlencode({"state": door.state, "message": SUCCESS})
    assert door.ask(f"/callback?{said}").status == 404
    assert (
        door.ask(urlsplit(door.address).path, method="POST", body={}, Origin=f"http://{door.netloc}").status
        == 404
    )
    assert door.thread.is_alive()


@pytest.mark.parametrize("length", ["65537", "x", "-1", "", "²"])
def test_body_that_is_too_long_or_has_no_length_is_refused(door, length):
    refused = door.post({}, **{"Content-Length": length.encode("latin-1", "replace").decode("latin-1")})
    assert refused.status == 413


def test_refusal_of_the_provider_is_told_as_text(door):
    """It is escaped on a page, and text is sent to a page that shows text."""
    told = json.dumps({"message": "<script>alert(1)</script>"})
    refused = door.post({"state": door.state, "message": f"authorization:github:error:{told}"})
    assert refused.status == 400
    assert refused.headers["Content-Type"] == "text/plain; charset=utf-8"
    outcome = door.end()
    assert isinstance(outcome, AuthenticationError)
    assert "<script>alert(1)</script>" in str(outcome)


def test_refusal_on_a_page_is_escaped(start):
    """As it comes back from the page of a provider in a query."""
    flow = LoginFlow(
        "pkce",
        {
            "authorize_url": "https://login.example/auth",
            "token_url": "https://login.example/t",
            "client_id": "x",
        },
    )
    door = start(flow)
    said = {"error": "<img src=x>", "error_description": '"><script>alert(1)</script>', "state": door.state}
    assert door.ask(f"/callback?{urlencode({**said, 'state': 'another'})}").status == 400
    refused = door.ask(f"/callback?{urlencode(said)}")
    assert refused.status == 400
    assert "<img" not in refused.text
    assert "<script>alert" not in refused.text
    assert "&lt;img src=x&gt;" in refused.text
    assert isinstance(door.end(), AuthenticationError)


def test_page_for_a_fragment_is_shown_and_its_answer_taken(start):
    door = start(IMPLICIT)
    page = door.ask("/callback")
    assert "history.replaceState" in page.text
    fragment = urlencode({"access_token": "t0ken-of-ann", "token_type": "bearer", "state": door.state})
    assert door.post({"fragment": fragment.replace(door.state, "another")}).status == 400
    assert door.post({"fragment": fragment}).status == 200
    assert door.end() == Credential("t0ken-of-ann")


def test_nobody_waits_for_ever(start):
    began = time.monotonic()
    door = start(POPUP, patience=0.05)
    outcome = door.end()
    assert time.monotonic() - began < 4
    assert isinstance(outcome, UnavailableError)
    assert str(outcome) == "nobody logged in within 0 s; run the login again"
    with pytest.raises(ConnectionRefusedError):
        door.ask("/callback")


def test_keeping_that_fails_is_told_to_both(start):
    def fail(_):
        raise UnavailableError("the system's keyring is locked")

    door = start(POPUP, keep=fail)
    refused = door.post({"state": door.state, "message": SUCCESS})
    assert (refused.status, refused.text) == (400, "The system's keyring is locked.")
    assert isinstance(door.end(), UnavailableError)


def test_both_loopback_addresses_are_listened_at(start):
    """So that nobody else is where `localhost` leads first."""
    door = start(POPUP)
    port = door.netloc.rpartition(":")[2]
    path = urlsplit(door.address).path
    assert door.ask(path, host=f"localhost:{port}").status == 200
    if not has_ipv6():
        pytest.skip("there is no ::1 here")
    assert door.ask(path, host=f"[::1]:{port}", at="::1").status == 200


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


def test_registered_address_is_listened_at(start):
    """And again at once."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    for _ in range(2):
        door = start(IMPLICIT, redirect_uri=f"http://127.0.0.1:{port}/back")
        assert (
            dict(parse_qsl(urlsplit(door.address).query))["redirect_uri"] == f"http://127.0.0.1:{port}/back"
        )
        fragment = urlencode({"access_token": "t0ken-of-ann", "token_type": "bearer", "state": door.state})
        assert door.ask("/back").status == 200
        done = door.ask("/back", method="POST", body={"fragment": fragment}, Origin=f"http://{door.netloc}")
        assert done.status == 200
        assert door.end() == Credential("t0ken-of-ann")


def test_port_that_is_taken_is_told(start):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        outcome = start(IMPLICIT, redirect_uri=f"http://127.0.0.1:{port}/back").end()
    assert isinstance(outcome, UnavailableError)
    assert f"cannot listen at port {port} of this machine" in str(outcome)


@pytest.mark.parametrize(
    "uri",
    [
        "https://127.0.0.1:1/x",
        "http://example.org/x",
        "http://127.0.0.1.evil.org:1/",
        "http://me@127.0.0.1:1/",
        "http://127.0.0.1:1/?x=1",
        "http://[",
        "urn:ietf:wg:oauth:2.0:oob",
    ],
)
def test_address_elsewhere_is_refused(start, uri):
    outcome = start(IMPLICIT, redirect_uri=uri).end()
    assert isinstance(outcome, InvalidInputError)
    assert "is no address that this machine can listen at" in str(outcome)


def test_connection_that_says_nothing_keeps_nobody_waiting(door):
    """A browser opens some in advance."""
    port = int(door.netloc.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port)):
        began = time.monotonic()
        door.post({"state": door.state, "message": SUCCESS})
        door.end()
        assert time.monotonic() - began < 4
