"""Showing things to people, and to programs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

import click

from copydesk.workflow import Entry

__all__ = ["entries_as_json", "print_entries", "print_json", "print_table"]


def print_json(data: Any) -> None:
    """Print data for a program."""
    click.echo(json.dumps(data, indent=2, ensure_ascii=False))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table as wide as the terminal, or as its content where there is none."""
    # Costs 40 ms to import, and only commands that show a table need it.
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*row)
    console = Console(highlight=False, markup=False)
    if not console.is_terminal:
        # Nobody looks: a row stays on its line, however long.
        console = Console(highlight=False, markup=False, width=max(200, console.measure(table).maximum + 1))
    console.print(table)


def print_entries(entries: Iterable[Entry]) -> None:
    """Print entries with what is needed to go on with them."""
    rows = [
        (
            entry.collection or "?",
            entry.slug or (entry.pull_request.head if entry.pull_request else "?"),
            f"{entry.status} (delete)" if entry.deletes else str(entry.status),
            _number(entry),
            entry.author,
            f"{entry.updated_at:%Y-%m-%d %H:%M}" if entry.updated_at else "",
            entry.commit_sha[:10],
            entry.problem,
        )
        for entry in entries
    ]
    columns = ["collection", "slug", "status", "pull", "author", "changed (UTC)", "commit", "problem"]
    if not any(row[-1] for row in rows):
        columns, rows = columns[:-1], [row[:-1] for row in rows]  # type: ignore[misc]  # rows get shorter
    print_table(columns, rows)


def _number(entry: Entry) -> str:
    return f"#{entry.pull_request.number}" if entry.pull_request else ""


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
