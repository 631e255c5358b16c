"""A gateway for each repository of a forge, all on one server."""

from __future__ import annotations

from typing import Any, Final, Self
from urllib.parse import quote

import jwt
from copydesk.testing import ServerSimulator
from simulators.git_gateway import GitGatewaySimulator, Upstream
from simulators.netlify import SECRET
from werkzeug import Request, Response

from benchmarks.requests.sites import TOKEN

__all__ = ["EDITOR", "Gateways", "address_of"]

#: The token of an editor, who is known to every gateway.
EDITOR: Final = jwt.encode({"email": "ann@example.org", "user_metadata": {"full_name": "Ann"}}, SECRET)


def address_of(url: str, repo: str) -> str:
    """Give the address of the gateway of a repository."""
    return f"{url}/{repo.rpartition('/')[2]}/.netlify/git"


class Gateways(ServerSimulator):
    """What begins with the name of a repository goes through its gateway; the forge's own log is another.

    :param name: that of the forge, as gateways call it.
    :param place: where a repository is below the root of its API, but for its name.
    """

    def __init__(self, name: str, upstream: Any, place: str) -> None:
        super().__init__()
        self._name = name
        self._upstream = upstream
        self._place = place
        self._gateways: dict[str, GitGatewaySimulator] = {}

    def start(self) -> Self:
        self._upstream.start()
        return super().start()

    def stop(self) -> None:
        super().stop()
        self._upstream.stop()

    def clear(self) -> None:
        super().clear()
        self._upstream.clear()

    @property
    def refused(self) -> list[str]:
        """What the list of what is allowed did not let through, in the order of the repositories."""
        return [each for gateway in self._gateways.values() for each in gateway.refused]

    def respond(self, request: Request) -> Response:
        site = request.path.split("/")[1]
        if site not in self._gateways:
            api = f"{self._upstream.url}{self._upstream.root}/{self._place}{self._repository(site)}"
            behind: Any = {self._name: Upstream(api, TOKEN)}
            self._gateways[site] = GitGatewaySimulator(root=f"/{site}/.netlify/git", **behind)
        return self._gateways[site].respond(request)

    def _repository(self, site: str) -> str:
        return quote(f"owner/{site}", safe="" if self._name == "gitlab" else "/")
