"""A forge in a process of its own: it takes commands as lines of JSON and answers each with one."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import attrs
from simulators.store import Forge

from benchmarks.reading.forges import KINDS, Kind, allow
from benchmarks.reading.sites import Site, make_drafts, make_entries
from benchmarks.reading.traffic import Traffic
from benchmarks.reading.watched import Watched
from benchmarks.requests.sites import TOKEN


@attrs.define(eq=False)
class _Server:
    """The commands; each takes what stands beside its name and gives what is answered."""

    kind: Kind
    forge: Forge
    simulators: tuple[Watched, ...]
    sites: dict[str, Site] = attrs.field(factory=dict)
    #: The sites that are not in their first state.
    states: dict[str, int] = attrs.field(factory=dict)

    def entries(self, name: str, count: int, changed: list[int]) -> object:
        self.sites[name] = make_entries(self.forge, name, count, tuple(changed))
        return self._told(name)

    def drafts(self, name: str, count: int) -> object:
        self.sites[name] = make_drafts(self.forge, name, count, self.kind.mark)
        return self._told(name)

    def _told(self, name: str) -> object:
        return {str(changed): expected for changed, expected in self.sites[name].expected.items()}

    def point(self, name: str, changed: int) -> object:
        """Let a site be in the state with so many entries changed."""
        with self.forge.lock:
            self.sites[name].point(changed)
        self.states.pop(name, None)
        if changed:
            self.states[name] = changed
        for each in self.simulators:
            each.state = frozenset(self.states.items())
        return None

    def begin(self, delay: float, connection_delay: float, refused: list[str]) -> object:
        """Forget what was asked, and be so late from now on."""
        allow(self.simulators)
        for each in self.simulators:
            each.forget()
            each.delay, each.connection_delay = delay, connection_delay
            each.refused = frozenset(refused)
        return None

    def end(self) -> object:
        """Tell what was asked, and be late no more."""
        asked = [each for simulator in self.simulators for each in simulator.asked]
        in_flight = max(each.most_in_flight for each in self.simulators)
        traffic = Traffic.of(
            asked,
            connections=sum(each.connections for each in self.simulators),
            in_flight=in_flight,
            points=self.kind.limits.points(asked),
            broken=self.kind.limits.broken(asked, in_flight),
        )
        self.begin(0.0, 0.0, [])
        return attrs.asdict(traffic)

    def address(self) -> object:
        return self.simulators[0].url + self.kind.root


@contextmanager
def _served(kind: Kind, folder: Path) -> Iterator[_Server]:
    with ExitStack() as stack:
        forge = stack.enter_context(closing(Forge(folder)))
        forge.add_token(TOKEN, forge.add_user("owner", "Site Owner", "owner@example.org"))
        simulators = kind.make(forge)
        for each in simulators:
            stack.enter_context(each)
        yield _Server(kind, forge, simulators)


def _answer(server: _Server, command: Mapping[str, Any]) -> object:
    given = dict(command)
    return getattr(server, given.pop("do"))(**given)


def main() -> None:
    with (
        tempfile.TemporaryDirectory(prefix="copydesk-benchmarks-") as folder,
        _served(KINDS[sys.argv[1]], Path(folder)) as server,
    ):
        for line in sys.stdin:
            print(json.dumps(_answer(server, json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
