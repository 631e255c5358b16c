"""What a query costs: GitLab refuses those that cost too much before it runs them.

A field costs 1, one that asks git's storage 1 more, and what is in it. A list costs 1 % more for each item of a
page, and so twice as much for a page of a hundred; files asked for by their paths cost 1 more for each path.
"""

from __future__ import annotations

from typing import Any

import attrs
from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    get_named_type,
    value_from_ast_untyped,
)

PAGE = 100
#: Fields that are found in git's storage.
FROM_GIT = {
    "Repository.tree",
    "Repository.blobs",
    "Repository.commit",
    "Repository.rootRef",
    "Repository.empty",
    "Repository.exists",
    "Tree.lastCommit",
    "Tree.blobs",
    "Tree.trees",
    "Tree.submodules",
    "Blob.lfsOid",
    "RepositoryBlob.lfsOid",
    "MergeRequest.diffStats",
}


@attrs.frozen
class Complexity:
    """Counts what the fields of a document cost."""

    schema: GraphQLSchema
    document: DocumentNode
    variables: dict[str, Any]

    def of(self, operation: OperationDefinitionNode) -> int:
        root = self.schema.get_root_type(operation.operation)
        return self._selection(operation.selection_set, root)

    def _selection(self, selection: SelectionSetNode | None, parent: Any) -> int:
        return sum(self._node(node, parent) for node in (selection.selections if selection else ()))

    def _node(self, node: Any, parent: Any) -> int:
        if isinstance(node, FieldNode):
            return self._field(node, parent)
        if isinstance(node, InlineFragmentNode):
            named = node.type_condition
            return self._selection(
                node.selection_set, self.schema.get_type(named.name.value) if named else parent
            )
        assert isinstance(node, FragmentSpreadNode)
        fragments = (each for each in self.document.definitions if isinstance(each, FragmentDefinitionNode))
        found = next(each for each in fragments if each.name.value == node.name.value)
        return self._selection(found.selection_set, self.schema.get_type(found.type_condition.name.value))

    def _field(self, node: FieldNode, parent: Any) -> int:
        name = f"{parent.name}.{node.name.value}"
        field = parent.fields.get(node.name.value) if isinstance(parent, GraphQLObjectType) else None
        if field is None:
            return 1
        inner = get_named_type(field.type)
        given = {
            each.name.value: value_from_ast_untyped(each.value, self.variables)
            for each in node.arguments or ()
        }
        cost = self._selection(node.selection_set, inner) + 1 + (name in FROM_GIT)
        cost += len(given.get("paths") or ()) + bool(given.get("sort"))
        if inner.name.endswith("Connection"):
            asked = [given[each] for each in ("first", "last") if given.get(each) is not None]
            cost += int(cost * min([*asked, PAGE]) / 100)
        return cost
