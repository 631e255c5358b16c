"""Bitbucket's REST API: requests from values, values from answers. Nothing here sends anything.

Groups of Bitbucket's documentation are named as they are titled there (Source, Commits, Refs, Pullrequests, …).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

import attrs
from copydesk import refusals
from copydesk.auth import credential_remedy
from copydesk.changes import written_versions
from copydesk.errors import (
    AuthenticationError,
    CopydeskError,
    InvalidInputError,
    NotFoundError,
    NotMergeableError,
    NotSupportedError,
    PermissionDeniedError,
    ProtocolError,
)
from copydesk.http import Answer, Dialect, Part, Request, origin_of, quoted, quoted_path
from copydesk.models import (
    ChangedFile,
    Check,
    Commit,
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
from copydesk.naming import label_statuses

#: What Bitbucket shortens the shas in pull requests to.
SHORT: Final = 12
_MODES: Final = {"link": Mode.SYMLINK, "executable": Mode.EXECUTABLE, "subrepository": Mode.SUBMODULE}
_ATTRIBUTES: Final = {Mode.SYMLINK: "link", Mode.EXECUTABLE: "executable"}
_STATES: Final = {"OPEN": "open", "MERGED": "merged", "DECLINED": "closed", "SUPERSEDED": "closed"}
_CHECK_STATES: Final = {"SUCCESSFUL": "success", "INPROGRESS": "pending"}
_WRITING: Final = frozenset({"repository:write", "pullrequest:write"})
_WRITERS: Final = frozenset({"write", "admin"})
#: What looks as if it stood for a quote, the end of a line or another letter, as a form writes them (RFC 7578).
_UNCLEAR: Final = re.compile(r"%(?:22|0[AaDd]|[89A-Fa-f][0-9A-Fa-f])")
_AUTHOR: Final = re.compile(r"\s*(.*?)\s*<([^<>]*)>\s*")


class BitbucketDialect(Dialect):
    """What Bitbucket's answers mean beyond HTTP (REST API: Standardized error responses)."""

    def git_credential(self, given: Credential) -> Credential:
        """Name a user where git talks: which one goes with the kind of token (Using API tokens, Access tokens)."""
        user = "x-bitbucket-api-token-auth" if given.scheme == "basic" else "x-token-auth"
        return attrs.evolve(given, scheme="basic", user=user)

    def sentence(self, answer: Answer) -> str:
        """Give Bitbucket's own words, with those of the fields that it refuses."""
        said = super().sentence(answer)
        named = "; ".join(_field_words(answer.content)) if answer.status == 400 else ""
        return f"{said}: {named}" if said and named else said or named

    def error_class(self, answer: Answer) -> Callable[[str], CopydeskError] | None:
        said = self.sentence(answer).lower()
        if answer.status == 401:
            return _unknown_credential
        if answer.status == 403 and "cannot push" in said:
            return _protected
        return None


def _field_words(content: bytes) -> list[str]:
    try:
        error = json.loads(content)["error"]
        fields = error.get("fields") or {}
        return [f"{name}: {', '.join(map(str, words))}" for name, words in fields.items() if words]
    except (ValueError, RecursionError, LookupError, TypeError, AttributeError):
        return []


def _unknown_credential(message: str) -> AuthenticationError:
    return AuthenticationError(
        f"{message}; the credential is wrong or has expired: {credential_remedy('bitbucket')}; an API token goes "
        "with the e-mail address of its account in COPYDESK_BITBUCKET_USER, and app passwords are taken no more"
    )


def _protected(message: str) -> PermissionDeniedError:
    return PermissionDeniedError(
        f"{message}; the branch is protected: propose the change, or ask the owner for rights"
    )


#: The limit of 1,000 an hour is not told by the answers (API request limits).
DIALECT: Final = BitbucketDialect(name="bitbucket", hourly_budget=1000, workers=4)


def sentence_of(answer: Answer) -> str:
    """Give Bitbucket's own words."""
    return DIALECT.sentence(answer)


