"""Values of the store as Bitbucket shows them."""

from __future__ import annotations

import html
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from urllib.parse import quote

import attrs
import pygit2

from simulators import store
from simulators.git import FileChange
from simulators.lfs import pointed_to

Json = dict[str, Any]

STRATEGIES = ["merge_commit", "squash", "fast_forward"]
STATES = {"open": "OPEN", "closed": "DECLINED", "merged": "MERGED"}
REPOSITORY_LINKS = {
    "watchers": "/watchers",
    "branches": "/refs/branches",
    "tags": "/refs/tags",
    "commits": "/commits",
    "self": "",
    "source": "/src",
    "hooks": "/hooks",
    "forks": "/forks",
    "downloads": "/downloads",
    "pullrequests": "/pullrequests",
}
SUBREPOSITORY = 0o160000
ATTRIBUTES = {0o100755: "executable", 0o120000: "link", SUBREPOSITORY: "subrepository"}


def when(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f+00:00")


def uuid_of(kind: str, number: int) -> str:
    """Make the name that stays when others change."""
    return f"{{{uuid.uuid5(uuid.NAMESPACE_URL, f'{kind}:{number}')}}}"


def rendered(text: str) -> Json:
    body = f"<p>{html.escape(text.strip())}</p>" if text.strip() else ""
    return {"raw": text, "markup": "markdown", "html": body, "type": "rendered"}


def link(url: str) -> Json:
    return {"href": url}


@attrs.frozen
class Shapes:
    """Knows where the simulator is."""

    api: str
    web: str
    forge: store.Forge = attrs.field(repr=False)
    #: Underscores of comments come back with a backslash.
    escaping: bool = False
    #: Says whether a large file is there.
    has_large: Callable[[store.Repository, str], bool] = lambda *_: False

    # -- users and repositories -------------------------------------------------------------------

    def user(self, user: store.User) -> Json:
        name = uuid_of("user", user.id)
        path = quote(name)
        return {
            "display_name": user.name,
            "uuid": name,
            "links": {
                "self": link(f"{self.api}/users/{path}"),
                "html": link(f"{self.web}/{path}/"),
                "avatar": link(f"{self.web}/account/{user.login}/avatar/"),
            },
            "nickname": user.login,
            "type": "user",
            "account_id": f"557058:{user.id:08d}",
        }

    def private_user(self, user: store.User) -> Json:
        # `name` and `username` are its past: what reads them is told the same.
        past = {"name": user.name, "username": user.login, "created_on": when(store.START)}
        return {**self.user(user), **past, "account_status": "active", "is_staff": False}

    def url(self, repository: store.Repository) -> str:
        return f"{self.api}/repositories/{repository.full_name}"

    def page(self, repository: store.Repository) -> str:
        return f"{self.web}/{repository.full_name}"

    def repository(self, repository: store.Repository) -> Json:
        """Give the short form."""
        name = uuid_of("repository", repository.id)
        return {
            "links": {
                "self": link(self.url(repository)),
                "html": link(self.page(repository)),
                "avatar": link(f"{self.web}/ravatar/{quote(name)}?ts=default"),
            },
            "type": "repository",
            "name": repository.name,
            "full_name": repository.full_name,
            "uuid": name,
        }

    def full_repository(self, repository: store.Repository) -> Json:
        url = self.url(repository)
        short = self.repository(repository)
        links = {name: link(url + path) for name, path in REPOSITORY_LINKS.items()}
        clone = [{"href": f"{self.page(repository)}.git", "name": "https"}]
        branch = {"type": "branch", "name": repository.default_branch}
        return {
            **short,
            "scm": "git",
            "website": None,
            "has_wiki": False,
            "links": {**links, **short["links"], "clone": clone},
            "fork_policy": "allow_forks",
            "language": "",
            "created_on": when(repository.created),
            "mainbranch": None if repository.empty else branch,
            "has_issues": False,
            "owner": self.user(repository.owner),
            "workspace": self.workspace(repository.owner),
            "updated_on": when(repository.created),
            "size": 0,
            "slug": repository.name,
            "is_private": repository.private,
            "description": "",
        }

    def workspace(self, owner: store.User) -> Json:
        url = f"{self.api}/workspaces/{owner.login}"
        return {
            "type": "workspace",
            "uuid": uuid_of("workspace", owner.id),
            "name": owner.name,
            "slug": owner.login,
            "links": {"self": link(url), "html": link(f"{self.web}/{owner.login}/")},
        }

    # -- commits ----------------------------------------------------------------------------------

    def commit_links(self, repository: store.Repository, sha: str) -> Json:
        """Give the two links that every mention of a commit has."""
        return {
            "self": link(f"{self.url(repository)}/commit/{sha}"),
            "html": link(f"{self.page(repository)}/commits/{sha}"),
        }

    def short_commit(self, repository: store.Repository, sha: str) -> Json:
        return {"hash": sha, "type": "commit", "links": self.commit_links(repository, sha)}

    def plain_commit(self, repository: store.Repository, commit: pygit2.Commit) -> Json:
        """Give a commit as a branch or a merge shows it."""
        sha, url = str(commit.id), self.url(repository)
        links = self.commit_links(repository, sha)
        for name in ("comments", "approve", "statuses"):
            links[name] = link(f"{url}/commit/{sha}/{name}")
        for name in ("patch", "diff"):
            links[name] = link(f"{url}/{name}/{sha}")
        return {
            "hash": sha,
            "repository": self.repository(repository),
            "links": links,
            "author": self.author(commit.author),
            "parents": [self.short_commit(repository, str(each)) for each in commit.parent_ids],
            "date": _date(commit.author),
            "message": commit.message,
            "type": "commit",
        }

    def commit(self, repository: store.Repository, commit: pygit2.Commit) -> Json:
        text = rendered(commit.message)
        more = {"rendered": {"message": text}, "summary": text}
        return {**self.plain_commit(repository, commit), **more}

    def author(self, signature: pygit2.Signature) -> Json:
        shown: Json = {"raw": f"{signature.name} <{signature.email}>", "type": "author"}
        known = (each for each in self.forge.users.values() if each.email == signature.email)
        user = next(known, None)
        return shown if user is None else {**shown, "user": self.user(user)}

    def branch(self, repository: store.Repository, name: str) -> Json:
        commit = repository.commit(f"refs/heads/{name}")
        assert commit is not None
        path = quote(name)
        return {
            "name": name,
            "links": {
                "commits": link(f"{self.url(repository)}/commits/{path}"),
                "self": link(f"{self.url(repository)}/refs/branches/{path}"),
                "html": link(f"{self.page(repository)}/branch/{path}"),
            },
            "default_merge_strategy": "merge_commit",
            "merge_strategies": STRATEGIES,
            "type": "branch",
            "target": self.plain_commit(repository, commit),
        }

    # -- files ------------------------------------------------------------------------------------

    def entry(self, repository: store.Repository, sha: str, path: str, entry: pygit2.Object) -> Json:
        """Give a file or a folder as a listing does; the commit is the one that was asked for."""
        url = f"{self.url(repository)}/src/{sha}/{quote(path)}"
        folder = isinstance(entry, pygit2.Tree)
        links = {"self": link(url + "/" * folder), "meta": link(f"{url}{'/' * folder}?format=meta")}
        shown = {
            "path": path,
            "commit": self.short_commit(repository, sha),
            "type": "commit_directory" if folder else "commit_file",
        }
        if folder:
            return {**shown, "links": links}
        links["history"] = link(f"{self.url(repository)}/filehistory/{sha}/{quote(path)}")
        mode = int(entry.filemode or 0)
        size = 0 if mode == SUBREPOSITORY else repository.size(str(entry.id))
        attributes = [ATTRIBUTES[mode]] if mode in ATTRIBUTES else []
        if mode != SUBREPOSITORY and entry.is_binary:
            attributes.append("binary")
        found = None if mode == SUBREPOSITORY else pointed_to(entry.data)
        if found is not None and self.has_large(repository, found[0]):
            attributes, size = ["binary", "lfs"], found[1]
        more = {"mimetype": None, "escaped_path": escaped(path), "size": size, "attributes": attributes}
        return {**shown, "links": links, **more}

    def change(self, repository: store.Repository, change: FileChange, old: str, new: str) -> Json:
        """Give an entry of a diffstat between two commits."""
        before = None if change.status == "added" else self._side(repository, old, change.old_path)
        after = None if change.status == "removed" else self._side(repository, new, change.path)
        return {
            "status": "modified" if change.status == "changed" else change.status,
            "old": before,
            "lines_removed": change.deletions,
            "lines_added": change.additions,
            "new": after,
            "type": "diffstat",
        }

    def _side(self, repository: store.Repository, sha: str, path: str) -> Json:
        url = f"{self.url(repository)}/src/{sha}/{quote(path)}"
        return {
            "path": path,
            "type": "commit_file",
            "escaped_path": escaped(path),
            "links": {"self": link(url)},
        }


def _date(signature: pygit2.Signature) -> str:
    zone = timezone(timedelta(minutes=signature.offset))
    return datetime.fromtimestamp(signature.time, zone).isoformat()


def escaped(path: str) -> str:
    """Write a path as git does in a diff."""
    raw = path.encode()
    if all(0x20 <= byte < 0x7F and byte not in b'"\\' for byte in raw):
        return path
    return '"' + "".join(_octal(byte) for byte in raw) + '"'


def _octal(byte: int) -> str:
    if byte in b'"\\':
        return "\\" + chr(byte)
    return chr(byte) if 0x20 <= byte < 0x7F else f"\\{byte:03o}"
