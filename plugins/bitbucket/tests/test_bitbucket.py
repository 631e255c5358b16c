"""What is Bitbucket's own: a status that is a comment, files that have no blobs, its refusals and limits."""

from __future__ import annotations

import hashlib
from typing import ClassVar

import attrs
import pytest

pytest.importorskip("simulators.bitbucket", reason="the simulators are not beside these tests")

from copydesk import ConflictError, NotMergeableError, Repository, Workflow, open_repository
from copydesk.auth import Refresher, login_flows
from copydesk.blobs import blob_sha
from copydesk.errors import (
    AuthenticationError,
    ConfigError,
    CopydeskError,
    InvalidInputError,
    NotFoundError,
    NotSupportedError,
    PermissionDeniedError,
    ProtocolError,
    RateLimitedError,
    UnavailableError,
)
from copydesk.http import Gates
from copydesk.models import Credential, Delete, FileVersion, Mode, Move, NewCommit, NewPullRequest, Put
from copydesk.testing import Answer, Reset, ServerSimulator
from means.editors import FILES, HELLO, EditorsMeet, finishes_after_any_cut, workflow_of
from means.races import FILES as RACED
from means.races import race, replaced_in_git
from simulators.store import Protection
from werkzeug import Response

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
        "bitbucket", repo=known.repo, api_root=known.api_root, credential="full-token", http=http
    )


@pytest.fixture
def second(repository, settings) -> Workflow:
    return workflow_of(open_again(repository, settings))


# -- two editors --------------------------------------------------------------------------------------


def is_create(request) -> bool:
    return request.method == "POST" and request.path.endswith("/pullrequests")


def is_commit(request) -> bool:
    return request.method == "POST" and request.path.endswith("/src")


class TestEditors(EditorsMeet):
    commits = is_commit
    opens = is_create
    told_as: ClassVar = {"approvals": "checks"}


def comments_of(site) -> list[str]:
    return [comment.text for pull in site.pulls() for comment in pull.comments]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_reset_at_every_request_of_a_save(open_site, forge, after, settings):
    def make(name: str):
        site = forge.add_repository(f"owner/{name}", FILES)
        return site, open_site(repo=f"owner/{name}")

    requests = finishes_after_any_cut(
        make,
        lambda repository: open_again(repository, settings),
        after=after,
        labels=lambda site: sorted(set(comments_of(site))),
    )
    assert requests > 3


@pytest.mark.parametrize("rounds", [20, pytest.param(200, marks=pytest.mark.long)])
@pytest.mark.parametrize("paths", [("a.md", "b.md"), ("a.md", "a.md")], ids=["different", "same"])
def test_races_lose_nothing(forge, open_site, settings, paths, rounds):
    """Every commit names the head that it was made for: whoever comes second is refused, or tries again."""
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
    stale = [each.status for each in first.simulator.log if each.path.endswith("/src")]
    assert 409 in stale, "nobody was ever too late, so nothing was proved"


# -- the status, which is a comment -------------------------------------------------------------------


def test_people_who_talk_hide_no_draft(workflow, seeded):
    """250 comments, a reviewer's after the status among them: the newest that is a status counts."""
    workflow.save("posts", "new", b"new\n")
    pull = seeded.pull(1)
    workflow.set_status("posts", "new", "pending_review")
    for number in range(250):
        seeded.comment(pull, seeded.owner, f"number {number}: {DRAFT} would be wrong")
    entry = workflow.get("posts", "new")
    assert (entry.status, entry.problem) == ("pending_review", "")
    assert [each.status for each in workflow.entries()] == ["pending_review"]
    assert workflow.set_status("posts", "new", "pending_publish").status == "pending_publish"
    workflow.publish("posts", "new")
    assert pull.state == "merged"


