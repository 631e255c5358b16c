"""Frozen values that operations take and give.

Shas are full-length lower-case hexadecimal text; times are aware and in UTC; content is bytes; what is
absent is None or an empty tuple, never a failure.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

import attrs

__all__ = [
    "Access",
    "Branch",
    "Change",
    "ChangedFile",
    "Check",
    "Commit",
    "Comparison",
    "Credential",
    "Delete",
    "File",
    "FileVersion",
    "ForgeAnswer",
    "LoginFlow",
    "Merge",
    "Mode",
    "Move",
    "NewCommit",
    "NewPullRequest",
    "Proposal",
    "PullRequest",
    "Put",
    "RepositoryInfo",
    "Status",
    "TreeEntry",
    "User",
    "changed_by_path",
]


def _frozen_mapping(value: Mapping[Any, Any]) -> Mapping[Any, Any]:
    return MappingProxyType(dict(value))


def _aware(_: object, attribute: attrs.Attribute[Any], value: datetime | None) -> None:
    if value is not None and value.utcoffset() is None:
        raise ValueError(f"{attribute.name} is a naive datetime; times are aware and in UTC")


class Mode(enum.StrEnum):
    """What a path of a git tree is."""

    FILE = "100644"
    EXECUTABLE = "100755"
    SYMLINK = "120000"
    SUBMODULE = "160000"


class Status(enum.StrEnum):
    """Where an entry stands; the first three are the editorial workflow, in order."""

    DRAFT = "draft"
    PENDING_REVIEW = "pending_review"
    PENDING_PUBLISH = "pending_publish"
    PUBLISHED = "published"


# -- auth ---------------------------------------------------------------------------------------------


@attrs.frozen
class User:
    """A person as the forge knows them; "" where it does not say."""

    login: str
    name: str = ""
    email: str = ""


@attrs.frozen
class Access:
    """Who the credential belongs to and what it may do; None where the forge does not say."""

    user: User | None = None
    may_write: bool | None = None
    scopes: tuple[str, ...] = ()


@attrs.frozen
class Credential:
    """A secret and how it is sent; neither secret is ever shown."""

    secret: str = attrs.field(repr=False)
    scheme: str = "bearer"
    user: str = ""
    refresh_secret: str = attrs.field(default="", repr=False)
    expires_at: datetime | None = attrs.field(default=None, validator=_aware)


@attrs.frozen
class LoginFlow:
    """One way to get a credential, as data: the core runs it, *settings* are its addresses and ids."""

    kind: str
    settings: Mapping[str, str] = attrs.field(factory=dict, converter=_frozen_mapping)


@attrs.frozen
class ForgeAnswer:
    """An answer of a forge that led to an error; *request_id* is "" where it gave none, *url* has no query."""

    status: int
    request_id: str
    url: str


# -- files --------------------------------------------------------------------------------------------


@attrs.frozen
class FileVersion:
    """What a file was when it was read: keep it, and pass it back with the change.

    Opaque to host apps; :meth:`to_json` and :meth:`from_json` carry it through a form. A forge fills *blob_sha*;
    where it names no blobs (Bitbucket), *last_commit_sha* is a commit as of which the file was so.
    """

    blob_sha: str | None
    mode: Mode = Mode.FILE
    last_commit_sha: str | None = None

    def same_as(self, other: FileVersion | None) -> bool:
        """Tell whether *other* is the same bytes with the same mode, as far as both are known."""
        if other is None or self.mode != other.mode:
            return False
        if self.blob_sha and other.blob_sha:
            return self.blob_sha == other.blob_sha
        return bool(self.last_commit_sha) and self.last_commit_sha == other.last_commit_sha

    def to_json(self) -> dict[str, str | None]:
        """Give the version as plain JSON data."""
        return {"blob_sha": self.blob_sha, "mode": self.mode.value, "last_commit_sha": self.last_commit_sha}

    @classmethod
    def from_json(cls, data: Mapping[str, str | None]) -> FileVersion:
        """Make the version that :meth:`to_json` gave."""
        return cls(data["blob_sha"], Mode(str(data["mode"])), data["last_commit_sha"])


@attrs.frozen
class TreeEntry:
    """A path of a tree: a file, an executable, a symlink or a submodule; size in bytes where known."""

    path: str
    size: int | None
    version: FileVersion


@attrs.frozen
class File:
    """A path with its bytes; those of a symlink are the path it points at."""

    path: str
    content: bytes = attrs.field(repr=lambda content: f"<{len(content)} bytes>")
    version: FileVersion


@attrs.frozen
class Put:
    """Write *content*; *replaces* is the version it replaces, None: the path must not exist.

    A replaced file keeps its mode; *mode* is that of a new one.
    """

    path: str
    content: bytes = attrs.field(repr=lambda content: f"<{len(content)} bytes>")
    replaces: FileVersion | None = None
    mode: Mode = Mode.FILE

    @property
    def written_mode(self) -> Mode:
        """The mode that the file has then."""
        return self.replaces.mode if self.replaces else self.mode


@attrs.frozen
class Delete:
    """Remove the file that is *replaces*."""

    path: str
    replaces: FileVersion


@attrs.frozen
class Move:
    """Rename the file that is *replaces*, and edit it unless *content* is None; *to* must not exist."""

    path: str
    to: str
    replaces: FileVersion
    content: bytes | None = attrs.field(
        default=None, repr=lambda content: "None" if content is None else f"<{len(content)} bytes>"
    )


Change = Put | Delete | Move


def _as_tuple(changes: Iterable[Change]) -> tuple[Change, ...]:
    return tuple(changes)


@attrs.frozen
class NewCommit:
    """A commit to be made: all changes or none, on a branch that is at *parent_commit_sha*.

    With *creates_branch* the branch must not exist and starts at the parent.
    """

    branch: str
    parent_commit_sha: str
    changes: tuple[Change, ...] = attrs.field(converter=_as_tuple)
    message: str
    author: User | None = None
    creates_branch: bool = False


@attrs.frozen
class Commit:
    """A commit; *versions* is what the files that were just written now are, empty for one that was read."""

    commit_sha: str
    parent_commit_shas: tuple[str, ...]
    author: User
    date: datetime = attrs.field(validator=_aware)
    message: str
    versions: Mapping[str, FileVersion] = attrs.field(factory=dict, converter=_frozen_mapping)


@attrs.frozen
class Branch:
    """A branch and the commit at its head."""

    name: str
    commit_sha: str


@attrs.frozen
class ChangedFile:
    """One file of a comparison; *version* is None where it was deleted, or not told by a listing.

    *kind* is `added`, `modified`, `deleted` or `renamed`; only the last has a *previous_path*. A listing of a
    forge that does not tell these apart says `written` (it is there, whatever was there before) or `changed` (it
    may be gone, or be one name of two).
    """

    path: str
    kind: str
    version: FileVersion | None
    previous_path: str | None = None


def changed_by_path(files: Iterable[ChangedFile]) -> dict[str, ChangedFile]:
    """Give every path that files concern; the old name of a rename counts as deleted."""
    listed = tuple(files)
    gone = (file.previous_path for file in listed if file.previous_path is not None)
    changed = {path: ChangedFile(path, "deleted", None) for path in gone}
    return {**changed, **{file.path: file for file in listed}}


@attrs.frozen
class Comparison:
    """What the head changed since the merge base, complete."""

    merge_base_commit_sha: str
    files: tuple[ChangedFile, ...]

    @property
    def by_path(self) -> dict[str, ChangedFile]:
        """Every path concerned; the old name of a rename counts as deleted."""
        return changed_by_path(self.files)

    @property
    def paths(self) -> frozenset[str]:
        """Every path concerned, both names of a rename."""
        return frozenset(self.by_path)


@attrs.frozen
class RepositoryInfo:
    """A repository as the forge describes it; None where it does not say."""

    name: str
    default_branch: str
    may_write: bool | None = None
    web_url: str | None = None
    clone_url: str | None = None
    lfs_url: str | None = None


# -- pull requests ------------------------------------------------------------------------------------


@attrs.frozen
class NewPullRequest:
    """A pull request to be opened from branch *head* into branch *base*."""

    title: str
    body: str
    head: str
    base: str
    labels: tuple[str, ...] = ()
    delete_branch: bool = True
    squash: bool = False
    author: User | None = None


@attrs.frozen
class PullRequest:
    """A pull request (GitLab: merge request), identified by *number*.

    *state* is `open`, `closed` or `merged`. *changed_files* is None where the listing does not give them.
    *base_commit_sha* is the head of the base when it was read, None where the forge does not tell. *problem* says,
    in one sentence, why it could not be read in full; "" where all is well.
    """

    number: int
    node_id: str
    title: str
    state: str
    head: str
    head_commit_sha: str
    base: str
    labels: tuple[str, ...]
    author: User | None
    updated_at: datetime | None = attrs.field(validator=_aware)
    url: str | None = None
    from_fork: bool = False
    changed_files: tuple[ChangedFile, ...] | None = None
    problem: str = ""
    base_commit_sha: str | None = None


@attrs.frozen
class Proposal:
    """A commit on a branch of its own and the pull request that offers it."""

    commit: Commit
    pull_request: PullRequest


@attrs.frozen
class Merge:
    """The outcome of a merge; *commit_sha* is None where the forge does not tell it, also when asked again."""

    commit_sha: str | None
    branch_deleted: bool


@attrs.frozen
class Check:
    """A status, check run or deployment of a commit; *state* is `success`, `failure` or `pending`."""

    name: str
    state: str
    url: str | None = None
