"""The processes that are measured, as the benchmark has hold of them: one forge, and a client at a time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, Final

import attrs

from benchmarks.reading.traffic import Traffic

__all__ = ["ClientError", "Server", "read_with", "serve"]

_ROOT: Final = Path(__file__).parents[2]
#: The benchmarks, and the simulators, which belong to the tests and are not installed.
_PATH: Final = os.pathsep.join((str(_ROOT), str(_ROOT / "tests")))
#: The longest that a client may take, preparations included.
_PATIENCE: Final = 600.0


class ClientError(Exception):
    """A client did not do what it was to do; the text is the last that it said."""


class _Process:
    """A program that is talked with in lines of JSON; what it complains of is kept."""

    def __init__(self, command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> None:
        self._complaints: IO[str] = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 - see close
        # Compiled once for all: whether that is kept beside the sources depends on the installer.
        compiled = {"PYTHONPYCACHEPREFIX": str(folder / "compiled"), "PYTHONDONTWRITEBYTECODE": ""}
        self._program = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._complaints,
            text=True,
            cwd=_ROOT,
            env={**os.environ, "PYTHONPATH": _PATH, **compiled, **environment},
        )
        self._alarm = threading.Timer(_PATIENCE, self._program.kill)

    def patient(self) -> None:
        """Let it live no longer than is reasonable."""
        self._alarm.daemon = True
        self._alarm.start()

    def say(self, line: str) -> None:
        with suppress(BrokenPipeError):  # what it complains of is told where its answer is missing
            self._in.write(f"{line}\n")
            self._in.flush()

    def hear(self) -> Any:
        """Give what the next line says."""
        line = self._out.readline()
        if not line:
            self._program.wait()
            self._complaints.seek(0)
            said = self._complaints.read().strip().splitlines()
            raise ClientError(said[-1] if said else f"it ended with {self._program.returncode}")
        return json.loads(line)

    @property
    def _in(self) -> IO[str]:
        if self._program.stdin is None:
            raise AssertionError("it was started with a pipe")
        return self._program.stdin

    @property
    def _out(self) -> IO[str]:
        if self._program.stdout is None:
            raise AssertionError("it was started with a pipe")
        return self._program.stdout

    def close(self) -> None:
        """Let it end, which it does when nobody talks to it any more."""
        self._alarm.cancel()
        with suppress(BrokenPipeError):
            self._in.close()
        try:
            self._program.wait(20)
        except subprocess.TimeoutExpired:
            self._program.kill()
            self._program.wait()
        self._out.close()
        self._complaints.close()


@attrs.define(eq=False)
class Server:
    """A forge; its commands are those of :mod:`benchmarks.reading.server`."""

    name: str
    _process: _Process
    url: str = ""

    def ask(self, do: str, **given: object) -> Any:
        self._process.say(json.dumps({"do": do, **given}))
        return self._process.hear()

    def begin(self, delay: float, refused: Sequence[str] = ()) -> None:
        """Be late from now on: a connection takes two turns to be made."""
        self.ask("begin", delay=delay, connection_delay=2 * delay, refused=list(refused))

    def end(self) -> Traffic:
        return Traffic.read(self.ask("end"))


@contextmanager
def serve(name: str, folder: Path) -> Iterator[Server]:
    """Run a forge by its name; what has been compiled is kept in a folder."""
    process = _Process([sys.executable, "-P", "-m", "benchmarks.reading.server", name], folder, {})
    try:
        server = Server(name, process)
        server.url = server.ask("address")
        yield server
    finally:
        process.close()


def read_with(
    command: Sequence[str],
    folder: Path,
    *,
    environment: Mapping[str, str] | None = None,
    before: Callable[[], object] = lambda: None,
) -> Mapping[str, Any]:
    """Run a client; *before* happens when it is ready, and then it reads.

    :raises ClientError: it did not.
    """
    process = _Process(command, folder, environment or {})
    process.patient()
    try:
        process.hear()
        before()
        process.say("go")
        found: Mapping[str, Any] = process.hear()
    finally:
        process.close()
    return found
