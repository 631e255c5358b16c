"""Logins: with a password or a token, what becomes of it when it expires, and what nobody may see of it."""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable

import attrs
import pytest

pytest.importorskip("simulators.git_gateway", reason="the simulators are not beside these tests")

from copydesk.auth import MemoryStore
from copydesk.errors import AuthenticationError, UnavailableError
from copydesk.models import Credential, User
from copydesk.testing import Answer
from copydesk.testing._http_means import Strike
from means.editors import workflow_of
from means.gateways import EMAIL, PASSWORD, BehindGateway, before_both, token_of_ann

LOGIN = Credential(PASSWORD, "basic", EMAIL)


class Clock:
    """A time that stands still until it is told to jump."""

    def __init__(self) -> None:
        self.now = float(int(time.time()))

    def __call__(self) -> float:
        return self.now

    def jump(self, seconds: float = 3700) -> None:
        self.now += seconds


@pytest.fixture
def editors_clock() -> Clock:
    return Clock()


@pytest.fixture
def settings(settings, editors_clock):
    return attrs.evolve(settings, clock=editors_clock)


@pytest.fixture
def servers_clock(site) -> Clock:
    """The clock of gateway and identity server."""
    clock = Clock()
    site.gateway.clock = site.identity.clock = clock
    return clock


def tokens_asked(site: BehindGateway) -> int:
    return sum(each.path.endswith("/token") for each in site.identity.log)


def told(site: BehindGateway) -> str:
    """Everything that the gateway and the forge were sent."""
    log = [*site.gateway.log, *site.upstream.log]
    return " ".join(f"{each.path} {each.query} {each.request_headers} {each.request_body!r}" for each in log)


def at_request(site: BehindGateway, position: int, act: Callable[[], object]) -> list[bool]:
    """Do something when the gateway has got its request of that number, from 0, and before it answers.

    What is given is empty as long as there was no such request.
    """
    strike, done = Strike(position), []

    def watch(request) -> bool:
        if strike(request):
            done.append(True)
            act()
        return False

    site.gateway.clear()
    site.gateway.inject(Answer(500), when=watch)
    return done


# -- with a password ----------------------------------------------------------------------------------


def test_login_with_a_password_is_made_once(site, settings):
    repository = site.open(settings, LOGIN)
    workflow_of(repository).save("posts", "new", b"new\n")
    assert tokens_asked(site) == 1
    assert len(site.identity.log) == 1


def test_password_comes_from_the_environment(site, settings):
    known = {"COPYDESK_GIT_GATEWAY_USER": EMAIL, "COPYDESK_GIT_GATEWAY_TOKEN": PASSWORD}
    repository = site.open(attrs.evolve(settings, environ=known), from_elsewhere=True)
    assert repository.authenticate().user.email == EMAIL
    assert tokens_asked(site) == 1


def test_password_goes_to_the_identity_server_alone(site, settings):
    site.open(settings, LOGIN).get_branch("main")
    assert site.gateway.log
    for form in (PASSWORD, "correct+horse", "correct%20horse"):
        assert form not in told(site)
    assert "Basic" not in told(site)


def test_wrong_password(site, settings):
    """The remedy is told, and the password not, be it by a traceback that shows what stands in variables."""
    with pytest.raises(
        AuthenticationError, match="No user found with that email, or password invalid"
    ) as caught:
        site.open(settings, Credential("wr0ng horse", "basic", EMAIL))
    assert "log in with `copydesk login`, set COPYDESK_GIT_GATEWAY_TOKEN, or pass credential=" in str(
        caught.value
    )
    shown = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    del shown.stack[0]  # our own frame
    assert "wr0ng" not in "".join(shown.format())
    assert (tokens_asked(site), site.gateway.log) == (1, [])


def test_identity_server_that_repeats_what_it_was_sent(site, settings, caplog):
    """Neither the error nor the log shows a password that it echoes."""
    caplog.set_level("DEBUG")
    site.identity.inject(Answer(400, b'{"error": "no", "error_description": "correct horse is wrong"}'))
    with pytest.raises(AuthenticationError, match=r"\*\*\* is wrong") as caught:
        site.open(settings, LOGIN)
    assert PASSWORD not in f"{caught.value!r} {caplog.text}"


# -- a token that expires -----------------------------------------------------------------------------


def check_saved_once(site: BehindGateway, slug: str) -> None:
    """One commit more than the published ones, on one branch, with one pull request."""
    head = site.site.git[site.site.head(f"cms/posts/{slug}")]
    assert str(head.parent_ids[0]) == site.site.head("main")
    (pull,) = (each for each in site.site.pulls() if each.head == f"cms/posts/{slug}")
    assert pull.labels == ["netlify-cms/draft"]


