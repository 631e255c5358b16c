"""The editorial workflow on a real repository."""

from __future__ import annotations

from collections.abc import Callable

import attrs
import pytest
from copydesk import (
    Entry,
    FileVersion,
    NewCommit,
    NewPullRequest,
    Put,
    Status,
    User,
    Workflow,
    hookimpl,
    open_repository,
)
from copydesk.errors import (
    ConfigError,
    ConflictError,
    InvalidInputError,
    InvalidSlugError,
    NotFoundError,
    NotMergeableError,
    UnavailableError,
)

ANN = User("ann", "Ann", "ann@example.org")
BEN = User("ben", "Ben", "ben@example.org")
HELLO = "content/posts/hello.md"
NEW = "content/posts/new.md"


def branches(workflow: Workflow) -> list[str]:
    return [branch.name for branch in workflow.repository.list_branches("cms/")]


def published_bytes(workflow: Workflow, path: str) -> bytes:
    head = workflow.repository.get_branch("main").commit_sha
    return workflow.repository.read_file(head, path).content


def ready(workflow: Workflow, slug: str = "new", content: bytes = b"new\n") -> Entry:
    workflow.save("posts", slug, content, author=ANN)
    return workflow.set_status("posts", slug, Status.PENDING_PUBLISH)


# -- saving -------------------------------------------------------------------------------------------


def test_save_of_a_new_entry_makes_branch_pull_request_and_label(workflow):
    entry = workflow.save("posts", "new", b"new\n", author=ANN)
    assert (entry.status, entry.path, entry.author) == (Status.DRAFT, NEW, "Ann")
    assert branches(workflow) == ["cms/posts/new"]
    assert entry.pull_request.labels == ("netlify-cms/draft",)
    assert entry.pull_request.title == "Create Post “new”"
    assert entry.changed_paths == (NEW,)


def test_save_puts_entry_and_media_into_one_commit(workflow):
    files = {NEW: b"![](/img/a.png)\n", "static/img/a.png": b"\x89PNG"}
    entry = workflow.save("posts", "new", files, author=ANN)
    commit = workflow.repository.list_commits(entry.commit_sha, limit=1)[0]
    assert set(workflow.repository.compare(commit.parent_commit_shas[0], entry.commit_sha).paths) == set(
        files
    )


def test_save_leaves_the_published_branch_alone(workflow):
    before = workflow.repository.get_branch("main")
    workflow.save("posts", "new", b"new\n", author=ANN)
    assert workflow.repository.get_branch("main") == before


def test_save_again_is_one_more_commit_on_the_same_pull_request(workflow):
    first = workflow.save("posts", "new", b"one\n", author=ANN)
    second = workflow.save("posts", "new", b"two\n", based_on=first.versions, author=BEN)
    assert second.pull_request.number == first.pull_request.number
    assert second.pull_request.title == "Create Post “new”"
    commits = workflow.repository.list_commits(second.commit_sha, limit=2)
    assert [commit.message for commit in commits] == ["Update Post “new”", "Create Post “new”"]
    assert [commit.author.name for commit in commits] == ["Ben", "Ann"]


def test_save_of_a_published_entry_is_an_update(workflow):
    published = workflow.get("posts", "hello")
    entry = workflow.save("posts", "hello", b"edited\n", based_on=published.versions, author=ANN)
    assert entry.pull_request.title == "Update Post “hello”"
    assert published_bytes(workflow, HELLO) != b"edited\n"


def test_save_removes_media_that_the_entry_no_longer_has(workflow):
    files = {NEW: b"new\n", "static/img/a.png": b"a", "static/img/b.png": b"b"}
    entry = workflow.save("posts", "new", files, author=ANN)
    after = workflow.save(
        "posts", "new", b"no a\n", based_on=entry.versions, remove=["static/img/a.png"], author=ANN
    )
    assert set(after.changed_paths) == {NEW, "static/img/b.png"}


def test_save_removing_what_was_not_opened_is_refused(workflow):
    with pytest.raises(InvalidInputError, match="not in based_on"):
        workflow.save("posts", "new", b"new\n", remove=["static/img/logo.png"], author=ANN)


