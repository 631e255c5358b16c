"""Where the objects of a repository are: what ``.lfsconfig`` says, or the forge."""

from __future__ import annotations

import configparser
from typing import Final

import attrs

from copydesk.errors import ConfigError, NotSupportedError
from copydesk.http import origin_of

__all__ = ["LFS_CONFIG", "Place", "find_place"]

#: Where a repository names its LFS server (git-lfs-config(5)).
LFS_CONFIG: Final = ".lfsconfig"


@attrs.frozen
class Place:
    """The address of an LFS server; *trusted* where it may be sent the credential of the forge."""

    address: str
    trusted: bool


def find_place(lfsconfig: bytes | None, of_forge: str | None) -> Place:
    """Find the server: that of ``.lfsconfig``, else the forge's own.

    Who can write into a repository can write its ``.lfsconfig``: what stands there is sent the credential only if
    it is on the forge's own server.

    :raises NotSupportedError: nobody names one.
    :raises ConfigError: ``.lfsconfig`` names something else than an address.
    """
    named = _read_url(lfsconfig) if lfsconfig is not None else ""
    if named:
        return Place(named.rstrip("/"), trusted=of_forge is not None and _origin(named) == _origin(of_forge))
    if of_forge:
        return Place(of_forge, trusted=True)
    raise NotSupportedError(
        "this site keeps large files in Git LFS, and nobody says where: set large_media_url, or lfs.url in "
        ".lfsconfig"
    )


def _origin(address: str) -> str:
    try:
        return origin_of(address)
    except ValueError as exc:
        raise ConfigError(
            "'lfs.url' in .lfsconfig must be an https address without user and password, such as "
            "'https://example.org/lfs'; or set large_media_url",
            key="lfs.url",
        ) from exc


def _read_url(content: bytes) -> str:
    """Read ``lfs.url``; git indents its lines, which this parser would take for more of the one before."""
    parser = configparser.RawConfigParser(strict=False, allow_no_value=True)
    lines = (line.strip() for line in content.decode("utf-8", "replace").splitlines())
    try:
        parser.read_string("\n".join(lines))
    except configparser.Error as exc:
        raise ConfigError(
            f".lfsconfig cannot be read: {exc.__class__.__name__}; mend it", key="lfs.url"
        ) from exc
    return (parser.get("lfs", "url", fallback="") or "").strip('"')
