"""The pages of a login: one that opens the provider's window, one that reads a fragment, and how it ended."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from html import escape
from importlib.resources import files
from typing import Final

from copydesk.auth._begun import Page

__all__ = ["ending_page", "fragment_page", "opener_page"]

_HEADERS: Final = {
    "Content-Type": "text/html; charset=utf-8",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    # The window that it opens keeps its opener; who opens this page gets no hold of it.
    "Cross-Origin-Opener-Policy": "same-origin-allow-popups",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def opener_page(*, address: str, origin: str, provider: str, state: str, post_to: str) -> Page:
    """Make the page that opens the provider's window and plays its opener.

    It hears *origin* alone, tells that alone, and posts ``message`` and ``state`` to *post_to*. An answer that
    redirects is followed; another one is shown, so it should be plain text.
    """
    host = origin.partition("://")[2]
    data = {"address": address, "origin": origin, "provider": provider, "state": state, "post": post_to}
    words = f"A window of {host} opens, where you let copydesk in."
    return _page("Log in", words, data, ("deliver.js", "opener.js"), button=f"Log in at {host}")


def fragment_page(post_to: str = "") -> Page:
    """Make the page for the redirect URI of an implicit login, to which a GET is answered with it.

    It takes the fragment out of the address and posts it as ``fragment`` to *post_to*, or to where it is itself.
    """
    return _page("Log in", "One moment…", {"post": post_to}, ("deliver.js", "fragment.js"))


def ending_page(words: str, *, failed: bool = False) -> Page:
    """Make the page that says how the login ended; *words* are text, whatever is in them."""
    title = "The login failed" if failed else "You are logged in"
    return _page(title, words, {"now": "failed" if failed else "done"}, ("tidy.js",))


def _page(
    title: str, words: str, data: Mapping[str, str], scripts: tuple[str, ...], *, button: str = ""
) -> Page:
    style, script = _text("page.css"), "".join(map(_text, scripts))
    policy = (
        f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(style)}; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    told = "".join(f' data-{name}="{escape(value)}"' for name, value in data.items())
    pressed = f'<button id="open" type="button">{escape(button)}</button>' if button else ""
    html = (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)} · copydesk</title><style>{style}</style></head>\n"
        f'<body{told}><main><p id="brand">copydesk</p><h1 id="title">{escape(title)}</h1>'
        f'<p id="words" role="status">{escape(words)}</p>{pressed}</main><script>{script}</script></body></html>\n'
    )
    return Page(html, {**_HEADERS, "Content-Security-Policy": policy})


def _text(name: str) -> str:
    return files("copydesk.auth").joinpath("web", name).read_text("utf-8")


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
