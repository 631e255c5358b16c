"""GitLab's REST API: requests from values, values from answers. Nothing here sends anything.

Pages of GitLab's documentation are named as they are titled there (Repository files API, Merge requests API, …).
A pull request is GitLab's merge request, its number the `iid`.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import attrs
from copydesk import refusals
from copydesk.blobs import blob_sha
from copydesk.changes import written_versions
from copydesk.errors import (
    ConflictError,
    CopydeskError,
    InvalidInputError,
    NotFoundError,
    NotMergeableError,
    NotSupportedError,
    PermissionDeniedError,
)
from copydesk.http import Answer, Dialect, Request, quoted
from copydesk.lfs import read_pointer
from copydesk.models import (
    Access,
    ChangedFile,
    Check,
    Commit,
    Credential,
    Delete,
    File,
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

#: How the token of a CI/CD job is sent (CI/CD job tokens), and what such tokens begin with.
JOB_TOKEN: Final = "header:JOB-TOKEN"  # noqa: S105 - a header, and no token
_JOB_TOKENS: Final = "glcbt-"
#: From this access level on somebody may push (Project members API: Developer).
DEVELOPER: Final = 30
#: So many files and more, and a comparison or a merge request may have been cut.
COMPARED_FILES: Final = 1000
_STATES: Final = {"opened": "open", "locked": "open", "closed": "closed", "merged": "merged"}
_ASKED_STATES: Final = {"open": "opened", "closed": "closed", "merged": "merged", "all": "all"}


class GitLabDialect(Dialect):
    """What GitLab's answers mean beyond HTTP (REST API troubleshooting, Rate limits)."""

    def credential(self, given: Credential) -> Credential:
        """Send the token of a job as one; all other tokens are taken as bearer (REST API authentication)."""
        if given.scheme == "bearer" and given.secret.startswith(_JOB_TOKENS):
            return attrs.evolve(given, scheme=JOB_TOKEN)
        return given

    def git_credential(self, given: Credential) -> Credential:
        """Give the token for a password (Personal access tokens: Clone repository, CI/CD job tokens)."""
        user = "gitlab-ci-token" if given.scheme == JOB_TOKEN else "oauth2"
        return attrs.evolve(given, scheme="basic", user=user)

    def sentence(self, answer: Answer) -> str:
        """Give GitLab's own words; a refused value comes as ``{"message": {field: [words]}}``."""
        return super().sentence(answer) or "; ".join(_field_words(answer.content))

    def error_class(self, answer: Answer) -> Callable[[str], CopydeskError] | None:
        said = self.sentence(answer).lower()
        if answer.status == 405 and "moved project" in said:
            return _moved_project
        if answer.status in {400, 403} and _is_protected(said):
            return _protected
        return None


def _field_words(content: bytes) -> list[str]:
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        return []
    fields = body.get("message") if isinstance(body, dict) else None
    return [f"{name}: {words}" for name, words in fields.items()] if isinstance(fields, dict) else []


def _moved_project(message: str) -> NotFoundError:
    return NotFoundError(
        f"{message}; the project has another path now, and nothing was written: put it into repo"
    )


def _is_protected(words: str) -> bool:
    """Whether a refusal is that of a protected branch (Protected branches)."""
    return "not allowed to push" in words or "protected branch" in words


def _protected(message: str) -> PermissionDeniedError:
    return PermissionDeniedError(
        f"{message}; the branch is protected: propose the change, or ask the owner for rights"
    )


DIALECT: Final = GitLabDialect(name="gitlab", request_id_header="X-Request-Id")


def sentence_of(answer: Answer) -> str:
    """Give GitLab's own words."""
    return DIALECT.sentence(answer)


# -- values -------------------------------------------------------------------------------------------


def read_date(text: str | None) -> datetime | None:
    """Read a time, which GitLab gives with an offset."""
    return datetime.fromisoformat(text).astimezone(UTC) if text else None


