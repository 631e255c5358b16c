"""Making the clients of one repository: what its backend names, and what the caller gave."""

from __future__ import annotations

import functools
import importlib.util
import os
import random
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import attrs

from copydesk.auth import (
    CredentialSource,
    CredentialStore,
    Place,
    Refresher,
    default_store,
    find_credential,
    missing_credential,
    renewal,
)
from copydesk.http._dialect import Dialect
from copydesk.http._gate import PROCESS_GATES, Gates
from copydesk.http._git import GitDialect, GitSource
from copydesk.models import Credential, LoginFlow

if TYPE_CHECKING:
    from copydesk.http._access import OriginAccess
    from copydesk.http._client import HttpClient
    from copydesk.ways import Way

__all__ = ["Connector", "HttpSettings"]


@attrs.frozen(kw_only=True)
class HttpSettings:
    """How a caller wants the requests of a repository to be sent; tests give clock, sleep and jitter.

    :param timeout: seconds to connect, and seconds without a byte.
    :param max_wait: seconds that one call waits for a limit before it raises RateLimitedError.
    :param workers: how many requests go at once; None: what the forge bears.
    :param store: where the credentials of logins are kept; None: in the system's keyring, which is only looked for
        where neither the caller nor the environment has a credential.
    :param account: which of several logins is meant; "": ``COPYDESK_ACCOUNT``, or the only one.
    """

    timeout: tuple[float, float] = (10.0, 60.0)
    max_wait: float = 60.0
    workers: int | None = None
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[float, float], float] = random.uniform
    gates: Gates = PROCESS_GATES
    environ: Mapping[str, str] = attrs.field(default=os.environ, repr=False)
    store: CredentialStore | None = None
    account: str = ""

    @property
    def chosen_account(self) -> str:
        """Which of several logins is meant, "" for the only one."""
        return self.account or self.environ.get("COPYDESK_ACCOUNT", "")


