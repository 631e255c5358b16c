from __future__ import annotations

import shutil
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
    for sample in path.rglob("hooks/*.sample"):
        sample.unlink()  # of no use, and most of what is copied
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


@pytest.fixture(scope="session")
def bare_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository to be copied, for it takes fifteen processes of git."""
    return seed(tmp_path_factory.mktemp("bare") / "site.git", bare=True)


@pytest.fixture(scope="session")
def working_copy_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return seed(tmp_path_factory.mktemp("working-copy") / "site", bare=False)


@pytest.fixture
def bare(tmp_path: Path, bare_template: Path) -> Path:
    return shutil.copytree(bare_template, tmp_path / "site.git")


@pytest.fixture
def working_copy(tmp_path: Path, working_copy_template: Path) -> Path:
    copy = shutil.copytree(working_copy_template, tmp_path / "site", symlinks=True)
    # As after a checkout: the index knows each file by its inode.
    git(copy, "update-index", "--refresh")
    return copy


@pytest.fixture
def run_git() -> Callable[..., str]:
    return git
