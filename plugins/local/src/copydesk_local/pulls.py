"""Pull requests of a repository on disk, kept in it as git objects.

``refs/copydesk/pulls/<number>`` points at a commit whose tree holds ``pull.json`` and whose parents are
the record before it, the head and the base, so that none is lost to ``git gc``.
``docs/local.md`` documents the format.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import attrs
import pygit2
from copydesk.changes import check_commit_sha
from copydesk.errors import InvalidInputError, ProtocolError
from copydesk.models import PullRequest, User

from copydesk_local.trees import find

__all__ = ["PULLS", "PullRecord", "Pulls"]

PULLS: Final = "refs/copydesk/pulls/"
VERSION: Final = 1
_FILE: Final = "pull.json"
_NUMBER: Final = re.compile(r"[1-9][0-9]*", re.ASCII)
_STATES: Final = ("open", "closed", "merged")


@attrs.frozen
class PullRecord:
    """What ``pull.json`` says, and the sha of the commit that holds it ("" before it is written)."""

    number: int
    title: str
    body: str
    state: str
    head: str
    head_commit_sha: str
    base: str
    base_commit_sha: str
    labels: tuple[str, ...]
    author: User | None
    created_at: datetime
    updated_at: datetime
    merge_commit_sha: str | None = None
    sha: str = ""

    def to_json(self) -> bytes:
        """Write it as the content of ``pull.json``."""
        author = self.author and {"name": self.author.name or self.author.login, "email": self.author.email}
        data = {
            "version": VERSION,
            "title": self.title,
            "body": self.body,
            "state": self.state,
            "head": self.head,
            "head_commit_sha": self.head_commit_sha,
            "base": self.base,
            "base_commit_sha": self.base_commit_sha,
            "labels": list(self.labels),
            "author": author,
            "created_at": self.created_at.isoformat(),
            "updated_at": self.updated_at.isoformat(),
            "merge_commit_sha": self.merge_commit_sha,
        }
        return json.dumps(data, indent=2, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n"

    @classmethod
    def from_json(cls, number: int, sha: str, content: bytes) -> PullRecord:
        """Read it from the content of ``pull.json``.

        :raises ProtocolError: it is not what :meth:`to_json` writes, or of a later version.
        """
        try:
            data: Mapping[str, Any] = json.loads(content)
            if data["version"] != VERSION:
                raise ProtocolError(
                    f"pull request #{number} has format version {data['version']!r}, this copydesk-local "
                    f"reads {VERSION}; try: pip install --upgrade copydesk-local"
                )
            return cls(
                number=number,
                title=_text(data["title"]),
                body=_text(data["body"]),
                state=_STATES[_STATES.index(data["state"])],
                head=_text(data["head"]),
                head_commit_sha=check_commit_sha(_text(data["head_commit_sha"])),
                base=_text(data["base"]),
                base_commit_sha=check_commit_sha(_text(data["base_commit_sha"])),
                labels=tuple(_text(label) for label in _list(data["labels"])),
                author=_author(data["author"]),
                created_at=datetime.fromisoformat(data["created_at"]).astimezone(UTC),
                updated_at=datetime.fromisoformat(data["updated_at"]).astimezone(UTC),
                merge_commit_sha=data["merge_commit_sha"],
                sha=sha,
            )
        except (ValueError, KeyError, TypeError, InvalidInputError) as exc:
            raise ProtocolError(
                f"pull request #{number} cannot be read: {_FILE} at {PULLS}{number} is damaged "
                f"({type(exc).__name__}: {exc})"
            ) from exc


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _list(value: object) -> list[object]:
    if not isinstance(value, list):
        raise TypeError(f"{value!r} is no list")
    return value


def _author(value: Any) -> User | None:
    return value and User(_text(value["name"]), _text(value["name"]), _text(value["email"]))


@attrs.frozen
class Pulls:
    """Reads and writes the records of one repository. Writing wants the store's lock held."""

    git: pygit2.Repository

    def numbers(self) -> tuple[int, ...]:
        """List the numbers there are, newest first."""
        names = (name.removeprefix(PULLS) for name in self.git.references if name.startswith(PULLS))
        return tuple(sorted((int(name) for name in names if _NUMBER.fullmatch(name)), reverse=True))

    def read(self, number: int) -> PullRecord:
        """Read one record.

        :raises ProtocolError: it is damaged.
        :raises KeyError: there is none.
        """
        target: object = self.git.get(self.git.references[f"{PULLS}{number}"].resolve().target)
        blob = find(target.tree, _FILE) if isinstance(target, pygit2.Commit) else None
        if not isinstance(target, pygit2.Commit) or not isinstance(blob, pygit2.Blob):
            raise ProtocolError(f"pull request #{number} cannot be read: {PULLS}{number} holds no {_FILE}")
        record = PullRecord.from_json(number, str(target.id), blob.data)
        if record.head_commit_sha not in self.git:
            raise ProtocolError(
                f"pull request #{number} cannot be read: its head {record.head_commit_sha[:12]} is not here"
            )
        return record

    def read_all(self) -> Iterator[tuple[int, PullRecord | ProtocolError]]:
        """Read all records, newest first; a damaged one is given as its error."""
        for number in self.numbers():
            try:
                yield number, self.read(number)
            except ProtocolError as exc:
                yield number, exc

    def write(self, record: PullRecord, signature: pygit2.Signature) -> str:
        """Write the commit of a record and give its sha; the ref is the caller's."""
        tree = self.git.TreeBuilder()
        tree.insert(_FILE, self.git.create_blob(record.to_json()), 0o100644)
        shas = dict.fromkeys((record.sha, record.head_commit_sha, record.base_commit_sha))
        kept = [pygit2.Oid(hex=sha) for sha in shas if sha]
        message = f"Pull request #{record.number} {record.state}: {', '.join(record.labels)}\n"
        return str(self.git.create_commit(None, signature, signature, message, tree.write(), kept))


def broken(number: int, problem: str) -> PullRequest:
    """Give what is known of a pull request whose record is damaged."""
    return PullRequest(
        number=number,
        node_id=f"{PULLS}{number}",
        title="",
        state="open",
        head="",
        head_commit_sha="",
        base="",
        labels=(),
        author=None,
        updated_at=None,
        problem=problem,
    )
