"""Running GraphQL documents over a schema of what is used of GitLab's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
from graphql import ExecutionResult, GraphQLError, GraphQLSchema, execute_sync
from werkzeug import Request, Response

from simulators.documents import load, operation, parsed, response
from simulators.gitlab.calls import Call
from simulators.gitlab.complexity import Complexity
from simulators.gitlab.shapes import Shapes
from simulators.gitlab.views import View, Views
from simulators.store import Access

if TYPE_CHECKING:
    from simulators.gitlab.app import GitLabSimulator

#: The text of a query may have so many characters; what is in variables does not count.
QUERY_SIZE = 10_000
TOO_COMPLEX = "Query has complexity of {}, which exceeds max complexity of {}"
TOO_MANY_BYTES = "The blobs of this query are larger than {} bytes together"


class TooLargeError(Exception):
    """The files of a query are too much together."""


@attrs.define(eq=False)
class Graph:
    """Answers GraphQL requests."""

    simulator: GitLabSimulator

    def answer(self, request: Request, access: Access | None, shapes: Shapes) -> Response:
        asked = _read(request)
        if asked is None:
            return problem(400, "No query")
        query = asked["query"]
        if len(query) > QUERY_SIZE:
            return problem(422, "Query too large")
        schema = load(Path(__file__).parent / "schema.graphql")
        document, errors = parsed(schema, query)
        found = operation(document, asked.get("operationName")) if document else None
        if document is None or found is None:
            return response({"errors": [_formatted(each) for each in errors]})
        score = Complexity(schema, document, asked.get("variables") or {}).of(found)
        limit = self.simulator.complexity_limit if access else self.simulator.anonymous_complexity_limit
        if score > limit:
            return problem(200, TOO_COMPLEX.format(score, limit))
        root = self._root(request, access, shapes)
        root["queryComplexity"] = {"score": score, "limit": limit}
        return _run(schema, document, asked, root)

    def _root(self, request: Request, access: Access | None, shapes: Shapes) -> View:
        def views(repository: Any) -> Views:
            call = Call(
                simulator=self.simulator, request=request, shapes=shapes, access=access, repository=repository
            )
            return Views(call, self._counter())

        def project(_info: Any, fullPath: str) -> View | None:  # noqa: N803 - the schema's word
            repository = self.simulator.forge.repository(fullPath)
            if repository is None or (repository.private and (access is None or access.level == "none")):
                return None
            return views(repository).project()

        return {
            "currentUser": lambda _info: views(None).user(access.user) if access else None,
            "project": project,
        }

    def _counter(self) -> Any:
        total = 0

        def count(size: int) -> None:
            nonlocal total
            total += size
            if total > self.simulator.blob_bytes_limit:
                raise TooLargeError(TOO_MANY_BYTES.format(self.simulator.blob_bytes_limit))

        return count


def _run(schema: GraphQLSchema, document: Any, asked: dict[str, Any], root: View) -> Response:
    result = execute_sync(
        schema,
        document,
        root,
        variable_values=asked.get("variables") or {},
        operation_name=asked.get("operationName"),
    )
    assert isinstance(result, ExecutionResult)
    shown: dict[str, Any] = {"data": result.data}
    for error in result.errors or ():
        if isinstance(error.original_error, TooLargeError):  # nothing of it is given
            return response({"data": None, "errors": [_formatted(error)]})
        shown.setdefault("errors", []).append(_formatted(error))
    return response(shown)


def problem(status: int, message: str) -> Response:
    """Refuse a request as the interface does, whose errors are always a list."""
    return response({"errors": [{"message": message}]}, status)


def _read(request: Request) -> dict[str, Any] | None:
    try:
        asked = json.loads(request.get_data())
    except ValueError:
        return None
    return asked if isinstance(asked, dict) and isinstance(asked.get("query"), str) else None


def _formatted(error: GraphQLError) -> dict[str, Any]:
    original = error.original_error
    if original is not None and not isinstance(original, TooLargeError):
        raise original  # a mistake of the simulator
    places = [{"line": each.line, "column": each.column} for each in error.locations or ()]
    path = {"path": list(error.path)} if error.path else {}
    return {"message": error.message, "locations": places, **path}
