"""The tests that hold for every backend that speaks HTTP: what its forge, and the network, may do to it."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import partial
from typing import Any, ClassVar

import pytest
from werkzeug import Request

from copydesk.errors import (
    AuthenticationError,
    ConflictError,
    CopydeskError,
    NotFoundError,
    NotMergeableError,
    PermissionDeniedError,
    ProtocolError,
    RateLimitedError,
    UnavailableError,
)
from copydesk.http import HttpSettings
from copydesk.models import Put
from copydesk.repository import Repository
from copydesk.testing._http_means import (
    DEEDS,
    FOREVER,
    HARM,
    PASSING,
    READS,
    TROUBLE,
    Clock,
    Deed,
    Known,
    Outcome,
    Read,
    Stranger,
    Strike,
    Trials,
    garbage,
    skip_unsupported,
)
from copydesk.testing._server import Answer, CutBody, Exchange, Fault, Reset, ServerSimulator, Stall
from copydesk.testing._steps import LABELS, Steps
from copydesk.testing._suite import check_nothing_overridden

__all__ = ["HttpBackendSuite"]

REFUSED = b'{"message": "it is refused"}'
#: Statuses that no operation has a meaning for, where nothing but the status speaks.
ODD = (400, 409, 410, 418, 422)
#: More tries than a call may make of one request, with all that it does to find another way.
TRIES = 5

#: Reads that have another way where a limit of one of their requests is used up.
ANOTHER_WAY = frozenset({"read_files"})
#: Reads whose parts may be asked for at once, so that one may be on its way when another is refused.
AT_ONCE = frozenset({"read_files", "last_changes"})

each_read = pytest.mark.parametrize("read", READS, ids=lambda read: read.name)
each_deed = pytest.mark.parametrize("deed", DEEDS, ids=lambda deed: deed.name)


class _Means:
    """What an author gives, and what the tests make of it."""

    #: Operations that the forge does not have.
    unsupported: ClassVar[frozenset[str]] = frozenset()
    #: Reads that ask nothing of the server, for the configuration or a credential tells; nothing can hit them.
    free: ClassVar[frozenset[str]] = frozenset()
    #: The credential that *connect* uses, as it is sent; it must not be seen anywhere.
    secret: ClassVar[str] = ""
    #: How many branches and pull requests the listings are tested with; more than a page is best.
    many: ClassVar[int] = 12
    #: Two labels that the forge can hold, the first of them a status; the stranger the better.
    labels: ClassVar[tuple[str, str]] = LABELS
    #: Whether the forge holds but one label at a time.
    one_label: ClassVar[bool] = False

    @pytest.fixture(autouse=True)
    def nothing_is_kept(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Ask the server each time, and leave nothing on this computer."""
        monkeypatch.setenv("COPYDESK_CACHE", "off")

    @pytest.fixture
    def server(self) -> ServerSimulator:
        """Give a running simulator of the forge; of the scope that the author likes."""
        pytest.fail(
            "the suite needs a fixture 'server': a running ServerSimulator of the forge that holds SEED"
        )

    @pytest.fixture
    def connect(self, server: ServerSimulator) -> Callable[[HttpSettings], Repository]:
        """Give what opens a new Repository on the server, by the settings that it is given."""
        pytest.fail(
            "the suite needs a fixture 'connect': a function that takes HttpSettings, and opens a new Repository "
            "on the server with http= those settings and credential= the secret"
        )

    @pytest.fixture
    def trials(
        self,
        server: ServerSimulator,
        connect: Callable[[HttpSettings], Repository],
        caplog: pytest.LogCaptureFixture,
    ) -> Iterator[Trials]:
        """Make calls on the server that are watched; at the end no line of the log tells the secret."""
        assert self.secret, "the suite needs the class attribute 'secret': the credential that 'connect' uses"
        caplog.set_level("DEBUG")
        server.clear()
        yield Trials(server, connect, self.secret)
        server.clear()
        assert self.secret not in caplog.text, "the secret is told by the log"

    @pytest.fixture
    def steps(self, trials: Trials) -> Iterator[Steps]:
        """Prepare and look, by a repository that nothing happens to."""
        with trials.connect(trials.settings(Clock())) as repository:
            yield Steps(repository, self.labels, self.one_label)

    @pytest.fixture
    def name(self) -> Callable[[], str]:
        """Give names of branches that nothing has yet: the server may outlive the test."""
        return lambda: f"http-{uuid.uuid4().hex[:12]}"

    @pytest.fixture
    def known(self, steps: Steps, name: Callable[[], str]) -> Known:
        """Give what the reads are about."""
        branch, base = name(), steps.head()
        pull = steps.pull_request(branch, Put(f"{branch}.md", b"new"), labels=("netlify-cms/draft",))
        entries = steps.repo.list_files(pull.head_commit_sha, "content/posts")
        return Known(branch, base, pull.head_commit_sha, entries, pull)

    @pytest.fixture
    def stranger(self) -> Iterator[Stranger]:
        """Give another origin."""
        with Stranger() as stranger:
            yield stranger

    def _reads(self) -> list[Read]:
        return [read for read in READS if read.operation not in self.unsupported | self.free]

    def _deeds(self) -> list[Deed]:
        return [deed for deed in DEEDS if deed.operation not in self.unsupported]


