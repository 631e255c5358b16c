"""How a client talks with the benchmark: it says that it is ready, is told to go, and says what it took.

This is run in environments that have nothing else of the benchmark's: the standard library must do.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import resource
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, NamedTuple

__all__ = ["Given", "Go", "digest", "serve"]

_STATUS: Final = Path("/proc/self/status")


class Given(NamedTuple):
    """What a client is told."""

    url: str
    token: str
    repo: str
    options: Mapping[str, str]


#: Reads, and gives what it read by path, or the number of files where it keeps none of them.
Go = Callable[[], Mapping[str, bytes] | int]


def digest(files: Mapping[str, bytes]) -> str:
    """Give what is the same where paths and bytes are."""
    return digest_of({path: _blob_sha(content) for path, content in files.items()})


def digest_of(shas: Mapping[str, str]) -> str:
    """Give the same of blob shas."""
    lines = (f"{path} {sha}\n" for path, sha in sorted(shas.items()))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _blob_sha(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def peak() -> int:
    """Give the most bytes of memory that the process has had.

    A system's own count may begin with what the parent had when it started this process (Linux does that), and the
    one in its status does not.
    """
    if _STATUS.exists():
        line = next(line for line in _STATUS.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def serve(tasks: Mapping[str, Callable[[Given], Go]]) -> None:
    """Do the task of the command line: prepare it, say so, wait, do it, say what it took."""
    parser = argparse.ArgumentParser()
    parser.add_argument("task", choices=tasks)
    for name in ("--url", "--token", "--repo"):
        parser.add_argument(name, default="")
    parser.add_argument("--option", action="append", default=[])
    read = parser.parse_args()
    options = dict(each.split("=", 1) for each in read.option)
    go = tasks[read.task](Given(read.url, read.token, read.repo, options))
    idle = peak()
    _say({"ready": True})
    sys.stdin.readline()
    cpu, start = time.process_time(), time.perf_counter()
    found = go()
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    grown = peak() - idle
    kept = {} if isinstance(found, int) else found
    count = found if isinstance(found, int) else len(found)
    _say(
        {
            "seconds": seconds,
            "cpu": cpu,
            "peak": grown,
            "count": count,
            "digest": digest(kept) if kept else "",
        }
    )


def _say(facts: Mapping[str, object]) -> None:
    print(json.dumps(facts), flush=True)
