"""The secret stays secret: in errors, their tracebacks, their causes, and the log."""

from __future__ import annotations

import io
import logging
import traceback

import pytest
from copydesk.auth import Refresher
from copydesk.errors import AuthenticationError, CopydeskError
from copydesk.http import Request, auth_for, by_link
from copydesk.http._auth import Secrets, fingerprint
from copydesk.models import Credential
from rich.console import Console
from rich.traceback import Traceback

CANARY = "c4n4ry-c4n4ry"
QUERY = "qu3ry-c4n4ry"
BASIC = "bWU6YzRuNHJ5LWM0bjRyeQ=="  # me:c4n4ry-c4n4ry


def rendered(error: BaseException) -> str:
    """Show an error in every way that a program might, with the variables of our frames."""
    while error.__traceback__ is not None and error.__traceback__.tb_frame.f_code.co_filename == __file__:
        error = error.with_traceback(error.__traceback__.tb_next)
    out = io.StringIO()
    trace = Traceback.from_exception(
        type(error),
        error,
        error.__traceback__,
        show_locals=True,
        locals_max_string=None,
        locals_max_length=None,
        extra_lines=0,
    )
    Console(file=out, width=1000).print(trace)
    links, link = [], error
    while link is not None:
        links.append(f"{link} {link!r} {vars(link)}")
        link = link.__cause__ or link.__context__
    return "".join([*traceback.format_exception(error), *links, out.getvalue()])


def outcomes(reply, elsewhere):
    leave = {"Location": f"{elsewhere}/b?sig={QUERY}"}
    echo = f'{{"message": "you sent {CANARY} and {BASIC}"}}'.encode()
    return {
        "refused": [reply(400, echo)],
        "unknown": [reply(401, echo)],
        "limited": [reply(429, echo, {"Retry-After": "9999"})],
        "limited for ever": [reply(429, echo, {"Retry-After": "0"})],
        "unavailable": [reply(503, echo)],
        "silent": [reply(silent=True)],
        "cut": [reply(200, echo, cut=1)],
        "no gzip": [reply(200, echo, {"Content-Encoding": "gzip"})],
        "moved elsewhere": [reply(302, headers=leave)],
        "moved": [reply(301, headers={"Location": f"/b?sig={QUERY}"})],
        "circle": [reply(302, headers={"Location": f"/a?sig={QUERY}"})],
        "no json": [reply(200, CANARY.encode() * 100)],
        "pages elsewhere": [reply(200, b"[]", {"Link": f'<{elsewhere}/b?sig={QUERY}>; rel="next"'})],
        "pages in a circle": [reply(200, b"[]", {"Link": f'</a?sig={QUERY}>; rel="next"'})],
    }


@pytest.mark.parametrize(
    ("method", "credential"),
    [("GET", Credential(CANARY)), ("POST", Credential(CANARY, "basic", "me"))],
    ids=["GET-bearer", "POST-basic"],
)
@pytest.mark.parametrize("case", list(outcomes(lambda *_, **__: None, "")))
def test_secret_is_nowhere_in_a_failure(
    forge, make_forge, make_client, reply, caplog, case, method, credential
):
    """Errors, causes, frames with their variables, and what every logger says."""
    caplog.set_level(logging.DEBUG)
    script = outcomes(reply, make_forge().url)[case]
    forge.says(*script)
    client = make_client(credential=credential)
    request = Request(method, "a", {"key": QUERY}, {"X-Own": QUERY}, content=QUERY.encode())
    with pytest.raises(CopydeskError) as caught:
        [page.json() for page in client.pages(request, by_link)]
    assert forge.seen
    text = rendered(caught.value)
    log = "\n".join(record.getMessage() for record in caplog.records if record.name.startswith("copydesk"))
    secrets = [CANARY, QUERY, *([BASIC] if credential.user else [])]
    assert [secret for secret in secrets if secret in text + log] == []
    everything = "\n".join(f"{record.getMessage()} {vars(record)}" for record in caplog.records)
    assert CANARY not in everything
    assert BASIC not in everything
    assert "copydesk/http/_" in text  # the frames are there to be searched


def test_secret_is_nowhere_where_nobody_listens(make_client, nobody, caplog):
    caplog.set_level(logging.DEBUG)
    with pytest.raises(CopydeskError) as caught:
        make_client(nobody, credential=Credential(CANARY)).send(Request("POST", "a", {"key": QUERY}))
    assert CANARY not in rendered(caught.value)
    assert QUERY not in rendered(caught.value)
    assert CANARY not in caplog.text


def test_error_has_no_way_back_to_the_request(make_client, nobody):
    """The library's exception holds the request with its headers; ours has words for a cause."""
    with pytest.raises(CopydeskError) as caught:
        make_client(nobody, credential=Credential(CANARY)).send(Request("GET", "a"))
    cause = caught.value.__cause__
    assert "requests.exceptions.ConnectionError < " in str(cause)
    assert vars(cause) == {}
    assert cause.__traceback__ is cause.__cause__ is cause.__context__ is caught.value.__context__ is None


