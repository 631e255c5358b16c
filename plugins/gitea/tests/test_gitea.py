"""What is Gitea's own: labels with numbers, patches, several ways to read, its pages, refusals and limits."""

from __future__ import annotations

import base64

import attrs
import pytest

pytest.importorskip("simulators.gitea", reason="the simulators are not beside these tests")

from copydesk import ConflictError, NotMergeableError, Repository, Workflow, open_repository
from copydesk.auth import Refresher, login_flows
from copydesk.blobs import blob_sha
from copydesk.errors import (
    AuthenticationError,
    ConfigError,
    InvalidInputError,
    NotFoundError,
    PermissionDeniedError,
    ProtocolError,
    UnavailableError,
)
from copydesk.http import Gates
from copydesk.lfs import Pointer
from copydesk.models import Credential, Delete, FileVersion, Mode, Move, NewCommit, NewPullRequest, Put
from copydesk.options import GiteaOptions, build_options
from copydesk.testing import Answer
from copydesk_gitea.patch import needs_patch, write_patch
from means.editors import FILES, HELLO, EditorsMeet, finishes_after_any_cut, workflow_of
from means.races import FILES as RACED
from means.races import race, replaced_in_git

DRAFT = "netlify-cms/draft"


@pytest.fixture
def seeded(forge):
    return forge.add_repository("owner/site", FILES, modes={"bin/run": 0o100755})


@pytest.fixture
def repository(seeded, open_site) -> Repository:
    return open_site()


@pytest.fixture
def workflow(repository) -> Workflow:
    return workflow_of(repository)


def open_again(repository: Repository, settings) -> Repository:
    """Open it as another process does, that knows nothing."""
    known = repository.options
    http = attrs.evolve(settings, gates=Gates())
    return open_repository(
        "gitea", repo=known.repo, api_root=known.api_root, credential="full-token", http=http
    )


@pytest.fixture
def second(repository, settings) -> Workflow:
    return workflow_of(open_again(repository, settings))


def head_of(repository: Repository, branch: str = "main") -> str:
    return repository.get_branch(branch).commit_sha


def commit(repository: Repository, *changes: Put | Delete | Move, branch: str = "main") -> str:
    head = head_of(repository, branch)
    return repository.commit_changes(NewCommit(branch, head, changes, "Change")).commit_sha


def asked(repository: Repository) -> list[str]:
    return [f"{each.method} {each.path.partition('/site')[2]}" for each in repository.simulator.log]


# -- two editors --------------------------------------------------------------------------------------


def is_create(request) -> bool:
    return request.method == "POST" and request.path.endswith("/pulls")


def is_commit(request) -> bool:
    return request.method == "POST" and request.path.endswith("/contents")


class TestEditors(EditorsMeet):
    commits = is_commit
    opens = is_create


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_reset_at_every_request_of_a_save(open_site, forge, after, settings):
    def make(name: str):
        site = forge.add_repository(f"owner/{name}", FILES)
        return site, open_site(repo=f"owner/{name}")

    requests = finishes_after_any_cut(
        make,
        lambda repository: open_again(repository, settings),
        after=after,
        labels=lambda site: site.pulls()[0].labels,
    )
    assert requests > 3


@pytest.mark.parametrize("rounds", [20, pytest.param(200, marks=pytest.mark.long)])
@pytest.mark.parametrize("paths", [("a.md", "b.md"), ("a.md", "a.md")], ids=["different", "same"])
def test_races_lose_nothing(forge, open_site, settings, paths, rounds):
    """Every file is checked where its commit then stands: whoever comes second replaces nothing unseen."""
    stored = forge.add_repository("owner/site", RACED)
    first = open_site(branch="main")
    writers = race(first, open_again(first, settings), paths, rounds)
    replaced = {path: replaced_in_git(stored, path) for path in set(paths)}
    intended = {**writers[0].intended, **writers[1].intended}
    for path in set(paths):
        assert all(intended[new] == old for new, old in replaced[path].items())
    refused = sum(writer.refused for writer in writers)
    assert sum(map(len, replaced.values())) + refused == 2 * rounds
    assert (refused > 0) == (len(set(paths)) == 1)
    assert writers[0].told == writers[1].told == {}


