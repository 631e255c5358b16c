"""Every GraphQL document is one that GitHub understands, and does no harm where one of its fields fails."""

from __future__ import annotations

import inspect
import itertools
import json
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("simulators.github", reason="the simulators are not beside these tests")

from copydesk import Repository, Workflow
from copydesk.config import parse_config
from copydesk.errors import (
    ConflictError,
    CopydeskError,
    NotMergeableError,
    PermissionDeniedError,
    ProtocolError,
    UnavailableError,
)
from copydesk.models import NewCommit, NewPullRequest, PullRequest, Put, RepositoryInfo, User
from copydesk.testing import Answer
from copydesk_github import queries
from graphql import GraphQLError, OperationDefinitionNode, parse, validate
from graphql.execution.values import get_variable_values
from simulators.github.graph import schema

# -- what they say ------------------------------------------------------------------------------------

SHA = "1" * 40
COMMIT = NewCommit("cms/posts/new", SHA, (Put("a.md", b"a"),), "Create a\n\nbecause")
PULL = PullRequest(1, "PR_1", "title", "open", "cms/posts/new", SHA, "main", (), None, None)
INFO = RepositoryInfo("owner/site", "main", may_write=True)
#: What the builders are called with, by parameter and annotation; all combinations are tried.
SAMPLES: dict[tuple[str, str], tuple[Any, ...]] = {
    ("address", "str"): ("graphql",),
    ("repo", "str"): ("owner/site",),
    ("branch", "str"): ("main", ""),
    ("shas", "Sequence[str]"): ((SHA,), (SHA, "2" * 40)),
    ("commit_sha", "str"): (SHA,),
    ("head_commit_sha", "str"): (SHA,),
    ("paths", "Sequence[str]"): (("a.md",), ('quo"te\\.md', "tab\t.md", "ü ä\u2028.md", "emoji-🎉.md")),
    ("commit", "NewCommit"): (COMMIT,),
    ("pull", "NewPullRequest"): (NewPullRequest("title", "body", "cms/posts/new", "main"),),
    ("pull", "PullRequest"): (PULL,),
    ("opened", "Opened"): (queries.Opened("R_1", INFO, User("owner"), False, SHA, {}),),
    ("state", "str"): ("open", "closed", "merged", "all"),
    ("base", "str"): ("main", ""),
    ("head", "str"): ("cms/posts/new", ""),
    ("after", "str | None"): (None, "cursor"),
    ("add", "Iterable[str]"): (("LA_1",), ()),
    ("remove", "Iterable[str]"): (("LA_2", "LA_3"),),
    ("method", "str"): ("merge", "squash"),
    ("message", "str"): ("", "title", "title\n\nbody"),
    ("delete_branch", "bool"): (True, False),
}
BUILDERS = {name: each for name, each in vars(queries).items() if name.startswith("ask_")}


def requests_of(builder: Any) -> Iterator[Any]:
    parameters = inspect.signature(builder).parameters.values()
    choices = [SAMPLES[each.name, each.annotation] for each in parameters]
    for values in itertools.product(*choices):
        named = dict(zip((each.name for each in parameters), values, strict=True))
        given = [named.pop(each.name) for each in parameters if each.kind is each.POSITIONAL_OR_KEYWORD]
        yield builder(*given, **named)


def operation_of(request: Any) -> OperationDefinitionNode:
    (operation,) = parse(request.json["query"]).definitions
    assert isinstance(operation, OperationDefinitionNode)
    return operation


@pytest.mark.parametrize("name", BUILDERS)
def test_document_is_valid(name):
    for request in requests_of(BUILDERS[name]):
        assert validate(schema(), parse(request.json["query"])) == []
        definitions = operation_of(request).variable_definitions
        values = get_variable_values(schema(), definitions, request.json["variables"])
        assert not isinstance(values, list), values  # a list of what is wrong
        assert request.json["variables"].keys() == {each.variable.name.value for each in definitions}


def test_invalid_document_is_noticed():
    assert isinstance(validate(schema(), parse("{ viewer { shoeSize } }"))[0], GraphQLError)


def test_only_what_does_no_harm_twice_is_sent_twice():
    for request in itertools.chain.from_iterable(map(requests_of, BUILDERS.values())):
        operation = operation_of(request)
        fields = {each.name.value for each in operation.selection_set.selections}
        harmless = {"addLabelsToLabelable", "removeLabelsFromLabelable", "reopenPullRequest"}
        assert not request.safe or operation.operation.value == "query" or fields <= harmless


# -- what a failed field leaves -----------------------------------------------------------------------

