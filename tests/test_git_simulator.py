"""What simulators answer git: real git clones from them, and the ways of the core read what it gets."""

from __future__ import annotations

import base64
import gzip
import os
import subprocess

import pytest
import requests

pytest.importorskip("graphql", reason="graphql-core is not installed")

from copydesk.blobs import blob_sha
from copydesk.http import Connector
from copydesk.models import Mode
from copydesk.ways import Listing, Wanted
from copydesk_bitbucket.api import DIALECT as BITBUCKET
from copydesk_gitea.api import DIALECT as GITEA
from copydesk_github.api import DIALECT as GITHUB
from copydesk_gitlab.api import DIALECT as GITLAB
from simulators.bitbucket import BitbucketSimulator
from simulators.gitea import GiteaSimulator
from simulators.github import GitHubSimulator
from simulators.github.validate import check
from simulators.gitlab import GitLabSimulator

FILES = {"README.md": b"read me\n", "content/posts/hello.md": b"hello\n", "bin/run": b"#!/bin/sh\n"}
FORGES = {
    "github": (GitHubSimulator, GITHUB, "owner/site"),
    "gitlab": (GitLabSimulator, GITLAB, "group/sub/site"),
    "bitbucket": (BitbucketSimulator, BITBUCKET, "owner/site"),
    "gitea": (GiteaSimulator, GITEA, "owner/site"),
}
POST, REFS = "POST /{}.git/git-upload-pack", "GET /{}.git/info/refs"


@pytest.fixture(params=FORGES)
def kind(request) -> str:
    return request.param


@pytest.fixture
def name(kind) -> str:
    return FORGES[kind][2]


@pytest.fixture
def repository(forge, name):
    return forge.add_repository(name, FILES, modes={"bin/run": 0o100755})


@pytest.fixture
def simulator(kind, forge, repository):
    with FORGES[kind][0](forge) as simulator:
        yield simulator


@pytest.fixture
def session():
    with requests.Session() as session:
        session.trust_env = False
        yield session


@pytest.fixture
def ways(kind, simulator, name, settings):
    connect = Connector(kind, "full-token", settings)
    connect(f"{simulator.url}{simulator.root}", FORGES[kind][1])
    yield connect.git_ways(f"{simulator.url}/{name}.git")
    connect.close()


def asked(simulator, name: str) -> list[str]:
    return [f"{each.method} {each.path}".replace(name, "{}") for each in simulator.log]


def basic(token: str) -> dict[str, str]:
    return {"Authorization": f"Basic {base64.b64encode(f'x-token-auth:{token}'.encode()).decode()}"}


def git(*arguments: object, token: str = "full-token") -> subprocess.CompletedProcess[str]:
    outer = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    told = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0"}
    header = f"http.extraHeader=Authorization: {basic(token)['Authorization']}"
    command = ["git", "-c", header, "-c", "user.name=a", "-c", "user.email=a@b.c", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, env={**outer, **told})


# -- git itself ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", [2, 0])
def test_git_clones_what_is_there(simulator, repository, name, tmp_path, version):
    repository.private = True
    simulator.git_server.version = version
    done = git("clone", "-q", f"{simulator.url}/{name}.git", tmp_path / "clone")
    assert done.returncode == 0, done.stderr
    assert {path: (tmp_path / "clone" / path).read_bytes() for path in FILES} == FILES
    assert os.access(tmp_path / "clone" / "bin" / "run", os.X_OK)
    assert git("-C", tmp_path / "clone", "fsck", "--strict").returncode == 0
    assert asked(simulator, name)[0] == REFS
    assert asked(simulator, name)[-1] == POST


def test_git_leaves_files_out_where_the_forge_has_filters(simulator, kind, name, tmp_path):
    """Bitbucket has none."""
    url = f"{simulator.url}/{name}.git"
    done = git("clone", "-q", "--bare", "--filter=blob:none", url, tmp_path / "clone")
    assert done.returncode == 0, done.stderr
    listed = git("-C", tmp_path / "clone", "rev-list", "--objects", "--all", "--missing=print").stdout
    assert listed.count("?") == (0 if kind == "bitbucket" else 3)


def test_nobody_pushes(simulator, name, tmp_path):
    git("clone", "-q", f"{simulator.url}/{name}.git", tmp_path / "clone")
    git("-C", tmp_path / "clone", "commit", "-q", "--allow-empty", "-m", "x")
    done = git("-C", tmp_path / "clone", "push", "origin", "HEAD")
    assert done.returncode != 0
    assert "403" in done.stderr


