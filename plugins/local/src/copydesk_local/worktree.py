"""Working copies: a branch that is checked out moves together with its files, or not at all.

The files are updated first and the ref moves last, with a note of both trees in the git directory in between:
whoever comes after an interruption puts the files back to where the branch still is, and nobody's own edits
are touched.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pygit2
from copydesk.errors import ConflictError, UnavailableError
from pygit2.enums import CheckoutStrategy, FileStatus

from copydesk_local.store import HEADS, Store
from copydesk_local.trees import find, tree_changes

__all__ = ["checkouts", "recover_all", "require_free", "updated"]

_NOTE: Final = "copydesk-update.json"
_EXACT: Final = CheckoutStrategy.FORCE | CheckoutStrategy.DISABLE_PATHSPEC_MATCH


def _working_copies(store: Store) -> Iterator[pygit2.Repository]:
    main = pygit2.Repository(str(store.common_dir))
    if not main.is_bare:
        yield main
    for name in main.list_worktrees():
        path = Path(main.lookup_worktree(name).path)
        if path.exists():  # otherwise its directory was deleted and `git worktree prune` not yet run
            yield pygit2.Repository(str(path))


def checkouts(store: Store, branch: str) -> tuple[pygit2.Repository, ...]:
    """Give a handle on every working copy that has the branch checked out."""
    return tuple(
        copy
        for copy in _working_copies(store)
        if copy.lookup_reference("HEAD").raw_target == (HEADS + branch).encode()
    )


def require_free(store: Store, branch: str) -> None:
    """Refuse to make or delete a branch that a working copy has checked out.

    :raises ConflictError: it names the working copy.
    """
    for copy in checkouts(store, branch):
        raise ConflictError(
            f"branch {branch!r} is checked out in {copy.workdir!r}; switch to another branch there first",
            branch=branch,
        )


@contextlib.contextmanager
def updated(store: Store, branch: str, old: str, new: str) -> Iterator[None]:
    """Update the files of every working copy of *branch* from *old* to *new*; the body moves the ref.

    If the body fails, the files are put back. Call it with the store's lock held.

    :raises ConflictError: a working copy has changes that are not committed, or a file in the way.
    """
    copies = checkouts(store, branch)
    for copy in copies:
        recover(copy)
        _require_clean(copy, branch)
    try:
        for copy in copies:
            _note(copy).write_text(json.dumps({"branch": branch, "old": old, "new": new}))
            _check_out(copy, branch, new)
        yield
    except BaseException:
        for copy in copies:
            recover(copy)
        raise
    for copy in copies:
        _note(copy).unlink(missing_ok=True)


def _note(copy: pygit2.Repository) -> Path:
    return Path(copy.path) / _NOTE


def _require_clean(copy: pygit2.Repository, branch: str) -> None:
    ignored = (FileStatus.CURRENT, FileStatus.IGNORED)
    dirty = sorted(path for path, flags in copy.status(untracked_files="no").items() if flags not in ignored)
    if dirty:
        named = ", ".join(map(repr, dirty[:5])) + (", …" if len(dirty) > 5 else "")
        raise ConflictError(
            f"the working copy {copy.workdir!r} has {branch!r} checked out and changes that are not "
            f"committed ({named}); nothing was written: commit or stash them, or check out another branch",
            branch=branch,
            paths=dirty,
        )


def _check_out(copy: pygit2.Repository, branch: str, commit_sha: str) -> None:
    try:
        # Refuses to touch what differs from HEAD, files that git does not track too.
        copy.checkout_tree(  # type: ignore[no-untyped-call]  # pygit2 has no types here
            copy[pygit2.Oid(hex=commit_sha)], strategy=CheckoutStrategy.SAFE
        )
    except pygit2.GitError as exc:
        if "conflict" not in str(exc):
            raise
        raise ConflictError(
            f"files in the working copy {copy.workdir!r}, which git does not track, are in the way of the "
            f"change to {branch!r} ({exc}); nothing was written: move them away and make the same call again",
            branch=branch,
        ) from exc


def recover(copy: pygit2.Repository) -> bool:
    """Finish or undo an update that was interrupted; False where there was none.

    :raises UnavailableError: files were edited since, and it is for a person to decide.
    """
    note = _note(copy)
    if not note.exists():
        return False
    # Only an update of ours holds the index while its note is there, and the store's lock is ours now.
    (Path(copy.path) / "index.lock").unlink(missing_ok=True)
    try:
        plan = json.loads(note.read_text())
        old, new = (copy[pygit2.Oid(hex=plan[key])].peel(pygit2.Tree) for key in ("old", "new"))
    except (ValueError, KeyError):
        note.unlink()  # interrupted while it was written: no file had been touched
        return False
    head = copy.head.peel(pygit2.Tree)
    if head.id != new.id:
        _put_back(copy, old, new)
    note.unlink()
    return True


def _put_back(copy: pygit2.Repository, old: pygit2.Tree, new: pygit2.Tree) -> None:
    paths = sorted(tree_changes(old, new))
    edited = [path for path in paths if not _is_ours(copy, path, old, new)]
    if edited:
        raise UnavailableError(
            f"an update of the working copy {copy.workdir!r} was interrupted and {edited[0]!r} was edited "
            f"since; nothing was written: save your edit elsewhere, run git checkout -- {edited[0]!r}, and "
            "make the same call again"
        )
    kept = [path for path in paths if find(old, path) is not None]
    if kept:
        copy.checkout_tree(old, strategy=_EXACT, paths=kept)  # type: ignore[no-untyped-call]  # as above
    index = copy.index
    index.read()
    for path in set(paths) - set(kept):
        file = Path(copy.workdir) / path
        file.unlink(missing_ok=True)
        _remove_empty(file.parent, Path(copy.workdir))
        if path in index:
            index.remove(path)
    index.write()


def _is_ours(copy: pygit2.Repository, path: str, old: pygit2.Tree, new: pygit2.Tree) -> bool:
    """Whether the file is as one of the trees has it, absent, or cut off while it was written."""
    file = Path(copy.workdir) / path
    if file.is_symlink():
        content = str(file.readlink()).encode("utf-8", "surrogateescape")
    elif file.is_file():
        content = file.read_bytes()
    else:
        return True
    blobs = (find(old, path), find(new, path))
    return any(isinstance(blob, pygit2.Blob) and blob.data.startswith(content) for blob in blobs)


def _remove_empty(folder: Path, top: Path) -> None:
    while folder != top and folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent


def recover_all(store: Store) -> tuple[str, ...]:
    """Recover every working copy, and say which needed it. Call it with the store's lock held."""
    return tuple(
        f"put back the files of {copy.workdir!r} after an interrupted update"
        for copy in _working_copies(store)
        if recover(copy)
    )
