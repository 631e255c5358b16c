"""Working copies: a branch that is checked out moves together with its files, or not at all.

The files are the ``git`` command's business: it alone knows line endings, filters such as Git LFS, sparse
checkouts. They are updated first and the ref moves last, with a note of both commits in the git directory in
between: whoever comes after an interruption puts the files back to where the branch still is, and nobody's
own edits are touched.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import attrs
import pygit2
from copydesk.errors import ConflictError, NotSupportedError, UnavailableError

from copydesk_local.store import HEADS, Store
from copydesk_local.trees import find, tree_changes

__all__ = ["recover_all", "require_free", "updated"]

_NOTE: Final = "copydesk-update.json"


@attrs.frozen
class _WorkingCopy:
    """The top of a working copy and its own git directory."""

    top: Path
    git_dir: Path

    @property
    def note(self) -> Path:
        return self.git_dir / _NOTE

    @property
    def branch(self) -> str:
        """The branch that is checked out, "" where HEAD is detached."""
        head = (self.git_dir / "HEAD").read_text("utf-8", "surrogateescape").strip()
        return head.removeprefix("ref: ").removeprefix(HEADS) if head.startswith("ref: ") else ""

    def git(self, *arguments: str, paths: Iterable[str] = (), check: bool = True) -> str:
        """Run git there; *paths* go to its standard input, each ended by a NUL."""
        # Whoever calls us from a git hook has GIT_DIR and GIT_INDEX_FILE set for another repository.
        outer = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
        fed = "".join(f"{path}\0" for path in paths).encode("utf-8", "surrogateescape")
        try:
            done = subprocess.run(  # noqa: S603 - no shell, and no argument of a stranger's
                ["git", "--literal-pathspecs", "-C", str(self.top), *arguments],  # noqa: S607 - the user's own git
                input=fed,
                capture_output=True,
                check=False,
                env={**outer, "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0"},
            )
        except FileNotFoundError as exc:
            raise NotSupportedError(
                f"writing to a branch that is checked out in {str(self.top)!r} needs the git command: "
                "install it, or check out another branch"
            ) from exc
        if check and done.returncode:
            raise OSError(done.stderr.decode("utf-8", "replace").strip())
        return done.stdout.decode("utf-8", "surrogateescape")


def _working_copies(store: Store) -> Iterator[_WorkingCopy]:
    git = store.git
    main = git if Path(git.path) == store.common_dir else pygit2.Repository(str(store.common_dir))
    if not main.is_bare:
        yield _WorkingCopy(store.common_dir.parent, store.common_dir)
    for name in git.list_worktrees():
        path = Path(git.lookup_worktree(name).path)
        if path.exists():  # otherwise its directory was deleted and `git worktree prune` not yet run
            yield _WorkingCopy(path, store.common_dir / "worktrees" / name)


def _checkouts(store: Store, branch: str) -> tuple[_WorkingCopy, ...]:
    return tuple(copy for copy in _working_copies(store) if copy.branch == branch)


def require_free(store: Store, branch: str) -> None:
    """Refuse to make or delete a branch that a working copy has checked out.

    :raises ConflictError: it names the working copy.
    """
    for copy in _checkouts(store, branch):
        raise ConflictError(
            f"branch {branch!r} is checked out in {str(copy.top)!r}; switch to another branch there first",
            branch=branch,
        )


@contextlib.contextmanager
def updated(store: Store, branch: str, old: str, new: str) -> Iterator[None]:
    """Update the files of every working copy of *branch* from *old* to *new*; the body moves the ref.

    If the body fails, the files are put back. Call it with the store's lock held.

    :raises ConflictError: a working copy has changes that are not committed, or a file in the way.
    """
    copies = _checkouts(store, branch)
    for copy in copies:
        _recover(store, copy)
        _require_clean(copy, branch)
        _require_room(copy, branch, store.commit(old).tree, store.commit(new).tree)
    try:
        for copy in copies:
            copy.note.write_text(json.dumps({"old": old, "new": new}))
            # Looks at all files before it touches the first.
            copy.git("read-tree", "-m", "-u", old, new)
        yield
    except BaseException:
        for copy in copies:
            _recover(store, copy)
        raise
    for copy in copies:
        copy.note.unlink(missing_ok=True)


def _require_clean(copy: _WorkingCopy, branch: str) -> None:
    listed = copy.git("status", "--porcelain", "-z", "--untracked-files=no", "--no-renames")
    dirty = sorted(line[3:] for line in listed.split("\0") if line)
    if dirty:
        named = ", ".join(map(repr, dirty[:5])) + (", …" if len(dirty) > 5 else "")
        raise ConflictError(
            f"the working copy {str(copy.top)!r} has {branch!r} checked out and changes that are not "
            f"committed ({named}); nothing was written: commit or stash them, or check out another branch",
            branch=branch,
            paths=dirty,
        )


def _require_room(copy: _WorkingCopy, branch: str, old: pygit2.Tree, new: pygit2.Tree) -> None:
    """Refuse where a new file would replace one that git does not know; git itself spares no ignored ones."""
    for path in tree_changes(old, new):
        if find(old, path) is None and os.path.lexists(copy.top / path):
            raise ConflictError(
                f"the file {path!r} in the working copy {str(copy.top)!r} is not tracked by git and in the way "
                f"of the change to {branch!r}; nothing was written: move it away and make the same call again",
                branch=branch,
                paths=(path,),
            )


def recover_all(store: Store) -> tuple[str, ...]:
    """Recover every working copy, and say which needed it. Call it with the store's lock held."""
    return tuple(
        f"put back the files of {str(copy.top)!r} after an interrupted update"
        for copy in _working_copies(store)
        if _recover(store, copy)
    )


