"""Letting all sides do the work, step by step and in turns, and seeing that they did it."""

from __future__ import annotations

import gc
import itertools
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from typing import Final

import attrs
from copydesk.blobs import blob_sha
from simulators.store import Repository

from benchmarks.requests.bench import Cost, Served, Side
from benchmarks.requests.editors import LOAD, RELOAD, WORK, Editor, Step
from benchmarks.requests.sites import DRAFTS, files, path_of

__all__ = ["Outcome", "play"]


@attrs.frozen
class Outcome:
    """What a step cost one side; the seconds are those that passed, and those that should have."""

    side: str
    step: str
    cost: Cost
    seconds: float
    #: Whether the side refused to do it, for want of requests that the forge allows.
    refused: bool = False


#: Makes the names of repositories, all of one length: they are part of the bytes.
_NUMBERS: Final = itertools.count()


def play(served: Served, work: Sequence[Side], *, load: Mapping[Side, Collection[int]]) -> Iterator[Outcome]:
    """Let the sides take turns at each step, each on a repository of its own where it writes.

    :param work: who does the work of an editor.
    :param load: who loads sites, and of how many files.
    """
    for count in sorted({count for counts in load.values() for count in counts}):
        yield from _loads(served, [side for side, counts in load.items() if count in counts], count)
    yield from _works(served, work)


def _loads(served: Served, sides: Sequence[Side], count: int) -> Iterator[Outcome]:
    wanted = files(count)
    name = f"owner/files-{next(_NUMBERS):04}"
    served.forge.add_repository(name, wanted)  # nobody writes to it: all have the same
    with ExitStack() as stack:
        editors = [(side, stack.enter_context(closing(side.opener(served.url, name)))) for side in sides]
        for step in (LOAD, RELOAD):
            gc.collect()  # so that it seldom runs in between, which some would pay for others
            for side, editor in editors:
                outcome, loaded = _take(served, side, editor, step, step.name.format(f"{count:,}"))
                if loaded not in (wanted, None):
                    raise AssertionError(f"{side.name} did not load the site")
                yield attrs.evolve(outcome, refused=loaded is None)


def _works(served: Served, sides: Sequence[Side]) -> Iterator[Outcome]:
    sites = {side: served.add_site(f"site-{next(_NUMBERS):04}") for side in sides}
    with ExitStack() as stack:
        editors = [
            (side, stack.enter_context(closing(side.opener(served.url, site.full_name))))
            for side, site in sites.items()
        ]
        for step in WORK:
            gc.collect()
            for side, editor in editors:
                outcome, told = _take(served, side, editor, step, step.name)
                if isinstance(told, Mapping) and list(told.values()) != ["draft"] * DRAFTS:
                    raise AssertionError(f"{side.name} did not list the drafts: {told}")
                yield outcome
    for side, site in sites.items():
        _check(side, site)


def _check(side: Side, site: Repository) -> None:
    """See that the draft was published and the other one discarded, and that nothing else happened."""
    published = site.git.revparse_single(f"main:{path_of('new')}")
    left = [branch for branch, _ in site.branches("cms/") if "/draft-" not in branch]
    opened = sum(pull.state == "open" for pull in site.pulls())
    if str(published.id) != blob_sha(b"# Newer\n") or left or opened != DRAFTS:
        raise AssertionError(f"{side.name} did not do the work: {published.id}, {left}, {opened} open")


def _take(served: Served, side: Side, editor: Editor, step: Step, name: str) -> tuple[Outcome, object]:
    step.prepare(editor)
    served.clear()
    waited = editor.waited
    start = time.perf_counter()
    told = step.act(editor)
    seconds = time.perf_counter() - start
    waited = editor.waited - waited
    return Outcome(side.name, name, attrs.evolve(served.cost(), waited=waited), seconds + waited), told
