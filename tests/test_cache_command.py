"""`copydesk cache`: what is kept on this computer, told and removed; no site is needed for it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from copydesk.blobs import blob_sha
from copydesk.store import BlobStore


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "copydesk"


@pytest.fixture
def copydesk(tmp_path, folder):
    """Run the command in an empty directory, with a folder of its own for what is kept."""

    def run(*arguments: str, code: int = 0, before: str = "", **environment: str) -> str:
        clean = {key: value for key, value in os.environ.items() if not key.startswith("COPYDESK_")}
        given = {**clean, "COPYDESK_CACHE": "on", "COPYDESK_CACHE_DIR": str(folder), **environment}
        start = f"import sys\n{before}\nfrom copydesk.cli import main\nmain()"
        done = subprocess.run(
            [sys.executable, "-c", start, *arguments],
            cwd=tmp_path,
            env=given,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == code, done.stderr
        return done.stderr if code else done.stdout

    return run


@pytest.fixture
def filled(folder):
    """Two files and a tree, kept by somebody."""
    store = BlobStore(folder)
    store.write([(blob_sha(each), each) for each in (b"one", b"two")])
    store.write_snapshot("c" * 40, "", ())
    store.close()
    return folder / "blobs.sqlite"


def size_of(file: Path) -> str:
    return f"{file.stat().st_size // 1024} KiB"


def rows(shown: str) -> dict[str, str]:
    return dict(line.split(maxsplit=1) for line in shown.splitlines())


def test_info_of_nothing(copydesk, folder):
    shown = rows(copydesk("cache", "info"))
    assert (shown["path"], shown["files"], shown["size"]) == (str(folder / "blobs.sqlite"), "0", "0 KiB")
    assert not folder.exists()


def test_info_tells_what_is_there(copydesk, filled):
    shown = rows(copydesk("cache", "info"))
    assert (shown["files"], shown["trees"], shown["size"]) == ("2", "1", size_of(filled))
    assert (shown["limit"], shown["used"]) == ("512.0 MiB", "yes")
    assert "problem" not in shown


def test_info_for_programs(copydesk, filled):
    told = json.loads(copydesk("cache", "info", "--json"))
    size = filled.stat().st_size
    assert told == {
        "path": str(filled),
        "blobs": 2,
        "snapshots": 1,
        "size": size,
        "limit": 512 * 2**20,
        "problem": "",
        "used": True,
    }


def test_clear_tells_what_was_removed(copydesk, filled, folder):
    size = size_of(filled)
    assert copydesk("cache", "clear") == f"removed: {size} (files: 2, trees: 1) at {str(filled)!r}\n"
    assert list(folder.iterdir()) == []
    assert copydesk("cache", "clear") == f"removed: nothing at {str(filled)!r}\n"


def test_clear_for_programs(copydesk, filled):
    assert json.loads(copydesk("cache", "clear", "--json"))["blobs"] == 2


def test_clear_removes_a_damaged_file(copydesk, filled, folder):
    filled.write_bytes(b"damaged" * 2**18)
    assert copydesk("cache", "clear") == f"removed: 1.8 MiB (files: 0, trees: 0) at {str(filled)!r}\n"
    assert list(folder.iterdir()) == []


def test_info_tells_what_is_wrong(copydesk, folder):
    folder.write_bytes(b"in the way")
    assert rows(copydesk("cache", "info"))["problem"].endswith(
        "is no folder; remove it, or name another folder by COPYDESK_CACHE_DIR"
    )
    assert "is no folder; remove it" in copydesk("cache", "clear", code=1)
    assert folder.exists()


def test_what_is_there_is_told_and_removed_where_it_is_off(copydesk, filled):
    shown, size = rows(copydesk("cache", "info", COPYDESK_CACHE="off")), size_of(filled)
    assert (shown["files"], shown["used"]) == ("2", "no, COPYDESK_CACHE is off")
    assert copydesk("cache", "clear", COPYDESK_CACHE="off").startswith(f"removed: {size} (files: 2")


@pytest.mark.parametrize("verb", ["info", "clear"])
def test_without_the_extra_it_says_what_to_install(copydesk, verb):
    told = copydesk("cache", verb, code=1, before="sys.modules['platformdirs'] = None", COPYDESK_CACHE_DIR="")
    assert "platformdirs, which is not installed; try: pip install 'copydesk[cache]'" in told


def test_option_is_given_on_the_command_line(copydesk, site_path):
    """As true or false in words, like any option that is one."""
    where = ("--backend", "local", "-o", f"repo={site_path}")
    listed = copydesk("ls", *where, "-o", "cache=off", "-o", "squash_merges=yes")
    assert "content/about.md" in listed
    told = copydesk("ls", *where, "-o", "cache=perhaps", code=2)
    assert "the option 'cache' must be true or false, not another text" in told


# -- filling it ---------------------------------------------------------------------------------------


@pytest.fixture
def site(tmp_path, settings):
    """A site on a forge, and what the command is told of it."""
    pytest.importorskip("graphql", reason="graphql-core is not installed")
    from means.places import TOKEN, place  # beside the tests, where the tests are whole

    files = {f"content/posts/p{number}.md": b"post %d\n" % number for number in range(30)}
    with place("github", tmp_path / "place", settings, files | {"static/logo.png": b"\x89PNG\0"}) as made:
        root = made.server.url + made.server.root
        options = {"repo": "owner/site", "api_root": root, "branch": "main"}
        given = ["--backend", "github", *(f"-o{key}={value}" for key, value in options.items())]
        yield made, given, {"COPYDESK_GITHUB_TOKEN": TOKEN}


def test_fill_reads_once_and_then_asks_whether_there_is_more(copydesk, site):
    there, given, environment = site
    with there.costs(2):
        shown = copydesk("cache", "fill", *given, **environment)
    assert shown == "read: 31 files, 0 KiB\n"
    with there.costs(1):
        shown = copydesk("cache", "fill", "content/posts", "--json", *given, **environment)
    assert json.loads(shown) == {"files": 30, "size": sum(len(b"post %d\n" % number) for number in range(30))}
    assert rows(copydesk("cache", "info"))["files"] == "31"


@pytest.mark.parametrize(
    ("more", "variables"),
    [(["-ocache=off"], {}), ([], {"COPYDESK_CACHE": "off"})],
    ids=["option", "variable"],
)
def test_fill_where_nothing_is_kept(copydesk, site, more, variables):
    there, given, environment = site
    with there.costs(0):
        said = copydesk("cache", "fill", *given, *more, code=1, **environment, **variables)
    assert "nothing of this site is kept on this computer" in said
    assert "copydesk cache info" in said


def test_fill_shows_how_far_it_is_to_who_looks(copydesk, site):
    _, given, environment = site
    # A terminal, whose errors are seen here.
    before = "sys.stderr = sys.stdout\nsys.stdout.isatty = lambda: True"
    shown = copydesk("cache", "fill", *given, before=before, TERM="xterm", FORCE_COLOR="1", **environment)
    assert "reading" in shown
    assert "31" in shown
    assert "read: 31 files, 0 KiB\n" in shown
