"""Checking a commit before it is sent, and carrying it over to a head that moved."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

import attrs

from copydesk.blobs import blob_sha
from copydesk.errors import ConflictError, InvalidInputError, InvalidPathError
from copydesk.models import (
    Change,
    ChangedFile,
    Comparison,
    FileVersion,
    Mode,
    Move,
    NewCommit,
    Put,
    TreeEntry,
)
from copydesk.paths import check_branch, check_path

if TYPE_CHECKING:
    from copydesk.snapshot import Tree

__all__ = [
    "carry_over",
    "check_commit",
    "check_commit_sha",
    "check_versions",
    "compare_trees",
    "overwritten_versions",
    "touched_paths",
    "written_versions",
]

# sha-1, or sha-256 in repositories of that format
_SHA: Final = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")


def touched_paths(changes: Iterable[Change]) -> frozenset[str]:
    """Give every path that the changes write or remove."""
    return frozenset(path for change in changes for path in _paths(change))


def written_versions(commit: NewCommit) -> dict[str, FileVersion]:
    """Give what the files of a commit are once it is made."""
    versions = {}
    for change in commit.changes:
        if isinstance(change, Put):
            mode = change.written_mode
            versions[change.path] = FileVersion(blob_sha(change.content), mode)
        elif isinstance(change, Move):
            sha = change.replaces.blob_sha if change.content is None else blob_sha(change.content)
            versions[change.to] = FileVersion(sha, change.replaces.mode)
    return versions


def carry_over(commit: NewCommit, head: str, comparison: Comparison) -> NewCommit:
    """Give the same commit on the branch's new head, if nobody touched its paths since its parent.

    :param comparison: what *head* changed since the parent.
    :raises ConflictError: somebody touched them, or the head does not descend from the parent.
    """
    if comparison.merge_base_commit_sha != commit.parent_commit_sha:
        raise ConflictError(
            f"branch {commit.branch!r} was rewritten: its head {head[:12]} does not descend from "
            f"{commit.parent_commit_sha[:12]}; read it again and redo the edit",
            branch=commit.branch,
            head_commit_sha=head,
        )
    changed = comparison.by_path
    theirs = sorted(changed.keys() & touched_paths(commit.changes))
    if theirs:
        raise ConflictError(
            f"somebody else changed {', '.join(map(repr, theirs))} on branch {commit.branch!r} meanwhile; "
            "read the new version, merge your edit into it and save again",
            branch=commit.branch,
            paths=theirs,
            versions={path: changed[path].version for path in theirs},
            head_commit_sha=head,
        )
    return attrs.evolve(commit, parent_commit_sha=head)


def overwritten_versions(commit: NewCommit, comparison: Comparison) -> dict[str, FileVersion]:
    """Give what a commit replaced without having seen it, by path.

    :param comparison: what the parent that it got changed since the one that it was made for.
    """
    there = comparison.by_path
    lost = {}
    for change in commit.changes:
        now = there[change.path].version if change.path in there else None
        if change.replaces is not None and now is not None and not now.same_as(change.replaces):
            lost[change.path] = now
    return lost


def check_versions(commit: NewCommit, tree: Tree) -> None:
    """Refuse a commit whose changes do not fit the tree of its parent.

    For a forge that guards the branch and not the single file.

    :raises ConflictError: a file is not the version that a change replaces, or is in the way of a new one.
    """
    wrong: dict[str, FileVersion | None] = {}
    words = []
    for change in commit.changes:
        now = tree.find(change.path)
        version = None if now is None else now.version
        replaces = change.replaces
        if replaces is None and version is not None:
            words.append(f"{change.path!r} exists already")
        elif replaces is not None and version is None:
            words.append(f"{change.path!r} is gone")
        elif replaces is not None and not tree.has(change.path, replaces):
            words.append(f"{change.path!r} was changed since it was read")
        else:
            continue
        wrong[change.path] = version
    for path in sorted(_new_paths(commit.changes)):
        there = tree.find(path)
        if there is not None and path not in wrong:
            words.append(f"{path!r} exists already")
            wrong[path] = there.version
    blocked = {} if wrong else _blocked(commit, tree)
    words += [f"{path!r} cannot be beside {other!r}" for path, other in blocked.items()]
    if words:
        raise ConflictError(
            f"the change does not fit branch {commit.branch!r}: {', '.join(words)}; "
            "read what is there now, merge your edit into it and save again",
            branch=commit.branch,
            paths=sorted({*wrong, *blocked.values()}),
            versions={**wrong, **tree.versions(frozenset(blocked.values()))},
            head_commit_sha=commit.parent_commit_sha,
        )


def _new_paths(changes: Iterable[Change]) -> set[str]:
    """Give the paths that must not exist yet, where the loop over the changes does not look."""
    return {change.to for change in changes if isinstance(change, Move)}


def _blocked(commit: NewCommit, tree: Tree) -> dict[str, str]:
    """Give new paths that need a folder where a file is, or are a folder now; each with what is in the way."""
    removed = {change.path for change in commit.changes if not isinstance(change, Put)}
    new = {change.path for change in commit.changes if isinstance(change, Put) and change.replaces is None}
    blocked = {}
    for path in sorted(new | _new_paths(commit.changes)):
        above = path.split("/")[:-1]
        folders = ("/".join(above[:depth]) for depth in range(1, len(above) + 1))
        files = [folder for folder in folders if folder not in removed and tree.find(folder) is not None]
        inside = [entry.path for entry in tree.below(path) if entry.path not in removed]
        if files or inside:
            blocked[path] = (files or inside)[0]
    return blocked


def compare_trees(base: Iterable[TreeEntry], head: Iterable[TreeEntry]) -> tuple[ChangedFile, ...]:
    """Tell what differs between two trees; a rename is a deletion and an addition."""
    before = {entry.path: entry.version for entry in base}
    after = {entry.path: entry.version for entry in head}
    files = [ChangedFile(path, "deleted", None) for path in before.keys() - after.keys()]
    files += [ChangedFile(path, "added", after[path]) for path in after.keys() - before.keys()]
    files += [
        ChangedFile(path, "modified", after[path])
        for path in after.keys() & before.keys()
        if not after[path].same_as(before[path])
    ]
    return tuple(sorted(files, key=lambda file: file.path))


def check_commit_sha(commit_sha: str) -> str:
    """Return *commit_sha* if it is a full sha.

    :raises InvalidInputError: it is abbreviated, or the name of a branch.
    """
    if not _SHA.fullmatch(commit_sha):
        raise InvalidInputError(
            f"{commit_sha!r} is no full commit sha; ask get_branch for the one of a branch"
        )
    return commit_sha


def check_commit(commit: NewCommit) -> None:
    """Refuse a commit that no forge could make.

    :raises InvalidPathError: a path is impossible, occurs twice, or is the folder of another.
    :raises InvalidSlugError: the branch is impossible.
    :raises InvalidInputError: no changes, no message, content that is not bytes, a submodule.
    """
    check_branch(commit.branch)
    check_commit_sha(commit.parent_commit_sha)
    if not commit.changes:
        raise InvalidInputError(f"the commit for branch {commit.branch!r} has no changes; nothing was done")
    if not commit.message.strip():
        raise InvalidInputError(f"the commit for branch {commit.branch!r} has no message; write one")
    if "\0" in commit.message:
        raise InvalidInputError("the commit message holds a NUL, which git cannot keep; remove it")
    for change in commit.changes:
        _check_change(change)
    _check_distinct([path for change in commit.changes for path in _paths(change)])
    _check_folders({change.to if isinstance(change, Move) else change.path for change in commit.changes
                    if isinstance(change, Put | Move)})  # fmt: skip


def _paths(change: Change) -> tuple[str, ...]:
    return (change.path, change.to) if isinstance(change, Move) else (change.path,)


def _check_change(change: Change) -> None:
    for path in _paths(change):
        check_path(path)
    # A caller without a type checker passes text, and text has no bytes until somebody knows the encoding.
    content: object = getattr(change, "content", None)
    if not (isinstance(content, bytes) or (content is None and not isinstance(change, Put))):
        raise InvalidInputError(
            f"the content of {change.path!r} is {type(content).__name__}, not bytes; encode it first"
        )
    mode = change.mode if isinstance(change, Put) else change.replaces.mode
    if mode is Mode.SUBMODULE or (
        isinstance(change, Put) and change.replaces is not None and change.replaces.mode is Mode.SUBMODULE
    ):
        raise InvalidInputError(f"{change.path!r} is a submodule, which copydesk does not write")


def _check_distinct(paths: list[str]) -> None:
    seen: set[str] = set()
    for path in paths:
        if path in seen:
            raise InvalidPathError(
                f"the path {path!r} is changed twice in one commit; put both into one change", path=path
            )
        seen.add(path)


def _check_folders(written: set[str]) -> None:
    for path in written:
        above = path.split("/")[:-1]
        for depth in range(1, len(above) + 1):
            folder = "/".join(above[:depth])
            if folder in written:
                raise InvalidPathError(
                    f"one commit writes both {folder!r} and {path!r}: a path is a file or a folder",
                    path=path,
                )
