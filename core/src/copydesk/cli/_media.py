"""The verbs about media outside entries: the files below ``media_folder``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from copydesk.cli._files import versions_at
from copydesk.cli._options import based_on_option, site_options, user_of
from copydesk.cli._show import as_json, print_json, print_table, printable, with_based_on
from copydesk.errors import ConflictError, NotFoundError

if TYPE_CHECKING:
    from copydesk.cli._site import Site
    from copydesk.models import FileVersion
    from copydesk.workflow import Workflow

__all__ = ["media"]

author_option = click.option("--author", metavar="'NAME <EMAIL>'", help="Author.  [default: who you are]")


@click.group()
def media() -> None:
    """List, add and remove media outside entries; they are published at once."""


@media.command("list")
@site_options
@as_json
def list_media(site: Site, json_output: bool) -> None:
    """List the media of the site, with sizes in bytes."""
    with site.workflow() as workflow:
        files = workflow.list_media()
    if json_output:
        print_json([{"path": f.path, "size": f.size, "version": f.version.to_json()} for f in files])
    elif files:
        print_table(["size", "path"], [("" if f.size is None else str(f.size), f.path) for f in files])
    else:
        click.echo("no media", err=True)


@media.command("put")
@click.argument("path")
@click.argument("file", type=click.File("rb"))
@based_on_option("it must be new")
@author_option
@site_options
def put_media(site: Site, path: str, file: Any, based_on: str | None, author: str | None) -> None:
    """Write FILE ("-" for standard input) to PATH of the site."""
    content = file.read()
    with site.workflow() as workflow:
        seen = _version(workflow, path, based_on) if based_on is not None else None
        try:
            saved = workflow.save_media(path, content, based_on=seen, author=user_of(author))
        except ConflictError as exc:
            head = _head(workflow)
            if based_on is not None or path not in versions_at(workflow.repository, head, None, [path]):
                raise
            raise with_based_on(exc, repr(path), head) from exc
    click.echo(printable(f"published: {saved.path} ({saved.size} bytes)"))


@media.command("rm")
@click.argument("path")
@based_on_option("as it is now")
@author_option
@site_options
def remove_media(site: Site, path: str, based_on: str | None, author: str | None) -> None:
    """Remove PATH from the site."""
    with site.workflow() as workflow:
        workflow.delete_media(path, based_on=_version(workflow, path, based_on), author=user_of(author))
    click.echo(printable(f"removed: {path}"))


def _head(workflow: Workflow) -> str:
    repository = workflow.repository
    return repository.get_branch(repository.base_branch).commit_sha


def _version(workflow: Workflow, path: str, based_on: str | None) -> FileVersion:
    versions = versions_at(workflow.repository, _head(workflow), based_on, [path])
    if path not in versions:
        raise NotFoundError(f"no file {path!r} is published; `copydesk media list` lists what is there")
    return versions[path]
