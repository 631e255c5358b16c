"""What simulators of GraphQL interfaces share: schemas, documents, operations."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    build_schema,
    parse,
    validate,
)
from werkzeug import Response

from simulators.rest import JSON

__all__ = ["load", "operation", "parsed", "response"]


@functools.cache
def load(path: Path) -> GraphQLSchema:
    """Read a schema, once."""
    return build_schema(path.read_text())


@functools.lru_cache(maxsize=256)
def parsed(schema: GraphQLSchema, query: str) -> tuple[DocumentNode | None, tuple[GraphQLError, ...]]:
    """Give the document, or what is wrong with it."""
    try:
        document = parse(query)
    except GraphQLError as exc:
        return None, (exc,)
    errors = validate(schema, document)
    return (None, tuple(errors)) if errors else (document, ())


def operation(document: DocumentNode, name: str | None) -> OperationDefinitionNode | None:
    """Find the operation of a name, or the first when none is given."""
    for each in document.definitions:
        if isinstance(each, OperationDefinitionNode) and (
            not name or (each.name and each.name.value == name)
        ):
            return each
    return None


def response(data: dict[str, Any], status: int = 200) -> Response:
    return Response(json.dumps(data), status, content_type=JSON)
