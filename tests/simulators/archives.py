"""Archives, as git makes them for every forge."""

from __future__ import annotations

import functools
import os
import subprocess
from pathlib import Path

__all__ = ["git_archive"]


@functools.lru_cache(maxsize=16)
def git_archive(folder: Path, sha: str, prefix: str, path: str = "") -> bytes | None:
    """Pack a commit, or one path of it, below *prefix*; None where it is not there.

    Forges keep what they packed for whoever asks next, and so does this; packed fast, not small.
    """
    command = ["git", "archive", "--format=tar.gz", "-1", f"--prefix={prefix}", sha, *filter(None, [path])]
    # What is configured for whoever runs the tests is no concern of the forge's.
    outer = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    environment = {**outer, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    made = subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=False)
    return made.stdout if made.returncode == 0 else None
