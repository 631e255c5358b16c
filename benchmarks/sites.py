"""The repositories that are measured on: 10,000 files of 4 kB in 100 folders, bare."""

from __future__ import annotations

import random
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import pygit2
from pygit2.enums import FileMode

__all__ = ["BRANCHES", "FILES", "FOLDERS", "SIZE", "make_loose", "make_packed", "path_of", "text"]

FOLDERS: Final = 100
FILES: Final = 10_000
SIZE: Final = 4_000
#: Each side commits to its own, so that both have the same repository and neither has to wait.
BRANCHES: Final = ("ours", "theirs")

_WORDS: Final = tuple(
    f"{start}{end}" for start in ("pu", "bli", "co", "dra", "e") for end in ("ft", "sh", "py")
)


def text(seed: str) -> bytes:
    """Give 4 kB that no other seed gives, and that compress about as prose does."""
    source = random.Random(seed)
    words = " ".join(source.choices(_WORDS, k=SIZE // 12)) + source.randbytes(SIZE // 4).hex()
    return f"{seed}\n{words}".encode()[:SIZE].ljust(SIZE)


def path_of(number: int) -> str:
    """Give the path of one of the files; neighbours are in one folder."""
    folder, file = divmod(number, FILES // FOLDERS)
    return f"folder-{folder:02}/entry-{file:02}.md"


def make_loose(place: Path) -> Path:
    """Make the repository, each object a file of its own."""
    # Slow, and not what is measured. Opening a backend turns it on for the process.
    pygit2.settings.enable_fsync_gitdir(False)
    git = pygit2.init_repository(place, bare=True)
    builders: dict[str, pygit2.TreeBuilder] = {}
    for path in map(path_of, range(FILES)):
        folder, _, name = path.partition("/")
        builder = builders.setdefault(folder, git.TreeBuilder())
        builder.insert(name, git.create_blob(text(path)), FileMode.BLOB)
    root = git.TreeBuilder()
    for folder, builder in builders.items():
        root.insert(folder, builder.write(), FileMode.TREE)
    author = pygit2.Signature("A. Author", "author@example.org")
    first = git.create_commit(None, author, author, "Begin", root.write(), [])
    _point(git, ("main", *BRANCHES), first)
    git.set_head("refs/heads/main")
    return place


def _point(git: pygit2.Repository, branches: Iterable[str], target: pygit2.Oid) -> None:
    for branch in branches:
        git.references.create(f"refs/heads/{branch}", target)


def make_packed(loose: Path, place: Path) -> Path:
    """Make a copy of the repository as `git gc` leaves it."""
    shutil.copytree(loose, place)
    subprocess.run(["git", "-C", str(place), "gc", "--quiet", "--prune=now"], check=True)
    return place
