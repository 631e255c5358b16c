"""The client that a backend sends its requests with."""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from types import TracebackType
from typing import Self

from copydesk import __version__
from copydesk.auth import CredentialSource
from copydesk.errors import ConfigError, InvalidInputError, RateLimitedError, UnavailableError
from copydesk.http._access import Keyring, OriginAccess
from copydesk.http._dialect import Dialect
from copydesk.http._errors import Asked, error_of_failure
from copydesk.http._exchange import Exchange, Settings
from copydesk.http._failures import Failure
from copydesk.http._gate import PROCESS_GATES, Gates, as_utc
from copydesk.http._origins import checked_root, is_secure, origin_of
from copydesk.http._pages import NextPage, pages
from copydesk.http._transport import Transport, pieces, unfit_header
from copydesk.http._values import Answer, Request
from copydesk.models import Credential

__all__ = ["HttpClient"]


class HttpClient:
    """Sends the requests of one backend; safe to use from threads.

    :param root: the address of the API; the credential goes to its origin and to no other.
    :param origins: other addresses that may be sent something, each with a credential of its own or None.
    :param workers: connections that are kept for one origin; by default what the dialect says.
    :param clock: epoch seconds. *sleep* and *jitter* are given for tests.
    :param timeout: seconds to connect, and seconds without a byte.
    :param max_wait: seconds that one call waits for a limit, in all, before it raises RateLimitedError.
    :param gates: where the limits are known; by default those of the process.
    :raises ConfigError: *root* or one of *origins* is no https address.
    """

    def __init__(
        self,
        root: str,
        dialect: Dialect,
        *,
        credential: Credential | CredentialSource | None = None,
        origins: Mapping[str, OriginAccess] | None = None,
        workers: int | None = None,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[float, float], float] = random.uniform,
        timeout: tuple[float, float] = (10.0, 60.0),
        max_wait: float = 60.0,
        user_agent: str = f"copydesk/{__version__}",
        gates: Gates = PROCESS_GATES,
    ) -> None:
        self.root = checked_root(root)
        self.dialect = dialect
        access = {
            origin_of(checked_root(address, "origins")): given for address, given in (origins or {}).items()
        }
        keyring = Keyring({**access, origin_of(self.root): credential}, gates)
        self.workers = workers or dialect.workers
        self._transport = Transport(
            keyring.origins, workers=self.workers, timeout=timeout, user_agent=user_agent
        )
        self._settings = Settings(
            self.root, dialect, self._transport, keyring, clock, sleep, jitter, max_wait
        )
        self._closed = False

    def __repr__(self) -> str:
        """Name forge and root; the credential is not shown."""
        return f"<HttpClient of {self.dialect.name} at {self.root}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections; a second call does nothing."""
        self._closed = True
        self._transport.close()

    def send(self, request: Request, *, allow: Collection[int] = ()) -> Answer:
        """Send a request, and give its answer where the status is 2xx, 304 or in *allow*.

        Waits for the forge's limit, follows redirects within the origin, refreshes a credential once, and
        sends again what is safe to send again.

        :raises AuthenticationError: the forge does not know the credential.
        :raises RateLimitedError: the limit lasts longer than *max_wait*; with the time to come back.
        :raises UnavailableError: no answer, or 5xx; ``unclear`` where a write may have happened.
        :raises CopydeskError: the other statuses, each its own class; what was answered is in ``.answer``.
        """
        return self._exchange(request, allow).run()

    @contextlib.contextmanager
    def stream(self, request: Request) -> Iterator[Iterator[bytes]]:
        """Send a request, and give the bytes of its answer as they come.

        :raises CopydeskError: as :meth:`send` does, also while the bytes are read.
        """
        exchange = self._exchange(request, ())
        exchange.keep_open = True
        exchange.run()
        response = exchange.response
        if response is None:  # a 304: there is nothing to read
            yield iter(())
            return
        with response:
            yield self._checked(pieces(response), exchange.asked)

    def pages(self, request: Request, next_page: NextPage) -> Iterator[Answer]:
        """Send a request, and those for the pages after it, and give each answer.

        Every status but 2xx raises; a first page that may be refused is sent by itself, with *allow*.

        :param next_page: finds the next page in an answer: :func:`by_link`, :func:`by_body_next`,
            :func:`by_cursor`, or a function that gives an address, a request, or None after the last page.
        :raises ProtocolError: a page is named twice, or lies on an origin that was not named.
        """
        named = self._settings.keyring.origins
        address = self.dialect.page_address
        return pages(self.send, request, next_page, root=self.root, named=named, address=address)

    @property
    def was_accepted(self) -> bool:
        """Whether the forge has taken the credential before: a 401 may then mean a missing right."""
        return self._settings.keyring.was_accepted(origin_of(self.root))

    def keep_secret(self, credential: Credential) -> None:
        """Keep a credential out of messages and the log that a request holds in its body or in a header."""
        self._settings.keyring.keep_secret(credential)

    def hidden(self, text: str) -> str:
        """Give a text that goes into a message, without the secrets of this client."""
        return self._settings.keyring.hide(text)

    def pause(self, seconds: float) -> None:
        """Wait before looking again at what a forge does later, with the clock that tests give."""
        self._settings.sleep(seconds)

    def require(self, requests: int) -> None:
        """Make sure that the forge's limit has room for a step of so many requests, before it begins.

        :raises RateLimitedError: it has not; ``retry_at`` is None where it never has so much.
        """
        known, origin = self._settings, origin_of(self.root)
        now, name, budget = known.clock(), self.dialect.name, self.dialect.hourly_budget
        gate = known.keyring.gate(origin, known.keyring.credential(origin))
        at = gate.room_at(requests, budget, now)
        if at is None:
            raise RateLimitedError(
                f"this takes {requests} requests, and {name} allows {budget} an hour; do it in smaller steps"
            )
        if at > now:
            raise RateLimitedError(
                f"this takes {requests} requests, more than {name} allows before "
                f"{as_utc(at):%Y-%m-%d %H:%M:%S} UTC; nothing was done; come back then",
                retry_at=as_utc(at),
            )

    def _exchange(self, request: Request, allow: Collection[int]) -> Exchange:
        if self._closed:
            raise UnavailableError(
                f"this client of {self.dialect.name} was closed; open the repository again"
            )
        if not self._is_usable(request):
            raise ConfigError(
                f"{self.dialect.name} was to be asked at an address that is not https (http is for this machine "
                "only), or holds a user or a password; check the configuration"
            )
        unfit = unfit_header(request.headers)
        if unfit:
            raise InvalidInputError(f"the header {unfit!r} holds a character that no header can hold")
        return Exchange(self._settings, request, request.address(self.root), allow)

    def _is_usable(self, request: Request) -> bool:
        try:
            return is_secure(origin_of(request.address(self.root)))
        except ValueError:
            return False

    def _checked(self, body: Iterator[bytes | Failure], asked: Asked) -> Iterator[bytes]:
        for piece in body:
            if isinstance(piece, Failure):
                raise error_of_failure(asked, piece) from piece.cause
            yield piece
