"""copydesk backend for Gitea and Forgejo, Codeberg among them."""

from __future__ import annotations

from copydesk import BackendFactory
from copydesk.http import Connector
from copydesk.options import GiteaOptions

from copydesk_gitea.backend import GiteaBackend
from copydesk_gitea.login import flows

__all__ = ["GiteaBackend", "GiteaOptions", "backend"]


def _open(options: GiteaOptions, connect: Connector) -> GiteaBackend:
    from copydesk_gitea.api import DIALECT  # brings the HTTP client, which the options alone do not need

    return GiteaBackend(connect(options.api_root, DIALECT), options.repo)


backend = BackendFactory(options=GiteaOptions, open=_open, flows=flows)
