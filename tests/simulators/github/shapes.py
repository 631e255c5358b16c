"""Values of the store as GitHub's REST interface shows them, whole."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import attrs
import pygit2

from simulators import store
from simulators.git import FileChange

Json = dict[str, Any]

#: Addresses below a user and below a repository: the key is `<name>_url`.
USER_URLS = {
    "followers": "/followers",
    "following": "/following{/other_user}",
    "gists": "/gists{/gist_id}",
    "starred": "/starred{/owner}{/repo}",
    "subscriptions": "/subscriptions",
    "organizations": "/orgs",
    "repos": "/repos",
    "events": "/events{/privacy}",
    "received_events": "/received_events",
}
REPOSITORY_URLS = {
    "forks": "/forks",
    "keys": "/keys{/key_id}",
    "collaborators": "/collaborators{/collaborator}",
    "teams": "/teams",
    "hooks": "/hooks",
    "issue_events": "/issues/events{/number}",
    "events": "/events",
    "assignees": "/assignees{/user}",
    "branches": "/branches{/branch}",
    "tags": "/tags",
    "blobs": "/git/blobs{/sha}",
    "git_tags": "/git/tags{/sha}",
    "git_refs": "/git/refs{/sha}",
    "trees": "/git/trees{/sha}",
    "statuses": "/statuses/{sha}",
    "languages": "/languages",
    "stargazers": "/stargazers",
    "contributors": "/contributors",
    "subscribers": "/subscribers",
    "subscription": "/subscription",
    "commits": "/commits{/sha}",
    "git_commits": "/git/commits{/sha}",
    "comments": "/comments{/number}",
    "issue_comment": "/issues/comments{/number}",
    "contents": "/contents/{+path}",
    "compare": "/compare/{base}...{head}",
    "merges": "/merges",
    "archive": "/{archive_format}{/ref}",
    "downloads": "/downloads",
    "issues": "/issues{/number}",
    "pulls": "/pulls{/number}",
    "milestones": "/milestones{/number}",
    "notifications": "/notifications{?since,all,participating}",
    "labels": "/labels{/name}",
    "releases": "/releases{/id}",
    "deployments": "/deployments",
}
COUNTS = (
    "stargazers_count",
    "watchers_count",
    "forks_count",
    "forks",
    "watchers",
    "open_issues_count",
    "open_issues",
)


def node_id(kind: str, *key: object) -> str:
    """Make the id of a node; it is opaque to clients."""
    text = json.dumps(key, separators=(",", ":"))
    return f"{kind}_{base64.urlsafe_b64encode(text.encode()).decode().rstrip('=')}"


def read_node_id(value: str) -> tuple[str, list[Any]] | None:
    """Read what :func:`node_id` made."""
    kind, _, text = value.partition("_")
    try:
        return kind, json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except ValueError:
        return None


def when(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def stamp(seconds: int) -> str:
    return when(datetime.fromtimestamp(seconds, UTC)) or ""


@attrs.frozen
class Shapes:
    """Knows where the simulator is."""

    api: str
    web: str
    forge: store.Forge = attrs.field(repr=False)

    # -- users and repositories -------------------------------------------------------------------

    def user(self, user: store.User) -> Json:
        """Give the short form."""
        url = f"{self.api}/users/{user.login}"
        return {
            "login": user.login,
            "id": user.id,
            "node_id": node_id("U", user.login),
            "avatar_url": f"{self.web}/avatars/u/{user.id}?v=4",
            "gravatar_id": "",
            "url": url,
            "html_url": f"{self.web}/{user.login}",
            **{f"{key}_url": url + path for key, path in USER_URLS.items()},
            "type": "User",
            "user_view_type": "public",
            "site_admin": False,
        }

    def private_user(self, user: store.User) -> Json:
        """Give what a user sees of their own account."""
        numbers = ("public_repos", "public_gists", "followers", "following", "private_gists", "disk_usage")
        more = ("total_private_repos", "owned_private_repos", "collaborators")
        return {
            **self.user(user),
            "user_view_type": "private",
            "name": user.name,
            "email": user.email,
            "notification_email": user.email,
            **dict.fromkeys(("company", "location", "hireable", "bio", "twitter_username")),
            "blog": "",
            **dict.fromkeys(numbers + more, 0),
            "two_factor_authentication": True,
            "plan": {"name": "free", "space": 976562499, "collaborators": 0, "private_repos": 10000},
            "created_at": when(store.START),
            "updated_at": when(store.START),
        }

    def url(self, repository: store.Repository) -> str:
        return f"{self.api}/repos/{repository.full_name}"

    def page(self, repository: store.Repository) -> str:
        return f"{self.web}/{repository.full_name}"

    def short_repository(self, repository: store.Repository) -> Json:
        """Give the form that stands in answers about other things."""
        url = self.url(repository)
        return {
            "id": repository.id,
            "node_id": node_id("R", repository.id),
            "name": repository.name,
            "full_name": repository.full_name,
            "private": repository.private,
            "owner": self.user(repository.owner),
            "html_url": self.page(repository),
            "description": None,
            "fork": False,
            "url": url,
            **{f"{key}_url": url + path for key, path in REPOSITORY_URLS.items()},
        }

    def repository(self, repository: store.Repository, access: store.Access | None = None) -> Json:
        """Give the long form, with what an access allows."""
        web = self.page(repository)
        rights = permissions(repository, access)
        return {
            **self.short_repository(repository),
            **dict.fromkeys(("created_at", "updated_at", "pushed_at"), when(repository.created)),
            "git_url": f"git:{web.partition(':')[2]}.git",
            "ssh_url": f"git@example.org:{repository.full_name}.git",
            "clone_url": f"{web}.git",
            "svn_url": web,
            **dict.fromkeys(("homepage", "language", "mirror_url", "license")),
            "size": 0,
            **dict.fromkeys(COUNTS, 0),
            **dict.fromkeys(("has_issues", "has_projects", "has_downloads", "has_wiki"), True),
            **dict.fromkeys(("has_pages", "has_discussions", "is_template", "disabled"), False),
            "archived": repository.archived,
            "allow_forking": True,
            "web_commit_signoff_required": False,
            "topics": [],
            "visibility": "private" if repository.private else "public",
            "default_branch": repository.default_branch,
            "permissions": rights,
        }

    def full_repository(self, repository: store.Repository, access: store.Access | None) -> Json:
        """Give the answer to a request for the repository itself."""
        shown = self.repository(repository, access)
        if shown["permissions"]["push"]:
            merging = ("allow_squash_merge", "allow_merge_commit", "allow_rebase_merge")
            shown |= dict.fromkeys(merging, True)
            shown |= {
                "allow_auto_merge": False,
                "allow_update_branch": True,
                "delete_branch_on_merge": repository.delete_branch_on_merge,
                "use_squash_pr_title_as_default": False,
                "squash_merge_commit_message": "COMMIT_MESSAGES",
                "squash_merge_commit_title": "COMMIT_OR_PR_TITLE",
                "merge_commit_message": "PR_TITLE",
                "merge_commit_title": "MERGE_MESSAGE",
                "temp_clone_token": "",
            }
        return {**shown, "network_count": 0, "subscribers_count": 1}

    # -- git --------------------------------------------------------------------------------------

    def ref(self, repository: store.Repository, branch: str, sha: str) -> Json:
        name = f"refs/heads/{branch}"
        return {
            "ref": name,
            "node_id": node_id("REF", repository.id, name),
            "url": f"{self.url(repository)}/git/{name}",
            "object": {"sha": sha, "type": "commit", "url": f"{self.url(repository)}/git/commits/{sha}"},
        }

    def tree_entry(self, repository: store.Repository, path: str, entry: pygit2.Object) -> Json:
        kind = {pygit2.Tree: "tree", pygit2.Blob: "blob"}.get(type(entry), "commit")
        shown: Json = {
            "path": path,
            "mode": f"{int(entry.filemode or 0):06o}",
            "type": kind,
            "sha": str(entry.id),
        }
        if kind == "blob":
            shown["size"] = repository.size(str(entry.id))
        if kind != "commit":
            shown["url"] = f"{self.url(repository)}/git/{kind}s/{entry.id}"
        return shown

    def git_commit(self, repository: store.Repository, commit: pygit2.Commit) -> Json:
        """Give a commit as git data."""
        url = f"{self.url(repository)}/git"
        parents = [
            {
                "sha": str(each),
                "url": f"{url}/commits/{each}",
                "html_url": f"{self.page(repository)}/commit/{each}",
            }
            for each in commit.parent_ids
        ]
        return {
            "sha": str(commit.id),
            "node_id": node_id("C", repository.id, str(commit.id)),
            "url": f"{url}/commits/{commit.id}",
            "html_url": f"{self.page(repository)}/commit/{commit.id}",
            "author": actor(commit.author),
            "committer": actor(commit.committer),
            "tree": {"sha": str(commit.tree_id), "url": f"{url}/trees/{commit.tree_id}"},
            "message": commit.message,
            "parents": parents,
            "verification": unverified(),
        }

    def commit(self, repository: store.Repository, commit: pygit2.Commit) -> Json:
        """Give a commit as it is listed."""
        inner = self.git_commit(repository, commit)
        url = f"{self.url(repository)}/commits"
        parents = [{**each, "url": f"{url}/{each['sha']}"} for each in inner["parents"]]
        return {
            "sha": inner["sha"],
            "node_id": inner["node_id"],
            "commit": {
                **{
                    key: inner[key]
                    for key in ("author", "committer", "message", "tree", "url", "verification")
                },
                "comment_count": 0,
            },
            "url": f"{url}/{commit.id}",
            "html_url": inner["html_url"],
            "comments_url": f"{url}/{commit.id}/comments",
            "author": self.account(commit.author.email),
            "committer": self.account(commit.committer.email),
            "parents": parents,
        }

    def account(self, email: str) -> Json | None:
        found = next((each for each in self.forge.users.values() if each.email == email), None)
        return None if found is None else self.user(found)

    def file(self, repository: store.Repository, change: FileChange, commit_sha: str) -> Json:
        """Give a file of a comparison."""
        where = f"{commit_sha}/{change.path}"
        shown: Json = {
            "sha": change.blob_sha,
            "filename": change.path,
            "status": change.status,
            "additions": change.additions,
            "deletions": change.deletions,
            "changes": change.additions + change.deletions,
            "blob_url": f"{self.page(repository)}/blob/{where}",
            "raw_url": f"{self.page(repository)}/raw/{where}",
            "contents_url": f"{self.url(repository)}/contents/{change.path}?ref={commit_sha}",
        }
        if change.patch is not None:
            shown["patch"] = change.patch
        if change.status == "renamed":
            shown["previous_filename"] = change.old_path
        return shown

    def content(self, repository: store.Repository, path: str, entry: pygit2.Object, ref: str) -> Json:
        """Give a file or folder as the contents interface does, without what is in it."""
        kind = "dir" if isinstance(entry, pygit2.Tree) else "file"
        kind = "symlink" if entry.filemode == 0o120000 else kind
        view = "tree" if kind == "dir" else "blob"
        url = f"{self.url(repository)}/contents/{path}?ref={ref}"
        page = f"{self.page(repository)}/{view}/{ref}/{path}"
        git = f"{self.url(repository)}/git/{view}s/{entry.id}"
        raw = None if kind == "dir" else f"{self.page(repository)}/raw/{ref}/{path}"
        size = 0 if kind == "dir" else repository.size(str(entry.id))
        return {
            "name": path.rpartition("/")[2],
            "path": path,
            "sha": str(entry.id),
            "size": size,
            "url": url,
            "html_url": page,
            "git_url": git,
            "download_url": raw,
            "type": kind,
            "_links": {"self": url, "git": git, "html": page},
        }

    # -- pull requests ----------------------------------------------------------------------------

    def label(self, repository: store.Repository, label: store.Label) -> Json:
        return {
            "id": label.id,
            "node_id": node_id("LA", repository.id, label.id),
            "url": f"{self.url(repository)}/labels/{label.name}",
            "name": label.name,
            "color": label.color,
            "default": False,
            "description": label.description,
        }

    def labels(self, repository: store.Repository, names: Iterable[str]) -> list[Json]:
        known = (repository.label(name) for name in names)
        return [self.label(repository, each) for each in known if each is not None]

    def pull(self, repository: store.Repository, pull: store.PullRequest) -> Json:
        """Give a pull request as it is listed."""
        url, page = (
            f"{self.url(repository)}/pulls/{pull.number}",
            f"{self.page(repository)}/pull/{pull.number}",
        )
        issue = f"{self.url(repository)}/issues/{pull.number}"
        statuses = f"{self.url(repository)}/statuses/{pull.head_sha}"
        links = {
            "self": url,
            "html": page,
            "issue": issue,
            "comments": f"{issue}/comments",
            "review_comments": f"{url}/comments",
            "review_comment": f"{self.url(repository)}/pulls/comments{{/number}}",
            "commits": f"{url}/commits",
            "statuses": statuses,
        }
        return {
            "url": url,
            "id": pull.id,
            "node_id": node_id("PR", repository.id, pull.number),
            "html_url": page,
            "diff_url": f"{page}.diff",
            "patch_url": f"{page}.patch",
            "issue_url": issue,
            "number": pull.number,
            "state": "open" if pull.state == "open" else "closed",
            "locked": False,
            "title": pull.title,
            "user": self.user(pull.author),
            "body": pull.body,
            "created_at": when(pull.created),
            "updated_at": when(pull.updated),
            "closed_at": when(pull.closed),
            "merged_at": when(pull.closed) if pull.state == "merged" else None,
            "merge_commit_sha": pull.merge_commit_sha,
            **dict.fromkeys(("assignee", "milestone", "auto_merge", "active_lock_reason")),
            "assignees": [],
            "requested_reviewers": [],
            "requested_teams": [],
            "labels": self.labels(repository, pull.labels),
            "draft": pull.draft,
            "commits_url": links["commits"],
            "review_comments_url": links["review_comments"],
            "review_comment_url": links["review_comment"],
            "comments_url": links["comments"],
            "statuses_url": statuses,
            "head": self.side(repository, pull, pull.head, pull.head_sha, fork=pull.fork),
            "base": self.side(repository, pull, pull.base, pull.base_sha),
            "_links": {key: {"href": value} for key, value in links.items()},
            "author_association": "OWNER" if pull.author is repository.owner else "CONTRIBUTOR",
        }

    def side(
        self,
        repository: store.Repository,
        pull: store.PullRequest,
        branch: str,
        sha: str,
        fork: str | None = None,
    ) -> Json:
        """Give the head or the base; of a fork only its owner is known."""
        owner = pull.author if fork else repository.owner
        shown = self.repository(repository)
        if fork:
            shown |= {"fork": True, "full_name": fork, "owner": self.user(owner), "id": repository.id + 10**6}
        gone = fork is not None and pull.fork_deleted
        return {
            "label": f"{(fork or repository.full_name).partition('/')[0]}:{branch}",
            "ref": branch,
            "sha": sha,
            "user": None if gone else self.user(owner),
            "repo": None if gone else shown,
        }

    def full_pull(
        self, repository: store.Repository, pull: store.PullRequest, files: list[FileChange]
    ) -> Json:
        """Give the answer to a request for one pull request."""
        blocked = repository.blocked(pull) if pull.state == "open" else None
        reason = blocked.reason if blocked else ""
        states = {"": "clean", "draft": "draft", "conflicts": "dirty"}
        mergeable = reason != "conflicts" if pull.state == "open" else None
        return {
            **self.pull(repository, pull),
            "merged": pull.state == "merged",
            "mergeable": mergeable,
            "rebaseable": mergeable,
            "mergeable_state": states.get(reason, "blocked") if pull.state == "open" else "unknown",
            "merged_by": None if pull.merged_by is None else self.user(pull.merged_by),
            "comments": 0,
            "review_comments": 0,
            "maintainer_can_modify": False,
            "commits": 1,
            "additions": sum(each.additions for each in files),
            "deletions": sum(each.deletions for each in files),
            "changed_files": len(files),
        }

    # -- checks -----------------------------------------------------------------------------------

    def status(self, repository: store.Repository, status: store.Status) -> Json:
        url = f"{self.url(repository)}/statuses/{status.sha}"
        return {
            **self.short_status(url, status),
            "creator": self.user(status.creator),
        }

    def short_status(self, url: str, status: store.Status) -> Json:
        return {
            "url": url,
            "avatar_url": f"{self.web}/avatars/oa/1",
            "id": status.id,
            "node_id": node_id("SC", status.id),
            "state": status.state,
            "description": status.description,
            "target_url": status.target_url,
            "context": status.context,
            "created_at": when(status.created),
            "updated_at": when(status.created),
        }

    def combined_status(self, repository: store.Repository, sha: str, statuses: list[store.Status]) -> Json:
        states = {each.state for each in statuses}
        broken = bool(states & {"failure", "error"})
        combined = "failure" if broken else "success" if states == {"success"} else "pending"
        url = f"{self.url(repository)}/statuses/{sha}"
        return {
            "state": combined,
            "statuses": [self.short_status(url, each) for each in statuses],
            "sha": sha,
            "total_count": len(statuses),
            "repository": self.short_repository(repository),
            "commit_url": f"{self.url(repository)}/commits/{sha}",
            "url": f"{self.url(repository)}/commits/{sha}/status",
        }

    def check_run(self, repository: store.Repository, run: store.CheckRun) -> Json:
        url = f"{self.url(repository)}/check-runs/{run.id}"
        done = when(run.created) if run.status == "completed" else None
        output = dict.fromkeys(("title", "summary", "text"))
        return {
            "id": run.id,
            "head_sha": run.sha,
            "node_id": node_id("CR", run.id),
            "external_id": "",
            "url": url,
            "html_url": f"{self.page(repository)}/runs/{run.id}",
            "details_url": run.details_url,
            "status": run.status,
            "conclusion": run.conclusion,
            "started_at": when(run.created),
            "completed_at": done,
            "output": {**output, "annotations_count": 0, "annotations_url": f"{url}/annotations"},
            "name": run.name,
            "check_suite": {"id": 1},
            "app": None,
            "pull_requests": [],
        }

    def deployment(self, repository: store.Repository, made: store.Deployment) -> Json:
        url = f"{self.url(repository)}/deployments/{made.id}"
        return {
            "url": url,
            "id": made.id,
            "node_id": node_id("DE", made.id),
            "sha": made.sha,
            "ref": made.ref,
            "task": "deploy",
            "payload": {},
            "original_environment": made.environment,
            "environment": made.environment,
            "description": None,
            "creator": self.user(made.creator),
            "created_at": when(made.created),
            "updated_at": when(made.created),
            "statuses_url": f"{url}/statuses",
            "repository_url": self.url(repository),
            "transient_environment": False,
            "production_environment": False,
            "performed_via_github_app": None,
        }

    def deployment_status(
        self, repository: store.Repository, made: store.Deployment, step: store.DeploymentStatus
    ) -> Json:
        url = f"{self.url(repository)}/deployments/{made.id}"
        return {
            "url": f"{url}/statuses/{step.id}",
            "id": step.id,
            "node_id": node_id("DES", step.id),
            "state": step.state,
            "creator": self.user(made.creator),
            "description": "",
            "environment": made.environment,
            "target_url": "",
            "created_at": when(step.created),
            "updated_at": when(step.created),
            "deployment_url": url,
            "repository_url": self.url(repository),
            "environment_url": step.environment_url,
            "log_url": "",
            "performed_via_github_app": None,
        }


def permissions(repository: store.Repository, access: store.Access | None) -> dict[str, bool]:
    level = access.level if access else "none"
    owner = access is not None and level == "write" and access.user is repository.owner
    return {
        "admin": owner,
        "maintain": owner,
        "push": level == "write",
        "triage": level == "write",
        "pull": level in {"write", "read"} or not repository.private,
    }


def actor(signature: pygit2.Signature) -> Json:
    return {"name": signature.name, "email": signature.email, "date": stamp(signature.time)}


def unverified() -> Json:
    return {"verified": False, "reason": "unsigned", "signature": None, "payload": None, "verified_at": None}


def etag(body: bytes) -> str:
    return f'W/"{hashlib.sha256(body).hexdigest()}"'
