"""What the suite for HTTP backends hits, and with what: reads, writes, faults, and calls that are watched."""

from __future__ import annotations

import json
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, cast

import attrs
import pytest
from werkzeug import Request, Response

from copydesk.errors import CopydeskError, NotFoundError
from copydesk.http import Gates, HttpSettings
from copydesk.models import NewCommit, PullRequest, Put, TreeEntry
from copydesk.repository import Repository
from copydesk.testing._server import Answer, CutBody, Exchange, Fault, Reset, ServerSimulator
from copydesk.testing._steps import EDITOR, Steps

__all__ = [
    "DEEDS",
    "FOREVER",
    "HARM",
    "PASSING",
    "READS",
    "TROUBLE",
    "Clock",
    "Deed",
    "Known",
    "Outcome",
    "Read",
    "Stranger",
    "Strike",
    "Trials",
    "garbage",
    "skip_unsupported",
]

FOREVER: Final = 10**9
PNG: Final = b"\x89PNG\0\xff"

Arm = Callable[[ServerSimulator], object]


class Clock:
    """Time that passes by sleeping alone."""

    def __init__(self, now: float = 0.0) -> None:
        self.now = now or float(int(time.time()))
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


class Stranger(ServerSimulator):
    """Another origin, that nobody has a reason to ask."""

    def respond(self, request: Request) -> Response:
        return Response("[]", content_type="application/json")

    def told(self) -> str:
        """Give everything that it was sent."""
        return " ".join(
            f"{each.path} {each.query} {dict(each.request_headers)} {each.request_body!r}"
            for each in self.log
        )


@attrs.define(eq=False)
class Strike:
    """Chooses one request of a call, by its number from 0."""

    position: int
    fired: bool = False
    _seen: int = 0

    def __call__(self, _: Request) -> bool:
        hit = self._seen == self.position
        self._seen += 1
        self.fired = self.fired or hit
        return hit


# -- calls that are watched ---------------------------------------------------------------------------


def _shown_log(log: tuple[Exchange, ...]) -> str:
    shown = [f"{each.method} {each.path}: {each.status}" for each in log[:10]]
    return f"<{len(log)} requests: {', '.join(shown)}{', …' if len(log) > 10 else ''}>"


@attrs.frozen
class Outcome:
    """What became of one call, what was asked for it, and how long it waited."""

    value: Any
    error: CopydeskError | None
    log: tuple[Exchange, ...] = attrs.field(repr=_shown_log)
    clock: Clock = attrs.field(repr=False)

    @property
    def slept(self) -> list[float]:
        return self.clock.slept


@attrs.define(eq=False)
class Trials:
    """Makes calls on repositories that know nothing yet, each with its own client, clock and limits."""

    server: ServerSimulator
    connect: Callable[[HttpSettings], Repository]
    secret: str = attrs.field(repr=False)
    #: When every call begins: whole seconds, so that a date can name them.
    now: float = attrs.field(factory=lambda: float(int(time.time())))

    def settings(self, clock: Clock, **changes: Any) -> HttpSettings:
        given: dict[str, Any] = {
            "clock": clock,
            "sleep": clock.sleep,
            "jitter": max,
            "gates": Gates(),
            "environ": {},
            "timeout": (5, 20),
            "max_wait": 60.0,
        }
        return HttpSettings(**{**given, **changes})

    def attempt(
        self, call: Callable[[Repository], object], arm: Arm | None = None, **settings: Any
    ) -> Outcome:
        """Make a call on a server that was prepared by *arm*.

        Whatever it raises is an error of copydesk that does not tell the secret.
        """
        clock = Clock(self.now)
        value: object = None
        error: Exception | None = None
        with self.connect(self.settings(clock, **settings)) as repository:
            self.server.clear()
            if arm is not None:
                arm(self.server)
            try:
                value = call(repository)
            except Exception as exc:  # noqa: BLE001 - which ones may leave a backend is what is tested
                error = exc
        log = tuple(self.server.log)
        self.server.clear()
        for each in log:
            assert self.secret not in f"{each.path} {each.query}", "the secret stands in an address"
        if error is not None:
            self._check_error(error)
        assert error is None or isinstance(error, CopydeskError)
        return Outcome(value, error, log, clock)

    def _check_error(self, error: Exception) -> None:
        problem = (
            "" if isinstance(error, CopydeskError) else f"{error!r} left the backend: no error of copydesk"
        )
        if problem:
            raise AssertionError(problem) from error
        told = traceback.TracebackException.from_exception(error, capture_locals=True)
        # Our own frame, and those of the test above it, may know the secret.
        del told.stack[0]
        links: list[str] = []
        link: BaseException | None = error
        while link is not None:
            links.append(f"{link} {link!r} {vars(link)}")
            link = link.__cause__ or link.__context__
        assert self.secret not in f"{''.join(told.format())} {links}", "the secret is told by an error"