def test_save_of_nothing_new_makes_no_commit(workflow):
    entry = workflow.save("posts", "new", b"new\n", author=ANN)
    again = workflow.save("posts", "new", b"new\n", based_on=entry.versions, author=ANN)
    assert again.commit_sha == entry.commit_sha


def test_save_in_an_own_message(workflow):
    entry = workflow.save("posts", "new", b"new\n", message="My words\n\nand more", author=ANN)
    assert entry.pull_request.title == "My words"
    commit = workflow.repository.list_commits(entry.commit_sha, limit=1)[0]
    assert commit.message == "My words\n\nand more"


def test_save_uses_the_templates_of_the_site(site_path, site):
    templates = {"create": "{{author-login}} makes {{collection}}/{{slug}} at {{path}}"}
    with open_repository(site, repo=site_path, commit_messages=templates) as repository:
        entry = Workflow(repository, site).save("posts", "new", b"new\n", author=ANN)
    assert entry.pull_request.title == f"ann makes Post/new at {NEW}"


def test_template_names_who_is_logged_in_where_no_author_is_given(site_path, site):
    templates = {"create": "by {{author-name}}"}
    with open_repository(site, repo=site_path, commit_messages=templates) as repository:
        entry = Workflow(repository, site).save("posts", "new", b"new\n")
    assert entry.pull_request.title == "by Site Owner"


def test_save_with_publish_mode_simple_goes_to_the_base(site_path, site):
    site = attrs.evolve(site, publish_mode="simple")
    with open_repository(site, repo=site_path) as repository:
        workflow = Workflow(repository, site)
        entry = workflow.save("posts", "new", b"new\n", author=ANN)
        assert entry.status is Status.PUBLISHED
        assert published_bytes(workflow, NEW) == b"new\n"
        assert branches(workflow) == []


def test_save_into_an_unknown_collection(workflow):
    with pytest.raises(ConfigError, match=r"no collection 'blog' \(it has: posts, notes, docs, pages\)"):
        workflow.save("blog", "new", b"new\n")


@pytest.mark.parametrize("slug", ["", "a b", "a..b", "a~b", "a\\b", "x.lock", "-/../y", "a%2Fb"])
def test_slug_that_no_ref_or_path_can_hold_is_refused_before_anything_is_written(workflow, slug):
    with pytest.raises(InvalidInputError):
        workflow.save("docs", slug, b"x")
    assert branches(workflow) == []


def test_slug_error_names_the_character(workflow):
    with pytest.raises(InvalidSlugError, match="git allows no '~' in it"):
        workflow.save("posts", "a~b", b"x")


# -- two editors --------------------------------------------------------------------------------------


def test_two_editors_of_one_draft_the_second_is_refused_and_nothing_lost(workflow):
    opened = workflow.save("posts", "new", b"one\n", author=ANN).versions
    ann = workflow.save("posts", "new", b"ann\n", based_on=opened, author=ANN)
    with pytest.raises(ConflictError) as caught:
        workflow.save("posts", "new", b"ben\n", based_on=opened, author=BEN)
    assert caught.value.paths == (NEW,)
    assert caught.value.versions[NEW] == ann.versions[NEW]
    now = workflow.get("posts", "new")
    assert now.commit_sha == ann.commit_sha
    assert workflow.read(now)[0].content == b"ann\n"


def test_two_editors_of_different_entries_do_not_meet(workflow):
    workflow.save("posts", "one", b"1\n", author=ANN)
    workflow.save("posts", "two", b"2\n", author=BEN)
    for slug in ("one", "two"):
        workflow.set_status("posts", slug, "pending_publish")
        workflow.publish("posts", slug)
    assert published_bytes(workflow, "content/posts/one.md") == b"1\n"
    assert published_bytes(workflow, "content/posts/two.md") == b"2\n"


def test_reviewer_who_commits_to_another_file_of_the_draft_is_no_conflict(workflow):
    entry = workflow.save("posts", "new", {NEW: b"new\n", "static/img/a.png": b"a"}, author=ANN)
    change = Put("static/img/a.png", b"better", entry.versions["static/img/a.png"])
    workflow.repository.commit_changes(
        NewCommit("cms/posts/new", entry.commit_sha, (change,), "Better image", BEN)
    )
    after = workflow.save("posts", "new", b"newer\n", based_on=entry.versions, author=ANN)
    contents = {file.path: file.content for file in workflow.read(after)}
    assert contents == {NEW: b"newer\n", "static/img/a.png": b"better"}