# -- values -------------------------------------------------------------------------------------------


def read_date(text: str | None) -> datetime | None:
    """Read a time, which Bitbucket gives with an offset."""
    return datetime.fromisoformat(text).astimezone(UTC) if text else None


def read_user(data: Mapping[str, Any] | None) -> User | None:
    """Read somebody with an account, which shows no address; None for one whose account is gone."""
    if data is None:
        return None
    return User(data.get("nickname") or data["display_name"], data["display_name"])


# -- the repository -----------------------------------------------------------------------------------


def read_repository(data: Mapping[str, Any]) -> RepositoryInfo:
    """Read a repository (Repositories: Get a repository); it does not tell the right to write."""
    links = data.get("links") or {}
    web = (links.get("html") or {}).get("href")
    clones = {link["name"]: link["href"] for link in links.get("clone") or ()}
    return RepositoryInfo(
        name=data["full_name"],
        default_branch=(data["mainbranch"] or {}).get("name") or "",
        web_url=web,
        clone_url=clones.get("https"),
        lfs_url=f"{web}/info/lfs" if web else None,
    )


def ask_permissions(repo: str, *, older: bool) -> Request:
    """Ask what the user may do in a repository (Users: permissions of repositories); the older way is to go."""
    where = "user" if older else f"user/workspaces/{quoted(repo.partition('/')[0])}"
    return Request("GET", f"{where}/permissions/repositories", {"q": f"repository.full_name={_text(repo)}"})


def read_may_write(data: Mapping[str, Any], repo: str) -> bool:
    """Read whether one of the permissions lets its user write; none at all says that he may not."""
    ours = (
        item
        for item in data["values"]
        if item["repository"]["full_name"].lower() == repo.lower()
    )  # fmt: skip
    return any(item["permission"] in _WRITERS for item in ours)


def read_scopes(answer: Answer) -> tuple[str, ...]:
    """Read what a token may do, which every answer tells."""
    scopes = answer.headers.get("x-oauth-scopes", "").split(",")
    return tuple(scope.strip() for scope in scopes if scope.strip())


def scopes_may_write(scopes: tuple[str, ...]) -> bool | None:
    """Tell whether a token may write; who may write pull requests may write their repository too (Scopes)."""
    return not _WRITING.isdisjoint(scopes) if scopes else None


