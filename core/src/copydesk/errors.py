"""Every exception that copydesk raises, named by what the caller can do about it.

::

    CopydeskError
    ├── ConfigError                 mend the configuration
    ├── BackendNotFoundError        install the plugin, or correct the name
    ├── BackendLoadError            mend or upgrade the plugin
    ├── InvalidInputError           pass another value
    │   ├── InvalidPathError
    │   └── InvalidSlugError
    ├── AuthenticationError         log in again
    ├── PermissionDeniedError       ask for rights
    ├── NotFoundError               look for something else
    ├── ConflictError               merge with what somebody else wrote
    ├── NotMergeableError           do what the pull request waits for
    ├── NotSupportedError           use another backend, or do without
    ├── RateLimitedError            come back later
    ├── UnavailableError            try the same call again
    └── ProtocolError               report it: an answer that copydesk does not understand

A message is one line in lower case without full stop: the thing asked for in repr, where, what exists
instead, what to do. The facts in it are attributes too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from copydesk.models import FileVersion, ForgeAnswer

__all__ = [
    "AuthenticationError",
    "BackendLoadError",
    "BackendNotFoundError",
    "ConfigError",
    "ConflictError",
    "CopydeskError",
    "InvalidInputError",
    "InvalidPathError",
    "InvalidSlugError",
    "NotFoundError",
    "NotMergeableError",
    "NotSupportedError",
    "PermissionDeniedError",
    "ProtocolError",
    "RateLimitedError",
    "UnavailableError",
]


class CopydeskError(Exception):
    """The base of everything that copydesk raises on purpose.

    *answer* is what a forge answered over HTTP (status, request id, address without query) where that is the
    reason, else None.
    """

    answer: ForgeAnswer | None = None


class ConfigError(CopydeskError):
    """A configuration that cannot be used; *key* is the offending key, or ""."""

    def __init__(self, message: str, *, key: str = "") -> None:
        super().__init__(message)
        self.key = key


class BackendNotFoundError(CopydeskError):
    """No installed distribution brings a backend, or an extension, of that name."""

    def __init__(self, message: str, *, name: str, installed: Iterable[str] = ()) -> None:
        super().__init__(message)
        self.name = name
        self.installed = tuple(installed)


class BackendLoadError(CopydeskError):
    """A plugin is there but cannot be used with this core; *distribution* is its name and version."""

    def __init__(self, message: str, *, name: str, distribution: str = "") -> None:
        super().__init__(message)
        self.name = name
        self.distribution = distribution


class InvalidInputError(CopydeskError):
    """A value that can never work; nothing was sent or written."""


class InvalidPathError(InvalidInputError):
    """A path that no tree of a site may hold."""

    def __init__(self, message: str, *, path: str) -> None:
        super().__init__(message)
        self.path = path


class InvalidSlugError(InvalidInputError):
    """A slug, collection or branch name that no git ref can hold."""

    def __init__(self, message: str, *, slug: str) -> None:
        super().__init__(message)
        self.slug = slug


class AuthenticationError(CopydeskError):
    """The forge does not know who is asking."""


class PermissionDeniedError(CopydeskError):
    """The forge knows who is asking and refuses."""


class NotFoundError(CopydeskError):
    """The thing asked for is not there. A failure to look is never this error."""


class ConflictError(CopydeskError):
    """Somebody else changed what this call was about to change.

    :param branch: the branch, or "" where the conflict is about something else.
    :param paths: the files concerned; empty where the whole branch moved or exists already.
    :param versions: what those files are now; a path that is gone has None.
    :param head_commit_sha: where the branch is now, where the forge said so.
    :param committed: True where the forge had written before the conflict showed.
    :param lost: where *committed*, the versions that the commit replaced unseen.
    """

    def __init__(
        self,
        message: str,
        *,
        branch: str = "",
        paths: Iterable[str] = (),
        versions: Mapping[str, FileVersion | None] | None = None,
        head_commit_sha: str = "",
        committed: bool = False,
        lost: Mapping[str, FileVersion] | None = None,
    ) -> None:
        super().__init__(message)
        self.branch = branch
        self.paths = tuple(paths)
        self.versions = dict(versions or {})
        self.head_commit_sha = head_commit_sha
        self.committed = committed
        self.lost = dict(lost or {})


class NotMergeableError(CopydeskError):
    """A pull request cannot be merged now.

    :param reason: `conflicts`, `checks`, `approvals`, `discussions`, `rebase`, `protected`, `draft`, `closed` or
        `status`.
    :param paths: with `conflicts`, the files where both sides changed.
    """

    def __init__(self, message: str, *, reason: str, number: int, paths: Iterable[str] = ()) -> None:
        super().__init__(message)
        self.reason = reason
        self.number = number
        self.paths = tuple(paths)


class NotSupportedError(CopydeskError):
    """The backend, or its forge, has no such operation."""

    def __init__(self, message: str, *, operation: str = "") -> None:
        super().__init__(message)
        self.operation = operation


class RateLimitedError(CopydeskError):
    """The forge's limit is used up; *retry_at* is the aware UTC time to come back, if it said so."""

    def __init__(self, message: str, *, retry_at: datetime | None = None) -> None:
        super().__init__(message)
        self.retry_at = retry_at


class UnavailableError(CopydeskError):
    """Out of reach for now: the network, the server, a full disk, a lock that somebody holds.

    :param unclear: True where a write that must not be sent twice failed after it was sent. It may have
        happened: look before you do it again.
    """

    def __init__(self, message: str, *, unclear: bool = False) -> None:
        super().__init__(message)
        self.unclear = unclear


class ProtocolError(CopydeskError):
    """An answer that copydesk does not understand: a damaged repository, a bug in a plugin."""
