"""What forges do with git objects, on pygit2; nothing here knows about pull requests."""

from __future__ import annotations

import atexit
import functools
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import attrs
import pygit2
from pygit2.enums import DeltaStatus, DiffFlag, SortMode

__all__ = [
    "FileChange",
    "RefusedError",
    "changes",
    "edit_tree",
    "entry_at",
    "history",
    "listing",
    "merge_trees",
    "prepared",
    "resolve",
    "touches",
    "write_commit",
]

SHA: Final = re.compile(r"[0-9a-f]{40}")
_TREE: Final = 0o040000
_STATUS: Final = {
    DeltaStatus.ADDED: "added",
    DeltaStatus.DELETED: "removed",
    DeltaStatus.MODIFIED: "modified",
    DeltaStatus.RENAMED: "renamed",
    DeltaStatus.TYPECHANGE: "changed",
}


class RefusedError(Exception):
    """The forge does not do it; *reason* is a word that a simulator turns into its forge's message."""

    def __init__(self, reason: str, **facts: object) -> None:
        super().__init__(reason, facts)
        self.reason = reason
        self.facts = facts


@attrs.frozen
class FileChange:
    """How one file differs between two trees."""

    path: str
    old_path: str
    status: str
    blob_sha: str
    additions: int
    deletions: int
    patch: str | None
    #: What kind each side is, 0 where there is none.
    old_mode: int
    mode: int
    binary: bool


