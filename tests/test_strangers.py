"""A stranger's day: what is said of a plugin that does not fit, by the library and by the command."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import attrs
import pytest
from copydesk import open_repository
from copydesk.errors import BackendLoadError, BackendNotFoundError, NotSupportedError
from copydesk.extensions import ReadOnly

HEAD = """\
import attrs
from copydesk import BackendFactory, BackendOptions, hookimpl

class Backend:
    @hookimpl
    def list_files(self, commit_sha, folder):
        return ()
"""
TAIL = "\nbackend = BackendFactory(options=BackendOptions, open=lambda options, connect: Backend())\n"
OPTIONS = """
@attrs.frozen(kw_only=True)
class Options(BackendOptions):
    repo: str = attrs.field(default="")

backend = BackendFactory(options=Options, open=lambda options, connect: Backend())
"""


def method(signature: str, mark: str = "    @hookimpl\n") -> str:
    return f"{HEAD}\n{mark}    def {signature}: return ()\n{TAIL}"


@attrs.frozen
class Stranger:
    """A plugin, and what is said of it by both, or by each."""

    source: str
    said: str
    #: What the library says, where it opens.
    opened: str = ""
    requires: str = "copydesk>=0.1"


FIT = "backend '{0}' (copydesk-{0} 1.2.3) does not fit this core: "
IMPORT = "backend '{0}' (copydesk-{0} 1.2.3) cannot be imported from 'copydesk_{0}:backend': "
MISTAKES = "backend '{0}' (copydesk-{0} 1.2.3) has mistakes: "
STRANGERS = {
    "broken": Stranger(
        "import no_such_module",
        IMPORT
        + "ModuleNotFoundError: No module named 'no_such_module'; upgrade or uninstall copydesk-broken",
    ),
    "wrong": Stranger(
        f"{HEAD}\nbackend = Backend()\n",
        "backend '{0}' (copydesk-{0} 1.2.3): 'copydesk_{0}:backend' is a Backend, not a "
        "copydesk.BackendFactory(options=…, open=…); tell its author",
    ),
    "misspelt": Stranger(
        method("read_fil(self, commit_sha, path)"),
        FIT + "it implements 'read_fil', which is no operation; did you mean 'read_file'?",
    ),
    "newer": Stranger(
        "from copydesk import NotYetThere",
        IMPORT + "ImportError: cannot import name 'NotYetThere' from 'copydesk' ({1}); "
        "it is written for copydesk<8,>=7.1, and this is {2}; try: pip install --upgrade copydesk",
        requires="copydesk<8,>=7.1",
    ),
    "later": Stranger(
        method("enqueue(self)"),
        FIT + "it implements 'enqueue', which is no operation; it may be written for a later copydesk",
    ),
    "mute": Stranger(
        f"{HEAD}{OPTIONS}",
        IMPORT + "TypeError: option 'repo' of Options has no help text; give it one: "
        "repo = attrs.field(metadata={{'help': …}}); upgrade or uninstall copydesk-mute",
    ),
    "unmarked": Stranger(
        method("read_file(self, commit_sha, path)", mark=""),
        MISTAKES + "Backend.read_file lacks @hookimpl; mark it, or give it another name",
        opened="the unmarked backend has no read_file; what it can do is shown by: "
        "copydesk backends check unmarked",
    ),
    "defaulted": Stranger(
        method('get_branch(self, name, known_commit_sha="")'),
        MISTAKES
        + "Backend.get_branch: 'known_commit_sha' has a default, with which old pluggy never passes it; "
        "take it away",
        opened="the defaulted backend has no read_file; what it can do is shown by: "
        "copydesk backends check defaulted",
    ),
}


def write(place: Path, distribution: str, source: str, groups: str, requires: str = "copydesk>=0.1") -> None:
    """Write one distribution, as an installer does."""
    module = distribution.replace("-", "_")
    info = place / f"{module}-1.2.3.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.2.3\nRequires-Dist: {requires}\n"
    )
    (info / "entry_points.txt").write_text(groups)
    (place / f"{module}.py").write_text(source)


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder of distributions that are installed for one test."""
    place = tmp_path / "site-packages"
    place.mkdir()
    monkeypatch.syspath_prepend(place)
    before = set(sys.modules)
    yield place
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", None) or "").startswith(str(place)):
            del sys.modules[name]


