"""The verbs about what was read and is kept on this computer: what it is, and away with it."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

import click

from copydesk.cli._show import as_json, print_json, print_table, printable
from copydesk.errors import NotSupportedError, UnavailableError

if TYPE_CHECKING:
    from copydesk.store import BlobStore, StoreInfo

__all__ = ["cache"]


@click.group()
def cache() -> None:
    """Look at what was read and is kept for the next time, or remove it."""


@cache.command("info")
@as_json
def show_cache(json_output: bool) -> None:
    """Show where it is, how much, and how much it may be."""
    from copydesk.store import is_off  # the library, which help does not need

    with contextlib.closing(_store()) as store:
        info = store.info()
    used = not is_off(os.environ)
    if json_output:
        print_json({**_as_json(info), "used": used})
        return
    rows = [
        ("path", str(info.path)),
        ("files", f"{info.blobs:,}"),
        ("trees", f"{info.snapshots:,}"),
        ("size", _size(info.size)),
        ("limit", _size(info.limit)),
        ("used", "yes" if used else "no, COPYDESK_CACHE is off"),
        *([("problem", info.problem)] if info.problem else []),
    ]
    print_table(["what", "is"], rows)


@cache.command("clear")
@as_json
def clear_cache(json_output: bool) -> None:
    """Remove it, also where it is damaged; the next reading asks the forge for all."""
    info = _store().clear()
    if info.problem:
        raise UnavailableError(info.problem)
    if json_output:
        print_json(_as_json(info))
        return
    what = (
        f"{_size(info.size)} (files: {info.blobs:,}, trees: {info.snapshots:,})" if info.size else "nothing"
    )
    click.echo(printable(f"removed: {what} at {str(info.path)!r}"))


def _store() -> BlobStore:
    """Give the store of this person, also where it is off: it may be there from before.

    :raises NotSupportedError: the extra is not installed.
    """
    from copydesk.store import BlobStore, default_folder  # as above

    folder = default_folder({key: value for key, value in os.environ.items() if key != "COPYDESK_CACHE"})
    if folder is None:
        raise NotSupportedError(
            "what is read is kept only with platformdirs, which is not installed; "
            "try: pip install 'copydesk[cache]', or name a folder by COPYDESK_CACHE_DIR"
        )
    return BlobStore(folder)


def _as_json(info: StoreInfo) -> dict[str, str | int]:
    return {
        "path": str(info.path),
        "blobs": info.blobs,
        "snapshots": info.snapshots,
        "size": info.size,
        "limit": info.limit,
        "problem": info.problem,
    }


def _size(size: int) -> str:
    return f"{size / 2**20:.1f} MiB" if size >= 2**20 else f"{size / 2**10:.0f} KiB"
