"""What publishing a draft would change, as a unified diff."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Any, Final

import attrs
import click

from copydesk.cli._show import printable
from copydesk.errors import NotFoundError
from copydesk.models import ChangedFile, Status
from copydesk.repository import Repository
from copydesk.workflow import Workflow

__all__ = ["FileChange", "draft_changes", "print_changes"]

_COLORS: Final = {"+": "green", "-": "red", "@": "cyan"}


@attrs.frozen
class FileChange:
    """One file before and after, each None where it is not there."""

    kind: str
    path: str
    previous_path: str
    before: bytes | None
    after: bytes | None

    def as_json(self) -> dict[str, Any]:
        """Give it as plain data."""
        previous = self.previous_path if self.previous_path != self.path else None
        return {"kind": self.kind, "path": self.path, "previous_path": previous, "diff": self.diff()}

    def diff(self) -> str:
        """Give the unified diff, as git writes it."""
        return "".join(f"{line}\n" for line in self._lines())

    def _lines(self) -> Iterator[str]:
        old = "/dev/null" if self.before is None else f"a/{self.previous_path}"
        new = "/dev/null" if self.after is None else f"b/{self.path}"
        if self.kind == "renamed":
            yield f"rename {self.previous_path} to {self.path}"
        before, after = _text(self.before), _text(self.after)
        if before is None or after is None:
            yield f"binary files {old} and {new} differ"
            return
        for line in difflib.unified_diff(before, after, old, new, lineterm=""):
            yield line if not line.endswith("\0") else f"{line[:-1]}\n\\ No newline at end of file"


def _text(content: bytes | None) -> list[str] | None:
    """Give the lines of a text, the last with a NUL at its end where it has no newline; None for no text."""
    if not content:
        return []
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return None
    if "\0" in text:
        return None
    lines = text.split("\n")
    last = lines.pop()
    return [*lines, f"{last}\0"] if last else lines


def draft_changes(workflow: Workflow, collection: str, slug: str) -> list[FileChange]:
    """Read what a draft changes since it left the base branch.

    :raises NotFoundError: it has no draft.
    """
    entry = workflow.get(collection, slug)
    if entry.status is Status.PUBLISHED:
        raise NotFoundError(
            f"{collection} {slug!r} has no draft; what is published is shown by `copydesk show`"
        )
    repository = workflow.repository
    base = repository.get_branch(repository.base_branch).commit_sha
    compared = repository.compare(base, entry.commit_sha)
    old = _contents(
        repository, compared.merge_base_commit_sha, [f.previous_path or f.path for f in compared.files]
    )
    new = _contents(repository, entry.commit_sha, [f.path for f in compared.files])
    return [_change(file, old, new) for file in compared.files]


def _contents(repository: Repository, commit_sha: str, paths: list[str]) -> dict[str, bytes]:
    there = [e for e in repository.list_files(commit_sha) if e.path in paths]
    return {file.path: file.content for file in repository.read_files(commit_sha, there)}


def _change(file: ChangedFile, old: dict[str, bytes], new: dict[str, bytes]) -> FileChange:
    previous = file.previous_path or file.path
    return FileChange(file.kind, file.path, previous, old.get(previous), new.get(file.path))


def print_changes(changes: list[FileChange]) -> None:
    """Print diffs, in colours where somebody looks."""
    for change in changes:
        for line in change.diff().splitlines():
            click.secho(printable(line), fg=_COLORS.get(line[:1]))
