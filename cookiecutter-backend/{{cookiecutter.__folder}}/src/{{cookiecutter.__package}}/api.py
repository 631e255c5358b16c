"""The API of {{ cookiecutter.service }}: it builds requests and reads answers.

Nothing here sends anything. A reader needs no checks of keys and types: what it stumbles over becomes a
ProtocolError that names this backend.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from copydesk import refusals
from copydesk.changes import written_versions
from copydesk.errors import CopydeskError
from copydesk.http import Answer, Dialect, Request, quoted, quoted_path
from copydesk.models import (
    Access,
    Branch,
    Change,
    ChangedFile,
    Commit,
    Comparison,
    File,
    FileVersion,
    Mode,
    Move,
    NewCommit,
    NewPullRequest,
    PullRequest,
    Put,
    RepositoryInfo,
    TreeEntry,
    User,
)

#: The name is that in COPYDESK_…_TOKEN; *workers* is how many requests at once the service bears.
DIALECT: Final = Dialect(name="{{ cookiecutter.name | replace('-', '_') }}", workers=4)


def repo_path(repo: str) -> str:
    """Give where a repository is below the root of the API."""
    return f"repos/{quoted_path(repo)}"


def items_of(answer: Answer) -> Iterator[Mapping[str, Any]]:
    """Read one page of a listing; the address of the next one stands beside it, under ``next``."""
    yield from answer.json_object()["items"]


def reason_of(answer: Answer) -> str:
    """Read why something was refused, in one word; "" where it is not said."""
    return str(answer.json_object().get("reason", ""))


# -- who and where ------------------------------------------------------------------------------------


def ask_user() -> Request:
    """Ask whose credential this is."""
    return Request("GET", "user")


def read_access(answer: Answer) -> Access:
    """Read who that is, and what the credential may do."""
    data = answer.json_object()
    return Access(read_user(data), data["may_write"])


def read_user(data: Mapping[str, Any]) -> User:
    """Read somebody."""
    return User(data["login"], data["name"], data.get("email", ""))


def read_repository(answer: Answer) -> RepositoryInfo:
    """Read what a repository is."""
    data = answer.json_object()
    return RepositoryInfo(data["name"], data["default_branch"], data["may_write"], web_url=data["url"])


# -- branches -----------------------------------------------------------------------------------------


def ask_branches(repo: str, prefix: str) -> Request:
    """Ask for the branches whose names begin with *prefix*."""
    return Request("GET", f"{repo_path(repo)}/branches", {"prefix": prefix})


def ask_branch(repo: str, name: str) -> Request:
    """Ask for one branch."""
    return Request("GET", f"{repo_path(repo)}/branches/{quoted_path(name)}")


def ask_delete_branch(repo: str, name: str, head_commit_sha: str) -> Request:
    """Delete a branch if it is at that commit; safe to send again, for then it is gone."""
    where = f"{repo_path(repo)}/branches/{quoted_path(name)}"
    return Request("DELETE", where, {"commit": head_commit_sha}, safe=True)


def read_branch(data: Mapping[str, Any]) -> Branch:
    """Read a branch."""
    return Branch(data["name"], data["commit"])


# -- files --------------------------------------------------------------------------------------------


def ask_tree(repo: str, commit_sha: str, folder: str) -> Request:
    """Ask for all files below a folder, at any depth."""
    return Request("GET", f"{repo_path(repo)}/trees/{quoted(commit_sha)}", {"folder": folder})


def read_entry(data: Mapping[str, Any]) -> TreeEntry:
    """Read one file of a tree."""
    return TreeEntry(data["path"], data["size"], read_version(data))


def read_version(data: Mapping[str, Any]) -> FileVersion:
    """Read what identifies the bytes of a file."""
    return FileVersion(data["blob"], Mode(data["mode"]))


def ask_file(repo: str, commit_sha: str, path: str) -> Request:
    """Ask for one file as of a commit."""
    return Request("GET", f"{repo_path(repo)}/files/{quoted(commit_sha)}/{quoted_path(path)}")


def read_file(answer: Answer, path: str) -> File:
    """Read a file."""
    data = answer.json_object()
    return File(path, base64.b64decode(data["content"], validate=True), read_version(data))


# -- commits ------------------------------------------------------------------------------------------


def ask_commits(repo: str, commit_sha: str, path: str) -> Request:
    """Ask for what led to a commit and changed *path*, "" for all."""
    return Request("GET", f"{repo_path(repo)}/commits/{quoted(commit_sha)}", {"path": path})


def read_commit(data: Mapping[str, Any]) -> Commit:
    """Read a commit."""
    return Commit(
        commit_sha=data["sha"],
        parent_commit_shas=tuple(data["parents"]),
        author=read_user(data["author"]),
        date=read_date(data["date"]),
        message=data["message"],
    )


def read_date(text: str) -> datetime:
    """Read a time, which is given with an offset."""
    return datetime.fromisoformat(text).astimezone(UTC)


def ask_comparison(repo: str, base_commit_sha: str, head_commit_sha: str) -> Request:
    """Ask what the head changed since it left the base."""
    return Request("GET", f"{repo_path(repo)}/compare/{quoted(base_commit_sha)}/{quoted(head_commit_sha)}")


def read_comparison(answer: Answer) -> Comparison:
    """Read what was changed; renames are told as a deletion and an addition."""
    data = answer.json_object()
    return Comparison(data["merge_base"], tuple(map(read_changed_file, data["files"])))


def read_changed_file(data: Mapping[str, Any]) -> ChangedFile:
    """Read one file of a comparison."""
    kind = data["kind"]
    return ChangedFile(data["path"], kind, None if kind == "deleted" else read_version(data))


def ask_commit(repo: str, commit: NewCommit) -> Request:
    """Make a commit, if the branch is at its parent."""
    author = commit.author and {
        "login": commit.author.login,
        "name": commit.author.name,
        "email": commit.author.email,
    }
    body = {
        "branch": commit.branch,
        "creates_branch": commit.creates_branch,
        "parent": commit.parent_commit_sha,
        "message": commit.message,
        "author": author,
        "changes": [write_change(change) for change in commit.changes],
    }
    return Request("POST", f"{repo_path(repo)}/commits", json=body)


def write_change(change: Change) -> dict[str, str]:
    """Write one change as the API wants it."""
    if isinstance(change, Put):
        content = base64.b64encode(change.content).decode()
        return {"do": "put", "path": change.path, "content": content, "mode": change.written_mode.value}
    if isinstance(change, Move):
        moved = {"do": "move", "path": change.path, "to": change.to}
        if change.content is None:
            return moved
        return moved | {"content": base64.b64encode(change.content).decode()}
    return {"do": "delete", "path": change.path}


def read_made_commit(answer: Answer, commit: NewCommit) -> Commit:
    """Read the commit that was made, with the versions of what it wrote."""
    data = answer.json_object()
    return Commit(
        commit_sha=data["sha"],
        parent_commit_shas=tuple(data["parents"]),
        author=read_user(data["author"]),
        date=read_date(data["date"]),
        message=data["message"],
        versions=written_versions(commit),
    )


def commit_error(answer: Answer, repo: str, commit: NewCommit) -> CopydeskError:
    """Say why a commit was not made."""
    name = DIALECT.name
    if answer.status == 404:
        if reason_of(answer) == "branch":
            return refusals.absent_branch(name, commit.branch, answer.json_object()["default_branch"])
        return refusals.absent_commit(name, repo, commit.parent_commit_sha)
    if reason_of(answer) == "exists":
        return refusals.existing_branch(commit.branch)
    return refusals.moved_branch(commit.branch, DIALECT.sentence(answer))


# -- pull requests ------------------------------------------------------------------------------------


def ask_create_pull_request(repo: str, pull: NewPullRequest) -> Request:
    """Open a pull request with its labels."""
    body = {
        "title": pull.title,
        "body": pull.body,
        "head": pull.head,
        "base": pull.base,
        "labels": list(pull.labels),
    }
    return Request("POST", f"{repo_path(repo)}/pulls", json=body)


def ask_pull_requests(repo: str, state: str, base: str, head: str) -> Request:
    """Ask for pull requests; "" as *base* or *head* is any."""
    return Request("GET", f"{repo_path(repo)}/pulls", {"state": state, "base": base, "head": head})


def read_pull_request(data: Mapping[str, Any]) -> PullRequest:
    """Read a pull request."""
    return PullRequest(
        number=data["number"],
        node_id="",
        title=data["title"],
        state=data["state"],
        head=data["head"],
        head_commit_sha=data["head_commit"],
        base=data["base"],
        labels=tuple(data["labels"]),
        author=read_user(data["author"]),
        updated_at=read_date(data["updated"]),
        url=data["url"],
    )
