"""The server that simulators of forges are made of."""

from __future__ import annotations

import gc
import socket
import threading
import time

import copydesk.testing
import pytest
import requests
from copydesk.testing import Answer, CutBody, Exchange, Reset, ServerSimulator, Stall
from werkzeug import Request, Response


class Counter(ServerSimulator):
    """Counts the requests that took effect."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def respond(self, request: Request) -> Response:
        self.count += 1
        return Response(f"{self.count:0100}", content_type="text/plain")


@pytest.fixture
def counter():
    before = set(threading.enumerate())
    gc.freeze()  # only what the test leaves behind is looked at below
    with Counter() as simulator:
        yield simulator
    gc.collect()
    gc.unfreeze()
    assert set(threading.enumerate()) == before


@pytest.fixture
def session():
    with requests.Session() as session:
        session.trust_env = False
        yield session


def test_request_is_logged_as_it_was_sent(counter, session):
    answer = session.post(f"{counter.url}/a%2Fb%252F?q=%20x", data=b"body", headers={"X-Key": "secret"})
    (exchange,) = counter.log
    assert (exchange.method, exchange.path, exchange.query) == ("POST", "/a%2Fb%252F", "q=%20x")
    assert (exchange.request_body, exchange.request_headers["X-Key"]) == (b"body", "secret")
    assert (exchange.status, exchange.response_bytes) == (200, answer.content)
    assert "secret" not in repr(exchange)


def test_path_is_decoded_once(counter, session):
    seen = []
    counter.inject(Answer(204), when=lambda request: seen.append(request.path))
    session.get(f"{counter.url}/heads%2Fa%252Fb/%C3%BC")
    assert seen == ["/heads/a%2Fb/ü"]


def test_connection_is_kept(counter, session):
    ports = []
    counter.inject(Answer(204), when=lambda request: ports.append(request.environ["REMOTE_PORT"]), times=9)
    for _ in range(3):
        session.get(counter.url)
    assert len(ports) == 3
    assert len(set(ports)) == 1


def test_delay_is_waited_for_every_request(counter, session):
    counter.delay = 0.05
    start = time.monotonic()
    session.get(counter.url)
    assert time.monotonic() - start >= 0.05


def test_first_request_of_a_connection_waits_besides(counter):
    """Each connection is counted once, and only its first answer is late."""
    counter.connection_delay = 0.05
    for _ in range(2):
        with requests.Session() as session:
            session.trust_env = False
            start = time.monotonic()
            session.get(counter.url)
            assert time.monotonic() - start >= 0.05
            counter.connection_delay = 60.0
            session.get(counter.url)
            counter.connection_delay = 0.05
    assert counter.connections == 2
    counter.clear()
    assert counter.connections == 0


def test_answer_replaces_the_effect(counter, session):
    counter.inject(Answer(503, b"{}", {"Retry-After": "1"}), times=2)
    for _ in range(2):
        answer = session.get(counter.url)
        assert (answer.status_code, answer.json(), answer.headers["Retry-After"]) == (503, {}, "1")
    assert session.get(counter.url).status_code == 200
    assert counter.count == 1


@pytest.mark.parametrize("fault", [Answer(502), Reset(), CutBody(), Stall(0.01)])
def test_fault_after_the_effect(counter, session, fault):
    """The request counts, and its answer is lost."""
    counter.inject(fault, after=True)
    if isinstance(fault, Answer):
        assert session.get(counter.url).status_code == 502
    else:
        with pytest.raises(requests.RequestException):
            session.get(counter.url, timeout=5)
    assert counter.count == 1


def test_reset_is_a_reset(counter):
    counter.inject(Reset())
    port = int(counter.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        with pytest.raises(ConnectionResetError):
            connection.recv(1)
    assert [each.status for each in counter.log] == [0]


def test_cut_body_announces_the_whole(counter):
    counter.inject(CutBody())
    port = int(counter.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        received = b"".join(iter(lambda: connection.recv(4096), b""))
    head, _, body = received.partition(b"\r\n\r\n")
    assert b"content-length: 100" in head.lower()
    assert len(body) == 50


def test_fault_meets_only_what_is_meant_and_skips(counter, session):
    counter.inject(Answer(500), when=lambda request: request.path == "/b", skip=1)
    statuses = [session.get(f"{counter.url}/{name}").status_code for name in "abbb"]
    assert statuses == [200, 200, 500, 200]


def test_clear_forgets_the_log_and_the_faults(counter, session):
    counter.inject(Answer(500))
    session.get(counter.url)
    counter.inject(Answer(500))
    counter.clear()
    assert session.get(counter.url).status_code == 200
    assert len(counter.log) == 1


def test_stalled_request_ends_when_the_simulator_stops(counter):
    counter.inject(Stall(60))
    failures = []

    def ask():
        try:
            requests.get(counter.url, timeout=30)
        except requests.ConnectionError as exc:
            failures.append(exc)

    thread = threading.Thread(target=ask)
    thread.start()
    while not counter.log:
        pass
    start = time.monotonic()
    counter.stop()
    thread.join()
    assert time.monotonic() - start < 2
    assert len(failures) == 1


def test_several_threads_are_answered_at_once(counter):
    counter.delay = 0.05
    threads = [threading.Thread(target=requests.get, args=(counter.url,)) for _ in range(8)]
    start = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert time.monotonic() - start < 8 * 0.05
    assert len(counter.log) == 8


def test_two_simulators_are_two_origins(counter):
    with Counter() as other:
        assert other.url != counter.url
        requests.get(other.url, timeout=5)
    assert (len(other.log), len(counter.log)) == (1, 0)


def test_stop_is_harmless_twice_and_start_is_not(counter):
    with pytest.raises(RuntimeError, match="listens already at http://127"):
        counter.start()
    counter.stop()
    counter.stop()
    with pytest.raises(RuntimeError, match="was not started; use it in a `with` block"):
        _ = Counter().url


def test_respond_is_for_the_author(session):
    with pytest.raises(NotImplementedError, match="ServerSimulator does not answer GET /x"):
        ServerSimulator().respond(Request.from_values("/x"))


def test_names_are_exported_and_others_told():
    assert copydesk.testing.Exchange is Exchange
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = copydesk.testing.Nothing
