"""Make the digests of what GitHub publishes: ``python tests/simulators/github/digest.py``; needs npm.

They hold what the simulator answers and nothing else, without descriptions. Input types are whole.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from graphql import (
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    build_schema,
    get_named_type,
    is_leaf_type,
    print_schema,
    validate_schema,
)

HERE = Path(__file__).parent
CONNECTION = "nodes pageInfo totalCount"
FIELDS = {
    "Query": "viewer repository rateLimit node nodes",
    "Mutation": "createRef updateRef updateRefs deleteRef createCommitOnBranch createPullRequest "
    "updatePullRequest closePullRequest reopenPullRequest mergePullRequest updatePullRequestBranch "
    "addLabelsToLabelable removeLabelsFromLabelable createLabel markPullRequestReadyForReview "
    "convertPullRequestToDraft",
    "User": "id login name email databaseId avatarUrl url",
    "Bot": "id login avatarUrl url",
    "Actor": "login avatarUrl url",
    "Node": "id",
    "Repository": "id databaseId name nameWithOwner owner url isArchived isEmpty isFork isPrivate "
    "viewerPermission deleteBranchOnMerge defaultBranchRef ref refs object labels label pullRequests pullRequest "
    "mergeCommitAllowed squashMergeAllowed rebaseMergeAllowed",
    "RepositoryOwner": "id login avatarUrl url",
    "Ref": "id name prefix target repository",
    "RefConnection": CONNECTION,
    "GitObject": "id oid abbreviatedOid repository",
    "Blob": "byteSize isBinary isTruncated text",
    "Tree": "entries",
    "TreeEntry": "name path mode type oid size object",
    "Commit": "message messageHeadline messageBody committedDate authoredDate author committer parents tree "
    "history status statusCheckRollup deployments file url",
    "GitActor": "name email date user",
    "CommitConnection": CONNECTION,
    "CommitHistoryConnection": CONNECTION,
    "Status": "id state contexts",
    "StatusContext": "id context state description targetUrl createdAt",
    "StatusCheckRollup": "id state contexts",
    "StatusCheckRollupContextConnection": CONNECTION,
    "StatusCheckRollupContext": "",
    "CheckRun": "id databaseId name status conclusion detailsUrl startedAt completedAt url title",
    "DeploymentConnection": CONNECTION,
    "Deployment": "id databaseId environment state createdAt latestStatus commitOid task",
    "DeploymentStatus": "id state environmentUrl logUrl createdAt description",
    "PullRequest": "id databaseId number title body state isDraft headRefName headRefOid headRef headRepository "
    "baseRefName baseRefOid baseRef isCrossRepository createdAt updatedAt closedAt mergedAt merged mergeable "
    "mergeStateStatus mergeCommit url author labels files repository closed changedFiles",
    "PullRequestConnection": CONNECTION,
    "PullRequestChangedFileConnection": CONNECTION,
    "PullRequestChangedFile": "path changeType additions deletions",
    "Label": "id name color description isDefault",
    "LabelConnection": CONNECTION,
    "Labelable": "labels",
    "PageInfo": "endCursor hasNextPage hasPreviousPage startCursor",
    "RateLimit": "cost limit remaining resetAt used nodeCount",
}
REPOSITORY = "/repos/{owner}/{repo}"
OPERATIONS = {
    "/user": "get",
    "/rate_limit": "get",
    REPOSITORY: "get",
    **{
        REPOSITORY + path: methods
        for path, methods in {
            "/branches": "get",
            "/branches/{branch}": "get",
            "/commits": "get",
            "/commits/{ref}": "get",
            "/commits/{ref}/status": "get",
            "/commits/{ref}/statuses": "get",
            "/commits/{ref}/check-runs": "get",
            "/compare/{basehead}": "get",
            "/contents/{path}": "get put delete",
            "/deployments": "get",
            "/deployments/{deployment_id}/statuses": "get",
            "/git/blobs": "post",
            "/git/blobs/{file_sha}": "get",
            "/git/commits": "post",
            "/git/commits/{commit_sha}": "get",
            "/git/matching-refs/{ref}": "get",
            "/git/ref/{ref}": "get",
            "/git/refs": "post",
            "/git/refs/{ref}": "patch delete",
            "/git/trees": "post",
            "/git/trees/{tree_sha}": "get",
            "/issues/{issue_number}": "get",
            "/issues/{issue_number}/labels": "get post put delete",
            "/issues/{issue_number}/labels/{name}": "delete",
            "/labels": "get post",
            "/labels/{name}": "get patch delete",
            "/merges": "post",
            "/pulls": "get post",
            "/pulls/{pull_number}": "get patch",
            "/pulls/{pull_number}/commits": "get",
            "/pulls/{pull_number}/files": "get",
            "/pulls/{pull_number}/merge": "get put",
            "/pulls/{pull_number}/update-branch": "put",
            "/statuses/{sha}": "post",
            "/tarball/{ref}": "get",
        }.items()
    },
}
#: Keys of a schema that say nothing to a validator, or that this one does not read.
DROPPED = {
    "description",
    "example",
    "examples",
    "externalDocs",
    "default",
    "title",
    "deprecated",
    "discriminator",
}


# -- GraphQL ------------------------------------------------------------------------------------------


def graphql_digest(text: str) -> str:
    """Cut the schema to FIELDS and what they need."""
    schema = build_schema(text, assume_valid_sdl=True)  # it defines two fields twice
    for type_ in schema.type_map.values():
        _strip(type_)
        _cut(type_)
    named = [schema.type_map[name] for name in FIELDS if name not in {"Query", "Mutation"}]
    cut = GraphQLSchema(query=schema.query_type, mutation=schema.mutation_type, types=named)
    if errors := validate_schema(cut):
        raise SystemExit("\n".join(map(str, errors)))
    return print_schema(cut) + "\n"


def _strip(type_: Any) -> None:
    """Take away descriptions."""
    type_.description = None
    values = {**getattr(type_, "fields", {}), **getattr(type_, "values", {})}
    for each in values.values():
        each.description = None
        for argument in getattr(each, "args", {}).values():
            argument.description = None


def _cut(type_: Any) -> None:
    if isinstance(type_, GraphQLUnionType):
        type_.types = tuple(each for each in type_.types if each.name in FIELDS)
    if not isinstance(type_, GraphQLObjectType | GraphQLInterfaceType) or type_.name.startswith("__"):
        return
    type_.interfaces = tuple(each for each in type_.interfaces if each.name in FIELDS)
    wanted = _wanted(type_)
    if missing := wanted - type_.fields.keys():
        raise LookupError(f"{type_.name} has no {', '.join(sorted(missing))}")
    for name in type_.fields.keys() - wanted:
        del type_.fields[name]


def _wanted(type_: Any) -> set[str]:
    if type_.name not in FIELDS:
        # The payload of a mutation: of it what leads to something kept.
        types = {name: get_named_type(field.type) for name, field in type_.fields.items()}
        return {name for name, each in types.items() if is_leaf_type(each) or each.name in FIELDS}
    names = [type_.name, *(each.name for each in type_.interfaces)]
    return {field for name in names for field in FIELDS[name].split()}


# -- REST ---------------------------------------------------------------------------------------------


def openapi_digest(whole: dict[str, Any]) -> dict[str, Any]:
    """Cut the description to OPERATIONS and turn its schemas into JSON Schema."""
    paths: dict[str, Any] = {}
    for path, methods in OPERATIONS.items():
        paths[path] = {method: _operation(whole, whole["paths"][path][method]) for method in methods.split()}
    schemas: dict[str, Any] = {}
    wanted = list(_references(paths))
    while wanted:
        reference = wanted.pop()
        name = reference.rpartition("/")[2]
        if name not in schemas:
            schemas[name] = _schema(_at(whole, reference))
            wanted.extend(_references(schemas[name]))
    return {"info": whole["info"]["version"], "paths": paths, "components": {"schemas": schemas}}


def _operation(whole: dict[str, Any], operation: dict[str, Any]) -> dict[str, Any]:
    parameters = [_deref(whole, each) for each in operation.get("parameters", ())]
    body = _deref(whole, operation.get("requestBody") or {})
    answers = {status: _deref(whole, each) for status, each in operation["responses"].items()}
    return {
        "query": sorted(each["name"] for each in parameters if each["in"] == "query"),
        "body": _json_schema(body),
        "body_required": bool(body.get("required")),
        "answers": {status: _json_schema(each) for status, each in answers.items()},
    }


def _json_schema(part: dict[str, Any]) -> Any:
    """Give the schema of the JSON form, or None."""
    content = part.get("content") or {}
    for kind, media in content.items():
        if kind == "application/json" or kind.endswith("+json"):
            return _schema(media.get("schema", {}))
    return None


def _schema(node: Any) -> Any:
    if isinstance(node, list):
        return [_schema(each) for each in node]
    if not isinstance(node, dict):
        return node
    made = {key: _schema(value) for key, value in node.items() if key not in DROPPED and key[:2] != "x-"}
    properties = node.get("properties")
    if isinstance(properties, dict):
        # A property may be called as a keyword is.
        made["properties"] = {key: _schema(value) for key, value in properties.items()}
    return _nullable(made) if made.pop("nullable", False) is True else made


def _nullable(schema: dict[str, Any]) -> dict[str, Any]:
    if "type" not in schema:
        return {"anyOf": [schema, {"type": "null"}]}
    if "enum" in schema and None not in schema["enum"]:
        schema["enum"] = [*schema["enum"], None]
    return {**schema, "type": [schema["type"], "null"]}


def _deref(whole: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    return _at(whole, node["$ref"]) if "$ref" in node else node


def _at(whole: dict[str, Any], reference: str) -> Any:
    node: Any = whole
    for name in reference.removeprefix("#/").split("/"):
        node = node[name]
    return node


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        node = node.values()
    elif not isinstance(node, list):
        return
    for each in node:
        yield from _references(each)


# -- packages -----------------------------------------------------------------------------------------


def unpacked(package: str, members: Iterable[str], folder: Path) -> Iterator[str]:
    """Give the text of some members of an npm package."""
    npm = shutil.which("npm")
    if npm is None:
        raise SystemExit("npm is not installed")
    done = subprocess.run(
        [npm, "pack", "--silent", package], cwd=folder, check=True, capture_output=True, text=True
    )
    with tarfile.open(folder / done.stdout.strip().splitlines()[-1]) as archive:
        for member in members:
            file = archive.extractfile(f"package/{member}")
            assert file is not None
            yield file.read().decode()


def main() -> None:
    """Write both digests beside this script."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (schema,) = unpacked("@octokit/graphql-schema", ["schema.graphql"], folder)
        (HERE / "schema.graphql").write_text(graphql_digest(schema))
        (description,) = unpacked("@octokit/openapi", ["generated/api.github.com.json"], folder)
        digest = openapi_digest(json.loads(description))
        (HERE / "openapi.json").write_text(json.dumps(digest, sort_keys=True, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
