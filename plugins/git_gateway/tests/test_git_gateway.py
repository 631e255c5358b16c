"""What is a gateway's own: opening, who refuses and why, who edits, pages, and what is not let through."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from collections.abc import Callable

import attrs
import pytest

pytest.importorskip("simulators.git_gateway", reason="the simulators are not beside these tests")

import pygit2
from copydesk import Repository, open_repository
from copydesk.config import parse_config
from copydesk.errors import (
    AuthenticationError,
    ConfigError,
    CopydeskError,
    NotFoundError,
    NotSupportedError,
    PermissionDeniedError,
    UnavailableError,
)
from copydesk.models import Credential, NewCommit, Put, User
from copydesk.testing import Answer
from means.costs import propose_many
from means.editors import workflow_of
from means.gateways import EMAIL, PASSWORD, BehindGateway, before_both, token_of_ann
from simulators.git_gateway import Upstream

LOGIN = Credential(PASSWORD, "basic", EMAIL)


def asked(site: BehindGateway) -> list[str]:
    """What the gateway was asked for, below its root."""
    return [f"{each.method} {each.path.removeprefix(site.gateway.root)}" for each in site.gateway.log]


# -- opening ------------------------------------------------------------------------------------------


def open_by(settings, credential: object = None, **options: object) -> Repository:
    given = token_of_ann() if credential is None else credential
    return open_repository("git-gateway", credential=given, http=settings, **options)


@before_both
def test_address_that_names_the_forge_is_not_asked_for_settings(site, settings):
    repository = site.open(settings, gateway_url=f"{site.options['gateway_url']}/{site.name}/")
    assert repository.get_branch("main").commit_sha == site.site.head("main")
    assert "GET /settings" not in asked(site)


def test_repo_is_ignored_with_one_line(site, settings, caplog):
    repository = site.open(settings, repo="somebody/else")
    assert repository.get_branch("main").commit_sha == site.site.head("main")
    (line,) = (each.getMessage() for each in caplog.records if each.levelname == "WARNING")
    assert line == "the git_gateway backend does not use the option 'repo'; it is ignored"


def test_addresses_on_the_site_need_its_address(settings):
    with pytest.raises(ConfigError, match=r"is a path on the site .*so 'site_url' is needed") as caught:
        open_by(settings)
    assert caught.value.key == "site_url"


def test_address_of_the_site_is_that_of_the_configuration(site, settings):
    """As the CMS has it: `site_url` stands at the top, and so does what tells the claims of a token."""
    text = f"""
        backend: {{name: git-gateway, branch: main, identity_url: "{site.identity.url}"}}
        site_url: {site.gateway.url}
        auth: {{email_claim: mail, full_name_claim: display}}
    """
    token = token_of_ann(email=None, mail="eve@example.org", display="Eve")
    repository = open_repository(parse_config(text.encode(), "config.yml"), credential=token, http=settings)
    assert repository.authenticate().user == User("eve@example.org", "Eve", "eve@example.org")
    assert asked(site)[0] == "GET /settings"


def test_login_elsewhere_needs_its_address(settings):
    with pytest.raises(ConfigError, match="auth_type 'pkce' needs 'base_url'"):
        open_by(settings, auth_type="pkce", gateway_url="https://x.org/g")


def test_login_elsewhere_needs_no_identity_server(site, settings):
    known = {"auth_type": "pkce", "base_url": "https://login.example.org", "branch": "main"}
    repository = open_by(settings, gateway_url=site.options["gateway_url"], **known)
    assert repository.authenticate().user.email == EMAIL


@pytest.mark.parametrize("told_by", ["address", "settings"])
def test_bitbucket_is_refused_at_once(site, settings, told_by):
    """The list of the known gateway has `src` alone: not even the head of a branch can be read."""
    site.gateway.github = site.gateway.gitlab = None
    site.gateway.bitbucket = Upstream("http://127.0.0.1:1/2.0/repositories/owner/site", "token")
    address = f"{site.options['gateway_url']}{'/bitbucket' if told_by == 'address' else ''}"
    with pytest.raises(NotSupportedError, match=r"stands before Bitbucket.*use the bitbucket backend"):
        site.open(settings, gateway_url=address)
    assert asked(site) == ([] if told_by == "address" else ["GET /settings"])


def test_gateway_before_nothing(site, settings):
    site.gateway.github = site.gateway.gitlab = None
    with pytest.raises(ConfigError, match="neither GitHub nor GitLab behind it") as caught:
        site.open(settings)
    assert caught.value.key == "gateway_url"


@pytest.mark.parametrize("status", [200, 404])
def test_address_of_a_page(site, settings, status):
    """A site without a gateway answers with one of its pages."""
    site.gateway.inject(Answer(status, b"<!DOCTYPE html><title>Not here</title>", content_type="text/html"))
    with pytest.raises(ConfigError, match="correct gateway_url") as caught:
        site.open(settings)
    assert caught.value.key == "gateway_url"


@before_both
@pytest.mark.parametrize("operation", ["get_branch", "list_branches", "authenticate"])
def test_address_of_a_page_that_names_the_forge(site, settings, operation):
    """Nothing is read as not there where nobody knows the repository."""
    repository = site.open(settings, gateway_url=f"{site.gateway.url}/somewhere/{site.name}")
    with pytest.raises(ConfigError, match="correct gateway_url"):
        getattr(repository, operation)(*(["main"] if operation == "get_branch" else []))


def test_plugin_of_the_forge_that_is_not_installed(behind, settings):
    """The gateway's plugin needs none of them; the one that is missing is named, and how to install it."""
    site = behind("gitlab")
    code = (
        "import importlib.metadata as metadata\n"
        "found = metadata.entry_points\n"
        "metadata.entry_points = lambda **k: [each for each in found(**k) if each.name != 'gitlab']\n"
        "import copydesk.errors\n"
        f"try: copydesk.open_repository('git-gateway', credential={token_of_ann()!r}, **{site.options!r})\n"
        "except copydesk.errors.BackendNotFoundError as exc: print(exc.name, '|', exc)\n"
    )
    clean = {key: value for key, value in os.environ.items() if not key.startswith("COPYDESK_")}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**clean, "COPYDESK_CACHE": "off"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    assert done.stdout.startswith("gitlab | no backend 'gitlab' is installed (installed: ")
    assert done.stdout.endswith("pip install copydesk-gitlab\n")


