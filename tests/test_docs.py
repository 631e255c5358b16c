"""The samples and the commands of the documentation run as they stand."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted(ROOT.glob("docs/*.md")), *sorted(ROOT.glob("plugins/*/README.md"))]
SITE = {
    "admin/config.yml": (
        b"backend: {name: local}\npublish_mode: editorial_workflow\nmedia_folder: static/img\n"
        b"collections: [{name: posts, folder: content/posts}]\n"
    ),
    "content/posts/hello.md": b"hello\n",
    "static/img/logo.png": b"\x89PNG",
}
#: What the pages take for granted that somebody wrote; git does not know them.
WRITTEN = ("brewing.md", "cup.png", "spring.md", "spring.png", "robots.txt")

pytestmark = pytest.mark.skipif(
    not PAGES[0].exists(), reason="not in a checkout: these are about its documentation"
)


def page_id(page: Path) -> str:
    return f"{page.parent.name}/{page.name}"


def samples(language: str) -> list:
    return [
        pytest.param(code, id=f"{page_id(page)}-{number}")
        for page in PAGES
        if page.exists()
        for number, code in enumerate(re.findall(rf"```{language}\n(.*?)```", page.read_text(), re.DOTALL))
    ]


def commands(page: Path) -> list[str]:
    """The lines of a page that stand for themselves and call the command, and what they need."""
    return re.findall(r"^    ((?:eval .*)?copydesk .*|echo .*)$", page.read_text(), re.MULTILINE)


@pytest.fixture
def in_site(make_repository, monkeypatch):
    """The top directory of a small site, with a bare repository of the same beside it."""
    top = make_repository("site", SITE, bare=False)
    make_repository("site/site.git", SITE)
    for name in WRITTEN:
        (top / name).write_bytes(b"written\n")
    monkeypatch.chdir(top)
    return top


@pytest.mark.parametrize("code", samples("python"))
@pytest.mark.usefixtures("in_site")
def test_sample_runs_in_a_site(code):
    exec(compile(code, "sample", "exec"), {"__name__": "sample"})


@pytest.mark.long  # every day the same commands are tried by test_command.py
@pytest.mark.parametrize("page", [page for page in PAGES if page.exists() and commands(page)], ids=page_id)
def test_commands_of_a_page_run_as_typed(page, in_site):
    """One after the other, in a shell, each with success."""
    script = "\n".join(["set -e", *commands(page)])
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("GIT_", "COPYDESK_"))}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-x", "-c", script],
        cwd=in_site,
        env={**clean, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert len(commands(page)) >= 1


def test_every_verb_is_on_a_page():
    """Of the command as `--help` lists it."""
    shown = subprocess.run([sys.executable, "-m", "copydesk"], capture_output=True, text=True, check=False)
    listed = (shown.stdout + shown.stderr).partition("Commands:")[2]
    verbs = set(re.findall(r"^  (\w+)", listed, re.MULTILINE))
    typed = {
        line.split("copydesk ")[1].split()[0]
        for page in PAGES
        for line in commands(page)
        if "copydesk " in line
    }
    named = set(re.findall(r"uv run copydesk (\w+)", PAGES[0].read_text()))
    assert len(verbs) > 20
    # There is no deploy preview and no login on a disk, so no page can run them with success there.
    assert verbs - typed - named == {"preview", "login", "logout", "accounts"}
    blocks = "".join(
        code for page in PAGES for code in re.findall(r"```sh\n(.*?)```", page.read_text(), re.DOTALL)
    )
    assert verbs - typed - named - {"preview"} <= set(re.findall(r"^copydesk (\w+)", blocks, re.MULTILINE))


def test_configuration_of_the_site_builders_page_is_enough(make_repository, monkeypatch):
    from copydesk import Workflow, load_config, open_repository

    blocks = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs/site-builders.md").read_text(), re.DOTALL)
    (config,) = (block for block in blocks if "collections:" in block)
    top = make_repository("site", {"admin/config.yml": config.encode()}, bare=False)
    monkeypatch.chdir(top)
    site = load_config("admin/config.yml")
    with open_repository(site) as repository:
        assert Workflow(repository, site).save("posts", "new", b"new\n").pull_request is not None


def test_backend_of_the_readme_is_found_and_reads(tmp_path):
    """Installed as the README says, and asked by the command."""
    (code,) = (
        code
        for code in re.findall(r"```python\n(.*?)```", PAGES[0].read_text(), re.DOTALL)
        if "BackendFactory(" in code
    )
    place = tmp_path / "plugin"
    info = place / "copydesk_zip-1.0.dist-info"
    info.mkdir(parents=True)
    (place / "copydesk_zip.py").write_text(code)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: copydesk-zip\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[copydesk.backends]\nzip = copydesk_zip:backend\n")
    with zipfile.ZipFile(tmp_path / "site.zip", "w") as archive:
        for path, content in SITE.items():
            archive.writestr(path, content)

    def run(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "copydesk", *arguments, "--backend", "zip", "-o", "repo=site.zip"],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(place)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert run("ls", "content") == "content/posts/hello.md\n"
    assert run("cat", "content/posts/hello.md") == "hello\n"
    assert re.search(r"^posts +hello +published", run("entries"), re.MULTILINE)
    assert re.search(r"^read_file +required +the backend$", run("backends", "check", "zip"), re.MULTILINE)


@pytest.mark.long
def test_steps_out_of_a_conflict_work_as_the_page_has_them(in_site):
    """The draft and the site changed the same line; `COMMIT` is what the page says it is."""
    (steps,) = re.findall(r"```sh\n(.*?)```", (ROOT / "docs/workflow.md").read_text(), re.DOTALL)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("GIT_", "COPYDESK_"))}
    editor = in_site / "editor"
    editor.write_text('#!/bin/sh\necho "both" > "$1"\n')
    editor.chmod(0o755)

    def run(command: str, code: int = 0) -> str:
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=in_site,
            env={**clean, "PATH": path, "EDITOR": str(editor)},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == code, done.stderr
        return done.stdout

    run('copydesk save posts hello brewing.md --based-on "$(git rev-parse HEAD)"')
    run("copydesk status posts hello pending_publish")
    run('echo theirs | copydesk put content/posts/hello.md - --based-on "$(git rev-parse HEAD)"')
    run("copydesk publish posts hello", code=3)
    (commit,) = re.findall(r"#1 .*?(\w{10})$", run("copydesk entries --drafts"), re.MULTILINE)
    for step in steps.splitlines():
        shown = run(step.replace("COMMIT", commit))
        commit = (re.findall(r" at (\w{10})$", shown, re.MULTILINE) or [commit])[0]
    assert run("cat content/posts/hello.md mine.md") == "both\nwritten\n"


def test_every_page_that_is_named_is_there():
    """Links between the pages of the repository lead somewhere."""
    for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} names {target}"
