"""Paths and names of branches: what is refused, by which words, and what is not."""

from __future__ import annotations

import subprocess

import pytest
from copydesk.errors import InvalidPathError, InvalidSlugError
from copydesk.paths import check_branch, check_folder, check_path
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

# -- paths that are refused ---------------------------------------------------------------------------


def test_check_path_of_nothing():
    with pytest.raises(
        InvalidPathError, match=r"^the path is empty; paths look like 'posts/hello\.md'$"
    ) as caught:
        check_path("")
    assert caught.value.path == ""


@pytest.mark.parametrize("path", ["/", "/etc/passwd", "//host/share"])
def test_check_path_of_an_absolute_path(path):
    with pytest.raises(
        InvalidPathError,
        match=rf"^the path '{path}' is absolute; paths are relative to the top of the repository$",
    ) as caught:
        check_path(path)
    assert caught.value.path == path


@pytest.mark.parametrize("path", ["a\0", "\0", "posts/a\0.md", "a\0/../b"])
def test_check_path_with_a_nul(path):
    with pytest.raises(
        InvalidPathError, match=r"^the path '.*' holds a NUL; segments are separated by '/' and nothing else$"
    ):
        check_path(path)


@pytest.mark.parametrize("path", ["a\\b", "\\", "..\\..\\x", "C:\\x", "\\\\host\\share", ".git\\config"])
def test_check_path_with_a_backslash(path):
    """On Windows it would be a separator, and the rest another path."""
    with pytest.raises(
        InvalidPathError,
        match=r"^the path '.*' holds a backslash; segments are separated by '/' and nothing else$",
    ):
        check_path(path)


@pytest.mark.parametrize("path", ["a//b", "a/", "a/b//"])
def test_check_path_with_an_empty_segment(path):
    with pytest.raises(
        InvalidPathError, match=rf"^the path '{path}' has an empty segment; remove the extra '/'$"
    ):
        check_path(path)


@pytest.mark.parametrize("path", [".", "./a", "a/.", "a/./b"])
def test_check_path_with_a_dot_for_a_segment(path):
    with pytest.raises(InvalidPathError, match=r"^the path '.*' has the segment '\.'; write it out$"):
        check_path(path)


@pytest.mark.parametrize("path", ["..", "../a", "a/..", "a/../b", "a/b/../../../etc"])
def test_check_path_with_two_dots_for_a_segment(path):
    with pytest.raises(InvalidPathError, match=r"^the path '.*' has the segment '\.\.'; write it out$"):
        check_path(path)


@pytest.mark.parametrize(
    "segment",
    [
        ".git",
        ".GIT",
        ".gIt",
        # NTFS drops dots and blanks at the end, and keeps a stream behind a colon.
        ".git.",
        ".git..",
        ".git ",
        ".Git . .",
        ".git:",
        ".git::$INDEX_ALLOCATION",
        ".git .:x",
        # The short name of NTFS.
        "git~1",
        "GIT~1",
        "git~1.",
        "Git~1 ",
        "git~1:x",
        # Characters that HFS+ drops.
        ".\u200cgit",
        ".g\u200dit",
        ".gi\u200et",
        ".git\u200f",
        "\u202a.git",
        ".g\u202e\u206a\u206fit",
        "\ufeff.GIT",
        ".git\u200d ",
    ],
)
@pytest.mark.parametrize("place", ["{}", "{}/config", "sub/{}", "sub/{}/hooks/pre-commit"])
def test_check_path_with_the_folder_of_git(segment, place):
    with pytest.raises(
        InvalidPathError,
        match=r"^the path '.*' has the segment '.*', which git keeps for itself; use another name$",
    ) as caught:
        check_path(place.format(segment))
    assert f"the segment {segment!r}" in str(caught.value)


def test_check_path_with_the_folder_of_git_and_a_stream_with_a_line_break():
    with pytest.raises(InvalidPathError, match="which git keeps for itself"):
        check_path(".git:\nx")


@pytest.mark.parametrize("segment", ["x" * 256, "é" * 128, "日" * 86, "\udcff" * 256])
def test_check_path_with_a_segment_of_too_many_bytes(segment):
    with pytest.raises(
        InvalidPathError, match=r"^the path '.*' has a segment of more than 255 bytes; shorten it$"
    ):
        check_path(f"posts/{segment}/a")


