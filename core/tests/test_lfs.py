"""What ``.gitattributes`` gives to LFS, as git itself reads it, and where the server is."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from copydesk.errors import ConfigError, NotSupportedError
from copydesk.lfs import Attributes, Place, find_place

PATHS = (
    "a.png",
    "A.PNG",
    "a.png/x.txt",
    "static/a.png",
    "static/img/a.png",
    "static/img/deep/er/a.png",
    "static/img/deep/b.PNG",
    "static/a b.png",
    "static/[x].png",
    "static/.hidden.png",
    "other/static/a.png",
    "img/a.png",
    "static/img",
    "doc.pdf",
    "static/doc.pdf",
    "ünï/größe.pdf",
    "static/a.tar.gz",
    "static/x1.bin",
    "static/x2.bin",
)
LFS = "filter=lfs diff=lfs merge=lfs -text"
CASES = {
    "by extension": {".gitattributes": f"*.png {LFS}\n*.pdf {LFS}\n"},
    "by folder": {".gitattributes": f"static/** {LFS}\n"},
    "by folder at any depth": {".gitattributes": f"**/img/** {LFS}\n"},
    "in between": {".gitattributes": f"static/**/a.png {LFS}\n"},
    "a star stops at a slash": {".gitattributes": f"static/*.png {LFS}\n"},
    "from the top": {".gitattributes": f"/a.png {LFS}\n/static/a.png {LFS}\n"},
    "a folder says nothing of its files": {".gitattributes": f"static/ {LFS}\nimg {LFS}\n"},
    "sets of characters": {".gitattributes": f"*.[pP][nN][gG] {LFS}\nx[!1].bin {LFS}\n"},
    "taken away again": {".gitattributes": f"*.png {LFS}\nstatic/a.png -filter\nimg/*.png !filter\n"},
    "another filter": {".gitattributes": f"*.png {LFS}\nstatic/a.png filter=crypt\n"},
    "the last line counts": {".gitattributes": f"*.png -filter\n*.png {LFS}\n"},
    "without a value": {".gitattributes": "*.png filter\n"},
    "spaces by a class": {".gitattributes": f"static/a[[:space:]]b.png {LFS}\n"},
    "in quotes": {".gitattributes": f'"static/a b.png" {LFS}\n"\\"q\\".png" {LFS}\n'},
    "escaped": {".gitattributes": f"static/\\[x\\].png {LFS}\n"},
    "comments and blank lines": {".gitattributes": f"# *.png {LFS}\n\n   \n*.pdf\t{LFS}\r\n"},
    "a name of its own": {".gitattributes": f"[attr]large {LFS}\n*.png large\nstatic/a.png -large\n"},
    "names that are not ASCII": {".gitattributes": f"ünï/*.pdf {LFS}\n"},
    "deeper down wins": {
        ".gitattributes": f"*.png {LFS}\n",
        "static/.gitattributes": "*.png -filter\n",
        "static/img/.gitattributes": f"a.png {LFS}\n",
    },
    "relative to its folder": {"static/.gitattributes": f"img/* {LFS}\n/a.png {LFS}\n"},
    "dots": {".gitattributes": f"*.gz {LFS}\n.hidden* {LFS}\n"},
    "a question mark": {".gitattributes": f"x?.bin {LFS}\nstatic?a.png {LFS}\n"},
    "forbidden and broken": {".gitattributes": f"!*.png {LFS}\n[ {LFS}\n*.pdf\n"},
    "nothing": {},
}


def of_git(folder, files) -> set[str]:
    """Ask git which paths have the filter."""
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    subprocess.run(["git", "init", "-q", str(folder)], check=True, env=environment)
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(text.encode())
    asked = ["git", "-C", str(folder), "check-attr", "-z", "filter", "--", *PATHS]
    words = (
        subprocess.run(asked, capture_output=True, check=True, env=environment).stdout.decode().split("\0")
    )
    return {path for path, value in zip(words[0::3], words[2::3], strict=False) if value == "lfs"}


@pytest.mark.parametrize("name", CASES)
def test_what_is_tracked_is_what_git_says(tmp_path, name):
    files = CASES[name]
    attributes = Attributes.read({path: text.encode() for path, text in files.items()})
    assert {path for path in PATHS if attributes.track(path)} == of_git(tmp_path, files)


def test_extra_that_is_missing_is_named(monkeypatch):
    """Only where something is tracked: all other sites do without it."""
    monkeypatch.setitem(sys.modules, "wcmatch", None)
    assert not Attributes.read({".gitattributes": b"*.md text\n"}).track("a.md")
    attributes = Attributes.read({".gitattributes": b"*.png filter=lfs\n"})
    with pytest.raises(NotSupportedError, match=r"pip install 'copydesk\[lfs\]'"):
        attributes.track("a.png")


FORGE = "https://forge.example.org/o/r.git/info/lfs"


@pytest.mark.parametrize(
    ("lfsconfig", "address", "trusted"),
    [
        (None, FORGE, True),
        (b"", FORGE, True),
        (b"[core]\n\turl = https://x.example.org\n", FORGE, True),
        (b"[lfs]\n\tx = y\n\turl = https://lfs.example.org/x/\n", "https://lfs.example.org/x", False),
        (b'[lfs]\nurl="https://forge.example.org/other"\n', "https://forge.example.org/other", True),
        (b"[lfs]\nurl = https://forge.example.org.evil.net/\n", "https://forge.example.org.evil.net", False),
        (b"[lfs]\nurl = https://forge.example.org:8443/x\n", "https://forge.example.org:8443/x", False),
    ],
)
def test_server_is_that_of_lfsconfig_and_trusted_on_the_forge_alone(lfsconfig, address, trusted):
    assert find_place(lfsconfig, FORGE) == Place(address, trusted)


@pytest.mark.parametrize("lfsconfig", [b"[lfs]\nurl = git@example.org:x\n", b"[lfs\nurl = x\n", b"url = x\n"])
def test_lfsconfig_that_cannot_be_used_is_refused(lfsconfig):
    with pytest.raises(ConfigError) as caught:
        find_place(lfsconfig, FORGE)
    assert caught.value.key == "lfs.url"


def test_server_that_nobody_names_is_asked_for():
    with pytest.raises(NotSupportedError, match="set large_media_url"):
        find_place(None, None)
