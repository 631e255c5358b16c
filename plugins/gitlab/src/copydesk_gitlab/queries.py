"""GitLab's GraphQL API: documents from values, values from answers. Nothing here sends anything.

Reads only. GitLab counts the complexity of a document before it runs it, and refuses what is over its limit
(GraphQL API: Maximum query complexity).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from copydesk.http import Reply, Request, document, message_of
from copydesk.models import ChangedFile, PullRequest

from copydesk_gitlab.api import COMPARED_FILES, read_date, read_user

#: How many files one query asks for: a path costs two, and 250 are allowed.
BATCH_FILES: Final = 100
#: GitLab gives no more pull requests at once.
PAGE: Final = 100

_BLOBS: Final = """\
query ($project: ID!, $ref: String!, $paths: [String!]!) {
  project(fullPath: $project) {
    repository { blobs(ref: $ref, paths: $paths, first: 100) { nodes { path oid rawTextBlob } } }
  }
}"""
_LIST: Final = """\
query ($project: ID!, $state: MergeRequestState, $base: [String!], $head: [String!], $first: Int!,
       $after: String) {
  queryComplexity { score limit }
  project(fullPath: $project) {
    mergeRequests(state: $state, targetBranches: $base, sourceBranches: $head, first: $first, after: $after,
                  sort: CREATED_DESC) {
      pageInfo { hasNextPage endCursor }
      nodes {
        iid title state sourceBranch targetBranch sourceProjectId targetProjectId diffHeadSha updatedAt webUrl
        author { username name }
        labels(first: 100) { nodes { title } pageInfo { hasNextPage } }
        diffStats { path additions deletions }
      }
    }
  }
}"""
_STATES: Final = {"open": "opened", "closed": "closed", "merged": "merged"}


def is_too_complex(error: Mapping[str, Any]) -> bool:
    """Whether a document asked for more than GitLab answers at once."""
    words = message_of(error).lower()
    return any(sign in words for sign in ("complexity", "timeout", "timed out"))


def is_unknown(error: Mapping[str, Any]) -> bool:
    """Whether the server is of a version that has not what a document asks for."""
    words = message_of(error).lower()
    return any(sign in words for sign in ("doesn't exist", "doesn't accept", "isn't a defined"))


# -- files --------------------------------------------------------------------------------------------


def ask_blobs(address: str, project: str, commit_sha: str, paths: Sequence[str]) -> Request:
    """Ask for the texts of files; not safe, because the same again would fail again where it is too much."""
    return document(address, _BLOBS, safe=False, project=project, ref=commit_sha, paths=list(paths))


def read_blobs(reply: Reply) -> dict[str, bytes]:
    """Read texts by path; what is no text, or was not given, is left out."""
    repository = (reply.part("project") or {}).get("repository") or {}
    nodes = (repository.get("blobs") or {}).get("nodes") or ()
    return {node["path"]: node["rawTextBlob"].encode() for node in nodes if node["rawTextBlob"] is not None}


# -- pull requests ------------------------------------------------------------------------------------


def ask_pull_requests(
    address: str, project: str, state: str, base: str, head: str, first: int, after: str | None
) -> Request:
    """Ask for a page of merge requests, newest first, with labels and files."""
    return document(
        address,
        _LIST,
        safe=True,
        project=project,
        state=_STATES.get(state),
        base=[base] if base else None,
        head=[head] if head else None,
        first=first,
        after=after,
    )


def read_page(reply: Reply) -> Mapping[str, Any] | None:
    """Read a page of merge requests; None where the document does not tell them all."""
    page = (reply.part("project") or {}).get("mergeRequests")
    if page is None or reply.errors:
        return None
    cut = any(node["labels"]["pageInfo"]["hasNextPage"] for node in page["nodes"])
    found: Mapping[str, Any] = page
    return None if cut else found


def fitting_page(reply: Reply, asked: int) -> int:
    """Give how many merge requests the next page may have, by what this one cost."""
    cost = reply.part("queryComplexity") or {}
    if not cost.get("score") or not cost.get("limit"):
        return asked
    return max(1, min(PAGE, asked * int(cost["limit"]) // int(cost["score"])))


def read_pull_request(node: Mapping[str, Any]) -> PullRequest:
    """Read a merge request."""
    sha, state = node["diffHeadSha"] or "", node["state"]
    return PullRequest(
        number=int(node["iid"]),
        node_id="",
        title=node["title"],
        state="open" if state in {"opened", "locked"} else state,
        head=node["sourceBranch"],
        head_commit_sha=sha,
        base=node["targetBranch"],
        labels=tuple(label["title"] for label in node["labels"]["nodes"]),
        author=read_user(node["author"]),
        updated_at=read_date(node["updatedAt"]),
        url=node["webUrl"],
        from_fork=node["sourceProjectId"] != node["targetProjectId"],
        changed_files=_changed_files(node["diffStats"]),
        problem="" if sha else f"its branch {node['sourceBranch']!r} is gone",
    )


def _changed_files(stats: Sequence[Mapping[str, Any]] | None) -> tuple[ChangedFile, ...] | None:
    """Read the files of a merge request; None where there may be more.

    Lines that were added say that a file is there. None may mean that it is gone, is no text, or was renamed only.
    """
    if stats is None or len(stats) >= COMPARED_FILES:
        return None
    return tuple(
        ChangedFile(stat["path"], "written" if stat["additions"] else "changed", None) for stat in stats
    )