@attrs.define(eq=False)
class Connector:
    """Gives the backend of one repository its clients, each with the credential of the caller.

    :param flows: how the backend gets a credential; the one that can renew the caller's does so.
    :param kept_for: the address that a login is kept for, where it is not the first root that is asked for.
    """

    backend: str
    credential: str | Credential | CredentialSource | None = attrs.field(default=None, repr=False)
    settings: HttpSettings = attrs.field(factory=HttpSettings)
    flows: tuple[LoginFlow, ...] = ()
    kept_for: str = ""
    _clients: list[HttpClient] = attrs.field(factory=list, init=False, repr=False)
    _api: HttpClient | None = attrs.field(default=None, init=False, repr=False)
    _found: Credential | CredentialSource | None = attrs.field(default=None, init=False, repr=False)

    def __call__(
        self, root: str, dialect: Dialect, *, origins: Mapping[str, OriginAccess] | None = None
    ) -> HttpClient:
        """Make a client for the API at *root*; the credential goes there and nowhere else.

        :param origins: other addresses that may be sent something, each with what it may be sent.
        :raises AuthenticationError: there is no credential; the message names every way to give one.
        :raises ConfigError: an address cannot be used.
        """
        client = self._client(root, dialect, self.found(root, dialect), origins)
        self._api = self._api or client
        return client

    def anonymous(self, root: str, dialect: Dialect) -> HttpClient:
        """Make a client that sends no credential, such as one that gets it.

        :raises ConfigError: the address cannot be used.
        """
        return self._client(root, dialect, None, None)

    def for_git(self, root: str, *, trusted: bool) -> HttpClient:
        """Make a client for what git itself talks to, such as an LFS server; *trusted* gets the credential.

        :raises ConfigError: the address cannot be used.
        """
        forge = self._api.dialect if self._api is not None else Dialect(name=self.backend)
        dialect = GitDialect(name=forge.name, forge=forge)
        found = self._found if trusted else None
        return self._client(root, dialect, GitSource.of(found, forge), None)

    def git_ways(
        self, address: str, *, marks_commits: bool = False, asks_first: bool = False
    ) -> tuple[Way, ...]:
        """Name the ways to read by git's own protocol, at the address that one clones from.

        Nothing is asked for, and nothing imported, before one of them is taken. Without the extra ``git`` there
        are none.

        :param marks_commits: versions name the commit that they were listed at besides the blob, for a forge
            whose own listings name no blobs.
        :param asks_first: what the server can do is asked before anything else, where most of it is not to be
            expected; else when the first try has failed.
        """
        if importlib.util.find_spec("dulwich") is None:
            return ()
        # Most repositories are opened without one of these being taken.
        from copydesk.git import GitBlobs, GitClient, GitTrees

        client = GitClient(functools.partial(self.for_git, address, trusted=True), asks_first)
        return (GitTrees(client, marks_commits), GitBlobs(client))

    def _client(
        self,
        root: str,
        dialect: Dialect,
        credential: Credential | CredentialSource | None,
        origins: Mapping[str, OriginAccess] | None,
    ) -> HttpClient:
        from copydesk.http._client import HttpClient  # brings requests, which a backend on disk does not need

        known = self.settings
        client = HttpClient(
            root,
            dialect,
            credential=credential,
            origins=origins,
            workers=known.workers,
            clock=known.clock,
            sleep=known.sleep,
            jitter=known.jitter,
            timeout=known.timeout,
            max_wait=known.max_wait,
            gates=known.gates,
        )
        self._clients.append(client)
        return client

    def found(self, root: str, dialect: Dialect) -> Credential | CredentialSource:
        """Find the credential: the argument, then the environment, then the store.

        One that can be renewed is, before it expires and when the forge refuses it. A source of the caller's own
        gives credentials as they are to be sent.

        :raises AuthenticationError: there is none.
        """
        if self._found is None:
            given = self.credential
            self._found = given if isinstance(given, CredentialSource) else self._renewed(root, dialect)
        return self._found

    def _renewed(self, root: str, dialect: Dialect) -> Credential | CredentialSource:
        known = self.settings
        # What is no source of the caller's own; a type checker does not see that.
        given = self.credential if isinstance(self.credential, str | Credential) else None
        place = self._place(root, dialect, anywhere=False)
        credential = find_credential(self.backend, api_root=root, explicit=given, environ=known.environ)
        if credential is None:
            place = place or self._place(root, dialect, anywhere=True)
            credential = place.read() if place is not None else None
        elif place is not None:
            # A new one is kept for who asked for that; what they gave is no login to compare it with.
            return self._renewing(dialect.credential(credential), save=place.keep)
        if credential is None:
            raise missing_credential(self.backend)
        return self._renewing(dialect.credential(credential), place=place)

    def _renewing(
        self,
        sent: Credential,
        *,
        save: Callable[[Credential], None] | None = None,
        place: Place | None = None,
    ) -> Credential | CredentialSource:
        """Give what renews a credential, or the credential itself where nothing can."""
        clock = self.settings.clock
        renew = renewal(self.flows, sent, self.anonymous, self.backend, clock)
        if renew is None:
            return sent
        if sent.scheme == "app":
            return Refresher(sent, renew, clock=clock)  # the key is what is kept, and no token of an hour
        if save is not None:
            return Refresher(sent, renew, save=save, clock=clock)
        return Refresher(sent, renew, clock=clock, place=place)

    def _place(self, root: str, dialect: Dialect, *, anywhere: bool) -> Place | None:
        """Give where the login is kept: in the caller's store, or with *anywhere* in the system's keyring."""
        store = self.settings.store
        if store is None and anywhere:
            store = default_store()
        if store is None:
            return None
        account = self.settings.chosen_account
        return Place(store, self.backend, self.kept_for or root, account, dialect.credential)

    @property
    def workers(self) -> int | None:
        """How many requests may go at once to the forge that bears the least; None where there is no forge."""
        return min((client.workers for client in self._clients), default=None)

    def require(self, requests: int) -> None:
        """Make sure that the limits of the forge have room for a step of so many requests.

        :raises RateLimitedError: they have not; nothing was asked.
        """
        if self._api is not None:
            self._api.require(requests)

    def close(self) -> None:
        """Close every client; a second call does nothing."""
        for client in self._clients:
            client.close()