@pytest.mark.parametrize(
    ("texts", "status"),
    [
        (["netlify-cms/pending_review"], "pending_review"),
        (["netlify-cms/draft", "netlify-cms/pending\\_review"], "pending_review"),
        (["  netlify-cms/pending_publish\n"], "pending_publish"),
        (["decap-cms/pending_review"], "pending_review"),
        (["netlify-cms/pending_review", "I think netlify-cms/draft is right"], "pending_review"),
        (["netlify-cms/pending_review", "`netlify-cms/draft`"], "pending_review"),
        (["netlify-cms/pending_review", "netlify-cms/unknown"], "pending_review"),
    ],
    ids=lambda value: str(value)[-40:],
)
def test_status_is_read_as_people_write_it(workflow, seeded, texts, status):
    seeded.commit_files("cms/posts/new", {"content/posts/new.md": b"x"}, "X", start="main")
    pull = seeded.open_pull("X", "cms/posts/new", "main")
    for text in texts:
        seeded.comment(pull, seeded.owner, text)
    assert workflow.get("posts", "new").status == status
    assert [entry.status for entry in workflow.entries()] == [status]


def test_escaped_comments_are_read(workflow):
    """Bitbucket may give what it was given with a backslash before each underscore."""
    workflow.repository.simulator.escape_comments = True
    workflow.save("posts", "new", b"new\n")
    assert workflow.set_status("posts", "new", "pending_review").status == "pending_review"
    assert workflow.get("posts", "new").status == "pending_review"


def test_deleted_comment_does_not_count(workflow, seeded):
    workflow.save("posts", "new", b"new\n")
    workflow.set_status("posts", "new", "pending_review")
    seeded.pull(1).comments[-1].deleted = True
    assert workflow.get("posts", "new").status == "draft"


def test_status_keeps_the_prefix_that_it_has(workflow, seeded):
    seeded.commit_files("cms/posts/new", {"content/posts/new.md": b"x"}, "X", start="main")
    seeded.comment(seeded.open_pull("X", "cms/posts/new", "main"), seeded.owner, "decap-cms/draft")
    workflow.set_status("posts", "new", "pending_review")
    assert comments_of(seeded)[-1] == "decap-cms/pending_review"


@pytest.mark.parametrize("labels", [("bug",), (DRAFT, "bug"), (DRAFT, "netlify-cms/pending_review")])
def test_labels_that_are_none_are_refused_before_anything_is_sent(repository, seeded, labels):
    seeded.commit_files("side", {"x.md": b"x"}, "X", start="main")
    with pytest.raises(NotSupportedError, match="bitbucket has no labels: a pull request holds one status"):
        repository.create_pull_request(NewPullRequest("X", "", "side", "main", labels=labels))
    assert repository.simulator.log == []
    assert seeded.pulls() == ()


def test_status_cannot_be_taken_away(repository, workflow, seeded):
    pull = workflow.save("posts", "new", b"new\n").pull_request
    with pytest.raises(NotSupportedError, match="can be followed by another one, and not be taken away"):
        repository.set_labels(pull, (), (DRAFT,))
    assert repository.set_labels(pull, (), ("never-there",)) == pull
    assert comments_of(seeded) == [DRAFT]


# -- many ---------------------------------------------------------------------------------------------


@pytest.mark.long  # some seconds
def test_all_of_120_drafts_are_listed_with_their_whole_heads(workflow, seeded):
    for number in range(120):
        branch = f"cms/posts/p{number}"
        seeded.commit_files(branch, {f"content/posts/p{number}.md": b"x\n"}, "x", start="main")
        seeded.comment(seeded.open_pull("x", branch, "main"), seeded.owner, DRAFT)
    entries = workflow.entries()
    assert {entry.slug for entry in entries} == {f"p{number}" for number in range(120)}
    assert all(entry.commit_sha == seeded.head(f"cms/posts/{entry.slug}") for entry in entries)


