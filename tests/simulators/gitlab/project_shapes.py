"""Users and projects as GitLab's REST interface shows them."""

from __future__ import annotations

from simulators import store
from simulators.gitlab.knobs import ProjectState
from simulators.gitlab.shapes import Json, Shapes, when

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


def level_of(state: ProjectState, access: store.Access | None) -> int:
    """Give the role that an access has in a project, 0 for none."""
    if access is None or access.level == "none" or state.membership == "none":
        return 0
    if access.level == "write":
        return state.access_level or 40
    return min(state.access_level or 20, 20)


def private_user(shapes: Shapes, user: store.User) -> Json:
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
        **shapes.user(user),
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


def namespace(shapes: Shapes, owner: store.User) -> Json:
    """Give what a project is in: a user's own space, or a group."""
    group = "/" in owner.login
    return {
        "id": owner.id,
        "name": owner.name,
        "path": owner.login.rpartition("/")[2],
        "kind": "group" if group else "user",
        "full_path": owner.login,
        "parent_id": owner.id - 1 if group else None,
        "avatar_url": None if group else shapes.user(owner)["avatar_url"],
        "web_url": f"{shapes.web}/{'groups/' if group else ''}{owner.login}",
    }


def project(
    shapes: Shapes, repository: store.Repository, state: ProjectState, access: store.Access | None
) -> Json:
    web = shapes.page(repository)
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
        "namespace": namespace(shapes, repository.owner),
        "_links": {
            "self": shapes.url(repository),
            "repo_branches": f"{shapes.url(repository)}/repository/branches",
            **{name: f"{shapes.url(repository)}/{name}" for name in links},
        },
        "container_registry_image_prefix": f"registry.example.org/{repository.full_name}",
        "empty_repo": empty,
        "archived": repository.archived,
        "visibility": "private" if repository.private else "public",
        "owner": shapes.user(repository.owner),
        "creator_id": repository.owner.id,
        "import_status": "none",
        **{f"{name}_enabled": True for name in FEATURES},
        **{f"{name}_access_level": "enabled" for name in LEVELS},
        "repository_access_level": "disabled" if state.no_repository else "enabled",
        "lfs_enabled": state.lfs,
        **_switches(),
        "can_create_merge_request_in": level_of(state, access) >= 30 or not repository.private,
        "shared_with_groups": [_group(repository, access)] if state.membership == "shared" else [],
        "only_allow_merge_if_pipeline_succeeds": checks or state.pipeline_must_succeed,
        "remove_source_branch_after_merge": repository.delete_branch_on_merge,
        "merge_method": state.merge_method,
        "squash_option": state.squash_option,
        "permissions": permissions(state, access),
    }


def _switches() -> Json:
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


def permissions(state: ProjectState, access: store.Access | None) -> Json:
    """Give the roles in the project itself and in its group; other roles are not shown."""
    level = level_of(state, access)
    shown = {"access_level": level, "notification_level": 3} if level else None
    return {
        "project_access": shown if state.membership == "project" else None,
        "group_access": shown if state.membership == "group" else None,
    }


def _group(repository: store.Repository, access: store.Access | None) -> Json:
    return {
        "group_id": repository.id + 1,
        "group_name": "Writers",
        "group_full_path": "writers",
        "group_access_level": level_of(ProjectState(), access) or 30,
        "expires_at": None,
    }


def member(shapes: Shapes, user: store.User, level: int) -> Json:
    return {
        **shapes.user(user),
        "access_level": level,
        "created_at": when(store.START),
        "expires_at": None,
        "membership_state": "active",
    }