def test_push_that_comes_too_late_is_made_again(repository, seeded):
    """Gitea checks, commits and pushes: a branch that moved in between refuses the push, and that is a 500."""

    def come_in_between() -> None:
        repository.simulator.before_push = None
        seeded.commit_files("main", {"theirs.md": b"t"}, "By somebody else")

    head = head_of(repository)
    theirs_first = NewCommit("main", head, (Put("mine.md", b"m"),), "Mine")
    repository.simulator.before_push = come_in_between
    made = repository.commit_changes(theirs_first)
    assert seeded.head("main") == made.commit_sha
    assert {"mine.md", "theirs.md"} <= {entry.path for entry in repository.list_files(made.commit_sha)}


def test_new_branch_tells_what_slipped_into_its_base(repository, seeded):
    """It starts at the name of the base, which has moved: the parent in the answer says so."""
    head = head_of(repository)
    theirs = seeded.commit_files("main", {"theirs.md": b"t"}, "By somebody else")
    made = repository.commit_changes(
        NewCommit("cms/posts/new", head, (Put("new.md", b"n"),), "New", creates_branch=True)
    )
    assert made.parent_commit_shas == (theirs,)


def test_new_branch_on_a_base_that_changed_the_file_is_refused(repository, seeded):
    head = head_of(repository)
    version = repository.read_file(head, HELLO).version
    seeded.commit_files("main", {HELLO: b"theirs\n"}, "By somebody else")
    with pytest.raises(ConflictError) as caught:
        repository.commit_changes(
            NewCommit("cms/posts/hello", head, (Put(HELLO, b"m", version),), "x", creates_branch=True)
        )
    assert caught.value.paths == (HELLO,)
    assert caught.value.versions[HELLO].blob_sha == blob_sha(b"theirs\n")
    assert [name for name, _ in seeded.branches()] == ["main"]


def test_branch_that_was_made_for_a_commit_goes_with_its_refusal(repository, seeded, settings):
    """No branch is at the parent, so one is made there; the commit is refused, and nothing is left."""
    before = head_of(repository)
    seeded.commit_files("main", {"beside.md": b"x"}, "By somebody else")
    repository.simulator.inject(
        Answer(422, b'{"message": "no", "url": "https://gitea.example/api/swagger"}'), when=is_commit
    )
    other = open_again(repository, settings)
    with pytest.raises(InvalidInputError, match="'no'"):
        other.commit_changes(NewCommit("side", before, (Put("x.md", b"x"),), "x", creates_branch=True))
    assert [name for name, _ in seeded.branches()] == ["main"]


# -- what the contents interface cannot do ------------------------------------------------------------


def test_modes_are_made_kept_and_moved(repository, seeded):
    """Symlinks and new executables go by a patch, in one commit with the rest."""
    head = head_of(repository)
    there = {entry.path: entry.version for entry in repository.list_files(head)}
    made = repository.commit_changes(
        NewCommit(
            "main",
            head,
            (
                Put("new", b"#!\n", mode=Mode.EXECUTABLE),
                Put("link", b"new", mode=Mode.SYMLINK),
                Put(HELLO, b"edited", there[HELLO]),
                Move("bin/run", "bin/ran", there["bin/run"]),
                Delete("content/posts/world.md", there["content/posts/world.md"]),
            ),
            "All",
        )
    )
    tree = seeded.git[made.commit_sha].tree
    assert {path: int(tree[path].filemode) for path in ("new", "link", HELLO, "bin/ran")} == {
        "new": 0o100755,
        "link": 0o120000,
        HELLO: 0o100644,
        "bin/ran": 0o100755,
    }
    assert tree["bin/ran"].data == FILES["bin/run"]
    assert "world.md" not in tree["content/posts"]
    assert "POST /diffpatch" in asked(repository)
    assert made.versions["link"] == FileVersion(blob_sha(b"new"), Mode.SYMLINK)


def test_plain_edit_of_an_executable_needs_no_patch(repository, seeded):
    version = repository.read_file(head_of(repository), "bin/run").version
    made = commit(repository, Put("bin/run", b"#!/bin/sh\n", version))
    assert int(seeded.git[made].tree["bin/run"].filemode) == 0o100755
    assert "POST /diffpatch" not in asked(repository)