def test_branch_that_only_contains_the_name_is_another(workflow, seeded):
    """Bitbucket's `~` means contains."""
    for branch in ("x/cms/posts/new", "cms/posts/new-more"):
        seeded.commit_files(branch, {"content/posts/x.md": b"x"}, "X", start="main")
        seeded.comment(seeded.open_pull("X", branch, "main"), seeded.owner, DRAFT)
    with pytest.raises(NotFoundError):
        workflow.set_status("posts", "new", "pending_review")
    assert [branch.name for branch in workflow.repository.list_branches("cms/posts/new")] == [
        "cms/posts/new-more"
    ]


def test_draft_whose_branch_is_gone_is_told_beside_the_others(workflow, seeded):
    workflow.save("posts", "gone", b"x\n")
    workflow.save("posts", "there", b"x\n")
    seeded.delete_branch("cms/posts/gone")
    told = {entry.slug: entry.problem for entry in workflow.entries()}
    assert told["there"] == ""
    assert "is gone" in told["gone"]


# -- files --------------------------------------------------------------------------------------------

ODD = ("message", "branch", "files", "parents", "author", "a/b/c.md", "ü/ä ö.md", "kitten.md", "100%.md")


def test_files_are_files_whatever_they_are_called(repository, seeded):
    """Names that the form of a commit has for something else, and names that clients garble."""
    head = repository.get_branch("main").commit_sha
    made = repository.commit_changes(
        NewCommit("main", head, tuple(Put(path, path.encode()) for path in ODD), "Odd names")
    )
    tree = seeded.git[made.commit_sha].tree
    assert all(tree[path].data == path.encode() for path in ODD)
    assert seeded.git[made.commit_sha].message == "Odd names"
    listed = {entry.path: entry for entry in repository.list_files(made.commit_sha)}
    assert listed.keys() == {*ODD, *FILES}
    assert repository.compare(head, made.commit_sha).paths == set(ODD)
    deletions = tuple(Delete(path, made.versions[path]) for path in ODD)
    after = repository.commit_changes(NewCommit("main", made.commit_sha, deletions, "Gone"))
    assert {entry.path for entry in repository.list_files(after.commit_sha)} == set(FILES)


@pytest.mark.parametrize("path", ["per%22cent.md", "line%0a.md", "%C3%BC.md"])
def test_names_that_a_form_may_garble_are_refused_before_anything_is_sent(repository, path):
    head = repository.get_branch("main").commit_sha
    sent = len(repository.simulator.log)
    with pytest.raises(InvalidInputError, match="rename it"):
        repository.commit_changes(NewCommit("main", head, (Put("a.md", b"a"), Put(path, b"b")), "Odd"))
    assert {each.method for each in repository.simulator.log[sent:]} <= {"GET"}


def test_modes_survive_edits_of_themselves_and_beside_them(forge, open_site):
    """Bitbucket flattens what does not say again that it is an executable or a link."""
    files = {"run": b"#!\n", "link": b"run", "text.md": b"text", "moved.sh": b"#!\n"}
    modes = {"run": 0o100755, "link": 0o120000, "moved.sh": 0o100755}
    stored = forge.add_repository("owner/site", files, modes=modes)
    repository = open_site()
    head = repository.get_branch("main").commit_sha
    there = {entry.path: entry.version for entry in repository.list_files(head)}
    changes = (
        Put("run", b"#!/bin/sh\n", there["run"]),
        Put("link", b"text.md", there["link"]),
        Put("text.md", b"edited", there["text.md"]),
        Move("moved.sh", "elsewhere.sh", there["moved.sh"]),
        Put("new", b"#!\n", mode=Mode.EXECUTABLE),
        Put("new-link", b"new", mode=Mode.SYMLINK),
    )
    made = repository.commit_changes(NewCommit("main", head, changes, "All"))
    tree = stored.git[made.commit_sha].tree
    assert {entry.name: int(entry.filemode) for entry in tree} == {
        "run": 0o100755,
        "link": 0o120000,
        "text.md": 0o100644,
        "elsewhere.sh": 0o100755,
        "new": 0o100755,
        "new-link": 0o120000,
    }
    assert (tree["link"].data, tree["elsewhere.sh"].data) == (b"text.md", b"#!\n")


