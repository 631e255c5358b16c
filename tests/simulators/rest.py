"""What simulators of REST interfaces share: routes, calls, pages, answers that are errors or known already."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import unquote

import attrs
from copydesk.testing import ServerSimulator
from werkzeug import Request, Response

from simulators.git_http import GitServer
from simulators.lfs import LargeFiles
from simulators.lfs.mounted import Mounted, password
from simulators.lfs.server import LFSError
from simulators.store import Access, Forge, Repository

__all__ = [
    "JSON",
    "BaseCall",
    "ForgeSimulator",
    "Handler",
    "Page",
    "ProblemError",
    "Route",
    "Router",
    "links",
    "unmodified",
]

JSON: Final = "application/json; charset=utf-8"
Handler = Callable[..., Response]


class ProblemError(Exception):
    """An answer that is an error."""

    def __init__(self, status: int, body: Any, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status, body)
        self.status = status
        self.body = body
        self.headers = headers or {}

    def response(self) -> Response:
        return Response(json.dumps(self.body), self.status, dict(self.headers), content_type=JSON)


class ForgeSimulator(ServerSimulator):
    """A simulator over a forge, which nobody else changes while a request is answered."""

    #: Where the large files of a repository are: its name, and what is asked for there.
    lfs_address = re.compile(r"/(?P<name>[^/]+/[^/]+)\.git/info/lfs(?P<tail>/.+)")
    #: Where git itself asks: the name of a repository, and what for.
    git_address = re.compile(r"/(?P<name>[^/]+/[^/]+)\.git/(?P<tail>info/refs|git-(?:upload|receive)-pack)")

    def __init__(self, forge: Forge) -> None:
        super().__init__()
        self.forge = forge
        self.lfs = LargeFiles()
        self.git_server = GitServer()

    def answered(self, request: Request) -> Response:
        """Answer a request, or raise :class:`ProblemError`; to be overridden."""
        raise NotImplementedError

    def dress(self, request: Request, response: Response) -> None:
        """Add the headers that every answer has; to be overridden."""
        raise NotImplementedError

    def git_access(self, request: Request) -> Access | None:
        """Find out who asks as git does, None being nobody; any user name goes with a token.

        :raises LFSError: 401 for somebody unknown.
        """
        given = password(request)
        access = self.forge.tokens.get(given[1]) if given else None
        if given and access is None:
            raise LFSError(401)
        return access

    def mounted(self, request: Request, name: str) -> Mounted:
        """Find the large files of a repository by the name in its clone address."""
        url = f"{request.host_url}{name}.git/info/lfs"
        return Mounted(self.lfs, self.forge.repository(name), self.git_access, url)

    def _large_files(self, request: Request, name: str, tail: str) -> Response:
        try:
            return self.mounted(request, name).answer(request, tail)
        except LFSError as exc:
            return exc.response()

    def cloned(self, name: str) -> Repository | None:
        """Find a repository by the name in its clone address."""
        return self.forge.repository(name)

    def _to_git(self, request: Request, name: str, tail: str) -> Response:
        def find() -> tuple[Repository | None, Access | None]:
            with self.forge.lock:
                return self.cloned(name), self.git_access(request)

        # Without the lock: packing takes a while, and changes nothing.
        return self.git_server.answer(request, tail, find)

    def respond(self, request: Request) -> Response:
        to_git = self.git_address.fullmatch(request.path)
        if to_git is not None:
            return self._to_git(request, **to_git.groupdict())
        with self.forge.lock:
            large = self.lfs_address.fullmatch(request.path)
            if large is not None:
                return self._large_files(request, **large.groupdict())
            try:
                response = self.answered(request)
            except ProblemError as exc:
                response = exc.response()
            self.dress(request, response)
            return response


def unmodified(request: Request, response: Response) -> bool:
    """Turn an answer that the client knows by its ETag into a 304, and say whether it was."""
    known = request.headers.get("If-None-Match", "").removeprefix("W/")
    if not known or known != response.headers["ETag"].removeprefix("W/"):
        return False
    response.status_code = HTTPStatus.NOT_MODIFIED
    response.set_data(b"")
    del response.headers["Content-Type"]
    return True


@attrs.frozen
class Route:
    """A method and a path below the interface's root; ``<name>`` is a segment, ``<name:path>`` any number."""

    method: str
    pattern: str
    handler: Handler
    #: A repository without a commit is answered in another way.
    needs_commits: bool = False

    def expression(self) -> re.Pattern[str]:
        def group(found: re.Match[str]) -> str:
            return f"(?P<{found[1]}>{'.+' if found[2] else '[^/]+'})"

        return re.compile(re.sub(r"<(\w+)(:path)?>", group, self.pattern), re.DOTALL)


class Router:
    """Finds the routes of a request; what stands first is tried first."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._routes = tuple((route, route.expression()) for route in routes)

    def matching(
        self, method: str, path: str, *, encoded: bool = False
    ) -> Iterator[tuple[Route, dict[str, str]]]:
        """Give routes and what they take out of a path; HEAD is answered as GET.

        :param encoded: the path is as it was sent, so that a segment may hold a slash.
        """
        method = "GET" if method == "HEAD" else method
        for route, expression in self._routes:
            found = expression.fullmatch(path)
            if found is not None and route.method == method:
                taken = found.groupdict()
                yield route, {name: unquote(value) for name, value in taken.items()} if encoded else taken


@attrs.frozen
class Page:
    """One page of a list."""

    items: Sequence[Any]
    number: int
    size: int
    total: int

    @classmethod
    def cut(
        cls,
        items: Iterable[Any],
        asked: Mapping[str, str],
        *,
        size: int,
        most: int = 100,
        name: str = "per_page",
    ) -> Page:
        """Cut out what *page* and a parameter of that *name* ask for.

        :param size: how many there are on a page when it is not said.
        :param most: how many there are at most.
        """
        items = list(items)
        size = min(max(_number(asked.get(name), size), 1), most)
        number = max(_number(asked.get("page"), 1), 1)
        return cls(items[(number - 1) * size : number * size], number, size, len(items))

    @property
    def last(self) -> int:
        return -(-self.total // self.size)


def links(urls: Mapping[str, str]) -> str:
    """Write a Link header."""
    return ", ".join(f'<{url}>; rel="{rel}"' for rel, url in urls.items())


def _number(text: str | None, default: int) -> int:
    return int(text) if text and text.isdigit() else default


@attrs.define(eq=False, kw_only=True)
class BaseCall:
    """A request and what it is about; handlers take it and give a response."""

    simulator: Any
    request: Request
    shapes: Any
    access: Access | None
    _repository: Repository | None = None
    #: For the answer, when there is one.
    headers: dict[str, str] = attrs.field(factory=dict)

    @property
    def forge(self) -> Forge:
        return self.simulator.forge

    @property
    def repository(self) -> Repository:
        assert self._repository is not None
        return self._repository

    def arg(self, name: str, default: str = "") -> str:
        return self.request.args.get(name, default)

    def loaded(self) -> Any:
        """Read the body, an empty object when there is none; ValueError when it is no JSON."""
        data = self.request.get_data()
        return json.loads(data) if data else {}

    def answer(self, data: Any, status: int = 200, **headers: str) -> Response:
        shown = {**self.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
        return Response(json.dumps(data), status, shown, content_type=JSON)

    def nothing(self) -> Response:
        return Response(status=204, content_type="")