def test_new_entry_whose_slug_is_published_is_refused(workflow):
    with pytest.raises(ConflictError) as caught:
        workflow.save("posts", "hello", b"mine\n", author=ANN)
    assert caught.value.paths == (HELLO,)
    assert branches(workflow) == []


def test_draft_of_an_entry_that_was_published_otherwise_meanwhile_is_refused(workflow):
    opened = workflow.get("posts", "hello").versions
    head = workflow.repository.get_branch("main").commit_sha
    workflow.repository.commit_changes(
        NewCommit("main", head, (Put(HELLO, b"theirs\n", opened[HELLO]),), "Theirs", BEN)
    )
    with pytest.raises(ConflictError):
        workflow.save("posts", "hello", b"mine\n", based_on=opened, author=ANN)


def test_publishing_over_an_edit_of_the_published_file_is_refused_with_the_path(workflow):
    opened = workflow.get("posts", "hello").versions
    workflow.save("posts", "hello", b"mine\n", based_on=opened, author=ANN)
    workflow.set_status("posts", "hello", "pending_publish")
    head = workflow.repository.get_branch("main").commit_sha
    workflow.repository.commit_changes(
        NewCommit("main", head, (Put(HELLO, b"theirs\n", opened[HELLO]),), "Theirs", BEN)
    )
    with pytest.raises(NotMergeableError) as caught:
        workflow.publish("posts", "hello")
    assert (caught.value.reason, caught.value.paths) == ("conflicts", (HELLO,))
    assert published_bytes(workflow, HELLO) == b"theirs\n"
    assert workflow.read(workflow.get("posts", "hello"))[0].content == b"mine\n"


def test_versions_go_through_a_form_as_json(workflow):
    entry = workflow.save("posts", "new", b"one\n", author=ANN)
    form = {path: version.to_json() for path, version in entry.versions.items()}
    back = {path: FileVersion.from_json(data) for path, data in form.items()}
    assert workflow.save("posts", "new", b"two\n", based_on=back, author=ANN).status is Status.DRAFT


# -- looking ------------------------------------------------------------------------------------------


def test_published_lists_a_collection_with_versions(workflow):
    assert [(entry.slug, entry.path) for entry in workflow.published("posts")] == [
        ("hello", HELLO),
        ("world", "content/posts/world.md"),
    ]
    assert [entry.slug for entry in workflow.published("notes")] == ["first/index"]
    assert [entry.slug for entry in workflow.published("docs")] == ["guide", "guide/start"]
    assert [entry.slug for entry in workflow.published("pages")] == ["about"]
    assert all(entry.versions for entry in workflow.published("posts"))


def test_get_gives_the_draft_where_there_is_one(workflow):
    assert workflow.get("posts", "hello").status is Status.PUBLISHED
    opened = workflow.get("posts", "hello").versions
    workflow.save("posts", "hello", b"draft\n", based_on=opened, author=ANN)
    entry = workflow.get("posts", "hello")
    assert entry.status is Status.DRAFT
    assert workflow.read(entry)[0].content == b"draft\n"


def test_get_of_nothing(workflow):
    with pytest.raises(NotFoundError, match=r"neither published .* nor under workflow"):
        workflow.get("posts", "none")


def test_bare_slug_is_put_into_the_path_template(workflow):
    entry = workflow.save("notes", "second", b"2\n", author=ANN)
    assert (entry.slug, entry.path) == ("second/index", "content/notes/second/index.txt")
    assert workflow.get("notes", "second").commit_sha == entry.commit_sha


def test_entries_lists_all_under_workflow_newest_first(workflow):
    for slug in ("one", "two", "three"):
        workflow.save("posts", slug, slug.encode(), author=ANN)
    workflow.set_status("posts", "two", "pending_review")
    entries = workflow.entries()
    assert [(entry.slug, entry.status) for entry in entries] == [
        ("three", Status.DRAFT),
        ("two", Status.PENDING_REVIEW),
        ("one", Status.DRAFT),
    ]
    assert all(entry.updated_at and entry.author == "Ann" and not entry.problem for entry in entries)
    assert entries[0].changed_paths == ("content/posts/three.md",)


