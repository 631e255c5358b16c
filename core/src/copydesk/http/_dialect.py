"""What a forge's answers mean, beyond HTTP."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import attrs

from copydesk.errors import CopydeskError
from copydesk.http._origins import joined
from copydesk.http._values import Answer
from copydesk.models import Credential

__all__ = ["Dialect", "Limit"]

#: How forges name a refusal for too many requests where the status does not say it.
_TOO_MANY = ("rate limit", "abuse detection")


@attrs.frozen
class Limit:
    """What an answer tells about the forge's limit.

    :param remaining: requests that are left, or None.
    :param resets_at: when there are all of them again, in epoch seconds; or None.
    :param refused: this request was refused because of a limit, and nothing happened.
    """

    remaining: int | None = None
    resets_at: float | None = None
    refused: bool = False


@attrs.frozen(kw_only=True)
class Dialect:
    """How one forge speaks; a subclass overrides what its forge does otherwise.

    :param name: the forge in messages, the backend in ``COPYDESK_<NAME>_TOKEN``.
    :param headers: sent with every request to the API's origin, such as the API's version.
    :param request_id_header: the header with the number that the forge's support asks for; "" for none.
    :param hourly_budget: requests an hour that the forge allows where its answers do not count them.
    :param workers: how many requests at once the forge bears.
    """

    name: str
    headers: Mapping[str, str] = attrs.field(factory=dict)
    request_id_header: str = ""
    hourly_budget: int | None = None
    workers: int = 8

    def credential(self, given: Credential) -> Credential:
        """Give a credential as this forge wants it sent; here as it was given."""
        return given

    def git_credential(self, given: Credential) -> Credential:
        """Give a credential as this forge wants it sent to what git itself talks to, such as LFS."""
        return given

    def is_foreign(self, answer: Answer) -> bool:  # noqa: ARG002 - to override
        """Tell whether somebody before the forge refused: then no caller allows it, whatever its status is."""
        return False

    def refuses_credential(self, answer: Answer) -> bool:
        """Tell whether a refusal is about the credential, which a fresh one may mend."""
        return answer.status == 401

    def page_address(self, asked: str, link: str) -> str:
        """Give the address of the next page, where the page at *asked* links it."""
        return joined(asked, link)

    def sentence(self, answer: Answer) -> str:
        """Give the forge's own words for a refusal, or ""."""
        try:
            return " ".join(_said(json.loads(answer.content)).split())
        except (ValueError, RecursionError):
            return ""

    def error_class(self, answer: Answer) -> Callable[[str], CopydeskError] | None:  # noqa: ARG002 - to override
        """Choose the error of a refusal: called with the message. None: the one of the status."""
        return None

    def limits(self, answer: Answer) -> Limit | None:
        """Tell the limit; here by the headers that GitHub, GitLab and others send."""
        remaining = _number(answer, "x-ratelimit-remaining", "ratelimit-remaining")
        resets_at = _number(answer, "x-ratelimit-reset", "ratelimit-reset")
        return Limit(remaining, resets_at, self._refused(answer, remaining))

    def _refused(self, answer: Answer, remaining: int | None) -> bool:
        if answer.status != 403:
            return answer.status == 429
        if remaining == 0 or "retry-after" in answer.headers:
            return True
        sentence = self.sentence(answer).lower()
        return any(words in sentence for words in _TOO_MANY)


def _number(answer: Answer, *names: str) -> int | None:
    for name in names:
        text = answer.headers.get(name, "").strip()
        # Not int(): it takes signs, underscores and digits of any script.
        if text.isascii() and text.isdigit():
            return int(text)
    return None


def _said(body: Any) -> str:
    """Find the sentence in the shapes that forges give an error."""
    if isinstance(body, str):
        return body
    if isinstance(body, list):
        return "; ".join(filter(None, map(_said, body)))
    if not isinstance(body, dict):
        return ""
    keys = ("message", "error_description", "error", "msg", "detail")
    main = next((text for text in (_said(body.get(key)) for key in keys) if text), "")
    more = _said(body.get("errors"))
    return f"{main}: {more}" if main and more else main or more
