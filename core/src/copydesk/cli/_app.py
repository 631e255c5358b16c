"""The verbs of the ``copydesk`` command. Each opens a site, calls the library once or twice, and prints."""

from __future__ import annotations

import logging
import os
import re
import sys
from pathlib import Path
from typing import Any, Final

import attrs
import click

from copydesk import __version__
from copydesk.cli._show import entries_as_json, print_entries, print_json, print_table
from copydesk.cli._site import Site, site_options
from copydesk.errors import ConflictError, CopydeskError, NotFoundError
from copydesk.models import FileVersion, User
from copydesk.workflow import Entry, Workflow

__all__ = ["cli", "run"]

FAILED: Final = 1
CONFLICT: Final = 3

as_json = click.option("--json", "json_output", is_flag=True, help="Print JSON for programs.")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="copydesk")
@click.option("--debug", is_flag=True, help="Show tracebacks and log messages.")
@click.pass_context
def cli(context: click.Context, debug: bool) -> None:
    """Read and write the content of a site kept in a git repository, through an editorial workflow.

    Exit codes: 0 done, 1 failed, 2 wrong usage, 3 conflict.
    """
    context.obj = debug
    level = logging.DEBUG if debug else logging.WARNING
    logging.basicConfig(level=level, format="copydesk: %(message)s")