@pytest.mark.parametrize("limit", [None, 3])
def test_deep_folders_are_listed_to_the_end(forge, open_site, limit):
    """A listing stops at a depth, and takes too long below another one."""
    files = {"/".join(["d"] * depth) + "/f.md": b"%d" % depth for depth in (1, 2, 19, 20, 21, 45)}
    forge.add_repository("owner/site", files)
    repository = open_site()
    repository.simulator.depth_limit = limit
    head = repository.get_branch("main").commit_sha
    assert {entry.path for entry in repository.list_files(head)} == files.keys()
    assert {entry.path for entry in repository.list_files(head, "d/d")} == {
        path for path in files if path.startswith("d/d/")
    }


def test_version_of_an_untouched_file_is_that_of_an_earlier_commit(workflow, seeded):
    """There are no blobs: what was changed since the commit as of which it was read decides."""
    opened = workflow.get("posts", "hello").versions
    assert opened[HELLO].blob_sha is None
    seeded.commit_files("main", {"other.md": b"o"}, "Beside it")
    kept = FileVersion.from_json(opened[HELLO].to_json())
    saved = workflow.save("posts", "hello", b"mine\n", based_on={HELLO: kept})
    assert workflow.read(saved)[0].content == b"mine\n"


def test_version_of_a_file_that_was_changed_is_refused(workflow, seeded, settings):
    opened = workflow.get("posts", "hello").versions
    seeded.commit_files("main", {HELLO: b"theirs\n"}, "By somebody else")
    other = workflow_of(open_again(workflow.repository, settings))
    with pytest.raises(ConflictError) as caught:
        other.save("posts", "hello", b"mine\n", based_on=opened)
    assert caught.value.paths == (HELLO,)


@pytest.fixture
def large(seeded, repository):
    """A file in LFS, of which git has the pointer; what is elsewhere is answered by the simulator given."""
    content = bytes(range(256))
    oid = hashlib.sha256(content).hexdigest()
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize 256\n".encode()
    seeded.commit_files("main", {"static/large.png": pointer}, "Add")
    with ServerSimulator() as elsewhere:
        repository.simulator.large[oid] = f"{elsewhere.url}/file/1/binary?token=1"
        yield elsewhere, pointer, content


def test_file_in_lfs_is_the_large_file_in_the_version_of_its_pointer(repository, large):
    elsewhere, pointer, content = large
    elsewhere.inject(Answer(200, content))
    head = repository.get_branch("main").commit_sha
    (entry,) = repository.list_files(head, "static")
    assert (entry.path, entry.size) == ("static/large.png", None)
    file = repository.read_file(head, entry.path, entry.version)
    assert (file.content, file.version.blob_sha) == (content, blob_sha(pointer))
    (asked,) = elsewhere.log
    assert "Authorization" not in asked.request_headers


def test_file_in_lfs_stays_there_where_it_is_moved(repository, seeded, large):
    elsewhere, pointer, content = large
    elsewhere.inject(Answer(200, content), times=2)
    head = repository.get_branch("main").commit_sha
    version = repository.read_file(head, "static/large.png").version
    repository.commit_changes(
        NewCommit("main", head, (Move("static/large.png", "static/moved.png", version),), "Move")
    )
    assert seeded.git[seeded.head("main")].tree["static/moved.png"].data == pointer


def test_file_in_lfs_that_is_not_there_is_told(repository, large):
    elsewhere, _, _ = large
    elsewhere.inject(Answer(404))
    head = repository.get_branch("main").commit_sha
    with pytest.raises(NotFoundError, match=r"'static/large.png' is in LFS, and not there; push it with"):
        repository.read_file(head, "static/large.png", FileVersion(None))