# -- reads --------------------------------------------------------------------------------------------


@attrs.frozen
class Known:
    """What the reads are about: a branch with a pull request, its commit and the files in it."""

    branch: str
    base_commit_sha: str
    commit_sha: str
    entries: tuple[TreeEntry, ...]
    pull: PullRequest | None = None


@attrs.frozen
class Read:
    """One read, by the operation that it asks."""

    name: str
    operation: str
    call: Callable[[Repository, Known], object] = attrs.field(repr=False)


READS: Final = (
    Read("authenticate", "authenticate", lambda repo, _: repo.authenticate()),
    Read("get_repository", "get_repository", lambda repo, _: repo.get_repository()),
    Read("get_branch", "get_branch", lambda repo, known: repo.get_branch(known.branch)),
    Read(
        "get_branch_known",
        "get_branch",
        lambda repo, known: repo.get_branch(known.branch, known.base_commit_sha),
    ),
    Read("list_branches", "list_branches", lambda repo, known: repo.list_branches(known.branch)),
    Read("list_files", "list_files", lambda repo, known: repo.list_files(known.commit_sha)),
    Read("list_files_in", "list_files", lambda repo, known: repo.list_files(known.commit_sha, "content")),
    Read("read_file", "read_file", lambda repo, known: repo.read_file(known.commit_sha, "README.md")),
    Read("read_files", "read_files", lambda repo, known: repo.read_files(known.commit_sha, known.entries)),
    Read(
        "read_folder",
        "read_files",
        # What a version tells besides may depend on the way by which it was read.
        lambda repo, known: [
            (file.path, file.content, file.version.mode, file.version.blob_sha)
            for file in repo.read_folder(known.commit_sha, "content/posts")
        ],
    ),
    Read("list_commits", "list_commits", lambda repo, known: repo.list_commits(known.commit_sha, limit=5)),
    Read(
        "last_changes",
        "last_changes",
        lambda repo, known: dict(repo.last_changes(known.commit_sha, ["README.md"])),
    ),
    Read("compare", "compare", lambda repo, known: repo.compare(known.base_commit_sha, known.commit_sha)),
    Read(
        "list_pull_requests",
        "list_pull_requests",
        lambda repo, known: repo.list_pull_requests("all", head=known.branch),
    ),
    Read(
        "list_changed_files",
        "list_changed_files",
        lambda repo, known: repo.list_changed_files(cast("PullRequest", known.pull)),
    ),
    Read("list_checks", "list_checks", lambda repo, known: repo.list_checks(known.commit_sha)),
)


def garbage(exchange: Exchange) -> Iterator[Answer]:
    """Give what a proxy, a login page or another version might answer with status 200 instead."""
    yield Answer(200, b"<!DOCTYPE html><title>Sign in</title>", content_type="text/html; charset=utf-8")
    yield Answer(200, b"")
    yield Answer(200, b"<html>not what it says</html>")
    try:
        real = json.loads(exchange.response_bytes)
    except ValueError:
        real = None
    if isinstance(real, list):
        bodies = (b"{}", b'{"message": "it has moved"}', b"null", b"[null]", b'["a text"]')
    else:
        bodies = (b"{}", b"[]", b"[[]]", b"null", b'"a text"')
    yield from (Answer(200, body) for body in bodies)


# -- writes -------------------------------------------------------------------------------------------


def _nothing_more(_steps: Steps, _about: Any, _made: Any) -> None:
    """Check nothing."""


@attrs.frozen
class Deed:
    """One write, and how to see whether and how often it was done.

    :param prepare: makes what the write is about, with names of its own, and gives it.
    :param count: how often each part of it was done, the main one first.
    :param check: what holds besides where it succeeded, by what it answered.
    """

    name: str
    operation: str
    prepare: Callable[[Steps, str], Any] = attrs.field(repr=False)
    act: Callable[[Repository, Any], Any] = attrs.field(repr=False)
    count: Callable[[Steps, Any], tuple[int, ...]] = attrs.field(repr=False)
    check: Callable[[Steps, Any, Any], None] = attrs.field(repr=False, default=_nothing_more)


def _head(steps: Steps, branch: str) -> str | None:
    try:
        return steps.head(branch)
    except NotFoundError:
        return None