def test_entries_leaves_out_pull_requests_of_others(workflow):
    head = workflow.repository.get_branch("main").commit_sha
    workflow.repository.propose_changes(
        NewCommit("feature/x", head, (Put("x.py", b"x"),), "X", BEN, creates_branch=True),
        NewPullRequest("X", "", "feature/x", "main", author=BEN),
    )
    assert workflow.entries() == ()


def propose(workflow: Workflow, branch: str, *labels: str) -> None:
    head = workflow.repository.get_branch("main").commit_sha
    workflow.repository.propose_changes(
        NewCommit(branch, head, (Put(f"content/{len(branch)}.md", b"x"),), "X", BEN, creates_branch=True),
        NewPullRequest("X", "", branch, "main", labels, author=BEN),
    )


@pytest.mark.parametrize(
    ("branch", "labels", "problem"),
    [
        ("cms/posts/a", (), "has no status label"),
        ("cms/posts/a", ("other/draft", "bug"), "has no status label"),
        ("cms/posts/a", ("netlify-cms/draft", "netlify-cms/pending_review"), "more than one status label"),
        ("cms/posts", ("netlify-cms/draft",), "not that of an entry"),
        ("cms/blog/a", ("netlify-cms/draft",), "no collection 'blog'"),
    ],
)
def test_broken_draft_is_listed_with_its_problem_beside_the_others(
    make_repository, site, branch, labels, problem
):
    from_conftest = {"admin/config.yml": b"backend: {name: local}\n"}
    with open_repository(site, repo=make_repository("s.git", from_conftest)) as repository:
        workflow = Workflow(repository, site)
        if branch != "cms/posts":
            workflow.save("posts", "good", b"good\n", author=ANN)
        else:
            workflow.save("pages", "about", b"good\n", author=ANN)
        propose(workflow, branch, *labels)
        broken, good = workflow.entries()
    assert problem in broken.problem
    assert broken.status is Status.DRAFT
    assert not good.problem


def test_least_advanced_of_two_status_labels_counts_and_setting_one_removes_the_other(workflow):
    propose(workflow, "cms/posts/a", "netlify-cms/pending_review", "netlify-cms/draft", "bug")
    assert workflow.get("posts", "a").status is Status.DRAFT
    entry = workflow.set_status("posts", "a", "pending_review")
    assert set(entry.pull_request.labels) == {"netlify-cms/pending_review", "bug"}
    assert not entry.problem


# -- status, publishing, discarding -------------------------------------------------------------------


def test_three_states_and_published(workflow):
    workflow.save("posts", "new", b"new\n", author=ANN)
    for status in ("pending_review", "draft", "pending_publish"):
        assert workflow.set_status("posts", "new", status).status == status
        assert workflow.get("posts", "new").status == status
    entry = workflow.publish("posts", "new")
    assert entry.status is Status.PUBLISHED
    assert published_bytes(workflow, NEW) == b"new\n"
    assert branches(workflow) == []
    assert workflow.entries() == ()


def test_pull_request_keeps_the_prefix_that_it_has(workflow):
    propose(workflow, "cms/posts/a", "decap-cms/draft")
    assert workflow.get("posts", "a").status is Status.DRAFT
    entry = workflow.set_status("posts", "a", "pending_review")
    assert entry.pull_request.labels == ("decap-cms/pending_review",)


def test_configured_prefix_is_for_new_pull_requests(site_path, site):
    with open_repository(site, repo=site_path, cms_label_prefix="mine/") as repository:
        entry = Workflow(repository, site).save("posts", "new", b"new\n", author=ANN)
    assert entry.pull_request.labels == ("mine/draft",)


def test_unknown_status(workflow):
    workflow.save("posts", "new", b"new\n", author=ANN)
    with pytest.raises(InvalidInputError, match="draft, pending_review, pending_publish"):
        workflow.set_status("posts", "new", "done")
    with pytest.raises(InvalidInputError, match="call publish"):
        workflow.set_status("posts", "new", "published")


def test_status_of_what_has_no_draft(workflow):
    with pytest.raises(NotFoundError, match="no draft; save it first"):
        workflow.set_status("posts", "hello", "draft")


