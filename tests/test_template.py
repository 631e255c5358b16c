"""The template for backend authors: what it refuses, what it makes, and that it works as it is made."""

from __future__ import annotations

import ast
import json
import os
import re
import runpy
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import copydesk
import pytest

pytest.importorskip("cookiecutter", reason="without the extra there is no template")

from cookiecutter.exceptions import FailedHookException
from cookiecutter.main import cookiecutter
from copydesk import Put, open_repository
from copydesk._fitness import mistakes_of
from copydesk.cli._backends import new_backend
from copydesk.cli._template import make_project, template_folder
from copydesk.errors import InvalidInputError, NotSupportedError
from copydesk.hookspecs import DERIVED, OPERATIONS
from copydesk.testing import SEED
from copydesk.testing._steps import Steps

ROOT = Path(__file__).parents[1]
#: The licences that it asks for.
LICENCES = ("MIT", "Apache-2.0", "BSD-3-Clause", "MPL-2.0")
ANSWERS = {"name": "my-forge", "service": "My Forge", "author": "Ada", "licence": "MIT"}
#: What is said in it, though no test of ours could say it: TOML, quotes and templates have these for themselves.
HOSTILE = (
    "Zoë O'Neil, 日本 太郎 🎉",
    'The "Quoted" \\ One\\u0041 # ] }',
    "{{ cookiecutter.name }} & <b>",
    "{% raw %}{{ 7 * 7 }}{# no #}",
)

pytestmark = pytest.mark.skipif(
    not (ROOT / "cookiecutter-backend").is_dir(), reason="not in a checkout: these are about the template"
)


def bake(folder: Path, **answers: str) -> Path:
    return make_project(folder, ANSWERS | answers)


def files_of(top: Path) -> set[str]:
    return {path.relative_to(top).as_posix() for path in top.rglob("*") if path.is_file()}


