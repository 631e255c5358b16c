"""Shipping the template for backend authors, which stands once, beside the core."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NAME = "cookiecutter-backend"


class TemplateHook(BuildHookInterface[Any]):
    """Puts the template into the wheel, and into the source distribution, from which a wheel is built too."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Name the template among what is shipped; a checkout that is installed as it is has it already."""
        if version == "editable":
            return
        root = Path(self.root)
        there = [place for place in (root / NAME, root.parent / NAME) if place.is_dir()]
        if not there:
            raise FileNotFoundError(f"{NAME} is neither in {root} nor beside it; build from a whole checkout")
        inside = NAME if self.target_name == "sdist" else f"copydesk/{NAME}"
        build_data["force_include"][str(there[0])] = inside