CONFIG = b"""\
backend: {name: github, repo: owner/site}
publish_mode: editorial_workflow
media_folder: static/img
collections:
  - {name: posts, label: Post, folder: content/posts}
"""
BRANCH = "cms/posts/new"
PATH = "content/posts/new.md"
#: The fields of mutations, each failed below.
FIELDS = {
    "createRef",
    "createCommitOnBranch",
    "createPullRequest",
    "addLabelsToLabelable",
    "removeLabelsFromLabelable",
    "closePullRequest",
    "updateRefs",
    "reopenPullRequest",
    "mergePullRequest",
    "updatePullRequestBranch",
}
WRONG = "Something is wrong."
NO_LABELS = Answer(422, json.dumps({"message": WRONG, "documentation_url": "", "status": "422"}).encode())


def test_every_field_of_a_mutation_is_failed_below():
    operations = map(operation_of, itertools.chain.from_iterable(map(requests_of, BUILDERS.values())))
    mutations = [each for each in operations if each.operation.value == "mutation"]
    assert {field.name.value for each in mutations for field in each.selection_set.selections} == FIELDS


@pytest.fixture
def store(forge):
    return forge.add_repository(
        "owner/site", {"admin/config.yml": CONFIG, "content/posts/hello.md": b"hello\n"}
    )


@pytest.fixture
def repository(store, open_site) -> Repository:
    return open_site(branch="main")


@pytest.fixture
def workflow(repository) -> Workflow:
    return Workflow(repository, parse_config(CONFIG, "admin/config.yml"))


@pytest.fixture
def simulator(repository):
    return repository.simulator


@pytest.fixture
def again(store, open_site):
    """Make another editor's workflow, who knows nothing of what was done before."""
    return lambda: Workflow(open_site(branch="main"), parse_config(CONFIG, "admin/config.yml"))


def open_pulls(store) -> list:
    return [pull for pull in store.pulls() if pull.state == "open"]


def content(store, branch: str, path: str = PATH) -> bytes | None:
    tree = store.commit(store.head(branch)).tree
    return tree[path].data if path in tree else None


def is_draft(store, text: bytes, label: str = "netlify-cms/draft") -> bool:
    """Whether there is one whole draft: a branch with the text, a pull request at it, and its label."""
    (pull,) = open_pulls(store)
    assert (pull.head, pull.head_sha) == (BRANCH, store.head(BRANCH))
    assert content(store, BRANCH) == text
    assert pull.labels == [label]
    return True


def until_done(do, tries: int = 2) -> list[CopydeskError]:
    """Call until it goes through; give what it raised before."""
    raised: list[CopydeskError] = []
    for _ in range(tries):
        try:
            do()
        except CopydeskError as exc:
            raised.append(exc)
        else:
            return raised
    raise AssertionError(raised)


@pytest.mark.parametrize("times", [1, 2, 3])
@pytest.mark.parametrize("field", ["createRef", "createCommitOnBranch", "createPullRequest"])
def test_save_whose_field_fails_is_finished_by_the_next(field, times, store, workflow, simulator):
    simulator.fail_field(field, WRONG, times=times)
    until_done(lambda: workflow.save("posts", "new", b"new\n"), times + 1)
    assert is_draft(store, b"new\n")
    assert content(store, "main") is None


@pytest.mark.parametrize("field", ["createRef", "createCommitOnBranch", "createPullRequest"])
def test_save_whose_field_fails_is_finished_by_somebody_else(field, store, workflow, simulator, again):
    simulator.fail_field(field, WRONG, times=3)
    with pytest.raises(CopydeskError, match="Something is wrong"):
        workflow.save("posts", "new", b"new\n")
    again().save("posts", "new", b"new\n")
    assert is_draft(store, b"new\n")


def test_failed_commit_leaves_the_branch_at_the_parent(store, workflow, simulator):
    simulator.fail_field("createCommitOnBranch", WRONG)
    with pytest.raises(ProtocolError, match="refused to commit to branch 'cms/posts/new'"):
        workflow.save("posts", "new", b"new\n")
    assert store.head(BRANCH) == store.head("main")
    assert open_pulls(store) == []


@pytest.mark.parametrize("field", ["createCommitOnBranch", "createPullRequest", "createRef"])
def test_right_that_is_missing_is_named(field, workflow, simulator):
    simulator.fail_field(field, "Resource not accessible by personal access token", "FORBIDDEN", times=5)
    with pytest.raises(PermissionDeniedError, match="Resource not accessible"):
        workflow.save("posts", "new", b"new\n")


def test_pull_request_that_times_out_is_not_said_to_lack_branches(repository, store, simulator):
    store.commit_files(BRANCH, {PATH: b"new\n"}, start="main")
    commit = NewCommit("cms/posts/b", store.head("main"), (Put("b", b"b"),), "b", creates_branch=True)
    text = "Something went wrong while executing your query. This may be the result of a timeout."
    simulator.fail_field("createPullRequest", text, "SERVICE_UNAVAILABLE")
    with pytest.raises(UnavailableError, match="may be the result of a timeout"):
        repository.propose_changes(commit, NewPullRequest("b", "", "cms/posts/b", "main"))


