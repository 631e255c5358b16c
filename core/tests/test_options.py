"""The options of the CMS's own backends: each row of the table, and what is said about a wrong one."""

from __future__ import annotations

import logging
import subprocess
import traceback

import attrs
import pytest
from copydesk import SiteConfig, Workflow, open_repository
from copydesk import options as options_module
from copydesk.content import Collection
from copydesk.errors import ConfigError
from copydesk.options import (
    BackendOptions,
    BitbucketOptions,
    ForgeOptions,
    GiteaOptions,
    GitGatewayOptions,
    GitHubOptions,
    GitLabOptions,
    build_options,
)

CLASSES = {
    "github": GitHubOptions,
    "gitlab": GitLabOptions,
    "bitbucket": BitbucketOptions,
    "gitea": GiteaOptions,
    "git-gateway": GitGatewayOptions,
}
FORGES = ("github", "gitlab", "bitbucket", "gitea")
#: Every class that the module exports, also the two that only serve as bases.
ALL_CLASSES = [getattr(options_module, name) for name in options_module.__all__ if name.endswith("Options")]
SECRET = "ghp_S3cretS3cret"

each_backend = pytest.mark.parametrize("backend", CLASSES)
each_forge = pytest.mark.parametrize("backend", FORGES)


def build(backend: str, **values: object) -> BackendOptions:
    """Give the options of a backend; the required ones are there already."""
    required = {"site_url": "https://www.example.org"} if backend == "git-gateway" else {"repo": "octo/site"}
    return build_options(backend, CLASSES[backend], {**required, **values})


def wrong_values() -> list[object]:
    """List (class, option, value) with one value of a wrong type for every option of every class."""
    return [
        pytest.param(cls, field.name, value, id=f"{cls.__name__}-{field.name}-{type(value).__name__}")
        for cls in CLASSES.values()
        for field in attrs.fields(cls)
        for value in ([SECRET], {"a": SECRET})
        if not (field.name == "commit_messages" and isinstance(value, dict))
    ]


@pytest.fixture
def site_git(tmp_path):
    """Give a repository on disk whose branches `main` and `drafts` have a commit."""
    path = tmp_path / "site"
    git = ("git", "-C", str(path), "-c", "user.name=A", "-c", "user.email=a@example.org")
    subprocess.run(["git", "init", "-q", "-b", "main", str(path)], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "Start"], check=True)
    subprocess.run([*git, "branch", "drafts"], check=True)
    return path


# -- repo ---------------------------------------------------------------------------------------------


@each_forge
def test_repo_is_kept_as_given(backend):
    assert build(backend, repo=" octo/site.github-io ").repo == "octo/site.github-io"


@each_forge
def test_repo_missing_is_named_with_its_help(backend):
    help_of_repo = attrs.fields_dict(CLASSES[backend])["repo"].metadata["help"]
    with pytest.raises(ConfigError) as caught:
        build_options(backend, CLASSES[backend], {"branch": "main"})
    assert str(caught.value) == f"the {backend} backend needs 'repo': {help_of_repo}"
    assert caught.value.key == "repo"


def test_repo_of_gitlab_may_be_in_subgroups():
    assert build("gitlab", repo="group/sub/subsub/site").repo == "group/sub/subsub/site"


@pytest.mark.parametrize("backend", ["github", "bitbucket"])
def test_repo_of_two_levels_only_is_refused_deeper(backend):
    with pytest.raises(
        ConfigError, match="the option 'repo' must be a repository like 'owner/name', not another text"
    ):
        build(backend, repo="group/sub/site")


def test_repo_of_gitlab_without_a_group_is_refused():
    with pytest.raises(
        ConfigError, match=r"must be a repository like 'group/subgroup/name', not another text$"
    ):
        build("gitlab", repo="site")


@each_forge
@pytest.mark.parametrize(
    "repo",
    [
        "",
        "site",
        "/",
        "/site",
        "octo/",
        "octo//site",
        "/octo/site",
        "octo/site/",
        "octo/my site",
        "octo/site?ref=main",
        "octo/site#readme",
        "https://example.org/octo/site",
        "octo/site\nx",
    ],
)
def test_repo_of_a_bad_shape_is_refused(backend, repo):
    with pytest.raises(ConfigError, match="the option 'repo' must be a repository like"):
        build(backend, repo=repo)