def test_page_of_a_stranger_is_no_file_in_lfs(repository, large):
    """Such as one for logging in, to which a proxy leads."""
    elsewhere, _, _ = large
    elsewhere.inject(Answer(200, b"<html>Log in</html>"))
    head = repository.get_branch("main").commit_sha
    repository.simulator.inject(Answer(302, b"", {"Location": f"{elsewhere.url}/login"}, "text/html"))
    with pytest.raises(
        ProtocolError, match=r"bitbucket led to http://.* for 'content/.*', which is not in LFS"
    ):
        repository.read_file(head, HELLO, FileVersion(None))


# -- committing ---------------------------------------------------------------------------------------


def test_stale_parent_is_refused_and_the_commit_goes_onto_the_new_head(repository, seeded):
    head = repository.get_branch("main").commit_sha
    repository.list_files(head)
    seeded.commit_files("main", {"other.md": b"o"}, "Beside it")
    made = repository.commit_changes(NewCommit("main", head, (Put("new.md", b"new"),), "New"))
    statuses = [each.status for each in repository.simulator.log if each.path.endswith("/src")]
    assert statuses == [409, 201]
    assert {entry.path for entry in repository.list_files(made.commit_sha)} >= {"other.md", "new.md"}


def test_branch_at_the_parent_is_adopted(repository, seeded):
    """Bitbucket cannot tell it from a new one; it has nothing that could be lost."""
    head = seeded.head("main")
    seeded.create_branch("cms/posts/new", head)
    commit = NewCommit("cms/posts/new", head, (Put("new.md", b"new"),), "New", creates_branch=True)
    made = repository.commit_changes(commit)
    assert seeded.head("cms/posts/new") == made.commit_sha


def test_branch_that_was_deleted_is_not_made_again(repository, workflow, seeded, settings):
    draft = workflow.save("posts", "new", b"one\n")
    other = open_again(repository, settings)
    workflow.discard("posts", "new")
    with pytest.raises(NotFoundError, match="no branch 'cms/posts/new'"):
        other.commit_changes(NewCommit("cms/posts/new", draft.commit_sha, (Put("more.md", b"m"),), "More"))
    assert seeded.head("cms/posts/new") is None


def test_author_of_a_commit(repository, seeded):
    from copydesk import User

    head = repository.get_branch("main").commit_sha
    ann = User("ann", "Änn Bé", "ann@example.org")
    made = repository.commit_changes(NewCommit("main", head, (Put("new.md", b"new"),), "New", ann))
    author = seeded.git[made.commit_sha].author
    assert (author.name, author.email) == (ann.name, ann.email)


# -- merging ------------------------------------------------------------------------------------------


@pytest.fixture
def ready(workflow, seeded):
    """A draft that is ready to be published."""
    draft = workflow.save("posts", "new", b"one\n")
    workflow.set_status("posts", "new", "pending_publish")
    return draft


def test_large_merge_is_asked_for_until_it_is_done(ready, workflow, seeded):
    simulator = workflow.repository.simulator
    simulator.slow_merges, simulator.merge_delay = True, 4
    published = workflow.publish("posts", "new")
    assert published.commit_sha == seeded.head("main")
    assert seeded.pull(1).state == "merged"


def test_large_merge_that_is_refused_later_says_why(ready, workflow, seeded):
    simulator = workflow.repository.simulator
    simulator.slow_merges, simulator.merge_delay = True, 2
    seeded.commit_files("main", {"content/posts/new.md": b"theirs\n"}, "By somebody else")
    with pytest.raises(NotMergeableError) as caught:
        workflow.publish("posts", "new")
    assert caught.value.reason == "conflicts"
    assert seeded.pull(1).state == "open"


