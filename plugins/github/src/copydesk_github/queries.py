"""GitHub's GraphQL API: documents from values, values from answers. Nothing here sends anything.

GitHub runs the fields of a mutation one after the other and does not stop at one that failed: a document holds
only fields that do no harm when an earlier one failed.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import attrs
from copydesk.changes import written_versions
from copydesk.errors import (
    ConflictError,
    CopydeskError,
    NotFoundError,
    PermissionDeniedError,
    ProtocolError,
    UnavailableError,
)
from copydesk.http import Reply, Request, document, message_of
from copydesk.models import (
    ChangedFile,
    Commit,
    Delete,
    Mode,
    Move,
    NewCommit,
    NewPullRequest,
    PullRequest,
    Put,
    RepositoryInfo,
    User,
)

from copydesk_github.api import read_date

#: What a commit may hold in all; GitHub refuses 40 MiB, and base64 adds a third.
COMMIT_BYTES: Final = 25_000_000
#: How many objects one query asks for.
BATCH_FILES: Final = 100
#: GitHub cuts a text at about 500 kB, and does not say where.
TEXT_BYTES: Final = 400_000
#: How many paths one query asks the last commit of.
BATCH_PATHS: Final = 25
ZERO: Final = "0" * 40

_WRITERS: Final = frozenset({"ADMIN", "MAINTAIN", "WRITE"})
_REFUSED: Final = frozenset({"NOT_FOUND", "FORBIDDEN", "INSUFFICIENT_SCOPES"})
_COMMIT: Final = """\
oid message committedDate author { name email user { login } } parents(first: 10) { nodes { oid } }"""
_PULL: Final = """\
id number title state isCrossRepository updatedAt url
headRefName headRefOid baseRefName baseRefOid author { login }
labels(first: 100) { nodes { id name } }"""
_OPEN: Final = """\
query ($owner: String!, $name: String!, $ref: String!, $asked: Boolean!) {
  viewer { login name email }
  repository(owner: $owner, name: $name) {
    id nameWithOwner viewerPermission isArchived deleteBranchOnMerge url
    defaultBranchRef { name }
    ref(qualifiedName: $ref) @include(if: $asked) { target { oid } }
    labels(first: 100) { nodes { id name } }
  }
}"""
_LIST: Final = f"""\
query ($owner: String!, $name: String!, $states: [PullRequestState!], $base: String, $head: String,
       $after: String) {{
  repository(owner: $owner, name: $name) {{
    pullRequests(first: 100, after: $after, states: $states, baseRefName: $base, headRefName: $head,
                 orderBy: {{field: CREATED_AT, direction: DESC}}) {{
      pageInfo {{ hasNextPage endCursor }}
      nodes {{
        {_PULL}
        files(first: 100) {{ nodes {{ path changeType }} pageInfo {{ hasNextPage }} }}
      }}
    }}
  }}
}}"""
_COMMIT_FIELD: Final = f"commit: createCommitOnBranch(input: $commit) {{ commit {{ {_COMMIT} }} }}"
_COMMIT_DOCUMENT: Final = f"mutation ($commit: CreateCommitOnBranchInput!) {{ {_COMMIT_FIELD} }}"
_PROPOSE: Final = f"""\
mutation ($ref: CreateRefInput!, $commit: CreateCommitOnBranchInput!, $pull: CreatePullRequestInput!) {{
  ref: createRef(input: $ref) {{ ref {{ name }} }}
  {_COMMIT_FIELD}
  pull: createPullRequest(input: $pull) {{ pullRequest {{ {_PULL} }} }}
}}"""
_LABELS: Final = f"""\
mutation ($add: AddLabelsToLabelableInput!, $remove: RemoveLabelsFromLabelableInput!) {{
  add: addLabelsToLabelable(input: $add) {{ labelable {{ ... on PullRequest {{ {_PULL} }} }} }}
  remove: removeLabelsFromLabelable(input: $remove) {{ labelable {{ ... on PullRequest {{ {_PULL} }} }} }}
}}"""
_MERGE: Final = f"""\
mutation ($merge: MergePullRequestInput!) {{
  merge: mergePullRequest(input: $merge) {{ pullRequest {{ {_PULL} mergeCommit {{ oid }} }} }}
}}"""
_DELETE: Final = "mutation ($refs: UpdateRefsInput!) { refs: updateRefs(input: $refs) { clientMutationId } }"
_CLOSE: Final = f"""\
mutation ($close: ClosePullRequestInput!) {{
  close: closePullRequest(input: $close) {{ pullRequest {{ {_PULL} }} }}
}}"""
_DISCARD: Final = f"""\
mutation ($close: ClosePullRequestInput!, $refs: UpdateRefsInput!) {{
  close: closePullRequest(input: $close) {{ pullRequest {{ {_PULL} }} }}
  refs: updateRefs(input: $refs) {{ clientMutationId }}
}}"""
_REOPEN: Final = """\
mutation ($reopen: ReopenPullRequestInput!) { reopen: reopenPullRequest(input: $reopen) { clientMutationId } }"""
_UPDATE: Final = """\
mutation ($update: UpdatePullRequestBranchInput!) {
  update: updatePullRequestBranch(input: $update) { pullRequest { headRefOid } }
}"""


# -- answers ------------------------------------------------------------------------------------------


def error_of(error: Mapping[str, Any], what: str) -> CopydeskError:
    """Make our error of one of GitHub's; *what* was asked."""
    kind, said = error.get("type"), message_of(error)
    told = f"github refused to {what}: {said!r}"
    if kind == "NOT_FOUND":
        return NotFoundError(f"{told}; check the name, and that the credential may see it")
    if kind in {"FORBIDDEN", "INSUFFICIENT_SCOPES"} or "archived" in said or "protected" in said.lower():
        return PermissionDeniedError(
            f"{told}; ask the owner for rights, or use a credential with more scopes"
        )
    if kind == "STALE_DATA":
        return ConflictError(f"{told}; read it again")
    if is_too_much(error):
        return UnavailableError(f"{told}; try again later")
    return ProtocolError(f"{told} ({kind or 'no type'}); report it, with this message")


def is_too_much(error: Mapping[str, Any]) -> bool:
    """Whether a document asked for more than GitHub answers at once; it may have no better words than that."""
    words = message_of(error).lower()
    signs = ("resource limits", "timeout", "something went wrong")
    return error.get("type") == "RESOURCE_LIMITS_EXCEEDED" or any(sign in words for sign in signs)


def plain_error(error: Mapping[str, Any], what: str) -> CopydeskError | None:
    """Make our error of one that tells nothing about branches or pull requests; None: its words have to be read.

    It says that a right is missing, that something is not there, or that GitHub is not well.
    """
    return error_of(error, what) if error.get("type") in _REFUSED or is_too_much(error) else None


# -- the repository -----------------------------------------------------------------------------------


@attrs.frozen
class Opened:
    """What one request tells of a repository; *head* is that of the branch that was asked for, or None."""

    node_id: str
    info: RepositoryInfo
    viewer: User
    deletes_merged: bool
    head: str | None
    labels: Mapping[str, str] = attrs.field(repr=False)


def ask_open(address: str, repo: str, branch: str) -> Request:
    """Ask for the repository, who asks, and the head of a branch; "" for none."""
    owner, _, name = repo.partition("/")
    ref = f"refs/heads/{branch}"
    return document(address, _OPEN, safe=True, owner=owner, name=name, ref=ref, asked=bool(branch))