# -- who refuses, and why -----------------------------------------------------------------------------


def lose_role(site: BehindGateway) -> None:
    site.gateway.roles = ("publisher",)


def turn_off(site: BehindGateway) -> None:
    site.gateway.site_known = False


def turn_off_as_hosted(site: BehindGateway) -> None:
    """The hosted one says it in a shape of its own."""
    body = b'{"message": "Unable to locate site configuration"}'
    site.gateway.inject(Answer(404, body), times=99)


def unconfigure(site: BehindGateway) -> None:
    setattr(site.gateway, site.name, None)


def break_upstream(site: BehindGateway) -> None:
    getattr(site.gateway, site.name).broken = True


def expire_upstream(site: BehindGateway) -> None:
    """GitLab's tokens last a year at the most."""
    site.upstream.expired_tokens.add("upstream-token")


def forge_token(site: BehindGateway) -> None:
    site.gateway.secret = "another secret that is long enough for everybody"


@attrs.frozen
class Case:
    happen: Callable[[BehindGateway], None]
    error: type[CopydeskError]
    words: str
    refreshes: int = 0


CASES = {
    "role": Case(lose_role, PermissionDeniedError, r"role doesn't allow.*the login is good.*ask the admin"),
    "off": Case(turn_off, ConfigError, r"Unable to locate site configuration.*is not enabled for this site"),
    "off, hosted": Case(turn_off_as_hosted, ConfigError, r"Unable to locate.*is not enabled for this site"),
    "no forge": Case(unconfigure, ConfigError, r"No Git(Hub|Lab) Settings Configured.*gateway_url"),
    "upstream": Case(
        break_upstream,
        PermissionDeniedError,
        r"(Bad credentials|401 Unauthorized).*the login is good, but the forge refuses the gateway's own token",
    ),
    # A fresh token may help, so one is fetched; the second refusal is told.
    "forged": Case(forge_token, AuthenticationError, r"signature is invalid.*COPYDESK_GIT_GATEWAY_TOKEN", 1),
}
OPERATIONS: dict[str, Callable[[Repository, str], object]] = {
    "get_branch": lambda repo, head: repo.get_branch("main"),
    "list_branches": lambda repo, head: repo.list_branches(),
    "delete_branch": lambda repo, head: repo.delete_branch("draft", head),
    "list_files": lambda repo, head: repo.list_files(head),
    "read_file": lambda repo, head: repo.read_file(head, "README.md"),
    "list_commits": lambda repo, head: repo.list_commits(head),
    "compare": lambda repo, head: repo.compare(head, "f" * 40),
    "list_pull_requests": lambda repo, head: repo.list_pull_requests("all", head="draft"),
    "list_checks": lambda repo, head: repo.list_checks(head),
    "commit_changes": lambda repo, head: repo.commit_changes(
        NewCommit("draft", head, (Put("new.md", b"new"),), "New")
    ),
    "authenticate": lambda repo, head: repo.authenticate(),
}


