"""Large files on every forge: what is saved is in LFS, as git-lfs itself finds, and what is read is the file."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import attrs
import pytest
from copydesk import Delete, Move, NewCommit, Put, ReadOnly, Repository, Workflow, open_repository
from copydesk.config import parse_config
from copydesk.errors import (
    AuthenticationError,
    CopydeskError,
    InvalidInputError,
    NotFoundError,
    NotSupportedError,
    PermissionDeniedError,
    ProtocolError,
    UnavailableError,
)
from copydesk.extensions import DryRun
from copydesk.http import Gates, HttpSettings
from copydesk.lfs import Pointer, read_pointer

pytest.importorskip("graphql", reason="graphql-core is not installed")

from means.gateways import EMAIL, BehindGateway
from simulators.bitbucket import BitbucketSimulator
from simulators.gitea import GiteaSimulator
from simulators.github import GitHubSimulator
from simulators.gitlab import GitLabSimulator
from simulators.lfs import Bucket, LargeMedia, Objects
from simulators.store import Forge

ATTRIBUTES = b"static/img/** filter=lfs diff=lfs merge=lfs -text\n*.pdf filter=lfs diff=lfs merge=lfs -text\n"
FILES = {
    ".gitattributes": ATTRIBUTES,
    "content/posts/hello.md": b"hello\n",
    "static/logo.png": b"\x89PNG small enough for git",
}
SITE = b"""\
backend: {name: local}
publish_mode: editorial_workflow
media_folder: static/img
collections:
  - {name: posts, folder: content/posts}