def read_user(data: Mapping[str, Any] | None) -> User | None:
    """Read somebody with an account; None for one whose account is gone."""
    if data is None:
        return None
    return User(data["username"], data.get("name") or "", data.get("email") or "")


# -- the project --------------------------------------------------------------------------------------


def level_of(project: Mapping[str, Any]) -> int | None:
    """Give the access level of who asks (Projects API); None: by neither project nor group, which says nothing.

    Who is a member by a group above, or by an invited one, may be told by neither.
    """
    told = project.get("permissions") or {}
    levels = [told[each]["access_level"] for each in ("project_access", "group_access") if told.get(each)]
    return max(levels, default=None)


def read_repository(answer: Answer, level: int | None = None) -> RepositoryInfo:
    """Read a project (Projects API: Get a single project); *level* where it was found elsewhere."""
    data = answer.json_object()
    known = level_of(data) if level is None else level
    clone: str | None = data.get("http_url_to_repo")
    return RepositoryInfo(
        name=data["path_with_namespace"],
        default_branch=data.get("default_branch") or "",
        may_write=None if known is None else known >= DEVELOPER and not data.get("archived"),
        web_url=data.get("web_url"),
        clone_url=clone,
        lfs_url=f"{clone}/info/lfs" if clone else None,
    )


def is_empty(project: Mapping[str, Any]) -> bool:
    """Whether a project has no branch; newer versions tell even then which one will be the default."""
    return bool(project.get("empty_repo")) or not project.get("default_branch")


def read_access(who: Mapping[str, Any], project: Answer, level: int | None) -> Access:
    """Put together who asks and what may be done."""
    return Access(read_user(who), read_repository(project, level).may_write)


# -- branches -----------------------------------------------------------------------------------------


def git_address(api_root: str, repo: str) -> str:
    """Give what one clones from, on an installation below a path too."""
    return f"{api_root.removesuffix('/api/v4')}/{repo}.git"


def branch_path(base: str, name: str) -> str:
    """Give where a branch is (Branches API)."""
    return f"{base}/repository/branches/{quoted(name)}"


def read_branch(data: Mapping[str, Any]) -> tuple[str, str]:
    """Read name and head of a branch."""
    return data["name"], data["commit"]["id"]


def ask_branches(base: str, prefix: str) -> Request:
    """Ask for branches that begin with something (Branches API: List repository branches)."""
    query: dict[str, str | int] = {"per_page": 100}
    return Request("GET", f"{base}/repository/branches", query | ({"search": f"^{prefix}"} if prefix else {}))


def ask_delete_branch(base: str, name: str) -> Request:
    """Delete a branch (Branches API); a second time it is not found, so it is safe to send again."""
    return Request("DELETE", branch_path(base, name), safe=True)


# -- trees and files ----------------------------------------------------------------------------------


def ask_tree(base: str, commit_sha: str, folder: str, *, recursive: bool) -> Request:
    """Ask for a tree by pages that need no totals (Repositories API: List repository tree)."""
    query: dict[str, str | int | bool] = {"ref": commit_sha, "recursive": recursive, "per_page": 100}
    query |= {"path": folder} if folder else {}
    return Request("GET", f"{base}/repository/tree", {**query, "pagination": "keyset"})


def read_tree(items: Iterable[Mapping[str, Any]]) -> tuple[TreeEntry, ...]:
    """Read the files of a page of a tree; GitLab tells no sizes. Submodules are left out."""
    return tuple(
        TreeEntry(item["path"], None, FileVersion(item["id"], Mode(item["mode"])))
        for item in items
        if item["type"] == "blob"
    )


def ask_raw(base: str, path: str, ref: str) -> Request:
    """Ask for the bytes of a file (Repository files API: Get raw file from repository)."""
    return Request("GET", f"{base}/repository/files/{quoted(path)}/raw", {"ref": ref})


def ask_file(base: str, path: str, ref: str) -> Request:
    """Ask what a file is, without its bytes (Repository files API: Get file from repository, HEAD)."""
    return Request("HEAD", f"{base}/repository/files/{quoted(path)}", {"ref": ref})


