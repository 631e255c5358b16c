"""copydesk backend for Bitbucket Cloud."""

from __future__ import annotations

from copydesk import BackendFactory
from copydesk.http import Connector
from copydesk.options import BitbucketOptions

from copydesk_bitbucket.backend import BitbucketBackend
from copydesk_bitbucket.login import flows

__all__ = ["BitbucketBackend", "BitbucketOptions", "backend"]


def _open(options: BitbucketOptions, connect: Connector) -> object:
    from copydesk_bitbucket.api import DIALECT

    return BitbucketBackend(connect(options.api_root, DIALECT), f"repositories/{options.repo}", options)


backend = BackendFactory(options=BitbucketOptions, open=_open, flows=flows)
