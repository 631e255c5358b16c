"""The verbs about what was read and is kept on this computer: what it is, and away with it."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

import click

from copydesk.cli._options import site_options
from copydesk.cli._show import as_json, in_bytes, print_json, print_table, printable, reading
from copydesk.errors import NotSupportedError, UnavailableError

if TYPE_CHECKING:
    from copydesk.cli._site import Site
    from copydesk.store import BlobStore, StoreInfo

__all__ = ["cache"]


@click.group()
def cache() -> None:
    """Show, fill or remove what is kept of what was read."""


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
        ("size", in_bytes(info.size)),
        ("limit", in_bytes(info.limit)),
        ("used", "yes" if used else "no, COPYDESK_CACHE is off"),
        *([("problem", info.problem)] if info.problem else []),
    ]
    print_table(["what", "is"], rows)


@cache.command("fill")
@click.argument("folder", default="")
@site_options
@as_json
def fill_cache(site: Site, folder: str, json_output: bool) -> None:
    """Read what is published below FOLDER, or all of it, so that from then on only what is new is asked for."""
    files = size = 0
    with site.bare_repository() as repository:
        if not repository.keeps:
            raise NotSupportedError(
                f"nothing of this site is kept on this computer: the {repository.backend} backend has it here "
                "already, or cache: off, COPYDESK_CACHE or a missing extra says so; see: copydesk cache info"
            )
        with reading("reading") as tell:
            for file in repository.read_all(folder.rstrip("/"), progress=tell):
                files, size = files + 1, size + len(file.content)
    if json_output:
        print_json({"files": files, "size": size})
        return
    click.echo(f"read: {files:,} files, {in_bytes(size)}")


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
        f"{in_bytes(info.size)} (files: {info.blobs:,}, trees: {info.snapshots:,})"
        if info.size
        else "nothing"
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
