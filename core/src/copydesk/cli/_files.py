"""The verbs about files of the repository, as they are: no workflow, one commit for each write."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

import click

from copydesk.cli._options import author_options, based_on_option, site_options, user_of
from copydesk.cli._show import as_json, commit_as_json, print_json, print_table, printable, with_based_on
from copydesk.errors import ConflictError, InvalidInputError, NotFoundError

if TYPE_CHECKING:
    from copydesk.cli._site import Site
    from copydesk.models import Change, Commit, FileVersion
    from copydesk.repository import Repository

__all__ = ["cat", "full_sha", "log", "ls", "mv", "put", "rm", "versions_at"]

#: How many commits are searched for one that is abbreviated.
_LOOKED_AT: Final = 1000
_WHERE: Final = "`copydesk entries` and `copydesk log` show commits"

at_option = click.option(
    "--at", "at", metavar="BRANCH|COMMIT", default="", help="Where to look.  [default: the published content]"
)
branch_option = click.option(
    "--branch", metavar="NAME", default="", help="Branch to commit to.  [default: the published content]"
)


# -- reading ------------------------------------------------------------------------------------------


@click.command()
@click.argument("folder", default="")
@click.option("-l", "--long", "with_details", is_flag=True, help="Show modes and sizes.")
@at_option
@site_options
@as_json
def ls(site: Site, folder: str, at: str, with_details: bool, json_output: bool) -> None:
    """List the files below FOLDER, or all."""
    with site.repository() as repository:
        files = repository.list_files(_commit(repository, at), folder.rstrip("/"))
    if json_output:
        print_json([{"path": f.path, "size": f.size, "version": f.version.to_json()} for f in files])
    elif with_details:
        rows = [(f.version.mode, "" if f.size is None else str(f.size), f.path) for f in files]
        print_table(["mode", "size", "path"], rows)
    else:
        for file in files:
            click.echo(printable(file.path))
    if not files and folder:
        raise NotFoundError(f"no files below {folder!r}; `copydesk ls` lists all")


@click.command()
@click.argument("path")
@at_option
@site_options
def cat(site: Site, path: str, at: str) -> None:
    """Print the file PATH as it is."""
    with site.repository() as repository:
        content = repository.read_file(_commit(repository, at), path).content
    sys.stdout.buffer.write(content)


@click.command()
@click.argument("path", default="")
@click.option("-n", "--limit", type=click.IntRange(1), default=20, show_default=True, help="How many.")
@at_option
@site_options
@as_json
def log(site: Site, path: str, limit: int, at: str, json_output: bool) -> None:
    """List the commits that changed PATH, or all, newest first."""
    with site.repository() as repository:
        commits = repository.list_commits(_commit(repository, at), path, limit)
    if json_output:
        print_json([commit_as_json(commit) for commit in commits])
        return
    rows = [
        (c.commit_sha[:10], f"{c.date:%Y-%m-%d %H:%M}", c.author.name, c.message.partition("\n")[0])
        for c in commits
    ]
    print_table(["commit", "date (UTC)", "author", "message"], rows)


def _commit(repository: Repository, at: str) -> str:
    """Give the commit that *at* names: a full sha, a branch, or "" for the base branch."""
    import re

    if re.fullmatch(r"[0-9a-f]{40}", at):
        return at
    return repository.get_branch(at or repository.base_branch).commit_sha


# -- writing ------------------------------------------------------------------------------------------


@click.command()
@click.argument("path")
@click.argument("file", type=click.File("rb"))
@based_on_option("it must be new")
@branch_option
@author_options
@site_options
@as_json
def put(site: Site, path: str, file: Any, based_on: str | None, **how: Any) -> None:
    """Write FILE ("-" for standard input) to PATH of the branch, in one commit.

    To replace a file, say which commit you looked at with --based-on: if somebody else changed it since,
    nothing is written.
    """
    from copydesk.models import Put

    content = file.read()
    with site.repository() as repository:
        head = repository.get_branch(how["branch"] or repository.base_branch).commit_sha
        seen = versions_at(repository, head, based_on, [path]) if based_on is not None else {}
        word = "Update" if path in seen else "Create"
        try:
            _write(repository, head, Put(path, content, seen.get(path)), f"{word} {path}", **how)
        except ConflictError as exc:
            if based_on is not None or path not in versions_at(repository, head, None, [path]):
                raise
            if repository.read_file(head, path).content != content:
                raise with_based_on(exc, repr(path), head) from exc
            click.echo(printable(f"no change: {path} is already so"), err=True)


@click.command()
@click.argument("path")
@based_on_option("as it is now")
@branch_option
@author_options
@site_options
@as_json
def rm(site: Site, path: str, based_on: str | None, **how: Any) -> None:
    """Remove the file PATH, in one commit."""
    from copydesk.models import Delete

    with site.repository() as repository:
        head, version = _seen(repository, how["branch"], path, based_on)
        _write(repository, head, Delete(path, version), f"Delete {path}", **how)


@click.command()
@click.argument("path")
@click.argument("to")
@based_on_option("as it is now")
@branch_option
@author_options
@site_options
@as_json
def mv(site: Site, path: str, to: str, based_on: str | None, **how: Any) -> None:
    """Rename the file PATH to TO, which must be new, in one commit."""
    from copydesk.models import Move

    with site.repository() as repository:
        head, version = _seen(repository, how["branch"], path, based_on)
        _write(repository, head, Move(path, to, version), f"Move {path} to {to}", **how)


def _seen(repository: Repository, branch: str, path: str, based_on: str | None) -> tuple[str, FileVersion]:
    """Give the head of the branch, and the version of the file that the user looked at."""
    name = branch or repository.base_branch
    head = repository.get_branch(name).commit_sha
    versions = versions_at(repository, head, based_on, [path])
    if path not in versions:
        raise NotFoundError(f"no file {path!r} on branch {name!r}; `copydesk ls` lists what is there")
    return head, versions[path]


def _write(
    repository: Repository,
    head: str,
    change: Change,
    default: str,
    *,
    branch: str,
    message: str,
    author: str | None,
    json_output: bool,
) -> None:
    from copydesk.models import NewCommit

    name = branch or repository.base_branch
    commit = repository.commit_changes(NewCommit(name, head, (change,), message or default, user_of(author)))
    _told(commit, name, json_output)


def _told(commit: Commit, branch: str, json_output: bool) -> None:
    if json_output:
        print_json(commit_as_json(commit))
        return
    click.echo(printable(f"{commit.message.partition(chr(10))[0]}: {branch} at {commit.commit_sha[:10]}"))


# -- commits that somebody looked at ------------------------------------------------------------------


def versions_at(
    repository: Repository, head: str, based_on: str | None, paths: list[str]
) -> dict[str, FileVersion]:
    """Give what files were at the commit that the user looked at; those that were not there are left out.

    :param head: a commit that came after it, or the same.
    :param based_on: its sha, at least the beginning; None for *head* itself.
    :raises InvalidInputError: no such commit, or more than one.
    """
    commit_sha = head if based_on is None else full_sha(repository, head, based_on)
    return {e.path: e.version for e in repository.list_files(commit_sha) if e.path in paths}


def full_sha(repository: Repository, head: str, short: str) -> str:
    """Find the commit that begins with *short* among those that led to *head*; a whole sha is one that exists.

    :raises InvalidInputError: there is none, or more than one.
    """
    if short == head:
        return head
    if len(short) == len(head):
        try:
            return repository.list_commits(short, limit=1)[0].commit_sha
        except NotFoundError as exc:
            raise InvalidInputError(f"there is no commit {short!r}; {_WHERE}") from exc
    found = _abbreviated(repository.list_commits(head, limit=_LOOKED_AT), short)
    if not found:
        raise InvalidInputError(f"no commit {short!r} led to {head[:10]}; {_WHERE}")
    return found


def _abbreviated(commits: Iterable[Commit], short: str) -> str:
    """Give the one commit that begins with *short*, "" where none does.

    :raises InvalidInputError: more than one does.
    """
    found = {commit.commit_sha for commit in commits if commit.commit_sha.startswith(short)}
    if len(found) > 1:
        raise InvalidInputError(f"{short!r} is short for more than one commit: {', '.join(sorted(found))}")
    return next(iter(found), "")
