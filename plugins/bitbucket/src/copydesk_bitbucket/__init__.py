"""copydesk backend for Bitbucket Cloud."""

from __future__ import annotations

from copydesk import BackendFactory
from copydesk.http import Connector
from copydesk.options import BitbucketOptions

from copydesk_bitbucket.backend import BitbucketBackend
from copydesk_bitbucket.login import flows

__all__ = ["BitbucketBackend", "BitbucketOptions", "backend"]


def _open(options: BitbucketOptions, connect: Connector) -> object:
    from copydesk_bitbucket.api import DIALECT, git_address

    client = connect(options.api_root, DIALECT)
    # Its own listings name no blobs: versions are told by commits there, and so here.
    ways = connect.git_ways(git_address(options.api_root, options.repo), marks_commits=True, asks_first=True)
    return BitbucketBackend(client, f"repositories/{options.repo}", options, ways)


backend = BackendFactory(options=BitbucketOptions, open=_open, flows=flows)
