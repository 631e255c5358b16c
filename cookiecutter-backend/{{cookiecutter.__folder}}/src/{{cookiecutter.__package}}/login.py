"""The ways to get a credential for {{ cookiecutter.service }}, as data: copydesk runs them."""

from __future__ import annotations

from copydesk.models import LoginFlow

from {{ cookiecutter.__package }}.options import {{ cookiecutter.__class }}Options

__all__ = ["flows"]


def flows(options: {{ cookiecutter.__class }}Options) -> tuple[LoginFlow, ...]:
    """Name the ways, best first; ``token`` is one that people make on the website and paste."""
    return (LoginFlow("token"),)
