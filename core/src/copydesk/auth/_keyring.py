"""Credentials in the keyring of the system."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

import attrs

from copydesk.auth._extra import extra
from copydesk.auth._locks import locked
from copydesk.errors import NotSupportedError, UnavailableError
from copydesk.models import Credential

__all__ = ["Account", "KeyringStore"]

_INDEX: Final = ("copydesk", "accounts")
_WHERE_ELSE: Final = "or keep no login and set the token in the environment"
#: Backends that keep nothing, or keep it where anybody can read it.
_REFUSED: Final = frozenset(
    {
        "keyring.backends.null.Keyring",
        "keyring.backends.fail.Keyring",
        "keyrings.alt.file.PlaintextKeyring",
        "keyrings.alt.Windows.RegistryKeyring",
    }
)


@attrs.frozen(order=True)
class Account:
    """What a credential is kept for; *account* is "" for the only one."""

    backend: str
    api_root: str
    account: str = ""


class KeyringStore:
    """A :class:`CredentialStore` in the system's keyring, which processes share.

    Each credential is one secret, as JSON. Windows takes 2,560 bytes for one, in UTF-16: a token of more than
    about 1,100 characters does not fit there, and keeping it raises.

    :param keyring: a backend of the package ``keyring``; by default the one that it finds.
    :raises NotSupportedError: the system has no keyring, or one that would keep secrets in a plain file; or the
        extra ``login`` is not installed.
    """

    def __init__(self, keyring: Any = None) -> None:
        self._errors = extra("keyring.errors")
        self._keyring = keyring if keyring is not None else extra("keyring").get_keyring()
        if not _is_safe(self._keyring):
            raise NotSupportedError(
                "this system has no keyring that copydesk would keep a credential in: start or install one "
                f"(Secret Service or KWallet on Linux), {_WHERE_ELSE}"
            )

    def __repr__(self) -> str:
        return f"<KeyringStore in {getattr(self._keyring, 'name', type(self._keyring).__name__)}>"

    def get(self, backend: str, api_root: str, account: str = "") -> Credential | None:
        """Give what was kept, or None.

        :raises UnavailableError: the keyring is locked, or does not answer.
        """
        with self._refusals():
            text = self._keyring.get_password(*_place(backend, api_root, account))
        return None if text is None else _read(text)

    def set(self, backend: str, api_root: str, credential: Credential, account: str = "") -> None:
        """Keep a credential, instead of the one before.

        :raises UnavailableError: the keyring is locked, or cannot keep so much.
        """
        with self._refusals():
            # Not in a variable: some tools show those of a traceback.
            self._keyring.set_password(*_place(backend, api_root, account), _written(credential))
        self._note(Account(backend, api_root, account), kept=True)

    def delete(self, backend: str, api_root: str, account: str = "") -> bool:
        """Forget a credential; False: there was none.

        :raises UnavailableError: the keyring is locked.
        """
        there = self.get(backend, api_root, account) is not None
        if there:
            with self._refusals():
                self._keyring.delete_password(*_place(backend, api_root, account))
        self._note(Account(backend, api_root, account), kept=False)
        return there

    def accounts(self) -> tuple[Account, ...]:
        """List what is kept; no secret is read for it."""
        with self._refusals():
            text = self._keyring.get_password(*_INDEX)
        try:
            return tuple(sorted(Account(*each) for each in json.loads(text or "[]")))
        except (ValueError, TypeError):
            return ()

    def lock(self, backend: str, api_root: str, account: str = "") -> contextlib.AbstractContextManager[None]:
        """Keep other processes of this person from refreshing the same credential."""
        return locked(backend, api_root, account)

    def _note(self, account: Account, *, kept: bool) -> None:
        with locked(*_INDEX):
            known = set(self.accounts())
            if (account in known) is kept:
                return
            listed = sorted(known | {account} if kept else known - {account})
            with self._refusals():
                self._keyring.set_password(*_INDEX, json.dumps([attrs.astuple(each) for each in listed]))

    @contextlib.contextmanager
    def _refusals(self) -> Iterator[None]:
        errors = self._errors
        try:
            yield
        except errors.KeyringLocked as exc:
            problem, cause = "is locked: unlock it and make the same call again", type(exc).__name__
        except errors.NoKeyringError as exc:
            problem, cause = f"is not there: start or install one, {_WHERE_ELSE}", type(exc).__name__
        except errors.PasswordSetError as exc:
            problem = (
                f"did not keep the credential (Windows takes some 1,100 characters): free it, {_WHERE_ELSE}"
            )
            cause = type(exc).__name__
        except errors.KeyringError as exc:
            problem, cause = f"does not answer: unlock or start it, {_WHERE_ELSE}", type(exc).__name__
        else:
            return
        # Without the exception: what a keyring says may hold what it was given.
        raise UnavailableError(f"the system's keyring {problem} ({cause})") from None


def _place(backend: str, api_root: str, account: str) -> tuple[str, str]:
    return f"copydesk {backend} {api_root}", account or "default"


def _written(credential: Credential) -> str:
    return json.dumps(attrs.asdict(credential, value_serializer=_plain), separators=(",", ":"))


def _plain(_: object, __: object, value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value


def _read(text: str) -> Credential | None:
    """Read what was kept; what is no credential is none, and the next login replaces it."""
    try:
        known: Any = json.loads(text)
        ends = known.pop("expires_at", None)
        return Credential(**known, expires_at=datetime.fromisoformat(ends) if ends else None)
    except (ValueError, TypeError, AttributeError):
        return None


def _is_safe(keyring: Any) -> bool:
    """Tell whether a secret can be kept there; a chain is as good as what is in it."""
    kind = type(keyring)
    name = f"{kind.__module__}.{kind.__qualname__}"
    if name == "keyring.backends.chainer.ChainerBackend":
        return any(_is_safe(each) for each in keyring.backends)
    return name not in _REFUSED
