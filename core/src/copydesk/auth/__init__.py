"""Credentials: finding one, keeping it, refreshing it.

::

    from copydesk import auth

    credential = auth.find_credential("github", api_root=options.api_root, explicit=given)
    if credential is None:
        raise auth.missing_credential("github")

A credential that expires is refreshed by the flow that gave it, which the backend names: see :func:`renewal`.
:class:`Refresher` is the :class:`CredentialSource` that does it once for all threads; a host that gets its
credentials elsewhere passes a source of its own. Every name is imported when first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from copydesk.auth._find import credential_remedy, find_credential, missing_credential
    from copydesk.auth._gotrue import GoTrue
    from copydesk.auth._refresh import Refresher
    from copydesk.auth._renew import renewal
    from copydesk.auth._source import CredentialSource, FixedSource
    from copydesk.auth._store import CredentialStore, MemoryStore
    from copydesk.auth._ways import login_flows

_HOMES = {
    "_find": ("credential_remedy", "find_credential", "missing_credential"),
    "_gotrue": ("GoTrue",),
    "_refresh": ("Refresher",),
    "_renew": ("renewal",),
    "_source": ("CredentialSource", "FixedSource"),
    "_store": ("CredentialStore", "MemoryStore"),
    "_ways": ("login_flows",),
}
_MODULES = {name: f"copydesk.auth.{module}" for module, names in _HOMES.items() for name in names}

__all__ = [
    "CredentialSource",
    "CredentialStore",
    "FixedSource",
    "GoTrue",
    "MemoryStore",
    "Refresher",
    "credential_remedy",
    "find_credential",
    "login_flows",
    "missing_credential",
    "renewal",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_MODULES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