def _text(value: str) -> str:
    """Write a text in Bitbucket's language for filters (Filter and sort API objects)."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


# -- branches -----------------------------------------------------------------------------------------


def git_address(api_root: str, repo: str) -> str:
    """Give where one clones from: the website of the public service, else the origin of the API."""
    origin = origin_of(api_root)
    website = "https://bitbucket.org" if origin == "https://api.bitbucket.org" else origin
    return f"{website}/{quoted_path(repo)}.git"


def branch_path(base: str, name: str) -> str:
    """Give where a branch is (Refs: Get a branch); slashes stay as they are."""
    return f"{base}/refs/branches/{quoted_path(name)}"


def ask_branches(base: str, prefix: str) -> Request:
    """Ask for names and heads of branches (Refs: List open branches); ``~`` is "contains"."""
    query: dict[str, str | int] = {"pagelen": 100, "fields": "values.name,values.target.hash,next"}
    return Request(
        "GET", f"{base}/refs/branches", query | ({"q": f"name ~ {_text(prefix)}"} if prefix else {})
    )


def read_branch(data: Mapping[str, Any]) -> tuple[str, str]:
    """Read name and head of a branch."""
    return data["name"], data["target"]["hash"]


def values_of(answer: Answer) -> list[Any]:
    """Read a page of a listing (Pagination).

    :raises ProtocolError: it is none.
    """
    values = answer.json_object().get("values")
    if not isinstance(values, list):
        raise ProtocolError("bitbucket answered with no page of a listing where one was asked for")
    return values


# -- trees and files ----------------------------------------------------------------------------------


def source_path(base: str, commit_sha: str, path: str) -> str:
    """Give where a file or a folder is as of a commit (Source: Get file or directory contents)."""
    return f"{base}/src/{commit_sha}/{quoted_path(path)}"


def ask_tree(base: str, commit_sha: str, folder: str, depth: int) -> Request:
    """Ask for a folder and those below it, down to a depth; it tells no blobs and no last changes."""
    query: dict[str, str | int] = {
        "max_depth": depth,
        "pagelen": 100,
        "fields": "values.type,values.path,values.size,values.attributes,next",
    }
    where = source_path(base, commit_sha, f"{folder}/" if folder else "")
    return Request("GET", where, query)


def read_tree(items: Iterable[Mapping[str, Any]], commit_sha: str) -> tuple[TreeEntry, ...]:
    """Read the files of a page of a tree; submodules are left out, and the sizes of files that are in LFS."""
    entries = (
        TreeEntry(item["path"], None if is_large(item) else item.get("size"), read_version(item, commit_sha))
        for item in items
        if item["type"] == "commit_file"
    )
    return tuple(entry for entry in entries if entry.version.mode is not Mode.SUBMODULE)


def read_version(item: Mapping[str, Any], commit_sha: str) -> FileVersion:
    """Read what a file is: as of the commit that was asked for, for nothing else names it."""
    modes = [_MODES[word] for word in item.get("attributes") or () if word in _MODES]
    return FileVersion(None, modes[0] if modes else Mode.FILE, commit_sha)


def folders_at(items: Iterable[Mapping[str, Any]], folder: str, depth: int) -> list[str]:
    """Give the folders of a page that were named and not opened, because they are at the depth."""
    above = len(folder.split("/")) if folder else 0
    found = (item["path"] for item in items if item["type"] == "commit_directory")
    return [path for path in found if len(path.split("/")) - above == depth]


def check_source(answer: Answer, path: str) -> bytes:
    """Return the bytes of a file, which may be anything: only the headers tell that Bitbucket answered.

    :raises ProtocolError: somebody else did, such as a login page.
    """
    if not {"etag", "x-accepted-oauth-scopes"} & {name.lower() for name in answer.headers}:
        raise ProtocolError(
            f"something that is not bitbucket answered with {len(answer.content)} bytes where {path!r} was asked "
            "for; check api_root and the proxy"
        )
    return answer.content


def is_large(item: Mapping[str, Any]) -> bool:
    """Whether a file is in LFS; its size is then that of the large file."""
    return "lfs" in (item.get("attributes") or ())


def ask_source(base: str, commit_sha: str, path: str) -> Request:
    """Ask for the bytes of a file; of one in LFS they are elsewhere, where no credential goes."""
    return Request("GET", source_path(base, commit_sha, path), follow_elsewhere=True)


def ask_meta(base: str, commit_sha: str, path: str) -> Request:
    """Ask what a path is (Source, format=meta)."""
    return Request("GET", source_path(base, commit_sha, path), {"format": "meta"})


# -- commits ------------------------------------------------------------------------------------------


def ask_commits(base: str, commit_sha: str, path: str, limit: int) -> Request:
    """Ask for a history (Commits: List commits for revision)."""
    fields = "values.hash,values.date,values.message,values.author,values.parents.hash,next"
    query: dict[str, str | int] = {"pagelen": min(100, limit), "fields": fields}
    return Request("GET", f"{base}/commits/{commit_sha}", query | ({"path": path} if path else {}))


def read_commit(data: Mapping[str, Any]) -> Commit:
    """Read a commit (Commits)."""
    author = data["author"]
    found = _AUTHOR.fullmatch(author["raw"])
    name, email = (found[1], found[2]) if found else (author["raw"], "")
    account = author.get("user") or {}
    return Commit(
        commit_sha=data["hash"],
        parent_commit_shas=tuple(parent["hash"] for parent in data["parents"]),
        author=User(account.get("nickname") or name, name, email),
        date=read_date(data["date"]) or datetime.fromtimestamp(0, UTC),
        message=data["message"],
    )


def ask_commit(base: str, commit: NewCommit) -> Request:
    """Make a commit by a form (Source: Create a commit by uploading a file).

    Every file has a filename, so that one called ``message`` is no message, and says whether it is an executable
    or a link, for what says nothing becomes a plain file.

    :param commit: what it moves has its bytes with it.
    :raises InvalidInputError: a path would not be safe in the form.
    """
    said = [("message", commit.message), ("branch", commit.branch), ("parents", commit.parent_commit_sha)]
    if commit.author is not None and commit.author.email:
        said.append(("author", f"{commit.author.name or commit.author.login} <{commit.author.email}>"))
    said += [("files", change.path) for change in commit.changes if isinstance(change, Delete | Move)]
    parts = [Part(name, value.encode()) for name, value in said]
    return Request("POST", f"{base}/src", parts=parts + list(_files(commit)))


def _files(commit: NewCommit) -> Iterable[Part]:
    for change in commit.changes:
        if isinstance(change, Put):
            yield _file(change.path, change.content, change.written_mode)
        elif isinstance(change, Move) and change.content is not None:
            yield _file(change.to, change.content, change.replaces.mode)


def _file(path: str, content: bytes, mode: Mode) -> Part:
    if found := _UNCLEAR.search(path):
        raise InvalidInputError(
            f"{path!r} cannot be written to bitbucket, which may take {found[0]!r} for another "
            "letter; rename it"
        )
    attributes = (("x-attributes", _ATTRIBUTES[mode]),) if mode in _ATTRIBUTES else ()
    name = path.rpartition("/")[2]
    return Part(f"/{path}", content, name, "application/octet-stream", attributes)


def read_made_commit(answer: Answer, commit: NewCommit) -> Commit:
    """Read the commit that was just made: its sha is in the address, and nothing else is told.

    :raises ProtocolError: it is not.
    """
    sha = answer.headers.get("location", "").rstrip("/").rpartition("/")[2]
    if not re.fullmatch(r"[0-9a-f]{40}", sha):
        raise ProtocolError(
            f"bitbucket answered {answer.status} to a commit without saying where it is; look at branch "
            f"{commit.branch!r} before you do it again"
        )
    written = written_versions(commit).items()
    versions = {path: attrs.evolve(version, last_commit_sha=sha) for path, version in written}
    date = parsedate_to_datetime(answer.headers["date"]).astimezone(UTC)
    author = commit.author or User("")
    return Commit(sha, (commit.parent_commit_sha,), author, date, commit.message, versions)


def commit_error(answer: Answer, repo: str, commit: NewCommit) -> CopydeskError:
    """Tell why a commit was not made."""
    said = sentence_of(answer)
    if answer.status == 409:
        if commit.creates_branch:
            return refusals.existing_branch(commit.branch)
        return refusals.moved_branch(commit.branch, said)
    if "commit not found" in said.lower():
        return refusals.absent_commit("bitbucket", repo, commit.parent_commit_sha)
    return InvalidInputError(
        f"bitbucket refused the commit for branch {commit.branch!r}: {said!r}; nothing was written"
    )


# -- comparing ----------------------------------------------------------------------------------------


def ask_merge_base(base: str, one: str, two: str) -> Request:
    """Ask for the merge base of two commits (Commits: Get the common ancestor)."""
    return Request("GET", f"{base}/merge-base/{one}..{two}", {"fields": "hash"})


def ask_diffstat(base: str, old: str, new: str) -> Request:
    """Ask what the new side changed since it left the old one (Commits: Compare two commit diff stats).

    The new side stands first, against git's order; *old* may be the name of a branch without a slash.
    """
    fields = "values.status,values.old.path,values.new.path,next"
    query: dict[str, str | int] = {"topic": "true", "pagelen": 500, "fields": fields}
    return Request("GET", f"{base}/diffstat/{new}..{quoted(old)}", query)


def read_changed_files(items: Iterable[Mapping[str, Any]]) -> tuple[ChangedFile, ...]:
    """Read what changed; no blobs, so versions are left open."""
    return tuple(sorted(map(_changed_file, items), key=lambda file: file.path))


def _changed_file(item: Mapping[str, Any]) -> ChangedFile:
    old, new = ((item.get(side) or {}).get("path") for side in ("old", "new"))
    if new is None:
        return ChangedFile(str(old), "deleted", None)
    if old is None:
        return ChangedFile(new, "added", None)
    return ChangedFile(new, "modified", None) if old == new else ChangedFile(new, "renamed", None, old)


# -- pull requests ------------------------------------------------------------------------------------


def pull_path(base: str, number: int) -> str:
    """Give where a pull request is (Pullrequests)."""
    return f"{base}/pullrequests/{number}"


def ask_pull_requests(base: str, state: str, into: str, head: str) -> Request:
    """Ask for pull requests, newest first (Pullrequests: List pull requests); the states are part of the query."""
    states = [word for word, known in _STATES.items() if state in {"all", known}]
    conditions = ["(" + " OR ".join(f'state = "{word}"' for word in states) + ")"]
    conditions += [f"destination.branch.name = {_text(into)}"] if into else []
    conditions += [f"source.branch.name = {_text(head)}"] if head else []
    query: dict[str, str | int] = {"q": " AND ".join(conditions), "sort": "-created_on", "pagelen": 50}
    return Request("GET", f"{base}/pullrequests", query)


def short_head(data: Mapping[str, Any]) -> str:
    """Read the first digits of the head, "" where its branch and commits are gone."""
    found: str = ((data["source"].get("commit") or {}).get("hash") or "")[:SHORT]
    return found


def is_from_fork(data: Mapping[str, Any]) -> bool:
    """Whether a pull request comes from another repository, or from one that is gone."""
    sides = (data[side].get("repository") or {} for side in ("source", "destination"))
    source, target = (str(side.get("full_name", "")).lower() for side in sides)
    return source != target


def read_pull_request(data: Mapping[str, Any], head_commit_sha: str, labels: tuple[str, ...]) -> PullRequest:
    """Read a pull request; its head in full and its label come from elsewhere."""
    head = data["source"]["branch"]["name"]
    from_fork = is_from_fork(data)
    return PullRequest(
        number=data["id"],
        node_id="",
        title=data["title"],
        state=_STATES[data["state"]],
        head=head,
        head_commit_sha=head_commit_sha,
        base=data["destination"]["branch"]["name"],
        labels=labels,
        author=read_user(data.get("author")),
        updated_at=read_date(data["updated_on"]),
        url=((data.get("links") or {}).get("html") or {}).get("href"),
        from_fork=from_fork,
        problem="" if head_commit_sha or from_fork else f"its branch {head!r} is gone",
    )


def ask_create_pull_request(base: str, pull: NewPullRequest) -> Request:
    """Open a pull request (Pullrequests: Create a pull request); of the same branches, an open one is renamed."""
    body = {
        "title": pull.title,
        "description": pull.body,
        "source": {"branch": {"name": pull.head}},
        "destination": {"branch": {"name": pull.base}},
        "close_source_branch": pull.delete_branch,
    }
    return Request("POST", f"{base}/pullrequests", json=body)


def ask_open_again(base: str, data: Mapping[str, Any]) -> Request:
    """Open a pull request like one that was declined, which cannot be opened again."""
    body = {
        "title": data["title"],
        "description": data.get("description") or "",
        "source": {"branch": {"name": data["source"]["branch"]["name"]}},
        "destination": {"branch": {"name": data["destination"]["branch"]["name"]}},
        "close_source_branch": bool(data.get("close_source_branch")),
        "reviewers": [{"uuid": each["uuid"]} for each in data.get("reviewers") or ()],
    }
    return Request("POST", f"{base}/pullrequests", json=body)


def create_error(answer: Answer, pull: NewPullRequest) -> CopydeskError:
    """Tell why a pull request was not opened."""
    said = sentence_of(answer)
    if "no changes" in said.lower():
        return refusals.nothing_to_propose(pull)
    return NotFoundError(
        f"bitbucket opened no pull request from {pull.head!r} into {pull.base!r}: {said!r}; "
        "check that both branches exist"
    )


def ask_merge(base: str, pull: PullRequest, method: str, message: str, *, delete_branch: bool) -> Request:
    """Merge whatever the head is (Pullrequests: Merge a pull request); it takes no head that is expected."""
    body: dict[str, Any] = {
        "type": "pullrequest_merge_parameters",
        "merge_strategy": "squash" if method == "squash" else "merge_commit",
        "close_source_branch": delete_branch,
    }
    body |= {"message": message} if message else {}
    return Request("POST", f"{pull_path(base, pull.number)}/merge", json=body)


def merge_error(said: str, pull: PullRequest, state: str, head: str) -> CopydeskError:
    """Tell why a pull request was not merged; *state* and the short *head* are what it has now."""
    if state != "open":
        return refusals.not_mergeable("bitbucket", pull, "closed", f"it is {state}")
    if not pull.head_commit_sha.startswith(head or "-"):
        return refusals.moved_head(pull, "")
    return _not_mergeable(pull, said)


def _not_mergeable(pull: PullRequest, said: str) -> NotMergeableError:
    words = said.lower()
    signs = {"conflict": "conflicts", "approv": "approvals", "draft": "draft", "check": "checks"}
    reason = next((reason for sign, reason in signs.items() if sign in words), "protected")
    return refusals.not_mergeable("bitbucket", pull, reason, said)


# -- labels -------------------------------------------------------------------------------------------


def ask_comments(base: str, number: int) -> Request:
    """Ask for the comments on a pull request, newest first (Pullrequests: List comments on a pull request)."""
    query: dict[str, str | int] = {
        "sort": "-created_on",
        "pagelen": 100,
        "fields": "values.id,values.content.raw,values.deleted,values.inline,next",
    }
    return Request("GET", f"{pull_path(base, number)}/comments", query)


def read_label(items: Iterable[Mapping[str, Any]], prefix: str) -> str:
    """Find the newest comment that is a status label and nothing else; "" where none of a page is.

    Deleted ones do not count, nor what people say. Markdown may have put a backslash before each underscore.
    """
    for item in items:
        text = (item["content"]["raw"] or "").strip().replace("\\_", "_")
        if not item.get("deleted") and not item.get("inline") and label_statuses((text,), prefix):
            return text
    return ""


def check_labels(labels: tuple[str, ...], prefix: str) -> None:
    """Refuse labels that the forge cannot hold.

    :raises NotSupportedError: there are several, or one is no status of the workflow.
    """
    if len(labels) > 1 or (labels and not label_statuses(labels, prefix)):
        wrong = next((label for label in labels if not label_statuses((label,), prefix)), labels[0])
        raise NotSupportedError(
            f"bitbucket has no labels: a pull request holds one status such as '{prefix}draft', kept as a "
            f"comment, and not {wrong!r}",
            operation="set_labels",
        )


def ask_comment(base: str, number: int, text: str) -> Request:
    """Comment on a pull request (Pullrequests: Create a comment on a pull request)."""
    return Request("POST", f"{pull_path(base, number)}/comments", json={"content": {"raw": text}})


# -- checks -------------------------------------------------------------------------------------------


def read_status(item: Mapping[str, Any]) -> tuple[str, Check]:
    """Read a commit status with its time (Commit statuses); its name is the key, which tells them apart."""
    state = _CHECK_STATES.get(item["state"], "failure")
    return item["updated_on"], Check(item["key"], state, item.get("url"))
