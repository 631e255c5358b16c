from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from copydesk import Workflow, open_repository
from copydesk.config import SiteConfig, parse_config
from means.browser import browser, chromium  # noqa: F401 - fixtures

CONFIG = b"""\
backend: {name: local, branch: main}
publish_mode: editorial_workflow
media_folder: static/img
collections:
  - {name: posts, label: Post, folder: content/posts}
  - {name: notes, folder: content/notes, path: "{{slug}}/index", extension: txt}
  - {name: docs, folder: docs, nested: {depth: 5}}
  - name: pages
    files:
      - {name: about, file: content/about.md}
"""
SITE = {
    "admin/config.yml": CONFIG,
    "content/posts/hello.md": b"---\ntitle: Hello\n---\none\ntwo\nthree\n",
    "content/posts/world.md": b"world\n",
    "content/notes/first/index.txt": b"first\n",
    "content/about.md": b"about\n",
    "docs/guide.md": b"guide\n",
    "docs/guide/start.md": b"start\n",
    "static/img/logo.png": b"\x89PNG\r\n\x1a\n",
}

RunGit = Callable[..., str]


def run_git(path: Path, *arguments: str, content: bytes | None = None) -> str:
    """Run git as a stranger would, with no configuration but the repository's."""
    outer = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    environment = {**outer, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    command = ["git", "-C", str(path), *arguments]
    done = subprocess.run(command, input=content, capture_output=True, check=True, env=environment)
    return done.stdout.decode().strip()


@pytest.fixture
def git() -> RunGit:
    return run_git


def create_repository(top: Path, work: Path, files: Mapping[str, bytes]) -> None:
    """Create a repository with some files in one commit on `main`; it is bare where the work is done elsewhere."""
    work.mkdir(parents=True)
    run_git(work, "init", "-q", "-b", "main")
    for path, content in files.items():
        (work / path).parent.mkdir(parents=True, exist_ok=True)
        (work / path).write_bytes(content)
    run_git(work, "add", "--all")
    identity = ("-c", "user.name=Site Owner", "-c", "user.email=owner@example.org")
    run_git(work, *identity, "commit", "-q", "-m", "A site")
    if top != work:
        run_git(work, "clone", "-q", "--bare", str(work), str(top))
    for sample in top.rglob("hooks/*.sample"):
        sample.unlink()  # of no use, and most of what is copied
    run_git(top, "config", "user.name", "Site Owner")
    run_git(top, "config", "user.email", "owner@example.org")


@pytest.fixture(scope="session")
def find_template(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Find a repository to be copied, which is created once: that takes seven processes of git."""
    made: dict[object, Path] = {}

    def find(files: Mapping[str, bytes], *, bare: bool) -> Path:
        key = (bare, tuple(files.items()))
        if key not in made:
            folder = tmp_path_factory.mktemp("template")
            made[key] = folder / "site"
            create_repository(made[key], folder / "work" if bare else made[key], files)
        return made[key]

    return find


@pytest.fixture
def make_repository(tmp_path: Path, find_template: Callable[..., Path]) -> Callable[..., Path]:
    """Make a repository with some files in one commit on `main`."""

    def make(name: str, files: Mapping[str, bytes], *, bare: bool = True) -> Path:
        top = tmp_path / name
        shutil.copytree(find_template(files, bare=bare), top, symlinks=True)
        if not bare:
            # As after a checkout: the index knows each file by its inode.
            run_git(top, "update-index", "--refresh")
        return top

    return make


@pytest.fixture
def site_path(make_repository: Callable[..., Path]) -> Path:
    """A bare repository with a small site."""
    return make_repository("site.git", SITE)


@pytest.fixture
def site() -> SiteConfig:
    return parse_config(CONFIG, "admin/config.yml")


@pytest.fixture
def workflow(site_path: Path, site: SiteConfig) -> Workflow:
    return Workflow(open_repository(site, repo=site_path), site)
