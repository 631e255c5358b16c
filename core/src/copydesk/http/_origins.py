"""Addresses: which origin one belongs to, and how it is shown without its query."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import SplitResult, urljoin, urlsplit, urlunsplit

from copydesk.errors import ConfigError

__all__ = ["checked_root", "is_absolute", "is_loopback", "is_secure", "joined", "origin_of", "without_query"]

_PORTS: Final = {"http": 80, "https": 443}


def origin_of(address: str) -> str:
    """Give scheme, host and port of an absolute address; the scheme's own port is left out.

    :raises ValueError: it is no http address, or holds a user or a password.
    """
    parts = urlsplit(address)
    if parts.scheme not in _PORTS or not parts.hostname:
        raise ValueError("no http address")
    if parts.username is not None or parts.password is not None:
        raise ValueError("an address with a user or a password")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    port = "" if parts.port in {None, _PORTS[parts.scheme]} else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}"


def checked_root(address: str, name: str = "api_root") -> str:
    """Give the root of an API without the slash at its end; *name* is that of the option it came from.

    :raises ConfigError: it is no https address (http is for this machine only), or more than an address.
    """
    problem = _problem(address)
    if problem:
        # Without the address: a secret may stand in it.
        raise ConfigError(f"{name!r} must be {problem}", key=name)
    return address.rstrip("/")


def _problem(address: str) -> str:
    try:
        origin = origin_of(address)
    except ValueError as exc:
        if "password" in str(exc):
            return "an address without user and password; pass credential= instead"
        return "an address like 'https://example.org'"
    if re.search(r"[\s?#]", address):
        return "an address without query and fragment"
    return "" if is_secure(origin) else "an https address (http is for this machine only)"


def joined(address: str, link: str) -> str:
    """Resolve a link that an address gave; one that cannot be read becomes an address without host."""
    try:
        return urljoin(address, link)
    except ValueError:
        return "http://"


def is_absolute(path: str) -> bool:
    """Tell whether a path is a whole address."""
    return path.lower().startswith(("http://", "https://"))


def is_secure(origin: str) -> bool:
    """Tell whether a secret may be sent there: by https, or within this machine."""
    return origin.startswith("https://") or is_loopback(origin)


def is_loopback(origin: str) -> bool:
    """Tell whether the origin is this machine itself."""
    host = urlsplit(origin).hostname or ""
    return host in {"localhost", "::1"} or bool(re.fullmatch(r"127(\.\d{1,3}){3}", host))


def without_query(address: str) -> str:
    """Cut query, fragment, user and password, which may hold a secret."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return address.partition("?")[0]
    return urlunsplit(SplitResult(parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
