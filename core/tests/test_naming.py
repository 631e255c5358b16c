"""What branches, labels and commits of the editorial workflow are called."""

from __future__ import annotations

import logging

import pytest
from copydesk.errors import InvalidInputError, InvalidSlugError
from copydesk.models import Status
from copydesk.naming import (
    WORKFLOW,
    branch_key,
    branch_names,
    check_status,
    commit_message,
    label_statuses,
)
from hypothesis import assume, example, given
from hypothesis import strategies as st

PREFIX = "netlify-cms/"

#: Slugs made of what stands for something in the name of a branch.
slugs = (
    st.lists(
        st.sampled_from([*"ab/=%23DFdf", "=2F", "=3D", "%2F", "%3D", "é", "index"]), min_size=1, max_size=8
    )
    .map("".join)
    .filter(lambda slug: slug.strip("/") == slug and "//" not in slug)
)
collections = st.sampled_from(["posts", "a=2Fb", "my-pages", "%2F"])

# -- branches -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("slug", "names"),
    [
        ("hello", ("cms/posts/hello", "cms/posts/hello=2F")),
        ("2024-03-hello_world.x", ("cms/posts/2024-03-hello_world.x", "cms/posts/2024-03-hello_world.x=2F")),
        ("Grüße#1%", ("cms/posts/Grüße#1%", "cms/posts/Grüße#1%=2F")),
        ("a/b", ("cms/posts/a/b", "cms/posts/a=2Fb")),
        ("a=b", ("cms/posts/a=b", "cms/posts/a=3Db=2F")),
        ("a=/b/c", ("cms/posts/a=/b/c", "cms/posts/a=3D=2Fb=2Fc")),
    ],
)
def test_branch_names_are_the_slug_as_it_is_and_encoded(slug, names):
    """The first is what the CMS writes; the second is for where git cannot hold it beside another one."""
    assert branch_names("posts", slug) == names


@pytest.mark.parametrize(
    ("slug", "name"),
    [("a=2Fb", "cms/posts/a=3D2Fb=2F"), ("a=3Db/c", "cms/posts/a=3D3Db=2Fc")],
)
def test_branch_names_of_a_slug_that_looks_encoded_is_only_encoded(slug, name):
    """As it is it would be read as another slug."""
    assert branch_names("posts", slug) == (name,)


@pytest.mark.parametrize("slug", ["a%2Fb", "%2F", "a/b%2Fc", "a=%2Fb"])
def test_branch_names_of_a_slug_with_the_sign_of_another_cms(slug):
    with pytest.raises(
        InvalidSlugError, match=f"^the slug '{slug}' holds '%2F', which is read as '/'; write '/'$"
    ) as caught:
        branch_names("posts", slug)
    assert caught.value.slug == slug


@pytest.mark.parametrize(
    ("slug", "named"),
    [("a b", "git allows no ' ' in it"), ("a:b", "git allows no ':' in it"), ("a.lock", "ends in '.lock'")],
)
def test_branch_names_of_a_slug_that_no_ref_can_hold(slug, named):
    with pytest.raises(InvalidSlugError) as caught:
        branch_names("posts", slug)
    assert named in str(caught.value)


@pytest.mark.parametrize("slug", ["", "/", "a/", "/a", "a//b"])
def test_branch_names_of_a_slug_with_an_empty_segment(slug):
    with pytest.raises(InvalidSlugError, match="it has an empty segment"):
        branch_names("posts", slug)


@pytest.mark.parametrize("slug", ["a=3D/", "/a=3D", "a=2F//b"])
def test_branch_names_of_a_slug_that_looks_encoded_with_an_empty_segment(slug):
    with pytest.raises(InvalidSlugError):
        branch_names("posts", slug)


@pytest.mark.parametrize("slug", ["x" * 239, "/".join(["chapter"] * 30)])
def test_branch_names_of_a_long_slug_that_fits_as_it_is(slug):
    assert branch_names("posts", slug)[0] == f"cms/posts/{slug}"


def test_branch_key_splits_at_the_first_slash():
    assert branch_key("cms/pages/about/team") == ("pages", "about/team")


@pytest.mark.parametrize(
    ("branch", "slug"),
    [
        ("cms/posts/a=2Fb", "a/b"),
        ("cms/posts/a=3Db", "a=b"),
        ("cms/posts/a%2Fb", "a/b"),
        ("cms/posts/a=2F", "a"),
        ("cms/posts/a=3D2Fb", "a=2Fb"),
        ("cms/posts/a=3D2F=2F", "a=2F"),
        ("cms/posts/a=3D3Db", "a=3Db"),
        ("cms/posts/a%2Fb=2Fc/d", "a/b/c/d"),
        # Nothing else is encoded.
        ("cms/posts/a=b", "a=b"),
        ("cms/posts/a=2fb=3d", "a=2fb=3d"),
        ("cms/posts/a%2fb%3D%20", "a%2fb%3D%20"),
    ],
)
def test_branch_key_decodes_once(branch, slug):
    assert branch_key(branch) == ("posts", slug)


@pytest.mark.parametrize("branch", ["cms/a=2Fb/c", "cms/a%2Fb/c"])
def test_branch_key_does_not_decode_the_collection(branch):
    assert branch_key(branch) == (branch.split("/")[1], "c")


@pytest.mark.parametrize(
    "branch", ["main", "", "cms", "cms/", "cms/posts", "cms/posts/", "cms//a", "CMS/posts/a", "x/cms/posts/a"]
)
def test_branch_key_of_a_branch_of_no_entry_is_none(branch):
    assert branch_key(branch) is None


