"""The key of an app: it is kept, and exchanged for a token as often as one is needed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

import attrs

from copydesk.auth._begun import Begun, Kept
from copydesk.auth._find import app_credential, read_key
from copydesk.auth._way import Way
from copydesk.errors import BackendLoadError, InvalidInputError
from copydesk.models import Credential, LoginFlow

if TYPE_CHECKING:
    from copydesk.http import Dialect, HttpClient

__all__ = ["ByApp", "app_exchange"]

_ASKS: Final = {
    "app_id": "id of the app, or its client id",
    "installation_id": "id of the installation",
    "private_key_file": "file with the private key (PEM)",
}


@attrs.frozen
class ByApp(Way):
    """An app that acts for itself: the credential is its private key, which is never sent."""

    def begin(self, redirect_uri: str) -> Begun:  # noqa: ARG002 - nobody comes back
        kept = Kept(kind="app", expires=self.deadline())
        return Begun(state=kept.to_text(), address=self.setting("page"), asks=_ASKS)

    def complete(self, kept: Kept, said: Mapping[str, str]) -> Credential:  # noqa: ARG002 - it proves nothing
        key = said.get("private_key", "") or read_key(said.get("private_key_file", "").strip())
        ids = (said.get("app_id", "").strip(), said.get("installation_id", "").strip())
        if not all(ids):
            raise InvalidInputError("the login of an app needs its id and that of the installation")
        return app_credential(*ids, key)


def app_exchange(
    flow: LoginFlow,
    backend: str,
    key: Credential,
    connect: Callable[[str, Dialect], HttpClient],
    clock: Callable[[], float],
) -> Callable[[Credential], Credential]:
    """Give what makes a token of the key, whatever credential there was before; the backend knows how.

    :raises BackendLoadError: it does not.
    """
    from copydesk.registry import load_backend  # who has another credential needs none of it

    factory, origin = load_backend(backend)
    exchange = factory.exchange
    if exchange is None:
        raise BackendLoadError(
            f"backend {backend!r} ({origin.origin}) names a login by an app and cannot do it",
            name=backend,
            distribution=origin.origin,
        )
    return lambda _: exchange(flow, key, connect, clock())