@pytest.mark.parametrize("code", [0xD800, 0xDBFF, 0xDC00, 0xDC7F])
def test_check_path_with_half_of_a_surrogate_pair(code):
    """From 0xDC80 to 0xDCFF it stands for a byte of a name that is not UTF-8, and is allowed."""
    with pytest.raises(
        InvalidPathError, match=r"^the path '.*' holds half of a surrogate pair; decode it rightly first$"
    ) as caught:
        check_path(f"posts/a{chr(code)}.md")
    assert str(caught.value).isascii()


def test_check_path_with_a_pair_of_surrogates_that_nobody_joined():
    with pytest.raises(InvalidPathError, match=r"holds half of a surrogate pair"):
        check_path("\ud83d\ude00")


# -- paths that are allowed ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "a",
        "posts/hello.md",
        "with blank/ at both ends /x",
        "#1/a?b=c&d/100%/%2F/a+b",
        'it\'s/"quoted"/`back`',
        "Grüße/日本語/🎉.md",
        "e\u0301 and \u00e9",
        ".github/workflows/ci.yml",
        ".gitignore",
        ".gitattributes",
        ".gitmodules",
        "..a/...",
        "a./b..",
        "~/$HOME/*/[a]/{b}/<c>/|",
        "C:/x",
        "-rf",
        "git~2/git~10/xgit~1",
        "git/.gitx/.git-x/x.git/.git~1",
        ".gi\u200bt",
        "line\nbreak\ttab\x7f",
        "not\udcff\udc80utf8",
        "CON/nul/aux.txt",
    ],
)
def test_check_path_returns_what_a_tree_can_hold(path):
    assert check_path(path) == path


@pytest.mark.parametrize("segment", ["x" * 255, "é" * 127, "日" * 85, "\udcff" * 255])
def test_check_path_allows_segments_of_255_bytes(segment):
    assert check_path(f"{segment}/{segment}") == f"{segment}/{segment}"


def test_check_path_allows_200_levels():
    path = "/".join(f"level{number}" for number in range(200))
    assert check_path(path) == path


def test_check_folder_allows_the_top():
    assert check_folder("") == ""


def test_check_folder_is_otherwise_a_path():
    assert check_folder("posts/2024") == "posts/2024"
    with pytest.raises(InvalidPathError, match="has an empty segment"):
        check_folder("posts/")


# -- names of branches --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "character", [" ", "~", "^", ":", "?", "*", "[", "\\", "\0", "\n", "\t", "\x1f", "\x7f"]
)
def test_check_branch_names_the_character_that_git_does_not_allow(character):
    with pytest.raises(InvalidSlugError) as caught:
        check_branch(f"cms/posts/a{character}b")
    assert str(caught.value) == (
        f"{f'cms/posts/a{character}b'!r} cannot be the name of a branch: git allows no {character!r} in it"
    )
    assert caught.value.slug == f"cms/posts/a{character}b"


@pytest.mark.parametrize("code", [0xD800, 0xDBFF, 0xDC80, 0xDFFF])
def test_check_branch_with_half_of_a_surrogate_pair(code):
    with pytest.raises(InvalidSlugError, match=r"git allows no '\\ud[0-9a-f]{3}' in it$") as caught:
        check_branch(f"a{chr(code)}")
    assert str(caught.value).isascii()


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("", "it is empty"),
        ("/a", "it has an empty segment"),
        ("a/", "it has an empty segment"),
        ("cms//a", "it has an empty segment"),
        ("a..b", r"it holds '\.\.'"),
        ("cms/a../b", r"it holds '\.\.'"),
        ("a@{b", "it holds '@{'"),
        ("@", "it is '@'"),
        ("-a", "it begins with '-'"),
        ("a.", r"it ends in '\.'"),
        ("cms/a.", r"it ends in '\.'"),
        (".a", r"a segment begins with '\.'"),
        ("cms/.a/b", r"a segment begins with '\.'"),
        ("a.lock", r"a segment ends in '\.lock'"),
        ("cms/a.lock/b", r"a segment ends in '\.lock'"),
        ("cms/" + "x" * 241, "a segment has more than 240 bytes"),
        ("cms/" + "é" * 121 + "/x", "a segment has more than 240 bytes"),
    ],
)
def test_check_branch_names_the_rule_that_is_broken(name, rule):
    with pytest.raises(InvalidSlugError, match=rf" cannot be the name of a branch: {rule}$") as caught:
        check_branch(name)
    assert caught.value.slug == name


