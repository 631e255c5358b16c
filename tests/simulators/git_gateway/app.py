"""The simulator itself: who asks, may they ask for that, and which forge is asked."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

from werkzeug import Request, Response

from simulators.git_gateway.forward import forward, forwarded_headers
from simulators.git_gateway.hosts import HOSTS, Host, Upstream, readdressed
from simulators.netlify import SECRET, NetlifySimulator, answer, not_found, refusal

NOT_ALLOWED = "Access to endpoint not allowed: "


class GitGatewaySimulator(NetlifySimulator):
    """Netlify's Git Gateway: a proxy that lets editors without an account at the forge write one repository.

    :param roles: whose tokens are accepted; everybody's when there are none.
    """

    def __init__(
        self,
        *,
        github: Upstream | None = None,
        gitlab: Upstream | None = None,
        bitbucket: Upstream | None = None,
        roles: Iterable[str] = (),
        root: str = "/.netlify/git",
        secret: str = SECRET,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(root, secret=secret, clock=clock)
        self.github = github
        self.gitlab = gitlab
        self.bitbucket = bitbucket
        self.roles = tuple(roles)
        #: Nobody switched the gateway on for this site, if not.
        self.site_known = True
        #: What the list of what is allowed did not let through: method, and path below the root.
        self.refused: list[str] = []

    def answered(self, request: Request, path: str) -> Response:
        if not self.site_known:
            raise refusal(404, "Unable to locate site configuration")
        name = path.split("/", 2)[1]
        if path != "/settings" and name not in HOSTS:
            return not_found()
        claims = self.claims(request)
        if path == "/settings":
            return self._settings() if request.method == "GET" else Response(status=405)
        host, upstream = HOSTS[name], getattr(self, name)
        if upstream is None or not upstream.token:
            raise refusal(404, f"No {host.title} Settings Configured")
        self._check(request, host, path, claims)
        return self._forwarded(request, name, upstream)

    def _settings(self) -> Response:
        enabled = {f"{name}_enabled": getattr(self, name) is not None for name in HOSTS}
        return answer({**enabled, "roles": list(self.roles) or None})

    def _check(self, request: Request, host: Host, path: str, claims: dict[str, Any]) -> None:
        if host.allowed.match(path) is None:
            self.refused.append(f"{request.method} {path}")
            raise refusal(401, f"{NOT_ALLOWED}this part of {host.title}'s API has been restricted")
        theirs = (claims.get("app_metadata") or {}).get("roles") or ()
        if self.roles and not set(self.roles) & set(theirs):
            raise refusal(401, f"{NOT_ALLOWED}your role doesn't allow access")

    def _forwarded(self, request: Request, name: str, upstream: Upstream) -> Response:
        host = HOSTS[name]
        sent: str = request.environ["REQUEST_URI"]
        path, mark, query = sent.partition("?")
        below = path.partition(f"{self.root}/{name}")[2]
        headers = forwarded_headers(request)
        host.authorize(headers, upstream)
        target = host.target(upstream, below) + mark + query
        return readdressed(host, upstream, forward(request, upstream.api, target, headers))


__all__ = ["GitGatewaySimulator"]