"""
PHOTO = "static/img/photo.png"
POST = "content/posts/new.md"
IMAGE = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40
DRAFT = "cms/posts/new"
TOKEN = "full-token"


@attrs.define
class Place:
    """A site somewhere: *opener* opens it, *bare* is its repository on disk, *knobs* those of its LFS server."""

    name: str
    bare: Path
    opener: Callable[..., Repository]
    objects: Objects
    knobs: Any = None
    #: How git-lfs finds the objects of a clone; by itself where they are in the repository's own folder.
    config: tuple[str, ...] = ()
    is_gitlab: bool = False

    def open(self, **given: object) -> Repository:
        return self.opener(**given)


@pytest.fixture
def settings() -> HttpSettings:
    return HttpSettings(sleep=lambda _: None, gates=Gates(), environ={}, timeout=(5, 30))


@contextlib.contextmanager
def on_disk(folder: Path, settings: HttpSettings) -> Iterator[Place]:
    with contextlib.closing(Forge(folder)) as forge:
        bare = forge.add_repository("owner/site", FILES).path
        yield Place("local", bare, lambda **more: open_repository("local", repo=bare, branch="main", **more),
                    Objects.of_repository(bare))  # fmt: skip


def on_forge(name: str, simulate: Callable[[Forge], Any], *, elsewhere: bool, **options: object) -> Any:
    @contextlib.contextmanager
    def place(folder: Path, settings: HttpSettings) -> Iterator[Place]:
        forge = Forge(folder)
        forge.now = lambda: datetime.now(UTC)
        forge.add_token(TOKEN, forge.add_user("owner", "Site Owner", "owner@example.org"))
        bare = forge.add_repository("owner/site", FILES).path
        with contextlib.closing(forge), Bucket() as bucket, simulate(forge) as server:
            if elsewhere:
                server.lfs.bucket = bucket
            known = {"repo": "owner/site", "api_root": server.url + server.root, "branch": "main"}
            given = {**known, "credential": TOKEN, "http": settings, **options}
            opener = lambda **more: open_repository(name, **{**given, **more})  # noqa: E731
            place = Place(name, bare, opener, Objects.of_repository(bare), server.lfs)
            place.is_gitlab = name == "gitlab"
            yield place

    return place


def behind_gateway(forge: str) -> Any:
    @contextlib.contextmanager
    def place(folder: Path, settings: HttpSettings) -> Iterator[Place]:
        with (
            Bucket() as bucket,
            LargeMedia(folder / "media", bucket=bucket) as media,
            BehindGateway(folder / "forge", forge, FILES, {}) as behind,
        ):
            token = behind.identity.issue(EMAIL)
            media.tokens.add(token)
            root = media.url + media.root
            opener = lambda **more: behind.open(settings, token, large_media_url=root, **more)  # noqa: E731
            config = (f"lfs.url={root}", f"http.{media.url}/.extraHeader=Authorization: Bearer {token}")
            yield Place(
                "git_gateway", behind.site.path, opener, media.objects, media.lfs, config, forge == "gitlab"
            )

    return place


PLACES = {
    "local": on_disk,
    "github": on_forge("github", GitHubSimulator, elsewhere=True),
    "github-rest": on_forge("github", GitHubSimulator, elsewhere=False, use_graphql=False),
    "gitlab": on_forge("gitlab", GitLabSimulator, elsewhere=False),
    "bitbucket": on_forge("bitbucket", BitbucketSimulator, elsewhere=True),
    "gitea": on_forge("gitea", GiteaSimulator, elsewhere=False),
    "gateway-github": behind_gateway("github"),
    "gateway-gitlab": behind_gateway("gitlab"),
}
#: What differs from another place in its addresses alone is for who changes LFS. So is Gitea.
EVERY_DAY = ("local", "github", "gitlab")
TRIED = [pytest.param(name, marks=() if name in EVERY_DAY else pytest.mark.long) for name in PLACES]
#: Where 30 MB are moved several times.
MOST = [pytest.param(name, marks=() if name == "github" else pytest.mark.long) for name in PLACES]
ON_HTTP = [each for each in TRIED if each.values != ("local",)]


@pytest.fixture(params=TRIED)
def place(request, tmp_path, settings) -> Iterator[Place]:
    with PLACES[request.param](tmp_path / "place", settings) as place:
        yield place


on_http = pytest.mark.parametrize("place", ON_HTTP, indirect=True)
on_github = pytest.mark.parametrize("place", ["github"], indirect=True)


def workflow_on(repository: Repository) -> Workflow:
    return Workflow(repository, parse_config(SITE, "admin/config.yml"))


def head(repository: Repository) -> str:
    return repository.get_branch("main").commit_sha


def commit(repository: Repository, *changes: Put | Delete | Move) -> str:
    return repository.commit_changes(NewCommit("main", head(repository), changes, "Change")).commit_sha


def in_git(place: Place, path: str, branch: str = "main") -> bytes:
    """Give what git itself has of a file."""
    shown = ["git", "-C", str(place.bare), "cat-file", "blob", f"{branch}:{path}"]
    return subprocess.run(shown, capture_output=True, check=True).stdout


def git_lfs(folder: Path, tmp_path: Path, *arguments: str) -> str:
    """Run git with git-lfs as its filter and nothing else of anybody's configuration."""
    config = tmp_path / "gitconfig"
    if not config.exists():
        config.write_text(
            '[filter "lfs"]\n\tclean = git-lfs clean -- %f\n\tsmudge = git-lfs smudge -- %f\n'
            "\tprocess = git-lfs filter-process\n\trequired = true\n"
        )
    outer = {key: value for key, value in os.environ.items() if not key.startswith(("GIT_", "http", "HTTP"))}
    environment = {**outer, "GIT_CONFIG_GLOBAL": str(config), "GIT_CONFIG_SYSTEM": os.devnull}
    command = ["git", "-C", str(folder), *arguments]
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


needs_git_lfs = pytest.mark.skipif(shutil.which("git-lfs") is None, reason="git-lfs is not installed")


@needs_git_lfs
@pytest.mark.parametrize("place", MOST, indirect=True)
def test_large_image_and_a_text_in_one_commit_are_what_git_lfs_finds(place, tmp_path):
    """30 MB; published, cloned, and checked by git-lfs itself."""
    image = b"\x89PNG\r\n\x1a\n" + os.urandom(1 << 20) * 30
    with place.open() as repository:
        workflow = workflow_on(repository)
        workflow.save("posts", "new", {POST: b"new\n", PHOTO: image})
        (made,) = repository.list_pull_requests(head=DRAFT)
        assert repository.compare(head(repository), made.head_commit_sha).paths == {POST, PHOTO}
        assert len(repository.list_commits(made.head_commit_sha, PHOTO)) == 1
        workflow.set_status("posts", "new", "pending_publish")
        workflow.publish("posts", "new")
        assert repository.read_file(head(repository), PHOTO).content == image
    assert in_git(place, PHOTO) == Pointer.of(image).to_bytes()
    assert in_git(place, POST) == b"new\n"
    clone = tmp_path / "clone"
    config = [word for line in place.config for word in ("-c", line)]
    git_lfs(tmp_path, tmp_path, *config, "clone", "-q", f"file://{place.bare}", str(clone))
    assert (clone / PHOTO).read_bytes() == image
    assert git_lfs(clone, tmp_path, *config, "lfs", "fsck").splitlines() == ["Git LFS fsck OK"]


