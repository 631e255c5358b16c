"""A forge to work on: what plays it, and who works on it in which way."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import attrs
from copydesk.testing import ServerSimulator
from simulators.store import Forge, PullRequest, Repository

from benchmarks.requests.editors import Editor
from benchmarks.requests.sites import DRAFTS, PNG, PREFIX, TOKEN, files, path_of

__all__ = ["Bench", "Cost", "Pace", "Served", "Side"]


class Pace(enum.Enum):
    """How somebody asks for much: it decides how large a site is loaded when it is timed."""

    AT_ONCE = enum.auto()
    ONE_BY_ONE = enum.auto()
    #: One by one with waits between: it is timed only, for it asks the same as without them.
    WAITING = enum.auto()


@attrs.frozen
class Side:
    """One way to work; *opener* takes the address of the forge's API and the name of a repository."""

    name: str
    opener: Callable[[str, str], Editor] = attrs.field(repr=False)
    pace: Pace = Pace.AT_ONCE


@attrs.frozen
class Cost:
    """What one step asked: requests, and the bytes of their bodies, without headers."""

    requests: int
    sent: int
    received: int
    #: Seconds that had to be waited between the requests.
    waited: float = 0.0

    @property
    def size(self) -> int:
        return self.sent + self.received


def by_label(site: Repository, pull: PullRequest, status: str) -> None:
    """Say by a label what a draft is."""
    site.set_labels(pull, [status])


@attrs.define(eq=False)
class Served:
    """A forge that answers, and its repositories.

    :param root: where its API is below the server.
    :param mark: says what a draft is.
    """

    forge: Forge
    simulator: ServerSimulator
    root: str
    mark: Callable[[Repository, PullRequest, str], object] = by_label

    @property
    def url(self) -> str:
        return self.simulator.url + self.root

    def clear(self) -> None:
        """Forget what was asked."""
        self.simulator.clear()

    def cost(self) -> Cost:
        """Tell what was asked since it was forgotten."""
        log = self.simulator.log
        # The log has the body that an answer to HEAD would have; it is not sent.
        received = sum(len(each.response_bytes) for each in log if each.method != "HEAD")
        return Cost(len(log), sum(len(each.request_body) for each in log), received)

    def add_site(self, name: str) -> Repository:
        """Add a repository with a few entries and the drafts of a list, each with an image."""
        site = self.forge.add_repository(f"owner/{name}", files(3))
        for slug in (f"draft-{number:02}" for number in range(DRAFTS)):
            branch, title = f"cms/posts/{slug}", f"Create {slug}"
            draft = {path_of(slug): f"# {slug}\n".encode(), f"static/img/{slug}.png": PNG}
            site.commit_files(branch, draft, title, start="main")
            self.mark(site, site.open_pull(title, branch, "main"), f"{PREFIX}draft")
        return site


@attrs.frozen
class Bench:
    """One forge; all others are compared with the first of its sides."""

    name: str
    simulator: Callable[[Forge], ServerSimulator] = attrs.field(repr=False)
    sides: tuple[Side, ...]
    #: The distribution that others use, whose version is told.
    library: str
    #: What has to be known of its sides, as items of a list in Markdown.
    notes: str = attrs.field(repr=False)
    root: str = ""
    #: Says on the forge what a draft is.
    mark: Callable[[Repository, PullRequest, str], object] = attrs.field(default=by_label, repr=False)
    #: Files of the largest site that is timed.
    most: int = 1000

    @property
    def counted(self) -> tuple[Side, ...]:
        return tuple(side for side in self.sides if side.pace is not Pace.WAITING)

    @contextmanager
    def served(self, folder: Path) -> Iterator[Served]:
        """Let it answer over repositories in a folder."""
        with closing(Forge(folder)) as forge:
            forge.add_token(TOKEN, forge.add_user("owner", "Site Owner", "owner@example.org"))
            with self.simulator(forge) as simulator:
                yield Served(forge, simulator, self.root, self.mark)
