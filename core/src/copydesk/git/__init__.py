"""git's own protocol over HTTP, as far as reading needs it: commits, trees and files in one request.

A backend whose forge serves git names two ways with it, ``connect.git_ways(clone_url)``; the core takes them where
they are the cheapest. Here is what they are made of, by gitprotocol-http, gitprotocol-v2, gitprotocol-pack and
gitformat-pack of git's documentation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from copydesk._lazy import lazy_names

if TYPE_CHECKING:
    from copydesk.git._client import GitClient
    from copydesk.git._ways import GitBlobs, GitTrees

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "_client": ("GitClient",),
        "_ways": ("GitBlobs", "GitTrees"),
    },
)

__all__ = ["GitBlobs", "GitClient", "GitTrees"]