def test_branch_that_somebody_left_at_the_parent_is_adopted(store, workflow):
    store.create_branch(BRANCH, store.head("main"))
    workflow.save("posts", "new", b"new\n")
    assert is_draft(store, b"new\n")


def test_branch_that_somebody_left_with_commits_is_no_save(store, repository):
    """The pull request that the document opens on it is not given for one of ours, and nothing there is lost."""
    theirs = store.commit_files(BRANCH, {PATH: b"theirs\n"}, start="main")
    commit = NewCommit(BRANCH, store.head("main"), (Put(PATH, b"ours\n"),), "ours", creates_branch=True)
    with pytest.raises(ConflictError) as raised:
        repository.propose_changes(commit, NewPullRequest("ours", "", BRANCH, "main", ("netlify-cms/draft",)))
    assert not raised.value.committed
    assert store.head(BRANCH) == theirs
    assert not any(pull.labels for pull in store.pulls())


def test_save_on_a_branch_with_another_text_is_a_conflict_and_merges(store, workflow):
    theirs = store.commit_files(BRANCH, {PATH: b"theirs\n"}, start="main")
    with pytest.raises(ConflictError):
        workflow.save("posts", "new", b"ours\n")
    assert store.head(BRANCH) == theirs
    entry = workflow.get("posts", "new")
    assert workflow.read(entry)[0].content == b"theirs\n"
    workflow.save("posts", "new", b"both\n", based_on=entry.versions)
    assert is_draft(store, b"both\n")


def test_labels_that_fail_after_a_save_are_set_by_the_next(store, workflow, simulator):
    simulator.inject(NO_LABELS, when=lambda request: request.path.endswith("/labels"), times=1)
    raised = until_done(lambda: workflow.save("posts", "new", b"new\n"))
    assert len(raised) <= 1
    assert is_draft(store, b"new\n")


@pytest.fixture
def drafted(workflow, store):
    """Make a draft whose labels are known by their ids, so that a change of status is one document."""
    workflow.save("posts", "new", b"new\n")
    for status in ("pending_review", "pending_publish", "draft"):
        workflow.set_status("posts", "new", status)
    return workflow.get("posts", "new")


@pytest.mark.parametrize("field", ["addLabelsToLabelable", "removeLabelsFromLabelable"])
def test_status_is_set_although_a_field_fails(field, store, workflow, simulator, drafted):
    simulator.fail_field(field, WRONG)
    workflow.set_status("posts", "new", "pending_review")
    assert is_draft(store, b"new\n", "netlify-cms/pending_review")


def test_label_that_was_deleted_meanwhile_is_made_again(store, workflow, drafted):
    del store.labels["netlify-cms/pending_review"]
    workflow.set_status("posts", "new", "pending_review")
    assert is_draft(store, b"new\n", "netlify-cms/pending_review")


def test_status_that_could_not_be_added_at_all_is_set_by_the_next(store, workflow, simulator, drafted):
    simulator.fail_field("addLabelsToLabelable", WRONG)
    simulator.inject(NO_LABELS, when=lambda request: request.path.endswith("/labels"))
    raised = until_done(lambda: workflow.set_status("posts", "new", "pending_review"))
    assert len(raised) == 1
    assert is_draft(store, b"new\n", "netlify-cms/pending_review")


def test_discard_whose_closing_fails_is_finished(store, workflow, simulator, drafted):
    """GitHub closes a pull request whose branch is deleted."""
    simulator.fail_field("closePullRequest", WRONG)
    until_done(lambda: workflow.discard("posts", "new"))
    assert open_pulls(store) == []
    assert store.head(BRANCH) is None


def test_discard_whose_fields_both_fail_changes_nothing(store, workflow, simulator, drafted):
    simulator.fail_field("closePullRequest", WRONG)
    simulator.fail_field("updateRefs", WRONG)
    with pytest.raises(ProtocolError, match="refused to close pull request #1"):
        workflow.discard("posts", "new")
    assert is_draft(store, b"new\n")
    workflow.discard("posts", "new")
    assert store.head(BRANCH) is None


def test_discard_whose_branch_is_not_deleted_opens_it_again(store, workflow, simulator, drafted):
    simulator.fail_field("updateRefs", WRONG)
    with pytest.raises(ProtocolError, match="refused to delete branch"):
        workflow.discard("posts", "new")
    assert is_draft(store, b"new\n")
    workflow.discard("posts", "new")
    assert open_pulls(store) == []
    assert store.head(BRANCH) is None


