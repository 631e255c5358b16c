"""Gitea's REST interface as pure functions: requests are built here, and answers read."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final

import attrs
from copydesk.blobs import is_blob
from copydesk.errors import CopydeskError, InvalidInputError, PermissionDeniedError, ProtocolError
from copydesk.http import Answer, Dialect, Request, by_link, quoted, quoted_path
from copydesk.models import (
    Access,
    Branch,
    Change,
    ChangedFile,
    Check,
    Commit,
    Credential,
    Delete,
    FileVersion,
    Merge,
    Mode,
    Move,
    NewCommit,
    NewPullRequest,
    PullRequest,
    RepositoryInfo,
    TreeEntry,
    User,
)

FORGE: Final = "gitea"
#: What Gitea gives at most, unless it is set up otherwise: items of a list, entries of a tree, files of a batch.
PAGE: Final = 50
TREE_PAGE: Final = 1000
BATCH: Final = 30
#: The color of a label that is made, as the CMS makes it.
COLOR: Final = "#0052cc"
#: Where the head of a pull request is whose branch is gone.
_PULL_REF: Final = "refs/pull/"
#: git takes these in a path for a pattern, or for a word of its own at the beginning (gitglossary, pathspec).
_PATTERN: Final = frozenset("*?[\\")
_CHECKS: Final = {"success": "success", "failure": "failure", "error": "failure", "skipped": "success"}
_KINDS: Final = {"added": "added", "copied": "added", "deleted": "deleted", "renamed": "renamed"}


@attrs.frozen(kw_only=True)
class GiteaDialect(Dialect):
    """How Gitea speaks."""

    def credential(self, given: Credential) -> Credential:
        """Send a token under the word that every version knows."""
        return attrs.evolve(given, scheme="token") if given.scheme == "bearer" else given

    def git_credential(self, given: Credential) -> Credential:
        """Send a token as git does: as the password of anybody."""
        if given.scheme not in {"token", "bearer"}:
            return given
        return attrs.evolve(given, scheme="basic", user="oauth2")

    def page_address(self, asked: str, link: str) -> str:
        """Stay where the page was asked: links begin with the instance's ROOT_URL, which may be another name."""
        return f"{asked.partition('?')[0]}?{link.partition('?')[2]}"

    def error_class(self, answer: Answer) -> Callable[[str], CopydeskError] | None:
        if answer.status == HTTPStatus.LOCKED:
            return _archived
        if answer.status == HTTPStatus.FORBIDDEN and "cannot commit to repo" in self.sentence(answer):
            return _protected
        return _refused if answer.status == HTTPStatus.UNPROCESSABLE_ENTITY else None


def _archived(message: str) -> PermissionDeniedError:
    return PermissionDeniedError(f"{message}; the repository is archived: ask its owner to open it again")


def _protected(message: str) -> PermissionDeniedError:
    return PermissionDeniedError(f"{message}; the branch is protected: ask its owner, or take a pull request")


def _refused(message: str) -> InvalidInputError:
    return InvalidInputError(f"{message}; correct it, and send it again")


DIALECT: Final = GiteaDialect(name=FORGE, headers={"Accept": "application/json"}, workers=4)


def said(answer: Answer) -> str:
    """Give Gitea's own words; an instance in production tells none of its failures."""
    return answer.hide(DIALECT.sentence(answer)) or HTTPStatus(answer.status).phrase


def is_own(answer: Answer) -> bool:
    """Tell whether a refusal is Gitea's and not that of something before it: every one names its documentation."""
    try:
        return "url" in answer.json_object()
    except ProtocolError:
        return False


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text).astimezone(UTC) if text else None