def test_patch_onto_a_head_that_moved_is_made_again(repository, seeded):
    """git would merge it into what came in between: the branch is looked at first."""
    head = head_of(repository)
    seeded.commit_files("main", {"theirs.md": b"t"}, "By somebody else")
    made = repository.commit_changes(
        NewCommit("main", head, (Put("run", b"#!", mode=Mode.EXECUTABLE),), "Mine")
    )
    assert "theirs.md" in seeded.git[made.commit_sha].tree


def test_patch_on_a_new_branch(repository, seeded):
    head = head_of(repository)
    made = repository.commit_changes(
        NewCommit("side", head, (Put("run", b"#!", mode=Mode.EXECUTABLE),), "x", creates_branch=True)
    )
    assert made.parent_commit_shas == (head,)
    assert seeded.head("side") == made.commit_sha


def test_pointer_stays_a_pointer(repository, seeded):
    """The contents interface makes an object of the pointer itself, where .gitattributes track its path."""
    commit(repository, Put(".gitattributes", b"*.bin filter=lfs diff=lfs merge=lfs -text\n"))
    content = bytes(range(256))
    made = commit(repository, Put("a.bin", content), Put("beside.md", b"b"))
    assert seeded.git[made].tree["a.bin"].data == Pointer.of(content).to_bytes()
    version = repository.read_file(made, "a.bin").version
    moved = commit(repository, Move("a.bin", "b.bin", version))
    assert seeded.git[moved].tree["b.bin"].data == Pointer.of(content).to_bytes()


def test_file_that_gitea_makes_another_one_of_is_told(repository, seeded):
    """Attributes that came in between may do so; it is never silent."""
    head = head_of(repository)
    repository.list_files(head)
    seeded.commit_files("main", {".gitattributes": b"*.bin filter=lfs\n"}, "By somebody else")
    with pytest.raises(ProtocolError, match=r"another file of 'a\.bin'.*\.gitattributes"):
        repository.commit_changes(NewCommit("main", head, (Put("a.bin", b"a"),), "x"))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ((Put("a", b"a"),), False),
        ((Put("a", b"a", FileVersion("1" * 40, Mode.EXECUTABLE)),), False),
        ((Put("a", b"a", mode=Mode.EXECUTABLE),), True),
        ((Put("a", b"a", FileVersion("1" * 40, Mode.SYMLINK)),), True),
        ((Delete("a", FileVersion("1" * 40, Mode.SYMLINK)),), False),
        ((Move("a", "b", FileVersion("1" * 40, Mode.SYMLINK), b"x"),), True),
        ((Delete("a/b", FileVersion("1" * 40)), Put("a", b"a")), True),
        ((Delete("a", FileVersion("1" * 40)), Put("a/b", b"a")), True),
        ((Put("deep/.gitattributes", b"a"),), True),
        ((Put("a", Pointer("a" * 64, 1).to_bytes()),), True),
        ((Put("a", b""),), True),
    ],
    ids=range(11),
)
def test_patch_is_for_what_the_contents_interface_does_otherwise(changes, expected):
    assert needs_patch(NewCommit("main", "1" * 40, changes, "x"), {}) is expected


def test_patch_names_blobs_and_modes():
    new = NewCommit("main", "1" * 40, (Put('q"\t\u00fc', b"x", mode=Mode.EXECUTABLE),), "x")
    lines = write_patch(new, {}).splitlines()
    assert lines[0] == r'diff --git "a/q\"\t\303\274" "b/q\"\t\303\274"'
    assert lines[1:3] == ["new file mode 100755", f"index {'0' * 40}..{blob_sha(b'x')}"]
    assert lines[3:5] == ["GIT binary patch", "literal 1"]


# -- reading ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("batches", [("file-contents",), ("blobs",), ()], ids=str)
def test_many_files_are_read_whole_in_every_way(forge, open_site, batches):
    """Symlinks, what is more than a blob may be, and what no longer fits in a batch among them."""
    files = {f"p/{number}.md": b"%d" % number for number in range(70)}
    files |= {"p/large.bin": b"\0" * 3000, "p/link": b"0.md", "p/empty": b""}
    forge.add_repository("owner/site", files, modes={"p/link": 0o120000})
    repository = open_site()
    repository.simulator.batches = batches
    repository.simulator.blob_limit = 2000
    repository.simulator.batch_limit = 20
    head = head_of(repository)
    read = repository.read_folder(head, "p")
    assert {file.path: file.content for file in read} == files