@before_both
@pytest.mark.parametrize("name", CASES)
def test_refusals_are_told_apart(site, settings, name):
    """By class and by words, at whatever is asked: none is read as something that is not there."""
    case, head = CASES[name], site.site.head("main")
    repository = site.open(settings, LOGIN)
    case.happen(site)
    for operation, call in OPERATIONS.items():
        before = len(site.identity.log)
        with pytest.raises(case.error, match=case.words) as caught:
            call(repository, head)
        assert type(caught.value) is case.error, operation
        assert len(site.identity.log) - before == case.refreshes, operation
    site.gateway.clear()


def test_token_of_the_gateway_that_expired(behind, settings):
    """GitLab says other words of it than of one that it never knew."""
    site = behind("gitlab")
    repository = site.open(settings, LOGIN)
    expire_upstream(site)
    with pytest.raises(PermissionDeniedError, match="the forge refuses the gateway's own token"):
        repository.get_branch("main")
    assert len(site.identity.log) == 1


def test_role_that_is_missing_at_opening(site, settings):
    site.gateway.roles = ("publisher", "owner")
    with pytest.raises(
        PermissionDeniedError,
        match="the role 'publisher' or 'owner', and this login has editor; ask the admin",
    ):
        site.open(settings)
    assert asked(site) == ["GET /settings"]


def test_role_that_one_has(site, settings):
    site.gateway.roles = ("publisher", "editor")
    assert site.open(settings).get_branch("main").commit_sha == site.site.head("main")


@before_both
def test_role_that_is_missing_where_the_address_names_the_forge(site, settings):
    """Nobody asked for the settings: the first request tells."""
    site.gateway.roles = ("publisher",)
    repository = site.open(settings, gateway_url=f"{site.options['gateway_url']}/{site.name}")
    with pytest.raises(PermissionDeniedError, match="has no role that the gateway takes"):
        repository.get_branch("main")


def test_upstream_that_is_away(site, settings):
    """The gateway's 502 has no body, and passes."""
    repository = site.open(settings)
    site.upstream.stop()
    with pytest.raises(UnavailableError, match="try again"):
        repository.get_branch("main")


@before_both
def test_branch_that_is_not_there(site, settings):
    """The default of the CMS is `master`, which many repositories have not."""
    repository = site.open(settings, branch="master")
    with pytest.raises(NotFoundError, match="no branch 'master' behind the gateway; 'branch' names"):
        repository.authenticate()
    with pytest.raises(NotFoundError, match="no branch 'other'"):
        repository.get_branch("other")


# -- who edits ----------------------------------------------------------------------------------------


def newest(site: BehindGateway, branch: str) -> pygit2.Commit:
    return site.site.git[site.site.head(branch)]


@before_both
def test_author_is_who_logged_in(site, settings):
    """The committer is the account of the gateway's token; but GitHub, not told one, takes the author."""
    workflow_of(site.open(settings, LOGIN)).save("posts", "new", b"new\n")
    commit = newest(site, "cms/posts/new")
    assert (commit.author.name, commit.author.email) == ("Ann Editor", EMAIL)
    assert commit.committer.name == ("Ann Editor" if site.name == "github" else "The Gateway")


@before_both
def test_author_that_the_caller_names_wins(site, settings):
    eve = User("eve", "Eve", "eve@example.org")
    workflow_of(site.open(settings)).save("posts", "new", b"new\n", author=eve)
    commit = newest(site, "cms/posts/new")
    assert (commit.author.name, commit.author.email) == ("Eve", "eve@example.org")


def test_author_without_a_name_is_called_by_the_address(site, settings):
    workflow_of(site.open(settings, token_of_ann(user_metadata={}))).save("posts", "new", b"new\n")
    commit = newest(site, "cms/posts/new")
    assert (commit.author.name, commit.author.email) == (EMAIL, EMAIL)


def test_token_that_does_not_tell_whose_it_is(site, settings):
    """The identity server is asked, once; here gateway and server take a token that is no JWT."""
    claims = {"email": EMAIL, "sub": site.identity.users[EMAIL].id}
    for server in (site.gateway, site.identity):
        server.opaque = {"opaque-token": claims}
    repository = site.open(settings, "opaque-token")
    assert repository.authenticate().user == User(EMAIL, "Ann Editor", EMAIL)
    workflow_of(repository).save("posts", "new", b"new\n")
    assert newest(site, "cms/posts/new").author.email == EMAIL
    assert [each.path.removeprefix(site.identity.root) for each in site.identity.log] == ["/user"]


# -- pages --------------------------------------------------------------------------------------------


