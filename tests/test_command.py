"""The `copydesk` command, run as people run it: a process of its own."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

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
            env={**clean, "COLUMNS": "120", **environment},
            timeout=60,
        )

    return run


@pytest.fixture
def on_site(copydesk, site_path):
    """Run it on the small site, and expect it to succeed unless another code is given."""

    def run(*arguments: str, code: int = 0, stdin: bytes = b""):
        done = copydesk(*arguments, "--backend", "local", "-o", f"repo={site_path}", stdin=stdin)
        assert done.returncode == code, done.stderr.decode()
        return done.stderr.decode() if code else done.stdout.decode()

    return run


def test_help_names_every_verb(copydesk):
    shown = copydesk("--help").stdout.decode()
    for verb in ("backends", "demo", "entries", "publish", "repair", "save", "status"):
        assert re.search(rf"^  {verb} ", shown, re.MULTILINE)


def test_version(copydesk):
    assert copydesk("--version").stdout.decode().startswith("copydesk, version ")


def test_backends_list(copydesk):
    shown = copydesk("backends", "list").stdout.decode()
    assert re.search(r"^local +copydesk-local +\d", shown, re.MULTILINE)


def test_backends_list_for_programs(copydesk):
    listed = json.loads(copydesk("backends", "list", "--json").stdout)
    assert {"name": "local", "distribution": "copydesk-local"}.items() <= listed[0].items()


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


def test_save_based_on_a_commit_that_did_not_lead_there(on_site):
    assert "no commit 'fffffff' led to posts 'hello'" in on_site(
        "save", "posts", "hello", "-", "--based-on", "fffffff", code=1
    )


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
        (["entries", "blog"], 1, "no collection 'blog' (it has: posts, notes, docs, pages)"),
        (["save", "posts", "a~b", "-"], 1, "git allows no '~' in it"),
        (["save", "posts", "new", "no-such-file.md"], 2, "no-such-file.md"),
        (["save", "posts", "new", "-", "--media", "a.png"], 2, "'a.png' is not PATH=FILE"),
        (["save", "posts", "new", "-", "--media", "a.png=none.png"], 2, "cannot read 'none.png'"),
        (["save", "posts", "new", "-", "--author", "Ann"], 2, "'Ann' is not 'NAME <EMAIL>'"),
        (["entries", "-o", "repo"], 2, "'repo' is not KEY=VALUE"),
        (["entries", "-o", "brnch=x"], 1, "has no option 'brnch'; did you mean 'branch'?"),
    ],
)
def test_mistake_is_told_in_a_paragraph_without_traceback(on_site, arguments, code, words):
    told = on_site(*arguments, code=code)
    assert words in " ".join(told.split())
    assert "Traceback" not in told


def test_no_configuration_anywhere(copydesk, tmp_path):
    (tmp_path / "empty").mkdir()
    done = copydesk("entries", cwd=tmp_path / "empty")
    assert done.returncode == 1
    assert b"no config.yml found below" in done.stderr
    assert b"pass --config FILE" in done.stderr


def test_repository_without_a_configuration(copydesk, make_repository):
    path = make_repository("bare.git", {"README.md": b"x"})
    done = copydesk("entries", "--backend", "local", "-o", f"repo={path}")
    assert done.returncode == 1
    assert b"the repository has no config.yml" in done.stderr


def test_unknown_backend(copydesk):
    done = copydesk("entries", "--backend", "nosuchforge", "-o", "repo=a/b")
    assert done.returncode == 1
    assert b"try: pip install copydesk-nosuchforge" in done.stderr


def test_debug_shows_the_traceback(copydesk):
    done = copydesk("--debug", "entries", "--backend", "nosuchforge", "-o", "repo=a/b")
    assert done.returncode == 1
    assert b"Traceback" in done.stderr


@pytest.mark.parametrize("place", ["admin", "static/admin", "public/admin", "site/static/admin"])
def test_configuration_is_found_from_the_top_of_the_site(copydesk, make_repository, place):
    files = {f"{place}/config.yml": b"backend: {name: local}\ncollections: [{name: posts, folder: posts}]\n"}
    top = make_repository("site", {**files, "posts/hello.md": b"hello"}, bare=False)
    done = copydesk("entries", cwd=top)
    assert re.search(rb"^posts +hello +published", done.stdout, re.MULTILINE)


def test_repair_of_a_healthy_repository(on_site):
    assert on_site("repair") == "nothing to repair\n"


def test_broken_pipe_is_quiet(site_path):
    command = shlex.join([*CLI, "entries", "--backend", "local", "-o", f"repo={site_path}", "--json"])
    # The reader is gone before the first line is written.
    done = subprocess.run(["sh", "-c", f"{command} | true"], capture_output=True, check=False, timeout=60)
    assert done.stderr == b""


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
    assert done.returncode == 1
    assert b"is not empty; name a new one" in done.stderr
    assert (tmp_path / "file").read_text() == "mine"


def test_demo_under_uv_prints_commands_for_uv(copydesk):
    assert "uv run copydesk entries" in copydesk("demo", "demo", UV="/somewhere/uv").stdout.decode()