def _recover(store: Store, copy: _WorkingCopy) -> bool:
    """Finish or undo an update that was interrupted; False where there was none.

    :raises UnavailableError: files were edited since, and it is for a person to decide.
    """
    if not copy.note.exists():
        return False
    # Only an update of ours holds the index while its note is there, and the store's lock is ours now.
    (copy.git_dir / "index.lock").unlink(missing_ok=True)
    try:
        plan = json.loads(copy.note.read_text())
        old, new = (store.commit(plan[key]) for key in ("old", "new"))
    except (ValueError, KeyError):
        copy.note.unlink()  # interrupted while it was written: no file had been touched
        return False
    if store.branch_target(copy.branch) != str(new.id):
        _put_back(copy, old, new)
    copy.note.unlink()
    return True


def _put_back(copy: _WorkingCopy, old: pygit2.Commit, new: pygit2.Commit) -> None:
    paths = sorted(tree_changes(old.tree, new.tree))
    edited = [path for path in paths if not _is_ours(copy, path, old.tree, new.tree)]
    if edited:
        raise UnavailableError(
            f"an update of the working copy {str(copy.top)!r} was interrupted and {edited[0]!r} was edited "
            f"since; nothing was written: save your edit elsewhere, run git checkout -- {edited[0]!r} there, "
            "and make the same call again"
        )
    kept = [path for path in paths if find(old.tree, path) is not None]
    added = [path for path in paths if find(old.tree, path) is None]
    for path in added:
        (copy.top / path).unlink(missing_ok=True)
        _remove_empty((copy.top / path).parent, copy.top)
    copy.git("update-index", "--force-remove", "-z", "--stdin", paths=added)
    if kept:
        from_stdin = ("--pathspec-from-file=-", "--pathspec-file-nul")
        copy.git("checkout", "--quiet", "--no-overlay", *from_stdin, str(old.id), "--", paths=kept)


def _is_ours(copy: _WorkingCopy, path: str, old: pygit2.Tree, new: pygit2.Tree) -> bool:
    """Whether the file is as one of the commits has it, absent, or cut off while it was written."""
    file = copy.top / path
    blobs = [blob for blob in (find(old, path), find(new, path)) if isinstance(blob, pygit2.Blob)]
    if file.is_symlink():
        content = os.fsencode(file.readlink())
    elif file.is_file():
        # Through the filters of the path, as git would store it.
        if copy.git("hash-object", "--", path, check=False).strip() in {str(blob.id) for blob in blobs}:
            return True
        content = file.read_bytes()
    else:
        return True
    return any(blob.data.startswith(content) for blob in blobs)


def _remove_empty(folder: Path, top: Path) -> None:
    while folder != top and folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent
