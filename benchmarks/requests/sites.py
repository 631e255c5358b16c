"""The GitHub that everybody works on, and what its repositories hold."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final, Literal

import attrs
from copydesk.config import parse_config
from simulators.github import GitHubSimulator
from simulators.store import Forge, Repository
from werkzeug import Request, Response

__all__ = ["CONFIG", "DRAFTS", "PNG", "PREFIX", "TOKEN", "Cost", "GitHub", "Status", "files", "path_of"]

Status = Literal["draft", "pending_review", "pending_publish"]

TOKEN: Final = "full-token"
PREFIX: Final = "netlify-cms/"
#: The open drafts that a list shows.
DRAFTS: Final = 20
PNG: Final = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40
CONFIG: Final = parse_config(
    b"""\
backend: {name: github, repo: owner/site, branch: main}
publish_mode: editorial_workflow
media_folder: static/img
collections:
  - {name: posts, label: Post, folder: content/posts}
""",
    "admin/config.yml",
)


def path_of(slug: str) -> str:
    return f"content/posts/{slug}.md"


def files(count: int) -> dict[str, bytes]:
    """Give the entries of a site, about 1 kB each."""
    words = "Nobody reads this twice. " * 40
    return {path_of(f"entry-{number:04}"): f"# {number}\n\n{words}\n".encode() for number in range(count)}


@attrs.frozen
class Cost:
    """What one step asked: requests, and the bytes of their bodies, without headers."""

    requests: int
    sent: int
    received: int

    @property
    def size(self) -> int:
        return self.sent + self.received


class GitHub(GitHubSimulator):
    """The simulator, with the two addresses that only Decap CMS asks for."""

    def respond(self, request: Request) -> Response:
        if request.path == "/search/issues":
            return _json({"total_count": 0, "incomplete_results": False, "items": []})
        if request.path.startswith("/users/"):
            user = self.forge.users[request.path.removeprefix("/users/")]
            return _json(self.shapes(request).private_user(user))
        return super().respond(request)

    @classmethod
    def below(cls, folder: Path) -> GitHub:
        forge = Forge(folder)
        forge.add_token(TOKEN, forge.add_user("owner", "Site Owner", "owner@example.org"))
        made = cls(forge)
        # Thousands of requests in a minute: the limit is not what is measured.
        made.quota = made.quota_left = 1_000_000
        return made

    def cost(self) -> Cost:
        """Tell what was asked since the log was cleared."""
        sent = sum(len(each.request_body) for each in self.log)
        return Cost(len(self.log), sent, sum(len(each.response_bytes) for each in self.log))

    def add_site(self, name: str) -> Repository:
        """Add a repository with a few entries and the drafts of a list."""
        site = self.forge.add_repository(f"owner/{name}", files(3))
        for slug in (f"draft-{number:02}" for number in range(DRAFTS)):
            branch, title = f"cms/posts/{slug}", f"Create {slug}"
            site.commit_files(branch, {path_of(slug): f"# {slug}\n".encode()}, title, start="main")
            site.open_pull(title, branch, "main", labels=[f"{PREFIX}draft"])
        return site


def _json(data: object) -> Response:
    return Response(json.dumps(data), 200, content_type="application/json; charset=utf-8")