def read_raw(answer: Answer, path: str, mode: Mode) -> File:
    """Read a file; blob and last commit stand in the headers, whether it is a symlink nowhere."""
    content = answer.content
    version = FileVersion(
        answer.headers.get("x-gitlab-blob-id") or blob_sha(content), mode, read_last_commit(answer)
    )
    return File(path, content, version)


def read_last_commit(answer: Answer) -> str | None:
    """Read which commit changed a file last."""
    return answer.headers.get("x-gitlab-last-commit-id") or None


def ask_archive(base: str, ref: str, folder: str) -> Request:
    """Ask for an archive of a folder at a commit or branch (Repositories API: Get file archive).

    Its own limit is five a minute.
    """
    query: dict[str, str | bool] = {"sha": ref, "include_lfs_blobs": False}
    query |= {"path": folder} if folder else {}
    return Request("GET", f"{base}/repository/archive.tar.gz", query, lane="archive")


# -- commits ------------------------------------------------------------------------------------------


def read_commit(data: Mapping[str, Any]) -> Commit:
    """Read a commit (Commits API); who made it is told by name and address, not by account."""
    name = data["author_name"] or ""
    return Commit(
        commit_sha=data["id"],
        parent_commit_shas=tuple(data["parent_ids"]),
        author=User(name, name, data["author_email"] or ""),
        date=read_date(data["committed_date"]) or datetime.fromtimestamp(0, UTC),
        message=data["message"],
    )


def read_made_commit(answer: Answer, commit: NewCommit) -> Commit:
    """Read the commit that was just made; it is the last one of all that it wrote."""
    made = read_commit(answer.json_object())
    written = {
        path: attrs.evolve(version, last_commit_sha=made.commit_sha)
        for path, version in written_versions(commit).items()
    }
    return attrs.evolve(made, versions=written)


def replaced(commit: NewCommit) -> dict[str, FileVersion]:
    """Give what a commit replaces, by path."""
    return {change.path: change.replaces for change in commit.changes if change.replaces is not None}


def ask_commit(base: str, commit: NewCommit, last_commits: Mapping[str, str | None]) -> Request:
    """Make a commit of all changes (Commits API: Create a commit with multiple files and actions).

    :param last_commits: the last commit of each path that is replaced, which GitLab checks.
    :raises NotSupportedError: it makes a symlink.
    """
    body: dict[str, Any] = {
        "branch": commit.branch,
        "commit_message": commit.message,
        "actions": [action for change in _ordered(commit) for action in _actions(change, last_commits)],
        "stats": False,
    }
    if commit.creates_branch:
        body["start_sha"] = commit.parent_commit_sha
    if commit.author is not None:
        body["author_name"] = commit.author.name or commit.author.login
        body |= {"author_email": commit.author.email} if commit.author.email else {}
    return Request("POST", f"{base}/repository/commits", json=body)


def _ordered(commit: NewCommit) -> list[Put | Delete | Move]:
    """Put first what makes room: GitLab takes the actions one after the other."""
    order = (Delete, Move, Put)
    return sorted(commit.changes, key=lambda change: order.index(type(change)))


def _actions(change: Put | Delete | Move, last_commits: Mapping[str, str | None]) -> Iterable[dict[str, Any]]:
    last = last_commits.get(change.path)
    guard = {"last_commit_id": last} if last else {}
    if isinstance(change, Delete):
        return ({"action": "delete", "file_path": change.path, **guard},)
    if isinstance(change, Move):
        content = {} if change.content is None else _content(change.content)
        return ({"action": "move", "file_path": change.to, "previous_path": change.path, **content, **guard},)
    if change.replaces is not None:
        return ({"action": "update", "file_path": change.path, **_content(change.content), **guard},)
    created = _created(change)
    if change.mode is Mode.FILE:
        return created
    if change.mode is Mode.EXECUTABLE:
        return *created, {"action": "chmod", "file_path": change.path, "execute_filemode": True}
    raise NotSupportedError(
        f"gitlab's interface makes no new symlink, such as {change.path!r}; make it with git",
        operation="commit_changes",
    )


