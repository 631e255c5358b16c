"""copydesk backend for {{ cookiecutter.service }}."""

from __future__ import annotations

from copydesk import BackendFactory
from copydesk.http import Connector

from {{ cookiecutter.__package }} import api
from {{ cookiecutter.__package }}.backend import {{ cookiecutter.__class }}Backend
from {{ cookiecutter.__package }}.login import flows
from {{ cookiecutter.__package }}.options import {{ cookiecutter.__class }}Options

__all__ = ["{{ cookiecutter.__class }}Backend", "{{ cookiecutter.__class }}Options", "backend"]


def _open(options: {{ cookiecutter.__class }}Options, connect: Connector) -> object:
    return {{ cookiecutter.__class }}Backend(connect(options.api_root, api.DIALECT), options)


backend = BackendFactory(options={{ cookiecutter.__class }}Options, open=_open, flows=flows)
