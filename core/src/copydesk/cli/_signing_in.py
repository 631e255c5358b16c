"""Running a login in a terminal: asking, showing addresses, opening the browser, and trying what came of it."""

from __future__ import annotations

import sys
import webbrowser
from typing import TYPE_CHECKING, Final

import attrs
import click

from copydesk.auth import Begun, CredentialStore, LoginRunner, MemoryStore, log_in_here, runner
from copydesk.cli._account import Account
from copydesk.cli._show import printable, waiting
from copydesk.errors import InvalidInputError, PermissionDeniedError
from copydesk.http import HttpSettings
from copydesk.models import Credential, LoginFlow, User
from copydesk.repository import open_repository

if TYPE_CHECKING:
    from copydesk.repository import Repository

__all__ = ["Terminal", "sign_in", "who"]

#: What is asked for without echo.
_SECRET: Final = frozenset({"password", "token", "private_key"})
_BY_BROWSER: Final = frozenset({"popup", "pkce", "implicit"})


@attrs.frozen
class Terminal:
    """How the person is spoken to.

    :param user: the answer to the question for a user, where it was given.
    :param opens: a browser is opened.
    """

    user: str | None
    redirect_uri: str
    opens: bool = True

    def ask(self, asks: dict[str, str]) -> dict[str, str]:
        """Ask at the terminal, secrets without echo; or read a line of standard input for each.

        :raises InvalidInputError: there are too few lines.
        """
        given: dict[str, str] = {}
        for name, words in asks.items():
            if name not in _SECRET and self.user is not None:
                given[name] = self.user
            elif sys.stdin is not None and sys.stdin.isatty():
                hidden = name in _SECRET
                given[name] = click.prompt(words, hide_input=hidden, err=True, default="", show_default=False)
            else:
                line = sys.stdin.readline() if sys.stdin is not None else ""
                if not line:
                    raise InvalidInputError(f"standard input has no line for: {words}")
                given[name] = line.rstrip("\r\n")
        return given

    def show(self, address: str) -> None:
        """Show an address, and open it in a browser."""
        if self.opens and webbrowser.open(address):
            click.echo("go on in the browser; it has opened:", err=True)
        else:
            click.echo("open this address in a browser on this machine:", err=True)
        click.echo(f"  {printable(address)}", err=True)


def sign_in(known: Account, flow: LoginFlow, terminal: Terminal) -> dict[str, str]:
    """Log in, try the credential, keep it, and tell whose it is.

    :raises NotSupportedError: there is no keyring to keep it in; nobody is asked anything then.
    :raises AuthenticationError: the forge does not take the credential; it is not kept.
    """
    store, run, found = known.store, runner(flow, backend=known.backend), {}

    def keep(credential: Credential) -> None:
        tried = MemoryStore()
        found.update(who(known, credential, tried))
        # One that was about to expire was refreshed meanwhile, and the first is worth nothing any more.
        newest = tried.get(known.backend, known.root, known.account) or credential
        store.set(known.backend, known.root, newest, known.account)

    if flow.kind in _BY_BROWSER:
        log_in_here(run, terminal.show, redirect_uri=terminal.redirect_uri, keep=keep)
    else:
        keep(_completed(run, run.begin(), terminal))
    return found


def _completed(run: LoginRunner, begun: Begun, terminal: Terminal) -> Credential:
    if begun.user_code:
        click.echo(f"type this code in the browser: {printable(begun.user_code)}", err=True)
        terminal.show(begun.address)
        with waiting("waiting until you did"):
            return run.complete(begun.state)
    if begun.address and sys.stdin is not None and sys.stdin.isatty():
        click.echo(f"make a token at {printable(begun.address)}", err=True)
    return run.complete(begun.state, terminal.ask(dict(begun.asks)))


def who(
    known: Account, credential: Credential | None = None, store: CredentialStore | None = None
) -> dict[str, str]:
    """Ask the forge whose credential it is; None: the one that is found.

    :param store: where a refreshed one is kept.
    :raises AuthenticationError: the forge does not know it, or there is none.
    """
    source = known.source if not isinstance(known.source, dict) else dict(known.source)
    settings = HttpSettings(account=known.account, store=store)
    with _opened(source, credential, settings) as repository:
        try:
            user = repository.authenticate().user or User("")
        except PermissionDeniedError:  # an app is no user, and GitHub says so
            repository.get_repository()
            user = User("")
    return {"login": user.login, "name": user.name, "email": user.email}


def _opened(source: object, credential: Credential | None, settings: HttpSettings) -> Repository:
    return open_repository(source, credential=credential, http=settings)  # type: ignore[arg-type]  # one of the two