def _created(change: Put) -> tuple[dict[str, Any], ...]:
    create = {"action": "create", "file_path": change.path, **_content(change.content)}
    if read_pointer(change.content) is None:
        return (create,)
    # GitLab takes what it creates into LFS by itself, a pointer too; what it updates it leaves as it is.
    return create, {**create, "action": "update"}


def _content(content: bytes) -> dict[str, str]:
    return {"content": base64.b64encode(content).decode(), "encoding": "base64"}


def says_changed(answer: Answer) -> bool:
    """Whether a commit was refused because the last commit of a file is another one."""
    return answer.status == 400 and "has changed since" in sentence_of(answer).lower()


def commit_error(answer: Answer, commit: NewCommit) -> CopydeskError:
    """Tell why a commit was not made; all of GitLab's refusals are 400, and only the words differ."""
    said = sentence_of(answer)
    words = said.lower()
    if "switch to that branch" in words:
        return refusals.existing_branch(commit.branch)
    if "start_sha" in words:
        return NotFoundError(f"gitlab made no branch {commit.branch!r}: {said!r}; read the base again")
    if "when you are on a branch" in words:
        return NotFoundError(f"there is no branch {commit.branch!r} on gitlab: {said!r}")
    in_the_way = ("has changed", "already exists", "doesn't exist", "please refresh")
    if any(each in words for each in in_the_way):
        return refusals.moved_branch(commit.branch, said)
    return InvalidInputError(
        f"gitlab refused the commit for branch {commit.branch!r}: {said!r}; nothing was written"
    )


# -- comparing ----------------------------------------------------------------------------------------


def ask_comparison(base: str, base_commit_sha: str, head_commit_sha: str) -> Request:
    """Compare the head with where it left the base (Repositories API: Compare branches, tags or commits)."""
    query: dict[str, str | bool] = {"from": base_commit_sha, "to": head_commit_sha, "straight": False}
    return Request("GET", f"{base}/repository/compare", query)


def merge_base_of(data: Mapping[str, Any], head_commit_sha: str) -> str | None:
    """Read the merge base off a comparison, which does not name it; None where it is not plain.

    The commits that the head has and the base has not all descend from what both have: if that is one commit, it
    is the merge base.
    """
    if not data["commits"]:
        return head_commit_sha
    shared = shared_parents(data)
    return shared[0] if len(shared) == 1 and all(commit["parent_ids"] for commit in data["commits"]) else None


def shared_parents(data: Mapping[str, Any]) -> list[str]:
    """Give the commits from which those of the head alone descend: both sides have them."""
    new = {commit["id"] for commit in data["commits"]}
    return sorted({parent for commit in data["commits"] for parent in commit["parent_ids"]} - new)


def ask_merge_base(base: str, *commit_shas: str) -> Request:
    """Ask for the merge base (Repositories API: Merge base)."""
    return Request("GET", f"{base}/repository/merge_base", [("refs[]", sha) for sha in commit_shas])


def is_cut(data: Mapping[str, Any]) -> bool:
    """Whether a comparison may not name all that differs."""
    count = len(data["diffs"])
    return (
        bool(data.get("compare_timeout")) or count >= COMPARED_FILES or (not count and bool(data["commits"]))
    )


def read_changed_files(items: Iterable[Mapping[str, Any]]) -> tuple[ChangedFile, ...]:
    """Read what changed (Repositories API: Compare; Merge requests API: List merge request diffs)."""
    return tuple(sorted(map(_changed_file, items), key=lambda file: file.path))


def _changed_file(item: Mapping[str, Any]) -> ChangedFile:
    if item["deleted_file"]:
        return ChangedFile(item["old_path"], "deleted", None)
    if item["renamed_file"]:
        return ChangedFile(item["new_path"], "renamed", None, item["old_path"])
    return ChangedFile(item["new_path"], "added" if item["new_file"] else "modified", None)


