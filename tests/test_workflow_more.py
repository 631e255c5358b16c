"""The editorial workflow beyond the straight way: deleting, unpublishing, moving, media, repair."""

from __future__ import annotations

import attrs
import pytest
from copydesk import NewCommit, NewPullRequest, Put, Status, User, Workflow, hookimpl, open_repository
from copydesk.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    NotMergeableError,
    NotSupportedError,
    PermissionDeniedError,
    UnavailableError,
)
from copydesk.models import Check

ANN = User("ann", "Ann", "ann@example.org")
BEN = User("ben", "Ben", "ben@example.org")
HELLO = "content/posts/hello.md"
WORLD = "content/posts/world.md"
LOGO = "static/img/logo.png"


def head(workflow, branch="main"):
    return workflow.repository.get_branch(branch).commit_sha


def paths(workflow, branch="main"):
    return {entry.path for entry in workflow.repository.list_files(head(workflow, branch))}


def content(workflow, path, branch="main"):
    return workflow.repository.read_file(head(workflow, branch), path).content


def edit_base(workflow, path, new, author=BEN):
    """Somebody edits the published branch by hand."""
    start = head(workflow)
    files = {entry.path: entry.version for entry in workflow.repository.list_files(start)}
    change = Put(path, new, files.get(path))
    workflow.repository.commit_changes(NewCommit("main", start, (change,), "By hand", author))


def publish(workflow, slug):
    workflow.set_status("posts", slug, "pending_publish")
    return workflow.publish("posts", slug)


def message_of(workflow, sha):
    return workflow.repository.list_commits(sha, limit=1)[0].message


# -- deleting through review --------------------------------------------------------------------------


def test_delete_is_a_draft_that_removes_the_entry_when_it_is_published(workflow):
    entry = workflow.delete("posts", "hello", based_on=workflow.get("posts", "hello").versions, author=ANN)
    assert (entry.status, entry.deletes, entry.changed_paths) == (Status.DRAFT, True, (HELLO,))
    assert entry.pull_request.title == "Delete Post “hello”"
    assert HELLO in paths(workflow)
    assert publish(workflow, "hello").deletes
    assert HELLO not in paths(workflow)


def test_delete_takes_its_media_along(workflow):
    opened = {**workflow.get("posts", "hello").versions}
    opened[LOGO] = next(file.version for file in workflow.list_media())
    workflow.delete("posts", "hello", based_on=opened, remove=[LOGO], author=ANN)
    publish(workflow, "hello")
    assert not {HELLO, LOGO} & paths(workflow)


@pytest.mark.parametrize("extensions", [[], ["no paths"]], ids=["told by the listing", "compared"])
def test_delete_is_listed_as_one(site_path, site, extensions):
    with open_repository(site, repo=site_path, extensions=[NoPaths() for _ in extensions]) as repository:
        workflow = Workflow(repository, site)
        workflow.delete("posts", "hello", based_on=workflow.get("posts", "hello").versions, author=ANN)
        assert [entry.deletes for entry in workflow.entries()] == [True]


class NoPaths:
    """A forge whose listing does not tell the changed paths."""

    @hookimpl(wrapper=True)
    def list_pull_requests(self):
        return tuple(attrs.evolve(pull, changed_files=None) for pull in (yield))


def test_save_turns_a_deletion_into_an_edit(workflow):
    workflow.delete("posts", "hello", based_on=workflow.get("posts", "hello").versions, author=ANN)
    entry = workflow.get("posts", "hello")
    again = workflow.save("posts", "hello", b"kept after all\n", based_on=entry.versions, author=BEN)
    assert not again.deletes
    publish(workflow, "hello")
    assert content(workflow, HELLO) == b"kept after all\n"


def test_delete_turns_an_edit_into_a_deletion(workflow):
    opened = workflow.get("posts", "hello").versions
    draft = workflow.save("posts", "hello", b"edited\n", based_on=opened, author=ANN)
    entry = workflow.delete("posts", "hello", based_on=draft.versions, author=BEN)
    assert entry.deletes
    assert entry.pull_request.number == draft.pull_request.number


