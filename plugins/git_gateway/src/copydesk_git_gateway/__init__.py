"""copydesk backend for repositories behind a Git Gateway, Netlify's or one like it."""

from __future__ import annotations

from copydesk import BackendFactory
from copydesk.http import Connector
from copydesk.options import GitGatewayOptions

from copydesk_git_gateway.backend import GitGatewayBackend
from copydesk_git_gateway.login import flows

__all__ = ["GitGatewayBackend", "GitGatewayOptions", "backend"]


def _open(options: GitGatewayOptions, connect: Connector) -> object:
    from copydesk_git_gateway.opening import opened

    return opened(options, connect)


backend = BackendFactory(options=GitGatewayOptions, open=_open, flows=flows)