# -- pull requests ------------------------------------------------------------------------------------


def pull_path(base: str, number: int) -> str:
    """Give where a merge request is (Merge requests API)."""
    return f"{base}/merge_requests/{number}"


def read_pull_request(data: Mapping[str, Any]) -> PullRequest:
    """Read a merge request (Merge requests API)."""
    sha = data.get("sha") or ""
    return PullRequest(
        number=data["iid"],
        node_id="",
        title=data["title"],
        state=_STATES[data["state"]],
        head=data["source_branch"],
        head_commit_sha=sha,
        base=data["target_branch"],
        labels=tuple(data["labels"]),
        author=read_user(data.get("author")),
        updated_at=read_date(data["updated_at"]),
        url=data.get("web_url"),
        from_fork=data["source_project_id"] != data["target_project_id"],
        problem="" if sha else f"its branch {data['source_branch']!r} is gone",
    )


def read_new_pull_request(data: Mapping[str, Any]) -> PullRequest:
    """Read a merge request that was just made: it was compared with the head that its base then had."""
    refs = data.get("diff_refs") or {}
    return attrs.evolve(read_pull_request(data), base_commit_sha=refs.get("start_sha"))


def ask_pull_requests(base: str, state: str, into: str, head: str) -> Request:
    """Ask for merge requests, newest first (Merge requests API: List project merge requests)."""
    query: dict[str, str | int] = {"state": _ASKED_STATES[state], "per_page": 100}
    query |= {"order_by": "created_at", "sort": "desc"}
    query |= {"target_branch": into} if into else {}
    return Request("GET", f"{base}/merge_requests", query | ({"source_branch": head} if head else {}))


def ask_create_pull_request(base: str, pull: NewPullRequest) -> Request:
    """Open a merge request with its labels (Merge requests API: Create MR)."""
    body = {
        "source_branch": pull.head,
        "target_branch": pull.base,
        "title": pull.title,
        "description": pull.body,
        "labels": joined(pull.labels),
        "remove_source_branch": pull.delete_branch,
        "squash": pull.squash,
    }
    return Request("POST", f"{base}/merge_requests", json=body)


def joined(labels: Iterable[str]) -> str:
    """Write labels as GitLab takes them.

    :raises InvalidInputError: one holds a comma, which no label of GitLab can (Labels).
    """
    listed = tuple(labels)
    wrong = [label for label in listed if "," in label]
    if wrong:
        raise InvalidInputError(f"gitlab has no label with a comma, such as {wrong[0]!r}; choose another")
    return ",".join(listed)


def create_error(answer: Answer, pull: NewPullRequest) -> CopydeskError:
    """Tell why a merge request was not opened."""
    said = sentence_of(answer)
    if "already exists" in said.lower():
        return refusals.existing_pull_request(pull)
    return NotFoundError(
        f"gitlab opened no merge request from {pull.head!r} into {pull.base!r}: {said!r}; "
        "check that both branches exist"
    )


def ask_update(base: str, number: int, **values: str) -> Request:
    """Change a merge request (Merge requests API: Update MR); harmless the second time."""
    return Request("PUT", pull_path(base, number), json=values, safe=True)


def ask_merge(base: str, pull: PullRequest, method: str, message: str, *, delete_branch: bool) -> Request:
    """Merge if the head is the one that was seen (Merge requests API: Merge a merge request)."""
    body: dict[str, Any] = {
        "sha": pull.head_commit_sha,
        "squash": method == "squash",
        "should_remove_source_branch": delete_branch,
    }
    # A project that makes merge commits makes one of the squashed commit too.
    body |= {"merge_commit_message": message} if message else {}
    body |= {"squash_commit_message": message} if message and method == "squash" else {}
    return Request("PUT", f"{pull_path(base, pull.number)}/merge", json=body)


