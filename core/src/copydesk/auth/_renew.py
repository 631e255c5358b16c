"""How the credential of a login is exchanged for a fresh one, by the flow that gave it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import attrs

from copydesk.models import Credential, LoginFlow

if TYPE_CHECKING:
    from copydesk.http import Dialect, HttpClient

__all__ = ["renewal"]


def renewal(
    flows: Iterable[LoginFlow],
    credential: Credential,
    connect: Callable[[str, Dialect], HttpClient],
    backend: str,
    clock: Callable[[], float],
) -> Callable[[Credential], Credential] | None:
    """Give what exchanges a credential for a fresh one, None where it cannot be.

    :param flows: those of the backend.
    :param connect: makes a client for an address, without a credential.
    :param clock: epoch seconds.
    """
    from copydesk.auth._gotrue import GoTrue  # brings the HTTP client, which needs this package

    for flow in flows:
        if flow.kind == "app" and credential.scheme == "app":
            from copydesk.auth._app import app_exchange  # as above

            return app_exchange(flow, backend, credential, connect, clock)
        if flow.kind == "password" and (credential.scheme == "basic" or credential.refresh_secret):
            return GoTrue.at(flow.settings["identity_url"], connect, backend, clock).renew
        if "token_url" in flow.settings and credential.refresh_secret:
            return _by_grant(flow, connect, backend, clock)
        if "refresh_url" in flow.settings and credential.refresh_secret:
            return _by_popup(flow, connect, backend)
    return None


def _by_popup(
    flow: LoginFlow, connect: Callable[[str, Dialect], HttpClient], backend: str
) -> Callable[[Credential], Credential]:
    from copydesk.auth._popup import PopupRefresh  # as below
    from copydesk.auth._tokens import TokenDialect

    address = flow.settings["refresh_url"]
    return PopupRefresh(connect(address, TokenDialect(name=backend)), address, flow.settings)


def _by_grant(
    flow: LoginFlow,
    connect: Callable[[str, Dialect], HttpClient],
    backend: str,
    clock: Callable[[], float],
) -> Callable[[Credential], Credential]:
    from copydesk.auth._tokens import TokenDialect, ask_token, read_token  # as above

    address, client_id = flow.settings["token_url"], flow.settings.get("client_id", "")
    client = connect(address, TokenDialect(name=backend))

    def refresh(credential: Credential) -> Credential:
        client.keep_secret(credential)
        whose = {"client_id": client_id} if client_id else {}
        answer = client.send(
            ask_token(address, grant_type="refresh_token", refresh_token=credential.refresh_secret, **whose)
        )
        return attrs.evolve(read_token(answer, clock(), credential), scheme=credential.scheme)

    return refresh
