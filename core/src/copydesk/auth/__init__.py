"""Credentials: getting one by a login, finding one, keeping it, refreshing it.

::

    from copydesk import auth

    credential = auth.find_credential("github", api_root=options.api_root, explicit=given)
    if credential is None:
        raise auth.missing_credential("github")

A login is run by :func:`runner`, which shows how; :func:`log_in_here` runs one for who sits at this machine. A
credential that expires is refreshed by the flow that gave it, which the backend names: see :func:`renewal`.
:class:`Refresher` is the :class:`CredentialSource` that does it once for all threads; a host that gets its
credentials elsewhere passes a source of its own. Every name is imported when first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from copydesk._lazy import lazy_names

if TYPE_CHECKING:
    from copydesk.auth._begun import Begun, Page
    from copydesk.auth._default import default_store
    from copydesk.auth._find import (
        app_credential,
        credential_remedy,
        credential_variable,
        find_credential,
        missing_credential,
    )
    from copydesk.auth._gotrue import GoTrue
    from copydesk.auth._keyring import Account, KeyringStore
    from copydesk.auth._loopback import log_in_here
    from copydesk.auth._pages import fragment_page
    from copydesk.auth._place import Place
    from copydesk.auth._refresh import Refresher
    from copydesk.auth._renew import renewal
    from copydesk.auth._runner import LoginRunner, runner
    from copydesk.auth._source import CredentialSource, FixedSource
    from copydesk.auth._store import CredentialStore, MemoryStore
    from copydesk.auth._ways import login_flows

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "_begun": ("Begun", "Page"),
        "_default": ("default_store",),
        "_find": (
            "app_credential",
            "credential_remedy",
            "credential_variable",
            "find_credential",
            "missing_credential",
        ),
        "_gotrue": ("GoTrue",),
        "_keyring": ("Account", "KeyringStore"),
        "_loopback": ("log_in_here",),
        "_pages": ("fragment_page",),
        "_place": ("Place",),
        "_refresh": ("Refresher",),
        "_renew": ("renewal",),
        "_runner": ("LoginRunner", "runner"),
        "_source": ("CredentialSource", "FixedSource"),
        "_store": ("CredentialStore", "MemoryStore"),
        "_ways": ("login_flows",),
    },
)

__all__ = [
    "Account",
    "Begun",
    "CredentialSource",
    "CredentialStore",
    "FixedSource",
    "GoTrue",
    "KeyringStore",
    "LoginRunner",
    "MemoryStore",
    "Page",
    "Place",
    "Refresher",
    "app_credential",
    "credential_remedy",
    "credential_variable",
    "default_store",
    "find_credential",
    "fragment_page",
    "log_in_here",
    "login_flows",
    "missing_credential",
    "renewal",
    "runner",
]