class _Reading(_Means):
    """What may happen to a read: it is complete, or an error that says what to do."""

    @each_read
    def test_read_survives_what_passes(self, trials: Trials, known: Known, read: Read) -> None:
        """One failure of any of its requests is not seen: what is safe is sent again, on the injected clock."""
        truth = self._truth(trials, known, read)
        for position in range(len(truth.log)):
            for fault in PASSING:
                outcome = trials.attempt(self._call(read, known), self._hit(position, fault))
                assert outcome.error is None, f"{fault} at request {position} of {read.name}"
                assert outcome.value == truth.value, f"{fault} at request {position} of {read.name}"

    @pytest.mark.parametrize("fault", [Answer(503, TROUBLE), Reset()], ids=["503", "reset"])
    def test_reads_give_up(self, trials: Trials, known: Known, fault: Fault) -> None:
        """A forge that stays away is out of reach after a few requests, not an empty site."""
        for read in self._reads():
            truth = self._truth(trials, known, read)
            outcome = trials.attempt(
                self._call(read, known), lambda server: server.inject(fault, times=FOREVER)
            )
            assert isinstance(outcome.error, UnavailableError), outcome
            assert len(outcome.log) <= TRIES * (len(truth.log) + 2)
            assert sum(outcome.slept) <= 60

    @pytest.mark.parametrize("read", [each for each in READS if each.name in {"list_files", "read_files"}])
    def test_read_survives_silence(self, trials: Trials, known: Known, read: Read) -> None:
        """A request that is not answered in time is sent again."""
        truth = self._truth(trials, known, read)
        silent = self._hit(0, Stall(20))
        outcome = trials.attempt(self._call(read, known), silent, timeout=(5, 0.5))
        assert outcome.error is None, outcome
        assert outcome.value == truth.value

    @each_read
    def test_read_of_what_is_no_answer(self, trials: Trials, known: Known, read: Read) -> None:
        """A login page, an empty body, JSON of another shape: the right answer or ProtocolError, never nothing."""
        truth = self._truth(trials, known, read)
        for position, exchange in enumerate(truth.log):
            for answer in garbage(exchange):
                outcome = trials.attempt(self._call(read, known), self._hit(position, answer))
                told = f"{answer.body!r} at request {position} of {read.name}: {outcome}"
                if outcome.error is None:
                    assert outcome.value == truth.value, told
                else:
                    assert isinstance(outcome.error, ProtocolError), told

    def test_reads_refused_for_the_credential(self, trials: Trials, known: Known) -> None:
        """401 ends the call at once, and the message names every way to give a credential."""
        for read in self._reads():
            requests = len(self._truth(trials, known, read).log)
            at_once = read.operation in AT_ONCE
            self._check_unknown(trials, self._call(read, known), requests, at_once=at_once)

    def test_reads_refused_for_lack_of_rights(self, trials: Trials, known: Known) -> None:
        for read in self._reads():
            for position in range(len(self._truth(trials, known, read).log)):
                outcome = trials.attempt(
                    self._call(read, known), self._hit(position, Answer(403, REFUSED), FOREVER)
                )
                assert isinstance(outcome.error, PermissionDeniedError), (read.name, outcome)

    def test_reads_of_what_is_not_there(self, trials: Trials, known: Known) -> None:
        """Where everything is 404, what was asked for is not there: no empty listing, no empty file."""
        for read in self._reads():
            outcome = trials.attempt(
                self._call(read, known),
                lambda server: server.inject(Answer(404, b'{"message": "Not Found"}'), times=FOREVER),
            )
            assert isinstance(outcome.error, NotFoundError), outcome

    def test_reads_refused_oddly(self, trials: Trials, known: Known) -> None:
        """A status without a meaning here is an error, or was not needed; it is not taken for nothing."""
        for read in self._reads():
            truth = self._truth(trials, known, read)
            for position in range(len(truth.log)):
                for status in ODD:
                    outcome = trials.attempt(
                        self._call(read, known), self._hit(position, Answer(status, REFUSED))
                    )
                    told = f"{status} at request {position} of {read.name}: {outcome}"
                    assert outcome.error is not None or outcome.value == truth.value, told

    def test_reads_wait_for_the_limit(self, trials: Trials, known: Known) -> None:
        """429 with Retry-After in seconds: so long, by the injected clock, and then it succeeds."""
        for read in self._reads():
            truth = self._truth(trials, known, read)
            for position in range(len(truth.log)):
                outcome = trials.attempt(self._call(read, known), self._limited(position, "5"))
                if outcome.slept or read.operation not in ANOTHER_WAY:
                    self._check_waited(outcome, at_once=read.operation in AT_ONCE)
                assert outcome.error is None, outcome
                assert outcome.value == truth.value

    def test_reads_do_not_wait_for_long(self, trials: Trials, known: Known) -> None:
        for read in self._reads():
            self._check_limit(trials, self._call(read, known), at_once=read.operation in AT_ONCE)

    def test_reads_follow_within_the_origin(self, trials: Trials, known: Known) -> None:
        for read in self._reads():
            truth = self._truth(trials, known, read)
            for exchange in truth.log:
                there = f"{exchange.path}?{exchange.query}" if exchange.query else exchange.path
                moved = Answer(307, REFUSED, {"Location": there})
                # By its path and not by its number: parts may be asked for in any order.
                arm = partial(_answer, moved, partial(_is_asked, exchange))
                outcome = trials.attempt(self._call(read, known), arm)
                assert outcome.error is None, outcome
                assert outcome.value == truth.value

    def test_reads_are_not_led_elsewhere(self, trials: Trials, known: Known, stranger: Stranger) -> None:
        """A redirect to another origin takes no credential there."""
        for read in self._reads():
            truth = self._truth(trials, known, read)
            for position in range(len(truth.log)):
                leave = self._hit(position, Answer(302, REFUSED, {"Location": f"{stranger.url}/elsewhere"}))
                outcome = trials.attempt(self._call(read, known), leave)
                assert outcome.error is not None or outcome.value == truth.value, outcome
                self._check_stranger(stranger)

    @pytest.mark.parametrize(
        "read", [each for each in READS if each.operation.startswith("list_")], ids=lambda read: read.name
    )
    def test_listing_is_not_led_elsewhere(
        self, trials: Trials, known: Known, stranger: Stranger, read: Read
    ) -> None:
        """A next page on another origin is not asked for, and what came before it is not all there is."""
        truth = self._truth(trials, known, read)
        for position, exchange in enumerate(truth.log):
            leave = self._hit(position, _with_next(exchange, f"{stranger.url}/elsewhere?page=2"))
            outcome = trials.attempt(self._call(read, known), leave)
            assert isinstance(outcome.error, ProtocolError) or outcome.value == truth.value, outcome
            assert stranger.log == [], "it asked another origin"

    def test_listings_are_complete_over_pages(
        self, trials: Trials, steps: Steps, name: Callable[[], str]
    ) -> None:
        """All branches and pull requests, whatever happens to one of the pages."""
        prefix = name()
        start, base = steps.head(), steps.base
        for index in range(self.many):
            branch = f"{prefix}-{index:04}"
            steps.commit(Put(f"{branch}.md", b"x"), branch=branch, parent=start, creates_branch=True)
            steps.repo.create_pull_request(steps.new_pull_request(branch))
        wanted = [f"{prefix}-{index:04}" for index in range(self.many)]
        branches = Read("", "list_branches", lambda repo, _: repo.list_branches(prefix))
        pulls = Read("", "list_pull_requests", lambda repo, _: repo.list_pull_requests("open", base))
        none = Known("", start, start, ())
        for read, field in ((branches, "name"), (pulls, "head")):
            truth = self._truth(trials, none, read)
            found = sorted(getattr(each, field) for each in truth.value)
            assert [each for each in found if each.startswith(prefix)] == wanted
            for position in range(len(truth.log)):
                for fault in (Reset(), CutBody()):
                    outcome = trials.attempt(self._call(read, none), self._hit(position, fault))
                    assert outcome.error is None, outcome
                    assert outcome.value == truth.value
                # The last page is the one that may well be empty.
                for answer in garbage(truth.log[position]) if position == len(truth.log) - 1 else ():
                    outcome = trials.attempt(self._call(read, none), self._hit(position, answer))
                    wrong = isinstance(outcome.error, ProtocolError)
                    assert wrong or outcome.value == truth.value, f"{answer.body!r} as page {position}"

    # -- means --------------------------------------------------------------------------------------------

    def _call(self, read: Read, known: Known) -> Callable[[Repository], object]:
        return lambda repo: read.call(repo, known)

    def _truth(self, trials: Trials, known: Known, read: Read) -> Outcome:
        """Read without a fault."""
        skip_unsupported(read.operation, self.unsupported)
        outcome = trials.attempt(self._call(read, known))
        if outcome.error is not None:
            raise outcome.error
        if read.operation in self.free:
            assert not outcome.log, f"{read.name} asks the server, and is declared free"
            pytest.skip(f"{read.operation} asks nothing of the server")
        assert outcome.log, f"{read.name} asks nothing of the server"
        assert not outcome.slept
        return outcome

    def _hit(self, position: int, fault: Fault, times: int = 1) -> Callable[[ServerSimulator], None]:
        """Hit a request, by its number; with more *times* all that come after it as well."""

        def arm(server: ServerSimulator) -> None:
            strike = Strike(position)
            server.inject(fault, when=strike)
            if times > 1:
                server.inject(fault, when=lambda _: strike.fired, times=times)

        return arm

    def _limited(self, position: int, retry_after: str) -> Callable[[ServerSimulator], None]:
        return self._hit(position, Answer(429, REFUSED, {"Retry-After": retry_after}))

    def _check_waited(self, outcome: Outcome, *, at_once: bool = False) -> None:
        assert outcome.error is None, outcome
        assert set(map(round, outcome.slept)) == {5}, outcome.slept
        # Requests that go out at once may each come to the gate.
        assert at_once or len(outcome.slept) == 1, outcome.slept

    def _check_limit(
        self, trials: Trials, call: Callable[[Repository], object], *, at_once: bool = False
    ) -> None:
        outcome = trials.attempt(call, self._limited(0, "3600"))
        assert isinstance(outcome.error, RateLimitedError), outcome
        at = datetime.fromtimestamp(outcome.clock.now + 3600, UTC)
        assert outcome.error.retry_at == at, outcome.error
        assert outcome.slept == []
        assert sum(each.status == 429 for each in outcome.log) == 1
        assert at_once or len(outcome.log) == 1, "it went on"

    def _check_unknown(
        self, trials: Trials, call: Callable[[Repository], object], requests: int, *, at_once: bool = False
    ) -> None:
        for position in range(requests):
            outcome = trials.attempt(call, self._hit(position, Answer(401, REFUSED), FOREVER))
            assert isinstance(outcome.error, AuthenticationError), outcome
            for words in ("credential=", "COPYDESK_", "_TOKEN"):
                assert words in str(outcome.error)
            refused = [each for each in outcome.log if each.status == 401]
            assert len(refused) == 1 or (at_once and len(outcome.log) <= requests), "it asked again"

    def _check_stranger(self, stranger: Stranger) -> None:
        told = stranger.told()
        assert "authorization" not in told.lower(), "a credential went to another origin"
        assert self.secret not in told, "a credential went to another origin"


