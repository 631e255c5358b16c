"""What the repository of a suite holds at first."""

from __future__ import annotations

from typing import Final

import attrs

from copydesk.models import Mode

__all__ = ["SEED", "SeedFile"]


@attrs.frozen
class SeedFile:
    """One file of the seed."""

    path: str
    content: bytes
    mode: Mode = Mode.FILE


#: One commit on the default branch holds these and nothing else.
SEED: Final = (
    SeedFile("README.md", b"# A site\n"),
    SeedFile("bin/build.sh", b"#!/bin/sh\nexit 0\n", Mode.EXECUTABLE),
    SeedFile("content/posts-old/archive.md", b"a folder whose name begins like another\n"),
    SeedFile("content/posts/hello.md", b"---\ntitle: Hello\n---\none\ntwo\nthree\nfour\nfive\nsix\nseven\n"),
    SeedFile("content/posts/world.md", b"---\ntitle: World\n---\n\nbody\n"),
    SeedFile("content/ünïcode/ä ö.md", "grüße\n".encode()),
    SeedFile("empty.txt", b""),
    SeedFile("latest.md", b"content/posts/hello.md", Mode.SYMLINK),
    SeedFile("static/img/pixel.png", bytes(range(256))),
)
