"""GitHub's REST API: requests from values, values from answers. Nothing here sends anything.

Pages of GitHub's documentation are named as they are titled there (REST API endpoints for …).
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import attrs
from copydesk import refusals
from copydesk.blobs import blob_sha
from copydesk.changes import written_versions
from copydesk.errors import (
    CopydeskError,
    NotFoundError,
    NotMergeableError,
    PermissionDeniedError,
    ProtocolError,
)
from copydesk.http import Answer, Dialect, Limit, Request, origin_of, quoted, quoted_path
from copydesk.models import (
    Access,
    ChangedFile,
    Check,
    Commit,
    Comparison,
    Credential,
    Delete,
    FileVersion,
    Mode,
    Move,
    NewCommit,
    NewPullRequest,
    PullRequest,
    Put,
    RepositoryInfo,
    TreeEntry,
    User,
)

#: Files that a comparison names at the most (Compare two commits), and a pull request (List pull requests files).
COMPARED_FILES: Final = 300
PROPOSED_FILES: Final = 3000
#: A text below this size goes into the tree itself, without a request of its own.
INLINE_BYTES: Final = 500_000
#: The API of github.com, and of each site on ghe.com (data residency), is on a host of its own.
_SITE: Final = re.compile(r"https://api\.(github\.com|[^/.]+\.ghe\.com)")
_EMPTY: Final = "Git Repository is empty."
_RAW: Final = {"Accept": "application/vnd.github.raw+json"}
_KINDS: Final = {
    "added": "added",
    "copied": "added",
    "removed": "deleted",
    "renamed": "renamed",
    "modified": "modified",
    "changed": "modified",
}
_CHECK_STATES: Final = {"success": "success", "neutral": "success", "skipped": "success", "active": "success"}
_PENDING: Final = frozenset({"pending", "expected", "queued", "in_progress", "waiting", "requested", ""})


class GitHubDialect(Dialect):
    """What GitHub's answers mean beyond HTTP (Rate limits for the REST API, Rate limits for the GraphQL API)."""

    def git_credential(self, given: Credential) -> Credential:
        """Give the token for a password, of any user (Authenticating as a GitHub App installation)."""
        return attrs.evolve(given, scheme="basic", user="x-access-token")

    def limits(self, answer: Answer) -> Limit | None:
        """Tell the limit; that of GraphQL comes with status 200 and an error of type RATE_LIMITED."""
        limit = super().limits(answer)
        if answer.status == 200 and b'"RATE_LIMIT' in answer.content[:4000] and limit is not None:
            return attrs.evolve(limit, refused=True)
        return limit

    def error_class(self, answer: Answer) -> Any:
        sentence = self.sentence(answer)
        if answer.status == 409 and sentence.startswith(_EMPTY):
            return NotFoundError
        if answer.status in {409, 422} and _is_protected(sentence):
            return PermissionDeniedError
        return None

    def sentence(self, answer: Answer) -> str:
        """Give GitHub's own words, and the fields that it names by a code alone (Troubleshooting the REST API)."""
        said = super().sentence(answer)
        named = "; ".join(_coded_fields(answer.content)) if answer.status == 422 else ""
        return f"{said}: {named}" if named else said


def _coded_fields(content: bytes) -> list[str]:
    """Name the fields that were refused without a message: ``PullRequest head invalid``."""
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        return []
    errors = body.get("errors") if isinstance(body, dict) else None
    found = (each for each in (errors if isinstance(errors, list) else ()) if isinstance(each, dict))
    words = ("resource", "field", "code")
    return [" ".join(str(each.get(word, "")) for word in words) for each in found if not each.get("message")]


DIALECT: Final = GitHubDialect(
    name="github",
    headers={"Accept": "application/vnd.github+json"},
    request_id_header="X-GitHub-Request-Id",
)


def _is_protected(sentence: str) -> bool:
    """Whether a refusal is that of a protected branch (About protected branches)."""
    words = ("protected branch", "repository rule", "must be made through a pull request")
    return any(each in sentence.lower() for each in words)


def sentence_of(answer: Answer) -> str:
    """Give GitHub's own words, those of the fields included."""
    return DIALECT.sentence(answer)


# -- values -------------------------------------------------------------------------------------------


def read_date(text: str | None) -> datetime | None:
    """Read a time, which GitHub gives in UTC."""
    return datetime.fromisoformat(text).astimezone(UTC) if text else None