class _Writing(_Reading):
    """What may happen to a write: it is done once, or not, and the caller can tell."""

    @each_deed
    @pytest.mark.parametrize("harm", HARM)
    def test_write_is_done_once(
        self, trials: Trials, steps: Steps, name: Callable[[], str], deed: Deed, harm: str
    ) -> None:
        """Whichever of its requests is hit: it succeeds, or the same call again does, or says that it is done."""
        skip_unsupported(deed.operation, self.unsupported)
        for position in range(50):
            about, strike = deed.prepare(steps, name()), Strike(position)
            outcome = trials.attempt(partial(_act, deed, about), partial(_harm, harm, strike))
            self._check_done(trials, steps, deed, about, outcome, f"{harm} at request {position}")
            if not strike.fired:
                assert outcome.error is None, outcome
                return
        pytest.fail(f"{deed.name} makes more than 50 requests")

    def test_write_is_done_once_in_silence(
        self, trials: Trials, steps: Steps, name: Callable[[], str]
    ) -> None:
        """A write whose answer does not come in time may have been done: it is looked for."""
        (deed,) = (each for each in DEEDS if each.name == "create_pull_request")
        about, strike = deed.prepare(steps, name()), Strike(0)
        outcome = trials.attempt(
            partial(_act, deed, about),
            lambda server: server.inject(Stall(20), when=strike, after=True),
            timeout=(5, 1),
        )
        self._check_done(trials, steps, deed, about, outcome, "silence")

    def test_writes_refused_for_the_credential(
        self, trials: Trials, steps: Steps, name: Callable[[], str]
    ) -> None:
        for deed in self._deeds():
            about = deed.prepare(steps, name())
            self._check_unknown(trials, partial(_act, deed, about), 1)
            assert deed.count(steps, about)[0] == 0

    @each_deed
    def test_write_refused_for_lack_of_rights(
        self, trials: Trials, steps: Steps, name: Callable[[], str], deed: Deed
    ) -> None:
        """Every 403 is told; a forge may say it of a merge because of what the base demands."""
        for about, outcome in self._refused(trials, steps, name, deed, 403):
            if outcome.error is None:
                self._check_success(steps, deed, about, outcome.value)
            else:
                assert isinstance(outcome.error, PermissionDeniedError | NotMergeableError), outcome

    @each_deed
    def test_write_refused_oddly(
        self, trials: Trials, steps: Steps, name: Callable[[], str], deed: Deed
    ) -> None:
        """A refusal is told: what succeeds was done all the same."""
        # That there is no such branch is what a deletion may well be told.
        for status in (409, 422) if deed.operation == "delete_branch" else (404, 409, 422):
            for about, outcome in self._refused(trials, steps, name, deed, status):
                if outcome.error is None:
                    self._check_success(steps, deed, about, outcome.value)

    @each_deed
    def test_write_waits_for_the_limit(
        self, trials: Trials, steps: Steps, name: Callable[[], str], deed: Deed
    ) -> None:
        """429 says that nothing happened: after Retry-After, a date this time, the write is made, once."""
        skip_unsupported(deed.operation, self.unsupported)
        for position in range(50):
            about, strike = deed.prepare(steps, name()), Strike(position)
            date = format_datetime(datetime.fromtimestamp(trials.now + 5, UTC), usegmt=True)
            limit = Answer(429, REFUSED, {"Retry-After": date})
            outcome = trials.attempt(partial(_act, deed, about), partial(_answer, limit, strike))
            assert outcome.error is None, outcome
            self._check_success(steps, deed, about, outcome.value)
            if not strike.fired:
                return
            self._check_waited(outcome)

    def test_writes_do_not_wait_for_long(self, trials: Trials, steps: Steps, name: Callable[[], str]) -> None:
        for deed in self._deeds():
            about = deed.prepare(steps, name())
            self._check_limit(trials, partial(_act, deed, about))
            assert deed.count(steps, about)[0] == 0

    def test_writes_are_not_led_elsewhere(
        self, trials: Trials, steps: Steps, name: Callable[[], str], stranger: Stranger
    ) -> None:
        """Neither a credential nor a body goes to another origin, whatever kind of redirect leads there."""
        for deed in self._deeds():
            for status in (302, 307):
                about = deed.prepare(steps, name())
                leave = Answer(status, REFUSED, {"Location": f"{stranger.url}/elsewhere"})
                outcome = trials.attempt(partial(_act, deed, about), self._hit(0, leave))
                assert outcome.error is not None, outcome
                assert stranger.log == [], "it asked another origin"

    # -- means --------------------------------------------------------------------------------------------

    def _check_done(
        self, trials: Trials, steps: Steps, deed: Deed, about: Any, outcome: Outcome, what: str
    ) -> None:
        """Check that a write was done once, or is by the same call again."""
        told = f"{deed.name}, {what}: {outcome}"
        if outcome.error is None:
            self._check_success(steps, deed, about, outcome.value)
            return
        unclear = UnavailableError if "garbled" not in what else CopydeskError
        assert isinstance(outcome.error, unclear), told
        assert max(deed.count(steps, about)) <= 1, f"{told}: done twice"
        again = trials.attempt(partial(_act, deed, about))
        if again.error is None:
            self._check_success(steps, deed, about, again.value)
            return
        told = f"{told}; again: {again.error!r}"
        assert isinstance(again.error, ConflictError | NotFoundError | NotMergeableError), told
        counts = deed.count(steps, about)
        assert counts[0] == 1, f"{told}: it is refused and was never done"
        assert max(counts) == 1, f"{told}: done twice"

    def _check_success(self, steps: Steps, deed: Deed, about: Any, made: Any) -> None:
        assert set(deed.count(steps, about)) == {1}, f"{deed.name} gave {made!r}"
        deed.check(steps, about, made)

    def _refused(
        self, trials: Trials, steps: Steps, name: Callable[[], str], deed: Deed, status: int
    ) -> Iterator[tuple[Any, Outcome]]:
        """Refuse each request of a write."""
        skip_unsupported(deed.operation, self.unsupported)
        for position in range(50):
            about, strike = deed.prepare(steps, name()), Strike(position)
            refusal = partial(_answer, Answer(status, REFUSED), strike)
            outcome = trials.attempt(partial(_act, deed, about), refusal)
            yield about, outcome
            if not strike.fired:
                return