def test_discard_that_cannot_be_undone_is_finished_by_the_next(store, workflow, simulator, drafted, again):
    simulator.fail_field("updateRefs", WRONG)
    simulator.fail_field("reopenPullRequest", WRONG)
    with pytest.raises(ProtocolError):
        workflow.discard("posts", "new")
    assert content(store, BRANCH) == b"new\n"
    again().discard("posts", "new")
    assert open_pulls(store) == []
    assert store.head(BRANCH) is None


def test_discard_of_a_branch_that_a_reviewer_moved_keeps_the_commit(store, workflow, drafted):
    theirs = store.commit_files(BRANCH, {PATH: b"reviewed\n"})
    with pytest.raises(ConflictError):
        workflow.discard("posts", "new", head_commit_sha=drafted.commit_sha)
    assert store.head(BRANCH) == theirs
    assert is_draft(store, b"reviewed\n")


def test_close_that_keeps_the_branch_is_made_again(store, repository, simulator, drafted):
    simulator.fail_field("closePullRequest", WRONG)
    with pytest.raises(ProtocolError, match="refused to close pull request #1"):
        repository.close_pull_request(drafted.pull_request, delete_branch=False)
    assert is_draft(store, b"new\n")
    assert repository.close_pull_request(drafted.pull_request, delete_branch=False).state == "closed"
    assert content(store, BRANCH) == b"new\n"


def test_branch_that_is_not_deleted_stays_and_is_deleted_by_the_next(store, repository, simulator):
    head = store.commit_files("old", {"a": b"a"}, start="main")
    simulator.fail_field("updateRefs", WRONG)
    with pytest.raises(ProtocolError, match="refused to delete branch 'old'"):
        repository.delete_branch("old", head)
    assert store.head("old") == head
    assert repository.delete_branch("old", head)


@pytest.fixture
def ready(workflow, drafted):
    return workflow.set_status("posts", "new", "pending_publish")


def test_publish_that_is_refused_leaves_branch_and_pull_request(store, workflow, simulator, ready):
    simulator.fail_field("mergePullRequest", "Pull Request is not mergeable", times=2)
    with pytest.raises(NotMergeableError):
        workflow.publish("posts", "new")
    assert is_draft(store, b"new\n", "netlify-cms/pending_publish")
    assert content(store, "main") is None
    simulator._graph.failing.clear()
    workflow.publish("posts", "new")
    assert content(store, "main") == b"new\n"
    assert store.head(BRANCH) is None


@pytest.mark.parametrize("times", [1, 2, 3])
def test_publish_whose_branch_is_not_deleted_is_finished(times, store, workflow, simulator, ready):
    simulator.fail_field("updateRefs", WRONG, times=times)
    until_done(lambda: workflow.publish("posts", "new"), 3)
    assert content(store, "main") == b"new\n"
    assert store.head(BRANCH) is None


def test_publish_keeps_what_a_reviewer_pushed_after_it(store, workflow, simulator, ready):
    """The deletion is guarded by the head that was merged."""
    pull = ready.pull_request
    merged = workflow.repository.merge_pull_request(pull, "merge", "", delete_branch=False)
    theirs = store.commit_files(BRANCH, {PATH: b"too late\n"})
    with pytest.raises(ConflictError, match="nothing was deleted"):
        workflow.repository.delete_branch(BRANCH, pull.head_commit_sha)
    assert merged.commit_sha == store.head("main")
    assert store.head(BRANCH) == theirs


@pytest.mark.parametrize(
    ("kind", "error"), [("FORBIDDEN", PermissionDeniedError), ("UNPROCESSABLE", CopydeskError)]
)
def test_update_that_fails_is_made_again(kind, error, store, workflow, simulator, drafted):
    store.commit_files("main", {"content/posts/other.md": b"other\n"})
    head = store.head(BRANCH)
    simulator.fail_field("updatePullRequestBranch", WRONG, kind)
    with pytest.raises(error, match="Something is wrong"):
        workflow.update_from_base("posts", "new")
    assert store.head(BRANCH) == head
    workflow.update_from_base("posts", "new")
    assert content(store, BRANCH, "content/posts/other.md") == b"other\n"
    assert is_draft(store, b"new\n")


@pytest.mark.parametrize("kind", ["UNPROCESSABLE", "STALE_DATA", "SERVICE_UNAVAILABLE"])
def test_commit_that_fails_is_made_again(kind, store, workflow, simulator, drafted):
    simulator.fail_field("createCommitOnBranch", WRONG, kind)
    until_done(lambda: workflow.save("posts", "new", b"newer\n", based_on=drafted.versions))
    assert is_draft(store, b"newer\n")