@pytest.mark.parametrize("branch", ["cms/posts/=2F", "cms/posts/%2F"])
def test_branch_key_of_a_branch_that_decodes_to_nothing_is_none(branch):
    assert branch_key(branch) is None


@given(collection=collections, slug=slugs)
@example("posts", "a=2Fb")
@example("posts", "a/b=c")
def test_every_name_of_an_entry_is_read_back_as_that_entry(collection, slug):
    try:
        names = branch_names(collection, slug)
    except InvalidSlugError:
        assume(False)
    assert {branch_key(name) for name in names} == {(collection, slug)}


@given(one=slugs, other=slugs)
@example("a", "a/b")
@example("a/b", "a/b/c")
@example("a", "a=2F/b")
def test_the_last_name_of_an_entry_is_neither_above_nor_below_another(one, other):
    """So git can hold it, whatever else is under workflow."""
    assume(one != other)
    try:
        last, others = branch_names("posts", one)[-1], branch_names("posts", other)
    except InvalidSlugError:
        assume(False)
    assert not [name for name in others if name.startswith(f"{last}/") or last.startswith(f"{name}/")]


@given(one=slugs, other=slugs)
def test_two_entries_share_no_name(one, other):
    assume(one != other)
    try:
        names = {*branch_names("posts", one)} & {*branch_names("posts", other)}
    except InvalidSlugError:
        assume(False)
    assert names == set()


# -- labels -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("prefix", ["netlify-cms/", "decap-cms/"])
@pytest.mark.parametrize("status", WORKFLOW)
def test_label_statuses_knows_both_prefixes_whichever_is_configured(prefix, status):
    assert label_statuses([f"{prefix}{status}"], "desk/") == {f"{prefix}{status}": status}


def test_label_statuses_knows_the_configured_prefix():
    assert label_statuses(["desk/draft"], "desk/") == {"desk/draft": Status.DRAFT}


@pytest.mark.parametrize(
    "label",
    ["draft", "bug", "desk/draft", "netlify-cms/published", "netlify-cms/Draft", "netlify-cms/draft ", ""],
)
def test_label_statuses_leaves_foreign_labels_alone(label):
    assert label_statuses([label], PREFIX) == {}


@pytest.mark.parametrize("turn", [1, -1])
def test_label_statuses_gives_the_least_advanced_first(turn):
    labels = ["netlify-cms/draft", "decap-cms/pending_review", "netlify-cms/pending_publish"]
    assert list(label_statuses(["bug", *labels[::turn]], PREFIX)) == labels


def test_label_statuses_keeps_both_labels_of_one_status():
    """Whoever removes the others must see them."""
    labels = ["decap-cms/draft", "netlify-cms/draft"]
    assert label_statuses(labels, PREFIX) == dict.fromkeys(labels, Status.DRAFT)


@pytest.mark.parametrize("status", WORKFLOW)
def test_check_status_gives_a_status_of_the_workflow(status):
    assert check_status(str(status)) is status


def test_check_status_of_a_word_lists_those_there_are():
    with pytest.raises(
        InvalidInputError,
        match=r"^'ready' is no status of the workflow \(those are: draft, pending_review, pending_publish\); "
        "use one of those$",
    ):
        check_status("ready")


def test_check_status_of_published_names_the_call_that_publishes():
    with pytest.raises(InvalidInputError, match=r"^'published' is no status .*; call publish to publish$"):
        check_status("published")


# -- commit messages ----------------------------------------------------------------------------------

VALUES = {
    "slug": "hello",
    "collection": "Post",
    "path": "posts/hello.md",
    "author-login": "ann",
    "author-name": "Ann Author",
}


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("create", "Create Post “hello”"),
        ("update", "Update Post “hello”"),
        ("delete", "Delete Post “hello”"),
        ("uploadMedia", "Upload “posts/hello.md”"),
        ("deleteMedia", "Delete “posts/hello.md”"),
    ],
)
def test_commit_message_is_by_default_that_of_the_cms(kind, message):
    assert commit_message({}, kind, VALUES) == message


def test_commit_message_fills_a_configured_template():
    template = "{{collection}}/{{ slug }} ({{path}}) by {{author-login}}, {{author-name}}"
    assert commit_message({"create": template}, "create", VALUES) == (
        "Post/hello (posts/hello.md) by ann, Ann Author"
    )


def test_commit_message_of_another_kind_keeps_its_default():
    assert commit_message({"create": "x"}, "update", VALUES) == "Update Post “hello”"


def test_commit_message_with_an_empty_template_is_the_default():
    """git makes no commit without a message."""
    assert commit_message({"create": ""}, "create", VALUES) == "Create Post “hello”"


def test_commit_message_with_an_unknown_variable_leaves_it_empty_with_one_warning(caplog):
    assert commit_message({"create": "a {{title}} b {{slug}}"}, "create", VALUES) == "a  b hello"
    assert [(record.levelno, record.getMessage()) for record in caplog.records] == [
        (logging.WARNING, "the commit message template 'create' has no variable 'title'")
    ]


def test_commit_message_with_known_variables_warns_of_nothing(caplog):
    commit_message({"create": "{{slug}}"}, "create", VALUES)
    assert caplog.records == []


def test_commit_message_does_not_fill_what_a_value_holds():
    values = {**VALUES, "slug": "{{path}}"}
    assert commit_message({"create": "{{slug}}"}, "create", values) == "{{path}}"


def test_commit_message_of_open_authoring_is_by_default_the_message():
    assert commit_message({}, "openAuthoring", {"message": "Create"}) == "Create"