def read_open(reply: Reply, repo: str) -> Opened:
    """Read a repository.

    :raises NotFoundError: there is none, or none that this user may see.
    """
    data = reply.part("repository")
    if data is None:
        error = reply.error()
        if error is not None and error.get("type") != "NOT_FOUND":
            raise error_of(error, f"show {repo!r}")
        raise NotFoundError(
            f"there is no repository {repo!r} on github that this credential may see; check repo, and its rights"
        )
    url, ref = data["url"], data.get("ref")
    info = RepositoryInfo(
        name=data["nameWithOwner"],
        default_branch=(data.get("defaultBranchRef") or {}).get("name") or "main",
        may_write=data["viewerPermission"] in _WRITERS and not data["isArchived"],
        web_url=url,
        clone_url=f"{url}.git",
        lfs_url=f"{url}.git/info/lfs",
    )
    viewer = reply.data["viewer"]
    return Opened(
        node_id=data["id"],
        info=info,
        viewer=User(viewer["login"], viewer.get("name") or "", viewer.get("email") or ""),
        deletes_merged=bool(data["deleteBranchOnMerge"]),
        head=ref["target"]["oid"] if ref else None,
        labels=read_labels(data["labels"]),
    )


def read_labels(data: Mapping[str, Any]) -> dict[str, str]:
    """Read labels as name to node id."""
    return {node["name"]: node["id"] for node in data["nodes"]}


# -- files --------------------------------------------------------------------------------------------


def ask_blobs(address: str, repo: str, shas: Sequence[str]) -> Request:
    """Ask for the texts of blobs; not safe, because the same again would fail again where it is too much."""
    fields = "\n".join(
        f'b{number}: object(oid: "{sha}") {{ ... on Blob {{ text isBinary isTruncated }} }}'
        for number, sha in enumerate(shas)
    )
    return _repository_query(address, repo, fields, safe=False)


def read_blobs(reply: Reply, shas: Sequence[str]) -> dict[str, bytes]:
    """Read texts by sha; what is no text, or was cut, is left out."""
    found = reply.part("repository") or {}
    blobs = ((sha, found.get(f"b{number}") or {}) for number, sha in enumerate(shas))
    return {
        sha: blob["text"].encode()
        for sha, blob in blobs
        if blob.get("text") is not None and not blob.get("isBinary") and not blob.get("isTruncated")
    }


def ask_last_commits(address: str, repo: str, commit_sha: str, paths: Sequence[str]) -> Request:
    """Ask for the last commit of each path."""
    fields = "\n".join(
        f"p{number}: history(first: 1, path: {_text(path)}) {{ nodes {{ {_COMMIT} }} }}"
        for number, path in enumerate(paths)
    )
    return _repository_query(
        address, repo, f'object(oid: "{commit_sha}") {{ ... on Commit {{ {fields} }} }}', safe=True
    )


def read_last_commits(reply: Reply, paths: Sequence[str]) -> dict[str, Commit] | None:
    """Read the last commit by path; None where there is no such commit to start from."""
    found = (reply.part("repository") or {}).get("object")
    if not found:
        return None
    nodes = ((path, found[f"p{number}"]["nodes"]) for number, path in enumerate(paths))
    return {path: read_commit(each[0]) for path, each in nodes if each}


def _repository_query(address: str, repo: str, fields: str, *, safe: bool) -> Request:
    owner, _, name = repo.partition("/")
    text = (
        f"query ($owner: String!, $name: String!) {{ repository(owner: $owner, name: $name) {{ {fields} }} }}"
    )
    return document(address, text, safe=safe, owner=owner, name=name)


def _text(value: str) -> str:
    return json.dumps(value)  # GraphQL writes texts as JSON does


# -- commits ------------------------------------------------------------------------------------------


def read_commit(data: Mapping[str, Any]) -> Commit:
    """Read a commit."""
    author = data.get("author") or {}
    login = (author.get("user") or {}).get("login") or author.get("name") or ""
    return Commit(
        commit_sha=data["oid"],
        parent_commit_shas=tuple(node["oid"] for node in data["parents"]["nodes"]),
        author=User(login, author.get("name") or "", author.get("email") or ""),
        date=read_date(data["committedDate"]) or datetime.fromtimestamp(0, UTC),
        message=data["message"],
    )


