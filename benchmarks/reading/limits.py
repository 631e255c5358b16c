"""The limits that forges document, counted in what a client asked.

GitHub: "Rate limits for the REST API" and "Rate limits and query limits for the GraphQL API"; for git, "Repository
limits". GitLab: "GitLab.com settings" and "Rate limits". Bitbucket: "API request limits". Gitea has none; how
much it gives at once is the simulator's to keep, and so are the complexity of a query at GitLab and its length.
"""

from __future__ import annotations

import re
from collections import defaultdict, deque
from collections.abc import Callable, Iterable
from typing import Final

import attrs

from benchmarks.reading.traffic import Asked

__all__ = ["BITBUCKET", "GITEA", "GITHUB", "GITLAB", "Limits"]

_MINUTE: Final = 60.0
_HOUR: Final = 3600.0
_SHA: Final = re.compile(r"^[0-9a-f]{40}$")


@attrs.frozen
class Limit:
    """So many requests of one group in so many seconds; *group* names it, "" for what does not count."""

    name: str
    most: int
    seconds: float
    group: Callable[[Asked], str]

    def worst(self, asked: Iterable[Asked]) -> tuple[int, str]:
        """Give the most that were within the time, and their group."""
        recent: dict[str, deque[float]] = defaultdict(deque)
        worst = (0, "")
        for each in sorted(asked, key=lambda one: one.when):
            group = self.group(each)
            if not group:
                continue
            times = recent[group]
            times.append(each.when)
            while times[0] <= each.when - self.seconds:
                times.popleft()
            worst = max(worst, (len(times), group))
        return worst


@attrs.frozen
class Limits:
    """What a forge allows; *counts* says whether a request takes a point of its API's own quota."""

    windows: tuple[Limit, ...]
    counts: Callable[[Asked], bool]
    in_flight: int = 0

    def points(self, asked: Iterable[Asked]) -> int:
        return sum(map(self.counts, asked))

    def broken(self, asked: Iterable[Asked], in_flight: int) -> tuple[str, ...]:
        """Name the limits that were not kept."""
        asked = tuple(asked)
        found = []
        for limit in self.windows:
            count, group = limit.worst(asked)
            if count > limit.most:
                found.append(f"{limit.name}: {count:,} ({group})")
        if self.in_flight and in_flight > self.in_flight:
            found.append(f"{self.in_flight} requests in flight: {in_flight}")
        return tuple(found)


def _api(asked: Asked) -> bool:
    return asked.kind != "git" and "/legacy.tar.gz/" not in asked.path


def _is(kind: str) -> Callable[[Asked], str]:
    return lambda asked: kind if asked.kind == kind else ""


def _endpoint(asked: Asked) -> str:
    """Name the endpoint of GitHub's REST interface that a request went to."""
    if not _api(asked) or asked.kind == "GraphQL":
        return ""
    parts = asked.path.strip("/").split("/")
    if parts[0] != "repos":
        return parts[0]
    below = [part for part in parts[3:5] if not _SHA.match(part)]
    return " ".join(below if parts[3:4] == ["git"] else below[:1]) or "repository"


def _counted(asked: Asked) -> str:
    return "API" if _api(asked) else ""


def _github_points(asked: Asked) -> str:
    return "API" if _api(asked) and asked.kind != "GraphQL" and asked.status != 304 else ""


def _below(expression: str, name: str) -> Callable[[Asked], str]:
    pattern = re.compile(expression)
    return lambda asked: name if asked.kind in {"read", "304"} and pattern.search(asked.path) else ""


GITHUB: Final = Limits(
    (
        Limit("900 points a minute for an endpoint", 900, _MINUTE, _endpoint),
        Limit("2,000 points of GraphQL a minute", 2000, _MINUTE, _is("GraphQL")),
        Limit("5,000 requests an hour", 5000, _HOUR, _github_points),
        Limit("5,000 points of GraphQL an hour", 5000, _HOUR, _is("GraphQL")),
        Limit("15 reads by git a second", 15, 1.0, _is("git")),
    ),
    # A query of files or of one page of pull requests costs a point.
    lambda asked: _api(asked) and asked.status != 304,
    in_flight=100,
)
GITLAB: Final = Limits(
    (
        Limit("5 archives a minute", 5, _MINUTE, _is("archive")),
        Limit("2,000 requests a minute", 2000, _MINUTE, _counted),
        Limit("500 requests of files a minute", 500, _MINUTE, _below(r"/repository/files/", "files")),
        Limit("10,000 requests of git a minute", 10_000, _MINUTE, _is("git")),
    ),
    _api,
)
BITBUCKET: Final = Limits(
    (
        Limit(
            "1,000 requests an hour",
            1000,
            _HOUR,
            lambda asked: "repositories" if asked.path.startswith("/2.0/repositories/") else "",
        ),
        Limit("5,000 archives an hour", 5000, _HOUR, _is("archive")),
        Limit("60,000 requests of git an hour", 60_000, _HOUR, _is("git")),
    ),
    lambda asked: asked.path.startswith("/2.0/repositories/"),
)
GITEA: Final = Limits((), _api)
