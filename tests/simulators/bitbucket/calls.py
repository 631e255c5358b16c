"""One request to the interface: what it asks, by whom, of which repository."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import attrs
import pygit2
from werkzeug import Response

from simulators import rest
from simulators.bitbucket import query
from simulators.bitbucket.fields import selected
from simulators.bitbucket.shapes import Shapes
from simulators.rest import Handler, Page, Route
from simulators.store import RefusedError, User

if TYPE_CHECKING:
    from simulators.bitbucket.app import BitbucketSimulator

SHORT = re.compile(r"[0-9a-f]{7,40}")
#: Of both a repository that is not there and one that is not to be seen.
NO_REPOSITORY = (
    "You may not have access to this repository or it no longer exists in this workspace. If you think this "
    "repository exists and you have access, make sure you are authenticated."
)
NO_SCOPE = "Your credentials lack one or more required privilege scopes."


class ProblemError(rest.ProblemError):
    """An answer that is an error, as Bitbucket writes it."""

    def __init__(
        self, status: int, message: str, *, headers: Mapping[str, str] | None = None, **more: Any
    ) -> None:
        super().__init__(status, {"type": "error", "error": {"message": message, **more}}, headers)


class BlankError(rest.ProblemError):
    """An answer that is an error and no JSON."""

    def __init__(self, status: int, text: str = "", headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status, text, headers)

    def response(self) -> Response:
        return Response(self.body, self.status, dict(self.headers), content_type="text/html; charset=utf-8")


def bad_field(name: str, text: str, *, named: bool = True) -> ProblemError:
    """Refuse a field of a body."""
    return ProblemError(400, f"{name}: {text}" if named else text, fields={name: [text]})


def no_commit(name: str) -> ProblemError:
    found = ProblemError(404, "Commit not found", data={"shas": [name]})
    found.body["data"] = {"shas": [name]}
    return found


@attrs.define(eq=False, kw_only=True)
class Call(rest.BaseCall):
    """A request to Bitbucket."""

    simulator: BitbucketSimulator
    shapes: Shapes

    @property
    def user(self) -> User:
        assert self.access is not None  # who writes was asked for it
        return self.access.user

    def json(self) -> dict[str, Any]:
        """Read the body, which must be an object."""
        try:
            read = self.loaded()
        except ValueError as exc:
            raise ProblemError(400, "Bad request", fields={"": "expected a dictionary"}) from exc
        if not isinstance(read, dict):
            raise ProblemError(400, "Bad request", fields={"": "expected a dictionary"})
        return read

    def commit(self, name: str) -> pygit2.Commit:
        """Find a commit by a branch or by its sha, which may be cut."""
        found = self.repository.commit(name)
        if found is None and SHORT.fullmatch(name):
            there = self.repository.git.get(name)
            found = there if isinstance(there, pygit2.Commit) else None
        if found is None:
            raise no_commit(name)
        return found

    def shown(self, data: Any, status: int = 200, hidden: Iterable[str] = (), **headers: str) -> Response:
        """Answer with what *fields* asks for, and not with what is hidden from who does not ask."""
        return self.answer(selected(data, self.arg("fields"), hidden), status, **headers)

    def page(
        self,
        values: Iterable[Any],
        show: Callable[[Any], Any],
        *,
        size: int = 10,
        most: int = 100,
        counted: bool = True,
        opaque: bool = False,
        hidden: Iterable[str] = (),
    ) -> Response:
        """Answer with the page that is asked for, of values that match the query.

        :param show: makes of a value what stands in the answer.
        :param counted: it says how many there are, even if it had not to look at all of them.
        :param opaque: pages are not called by their numbers.
        """
        asked = self.request.args.to_dict()
        if asked.get("pagelen") and not (asked["pagelen"].isdigit() and 0 < int(asked["pagelen"]) <= most):
            raise ProblemError(400, "Invalid pagelen")
        if opaque and "page" in asked:
            asked["page"] = _number(asked["page"])
        whole = bool(self.arg("q") or self.arg("sort"))
        if whole:
            values, show = self._matching(map(show, values)), _same
        page = Page.cut(values, asked, size=size, most=most, name="pagelen")
        shown = {"pagelen": page.size, "values": [show(each) for each in page.items], "page": page.number}
        if counted or whole:
            shown["size"] = page.total
        if page.number < page.last:
            shown["next"] = self._page_url(_token(page.number + 1) if opaque else str(page.number + 1))
        return self.shown(shown, hidden=hidden)

    def _matching(self, values: Iterable[Any]) -> list[Any]:
        """Filter and sort what can be filtered and sorted."""
        try:
            found = query.filtered(values, self.arg("q"))
            return query.ordered(found, self.arg("sort")) if self.arg("sort") else found
        except query.QueryError as exc:
            raise ProblemError(400, str(exc)) from exc

    def _page_url(self, page: str) -> str:
        asked = {name: values for name, values in self.request.args.lists() if name != "page"}
        path = self.request.environ["REQUEST_URI"].partition("?")[0]  # as it was sent
        return f"{self.shapes.web}{path}?{urlencode({**asked, 'page': page}, doseq=True)}"


def _same(value: Any) -> Any:
    return value


def _token(page: int) -> str:
    return base64.urlsafe_b64encode(f"p{page}".encode()).decode().rstrip("=")


def _number(token: str) -> str:
    try:
        return base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode().removeprefix("p")
    except ValueError as exc:
        raise ProblemError(404, "Invalid page") from exc


__all__ = [
    "NO_REPOSITORY",
    "NO_SCOPE",
    "BlankError",
    "Call",
    "Handler",
    "ProblemError",
    "RefusedError",
    "Route",
    "bad_field",
    "no_commit",
]
