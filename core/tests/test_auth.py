"""Finding a credential, keeping it, refreshing it."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime

import pytest
from copydesk import auth
from copydesk.auth import CredentialSource, FixedSource, MemoryStore, Refresher, find_credential
from copydesk.errors import AuthenticationError, UnavailableError
from copydesk.models import Credential

ROOT = "https://api.example.org"
ENVIRON = {"COPYDESK_GIT_GATEWAY_TOKEN": " of-environment\n"}
EXPIRY = 1_800_000_000.0


def expiring(secret: str, at: float = EXPIRY) -> Credential:
    return Credential(secret, refresh_secret=f"{secret}-refresh", expires_at=datetime.fromtimestamp(at, UTC))


@pytest.fixture
def store():
    kept = MemoryStore()
    kept.set("git-gateway", ROOT, Credential("of-store"))
    return kept


# -- finding ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("explicit", "environ", "secret"),
    [
        ("given", ENVIRON, "given"),
        (Credential("given", "token"), ENVIRON, "given"),
        (None, ENVIRON, "of-environment"),
        (None, {"COPYDESK_GIT_GATEWAY_TOKEN": " "}, "of-store"),
        (None, {}, "of-store"),
    ],
)
@pytest.mark.parametrize("backend", ["git-gateway"])
def test_argument_comes_before_environment_and_store(store, backend, explicit, environ, secret):
    found = find_credential(backend, api_root=ROOT, explicit=explicit, environ=environ, store=store)
    assert found is not None
    assert found.secret == secret
    assert found.scheme == ("token" if isinstance(explicit, Credential) else "bearer")


def test_environment_may_name_a_user():
    environ = {"COPYDESK_BITBUCKET_TOKEN": "password", "COPYDESK_BITBUCKET_USER": "me"}
    found = find_credential("bitbucket", api_root=ROOT, environ=environ)
    assert found == Credential("password", "basic", "me")


def test_environment_is_that_of_the_process_by_default(monkeypatch):
    monkeypatch.setenv("COPYDESK_FORGE_TOKEN", "of-process")
    found = find_credential("forge", api_root=ROOT)
    assert found is not None
    assert found.secret == "of-process"


def test_store_is_asked_for_backend_root_and_account(store):
    store.set("git-gateway", ROOT, Credential("of-editor"), "editor")
    asked = {"environ": {}, "store": store}
    assert find_credential("git-gateway", api_root="https://other.example.org", **asked) is None
    assert find_credential("github", api_root=ROOT, **asked) is None
    found = find_credential("git-gateway", api_root=ROOT, account="editor", **asked)
    assert found is not None
    assert found.secret == "of-editor"


def test_nothing_found_is_none():
    assert find_credential("forge", api_root=ROOT, environ={}) is None


@pytest.mark.parametrize("explicit", ["", Credential("")])
def test_empty_argument_is_refused_and_does_not_become_somebody_else(store, explicit):
    with pytest.raises(
        AuthenticationError, match="given to the git-gateway backend is empty; pass None to look"
    ):
        find_credential("git-gateway", api_root=ROOT, explicit=explicit, environ=ENVIRON, store=store)


def test_missing_credential_names_every_way():
    assert str(auth.missing_credential("git-gateway")) == (
        "the git-gateway backend needs a credential: log in with `copydesk login`, "
        "set COPYDESK_GIT_GATEWAY_TOKEN, or pass credential="
    )


def test_store_forgets_what_is_deleted(store):
    assert store.delete("git-gateway", ROOT)
    assert not store.delete("git-gateway", ROOT)
    assert store.get("git-gateway", ROOT) is None
    store.set("a", ROOT, Credential("s3cret"))
    assert "s3cret" not in repr(store)


def test_public_names_are_all_there():
    assert all(hasattr(auth, name) for name in auth.__all__)
    assert set(dir(auth)) == set(auth.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = auth.nothing


def test_fixed_source_never_has_another():
    source = FixedSource(Credential("secret"))
    assert isinstance(source, CredentialSource)
    assert source.current().secret == "secret"
    assert source.refreshed(source.current()) is None


# -- refreshing ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("now", "secret"), [(EXPIRY - 61, "old"), (EXPIRY - 60, "new"), (EXPIRY + 1, "new")])
def test_credential_is_refreshed_before_it_expires(now, secret):
    source = Refresher(expiring("old"), lambda _: expiring("new", EXPIRY * 2), clock=lambda: now)
    assert isinstance(source, CredentialSource)
    assert source.current().secret == secret


def test_credential_without_expiry_is_never_refreshed_by_itself():
    source = Refresher(Credential("old"), pytest.fail, clock=lambda: 1e12)
    assert source.current().secret == "old"
    assert "old" not in repr(source)


def test_refused_credential_is_not_refreshed_twice():
    """A thread that was refused later than another finds what that one got."""
    calls = []
    source = Refresher(Credential("old"), lambda old: calls.append(old) or Credential("new"))
    assert source.refreshed(Credential("old")).secret == "new"
    assert source.refreshed(Credential("old")).secret == "new"
    assert [call.secret for call in calls] == ["old"]


def test_new_credential_is_kept_before_it_is_used():
    seen = []
    source = Refresher(
        Credential("old"), lambda _: Credential("new"), save=lambda new: seen.append((new, source.current()))
    )
    source.refreshed(Credential("old"))
    assert seen == [(Credential("new"), Credential("old"))]


def test_new_credential_that_cannot_be_kept_is_told_and_used():
    """The old one is worth nothing any more."""

    def fail(_):
        raise UnavailableError("the keyring is locked")

    source = Refresher(Credential("old"), lambda _: Credential("new"), save=fail)
    with pytest.raises(UnavailableError, match="the keyring is locked"):
        source.refreshed(Credential("old"))
    assert source.current().secret == "new"


def meet(source: Refresher, entered: threading.Event, go_on: threading.Event) -> list[object]:
    """Let four threads find the credential expired while its refresh is under way."""
    outcomes: list[object] = []

    def ask():
        try:
            outcomes.append(source.current().secret)
        except UnavailableError as exc:
            outcomes.append(str(exc))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    threads[0].start()
    assert entered.wait(5)
    for thread in threads[1:]:
        thread.start()
    # The refresh goes on when the three others wait for its outcome.
    flight = source._flight
    deadline = time.monotonic() + 5
    while len(flight._condition._waiters) < 3 and time.monotonic() < deadline:
        time.sleep(0.001)
    go_on.set()
    for thread in threads:
        thread.join(5)
    return outcomes


def test_threads_that_find_it_expired_share_one_refresh():
    entered, go_on, calls = threading.Event(), threading.Event(), []

    def refresh(old):
        calls.append(old)
        entered.set()
        assert go_on.wait(5)
        return expiring("new", EXPIRY * 2)

    source = Refresher(expiring("old"), refresh, clock=lambda: EXPIRY)
    assert meet(source, entered, go_on) == ["new"] * 4
    assert len(calls) == 1


def test_failed_refresh_is_told_to_those_who_waited_and_tried_again_by_the_next():
    entered, go_on, calls = threading.Event(), threading.Event(), []

    def refresh(old):
        calls.append(old)
        if len(calls) > 1:
            return expiring("new", EXPIRY * 2)
        entered.set()
        assert go_on.wait(5)
        raise UnavailableError("no token endpoint")

    source = Refresher(expiring("old"), refresh, clock=lambda: EXPIRY)
    assert meet(source, entered, go_on) == ["no token endpoint"] * 4
    assert source.current().secret == "new"
    assert len(calls) == 2
