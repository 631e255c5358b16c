"""What an import costs, in a fresh interpreter each time, and what the command costs to start."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from benchmarks.measure import Clock, Figure, compare

__all__ = ["figures"]

_FLOOR: Final = "import attrs, pluggy"
_COMMAND_FLOOR: Final = "import click, rich"
#: Timed inside the interpreter: its own start would only pull every ratio towards 1.
_CHILD: Final = "import time; start = time.perf_counter(); {}; print(time.perf_counter() - start)"


def fresh(statement: str, cache: Path) -> Clock:
    """Make the clock of a statement in an interpreter of its own, which compiles nothing.

    The rounds that warm up leave the compiled modules in *cache*: whether those beside the sources exist
    depends on the installer and on PYTHONDONTWRITEBYTECODE, and compiling costs twice as much as importing.
    """
    command = [sys.executable, "-P", "-X", f"pycache_prefix={cache}", "-c", _CHILD.format(statement)]
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}

    def clock() -> float:
        done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
        return float(done.stdout)

    return clock


def figures(cache: Path, rounds: int) -> Iterator[Figure]:
    floor = fresh(_FLOOR, cache)
    for statement, limit in (
        ("import copydesk", 1.5),
        ("from copydesk import open_repository", None),
    ):
        ours = fresh(statement, cache)
        yield compare(f"`{statement}` / `{_FLOOR}`", ours, floor, rounds=rounds, limit=limit)
    floor = process(cache, "-c", _COMMAND_FLOOR)
    for arguments in (("--help",), ("backends", "list")):
        ours = process(cache, "-m", "copydesk", *arguments)
        name = f"`copydesk {' '.join(arguments)}` / `python -c '{_COMMAND_FLOOR}'`"
        yield compare(name, ours, floor, rounds=rounds, limit=2)


def process(cache: Path, *arguments: str) -> Clock:
    """Make the clock of a whole process, start and end of the interpreter included."""
    command = [sys.executable, "-P", "-X", f"pycache_prefix={cache}", *arguments]
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}

    def clock() -> float:
        start = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True, env=environment)
        return time.perf_counter() - start

    return clock
