"""Who reads which forge."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Final

import attrs

from benchmarks.reading.environments import GITHUBKIT, OGR, PYGITHUB, PYTHON_GITLAB, Environment

__all__ = ["DECAP", "OURS", "PYGITHUB_AS_INSTALLED", "SIDES", "SVELTIA", "Pace", "Side"]

OURS: Final = "copydesk"
DECAP: Final = "Decap CMS, modelled"
SVELTIA: Final = "Sveltia CMS, modelled"
PYGITHUB_AS_INSTALLED: Final = "PyGithub"


class Pace(enum.Enum):
    """How somebody asks for much: it decides how large a site is read when it is timed."""

    AT_ONCE = enum.auto()
    ONE_BY_ONE = enum.auto()
    #: One by one with waits between.
    WAITING = enum.auto()


@attrs.frozen
class Side:
    """One way to read.

    :param module: its client, below :mod:`benchmarks.reading.clients`.
    :param tasks: what it can do, as a :class:`~benchmarks.reading.cases.Case` says it, and the word of its client.
    :param options: said to its client each time, and *first* besides when nothing is timed yet.
    :param environment: what it needs; None: the environment of the benchmark.
    :param most: entries of the largest site that it reads.
    :param changes: whether it reads a site again that has changed.
    """

    name: str
    module: str
    tasks: Mapping[str, str] = attrs.field(hash=False)
    options: tuple[str, ...] = ()
    first: tuple[str, ...] = ()
    environment: Environment | None = None
    pace: Pace = Pace.AT_ONCE
    most: int = 10_000
    changes: bool = True

    @property
    def ours(self) -> bool:
        return self.name == OURS


def _ours(backend: str) -> Side:
    tasks = {"cold": "load", "warm": "load", "drafts": "drafts", "stream": "stream"}
    return Side(OURS, "ours", tasks, (f"backend={backend}",))


def _decap(forge: str, *, changes: bool = False) -> Side:
    tasks = {"cold": "load", "warm": "warm", "drafts": "drafts"}
    return Side(DECAP, "editors", tasks, (f"editor=decap-{forge}",), most=1000, changes=changes)


def _sveltia(forge: str, *tasks: str, first: tuple[str, ...] = ()) -> Side:
    named = {"cold": "load", "warm": "warm", **{task: task for task in tasks}}
    return Side(SVELTIA, "editors", named, (f"editor=sveltia-{forge}",), first)


_LOAD: Final = {"cold": "load"}
_LOAD_AND_DRAFTS: Final = {"cold": "load", "drafts": "drafts"}
_FEW: Final = 100

SIDES: Final[Mapping[str, tuple[Side, ...]]] = {
    "GitHub": (
        _ours("github"),
        _sveltia("github", "drafts", first=("stagger=0",)),
        _decap("github", changes=True),
        Side(
            "githubkit, async",
            "by_githubkit",
            {"cold": "together"},
            environment=GITHUBKIT,
            most=1000,
        ),
        Side("githubkit", "by_githubkit", _LOAD, (), (), GITHUBKIT, Pace.ONE_BY_ONE, _FEW),
        Side(
            "PyGithub without its waits",
            "pygithub",
            _LOAD_AND_DRAFTS,
            ("waits=no",),
            (),
            PYGITHUB,
            Pace.ONE_BY_ONE,
            _FEW,
        ),
        Side(
            PYGITHUB_AS_INSTALLED,
            "pygithub",
            _LOAD_AND_DRAFTS,
            (),
            ("waits=no",),
            PYGITHUB,
            Pace.WAITING,
            _FEW,
        ),
        Side("ogr", "by_ogr", _LOAD, (), (), OGR, Pace.WAITING, _FEW),
    ),
    "GitLab": (
        _ours("gitlab"),
        _sveltia("gitlab", "drafts"),
        _decap("gitlab"),
        Side(
            "python-gitlab",
            "pythongitlab",
            _LOAD_AND_DRAFTS,
            (),
            (),
            PYTHON_GITLAB,
            Pace.ONE_BY_ONE,
            _FEW,
        ),
    ),
    "Bitbucket": (
        _ours("bitbucket"),
        _decap("bitbucket"),
        Side(
            "atlassian-python-api",
            "editors",
            _LOAD,
            ("editor=atlassian",),
            (),
            None,
            Pace.ONE_BY_ONE,
            _FEW,
        ),
    ),
    "Gitea": (_ours("gitea"), _sveltia("gitea")),
}
