"""Which path an entry has, and which entry a path is."""

from __future__ import annotations

import pytest
from copydesk.content import Collection, CollectionFile
from copydesk.errors import ConfigError, InvalidPathError, InvalidSlugError, NotFoundError
from hypothesis import given
from hypothesis import strategies as st

FLAT = Collection("posts", folder="content/posts")
FOLDERS = Collection("posts", folder="content/posts", template="{{slug}}/index", depth=2)
DATED = Collection("posts", folder="posts", template="{{year}}/{{month}}-{{slug}}", depth=2)
NESTED = Collection("pages", folder="pages", nested=True, depth=3)
TOP = Collection("all", folder="")
BARE = Collection("data", folder="data", extension="")
SETTINGS = Collection(
    "settings",
    files=(CollectionFile("general", "data/general.yml"), CollectionFile("nav", "data/nav.json")),
)

#: Segments that any tree can hold: what people write, and what breaks parsers.
segments = st.text(
    st.one_of(
        st.sampled_from(" .-_=%#?+'\"&{}[]()|^$*\\~:@äÅ日🎉"),
        st.characters(categories=("L", "N"), max_codepoint=0x2FF),
    ).filter(lambda character: character != "\\"),
    min_size=1,
    max_size=12,
).filter(lambda text: text not in {".", ".."} and not text.lower().startswith(".git"))


# -- a folder of entries ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("collection", "slug", "path"),
    [
        (FLAT, "hello", "content/posts/hello.md"),
        (FLAT, "hello.world", "content/posts/hello.world.md"),
        (FLAT, "hello.md", "content/posts/hello.md.md"),
        (FLAT, "Grüße an alle #1 100%", "content/posts/Grüße an alle #1 100%.md"),
        (FOLDERS, "hello/index", "content/posts/hello/index.md"),
        (DATED, "2024/03-hello", "posts/2024/03-hello.md"),
        (NESTED, "about", "pages/about.md"),
        (NESTED, "about/team/index", "pages/about/team/index.md"),
        (TOP, "README", "README.md"),
        (BARE, "LICENSE", "data/LICENSE"),
        (Collection("x", folder="x", extension="html.md"), "a", "x/a.html.md"),
        (SETTINGS, "nav", "data/nav.json"),
    ],
)
def test_path_and_slug_are_two_ways_to_say_one_entry(collection, slug, path):
    assert collection.path_of(slug) == path
    assert collection.slug_of(path) == slug


def test_a_collection_is_by_default_one_folder_of_markdown_without_a_label():
    assert Collection("posts", folder="posts") == Collection(
        "posts",
        label="",
        folder="posts",
        extension="md",
        template="{{slug}}",
        depth=1,
        nested=False,
        files=(),
    )
    assert CollectionFile("nav", "data/nav.json").label == ""


@pytest.mark.parametrize(
    "path",
    [
        "content/posts.md",
        "content/posts/.md",
        "content/posts/hello.txt",
        "content/posts/hello.MD",
        "content/posts/hellomd",
        "content/posts/2024/hello.md",
        "content/posts-old/hello.md",
        "posts/hello.md",
        "other/content/posts/hello.md",
        "hello.md",
    ],
)
def test_slug_of_a_path_elsewhere_is_none(path):
    assert FLAT.slug_of(path) is None


@pytest.mark.parametrize(
    "path", ["content/posts/hello.md", "content/posts/hello/other.md", "content/posts/a/b/index.md"]
)
def test_slug_of_a_path_that_the_template_does_not_make_is_none(path):
    assert FOLDERS.slug_of(path) is None


def test_slug_of_a_path_in_another_folder_of_a_collection_at_the_top_is_none():
    assert TOP.slug_of("docs/README.md") is None


# -- path templates -----------------------------------------------------------------------------------


def test_full_slug_puts_a_bare_slug_into_the_template():
    assert FOLDERS.full_slug("hello") == "hello/index"


def test_full_slug_of_a_slug_that_fits_is_the_slug():
    assert FOLDERS.full_slug("hello/index") == "hello/index"


@pytest.mark.parametrize("template", ["{{slug}}/index", "{{ slug }}/index", "{{  slug}}/index"])
def test_full_slug_allows_blanks_in_a_placeholder(template):
    assert Collection("x", folder="x", template=template).full_slug("a") == "a/index"


def test_full_slug_replaces_every_placeholder():
    assert Collection("x", folder="x", template="{{slug}}/{{slug}}").full_slug("a") == "a/a"


def test_full_slug_reads_no_template_in_a_slug():
    assert FOLDERS.full_slug(r"{{slug}}\1") == r"{{slug}}\1/index"


def test_path_of_takes_a_bare_slug_where_the_template_needs_no_more():
    assert FOLDERS.path_of("hello") == "content/posts/hello/index.md"


def test_the_template_is_taken_literally_between_placeholders():
    """Its dots and brackets are no pattern."""
    collection = Collection("x", folder="x", template="a.b+{{slug}}")
    assert collection.slug_of("x/a.b+c.md") == "a.b+c"
    assert collection.slug_of("x/aXbbc.md") is None


