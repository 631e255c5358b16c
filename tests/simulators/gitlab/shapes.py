"""Values of the store as GitLab's REST interface shows them."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from urllib.parse import quote

import attrs
import pygit2

from simulators import store
from simulators.git import FileChange

Json = dict[str, Any]

#: What other forges call a state.
STATES = {"failure": "failed", "error": "failed", "cancelled": "canceled"}
KINDS = {pygit2.Tree: "tree", pygit2.Blob: "blob"}


def when(moment: datetime | None) -> str | None:
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def stamp(signature: pygit2.Signature) -> str:
    """Write a time of git's as GitLab does, in the zone of whoever made the commit."""
    zone = timezone(timedelta(minutes=signature.offset))
    return datetime.fromtimestamp(signature.time, zone).isoformat(timespec="milliseconds")


def etag(body: bytes) -> str:
    return f'W/"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'


def kind_of(entry: pygit2.Object) -> str:
    return KINDS.get(type(entry), "commit")


@attrs.frozen
class Shapes:
    """Knows where the simulator is."""

    api: str
    web: str
    forge: store.Forge = attrs.field(repr=False)

    # -- users -----------------------------------------------------------------------

    def user(self, user: store.User) -> Json:
        """Give the short form."""
        return {
            "id": user.id,
            "username": user.login,
            "public_email": "",
            "name": user.name,
            "state": "active",
            "locked": False,
            "avatar_url": f"{self.web}/uploads/-/system/user/avatar/{user.id}/avatar.png",
            "web_url": f"{self.web}/{user.login}",
        }

    def page(self, repository: store.Repository) -> str:
        return f"{self.web}/{repository.full_name}"

    def url(self, repository: store.Repository) -> str:
        return f"{self.api}/projects/{repository.id}"

    # -- git --------------------------------------------------------------------------------------

    def entry(self, path: str, entry: pygit2.Object) -> Json:
        """Give what stands in a tree."""
        return {
            "id": str(entry.id),
            "name": path.rpartition("/")[2],
            "type": kind_of(entry),
            "path": path,
            "mode": f"{int(entry.filemode or 0):06o}",
        }

    def commit(self, repository: store.Repository, commit: pygit2.Commit) -> Json:
        return {
            "id": str(commit.id),
            "short_id": str(commit.id)[:8],
            "created_at": stamp(commit.committer),
            "parent_ids": [str(each) for each in commit.parent_ids],
            "title": commit.message.partition("\n")[0],
            "message": commit.message,
            "author_name": commit.author.name,
            "author_email": commit.author.email,
            "authored_date": stamp(commit.author),
            "committer_name": commit.committer.name,
            "committer_email": commit.committer.email,
            "committed_date": stamp(commit.committer),
            "trailers": {},
            "extended_trailers": {},
            "web_url": f"{self.page(repository)}/-/commit/{commit.id}",
        }

    def diff(self, change: FileChange) -> Json:
        """Give how a file differs."""
        text = f"{change.patch}\n" if change.patch else ""
        if change.binary:
            old = "/dev/null" if change.status == "added" else f"a/{change.old_path}"
            new = "/dev/null" if change.status == "removed" else f"b/{change.path}"
            text = f"Binary files {old} and {new} differ\n"
        return {
            "diff": text,
            "new_path": change.path,
            "old_path": change.path if change.status == "added" else change.old_path,
            "a_mode": f"{change.old_mode:o}",
            "b_mode": f"{change.mode:o}",
            "new_file": change.status == "added",
            "renamed_file": change.status == "renamed",
            "deleted_file": change.status == "removed",
            "generated_file": False,
            "collapsed": False,
            "too_large": False,
        }

    def branch(self, repository: store.Repository, name: str, access: store.Access | None) -> Json:
        commit = repository.commit(f"refs/heads/{name}")
        assert commit is not None
        protected = name in repository.protections
        pushes = not (protected and repository.protections[name].no_direct_pushes)
        base = repository.head(repository.default_branch)
        merged = name != repository.default_branch and base is not None
        return {
            "name": name,
            "commit": self.commit(repository, commit),
            "merged": merged and repository.descends(base or "", str(commit.id)),
            "protected": protected,
            "developers_can_push": False,
            "developers_can_merge": False,
            "can_push": pushes and access is not None and access.level == "write",
            "default": name == repository.default_branch,
            "web_url": f"{self.page(repository)}/-/tree/{quote(name)}",
        }

    # -- labels and checks ------------------------------------------------------------------------

    def label(self, label: store.Label) -> Json:
        counts = ("open_issues_count", "closed_issues_count", "open_merge_requests_count")
        return {
            "id": label.id,
            "name": label.name,
            "description": label.description,
            "description_html": label.description or "",
            "text_color": "#1F1E24",
            "color": f"#{label.color.removeprefix('#')}",
            **dict.fromkeys(counts, 0),
            "archived": False,
            "subscribed": False,
            "priority": None,
            "is_project_label": True,
        }

    def status(self, status: store.Status, ref: str | None) -> Json:
        done = status.state not in {"pending", "running"}
        return {
            "id": status.id,
            "sha": status.sha,
            "ref": ref,
            "status": STATES.get(status.state, status.state),
            "name": status.context,
            "target_url": status.target_url,
            "description": status.description,
            "created_at": when(status.created),
            "started_at": when(status.created) if status.state == "running" else None,
            "finished_at": when(status.created) if done else None,
            "allow_failure": False,
            "coverage": None,
            "pipeline_id": status.id,
            "author": self.user(status.creator),
        }