def test_delete_of_an_entry_edited_meanwhile_is_refused(workflow):
    opened = workflow.get("posts", "hello").versions
    edit_base(workflow, HELLO, b"theirs\n")
    with pytest.raises(ConflictError) as caught:
        workflow.delete("posts", "hello", based_on=opened, author=ANN)
    assert caught.value.paths == (HELLO,)
    assert caught.value.versions[HELLO] is not None
    assert workflow.entries() == ()


def test_deletion_meets_an_edit_when_it_is_published(workflow):
    workflow.delete("posts", "hello", based_on=workflow.get("posts", "hello").versions, author=ANN)
    edit_base(workflow, HELLO, b"theirs\n")
    with pytest.raises(NotMergeableError) as caught:
        publish(workflow, "hello")
    assert (caught.value.reason, caught.value.paths) == ("conflicts", (HELLO,))
    assert content(workflow, HELLO) == b"theirs\n"


def test_delete_of_what_is_only_a_draft_points_at_discard(workflow):
    entry = workflow.save("posts", "new", b"new\n", author=ANN)
    with pytest.raises(NotFoundError, match="discard it"):
        workflow.delete("posts", "new", based_on=entry.versions, author=ANN)


def test_delete_with_publish_mode_simple_is_at_once(site_path, site):
    site = attrs.evolve(site, publish_mode="simple")
    with open_repository(site, repo=site_path) as repository:
        workflow = Workflow(repository, site)
        opened = workflow.get("posts", "hello").versions
        for _ in range(2):  # the same call again
            assert workflow.delete("posts", "hello", based_on=opened, author=ANN).deletes
        assert HELLO not in paths(workflow)


# -- unpublishing -------------------------------------------------------------------------------------


def test_unpublish_takes_it_off_the_site_and_keeps_it_as_a_draft(workflow):
    before = content(workflow, HELLO)
    opened = workflow.get("posts", "hello").versions
    entry = workflow.unpublish("posts", "hello", based_on=opened, author=ANN)
    assert entry.status is Status.PENDING_PUBLISH
    assert HELLO not in paths(workflow)
    assert content(workflow, HELLO, "cms/posts/hello") == before
    assert message_of(workflow, head(workflow)) == "Delete Post “hello”\n\nCopydesk-Unpublish: posts/hello"
    workflow.publish("posts", "hello")
    assert content(workflow, HELLO) == before


def test_unpublish_keeps_the_executable_bit(workflow, git, site_path):
    blob = workflow.get("posts", "hello").versions[HELLO].blob_sha
    git(site_path, "read-tree", "main")
    git(site_path, "update-index", "--cacheinfo", f"100755,{blob},{HELLO}")
    commit = git(site_path, "commit-tree", git(site_path, "write-tree"), "-p", "main", "-m", "x")
    git(site_path, "update-ref", "refs/heads/main", commit)
    opened = workflow.get("posts", "hello").versions
    entry = workflow.unpublish("posts", "hello", based_on=opened, author=ANN)
    assert entry.versions == opened


def test_unpublish_of_an_older_version_is_refused(workflow):
    opened = workflow.get("posts", "hello").versions
    edit_base(workflow, HELLO, b"theirs\n")
    with pytest.raises(ConflictError):
        workflow.unpublish("posts", "hello", based_on=opened, author=ANN)
    assert content(workflow, HELLO) == b"theirs\n"


def test_unpublish_of_what_has_a_draft_is_refused(workflow):
    opened = workflow.get("posts", "hello").versions
    workflow.save("posts", "hello", b"draft\n", based_on=opened, author=ANN)
    with pytest.raises(ConflictError, match="publish or discard it first"):
        workflow.unpublish("posts", "hello", based_on=opened, author=ANN)
    assert HELLO in paths(workflow)


def test_unpublish_on_a_protected_base_points_at_delete(site_path, site):
    class Protected:
        @hookimpl(wrapper=True)
        def commit_changes(self, commit):
            if commit.branch == "main":
                raise PermissionDeniedError("main is protected")
            return (yield)

    with open_repository(site, repo=site_path, extensions=[Protected()]) as repository:
        workflow = Workflow(repository, site)
        opened = workflow.get("posts", "hello").versions
        with pytest.raises(PermissionDeniedError, match=r"main is protected; .* use delete"):
            workflow.unpublish("posts", "hello", based_on=opened, author=ANN)


