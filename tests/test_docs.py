"""The samples and the commands of the documentation run as they stand."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import attrs
import pytest
from copydesk import errors, models
from copydesk.hookspecs import OPERATIONS, BackendHooks
from copydesk.registry import load_backend

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
#: The backend that docs/writing-a-backend.md writes.
POND = ROOT / "docs/pond"
#: What the pages take for granted that somebody wrote; git does not know them.
WRITTEN = ("brewing.md", "cup.png", "spring.md", "spring.png", "robots.txt")

pytestmark = pytest.mark.skipif(
    not PAGES[0].exists(), reason="not in a checkout: these are about its documentation"
)


def page_id(page: Path) -> str:
    return f"{page.parent.name}/{page.name}"


def samples(language: str) -> list:
    """The blocks of a language on all pages, but for those below a comment that says why they cannot run."""
    return [
        pytest.param(code, id=f"{page_id(page)}-{number}")
        for page in PAGES
        if page.exists()
        for number, (reason, code) in enumerate(
            re.findall(rf"(<!-- not run: .+ -->\n)?```{language}\n(.*?)```", page.read_text(), re.DOTALL)
        )
        if not reason
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


@pytest.fixture
def pond(tmp_path, monkeypatch) -> dict[str, str]:
    """The sample of a backend, installed, and an environment in which another process finds it too."""
    about = tomllib.loads((POND / "pyproject.toml").read_text())["project"]
    info = tmp_path / "installed" / f"copydesk_pond-{about['version']}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {about['name']}\nVersion: {about['version']}\n"
    )
    points = about["entry-points"]["copydesk.backends"]
    (info / "entry_points.txt").write_text(f"[copydesk.backends]\npond = {points['pond']}\n")
    places = [info.parent, POND / "src", POND / "tests"]
    for place in places:
        monkeypatch.syspath_prepend(place)
    known = set(sys.modules)
    yield {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, places))}
    for name in set(sys.modules) - known:
        if name.partition(".")[0] in {"copydesk_pond", "pond"}:
            del sys.modules[name]


def run_pond(environment: dict[str, str], *arguments: str) -> str:
    command = [sys.executable, "-m", "pytest", "-c", POND / "pyproject.toml", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, *arguments], cwd=POND, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_sample_of_a_backend_is_one(pond):
    """A few tests of the suite: that it is found, fits, and guards its commits."""
    shown = run_pond(pond, "-k", "TestPond and (unsupported or marked or seed)")
    assert re.search(r"^\d+ passed", shown, re.MULTILINE), shown


@pytest.mark.long
def test_sample_of_a_backend_passes_all_suites(pond):
    shown = run_pond(pond)
    assert int(re.search(r"(\d+) passed", shown)[1]) > 250


@pytest.mark.long
def test_commands_about_the_sample_run_as_the_page_has_them(pond, tmp_path):
    """Against a Pond on a socket, whose address and repository stand in for those of the page."""
    from pond import Pond  # is found only here

    (lines,) = re.findall(r"```sh\n(.*?)```", text_of("writing-a-backend.md"), re.DOTALL)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    with Pond("s3cret") as server:
        there = lines.replace("TOKEN=…", "TOKEN=s3cret")
        there = there.replace("repo=owner/site", f"repo=o/site -o api_root={server.url}")
        done = subprocess.run(
            ["bash", "-e", "-c", there],
            cwd=tmp_path,
            env={**pond, "PATH": path},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    assert done.returncode == 0, done.stderr
    assert re.search(r"^commit_changes +required +the backend$", done.stdout, re.MULTILINE)


@pytest.mark.parametrize("code", samples("python"))
@pytest.mark.usefixtures("in_site", "pond")
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
        env={**clean, "PATH": path, "COPYDESK_CACHE_DIR": str(in_site.parent / "cache")},
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
            env={**clean, "PATH": path, "EDITOR": str(editor), "COPYDESK_CACHE": "off"},
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


def text_of(name: str) -> str:
    return (ROOT / "docs" / name).read_text()


@pytest.mark.parametrize("operation", OPERATIONS)
def test_operation_is_documented(operation):
    """By its docstring, and on the page that is made of the docstrings."""
    told = getattr(BackendHooks, operation).__doc__
    assert ":returns:" in told
    assert (":raises " in told) is (operation != "list_ways")  # which asks for nothing
    assert re.search(
        rf"^\.\. automethod:: BackendHooks\.{operation}$", text_of("operations.md"), re.MULTILINE
    )


@pytest.mark.parametrize("error", errors.__all__)
def test_error_is_documented(error):
    """By its docstring, and with when it is raised and what to do then."""
    assert getattr(errors, error).__doc__
    (section,) = re.findall(rf"^## {error}\n(.*?)(?=^## |\Z)", text_of("errors.md"), re.MULTILINE | re.DOTALL)
    assert f".. autoexception:: {error}\n" in section
    assert re.search(r"^\*\*When:\*\* \S", section, re.MULTILINE)
    assert re.search(r"^\*\*What to do:\*\*\s+\S", section, re.MULTILINE)


@pytest.mark.parametrize("value", models.__all__)
def test_value_is_documented(value):
    assert re.search(rf"^\.\. (autoclass|autofunction|data):: {value}$", text_of("values.md"), re.MULTILINE)


@pytest.mark.parametrize(
    "plugin",
    [path for path in ROOT.glob("plugins/*") if (path / "README.md").exists()],
    ids=lambda path: path.name,
)
def test_options_of_a_backend_are_documented(plugin):
    """Each by a help text, all by a table that is made of it, and by the one of the plugin where it has one."""
    points = tomllib.loads((plugin / "pyproject.toml").read_text())["project"]["entry-points"]
    for backend in points["copydesk.backends"]:
        written = backend.replace("_", "-")  # as configurations have it
        assert f"```{{backend-options}} {written}\n" in text_of("options.md")
        fields = attrs.fields(load_backend(backend)[0].options)
        assert [field.name for field in fields if not field.metadata.get("help")] == []
        readme = (plugin / "README.md").read_text()
        if "| option | default |" in readme:
            assert [field.name for field in fields if f"| `{field.name}` |" not in readme] == []