def run(*command: str | Path, cwd: Path, **environ: str) -> str:
    """Run a command that has to succeed, and give what it prints."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("COPYDESK_", "PYTEST_"))}
    done = subprocess.run(
        list(map(str, command)),
        cwd=cwd,
        env={**clean, "PYTHONDONTWRITEBYTECODE": "1", **environ},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout[-5000:]}{done.stderr[-5000:]}"
    return done.stdout


def command(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "copydesk", "backends", "new", *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )


# -- what it makes ------------------------------------------------------------------------------------


def test_project_has_the_files_that_its_readme_names(tmp_path):
    """Exactly these, and no part of a template is left in them."""
    top = bake(tmp_path)
    assert top == tmp_path / "copydesk-my-forge"
    assert files_of(top) == {
        ".github/workflows/test.yml",
        ".gitignore",
        "CHANGELOG.md",
        "LICENSE",
        "README.md",
        "pyproject.toml",
        "src/copydesk_my_forge/__init__.py",
        "src/copydesk_my_forge/api.py",
        "src/copydesk_my_forge/backend.py",
        "src/copydesk_my_forge/login.py",
        "src/copydesk_my_forge/options.py",
        "src/copydesk_my_forge/py.typed",
        "tests/simulator.py",
        "tests/test_api.py",
        "tests/test_suite.py",
    }
    for name in files_of(top):
        text = (top / name).read_text().replace("${{ matrix.python }}", "")
        assert not re.search(r"\{\{|\}\}|\{%|cookiecutter", text), name
        assert text.endswith("\n") or not text, name


@pytest.mark.parametrize(("name", "module"), [("my-forge", "my_forge"), ("my_forge", "my_forge"), ("x", "x")])
def test_name_is_that_of_the_distribution_the_module_and_the_entry_point(tmp_path, name, module):
    top = bake(tmp_path, name=name)
    project = tomllib.loads((top / "pyproject.toml").read_text())["project"]
    assert top.name == project["name"] == f"copydesk-{module.replace('_', '-')}"
    assert project["entry-points"]["copydesk.backends"] == {name: f"copydesk_{module}:backend"}
    assert (top / f"src/copydesk_{module}").is_dir()


@pytest.mark.parametrize("licence", LICENCES)
def test_licence_is_in_the_project_and_named(tmp_path, licence):
    top = bake(tmp_path, licence=licence)
    text = (top / "LICENSE").read_text()
    words = {
        "MIT": "MIT",
        "Apache-2.0": "Apache",
        "BSD-3-Clause": "BSD 3-Clause",
        "MPL-2.0": "Mozilla Public",
    }
    assert words[licence] in text
    assert ("Ada" in text) == (licence in {"MIT", "BSD-3-Clause"})
    assert tomllib.loads((top / "pyproject.toml").read_text())["project"]["license"] == licence


def test_licences_are_the_same_wherever_they_are_named():
    """What cookiecutter asks, what the hook takes, and what the command says."""
    asked = json.loads((ROOT / "cookiecutter-backend/cookiecutter.json").read_text())["licence"]
    taken = runpy.run_path(str(ROOT / "cookiecutter-backend/hooks/pre_gen_project.py"))["LICENCES"]
    assert tuple(asked) == taken == LICENCES
    (option,) = (each for each in new_backend.params if each.name == "licence")
    assert option.help == "MIT, Apache-2.0, BSD-3-Clause or MPL-2.0."


@pytest.mark.parametrize("author", HOSTILE)
def test_author_is_named_as_written(tmp_path, author):
    """In the licence and in the metadata, whatever their languages make of the characters."""
    top = bake(tmp_path, author=author)
    assert f" {author}\n" in (top / "LICENSE").read_text()
    project = tomllib.loads((top / "pyproject.toml").read_text())["project"]
    assert project["authors"] == [{"name": author}]


def test_dependencies_are_those_of_this_core(tmp_path):
    """With lower bounds, and the copydesk that the template was made for."""
    project = tomllib.loads((bake(tmp_path) / "pyproject.toml").read_text())["project"]
    extras = [each for extra in project["optional-dependencies"].values() for each in extra]
    assert all(">=" in each for each in [*project["dependencies"], *extras])
    major, minor, _ = copydesk.__version__.split(".")
    assert f"copydesk>={major}.{minor},<{int(major) + 1}" in project["dependencies"]


def test_unsupported_is_exactly_what_the_backend_does_not_have(tmp_path):
    """Read off the files; the suite of the project says the same when it runs."""
    top = bake(tmp_path)
    source = (top / "src/copydesk_my_forge/backend.py").read_text()
    own = set(re.findall(r"@hookimpl\n    def (\w+)", source))
    suite = (top / "tests/test_suite.py").read_text()
    (unsupported,) = re.findall(r"UNSUPPORTED = frozenset\(\s*(\{.*?\})", suite, re.DOTALL)
    derived = {name for name, sources in DERIVED.items() if own.issuperset(sources)}
    assert len(own) == 12
    assert ast.literal_eval(unsupported) == set(OPERATIONS) - own - derived


def test_suite_takes_an_author_12_lines(tmp_path):
    """What stands in the class, without the list that the tutorial is about."""
    suite = (bake(tmp_path) / "tests/test_suite.py").read_text()
    (body,) = re.findall(r"class TestPromises.*?(?=\n\n\n)", suite, re.DOTALL)
    assert len(body.splitlines()) <= 12


# -- what it refuses ----------------------------------------------------------------------------------

BAD_NAMES = [
    ("", "the backend has no name; give one, such as my-forge"),
    ("Forge", "the name 'Forge' has capital letters; write 'forge'"),
    ("9x", "the name '9x' cannot be a module of Python; begin with one of a-z"),
    ("a b", "the name 'a b' cannot be a module of Python"),
    ("a--b", "the name 'a--b' cannot be a module of Python"),
    ("forge-", "the name 'forge-' cannot be a module of Python"),
    ("förge", "the name 'förge' cannot be a module of Python"),
    ("../up", "the name '../up' cannot be a module of Python"),
    ("a/b", "the name 'a/b' cannot be a module of Python"),
    ("{{ 7 }}", "the name '{{ 7 }}' cannot be a module of Python"),
    ("class", "the name 'class' is a word of Python; write 'class-forge'"),
    ("copydesk-forge", "begins with 'copydesk', which the distribution gets by itself; write 'forge'"),
    ("copydesk", "begins with 'copydesk', which the distribution gets by itself; write 'my-forge'"),
    ("local", "a backend 'local' is installed already; choose another name, or uninstall it"),
    ("x" * 31, "has 31 characters; shorten it to 30"),
]


@pytest.mark.parametrize(("name", "message"), BAD_NAMES)
def test_bad_name_is_refused_before_anything_is_written(tmp_path, name, message):
    with pytest.raises(InvalidInputError, match=rf"{re.escape(message)}.*; nothing was written$"):
        bake(tmp_path, name=name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ({"service": '"""'}, "the name of the service holds '\"', which docstrings would stumble over"),
        ({"service": "two\nlines"}, "the name of the service holds '\\n'"),
        ({"service": "s" * 41}, "the name of the service has 41 characters; shorten it to 40"),
        ({"author": " "}, "nobody is named as the author, whom the licence names; give a name (--author)"),
        ({"author": "a\nb"}, "the author 'a\\nb' holds a line break"),
        ({"licence": "mit"}, "the licence 'mit' is none of MIT, Apache-2.0, BSD-3-Clause, MPL-2.0"),
    ],
)
def test_bad_answer_is_refused_before_anything_is_written(tmp_path, answer, message):
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        bake(tmp_path, **answer)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.long
def test_cookiecutter_itself_refuses_the_same(tmp_path, capfd, monkeypatch):
    """Somebody may use the template without the command: its hook has the same rules."""
    monkeypatch.setenv("COOKIECUTTER_CONFIG", str(tmp_path / "config.yaml"))
    (tmp_path / "config.yaml").write_text(f"replay_dir: {tmp_path / 'replay'}\n")
    made = tmp_path / "made"
    made.mkdir()
    with pytest.raises(FailedHookException):
        cookiecutter(str(template_folder()), no_input=True, output_dir=made, extra_context={"name": "Forge"})
    assert (
        "nothing was written: the name 'Forge' has capital letters; write 'forge'" in capfd.readouterr().err
    )
    assert list(made.iterdir()) == []
    given = {"name": "my-forge", "author": "Zoë \"Q\" 'x' \\"}
    cookiecutter(str(template_folder()), no_input=True, output_dir=made, extra_context=given)
    assert {path.name for path in made.iterdir()} == {"copydesk-my-forge"}
    top = bake(tmp_path, author=given["author"])
    same = [(top / name).read_bytes() == (made / top.name / name).read_bytes() for name in files_of(top)]
    assert all(same)