def _times(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _user(data: Mapping[str, Any] | None) -> User | None:
    return User(data["login"], data.get("full_name", ""), data.get("email", "")) if data is not None else None


def git_address(api_root: str, repo: str) -> str:
    """Give what one clones from, on an instance below a path too."""
    return f"{api_root.removesuffix('/api/v1')}/{repo}.git"


@attrs.frozen
class Api:
    """The addresses of one repository, given as ``owner/name``."""

    repo: str

    def __call__(self, method: str, path: str = "", **more: Any) -> Request:
        """Build a request for what is at a path of the repository."""
        return Request(method, f"repos/{quoted_path(self.repo)}{path}", **more)

    def listing(self, path: str, **query: str | int) -> Request:
        return self("GET", path, query={**query, "limit": PAGE})

    # -- branches -------------------------------------------------------------------------------------

    def branch(self, name: str, method: str = "GET") -> Request:
        return self(method, f"/branches/{quoted_path(name)}")

    def create_branch(self, name: str, commit_sha: str) -> Request:
        return self("POST", "/branches", json={"new_branch_name": name, "old_ref_name": commit_sha})

    # -- files and commits ----------------------------------------------------------------------------

    def tree(self, commit_sha: str, folder: str, *, recursive: bool, page: int = 1) -> Request:
        where = quoted(f"{commit_sha}:{folder}" if folder else commit_sha)
        query = {"recursive": recursive, "page": page, "per_page": TREE_PAGE}
        return self("GET", f"/git/trees/{where}", query=query)

    def blob(self, sha: str) -> Request:
        return self("GET", f"/git/blobs/{sha}")

    def raw(self, commit_sha: str, path: str) -> Request:
        return self("GET", f"/raw/{quoted_path(path)}", query={"ref": commit_sha})

    def file_contents(self, commit_sha: str, paths: Iterable[str]) -> Request:
        body = {"files": list(paths)}
        return self("POST", "/file-contents", query={"ref": commit_sha}, json=body, safe=True)

    def blobs(self, shas: Iterable[str]) -> Request:
        return self("GET", "/git/blobs", query={"shas": ",".join(shas)})

    def archive(self, commit_sha: str) -> Request:
        """Ask for an archive of the whole tree, which may be kept on another server (Get an archive)."""
        return self("GET", f"/archive/{commit_sha}.tar.gz", follow_elsewhere=True)

    def commit(self, sha: str) -> Request:
        return self(
            "GET", f"/git/commits/{sha}", query={"stat": False, "verification": False, "files": False}
        )

    def commits(self, commit_sha: str, path: str) -> Request:
        query = {"sha": commit_sha, "stat": False, "verification": False, "files": False}
        literal = bool(_PATTERN & set(path)) or path.startswith(":")
        where = {"path": f":(literal){path}" if literal else path} if path else {}
        return self("GET", "/commits", query={**query, **where, "limit": PAGE})

    def compare(self, base: str, head: str) -> Request:
        return self("GET", f"/compare/{base}...{head}", query={"verification": False, "files": False})

    def statuses(self, commit_sha: str) -> Request:
        return self.listing(f"/statuses/{commit_sha}", sort="highestindex")

    def change_files(self, commit: NewCommit, start: str, contents: Mapping[str, bytes]) -> Request:
        files = [_operation(change, contents) for change in commit.changes]
        return self("POST", "/contents", json={**_commit_body(commit, start), "files": files})

    def apply_patch(self, commit: NewCommit, start: str, patch: str) -> Request:
        # Versions before 1.20 want a sha and look at none.
        more = {"content": patch, "sha": commit.parent_commit_sha}
        return self("POST", "/diffpatch", json={**_commit_body(commit, start), **more})

    # -- pull requests --------------------------------------------------------------------------------

    def labels(self, page: int = 1) -> Request:
        return self.listing("/labels", page=page)

    def create_label(self, name: str) -> Request:
        return self("POST", "/labels", json={"name": name, "color": COLOR})

    def add_labels(self, number: int, ids: Iterable[int]) -> Request:
        return self("POST", f"/issues/{number}/labels", json={"labels": list(ids)}, safe=True)

    def remove_label(self, number: int, label_id: int) -> Request:
        return self("DELETE", f"/issues/{number}/labels/{label_id}", safe=True)

    def pulls(self, state: str) -> Request:
        return self.listing("/pulls", state=state if state in {"open", "all"} else "closed")

    def pull(self, number: int) -> Request:
        return self("GET", f"/pulls/{number}")

    def changed_files(self, number: int) -> Request:
        return self.listing(f"/pulls/{number}/files")

    def create_pull(self, new: NewPullRequest, label_ids: Iterable[int]) -> Request:
        body = {"title": new.title, "body": new.body, "head": new.head, "base": new.base}
        return self("POST", "/pulls", json={**body, "labels": list(label_ids)})

    def set_state(self, number: int, state: str) -> Request:
        return self("PATCH", f"/pulls/{number}", json={"state": state}, safe=True)

    def merge(self, pull: PullRequest, method: str, message: str, *, delete_branch: bool) -> Request:
        title, _, rest = message.strip().partition("\n")
        body = {
            "Do": method,
            "MergeTitleField": title.strip(),
            "MergeMessageField": rest.strip(),
            "head_commit_id": pull.head_commit_sha,
            "delete_branch_after_merge": delete_branch,
        }
        return self("POST", f"/pulls/{pull.number}/merge", json=body)

    def update(self, number: int) -> Request:
        return self("POST", f"/pulls/{number}/update", query={"style": "merge"})


def _commit_body(commit: NewCommit, start: str) -> dict[str, Any]:
    body: dict[str, Any] = {"branch": start, "message": commit.message}
    if start != commit.branch:
        body["new_branch"] = commit.branch
    if commit.author is not None and commit.author.email:
        # Without an address Gitea takes the owner of the credential.
        name = commit.author.name or commit.author.login
        body["author"] = {"name": name, "email": commit.author.email}
    return body


def _operation(change: Change, contents: Mapping[str, bytes]) -> dict[str, Any]:
    if isinstance(change, Delete):
        return {"operation": "delete", "path": change.path, "sha": change.replaces.blob_sha}
    if isinstance(change, Move):
        content = contents[change.path] if change.content is None else change.content
        names = {"path": change.to, "from_path": change.path}
        return {"operation": "update", **names, "sha": change.replaces.blob_sha, "content": _encoded(content)}
    body = {"path": change.path, "content": _encoded(change.content)}
    if change.replaces is None:
        return {"operation": "create", **body}
    return {"operation": "update", **body, "sha": change.replaces.blob_sha}


def _encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()


# -- reading answers ----------------------------------------------------------------------------------


def next_label_page(answer: Answer) -> Request | str | None:
    """Find the next page of a list that tells its length and has no links."""
    linked = by_link(answer)
    found = answer.json_list()
    if linked is not None or not found:
        return linked
    address, _, query = answer.url.partition("?")
    asked = dict(pair.split("=", 1) for pair in query.split("&") if "=" in pair)
    page = int(asked.get("page", "1"))
    if page == 1 and answer.headers.get("x-total-count") == str(len(found)):
        return None
    more = "&".join(f"{name}={value}" for name, value in {**asked, "page": str(page + 1)}.items())
    return f"{address}?{more}"


def read_access(repository: Answer, user: Answer | None) -> Access:
    """Read whose credential this is; None where the credential may not tell."""
    rights = repository.json_object()["permissions"]
    return Access(
        _user(user.json_object()) if user is not None else None, None if rights is None else rights["push"]
    )


def read_repository(answer: Answer) -> RepositoryInfo:
    """Read what the repository is; its LFS server is below its clone address."""
    data = answer.json_object()
    clone = data["clone_url"]
    return RepositoryInfo(
        data["full_name"],
        data["default_branch"],
        (data.get("permissions") or {}).get("push"),
        data["html_url"],
        clone,
        f"{clone}/info/lfs",
    )


def read_branch(data: Mapping[str, Any]) -> Branch:
    """Read a branch and its head."""
    return Branch(data["name"], data["commit"]["id"])


def read_entry(data: Mapping[str, Any], folder: str) -> TreeEntry:
    """Read a path of a tree, which is told below *folder*."""
    path = f"{folder}/{data['path']}" if folder else data["path"]
    mode = Mode(data["mode"])
    return TreeEntry(path, None if mode is Mode.SUBMODULE else data["size"], FileVersion(data["sha"], mode))


def read_blob(data: Mapping[str, Any], version: FileVersion) -> bytes | None:
    """Read the bytes of a blob; None where they are not those of the version, as of one that is too large."""
    content = base64.b64decode(data.get("content") or "")
    return content if is_blob(content, version) else None


def read_contents(answer: Answer) -> Iterator[bytes]:
    """Read the bytes of many files; null is one that is not there, and one that is too large has none."""
    found = (each for each in answer.json_list() if each and (each["content"] or not each["size"]))
    return (base64.b64decode(each["content"] or "") for each in found)


def read_commit(data: Mapping[str, Any]) -> Commit:
    """Read a commit of a list, or by its sha."""
    return _commit(data, data["commit"])


def read_made(answer: Answer, versions: Mapping[str, FileVersion]) -> Commit:
    """Read the commit that was just made."""
    data = answer.json_object()["commit"]
    return attrs.evolve(_commit(data, data), versions=versions)


def _commit(data: Mapping[str, Any], inner: Mapping[str, Any]) -> Commit:
    author, parents = inner["author"], tuple(parent["sha"] for parent in data["parents"] or ())
    user = User("", author["name"], author["email"])
    # Gitea ends every message with a line end.
    message = inner["message"].removesuffix("\n")
    return Commit(data["sha"], parents, user, _times(inner["committer"]["date"]), message)


def read_stored(answer: Answer) -> dict[str, str]:
    """Read the blobs of what was written, as far as the answer tells them (30 files, 100 MiB)."""
    files = answer.json_object().get("files") or ()
    return {file["path"]: file["sha"] for file in files if file}


def merge_base_candidates(commits: Iterable[Commit]) -> tuple[str, ...]:
    """Give the parents of some commits that are none of them, in their order."""
    listed = tuple(commits)
    inside = {commit.commit_sha for commit in listed}
    parents = (parent for commit in listed for parent in commit.parent_commit_shas)
    return tuple(dict.fromkeys(parent for parent in parents if parent not in inside))


def read_comparison(answers: Iterable[Answer]) -> tuple[Commit, ...]:
    """Read what the head has and the base has not.

    :raises ProtocolError: the answer says that there is more.
    """
    found: list[Commit] = []
    total = 0
    for answer in answers:
        data = answer.json_object()
        total = data["total_commits"]
        found += map(read_commit, data["commits"] or ())
    if len(found) != total:
        raise ProtocolError(f"gitea listed {len(found)} of {total} commits of a comparison; report it")
    return tuple(found)


def read_label_ids(data: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Read names and ids of labels; of two with one name the older one counts."""
    found: dict[str, int] = {}
    for label in data:
        found[label["name"]] = min(label["id"], found.get(label["name"], label["id"]))
    return found


def read_pull(data: Mapping[str, Any]) -> PullRequest:
    """Read a pull request; one whose branch is gone keeps its commits under a ref of its own."""
    head, base = data["head"], data["base"]
    gone = head["ref"].startswith(_PULL_REF)
    # One that was pushed to refs/for/ has no branch at all (AGit flow).
    name = head["label"] if gone else head["ref"]
    state = "merged" if data["merged"] else data["state"]
    return PullRequest(
        number=data["number"],
        node_id=str(data["id"]),
        title=data["title"],
        state=state,
        head=name,
        head_commit_sha=head["sha"],
        base=base["ref"],
        labels=tuple(label["name"] for label in data["labels"] or ()),
        author=_user(data["user"]),
        updated_at=_time(data["updated_at"]),
        url=data["html_url"],
        from_fork=head["repo_id"] != base["repo_id"] or not name,
        problem="" if head["sha"] else "Gitea no longer knows its head: the fork that it came from is gone",
        base_commit_sha=base["sha"] or None,
    )


def read_merge(data: Mapping[str, Any]) -> Merge:
    """Read what became of a pull request that was merged: its head has another ref when the branch is gone."""
    return Merge(data["merge_commit_sha"] or None, data["head"]["ref"].startswith(_PULL_REF))


def read_changed_file(data: Mapping[str, Any]) -> ChangedFile:
    """Read a file of a pull request; "changed" and "unchanged" (binary) are modified ones."""
    kind = _KINDS.get(data["status"], "modified")
    return ChangedFile(data["filename"], kind, None, data["previous_filename"] if kind == "renamed" else None)


def is_as_of(data: Mapping[str, Any], commit_sha: str) -> bool:
    """Tell whether a changed file is that of a head: Gitea compares a moment after a push."""
    return str(data["contents_url"]).endswith(f"?ref={commit_sha}")


def read_checks(data: Iterable[Mapping[str, Any]]) -> tuple[Check, ...]:
    """Read the newest status of each context, newest first."""
    newest: dict[str, Mapping[str, Any]] = {}
    for status in sorted(data, key=lambda status: -int(status["id"])):
        newest.setdefault(status["context"], status)
    return tuple(
        Check(name, _CHECKS.get(status["status"], "pending"), status["target_url"] or None)
        for name, status in newest.items()
    )
