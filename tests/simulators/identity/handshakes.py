"""How the popup's last page tells its opener the token, as Netlify's does and as the community's do."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Final

from simulators.identity.pages import literal

__all__ = ["Manner", "script", "verdict"]


class Manner(enum.Enum):
    """What is answered, when and to whom; each is as a server that people run."""

    #: Netlify: says ``authorizing``, waits for exactly that from its opener, answers to the origin of the echo.
    NETLIFY = "netlify"
    #: netlify-cms-github-oauth-provider, sveltia-cms-auth: answers any message, to the origin of that.
    ECHO = "echo"
    #: decap-proxy: answers the first message, to ``*``; without the provider in its JSON.
    ANYONE = "anyone"
    #: Small ones made for one site: the success at once to ``*``, with no handshake, and the window closes.
    AT_ONCE = "at once"


def verdict(
    manner: Manner, provider: str, *, token: Mapping[str, str] | None, refusal: str = ""
) -> dict[str, str]:
    """Give what is in the JSON of a success, or of an error when there is no token."""
    if token is None:
        if manner is Manner.ECHO:
            return {"provider": provider, "error": refusal, "errorCode": "TOKEN_REQUEST_FAILED"}
        return {"message": refusal}
    return dict(token) if manner is Manner.ANYONE else {**token, "provider": provider}


_SAYING: Final = """
const status = document.getElementById("status");
const hello = "authorizing:" + PROVIDER;
function tell(origin) {
    window.opener.postMessage(VERDICT, origin);
    status.textContent = "told " + origin;
}
"""
_NETLIFY: Final = """
window.addEventListener("message", (event) => {
    if (event.source === window.opener && event.data === hello) tell(event.origin);
});
"""
_ECHO: Final = """
window.addEventListener("message", (event) => tell(event.origin));
"""
_ANYONE: Final = """
window.addEventListener("message", () => tell("*"), { once: true });
"""
_HELLO: Final = """
if (window.opener) window.opener.postMessage(hello, "*");
else status.textContent = "there is no opener";
"""
_AT_ONCE: Final = """
if (window.opener) { tell("*"); window.close(); }
else status.textContent = "there is no opener";
"""
_SCRIPTS: Final = {
    Manner.NETLIFY: _NETLIFY + _HELLO,
    Manner.ECHO: _ECHO + _HELLO,
    Manner.ANYONE: _ANYONE + _HELLO,
    Manner.AT_ONCE: _AT_ONCE,
}


def script(manner: Manner, provider: str, told: str) -> str:
    """Write the script of the last page, which tells its opener *told*."""
    names = f"const PROVIDER = {literal(provider)}, VERDICT = {literal(told)};"
    return f"(() => {{ {names}{_SAYING}{_SCRIPTS[manner]} }})();"
