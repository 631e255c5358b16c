"""Pages of identity providers: plain, with an id on all that is pressed or read."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from html import escape
from typing import Final

from werkzeug import Response

__all__ = ["consent", "form", "literal", "message", "page"]

_STYLE: Final = (
    "body { font: 16px sans-serif; margin: 3em } button, input { font: inherit; padding: .4em 1em }"
)
_HEADERS: Final = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}


def page(
    title: str, body: str, *, status: int = 200, script: str = "", headers: Mapping[str, str] | None = None
) -> Response:
    """Make a page out of a title, which is text, and a body and a script, which are written as they are."""
    script = f"<script>{script}</script>" if script else ""
    text = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{_STYLE}</style></head><body><h1>{escape(title)}</h1>{body}{script}</body></html>"
    )
    return Response(text, status, {**_HEADERS, **(headers or {})}, content_type="text/html; charset=utf-8")


def message(title: str, text: str, *, element: str, status: int = 200) -> Response:
    """Make a page that says one thing."""
    return page(title, f'<p id="{element}">{escape(text)}</p>', status=status)


def form(action: str, hidden: Mapping[str, str], shown: str) -> str:
    """Write a form that posts."""
    fields = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in hidden.items()
    )
    return f'<form method="post" action="{escape(action)}">{fields}{shown}</form>'


def consent(host: str, client: str, scopes: Iterable[str], action: str, ticket: str) -> Response:
    """Make the page that asks whether a client may; its buttons are ``authorize`` and ``cancel``."""
    wanted = "".join(f"<li>{escape(scope)}</li>" for scope in scopes)
    buttons = (
        '<button id="authorize" name="decision" value="authorize">Authorize</button> '
        '<button id="cancel" name="decision" value="cancel">Cancel</button>'
    )
    body = (
        f'<p><b id="client">{escape(client)}</b> asks for:</p><ul id="scopes">{wanted}</ul>'
        f"{form(action, {'ticket': ticket}, buttons)}"
    )
    # As the real ones: nobody frames the page that is pressed.
    return page(f"{host}: authorize", body, headers={"X-Frame-Options": "DENY"})


def literal(value: object) -> str:
    """Write a value as a literal in a script, out of which no text can break."""
    return json.dumps(value).replace("<", "\\u003c")
