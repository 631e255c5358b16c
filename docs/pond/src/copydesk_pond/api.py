"""What Pond is asked, and what its answers mean: pure functions."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from copydesk.changes import written_versions
from copydesk.http import Dialect, Request, quoted
from copydesk.models import (
    Branch,
    Change,
    ChangedFile,
    Commit,
    Comparison,
    Delete,
    FileVersion,
    Mode,
    Move,
    NewCommit,
    NewPullRequest,
    PullRequest,
    Put,
    TreeEntry,
    User,
)

DIALECT = Dialect(name="pond", request_id_header="X-Request-Id", workers=4)


def path(repo: str, *segments: str) -> str:
    """Give a path below the root; a slash within a segment is encoded."""
    return "/".join(["repos", *map(quoted, [*repo.split("/"), *segments])])


def read_branch(item: Mapping[str, Any]) -> Branch:
    """Read a branch."""
    return Branch(item["name"], item["commit"])


def read_entry(item: Mapping[str, Any]) -> TreeEntry:
    """Read a file of a tree."""
    return TreeEntry(item["path"], item["size"], read_version(item))


def read_version(item: Mapping[str, Any]) -> FileVersion:
    """Read what a file is: its bytes by their sha, and its mode."""
    return FileVersion(item["blob"], Mode(item["mode"]))


def read_comparison(data: Mapping[str, Any]) -> Comparison:
    """Read a comparison."""
    return Comparison(data["merge_base"], tuple(map(read_changed_file, data["files"])))


def read_changed_file(item: Mapping[str, Any]) -> ChangedFile:
    """Read one file of a comparison; Pond finds no renames."""
    version = None if item["kind"] == "deleted" else read_version(item)
    return ChangedFile(item["path"], item["kind"], version)


def ask_commit(repo: str, commit: NewCommit) -> Request:
    """Ask for a commit; Pond refuses it where the branch is not at *parent*, or is there and should not be."""
    body = {
        "branch": commit.branch,
        "parent": commit.parent_commit_sha,
        "creates_branch": commit.creates_branch,
        "message": commit.message,
        "author": None
        if commit.author is None
        else {"name": commit.author.name, "email": commit.author.email},
        "files": [item for change in commit.changes for item in _files(change)],
    }
    return Request("POST", path(repo, "commits"), json=body)


def _files(change: Change) -> Iterable[Mapping[str, Any]]:
    if isinstance(change, Put):
        yield {"path": change.path, "mode": change.written_mode, "base64": _text(change.content)}
    if isinstance(change, Delete | Move):
        yield {"path": change.path, "mode": None}
    if isinstance(change, Move):
        moved = {"path": change.to, "mode": change.replaces.mode}
        new = change.content
        yield moved | ({"blob": change.replaces.blob_sha} if new is None else {"base64": _text(new)})


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


def read_commit(data: Mapping[str, Any], made: NewCommit | None = None) -> Commit:
    """Read a commit, with its parents as Pond tells them; of the one that was *made*, what its files are now."""
    return Commit(
        commit_sha=data["sha"],
        parent_commit_shas=tuple(data["parents"]),
        author=User(data["author"]["login"], data["author"]["name"], data["author"]["email"]),
        date=read_time(data["date"]),
        message=data["message"],
        versions={} if made is None else written_versions(made),
    )


def read_time(text: str) -> datetime:
    """Read a time, as aware UTC."""
    return datetime.fromisoformat(text).astimezone(UTC)


def ask_pull_request(repo: str, new: NewPullRequest) -> Request:
    """Ask for a pull request with its labels; a second one of the same branches is refused."""
    body = {"title": new.title, "body": new.body, "head": new.head, "base": new.base, "labels": new.labels}
    return Request("POST", path(repo, "pulls"), json=body)


def read_pull_request(data: Mapping[str, Any]) -> PullRequest:
    """Read a pull request."""
    return PullRequest(
        number=data["number"],
        node_id=str(data["number"]),
        title=data["title"],
        state=data["state"],
        head=data["head"],
        head_commit_sha=data["head_commit"],
        base=data["base"],
        labels=tuple(data["labels"]),
        author=User(data["author"]["login"], data["author"]["name"]),
        updated_at=read_time(data["updated"]),
    )
