"""The store that is used where nobody named one: the system's keyring, if it has one."""

from __future__ import annotations

import importlib.util

from copydesk.auth._store import CredentialStore
from copydesk.errors import NotSupportedError

__all__ = ["default_store"]


def default_store() -> CredentialStore | None:
    """Give the keyring of the system; None where there is none, or the extra ``login`` is not installed."""
    if importlib.util.find_spec("keyring") is None:
        return None
    from copydesk.auth._keyring import KeyringStore  # brings keyring, which looks for backends

    try:
        return KeyringStore()
    except NotSupportedError:
        return None
