"""A small site taken through the workflow, for who sees copydesk for the first time."""

from __future__ import annotations

import base64
import os
import shlex
import subprocess
import tempfile
from pathlib import Path
from typing import Final

import click

from copydesk.config import load_config
from copydesk.errors import ConfigError, ConflictError
from copydesk.models import User
from copydesk.repository import open_repository
from copydesk.workflow import Entry, Workflow

__all__ = ["run_demo"]

ANN: Final = User("ann", "Ann", "ann@example.org")
BEN: Final = User("ben", "Ben", "ben@example.org")

#: A red dot, 8 x 8.
_PNG: Final = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAIAQMAAAD+wSzIAAAABlBMVEX////AICBqh0FUAAAAEklEQVR42mOwYahj+A+FdQw2"
    "ACuQBXGLKKPCAAAAAElFTkSuQmCC"
)
_SITE: Final = {
    "admin/config.yml": b"""\
backend:
  name: local
publish_mode: editorial_workflow
media_folder: static/img
public_folder: /img
collections:
  - name: posts
    label: Post
    folder: content/posts
    create: true
    fields:
      - {label: Title, name: title, widget: string}
      - {label: Body, name: body, widget: markdown}
  - name: pages
    label: Pages
    files:
      - name: about
        label: About
        file: content/about.md
        fields:
          - {label: Title, name: title, widget: string}
          - {label: Body, name: body, widget: markdown}
""",
    "content/about.md": b"---\ntitle: About us\n---\nWe write about coffee.\n",
    "content/posts/first.md": b"---\ntitle: The first post\n---\nIt begins.\n",
    "static/img/logo.png": _PNG,
}
_POST: Final = b"---\ntitle: Brewing\n---\n![a cup](/img/cup.png)\n\nGrind, pour, wait.\n"


def run_demo(directory: Path | None) -> None:
    """Make the site and play the story.

    :raises ConfigError: the directory is not empty, or there is no git.
    """
    top = _made(directory)
    _say(f"A site with posts, pages and images, in a git repository at {top}")
    site = load_config(top / "admin/config.yml")
    with open_repository(site, repo=top) as repository:
        workflow = Workflow(repository, site)
        _first_entry(workflow)
        _second_entry(workflow)
        _left_open(workflow)
    _say("What git has of it")
    click.echo(_git(top, "log", "--graph", "--oneline", "--decorate", "--branches"))
    _go_on(top)


def _made(directory: Path | None) -> Path:
    top = (directory or Path(tempfile.mkdtemp(prefix="copydesk-demo-"))).resolve()
    if top.exists() and not top.is_dir():
        raise ConfigError(f"{str(top)!r} is a file; name a directory, or one that is still to be made")
    if top.exists() and any(top.iterdir()):
        raise ConfigError(f"the directory {str(top)!r} is not empty; name a new one")
    top.mkdir(parents=True, exist_ok=True)
    _git(top, "init", "--quiet", "--initial-branch=main")
    _git(top, "config", "user.name", "Demo Editor")
    _git(top, "config", "user.email", "demo@example.org")
    for path, content in _SITE.items():
        (top / path).parent.mkdir(parents=True, exist_ok=True)
        (top / path).write_bytes(content)
    _git(top, "add", "--all")
    _git(top, "commit", "--quiet", "--no-verify", "-m", "A small site")
    return top


def _git(top: Path, *arguments: str) -> str:
    # The user's own hooks, signing and templates have no part in a demonstration.
    settings = ("-c", "commit.gpgSign=false", "-c", "init.templateDir=", "-c", "core.hooksPath=/dev/null")
    outer = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    try:
        done = subprocess.run(  # noqa: S603 - no shell
            ["git", *settings, "-C", str(top), *arguments],  # noqa: S607 - the user's own git
            capture_output=True,
            check=True,
            env=outer,
        )
    except FileNotFoundError as exc:
        raise ConfigError("the demo needs the git command; install git") from exc
    except subprocess.CalledProcessError as exc:
        raise ConfigError(
            f"git {arguments[0]} failed in {str(top)!r}: {exc.stderr.decode().strip()}"
        ) from exc
    return done.stdout.decode().rstrip()


def _first_entry(workflow: Workflow) -> None:
    _say("Ann saves a new post with an image: a branch and a pull request, one commit")
    draft = workflow.save(
        "posts", "brewing", {"content/posts/brewing.md": _POST, "static/img/cup.png": _PNG}, author=ANN
    )
    _show(draft)

    _say("Ann and Ben open the draft; Ann saves first, and Ben's save is refused: nothing of Ann's is lost")
    opened = draft.versions
    ann = workflow.save("posts", "brewing", _POST + b"Enjoy.\n", based_on=opened, author=ANN)
    _show(ann)
    try:
        workflow.save("posts", "brewing", _POST + b"Drink.\n", based_on=opened, author=BEN)
    except ConflictError as exc:
        click.echo(f"   conflict: {exc}")

    _say("Ben merges by hand, based on what is there now")
    _show(workflow.save("posts", "brewing", _POST + b"Enjoy. Drink.\n", based_on=ann.versions, author=BEN))
    _publish(workflow, "posts", "brewing")


def _second_entry(workflow: Workflow) -> None:
    _say("Ben edits a page that is published; the site keeps the old one until the draft is published")
    page = workflow.get("pages", "about")
    content = workflow.read(page)[0].content + b"And about tea.\n"
    _show(workflow.save("pages", "about", content, based_on=page.versions, author=BEN))
    _publish(workflow, "pages", "about")


def _publish(workflow: Workflow, collection: str, slug: str) -> None:
    _say("Reviewed, ready, published: the pull request is merged and its branch deleted")
    for status in ("pending_review", "pending_publish"):
        _show(workflow.set_status(collection, slug, status))
    _show(workflow.publish(collection, slug))


def _left_open(workflow: Workflow) -> None:
    _say("Ann leaves a third one in review, for you")
    workflow.save("posts", "tasting", b"---\ntitle: Tasting\n---\nSmell first.\n", author=ANN)
    _show(workflow.set_status("posts", "tasting", "pending_review"))


def _go_on(top: Path) -> None:
    # `uv run` sets UV for what it runs: there the command is not on the path by itself.
    command = "uv run copydesk" if "UV" in os.environ else "copydesk"
    where = f"--backend local -o repo={shlex.quote(str(top))}"
    _say("Go on by hand")
    for rest in (
        f"entries {where}",
        f"status posts tasting pending_publish {where}",
        f"publish posts tasting {where}",
    ):
        click.echo(f"   {command} {rest}")
    click.echo(f"   git -C {shlex.quote(str(top))} log --graph --oneline")


def _say(words: str) -> None:
    click.echo()
    click.secho(f"● {words}", bold=True)


def _show(entry: Entry) -> None:
    number = f" (#{entry.pull_request.number})" if entry.pull_request else ""
    click.echo(f"   {entry.collection} {entry.slug}: {entry.status}{number}, at {entry.commit_sha[:10]}")
