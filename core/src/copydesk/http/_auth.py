"""How a credential is sent, and how it is kept out of messages."""

from __future__ import annotations

import base64
import hashlib
import re
import threading
from typing import Final
from urllib.parse import quote, quote_plus

import attrs
from requests import PreparedRequest
from requests.auth import AuthBase

from copydesk.errors import AuthenticationError
from copydesk.models import Credential

__all__ = ["BasicAuth", "BearerAuth", "HeaderAuth", "Secrets", "auth_for", "fingerprint"]

#: What stands in a message where a secret stood.
HIDDEN: Final = "***"
#: Shorter texts are no secrets, and hiding them would garble the message.
_SHORTEST: Final = 4


@attrs.frozen
class BearerAuth(AuthBase):
    """Sends ``Authorization: Bearer <secret>``; *word* is what stands before it, such as ``token``."""

    secret: str = attrs.field(repr=False)
    word: str = "Bearer"

    def __call__(self, r: PreparedRequest) -> PreparedRequest:
        r.headers["Authorization"] = f"{self.word} {self.secret}"
        return r


@attrs.frozen
class BasicAuth(AuthBase):
    """Sends user and secret as ``Authorization: Basic``, in UTF-8."""

    user: str
    secret: str = attrs.field(repr=False)

    def __call__(self, r: PreparedRequest) -> PreparedRequest:
        r.headers["Authorization"] = f"Basic {_basic(self.user, self.secret)}"
        return r


@attrs.frozen
class HeaderAuth(AuthBase):
    """Sends the secret alone, in the header *name*."""

    name: str
    secret: str = attrs.field(repr=False)

    def __call__(self, r: PreparedRequest) -> PreparedRequest:
        r.headers[self.name] = self.secret
        return r


def auth_for(credential: Credential) -> AuthBase | None:
    """Give what sends a credential: ``bearer``, ``token``, ``basic``, ``header:NAME`` or ``none``.

    :raises AuthenticationError: no header can hold it, or the scheme is unknown.
    """
    kind, _, name = credential.scheme.partition(":")
    if kind == "none":
        return None
    _check(credential)
    if kind == "basic":
        return BasicAuth(credential.user, credential.secret)
    if kind == "header" and re.fullmatch(r"[A-Za-z0-9-]+", name):
        return HeaderAuth(name, credential.secret)
    if kind in {"bearer", "token"}:
        return BearerAuth(credential.secret, "token" if kind == "token" else "Bearer")
    raise AuthenticationError(
        f"no credential is sent by the scheme {credential.scheme!r}; "
        "use bearer, token, basic, header:NAME or none"
    )


def _check(credential: Credential) -> None:
    if not credential.secret:
        raise AuthenticationError("the credential is empty; copy the token again")
    # The texts stay out of this frame, whose locals a rendered traceback shows.
    if not (_fits_header(credential.secret) and _fits_header(credential.user)):
        raise AuthenticationError(
            "the credential holds a line end or another character that no header can hold; "
            "copy the token again, without what stands around it"
        )


def _fits_header(text: str) -> bool:
    return text.isprintable() and max(text, default="") <= "\xff" and text == text.strip()


def _basic(user: str, secret: str) -> str:
    return base64.b64encode(f"{user}:{secret}".encode()).decode("ascii")


def fingerprint(credential: Credential | None) -> str:
    """Give a text that differs between credentials and does not tell them."""
    if credential is None:
        return ""
    text = "\0".join((credential.scheme, credential.user, credential.secret))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


class Secrets:
    """The secrets that a client has used, to take them out of messages; safe to use from threads."""

    def __init__(self) -> None:
        self._texts: frozenset[str] = frozenset()
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"<{len(self._texts)} secrets>"

    def add(self, credential: Credential) -> None:
        """Remember a credential, in every form in which a forge could repeat it."""
        plain = (credential.secret, credential.refresh_secret)
        forms = {
            *plain,
            *(quote(text, safe="") for text in plain),
            *(quote_plus(text) for text in plain),
            _basic(credential.user, credential.secret),
        }
        with self._lock:
            self._texts |= {text for text in forms if len(text) >= _SHORTEST}

    def hide(self, text: str) -> str:
        """Give the text without them."""
        for secret in sorted(self._texts, key=len, reverse=True):
            text = text.replace(secret, HIDDEN)
        return text