@pytest.mark.parametrize("squash", [False, True])
def test_commit_that_came_in_before_the_merge_is_reported(seeded, open_site, squash):
    """Bitbucket merges whatever the head is: what nobody had seen is told, and nothing is lost."""
    repository = open_site(squash_merges=squash)
    workflow = workflow_of(repository)
    workflow.save("posts", "new", b"one\n")
    workflow.set_status("posts", "new", "pending_publish")
    pushed = []

    def between(request) -> bool:
        if request.method == "POST" and request.path.endswith("/merge") and not pushed:
            with seeded.forge.lock:
                pushed.append(seeded.commit_files("cms/posts/new", {"unseen.md": b"u"}, "Unseen"))
        return False

    repository.simulator.inject(Reset(), when=between)
    with pytest.raises(ConflictError, match="commits that nobody had seen are on 'main' now") as caught:
        workflow.publish("posts", "new")
    assert caught.value.committed
    assert caught.value.head_commit_sha == seeded.head("main")
    assert seeded.pull(1).state == "merged"


@pytest.mark.parametrize("status", [409, 555])
def test_merge_that_bitbucket_does_not_manage(ready, workflow, seeded, status):
    answer = Answer(status, b'{"type": "error", "error": {"message": "It took too long"}}')
    workflow.repository.simulator.inject(answer, when=lambda each: each.path.endswith("/merge"), times=9)
    with pytest.raises(NotMergeableError if status == 409 else UnavailableError, match="took too long"):
        workflow.publish("posts", "new")
    assert seeded.pull(1).state == "open"


def test_moved_draft_that_was_declined_is_opened_again(ready, workflow, seeded):
    """One that was declined stays so; another one like it takes its place, with the status."""
    seeded.commit_files("cms/posts/new", {"review.txt": b"look"}, "A review")
    head = seeded.head("cms/posts/new")
    with pytest.raises(ConflictError):
        workflow.repository.close_pull_request(ready.pull_request)
    assert seeded.head("cms/posts/new") == head
    assert [(pull.number, pull.state) for pull in seeded.pulls()] == [(1, "closed"), (2, "open")]
    assert seeded.pull(2).title == seeded.pull(1).title
    assert workflow.get("posts", "new").problem == ""


def test_preview_is_the_status_of_a_deployment(workflow, seeded):
    draft = workflow.save("posts", "new", b"one\n")
    for key in ("build", "deploy/netlify"):
        seeded.add_status(draft.commit_sha, key, "success", target_url=f"https://x.example.org/{key}")
    check = workflow.preview("posts", "new")
    assert (check.name, check.state, check.url) == (
        "deploy/netlify", "success", "https://x.example.org/deploy/netlify",
    )  # fmt: skip


# -- credentials --------------------------------------------------------------------------------------


def test_api_token_with_the_address_of_its_account(seeded, open_site, forge):
    forge.add_token("api-token", forge.users["owner"])
    repository = open_site(token=Credential("api-token", scheme="basic", user="owner@example.org"))
    repository.simulator.api_tokens.add("api-token")
    access = repository.authenticate()
    assert (access.user.login, access.may_write) == ("owner", True)
    assert "repository:write" in access.scopes


def test_app_password_is_told_that_there_are_none_any_more(seeded, open_site, forge):
    repository = open_site(token=Credential("full-token", scheme="basic", user="owner"))
    with pytest.raises(AuthenticationError, match="app passwords are taken no more"):
        repository.get_branch("main")
    assert len(repository.simulator.log) == 1


@pytest.mark.parametrize("gone", [False, True])
@pytest.mark.parametrize(("token", "may_write"), [("full-token", True), ("read-token", False)])
def test_right_to_write(seeded, open_site, token, may_write, gone):
    repository = open_site(token=token)
    repository.simulator.old_permissions_gone = gone
    assert repository.authenticate().may_write is may_write
    assert len(repository.simulator.log) == 2


@pytest.mark.parametrize(("token", "may_write"), [("full-token", True), ("read-token", False)])
def test_token_of_a_repository_belongs_to_nobody(seeded, open_site, token, may_write):
    repository = open_site(token=token)
    repository.simulator.repository_tokens.add(token)
    access = repository.authenticate()
    assert (access.user, access.may_write) == (None, may_write)


