"""Refusals, failures below HTTP, and what is sent a second time."""

from __future__ import annotations

import functools
import socket
import ssl
import threading

import attrs
import pytest
import requests
import urllib3
from copydesk.errors import (
    AuthenticationError,
    ConfigError,
    ConflictError,
    InvalidInputError,
    NotFoundError,
    NotMergeableError,
    NotSupportedError,
    PermissionDeniedError,
    ProtocolError,
    RateLimitedError,
    UnavailableError,
)
from copydesk.http import Answer, Dialect, Request
from copydesk.http._failures import Kind, failure_of, kind_of
from copydesk.models import Credential, ForgeAnswer

TOKEN = Credential("s3cret-t0ken")


def exception_classes():
    """List what both libraries define, without their roots and their warnings."""
    roots = (requests.RequestException, urllib3.exceptions.HTTPError)
    extra = urllib3.exceptions.ProxySchemeUnsupported
    for module in (requests.exceptions, urllib3.exceptions):
        for thing in vars(module).values():
            if (
                isinstance(thing, type)
                and (issubclass(thing, roots) or thing is extra)
                and thing not in roots
            ):
                yield thing


# -- statuses -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "error", "remedy"),
    [
        (303, ProtocolError, "report it, with this message, to the author of the backend"),
        (400, ProtocolError, "report it"),
        (
            401,
            AuthenticationError,
            (
                "the credential is wrong or has expired: log in with `copydesk login`, "
                "set COPYDESK_FORGE_TOKEN, or pass credential="
            ),
        ),
        (403, PermissionDeniedError, "ask the owner for rights, or use a credential with more scopes"),
        (404, NotFoundError, "check the name, and that the credential may see it"),
        (405, NotSupportedError, "do without, or use another backend"),
        (406, NotSupportedError, "do without"),
        (407, UnavailableError, "user and password of the proxy in HTTPS_PROXY"),
        (408, UnavailableError, "try again"),
        (409, ConflictError, "read again what is there now"),
        (410, NotFoundError, "it was there once and is gone"),
        (412, ConflictError, "read again"),
        (413, InvalidInputError, "send less at once"),
        (418, ProtocolError, "report it"),
        (422, ProtocolError, "report it"),
        (423, RateLimitedError, "come back later"),
        (425, UnavailableError, "try again"),
        (451, NotFoundError, "legal reasons"),
        (500, UnavailableError, "try again"),
        (501, NotSupportedError, "do without"),
        (599, UnavailableError, "try again"),
    ],
)
def test_status_is_an_error_with_its_remedy(forge, make_client, reply, status, error, remedy):
    forge.says(reply(status, b'{"message": "Because."}', {"X-Request-Id": "0A1B"}))
    with pytest.raises(error, match=remedy) as caught:
        make_client().send(Request("GET", "repos/o/r?key=hidden", {"token": "hidden"}))
    verb = "failed at" if status >= 500 else "refused"
    assert str(caught.value).startswith(f"forge {verb} GET /repos/o/r: 'Because.' ({status}, request 0A1B); ")
    assert caught.value.answer == ForgeAnswer(status, "0A1B", f"{forge.url}/repos/o/r")
    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (
            b'{"message": "Bad", "errors": [{"message": "taken"}, "and more"]}',
            "Bad: taken; and more",
        ),
        (b'{"error": "invalid_grant", "error_description": "It has expired."}', "It has expired."),
        (b'{"type": "error", "error": {"message": "No such branch", "detail": "x"}}', "No such branch"),
        (b'{"message": {"base": ["is wrong"]}, "error": "e"}', "e"),
        (b'{"code": 400, "msg": "two\\n lines"}', "two lines"),
        (b'{"errors": [{"message": "from graphql"}]}', "from graphql"),
        (b'["one", "two"]', "one; two"),
        (b'"alone"', "alone"),
        (b"<html>", "Not Found"),
        (b"{}", "Not Found"),
    ],
)
def test_sentence_of_the_forge_is_found_in_its_shapes(forge, make_client, reply, body, said):
    forge.says(reply(404, body))
    with pytest.raises(NotFoundError) as caught:
        make_client().send(Request("GET", "a"))
    assert f"GET /a: {said!r} (404); " in str(caught.value)


def test_dialect_chooses_the_error(forge, make_client, reply):
    @attrs.frozen(kw_only=True)
    class Own(Dialect):
        def error_class(self, answer: Answer):
            if answer.status == 405:
                return functools.partial(NotMergeableError, reason="checks", number=3)
            return None

    forge.says(reply(405, b'{"message": "Pull Request is not mergeable"}'))
    with pytest.raises(
        NotMergeableError, match=r"^own refused PUT /a: 'Pull Request is not mergeable' \(405\)$"
    ):
        make_client(dialect=Own(name="own")).send(Request("PUT", "a"))