def run() -> None:
    """Run the command and exit with its code."""
    try:
        cli.main(standalone_mode=False, prog_name="copydesk")
    except click.ClickException as exc:
        exc.show()
        sys.exit(exc.exit_code)
    except click.exceptions.Exit as exc:
        sys.exit(exc.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("copydesk: interrupted; make the same call again to finish what it had begun", err=True)
        sys.exit(FAILED)
    except BrokenPipeError:
        # Whoever read our output has left; Python would complain once more while it shuts down.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(FAILED)
    except CopydeskError as exc:
        if "--debug" in sys.argv:
            raise
        click.echo(f"copydesk: {exc}", err=True)
        sys.exit(CONFLICT if isinstance(exc, ConflictError) else FAILED)


# -- backends -----------------------------------------------------------------------------------------


@cli.group()
def backends() -> None:
    """Look at the backends that are installed."""


@backends.command("list")
@as_json
def list_backends(json_output: bool) -> None:
    """List what is installed; no plugin is imported for it."""
    from copydesk.registry import installed_backends

    found = installed_backends()
    if json_output:
        print_json([{"name": b.name, "distribution": b.distribution, "version": b.version} for b in found])
    elif found:
        print_table(
            ["backend", "distribution", "version"], [(b.name, b.distribution, b.version) for b in found]
        )
    else:
        click.echo("no backend is installed; try: pip install copydesk-local", err=True)


@backends.command("show")
@click.argument("name")
@as_json
def show_backend(name: str, json_output: bool) -> None:
    """Show the options of backend NAME."""
    from copydesk.registry import load_backend

    factory, origin = load_backend(name)
    options = [_option(field) for field in attrs.fields(factory.options)]
    if json_output:
        print_json({"name": origin.name, "distribution": origin.origin, "options": options})
        return
    click.echo(f"{origin.name} ({origin.origin})\n")
    print_table(["option", "default", "what it is"], [tuple(option.values()) for option in options])


def _option(field: attrs.Attribute[Any]) -> dict[str, str]:
    default: Any = field.default
    if default is attrs.NOTHING:
        shown = "required"
    elif hasattr(default, "takes_self"):  # an attrs.Factory
        shown = "depends" if default.takes_self else ""
    else:
        shown = str(default).lower() if isinstance(default, bool) else str(default)
    return {"name": field.name, "default": shown, "help": field.metadata["help"]}


# -- the workflow -------------------------------------------------------------------------------------


@cli.command()
@click.argument("collection", required=False)
@site_options
@as_json
def entries(site: Site, collection: str | None, json_output: bool) -> None:
    """List the entries of the site, or of one COLLECTION, with those under workflow."""
    workflow = site.open()
    with workflow.repository:
        found = _all_entries(workflow, collection)
    if json_output:
        print_json(entries_as_json(found))
    else:
        print_entries(found)


def _all_entries(workflow: Workflow, collection: str | None) -> list[Entry]:
    """List published and unpublished entries; one that is both is listed as what is under workflow."""
    names = [collection] if collection else [each.name for each in workflow.site.collections]
    drafts = [entry for entry in workflow.entries() if not collection or entry.collection == collection]
    taken = {(entry.collection, entry.slug) for entry in drafts}
    published = [
        entry
        for name in names
        for entry in workflow.published(name)
        if (entry.collection, entry.slug) not in taken
    ]
    return [*drafts, *published]


@cli.command()
@click.argument("collection")
@click.argument("slug")
@click.argument("file", type=click.File("rb"))
@click.option(
    "--media",
    metavar="PATH=FILE",
    multiple=True,
    help="A file that goes with it, at PATH of the site.",
)
@click.option(
    "--based-on", metavar="COMMIT", help="The commit that you edited, as `copydesk entries` shows it."
)
@click.option("-m", "--message", default="", help="Commit message.  [default: the site's template]")
@click.option("--author", metavar="'NAME <EMAIL>'", help="Author of the commit.  [default: who you are]")
@site_options
@as_json
def save(
    site: Site,
    collection: str,
    slug: str,
    file: Any,
    media: tuple[str, ...],
    based_on: str | None,
    message: str,
    author: str | None,
    json_output: bool,
) -> None:
    """Save FILE ("-" for standard input) as entry SLUG of COLLECTION.

    A new entry becomes a draft. To change one that exists, say which commit you edited with --based-on: if
    somebody else changed it since, nothing is written.
    """
    contents = dict(_medium(pair) for pair in media)
    user = _user(author) if author else None
    workflow = site.open()
    with workflow.repository:
        path = workflow.site.collection(collection).path_of(slug)
        contents[path] = file.read()
        versions = _versions(workflow, collection, slug, based_on, contents)
        entry = workflow.save(collection, slug, contents, based_on=versions, message=message, author=user)
    _tell("saved", entry, json_output)


def _medium(pair: str) -> tuple[str, bytes]:
    path, equals, file = pair.partition("=")
    if not (path and equals and file):
        raise click.BadParameter(f"{pair!r} is not PATH=FILE", param_hint="--media")
    try:
        return path, Path(file).read_bytes()
    except OSError as exc:
        raise click.BadParameter(f"cannot read {file!r}: {exc.strerror}", param_hint="--media") from exc


def _user(author: str) -> User:
    match = re.fullmatch(r"\s*([^<>]+?)\s*<([^<>]+)>\s*", author)
    if not match:
        raise click.BadParameter(f"{author!r} is not 'NAME <EMAIL>'", param_hint="--author")
    return User(match[1], match[1], match[2])


def _versions(
    workflow: Workflow, collection: str, slug: str, based_on: str | None, contents: dict[str, bytes]
) -> dict[str, FileVersion]:
    """Give the versions of the files as of the commit that was edited."""
    try:
        entry = workflow.get(collection, slug)
    except NotFoundError:
        return {}
    if based_on is None:
        short = entry.commit_sha[:10]
        raise ConflictError(
            f"{entry.collection} {entry.slug!r} exists already ({entry.status}, at {short}); if that is what "
            f"you edited, add: --based-on {short}",
            paths=(entry.path,),
        )
    repository = workflow.repository
    commit_sha = _full_sha(workflow, entry, based_on)
    return {e.path: e.version for e in repository.list_files(commit_sha) if e.path in contents}


def _full_sha(workflow: Workflow, entry: Entry, short: str) -> str:
    """Find the commit among those that led to the entry, newest first."""
    for commit in workflow.repository.list_commits(entry.commit_sha, limit=1000):
        if commit.commit_sha.startswith(short.lower()):
            return commit.commit_sha
    raise NotFoundError(
        f"no commit {short!r} led to {entry.collection} {entry.slug!r}; `copydesk entries` shows the one now"
    )


@cli.command()
@click.argument("collection")
@click.argument("slug")
@click.argument("status", required=False)
@site_options
@as_json
def status(site: Site, collection: str, slug: str, status: str | None, json_output: bool) -> None:
    """Show where an entry stands, or move its draft to STATUS (draft, pending_review, pending_publish)."""
    workflow = site.open()
    with workflow.repository:
        if status is not None:
            workflow.set_status(collection, slug, status)
        entry = workflow.get(collection, slug)
    _tell("is" if status is None else "now", entry, json_output)


@cli.command()
@click.argument("collection")
@click.argument("slug")
@click.option("--commit", default="", metavar="COMMIT", help="Publish only if the draft is at this commit.")
@site_options
@as_json
def publish(site: Site, collection: str, slug: str, commit: str, json_output: bool) -> None:
    """Publish a draft that is pending_publish."""
    workflow = site.open()
    with workflow.repository:
        seen = ""
        if commit:
            seen = _full_sha(workflow, workflow.get(collection, slug), commit)
        entry = workflow.publish(collection, slug, head_commit_sha=seen)
    _tell("published", entry, json_output)


@cli.command()
@site_options
def repair(site: Site) -> None:
    """Finish what was interrupted, and remove what killed processes left in the way."""
    workflow = site.open()
    with workflow.repository:
        done = workflow.repair()
    for sentence in done or ("nothing to repair",):
        click.echo(sentence)


def _tell(verb: str, entry: Entry, json_output: bool) -> None:
    if json_output:
        print_json(entries_as_json([entry])[0])
        return
    number = f", pull request #{entry.pull_request.number}" if entry.pull_request else ""
    click.echo(f"{verb}: {entry.collection} {entry.slug} ({entry.status}{number}) at {entry.commit_sha[:10]}")
    if entry.problem:
        click.echo(f"but: {entry.problem}")


@cli.command()
@click.argument("directory", required=False, type=click.Path(path_type=Path))
def demo(directory: Path | None) -> None:
    """Take a small site through the workflow, in DIRECTORY or a temporary one, and show how to go on."""
    from copydesk.cli._demo import run_demo

    run_demo(directory)