def test_secret_of_a_client_is_not_shown(make_client):
    client = make_client(credential=Credential(CANARY, refresh_secret=CANARY))
    assert CANARY not in f"{client!r} {vars(client)} {client._settings.keyring!r}"
    assert repr(client).startswith("<HttpClient of forge at http://127.0.0.1:")


@pytest.mark.parametrize(
    "secret", [f"{CANARY}\n", f"{CANARY}\r\nX: 1", f"{CANARY}\x00", f" {CANARY}", f"{CANARY}✓"]
)
@pytest.mark.parametrize("scheme", ["bearer", "token", "basic", "header:PRIVATE-TOKEN"])
def test_secret_that_no_header_can_hold_is_refused_unseen(forge, make_client, secret, scheme):
    with pytest.raises(AuthenticationError, match="that no header can hold; copy the token") as caught:
        make_client(credential=Credential(secret, scheme)).send(Request("GET", "a"))
    assert CANARY not in rendered(caught.value)
    assert forge.seen == []


@pytest.mark.parametrize(
    ("credential", "header", "value"),
    [
        (Credential(CANARY), "Authorization", f"Bearer {CANARY}"),
        (Credential(CANARY, "token"), "Authorization", f"token {CANARY}"),
        (Credential(CANARY, "basic", "me"), "Authorization", f"Basic {BASIC}"),
        (Credential(CANARY, "header:PRIVATE-TOKEN"), "PRIVATE-TOKEN", CANARY),
    ],
)
def test_scheme_says_how_the_secret_is_sent(forge, make_client, credential, header, value):
    make_client(credential=credential).send(Request("GET", "a"))
    assert forge.seen[0].headers[header] == value
    assert CANARY not in repr(auth_for(credential))


def test_scheme_none_sends_nothing(forge, make_client):
    make_client(credential=Credential("", "none")).send(Request("GET", "a"))
    assert "Authorization" not in forge.seen[0].headers


@pytest.mark.parametrize(
    ("credential", "says"),
    [
        (Credential(""), "the credential is empty; copy the token again"),
        (
            Credential(CANARY, "digest"),
            "no credential is sent by the scheme 'digest'; use bearer, token, basic",
        ),
        (Credential(CANARY, "header:"), "no credential is sent by the scheme 'header:'"),
        (Credential(CANARY, "header:A\r\nB"), "no credential is sent by the scheme"),
    ],
)
def test_credential_that_cannot_be_sent_says_why(credential, says):
    with pytest.raises(AuthenticationError, match=says):
        auth_for(credential)


def test_fingerprint_differs_and_does_not_tell():
    prints = {fingerprint(given) for given in (None, Credential(CANARY), Credential(CANARY, "token"))}
    assert len(prints) == 3
    assert not any(CANARY in text for text in prints)


def test_short_secret_does_not_garble_messages():
    secrets = Secrets()
    secrets.add(Credential("ab"))
    secrets.add(Credential("", "none"))
    assert secrets.hide("a cab") == "a cab"
    assert "ab" not in repr(secrets)


# -- refresh ------------------------------------------------------------------------------------------


def test_refused_credential_is_refreshed_once_and_the_write_sent_again(forge, make_client, reply):
    forge.answer = lambda seen: reply(200 if "new-secret" in seen.headers["Authorization"] else 401)
    source = Refresher(Credential("old-secret"), lambda _: Credential("new-secret"))
    make_client(credential=source).send(Request("POST", "a", json={"a": 1}))
    assert [seen.headers["Authorization"] for seen in forge.seen] == [
        "Bearer old-secret",
        "Bearer new-secret",
    ]
    assert [seen.body for seen in forge.seen] == [b'{"a": 1}'] * 2


def test_credential_that_is_refused_after_its_refresh_is_an_error(forge, make_client, reply):
    numbers = iter(range(9))
    forge.says(reply(401, b'{"message": "no secret-0"}'))
    source = Refresher(Credential("old-secret"), lambda _: Credential(f"secret-{next(numbers)}"))
    with pytest.raises(AuthenticationError, match=r"'no \*\*\*'"):
        make_client(credential=source).send(Request("GET", "a"))
    assert len(forge.seen) == 2


def test_refresh_that_gives_the_same_credential_is_an_error(forge, make_client, reply):
    forge.says(reply(401))
    source = Refresher(Credential("old-secret"), lambda old: old)
    with pytest.raises(AuthenticationError, match="the refresh gave the credential that was refused; log"):
        make_client(credential=source).send(Request("GET", "a"))


def test_limit_of_a_refreshed_credential_is_that_of_the_first(forge, make_client, reply, clock):
    forge.says(reply(429, headers={"Retry-After": "20"}), reply(401), reply())
    source = Refresher(Credential("old-secret"), lambda _: Credential("new-secret"))
    client = make_client(credential=source)
    client.send(Request("GET", "a"))
    clock.now -= 20
    client.send(Request("GET", "a"))
    assert clock.slept == [20.0, 20.0]
