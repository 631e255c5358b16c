"""The verbs that take a draft on its way: status, review, publishing, and what leads off it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from copydesk.cli._files import base_head, full_sha, require_seen, versions_at
from copydesk.cli._options import (
    author_options,
    based_on_option,
    checked_commit,
    entry_arguments,
    site_options,
    user_of,
)
from copydesk.cli._show import as_json, in_words, nothing_to_do, print_json, printable, tell, waiting
from copydesk.errors import ConflictError, NotFoundError

if TYPE_CHECKING:
    from copydesk.cli._site import Site
    from copydesk.models import FileVersion
    from copydesk.workflow import Workflow

__all__ = ["delete", "diff", "discard", "publish", "repair", "status", "unpublish", "update"]

_STATUSES: Final = ("draft", "pending_review", "pending_publish")

commit_option = click.option(
    "--commit", metavar="COMMIT", callback=checked_commit, help="Do it only if the draft is at this commit."
)


@click.command()
@entry_arguments
@click.argument("status", required=False, type=click.Choice(_STATUSES))
@site_options
@as_json
def status(site: Site, collection: str, slug: str, status: str | None, json_output: bool) -> None:
    """Show where an entry stands, or move its draft to STATUS."""
    with site.workflow(collection, slug) as workflow:
        entry = workflow.set_status(collection, slug, status) if status else workflow.get(collection, slug)
    tell("now" if status else "is", entry, json_output)


@click.command()
@entry_arguments
@site_options
@as_json
def diff(site: Site, collection: str, slug: str, json_output: bool) -> None:
    """Show what publishing a draft would change."""
    from copydesk.cli._diff import draft_changes, print_changes

    with site.workflow(collection, slug) as workflow:
        changes = draft_changes(workflow, collection, slug)
    if json_output:
        print_json([change.as_json() for change in changes])
    else:
        print_changes(changes)


@click.command()
@entry_arguments
@commit_option
@site_options
@as_json
def publish(site: Site, collection: str, slug: str, commit: str | None, json_output: bool) -> None:
    """Publish a draft that is pending_publish."""
    with site.workflow(collection, slug) as workflow:
        seen = _head(workflow, collection, slug, commit)
        entry = workflow.publish(collection, slug, head_commit_sha=seen)
    tell("published", entry, json_output)


@click.command()
@entry_arguments
@commit_option
@site_options
@as_json
def discard(site: Site, collection: str, slug: str, commit: str | None, json_output: bool) -> None:
    """Drop a draft: close its pull request, delete its branch.

    What is published stays as it is.
    """
    with site.workflow(collection, slug) as workflow:
        seen = _head(workflow, collection, slug, commit)
        workflow.discard(collection, slug, head_commit_sha=seen)
    if json_output:
        print_json({"collection": collection, "slug": slug, "discarded": True})
        return
    click.echo(printable(f"discarded: the draft of {collection} {slug}"))


def _head(workflow: Workflow, collection: str, slug: str, commit: str | None) -> str:
    """Give the whole sha of the commit that the user saw; "" for none."""
    if commit is None:
        return ""
    return full_sha(workflow.repository, workflow.get(collection, slug).commit_sha, commit)


@click.command()
@entry_arguments
@click.option("--remove", metavar="PATH", multiple=True, help="A file that goes with it, such as an image.")
@based_on_option("as it is published")
@author_options
@site_options
@as_json
def delete(
    site: Site,
    collection: str,
    slug: str,
    remove: tuple[str, ...],
    based_on: str | None,
    message: str,
    author: str | None,
    json_output: bool,
) -> None:
    """Make a draft that removes a published entry, to be reviewed.

    The entry stays on the site until that draft is published. Somebody's draft that edits it is in the way.
    """
    user = user_of(author)
    with site.workflow(collection, slug) as workflow:
        seen = _opened(workflow, collection, slug, based_on, remove)
        workflow.get(collection, slug)  # or say that there is none
        require_seen(remove, seen, based_on or "")
        try:
            entry = workflow.delete(
                collection, slug, based_on=seen, remove=remove, message=message, author=user
            )
        except ConflictError as exc:
            raise _with_draft(exc, workflow, collection, slug, based_on) from exc
    tell("to be deleted" if entry.pull_request else "deleted", entry, json_output)


@click.command()
@entry_arguments
@based_on_option("as it is published")
@author_options
@site_options
@as_json
def unpublish(
    site: Site,
    collection: str,
    slug: str,
    based_on: str | None,
    message: str,
    author: str | None,
    json_output: bool,
) -> None:
    """Take an entry off the site at once, keep it as a draft.

    The draft has the same bytes and is ready: publishing it brings the entry back.
    """
    user = user_of(author)
    with site.workflow(collection, slug) as workflow:
        seen = _opened(workflow, collection, slug, based_on, ())
        entry = workflow.unpublish(collection, slug, based_on=seen, message=message, author=user)
    tell("unpublished", entry, json_output)


def _opened(
    workflow: Workflow, collection: str, slug: str, based_on: str | None, more: tuple[str, ...]
) -> dict[str, FileVersion]:
    """Give the versions that the user looked at: without a commit, those that are published.

    A draft may be somebody else's: only who names a commit of it has looked at it.
    """
    repository = workflow.repository
    path = workflow.site.collection(collection).path_of(slug)
    if based_on is None:
        return versions_at(repository, base_head(repository), None, [path, *more])
    try:
        entry = workflow.get(collection, slug)
    except NotFoundError:  # taken off the site by a call that was cut
        return versions_at(repository, base_head(repository), based_on, [path, *more])
    return versions_at(repository, entry.commit_sha, based_on, [path, *more, *entry.changed_paths])


def _with_draft(
    conflict: ConflictError, workflow: Workflow, collection: str, slug: str, based_on: str | None
) -> ConflictError:
    """Say how a deletion goes on where a draft edits what it would delete."""
    entry = workflow.get(collection, slug)
    if based_on is not None or entry.pull_request is None:
        return conflict
    by = f" of {entry.author}" if entry.author else ""
    words = (
        f"{collection} {slug!r} has a draft{by} that edits it; publish or discard it first, or, to delete it all "
        f"the same, add: --based-on {entry.commit_sha[:10]}"
    )
    return in_words(conflict, words, entry.commit_sha)


@click.command()
@entry_arguments
@click.option(
    "--allow-rewrite", is_flag=True, help="Where the forge cannot merge, rebase: commits get other names."
)
@site_options
@as_json
def update(site: Site, collection: str, slug: str, allow_rewrite: bool, json_output: bool) -> None:
    """Merge what was published since into a draft.

    Its history is not rewritten, unless that is allowed and the forge has no other way.
    """
    with site.workflow(collection, slug) as workflow:
        before = workflow.get(collection, slug)
        entry = workflow.update_from_base(collection, slug, allow_rewrite=allow_rewrite)
    if entry.commit_sha == before.commit_sha and not json_output:
        nothing_to_do(f"the draft of {collection} {slug} has all that is published")
        return
    tell("updated", entry, json_output)


@click.command()
@site_options
@as_json
def repair(site: Site, json_output: bool) -> None:
    """Finish what was interrupted, and clear the way.

    Locks and unfinished writes that killed processes left are removed.
    """
    with site.workflow() as workflow, waiting("looking at every branch and pull request"):
        done = workflow.repair()
    if json_output:
        print_json(list(done))
        return
    for sentence in done or ("nothing to repair",):
        click.echo(printable(sentence))
