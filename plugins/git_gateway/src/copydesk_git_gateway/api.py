"""What a gateway says and lets through. Nothing here sends anything.

The facts are those of the open-source server (netlify/git-gateway, README and api/): its answers are JSON with
`code` and `msg`, and what the forge answers it passes on as it is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

import attrs
import jwt
from copydesk.errors import ConfigError, CopydeskError, NotSupportedError, PermissionDeniedError
from copydesk.http import Answer, Dialect, Limit, Request, quoted
from copydesk.models import Credential, User

#: What the server lets through of each forge, below the repository and from the beginning of a path.
PASSES: Final[Mapping[str, re.Pattern[str]]] = {
    "github": re.compile(
        r"(?:git|contents|pulls|branches|merges|statuses|compare|commits)|issues/\d+/labels"
    ),
    "gitlab": re.compile(r"merge_requests|repository/(?:files|commits|tree|compare|branches)"),
    "bitbucket": re.compile(r"src"),
}
#: Where each forge that can be used tells of a branch.
_BRANCHES: Final = {"github": "branches", "gitlab": "repository/branches"}
#: A gateway has one limit for all editors; so many requests at once leave room for the others.
_WORKERS: Final = 6
#: How forges say that they do not know the gateway's own token.
_UPSTREAM: Final = ("bad credentials", "401 unauthorized", "requires authentication", "re-authoriz")
_UNCONFIGURED: Final = ("settings configured", "unable to locate site configuration")
_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)


@attrs.frozen(kw_only=True)
class GatewayDialect(Dialect):
    """How a gateway answers, and the forge behind it where the gateway lets it."""

    forge: Dialect

    @classmethod
    def before(cls, forge: Dialect) -> GatewayDialect:
        """Give the dialect of a gateway that stands before a forge."""
        return cls(
            name="git_gateway",
            headers=forge.headers,
            request_id_header=forge.request_id_header,
            hourly_budget=forge.hourly_budget,
            workers=min(_WORKERS, forge.workers),
            forge=forge,
        )

    def credential(self, given: Credential) -> Credential:
        """Take user and password for a login that is still to be made: the gateway never sees them."""
        return attrs.evolve(given, expires_at=_LONG_AGO) if given.scheme == "basic" else given

    def is_foreign(self, answer: Answer) -> bool:
        if answer.status < 400:
            return False
        return bool(_own_words(answer)) or self._is_upstream(answer) or _is_page(answer)

    def refuses_credential(self, answer: Answer) -> bool:
        refused = answer.status == 401 and not self._is_upstream(answer)
        return refused and "not allowed" not in _own_words(answer).lower()

    def page_address(self, asked: str, link: str) -> str:
        """Bring a page that lies on the forge back to the gateway: it differs in its query alone."""
        here, query = urlsplit(asked), urlsplit(link).query
        return urlunsplit((here.scheme, here.netloc, here.path, query, ""))

    def limits(self, answer: Answer) -> Limit | None:
        return self.forge.limits(answer)

    def sentence(self, answer: Answer) -> str:
        return _own_words(answer) or self.forge.sentence(answer)

    def error_class(self, answer: Answer) -> Callable[[str], CopydeskError] | None:
        own = _own_words(answer).lower()
        if any(words in own for words in _UNCONFIGURED) and answer.status == 404:
            return _not_enabled
        if _is_page(answer):
            return _no_gateway
        if answer.status == 401 and "role" in own:
            return _wrong_role
        if answer.status == 401 and "not allowed" in own:
            return _restricted
        if self._is_upstream(answer):
            return _upstream_refused
        return None if own else self.forge.error_class(answer)

    def _is_upstream(self, answer: Answer) -> bool:
        if answer.status != 401 or _own_words(answer):
            return False
        said = self.forge.sentence(answer).lower()
        return any(words in said for words in _UPSTREAM)


def _own_words(answer: Answer) -> str:
    """Give the words of the gateway itself, "" where the forge speaks."""
    body = _body(answer) if answer.status >= 400 else None
    if body is None:
        return ""
    own = str(body.get("msg") or "") if "code" in body else ""
    # The hosted one says this in a shape of its own.
    message = str(body.get("message") or "")
    return own or (message if _UNCONFIGURED[1] in message.lower() else "")


def _is_page(answer: Answer) -> bool:
    """Whether nothing is there at all, of which neither a gateway nor a forge would tell in such a way."""
    return answer.status == 404 and _body(answer) is None


def _body(answer: Answer) -> dict[str, Any] | None:
    try:
        body = json.loads(answer.content)
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None


def _no_gateway(message: str) -> ConfigError:
    return ConfigError(
        f"{message}; there is no gateway at this address: correct gateway_url", key="gateway_url"
    )


def _not_enabled(message: str) -> ConfigError:
    return ConfigError(
        f"{message}; the gateway is not enabled for this site: turn it on there, or correct gateway_url",
        key="gateway_url",
    )


def _wrong_role(message: str) -> PermissionDeniedError:
    return PermissionDeniedError(
        f"{message}; the login is good, but has no role that the gateway takes: ask the administrator of the site "
        "for one, and log in again"
    )


def _restricted(message: str) -> NotSupportedError:
    return NotSupportedError(
        f"{message}; this gateway does not let it through: do without, or use the forge itself"
    )


def _upstream_refused(message: str) -> PermissionDeniedError:
    return PermissionDeniedError(
        f"{message}; the login is good, but the forge refuses the gateway's own token: ask the administrator of "
        "the site to give the gateway a new one, with the right to write"
    )


# -- settings -----------------------------------------------------------------------------------------


@attrs.frozen
class Settings:
    """What a gateway says of itself: the forge behind it, and the roles of which an editor needs one."""

    forge: str
    roles: tuple[str, ...] = ()


def place_of(address: str) -> tuple[str, Settings | None]:
    """Give the root of a gateway, and its settings where the address names the forge (``…/github``)."""
    root, _, last = address.rpartition("/")
    return (root, Settings(last)) if last in PASSES else (address, None)


def ask_settings() -> Request:
    """Ask a gateway for its settings."""
    return Request("GET", "settings")


def read_settings(answer: Answer) -> Settings:
    """Read the settings of a gateway.

    :raises ConfigError: no forge is behind it.
    """
    data = answer.json_object()
    forge = next((name for name in PASSES if data.get(f"{name}_enabled")), None)
    if forge is None:
        raise ConfigError(
            "the gateway has neither GitHub nor GitLab behind it; connect the repository in its settings",
            key="gateway_url",
        )
    return Settings(forge, tuple(data.get("roles") or ()))


def ask_branch(forge: str, name: str) -> Request:
    """Ask for a branch, which only an editor whom gateway and forge know gets an answer to."""
    return Request("GET", f"{_BRANCHES[forge]}/{quoted(name)}")


# -- who edits ----------------------------------------------------------------------------------------


@attrs.frozen
class Editor:
    """Who edits, by the claims of their token; None where a token tells nothing."""

    user: User | None
    roles: tuple[str, ...] | None


def read_editor(credential: Credential, email_claim: str, name_claim: str) -> Editor:
    """Read the claims of a token; its signature is the gateway's to check, who knows the key."""
    try:
        claims: dict[str, Any] = jwt.decode(credential.secret, options={"verify_signature": False})
    except jwt.InvalidTokenError:
        return Editor(None, None)
    more = claims.get("user_metadata") or {}
    email = str(claims.get(email_claim) or "")
    name = str(claims.get(name_claim or "name") or more.get("full_name") or "")
    roles = (claims.get("app_metadata") or {}).get("roles") or ()
    return Editor(User(email, name, email) if email else None, tuple(map(str, roles)))


def check_roles(editor: Editor, wanted: Iterable[str]) -> None:
    """Refuse an editor who has none of the roles that the gateway takes.

    :raises PermissionDeniedError: whatever they do would be refused.
    """
    roles = tuple(wanted)
    if not roles or editor.roles is None or set(roles) & set(editor.roles):
        return
    has = ", ".join(editor.roles) or "none"
    raise PermissionDeniedError(
        f"the gateway takes editors with the role {' or '.join(map(repr, roles))}, and this login has {has}; ask "
        "the administrator of the site for the role, and log in again"
    )