def read_user(data: Mapping[str, Any] | None) -> User | None:
    """Read somebody with an account; None for one whose account is gone."""
    if not data:
        return None
    return User(data["login"], data.get("name") or "", data.get("email") or "")


def _signature(data: Mapping[str, Any], account: Mapping[str, Any] | None) -> User:
    return User(
        (account or {}).get("login") or data.get("name") or "",
        data.get("name") or "",
        data.get("email") or "",
    )


# -- the repository -----------------------------------------------------------------------------------


def read_access(user: Answer, repository: Answer) -> Access:
    """Read who asks, and what may be done in the repository (Get the authenticated user, Get a repository)."""
    data = user.json_object()
    who = User(data["login"], data.get("name") or "", data.get("email") or "")
    return Access(who, read_repository(repository).may_write, read_scopes(user))


def read_scopes(answer: Answer) -> tuple[str, ...]:
    """Read what a classic token may do, which every answer tells (Scopes for OAuth apps)."""
    scopes = answer.headers.get("x-oauth-scopes", "").split(",")
    return tuple(scope.strip() for scope in scopes if scope.strip())


def read_repository(answer: Answer) -> RepositoryInfo:
    """Read a repository (Get a repository)."""
    data = answer.json()
    push = (data.get("permissions") or {}).get("push")
    clone: str | None = data.get("clone_url")
    return RepositoryInfo(
        name=data["full_name"],
        default_branch=data["default_branch"],
        may_write=None if push is None else bool(push and not data.get("archived")),
        web_url=data.get("html_url"),
        clone_url=clone,
        lfs_url=f"{clone}/info/lfs" if clone else None,
    )


def git_address(api_root: str, repo: str) -> str:
    """Give what one clones from: beside github.com's own roots, what Enterprise and every other server has."""
    site = _SITE.fullmatch(api_root)
    return f"{f'https://{site[1]}' if site else origin_of(api_root)}/{repo}.git"


# -- branches -----------------------------------------------------------------------------------------


def read_owner(answer: Answer) -> str:
    """Read whose the repository of a branch is (Get a branch)."""
    return re.search(r"/repos/([^/]+)/", answer.json_object()["_links"]["self"])[1]  # type: ignore[index]  # guarded


def ask_head(base: str, name: str, known_commit_sha: str) -> Request:
    """Ask for the head of a branch alone (Get a commit, media type sha); its ETag is the sha."""
    headers = {"Accept": "application/vnd.github.sha"}
    if known_commit_sha:
        headers["If-None-Match"] = f'"{known_commit_sha}"'
    return Request("GET", f"{base}/commits/heads/{quoted_path(name)}", headers=headers)


def read_head(answer: Answer) -> str:
    """Read the sha that is the whole body.

    :raises ProtocolError: it is none: a page that somebody else answered.
    """
    sha = answer.text.strip()
    if not re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", sha):
        raise ProtocolError(
            f"github answered {len(answer.content)} bytes that are no sha where the head of a branch was asked "
            "for; check api_root"
        )
    return sha


def read_ref(data: Mapping[str, Any]) -> tuple[str, str]:
    """Read name and head of a ref (Get a reference)."""
    return data["ref"].removeprefix("refs/heads/"), data["object"]["sha"]


def ask_delete_ref(base: str, name: str) -> Request:
    """Delete a branch (Delete a reference); a second time it is refused, so it is safe to send again."""
    return Request("DELETE", f"{base}/git/refs/heads/{quoted_path(name)}", safe=True)


# -- trees and files ----------------------------------------------------------------------------------


def ask_tree(base: str, commit_sha: str, folder: str, *, recursive: bool) -> Request:
    """Ask for a tree (Get a tree)."""
    where = f"{commit_sha}:{folder}" if folder else commit_sha
    return Request("GET", f"{base}/git/trees/{quoted(where)}", {"recursive": 1} if recursive else ())


def read_tree(data: Mapping[str, Any], folder: str) -> tuple[TreeEntry, ...]:
    """Read the files of a tree below *folder*; submodules are left out."""
    start = f"{folder}/" if folder else ""
    return tuple(
        TreeEntry(f"{start}{item['path']}", item.get("size"), FileVersion(item["sha"], Mode(item["mode"])))
        for item in data["tree"]
        if item["type"] == "blob"
    )


