"""The samples of the documentation run as they stand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "docs/workflow.md", ROOT / "plugins/local/README.md"]

pytestmark = pytest.mark.skipif(
    not PAGES[0].exists(), reason="not in a checkout: these are about its documentation"
)


def samples() -> list:
    found = []
    for page in PAGES:
        if page.exists():
            for number, code in enumerate(re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL)):
                found.append(pytest.param(code, id=f"{page.parent.name}/{page.name}-{number}"))
    return found


@pytest.mark.parametrize("code", samples())
def test_sample_runs_in_a_site(code, make_repository, monkeypatch, tmp_path):
    """In the top directory of a small site, with a bare repository beside it."""
    from_conftest = {
        "admin/config.yml": (
            b"backend: {name: local}\npublish_mode: editorial_workflow\n"
            b"collections: [{name: posts, folder: content/posts}]\n"
        ),
        "content/posts/hello.md": b"hello\n",
    }
    top = make_repository("site", from_conftest, bare=False)
    make_repository("site/site.git", from_conftest)
    monkeypatch.chdir(top)
    exec(compile(code, "sample", "exec"), {"__name__": "sample"})


def test_every_page_that_is_named_is_there():
    """Links between the pages of the repository lead somewhere."""
    for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} names {target}"
