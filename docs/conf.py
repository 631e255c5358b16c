"""How Sphinx makes the site; ``_ext/backend_options.py`` adds what is read from the option classes."""

from __future__ import annotations

import sys
from pathlib import Path

import copydesk

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "copydesk"
version = release = copydesk.__version__
copyright = ""  # noqa: A001 - Sphinx calls it so
extensions = ["myst_parser", "sphinx.ext.autodoc", "attrs_defaults", "backend_options"]

# The sources are the checkout itself, so that a link between pages is the same on the forge and in the site.
root_doc = "docs/index"
include_patterns = ["docs/*.md", "plugins/*/README.md", "README.md", "CONTRIBUTING.md", "CHANGELOG.md"]
exclude_patterns = [".*", "**/.*", "build", "benchmarks", "cookiecutter-backend", "core", "tests"]
html_extra_path = ["_root"]

nitpicky = True
# What is documented elsewhere (a link there would need the network to be checked), or is a type alone.
nitpick_ignore_regex = [
    (
        "py:.*",
        r"(collections|contextlib|attrs|datetime|enum|hypothesis|pathlib|pluggy|re|requests|typing|werkzeug)\..*",
    ),
    ("py:.*", r"(bool|bytes|dict|float|int|list|object|str|tuple|type|None)"),
    (
        "py:.*",
        r"(Any|Callable|Collection|Iterable|Iterator|Mapping|Self|Path|datetime|T|OptionsT|Connect|OriginAccess)",
    ),
    ("py:.*", r"copydesk\..*\._\w+\.\w+|copydesk\.repository\.R"),  # private
]
myst_heading_anchors = 4
myst_enable_extensions = ["deflist"]
default_role = "code"
smartquotes_action = "De"  # dashes, and no quotes: "" is an empty text
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True  # as code: a value may be the environment, with all that is secret in it
python_maximum_signature_line_length = 120

html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["pages.css"]
html_title = f"copydesk {version}"
html_copy_source = False
html_show_copyright = False
html_show_sphinx = False
