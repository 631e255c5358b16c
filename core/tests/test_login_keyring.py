"""Credentials in the keyring of the system: kept, listed, found without being told, refreshed by one at a time."""

from __future__ import annotations

import contextlib
import json
import threading
import traceback
from datetime import UTC, datetime

import pytest

pytest.importorskip("keyring", reason="keyring is not installed")

from copydesk.auth import Account, KeyringStore, MemoryStore, Place, Refresher
from copydesk.errors import AuthenticationError, NotSupportedError, UnavailableError
from copydesk.http import Connector, Dialect, HttpSettings
from copydesk.models import Credential, LoginFlow
from keyring import get_keyring, set_keyring
from keyring.backends import chainer, fail, null
from means.keyrings import FullKeyring, LockedKeyring, MemoryKeyring

ROOT = "https://api.example.org"
EXPIRY = 1_800_000_000.0
LOGIN = Credential(
    "s3cret", "basic", "ann@example.org", "s3cret-refresh", datetime(2027, 1, 15, 8, 0, 30, 5, tzinfo=UTC)
)


@pytest.fixture(autouse=True)
def own_locks(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


@pytest.fixture
def ring():
    return MemoryKeyring()


@pytest.fixture
def store(ring):
    return KeyringStore(ring)


@contextlib.contextmanager
def system_keyring(keyring):
    before = get_keyring()
    set_keyring(keyring)
    try:
        yield
    finally:
        set_keyring(before)


# -- keeping --------------------------------------------------------------------------------------


def test_credential_comes_back_as_it_was(store):
    assert store.get("github", ROOT) is None
    store.set("github", ROOT, LOGIN)
    assert store.get("github", ROOT) == LOGIN
    store.set("github", ROOT, Credential("another"))
    assert store.get("github", ROOT) == Credential("another")


def test_backend_root_and_account_each_have_their_own(store):
    store.set("github", ROOT, Credential("one"))
    store.set("github", ROOT, Credential("two"), "ben")
    store.set("gitlab", ROOT, Credential("three"))
    assert store.get("github", "https://other.example.org") is None
    assert [store.get("github", ROOT, account).secret for account in ("", "ben")] == ["one", "two"]
    expected = [Account("github", ROOT), Account("github", ROOT, "ben"), Account("gitlab", ROOT)]
    assert store.accounts() == tuple(expected)
    assert store.delete("github", ROOT)
    assert not store.delete("github", ROOT)
    assert store.accounts() == tuple(expected[1:])


def test_index_has_no_secret(store, ring):
    store.set("github", ROOT, LOGIN)
    index = ring.kept["copydesk", "accounts"]
    assert json.loads(index) == [["github", ROOT, ""]]
    assert "s3cret" not in f"{index}{store!r}"
    assert sum("s3cret" in value for value in ring.kept.values()) == 1


@pytest.mark.parametrize(
    "text", ["", "no JSON", "[]", "{}", '{"secret": "x", "more": 1}', '{"secret":"x","expires_at":"no"}']
)
def test_what_is_no_credential_is_none(store, ring, text):
    store.set("github", ROOT, LOGIN)
    (place,) = [place for place in ring.kept if place[1] == "default"]
    ring.kept[place] = text
    assert store.get("github", ROOT) is None
    ring.kept["copydesk", "accounts"] = text
    assert store.accounts() == ()


def chain_of(*members):
    class Chain(chainer.ChainerBackend):
        backends = members

    Chain.__module__, Chain.__qualname__ = chainer.__name__, "ChainerBackend"
    return Chain()


class PlaintextKeyring(MemoryKeyring):
    pass


PlaintextKeyring.__module__, PlaintextKeyring.__qualname__ = "keyrings.alt.file", "PlaintextKeyring"


@pytest.mark.parametrize(
    "keyring",
    [
        null.Keyring(),
        fail.Keyring(),
        chain_of(),
        chain_of(null.Keyring()),
        PlaintextKeyring(),
        chain_of(PlaintextKeyring()),
    ],
    ids=["null", "fail", "empty chain", "chain of null", "plain file", "chain of plain file"],
)
def test_keyring_that_would_keep_nothing_or_in_the_open_is_refused(keyring):
    """A null one forgets without a word."""
    words = r"no keyring that copydesk would keep a credential in: start or install one .* environment"
    with pytest.raises(NotSupportedError, match=words):
        KeyringStore(keyring)
    assert KeyringStore(chain_of(MemoryKeyring(), *keyring.backends if hasattr(keyring, "backends") else ()))


def test_locked_keyring_is_told_with_what_to_do():
    store = KeyringStore(LockedKeyring())
    for call in (
        lambda: store.get("github", ROOT),
        lambda: store.set("github", ROOT, LOGIN),
        lambda: store.delete("github", ROOT),
        store.accounts,
    ):
        with pytest.raises(UnavailableError, match="is locked: unlock it and make the same call again"):
            call()


def test_secret_that_the_keyring_does_not_take_is_not_told():
    """Windows takes 2,560 bytes, and some keyrings repeat what they were given."""
    store = KeyringStore(FullKeyring())
    with pytest.raises(UnavailableError, match=r"Windows takes some 1,100 characters") as caught:
        store.set("github", ROOT, Credential("s3cret" * 400))
    told = "".join(traceback.format_exception(caught.value))
    assert "s3crets3cret" not in told
    assert store.accounts() == ()


# -- finding --------------------------------------------------------------------------------------


def found(**settings):
    connector = Connector("github", None, HttpSettings(environ={}, **settings))
    return connector.found(ROOT, Dialect(name="github"))


def test_login_is_found_without_being_told():
    ring = MemoryKeyring()
    KeyringStore(ring).set("github", ROOT, Credential("of-login"))
    KeyringStore(ring).set("github", ROOT, Credential("of-ben"), "ben")
    with system_keyring(ring):
        assert found().secret == "of-login"
        assert found(account="ben").secret == "of-ben"
        with pytest.raises(
            AuthenticationError, match="log in with `copydesk login`, set COPYDESK_GITHUB_TOKEN"
        ):
            found(account="eve")
        chosen = Connector("github", None, HttpSettings(environ={"COPYDESK_ACCOUNT": "ben"}))
        assert chosen.found(ROOT, Dialect(name="github")).secret == "of-ben"


@pytest.mark.parametrize("given", ["given", None])
def test_argument_and_environment_ask_no_keyring(given):
    """One that is locked would ask the person, or wait for ever."""
    environ = {} if given else {"COPYDESK_GITHUB_TOKEN": "given"}
    with system_keyring(LockedKeyring()):
        connector = Connector("github", given, HttpSettings(environ=environ))
        assert connector.found(ROOT, Dialect(name="github")).secret == "given"


def test_keyring_that_is_locked_is_told_and_one_that_is_absent_is_not_there():
    with system_keyring(LockedKeyring()), pytest.raises(UnavailableError, match="keyring is locked"):
        found()
    with system_keyring(null.Keyring()), pytest.raises(AuthenticationError, match="copydesk login"):
        found()


def test_store_of_the_caller_is_asked_and_the_keyring_is_not():
    store = MemoryStore()
    store.set("github", ROOT, Credential("of-host"))
    with system_keyring(LockedKeyring()):
        assert found(store=store).secret == "of-host"


def test_login_that_can_be_refreshed_is_a_source(store):
    store.set("github", ROOT, LOGIN)
    flow = LoginFlow("device", {"token_url": f"{ROOT}/token", "client_id": "x"})
    settings = HttpSettings(environ={}, store=store)
    assert isinstance(
        Connector("github", None, settings, (flow,)).found(ROOT, Dialect(name="github")), Refresher
    )


# -- refreshing -----------------------------------------------------------------------------------


def expiring(secret, at=EXPIRY):
    return Credential(secret, refresh_secret=f"{secret}-refresh", expires_at=datetime.fromtimestamp(at, UTC))


def refresher(store, exchange, *, clock=lambda: EXPIRY):
    """As another process has it, which read the store before."""
    place = Place(store, "github", ROOT)
    return Refresher(expiring("old"), exchange, clock=clock, place=place)


def test_refresh_that_another_process_made_is_taken(store):
    store.set("github", ROOT, expiring("new", EXPIRY * 1.5))
    source = refresher(store, pytest.fail)
    assert source.current().secret == "new"
    assert source.refreshed(expiring("old")).secret == "new"


def test_refresh_goes_on_from_the_newest_that_was_kept(store):
    """Ours was used up long ago, and theirs has expired meanwhile."""
    store.set("github", ROOT, expiring("newer"))
    asked = []
    source = refresher(store, lambda old: asked.append(old.secret) or expiring("newest", EXPIRY * 1.5))
    assert source.current().secret == "newest"
    assert asked == ["newer"]
    assert store.get("github", ROOT).secret == "newest"


def test_new_credential_is_kept_before_anybody_else_may_refresh(store):
    """In the lock: who comes next finds it."""
    events = []

    class Watched(MemoryStore):
        @contextlib.contextmanager
        def lock(self, *names):
            events.append("locked")
            yield
            events.append("unlocked")

        def set(self, *given):
            events.append("kept")
            super().set(*given)

    watched = Watched()
    watched.set("github", ROOT, expiring("old"))
    refresher(watched, lambda _: events.append("asked") or expiring("new", EXPIRY * 1.5)).current()
    assert events == ["kept", "locked", "asked", "kept", "unlocked"]


def test_two_who_find_it_expired_refresh_once(store):
    """Each with a Refresher of its own, as processes have; the lock is on the disk."""
    store.set("github", ROOT, expiring("old"))
    entered, go_on, asked, got = threading.Event(), threading.Event(), [], []

    def exchange(old):
        asked.append(old.secret)
        entered.set()
        assert go_on.wait(5)
        return expiring("new", EXPIRY * 1.5)

    def use():
        got.append(refresher(store, exchange).current().secret)

    threads = [threading.Thread(target=use) for _ in range(2)]
    threads[0].start()
    assert entered.wait(5)
    threads[1].start()
    go_on.set()
    for thread in threads:
        thread.join(10)
    assert (asked, got) == (["old"], ["new", "new"])


def test_failed_refresh_does_not_stick(store):
    """Not in the process, and not in the store."""
    store.set("github", ROOT, expiring("old"))
    answers = [UnavailableError("no token endpoint"), expiring("new", EXPIRY * 1.5)]

    def exchange(_):
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    source = refresher(store, exchange)
    with pytest.raises(UnavailableError, match="no token endpoint"):
        source.current()
    assert store.get("github", ROOT).secret == "old"
    assert source.current().secret == "new"


def test_login_that_somebody_ended_is_not_refreshed(store):
    """Or a logout would not last."""
    with pytest.raises(AuthenticationError, match="somebody logged out meanwhile"):
        refresher(store, pytest.fail).current()


@pytest.mark.parametrize("apart", [-300, 300])
def test_clock_that_is_five_minutes_wrong_refreshes_when_the_forge_refuses(store, apart):
    """The expiry is by our own clock: what was wrong at the login is found out by a 401."""
    store.set("github", ROOT, expiring("old"))
    source = refresher(store, lambda _: expiring("new", EXPIRY * 1.5), clock=lambda: EXPIRY - 1000 + apart)
    assert source.current().secret == "old"
    assert source.refreshed(source.current()).secret == "new"
