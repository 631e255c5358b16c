"""The verbs about logins: log in, log out, who is logged in, and as whom."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from copydesk.cli._options import site_options
from copydesk.cli._show import as_json, print_json, print_table, printable

if TYPE_CHECKING:
    from copydesk.cli._account import Account
    from copydesk.cli._site import Site
    from copydesk.models import LoginFlow

__all__ = ["accounts", "login", "logout", "whoami"]

account_option = click.option(
    "--account", default="", metavar="NAME", help="Which of several logins.  [default: COPYDESK_ACCOUNT]"
)


@click.command()
@click.argument("file", required=False, metavar="[CONFIG.YML]")
@click.option(
    "--with", "kind", metavar="KIND", help="The way to log in.  [default: the first that --list shows]"
)
@click.option("--list", "listing", is_flag=True, help="List the ways to log in, and do nothing.")
@account_option
@click.option("--user", metavar="NAME", help="User name or e-mail address, where one is asked for.")
@click.option("--no-browser", is_flag=True, help="Open no browser, and show the address to open.")
@click.option(
    "--redirect-uri", default="", metavar="URI", help="The address on this machine that the provider knows."
)
@site_options
@as_json
def login(
    site: Site,
    file: str | None,
    kind: str | None,
    listing: bool,
    account: str,
    user: str | None,
    no_browser: bool,
    redirect_uri: str,
    json_output: bool,
) -> None:
    """Log in, and keep the credential in the system's keyring.

    Secrets are asked for, or read from standard input: a line for each. COPYDESK_<BACKEND>_TOKEN in the
    environment comes before a login.
    """
    import attrs

    from copydesk.cli._account import Account
    from copydesk.cli._signing_in import Terminal, sign_in

    known = Account.of(attrs.evolve(site, config=file) if file else site, account)
    if listing:
        _list(known.flows, json_output)
        return
    user_found = sign_in(known, known.flow(kind), Terminal(user, redirect_uri, opens=not no_browser))
    _tell(known, user_found, "logged in", json_output)
    if known.in_environment:
        click.echo(f"but: {known.variable} is set, and comes first", err=True)


def _list(flows: tuple[LoginFlow, ...], json_output: bool) -> None:
    if json_output:
        print_json([{"kind": flow.kind, "settings": dict(flow.settings)} for flow in flows])
        return
    at = ("authorize_url", "device_url", "issuer", "identity_url", "page")
    rows = [
        (flow.kind, next((flow.settings[name] for name in at if name in flow.settings), "")) for flow in flows
    ]
    print_table(["way", "at"], rows)


def _tell(known: Account, user: dict[str, str], verb: str, json_output: bool) -> None:
    told = {"backend": known.backend, "api_root": known.root, "account": known.account, **user}
    if json_output:
        print_json(told)
        return
    name = user["name"] if user["name"] in {"", user["login"]} else f" ({user['name']})"
    who = f"{user['login']}{name if name.startswith(' ') else ''}" or "somebody without a name"
    click.echo(printable(f"{verb}: {who} on {known.backend} at {known.root}"))


@click.command()
@account_option
@site_options
@as_json
def logout(site: Site, account: str, json_output: bool) -> None:
    """Forget the login of the site's backend.

    The token stays good at the forge until it expires or is revoked there.
    """
    from copydesk.cli._account import Account
    from copydesk.cli._show import nothing_to_do

    known = Account.of(site, account)
    deleted = known.store.delete(known.backend, known.root, known.account)
    if json_output:
        told = {"backend": known.backend, "api_root": known.root, "account": known.account}
        print_json({**told, "logged_out": deleted})
    elif deleted:
        click.echo(printable(f"logged out: {known.backend} at {known.root}"))
    else:
        nothing_to_do(f"nobody is logged in on {known.backend} at {known.root}")
    if known.in_environment:
        click.echo(f"but: {known.variable} is set, and is still used", err=True)


@click.command()
@account_option
@site_options
@as_json
def whoami(site: Site, account: str, json_output: bool) -> None:
    """Show whose credential is used, and where it comes from."""
    from copydesk.cli._account import Account
    from copydesk.cli._signing_in import who

    known = Account.of(site, account)
    user = who(known)
    source = "environment" if known.in_environment else "keyring" if known.needs_login else "none needed"
    _tell(
        known,
        {**user, "credential": source},
        f"by the {source}" if known.needs_login else "here",
        json_output,
    )


@click.command()
@click.option("--debug", is_flag=True, hidden=True)
@as_json
def accounts(debug: bool, json_output: bool) -> None:  # noqa: ARG001 - _app reads it
    """List the logins that are kept; no secret is read for it."""
    from copydesk.auth import KeyringStore

    kept = KeyringStore().accounts()
    if json_output:
        print_json([{"backend": a.backend, "api_root": a.api_root, "account": a.account} for a in kept])
    elif kept:
        print_table(["backend", "at", "account"], [(a.backend, a.api_root, a.account) for a in kept])
    else:
        click.echo("nobody is logged in; try: copydesk login", err=True)
