"""Read and write the content of a site kept in a git repository, through an editorial workflow.

::

    from copydesk import Workflow, open_repository, load_config

    site = load_config("admin/config.yml")
    with open_repository(site) as repository:
        workflow = Workflow(repository, site)
        entry = workflow.save("posts", "hello", b"# Hello")
        workflow.set_status("posts", "hello", "pending_publish")
        workflow.publish("posts", "hello")

A backend author marks methods with :data:`hookimpl`; ``copydesk.hookspecs`` is the contract. Every name
below is imported when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from copydesk._lazy import lazy_names

if TYPE_CHECKING:
    from copydesk.config import SiteConfig, load_config
    from copydesk.errors import ConflictError, CopydeskError, NotFoundError, NotMergeableError
    from copydesk.extensions import Audit, DryRun, ReadOnly
    from copydesk.factory import BackendFactory, Door
    from copydesk.hookspecs import hookimpl
    from copydesk.models import (
        Commit,
        Delete,
        File,
        FileVersion,
        Mode,
        Move,
        NewCommit,
        NewPullRequest,
        PullRequest,
        Put,
        Status,
        TreeEntry,
        User,
    )
    from copydesk.options import BackendOptions
    from copydesk.registry import installed_backends
    from copydesk.repository import Repository, open_repository
    from copydesk.workflow import Entry, Workflow

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "config": ("SiteConfig", "load_config"),
        "errors": ("ConflictError", "CopydeskError", "NotFoundError", "NotMergeableError"),
        "extensions": ("Audit", "DryRun", "ReadOnly"),
        "factory": ("BackendFactory", "Door"),
        "hookspecs": ("hookimpl",),
        "models": (
            "Commit",
            "Delete",
            "File",
            "FileVersion",
            "Mode",
            "Move",
            "NewCommit",
            "NewPullRequest",
            "PullRequest",
            "Put",
            "Status",
            "TreeEntry",
            "User",
        ),
        "options": ("BackendOptions",),
        "registry": ("installed_backends",),
        "repository": ("Repository", "open_repository"),
        "workflow": ("Entry", "Workflow"),
    },
)

__all__ = [
    "Audit",
    "BackendFactory",
    "BackendOptions",
    "Commit",
    "ConflictError",
    "CopydeskError",
    "Delete",
    "Door",
    "DryRun",
    "Entry",
    "File",
    "FileVersion",
    "Mode",
    "Move",
    "NewCommit",
    "NewPullRequest",
    "NotFoundError",
    "NotMergeableError",
    "PullRequest",
    "Put",
    "ReadOnly",
    "Repository",
    "SiteConfig",
    "Status",
    "TreeEntry",
    "User",
    "Workflow",
    "__version__",
    "hookimpl",
    "installed_backends",
    "load_config",
    "open_repository",
]
__version__ = "0.1.0"