def test_trees_are_listed_to_the_last_page(forge, open_site):
    """ "truncated" means that there is another page."""
    files = {f"p/{number:04}.md": b"x" for number in range(120)}
    forge.add_repository("owner/site", files)
    repository = open_site()
    repository.simulator.tree_limit = 50
    head = head_of(repository)
    assert [entry.path for entry in repository.list_files(head)] == sorted(files)
    assert repository.read_file(head, "p/0119.md").content == b"x"


@pytest.mark.parametrize("change", [{"total_count": 9}, {"truncated": True, "tree": []}], ids=str)
def test_tree_that_is_not_whole_is_no_answer(repository, change):
    import json

    head = head_of(repository)
    tree = {"tree": [], "truncated": False, "total_count": 0, **change}
    body = json.dumps(tree).encode()
    repository.simulator.inject(Answer(200, body), when=lambda request: "/git/trees/" in request.path)
    with pytest.raises(UnavailableError, match=r"short|of the 9 entries"):
        repository.list_files(head)


def test_links_that_begin_with_another_name_are_followed_here(repository, seeded):
    """ROOT_URL is what the instance calls itself; the credential goes where the caller said."""
    repository.simulator.root_url = "https://elsewhere.example"
    for number in range(70):
        seeded.commit_files(f"many/{number:03}", {"x.md": b"x"}, "x", start="main")
    assert len(repository.list_branches("many/")) == 70


def test_refusal_by_a_server_in_front_says_nothing_of_what_is_there(repository):
    """A proxy's 404 is asked again: what is absent is told by Gitea itself."""
    head = head_of(repository)
    repository.simulator.inject(
        Answer(404, b"<html>", content_type="text/html"), when=lambda request: "/git/trees/" in request.path
    )
    assert len(repository.list_files(head)) == len(FILES)


def test_file_by_a_wrong_version_is_not_given(repository):
    entry = repository.list_files(head_of(repository))[0]
    gone = attrs.evolve(entry.version, blob_sha="1" * 40)
    with pytest.raises(NotFoundError, match="has no blob 1111"):
        repository.backends[0].read_file(head_of(repository), entry.path, gone)


def test_commits_that_have_nothing_in_common_cannot_be_compared(repository, seeded):
    """Gitea lists nothing then, as for a head that the base contains."""
    from simulators.git import edit_tree, write_commit

    git = seeded.git
    tree = edit_tree(git, None, {"x": (0o100644, str(git.create_blob(b"x")))})
    alone = write_commit(git, tree, [], "alone", seeded.signature(seeded.owner))
    for base, head in ((head_of(repository), alone), (alone, head_of(repository))):
        with pytest.raises(NotFoundError, match="no common history"):
            repository.compare(base, head)


def test_merge_base_of_a_draft_that_holds_merges(repository, workflow, seeded):
    """Of several commits where it touches the base the last one counts."""
    workflow.save("posts", "new", b"new\n")
    for number in range(2):
        seeded.commit_files("main", {f"{number}.md": b"x"}, "Beside")
        (pull,) = repository.list_pull_requests("open")
        repository.update_from_base(pull)
    base = seeded.head("main")
    seeded.commit_files("main", {"later.md": b"x"}, "Later")
    found = repository.compare(seeded.head("main"), seeded.head("cms/posts/new"))
    assert found.merge_base_commit_sha == base
    assert found.paths == {"content/posts/new.md"}


def test_merge_base_of_a_head_that_holds_something_older_too(repository, seeded):
    """What was merged last begins before the merge base, and is listed first."""
    import pygit2
    from simulators.git import write_commit

    git, old = seeded.git, seeded.head("main")
    base = seeded.commit_files("main", {"later.md": b"x"}, "Later")
    tree = git[base].tree_id

    def made(seconds: int, *parents: str) -> str:
        time = git[base].commit_time + seconds
        return write_commit(git, tree, list(parents), "x", pygit2.Signature("A", "a@example.org", time, 0))

    head = made(4, made(2, made(1, old), base), made(3, old))
    assert repository.compare(base, head).merge_base_commit_sha == base


