"""One request to the REST interface: what it asks, by whom, of which repository."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import attrs
from werkzeug import Response

from simulators import rest
from simulators.github.shapes import Shapes
from simulators.rest import JSON, Handler, Page, Route
from simulators.store import RefusedError, User

if TYPE_CHECKING:
    from simulators.github.app import GitHubSimulator

DOCUMENTATION = "https://docs.github.com/rest"
READ_ONLY = "Repository was archived so is read-only."
NOT_ACCESSIBLE = "Resource not accessible by personal access token"


class ProblemError(rest.ProblemError):
    """An answer that is an error, as GitHub writes it."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        errors: Sequence[Any] | None = None,
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> None:
        shown = {} if errors is None else {"errors": list(errors)}
        address = {"documentation_url": DOCUMENTATION, "status": str(status)}
        super().__init__(status, {"message": message, **shown, **more, **address}, headers)


def not_found() -> ProblemError:
    return ProblemError(404, "Not Found")


def invalid(text: str = "Validation Failed", /, **error: Any) -> ProblemError:
    """Refuse what was sent, naming what is wrong with it when that is known."""
    return ProblemError(422, text, errors=[error] if error else None)


@attrs.define(eq=False, kw_only=True)
class Call(rest.BaseCall):
    """A request to GitHub."""

    simulator: GitHubSimulator
    shapes: Shapes

    @property
    def user(self) -> User:
        if self.access is None:
            raise ProblemError(401, "Requires authentication")
        return self.access.user

    def accepts(self, media: str) -> bool:
        return f"application/vnd.github.{media}" in self.request.headers.get("Accept", "")

    def json(self) -> dict[str, Any]:
        """Read the body, which must be an object."""
        try:
            read = self.loaded()
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

    def raw(self, content: bytes) -> Response:
        kind = "application/vnd.github.raw; charset=utf-8"
        return Response(content, 200, self.headers, content_type=kind)

    def page(self, items: Iterable[Any], *, per_page: int = 30, limit: int | None = None) -> list[Any]:
        """Cut the page that is asked for out of a list and link to the others."""
        page = Page.cut(list(items)[:limit], self.request.args, size=per_page)
        shown = {}
        if page.number > 1:
            shown |= {"prev": page.number - 1, "first": 1}
        if page.number < page.last:
            shown |= {"next": page.number + 1, "last": page.last}
        if shown:
            self.headers["Link"] = rest.links({rel: self._page_url(at) for rel, at in shown.items()})
        return list(page.items)

    def _page_url(self, page: int) -> str:
        # GitHub's links name the repository by its number.
        path = self.request.path.removeprefix(self.simulator.root)
        tail = re.sub(r"^/(repos/[^/]+|repositories)/[^/]+", "", path)
        if self._repository is not None:
            path = f"/repositories/{self.repository.id}{tail}"
        query = {**self.request.args.to_dict(), "page": str(page)}
        return f"{self.shapes.api}{path}?{urlencode(query)}"


__all__ = ["JSON", "Call", "Handler", "ProblemError", "RefusedError", "Route", "invalid", "not_found"]