@each_forge
@pytest.mark.parametrize("repo", ["../..", "octo/..", "./site"])
def test_repo_with_dots_for_a_segment_is_refused(backend, repo):
    with pytest.raises(ConfigError, match="the option 'repo' must be a repository like"):
        build(backend, repo=repo)


def test_repo_is_ignored_by_git_gateway_with_a_warning(caplog):
    options = build("git-gateway", repo="octo/site")
    assert not hasattr(options, "repo")
    assert [record.getMessage() for record in caplog.records] == [
        "the git-gateway backend does not use the option 'repo'; it is ignored"
    ]


# -- branch -------------------------------------------------------------------------------------------


@each_forge
def test_branch_is_by_default_the_one_of_the_repository(backend):
    """Empty leaves the choice to the forge."""
    assert build(backend).branch == ""


def test_branch_of_git_gateway_is_master_by_default():
    assert build("git-gateway").branch == "master"


@each_backend
def test_branch_can_be_chosen(backend):
    assert build(backend, branch=" drafts ").branch == "drafts"


@pytest.mark.parametrize(("given", "base"), [({}, "main"), ({"branch": "drafts"}, "drafts")])
def test_branch_is_the_base_of_the_repository(site_git, given, base):
    with open_repository("local", repo=site_git, **given) as repository:
        assert repository.base_branch == base


# -- api_root -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("backend", "address"),
    [
        ("github", "https://api.github.com"),
        ("gitlab", "https://gitlab.com/api/v4"),
        ("bitbucket", "https://api.bitbucket.org/2.0"),
        ("gitea", "https://try.gitea.io/api/v1"),
    ],
)
def test_api_root_has_the_default_of_its_forge(backend, address):
    assert build(backend).api_root == address


@each_forge
def test_api_root_can_be_another_server(backend):
    assert build(backend, api_root="https://git.example.org/api").api_root == "https://git.example.org/api"


@each_forge
@pytest.mark.parametrize("end", ["/", "//", "/ "])
def test_api_root_drops_the_slash_at_its_end(backend, end):
    """Requests join it with paths that begin with a slash."""
    assert build(backend, api_root=f"https://git.example.org/api{end}").api_root == (
        "https://git.example.org/api"
    )


@each_forge
@pytest.mark.parametrize(
    "address",
    ["http://localhost:8080", "http://127.0.0.1:1/api", "http://127.8.9.10", "http://[::1]:8080/api"],
)
def test_api_root_may_be_http_on_this_machine(backend, address):
    assert build(backend, api_root=address).api_root == address


@each_forge
@pytest.mark.parametrize(
    "address",
    [
        "http://api.example.org",
        "http://localhost.example.org",
        "http://127.0.0.1.example.org",
        "http://example.org/localhost",
        "http://10.0.0.1",
        "http://0.0.0.0",
        "http://[::2]",
    ],
)
def test_api_root_over_http_is_refused(backend, address):
    with pytest.raises(
        ConfigError,
        match=r"'api_root' must be an https address \(http is for this machine only\), not another text$",
    ):
        build(backend, api_root=address)


@each_forge
@pytest.mark.parametrize("user", ["me:hunter2@", "me@", ":hunter2@", "@"])
def test_api_root_with_user_or_password_is_refused_without_showing_them(backend, user):
    with pytest.raises(
        ConfigError,
        match=r"the option 'api_root' must be an address without user and password, not another text$",
    ) as caught:
        build(backend, api_root=f"https://{user}example.org")
    assert "hunter2" not in "".join(traceback.format_exception(caught.value))


@each_forge
@pytest.mark.parametrize(
    "address",
    [
        "",
        "api.example.org",
        "//api.example.org",
        "ftp://example.org",
        "https://",
        "https:///api",
        "https://example.org?a=b",
        "https://example.org#a",
        "https://[::1",
    ],
)
def test_api_root_that_is_no_address_is_refused(backend, address):
    with pytest.raises(
        ConfigError,
        match=r"the option 'api_root' must be an address like 'https://example\.org', not another text",
    ):
        build(backend, api_root=address)


