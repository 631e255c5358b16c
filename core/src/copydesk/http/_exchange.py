"""One call: sent, sent again where that does no harm, and its answer judged."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from typing import Final

import attrs
import requests

from copydesk.errors import NotFoundError, ProtocolError
from copydesk.http._access import Keyring
from copydesk.http._dialect import Dialect, Limit
from copydesk.http._errors import Asked, error_of_answer, error_of_failure, error_of_limit
from copydesk.http._failures import Failure, Kind
from copydesk.http._gate import RateGate, as_utc, parse_retry_after
from copydesk.http._origins import is_secure, joined, origin_of, without_query
from copydesk.http._transport import Transport, read
from copydesk.http._values import Answer, Request
from copydesk.models import Credential

__all__ = ["Exchange", "Settings"]

log = logging.getLogger(__name__)

TRIES: Final = 3
#: How often a request that a limit refused is sent again.
REFUSALS: Final = 5
REDIRECTS: Final = 5
_PASSING: Final = frozenset({500, 502, 503, 504})
_MOVED: Final = frozenset({301, 302, 307, 308})


@attrs.frozen
class Settings:
    """What the calls of one client have in common."""

    root: str
    dialect: Dialect
    transport: Transport
    keyring: Keyring
    clock: Callable[[], float]
    sleep: Callable[[float], None]
    jitter: Callable[[float, float], float]
    max_wait: float


@attrs.define(eq=False)
class Exchange:
    """The state of one call."""

    settings: Settings
    request: Request
    address: str = attrs.field(repr=False)
    allow: Collection[int] = ()
    keep_open: bool = False
    response: requests.Response | None = None
    _credential: Credential | None = None
    _failed: int = 0
    _refused: int = 0
    _refusal: Answer | None = None
    _redirects: int = 0
    _waited: float = 0.0
    _refreshed: bool = False
    _left: bool = False
    # A field and no variable: tracebacks show variables, and its query may hold a secret.
    _target: str = attrs.field(default="", repr=False)

    def run(self) -> Answer:
        """Send until there is an answer to give; with *keep_open* its body is left in *response*."""
        while True:
            gate = self._pass_gate()
            outcome = self._attempt()
            if isinstance(outcome, Failure):
                self._after_failure(outcome)
            elif self._settled(outcome, gate):
                return outcome

    # -- sending --------------------------------------------------------------------------------------

    @property
    def asked(self) -> Asked:
        known = self.settings
        return Asked(
            known.dialect,
            self.request.method,
            self.address,
            known.root,
            known.keyring.hide,
            self.request.safe,
        )

    def _pass_gate(self) -> RateGate:
        """Wait until the gate is open, and count the request."""
        origin = origin_of(self.address)
        self._credential = None if self._left else self.settings.keyring.credential(origin)
        gate = self.settings.keyring.gate(origin, self._credential)
        self._check_lane(origin)
        while (wait := gate.opens_at() - self.settings.clock()) > 0:
            self._wait(wait)
        gate.count(self.settings.clock())
        return gate

    def _check_lane(self, origin: str) -> None:
        """Raise where the limit that is the request's own is used up."""
        if not self.request.lane:
            return
        lane = self.settings.keyring.gate(origin, self._credential, self.request.lane)
        wait = lane.opens_at() - self.settings.clock()
        if wait > 0:
            raise error_of_limit(self.asked, as_utc(lane.opens_at()), wait, 0.0, self._refusal)

    def _wait(self, seconds: float) -> None:
        if self._waited + seconds > self.settings.max_wait:
            retry_at = as_utc(self.settings.clock() + seconds)
            raise error_of_limit(self.asked, retry_at, seconds, self.settings.max_wait, self._refusal)
        self._waited += seconds
        self.settings.sleep(seconds)

    def _attempt(self) -> Answer | Failure:
        known, origin = self.settings, origin_of(self.address)
        at_home = origin == origin_of(known.root)
        auth = None if self._left else known.keyring.auth(origin, self._credential)
        headers = known.dialect.headers if at_home else {}
        # A stranger gets nothing that was meant for the forge.
        request = attrs.evolve(self.request, headers={}) if self._left else self.request
        prepared = known.transport.prepare(request, self.address, headers, auth)
        if isinstance(prepared, Failure):
            return prepared
        response = known.transport.open(prepared, origin)
        if log.isEnabledFor(logging.DEBUG):
            told = response.reason if isinstance(response, Failure) else response.status_code
            log.debug("%s: %s", known.keyring.hide(str(self.asked)), told)
        if isinstance(response, Failure):
            return response
        return self._received(response)

    def _received(self, response: requests.Response) -> Answer | Failure:
        content: bytes | Failure = b""
        if self.keep_open and response.status_code < 300:
            self.response = response
        else:
            content = read(response)
        if isinstance(content, Failure):
            return content
        return Answer(
            response.status_code, dict(response.headers), content, self.address, self.settings.keyring.hide
        )

    # -- judging --------------------------------------------------------------------------------------

    def _after_failure(self, failure: Failure) -> None:
        """Wait before the next try, or raise."""
        self._failed += 1
        passing = failure.kind in {Kind.UNSENT, Kind.BROKEN}
        harmless = self.request.safe or failure.unsent
        if not (passing and harmless and self.request.replayable and self._failed < TRIES):
            raise error_of_failure(self.asked, failure) from failure.cause
        self._back_off()

    def _settled(self, answer: Answer, gate: RateGate) -> bool:
        """Tell whether the answer can be given; else what it takes for the next try was done.

        :raises CopydeskError: it is a refusal.
        """
        if self.request.lane and answer.status == 429:
            gate = self.settings.keyring.gate(origin_of(self.address), self._credential, self.request.lane)
        limit = self._heed(answer, gate)
        if limit.refused:
            self._refused += 1
            self._refusal = answer
            if self._refused > REFUSALS or not self.request.replayable:
                raise error_of_answer(self.asked, answer, as_utc(gate.opens_at()))
            return False  # the gate does the waiting
        if answer.status < 300 or answer.status == 304:
            self.settings.keyring.accepted(origin_of(self.address), self._credential)
            return True
        if answer.status in self.allow and not self.settings.dialect.is_foreign(answer):
            return True
        if answer.status in _MOVED:
            self._follow(answer)
            return False
        if self.settings.dialect.refuses_credential(answer):
            if not (self.request.replayable and self._can_refresh()):
                raise error_of_answer(self.asked, answer)
            return False
        self._failed += 1
        passing = answer.status in _PASSING and self.request.safe
        if not (passing and self.request.replayable and self._failed < TRIES):
            raise error_of_answer(self.asked, answer)
        self._back_off(answer)
        return False

    def _heed(self, answer: Answer, gate: RateGate) -> Limit:
        limit = self.settings.dialect.limits(answer) or Limit()
        now = self.settings.clock()
        gate.heed(limit, parse_retry_after(answer.headers.get("retry-after", ""), now), now)
        return limit

    def _can_refresh(self) -> bool:
        """Refresh the credential that was refused, the first time."""
        if self._refreshed or self._left or self._credential is None:
            return False
        self._refreshed = True
        return self.settings.keyring.refresh(origin_of(self.address), self._credential)

    def _back_off(self, answer: Answer | None = None) -> None:
        header = answer.headers.get("retry-after", "") if answer is not None else ""
        told = parse_retry_after(header, self.settings.clock())
        if told is None:
            self.settings.sleep(self.settings.jitter(0.0, 0.5 * 2.0 ** (self._failed - 1)))
            return
        if answer is not None and self._waited + told > self.settings.max_wait:
            raise error_of_answer(self.asked, answer)
        self._wait(told)

    # -- redirects ------------------------------------------------------------------------------------

    def _follow(self, answer: Answer) -> None:
        """Go on at the address that the answer names, or raise."""
        self._target = joined(self.address, answer.headers.get("location", ""))
        self._check_redirect(answer)
        self._redirects += 1
        self._left = self._left or origin_of(self._target) != origin_of(self.address)
        self.address = self._target

    def _check_redirect(self, answer: Answer) -> None:
        asked, shown = self.asked, self.settings.keyring.hide(without_query(self._target))
        name = asked.dialect.name
        if "location" not in answer.headers or self._redirects >= REDIRECTS:
            problem = "without saying where to" if self._redirects < REDIRECTS else "too often"
            raise ProtocolError(f"{name} redirects {asked} {problem}; check api_root")
        here, there = origin_of(self.address), _origin_or_none(self._target)
        reads = self.request.method in {"GET", "HEAD"}
        if there != here and not (self.request.follow_elsewhere and reads and there and is_secure(there)):
            raise ProtocolError(
                f"{name} redirects {asked} from {here} to {there or 'an address that cannot be used'}, where the "
                "credential must not go; check api_root"
            )
        if not reads and not (answer.status in {307, 308} and self.request.replayable):
            raise NotFoundError(
                f"{name} has moved what {asked} is about to {shown}; nothing was written; put the new name into "
                "the configuration"
            )


def _origin_or_none(address: str) -> str | None:
    try:
        return origin_of(address)
    except ValueError:
        return None