def read_subtrees(data: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Read names and shas of the folders of a tree."""
    return tuple((item["path"], item["sha"]) for item in data["tree"] if item["type"] == "tree")


def ask_archive(base: str, commit_sha: str) -> Request:
    """Ask for an archive of the whole tree (Download a repository archive (tar)), which another server gives."""
    return Request("GET", f"{base}/tarball/{commit_sha}", follow_elsewhere=True)


def ask_blob(base: str, sha: str) -> Request:
    """Ask for the bytes of a blob (Get a blob, media type raw)."""
    return Request("GET", f"{base}/git/blobs/{sha}", headers=_RAW)


# -- commits ------------------------------------------------------------------------------------------


def read_listed_commit(data: Mapping[str, Any]) -> Commit:
    """Read a commit of a listing (List commits)."""
    commit = data["commit"]
    return Commit(
        commit_sha=data["sha"],
        parent_commit_shas=tuple(parent["sha"] for parent in data["parents"]),
        author=_signature(commit["author"] or {}, data.get("author")),
        date=read_date((commit["committer"] or commit["author"])["date"]) or datetime.fromtimestamp(0, UTC),
        message=commit["message"],
    )


def read_made_commit(answer: Answer, commit: NewCommit) -> Commit:
    """Read the commit that was just made (Create a commit)."""
    data = answer.json()
    return Commit(
        commit_sha=data["sha"],
        parent_commit_shas=tuple(parent["sha"] for parent in data["parents"]),
        author=_signature(data["author"], None),
        date=read_date(data["committer"]["date"]) or datetime.fromtimestamp(0, UTC),
        message=data["message"],
        versions=written_versions(commit),
    )


def is_inline(content: bytes) -> bool:
    """Whether content can stand in the tree itself, as text in UTF-8 (Create a tree)."""
    if len(content) > INLINE_BYTES or b"\0" in content:
        return False
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


def ask_create_blob(base: str, content: bytes) -> Request:
    """Store bytes (Create a blob); harmless the second time."""
    body = {"content": base64.b64encode(content).decode(), "encoding": "base64"}
    return Request("POST", f"{base}/git/blobs", json=body, safe=True)


def ask_create_tree(base: str, commit: NewCommit) -> Request:
    """Make the tree of a commit from that of its parent (Create a tree); harmless the second time.

    What cannot stand in it has to be stored before.
    """
    items = [item for change in commit.changes for item in _tree_items(change)]
    body = {"base_tree": commit.parent_commit_sha, "tree": items}
    return Request("POST", f"{base}/git/trees", json=body, safe=True)


def _tree_items(change: Put | Delete | Move) -> Iterable[dict[str, Any]]:
    if isinstance(change, Delete):
        return (_gone(change.path, change.replaces),)
    if isinstance(change, Put):
        mode = change.written_mode
        return (_there(change.path, mode, change.content, None),)
    return (
        _gone(change.path, change.replaces),
        _there(change.to, change.replaces.mode, change.content, change.replaces.blob_sha),
    )


def _gone(path: str, version: FileVersion) -> dict[str, Any]:
    return {"path": path, "mode": version.mode.value, "type": "blob", "sha": None}


def _there(path: str, mode: Mode, content: bytes | None, sha: str | None) -> dict[str, Any]:
    item = {"path": path, "mode": mode.value, "type": "blob"}
    if content is None:
        return {**item, "sha": sha}
    return {**item, "content": content.decode()} if is_inline(content) else {**item, "sha": blob_sha(content)}


def ask_create_commit(base: str, commit: NewCommit, tree_sha: str) -> Request:
    """Make a commit object (Create a commit); harmless the second time, for no ref points at it."""
    body: dict[str, Any] = {
        "message": commit.message,
        "tree": tree_sha,
        "parents": [commit.parent_commit_sha],
    }
    if commit.author is not None:
        body["author"] = {"name": commit.author.name or commit.author.login, "email": commit.author.email}
    return Request("POST", f"{base}/git/commits", json=body, safe=True)


def ask_create_ref(base: str, branch: str, commit_sha: str) -> Request:
    """Make a branch (Create a reference)."""
    return Request("POST", f"{base}/git/refs", json={"ref": f"refs/heads/{branch}", "sha": commit_sha})


def ask_move_ref(base: str, branch: str, commit_sha: str) -> Request:
    """Move a branch on, never back or aside (Update a reference)."""
    path = f"{base}/git/refs/heads/{quoted_path(branch)}"
    return Request("PATCH", path, json={"sha": commit_sha, "force": False})


def ref_error(answer: Answer, branch: str) -> CopydeskError:
    """Tell why a branch was not made or moved."""
    said = sentence_of(answer)
    words = said.lower()
    if _is_protected(said) or answer.status == 403:
        return PermissionDeniedError(
            f"github refused to write to branch {branch!r}: {said!r}; it is protected: propose the change, or ask "
            "the owner for rights"
        )
    if "does not exist" in words or answer.status == 404:
        return NotFoundError(f"there is no branch {branch!r} on github: {said!r}")
    if "already exists" in words:
        return refusals.existing_branch(branch)
    return refusals.moved_branch(branch, said)


# -- comparing ----------------------------------------------------------------------------------------


def read_comparison(data: Mapping[str, Any]) -> Comparison:
    """Read a comparison (Compare two commits)."""
    return Comparison(data["merge_base_commit"]["sha"], read_changed_files(data.get("files") or ()))


def read_changed_files(items: Iterable[Mapping[str, Any]]) -> tuple[ChangedFile, ...]:
    """Read what changed (Compare two commits, List pull requests files); no modes, so versions are left open."""
    files = (
        ChangedFile(
            item["filename"],
            _KINDS[item["status"]],
            None,
            item.get("previous_filename") if item["status"] == "renamed" else None,
        )
        for item in items
        if item["status"] in _KINDS
    )
    return tuple(sorted(files, key=lambda file: file.path))


# -- pull requests ------------------------------------------------------------------------------------


def read_pull_request(data: Mapping[str, Any]) -> PullRequest:
    """Read a pull request (List pull requests, Get a pull request)."""
    head, base = data["head"], data["base"]
    there = head.get("repo")
    ours = there is not None and there["full_name"].lower() == base["repo"]["full_name"].lower()
    merged = data.get("merged_at") or data.get("merged")
    return PullRequest(
        number=data["number"],
        node_id=data.get("node_id") or "",
        title=data["title"],
        state="merged" if merged else data["state"],
        head=head["ref"],
        head_commit_sha=head["sha"],
        base=base["ref"],
        labels=tuple(label["name"] for label in data.get("labels") or ()),
        author=read_user(data.get("user")),
        updated_at=read_date(data.get("updated_at")),
        url=data.get("html_url"),
        from_fork=not ours,
        base_commit_sha=base.get("sha"),
    )


def ask_pull_requests(base: str, owner: str, state: str, into: str, head: str) -> Request:
    """Ask for pull requests, newest first (List pull requests)."""
    query: dict[str, str | int] = {"state": "closed" if state == "merged" else state, "per_page": 100}
    query |= {"sort": "created", "direction": "desc"}
    if into:
        query["base"] = into
    if head:
        query["head"] = f"{owner}:{head}"
    return Request("GET", f"{base}/pulls", query)


def ask_create_pull_request(base: str, pull: NewPullRequest) -> Request:
    """Open a pull request (Create a pull request)."""
    body = {"title": pull.title, "body": pull.body, "head": pull.head, "base": pull.base}
    return Request("POST", f"{base}/pulls", json=body)


def create_error(said: str, pull: NewPullRequest) -> CopydeskError:
    """Tell why a pull request was not opened, from GitHub's words."""
    words = said.lower()
    if "already exists" in words:
        return refusals.existing_pull_request(pull)
    if "no commits between" in words:
        return refusals.nothing_to_propose(pull)
    return NotFoundError(
        f"github opened no pull request from {pull.head!r} into {pull.base!r}: {said!r}; "
        "check that both branches exist"
    )


def ask_add_labels(base: str, number: int, labels: Iterable[str]) -> Request:
    """Add labels, those made that are new (Add labels to an issue); harmless the second time."""
    return Request("POST", f"{base}/issues/{number}/labels", json={"labels": list(labels)}, safe=True)


def ask_set_labels(base: str, number: int, labels: Iterable[str]) -> Request:
    """Ask for exactly these labels (Set labels for an issue); a second time does no harm."""
    return Request("PUT", f"{base}/issues/{number}/labels", json={"labels": list(labels)}, safe=True)


def read_labels(answer: Answer) -> tuple[str, ...]:
    """Read the labels of a pull request (List labels for an issue)."""
    return tuple(label["name"] for label in answer.json_list())


def ask_remove_label(base: str, number: int, label: str) -> Request:
    """Remove a label (Remove a label from an issue); a second time it is not found."""
    return Request("DELETE", f"{base}/issues/{number}/labels/{quoted(label)}", safe=True)


def check_label_is_gone(answer: Answer, label: str) -> None:
    """Check that it is the label that was not found, and not the pull request.

    :raises NotFoundError: it is something else.
    """
    said = sentence_of(answer)
    if "label does not exist" not in said.lower():
        raise NotFoundError(
            f"github removed no label {label!r}: {said!r}; check that the pull request is there"
        )


def ask_merge(base: str, pull: PullRequest, method: str, message: str) -> Request:
    """Merge if the head is the one that was seen (Merge a pull request)."""
    body = {"sha": pull.head_commit_sha, "merge_method": method}
    title, _, rest = message.partition("\n")
    if title:
        body |= {"commit_title": title, "commit_message": rest.strip()}
    return Request("PUT", f"{base}/pulls/{pull.number}/merge", json=body)


def merge_error(
    said: str, pull: PullRequest, now: PullRequest | None, mergeable_state: str = ""
) -> CopydeskError:
    """Tell why a pull request was not merged.

    :param now: the pull request as it is, where it was looked at.
    :param mergeable_state: GitHub's word for it, or "".
    """
    if now is not None and now.state != "open":
        return _not_mergeable(pull, "closed", f"it is {now.state}")
    head = now.head_commit_sha if now is not None else pull.head_commit_sha
    if "head branch was modified" in said.lower() or head != pull.head_commit_sha:
        return refusals.moved_head(pull, head)
    return _not_mergeable(pull, _reason(said.lower(), mergeable_state.lower()), said)


def _reason(words: str, mergeable_state: str) -> str:
    if "draft" in words or mergeable_state == "draft":
        return "draft"
    if "review" in words or "approv" in words:
        return "approvals"
    if "check" in words or "status" in words or mergeable_state in {"unstable", "behind"}:
        return "checks"
    if "conflict" in words or mergeable_state in {"dirty", "conflicting"}:
        return "conflicts"
    if _is_protected(words) or "not authorized" in words or mergeable_state == "blocked":
        return "protected"
    return "conflicts"


def _not_mergeable(pull: PullRequest, reason: str, said: str) -> NotMergeableError:
    return refusals.not_mergeable("github", pull, reason, said)


def ask_state(base: str, number: int, state: str) -> Request:
    """Close or open a pull request (Update a pull request); harmless the second time."""
    return Request("PATCH", f"{base}/pulls/{number}", json={"state": state}, safe=True)


def ask_update_branch(base: str, pull: PullRequest) -> Request:
    """Merge the base into the head (Update a pull request branch)."""
    path = f"{base}/pulls/{pull.number}/update-branch"
    return Request("PUT", path, json={"expected_head_sha": pull.head_commit_sha})


def update_error(said: str, pull: PullRequest) -> CopydeskError | None:
    """Tell why the base was not merged into the head; None: there was nothing to merge."""
    words = said.lower()
    if "no new commits" in words:
        return None
    if "expected head" in words:
        return refusals.moved_head(pull, "")
    return _not_mergeable(pull, "conflicts" if "conflict" in words else _reason(words, ""), said)


# -- checks -------------------------------------------------------------------------------------------


def _check_state(state: str) -> str:
    word = state.lower()
    return "pending" if word in _PENDING else _CHECK_STATES.get(word, "failure")


def read_statuses(data: Mapping[str, Any]) -> list[tuple[str, Check]]:
    """Read commit statuses, each with its time (Get the combined status for a specific reference)."""
    return [
        (item["updated_at"], Check(item["context"], _check_state(item["state"]), item.get("target_url")))
        for item in data["statuses"]
    ]


def read_check_runs(data: Mapping[str, Any]) -> list[tuple[str, Check]]:
    """Read check runs, each with its time (List check runs for a Git reference)."""
    return [
        (
            item.get("completed_at") or item.get("started_at") or "",
            Check(
                item["name"],
                _check_state((item.get("conclusion") if item["status"] == "completed" else "") or ""),
                item.get("details_url"),
            ),
        )
        for item in data["check_runs"]
    ]


def read_deployment(deployment: Mapping[str, Any], statuses: list[Mapping[str, Any]]) -> tuple[str, Check]:
    """Read a deployment by its newest status (List deployments, List deployment statuses)."""
    newest: Mapping[str, Any] = statuses[0] if statuses else {}
    url = newest.get("environment_url") or newest.get("target_url") or None
    when = newest.get("created_at") or deployment["created_at"]
    return when, Check(f"deploy/{deployment['environment']}", _check_state(newest.get("state") or ""), url)
