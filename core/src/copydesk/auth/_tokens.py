"""Tokens of an OAuth 2.0 server: what it is asked for, and what it answers (RFC 6749)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

import attrs

from copydesk.auth._find import credential_remedy
from copydesk.errors import AuthenticationError, CopydeskError
from copydesk.http import Answer, Dialect, Request
from copydesk.models import Credential

__all__ = ["FORM", "TokenDialect", "ask_token", "ask_with", "ends_at", "read_token"]

FORM: Final = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}


@attrs.frozen(kw_only=True)
class TokenDialect(Dialect):
    """How a token endpoint refuses; *name* is the backend that the credential is for."""

    def error_class(self, answer: Answer) -> Callable[[str], CopydeskError] | None:
        """Take every refusal for one of who asks, and say what to do."""
        if answer.status in {400, 401, 403, 404, 422}:
            return self._error
        return None

    def _error(self, message: str) -> AuthenticationError:
        return AuthenticationError(f"{message}; {credential_remedy(self.name)}")


def ask_with(path: str, body: str) -> Request:
    """Ask with a form; the answer may be the only one ever, so it is never asked for twice."""
    return Request("POST", path, headers=FORM, content=body.encode("ascii"))


def ask_token(path: str, **form: str) -> Request:
    """Ask for a token with a form of these fields."""
    return ask_with(path, urlencode(form))


def ends_at(lifetime: Any, now: float) -> datetime | None:
    """Tell when a token expires that lasts so many seconds; None where nobody says."""
    return None if lifetime is None else datetime.fromtimestamp(now, UTC) + timedelta(seconds=float(lifetime))


def read_token(answer: Answer, now: float, before: Credential | None = None) -> Credential:
    """Read a token; a server that gives no new refresh token means the one *before* to be kept.

    :param now: epoch seconds.
    """
    data: Mapping[str, Any] = answer.json_object()
    kept = before.refresh_secret if before is not None else ""
    return Credential(
        str(data["access_token"]),
        refresh_secret=data.get("refresh_token") or kept,
        expires_at=ends_at(data.get("expires_in"), now),
    )
