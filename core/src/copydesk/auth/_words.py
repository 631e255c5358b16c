"""What providers and people say and give, before anybody relies on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from copydesk.errors import AuthenticationError
from copydesk.models import Credential

__all__ = ["Said", "checked", "in_one_line"]

_LONGEST: Final = 300


class Said(Mapping[str, str]):
    """What was said by name; the repr names the names and shows no value, for tracebacks show variables."""

    def __init__(self, said: Mapping[str, object]) -> None:
        self._said = {name: str(value) for name, value in said.items() if value is not None}

    def __getitem__(self, name: str) -> str:
        return self._said[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._said)

    def __len__(self) -> int:
        return len(self._said)

    def __repr__(self) -> str:
        return f"<Said {', '.join(self)}>"


def in_one_line(text: object) -> str:
    """Give what a provider said as one line that a terminal can show."""
    words = " ".join(str(text).split())
    shown = "".join(each if each.isprintable() else "?" for each in words)
    return f"{shown[:_LONGEST]}…" if len(shown) > _LONGEST else shown


def checked(credential: Credential, whence: str) -> Credential:
    """Give a credential whose secrets a header can hold.

    :raises AuthenticationError: it is none; neither the message nor a variable of a traceback shows it.
    """
    if not credential.secret:
        raise AuthenticationError(f"{whence} gave a token that is empty; nothing was kept, log in again")
    if not (_fits(credential.secret) and _fits(credential.refresh_secret)):
        raise AuthenticationError(
            f"{whence} gave a token that holds a line end or another character that no header can hold; "
            "nothing was kept, log in again"
        )
    return credential


def _fits(text: str) -> bool:
    return text.isprintable() and max(text, default="") <= "\xff" and text == text.strip()