@pytest.mark.parametrize(
    "name",
    [
        "main",
        "cms/posts/hello",
        "a#b%c+d&e=f",
        'it\'s"quoted"',
        "Grüße/日本語/🎉",
        "a.b/c.lockx/lock",
        "a.LOCK",
        "a@b/@/x@",
        "a{b}",
        "cms/-a",
        "a./b",
        "x" * 240 + "/" + "é" * 120,
        "(a)<b>|$!;,",
    ],
)
def test_check_branch_returns_what_a_branch_can_be_called(name):
    assert check_branch(name) == name


# -- git has the last word ----------------------------------------------------------------------------

#: What the rules of git-check-ref-format(1) are about, and something between.
names = st.one_of(
    st.lists(
        st.sampled_from(
            [
                *"ab/.@{}-~^:?*[\\ \x01\x7f=%'\"#+",
                "..",
                ".lock",
                "@{",
                "//",
                "é",
                "日",
                "\x85",
                "\xa0",
                "HEAD",
            ]
        ),
        min_size=1,
        max_size=8,
    ).map("".join),
    st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), min_size=1, max_size=8),
)


def git_accepts(name: str) -> bool:
    """Ask git for both readings: as an argument, where it must be no option, and as a ref."""
    asked = (("--branch", name), (f"refs/heads/{name}",))
    return all(
        subprocess.run(["git", "check-ref-format", *words], capture_output=True, check=False).returncode == 0
        for words in asked
    )


def our_check_accepts(name: str) -> bool:
    try:
        check_branch(name)
    except InvalidSlugError:
        return False
    return True


@given(name=names)
@example("a/.b")
@example("a.lock/b")
@example("a@{0}")
@example("@{-1}")
@example("-")
@example("a" * 240)
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.filter_too_much])
def test_git_accepts_what_check_branch_accepts(name):
    assume(our_check_accepts(name) and name != "HEAD")
    assert git_accepts(name)


@given(name=names)
@example("a@")
@example("@/a")
@example("\x80")
@settings(deadline=None, max_examples=150)
def test_check_branch_accepts_what_git_accepts(name):
    """But for `@`, which is short for HEAD, and for segments that no file of a loose ref can have."""
    assume(name != "@" and not our_check_accepts(name))
    assert not git_accepts(name)


def test_check_branch_of_head():
    with pytest.raises(InvalidSlugError, match="it is 'HEAD'"):
        check_branch("HEAD")


#: What git's checks of paths are about (verify_path, is_ntfs_dotgit, is_hfs_dotgit), and something between.
paths = st.lists(
    st.sampled_from(
        [
            ".git",
            "GIT",
            "git~1",
            "git",
            "~1",
            "~2",
            ".",
            "..",
            " ",
            ":",
            "/",
            "\\",
            "a",
            "\u200c",
            "\ufeff",
            "ı",
            "\x7f",
        ]
    ),
    min_size=1,
    max_size=5,
).map("".join)


@pytest.fixture(scope="module")
def index_git(tmp_path_factory):
    """Give a repository that refuses what the file systems of Windows and macOS take for another name."""
    path = tmp_path_factory.mktemp("index")
    subprocess.run(["git", "init", "-q", str(path)], check=True)
    for name in ("core.protectHFS", "core.protectNTFS"):
        subprocess.run(["git", "-C", str(path), "config", name, "true"], check=True)
    return path


@given(path=paths)
@example(".git\u200c")
@example("a/git~1 .")
@settings(deadline=None, max_examples=100)
def test_git_accepts_what_check_path_accepts(index_git, path):
    try:
        check_path(path)
    except InvalidPathError:
        assume(False)
    entry = f"100644 {'1' * 40}\t{path}\0".encode()
    command = ["git", "-C", str(index_git), "update-index", "-z", "--index-info"]
    done = subprocess.run(command, input=entry, capture_output=True, check=True)
    assert done.stderr == b""