@functools.cache
def prepared(branch: str, files: tuple[tuple[str, bytes, int], ...]) -> Path:
    """Prepare a bare repository that has the objects of some files and no commit yet; to be copied."""
    folder = Path(tempfile.mkdtemp(prefix="simulators-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    git = pygit2.init_repository(folder, bare=True, initial_head=branch)
    shutil.rmtree(folder / "hooks")
    if files:
        edit_tree(git, None, {path: (mode, str(git.create_blob(content))) for path, content, mode in files})
        git.pack()
        for loose in (folder / "objects").glob("??"):
            shutil.rmtree(loose)
    git.free()
    return folder


def resolve(git: pygit2.Repository, revision: str) -> pygit2.Object | None:
    """Find what a sha, a branch, a tag or ``<revision>:<path>`` names."""
    revision, colon, path = revision.partition(":")
    found = _named(git, revision)
    if found is None or not colon:
        return found
    tree = found.peel(pygit2.Tree) if isinstance(found, pygit2.Commit | pygit2.Tag) else found
    return entry_at(tree, path) if isinstance(tree, pygit2.Tree) else None


def _named(git: pygit2.Repository, name: str) -> pygit2.Object | None:
    if SHA.fullmatch(name):
        return git.get(name)
    for prefix in ("", "refs/heads/", "refs/tags/", "refs/"):
        full = prefix + name
        if full.startswith("refs/") and full in git.references:
            return git.references[full].peel()
    return git.head.peel() if name == "HEAD" and not git.head_is_unborn else None


def entry_at(tree: pygit2.Tree, path: str) -> pygit2.Object | None:
    """Give what is at a path, the tree itself for none."""
    found: pygit2.Object = tree
    for name in filter(None, path.split("/")):
        if not isinstance(found, pygit2.Tree) or name not in found:
            return None
        found = found[name]
    return found


def listing(
    tree: pygit2.Tree, start: str = "", *, recursive: bool = True
) -> Iterator[tuple[str, pygit2.Object]]:
    """List a tree as git does: folders before what is in them."""
    for entry in tree:
        path = start + (entry.name or "")
        yield path, entry
        if recursive and isinstance(entry, pygit2.Tree):
            yield from listing(entry, f"{path}/")


def edit_tree(
    git: pygit2.Repository, base: pygit2.Tree | None, edits: Mapping[str, tuple[int, str] | None]
) -> pygit2.Oid:
    """Write a tree with some paths set to a mode and an object, and others, set to None, taken out.

    :raises RefusedError: ``absent`` when what is to be taken out is not there.
    """
    builder = git.TreeBuilder(base) if base is not None else git.TreeBuilder()
    below: dict[str, dict[str, tuple[int, str] | None]] = {}
    for path, edit in edits.items():
        name, _, rest = path.partition("/")
        if rest:
            below.setdefault(name, {})[rest] = edit
    for name, inner in below.items():
        old = base[name] if base is not None and name in base else None
        made = edit_tree(git, old if isinstance(old, pygit2.Tree) else None, inner)
        if len(git[made]):
            builder.insert(name, made, _TREE)
        elif old is not None:
            builder.remove(name)
    # After what is below: a file may take the place of a folder that went.
    for name, edit in ((path, edit) for path, edit in edits.items() if "/" not in path):
        if edit is not None:
            builder.insert(name, pygit2.Oid(hex=edit[1]), edit[0])
        elif base is None or name not in base:
            raise RefusedError("absent", path=name)
        elif name not in below:
            builder.remove(name)
    return builder.write()


def write_commit(
    git: pygit2.Repository,
    tree: pygit2.Oid | str,
    parents: list[str],
    message: str,
    author: pygit2.Signature,
    committer: pygit2.Signature | None = None,
) -> str:
    """Write a commit that no branch points to."""
    if isinstance(tree, str):
        tree = pygit2.Oid(hex=tree)
    oids = [pygit2.Oid(hex=each) for each in parents]
    return str(git.create_commit(None, author, committer or author, message, tree, oids))


def merge_trees(git: pygit2.Repository, ours: str, theirs: str) -> pygit2.Oid:
    """Merge two commits three-way.

    :raises RefusedError: ``conflicts``, with the paths.
    """
    index = git.merge_commits(pygit2.Oid(hex=ours), pygit2.Oid(hex=theirs))
    if index.conflicts is not None:
        sides = (side for conflict in index.conflicts for side in conflict if side is not None)
        raise RefusedError("conflicts", paths=tuple(sorted({side.path for side in sides})))
    return index.write_tree(git)


def changes(
    git: pygit2.Repository, old: pygit2.Tree, new: pygit2.Tree, *, patches: bool = True, renames: bool = True
) -> list[FileChange]:
    """Compare two trees, with renames unless they are not wanted."""
    diff = git.diff(old, new)
    if renames:
        diff.find_similar()
    return [_change(patch, patches=patches) for patch in diff if patch is not None]


def _change(patch: pygit2.Patch, *, patches: bool) -> FileChange:
    delta = patch.delta
    status = _STATUS.get(DeltaStatus(delta.status), "changed")
    side = delta.old_file if status == "removed" else delta.new_file
    _, additions, deletions = patch.line_stats
    binary = bool(delta.flags & DiffFlag.BINARY)
    text = None if binary or not patches else _hunks(patch)
    return FileChange(
        side.path, delta.old_file.path, status, str(side.id), additions, deletions, text,
        int(delta.old_file.mode), int(delta.new_file.mode), binary,
    )  # fmt: skip


def _hunks(patch: pygit2.Patch) -> str | None:
    """Give the hunks as forges do: without the lines that name the files."""
    data = patch.data.decode(errors="replace")
    start = data.find("\n@@")
    return data[start + 1 :].rstrip("\n") if start >= 0 else None


def history(git: pygit2.Repository, start: str, path: str = "") -> Iterator[pygit2.Commit]:
    """Walk back from a commit, over those that changed a path when one is given."""
    for commit in git.walk(pygit2.Oid(hex=start), SortMode.TOPOLOGICAL | SortMode.TIME):
        if not path or touches(commit, path):
            yield commit


def touches(commit: pygit2.Commit, path: str) -> bool:
    """Say whether a commit changed a path."""

    def at(each: pygit2.Commit) -> tuple[pygit2.Oid, int] | None:
        entry = entry_at(each.tree, path)
        return None if entry is None else (entry.id, int(entry.filemode or 0))

    here = at(commit)
    if not commit.parents:
        return here is not None
    return all(at(parent) != here for parent in commit.parents)