def test_publishing_what_is_not_ready_is_refused(workflow):
    workflow.save("posts", "new", b"new\n", author=ANN)
    with pytest.raises(NotMergeableError, match="is draft and not pending_publish") as caught:
        workflow.publish("posts", "new")
    assert caught.value.reason == "status"


def test_publishing_what_was_not_seen_is_refused(workflow):
    seen = ready(workflow)
    workflow.save("posts", "new", b"unseen\n", based_on=seen.versions, author=BEN)
    with pytest.raises(ConflictError, match="look at the new commits"):
        workflow.publish("posts", "new", head_commit_sha=seen.commit_sha)
    assert workflow.get("posts", "new").status is Status.PENDING_PUBLISH


def test_publishing_twice_is_once(workflow):
    ready(workflow)
    first = workflow.publish("posts", "new")
    assert workflow.publish("posts", "new").commit_sha == first.commit_sha


def test_publishing_squashed_is_one_commit_with_the_title(site_path, site):
    with open_repository(site, repo=site_path, squash_merges=True) as repository:
        workflow = Workflow(repository, site)
        before = repository.get_branch("main").commit_sha
        entry = ready(workflow)
        workflow.save("posts", "new", b"more\n", based_on=entry.versions, author=ANN)
        workflow.publish("posts", "new")
        commit = repository.list_commits(repository.get_branch("main").commit_sha, limit=1)[0]
    assert (commit.message, commit.parent_commit_shas) == ("Create Post “new”", (before,))


def test_discard_closes_and_leaves_the_published_alone(workflow):
    opened = workflow.get("posts", "hello")
    workflow.save("posts", "hello", b"draft\n", based_on=opened.versions, author=ANN)
    workflow.discard("posts", "hello")
    assert branches(workflow) == []
    assert workflow.get("posts", "hello").versions == opened.versions


def test_discarding_twice_is_once_and_of_nothing_an_error(workflow):
    workflow.save("posts", "new", b"new\n", author=ANN)
    workflow.discard("posts", "new")
    workflow.discard("posts", "new")
    with pytest.raises(NotFoundError):
        workflow.discard("posts", "never")


def test_discarding_what_was_not_seen_is_refused(workflow):
    seen = workflow.save("posts", "new", b"one\n", author=ANN)
    now = workflow.save("posts", "new", b"two\n", based_on=seen.versions, author=BEN)
    with pytest.raises(ConflictError):
        workflow.discard("posts", "new", head_commit_sha=seen.commit_sha)
    assert workflow.get("posts", "new").commit_sha == now.commit_sha


def test_slug_can_be_used_again_after_publishing_and_discarding(workflow):
    ready(workflow)
    published = workflow.publish("posts", "new")
    draft = workflow.save("posts", "new", b"second\n", based_on=published.versions, author=ANN)
    workflow.discard("posts", "new")
    again = workflow.save("posts", "new", b"third\n", based_on=published.versions, author=ANN)
    assert again.pull_request.number > draft.pull_request.number


# -- slugs with slashes -------------------------------------------------------------------------------


def test_slug_below_another_is_encoded_only_because_git_cannot_hold_both(workflow):
    workflow.save("docs", "a", b"a\n", author=ANN)
    workflow.save("docs", "a/b", b"b\n", author=ANN)
    workflow.save("docs", "c/d", b"d\n", author=ANN)
    assert branches(workflow) == ["cms/docs/a", "cms/docs/a=2Fb", "cms/docs/c/d"]
    assert {entry.slug for entry in workflow.entries()} == {"a", "a/b", "c/d"}
    assert workflow.get("docs", "a/b").path == "docs/a/b.md"


def test_slug_above_another_is_found_and_published_too(workflow):
    workflow.save("docs", "a/b/c", b"c\n", author=ANN)
    workflow.save("docs", "a/b/c/d", b"d\n", author=ANN)
    for slug in ("a/b/c", "a/b/c/d"):
        workflow.set_status("docs", slug, "pending_publish")
        workflow.publish("docs", slug)
    assert published_bytes(workflow, "docs/a/b/c/d.md") == b"d\n"


# -- interrupted --------------------------------------------------------------------------------------


