"""Turning pygit2's values into copydesk's, and back: pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

import pygit2
from copydesk.models import ChangedFile, Commit, Comparison, FileVersion, User

from copydesk_local.trees import mode_of

__all__ = ["read_commit", "read_comparison", "read_user"]

_KINDS: Final = {"A": "added", "M": "modified", "T": "modified", "D": "deleted", "R": "renamed"}


def read_user(signature: pygit2.Signature) -> User:
    """Read an author."""
    return User(login=signature.name, name=signature.name, email=signature.email)


def read_commit(commit: pygit2.Commit, versions: Mapping[str, FileVersion] | None = None) -> Commit:
    """Read a commit; *versions* are those of the files it has just written."""
    return Commit(
        commit_sha=str(commit.id),
        parent_commit_shas=tuple(str(parent) for parent in commit.parent_ids),
        author=read_user(commit.author),
        date=datetime.fromtimestamp(commit.commit_time, UTC),
        message=commit.message.rstrip("\n"),
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
