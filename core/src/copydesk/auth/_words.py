"""What providers say and give, before anybody relies on it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Final

from copydesk.errors import AuthenticationError

__all__ = ["checked_secret", "hiding", "in_one_line"]

_LONGEST: Final = 300


def in_one_line(text: object) -> str:
    """Give what a provider said as one line that a terminal can show."""
    words = " ".join(str(text).split())
    shown = "".join(each if each.isprintable() else "?" for each in words)
    return f"{shown[:_LONGEST]}…" if len(shown) > _LONGEST else shown


def checked_secret(secret: object, whence: str) -> str:
    """Give a secret that a header can hold.

    :raises AuthenticationError: it is none; the message does not show it.
    """
    sound = isinstance(secret, str) and secret.isprintable() and secret == secret.strip()
    if sound and secret and max(str(secret)) <= "\xff":
        return str(secret)
    problem = (
        "that holds a line end or another character that no header can hold" if secret else "that is empty"
    )
    raise AuthenticationError(f"{whence} gave a token {problem}; nothing was kept, log in again")


@contextlib.contextmanager
def hiding(*secrets: str) -> Iterator[None]:
    """Take secrets out of what a server says of them in a refusal."""
    try:
        yield
    except AuthenticationError as exc:
        words = str(exc)
        for secret in filter(None, secrets):
            words = words.replace(secret, "***")
        if words == str(exc):
            raise
        raise AuthenticationError(words) from None  # the other one has the secret in it