def test_api_root_of_two_lines_is_refused():
    """A parser of addresses would drop the line break in silence."""
    with pytest.raises(ConfigError, match="the option 'api_root' must be a text of one line"):
        build("github", api_root="https://api.\nexample.org")


@pytest.mark.parametrize(
    "address",
    ["https://example.org:99999", "https://example.org:x", "https://exa mple.org", "https://example.org/a?"],
)
def test_api_root_that_no_request_can_use_is_refused(address):
    with pytest.raises(ConfigError, match="the option 'api_root' must be an address"):
        build("github", api_root=address)


def test_api_root_is_no_option_of_git_gateway(caplog):
    """The gateway's own address is `gateway_url`; a leftover from another backend does no harm."""
    assert not hasattr(build("git-gateway", api_root="https://api.github.com"), "api_root")
    assert len(caplog.records) == 1


# -- the login: site_domain, base_url, auth_endpoint --------------------------------------------------


@each_forge
def test_site_domain_is_by_default_what_the_cms_sends_from_localhost(backend):
    assert build(backend).site_domain == "cms.netlify.com"


@each_forge
def test_site_domain_can_be_the_host_of_the_site(backend):
    assert build(backend, site_domain=" www.example.org ").site_domain == "www.example.org"


@pytest.mark.parametrize(
    ("backend", "auth_type", "address"),
    [
        ("github", "", "https://api.netlify.com"),
        ("gitlab", "", "https://api.netlify.com"),
        ("gitlab", "pkce", "https://gitlab.com"),
        ("gitlab", "implicit", "https://gitlab.com"),
        ("bitbucket", "", "https://api.netlify.com"),
        ("bitbucket", "implicit", "https://bitbucket.org"),
        ("gitea", "", "https://try.gitea.io"),
        ("gitea", "pkce", "https://try.gitea.io"),
    ],
)
def test_base_url_has_the_default_of_its_flow(backend, auth_type, address):
    assert build(backend, auth_type=auth_type).base_url == address


@pytest.mark.parametrize(
    ("backend", "auth_type"),
    [("github", ""), ("gitlab", ""), ("gitlab", "pkce"), ("bitbucket", ""), ("bitbucket", "implicit")],
)
def test_base_url_can_be_another_server_in_every_flow(backend, auth_type):
    options = build(backend, auth_type=auth_type, base_url="https://login.example.org/")
    assert options.base_url == "https://login.example.org"


def test_base_url_of_gitea_is_that_of_its_api():
    """Codeberg's login is Codeberg's: what another server gives is no token there."""
    assert build("gitea", api_root="https://codeberg.org/api/v1/").base_url == "https://codeberg.org"


@each_forge
def test_base_url_is_checked_like_every_address(backend):
    with pytest.raises(ConfigError, match="the option 'base_url' must be an https address"):
        build(backend, base_url="http://login.example.org")


@pytest.mark.parametrize(
    ("backend", "auth_type", "path"),
    [
        ("github", "", "auth"),
        ("gitlab", "", "auth"),
        ("gitlab", "pkce", "oauth/authorize"),
        ("gitlab", "implicit", "oauth/authorize"),
        ("bitbucket", "", "auth"),
        ("bitbucket", "implicit", "site/oauth2/authorize"),
        ("gitea", "", "login/oauth/authorize"),
    ],
)
def test_auth_endpoint_has_the_default_of_its_flow(backend, auth_type, path):
    assert build(backend, auth_type=auth_type).auth_endpoint == path


@each_forge
@pytest.mark.parametrize("given", ["oauth/begin", "/oauth/begin/", " /oauth/begin "])
def test_auth_endpoint_can_be_chosen_with_or_without_slashes(backend, given):
    assert build(backend, auth_endpoint=given).auth_endpoint == "oauth/begin"


@each_forge
def test_the_login_begins_at_auth_endpoint_below_base_url(backend):
    options = build(backend, base_url="https://login.example.org/sso/", auth_endpoint="/begin")
    assert options.authorize_url == "https://login.example.org/sso/begin"