def only_by_the_gateway(site: BehindGateway) -> bool:
    """Whether the forge was asked by the gateway's token alone, as often as the gateway was asked for it."""
    sent = [each.request_headers.get("Authorization") for each in site.upstream.log]
    through = [each for each in asked(site) if f" /{site.name}/" in each]
    return sent == ["Bearer upstream-token"] * len(through)


@before_both
def test_pages_are_those_of_the_gateway(site, settings):
    """Links to the next page lead to the forge itself (GitHub), or are relative (GitLab)."""
    propose_many(site.site, 101)
    tip = ""
    for number in range(101):
        tip = site.site.commit_files("long", {"n.md": b"%d" % number}, "More", start="main")
    repository = site.open(settings)
    site.gateway.clear()
    assert len(repository.list_pull_requests("open")) == 101
    assert len(repository.list_branches("cms/")) == 101
    assert len(repository.list_commits(tip, limit=101)) == 101
    assert len(site.gateway.log) >= 5
    assert only_by_the_gateway(site)


# -- what is not let through --------------------------------------------------------------------------


@before_both
def test_nothing_is_asked_for_that_the_gateway_refuses(site, settings):
    """Statuses, folders, previews and entries; archives, deployments, pipelines and GraphQL are left out."""
    repository = site.open(settings)
    workflow = workflow_of(repository)
    entry = workflow.save("posts", "new", b"new\n")
    site.site.add_status(
        entry.commit_sha, "deploy/preview", target_url="https://preview.example.org", ref="cms/posts/new"
    )
    (check,) = repository.list_checks(entry.commit_sha)
    assert check.url == "https://preview.example.org"
    assert workflow.preview("posts", "new").url == "https://preview.example.org"
    assert {file.path for file in repository.read_folder(entry.commit_sha, "content/posts")} >= {
        "content/posts/new.md"
    }
    assert [each.slug for each in workflow.entries()] == ["new"]
    workflow.published("posts")
    workflow.discard("posts", "new")
    assert site.gateway.refused == []
    assert only_by_the_gateway(site)


def criss_cross(site: BehindGateway, order: tuple[str, ...]) -> tuple[str, str]:
    """Make two branches that were merged into each other, and give their heads.

    Both have *one*, with *older* before it, and *two*; the second has merged a fork of *older* besides.

    :param order: that of the shas of the three.
    """
    git, root = site.site.git, site.site.head("main")

    def commit(name: str, *parents: str, number: int = 0) -> str:
        files = git.TreeBuilder(git[parents[0]].tree)
        files.insert(f"{name}.md", git.create_blob(name.encode()), pygit2.enums.FileMode.BLOB)
        ann = pygit2.Signature("Ann", EMAIL, 1_700_000_000 + number, 0)
        return str(git.create_commit(None, ann, ann, name, files.write(), list(parents)))

    for number in itertools.count():
        older, two = commit("older", root, number=number), commit("two", root, number=number)
        one = commit("one", older, number=number)
        names = {one: "one", two: "two", older: "older"}
        if tuple(names[sha] for sha in sorted(names)) == order:
            break
    left, right = commit("left", one, two), commit("right", two, one)
    head = commit("head", right, commit("fork", older))
    for branch, sha in (("left", left), ("right", head)):
        git.references.create(f"refs/heads/{branch}", pygit2.Oid(hex=sha), force=True)
    return left, head


def test_merge_base_of_a_draft_that_was_merged_into(behind, settings):
    """GitLab's own question for it is not let through; the comparisons tell."""
    site = behind("gitlab")
    stored = site.site
    stored.commit_files("side", {"side.md": b"1"}, "Side", start="main")
    stored.commit_files("main", {"main.md": b"1"}, "Main")
    stored.update_pull(stored.open_pull("Side", "side", "main"), stored.owner)
    tip = stored.commit_files("side", {"side.md": b"2"}, "More")
    stored.commit_files("main", {"main.md": b"2"}, "Main again")
    compared = site.open(settings).compare(stored.head("main"), tip)
    assert compared.merge_base_commit_sha == stored.merge_base(stored.head("main"), tip)
    assert compared.paths == {"side.md"}


def test_merge_base_of_branches_that_were_merged_into_each_other(behind, settings):
    """Either of the two best ones, and never one before them, in whatever order their shas are."""
    site = behind("gitlab")
    repository = site.open(settings)
    for order in itertools.permutations(("one", "two", "older")):
        left, head = criss_cross(site, order)
        command = ["git", "-C", str(site.site.path), "merge-base", "--all", left, head]
        best = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
        assert len(best) == 2
        compared = repository.compare(left, head)
        assert compared.merge_base_commit_sha in best, order
        deltas = site.site.git.diff(compared.merge_base_commit_sha, head).deltas
        assert compared.paths == {each.new_file.path for each in deltas}
