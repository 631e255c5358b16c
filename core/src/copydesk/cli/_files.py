"""The verbs about files of the repository, as they are: no workflow, one commit for each write."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

import click

from copydesk.cli._options import (
    author_options,
    based_on_option,
    input_file,
    is_commit,
    site_options,
    user_of,
)
from copydesk.cli._show import (
    as_json,
    commit_as_json,
    nothing_to_do,
    print_json,
    print_table,
    printable,
    with_based_on,
)
from copydesk.errors import ConflictError, InvalidInputError, NotFoundError

if TYPE_CHECKING:
    from copydesk.cli._site import Site
    from copydesk.models import Change, Commit, FileVersion
    from copydesk.repository import Repository

__all__ = [
    "base_head",
    "cat",
    "full_sha",
    "is_there",
    "log",
    "ls",
    "mv",
    "put",
    "require_seen",
    "rm",
    "versions_at",
]

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
@click.option(
    "-l", "--long", "with_details", is_flag=True, help="Show modes, and sizes where the backend tells them."
)
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
    if path and not commits:
        raise NotFoundError(f"no commit changed {path!r}; `copydesk ls` lists what is there")
    if json_output:
        return
    rows = [
        (c.commit_sha[:10], f"{c.date:%Y-%m-%d %H:%M}", c.author.name, c.message.partition("\n")[0])
        for c in commits
    ]
    print_table(["commit", "date (UTC)", "author", "message"], rows)


def _commit(repository: Repository, at: str) -> str:
    """Give the commit that *at* names: a branch, a commit, whole or abbreviated, or "" for the base branch."""
    if len(at) in {40, 64} and is_commit(at):
        return at.lower()
    try:
        return repository.get_branch(at or repository.base_branch).commit_sha
    except NotFoundError as exc:
        if not at:
            raise
        found = _found(repository, at.lower()) if is_commit(at) else ""
        if not found:
            raise NotFoundError(f"no branch or commit {at!r} is there; {_WHERE}") from exc
        return found


def _found(repository: Repository, short: str) -> str:
    """Find an abbreviated commit: the head of a draft, one that was published, or one of a draft."""
    drafts = repository.list_branches("cms/")
    published = repository.list_commits(base_head(repository), limit=_LOOKED_AT)
    heads = (branch.commit_sha for branch in drafts)
    near = _abbreviated({*heads, *(commit.commit_sha for commit in published)}, short)
    if near:
        return near
    # One request for each draft: only for what is nowhere else.
    each = repository.map_reads(lambda draft: repository.list_commits(draft.commit_sha, limit=100), drafts)
    return _abbreviated({commit.commit_sha for commits in each for commit in commits}, short)


# -- writing ------------------------------------------------------------------------------------------


@click.command()
@click.argument("path")
@input_file
@based_on_option("it must be new")
@branch_option
@author_options
@site_options
@as_json
def put(site: Site, path: str, file: Any, based_on: str | None, **how: Any) -> None:
    """Write FILE to PATH of the branch, in one commit.

    FILE may be "-" for standard input. To replace a file, say which commit you looked at with --based-on: if
    somebody else changed it since, nothing is written.
    """
    from copydesk.models import Put

    content, json_output = file.read(), how["json_output"]
    with site.repository() as repository:
        head = repository.get_branch(how["branch"] or repository.base_branch).commit_sha
        seen = versions_at(repository, head, based_on, [path]) if based_on is not None else {}
        if is_there(repository, head, path, content):
            if json_output:
                print_json(commit_as_json(repository.list_commits(head, limit=1)[0]))
            else:
                nothing_to_do(f"{path} is already so")
            return
        word = "Update" if path in seen else "Create"
        try:
            _write(repository, head, Put(path, content, seen.get(path)), f"{word} {path}", **how)
        except ConflictError as exc:
            if based_on is not None or path not in versions_at(repository, head, None, [path]):
                raise
            raise with_based_on(exc, repr(path), head) from exc


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


def is_there(repository: Repository, head: str, path: str, content: bytes) -> bool:
    """Tell whether a file has that content already: the same call again, as after an interruption."""
    try:
        return repository.read_file(head, path).content == content
    except NotFoundError:
        return False


# -- commits that somebody looked at ------------------------------------------------------------------


def base_head(repository: Repository) -> str:
    """Give the newest commit of the published content."""
    return repository.get_branch(repository.base_branch).commit_sha


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


def require_seen(paths: Iterable[str], seen: Mapping[str, FileVersion], based_on: str | None) -> None:
    """Refuse to remove or move what the user did not look at.

    :param based_on: the commit, "" for what is published, None for nothing at all.
    :raises InvalidInputError: it needs a commit that has the file.
    :raises NotFoundError: the commit that was named has no such file.
    """
    for path in paths:
        if path not in seen and based_on is None:
            raise InvalidInputError(
                f"cannot remove or move {path!r} of nothing that you looked at; add --based-on COMMIT, "
                "with a commit that has it"
            )
        if path not in seen:
            where = f"at commit {based_on}" if based_on else "in the published content"
            raise NotFoundError(f"no file {path!r} {where}; `copydesk ls` lists what is there")


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
    found = _abbreviated((c.commit_sha for c in repository.list_commits(head, limit=_LOOKED_AT)), short)
    if not found:
        raise InvalidInputError(f"no commit {short!r} led to {head[:10]}; {_WHERE}")
    return found


def _abbreviated(commit_shas: Iterable[str], short: str) -> str:
    """Give the one commit that begins with *short*, "" where none does.

    :raises InvalidInputError: more than one does.
    """
    found = {each for each in commit_shas if each.startswith(short)}
    if len(found) > 1:
        raise InvalidInputError(f"{short!r} is short for more than one commit: {', '.join(sorted(found))}")
    return next(iter(found), "")
