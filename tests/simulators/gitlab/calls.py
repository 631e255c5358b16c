"""One request to the REST interface: what it asks, by whom, of which project."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import attrs

from simulators import rest
from simulators.gitlab.knobs import ProjectState
from simulators.gitlab.shapes import Shapes
from simulators.rest import Page, Route
from simulators.store import RefusedError, User

if TYPE_CHECKING:
    from simulators.gitlab.app import GitLabSimulator

PROJECT = "/projects/<project>"
REPOSITORY = f"{PROJECT}/repository"
#: From so many items on, nothing is said about how many there are.
COUNTED = 10_000


class ProblemError(rest.ProblemError):
    """An answer that is an error; most say ``message``, those about parameters say ``error``."""

    def __init__(self, status: int, message: Any, *, key: str = "message", **headers: str) -> None:
        shown = {name.replace("_", "-"): value for name, value in headers.items()}
        super().__init__(status, {key: message}, shown)


def not_found(what: str = "") -> ProblemError:
    """Say that something is not there; its name is written as titles are."""
    return ProblemError(404, f"404 {what} Not Found" if what else "404 Not found")


def forbidden(reason: str = "") -> ProblemError:
    return ProblemError(403, f"403 Forbidden - {reason}" if reason else "403 Forbidden")


def bad_request(reason: str) -> ProblemError:
    return ProblemError(400, f"400 Bad request - {reason}")


def unauthorized() -> ProblemError:
    return ProblemError(401, "401 Unauthorized")


@attrs.define(eq=False, kw_only=True)
class Call(rest.BaseCall):
    """A request to GitLab; parameters may stand in the address and in the body."""

    simulator: GitLabSimulator
    shapes: Shapes
    _parameters: dict[str, Any] | None = None

    @property
    def user(self) -> User:
        if self.access is None:
            raise unauthorized()
        return self.access.user

    @property
    def state(self) -> ProjectState:
        return self.simulator.project(self.repository)

    @property
    def parameters(self) -> dict[str, Any]:
        if self._parameters is None:
            self._parameters = {**self._query(), **self._body()}
        return self._parameters

    def _query(self) -> dict[str, Any]:
        given = [*self.request.args.items(multi=True), *self.request.form.items(multi=True)]
        read: dict[str, Any] = {}
        for name, value in given:
            if name.endswith("[]"):
                read.setdefault(name[:-2], []).append(value)
            else:
                read[name] = value
        return read

    def _body(self) -> dict[str, Any]:
        if self.request.mimetype != "application/json":
            return {}
        try:
            read = self.loaded()
        except ValueError as exc:
            raise ProblemError(400, "Invalid json", key="error") from exc
        if not isinstance(read, dict):
            raise ProblemError(400, "The request body is not an object", key="error")
        return read

    def get(self, name: str, default: Any = None) -> Any:
        return self.parameters.get(name, default)

    def flag(self, name: str) -> bool | None:
        """Read a truth value, None when it is not given."""
        given = self.parameters.get(name)
        return None if given is None else str(given).lower() in {"true", "1", "t", "yes", "on"}

    def names(self, name: str) -> list[str]:
        """Read a list, which may be one text with commas."""
        given = self.parameters.get(name) or []
        parts = given.split(",") if isinstance(given, str) else given
        return [part.strip() for part in map(str, parts) if part.strip()]

    def need(self, *names: str) -> list[Any]:
        """Give parameters that must be there."""
        missing = [name for name in names if name not in self.parameters]
        if missing:
            raise ProblemError(400, ", ".join(f"{name} is missing" for name in missing), key="error")
        return [self.parameters[name] for name in names]

    def page(self, items: Iterable[Any], *, counted: bool = True) -> list[Any]:
        """Cut the page that is asked for out of a list, and describe it in the headers."""
        page = Page.cut(items, self.request.args, size=20)
        counted = counted and page.total <= COUNTED
        more = page.number < page.last if counted else len(page.items) == page.size
        if counted:
            self.headers |= {"X-Total": str(page.total), "X-Total-Pages": str(max(page.last, 1))}
        self.headers |= {
            "X-Page": str(page.number),
            "X-Per-Page": str(page.size),
            "X-Next-Page": str(page.number + 1) if more else "",
            "X-Prev-Page": str(page.number - 1) if page.number > 1 else "",
        }
        named = {
            "prev": page.number - 1 if page.number > 1 else None,
            "next": page.number + 1 if more else None,
            "first": 1,
            "last": max(page.last, 1) if counted else None,
        }
        self.link({rel: {"page": str(at), "per_page": str(page.size)} for rel, at in named.items() if at})
        return list(page.items)

    def link(self, pages: dict[str, dict[str, str]]) -> None:
        """Link to other pages of the list, each with the parameters that differ."""
        url = f"{self.shapes.web}{self.simulator.raw_path(self.request)}"
        given = self.request.args.to_dict()
        query = {rel: urlencode({**given, **more}) for rel, more in pages.items()}
        self.headers["Link"] = rest.links({rel: f"{url}?{text}" for rel, text in query.items()})


__all__ = [
    "PROJECT",
    "REPOSITORY",
    "Call",
    "ProblemError",
    "RefusedError",
    "Route",
    "bad_request",
    "forbidden",
    "not_found",
    "unauthorized",
]
