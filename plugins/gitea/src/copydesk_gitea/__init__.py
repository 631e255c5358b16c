"""copydesk backend for Gitea and Forgejo, Codeberg among them."""

from __future__ import annotations

from copydesk import BackendFactory
from copydesk.http import Connector
from copydesk.options import GiteaOptions

from copydesk_gitea.api import DIALECT, git_address
from copydesk_gitea.backend import GiteaBackend
from copydesk_gitea.login import flows
from copydesk_gitea.pulls import GiteaPulls

__all__ = ["GiteaBackend", "GiteaOptions", "GiteaPulls", "backend"]


def _open(options: GiteaOptions, connect: Connector) -> tuple[object, ...]:
    client = connect(options.api_root, DIALECT)
    files = GiteaBackend(client, options.repo, connect.git_ways(git_address(options.api_root, options.repo)))
    return files, GiteaPulls(files)


backend = BackendFactory(options=GiteaOptions, open=_open, flows=flows)