@pytest.mark.parametrize(
    ("backend", "named"),
    [
        ("gitlab", "'pkce', 'implicit'"),
        ("bitbucket", "'implicit'"),
        ("gitea", "'pkce'"),
        ("git-gateway", "'pkce'"),
    ],
)
def test_auth_type_that_the_backend_has_not_lists_those_it_has(backend, named):
    with pytest.raises(
        ConfigError, match=rf"the option 'auth_type' must be one of {named}, not another text"
    ):
        build(backend, auth_type="saml")


def test_auth_type_of_github_says_that_only_the_popup_is_there():
    with pytest.raises(ConfigError, match=r"'auth_type' must be (?!one of ,)\S"):
        build("github", auth_type="pkce")


def test_auth_scope_of_github_is_repo_by_default():
    assert build("github").auth_scope == "repo"


def test_auth_scope_of_github_can_be_public_repo():
    assert build("github", auth_scope="public_repo").auth_scope == "public_repo"


def test_auth_scope_that_github_has_not_is_refused():
    with pytest.raises(ConfigError, match="the option 'auth_scope' must be one of 'repo', 'public_repo'"):
        build("github", auth_scope="admin:org")


# -- cms_label_prefix ---------------------------------------------------------------------------------


@each_backend
def test_cms_label_prefix_is_by_default_that_of_netlify_cms(backend):
    assert build(backend).cms_label_prefix == "netlify-cms/"


@each_backend
def test_cms_label_prefix_can_be_chosen(backend):
    assert build(backend, cms_label_prefix="decap-cms/").cms_label_prefix == "decap-cms/"


@each_backend
def test_cms_label_prefix_is_not_empty(backend):
    """A label that is only `draft` would be somebody else's."""
    with pytest.raises(
        ConfigError, match="the option 'cms_label_prefix' must be a text that is not empty, not another text"
    ):
        build(backend, cms_label_prefix="")


def test_cms_label_prefix_is_what_the_label_of_a_draft_begins_with(site_git):
    site = SiteConfig("local", publish_mode="editorial_workflow", collections=(Collection("p", folder="p"),))
    with open_repository("local", repo=site_git, cms_label_prefix="desk/") as repository:
        entry = Workflow(repository, site).save("p", "hello", b"Hello")
    assert entry.pull_request.labels == ("desk/draft",)


# -- the other neutral options ------------------------------------------------------------------------


@each_backend
@pytest.mark.parametrize(
    ("option", "default", "other"),
    [
        ("squash_merges", False, True),
        ("cache", True, False),
        ("preview_context", "", "deploy/preview"),
        ("commit_messages", {}, {"create": "New {{slug}}", "openAuthoring": "{{message}}"}),
    ],
)
def test_a_neutral_option_has_its_default_and_can_be_chosen(backend, option, default, other):
    assert getattr(build(backend), option) == default
    assert getattr(build(backend, **{option: other}), option) == other


def test_commit_messages_are_used_for_commits(site_git):
    site = SiteConfig("local", collections=(Collection("p", label="Post", folder="p"),))
    messages = {"create": "New {{collection}}: {{slug}}"}
    with open_repository("local", repo=site_git, commit_messages=messages) as repository:
        entry = Workflow(repository, site).save("p", "hello", b"Hello")
        (commit,) = repository.list_commits(entry.commit_sha, limit=1)
    assert commit.message.strip() == "New Post: hello"


def test_squash_merges_publishes_by_a_commit_of_one_parent(site_git):
    site = SiteConfig("local", publish_mode="editorial_workflow", collections=(Collection("p", folder="p"),))
    with open_repository("local", repo=site_git, squash_merges=True) as repository:
        workflow = Workflow(repository, site)
        before = repository.get_branch("main").commit_sha
        workflow.save("p", "hello", b"Hello")
        workflow.set_status("p", "hello", "pending_publish")
        (commit,) = repository.list_commits(workflow.publish("p", "hello").commit_sha, limit=1)
    assert commit.parent_commit_shas == (before,)


def test_commit_messages_with_an_unknown_template_lists_the_known_ones():
    with pytest.raises(
        ConfigError,
        match=r"'commit_messages' has no template 'craete' \(known: create, update, delete, uploadMedia, "
        r"deleteMedia, openAuthoring\)$",
    ) as caught:
        build("github", commit_messages={"craete": "x"})
    assert caught.value.key == "commit_messages"