class CutAfterTheRemoval:
    """The process dies when the entry is off the site and before its draft is made."""

    armed = True

    @hookimpl(wrapper=True)
    def propose_changes(self):
        if self.armed:
            self.armed = False
            raise UnavailableError("cut")
        return (yield)


@pytest.mark.parametrize("way", ["same call", "repair", "repair twice"])
def test_unpublish_that_was_cut_is_finished(site_path, site, way):
    with open_repository(site, repo=site_path, extensions=[CutAfterTheRemoval()]) as repository:
        workflow = Workflow(repository, site)
        before = content(workflow, HELLO)
        opened = workflow.get("posts", "hello").versions
        with pytest.raises(UnavailableError):
            workflow.unpublish("posts", "hello", based_on=opened, author=ANN)
        assert workflow.entries() == ()
        if way == "same call":
            workflow.unpublish("posts", "hello", based_on=opened, author=ANN)
        else:
            assert workflow.repair() == (
                "made the draft of posts 'hello', which was taken off the site and had none",
            )
        if way == "repair twice":
            assert workflow.repair() == ()
        entry = workflow.get("posts", "hello")
        assert entry.status is Status.PENDING_PUBLISH
        assert workflow.read(entry)[0].content == before


def test_repair_does_not_bring_back_what_was_discarded_on_purpose(workflow):
    opened = workflow.get("posts", "hello").versions
    workflow.unpublish("posts", "hello", based_on=opened, author=ANN)
    workflow.discard("posts", "hello")
    assert workflow.repair() == ()


# -- moving -------------------------------------------------------------------------------------------


def test_save_may_move_the_entry_and_edit_it(workflow):
    opened = workflow.get("posts", "hello").versions
    new = "content/posts/bonjour.md"
    entry = workflow.save("posts", "hello", {new: b"salut\n"}, based_on=opened, move={HELLO: new}, author=ANN)
    assert (entry.path, entry.deletes, set(entry.changed_paths)) == (new, False, {HELLO, new})
    assert entry.pull_request.title == "Update Post “hello”"
    again = workflow.save("posts", "hello", b"allo\n", based_on=entry.versions, author=ANN)
    assert (again.path, workflow.read(again)[0].content) == (new, b"allo\n")
    publish(workflow, "hello")
    assert content(workflow, new) == b"allo\n"
    assert HELLO not in paths(workflow)


def test_move_onto_an_existing_path_is_refused(workflow):
    opened = workflow.get("posts", "hello").versions
    with pytest.raises(ConflictError) as caught:
        workflow.save("posts", "hello", {}, based_on=opened, move={HELLO: WORLD}, author=ANN)
    assert caught.value.paths == (WORLD,)
    assert workflow.entries() == ()


def test_move_of_what_was_not_opened_is_refused(workflow):
    with pytest.raises(InvalidInputError, match="not in based_on"):
        workflow.save("posts", "hello", {}, move={HELLO: "content/posts/x.md"}, author=ANN)


# -- base, preview, media -----------------------------------------------------------------------------


def test_update_from_base_brings_what_was_published_since(workflow):
    draft = workflow.save("posts", "new", b"new\n", author=ANN)
    edit_base(workflow, WORLD, b"newer world\n")
    entry = workflow.update_from_base("posts", "new")
    assert entry.changed_paths == draft.changed_paths
    assert content(workflow, WORLD, "cms/posts/new") == b"newer world\n"


def test_update_from_base_with_conflicts_is_refused(workflow):
    opened = workflow.get("posts", "hello").versions
    draft = workflow.save("posts", "hello", b"mine\n", based_on=opened, author=ANN)
    edit_base(workflow, HELLO, b"theirs\n")
    with pytest.raises(NotMergeableError) as caught:
        workflow.update_from_base("posts", "hello")
    assert caught.value.paths == (HELLO,)
    assert workflow.get("posts", "hello").commit_sha == draft.commit_sha


def test_draft_whose_published_file_changed_can_be_mended_and_published(workflow):
    """The way out that the conflict names: save what was merged by hand, bring the base, publish."""
    opened = workflow.get("posts", "hello").versions
    draft = workflow.save("posts", "hello", b"mine\n", based_on=opened, author=ANN)
    edit_base(workflow, HELLO, b"theirs\n")
    merged = workflow.save("posts", "hello", b"theirs\n", based_on=draft.versions, author=ANN)
    updated = workflow.update_from_base("posts", "hello")
    assert updated.versions[HELLO] == merged.versions[HELLO]
    workflow.save("posts", "hello", b"both\n", based_on=updated.versions, author=ANN)
    publish(workflow, "hello")
    assert content(workflow, HELLO) == b"both\n"