def merged_commit(data: Mapping[str, Any]) -> str:
    """Give the commit that a merge put on the base: of its own, that of squashing, or the head itself."""
    found: str = data.get("merge_commit_sha") or data.get("squash_commit_sha") or data["sha"]
    return found


#: What `detailed_merge_status` says (Merge requests API: Merge status), in our words.
_REASONS: Final = {
    "conflict": "conflicts",
    "broken_status": "conflicts",
    "need_rebase": "rebase",
    "not_approved": "approvals",
    "requested_changes": "approvals",
    "discussions_not_resolved": "discussions",
    "draft_status": "draft",
    "not_open": "closed",
    "ci_must_pass": "checks",
    "ci_still_running": "checks",
    "status_checks_must_pass": "checks",
    "external_status_checks": "checks",
    "commits_status": "conflicts",
}
#: The same, while GitLab is finding out.
CHECKING: Final = frozenset({"unchecked", "checking", "preparing", "approvals_syncing"})


def merge_error(said: str, pull: PullRequest, data: Mapping[str, Any]) -> ConflictError | NotMergeableError:
    """Tell why a merge request was not merged; *data* is what it is now."""
    now = read_pull_request(data)
    if now.state != "open":
        return refusals.not_mergeable("gitlab", pull, "closed", f"it is {now.state}")
    if now.head_commit_sha != pull.head_commit_sha or "sha does not match" in said.lower():
        return refusals.moved_head(pull, now.head_commit_sha)
    status = data.get("detailed_merge_status") or ""
    fallback = "conflicts" if data.get("has_conflicts") else "protected"
    reason = _REASONS.get(status, fallback)
    return refusals.not_mergeable("gitlab", pull, reason, f"{said} ({status})" if status else said)


def ask_rebase(base: str, number: int) -> Request:
    """Put a branch onto its base (Merge requests API: Rebase a merge request), without a pipeline for it."""
    return Request("PUT", f"{pull_path(base, number)}/rebase", json={"skip_ci": True}, safe=True)


def ask_rebasing(base: str, number: int) -> Request:
    """Ask for a merge request with what a rebase does, and how far it is behind."""
    query = {"include_rebase_in_progress": True, "include_diverged_commits_count": True}
    return Request("GET", pull_path(base, number), query)


# -- checks -------------------------------------------------------------------------------------------

_CHECK_STATES: Final = {
    "success": "success",
    "failed": "failure",
    "canceled": "failure",
    "canceling": "failure",
    "skipped": "success",
    "manual": "success",
}


def _check_state(status: str) -> str:
    return _CHECK_STATES.get(status, "pending")


def ask_deployments(base: str, since: datetime) -> Request:
    """Ask for what was deployed since a time (Deployments API); it cannot be asked for by commit."""
    query: dict[str, str | int] = {"order_by": "updated_at", "sort": "desc", "per_page": 100}
    # A day of grace for clocks that differ.
    query["updated_after"] = (since - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return Request("GET", f"{base}/deployments", query)


def read_status(item: Mapping[str, Any]) -> tuple[str, Check]:
    """Read a commit status with its time (Commits API: List commit statuses)."""
    when = item.get("finished_at") or item.get("started_at") or item.get("created_at") or ""
    return when, Check(item["name"], _check_state(item["status"]), item.get("target_url"))


def read_pipeline(item: Mapping[str, Any]) -> tuple[str, Check]:
    """Read a pipeline with its time (Pipelines API)."""
    when = item.get("updated_at") or item.get("created_at") or ""
    return when, Check(f"pipeline/{item['id']}", _check_state(item["status"]), item.get("web_url"))


def read_deployment(item: Mapping[str, Any]) -> tuple[str, Check]:
    """Read a deployment with its time; its address is that of the environment (Review apps)."""
    environment = item["environment"]
    when = item.get("updated_at") or item.get("created_at") or ""
    url = environment.get("external_url")
    return when, Check(f"deploy/{environment['name']}", _check_state(item["status"]), url)