# -- who asks -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("private", "headers", "status"),
    [
        (False, {}, 200),
        (True, {}, 401),
        (True, basic("full-token"), 200),
        (True, basic("unknown"), 401),
        (False, basic("unknown"), 401),
        (True, basic("blind"), 404),
    ],
)
def test_who_may_fetch(simulator, repository, name, session, forge, private, headers, status):
    forge.add_token("blind", forge.add_user("stranger"), "none")
    repository.private = private
    url = f"{simulator.url}/{name}.git/info/refs?service=git-upload-pack"
    answer = session.get(url, headers=headers, timeout=10)
    assert answer.status_code == status
    assert ("WWW-Authenticate" in answer.headers) == (status == 401)


@pytest.mark.parametrize(("token", "status"), [("", 401), ("full-token", 404)])
def test_what_is_not_there_is_told_to_who_is_known(simulator, name, session, token, status):
    url = f"{simulator.url}/{name}-not.git/git-upload-pack"
    answer = session.post(url, headers=basic(token) if token else {}, timeout=10)
    assert answer.status_code == status


def test_other_types_are_refused(simulator, name, session):
    url = f"{simulator.url}/{name}.git"
    assert session.post(f"{url}/git-upload-pack", data=b"0000", timeout=10).status_code == 415
    assert session.get(f"{url}/info/refs?service=git-receive-pack", timeout=10).status_code == 403
    headers = {"Content-Type": "application/x-git-upload-pack-request", "Content-Encoding": "gzip"}
    answer = session.post(f"{url}/git-upload-pack", data=b"no gzip", headers=headers, timeout=10)
    assert answer.status_code == 400


def test_a_compressed_question_has_the_same_answer(simulator, name, session):
    url, body = f"{simulator.url}/{name}.git/git-upload-pack", b"0014command=ls-refs\n0000"
    headers = {"Content-Type": "application/x-git-upload-pack-request", "Git-Protocol": "version=2"}
    plain = session.post(url, data=body, headers=headers, timeout=10)
    packed = {**headers, "Content-Encoding": "gzip"}
    again = session.post(url, data=gzip.compress(body), headers=packed, timeout=10)
    assert b" refs/heads/main\n" in plain.content
    assert again.content == plain.content


def test_an_answer_is_as_new_as_the_branches(simulator, repository, name, session):
    """Answers are kept, and made anew where a branch has moved."""
    url, body = f"{simulator.url}/{name}.git/git-upload-pack", b"0014command=ls-refs\n0000"
    headers = {"Content-Type": "application/x-git-upload-pack-request", "Git-Protocol": "version=2"}
    session.post(url, data=body, headers=headers, timeout=10)
    head = repository.commit_files("main", {"new.md": b"new\n"})
    assert head.encode() in session.post(url, data=body, headers=headers, timeout=10).content


def test_githubs_description_is_not_held_against_git(forge):
    forge.add_repository("owner/site", FILES)
    with GitHubSimulator(forge) as simulator:
        assert git("ls-remote", f"{simulator.url}/owner/site.git").returncode == 0
        assert simulator.log
        for exchange in simulator.log:
            check(exchange)


# -- the ways of the core -----------------------------------------------------------------------------


def test_the_ways_read_from_every_forge_with_its_own_credential(simulator, repository, ways, kind, name):
    """Bitbucket is asked once what it can do: it has no filters."""
    repository.private = True
    head = repository.head("main")
    trees, blobs = ways
    listing, *contents = trees.read(Wanted((head,)))
    assert isinstance(listing, Listing)
    found = {entry.path: (entry.version.blob_sha, entry.version.mode) for entry in listing.entries}
    assert found == {
        path: (blob_sha(content), Mode.EXECUTABLE if path == "bin/run" else Mode.FILE)
        for path, content in FILES.items()
    }
    assert sorted(contents) == sorted(FILES.values())
    assert sorted(blobs.read(Wanted((head,), entries=listing.entries))) == sorted(FILES.values())
    first = [POST, REFS, POST] if kind == "bitbucket" else [POST]
    assert asked(simulator, name) == [*first, POST]
    assert all(each.request_headers["Authorization"].startswith("Basic ") for each in simulator.log)
