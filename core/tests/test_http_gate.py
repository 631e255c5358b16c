"""The forge's limit: when to wait, for how long, and when to say so instead."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import attrs
import pytest
from copydesk.errors import RateLimitedError, UnavailableError
from copydesk.http import Answer, Dialect, Gates, Limit, Request, parse_retry_after
from copydesk.http._gate import RateGate
from copydesk.models import Credential
from hypothesis import given
from hypothesis import strategies as st

NOW = 1_800_000_000.0  # as the clock of the tests has it
GET = Request("GET", "a")
POST = Request("POST", "a", json={})


# -- Retry-After --------------------------------------------------------------------------------------


@given(st.text(max_size=40))
def test_retry_after_of_any_text_is_a_number_of_seconds_or_nothing(text):
    seconds = parse_retry_after(text, NOW)
    assert seconds is None or 0 <= seconds < 1e12


@given(st.integers(0, 10**6))
def test_retry_after_in_seconds(seconds):
    assert parse_retry_after(f" {seconds} ", NOW) == seconds


@given(st.integers(-(10**6), 10**6))
def test_retry_after_as_a_date_counts_from_now(seconds):
    date = datetime.fromtimestamp(NOW, UTC) + timedelta(seconds=seconds)
    assert parse_retry_after(format_datetime(date, usegmt=True), NOW) == max(0, seconds)


@pytest.mark.parametrize("text", ["", "soon", "-1", "1.5", "１２", "1_0", "Mon, 99 Foo 2020 00:00:00 GMT"])
def test_retry_after_that_is_neither_is_nothing(text):
    assert parse_retry_after(text, NOW) is None


# -- waiting ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("request_", [GET, POST], ids=["read", "write"])
@pytest.mark.parametrize("status", [429, 403])
def test_refused_request_is_sent_again_after_what_the_forge_says(
    forge, make_client, reply, clock, status, request_
):
    """A write too: it was refused, so nothing happened."""
    forge.says(reply(status, headers={"Retry-After": "5"}), reply(200, b"[1]"))
    assert make_client().send(request_).json() == [1]
    assert clock.slept == [5.0]


def test_retry_after_comes_before_the_reset(forge, make_client, reply, clock):
    headers = {"Retry-After": "5", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": f"{NOW + 3000:.0f}"}
    forge.says(reply(429, headers=headers), reply())
    make_client().send(GET)
    assert clock.slept == [5.0]


@pytest.mark.parametrize("reset", [f"{NOW + 30:.0f}", "30"], ids=["epoch", "seconds"])
@pytest.mark.parametrize("prefix", ["X-RateLimit", "RateLimit"])
def test_reset_is_waited_for_and_one_second_more(forge, make_client, reply, clock, prefix, reset):
    headers = {f"{prefix}-Remaining": "0", f"{prefix}-Reset": reset}
    forge.says(reply(403, headers=headers), reply())
    make_client().send(GET)
    assert clock.slept == [31.0]


def test_last_request_that_was_allowed_closes_the_gate_for_the_next(forge, make_client, reply, clock):
    forge.says(reply(headers={"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": f"{NOW + 10:.0f}"}), reply())
    client = make_client()
    client.send(GET)
    assert clock.slept == []
    client.send(GET)
    assert clock.slept == [11.0]


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (429, b"{}"),
        (403, b'{"message": "You have exceeded a secondary rate limit."}'),
        (403, b'{"message": "You have triggered an abuse detection mechanism."}'),
    ],
)
def test_secondary_limit_without_a_time_is_a_minute_then_two(forge, make_client, reply, clock, status, body):
    forge.says(reply(status, body), reply(status, body), reply())
    make_client(max_wait=200).send(GET)
    assert clock.slept == [60.0, 120.0]


def test_secondary_limit_starts_again_at_a_minute_after_a_success(forge, make_client, reply, clock):
    forge.says(reply(429), reply(), reply(429), reply())
    client = make_client()
    client.send(GET)
    client.send(GET)
    assert clock.slept == [60.0, 60.0]


def test_refusal_of_one_moment_to_many_threads_counts_once():
    gate, refused = RateGate(), Limit(refused=True)
    for _ in range(8):
        gate.heed(refused, None, NOW)
    assert gate.opens_at() == NOW + 60


def test_forbidden_without_a_limit_is_not_waited_for(forge, make_client, reply, clock):
    forge.says(reply(403, b'{"message": "Must have admin rights"}', {"X-RateLimit-Remaining": "4000"}))
    with pytest.raises(Exception, match="ask the owner for rights"):
        make_client().send(GET)
    assert clock.slept == []


def test_wait_over_the_most_is_an_error_at_once_with_the_time(forge, make_client, reply, clock):
    headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": f"{NOW + 3000:.0f}"}
    forge.says(reply(403, headers=headers))
    client, told = make_client(), []
    for _ in range(2):
        with pytest.raises(
            RateLimitedError,
            match=r"forge allows no GET /a before 2027-01-15 08:50:01 UTC, in 3001 s, and no call waits longer "
            r"than 60 s; come back then",
        ) as caught:
            client.send(GET)
        assert caught.value.retry_at == datetime.fromtimestamp(NOW + 3001, UTC)
        told.append(caught.value.answer and caught.value.answer.status)
    assert told == [403, None]
    assert clock.slept == []
    assert len(forge.seen) == 1  # the second call did not even ask


def test_waits_of_one_call_add_up(forge, make_client, reply, clock):
    forge.says(reply(429, headers={"Retry-After": "40"}))
    with pytest.raises(RateLimitedError):
        make_client().send(GET)
    assert clock.slept == [40.0]


def test_refusals_without_end_are_an_error(forge, make_client, reply, clock):
    forge.says(reply(429, b'{"message": "Slow down"}', {"Retry-After": "1"}))
    with pytest.raises(RateLimitedError, match=r"'Slow down' \(429\); come back later") as caught:
        make_client().send(GET)
    assert len(forge.seen) == 6
    assert caught.value.retry_at is not None


def test_refused_body_that_is_gone_is_an_error(forge, make_client, reply):
    forge.says(reply(403, headers={"Retry-After": "1"}))
    with pytest.raises(RateLimitedError):
        make_client().send(Request("PUT", "a", content=iter([b"x"])))
    assert len(forge.seen) == 1


def test_dialect_may_find_a_refusal_in_a_good_answer(forge, make_client, reply, clock):
    @attrs.frozen(kw_only=True)
    class GraphQL(Dialect):
        def limits(self, answer: Answer):
            return Limit(refused=b"RATE_LIMITED" in answer.content)

    forge.says(reply(200, b'{"errors": [{"type": "RATE_LIMITED"}]}'), reply(200, b"[1]"))
    assert make_client(dialect=GraphQL(name="g")).send(POST).json() == [1]
    assert clock.slept == [60.0]


# -- one gate for all ---------------------------------------------------------------------------------


def test_refusal_of_one_thread_stops_all(forge, make_client, reply):
    """The others wait at the gate, and are not refused as well."""
    lock, refused, asleep, go_on = threading.Lock(), [], threading.Event(), threading.Event()
    now = [NOW]

    def answer(_):
        with lock:
            first = not refused
            refused.append(now[0])
        return reply(429, headers={"Retry-After": "10"}) if first else reply()

    def sleep(seconds):
        asleep.set()
        assert go_on.wait(5)
        now[0] = max(now[0], NOW + seconds)

    forge.answer = answer
    client = make_client(clock=lambda: now[0], sleep=sleep)
    threads = [threading.Thread(target=client.send, args=(GET,)) for _ in range(4)]
    threads[0].start()
    assert asleep.wait(5)
    for thread in threads[1:]:
        thread.start()
    go_on.set()
    for thread in threads:
        thread.join(5)
    assert len(refused) == 5
    assert refused[1:] == [NOW + 10] * 4


def test_gate_is_that_of_origin_and_credential(forge, make_forge, make_client, reply, clock):
    other, gates = make_forge(), Gates()
    forge.says(reply(429, headers={"Retry-After": "30"}), reply())
    make_client(credential=Credential("one-secret"), gates=gates, max_wait=60).send(GET)
    clock.now = NOW
    clock.slept.clear()
    make_client(credential=Credential("two-secret"), gates=gates).send(GET)
    make_client(other.url, credential=Credential("one-secret"), gates=gates).send(GET)
    assert clock.slept == []
    make_client(credential=Credential("one-secret"), gates=gates).send(GET)
    assert clock.slept == [30.0]


def test_gates_forget_the_oldest():
    gates = Gates(most=2)
    first = gates.get("a", "")
    gates.get("b", "")
    assert gates.get("a", "") is first
    gates.get("c", "")
    assert gates.get("a", "") is first
    assert repr(gates) == "Gates(most=2)"


def test_gate_of_the_process_is_used_by_default(forge, make_client, reply, clock):
    from copydesk.http._gate import PROCESS_GATES

    forge.says(reply(429, headers={"Retry-After": "30"}), reply())
    make_client(gates=PROCESS_GATES).send(GET)
    assert PROCESS_GATES.get(forge.url, "").opens_at() == NOW + 30


# -- budgets ------------------------------------------------------------------------------------------

HOURLY = Dialect(name="forge", hourly_budget=10)


def test_step_that_does_not_fit_into_the_hour_is_refused_before_it_begins(forge, make_client, clock):
    client = make_client(dialect=HOURLY)
    client.send(GET)
    clock.now += 600
    for _ in range(7):
        client.send(GET)
    client.require(2)
    with pytest.raises(
        RateLimitedError, match=r"takes 3 requests, more than forge allows before .* UTC"
    ) as caught:
        client.require(3)
    assert caught.value.retry_at == datetime.fromtimestamp(NOW + 3600, UTC)
    with pytest.raises(RateLimitedError) as caught:
        client.require(4)
    assert caught.value.retry_at == datetime.fromtimestamp(NOW + 600 + 3600, UTC)
    clock.now = NOW + 3600
    client.require(3)


def test_step_that_never_fits_is_refused_without_a_time(make_client):
    says = "this takes 11 requests, and forge allows 10 an hour; do it in smaller steps"
    with pytest.raises(RateLimitedError, match=says) as caught:
        make_client(dialect=HOURLY).require(11)
    assert caught.value.retry_at is None


def test_remaining_of_the_headers_narrows_the_budget_until_the_reset(forge, make_client, reply, clock):
    forge.says(reply(headers={"X-RateLimit-Remaining": "2", "X-RateLimit-Reset": f"{NOW + 100:.0f}"}))
    client = make_client()
    client.require(1000)
    client.send(GET)
    client.require(2)
    with pytest.raises(RateLimitedError, match="nothing was done; come back then") as caught:
        client.require(3)
    assert caught.value.retry_at == datetime.fromtimestamp(NOW + 100, UTC)
    clock.now += 100
    client.require(3)


def test_retries_count_in_the_budget(forge, make_client, reply):
    forge.says(reply(503))
    client = make_client(dialect=HOURLY)
    with pytest.raises(UnavailableError):
        client.send(GET)
    client.require(7)
    with pytest.raises(RateLimitedError):
        client.require(8)
