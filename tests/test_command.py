"""The `copydesk` command, run as people run it: a process of its own."""

from __future__ import annotations

import contextlib
import hashlib
import io
import itertools
import json
import os
import pty
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import attrs
import click
import pytest
from copydesk import Workflow, open_repository
from copydesk.cli import main
from copydesk.errors import InvalidInputError
from copydesk.models import FileVersion

CLI = [sys.executable, "-m", "copydesk"]


@pytest.fixture
def copydesk(tmp_path):
    """Run the command in a directory of its own, without the user's settings."""

    def run(*arguments: str, cwd: Path = tmp_path, stdin: bytes = b"", **environment: str):
        clean = {key: value for key, value in os.environ.items() if not key.startswith(("GIT_", "COPYDESK_"))}
        clean.pop("UV", None)
        return subprocess.run(
            [*CLI, *arguments],
            cwd=cwd,
            input=stdin,
            capture_output=True,
            check=False,
            env={**clean, "COPYDESK_CACHE": "off", "COLUMNS": "120", **environment},
            timeout=60,
        )

    return run


@pytest.fixture
def on_site(site_path, capfdbinary, monkeypatch, tmp_path):
    """Run it on the small site in this process, which saves its start; expect success or another code."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")

    def run(*arguments: str, code: int = 0, stdin: bytes = b"", told: bool = False) -> str:
        """Give what it showed, or what it told where it should fail or *told* says so."""
        where = ("--backend", "local", "-o", f"repo={site_path}")
        monkeypatch.setattr(sys, "argv", ["copydesk", *arguments, *where])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        exited = 0
        try:
            main()
        except SystemExit as exc:
            exited = exc.code or 0
        shown, errors = (each.decode() for each in capfdbinary.readouterr())
        assert exited == code, errors
        return errors if code or told else shown

    return run


def test_help_names_every_verb(copydesk):
    shown = copydesk("--help").stdout.decode()
    verbs = (
        "backends ls cat put rm mv log entries show save status diff publish discard delete unpublish update "
        "media preview repair demo cache completion"
    )
    for verb in verbs.split():
        assert re.search(rf"^  {verb} +[A-Z]", shown, re.MULTILINE), verb


def test_version(copydesk):
    assert copydesk("--version").stdout.decode().startswith("copydesk, version ")


def test_backends_list(copydesk):
    shown = copydesk("backends", "list").stdout.decode()
    assert re.search(r"^local +copydesk-local +\d", shown, re.MULTILINE)


def test_backends_list_for_programs(copydesk):
    listed = json.loads(copydesk("backends", "list", "--json").stdout)
    assert ("local", "copydesk-local") in {(each["name"], each["distribution"]) for each in listed}


def test_backends_show_has_every_option_with_its_help(copydesk):
    options = json.loads(copydesk("backends", "show", "local", "--json").stdout)["options"]
    assert {option["name"] for option in options} >= {"repo", "branch", "cms_label_prefix"}
    assert all(option["help"] for option in options)
    assert "cms_label_prefix" in copydesk("backends", "show", "local").stdout.decode()


def test_entries_lists_the_collections_of_the_site(on_site):
    shown = on_site("entries")
    for line in ("posts +hello +published", "notes +first/index +published", "pages +about +published"):
        assert re.search(f"^{line}", shown, re.MULTILINE)


def test_whole_way(on_site):
    """A new post with an image through the three states and published, by the command alone."""
    saved = on_site("save", "posts", "new", "-", "--media", f"static/img/a.png={__file__}", stdin=b"new\n")
    assert saved.startswith("saved: posts new (draft, pull request #1) at ")
    for status in ("pending_review", "pending_publish"):
        assert f"({status}, pull request #1)" in on_site("status", "posts", "new", status)
    listed = json.loads(on_site("entries", "posts", "--json"))
    entry = next(each for each in listed if each["slug"] == "new")
    assert entry["status"] == "pending_publish"
    assert entry["changed_paths"] == ["content/posts/new.md", "static/img/a.png"]
    assert "published: posts new (published) at " in on_site("publish", "posts", "new")
    assert re.search(r"^posts +new +published", on_site("entries", "posts"), re.MULTILINE)


def test_save_of_an_entry_that_exists_asks_what_it_is_based_on(on_site):
    """And takes the answer: the commit that `entries` shows, abbreviated as it shows it."""
    refusal = on_site("save", "posts", "hello", "-", code=3, stdin=b"mine\n")
    based_on = re.search(r"add: --based-on (\w+)$", refusal.strip())[1]
    saved = on_site("save", "posts", "hello", "-", "--based-on", based_on, stdin=b"mine\n")
    assert saved.startswith("saved: posts hello (draft")


def test_save_based_on_an_older_commit_is_a_conflict(on_site):
    on_site("save", "posts", "new", "-", stdin=b"one\n")
    first = json.loads(on_site("status", "posts", "new", "--json"))["commit_sha"]
    on_site("save", "posts", "new", "-", "--based-on", first, stdin=b"two\n")
    refusal = on_site("save", "posts", "new", "-", "--based-on", first, code=3, stdin=b"three\n")
    assert "'content/posts/new.md' was changed since it was read" in refusal


VERBS_WITH_A_COMMIT = (
    ("save", "posts", "hello", "-", "--based-on"),
    ("put", "content/about.md", "-", "--based-on"),
    ("rm", "content/about.md", "--based-on"),
    ("mv", "content/about.md", "moved.md", "--based-on"),
    ("media", "put", "static/img/logo.png", "-", "--based-on"),
    ("media", "rm", "static/img/logo.png", "--based-on"),
    ("delete", "posts", "hello", "--based-on"),
    ("unpublish", "posts", "hello", "--based-on"),
    ("publish", "posts", "hello", "--commit"),
    ("discard", "posts", "hello", "--commit"),
)


@pytest.mark.parametrize("verb", VERBS_WITH_A_COMMIT, ids=" ".join)
@pytest.mark.parametrize("commit", ["", "abcdef", "main", "abcdefg", "a" * 65])
def test_what_is_no_commit_is_wrong_usage(on_site, verb, commit):
    """An empty one, as of a variable that is not set, would stand for none and overwrite."""
    told = on_site(*verb, commit, code=2, stdin=b"mine\n")
    assert f"{commit!r} is no commit: give at least 7 hex digits" in " ".join(told.split())


@pytest.mark.parametrize("verb", VERBS_WITH_A_COMMIT, ids=" ".join)
@pytest.mark.parametrize(
    ("commit", "words"), [("fffffff", "led to "), ("f" * 40, "there is no commit 'ffff")]
)
def test_commit_that_nobody_made_is_wrong_usage(on_site, verb, commit, words):
    told = on_site(*verb, commit, code=2, stdin=b"mine\n")
    assert words in told
    assert "`copydesk entries` and `copydesk log` show commits" in told


def test_commit_that_is_short_for_two_is_refused_with_both(on_site, site_path, git):
    """Two commits that begin alike, merged: hashes of 28 bits meet after some 16,000."""
    head = git(site_path, "rev-parse", "main")
    tree = git(site_path, "rev-parse", "main^{tree}")
    seen: dict[str, str] = {}
    for number in itertools.count():
        person = "Ann <ann@example.org> 1 +0000"
        raw = f"tree {tree}\nparent {head}\nauthor {person}\ncommitter {person}\n\n{number}\n"
        sha = hashlib.sha1(f"commit {len(raw)}\0{raw}".encode(), usedforsecurity=False).hexdigest()
        if sha[:7] in seen:
            break
        seen[sha[:7]] = raw
    both = [
        git(site_path, "hash-object", "-w", "-t", "commit", "--stdin", content=each.encode())
        for each in (raw, seen[sha[:7]])
    ]
    merge = git(
        site_path,
        *("-c", "user.name=A", "-c", "user.email=a@example.org"),
        *("commit-tree", tree, "-p", both[0], "-p", both[1], "-m", "Both"),
    )
    git(site_path, "update-ref", "refs/heads/main", merge)
    told = on_site("put", "content/about.md", "-", "--based-on", sha[:7], code=2, stdin=b"mine\n")
    assert f"'{sha[:7]}' is short for more than one commit: {', '.join(sorted(both))}" in told
    on_site("put", "content/about.md", "-", "--based-on", both[0], stdin=b"mine\n")


def test_author_and_message_are_in_the_commit(on_site, site_path, git):
    on_site("save", "posts", "new", "-", "-m", "My words", "--author", "Ann <ann@example.org>", stdin=b"n")
    shown = git(site_path, "log", "-1", "--format=%an <%ae> %s", "cms/posts/new")
    assert shown == "Ann <ann@example.org> My words"


def test_publish_of_a_commit_that_moved_is_a_conflict(on_site):
    on_site("save", "posts", "new", "-", stdin=b"one\n")
    first = json.loads(on_site("status", "posts", "new", "--json"))["commit_sha"]
    on_site("save", "posts", "new", "-", "--based-on", first, stdin=b"two\n")
    on_site("status", "posts", "new", "pending_publish")
    assert "look at the new commits" in on_site("publish", "posts", "new", "--commit", first, code=3)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["publish", "posts", "none"], 1, "posts 'none' has no draft; save it first"),
        (["status", "posts", "none"], 1, "neither published"),
        (["entries", "blog"], 2, "no collection 'blog' (it has: posts, notes, docs, pages)"),
        (["save", "posts", "a~b", "-"], 2, "git allows no '~' in it"),
        (["save", "posts", "new", "no-such-file.md"], 2, "no-such-file.md"),
        (["save", "posts", "new", "-", "--media", "a.png"], 2, "'a.png' is not PATH=FILE"),
        (["save", "posts", "new", "-", "--media", "a.png=none.png"], 2, "cannot read 'none.png'"),
        (["save", "posts", "new", "-", "--author", "Ann"], 2, "'Ann' is not 'NAME <EMAIL>'"),
        (["entries", "-o", "repo"], 2, "'repo' is not KEY=VALUE"),
        (["save", "posts", "new", "-", "--move", "a"], 2, "'a' is not OLD=NEW"),
        (["status", "posts", "hello", "ready"], 2, "'ready' is not one of"),
        (["show", "posts", "none"], 1, "neither published (no 'content/posts/none.md' on 'main')"),
        (["diff", "posts", "hello"], 1, "posts 'hello' has no draft"),
        (["discard", "posts", "hello"], 1, "posts 'hello' has no draft; save it first"),
        (["unpublish", "posts", "none"], 1, "neither published"),
        (["preview", "posts", "hello"], 1, "has no draft"),
        (["ls", "no/such/folder"], 1, "no files below 'no/such/folder'; `copydesk ls` lists all"),
        (["ls", "--at", "nope"], 1, "no branch or commit 'nope' is there; `copydesk entries` and"),
        (["ls", "--at", "abcdef0"], 1, "no branch or commit 'abcdef0'"),
        (["log", "nope"], 1, "no commit changed 'nope'; `copydesk ls` lists what is there"),
        (["save", "pages", "nope", "-"], 2, "collection 'pages' has no file 'nope' (it has: about)"),
        (["show", "pages", "nope"], 2, "collection 'pages' has no file 'nope' (it has: about)"),
        (["delete", "pages", "nope"], 2, "collection 'pages' has no file 'nope' (it has: about)"),
        (["delete", "posts", "none"], 1, "neither published"),
        (["delete", "posts", "hello", "--remove", "nope"], 1, "no file 'nope' in the published content"),
        (
            ["save", "posts", "new", "-", "--remove", "nope"],
            2,
            "add --based-on COMMIT, with a commit that has it",
        ),
        (["save", "posts", "new", "-", "--move", "a=b"], 2, "cannot remove or move 'a'"),
        (["show", "posts", "hello", "--content", "--json"], 2, "use one"),
        (
            ["media", "put", "content/about.md", "-"],
            2,
            "not below static/img, where the media are; for any other file use `copydesk put`",
        ),
        (
            ["media", "rm", "content/about.md"],
            2,
            "not below static/img, where the media are; for any other file use `copydesk rm`",
        ),
        (["cat", "none.md"], 1, "'none.md' is not there"),
        (["cat", "../none.md"], 2, "'../none.md'"),
        (["rm", "none.md"], 1, "no file 'none.md' on branch 'main'; `copydesk ls` lists what is there"),
        (["mv", "admin/config.yml", "content/about.md"], 3, "'content/about.md' exists already"),
        (["put", "content/about.md", "-"], 3, "'content/about.md' exists already, at "),
        (["media", "put", "static/img/logo.png", "-"], 3, "if that is what you edited, add: --based-on "),
        (["media", "rm", "static/img/none.png"], 1, "`copydesk media list` lists what is there"),
        (["entries", "-o", "brnch=x"], 2, "has no option 'brnch'; did you mean 'branch'?"),
    ],
)
def test_mistake_is_told_in_a_paragraph_without_traceback(on_site, arguments, code, words):
    told = on_site(*arguments, code=code)
    assert words in " ".join(told.split())
    assert "Traceback" not in told


def test_no_configuration_anywhere(copydesk, tmp_path):
    (tmp_path / "empty").mkdir()
    done = copydesk("entries", cwd=tmp_path / "empty")
    assert done.returncode == 2
    assert b"no config.yml found below" in done.stderr
    assert b"pass --config FILE" in done.stderr


def test_repository_without_a_configuration(copydesk, make_repository):
    path = make_repository("bare.git", {"README.md": b"x"})
    done = copydesk("entries", "--backend", "local", "-o", f"repo={path}")
    assert done.returncode == 2
    assert b"the repository has no config.yml" in done.stderr


def test_directory_that_is_no_repository(copydesk, tmp_path):
    done = copydesk("ls", "--backend", "local")
    assert done.returncode == 2
    assert b"is no git repository; give its top directory, or make one with: git init" in done.stderr


def test_unknown_backend(copydesk):
    done = copydesk("entries", "--backend", "nosuchforge", "-o", "repo=a/b")
    assert done.returncode == 2
    assert b"try: pip install copydesk-nosuchforge" in done.stderr


def test_debug_shows_the_traceback(copydesk):
    done = copydesk("--debug", "entries", "--backend", "nosuchforge", "-o", "repo=a/b")
    assert done.returncode == 2
    assert b"Traceback" in done.stderr
    done = copydesk("entries", "--backend", "nosuchforge", "-o", "repo=a/b", "--debug")
    assert done.returncode == 2
    assert b"Traceback" in done.stderr


@pytest.mark.parametrize("place", ["admin", "static/admin", "public/admin", "site/static/admin"])
def test_configuration_is_found_from_the_top_of_the_site(copydesk, make_repository, place):
    files = {f"{place}/config.yml": b"backend: {name: local}\ncollections: [{name: posts, folder: posts}]\n"}
    top = make_repository("site", {**files, "posts/hello.md": b"hello"}, bare=False)
    done = copydesk("entries", cwd=top)
    assert re.search(rb"^posts +hello +published", done.stdout, re.MULTILINE)


def test_repair_of_a_healthy_repository(on_site):
    assert on_site("repair") == "nothing to repair\n"


# -- every other verb ---------------------------------------------------------------------------------


def test_files_are_listed_read_written_moved_and_removed(on_site, tmp_path):
    assert on_site("ls", "content/posts") == "content/posts/hello.md\ncontent/posts/world.md\n"
    assert on_site("cat", "content/posts/world.md") == "world\n"
    assert on_site("put", "robots.txt", "-", stdin=b"all").startswith("Create robots.txt: main at ")
    based_on = json.loads(on_site("log", "--json"))[0]["commit_sha"]
    told = on_site("put", "robots.txt", "-", "--based-on", based_on[:12], "-m", "Say none", stdin=b"none")
    assert told.startswith("Say none: main at ")
    assert on_site("mv", "robots.txt", "static/robots.txt").startswith(
        "Move robots.txt to static/robots.txt: "
    )
    assert on_site("cat", "static/robots.txt") == "none"
    assert on_site("cat", "robots.txt", "--at", based_on) == "all"
    assert on_site("rm", "static/robots.txt", "--author", "Ann <ann@example.org>").startswith("Delete ")
    assert "static/robots.txt" not in on_site("ls")
    messages = [each["message"] for each in json.loads(on_site("log", "--json", "-n", "4"))]
    assert messages == [
        "Delete static/robots.txt",
        "Move robots.txt to static/robots.txt",
        "Say none",
        "Create robots.txt",
    ]
    assert re.search(r"^\w{10} +\d{4}-.* Ann +Delete ", on_site("log"), re.MULTILINE)


def test_put_on_a_branch_that_is_named(on_site):
    on_site("save", "posts", "new", "-", stdin=b"new")
    assert "cms/posts/new at " in on_site("put", "more.txt", "-", "--branch", "cms/posts/new", stdin=b"more")
    assert on_site("cat", "more.txt", "--at", "cms/posts/new") == "more"
    assert "not there" in on_site("cat", "more.txt", code=1)


def test_put_of_what_is_there_already_succeeds(on_site):
    """The same call again, as after an interruption; nothing is committed twice."""
    on_site("put", "robots.txt", "-", stdin=b"all")
    before = on_site("log", "--json")
    assert on_site("put", "robots.txt", "-", stdin=b"all") == ""
    assert json.loads(on_site("put", "robots.txt", "-", "--json", stdin=b"all")) == json.loads(before)[0]
    head = json.loads(before)[0]["commit_sha"]
    on_site("put", "robots.txt", "-", "--based-on", head, stdin=b"all")
    assert on_site("log", "--json") == before


def test_what_changes_nothing_says_so_in_one_wording(on_site):
    """It is no error, and no program reads it as data."""

    def told(*arguments: str, stdin: bytes = b"") -> str:
        assert on_site(*arguments, stdin=stdin, told=True).startswith("nothing to do: ")
        return on_site("log", "--json")

    head = json.loads(on_site("log", "--json"))[0]["commit_sha"]
    before = on_site("log", "--json")
    world = on_site("cat", "content/posts/world.md").encode()
    logo = b"\x89PNG\r\n\x1a\n"
    assert told("put", "content/posts/world.md", "-", stdin=world) == before
    assert told("media", "put", "static/img/logo.png", "-", stdin=logo) == before
    assert told("save", "posts", "world", "-", "--based-on", head, stdin=world) == before
    assert on_site("entries", "--drafts", "--json") == "[]\n"
    on_site("save", "posts", "new", "-", stdin=b"new")
    assert told("update", "posts", "new") == before
    unchanged = on_site("media", "put", "static/img/logo.png", "-", "--json", stdin=logo)
    assert json.loads(unchanged)["path"] == "static/img/logo.png"
    unchanged = on_site("save", "posts", "world", "-", "--based-on", head, "--json", stdin=world)
    assert json.loads(unchanged)["commit_sha"] == head


def test_verbs_that_drop_things_tell_programs(on_site):
    on_site("save", "posts", "new", "-", stdin=b"new")
    assert json.loads(on_site("discard", "posts", "new", "--json")) == {
        "collection": "posts",
        "slug": "new",
        "discarded": True,
    }
    assert json.loads(on_site("repair", "--json")) == []
    put = json.loads(on_site("media", "put", "static/img/b.png", "-", "--json", "-m", "My b", stdin=b"b"))
    assert {"path": "static/img/b.png", "size": 1}.items() <= put.items()
    removed = json.loads(on_site("media", "rm", "static/img/b.png", "--json", "-m", "No b"))
    assert removed == {"path": "static/img/b.png", "removed": True}
    assert [each["message"] for each in json.loads(on_site("log", "-n", "2", "--json"))] == ["No b", "My b"]


def test_commits_are_found_by_the_beginnings_that_are_shown(on_site):
    """Those of the site, of the head of a draft, and of the draft before; a branch that is so named wins."""
    old = json.loads(on_site("log", "--json"))[0]["commit_sha"]
    on_site("put", "robots.txt", "-", stdin=b"all")
    shas = [json.loads(on_site("save", "posts", "new", "-", "--json", stdin=b"one"))["commit_sha"]]
    again = on_site("save", "posts", "new", "-", "--based-on", shas[0], "--json", stdin=b"two")
    shas.append(json.loads(again)["commit_sha"])
    assert "robots.txt" not in on_site("ls", "--at", old[:7])
    assert on_site("cat", "content/posts/new.md", "--at", shas[0][:10]) == "one"
    assert on_site("cat", "content/posts/new.md", "--at", shas[1][:10].upper()) == "two"
    on_site("put", "named.txt", "-", "--branch", "cms/posts/new", stdin=b"x")
    assert "named.txt" in on_site("ls", "--at", "cms/posts/new")
    assert "named.txt" not in on_site("ls", "--at", shas[1])


def test_media_are_written_below_their_folder_alone(site_path, site):
    """By the library too, which names the folder."""
    with open_repository(site, repo=site_path) as repository:
        workflow = Workflow(repository, site)
        for path in ("content/about.md", "static/img", "static/images/a.png"):
            with pytest.raises(InvalidInputError, match="is not below the media folder 'static/img'"):
                workflow.save_media(path, b"x")
            with pytest.raises(InvalidInputError, match="is not below the media folder 'static/img'"):
                workflow.delete_media(path, based_on=FileVersion("0" * 40))
        bare = Workflow(repository, attrs.evolve(site, media_folder=""))
        with pytest.raises(InvalidInputError, match="has no media_folder; add one to write media"):
            bare.save_media("static/img/a.png", b"x")


def test_deletion_of_what_somebody_edits_is_refused(on_site):
    """Unless the draft was looked at, which its commit says."""
    head = json.loads(on_site("log", "--json"))[0]["commit_sha"]
    draft = json.loads(
        on_site(
            *("save", "posts", "hello", "-", "--based-on", head, "--json"),
            *("--author", "Ann <ann@example.org>"),
            stdin=b"Ann's\n",
        )
    )["commit_sha"]
    for based_on in ((), ("--based-on", head)):
        on_site("delete", "posts", "hello", *based_on, code=3)
        assert on_site("show", "posts", "hello", "--content") == "Ann's\n"
    told = on_site("delete", "posts", "hello", code=3)
    assert "posts 'hello' has a draft of Ann that edits it; publish or discard it first" in told
    assert f"add: --based-on {draft[:10]}" in told
    on_site("delete", "posts", "hello", "--based-on", draft[:10])
    assert "draft (delete)" in on_site("entries", "--drafts")
    on_site("delete", "posts", "hello")  # the same again
    on_site("save", "posts", "hello", "-", stdin=b"kept after all\n")
    assert "draft (delete)" not in on_site("entries", "--drafts")


def test_interrupted_unpublish_is_finished_by_the_same_command(on_site):
    """Cut between its two steps: the entry is off the site, and has no draft yet."""
    on_site("unpublish", "posts", "hello")
    on_site("discard", "posts", "hello")
    assert on_site("unpublish", "posts", "hello").startswith("unpublished: posts hello (pending_publish")
    on_site("discard", "posts", "hello")
    before = json.loads(on_site("log", "--json"))[-1]["commit_sha"]
    told = on_site("unpublish", "posts", "hello", "--based-on", before)
    assert told.startswith("unpublished: posts hello (pending_publish")


def test_image_that_is_there_already_asks_what_it_is_based_on(on_site):
    """With a new entry; the commit that it names is then taken."""
    media = ("--media", f"static/img/logo.png={__file__}")
    told = on_site("save", "posts", "new", "-", *media, code=3, stdin=b"new\n")
    assert "'static/img/logo.png' exists already, at " in told
    based_on = re.search(r"add: --based-on (\w+)$", told.strip())[1]
    saved = on_site("save", "posts", "new", "-", *media, "--based-on", based_on, stdin=b"new\n")
    assert saved.startswith("saved: posts new (draft")


def test_files_are_those_of_the_branch_that_the_site_names(copydesk, make_repository, git):
    """Its configuration, on the default branch, says another: entries and files are looked for there."""
    config = b"backend: {name: local, branch: live}\ncollections: [{name: posts, folder: posts}]\n"
    path = make_repository("site.git", {"admin/config.yml": config, "posts/hello.md": b"hello"})
    git(path, "branch", "live", "main")
    where = ("--backend", "local", "-o", f"repo={path}")
    done = copydesk("put", "more.txt", "-", *where, stdin=b"more")
    assert b"Create more.txt: live at " in done.stdout
    assert b"more.txt" in copydesk("ls", *where).stdout
    assert git(path, "ls-tree", "--name-only", "main").split() == ["admin", "posts"]


def test_files_of_a_repository_without_a_configuration(copydesk, make_repository):
    path = make_repository("bare.git", {"README.md": b"x"})
    assert copydesk("ls", "--backend", "local", "-o", f"repo={path}").stdout == b"README.md\n"


def test_backend_of_the_configuration_that_is_not_installed(copydesk, make_repository):
    """The owner of a site learns at once how to try it."""
    config = b"backend: {name: azure}\ncollections: [{name: posts, folder: posts}]\n"
    top = make_repository("site", {"admin/config.yml": config, "posts/hello.md": b"hello"}, bare=False)
    for verb in ("entries", "ls"):
        done = copydesk(verb, cwd=top)
        assert done.returncode == 2
        assert b"or try on this clone: --backend local" in done.stderr
    assert b"hello" in copydesk("entries", "--backend", "local", cwd=top).stdout
    assert b"or try" not in copydesk("entries", "--backend", "nope", cwd=top).stderr


def test_put_based_on_an_older_commit_is_a_conflict(on_site):
    old = json.loads(on_site("log", "--json"))[0]["commit_sha"]
    on_site("put", "content/about.md", "-", "--based-on", old, stdin=b"theirs")
    told = on_site("put", "content/about.md", "-", "--based-on", old, code=3, stdin=b"mine")
    assert "'content/about.md' was changed since it was read" in told
    assert on_site("cat", "content/about.md") == "theirs"


def test_show_tells_where_an_entry_stands_and_what_it_says(on_site):
    on_site("save", "posts", "new", "-", "--media", f"static/img/a.png={__file__}", stdin=b"so it is\n")
    shown = on_site("show", "posts", "new")
    assert re.search(r"^status +draft$", shown, re.MULTILINE)
    assert re.search(r"^pull request +#1$", shown, re.MULTILINE)
    assert re.search(r"^changes +content/posts/new.md, static/img/a.png$", shown, re.MULTILINE)
    assert shown.endswith("\nso it is\n")
    assert on_site("show", "posts", "new", "--content") == "so it is\n"
    assert json.loads(on_site("show", "posts", "new", "--json"))["content"] == "so it is\n"


def test_save_with_files_removed_and_moved(on_site):
    on_site("save", "posts", "new", "-", "--media", f"static/img/a.png={__file__}", stdin=b"one\n")
    entry = json.loads(on_site("show", "posts", "new", "--json"))
    on_site(
        *("save", "posts", "new", "-", "--based-on", entry["commit_sha"]),
        *("--remove", "static/img/a.png", "--move", "content/posts/new.md=content/posts/newer.md"),
        stdin=b"two\n",
    )
    assert json.loads(on_site("show", "posts", "new", "--json"))["changed_paths"] == [
        "content/posts/newer.md"
    ]
    assert on_site("show", "posts", "new", "--content") == "two\n"


def test_diff_can_be_applied_by_git(on_site, site_path, git, tmp_path):
    """A changed text without a newline at its end, a new one, and an image."""
    head = git(site_path, "rev-parse", "main")
    more = tmp_path / "more.txt"
    more.write_bytes("ünï\n".encode() * 3)
    on_site(
        *("save", "posts", "hello", "-", "--based-on", head, "--media", f"content/more.txt={more}"),
        stdin=b"---\ntitle: Hello\n---\none\n2\nthree",
    )
    shown = on_site("diff", "posts", "hello")
    assert shown.count("\\ No newline at end of file") == 1
    git(tmp_path, "clone", "-q", str(site_path), "applied")
    git(tmp_path / "applied", "apply", "-", content=shown.encode())
    git(tmp_path / "applied", "add", "--all")
    assert git(tmp_path / "applied", "write-tree") == git(site_path, "rev-parse", "cms/posts/hello^{tree}")
    kinds = {each["path"]: each["kind"] for each in json.loads(on_site("diff", "posts", "hello", "--json"))}
    assert kinds == {"content/posts/hello.md": "modified", "content/more.txt": "added"}


def test_diff_says_that_an_image_differs(on_site, tmp_path):
    (tmp_path / "a.png").write_bytes(b"\x89PNG\0")
    on_site("save", "posts", "new", "-", "--media", f"static/img/a.png={tmp_path / 'a.png'}", stdin=b"new")
    assert "binary files /dev/null and b/static/img/a.png differ\n" in on_site("diff", "posts", "new")


def test_ways_off_the_site_and_back(on_site):
    assert on_site("delete", "posts", "hello").startswith(
        "to be deleted: posts hello (draft, pull request #1)"
    )
    assert "draft (delete)" in on_site("entries", "--drafts")
    assert "a draft that deletes it" in on_site("show", "posts", "hello", "--content", code=1)
    assert on_site("discard", "posts", "hello") == "discarded: the draft of posts hello\n"
    assert "posts hello (pending_publish" in on_site("unpublish", "posts", "hello")
    assert "content/posts/hello.md" not in on_site("ls")
    on_site("put", "robots.txt", "-", stdin=b"all")
    assert on_site("update", "posts", "hello").startswith("updated: posts hello (pending_publish")
    on_site("publish", "posts", "hello")
    assert "content/posts/hello.md" in on_site("ls")


def test_media_are_listed_added_replaced_and_removed(on_site):
    assert on_site("media", "list") == "path\nstatic/img/logo.png\n"
    assert on_site("media", "put", "static/img/b.png", "-", stdin=b"b") == (
        "published: static/img/b.png (1 bytes)\n"
    )
    based_on = json.loads(on_site("log", "--json"))[0]["commit_sha"]
    on_site("media", "put", "static/img/b.png", "-", "--based-on", based_on, stdin=b"bb")
    assert on_site("media", "rm", "static/img/b.png") == "removed: static/img/b.png\n"
    assert [each["path"] for each in json.loads(on_site("media", "list", "--json"))] == [
        "static/img/logo.png"
    ]


def test_preview_where_the_backend_has_no_checks(on_site):
    on_site("save", "posts", "new", "-", stdin=b"new")
    told = on_site("preview", "posts", "new", code=1)
    assert "no list_checks; what it can do is shown by: copydesk backends check local" in told


def test_backends_check_shows_what_a_backend_can_do(on_site, site_path):
    checked = json.loads(on_site("backends", "check", "local", "--json"))
    by = {each["name"]: each["by"] for each in checked["operations"]}
    assert by["commit_changes"] == "the backend"
    assert by["propose_changes"] == "the core"
    assert by["list_checks"] == ""
    assert checked["mistakes"] == []


@pytest.mark.long  # for who changes what the command shows
def test_shells_get_their_completion(copydesk, make_repository):
    config = (
        b"backend: {name: local}\ncollections: [{name: posts, folder: posts}, {name: pages, folder: p}]\n"
    )
    top = make_repository("site", {"admin/config.yml": config}, bare=False)
    for shell in ("bash", "zsh", "fish"):
        assert b"_COPYDESK_COMPLETE" in copydesk("completion", shell).stdout

    def complete(words: str, place: int) -> list[str]:
        done = copydesk(cwd=top, _COPYDESK_COMPLETE="bash_complete", COMP_WORDS=words, COMP_CWORD=str(place))
        return [line.partition(",")[2] for line in done.stdout.decode().split()]

    assert {"publish", "put"} <= set(complete("copydesk p", 1))
    assert complete("copydesk entries po", 2) == ["posts"]
    assert complete("copydesk backends show lo", 3) == ["local"]
    assert complete("copydesk status posts x pend", 4) == ["pending_review", "pending_publish"]


# -- terminals ----------------------------------------------------------------------------------------


def in_terminal(
    arguments: list[str], cwd: Path, columns: int, *, bars: bool = False, **environment: str
) -> str:
    """Run the command in a terminal of that width, and give what it showed; errors and bars on demand."""
    ours, theirs = pty.openpty()
    clean = {key: value for key, value in os.environ.items() if key not in {"NO_COLOR", "UV", "CI"}}
    settings = {"COLUMNS": str(columns), "TERM": "xterm-256color", **environment}
    process = subprocess.Popen(
        [*CLI, *arguments],
        cwd=cwd,
        env={**clean, **settings},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs if bars else subprocess.DEVNULL,
    )
    os.close(theirs)
    shown = b""
    with contextlib.suppress(OSError):  # Linux says so when the other side is closed
        while read := os.read(ours, 65536):
            shown += read
    os.close(ours)
    process.wait(timeout=60)
    return shown.decode().replace("\r\n", "\n")


def plain(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\r", "", text)


@pytest.mark.parametrize("columns", [80, 200])
def test_table_fits_the_terminal(site_path, tmp_path, on_site, columns):
    """Long slugs are folded in a narrow one and never cut; nothing is wider than the terminal."""
    slug = "a-very-long-slug-that-goes-on-and-on-and-on-until-nobody-reads-it-any-more"
    on_site("save", "posts", slug, "-", "--author", "Ann <ann@example.org>", stdin=b"x")
    arguments = ["entries", "--backend", "local", "-o", f"repo={site_path}"]
    lines = plain(in_terminal(arguments, tmp_path, columns)).splitlines()
    assert max(map(len, lines)) <= columns
    assert (slug in "\n".join(lines)) == (columns == 200)
    start = lines[0].index("slug")
    end = lines[0].index("status")
    assert slug in "".join(line[start:end].strip() for line in lines)


@pytest.mark.long  # for who changes what the command shows
def test_narrow_table_goes_without_the_author_first_and_the_date_next(site_path, tmp_path, on_site):
    """Before anything is folded; what a person types again is never folded."""
    author = ("--author", "Ann <ann@example.org>")
    on_site("save", "posts", "a-slug-of-18-chars", "-", *author, stdin=b"x")
    on_site("status", "posts", "a-slug-of-18-chars", "pending_publish")
    arguments = ["entries", "--drafts", "--backend", "local", "-o", f"repo={site_path}"]

    def lines(columns: int) -> list[str]:
        return plain(in_terminal(arguments, tmp_path, columns)).splitlines()

    for columns, author_shown, date_shown in ((100, True, True), (88, False, True), (70, False, False)):
        shown = lines(columns)
        assert len(shown) == 2
        assert max(map(len, shown)) <= columns
        assert ("author" in shown[0], "changed" in shown[0]) == (author_shown, date_shown)
        assert "a-slug-of-18-chars" in shown[1]
    folded = lines(50)
    assert len(folded) > 2
    assert re.search(r" pending_publish +#1 +\w{10} *$", "\n".join(folded), re.MULTILINE)


@pytest.mark.long  # for who changes what the command shows
def test_long_work_shows_a_bar_that_is_gone_at_the_end(site_path, tmp_path):
    arguments = ["entries", "--backend", "local", "-o", f"repo={site_path}"]
    shown = in_terminal(arguments, tmp_path, 80, bars=True)
    assert "listing" in shown
    assert "━" in shown
    assert "listing" not in plain(shown.rpartition("\x1b[2K")[2])
    assert "━" not in in_terminal(arguments, tmp_path, 80)


def test_error_is_folded_at_blanks(tmp_path):
    lines = in_terminal(["entries"], tmp_path, 80, bars=True).splitlines()
    assert len(lines) > 2
    assert max(len(line) for line in lines if " " in line) <= 80
    assert "no config.yml found below" in " ".join(lines)


@pytest.mark.long  # for who changes what the command shows
def test_colours_where_somebody_looks_and_wants_them(site_path, tmp_path, on_site):
    on_site("save", "posts", "new", "-", stdin=b"new\n")
    arguments = ["diff", "posts", "new", "--backend", "local", "-o", f"repo={site_path}"]
    assert "\x1b[32m+new" in in_terminal(arguments, tmp_path, 80)
    assert "\x1b" not in in_terminal(arguments, tmp_path, 80, NO_COLOR="1")
    assert "\x1b" not in on_site("diff", "posts", "new")


@pytest.mark.long  # for who changes what the command shows
def test_what_would_move_the_cursor_is_escaped(site_path, tmp_path, on_site):
    """A text that somebody else wrote cannot paint over the terminal."""
    on_site("save", "posts", "new", "-", "-m", "red \x1b[31m", stdin=b"\x1b[2Jgone\n")
    for arguments in (["show", "posts", "new"], ["diff", "posts", "new"], ["log", "--at", "cms/posts/new"]):
        shown = in_terminal([*arguments, "--backend", "local", "-o", f"repo={site_path}"], tmp_path, 200)
        assert "\\x1b[" in shown
        assert "\x1b[2J" not in shown
        assert "\x1b[31m" not in shown.replace("\x1b[31m-", "")


# Two moments every day, for each takes three starts of the command.
@pytest.mark.parametrize(
    "share", [pytest.param(0.4, marks=pytest.mark.long), 0.6, pytest.param(0.75, marks=pytest.mark.long), 0.9]
)
def test_interrupted_save_leaves_nothing_half_done(share, site_path, tmp_path, git):
    """Ctrl-C at a part of the time that a save takes; the same command again finishes it."""
    files = []
    for number in range(12):
        (tmp_path / f"{number}.png").write_bytes(os.urandom(400_000))
        files += ["--media", f"static/img/{number}.png={tmp_path / f'{number}.png'}"]
    (tmp_path / "new.md").write_bytes(b"new\n")

    def save(slug: str, seconds: float | None = None) -> tuple[int, bytes]:
        """Save, interrupted after that many seconds."""
        command = [
            *CLI,
            "save",
            "posts",
            slug,
            "new.md",
            *files,
            "--backend",
            "local",
            "-o",
            f"repo={site_path}",
        ]
        with subprocess.Popen(
            command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        ) as process:
            if seconds is not None:
                time.sleep(seconds)
                process.send_signal(signal.SIGINT)
            told = process.communicate(timeout=60)[1]
            return process.returncode, told

    began = time.monotonic()
    assert save("first") == (0, b"")
    takes = time.monotonic() - began
    files = [each.replace("static/img/", "static/img/again-") for each in files]
    code, told = save("second", takes * share)
    assert code in {0, 1, -signal.SIGINT}, told
    if code == 1:
        assert b"interrupted" in told
        assert b"Traceback" not in told
    git(site_path, "fsck", "--strict")
    assert save("second") == (0, b"")
    changed = git(site_path, "diff", "--name-only", "main", "cms/posts/second").splitlines()
    assert len(changed) == 13
    assert git(site_path, "rev-list", "--count", "main..cms/posts/second") == "1"


@pytest.mark.parametrize("verb", ["entries --json", "cat big.txt"])
def test_broken_pipe_is_quiet_success(make_repository, verb):
    """The reader is gone before the first line is written: it had enough."""
    config = b"backend: {name: local}\ncollections: [{name: posts, folder: posts}]\n"
    path = make_repository("site.git", {"admin/config.yml": config, "big.txt": b"x" * 1_000_000})
    command = shlex.join([*CLI, *verb.split(), "--backend", "local", "-o", f"repo={path}"])
    script = f"{command} | true; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", script], capture_output=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize(
    ("arguments", "redirected", "code", "words"),
    [
        ("ls", ">/dev/full", 1, "the system refused: No space left on device"),
        ("cat content/about.md", ">/dev/full", 1, "the system refused: No space left on device"),
        ("entries --json", ">/dev/full", 1, "the system refused: No space left on device"),
        ("ls", ">&-", 1, "standard output is closed; to see nothing, redirect it to /dev/null"),
        ("put new.txt -", "<&-", 2, "standard input is closed"),
        ("save posts new -", "<&-", 2, "standard input is closed"),
        ("ls", "<&-", 0, ""),
        ("demo FILE", "", 2, "is a file; name a directory"),
        ("demo FILE/below", "", 1, "Not a directory"),
        ("ls --at nope", "2>&-", 1, ""),
    ],
)
def test_streams_and_files_that_refuse_are_told_in_a_paragraph(
    site_path, tmp_path, arguments, redirected, code, words
):
    (tmp_path / "FILE").write_bytes(b"")
    where = [] if "demo" in arguments else ["--backend", "local", "-o", f"repo={site_path}"]
    command = f"{shlex.join([*CLI, *arguments.split(), *where])} {redirected}"
    done = subprocess.run(
        ["bash", "-c", command], cwd=tmp_path, input=b"", capture_output=True, check=False, timeout=60
    )
    told = done.stderr.decode()
    assert done.returncode == code, told
    assert words in told
    assert "Traceback" not in told
    assert "Exception ignored" not in told


def test_folder_that_nobody_may_enter_has_no_configuration(make_repository, tmp_path):
    """It is somebody else's, as in a temporary directory."""
    config = b"backend: {name: local}\ncollections: [{name: posts, folder: posts}]\n"
    top = make_repository("site", {"site/admin/config.yml": config, "posts/hello.md": b"x"}, bare=False)
    (top / "a-private").mkdir(mode=0)
    command = [*CLI, "entries"]
    if os.geteuid() == 0:  # who may enter everything, unless that right is given away
        if shutil.which("setpriv") is None:
            pytest.skip("nobody keeps root out of a folder here")
        command[:0] = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
    done = subprocess.run(command, cwd=top, capture_output=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert b"hello" in done.stdout


def test_verb_that_is_misspelt(copydesk):
    done = copydesk("entires")
    assert done.returncode == 2
    assert b"No such command 'entires'; did you mean 'entries'?" in done.stderr
    assert b"did you mean" not in copydesk("xyzzy").stderr


@pytest.mark.long  # for who changes what the command shows
def test_help_fits_a_terminal_of_80_columns(copydesk):
    """Of every verb, no sentence is cut."""
    for group in ((), ("media",), ("backends",)):
        shown = copydesk(*group, "--help", COLUMNS="80").stdout.decode()
        assert "..." not in shown.partition("Commands:")[2]
        assert max(map(len, shown.splitlines())) <= 80
    shown = copydesk("completion", "--help", COLUMNS="80").stdout.decode()
    assert re.search(r"^  zsh:   eval .*zshrc$", shown, re.MULTILINE)
    assert "\\b" not in shown
    for verb in ("put", "rm"):
        shown = " ".join(copydesk("media", verb, "--help").stdout.decode().split())
        assert "at once" in shown
        assert "must be below the media_folder" in shown


def test_every_verb_but_three_prints_json(copydesk):
    """As the page for site builders says."""
    from copydesk.cli._app import cli

    def without(command: click.Command, name: str) -> set[str]:
        if isinstance(command, click.Group):
            below = {each: command.get_command(click.Context(command), each) for each in
                     command.list_commands(click.Context(command))}  # fmt: skip
            return set().union(*(without(each, found) for found, each in below.items()))
        return set() if "json_output" in {param.name for param in command.params} else {name}

    assert without(cli, "copydesk") == {"cat", "demo", "completion"}


def test_site_is_found_from_a_folder_inside_it(copydesk, make_repository):
    """Up to the top of the git repository and no further."""
    config = b"backend: {name: azure}\ncollections: [{name: posts, folder: posts}]\n"
    top = make_repository("site", {"admin/config.yml": config, "posts/2024/hello.md": b"x"}, bare=False)
    inside = top / "posts" / "2024"
    assert b"posts/2024/hello.md" in copydesk("ls", "--backend", "local", cwd=inside).stdout
    (top / "admin/config.yml").write_bytes(config.replace(b"azure", b"local"))
    assert b"posts/2024/hello.md" in copydesk("ls", cwd=inside).stdout
    (top / "admin/config.yml").unlink()
    assert b"posts/2024/hello.md" in copydesk("ls", "--backend", "local", cwd=inside).stdout
    outside = top.parent / "outside" / "below"
    outside.mkdir(parents=True)
    (outside.parent / "admin").mkdir()
    (outside.parent / "admin/config.yml").write_bytes(config)
    assert b"no config.yml found below" in copydesk("ls", cwd=outside).stderr


def test_draft_that_conflicts_with_what_was_published(on_site):
    """Is a conflict by its exit code, and the message names what works."""
    head = json.loads(on_site("log", "--json"))[0]["commit_sha"]
    on_site("save", "posts", "world", "-", "--based-on", head, stdin=b"ours\n")
    on_site("status", "posts", "world", "pending_publish")
    on_site("put", "content/posts/world.md", "-", "--based-on", head, stdin=b"theirs\n")
    for verb in ("publish", "update"):
        told = on_site(verb, "posts", "world", code=3)
        assert "save what 'main' has into the draft, update it, save the merged content, and publish" in told
    on_site("save", "posts", "new", "-", stdin=b"new")
    assert "set its status first" in on_site("publish", "posts", "new", code=1)


def test_without_the_extra_the_command_says_how_to_get_it(tmp_path):
    """A click that cannot be imported stands for one that is not installed."""
    (tmp_path / "click.py").write_text("raise ModuleNotFoundError('No module named click', name='click')")
    done = subprocess.run(
        [*CLI, "entries"], capture_output=True, check=False, env={**os.environ, "PYTHONPATH": str(tmp_path)}
    )
    assert done.returncode == 2
    assert b"needs click, which is not installed; try: pip install 'copydesk[cli]'" in done.stderr


def test_demo_ends_with_commands_that_work_as_they_stand(copydesk, tmp_path, git):
    """In a directory that is named; the commands are then run one by one, as typed."""
    done = copydesk("demo", "demo site")
    shown = done.stdout.decode()
    assert done.returncode == 0, done.stderr
    assert "conflict: " in shown
    assert "(HEAD -> main) Publish: Update Pages “about”" in shown
    top = tmp_path / "demo site"
    commands = [line.strip() for line in shown.partition("Go on by hand")[2].splitlines() if line.strip()]
    assert len(commands) == 4
    for command in commands:
        words = shlex.split(command)
        if words[0] == "copydesk":
            words[:1] = CLI
        subprocess.run(words, check=True, capture_output=True, cwd=tmp_path)
    assert (top / "content/posts/tasting.md").exists()
    assert git(top, "status", "--porcelain") == ""
    assert git(top, "fsck", "--strict") == ""


def test_demo_in_a_directory_that_is_not_empty(copydesk, tmp_path):
    (tmp_path / "file").write_text("mine")
    done = copydesk("demo", ".")
    assert done.returncode == 2
    assert b"is not empty; name a new one" in done.stderr
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.long  # for who changes what the command shows
def test_demo_under_uv_prints_commands_for_uv(copydesk):
    assert "uv run copydesk entries" in copydesk("demo", "demo", UV="/somewhere/uv").stdout.decode()