# -- the command --------------------------------------------------------------------------------------


def test_command_makes_a_project_and_says_how_to_go_on(tmp_path):
    done = command("sourcehut", "--service", "SourceHut", "--author", "Ada", "-o", "there", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("made there/copydesk-sourcehut; go on there:\n")
    assert "SourceHut" in (tmp_path / "there/copydesk-sourcehut/README.md").read_text()


def test_project_that_is_there_is_left_alone(tmp_path):
    there = tmp_path / "copydesk-my-forge"
    there.mkdir()
    with pytest.raises(InvalidInputError) as caught:
        bake(tmp_path)
    assert str(caught.value) == f"{str(there)!r} exists already; remove it, or name another folder by -o"
    assert list(there.iterdir()) == []


def test_without_the_extra_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "cookiecutter.exceptions", None)
    with pytest.raises(NotSupportedError) as caught:
        bake(tmp_path)
    assert str(caught.value) == (
        "a new backend is made by cookiecutter, which is not installed; try: pip install 'copydesk[template]'"
    )
    assert list(tmp_path.iterdir()) == []


# -- the wheel ----------------------------------------------------------------------------------------


def build(place: Path, into: Path, kind: str) -> Path:
    """Build a distribution as it is released, without the network."""
    run(sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", into, cwd=place)
    (made,) = into.glob("*.whl" if kind == "wheel" else "*.tar.gz")
    return made


def template_in(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        inside = {name for name in archive.namelist() if "cookiecutter-backend/" in name}
    return {name.removeprefix("copydesk/cookiecutter-backend/") for name in inside}


@pytest.mark.long
def test_template_is_in_the_wheel_of_the_core(tmp_path):
    """One copy in the checkout, which a wheel holds whole."""
    there = files_of(ROOT / "cookiecutter-backend")
    assert len(there) > 20
    assert template_in(build(ROOT / "core", tmp_path, "wheel")) == there


@pytest.mark.long
def test_template_is_in_a_wheel_that_is_built_from_the_source_distribution(tmp_path):
    source = build(ROOT / "core", tmp_path / "source", "sdist")
    shutil.unpack_archive(source, tmp_path, filter="data")
    (unpacked,) = tmp_path.glob("copydesk-*/")
    wheel = build(unpacked, tmp_path / "wheel", "wheel")
    assert template_in(wheel) == files_of(ROOT / "cookiecutter-backend")


# -- that it works ------------------------------------------------------------------------------------


def tool(name: str) -> str:
    """Find one of the linters, which are in a group of their own."""
    found = shutil.which(name, path=str(Path(sys.executable).parent))
    if found is None:
        pytest.skip(f"{name} is not here; run with: uv run --group lint pytest")
    return found


def check_style(top: Path) -> None:
    """Check it with its own configuration, as its CI does."""
    for arguments in (
        ["ruff", "check"],
        ["ruff", "format", "--check", "--diff"],
        ["mypy", "--no-incremental"],
    ):
        run(tool(arguments[0]), *arguments[1:], cwd=top)


def install_beside(top: Path, place: Path) -> dict[str, str]:
    """Install a project into a folder of its own, and give the environment that has it on its path."""
    with zipfile.ZipFile(build(top, top / "dist", "wheel")) as wheel:
        wheel.extractall(place)
    return {"PYTHONPATH": str(place)}


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project as an editable installation has it; what was imported from it is forgotten."""
    top = bake(tmp_path)
    points = tomllib.loads((top / "pyproject.toml").read_text())["project"]["entry-points"]
    lines = [f"{name} = {value}" for name, value in points["copydesk.backends"].items()]
    info = tmp_path / "installed/copydesk_my_forge-0.1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: copydesk-my-forge\nVersion: 0.1.0\n")
    (info / "entry_points.txt").write_text("\n".join(["[copydesk.backends]", *lines]))
    before = set(sys.modules)
    for place in (info.parent, top / "src", top / "tests"):
        monkeypatch.syspath_prepend(place)
    yield top
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", None) or "").startswith(str(tmp_path)):
            del sys.modules[name]


@pytest.mark.usefixtures("project")
def test_backend_is_found_and_reads_commits_and_proposes():
    """Against the server of its own tests, which the long form runs whole."""
    from simulator import Simulator

    given = {"repo": "owner/site", "credential": "secret"}
    with (
        Simulator(SEED, "secret") as server,
        open_repository("my-forge", api_root=server.api_root, **given) as repository,
    ):
        steps = Steps(repository)
        assert steps.paths() == {file.path for file in SEED}
        made = steps.proposal("cms/posts/new", Put("new.md", b"new"), labels=("netlify-cms/draft",))
        assert repository.list_pull_requests() == (made.pull_request,)
        assert repository.compare(steps.head(), made.commit.commit_sha).paths == {"new.md"}
        assert mistakes_of(repository) == ()
        missing = set(OPERATIONS) - repository.operations
        assert missing >= {"set_labels", "merge_pull_request", "close_pull_request"}


@pytest.mark.long
@pytest.mark.parametrize(
    "answers",
    [
        {},
        {"name": "x", "service": "X"},
        {
            "name": "abcdefghij-abcdefghij-abcdefgh",
            "service": "The Service of Forty Characters, as it is"[:40],
        },
        {"name": "my_forge", "service": "Ünïcode & Sons (beta)", "licence": "Apache-2.0"},
    ],
    ids=["usual", "short", "long", "odd"],
)
def test_project_keeps_its_own_style(tmp_path, answers):
    """However long the names in it are."""
    check_style(bake(tmp_path, **answers))


def follow(top: Path) -> set[str]:
    """Do what the README says in its second step, and give the names that are then off the list."""
    package = top / "src/copydesk_my_forge"
    suite = top / "tests/test_suite.py"
    step = (top / "README.md").read_text().partition("### 2.")[2]
    for file, code in re.findall(r"```python\n# (\w+\.py)\n(.*?)```", step, re.DOTALL):
        lines = code.strip("\n").splitlines()
        imports = [line for line in lines if line.startswith("from ")]
        body = "\n".join(line for line in lines if line not in imports).strip("\n")
        text = (package / file).read_text()
        for line in imports:
            text = text.replace("annotations\n", f"annotations\n{line}\n", 1)
        gap = "\n\n\n" if file == "api.py" else "\n\n"
        (package / file).write_text(f"{text.rstrip()}{gap}{body}\n")
    (machine,) = re.findall(r"```python\n# tests/test_machine\.py\n(.*?)```", step, re.DOTALL)
    (top / "tests/test_machine.py").write_text(machine)
    done = set(re.findall(r"^\*\*`(\w+)`\.\*\*", step, re.MULTILINE))
    for name in done:
        text = suite.read_text()
        assert f'        "{name}",\n' in text
        suite.write_text(text.replace(f'        "{name}",\n', ""))
    return done


@pytest.mark.long
def test_tutorial_works_as_it_stands(tmp_path):
    """All steps of the README together: four names less on the list, and all tests and linters green."""
    top = bake(tmp_path)
    assert follow(top) == {"set_labels", "close_pull_request", "merge_pull_request", "update_from_base"}
    run(tool("ruff"), "check", "--select", "I", "--fix", cwd=top)  # as an editor does when it saves
    check_style(top)
    found = install_beside(top, tmp_path / "installed")
    passed = run(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", cwd=top, **found)
    counted = re.search(r"^(\d+) passed, (\d+) skipped", passed, re.MULTILINE)
    assert counted, passed
    assert int(counted[1]) > 280
    assert int(counted[2]) < 30


@pytest.mark.long
def test_project_works_beside_the_wheels_of_the_core(tmp_path):
    """Built, installed by pip into an empty environment, found, checked, and its own tests pass there."""
    top = bake(tmp_path)
    wheels = tmp_path / "wheels"
    for place in (ROOT / "core", ROOT / "plugins/local", top):
        run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", wheels, cwd=place)
    venv = tmp_path / "venv"
    run(sys.executable, "-m", "venv", venv, cwd=tmp_path)
    python, copydesk_ = venv / "bin/python", venv / "bin/copydesk"
    mine, core = (next(wheels.glob(f"{name}-*.whl")) for name in ("copydesk_my_forge", "copydesk"))
    quiet = ["--quiet", "--disable-pip-version-check"]
    beside = [f"{core}[cli,template,testing]", next(wheels.glob("copydesk_local-*.whl"))]
    for wanted in (beside, [f"{mine}[test]"]):
        run(python, "-m", "pip", "install", *quiet, *wanted, cwd=tmp_path)
    run(python, "-m", "pip", "check", cwd=tmp_path)
    listed = json.loads(run(copydesk_, "backends", "list", "--json", cwd=tmp_path))
    assert {"name": "my_forge", "distribution": "copydesk-my-forge", "version": "0.1.0"} in listed
    options = ["-o", "repo=owner/site"]
    shown = run(
        copydesk_, "backends", "check", "my-forge", *options, cwd=tmp_path, COPYDESK_MY_FORGE_TOKEN="t"
    )
    assert re.search(r"^commit_changes +required +the backend$", shown, re.MULTILINE)
    assert "not a whole backend: it lacks set_labels, merge_pull_request, close_pull_request" in shown
    run(copydesk_, "backends", "new", "other", "--author", "Ada", cwd=tmp_path)
    assert files_of(tmp_path / "copydesk-other") >= {"pyproject.toml", "tests/simulator.py"}
    shutil.rmtree(top / "src")  # so that what is tested is what was installed
    passed = run(python, "-m", "pytest", "-q", "-p", "no:cacheprovider", cwd=top)
    assert re.search(r"^2\d\d passed, \d\d skipped", passed, re.MULTILINE), passed