class HttpBackendSuite(_Writing):
    """What every backend that speaks HTTP promises; give ``server``, ``connect`` and ``secret`` in a subclass."""

    def test_nothing_of_the_suite_is_overridden(self) -> None:
        """A test of the suite is overridden only as an xfail with a reason, and never deleted."""
        check_nothing_overridden(type(self), HttpBackendSuite)

    def test_remedy_names_the_backend(self, trials: Trials, known: Known) -> None:
        """The variable and the command that a refused credential leads to are those of this backend."""
        backends = []

        def call(repo: Repository) -> object:
            backends.append(repo.backend)
            return repo.get_branch(known.branch)

        outcome = trials.attempt(call, self._hit(0, Answer(401, REFUSED), FOREVER))
        variable = f"COPYDESK_{backends[0].upper().replace('-', '_')}_TOKEN"
        assert variable in str(outcome.error)

    def test_closed_repository_reads_nothing(self, trials: Trials, known: Known) -> None:
        for read in self._reads():
            self._check_closed(trials, read.operation, self._call(read, known))

    def test_closed_repository_writes_nothing(
        self, trials: Trials, steps: Steps, name: Callable[[], str]
    ) -> None:
        for deed in self._deeds():
            about = deed.prepare(steps, name())
            self._check_closed(trials, deed.operation, partial(_act, deed, about))
            assert deed.count(steps, about)[0] == 0

    def _check_closed(self, trials: Trials, operation: str, call: Callable[[Repository], object]) -> None:
        skip_unsupported(operation, self.unsupported)

        def closed(repo: Repository) -> object:
            repo.close()
            return call(repo)

        outcome = trials.attempt(closed)
        assert isinstance(outcome.error, UnavailableError), outcome
        assert outcome.log == ()


def _act(deed: Deed, about: Any, repo: Repository) -> Any:
    return deed.act(repo, about)


def _harm(harm: str, strike: Strike, server: ServerSimulator) -> None:
    HARM[harm](server, strike)


def _is_asked(exchange: Exchange, request: Request) -> bool:
    asked = request.environ["REQUEST_URI"].partition("?")
    return (request.method, asked[0], asked[2]) == (exchange.method, exchange.path, exchange.query)


def _answer(answer: Answer, when: Callable[[Request], bool], server: ServerSimulator) -> None:
    server.inject(answer, when=when)


def _with_next(exchange: Exchange, address: str) -> Answer:
    """Give the same answer, with a next page in every place where forges put one."""
    body = exchange.response_bytes
    try:
        data = json.loads(body)
    except ValueError:
        data = None
    if isinstance(data, dict):
        body = json.dumps({**data, "next": address}).encode()
    kept: Mapping[str, str] = {
        key: value
        for key, value in exchange.response_headers.items()
        if key.lower() not in {"link", "content-type", "content-length"}
    }
    kind = {key.lower(): value for key, value in exchange.response_headers.items()}.get("content-type", "")
    return Answer(exchange.status, body, {**kept, "Link": f'<{address}>; rel="next"'}, kind)