def test_expired_token_is_refreshed_once(seeded, open_site):
    refreshed = []

    def refresh(old: Credential) -> Credential:
        refreshed.append(old.secret)
        return Credential("full-token")

    repository = open_site(token=Refresher(Credential("old-token"), refresh))
    repository.simulator.expired.add("old-token")
    assert workflow_of(repository).save("posts", "new", b"new\n").problem == ""
    assert refreshed == ["old-token"]
    assert len(seeded.pulls()) == 1


# -- a user's mistakes --------------------------------------------------------------------------------


class TestMistakes:
    """Each a typed error that says what to do, and no request sent twice."""

    def told(self, repository: Repository, kind: type[CopydeskError], requests: int = 1) -> str:
        with pytest.raises(kind) as caught:
            repository.get_branch("main")
        assert len(repository.simulator.log) == requests
        return str(caught.value)

    def test_wrong_token(self, seeded, open_site):
        told = self.told(open_site(token="wrong-token"), AuthenticationError)
        assert "COPYDESK_BITBUCKET_TOKEN" in told
        assert "wrong-token" not in told

    def test_no_token(self, settings):
        with pytest.raises(AuthenticationError, match="set COPYDESK_BITBUCKET_TOKEN, or pass credential="):
            open_repository("bitbucket", repo="owner/site", http=settings)

    def test_token_without_the_right_to_write(self, seeded, open_site):
        repository = open_site(token="read-token")
        head = repository.get_branch("main").commit_sha
        with pytest.raises(PermissionDeniedError, match="credential with more scopes"):
            repository.commit_changes(NewCommit("main", head, (Put("new.md", b"new"),), "New"))
        assert seeded.head("main") == head

    def test_missing_repository(self, open_site):
        told = self.told(open_site(), NotFoundError, 2)
        assert "check the name" in told

    def test_empty_repository(self, forge, open_site):
        forge.add_repository("owner/site")
        told = self.told(open_site(), NotFoundError, 2)
        assert "is empty on bitbucket: it has no branch 'main'; push a first commit" in told

    def test_absent_branch(self, repository):
        with pytest.raises(
            NotFoundError, match="no branch 'mian' on bitbucket; the default branch is 'main'"
        ):
            repository.get_branch("mian")

    def test_branch_that_is_protected_says_what_to_do(self, repository, seeded):
        seeded.protections["main"] = Protection()
        head = repository.get_branch("main").commit_sha
        with pytest.raises(PermissionDeniedError, match="the branch is protected: propose the change"):
            repository.commit_changes(NewCommit("main", head, (Put("new.md", b"new"),), "New"))

    def test_root_that_answers_html(self, settings):
        class Page(ServerSimulator):
            def respond(self, request):
                return Response("<html>Sign in</html>", 200, content_type="text/html")

        with Page() as page:
            repository = open_repository(
                "bitbucket", repo="o/r", api_root=page.url, credential="t0ken", http=settings
            )
            with pytest.raises(ProtocolError, match="text/html"):
                repository.get_branch("main")
            with pytest.raises(ProtocolError, match="something that is not bitbucket answered"):
                repository.read_file("1" * 40, "a.md", FileVersion(None, Mode.FILE, "1" * 40))
            assert len(page.log) == 2

    def test_root_that_is_not_secure(self, settings):
        with pytest.raises(ConfigError, match="https"):
            open_repository(
                "bitbucket", repo="o/r", api_root="http://git.example.org", credential="t", http=settings
            )

    def test_limit_of_the_hour_is_told_with_its_time(self, repository):
        repository.simulator.too_many(retry_after="3600")
        with pytest.raises(RateLimitedError) as caught:
            repository.get_branch("main")
        assert caught.value.retry_at is not None
        assert len(repository.simulator.log) == 1


def test_flows_of_login_are_those_of_the_configuration():
    def kinds(**options: str) -> list[str]:
        return [flow.kind for flow in login_flows("bitbucket", repo="o/r", **options)]

    assert kinds() == ["token", "popup"]
    assert kinds(auth_type="implicit", app_id="id") == ["implicit", "token"]