@pytest.mark.parametrize("slug", ["hello", "2024/hello", "2024/03-x/y", ""])
def test_path_of_a_slug_that_lacks_what_the_template_needs(slug):
    with pytest.raises(
        InvalidSlugError,
        match=rf"^the slug '{slug}' does not fit collection 'posts', whose entries are at "
        r"'\{\{year\}\}/\{\{month\}\}-\{\{slug\}\}' below 'posts'; give the whole path below the folder$",
    ) as caught:
        DATED.path_of(slug)
    assert caught.value.slug == slug


@pytest.mark.parametrize("slug", ["", "a/b", "/a", "a/", "../a"])
def test_path_of_a_slug_that_does_not_fit_a_flat_collection(slug):
    with pytest.raises(InvalidSlugError, match="does not fit collection 'posts'"):
        FLAT.path_of(slug)


def test_path_of_a_slug_that_no_tree_can_hold():
    with pytest.raises(InvalidPathError, match="holds a NUL"):
        FLAT.path_of("a\0b")


@given(slug=segments)
def test_a_bare_slug_is_found_again_flat(slug):
    assert FLAT.slug_of(FLAT.path_of(slug)) == FLAT.full_slug(slug) == slug


@given(slug=segments)
def test_a_bare_slug_is_found_again_under_its_full_slug(slug):
    assert FOLDERS.slug_of(FOLDERS.path_of(slug)) == FOLDERS.full_slug(slug) == f"{slug}/index"


@given(year=segments, month=segments, slug=segments)
def test_a_full_slug_is_found_again_under_itself(year, month, slug):
    full = f"{year}/{month}-{slug}"
    assert DATED.slug_of(DATED.path_of(full)) == DATED.full_slug(full) == full


@given(
    parts=st.lists(st.sampled_from(["{{slug}}", "{{ slug }}", "/", "-", "index", "a.b", "("]), min_size=1)
    .map("".join)
    .filter(lambda template: "slug" in template and "//" not in template and template.strip("/") == template),
    slug=segments,
)
def test_a_slug_is_found_again_under_any_template(parts, slug):
    collection = Collection("x", folder="x", template=parts)
    assert collection.slug_of(collection.path_of(slug)) == collection.full_slug(slug)


def test_template_of_many_placeholders_is_compared_at_once():
    """And not in all ways in which a name can be shared out among them."""
    collection = Collection("x", folder="x", template="{{slug}}" * 30 + "(")
    assert collection.slug_of(collection.path_of("a" * 8)) == "a" * 240 + "("
    assert collection.slug_of("x/" + "a" * 240 + ".md") is None


@given(slug=st.lists(segments, min_size=1, max_size=3).map("/".join))
def test_a_nested_slug_is_found_again(slug):
    assert NESTED.slug_of(NESTED.path_of(slug)) == NESTED.full_slug(slug) == slug


def test_template_that_loses_the_slug_is_refused():
    """It would give all entries one path."""
    with pytest.raises(ConfigError, match=r"the path 'index' of collection 'x' has no placeholder; write"):
        Collection("x", folder="x", template="index")


# -- nested collections -------------------------------------------------------------------------------


@pytest.mark.parametrize(("depth", "found"), [(1, None), (2, None), (3, "a/b/c"), (100, "a/b/c")])
def test_slug_of_a_nested_path_goes_as_deep_as_the_collection(depth, found):
    collection = Collection("pages", folder="pages", nested=True, depth=depth)
    assert collection.slug_of("pages/a/b/c.md") == found


@pytest.mark.parametrize("path", ["pages/.md", "pages/a.txt", "pages.md", "other/a.md"])
def test_slug_of_a_path_outside_a_nested_collection_is_none(path):
    assert NESTED.slug_of(path) is None


@pytest.mark.parametrize(
    ("slug", "message"),
    [
        ("../posts/a", "has the segment '..'"),
        ("a/../b", "has the segment '..'"),
        ("a//b", "has an empty segment"),
        ("/a", "has an empty segment"),
        (".git/config", "which git keeps for itself"),
    ],
)
def test_path_of_a_nested_slug_that_leaves_its_folder(slug, message):
    with pytest.raises(InvalidPathError, match=message):
        NESTED.path_of(slug)


@pytest.mark.parametrize("slug", ["", "a/"])
def test_path_of_a_nested_slug_without_a_name(slug):
    with pytest.raises(InvalidSlugError, match="does not fit collection 'pages'"):
        NESTED.path_of(slug)


def test_path_of_a_nested_slug_below_the_depth():
    with pytest.raises(InvalidSlugError, match="does not fit collection 'pages'"):
        NESTED.path_of("a/b/c/d")


# -- file collections ---------------------------------------------------------------------------------


def test_full_slug_in_a_file_collection_is_the_name_of_the_file():
    assert SETTINGS.full_slug("general") == "general"


@pytest.mark.parametrize("slug", ["footer", "data/nav.json", ""])
def test_path_of_a_file_that_is_not_listed_lists_those_that_are(slug):
    with pytest.raises(
        NotFoundError, match=rf"^collection 'settings' has no file '{slug}' \(it has: general, nav\)$"
    ):
        SETTINGS.path_of(slug)


@pytest.mark.parametrize("path", ["data/footer.yml", "general", "data/general.yml.md", "data"])
def test_slug_of_a_path_that_no_file_has_is_none(path):
    assert SETTINGS.slug_of(path) is None