def test_what_is_not_tracked_goes_into_git(place):
    with place.open() as repository:
        commit(repository, Put("static/icon.png", IMAGE))
        assert repository.read_file(head(repository), "static/icon.png").content == IMAGE
    assert in_git(place, "static/icon.png") == IMAGE
    assert place.objects.oids() == []


def test_unchanged_file_is_not_wrapped_again(place):
    """Saved again as it was read, in an edit beside it, and as the pointer itself."""
    pointer = Pointer.of(IMAGE).to_bytes()
    with place.open() as repository:
        commit(repository, Put(PHOTO, IMAGE))
        file = repository.read_file(head(repository), PHOTO)
        assert file.content == IMAGE
        commit(repository, Put(PHOTO, file.content, file.version), Put("notes.md", b"beside\n"))
        assert in_git(place, PHOTO) == pointer
        file = repository.read_file(head(repository), PHOTO)
        commit(repository, Put(PHOTO, pointer, file.version), Put("more.md", b"beside\n"))
        assert in_git(place, PHOTO) == pointer
        commit(repository, Put("static/img/copy.png", pointer))
        assert in_git(place, "static/img/copy.png") == pointer
        assert repository.read_file(head(repository), "static/img/copy.png").content == IMAGE


def test_saving_an_entry_with_the_image_it_was_opened_with_changes_nothing_of_it(place):
    with place.open() as repository:
        workflow = workflow_on(repository)
        workflow.save("posts", "new", {POST: b"new\n", PHOTO: IMAGE})
        entry = workflow.get("posts", "new")
        contents = {file.path: file.content for file in workflow.read(entry)}
        assert contents == {POST: b"new\n", PHOTO: IMAGE}
        workflow.save("posts", "new", {**contents, POST: b"newer\n"}, based_on=entry.versions)
        (pull,) = repository.list_pull_requests(head=DRAFT)
        assert len(repository.list_commits(pull.head_commit_sha, PHOTO)) == 1
    assert in_git(place, PHOTO, DRAFT) == Pointer.of(IMAGE).to_bytes()


def test_empty_file_is_its_own_pointer(place):
    with place.open() as repository:
        commit(repository, Put(PHOTO, b""))
        assert repository.read_file(head(repository), PHOTO).content == b""
    # GitLab, which takes by itself what is new, makes a pointer even to nothing.
    assert in_git(place, PHOTO) in ({b"", Pointer.of(b"").to_bytes()} if place.is_gitlab else {b""})


def test_file_of_another_version_is_replaced_and_removed(place):
    with place.open() as repository:
        commit(repository, Put(PHOTO, IMAGE))
        version = repository.read_file(head(repository), PHOTO).version
        commit(repository, Put(PHOTO, IMAGE + b"!", version))
        file = repository.read_file(head(repository), PHOTO)
        assert file.content == IMAGE + b"!"
        commit(repository, Delete(PHOTO, file.version))
        with pytest.raises(NotFoundError):
            repository.read_file(head(repository), PHOTO)


def test_file_that_moves_into_lfs_and_out_of_it(place):
    with place.open() as repository:
        commit(repository, Put("static/icon.png", IMAGE))
        version = repository.read_file(head(repository), "static/icon.png").version
        commit(repository, Move("static/icon.png", PHOTO, version))
        assert in_git(place, PHOTO) == Pointer.of(IMAGE).to_bytes()
        version = repository.read_file(head(repository), PHOTO).version
        commit(repository, Move(PHOTO, "static/img/other.png", version))
        assert in_git(place, "static/img/other.png") == Pointer.of(IMAGE).to_bytes()
        version = repository.read_file(head(repository), "static/img/other.png").version
        commit(repository, Move("static/img/other.png", "static/icon.png", version))
        assert in_git(place, "static/icon.png") == IMAGE


