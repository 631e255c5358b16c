from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from copydesk.testing import SEED


def git(path: Path, *arguments: str, content: bytes | None = None) -> str:
    done = subprocess.run(["git", "-C", path, *arguments], input=content, capture_output=True, check=True)
    return done.stdout.decode().strip()


def seed(path: Path, *, bare: bool) -> Path:
    """Make a repository with the seed by git itself, so that what is read was not written by us."""
    path.mkdir(parents=True)
    git(path, "init", "-q", "-b", "main", *(["--bare"] if bare else []))
    git(path, "config", "user.name", "Site Owner")
    git(path, "config", "user.email", "owner@example.org")
    index = ""
    for file in SEED:
        sha = git(path, "hash-object", "-w", "--stdin", content=file.content)
        index += f"{file.mode} {sha}\t{file.path}\n"
    git(path, "-c", "core.quotePath=false", "update-index", "--index-info", content=index.encode())
    commit = git(path, "commit-tree", git(path, "write-tree"), "-m", "Seed")
    git(path, "update-ref", "refs/heads/main", commit)
    if bare:
        (path / "index").unlink()
    else:
        git(path, "checkout", "-q", "-f", "main")
    return path


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    return seed(tmp_path / "site.git", bare=True)


@pytest.fixture
def working_copy(tmp_path: Path) -> Path:
    return seed(tmp_path / "site", bare=False)


@pytest.fixture
def run_git() -> Callable[..., str]:
    return git