def test_commit_messages_whose_template_is_no_text_is_refused():
    with pytest.raises(
        ConfigError, match="the option 'commit_messages' must be texts, 'create' too, not a list"
    ):
        build("github", commit_messages={"create": [SECRET]})


@pytest.mark.parametrize(
    ("option", "default"), [("identity_url", "/.netlify/identity"), ("gateway_url", "/.netlify/git")]
)
def test_addresses_of_git_gateway_are_below_the_site_by_default(option, default):
    assert getattr(build("git-gateway"), option) == default
    assert getattr(build("git-gateway", **{option: "https://x.org/g"}), option) == "https://x.org/g"


@pytest.mark.parametrize(("backend", "default"), [("github", True), ("gitlab", True)])
def test_use_graphql_can_be_turned_over(backend, default):
    assert build(backend).use_graphql is default
    assert build(backend, use_graphql=not default).use_graphql is not default


def test_graphql_api_root_of_gitlab_has_its_default_and_can_be_chosen():
    assert build("gitlab").graphql_api_root == "https://gitlab.com/api/graphql"
    assert build("gitlab", graphql_api_root="https://x.org/g/").graphql_api_root == "https://x.org/g"


def test_graphql_api_root_of_gitlab_is_on_the_server_of_the_rest_interface():
    """The credential of a self-managed GitLab does not go to gitlab.com."""
    own = build("gitlab", api_root="https://git.example.org/lab/api/v4/")
    assert own.graphql_api_root == "https://git.example.org/lab/api/graphql"


@each_forge
def test_app_id_is_empty_by_default_and_can_be_chosen(backend):
    assert build(backend).app_id == ""
    assert build(backend, app_id="4f9a").app_id == "4f9a"


@each_backend
@pytest.mark.parametrize(
    ("given", "meant"),
    [("off", False), ("NO", False), (" false", False), ("on", True), ("yes", True), ("True", True)],
)
def test_what_is_true_or_false_may_be_a_text_as_of_a_command_line(backend, given, meant):
    assert build(backend, cache=given, squash_merges=given) == build(
        backend, cache=meant, squash_merges=meant
    )
    assert build(backend, cache=given).cache is meant


def test_an_option_that_is_a_text_stays_one():
    assert build("github", branch="off").branch == "off"


# -- keys that are not options ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("backend", "misspelt", "meant"),
    [
        ("github", "brnach", "branch"),
        ("gitlab", "reop", "repo"),
        ("bitbucket", "squash_merge", "squash_merges"),
        ("git-gateway", "gatewayurl", "gateway_url"),
        ("github", "graphql_root", "graphql_api_root"),
    ],
)
def test_an_unknown_option_names_the_nearest_known_one(backend, misspelt, meant):
    with pytest.raises(
        ConfigError, match=f"^the {backend} backend has no option '{misspelt}'; did you mean '{meant}'\\?$"
    ) as caught:
        build(backend, **{misspelt: SECRET})
    assert caught.value.key == misspelt


@each_backend
def test_an_unknown_option_like_no_other_lists_those_of_the_backend(backend):
    names = ", ".join(sorted(field.name for field in attrs.fields(CLASSES[backend])))
    with pytest.raises(ConfigError, match=f"has no option 'zzz'; known: {names}$"):
        build(backend, zzz=SECRET)


@pytest.mark.parametrize(
    ("backend", "key", "value"),
    [
        ("github", "graphql_api_root", "https://example.org"),
        ("github", "always_fork", True),
        ("gitlab", "identity_url", "/.netlify/identity"),
        ("bitbucket", "tenant_id", "x"),
        ("git-gateway", "site_domain", "www.example.org"),
        ("git-gateway", "proxy_url", "http://localhost:8081/api/v1"),
    ],
)
def test_an_option_of_another_backend_is_accepted_with_one_warning(backend, key, value, caplog):
    assert build(backend, **{key: value}) == build(backend)
    assert [(record.levelno, record.getMessage()) for record in caplog.records] == [
        (logging.WARNING, f"the {backend} backend does not use the option {key!r}; it is ignored")
    ]


