"""copydesk backend for Pond."""

from __future__ import annotations

import attrs
from copydesk import BackendFactory
from copydesk.http import Connector
from copydesk.options import BackendOptions, help_text, repo_name, root

from copydesk_pond.api import DIALECT
from copydesk_pond.backend import PondBackend

__all__ = ["PondOptions", "backend"]


@attrs.frozen(kw_only=True)
class PondOptions(BackendOptions):
    """Options of the ``pond`` backend."""

    repo: str = attrs.field(
        validator=repo_name(nested=False), metadata=help_text("the repository, as 'owner/name'")
    )
    api_root: str = attrs.field(
        default="https://pond.example/api", validator=root, metadata=help_text("address of the API")
    )


def _open(options: PondOptions, connect: Connector) -> object:
    return PondBackend(connect(options.api_root, DIALECT), options.repo)


backend = BackendFactory(options=PondOptions, open=_open)