def install(place: Path, name: str, source: str, requires: str = "copydesk>=0.1") -> None:
    groups = f"[copydesk.backends]\n{name} = copydesk_{name}:backend\n"
    write(place, f"copydesk-{name}", source, groups, requires)


#: The command once for each name, in one process: starting eight takes seconds.
CHECKS = """\
import sys
from copydesk.cli._app import cli
from copydesk.errors import CopydeskError
for name in sys.argv[1:]:
    try:
        cli.main(["backends", "check", name], standalone_mode=False)
    except CopydeskError as exc:
        print(f"{name}: {exc}", file=sys.stderr)
"""


def run(place: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=place,
        env={**os.environ, "PYTHONPATH": str(place)},
        capture_output=True,
        text=True,
        check=False,
    )


def check(place: Path, *names: str) -> dict[str, str]:
    """Give what the command says of each that does not pass."""
    said = run(place, "-c", CHECKS, *names).stderr
    return dict(line.split(": ", 1) for line in said.splitlines())


def wanted(name: str, words: str) -> str:
    import copydesk

    return words.format(name, copydesk.__file__, copydesk.__version__)


@pytest.mark.parametrize("name", STRANGERS)
def test_library_says_what_is_wrong(place, name):
    stranger = STRANGERS[name]
    install(place, name, stranger.source, stranger.requires)
    if stranger.opened:
        with open_repository(name) as repository, pytest.raises(NotSupportedError) as missing:
            repository.read_file("1" * 40, "a.md")
        assert str(missing.value) == stranger.opened
        return
    with pytest.raises(BackendLoadError) as caught:
        open_repository(name)
    assert str(caught.value) == wanted(name, stranger.said)
    assert (caught.value.name, caught.value.distribution) == (name, f"copydesk-{name} 1.2.3")


def test_check_says_the_same(place):
    """Of every stranger, in one line."""
    for name, stranger in STRANGERS.items():
        install(place, name, stranger.source, stranger.requires)
    said = check(place, *STRANGERS)
    assert said == {name: wanted(name, each.said) for name, each in STRANGERS.items()}


def test_parameter_that_the_core_lacks_is_named(place):
    install(place, "extra", method("read_file(self, commit_sha, path, follow)"))
    with pytest.raises(BackendLoadError) as caught:
        open_repository("extra")
    words = str(caught.value)
    assert words.startswith("backend 'extra' (copydesk-extra 1.2.3) does not fit this core: ")
    assert "'follow'" in words
    assert words.endswith("it may be written for a later copydesk, try: pip install --upgrade copydesk")
    assert check(place, "extra") == {"extra": words}


def test_two_plugins_with_one_name_are_both_named(place):
    for distribution in ("copydesk-twin", "another-twin"):
        write(place, distribution, HEAD + TAIL, "[copydesk.backends]\ntwin = copydesk_twin:backend\n")
    words = (
        "backend 'twin' is offered by more than one distribution: another-twin 1.2.3, copydesk-twin 1.2.3; "
        "uninstall all but one"
    )
    with pytest.raises(BackendLoadError) as caught:
        open_repository("twin")
    assert str(caught.value) == words
    done = run(place, "-m", "copydesk", "backends", "check", "twin")
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"copydesk: {words}\n")


def test_missing_operation_is_in_the_table_and_no_mistake(place):
    """A backend that only reads is one; what it lacks is said below its table."""
    install(place, "brief", HEAD + TAIL)
    done = run(place, "-m", "copydesk", "backends", "check", "brief")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("brief (copydesk-brief 1.2.3) fits this core\n")
    assert "\nnot a whole backend: it lacks authenticate, get_repository, get_branch, " in done.stdout
    with open_repository("brief") as repository, pytest.raises(NotSupportedError) as caught:
        repository.list_branches()
    assert str(caught.value) == (
        "the brief backend has no list_branches; what it can do is shown by: copydesk backends check brief"
    )


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("int", "TypeError: options=<class 'int'> is no subclass of copydesk.BackendOptions; make it one"),
        ("BackendOptions()", "is no subclass of copydesk.BackendOptions; make it one"),
    ],
)
def test_options_of_another_kind_are_refused(place, options, words):
    install(place, "odd", HEAD + TAIL.replace("options=BackendOptions", f"options={options}"))
    with pytest.raises(BackendLoadError) as caught:
        open_repository("odd")
    assert words in str(caught.value)


# -- extensions by name -------------------------------------------------------------------------------

AUDIT = """\
from copydesk import hookimpl

class AuditLog:
    def __init__(self):
        self.told = []

    @hookimpl(wrapper=True)
    def list_files(self, folder):
        self.told.append(folder)
        return (yield)

class NeedsMore:
    def __init__(self, path): ...

thing = 3
"""


@pytest.fixture
def acme(place):
    """A distribution with extensions beside a backend to use them on."""
    install(place, "brief", HEAD + TAIL)
    lines = ["audit-log = acme_audit:AuditLog", "needs_more = acme_audit:NeedsMore", "thing = acme_audit:thing",
             "absent = acme_nothing:Audit"]  # fmt: skip
    write(place, "acme-audit", AUDIT, "[copydesk.extensions]\n" + "\n".join(lines) + "\n")
    return place


@pytest.mark.parametrize("name", ["audit-log", "audit_log"])
def test_extension_is_used_by_its_name(acme, name):
    """One of its own for each repository, beside objects, in the order given."""
    first, second = (open_repository("brief", extensions=[name, ReadOnly()]) for _ in range(2))
    first.list_files("1" * 40, "posts")
    from acme_audit import AuditLog

    told = [
        [plugin.told for plugin in repository._plugins.get_plugins() if isinstance(plugin, AuditLog)]
        for repository in (first, second)
    ]
    assert told == [[["posts"]], [[]]]
    first.close()
    second.close()


def test_extension_that_nobody_names_is_not_used(acme):
    with open_repository("brief") as repository:
        repository.list_files("1" * 40)
    assert "acme_audit" not in sys.modules


NO_EXTENSIONS = {
    "needs-more": "cannot be made by 'acme_audit:NeedsMore' without arguments: TypeError: NeedsMore.__init__() "
    "missing 1 required positional argument: 'path'; import it and pass an object, or tell its author",
    "absent": "cannot be imported from 'acme_nothing:Audit': ModuleNotFoundError: No module named "
    "'acme_nothing'; upgrade or uninstall acme-audit",
    "thing": "cannot be made by 'acme_audit:thing', which is an object of class int; tell its author to name a "
    "class or a function that makes one",
}


@pytest.mark.parametrize("name", NO_EXTENSIONS)
def test_extension_that_does_not_work_says_why(acme, name):
    with pytest.raises(BackendLoadError) as caught:
        open_repository("brief", extensions=[name])
    assert str(caught.value) == f"extension {name!r} (acme-audit 1.2.3) {NO_EXTENSIONS[name]}"
    assert caught.value.distribution == "acme-audit 1.2.3"


def test_extension_that_is_not_installed_names_the_nearest(acme):
    with pytest.raises(BackendNotFoundError) as caught:
        open_repository("brief", extensions=["audt-log"])
    assert str(caught.value) == (
        "no extension 'audt-log' is installed (installed: absent, audit_log, needs_more, thing); did you mean "
        "'audit_log'? if not, install the distribution that brings it, or pass an object"
    )
    assert caught.value.name == "audt-log"


def test_extension_of_two_distributions_is_refused(acme):
    write(acme, "other-audit", AUDIT, "[copydesk.extensions]\naudit_log = other_audit:AuditLog\n")
    with pytest.raises(
        BackendLoadError,
        match=r"^extension 'audit-log' is offered by more than one distribution: acme-audit 1\.2\.3, "
        r"other-audit 1\.2\.3; uninstall all but one$",
    ):
        open_repository("brief", extensions=["audit-log"])
