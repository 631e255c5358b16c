"""Defaults in signatures: plain values are shown, and what may hold anything is not."""

from __future__ import annotations

import enum
import re
from typing import TYPE_CHECKING, Any

import attrs

if TYPE_CHECKING:
    from sphinx.application import Sphinx

#: How the code that attrs writes names a default and a factory; and a text that is put together.
WRITTEN = re.compile(r"attr_dict\['(\w+)'\]\.default|\bNOTHING\b|f\"[^\"]*\"")


def shown(default: object) -> str:
    """Give a default as code; the environment of whoever builds the pages is one, too."""
    if isinstance(default, enum.Enum):
        return f"{type(default).__name__}.{default.name}"
    plain = default is None or isinstance(default, bool | int | float | str | bytes | tuple)
    return repr(default) if plain else "..."


def with_defaults(*told: Any) -> tuple[str, str | None] | None:
    """Put defaults into a signature, as ``autodoc-process-signature`` tells it."""
    _app, _what, _name, thing, _options, signature, returns = told
    if signature is None:
        return None
    fields = attrs.fields_dict(thing) if isinstance(thing, type) and attrs.has(thing) else {}
    known = {name: field.default for name, field in fields.items()}
    return WRITTEN.sub(lambda match: shown(known.get(match[1], ...)), signature), returns


def setup(app: Sphinx) -> dict[str, bool]:
    """Listen to autodoc."""
    app.connect("autodoc-process-signature", with_defaults)
    return {"parallel_read_safe": True}