def test_many_files_are_read_at_once(place):
    """With one question for all their objects."""
    images = {f"static/img/{number}.png": IMAGE + bytes([number]) for number in range(12)}
    with place.open() as repository:
        commit(repository, *(Put(path, content) for path, content in images.items()))
        at = head(repository)
        entries = repository.list_files(at, "static/img")
        assert {file.path: file.content for file in repository.read_files(at, entries)} == images
        assert {file.path: file.content for file in repository.read_folder(at, "static/img")} == images


def test_text_that_looks_like_a_pointer_is_a_text_where_nothing_is_tracked(place):
    """As documentation of LFS has it."""
    pointer = Pointer("a" * 64, 12).to_bytes()
    with place.open() as repository:
        commit(repository, Put("content/posts/lfs.md", pointer))
        assert repository.read_file(head(repository), "content/posts/lfs.md").content == pointer


def test_attributes_that_come_with_a_commit_hold_for_it(place):
    with place.open() as repository:
        version = repository.read_file(head(repository), ".gitattributes").version
        both = ATTRIBUTES + b"*.zip filter=lfs diff=lfs merge=lfs -text\n"
        commit(repository, Put(".gitattributes", both, version), Put("a.zip", IMAGE))
        assert in_git(place, "a.zip") == Pointer.of(IMAGE).to_bytes()
        if place.is_gitlab:
            return  # it takes what is new by the attributes before the commit, and cannot be told otherwise
        version = repository.read_file(head(repository), ".gitattributes").version
        commit(repository, Delete(".gitattributes", version), Put("static/img/b.png", IMAGE))
        assert in_git(place, "static/img/b.png") == IMAGE


def test_pointer_to_a_pointer_is_read_through(place):
    """Other programs have wrapped pointers; who saves such a file mends it."""
    inner = Pointer.of(IMAGE).to_bytes()
    place.objects.add(IMAGE)
    place.objects.add(inner)
    with place.open() as repository:
        commit(repository, Put(PHOTO, Pointer.of(inner).to_bytes()))
        file = repository.read_file(head(repository), PHOTO)
        assert file.content == IMAGE
        commit(repository, Put(PHOTO, file.content, file.version))
    assert in_git(place, PHOTO) == inner


def test_object_that_is_not_there_is_told_by_the_file(place):
    pointer = Pointer("b" * 64, 1234).to_bytes()
    with place.open() as repository:
        commit(repository, Put(PHOTO, pointer))
        at = head(repository)
        with pytest.raises(NotFoundError, match=r"static/img/photo\.png"):
            repository.read_file(at, PHOTO)


def refuse_upload(place: Place) -> None:
    place.knobs.fail_uploads(500, times=9)


def refuse_object(place: Place) -> None:
    place.knobs.refused[None] = (422, "no such files here")


@on_http
@pytest.mark.parametrize(
    ("trouble", "error", "words"),
    [
        (refuse_upload, UnavailableError, "500"),
        (refuse_object, InvalidInputError, r"refuses 'static/img/photo\.png': 'no such files here'"),
    ],
    ids=["upload", "batch"],
)
def test_upload_that_failed_leaves_no_commit(place, trouble, error, words):
    with place.open() as repository:
        before = head(repository)
        trouble(place)
        with pytest.raises(error, match=words):
            commit(repository, Put(PHOTO, IMAGE), Put("notes.md", b"beside\n"))
        with pytest.raises(CopydeskError):
            workflow_on(repository).save("posts", "new", {POST: b"new\n", PHOTO: IMAGE})
        assert head(repository) == before
        assert [branch.name for branch in repository.list_branches()] == ["main"]
        assert repository.list_pull_requests() == ()


@on_http
def test_upload_that_passes_the_second_time_is_made(place):
    place.knobs.fail_uploads(503)
    with place.open() as repository:
        commit(repository, Put(PHOTO, IMAGE))
    assert place.objects.read(Pointer.of(IMAGE).oid) == IMAGE


@on_http
def test_object_with_other_bytes_is_refused(place):
    with place.open() as repository:
        commit(repository, Put(PHOTO, IMAGE))
        at = head(repository)
        place.objects.path(Pointer.of(IMAGE).oid).write_bytes(IMAGE[::-1])
        if place.name == "bitbucket":
            pytest.skip("Bitbucket gives the file itself and tells no sha of it")
        with pytest.raises(ProtocolError, match="other bytes"):
            repository.read_file(at, PHOTO)


