"""The verbs about one entry or all: looking and saving."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from copydesk.cli._files import base_head, require_seen, versions_at
from copydesk.cli._options import (
    author_options,
    based_on_option,
    collection_argument,
    entry_arguments,
    input_file,
    read_local,
    read_pair,
    site_options,
    user_of,
)
from copydesk.cli._show import (
    as_json,
    entries_as_json,
    in_words,
    nothing_to_do,
    print_entries,
    print_json,
    printable,
    progress,
    tell,
    with_based_on,
)
from copydesk.errors import ConflictError, NotFoundError

if TYPE_CHECKING:
    from copydesk.cli._site import Site
    from copydesk.models import FileVersion
    from copydesk.workflow import Entry, Workflow

__all__ = ["demo", "entries", "preview", "save", "show"]


# -- looking ------------------------------------------------------------------------------------------


@click.command()
@collection_argument
@click.option("--drafts", is_flag=True, help="Only those under workflow.")
@site_options
@as_json
def entries(site: Site, collection: str | None, drafts: bool, json_output: bool) -> None:
    """List the entries of the site, or of one COLLECTION.

    One that has a draft is listed as its draft.
    """
    with site.workflow() as workflow:
        found = _all_entries(workflow, collection, drafts)
    if json_output:
        print_json(entries_as_json(found))
    elif found:
        print_entries(found)
    else:
        click.echo("no entries" if not drafts else "no drafts", err=True)


def _all_entries(workflow: Workflow, collection: str | None, only_drafts: bool) -> list[Entry]:
    """List published and unpublished entries; one that is both is listed as what is under workflow."""
    names = [collection] if collection else [each.name for each in workflow.site.collections]
    for name in names:
        workflow.site.collection(name)  # or say that there is none
    drafts = [entry for entry in workflow.entries() if not collection or entry.collection == collection]
    if only_drafts:
        return drafts
    taken = {(entry.collection, entry.slug) for entry in drafts}
    published = [
        entry
        for name in progress("listing", names)
        for entry in workflow.published(name)
        if (entry.collection, entry.slug) not in taken
    ]
    return [*drafts, *published]


@click.command()
@entry_arguments
@click.option("--content", "only_content", is_flag=True, help="Print the entry's file and nothing else.")
@site_options
@as_json
def show(site: Site, collection: str, slug: str, only_content: bool, json_output: bool) -> None:
    """Show where an entry stands, and what it says."""
    if only_content and json_output:
        raise click.UsageError("--content prints the file as it is, and --json has it in a field: use one")
    with site.workflow(collection, slug) as workflow:
        entry = workflow.get(collection, slug)
        files = {file.path: file for file in workflow.read(entry)}
    content = files[entry.path].content if entry.path in files else b""
    if only_content:
        if entry.path not in files:
            raise NotFoundError(f"{collection} {slug!r} is a draft that deletes it; there is no content")
        sys.stdout.buffer.write(content)
    elif json_output:
        text = content.decode(errors="replace") if entry.path in files else None
        print_json({**entries_as_json([entry])[0], "content": text})
    else:
        _print_entry(entry, content)


def _print_entry(entry: Entry, content: bytes) -> None:
    pull = entry.pull_request
    facts = {
        "entry": f"{entry.collection} {entry.slug}",
        "status": f"{entry.status} (delete)" if entry.deletes else str(entry.status),
        "pull request": f"#{pull.number} {pull.url or ''}".rstrip() if pull else "",
        "author": entry.author,
        "changed": f"{entry.updated_at:%Y-%m-%d %H:%M} UTC" if entry.updated_at else "",
        "commit": entry.commit_sha,
        "file": "" if entry.deletes else entry.path,
        "changes": ", ".join(entry.changed_paths),
        "problem": entry.problem,
    }
    for name, fact in facts.items():
        if fact:
            click.echo(f"{name:<14}{printable(fact)}")
    if not entry.deletes:
        click.echo()
        text = "\n".join(map(printable, content.decode(errors="replace").splitlines()))
        click.echo(text if b"\0" not in content else f"({len(content)} bytes)")


# -- saving -------------------------------------------------------------------------------------------


@click.command()
@entry_arguments
@input_file
@click.option(
    "--media", metavar="PATH=FILE", multiple=True, help="A file that goes with it, at PATH of the site."
)
@click.option("--remove", metavar="PATH", multiple=True, help="A file that it no longer has.")
@click.option("--move", metavar="OLD=NEW", multiple=True, help="A file of it that is renamed.")
@based_on_option("it must be new")
@author_options
@site_options
@as_json
def save(
    site: Site,
    collection: str,
    slug: str,
    file: Any,
    media: tuple[str, ...],
    remove: tuple[str, ...],
    move: tuple[str, ...],
    based_on: str | None,
    message: str,
    author: str | None,
    json_output: bool,
) -> None:
    """Save FILE as entry SLUG of COLLECTION, as a draft.

    FILE may be "-" for standard input. With publish_mode simple it is published at once. To change one that
    exists, say which commit you edited with --based-on: if somebody else changed it since, nothing is
    written.
    """
    contents = dict(_medium(pair) for pair in media)
    moves = dict(read_pair(pair, "OLD=NEW") for pair in move)
    user = user_of(author)
    from copydesk.entries import make_changes

    with site.workflow(collection, slug) as workflow:
        path = workflow.site.collection(collection).path_of(slug)
        contents[moves.get(path, path)] = file.read()
        seen = _versions(workflow, collection, slug, based_on, [*contents, *remove, *moves])
        require_seen([*remove, *moves], seen, based_on)
        if seen and not make_changes(contents, seen, remove, moves):
            entry = workflow.get(collection, slug)
            if json_output:
                tell("is", entry, json_output)
            else:
                nothing_to_do(f"{collection} {slug} is the same as at {based_on}")
            return
        try:
            entry = workflow.save(
                collection,
                slug,
                contents,
                based_on=seen,
                remove=remove,
                move=moves,
                message=message,
                author=user,
            )
        except ConflictError as exc:
            raise _with_remedy(exc, workflow, collection, slug, based_on) from exc
    tell("saved", entry, json_output)


def _medium(pair: str) -> tuple[str, bytes]:
    path, file = read_pair(pair, "PATH=FILE")
    return path, read_local(file, "--media")


def _versions(
    workflow: Workflow, collection: str, slug: str, based_on: str | None, paths: list[str]
) -> dict[str, FileVersion]:
    """Give the versions of the files as of the commit that was edited; none where none is named."""
    if based_on is None:
        return {}
    try:
        head = workflow.get(collection, slug).commit_sha
    except NotFoundError:  # the entry is new, and a file that goes with it is not
        head = base_head(workflow.repository)
    return versions_at(workflow.repository, head, based_on, paths)


def _with_remedy(
    conflict: ConflictError, workflow: Workflow, collection: str, slug: str, based_on: str | None
) -> ConflictError:
    """Say what a person at a terminal does next."""
    try:
        entry = workflow.get(collection, slug)
    except NotFoundError:
        if based_on is not None or not conflict.paths:
            return conflict
        return with_based_on(conflict, ", ".join(map(repr, conflict.paths)), base_head(workflow.repository))
    if based_on is None:
        return with_based_on(conflict, f"{collection} {slug!r} ({entry.status})", entry.commit_sha)
    words = (
        f"{conflict}; nothing was saved. See what is there now: copydesk show {collection} {slug}; "
        f"merge it into your file, and save with --based-on {entry.commit_sha[:10]}"
    )
    return in_words(conflict, words, entry.commit_sha)


@click.command()
@click.argument("directory", required=False, type=click.Path(path_type=Path))
def demo(directory: Path | None) -> None:
    """Take a small site through the workflow and show it.

    It is made in DIRECTORY or a temporary one; the last lines say how to go on by hand.
    """
    from copydesk.cli._demo import run_demo

    run_demo(directory)


@click.command()
@entry_arguments
@site_options
@as_json
def preview(site: Site, collection: str, slug: str, json_output: bool) -> None:
    """Print the address of the deploy preview of a draft."""
    with site.workflow(collection, slug) as workflow:
        check = workflow.preview(collection, slug)
    if json_output:
        print_json({"name": check.name, "state": check.state, "url": check.url} if check else None)
        return
    if check is None or check.url is None:
        state = f" (check {check.name!r}: {check.state})" if check else ""
        raise NotFoundError(f"{collection} {slug!r} has no deploy preview yet{state}; try again later")
    click.echo(printable(check.url if check.state == "success" else f"{check.url} ({check.state})"))