def test_secret_that_the_forge_repeats_is_hidden(forge, make_client, reply):
    secret = "s3cret+t0ken/=="
    body = b'{"message": "bad token s3cret+t0ken/== or s3cret%2Bt0ken%2F%3D%3D"}'
    forge.says(reply(400, body, {"X-Request-Id": secret}))
    with pytest.raises(
        ProtocolError, match=r"'bad token \*\*\* or \*\*\*' \(400, request \*\*\*\)"
    ) as caught:
        make_client(credential=Credential(secret)).send(Request("GET", "a"))
    assert caught.value.answer.request_id == "***"


def test_secret_is_hidden_before_a_long_sentence_is_cut(forge, make_client, reply):
    forge.says(reply(400, b'{"message": "%s s3cret-t0ken"}' % (b"x" * 492)))
    with pytest.raises(ProtocolError) as caught:
        make_client(credential=TOKEN).send(Request("GET", "a"))
    assert "s3cret" not in str(caught.value)


def test_refused_credential_is_sent_once(forge, make_client, reply):
    forge.says(reply(401))
    with pytest.raises(AuthenticationError, match="set COPYDESK_FORGE_TOKEN, or pass credential="):
        make_client(credential=TOKEN).send(Request("GET", "a"))
    assert len(forge.seen) == 1


# -- retries ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_safe_request_is_sent_three_times(forge, make_client, reply, clock, status):
    forge.says(reply(status), reply(status), reply(200, b"[1]"))
    assert make_client().send(Request("GET", "a")).json() == [1]
    assert clock.slept == [0.5, 1.0]


def test_safe_request_fails_after_three_tries(forge, make_client, reply):
    forge.says(reply(502))
    with pytest.raises(UnavailableError, match="try again") as caught:
        make_client().send(Request("GET", "a"))
    assert len(forge.seen) == 3
    assert not caught.value.unclear


def test_backoff_is_jittered_from_zero(forge, make_client, reply, clock):
    asked = []
    forge.says(reply(503))
    client = make_client(jitter=lambda least, most: asked.append((least, most)) or 0.25)
    with pytest.raises(UnavailableError):
        client.send(Request("GET", "a"))
    assert asked == [(0.0, 0.5), (0.0, 1.0)]
    assert clock.slept == [0.25, 0.25]


@pytest.mark.parametrize(("status", "sent"), [(500, 1), (501, 1), (505, 1), (404, 1)])
def test_write_is_sent_once(forge, make_client, reply, status, sent):
    forge.says(reply(status))
    with pytest.raises((UnavailableError, NotSupportedError, NotFoundError)):
        make_client().send(Request("POST", "a"))
    assert len(forge.seen) == sent


@pytest.mark.parametrize("bad", [{"status": 502}, {"silent": True}, {"cut": 1}, {"status": 503}])
def test_write_that_may_have_happened_is_unclear(forge, make_client, reply, bad):
    forge.says(reply(**bad))
    with pytest.raises(UnavailableError, match="it may have happened: look before you do it again") as caught:
        make_client().send(Request("POST", "a", json={}))
    assert caught.value.unclear
    assert len(forge.seen) == 1


def test_write_that_is_flagged_safe_is_sent_again(forge, make_client, reply):
    forge.says(reply(502), reply(silent=True), reply(200))
    make_client().send(Request("POST", "graphql", json={}, safe=True))
    assert [seen.body for seen in forge.seen] == [b"{}"] * 3


def test_write_that_never_left_is_tried_again_and_is_not_unclear(make_client, nobody, clock):
    with pytest.raises(
        UnavailableError, match=rf"forge \({nobody}\) cannot be reached for POST /a: .*refused"
    ) as caught:
        make_client(nobody).send(Request("POST", "a"))
    assert not caught.value.unclear
    assert len(clock.slept) == 2


@pytest.mark.parametrize("bad", [{"silent": True}, {"cut": 1}])
def test_read_that_breaks_off_is_tried_again(forge, make_client, reply, bad):
    forge.says(reply(**bad), reply(200, b"[1]"))
    assert make_client().send(Request("GET", "a")).json() == [1]


def test_body_that_is_gone_is_not_sent_again(forge, make_client, reply):
    forge.says(reply(503), reply())
    with pytest.raises(UnavailableError):
        make_client().send(Request("PUT", "a", content=iter([b"x"]), safe=True))
    assert [seen.body for seen in forge.seen] == [b"x"]


