"""The directive ``backend-options``: a table of what a backend can be told, read from its option class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
from copydesk.errors import ConfigError
from copydesk.registry import load_backend
from sphinx.util.docutils import SphinxDirective

if TYPE_CHECKING:
    from docutils import nodes
    from sphinx.application import Sphinx

#: Enough for an option class to be made, so that it tells the defaults that depend on other options.
ENOUGH = {
    "repo": "group/name",
    "site_url": "https://www.example.org",
    "base_url": "https://login.example.org",
}


def defaults(options: type[Any], field: attrs.Attribute[Any]) -> list[str]:
    """Give the defaults of an option, the usual one first; more where it depends on the way to log in."""
    if field.default is attrs.NOTHING:
        return ["required"]
    if not getattr(field.default, "takes_self", False):
        return [shown(field.default)]
    names = {each.name for each in attrs.fields(options)}
    known = {name: value for name, value in ENOUGH.items() if name in names and name != field.name}
    ways: dict[str, list[str]] = {}
    for way in ("", "pkce", "implicit"):
        try:
            made = getattr(options(**known, auth_type=way), field.name)
        except (ConfigError, TypeError):
            continue
        ways.setdefault(shown(made), []).append(way)
    usual, *others = ways
    return [usual, *(f"{other} with `auth_type` {' or '.join(ways[other])}" for other in others)]


def shown(value: object) -> str:
    """Give a default as it is written in YAML; what is empty is left out."""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{value}`" if isinstance(value, str) and value else ""


def table(backend: str) -> str:
    """Give the table, as Markdown."""
    options = load_backend(backend)[0].options
    fields = sorted(attrs.fields(options), key=lambda field: field.default is not attrs.NOTHING)
    rows = [
        f"| `{field.name}` | {'; '.join(defaults(options, field))} | {field.metadata['help']} |"
        for field in fields
    ]
    return "\n".join(["| option | default | what it is |", "|---|---|---|", *rows])


class BackendOptions(SphinxDirective):
    """``{backend-options} NAME``."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Give the table, parsed."""
        return self.parse_text_to_nodes(table(self.arguments[0]))


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("backend-options", BackendOptions)
    return {"parallel_read_safe": True}