def test_files_of_a_pull_request_that_lag_behind_are_compared(repository, workflow):
    draft = workflow.save("posts", "new", b"new\n")
    workflow.save("posts", "new", {"static/x.png": b"x"}, based_on=draft.versions)
    repository.simulator.stale_files = True
    (pull,) = repository.list_pull_requests("open")
    assert {file.path for file in repository.list_changed_files(pull)} == {
        "content/posts/new.md",
        "static/x.png",
    }


# -- labels and pull requests -------------------------------------------------------------------------


def test_labels_are_made_once_and_found_by_name_on_any_page(repository, workflow, seeded):
    """A list of labels links to no other page; of one name Gitea would make two."""
    for number in range(120):
        seeded.create_label(f"other/{number}")
    seeded.create_label("netlify-cms/pending_review", "#ffffff")
    workflow.save("posts", "new", b"new\n")
    workflow.set_status("posts", "new", "pending_review")
    made = [each for each in asked(repository) if each == "POST /labels"]
    assert len(made) == 1
    assert seeded.pull(1).labels == ["netlify-cms/pending_review"]


def test_label_that_was_deleted_meanwhile_is_made_again(repository, workflow, seeded):
    """Gitea leaves out a number that it does not know, without a word."""
    workflow.save("posts", "one", b"1\n")
    del seeded.labels[DRAFT]
    seeded.pull(1).labels.clear()
    assert workflow.save("posts", "two", b"2\n").problem == ""
    assert seeded.pull(2).labels == [DRAFT]


def test_label_longer_than_gitea_holds_is_refused(repository, seeded):
    seeded.commit_files("side", {"x.md": b"x"}, "x", start="main")
    with pytest.raises(InvalidInputError, match=r"\[Name\]: MaxSize.*correct it"):
        repository.create_pull_request(NewPullRequest("X", "", "side", "main", labels=("x" * 51,)))
    assert seeded.pulls() == ()


def test_branch_longer_than_gitea_holds_is_refused(repository):
    head = head_of(repository)
    new = NewCommit("b" * 101, head, (Put("x.md", b"x"),), "x", creates_branch=True)
    with pytest.raises(InvalidInputError, match=r"\[NewBranchName\]: MaxSize"):
        repository.commit_changes(new)


def test_pull_request_that_is_still_being_checked_is_waited_for(repository, workflow, seeded):
    workflow.save("posts", "new", b"new\n")
    workflow.set_status("posts", "new", "pending_publish")
    repository.simulator.checking = 2
    workflow.publish("posts", "new")
    assert seeded.pull(1).state == "merged"


def test_pull_request_that_is_checked_for_ever_is_told(repository, workflow, seeded):
    workflow.save("posts", "new", b"new\n")
    workflow.set_status("posts", "new", "pending_publish")
    repository.simulator.checking = 99
    with pytest.raises(NotMergeableError, match="try again later"):
        workflow.publish("posts", "new")
    assert seeded.pull(1).state == "open"


def test_branch_that_another_pull_request_needs_stays_after_a_merge(repository, seeded):
    """Gitea says nothing of it in its answer, which is empty."""
    seeded.commit_files("other", {"o.md": b"o"}, "x", start="main")
    seeded.commit_files("side", {"x.md": b"x"}, "x", start="main")
    pull = repository.create_pull_request(NewPullRequest("X", "", "side", "main"))
    repository.create_pull_request(NewPullRequest("X", "", "side", "other"))
    merge = repository.merge_pull_request(pull)
    assert merge.branch_deleted is False
    assert merge.commit_sha == seeded.head("main")
    assert seeded.head("side") == pull.head_commit_sha


def test_draft_of_gitea_is_told_as_one(repository, workflow, seeded):
    workflow.save("posts", "new", b"new\n")
    workflow.set_status("posts", "new", "pending_publish")
    seeded.pull(1).draft = True
    with pytest.raises(NotMergeableError) as caught:
        workflow.publish("posts", "new")
    assert caught.value.reason == "draft"


def test_pull_request_of_a_fork_that_is_gone_is_told_beside_the_others(repository, seeded):
    sha = seeded.commit_files("theirs", {"t.md": b"x"}, "Theirs", start="main")
    seeded.open_pull("T", "cms/posts/t", "main", fork="stranger/site", head_sha=sha, fork_deleted=True)
    (pull,) = repository.list_pull_requests("open")
    assert "fork that it came from is gone" in pull.problem
    assert pull.from_fork


