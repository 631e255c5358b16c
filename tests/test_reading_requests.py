"""What loading a site costs on each forge: requests, exactly, from an open repository that knows nothing yet."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from copydesk import Workflow
from copydesk.config import parse_config

pytest.importorskip("graphql", reason="graphql-core is not installed")
pytest.importorskip("dulwich", reason="dulwich is not installed")

from means.costs import propose_many
from means.places import FORGES, GATEWAYS, Place, place

N = 1000
FOLDER = "content/posts"
SITE = b"""\
backend: {name: github, repo: owner/site}
publish_mode: editorial_workflow
collections:
  - {name: posts, label: Post, folder: content/posts}
"""


def path_of(number: int) -> str:
    return f"{FOLDER}/p{number:05}.md"


def text_of(number: int, word: str = "as it was") -> bytes:
    return b"".join(b"line %d of post %d, %s\n" % (line, number, word.encode()) for line in range(8))


FILES = {path_of(number): text_of(number) for number in range(N)}
CHANGED = {path_of(number * 40): text_of(number * 40, "changed") for number in range(25)}


@pytest.fixture
def cache(tmp_path, monkeypatch) -> None:
    """Keep what is read, for this test alone."""
    monkeypatch.setenv("COPYDESK_CACHE", "on")
    monkeypatch.setenv("COPYDESK_CACHE_DIR", str(tmp_path / "cache"))


@pytest.fixture
def at(request, tmp_path, settings, cache) -> Iterator[Place]:
    with place(request.param, tmp_path / "place", settings, FILES) as made:
        yield made


def on(*names: str) -> pytest.MarkDecorator:
    """Try at some places; what differs from another in its REST alone is for who changes reading."""
    tried = [pytest.param(name, marks=[pytest.mark.long] if name.endswith("-rest") else []) for name in names]
    return pytest.mark.parametrize("at", tried, indirect=True)


def load(repository) -> dict[str, bytes]:
    return {file.path: file.content for file in repository.read_all(FOLDER)}


# -- cold ---------------------------------------------------------------------------------------------


@on(*FORGES)
def test_cold_by_git(at):
    """The head of the branch, and all the rest; Bitbucket's server is asked first what it can do."""
    with at.open() as repository, at.costs(3 if at.name == "bitbucket" else 2):
        assert load(repository) == FILES


@on("bitbucket")
def test_cold_by_the_first_version_of_gits_protocol(at):
    at.server.git_server.version = 0
    with at.open() as repository, at.costs(2):
        assert load(repository) == FILES


@on("github", "github-rest", "gitlab", "gitlab-rest")
def test_cold_by_an_archive(at):
    """GitHub: the head, the tree, and the archive at the address where it is. GitLab: the archive, which tells the
    head, and what its folder has to be. The first time, that git is refused, and then its way to the head.
    """
    requests = 4 if at.name.startswith("github") else 2
    refused = requests + (1 if at.name.startswith("github") else 2)
    at.server.git_server.refused = 403
    with at.open() as repository:
        repository.remembers = False
        with at.costs(refused):
            assert load(repository) == FILES
        with at.costs(requests):
            assert load(repository) == FILES


@pytest.mark.long
@on(*GATEWAYS)
def test_cold_behind_a_gateway(at):
    """The head, the tree, which GitLab gives by hundreds, and each file."""
    pages = 1 if at.name == "gateway-github" else N // 100
    with at.open() as repository, at.costs(1 + pages + N):
        assert load(repository) == FILES


# -- warm ---------------------------------------------------------------------------------------------


@on(*FORGES)
@pytest.mark.parametrize("same", [True, False], ids=["same process", "another"])
def test_warm_unchanged(at, same):
    first = at.open()
    load(first)
    with first if same else at.open() as repository, at.costs(1):
        assert load(repository) == FILES
    first.close()


@on(*FORGES)
def test_warm_with_25_changed(at):
    with at.open() as repository:
        load(repository)
    at.site.commit_files("main", CHANGED, "Edit many")
    with at.open() as repository, at.costs(3 if at.name == "bitbucket" else 2):
        before = len(at.server.log)
        assert load(repository) == FILES | CHANGED
        got = sum(len(each.response_bytes) for each in at.server.log[before:])
    assert got < 25_000


@on("github", "github-rest", "gitlab", "gitea")
def test_own_commit_is_not_read_again(at):
    config = SITE.replace(b"collections", b"publish_mode: simple\ncollections").replace(
        b"publish_mode: editorial_workflow\n", b""
    )
    with at.open() as repository:
        workflow = Workflow(repository, parse_config(config, "config.yml"))
        load(repository)
        entry = workflow.get("posts", "p00007")
        workflow.save("posts", "p00007", b"mine\n", based_on=entry.versions)
        with at.costs(1):
            assert load(repository) == FILES | {path_of(7): b"mine\n"}


# -- drafts -------------------------------------------------------------------------------------------


@on(*FORGES)
@pytest.mark.parametrize("drafts", [1, 20])
def test_drafts_with_their_contents(at, drafts):
    """The list, the paths of each draft where the list does not tell them, and one for all that they hold."""
    propose_many(at.site, drafts)
    listed = {"github": 1, "gitlab": 1, "bitbucket": 2 + drafts}.get(at.name, 1 + drafts)
    with at.open() as repository:
        load(repository)
        workflow = Workflow(repository, parse_config(SITE, "config.yml"))
        before = len(at.server.log)
        found = {entry.slug: [file.content for file in files] for entry, files in workflow.load_drafts()}
        asked = len(at.server.log) - before
    assert found == {f"p{number}": [b"x\n"] for number in range(drafts)}
    assert asked == listed + 1


@on("github")
def test_drafts_of_the_same_path_come_together_too(at):
    for number in range(3):
        branch = f"cms/posts/p{number}"
        changes = {path_of(number): b"draft %d\n" % number, "data/index.yml": b"index %d\n" % number}
        at.site.commit_files(branch, changes, "x", start="main")
        at.site.open_pull("x", branch, "main", labels=["netlify-cms/draft"])
    with at.open() as repository:
        load(repository)
        workflow = Workflow(repository, parse_config(SITE, "config.yml"))
        with at.costs(2):
            found = {entry.slug: {file.content for file in files} for entry, files in workflow.load_drafts()}
    assert found == {f"p{number}": {b"draft %d\n" % number, b"index %d\n" % number} for number in range(3)}


@on("github")
def test_commit_whose_tree_is_known_is_read_by_what_found_the_head(at):
    with at.open() as repository:
        repository.list_files(at.site.head("main"))
        with at.costs(2):
            assert load(repository) == FILES
        with at.costs(1):
            assert load(repository) == FILES
