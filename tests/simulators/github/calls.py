"""One request to the REST interface: what it asks, by whom, of which repository."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import attrs
from werkzeug import Request, Response

from simulators.github.shapes import Shapes
from simulators.store import Access, Forge, RefusedError, Repository, User

if TYPE_CHECKING:
    from simulators.github.app import GitHubSimulator

DOCUMENTATION = "https://docs.github.com/rest"
READ_ONLY = "Repository was archived so is read-only."
NOT_ACCESSIBLE = "Resource not accessible by personal access token"
JSON = "application/json; charset=utf-8"


class ProblemError(Exception):
    """An answer that is an error."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        errors: Sequence[Any] | None = None,
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers or {}
        shown = {} if errors is None else {"errors": list(errors)}
        self.body = {
            "message": message,
            **shown,
            **more,
            "documentation_url": DOCUMENTATION,
            "status": str(status),
        }

    def response(self) -> Response:
        return Response(json.dumps(self.body), self.status, dict(self.headers), content_type=JSON)


def not_found() -> ProblemError:
    return ProblemError(404, "Not Found")


def invalid(text: str = "Validation Failed", /, **error: Any) -> ProblemError:
    """Refuse what was sent, naming what is wrong with it when that is known."""
    return ProblemError(422, text, errors=[error] if error else None)


@attrs.define(eq=False)
class Call:
    """A request and what it is about; handlers take it and give a response."""

    simulator: GitHubSimulator
    request: Request
    shapes: Shapes
    access: Access | None
    _repository: Repository | None = None
    headers: dict[str, str] = attrs.field(factory=dict)

    @property
    def forge(self) -> Forge:
        return self.simulator.forge

    @property
    def user(self) -> User:
        if self.access is None:
            raise ProblemError(401, "Requires authentication")
        return self.access.user

    @property
    def repository(self) -> Repository:
        assert self._repository is not None
        return self._repository

    def arg(self, name: str, default: str = "") -> str:
        return self.request.args.get(name, default)

    def accepts(self, media: str) -> bool:
        return f"application/vnd.github.{media}" in self.request.headers.get("Accept", "")

    def json(self) -> dict[str, Any]:
        """Read the body, which must be an object."""
        data = self.request.get_data()
        try:
            read = json.loads(data) if data else {}
        except ValueError as exc:
            raise ProblemError(400, "Problems parsing JSON") from exc
        if not isinstance(read, dict):
            raise ProblemError(400, "Body should be a JSON object")
        return read

    def need(self, body: Mapping[str, Any], *names: str) -> list[Any]:
        """Give what must be in a body."""
        missing = [name for name in names if name not in body]
        if missing:
            words = ", ".join(f'"{name}"' for name in missing)
            raise ProblemError(422, f"Invalid request.\n\n{words} wasn't supplied.")
        return [body[name] for name in names]

    def answer(self, data: Any, status: int = 200, **headers: str) -> Response:
        shown = {**self.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
        return Response(json.dumps(data), status, shown, content_type=JSON)

    def nothing(self) -> Response:
        return Response(status=204, content_type="")

    def raw(self, content: bytes) -> Response:
        kind = "application/vnd.github.raw; charset=utf-8"
        return Response(content, 200, self.headers, content_type=kind)

    def page(self, items: Iterable[Any], *, per_page: int = 30, limit: int | None = None) -> list[Any]:
        """Cut the page that is asked for out of a list and link to the others."""
        items = list(items)[:limit]
        size = min(max(_number(self.arg("per_page"), per_page), 1), 100)
        number = max(_number(self.arg("page"), 1), 1)
        last = -(-len(items) // size)
        links = {}
        if number > 1:
            links |= {"prev": number - 1, "first": 1}
        if number < last:
            links = {**links, "next": number + 1, "last": last}
        if links:
            shown = (f'<{self._page_url(page)}>; rel="{rel}"' for rel, page in links.items())
            self.headers["Link"] = ", ".join(shown)
        return items[(number - 1) * size : number * size]

    def _page_url(self, page: int) -> str:
        # GitHub's links name the repository by its number.
        path = self.request.path.removeprefix(self.simulator.root)
        tail = re.sub(r"^/(repos/[^/]+|repositories)/[^/]+", "", path)
        if self._repository is not None:
            path = f"/repositories/{self.repository.id}{tail}"
        query = {**self.request.args.to_dict(), "page": str(page)}
        return f"{self.shapes.api}{path}?{urlencode(query)}"


def _number(text: str, default: int) -> int:
    return int(text) if text.isdigit() else default


Handler = Callable[..., Response]


@attrs.frozen
class Route:
    """A method and a path below the interface's root; ``<name>`` is a segment, ``<name:path>`` any number."""

    method: str
    pattern: str
    handler: Handler
    #: A repository without a commit answers 409.
    needs_commits: bool = False

    def expression(self) -> re.Pattern[str]:
        def group(found: re.Match[str]) -> str:
            return f"(?P<{found[1]}>{'.+' if found[2] else '[^/]+'})"

        return re.compile(re.sub(r"<(\w+)(:path)?>", group, self.pattern))


__all__ = ["Call", "Handler", "ProblemError", "RefusedError", "Route", "invalid", "not_found"]
