"""Turning pygit2's values into copydesk's, and back: pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

import pygit2
from copydesk.models import ChangedFile, Commit, Comparison, FileVersion, User

from copydesk_local.trees import mode_of

__all__ = ["read_commit", "read_comparison", "read_date", "read_user"]

_KINDS: Final = {"A": "added", "M": "modified", "T": "modified", "D": "deleted", "R": "renamed"}


def _decoded(raw: bytes, encoding: str | None) -> str:
    """Decode what a commit holds; others write what they like, and it is told all the same."""
    try:
        return raw.decode(encoding or "utf-8", "replace")
    except LookupError:  # an encoding that nobody knows
        return raw.decode("utf-8", "replace")


def _date(seconds: int) -> datetime:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):  # after the year 9999
        return datetime.max.replace(tzinfo=UTC)


def read_user(signature: pygit2.Signature, encoding: str | None = None) -> User:
    """Read an author."""
    name = _decoded(signature.raw_name, encoding)
    return User(login=name, name=name, email=_decoded(signature.raw_email, encoding))


def read_date(commit: pygit2.Commit) -> datetime:
    """Read when a commit was made."""
    return _date(commit.commit_time)


def read_commit(commit: pygit2.Commit, versions: Mapping[str, FileVersion] | None = None) -> Commit:
    """Read a commit; *versions* are those of the files it has just written."""
    encoding = commit.message_encoding
    return Commit(
        commit_sha=str(commit.id),
        parent_commit_shas=tuple(str(parent) for parent in commit.parent_ids),
        author=read_user(commit.author, encoding),
        date=read_date(commit),
        message=_decoded(commit.raw_message, encoding).rstrip("\n"),
        versions=versions or {},
    )


def _path(file: pygit2.DiffFile) -> str:
    return file.raw_path.decode("utf-8", "surrogateescape")


def read_comparison(merge_base: pygit2.Oid, diff: pygit2.Diff) -> Comparison:
    """Read a difference whose renames are found."""
    return Comparison(str(merge_base), tuple(_changed(delta) for delta in diff.deltas))


def _changed(delta: pygit2.DiffDelta) -> ChangedFile:
    kind = _KINDS[delta.status_char()]
    old, new = delta.old_file, delta.new_file
    if kind == "deleted":
        return ChangedFile(_path(old), kind, None)
    version = FileVersion(str(new.id), mode_of(new.mode))
    return ChangedFile(_path(new), kind, version, _path(old) if kind == "renamed" else None)
