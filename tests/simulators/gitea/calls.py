"""One request to the interface: what it asks, by whom, of which repository; and Gitea's words for refusals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import attrs
import pygit2

from simulators import rest
from simulators.gitea.shapes import Shapes
from simulators.rest import Handler, Page, Route
from simulators.store import PullRequest, RefusedError, User

if TYPE_CHECKING:
    from simulators.gitea.app import GiteaSimulator

__all__ = [
    "REPOSITORY",
    "Call",
    "Handler",
    "ProblemError",
    "RefusedError",
    "Route",
    "invalid",
    "not_found",
    "refused",
]

REPOSITORY = "/repos/<owner>/<repo>"


class ProblemError(rest.ProblemError):
    """An answer that is an error, as Gitea writes it."""

    def __init__(
        self, status: int, message: str, *, headers: Mapping[str, str] | None = None, **more: Any
    ) -> None:
        # What failed within is told to nobody but administrators.
        said = "" if status == 500 else message
        super().__init__(
            status, {"message": said, "url": "https://gitea.example/api/swagger", **more}, headers
        )


def not_found(*errors: str) -> ProblemError:
    return ProblemError(404, "The target couldn't be found.", errors=list(errors) or None)


def invalid(message: str) -> ProblemError:
    return ProblemError(422, message)


def refused(message: str) -> ProblemError:
    return ProblemError(409, message)


@attrs.define(eq=False, kw_only=True)
class Call(rest.BaseCall):
    """A request to Gitea."""

    simulator: GiteaSimulator
    shapes: Shapes

    @property
    def user(self) -> User:
        if self.access is None:
            raise ProblemError(401, "token is required")
        return self.access.user

    def json(self) -> dict[str, Any]:
        """Read the body, which must be an object."""
        try:
            read = self.loaded()
        except ValueError as exc:
            raise invalid(f"[]: DeserializationError {exc}") from exc
        if not isinstance(read, dict):
            raise invalid("[]: DeserializationError json: cannot unmarshal into Go value")
        return read

    def need(self, body: Mapping[str, Any], **fields: str) -> list[Any]:
        """Give what must be in a body; a field is named as in Gitea's source."""
        for name, shown in fields.items():
            if not body.get(name):
                raise invalid(f"[{shown}]: Required")
        return [body[name] for name in fields]

    def commit(self, sha: str) -> pygit2.Commit:
        found = self.repository.commit(sha)
        if found is None:
            raise not_found()
        return found

    def pull(self, number: str) -> PullRequest:
        found = self.repository.pull(int(number)) if number.isdigit() else None
        if found is None:
            raise not_found()
        return found

    def page(self, items: Iterable[Any], *, linked: bool = True, size: int | None = None) -> list[Any]:
        """Cut the page that is asked for out of a list, and tell how long it is."""
        most = self.simulator.page_limit
        asked = self.request.args if size is None else {**self.request.args.to_dict(), "limit": str(size)}
        page = Page.cut(items, asked, size=min(30, most), most=most, name="limit")
        self.headers["X-Total-Count"] = str(page.total)
        shown = {}
        if page.number < page.last:
            shown |= {"next": page.number + 1, "last": page.last}
        if page.number > 1:
            shown |= {"first": 1, "prev": page.number - 1}
        if shown and linked:
            self.headers["Link"] = rest.links({rel: self._page_url(at) for rel, at in shown.items()})
        return list(page.items)

    def _page_url(self, page: int) -> str:
        query = {**self.request.args.to_dict(), "page": str(page)}
        path = self.request.path.removeprefix(self.simulator.root)
        return f"{self.simulator.root_url or self.shapes.web}{self.simulator.root}{path}?{urlencode(query)}"