def read_made_commit(data: Mapping[str, Any], commit: NewCommit) -> Commit:
    """Read the commit that was just made."""
    return attrs.evolve(read_commit(data["commit"]), versions=written_versions(commit))


def is_plain(commit: NewCommit) -> bool:
    """Whether GraphQL can make a commit as it is: ordinary files, not too large, a message in its two parts.

    GitHub gives every file that such a commit writes the mode of an ordinary file.
    """
    writes = [change for change in commit.changes if not isinstance(change, Delete)]
    contents = [change.content for change in writes]
    return (
        all(_mode(change) is Mode.FILE for change in writes)
        and None not in contents
        and sum(map(len, filter(None, contents))) <= COMMIT_BYTES
        and _whole(_message(commit.message)) == commit.message
    )


def _mode(change: Put | Move) -> Mode:
    if isinstance(change, Put) and change.replaces is None:
        return change.mode
    return change.replaces.mode if change.replaces else Mode.FILE


def _message(text: str) -> dict[str, str]:
    headline, blank, body = text.partition("\n\n")
    return {"headline": headline, "body": body} if blank else {"headline": headline}


def _whole(message: Mapping[str, str]) -> str:
    headline = message["headline"]
    if "\n" in headline or headline != headline.strip() or not headline:
        return ""
    body = message.get("body", "")
    return f"{headline}\n\n{body}" if body.strip() and body == body.strip() else headline


def _commit_input(repo: str, commit: NewCommit) -> dict[str, Any]:
    additions, deletions = [], []
    for change in commit.changes:
        if isinstance(change, Delete | Move):
            deletions.append({"path": change.path})
        if isinstance(change, Put | Move) and change.content is not None:
            path = change.to if isinstance(change, Move) else change.path
            additions.append({"path": path, "contents": base64.b64encode(change.content).decode()})
    return {
        "branch": {"repositoryNameWithOwner": repo, "branchName": commit.branch},
        "expectedHeadOid": commit.parent_commit_sha,
        "message": _message(commit.message),
        "fileChanges": {"additions": additions, "deletions": deletions},
    }


def ask_commit(address: str, repo: str, commit: NewCommit) -> Request:
    """Commit on a branch that is at the parent."""
    return document(address, _COMMIT_DOCUMENT, safe=False, commit=_commit_input(repo, commit))


def ask_propose(address: str, repo: str, opened: Opened, commit: NewCommit, pull: NewPullRequest) -> Request:
    """Make a branch, commit on it, and open its pull request.

    Without the branch the commit is refused, unless the branch there was is at the parent: then it is adopted.
    A pull request on a branch that somebody left is no save, and the caller does not take it for one.
    """
    ref = {
        "repositoryId": opened.node_id,
        "name": f"refs/heads/{commit.branch}",
        "oid": commit.parent_commit_sha,
    }
    pull_input = {
        "repositoryId": opened.node_id,
        "title": pull.title,
        "body": pull.body,
        "headRefName": pull.head,
        "baseRefName": pull.base,
    }
    return document(
        address, _PROPOSE, safe=False, ref=ref, commit=_commit_input(repo, commit), pull=pull_input
    )


# -- pull requests ------------------------------------------------------------------------------------

_STATES: Final[Mapping[str, list[str] | None]] = {
    "open": ["OPEN"],
    "closed": ["CLOSED"],
    "merged": ["MERGED"],
    "all": None,
}


def ask_pull_requests(
    address: str, repo: str, state: str, base: str, head: str, after: str | None
) -> Request:
    """Ask for a page of pull requests, newest first, with labels and files."""
    owner, _, name = repo.partition("/")
    return document(
        address,
        _LIST,
        safe=True,
        owner=owner,
        name=name,
        states=_STATES[state],
        base=base or None,
        head=head or None,
        after=after,
    )


