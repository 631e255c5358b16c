"""Finding out which forge is behind a gateway, and opening its backend through it."""

from __future__ import annotations

from typing import cast

from copydesk import Door
from copydesk.auth import CredentialSource, FixedSource, GoTrue
from copydesk.errors import BackendLoadError, ConfigError, NotSupportedError, ProtocolError
from copydesk.hookspecs import BackendHooks
from copydesk.http import Connector, Dialect
from copydesk.models import Credential
from copydesk.options import GitGatewayOptions
from copydesk.registry import load_backend

from copydesk_git_gateway import api
from copydesk_git_gateway.backend import GitGatewayBackend

__all__ = ["opened"]


def opened(options: GitGatewayOptions, connect: Connector) -> tuple[object, ...]:
    """Open the repository behind a gateway; this costs one request unless the address names the forge.

    :raises BackendNotFoundError: the plugin of that forge is not installed.
    :raises NotSupportedError: the gateway does not let enough of that forge through.
    :raises PermissionDeniedError: the editor has none of the roles that the gateway takes.
    """
    root, settings = api.place_of(options.address("gateway_url"))
    client = connect(root, api.GatewayDialect.before(Dialect(name="git_gateway")))
    if settings is None:
        try:
            settings = api.read_settings(client.send(api.ask_settings()))
        except ProtocolError as exc:
            raise ConfigError(
                f"{root} is no gateway: it does not answer with settings ({exc}); correct gateway_url",
                key="gateway_url",
            ) from exc
    _check_forge(settings.forge)
    source = _source(connect.found(root, client.dialect))
    behind = _behind(options, connect, root, settings.forge)
    identity = None if options.auth_type else _identity(options, connect)
    gateway = GitGatewayBackend(
        connect(f"{root}/{settings.forge}", client.dialect),
        cast("BackendHooks", behind),
        options,
        settings,
        source,
        identity,
    )
    api.check_roles(gateway.editor(), settings.roles)
    return gateway, behind


def _check_forge(forge: str) -> None:
    if forge == "bitbucket":
        raise NotSupportedError(
            "this gateway stands before Bitbucket, of which it lets files through and not even the head of a "
            "branch; use the bitbucket backend with a credential of your own"
        )


def _behind(options: GitGatewayOptions, connect: Connector, root: str, forge: str) -> object:
    factory, origin = load_backend(forge)
    if factory.behind is None:
        raise BackendLoadError(
            f"backend {forge!r} ({origin.origin}) cannot be opened behind a gateway; "
            f"try: pip install --upgrade {origin.distribution}",
            name=forge,
            distribution=origin.origin,
        )
    return factory.behind(
        Door(
            connect=lambda dialect: connect(f"{root}/{forge}", api.GatewayDialect.before(dialect)),
            base="",
            branch=options.branch,
            passes=api.PASSES[forge],
        )
    )


def _identity(options: GitGatewayOptions, connect: Connector) -> GoTrue:
    address, clock = options.address("identity_url"), connect.settings.clock
    return GoTrue.at(address, connect.anonymous, "git_gateway", clock)


def _source(found: Credential | CredentialSource) -> CredentialSource:
    return FixedSource(found) if isinstance(found, Credential) else found
