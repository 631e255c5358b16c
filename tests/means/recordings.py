"""What a real forge answered to others, held against what a backend reads of it."""

from __future__ import annotations

import contextlib
import functools
import re
import time
from collections.abc import Callable, Collection, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
from copydesk import Repository
from copydesk.http import Answer, HttpSettings
from copydesk.testing import Answer as Played
from copydesk.testing import ServerSimulator
from simulators.recorded import FOLDER, Recorded, json_of, read

__all__ = ["Player", "Recordings", "answer_of", "check_all_read", "is_full", "is_time", "playing"]

_SHA = re.compile(r"[0-9a-f]{40}")


class Recordings:
    """Everything on record that a forge answered itself.

    :param patterns: of the names of files.
    """

    def __init__(self, *patterns: str) -> None:
        self.patterns = patterns

    @functools.cached_property
    def all(self) -> tuple[Recorded, ...]:
        names = [path.name for pattern in self.patterns for path in sorted(FOLDER.glob(pattern))]
        return tuple(each for name in names for each in read(name) if "sample" not in each.authenticity)

    def of(self, endpoint: str, *statuses: int) -> Iterator[tuple[Recorded, Any]]:
        """Give the answers of an endpoint, of status 200 if none is named, and what is in them.

        There must be some.
        """
        wanted = statuses or (200,)
        found = [each for each in self.all if each.endpoint == endpoint and each.status in wanted]
        assert found, f"nothing of {endpoint} is on record"
        for each in found:
            yield each, json_of(each.content)


def answer_of(each: Recorded) -> Answer:
    return Answer(each.status, each.answer_headers, each.content, each.url)


def is_full(sha: str | None) -> bool:
    return _SHA.fullmatch(sha or "") is not None


def is_time(time: datetime | None, text: str) -> bool:
    """Whether a time is that of the recording, aware and in UTC."""
    assert time is not None
    assert time.utcoffset() == timedelta(0)
    form = "%Y-%m-%dT%H:%M:%S.%f%z" if "." in text else "%Y-%m-%dT%H:%M:%S%z"
    return time == datetime.strptime(text, form).astimezone(UTC)


def check_all_read(endpoints: set[str], known: set[str], left_out: Collection[str]) -> None:
    """Check that each endpoint on record is known or left out, and that nothing is said of others.

    :param left_out: patterns.
    """
    rest = endpoints - known
    assert {each for each in rest if not any(re.fullmatch(key, each) for key in left_out)} == set()
    assert known - endpoints == set()
    assert {key for key in left_out if not any(re.fullmatch(key, each) for each in rest)} == set()


class Clock:
    """A time that passes where somebody sleeps."""

    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class Player:
    """Opens a backend whose next requests are answered with recorded answers, in their order."""

    def __init__(
        self,
        playback: ServerSimulator,
        settings: HttpSettings,
        connect: Callable[[str, HttpSettings], Repository],
        headers: Collection[str],
    ) -> None:
        self.playback = playback
        self.connect = connect
        self.headers = headers
        self.clock = Clock()
        self.settings = attrs.evolve(settings, clock=self.clock, sleep=self.clock.sleep)

    def __call__(self, *answers: Recorded) -> Repository:
        self.playback.clear()
        for each in answers:
            headers = {
                name: value for name, value in each.answer_headers.items() if name.lower() in self.headers
            }
            self.playback.inject(Played(each.status, each.content, headers))
        return self.connect(self.playback.url, self.settings)


@contextlib.contextmanager
def playing(
    settings: HttpSettings, connect: Callable[[str, HttpSettings], Repository], headers: Collection[str]
) -> Iterator[Player]:
    """Give a player.

    :param connect: opens a backend on the address of an API.
    :param headers: those that are played too, in lower case.
    """
    with ServerSimulator() as playback:
        yield Player(playback, settings, connect, headers)