# -- who asks -----------------------------------------------------------------------------------------


def test_token_without_the_scope_of_the_user_still_tells_rights(repository):
    repository.simulator.lacking_scopes.add("read:user")
    access = repository.authenticate()
    assert (access.user, access.may_write) == (None, True)


def test_reader_is_told_and_refused(seeded, open_site):
    repository = open_site(token="read-token")
    assert repository.authenticate().may_write is False
    with pytest.raises(PermissionDeniedError, match="permission to write"):
        commit(repository, Put("x.md", b"x"))


def test_archived_repository_is_told_as_one(repository, seeded):
    seeded.archived = True
    with pytest.raises(PermissionDeniedError, match="archived: ask its owner"):
        commit(repository, Put("x.md", b"x"))


def test_repository_that_is_not_there_is_told_with_the_remedy(open_site, forge):
    forge.add_repository("owner/site", FILES)
    with pytest.raises(NotFoundError, match=r"'owner/other' on gitea .* check repo and api_root"):
        open_site(repo="owner/other").get_repository()


def test_wrong_token_is_told(seeded, open_site):
    with pytest.raises(AuthenticationError, match="COPYDESK_GITEA_TOKEN"):
        open_site(token="wr0ng-t0ken").authenticate()


@pytest.mark.parametrize(
    ("credential", "sent"),
    [
        ("full-token", "token full-token"),
        (Credential("full-token", scheme="token"), "token full-token"),
        (Credential("full-token", scheme="basic", user="me"), "Basic "),
    ],
    ids=["text", "token", "basic"],
)
def test_credential_is_sent_as_it_is_meant(seeded, open_site, credential, sent):
    repository = open_site(token=credential)
    try:
        repository.get_repository()
    except AuthenticationError:
        assert "Basic" in sent  # the simulator takes tokens alone
    header = repository.simulator.log[-1].request_headers["Authorization"]
    assert header.startswith(sent)


def test_large_files_get_the_token_as_git_sends_it(repository):
    repository.upload_objects({"a.bin": b"large"})
    headers = [
        each.request_headers["Authorization"]
        for each in repository.simulator.log
        if each.path.endswith("/objects/batch")
    ]
    assert headers == [f"Basic {base64.b64encode(b'oauth2:full-token').decode()}"]


# -- options and ways to log in -----------------------------------------------------------------------


def test_flows_are_pkce_and_a_token():
    """By the instance itself; without the id of an application only a token helps at once."""
    root = "https://codeberg.org/api/v1"
    pkce, token = login_flows("gitea", repo="o/site", api_root=root, app_id="id")
    assert dict(pkce.settings) == {
        "authorize_url": "https://codeberg.org/login/oauth/authorize",
        "token_url": "https://codeberg.org/login/oauth/access_token",
        "scope": "repository",
        "client_id": "id",
    }
    assert token.kind == "token"
    assert token.settings["page"] == "https://codeberg.org/user/settings/applications"
    assert [flow.kind for flow in login_flows("gitea", repo="o/site")] == ["token", "pkce"]


def test_credential_that_can_be_renewed_is(seeded, open_site, settings):
    renewable = Credential("full-token", refresh_secret="again")
    repository = open_site(token=renewable)
    from copydesk.http import Connector
    from copydesk_gitea.api import DIALECT

    flows = login_flows("gitea", repo="o/site", api_root=repository.options.api_root)
    found = Connector("gitea", renewable, settings, flows).found(repository.options.api_root, DIALECT)
    assert isinstance(found, Refresher)
    assert found.current().scheme == "token"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "needs 'repo'"),
        ({"repo": "site"}, "owner/name"),
        ({"repo": "a/b/c"}, "owner/name"),
        ({"repo": "a/b", "api_root": "http://gitea.example/api/v1"}, "https address"),
        ({"repo": "a/b", "auth_type": "implicit"}, "one of 'pkce'"),
        ({"repo": "a/b", "use_graphql": 1, "labels": 1}, "has no option 'labels'"),
    ],
    ids=range(6),
)
def test_options_that_cannot_be_used_are_refused(values, message):
    with pytest.raises(ConfigError, match=message):
        build_options("gitea", GiteaOptions, values)
