"""The GitHub that everybody works on, and those who do."""

from __future__ import annotations

import json
from functools import partial
from typing import Final

from copydesk.testing import ServerSimulator
from simulators.github import GitHubSimulator
from simulators.store import Forge
from werkzeug import Request, Response

from benchmarks.requests.bench import Bench, Pace, Side
from benchmarks.requests.github.decap import DecapOnGitHub
from benchmarks.requests.github.library import PyGithub
from benchmarks.requests.ours import Copydesk

__all__ = ["GITHUB", "GitHubForAll"]

_NOTES: Final = """\
- **PyGithub** is used by somebody who keeps the objects that it gives. It waits 0.25 s between requests and 1 s
  between writes; to show the rest, it is counted and timed without these waits too. What would take it minutes
  is not timed.
- **Decap CMS on GitHub** asks besides twice before a creation, to see whether the name is free, and five times
  after it. Its browser asks whether a folder has changed."""


class GitHubForAll(GitHubSimulator):
    """The simulator, with the two addresses that only Decap CMS asks for."""

    def __init__(self, forge: Forge, *, codeload: ServerSimulator | None = None) -> None:
        super().__init__(forge, codeload=codeload)
        # Thousands of requests in a minute: the limit is not what is measured.
        self.quota = self.quota_left = 1_000_000

    def respond(self, request: Request) -> Response:
        if request.path == "/search/issues":
            return _json({"total_count": 0, "incomplete_results": False, "items": []})
        if request.path.startswith("/users/"):
            user = self.forge.users[request.path.removeprefix("/users/")]
            return _json(self.shapes(request).private_user(user))
        return super().respond(request)


def _json(data: object) -> Response:
    return Response(json.dumps(data), 200, content_type="application/json; charset=utf-8")


GITHUB: Final = Bench(
    "GitHub",
    GitHubForAll,
    sides=(
        Side("copydesk", partial(Copydesk, "github")),
        Side("copydesk, REST only", partial(Copydesk, "github", use_graphql=False)),
        Side("PyGithub", PyGithub, Pace.WAITING),
        Side("PyGithub without its waits", partial(PyGithub, waits=False), Pace.ONE_BY_ONE),
        Side("Decap CMS, modelled", DecapOnGitHub),
    ),
    library="PyGithub",
    notes=_NOTES,
)
