"""What a login is between its beginning and its end: values, and the text that a host keeps."""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from typing import Any, Self

import attrs

from copydesk.errors import AuthenticationError

__all__ = ["Begun", "Kept", "Page"]


@attrs.frozen
class Page:
    """A page for the person's browser, with the headers that it must be sent with."""

    html: str = attrs.field(repr=False)
    headers: Mapping[str, str] = attrs.field(factory=dict, repr=False)


@attrs.frozen(kw_only=True)
class Begun:
    """A login that was begun.

    :param state: text to keep in the person's own session and to give to ``complete``, once; it holds what proves
        that the answer belongs to this login.
    :param address: where to send the person; "" where nobody is sent anywhere.
    :param page: what to show in place of sending them away: it opens the address, and posts what it hears to
        the redirect URI.
    :param user_code: what the person types at *address*.
    :param asks: what ``complete`` wants to be given, each name with what to call it; ``password`` and ``token``
        are secrets.
    """

    state: str = attrs.field(repr=False)
    address: str = ""
    page: Page | None = None
    user_code: str = ""
    asks: Mapping[str, str] = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class Kept:
    """What is in the state of a login.

    :param state: what the answer must repeat.
    :param expires: when it is too late, in epoch seconds.
    """

    kind: str
    expires: float
    redirect_uri: str = ""
    state: str = attrs.field(default="", repr=False)
    verifier: str = attrs.field(default="", repr=False)
    nonce: str = attrs.field(default="", repr=False)
    device_code: str = attrs.field(default="", repr=False)
    interval: float = 0.0

    def is_repeated_in(self, said: Mapping[str, str]) -> bool:
        """Tell whether an answer repeats the state, and not by the time it takes how much of it was guessed."""
        return bool(self.state) and hmac.compare_digest(said.get("state", "").encode(), self.state.encode())

    def to_text(self) -> str:
        """Give it as a text."""
        return json.dumps(attrs.asdict(self), separators=(",", ":"))

    @classmethod
    def from_text(cls, text: str | None) -> Self:
        """Read what a host kept.

        :raises AuthenticationError: it kept nothing, or something else.
        """
        try:
            known: Any = json.loads(text or "")
            kept = cls(**known)
        except (ValueError, TypeError):
            kept = None
        if kept is None or not _is_sound(kept):
            # Not raised where json failed: the frames there hold the text.
            raise AuthenticationError(
                "no login was begun in this session, or its answer was used already; begin the login again"
            )
        return kept


def _is_sound(kept: Kept) -> bool:
    texts = (kept.kind, kept.redirect_uri, kept.state, kept.verifier, kept.nonce, kept.device_code)
    numbers = (kept.expires, kept.interval)
    return all(isinstance(each, str) for each in texts) and all(
        isinstance(each, int | float) for each in numbers
    )
