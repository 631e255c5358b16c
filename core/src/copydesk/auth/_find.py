"""Finding the credential of a backend: the argument, then the environment, then the store."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from copydesk.auth._store import CredentialStore
from copydesk.errors import AuthenticationError, InvalidInputError
from copydesk.models import Credential

__all__ = [
    "app_credential",
    "credential_remedy",
    "credential_variable",
    "find_credential",
    "missing_credential",
    "read_key",
]

_LONG_AGO: Final = datetime.fromtimestamp(0, UTC)


def find_credential(
    backend: str,
    *,
    api_root: str,
    explicit: str | Credential | None = None,
    environ: Mapping[str, str] = os.environ,
    store: CredentialStore | None = None,
    account: str = "",
) -> Credential | None:
    """Find the credential of a backend; the first of three places that has one wins.

    :param explicit: a credential, or a secret that is sent as a bearer token.
    :param environ: where ``COPYDESK_<BACKEND>_TOKEN`` is looked up; with ``COPYDESK_<BACKEND>_USER`` beside it
        the two are user and password. Without it, ``COPYDESK_<BACKEND>_APP`` with the ids of an app and of its
        installation, ``123/456``, and its private key in ``COPYDESK_<BACKEND>_KEY`` or in the file that
        ``COPYDESK_<BACKEND>_KEY_FILE`` names.
    :param store: where the credentials of logins are kept.
    :returns: None where no place has one.
    :raises AuthenticationError: *explicit* is empty.
    :raises InvalidInputError: the file with the key of an app cannot be read.
    """
    if explicit is not None:
        return _given(backend, explicit)
    found = _from_environment(backend, environ)
    if found is not None or store is None:
        return found
    return store.get(backend, api_root, account)


def missing_credential(backend: str) -> AuthenticationError:
    """Make the error for a backend that needs a credential and has none."""
    return AuthenticationError(f"the {backend} backend needs a credential: {credential_remedy(backend)}")


def credential_remedy(backend: str) -> str:
    """Name every way to give a credential."""
    return f"log in with `copydesk login`, set {credential_variable(backend, 'TOKEN')}, or pass credential="


def credential_variable(backend: str, what: str) -> str:
    """Name the variable of the environment that has *what* of a backend: TOKEN, USER, APP, KEY or KEY_FILE."""
    return f"COPYDESK_{backend.upper().replace('-', '_')}_{what}"


def _given(backend: str, explicit: str | Credential) -> Credential:
    credential = Credential(explicit) if isinstance(explicit, str) else explicit
    # Going on to the environment would act as somebody else than the caller meant.
    if credential.scheme != "none" and not credential.secret:
        raise AuthenticationError(
            f"the credential given to the {backend} backend is empty; "
            f"pass None to look for another, or {credential_remedy(backend)}"
        )
    return credential


def _from_environment(backend: str, environ: Mapping[str, str]) -> Credential | None:
    secret = environ.get(credential_variable(backend, "TOKEN"), "").strip()
    if not secret:
        return _app_from_environment(backend, environ)
    user = environ.get(credential_variable(backend, "USER"), "").strip()
    return Credential(secret, scheme="basic", user=user) if user else Credential(secret)


def _app_from_environment(backend: str, environ: Mapping[str, str]) -> Credential | None:
    app, _, installation = environ.get(credential_variable(backend, "APP"), "").strip().partition("/")
    file = environ.get(credential_variable(backend, "KEY_FILE"), "").strip()
    if not (app and installation):
        return None
    return app_credential(
        app, installation, environ.get(credential_variable(backend, "KEY"), "") or read_key(file)
    )


def app_credential(app_id: str, installation_id: str, private_key: str) -> Credential:
    """Give the key of an app as a credential, which is exchanged before anything is sent."""
    return Credential(private_key, "app", f"{app_id}/{installation_id}", expires_at=_LONG_AGO)


def read_key(file: str) -> str:
    """Read a private key.

    :raises InvalidInputError: the file cannot be read.
    """
    try:
        return Path(file).expanduser().read_text("ascii")
    except (OSError, ValueError) as exc:
        raise InvalidInputError(f"cannot read the private key in {file!r}: {exc}") from exc
