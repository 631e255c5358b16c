"""Values of the store as Gitea's REST interface shows them."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import attrs
import pygit2

from simulators import store
from simulators.git import FileChange

Json = dict[str, Any]

LINK = 0o120000
STATUSES = {"added": "added", "removed": "deleted", "renamed": "renamed"}


def when(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def stamp(seconds: int) -> str:
    return when(datetime.fromtimestamp(seconds, UTC)) or ""


def signature(given: pygit2.Signature) -> Json:
    return {"name": given.name, "email": given.email, "date": stamp(given.time)}


@attrs.frozen
class Shapes:
    """Knows where the simulator is."""

    api: str
    web: str
    forge: store.Forge = attrs.field(repr=False)

    # -- users and repositories -------------------------------------------------------------------

    def user(self, user: store.User | None) -> Json | None:
        if user is None:
            return None
        return {
            "id": user.id,
            "login": user.login,
            "login_name": "",
            "full_name": user.name,
            "email": user.email,
            "avatar_url": f"{self.web}/avatars/{user.id}",
            "html_url": f"{self.web}/{user.login}",
            "language": "",
            "is_admin": False,
            "active": True,
            "username": user.login,
        }

    def account(self, email: str) -> Json | None:
        found = next((each for each in self.forge.users.values() if each.email == email), None)
        return self.user(found)

    def url(self, repository: store.Repository) -> str:
        return f"{self.api}/repos/{repository.full_name}"

    def page(self, repository: store.Repository) -> str:
        return f"{self.web}/{repository.full_name}"

    def repository(self, repository: store.Repository, access: store.Access | None) -> Json:
        writes = access is not None and access.level == "write"
        reads = not repository.private or (access is not None and access.level != "none")
        return {
            "id": repository.id,
            "owner": self.user(repository.owner),
            "name": repository.name,
            "full_name": repository.full_name,
            "description": "",
            "empty": repository.empty,
            "private": repository.private,
            "fork": False,
            "mirror": False,
            "size": 32,
            "url": self.url(repository),
            "html_url": self.page(repository),
            "ssh_url": f"git@gitea.example:{repository.full_name}.git",
            "clone_url": f"{self.page(repository)}.git",
            "default_branch": repository.default_branch,
            "archived": repository.archived,
            "created_at": when(repository.created),
            "updated_at": when(repository.created),
            "permissions": {"admin": writes, "push": writes, "pull": reads},
            "default_delete_branch_after_merge": False,
            "default_merge_style": "merge",
        }

    # -- git --------------------------------------------------------------------------------------

    def branch(self, repository: store.Repository, name: str, sha: str) -> Json:
        commit = repository.commit(sha)
        assert commit is not None
        rules = repository.protections.get(name)
        return {
            "name": name,
            "commit": {
                "id": sha,
                "message": commit.message,
                "url": f"{self.page(repository)}/commit/{sha}",
                "author": {"name": commit.author.name, "email": commit.author.email, "username": ""},
                "committer": {"name": commit.committer.name, "email": commit.committer.email, "username": ""},
                "verification": None,
                "timestamp": stamp(commit.committer.time),
                "added": None,
                "removed": None,
                "modified": None,
            },
            "protected": rules is not None,
            "required_approvals": rules.required_reviews if rules else 0,
            "enable_status_check": bool(rules and rules.required_checks),
            "status_check_contexts": list(rules.required_checks) if rules else [],
            "user_can_push": rules is None or not rules.no_direct_pushes,
            "user_can_merge": True,
            "effective_branch_protection_name": name if rules else "",
        }

    def tree_entry(self, repository: store.Repository, path: str, entry: pygit2.Object) -> Json:
        kind = {pygit2.Tree: "tree", pygit2.Blob: "blob"}.get(type(entry), "commit")
        return {
            "path": path,
            "mode": f"{int(entry.filemode or 0):06o}",
            "type": kind,
            "size": repository.size(str(entry.id)) if kind == "blob" else 0,
            "sha": str(entry.id),
            "url": "" if kind == "commit" else f"{self.url(repository)}/git/{kind}s/{entry.id}",
        }

    def commit(self, repository: store.Repository, commit: pygit2.Commit) -> Json:
        """Give a commit as it is listed."""
        url = f"{self.url(repository)}/git/commits"
        return {
            "url": f"{url}/{commit.id}",
            "sha": str(commit.id),
            "created": stamp(commit.committer.time),
            "html_url": f"{self.page(repository)}/commit/{commit.id}",
            "commit": {
                "url": f"{url}/{commit.id}",
                "author": signature(commit.author),
                "committer": signature(commit.committer),
                "message": commit.message,
                "tree": {
                    "url": f"{self.url(repository)}/git/trees/{commit.tree_id}",
                    "sha": str(commit.tree_id),
                    "created": stamp(commit.committer.time),
                },
                "verification": None,
            },
            "author": self.account(commit.author.email),
            "committer": self.account(commit.committer.email),
            "parents": [{"url": f"{url}/{each}", "sha": str(each)} for each in commit.parent_ids],
            "files": None,
            "stats": None,
        }

    def made(self, repository: store.Repository, commit: pygit2.Commit) -> Json:
        """Give a commit that was just made from files."""
        url = f"{self.url(repository)}/git"
        return {
            "url": f"{url}/commits/{commit.id}",
            "sha": str(commit.id),
            "created": "0001-01-01T00:00:00Z",
            "html_url": f"{self.page(repository)}/commit/{commit.id}",
            "author": signature(commit.author),
            "committer": signature(commit.committer),
            "parents": [
                {"url": f"{url}/commits/{each}", "sha": str(each), "created": "0001-01-01T00:00:00Z"}
                for each in commit.parent_ids
            ],
            "message": commit.message,
            "tree": {"url": f"{url}/trees/{commit.tree_id}", "sha": str(commit.tree_id)},
        }

    def blob(self, repository: store.Repository, blob: pygit2.Blob, limit: int) -> Json:
        large = blob.size > limit
        return {
            "content": None if large else base64.b64encode(blob.data).decode(),
            "encoding": None if large else "base64",
            "url": f"{self.url(repository)}/git/blobs/{blob.id}",
            "sha": str(blob.id),
            "size": blob.size,
        }

    def content(
        self, repository: store.Repository, path: str, entry: pygit2.Object, ref: str, limit: int = 0
    ) -> Json:
        """Give a path as the contents interface does; the bytes where they are not more than *limit*."""
        kind = "dir" if isinstance(entry, pygit2.Tree) else "file"
        kind = "symlink" if entry.filemode == LINK else kind
        url = f"{self.url(repository)}/contents/{quote(path)}?ref={ref}"
        page = f"{self.page(repository)}/src/commit/{ref}/{quote(path)}"
        git = f"{self.url(repository)}/git/blobs/{entry.id}"
        shown: Json = {
            "name": path.rpartition("/")[2],
            "path": path,
            "sha": str(entry.id),
            "last_commit_sha": None,
            "type": kind,
            "size": 0 if kind == "dir" else repository.size(str(entry.id)),
            "encoding": None,
            "content": None,
            "target": entry.data[:1024].decode() if kind == "symlink" else None,
            "url": url,
            "html_url": page,
            "git_url": git,
            "download_url": f"{self.page(repository)}/raw/commit/{ref}/{quote(path)}",
            "submodule_git_url": None,
            "_links": {"self": url, "git": git, "html": page},
        }
        if kind == "file" and limit:
            blob = self.blob(repository, entry, limit)
            shown |= {name: blob[name] for name in ("content", "encoding")}
        return shown

    def file(self, repository: store.Repository, change: FileChange, commit_sha: str) -> Json:
        """Give a file of a pull request."""
        touched = bool(change.additions or change.deletions)
        status = STATUSES.get(change.status, "changed" if touched else "unchanged")
        where = f"commit/{commit_sha}/{quote(change.path)}"
        shown: Json = {
            "filename": change.path,
            "status": status,
            "additions": change.additions,
            "deletions": change.deletions,
            "changes": change.additions + change.deletions,
            "html_url": f"{self.page(repository)}/src/{where}",
            "contents_url": f"{self.url(repository)}/contents/{quote(change.path)}?ref={commit_sha}",
            "raw_url": f"{self.page(repository)}/raw/{where}",
        }
        return {**shown, "previous_filename": change.old_path} if status == "renamed" else shown

    # -- pull requests ----------------------------------------------------------------------------

    def label(self, repository: store.Repository, label: store.Label) -> Json:
        return {
            "id": label.id,
            "name": label.name,
            "exclusive": False,
            "is_archived": False,
            "color": label.color.removeprefix("#"),
            "description": label.description or "",
            "url": f"{self.url(repository)}/labels/{label.id}",
        }

    def labels(self, repository: store.Repository, names: Iterable[str]) -> list[Json]:
        known = (repository.label(name) for name in names)
        return [self.label(repository, each) for each in known if each is not None]

    def pull(
        self, repository: store.Repository, pull: store.PullRequest, access: store.Access | None
    ) -> Json:
        page = f"{self.page(repository)}/pulls/{pull.number}"
        tip, gone = repository.head(pull.base), repository.head(pull.head) is None and pull.fork is None
        there = not (gone or pull.fork_deleted)
        shown_repository = self.repository(repository, access)
        base_sha = tip or ""
        fork_id = repository.id if pull.fork is None else repository.id + 1
        merged = pull.state == "merged"
        return {
            "id": pull.id,
            "url": page,
            "number": pull.number,
            "user": self.user(pull.author),
            "title": pull.title,
            "body": pull.body or "",
            "labels": self.labels(repository, pull.labels),
            "milestone": None,
            "assignee": None,
            "assignees": None,
            "requested_reviewers": [],
            "state": "open" if pull.state == "open" else "closed",
            "draft": pull.draft,
            "is_locked": False,
            "comments": len(pull.comments),
            "html_url": page,
            "diff_url": f"{page}.diff",
            "patch_url": f"{page}.patch",
            "mergeable": repository.blocked(pull) is None,
            "merged": merged,
            "merged_at": when(pull.closed) if merged else None,
            "merge_commit_sha": pull.merge_commit_sha,
            "merged_by": self.user(pull.merged_by),
            "allow_maintainer_edit": False,
            "base": {
                "label": pull.base,
                "ref": pull.base,
                "sha": base_sha,
                "repo_id": repository.id,
                "repo": shown_repository,
            },
            "head": {
                "label": pull.head,
                "ref": pull.head if there else f"refs/pull/{pull.number}/head",
                "sha": "" if pull.fork_deleted else pull.head_sha,
                "repo_id": -1 if pull.fork_deleted else fork_id,
                "repo": None if pull.fork_deleted else shown_repository,
            },
            "merge_base": repository.merge_base(pull.base_sha, pull.head_sha) or "",
            "due_date": None,
            "created_at": when(pull.created),
            "updated_at": when(pull.updated),
            "closed_at": when(pull.closed),
            "pin_order": 0,
        }

    def status(self, repository: store.Repository, status: store.Status) -> Json:
        return {
            "id": status.id,
            "status": status.state,
            "target_url": status.target_url or "",
            "description": status.description or "",
            "url": f"{self.url(repository)}/statuses/{status.sha}",
            "context": status.context,
            "creator": self.user(status.creator),
            "created_at": when(status.created),
            "updated_at": when(status.created),
        }