class Checks:
    def __init__(self, *checks):
        self.checks = checks

    @hookimpl
    def list_checks(self, commit_sha):
        return self.checks


@pytest.mark.parametrize(
    ("context", "found"), [("", "netlify/deploy-preview"), ("site", "site"), ("nothing", None)]
)
def test_preview_is_the_named_check_or_one_for_deploy(site_path, site, context, found):
    checks = Checks(
        Check("lint", "success"),
        Check("netlify/deploy-preview", "success", "https://preview.example.org"),
        Check("site", "pending"),
    )
    options = {"repo": site_path, "preview_context": context}
    with open_repository(site, extensions=[checks], **options) as repository:
        workflow = Workflow(repository, site)
        workflow.save("posts", "new", b"new\n", author=ANN)
        preview = workflow.preview("posts", "new")
    assert (preview.name if preview else None) == found


def test_preview_where_there_are_no_checks(workflow):
    workflow.save("posts", "new", b"new\n", author=ANN)
    with pytest.raises(NotSupportedError, match="has no list_checks"):
        workflow.preview("posts", "new")


def test_media_are_listed_saved_and_deleted_on_the_base(workflow):
    assert [file.path for file in workflow.list_media()] == [LOGO]
    made = workflow.save_media("static/img/b.png", b"b", author=ANN)
    assert message_of(workflow, head(workflow)) == "Upload “static/img/b.png”"
    assert workflow.save_media("static/img/b.png", b"b2", based_on=made.version, author=ANN).size == 2
    version = workflow.list_media()[0].version
    workflow.delete_media("static/img/b.png", based_on=version, author=ANN)
    assert message_of(workflow, head(workflow)) == "Delete “static/img/b.png”"
    assert [file.path for file in workflow.list_media()] == [LOGO]


def test_media_that_exist_or_changed_are_not_replaced(workflow):
    before = head(workflow)
    with pytest.raises(ConflictError):
        workflow.save_media(LOGO, b"mine", author=ANN)
    stale = attrs.evolve(workflow.list_media()[0].version, blob_sha="1" * 40)
    with pytest.raises(ConflictError):
        workflow.delete_media(LOGO, based_on=stale, author=ANN)
    assert head(workflow) == before


def test_media_of_drafts_are_not_listed_as_published(workflow):
    workflow.save("posts", "new", {"static/img/draft.png": b"d"}, author=ANN)
    assert [file.path for file in workflow.list_media()] == [LOGO]


def test_media_of_a_site_without_a_folder(workflow, site):
    lone = Workflow(workflow.repository, attrs.evolve(site, media_folder=""))
    with pytest.raises(InvalidInputError, match="has no media_folder"):
        lone.list_media()


# -- repair -------------------------------------------------------------------------------------------


def test_repair_of_a_healthy_repository_changes_nothing(workflow, site_path, git):
    workflow.save("posts", "one", b"1\n", author=ANN)
    workflow.delete("posts", "hello", based_on=workflow.get("posts", "hello").versions, author=ANN)
    workflow.unpublish("posts", "world", based_on=workflow.get("posts", "world").versions, author=ANN)
    before = git(site_path, "for-each-ref")
    assert workflow.repair() == ()
    assert git(site_path, "for-each-ref") == before


def test_repair_gives_a_lone_branch_its_pull_request(workflow):
    commit = NewCommit(
        "cms/posts/new",
        head(workflow),
        (Put("content/posts/new.md", b"new\n"),),
        "X",
        ANN,
        creates_branch=True,
    )
    workflow.repository.commit_changes(commit)
    assert workflow.repair() == ("opened pull request #1 for branch 'cms/posts/new', which had none",)
    entry = workflow.get("posts", "new")
    assert (entry.status, entry.problem) == (Status.DRAFT, "")