@attrs.define(eq=False)
class Cut:
    """Fails once, before or after the backend did its part: as if the line was cut or the process killed."""

    operation: str
    after: bool
    armed: bool = True

    def _cut(self):
        if self.after:
            result = yield
            if self.armed:
                self.armed = False
                raise UnavailableError("cut after it took effect")
            return result
        if self.armed:
            self.armed = False
            raise UnavailableError("cut before it took effect")
        return (yield)

    def _wrap(operation):  # noqa: N805 - makes the methods below
        @hookimpl(wrapper=True)
        def cut(self):
            if self.operation != operation:
                return (yield)
            return (yield from self._cut())

        return cut

    commit_changes = _wrap("commit_changes")
    create_pull_request = _wrap("create_pull_request")
    set_labels = _wrap("set_labels")
    merge_pull_request = _wrap("merge_pull_request")
    close_pull_request = _wrap("close_pull_request")
    delete_branch = _wrap("delete_branch")


CUTS = [
    (operation, after)
    for operation in ("commit_changes", "create_pull_request", "set_labels", "merge_pull_request")
    for after in (False, True)
]


@pytest.mark.parametrize(("operation", "after"), CUTS)
def test_same_call_again_finishes_what_was_cut(site_path, site, operation, after):
    """The whole way with one cut anywhere: each call is made again if it failed, and the work is there once."""
    cut = Cut(operation, after)
    with open_repository(site, repo=site_path, extensions=[cut]) as repository:
        workflow = Workflow(repository, site)

        def again(call: Callable[[], object]) -> object:
            try:
                return call()
            except UnavailableError:
                return call()

        first = again(lambda: workflow.save("posts", "new", b"one\n", author=ANN))
        again(lambda: workflow.save("posts", "new", b"two\n", based_on=first.versions, author=ANN))
        again(lambda: workflow.set_status("posts", "new", "pending_publish"))
        again(lambda: workflow.publish("posts", "new"))
        assert not cut.armed
        assert published_bytes(workflow, NEW) == b"two\n"
        assert branches(workflow) == []
        assert len(repository.list_pull_requests("all")) == 1


@pytest.mark.parametrize("operation", ["commit_changes", "create_pull_request"])
def test_edit_after_a_cut_save_is_not_lost(site_path, site, operation):
    """The editor goes on writing and saves something else than what was cut."""
    cut = Cut(operation, after=operation == "commit_changes")
    with open_repository(site, repo=site_path, extensions=[cut]) as repository:
        workflow = Workflow(repository, site)
        with pytest.raises(UnavailableError):
            workflow.save("posts", "new", b"one\n", author=ANN)
        left = workflow.get("posts", "new")
        assert "no pull request" in left.problem
        entry = workflow.save("posts", "new", b"two\n", based_on=left.versions, author=ANN)
    assert entry.pull_request is not None
    assert not entry.problem


def test_left_over_branch_with_other_content_is_not_taken_for_a_save(workflow):
    """Somebody's branch without a pull request: the save is refused, and nothing of it is lost."""
    head = workflow.repository.get_branch("main").commit_sha
    commit = NewCommit("cms/posts/new", head, (Put(NEW, b"theirs\n"),), "X", BEN, creates_branch=True)
    left = workflow.repository.commit_changes(commit)
    with pytest.raises(ConflictError):
        workflow.save("posts", "new", b"mine\n", author=ANN)
    assert workflow.get("posts", "new").commit_sha == left.commit_sha


@pytest.mark.parametrize("ending", ["merge", "close"])
def test_branch_that_an_ended_pull_request_left_is_cleaned_up(workflow, ending):
    entry = ready(workflow)
    pull = entry.pull_request
    if ending == "merge":
        workflow.repository.merge_pull_request(pull, delete_branch=False)
        workflow.publish("posts", "new")
    else:
        workflow.repository.close_pull_request(pull, delete_branch=False)
        workflow.discard("posts", "new")
    assert branches(workflow) == []


def test_save_after_an_ended_pull_request_left_its_branch(workflow):
    entry = ready(workflow)
    workflow.repository.merge_pull_request(entry.pull_request, delete_branch=False)
    published = workflow.get("posts", "new")
    assert published.status is Status.PUBLISHED
    again = workflow.save("posts", "new", b"second\n", based_on=published.versions, author=ANN)
    assert again.pull_request.number > entry.pull_request.number
