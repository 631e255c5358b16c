"""Running GraphQL documents over the digest of GitHub's schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
from graphql import DocumentNode, ExecutionResult, GraphQLError, GraphQLSchema, OperationType, execute_sync
from werkzeug import Request, Response

from simulators.documents import load, operation, parsed, response
from simulators.github.calls import JSON, ProblemError
from simulators.github.mutations import Mutations
from simulators.github.shapes import Shapes, read_node_id, when
from simulators.github.views import FaultError, View, Views
from simulators.store import START, Access

if TYPE_CHECKING:
    from simulators.github.app import GitHubSimulator

RESOURCES = "Resource limits for this query exceeded."
TIMEOUT = "Something went wrong while executing your query. This may be the result of a timeout."


def schema() -> GraphQLSchema:
    return load(Path(__file__).parent / "schema.graphql")


@attrs.define(eq=False)
class Graph:
    """Answers GraphQL requests."""

    simulator: GitHubSimulator
    #: Fields of mutations that fail: name, message, type.
    failing: list[tuple[str, str, str]] = attrs.field(factory=list)

    def answer(self, request: Request, access: Access | None, shapes: Shapes) -> Response:
        if request.method != "POST":
            raise ProblemError(404, "Not Found")
        if access is None:
            raise ProblemError(401, "This endpoint requires you to be authenticated.")
        if not self.simulator.spend(1):
            text = f"API rate limit exceeded for user ID {access.user.id}."
            return response({"errors": [{"type": "RATE_LIMITED", "message": text}]})
        asked = _read(request)
        document, errors = parsed(schema(), asked["query"])
        if document is None:
            return response({"errors": [_formatted(each) for each in errors]})
        return self._run(document, asked, access, shapes)

    def _run(self, document: DocumentNode, asked: dict[str, Any], access: Access, shapes: Shapes) -> Response:
        limit = _Limit(self.simulator.blob_limit)
        views = Views(shapes, access, limit.count, self.simulator.lagging)
        mutations = Mutations(views, self.simulator.forge, access, self.simulator.created)
        asked_for = operation(document, asked.get("operationName"))
        mutating = asked_for is not None and asked_for.operation is OperationType.MUTATION
        root = self._mutation_root(mutations) if mutating else self._query_root(views)
        result = execute_sync(
            schema(),
            document,
            root,
            variable_values=asked.get("variables") or {},
            operation_name=asked.get("operationName"),
        )
        assert isinstance(result, ExecutionResult)
        if limit.exceeded and self.simulator.blob_limit_status == 502:
            return Response(
                json.dumps({"data": None, "errors": [{"message": TIMEOUT}]}), 502, content_type=JSON
            )
        shown: dict[str, Any] = {"data": result.data}
        if result.errors:
            shown["errors"] = [_formatted(each) for each in result.errors]
        return response(shown)

    def _query_root(self, views: Views) -> View:
        return {
            "viewer": lambda _info: views.user(views.access.user),
            "repository": lambda _info, **args: self._repository(views, args),
            "rateLimit": lambda _info, **_: self._rate_limit(),
            "node": lambda _info, id: self._node(views, id),  # noqa: A006 - the schema's word
            "nodes": lambda _info, ids: [self._node(views, each) for each in ids],
        }

    def _repository(self, views: Views, args: dict[str, Any]) -> View:
        name = f"{args['owner']}/{args['name']}"
        forge = self.simulator.forge
        found = forge.repository(name) or forge.repository(forge.renamed.get(name.casefold(), ""))
        if found is None or (found.private and views.access.level == "none"):
            raise FaultError("NOT_FOUND", f"Could not resolve to a Repository with the name '{name}'.")
        return views.repository(found)

    def _rate_limit(self) -> View:
        state = self.simulator.quota_state()
        reset = START.fromtimestamp(state["reset"], START.tzinfo)
        return {**state, "cost": 1, "nodeCount": 0, "resetAt": when(reset)}

    def _node(self, views: Views, value: str) -> View:
        kind, key = read_node_id(value) or ("", [])
        for each in self.simulator.forge.repositories.values():
            if kind == "R" and each.id == key[0]:
                return views.repository(each)
            if kind == "PR" and each.id == key[0]:
                return views.pull_by_number(each, key[1])
        raise FaultError("NOT_FOUND", f"Could not resolve to a node with the global id of '{value}'.")

    def _mutation_root(self, mutations: Mutations) -> View:
        def field(name: str, do: Any) -> Any:
            def run(_info: Any, input: dict[str, Any]) -> View:  # noqa: A002 - the schema's word
                self._fail(name)
                return {"clientMutationId": input.get("clientMutationId"), **do(input)}

            return run

        return {name: field(name, do) for name, do in mutations.fields().items()}

    def _fail(self, name: str) -> None:
        for each in self.failing:
            if each[0] == name:
                self.failing.remove(each)
                raise FaultError(each[2], each[1])


@attrs.define
class _Limit:
    """Counts the objects that a query names."""

    most: int | None
    counted: int = 0

    @property
    def exceeded(self) -> bool:
        return self.most is not None and self.counted > self.most

    def count(self) -> None:
        self.counted += 1
        if self.exceeded:
            raise FaultError("RESOURCE_LIMITS_EXCEEDED", RESOURCES)


def _read(request: Request) -> dict[str, Any]:
    try:
        asked = json.loads(request.get_data())
    except ValueError as exc:
        raise ProblemError(400, "Problems parsing JSON") from exc
    if not isinstance(asked, dict) or not isinstance(asked.get("query"), str):
        raise ProblemError(400, "A query attribute must be specified and must be a string.")
    return asked


def _formatted(error: GraphQLError) -> dict[str, Any]:
    """Write an error as GitHub does, which puts its type beside the message."""
    original = error.original_error
    if original is not None and not isinstance(original, FaultError):
        raise original  # a mistake of the simulator
    kind = {"type": original.type} if isinstance(original, FaultError) else {}
    path = {"path": list(error.path)} if error.path else {}
    places = [{"line": each.line, "column": each.column} for each in error.locations or ()]
    return {**kind, **path, "locations": places, "message": error.message}