def test_server_that_is_silent_is_a_time_out(make_client, clock):
    """A socket that takes a connection and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = make_client(f"http://127.0.0.1:{server.getsockname()[1]}", timeout=(0.05, 0.05))
        with pytest.raises(
            UnavailableError, match="broke off POST /a: no answer in time; it may have happened"
        ):
            client.send(Request("POST", "a"))


def test_server_without_tls_is_no_secure_connection_and_is_not_tried_again(make_client, clock):
    seen = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def talk():
            connection, _ = server.accept()
            with connection:
                seen.append(connection.recv(1000))
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        thread = threading.Thread(target=talk, daemon=True)
        thread.start()
        client = make_client(f"https://127.0.0.1:{server.getsockname()[1]}", credential=TOKEN)
        with pytest.raises(
            UnavailableError,
            match=r"no secure connection to forge \(.*: .+; set REQUESTS_CA_BUNDLE to the cert",
        ):
            client.send(Request("GET", "a"))
        thread.join()
    assert clock.slept == []
    assert TOKEN.secret.encode() not in seen[0]


@pytest.mark.parametrize("seconds", ["7", "Sun, 06 Nov 1994 08:49:37 GMT"])
def test_unavailable_with_a_time_is_tried_then(forge, make_client, reply, clock, seconds):
    forge.says(reply(503, headers={"Retry-After": seconds}), reply())
    make_client().send(Request("GET", "a"))
    assert clock.slept == [7.0 if seconds == "7" else 0.0]


def test_unavailable_for_longer_than_anybody_waits_is_raised(forge, make_client, reply, clock):
    forge.says(reply(503, headers={"Retry-After": "3600"}))
    with pytest.raises(UnavailableError):
        make_client().send(Request("GET", "a"))
    assert clock.slept == []


# -- exceptions of the libraries ----------------------------------------------------------------------


@pytest.mark.parametrize("exception", sorted(set(exception_classes()), key=str))
def test_every_exception_of_requests_and_urllib3_is_mapped(exception):
    """A class that a new version brings has to be put into the table."""
    assert isinstance(kind_of(exception), Kind)


def test_exception_that_is_new_is_noticed():
    assert kind_of(type("New", (requests.RequestException,), {})) is None


@pytest.mark.parametrize(
    ("exception", "kind", "unsent"),
    [
        (requests.ConnectTimeout("x"), Kind.UNSENT, True),
        (requests.ReadTimeout("x"), Kind.BROKEN, False),
        (requests.ConnectionError("x"), Kind.BROKEN, False),
        (
            requests.ConnectionError(
                urllib3.exceptions.MaxRetryError(
                    None, "/?key=hidden", urllib3.exceptions.NewConnectionError(None, "x")
                )
            ),
            Kind.UNSENT,
            True,
        ),
        (requests.exceptions.ProxyError("x"), Kind.BROKEN, False),
        (requests.exceptions.SSLError("x"), Kind.UNTRUSTED, False),
        (requests.exceptions.SSLError(ssl.SSLCertVerificationError(1, "self-signed")), Kind.UNTRUSTED, True),
        (requests.exceptions.ChunkedEncodingError("x"), Kind.BROKEN, False),
        (requests.exceptions.ContentDecodingError("x"), Kind.UNREADABLE, False),
        (requests.exceptions.InvalidURL("https://a/?hidden"), Kind.ADDRESS, True),
        (requests.exceptions.InvalidHeader("hidden"), Kind.MISTAKE, True),
        (OSError("hidden"), Kind.BROKEN, False),
    ],
)
def test_exception_says_whether_the_request_may_have_arrived(exception, kind, unsent):
    failure = failure_of(exception)
    assert (failure.kind, failure.unsent) == (kind, unsent)
    assert "hidden" not in f"{failure} {failure.cause}"
    assert type(exception).__name__ in str(failure.cause)


def test_exception_that_the_caller_was_handling_does_not_count():
    """A write after a failed connection must not pass for one that never left."""
    now = requests.ReadTimeout("now")
    now.__context__ = requests.ConnectTimeout("earlier")
    assert failure_of(now).kind is Kind.BROKEN


def test_answer_that_cannot_be_decoded_is_a_protocol_error_of_a_read(forge, make_client, reply):
    forge.says(reply(200, b"no gzip", {"Content-Encoding": "gzip"}))
    with pytest.raises(ProtocolError, match="forge and GET /a: the answer cannot be decoded"):
        make_client().send(Request("GET", "a"))
    with pytest.raises(UnavailableError, match="it may have happened") as caught:
        make_client().send(Request("POST", "a"))
    assert caught.value.unclear


def test_host_that_no_address_can_hold_is_a_config_error(make_client):
    with pytest.raises(ConfigError, match="the address, or that of a proxy, cannot be used; check api_root"):
        make_client(f"https://{'a' * 70}.example.org").send(Request("GET", "a"))
