"""Showing things to people, and to programs."""

from __future__ import annotations

import contextlib
import shutil
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

if TYPE_CHECKING:
    from copydesk.errors import ConflictError
    from copydesk.models import Commit
    from copydesk.reading import Progress
    from copydesk.workflow import Entry

__all__ = [
    "as_json",
    "commit_as_json",
    "entries_as_json",
    "in_bytes",
    "in_words",
    "nothing_to_do",
    "print_entries",
    "print_json",
    "print_table",
    "printable",
    "progress",
    "reading",
    "tell",
    "waiting",
    "with_based_on",
]

T = TypeVar("T")

#: Blanks between two columns.
_GAP: Final = 2

as_json = click.option("--json", "json_output", is_flag=True, help="Print JSON for programs.")


def printable(text: str) -> str:
    """Give a text as a terminal may show it: what would move the cursor or change colours is escaped."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape", "backslashreplace").decode()
        for char in text
    )


def print_json(data: Any) -> None:
    """Print data for a program."""
    import json  # only for programs

    click.echo(json.dumps(data, indent=2, ensure_ascii=False))


def print_table(
    columns: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    spare: Sequence[str] = (),
    whole: Sequence[str] = (),
) -> None:
    """Print a table without the columns that are empty.

    What is too long for the terminal is folded; without a terminal a row stays on its line.

    :param spare: columns that a narrow terminal does without, before anything is folded; the first goes first.
    :param whole: columns that are never folded.
    """
    cells = [[printable(cell) for cell in row] for row in rows]
    used = [at for at in range(len(columns)) if not cells or any(row[at] for row in cells)]
    widths = {at: max(_width(line[at]) for line in (columns, *cells)) for at in used}
    room = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    for name in spare:
        if room is not None and _total(widths.values()) > room:
            widths.pop(columns.index(name), None)
    columns, cells = [columns[at] for at in widths], [[row[at] for at in widths] for row in cells]
    if room is not None and _total(widths.values()) > room:
        _print_folded(columns, cells, whole)
        return
    for number, row in enumerate([columns, *cells]):
        padded = [
            cell + " " * (width - _width(cell)) for cell, width in zip(row, widths.values(), strict=True)
        ]
        click.secho((" " * _GAP).join(padded).rstrip(), bold=not number)


def _total(widths: Collection[int]) -> int:
    return sum(widths) + _GAP * (len(widths) - 1)


def _width(text: str) -> int:
    """Count the columns that a text takes."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len  # 20 ms, and most tables need none of it

    return cell_len(text)


def _print_folded(columns: Sequence[str], rows: Iterable[Sequence[str]], whole: Sequence[str]) -> None:
    # Costs 90 ms to import, and only a table that does not fit needs it.
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, padding=(0, _GAP, 0, 0), pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold", no_wrap=column in whole)
    for row in rows:
        table.add_row(*row)
    Console(highlight=False, markup=False, emoji=False).print(table)


@contextlib.contextmanager
def waiting(words: str) -> Iterator[None]:
    """Show *words* and that something is going on, where somebody looks and while it lasts."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console

    with Console(stderr=True, highlight=False).status(words):
        yield


def progress(words: str, items: Sequence[T]) -> Iterator[T]:
    """Give *items*, with a bar of how many are done where somebody looks."""
    if not sys.stderr.isatty() or len(items) < 2:
        yield from items
        return
    from rich.console import Console
    from rich.progress import track

    yield from track(items, words, console=Console(stderr=True), transient=True)


def in_bytes(size: int) -> str:
    """Give a number of bytes in a unit that fits."""
    return f"{size / 2**20:.1f} MiB" if size >= 2**20 else f"{size / 2**10:.0f} KiB"


@contextlib.contextmanager
def reading(words: str) -> Iterator[Callable[[Progress], None]]:
    """Give what is to be told how far a reading is, and shows it in a bar where somebody looks."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich import progress as bars
    from rich.console import Console

    columns = (*bars.Progress.get_default_columns(), bars.TextColumn("{task.fields[size]}"))
    with bars.Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        files = bar.add_task(words, total=None, size="")

        def tell(done: Progress) -> None:
            bar.update(files, completed=done.files, total=done.total, size=in_bytes(done.size))

        yield tell


def print_entries(entries: Iterable[Entry]) -> None:
    """Print entries with what is needed to go on with them."""
    rows = [
        (
            entry.collection or "?",
            entry.slug or (entry.pull_request.head if entry.pull_request else "?"),
            f"{entry.status} (delete)" if entry.deletes else str(entry.status),
            f"#{entry.pull_request.number}" if entry.pull_request else "",
            entry.author,
            f"{entry.updated_at:%Y-%m-%d %H:%M}" if entry.updated_at else "",
            entry.commit_sha[:10],
            entry.problem,
        )
        for entry in entries
    ]
    columns = ["collection", "slug", "status", "pull", "author", "changed (UTC)", "commit", "problem"]
    print_table(columns, rows, spare=("author", "changed (UTC)"), whole=("status", "pull", "commit"))


def entries_as_json(entries: Iterable[Entry]) -> list[dict[str, Any]]:
    """Give entries as plain data."""
    return [
        {
            "collection": entry.collection,
            "slug": entry.slug,
            "status": entry.status.value,
            "path": entry.path,
            "commit_sha": entry.commit_sha,
            "versions": {path: version.to_json() for path, version in entry.versions.items()},
            "changed_paths": list(entry.changed_paths),
            "pull_request": entry.pull_request.number if entry.pull_request else None,
            "url": entry.pull_request.url if entry.pull_request else None,
            "author": entry.author,
            "updated_at": entry.updated_at.isoformat() if entry.updated_at else None,
            "deletes": entry.deletes,
            "problem": entry.problem,
        }
        for entry in entries
    ]


def commit_as_json(commit: Commit) -> dict[str, Any]:
    """Give a commit as plain data."""
    return {
        "commit_sha": commit.commit_sha,
        "parent_commit_shas": list(commit.parent_commit_shas),
        "author": {"name": commit.author.name, "email": commit.author.email, "login": commit.author.login},
        "date": commit.date.isoformat(),
        "message": commit.message,
    }


def in_words(conflict: ConflictError, words: str, commit_sha: str) -> ConflictError:
    """Give a conflict with what a person at a terminal does next; *commit_sha* is what is there now."""
    from copydesk.errors import ConflictError

    return ConflictError(
        words,
        branch=conflict.branch,
        paths=conflict.paths,
        versions=conflict.versions,
        head_commit_sha=commit_sha,
    )


def with_based_on(conflict: ConflictError, what: str, commit_sha: str) -> ConflictError:
    """Give the conflict of a write that named no commit, with what a person at a terminal does next."""
    short = commit_sha[:10]
    words = f"{what} exists already, at {short}; if that is what you edited, add: --based-on {short}"
    return in_words(conflict, words, commit_sha)


def nothing_to_do(why: str) -> None:
    """Say that all is already as it was asked for."""
    click.echo(printable(f"nothing to do: {why}"), err=True)


def tell(verb: str, entry: Entry, json_output: bool) -> None:
    """Say in one line what a command did to an entry."""
    if json_output:
        print_json(entries_as_json([entry])[0])
        return
    number = f", pull request #{entry.pull_request.number}" if entry.pull_request else ""
    words = f"{entry.collection} {entry.slug} ({entry.status}{number}) at {entry.commit_sha[:10]}"
    click.echo(printable(f"{verb}: {words}"))
    if entry.problem:
        click.echo(printable(f"but: {entry.problem}"))