def test_damaged_object_on_disk_is_told(tmp_path, settings):
    with on_disk(tmp_path / "place", settings) as place, place.open() as repository:
        commit(repository, Put(PHOTO, IMAGE))
        place.objects.path(Pointer.of(IMAGE).oid).chmod(0o600)
        place.objects.path(Pointer.of(IMAGE).oid).write_bytes(IMAGE[::-1])
        with pytest.raises(ProtocolError, match="git lfs fsck"):
            repository.read_file(head(repository), PHOTO)


def test_read_only_repository_uploads_nothing(place):
    refused = pytest.raises(PermissionDeniedError, match="open read-only: upload_objects")
    with place.open(extensions=[ReadOnly()]) as repository, refused:
        commit(repository, Put(PHOTO, IMAGE))
    assert place.objects.oids() == []


def test_rehearsal_uploads_nothing_and_says_what_it_would(place):
    rehearsal = DryRun()
    with place.open(extensions=[rehearsal]) as repository:
        commit(repository, Put(PHOTO, IMAGE))
    assert place.objects.oids() == []
    assert rehearsal.planned[0] == f"store {PHOTO!r} by Git LFS"


# -- where the server is ------------------------------------------------------------------------------


def with_lfsconfig(repository: Repository, url: str) -> None:
    commit(repository, Put(".lfsconfig", f"[lfs]\n\turl = {url}\n\tlocksverify = false\n".encode()))


@on_github
def test_server_of_lfsconfig_elsewhere_gets_no_credential(place, tmp_path):
    """Whoever can write into the repository can name a server of their own."""
    from simulators.lfs import LFSSimulator

    with LFSSimulator(tmp_path / "other") as other:
        with place.open() as repository:
            with_lfsconfig(repository, other.url + other.root)
        with place.open() as repository:
            commit(repository, Put(PHOTO, IMAGE))
            assert repository.read_file(head(repository), PHOTO).content == IMAGE
        assert other.objects.oids() == [Pointer.of(IMAGE).oid]
        assert not any(TOKEN in str(each.request_headers) for each in other.log)
        assert not any("Authorization" in each.request_headers for each in other.log if "batch" in each.path)
        other.tokens["x"] = "write"
        with place.open() as repository, pytest.raises(AuthenticationError):
            commit(
                repository, Put(PHOTO, IMAGE + b"!", repository.read_file(head(repository), PHOTO).version)
            )


@on_github
def test_server_of_the_configuration_is_asked_before_that_of_lfsconfig(place, tmp_path):
    from simulators.lfs import LFSSimulator

    with LFSSimulator(tmp_path / "other") as other:
        other.tokens[TOKEN] = "write"
        with place.open() as repository:
            with_lfsconfig(repository, "https://nowhere.example.org/lfs")
        with place.open(large_media_url=other.url + other.root) as repository:
            commit(repository, Put(PHOTO, IMAGE))
        assert other.objects.oids() == [Pointer.of(IMAGE).oid]


@on_github
@pytest.mark.parametrize(
    "url", ["git@example.org:site.git", "https://user:secret@example.org/lfs", "http://example.org"]
)
def test_address_of_lfsconfig_that_cannot_be_used_is_told(place, url):
    with place.open() as repository:
        with_lfsconfig(repository, url)
    with place.open() as repository, pytest.raises(CopydeskError, match="https") as caught:
        commit(repository, Put(PHOTO, IMAGE))
    assert "secret" not in str(caught.value)


def test_gateway_without_large_media_says_what_to_set(tmp_path, settings):
    with (
        BehindGateway(tmp_path / "forge", "github", FILES, {}) as behind,
        behind.open(settings) as repository,
    ):
        before = head(repository)
        with pytest.raises(NotSupportedError, match=r"set large_media_url, or lfs\.url in"):
            commit(repository, Put(PHOTO, IMAGE))
        assert head(repository) == before


def test_pointers_are_read_as_git_lfs_writes_them():
    pointer = Pointer.of(IMAGE)
    assert read_pointer(pointer.to_bytes()) == pointer
    extended = pointer.to_bytes().replace(b"oid", b"ext-0-foo sha256:" + b"c" * 64 + b"\noid", 1)
    assert read_pointer(extended) == pointer
    for other in (
        b"",
        b"x",
        pointer.to_bytes() + b"more\n",
        pointer.to_bytes().replace(b"spec/v1", b"spec/v2"),
    ):
        assert read_pointer(other) is None
