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
from simulators.gitlab.knobs import ProjectState

Json = dict[str, Any]

FEATURES = (
    "issues",
    "merge_requests",
    "wiki",
    "jobs",
    "snippets",
    "container_registry",
    "service_desk",
    "packages",
)
LEVELS = (
    "issues", "repository", "merge_requests", "forking", "wiki", "builds", "snippets", "pages", "analytics",
    "container_registry", "releases", "environments", "feature_flags", "infrastructure", "monitor",
)  # fmt: skip
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


def level_of(state: ProjectState, access: store.Access | None) -> int:
    """Give the role that an access has in a project, 0 for none."""
    if access is None or access.level == "none" or state.membership == "none":
        return 0
    if access.level == "write":
        return state.access_level or 40
    return min(state.access_level or 20, 20)


@attrs.frozen
class Shapes:
    """Knows where the simulator is."""

    api: str
    web: str
    forge: store.Forge = attrs.field(repr=False)

    # -- users and projects -----------------------------------------------------------------------

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

    def private_user(self, user: store.User) -> Json:
        """Give what a user sees of their own account."""
        texts = (
            "bio",
            "bio_html",
            "job_title",
            "linkedin",
            "location",
            "organization",
            "skype",
            "twitter",
            "website_url",
        )
        switches = ("bot", "external", "private_profile")
        nothing = (
            "extra_shared_runners_minutes_limit",
            "pronouns",
            "shared_runners_minutes_limit",
            "work_information",
        )
        return {
            **self.user(user),
            "email": user.email,
            "commit_email": user.email,
            "created_at": when(store.START),
            "confirmed_at": when(store.START),
            "last_sign_in_at": when(store.START),
            "current_sign_in_at": when(store.START),
            "last_activity_on": store.START.date().isoformat(),
            **dict.fromkeys(texts, ""),
            **dict.fromkeys(switches, False),
            **dict.fromkeys(nothing),
            **dict.fromkeys(("can_create_group", "can_create_project", "two_factor_enabled"), True),
            **dict.fromkeys(("followers", "following"), 0),
            "identities": [],
            "theme_id": 1,
            "color_scheme_id": 1,
            "projects_limit": 100_000,
        }

    def page(self, repository: store.Repository) -> str:
        return f"{self.web}/{repository.full_name}"

    def url(self, repository: store.Repository) -> str:
        return f"{self.api}/projects/{repository.id}"

    def namespace(self, owner: store.User) -> Json:
        """Give what a project is in: a user's own space, or a group."""
        group = "/" in owner.login
        return {
            "id": owner.id,
            "name": owner.name,
            "path": owner.login.rpartition("/")[2],
            "kind": "group" if group else "user",
            "full_path": owner.login,
            "parent_id": owner.id - 1 if group else None,
            "avatar_url": None if group else self.user(owner)["avatar_url"],
            "web_url": f"{self.web}/{'groups/' if group else ''}{owner.login}",
        }

    def project(self, repository: store.Repository, state: ProjectState, access: store.Access | None) -> Json:
        web = self.page(repository)
        links = ("issues", "merge_requests", "labels", "events", "members", "cluster_agents")
        empty = repository.empty
        branch = None if empty or state.no_repository else repository.default_branch
        checks = any(each.required_checks for each in repository.protections.values())
        nothing = (
            "description", "avatar_url", "build_coverage_regex", "ci_config_path", "import_error",
            "suggestion_commit_message", "emails_disabled", "merge_commit_template", "squash_commit_template",
            "issue_branch_template", "allow_merge_on_skipped_pipeline", "mr_default_target_self",
        )  # fmt: skip
        return {
            **dict.fromkeys(nothing),
            "id": repository.id,
            "name": repository.name,
            "name_with_namespace": " / ".join(repository.full_name.split("/")),
            "path": repository.name,
            "path_with_namespace": repository.full_name,
            "created_at": when(repository.created),
            "last_activity_at": when(repository.created),
            "updated_at": when(repository.created),
            "default_branch": branch,
            "tag_list": [],
            "topics": [],
            "ssh_url_to_repo": f"git@example.org:{repository.full_name}.git",
            "http_url_to_repo": f"{web}.git",
            "web_url": web,
            "readme_url": f"{web}/-/blob/{branch}/README.md" if branch else None,
            **dict.fromkeys(("star_count", "forks_count", "open_issues_count"), 0),
            "namespace": self.namespace(repository.owner),
            "_links": {
                "self": self.url(repository),
                "repo_branches": f"{self.url(repository)}/repository/branches",
                **{name: f"{self.url(repository)}/{name}" for name in links},
            },
            "container_registry_image_prefix": f"registry.example.org/{repository.full_name}",
            "empty_repo": empty,
            "archived": repository.archived,
            "visibility": "private" if repository.private else "public",
            "owner": self.user(repository.owner),
            "creator_id": repository.owner.id,
            "import_status": "none",
            **{f"{name}_enabled": True for name in FEATURES},
            **{f"{name}_access_level": "enabled" for name in LEVELS},
            "repository_access_level": "disabled" if state.no_repository else "enabled",
            "lfs_enabled": state.lfs,
            **self._switches(),
            "can_create_merge_request_in": level_of(state, access) >= 30 or not repository.private,
            "shared_with_groups": [self._group(repository, access)] if state.membership == "shared" else [],
            "only_allow_merge_if_pipeline_succeeds": checks or state.pipeline_must_succeed,
            "remove_source_branch_after_merge": repository.delete_branch_on_merge,
            "merge_method": state.merge_method,
            "squash_option": state.squash_option,
            "permissions": self.permissions(state, access),
        }

    def _switches(self) -> Json:
        off = (
            "resolve_outdated_diff_discussions", "only_allow_merge_if_all_discussions_are_resolved",
            "auto_devops_enabled", "mirror", "ci_job_token_scope_enabled", "requirements_enabled",
        )  # fmt: skip
        on = (
            "shared_runners_enabled", "public_jobs", "request_access_enabled", "keep_latest_artifact",
            "printing_merge_request_link_enabled", "autoclose_referenced_issues", "ci_forward_deployment_enabled",
        )  # fmt: skip
        expiration = {
            "cadence": "1d", "enabled": False, "keep_n": 10, "older_than": "90d", "name_regex": ".*",
            "name_regex_keep": None, "next_run_at": when(store.START),
        }  # fmt: skip
        return {
            **dict.fromkeys(off, False),
            **dict.fromkeys(on, True),
            "container_expiration_policy": expiration,
            "runners_token": "",
            "ci_default_git_depth": 20,
            "build_git_strategy": "fetch",
            "build_timeout": 3600,
            "auto_cancel_pending_pipelines": "enabled",
            "auto_devops_deploy_strategy": "continuous",
            "external_authorization_classification_label": "",
            "compliance_frameworks": [],
            "approvals_before_merge": 0,
        }

    def permissions(self, state: ProjectState, access: store.Access | None) -> Json:
        """Give the roles in the project itself and in its group; other roles are not shown."""
        level = level_of(state, access)
        shown = {"access_level": level, "notification_level": 3} if level else None
        return {
            "project_access": shown if state.membership == "project" else None,
            "group_access": shown if state.membership == "group" else None,
        }

    def _group(self, repository: store.Repository, access: store.Access | None) -> Json:
        return {
            "group_id": repository.id + 1,
            "group_name": "Writers",
            "group_full_path": "writers",
            "group_access_level": level_of(ProjectState(), access) or 30,
            "expires_at": None,
        }

    def member(self, user: store.User, level: int) -> Json:
        return {
            **self.user(user),
            "access_level": level,
            "created_at": when(store.START),
            "expires_at": None,
            "membership_state": "active",
        }

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
