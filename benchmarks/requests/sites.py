"""What the repositories hold that everybody works on."""

from __future__ import annotations

from typing import Final, Literal

from copydesk.config import SiteConfig, parse_config

__all__ = ["DRAFTS", "PNG", "POSTS", "PREFIX", "TOKEN", "Status", "config_of", "files", "path_of"]

Status = Literal["draft", "pending_review", "pending_publish"]

TOKEN: Final = "full-token"
PREFIX: Final = "netlify-cms/"
#: The folder that all entries are in.
POSTS: Final = "content/posts"
#: The open drafts that a list shows.
DRAFTS: Final = 20
PNG: Final = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40

_CONFIG: Final = b"""\
backend: {name: %b, repo: owner/site, branch: main}
publish_mode: editorial_workflow
media_folder: static/img
collections:
  - {name: posts, label: Post, folder: content/posts}
"""


def config_of(backend: str) -> SiteConfig:
    return parse_config(_CONFIG % backend.encode(), "admin/config.yml")


def path_of(slug: str) -> str:
    return f"{POSTS}/{slug}.md"


def files(count: int) -> dict[str, bytes]:
    """Give the entries of a site, about 1 kB each."""
    words = "Nobody reads this twice. " * 40
    return {path_of(f"entry-{number:04}"): f"# {number}\n\n{words}\n".encode() for number in range(count)}