def _commits(steps: Steps, branch: str, message: str, path: str = "") -> int:
    """Count the commits with that message; without a history, whether the file is there."""
    head = _head(steps, branch)
    if head is None:
        return 0
    if "list_commits" not in steps.repo.operations:
        return int(path in steps.paths(branch))
    found = steps.repo.list_commits(head, limit=30)
    return sum(message in commit.message for commit in found)


def _pulls(steps: Steps, head: str) -> int:
    return len(steps.repo.list_pull_requests("all", head=head))


def _on_branch(steps: Steps, name: str) -> NewCommit:
    start = steps.branch(name, Put(f"{name}/start.md", b"start")).commit_sha
    changes = (Put(f"{name}/text.md", b"text"), Put(f"{name}/image.png", PNG + name.encode()))
    return NewCommit(name, start, changes, f"Write {name}", None)


def _new_branch(steps: Steps, name: str) -> NewCommit:
    changes = (Put(f"{name}/text.md", b"text"),)
    return NewCommit(name, steps.head(), changes, f"Write {name}", None, creates_branch=True)


def _committed(steps: Steps, commit: NewCommit) -> tuple[int, ...]:
    return (_commits(steps, commit.branch, commit.message, f"{commit.branch}/text.md"),)


def _check_commit(steps: Steps, commit: NewCommit, made: Any) -> None:
    assert made.commit_sha == steps.head(commit.branch)
    assert made.parent_commit_shas == (commit.parent_commit_sha,)


def _check_pull(steps: Steps, head: str, made: Any) -> None:
    (pull,) = steps.repo.list_pull_requests("open", head=head)
    assert (made.number, made.head_commit_sha) == (pull.number, pull.head_commit_sha)
    assert set(made.labels) == set(pull.labels) == set(steps.new_labels)


def _check_merge(steps: Steps, pull: Any, made: Any) -> None:
    assert made.branch_deleted == (_head(steps, pull.head) is None)


def _check_proposal(steps: Steps, commit: NewCommit, made: Any) -> None:
    _check_commit(steps, commit, made.commit)
    _check_pull(steps, commit.branch, made.pull_request)


def _to_propose(steps: Steps, name: str) -> Any:
    steps.branch(name, Put(f"{name}/text.md", b"text"))
    return steps.new_pull_request(name, *steps.new_labels)


def _proposed(steps: Steps, name: str) -> Any:
    return steps.pull_request(name, Put(f"{name}/text.md", b"text"), labels=steps.labels[:1])


def _behind(steps: Steps, name: str) -> Any:
    pull = _proposed(steps, name)
    steps.commit(Put(f"{name}/base.md", b"base"))
    return pull


def _merged(steps: Steps, pull: Any) -> tuple[int, ...]:
    if "list_commits" not in steps.repo.operations:
        return (int(steps.now(pull).state == "merged"),)
    message = f"Merge {pull.head}"
    count = _commits(steps, steps.base, message)
    assert count >= int(steps.now(pull).state == "merged")
    return (count,)


def _updated(steps: Steps, pull: Any) -> tuple[int, ...]:
    if "list_commits" not in steps.repo.operations:
        return (int(f"{pull.head}/base.md" in steps.paths(pull.head)),)
    history = steps.repo.list_commits(steps.head(pull.head), limit=10)
    return (sum(pull.head_commit_sha in commit.parent_commit_shas for commit in history),)


def _rebased(steps: Steps, pull: Any) -> tuple[int, ...]:
    paths = steps.paths(pull.head)
    assert f"{pull.head}/text.md" in paths
    return (int(f"{pull.head}/base.md" in paths),)


def _branch_of(made: Any) -> str:
    """Give the branch of a commit that wrote one file, by the folder of the file."""
    return str(next(iter(made.versions)).partition("/")[0])


def _check_labels(steps: Steps, _about: Any, made: Any) -> None:
    assert made.labels == steps.labels[1:]


def _check_closed(steps: Steps, pull: Any, made: Any) -> None:
    assert made.state == "closed"
    assert _head(steps, pull.head) is None


def _check_deleted(steps: Steps, made: Any, _: Any) -> None:
    # It may say False where its own first request deleted the branch and the answer was lost.
    assert _head(steps, _branch_of(made)) is None


def _check_updated(steps: Steps, pull: Any, made: Any) -> None:
    assert made.commit_sha == steps.head(pull.head)
    assert made.commit_sha != pull.head_commit_sha