@pytest.mark.parametrize("ending", ["merged", "closed"])
def test_repair_deletes_a_branch_whose_pull_request_ended(workflow, ending):
    entry = workflow.save("posts", "new", b"new\n", author=ANN)
    if ending == "merged":
        workflow.repository.merge_pull_request(entry.pull_request, delete_branch=False)
    else:
        workflow.repository.close_pull_request(entry.pull_request, delete_branch=False)
    assert workflow.repair() == ("deleted branch 'cms/posts/new', which was published or discarded",)
    assert workflow.repository.list_branches("cms/") == ()


def test_repair_leaves_a_branch_that_went_on_after_its_pull_request_ended(workflow):
    """Somebody worked on: that is a draft of its own, and it gets a pull request."""
    entry = workflow.save("posts", "new", b"new\n", author=ANN)
    workflow.repository.close_pull_request(entry.pull_request, delete_branch=False)
    change = Put("content/posts/new.md", b"newer\n", entry.versions["content/posts/new.md"])
    workflow.repository.commit_changes(NewCommit("cms/posts/new", entry.commit_sha, (change,), "On", BEN))
    assert workflow.repair() == ("opened pull request #2 for branch 'cms/posts/new', which had none",)
    assert content(workflow, "content/posts/new.md", "cms/posts/new") == b"newer\n"


@pytest.mark.parametrize(
    ("labels", "after"),
    [
        ((), {"netlify-cms/draft"}),
        (("bug",), {"bug", "netlify-cms/draft"}),
        (
            ("decap-cms/pending_publish", "decap-cms/pending_review", "bug"),
            {"decap-cms/pending_review", "bug"},
        ),
    ],
)
def test_repair_leaves_exactly_one_status_label(workflow, labels, after):
    commit = NewCommit(
        "cms/posts/new", head(workflow), (Put("content/posts/new.md", b"n"),), "X", ANN, creates_branch=True
    )
    pull = NewPullRequest("X", "", "cms/posts/new", "main", labels, author=ANN)
    workflow.repository.propose_changes(commit, pull)
    assert len(workflow.repair()) == 1
    assert set(workflow.entries()[0].pull_request.labels) == after
    assert workflow.repair() == ()


def test_repair_tells_what_it_leaves_to_a_person(workflow):
    """A draft of a collection that is not configured is left as it is, and the others are repaired."""
    for branch in ("cms/blog/x", "cms/posts/new"):
        commit = NewCommit(
            branch, head(workflow), (Put(f"{branch}.md", b"n"),), "X", ANN, creates_branch=True
        )
        workflow.repository.commit_changes(commit)
    told = workflow.repair()
    assert len(told) == 2
    assert "branch 'cms/blog/x' was left as it is: admin/config.yml has no collection 'blog'" in told[0]
    assert workflow.repository.list_branches("cms/blog/x")


# -- broken on the forge ------------------------------------------------------------------------------


class Broken:
    """A forge where something happened to the pull request of one draft."""

    def __init__(self, **changes):
        self.changes = changes

    @hookimpl(wrapper=True)
    def list_pull_requests(self):
        found = yield
        return tuple(
            attrs.evolve(pull, **self.changes) if pull.head == "cms/posts/broken" else pull for pull in found
        )


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"from_fork": True}, "it comes from a fork"),
        ({"head_commit_sha": "", "changed_files": None}, "its branch 'cms/posts/broken' is gone"),
        ({"head_commit_sha": "1" * 40, "changed_files": None}, "there is no commit"),
        ({"head": "cms/broken"}, "not that of an entry"),
        ({"problem": "the forge cannot read it"}, "the forge cannot read it"),
    ],
    ids=["fork", "deleted branch", "lost commit", "undecodable name", "told by the backend"],
)
def test_draft_that_broke_on_the_forge_is_told_beside_the_others(site_path, site, changes, problem):
    with open_repository(site, repo=site_path, extensions=[Broken(**changes)]) as repository:
        workflow = Workflow(repository, site)
        workflow.save("posts", "good", b"good\n", author=ANN)
        start = head(workflow)
        change = Put("content/posts/broken.md", b"b")
        repository.propose_changes(
            NewCommit("cms/posts/broken", start, (change,), "X", ANN, creates_branch=True),
            NewPullRequest("X", "", "cms/posts/broken", "main", ("netlify-cms/draft",), author=ANN),
        )
        broken, good = workflow.entries()
    assert problem in broken.problem
    assert (good.slug, good.problem) == ("good", "")
