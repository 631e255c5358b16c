"""OAuth 2.0 as a client: what oauthlib builds and checks, and no request of its own (RFC 6749, 7636, 8628)."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlencode, urlsplit, urlunsplit

from copydesk.auth._extra import extra
from copydesk.auth._tokens import ask_with
from copydesk.auth._words import Said, in_one_line
from copydesk.errors import AuthenticationError
from copydesk.http import Answer, Request
from copydesk.models import Credential

__all__ = [
    "ask_for_code",
    "ask_for_device",
    "authorize_address",
    "challenge",
    "check_token",
    "new_state",
    "new_verifier",
    "read_code",
    "read_fragment",
]

#: oauthlib wants https everywhere; which addresses may be http, the HTTP client of the core decides.
_ANYWHERE: Final = "https://callback.invalid/"


def new_state() -> str:
    """Make a text that nobody guesses."""
    return str(extra("oauthlib.common").generate_token(32))


def new_verifier() -> str:
    """Make a code verifier (RFC 7636 §4.1)."""
    return str(_client("").create_code_verifier(96))


def challenge(verifier: str) -> str:
    """Give the S256 challenge of a verifier (RFC 7636 §4.2)."""
    return str(_client("").create_code_challenge(verifier, "S256"))


def authorize_address(address: str, response_type: str, **asked: str) -> str:
    """Give the address that a person is sent to; what is empty is left out (RFC 6749 §4.1.1, §4.2.1)."""
    parts = urlsplit(address)
    prepare = extra("oauthlib.oauth2.rfc6749.parameters").prepare_grant_uri
    client_id = asked.pop("client_id", "")
    built = prepare(urlunsplit(parts._replace(scheme="https")), client_id, response_type, **asked)
    return urlunsplit(urlsplit(str(built))._replace(scheme=parts.scheme))


def read_code(said: Mapping[str, str], state: str) -> str:
    """Give the code of an answer.

    :raises AuthenticationError: it repeats another *state*, or says that it was refused.
    """
    with _refusals():
        found: Any = _client("").parse_request_uri_response(f"{_ANYWHERE}?{urlencode(said)}", state=state)
    return str(found["code"])


def read_fragment(said: Mapping[str, str], state: str) -> Said:
    """Give the token of an answer in a fragment, with what is said of it.

    :raises AuthenticationError: as :func:`read_code`.
    """
    client = extra("oauthlib.oauth2").MobileApplicationClient("")
    with _refusals():
        return Said(client.parse_request_uri_response(f"{_ANYWHERE}#{urlencode(said)}", state=state))


def ask_for_code(address: str, client_id: str, code: Credential, *, redirect_uri: str) -> Request:
    """Ask for a token for a code, whose verifier is its refresh secret (RFC 6749 §4.1.3, RFC 7636 §4.5)."""
    prepare = _client(client_id).prepare_request_body
    body = prepare(code=code.secret, redirect_uri=redirect_uri, code_verifier=code.refresh_secret)
    return ask_with(address, str(body))


def ask_for_device(address: str, client_id: str, device_code: str) -> Request:
    """Ask whether somebody let a device in (RFC 8628 §3.4)."""
    client = extra("oauthlib.oauth2").DeviceClient(client_id)
    return ask_with(address, str(client.prepare_request_body(device_code, include_client_id=True)))


def check_token(answer: Answer) -> None:
    """Make sure that an answer is a token.

    :raises AuthenticationError: it is an error; GitHub gives them the status 200.
    """
    with _refusals():
        _client("").parse_request_body_response(answer.text)


def _client(client_id: str) -> Any:
    return extra("oauthlib.oauth2").WebApplicationClient(client_id)


@contextlib.contextmanager
def _refusals() -> Iterator[None]:
    """Raise what oauthlib says as errors of the core; its own hold what was said, secrets included."""
    errors = extra("oauthlib.oauth2").OAuth2Error
    try:
        yield
    except errors as exc:
        name, words = str(exc.error or ""), str(exc.description or "")
    # The implicit parser says so of a state, where the other one has an error of its own.
    except ValueError:
        name, words = "mismatching_state", ""
    else:
        return
    raise AuthenticationError(_told(name, words)) from None


def _told(name: str, words: str) -> str:
    if name == "mismatching_state":
        return "this answer does not belong to the login that was begun; nothing was kept, begin it again"
    said = in_one_line(": ".join(filter(None, (name, words)))) or "no reason"
    return f"the login was refused ({said}); nothing was kept, begin it again"
