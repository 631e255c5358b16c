"""What must be alike across the distributions, and between code and documentation."""

from __future__ import annotations

import ast
import inspect
import re
import tomllib
from pathlib import Path

import copydesk
import pytest
from copydesk import errors, extensions, models, options
from copydesk.hookspecs import OPERATIONS

ROOT = Path(__file__).parents[1]
MEMBERS = [ROOT / "core", *sorted((ROOT / "plugins").glob("*/"))]

pytestmark = pytest.mark.skipif(
    not (ROOT / "core/pyproject.toml").exists(), reason="not in a checkout: these are about its files"
)


def project(member: Path) -> dict:
    return tomllib.loads((member / "pyproject.toml").read_text())["project"]


@pytest.mark.parametrize("member", MEMBERS, ids=lambda path: path.name)
def test_version_is_that_of_all(member):
    assert project(member)["version"] == copydesk.__version__


@pytest.mark.parametrize("member", MEMBERS, ids=lambda path: path.name)
def test_licence_is_in_the_distribution(member):
    assert (member / "LICENSE").read_text() == (ROOT / "LICENSE").read_text()


@pytest.mark.parametrize("member", MEMBERS, ids=lambda path: path.name)
def test_dependencies_have_lower_bounds_and_reasons(member):
    """A lower bound, and a row in CONTRIBUTING."""
    data = project(member)
    extras = data.get("optional-dependencies", {}).values()
    reasons = (ROOT / "CONTRIBUTING.md").read_text()
    for requirement in [*data["dependencies"], *(each for extra in extras for each in extra)]:
        name = re.match(r"[\w.-]+", requirement)[0]
        assert ">=" in requirement, requirement
        assert name == "copydesk" or re.search(rf"^\|.*\b{name}\b.*\|$", reasons, re.MULTILINE), name


@pytest.mark.parametrize("member", MEMBERS[1:], ids=lambda path: path.name)
def test_plugin_asks_for_this_core(member):
    major, minor, _ = copydesk.__version__.split(".")
    asked = [re.sub(r"\[.*\]", "", each) for each in project(member)["dependencies"]]  # with any extras
    assert f"copydesk>={major}.{minor},<{int(major) + 1}" in asked


def test_public_names_can_be_had_and_are_sorted():
    assert list(copydesk.__all__) == sorted(copydesk.__all__)
    for name in copydesk.__all__:
        assert getattr(copydesk, name)
    assert set(dir(copydesk)) == set(copydesk.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = copydesk.nothing


@pytest.mark.parametrize("module", [models, errors, extensions, options], ids=lambda module: module.__name__)
def test_public_names_of_a_module_have_docstrings(module):
    for name in module.__all__:
        thing = getattr(module, name)
        assert not inspect.isclass(thing) or thing.__doc__, name


def test_error_tree_in_the_docstring_is_the_tree():
    """Every exception is drawn, public, and below the one base."""
    drawn = set(re.findall(r"\w+Error", errors.__doc__.partition("A message")[0]))
    defined = {name for name, thing in vars(errors).items() if inspect.isclass(thing)}
    assert drawn == set(errors.__all__) == defined
    assert all(issubclass(getattr(errors, name), errors.CopydeskError) for name in drawn)


def test_contract_page_has_every_operation():
    page = (ROOT / "docs/contract.md").read_text()
    for operation in OPERATIONS:
        assert f"`{operation}`" in page, operation


def test_core_imports_no_plugin_and_no_test_tool():
    for path in (ROOT / "core/src/copydesk").rglob("*.py"):
        names = set()
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                names.add(node.module or "")
        tops = {name.partition(".")[0] for name in names}
        assert not {top for top in tops if top.startswith("copydesk_")}, path
        assert "testing" in path.parts or not tops & {"pytest", "hypothesis"}, path