#: What the `backend:` section of a config.yml of Netlify CMS or Decap CMS may hold, with something to say.
CMS_VALUES = {
    "name": "x",
    "repo": "octo/site",
    "branch": "main",
    "api_root": "https://example.org",
    "graphql_api_root": "https://example.org",
    "use_graphql": False,
    "site_domain": "www.example.org",
    "base_url": "https://example.org",
    "auth_endpoint": "auth",
    "auth_token_endpoint": "oauth/token",
    "auth_type": "",
    "app_id": "4f9a",
    "auth_scope": "repo",
    "tenant_id": "x",
    "api_version": "6.1-preview",
    "cms_label_prefix": "desk/",
    "squash_merges": True,
    "open_authoring": False,
    "always_fork": False,
    "preview_context": "deploy",
    "commit_messages": {},
    "identity_url": "/.netlify/identity",
    "gateway_url": "/.netlify/git",
    "large_media_url": "https://example.org/lfs",
    "use_large_media_transforms_in_media_library": True,
    "status_endpoint": "https://example.org",
    "proxy_url": "http://localhost:8081/api/v1",
    "site_id": "www.example.org",
}


@each_backend
@pytest.mark.parametrize("key", CMS_VALUES)
def test_no_key_of_the_cms_is_refused(backend, key):
    """An existing file works as it is, whichever of its keys the backend acts on."""
    build(backend, **{key: CMS_VALUES[key]})


@each_backend
def test_signoff_commits_is_known_from_the_cms(backend):
    build(backend, signoff_commits=True)


@each_backend
def test_the_name_of_the_backend_is_no_option_and_no_mistake(backend, caplog):
    assert build(backend, name=backend) == build(backend)
    assert caplog.records == []


@each_backend
def test_open_authoring_is_refused(backend):
    with pytest.raises(
        ConfigError,
        match=r"^open_authoring is not supported yet: it would write to the original repository; remove it$",
    ) as caught:
        build(backend, open_authoring=True)
    assert caught.value.key == "open_authoring"


@each_backend
def test_open_authoring_turned_off_is_accepted_in_silence(backend, caplog):
    assert build(backend, open_authoring=False) == build(backend)
    assert caplog.records == []


# -- wrong values -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("cls", "option", "value"), wrong_values())
def test_a_value_of_a_wrong_type_names_the_option_and_is_not_shown(cls, option, value):
    values = {} if cls is GitGatewayOptions else {"repo": "octo/site"}
    with pytest.raises(ConfigError, match=f"the option '{option}' must be ") as caught:
        build_options("any", cls, {**values, option: value})
    assert caught.value.key == option
    assert SECRET not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("branch", ["x"], "the option 'branch' must be a text, not a list"),
        ("branch", {"x": 1}, "the option 'branch' must be a text, not a mapping"),
        ("branch", None, "the option 'branch' must be a text, not empty"),
        ("branch", 17, "the option 'branch' must be a text, not a int"),
        ("branch", f"a\n{SECRET}", "the option 'branch' must be a text of one line, not another text"),
        ("branch", f"a\r{SECRET}", "the option 'branch' must be a text of one line, not another text"),
        ("branch", f"a\0{SECRET}", "the option 'branch' must be a text of one line, not another text"),
        ("squash_merges", SECRET, "the option 'squash_merges' must be true or false, not another text"),
        ("squash_merges", 1, "the option 'squash_merges' must be true or false, not a int"),
        ("commit_messages", SECRET, "the option 'commit_messages' must be a mapping, not another text"),
        (
            "auth_scope",
            SECRET,
            "the option 'auth_scope' must be one of 'repo', 'public_repo', not another text",
        ),
        ("repo", SECRET, "the option 'repo' must be a repository like 'owner/name', not another text"),
    ],
)
def test_a_wrong_value_is_told_by_its_kind(option, value, message):
    with pytest.raises(ConfigError) as caught:
        build("github", **{option: value})
    assert str(caught.value) == message


# -- help ---------------------------------------------------------------------------------------------


def test_every_class_of_the_module_is_among_those_tested():
    assert set(ALL_CLASSES) == {BackendOptions, ForgeOptions, *CLASSES.values()}


@pytest.mark.parametrize("cls", ALL_CLASSES, ids=lambda cls: cls.__name__)
def test_every_option_has_a_help_text(cls):
    without = [field.name for field in attrs.fields(cls) if not field.metadata.get("help", "").strip()]
    assert without == []