@before_both
@pytest.mark.parametrize("tells", ["expires_at", "401"])
def test_token_that_expires_in_the_middle_of_a_save(site, settings, editors_clock, servers_clock, tells):
    """At whichever request: it is refreshed once, and the save completes, once."""
    repository = site.open(settings, LOGIN)
    clock = editors_clock if tells == "expires_at" else servers_clock
    position, done = 0, [True]
    while done:
        before = tokens_asked(site)
        done = at_request(site, position, clock.jump)
        saved = workflow_of(repository).save("posts", f"new-{position}", b"new\n")
        site.gateway.clear()
        repository.get_branch("main")  # which refreshes it where the last request of the save was hit
        assert saved.problem == ""
        check_saved_once(site, f"new-{position}")
        assert tokens_asked(site) - before == len(done), f"at request {position}"
        position += 1
    assert position > 2


@before_both
def test_refresh_token_that_was_revoked(site, settings, editors_clock):
    """A login elsewhere, or a logout, revokes it: nothing is half done, and a new login goes on."""
    workflow = workflow_of(site.open(settings, LOGIN))
    site.identity.revoke(EMAIL)
    editors_clock.jump()
    before = len(site.gateway.log)
    with pytest.raises(
        AuthenticationError, match=r"Invalid Refresh Token.*log in with `copydesk login`, set COPYDESK_"
    ):
        workflow.save("posts", "new", b"new\n")
    assert len(site.gateway.log) == before
    assert [name for name, _ in site.site.branches()] == ["main"]
    assert workflow_of(site.open(settings, LOGIN)).save("posts", "new", b"new\n").problem == ""
    check_saved_once(site, "new")


@before_both
def test_refresh_token_that_was_revoked_in_the_middle_of_a_save(site, settings, servers_clock):
    """What was begun is carried on by the same save after a new login."""
    workflow = workflow_of(site.open(settings, LOGIN))
    site.identity.revoke(EMAIL)
    at_request(site, 2, servers_clock.jump)
    with pytest.raises(AuthenticationError, match="log in with"):
        workflow.save("posts", "new", b"new\n")
    again = workflow_of(site.open(settings, LOGIN)).save("posts", "new", b"new\n")
    assert again.problem == ""
    check_saved_once(site, "new")


@pytest.mark.parametrize("count", [2, 8])
@pytest.mark.parametrize("tells", ["expires_at", "401"])
def test_threads_that_find_the_token_expired(site, settings, editors_clock, servers_clock, count, tells):
    """One of them refreshes it, and the others wait for that."""
    repository = site.open(settings, LOGIN)
    site.identity.lateness = 0.1
    (editors_clock if tells == "expires_at" else servers_clock).jump()
    before, meet, found = tokens_asked(site), threading.Barrier(count), []

    def look() -> None:
        meet.wait(timeout=20)
        found.append(repository.get_branch("main").commit_sha)

    threads = [threading.Thread(target=look) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [site.site.head("main")] * count
    assert tokens_asked(site) - before == 1


def test_refreshed_credential_is_stored_before_it_is_used(site, settings, editors_clock):
    """The identity server has forgotten the old one: whoever is killed now must find the new one."""
    store = MemoryStore()
    repository = site.open(attrs.evolve(settings, store=store), LOGIN)
    root = str(site.options["gateway_url"])
    first = store.get("git_gateway", root)
    assert first is not None
    seen = []
    at_request(site, 0, lambda: seen.append(store.get("git_gateway", root)))
    editors_clock.jump()
    repository.get_branch("main")
    (stored,) = seen
    assert stored == store.get("git_gateway", root) != first
    assert site.gateway.log[-1].request_headers["Authorization"] == f"Bearer {stored.secret}"


def test_login_of_the_store_is_carried_on(site, settings, editors_clock):
    store = MemoryStore()
    site.open(attrs.evolve(settings, store=store), LOGIN)
    editors_clock.jump()
    repository = site.open(attrs.evolve(settings, store=store), from_elsewhere=True)
    assert repository.authenticate().user.email == EMAIL
    assert [b"grant_type=refresh_token" in each.request_body for each in site.identity.log] == [False, True]


def test_failed_refresh_does_not_stick(site, settings, editors_clock):
    """The identity server was away for a moment: the next call tries again."""
    repository = site.open(settings, LOGIN)
    editors_clock.jump()
    site.identity.inject(Answer(503), times=9)
    with pytest.raises(UnavailableError):
        repository.get_branch("main")
    site.identity.clear()
    assert repository.get_branch("main").commit_sha == site.site.head("main")


# -- a token from elsewhere ---------------------------------------------------------------------------


def test_token_from_elsewhere_is_sent_as_it_is(site, settings):
    token = token_of_ann()
    repository = site.open(settings, token)
    assert repository.authenticate().user == User(EMAIL, "Ann Editor", EMAIL)
    assert site.gateway.log[-1].request_headers["Authorization"] == f"Bearer {token}"
    assert site.identity.log == []


def test_token_from_elsewhere_is_not_refreshed(site, settings, servers_clock):
    """Nobody knows how: where it expires, that is told, with the remedy."""
    repository = site.open(settings, token_of_ann(exp=int(servers_clock.now) + 60))
    servers_clock.jump()
    with pytest.raises(AuthenticationError, match=r"token is expired.*set COPYDESK_GIT_GATEWAY_TOKEN"):
        repository.get_branch("main")
    assert site.identity.log == []
    assert [each.status for each in site.gateway.log] == [200, 401]
