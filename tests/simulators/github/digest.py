"""Make the digests of what GitHub publishes: ``python -m simulators.github.digest`` in ``tests``; needs npm.

They hold what the simulator answers and nothing else, without descriptions. Input types are whole.
"""

from __future__ import annotations

import json
import tempfile
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

from simulators.digests import openapi_digest, unpacked

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


def main() -> None:
    """Write both digests beside this script."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (schema,) = unpacked("@octokit/graphql-schema", ["schema.graphql"], folder)
        (HERE / "schema.graphql").write_text(graphql_digest(schema))
        (description,) = unpacked("@octokit/openapi", ["generated/api.github.com.json"], folder)
        digest = openapi_digest(json.loads(description), OPERATIONS)
        (HERE / "openapi.json").write_text(json.dumps(digest, sort_keys=True, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