def read_pull_request(data: Mapping[str, Any]) -> PullRequest:
    """Read a pull request."""
    author = data.get("author")
    return PullRequest(
        number=data["number"],
        node_id=data["id"],
        title=data["title"],
        state=data["state"].lower(),
        head=data["headRefName"],
        head_commit_sha=data["headRefOid"],
        base=data["baseRefName"],
        labels=tuple(node["name"] for node in data["labels"]["nodes"]),
        author=User(author["login"]) if author else None,
        updated_at=read_date(data["updatedAt"]),
        url=data["url"],
        from_fork=data["isCrossRepository"],
        changed_files=_changed_files(data.get("files")),
        base_commit_sha=data["baseRefOid"],
    )


_CHANGES: Final = {
    "ADDED": "added",
    "COPIED": "added",
    "DELETED": "deleted",
    "MODIFIED": "modified",
    "CHANGED": "modified",
}


def _changed_files(data: Mapping[str, Any] | None) -> tuple[ChangedFile, ...] | None:
    """Read the files of a pull request; None where there are more, or a rename, whose old name is not told."""
    if data is None or data["pageInfo"]["hasNextPage"]:
        return None
    kinds = [(node["path"], _CHANGES.get(node["changeType"])) for node in data["nodes"]]
    if any(kind is None for _, kind in kinds):
        return None
    return tuple(ChangedFile(path, str(kind), None) for path, kind in kinds)


def ask_labels(address: str, pull: PullRequest, add: Iterable[str], remove: Iterable[str]) -> Request:
    """Add and remove labels by their ids; harmless the second time. If adding fails, removing still happens."""
    return document(
        address,
        _LABELS,
        safe=True,
        add={"labelableId": pull.node_id, "labelIds": list(add)},
        remove={"labelableId": pull.node_id, "labelIds": list(remove)},
    )


def ask_merge(address: str, pull: PullRequest, method: str, message: str) -> Request:
    """Merge if the head is the one that was seen, and nothing else."""
    merge: dict[str, Any] = {
        "pullRequestId": pull.node_id,
        "expectedHeadOid": pull.head_commit_sha,
        "mergeMethod": method.upper(),
    }
    title, _, rest = message.partition("\n")
    if title:
        merge |= {"commitHeadline": title, "commitBody": rest.strip()}
    return document(address, _MERGE, safe=False, merge=merge)


def _deletion(opened: Opened, branch: str, head_commit_sha: str) -> dict[str, Any]:
    update = {"name": f"refs/heads/{branch}", "beforeOid": head_commit_sha, "afterOid": ZERO}
    return {"repositoryId": opened.node_id, "refUpdates": [update]}


def ask_delete(address: str, opened: Opened, branch: str, head_commit_sha: str) -> Request:
    """Delete a branch that is where it was seen (updateRefs, beforeOid)."""
    return document(address, _DELETE, safe=False, refs=_deletion(opened, branch, head_commit_sha))


def ask_close(address: str, opened: Opened, pull: PullRequest, *, delete_branch: bool) -> Request:
    """Close, and delete the branch if it is where it was seen.

    The deletion needs no closing: if that failed because it is closed or merged already, the branch is left over.
    """
    close = {"pullRequestId": pull.node_id}
    if not delete_branch:
        return document(address, _CLOSE, safe=False, close=close)
    refs = _deletion(opened, pull.head, pull.head_commit_sha)
    return document(address, _DISCARD, safe=False, close=close, refs=refs)


def ask_reopen(address: str, pull: PullRequest) -> Request:
    """Open a pull request again."""
    return document(address, _REOPEN, safe=True, reopen={"pullRequestId": pull.node_id})


def ask_update(address: str, pull: PullRequest) -> Request:
    """Merge the base into the head, if that is the one that was seen."""
    update = {
        "pullRequestId": pull.node_id,
        "expectedHeadOid": pull.head_commit_sha,
        "updateMethod": "MERGE",
    }
    return document(address, _UPDATE, safe=False, update=update)
