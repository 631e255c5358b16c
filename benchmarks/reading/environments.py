"""The libraries that are compared with, each in an environment of its own: some do not bear one another."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import attrs

__all__ = ["GITHUBKIT", "OGR", "PYGITHUB", "PYTHON_GITLAB", "Environment"]


@attrs.frozen
class Environment:
    """What is installed together; the first requirement is what it is there for."""

    name: str
    requirements: tuple[str, ...]

    def make(self, folder: Path) -> Path | None:
        """Make it with uv and give its interpreter; None where that cannot be, as without a network."""
        uv = shutil.which("uv")
        if uv is None:
            return None
        place = folder / self.name
        python = place / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
        commands = (
            [uv, "venv", "--quiet", "--python", sys.executable, str(place)],
            [uv, "pip", "install", "--quiet", "--python", str(python), *self.requirements],
        )
        for command in commands:
            done = subprocess.run(command, check=False, capture_output=True, text=True)
            if done.returncode:
                print(f"{self.name} takes no part: {done.stderr.strip()[-300:]}", file=sys.stderr, flush=True)
                return None
        return python


# The one place of these versions. githubkit 0.16 was released with hishel 2, with which it cannot be imported.
PYGITHUB: Final = Environment("pygithub", ("PyGithub==2.10.0",))
PYTHON_GITLAB: Final = Environment("python-gitlab", ("python-gitlab==8.6.0",))
OGR: Final = Environment("ogr", ("ogr==0.61.0", "PyGithub==2.10.0"))
GITHUBKIT: Final = Environment("githubkit", ("githubkit==0.15.5", "hishel==0.1.5"))
