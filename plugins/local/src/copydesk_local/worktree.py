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
import time
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import Final

import attrs
import pygit2
from copydesk.errors import ConflictError, NotFoundError, NotSupportedError, UnavailableError

from copydesk_local.store import BUSY_SECONDS, HEADS, STALE_SECONDS, Store, lock_age
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
    def head(self) -> str:
        """What HEAD says: `ref: ` and the name of a branch, or the commit where it is detached."""
        return (self.git_dir / "HEAD").read_text("utf-8", "surrogateescape").strip()

    @property
    def branch(self) -> str:
        """The branch that is checked out, "" where HEAD is detached."""
        name = self.head
        return name.removeprefix("ref: ").removeprefix(HEADS) if name.startswith("ref: ") else ""

    @property
    def index_lock(self) -> Path:
        """The lock of a git command that is at work here, or was killed."""
        return self.git_dir / "index.lock"

    def git(self, *arguments: str, paths: Iterable[str] = ()) -> str:
        """Run git there; *paths* go to its standard input, each ended by a NUL."""
        return self.git_bytes(*arguments, paths=paths).decode("utf-8", "surrogateescape")

    def git_bytes(self, *arguments: str, paths: Iterable[str] = ()) -> bytes:
        """Run git there and give what it prints as it is."""
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
        if done.returncode:
            raise OSError(done.stderr.decode("utf-8", "replace").strip())
        return done.stdout


def _working_copies(store: Store) -> Iterator[_WorkingCopy]:
    git = store.git
    main = git if Path(git.path) == store.common_dir else pygit2.Repository(str(store.common_dir))
    if main.workdir is not None:
        yield _WorkingCopy(Path(main.workdir), store.common_dir)
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
    trees = [store.commit(sha).tree for sha in (old, new)] if copies else []
    for copy in copies:
        _recover(store, copy)
        _require_unlocked(copy)
        _require_clean(copy, branch)
        _require_room(copy, branch, *trees)
    begun = []
    try:
        for copy in copies:
            copy.note.write_text(json.dumps({"old": old, "new": new}))
            begun.append(copy)
            # Looks at all files before it touches the first.
            copy.git("read-tree", "-m", "-u", old, new)
        yield
    except BaseException:
        for copy in begun:
            _recover(store, copy)
        raise
    for copy in copies:
        copy.note.unlink(missing_ok=True)


def _require_unlocked(copy: _WorkingCopy) -> None:
    """Wait a moment for a git command that holds the index, then say so; its lock is left alone.

    :raises UnavailableError: it is still at work, or was killed.
    """
    lock = copy.index_lock
    deadline = time.monotonic() + BUSY_SECONDS
    while lock.exists():
        age = lock_age(lock)
        if time.monotonic() > deadline or age > STALE_SECONDS:
            remedy = (
                "if no git command is running there, one was killed: remove that file and try again"
                if age > STALE_SECONDS
                else "try again when it is done"
            )
            raise UnavailableError(
                f"{str(lock)!r} has been held by a git command for {age:.0f} s; nothing was written: {remedy}"
            )
        time.sleep(0.01)


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
        if isinstance(find(old, path), pygit2.Blob) or find(new, path) is None:
            continue
        there = _in_the_way(copy, path, old)
        if there:
            raise ConflictError(
                f"the file {there!r} in the working copy {str(copy.top)!r} is not tracked by git and in the way "
                f"of the change to {branch!r}; nothing was written: move it away and make the same call again",
                branch=branch,
                paths=(there,),
            )


def _in_the_way(copy: _WorkingCopy, path: str, old: pygit2.Tree) -> str:
    """Give what stands where a new file or one of its folders has to be, "" where there is room."""
    for folder in reversed(PurePosixPath(path).parents[:-1]):
        place = copy.top / folder
        blocked = os.path.lexists(place) and (place.is_symlink() or not place.is_dir())
        if blocked and find(old, str(folder)) is None:
            return str(folder)
    place = copy.top / path
    if place.is_dir() and not place.is_symlink():
        return copy.git("ls-files", "--others", "-z", "--", path).partition("\0")[0]
    return path if os.path.lexists(place) else ""


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
    if lock_age(copy.index_lock) > STALE_SECONDS:
        copy.index_lock.unlink()  # the git command was killed too
    _require_unlocked(copy)  # or is it still writing files?
    try:
        plan = json.loads(copy.note.read_text())
        old, new = (store.commit(plan[key]) for key in ("old", "new"))
        at = store.branch_target(copy.branch) if copy.branch else copy.head
        if at == str(old.id):  # elsewhere the files are those of somebody's later work
            _put_back(copy, old, new)
    except (ValueError, KeyError, NotFoundError):
        # Cut off while it was written, or about objects that were pruned since: what is not clean will be told.
        copy.note.unlink()
        return False
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
        content = file.read_bytes()
    else:
        return True
    # As git stores them, and as the filters of the path write them.
    return any(
        blob.data.startswith(content)
        or copy.git_bytes("cat-file", "--filters", f"--path={path}", str(blob.id)).startswith(content)
        for blob in blobs
    )


def _remove_empty(folder: Path, top: Path) -> None:
    while folder != top and folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent
