"""Finding plugins through the metadata of real distributions, and refusing those that do not fit."""

from __future__ import annotations

import importlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from copydesk import hookimpl, installed_backends, open_repository
from copydesk.errors import BackendLoadError, BackendNotFoundError
from copydesk.extensions import ReadOnly
from copydesk.registry import InstalledBackend, load_backend

#: A whole module of a plugin; what its class has in it is given.
PLUGIN = """\
from copydesk import BackendFactory, BackendOptions, hookimpl

class Backend:
{body}

backend = BackendFactory(options=BackendOptions, open=lambda options, connect: Backend())
"""
GOOD = """\
    @hookimpl
    def list_files(self, commit_sha, folder):
        return ()
"""


class Installer:
    """Writes distributions into directories that are on `sys.path`, as an installer would."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root = root
        self.monkeypatch = monkeypatch

    def install(
        self, distribution: str, version: str, backends: dict[str, str], modules: dict[str, str] | None = None
    ) -> Path:
        """Write one distribution into a directory of its own and give the directory."""
        place = self.root / f"{distribution}-{version}-{len(list(self.root.iterdir()))}"
        info = place / f"{distribution.replace('-', '_')}-{version}.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n", encoding="utf-8"
        )
        lines = "".join(f"{name} = {value}\n" for name, value in backends.items())
        (info / "entry_points.txt").write_text(f"[copydesk.backends]\n{lines}", encoding="utf-8")
        for name, source in (modules or {}).items():
            (place / f"{name}.py").write_text(source, encoding="utf-8")
        self.monkeypatch.syspath_prepend(place)
        importlib.invalidate_caches()
        return place

    def plugin(self, backend: str, body: str = GOOD) -> None:
        """Write the distribution of a plugin whose class has that body."""
        module = f"copydesk_{backend.replace('-', '_')}"
        source = PLUGIN.format(body=body)
        self.install(f"copydesk-{backend}", "1.2.3", {backend: f"{module}:backend"}, {module: source})


@pytest.fixture
def plugins(tmp_path, monkeypatch):
    """Install plugins for one test; their modules are forgotten after it."""
    before = set(sys.modules)
    yield Installer(tmp_path, monkeypatch)
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", None) or "").startswith(str(tmp_path)):
            del sys.modules[name]


def installed_names() -> str:
    """List what is installed here besides, as a message lists it."""
    return ", ".join(sorted({backend.name for backend in installed_backends()}))


def run(code: str, *places: Path) -> str:
    """Run *code* in a fresh interpreter with some directories on its path, and give what it prints."""
    path = [*map(str, places), *filter(None, [os.environ.get("PYTHONPATH")])]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(path)}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


# -- what is there ------------------------------------------------------------------------------------


def test_installed_backends_tells_what_the_metadata_says(plugins):
    plugins.install("copydesk-sourcehut", "1.2.3", {"sourcehut": "srht.plugin:backend"})
    assert InstalledBackend("sourcehut", "copydesk-sourcehut", "1.2.3", "srht.plugin:backend") in (
        installed_backends()
    )


def test_installed_backends_lists_the_local_one():
    assert "local" in {backend.name for backend in installed_backends()}


def test_installed_backends_is_in_order_of_name(plugins):
    for name in ("zz-forge", "aa-forge", "mm-forge"):
        plugins.install(f"copydesk-{name}", "1", {name: "x:y"})
    names = [backend.name for backend in installed_backends()]
    assert names == sorted(names)
    assert {"aa_forge", "mm_forge", "zz_forge"} <= set(names)


def test_installed_backends_lists_a_name_twice_that_two_distributions_bring(plugins):
    plugins.install("copydesk-twin", "1", {"twin": "a:b"})
    plugins.install("another-twin", "2", {"twin": "a:b"})
    origins = [backend.origin for backend in installed_backends() if backend.name == "twin"]
    assert origins == ["another-twin 2", "copydesk-twin 1"]


def test_installed_backends_counts_a_distribution_once_that_is_on_the_path_twice(plugins):
    """As after an editable installation over an ordinary one."""
    plugins.install("copydesk-twin", "1", {"twin": "a:b"})
    plugins.install("copydesk-twin", "2", {"twin": "a:b"})
    origins = [backend.origin for backend in installed_backends() if backend.name == "twin"]
    assert origins == ["copydesk-twin 2"]


def test_load_backend_sees_what_comes_and_goes(plugins):
    """Metadata is read again when a distribution came into a folder, or went from it."""
    plugins.plugin("early")
    place = plugins.install("copydesk-pair", "1", {"pair": "copydesk_early:backend"})
    assert load_backend("pair")[1].version == "1"
    (old,) = place.glob("*.dist-info")
    new = old.rename(place / "copydesk_pair-2.dist-info")
    (new / "METADATA").write_text("Metadata-Version: 2.1\nName: copydesk-pair\nVersion: 2\n")
    os.utime(place, ns=(1, 1))  # however coarse the clock of the file system is
    assert load_backend("pair")[1].version == "2"
    shutil.rmtree(new)
    os.utime(place, ns=(2, 2))
    with pytest.raises(BackendNotFoundError):
        load_backend("pair")


def test_load_backend_sees_what_was_looked_at_while_it_came(plugins):
    """An installer makes the folder first: what is not found is looked for again."""
    plugins.plugin("early")
    place = plugins.install("copydesk-slow", "1", {})
    with pytest.raises(BackendNotFoundError):
        load_backend("slow")
    (points,) = place.glob("*.dist-info/entry_points.txt")
    points.write_text("[copydesk.backends]\nslow = copydesk_early:backend\n")
    assert load_backend("slow")[1].distribution == "copydesk-slow"


def test_installed_backends_ignores_other_groups(plugins):
    place = plugins.install("copydesk-sourcehut", "1", {})
    (points,) = place.glob("*.dist-info/entry_points.txt")
    points.write_text("[console_scripts]\nsourcehut = srht:main\n")
    assert "sourcehut" not in {backend.name for backend in installed_backends()}


def leave_behind(plugins: Installer) -> None:
    """Leave what an interrupted uninstallation leaves: a `.dist-info` without METADATA."""
    place = plugins.install("copydesk-leftover", "1", {"leftover": "x:y"})
    (metadata,) = place.glob("*.dist-info/METADATA")
    metadata.unlink()


def test_installed_backends_lists_the_others_beside_a_distribution_without_metadata(plugins):
    plugins.plugin("sourcehut")
    leave_behind(plugins)
    assert "sourcehut" in {backend.name for backend in installed_backends()}


def test_unknown_backend_beside_a_distribution_without_metadata_is_still_not_found(plugins):
    leave_behind(plugins)
    with pytest.raises(BackendNotFoundError, match="try: pip install copydesk-quay"):
        open_repository("quay")


def test_backend_of_a_distribution_without_metadata_cannot_be_loaded(plugins):
    leave_behind(plugins)
    with pytest.raises(BackendLoadError, match="backend 'leftover'"):
        open_repository("leftover")


def test_open_repository_is_not_disturbed_by_a_distribution_without_metadata(plugins):
    plugins.plugin("sourcehut")
    leave_behind(plugins)
    open_repository("sourcehut").close()


# -- loading one by name ------------------------------------------------------------------------------


def test_open_repository_opens_an_installed_plugin(plugins):
    plugins.plugin("sourcehut")
    with open_repository("sourcehut") as repository:
        assert repository.origin.origin == "copydesk-sourcehut 1.2.3"
        assert repository.list_files("0" * 40) == ()


@pytest.mark.parametrize("written", ["secret-gateway", "secret_gateway"])
@pytest.mark.parametrize("asked", ["secret-gateway", "secret_gateway"])
def test_hyphen_and_underscore_find_the_same_plugin(plugins, written, asked):
    plugins.plugin(written)
    with open_repository(asked) as repository:
        assert repository.backend == "secret_gateway"


def test_load_backend_imports_only_the_one_asked_for(plugins):
    plugins.plugin("sourcehut")
    plugins.install(
        "copydesk-other", "1", {"other": "copydesk_other:backend"}, {"copydesk_other": "raise SystemExit(3)"}
    )
    load_backend("sourcehut")
    assert "copydesk_other" not in sys.modules


# -- a name that nobody brings ------------------------------------------------------------------------


def test_unknown_backend_lists_what_is_installed_and_how_to_install_it(plugins):
    plugins.install("copydesk-sourcehut", "1", {"sourcehut": "x:y"})
    names = installed_names()
    with pytest.raises(BackendNotFoundError) as caught:
        open_repository("quay")
    assert str(caught.value) == (
        f"no backend 'quay' is installed (installed: {names}); try: pip install copydesk-quay"
    )
    assert "sourcehut" in names
    assert (caught.value.name, ", ".join(caught.value.installed)) == ("quay", names)


def test_unknown_backend_is_installed_under_a_name_with_hyphens():
    with pytest.raises(BackendNotFoundError, match=r"; try: pip install copydesk-my-forge$"):
        open_repository("my_forge")


@pytest.mark.parametrize("asked", ["sorcehut", "source-hut", "sourcehut2", "Sourcehut"])
def test_unknown_backend_suggests_the_one_that_was_meant(plugins, asked):
    plugins.install("copydesk-sourcehut", "1", {"sourcehut": "x:y"})
    with pytest.raises(
        BackendNotFoundError,
        match=rf"^no backend '{asked}' is installed \(.*\); did you mean 'sourcehut'\? if not, try: pip install",
    ):
        open_repository(asked)


def test_unknown_backend_where_nothing_is_installed():
    """With nothing on its path an interpreter finds no metadata."""
    code = (
        "import copydesk.registry as registry, importlib.metadata, sys\n"
        "sys.path[:] = []\n"
        "try: registry.load_backend('github')\n"
        "except Exception as exc: print(exc)\n"
    )
    assert run(code) == (
        "no backend 'github' is installed (installed: none); try: pip install copydesk-github\n"
    )


@pytest.mark.parametrize(("asked", "installed"), [("gitlab-x", "github-x"), ("gitea-x", "gitlab-x")])
def test_unknown_backend_that_only_looks_like_another_is_installed_by_pip(plugins, asked, installed):
    """`gitlab` where only `github` is installed, with an ending that no distribution here has."""
    plugins.install(f"copydesk-{installed}", "1", {installed: "x:y"})
    with pytest.raises(BackendNotFoundError, match=f"try: pip install copydesk-{asked}$"):
        open_repository(asked)


# -- a plugin that cannot be imported -----------------------------------------------------------------


def test_broken_plugin_names_distribution_version_and_module(plugins):
    plugins.install(
        "acme-broken",
        "0.9.1",
        {"broken": "acme_broken.plugin:backend"},
        {"acme_broken": "import no_such_module_at_all"},
    )
    with pytest.raises(BackendLoadError) as caught:
        open_repository("broken")
    assert str(caught.value) == (
        "backend 'broken' (acme-broken 0.9.1) cannot be imported from 'acme_broken.plugin:backend': "
        "ModuleNotFoundError: No module named 'no_such_module_at_all'; upgrade or uninstall acme-broken"
    )
    assert (caught.value.name, caught.value.distribution) == ("broken", "acme-broken 0.9.1")
    assert isinstance(caught.value.__cause__, ImportError)


@pytest.mark.parametrize(
    ("source", "named"),
    [
        ("raise ImportError('needs libgit')", "ImportError: needs libgit"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("def (", "SyntaxError: "),
        ("other = 1", "AttributeError: module 'acme_broken' has no attribute 'backend'"),
    ],
)
def test_broken_plugin_names_what_went_wrong(plugins, source, named):
    plugins.install("acme-broken", "1", {"broken": "acme_broken:backend"}, {"acme_broken": source})
    with pytest.raises(
        BackendLoadError, match=r"^backend 'broken' \(acme-broken 1\) cannot be imported from"
    ) as caught:
        open_repository("broken")
    assert named in str(caught.value)


def test_broken_plugin_does_not_disturb_the_others(plugins):
    plugins.install("acme-broken", "1", {"broken": "acme_broken:backend"}, {"acme_broken": "1 / 0"})
    plugins.plugin("sourcehut")
    open_repository("sourcehut").close()


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("backend = object()", "object"),
        ("def backend(options): ...", "function"),
        ("class backend: ...", "type"),
        ("import copydesk; backend = copydesk.BackendFactory", "type"),
        ("backend = None", "NoneType"),
    ],
)
def test_plugin_whose_entry_point_names_something_else(plugins, source, kind):
    plugins.install("acme-wrong", "1.0", {"wrong": "acme_wrong:backend"}, {"acme_wrong": source})
    with pytest.raises(BackendLoadError) as caught:
        open_repository("wrong")
    assert str(caught.value) == (
        f"backend 'wrong' (acme-wrong 1.0): 'acme_wrong:backend' is a {kind}, not a "
        "copydesk.BackendFactory(options=…, open=…); tell its author"
    )
    assert (caught.value.name, caught.value.distribution) == ("wrong", "acme-wrong 1.0")


@pytest.mark.parametrize(("first", "second"), [("twin", "twin"), ("my-twin", "my_twin")])
def test_two_distributions_of_one_name_are_both_named(plugins, first, second):
    plugins.install("copydesk-twin", "1.0", {first: "a:b"})
    plugins.install("another-twin", "2.5", {second: "a:b"})
    with pytest.raises(BackendLoadError) as caught:
        open_repository(first)
    assert str(caught.value) == (
        f"backend '{first}' is offered by more than one distribution: another-twin 2.5, copydesk-twin 1.0; "
        "uninstall all but one"
    )
    assert caught.value.name == first


# -- a plugin that does not fit this core -------------------------------------------------------------


def test_plugin_with_a_misspelt_hook_names_the_nearest(plugins):
    plugins.plugin("slips", "    @hookimpl\n    def lst_files(self, commit_sha, folder): return ()")
    with pytest.raises(BackendLoadError) as caught:
        open_repository("slips")
    assert str(caught.value) == (
        "backend 'slips' (copydesk-slips 1.2.3) does not fit this core: "
        "it implements 'lst_files', which is no operation; did you mean 'list_files'?"
    )
    assert (caught.value.name, caught.value.distribution) == ("slips", "copydesk-slips 1.2.3")


def test_plugin_with_an_operation_of_a_later_core(plugins):
    plugins.plugin("later", f"{GOOD}\n    @hookimpl\n    def enqueue(self): return ()")
    with pytest.raises(
        BackendLoadError,
        match=r"^backend 'later' \(copydesk-later 1\.2\.3\) does not fit this core: it implements 'enqueue', "
        r"which is no operation; it may be written for a later copydesk$",
    ):
        open_repository("later")


def test_plugin_with_a_parameter_of_a_later_core(plugins):
    plugins.plugin(
        "later", "    @hookimpl\n    def list_files(self, commit_sha, folder, recursive): return ()"
    )
    with pytest.raises(
        BackendLoadError,
        match=r"^backend 'later' \(copydesk-later 1\.2\.3\) does not fit this core: .*list_files\(commit_sha, "
        r"folder, recursive\).*'recursive'.*; it may be written for a later copydesk, "
        r"try: pip install --upgrade copydesk$",
    ):
        open_repository("later")


def test_plugin_that_leaves_out_a_parameter_fits(plugins):
    """So a later core can give an operation one more."""
    plugins.plugin("brief", "    @hookimpl\n    def list_files(self): return ()")
    with open_repository("brief") as repository:
        assert repository.list_files("0" * 40) == ()


def test_plugin_whose_method_is_not_marked_does_not_have_it(plugins):
    plugins.plugin("shy", f"{GOOD}\n    def read_file(self, commit_sha, path): return None")
    with open_repository("shy") as repository:
        assert repository.own_operations == {"list_files"}


def test_the_second_of_several_objects_is_checked_too(plugins):
    source = PLUGIN.format(body=GOOD).replace("Backend()", "(Backend(), Identity())")
    source += "\n\nclass Identity:\n    @hookimpl\n    def authenticat(self): return None\n"
    plugins.install("copydesk-pair", "1", {"pair": "copydesk_pair:backend"}, {"copydesk_pair": source})
    with pytest.raises(
        BackendLoadError, match=r"implements 'authenticat', .*; did you mean 'authenticate'\?"
    ):
        open_repository("pair")


def test_plugin_that_is_a_module_with_a_misspelt_hook_names_the_nearest(plugins):
    source = """\
import sys
from copydesk import BackendFactory, BackendOptions, hookimpl

@hookimpl
def lst_files(commit_sha, folder):
    return ()

backend = BackendFactory(options=BackendOptions, open=lambda options, connect: sys.modules[__name__])
"""
    plugins.install("copydesk-slips", "1", {"slips": "copydesk_slips:backend"}, {"copydesk_slips": source})
    with pytest.raises(BackendLoadError, match=r"'lst_files', .*; did you mean 'list_files'\?$"):
        open_repository("slips")


@pytest.mark.parametrize("opened", ["None", "()", "object()"])
def test_plugin_that_opens_nothing(plugins, opened):
    source = PLUGIN.format(body=GOOD).replace("Backend()", opened)
    plugins.install("copydesk-void", "1", {"void": "copydesk_void:backend"}, {"copydesk_void": source})
    with pytest.raises(BackendLoadError, match=r"copydesk-void 1"):
        open_repository("void")


# -- an extension that does not fit -------------------------------------------------------------------


class Misspelt:
    @hookimpl(wrapper=True)
    def commit_change(self, commit):
        return (yield)


class TooNew:
    @hookimpl(wrapper=True)
    def commit_changes(self, commit, signature):
        return (yield)


class NoGenerator:
    @hookimpl(wrapper=True)
    def commit_changes(self, commit):
        return None


def test_extension_with_a_misspelt_hook_names_the_nearest(plugins):
    plugins.plugin("sourcehut")
    with pytest.raises(
        BackendLoadError,
        match=r"^extension Misspelt does not fit this core: it implements 'commit_change', which is no "
        r"operation; did you mean 'commit_changes'\?$",
    ):
        open_repository("sourcehut", extensions=[Misspelt()])


def test_extension_with_a_parameter_of_a_later_core(plugins):
    plugins.plugin("sourcehut")
    with pytest.raises(
        BackendLoadError,
        match=r"^extension TooNew does not fit this core: .*'signature'.*later copydesk, try: ",
    ):
        open_repository("sourcehut", extensions=[TooNew()])


def test_extension_whose_wrapper_does_not_yield(plugins):
    plugins.plugin("sourcehut")
    with pytest.raises(
        BackendLoadError, match=r"^extension NoGenerator does not fit this core: .*not a generator function$"
    ):
        open_repository("sourcehut", extensions=[NoGenerator()])


def test_extension_that_was_not_called(plugins):
    """`extensions=[ReadOnly]`, without the parentheses."""
    plugins.plugin("sourcehut")
    with pytest.raises(BackendLoadError, match="ReadOnly"):
        open_repository("sourcehut", extensions=[ReadOnly])


def test_extension_that_is_given_twice(plugins):
    plugins.plugin("sourcehut")
    extension = ReadOnly()
    with pytest.raises(BackendLoadError, match="ReadOnly"):
        open_repository("sourcehut", extensions=[extension, extension])


# -- what is imported, and when -----------------------------------------------------------------------


def test_listing_what_is_installed_imports_no_plugin(plugins):
    place = plugins.install(
        "copydesk-loud",
        "1",
        {"loud": "copydesk_loud:backend"},
        {"copydesk_loud": "print('imported', flush=True)\nraise SystemExit(3)"},
    )
    code = (
        "import copydesk, json, sys\n"
        "names = [backend.name for backend in copydesk.installed_backends()]\n"
        "plugins = [name for name in sys.modules if name.startswith('copydesk_')]\n"
        "print(json.dumps([names, plugins]))"
    )
    names, imported = json.loads(run(code, place))
    assert {"loud", "local"} <= set(names)
    assert imported == []


def test_the_plugin_of_that_test_would_be_heard(plugins):
    """What says that nothing was imported must be able to say the opposite."""
    place = plugins.install(
        "copydesk-loud", "1", {"loud": "copydesk_loud:backend"}, {"copydesk_loud": "print('imported')"}
    )
    code = (
        "import copydesk.registry\n"
        "try: copydesk.registry.load_backend('loud')\n"
        "except copydesk.CopydeskError: pass"
    )
    assert run(code, place) == "imported\n"


HEAVY = (
    "requests",
    "keyring",
    "oauthlib",
    "yaml",
    "importlib.metadata",
    "click",
    "rich",
    "pytest",
    "hypothesis",
)


def test_import_copydesk_imports_nothing_heavy_and_no_plugin():
    code = (
        f"import copydesk, json, sys\n"
        f"print(json.dumps([name for name in sys.modules if name in {HEAVY!r} "
        "or name.split('.')[0].startswith('copydesk_')]))"
    )
    assert json.loads(run(code)) == []


def test_import_copydesk_imports_nothing_of_its_own_but_what_imports_the_rest():
    code = "import copydesk, sys; print([name for name in sys.modules if name.startswith('copydesk.')])"
    assert run(code) == "['copydesk._lazy']\n"


def test_opening_one_plugin_imports_no_yaml_and_no_other_plugin(plugins):
    """A host app that names its backend itself pays for nothing else."""
    plugins.plugin("sourcehut")
    (place,) = plugins.root.iterdir()
    code = (
        "import copydesk, sys\n"
        "copydesk.open_repository('sourcehut').close()\n"
        "print([name for name in sys.modules if name in ('yaml', 'requests', 'click', 'copydesk_local')])"
    )
    assert run(code, place) == "[]\n"


def test_every_public_name_can_be_imported():
    import copydesk

    assert [name for name in copydesk.__all__ if not hasattr(copydesk, name)] == []


def test_a_name_that_is_not_public_is_an_attribute_error():
    import copydesk

    with pytest.raises(AttributeError, match=r"^module 'copydesk' has no attribute 'open_repo'$"):
        _ = copydesk.open_repo