DEEDS: Final = (
    Deed(
        "commit_changes",
        "commit_changes",
        _on_branch,
        lambda repo, commit: repo.commit_changes(commit),
        _committed,
        _check_commit,
    ),
    Deed(
        "commit_changes_for_somebody",
        "commit_changes",
        lambda steps, name: attrs.evolve(_on_branch(steps, name), author=EDITOR),
        lambda repo, commit: repo.commit_changes(commit),
        _committed,
        _check_commit,
    ),
    Deed(
        "commit_changes_on_a_new_branch",
        "commit_changes",
        _new_branch,
        lambda repo, commit: repo.commit_changes(commit),
        _committed,
        _check_commit,
    ),
    Deed(
        "propose_changes",
        "propose_changes",
        lambda steps, name: (_new_branch(steps, name), steps.new_pull_request(name, *steps.new_labels)),
        lambda repo, both: repo.propose_changes(*both),
        lambda steps, both: (*_committed(steps, both[0]), _pulls(steps, both[0].branch)),
        lambda steps, both, made: _check_proposal(steps, both[0], made),
    ),
    Deed(
        "create_pull_request",
        "create_pull_request",
        _to_propose,
        lambda repo, new: repo.create_pull_request(new),
        lambda steps, new: (_pulls(steps, new.head),),
        lambda steps, new, made: _check_pull(steps, new.head, made),
    ),
    Deed(
        "set_labels",
        "set_labels",
        lambda steps, name: (_proposed(steps, name), steps.labels),
        lambda repo, about: repo.set_labels(about[0], about[1][1:], about[1][:1]),
        lambda steps, about: (int(steps.now(about[0]).labels == steps.labels[1:]),),
        _check_labels,
    ),
    Deed(
        "merge_pull_request",
        "merge_pull_request",
        _proposed,
        lambda repo, pull: repo.merge_pull_request(pull, "merge", f"Merge {pull.head}"),
        _merged,
        _check_merge,
    ),
    Deed(
        "close_pull_request",
        "close_pull_request",
        _proposed,
        lambda repo, pull: repo.close_pull_request(pull),
        lambda steps, pull: (int(steps.now(pull).state == "closed"),),
        _check_closed,
    ),
    Deed(
        "delete_branch",
        "delete_branch",
        lambda steps, name: steps.branch(name, Put(f"{name}/text.md", b"text")),
        lambda repo, made: repo.delete_branch(_branch_of(made), made.commit_sha),
        lambda steps, made: (int(_head(steps, _branch_of(made)) is None),),
        _check_deleted,
    ),
    Deed(
        "update_from_base",
        "update_from_base",
        _behind,
        lambda repo, pull: repo.update_from_base(pull),
        _updated,
        _check_updated,
    ),
    Deed(
        "rebase_pull_request",
        "rebase_pull_request",
        _behind,
        lambda repo, pull: repo.rebase_pull_request(pull),
        _rebased,
        _check_updated,
    ),
)


# -- faults -------------------------------------------------------------------------------------------

TROUBLE: Final = b'{"message": "it has trouble"}'

#: What passes by itself.
PASSING: Final[tuple[Fault, ...]] = (
    Answer(500, TROUBLE),
    Answer(502, b"<html>Bad Gateway</html>", content_type="text/html"),
    Answer(503, TROUBLE),
    Answer(504, b"", content_type=""),
    Reset(),
    CutBody(),
)


def _once(fault: Fault, *, after: bool) -> Callable[[ServerSimulator, Strike], None]:
    return lambda server, strike: server.inject(fault, when=strike, after=after)


def _gone(server: ServerSimulator, strike: Strike) -> None:
    """The answer of one request is lost, and nothing after it arrives."""
    server.inject(Reset(), when=strike, after=True)
    server.inject(Reset(), when=lambda _: strike.fired, times=FOREVER)


#: What can become of one request of a write. The first four a backend survives or says so.
HARM: Final[Mapping[str, Callable[[ServerSimulator, Strike], None]]] = {
    "answer lost": _once(Reset(), after=True),
    "answer hidden": _once(Answer(502, b"<html>Bad Gateway</html>", content_type="text/html"), after=True),
    "never arrived": _once(Reset(), after=False),
    "failed": _once(Answer(502, TROUBLE), after=False),
    "answer lost, then away": _gone,
    "answer garbled": _once(Answer(200, b"<html>Sign in</html>", content_type="text/html"), after=True),
}


def skip_unsupported(operation: str, unsupported: frozenset[str]) -> None:
    """Skip the test of an operation that the backend declares as missing."""
    if operation in unsupported:
        pytest.skip(f"the backend declares {operation} unsupported")
