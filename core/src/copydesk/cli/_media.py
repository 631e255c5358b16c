"""The verbs about media outside entries: the files below ``media_folder``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from copydesk.cli._files import base_head, is_there, versions_at
from copydesk.cli._options import author_options, based_on_option, input_file, site_options, user_of
from copydesk.cli._show import as_json, nothing_to_do, print_json, print_table, printable, with_based_on
from copydesk.errors import ConflictError, InvalidInputError, NotFoundError

if TYPE_CHECKING:
    from copydesk.cli._site import Site
    from copydesk.models import FileVersion, TreeEntry
    from copydesk.workflow import Workflow

__all__ = ["media"]


@click.group()
def media() -> None:
    """List, add and remove media outside entries.

    Every change is published at once.
    """


@media.command("list")
@site_options
@as_json
def list_media(site: Site, json_output: bool) -> None:
    """List the media, with sizes where the backend tells them."""
    with site.workflow() as workflow:
        files = workflow.list_media()
    if json_output:
        print_json([_as_json(file) for file in files])
    elif files:
        print_table(["size", "path"], [("" if f.size is None else str(f.size), f.path) for f in files])
    else:
        click.echo("no media", err=True)


@media.command("put")
@click.argument("path")
@input_file
@based_on_option("it must be new")
@author_options
@site_options
@as_json
def put_media(
    site: Site,
    path: str,
    file: Any,
    based_on: str | None,
    message: str,
    author: str | None,
    json_output: bool,
) -> None:
    """Write FILE to PATH of the site, published at once.

    FILE may be "-" for standard input. PATH is that of the repository, and must be below the media_folder of
    the configuration. Media that belong to an entry go with it: `copydesk save --media`.
    """
    content, user = file.read(), user_of(author)
    with site.workflow() as workflow:
        _check_below(workflow, path, "put")
        head = base_head(workflow.repository)
        seen = _version(workflow, path, based_on) if based_on is not None else None
        if is_there(workflow.repository, head, path, content):
            saved, done = _file(workflow, path), False
        else:
            try:
                saved = workflow.save_media(path, content, based_on=seen, message=message, author=user)
            except ConflictError as exc:
                if based_on is not None or path not in versions_at(workflow.repository, head, None, [path]):
                    raise
                raise with_based_on(exc, repr(path), head) from exc
            done = True
    if json_output:
        print_json(_as_json(saved))
    elif done:
        click.echo(printable(f"published: {saved.path} ({saved.size} bytes)"))
    else:
        nothing_to_do(f"{path} is already so")


@media.command("rm")
@click.argument("path")
@based_on_option("as it is now")
@author_options
@site_options
@as_json
def remove_media(
    site: Site, path: str, based_on: str | None, message: str, author: str | None, json_output: bool
) -> None:
    """Remove PATH, off the site at once.

    PATH is that of the repository, and must be below the media_folder of the configuration.
    """
    user = user_of(author)
    with site.workflow() as workflow:
        _check_below(workflow, path, "rm")
        seen = _version(workflow, path, based_on)
        workflow.delete_media(path, based_on=seen, message=message, author=user)
    if json_output:
        print_json({"path": path, "removed": True})
        return
    click.echo(printable(f"removed: {path}"))


def _check_below(workflow: Workflow, path: str, verb: str) -> None:
    """Say which verb is for other files; the workflow refuses them too."""
    folder = workflow.site.media_folder
    if folder and not path.startswith(f"{folder}/"):
        raise InvalidInputError(
            f"{path!r} is not below {folder}, where the media are; for any other file use `copydesk {verb}`"
        )


def _file(workflow: Workflow, path: str) -> TreeEntry:
    return next(file for file in workflow.list_media() if file.path == path)


def _as_json(file: TreeEntry) -> dict[str, Any]:
    return {"path": file.path, "size": file.size, "version": file.version.to_json()}


def _version(workflow: Workflow, path: str, based_on: str | None) -> FileVersion:
    versions = versions_at(workflow.repository, base_head(workflow.repository), based_on, [path])
    if path not in versions:
        raise NotFoundError(f"no file {path!r} is published; `copydesk media list` lists what is there")
    return versions[path]
