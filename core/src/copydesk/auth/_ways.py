"""The ways to log in that a backend names, before anything is opened."""

from __future__ import annotations

from typing import TYPE_CHECKING

from copydesk.models import LoginFlow

if TYPE_CHECKING:
    from copydesk.config import SiteConfig

__all__ = ["login_flows"]


def login_flows(source: str | SiteConfig, /, **options: object) -> tuple[LoginFlow, ...]:
    """Name the ways to get a credential, best first; this needs none, and sends nothing.

    :param source: the name of a backend, or the configuration of a site.
    :param options: options of the backend; they win over those of *source*.
    :returns: flows as data; empty where none is needed.
    :raises BackendNotFoundError: no installed distribution brings the backend.
    :raises ConfigError: an option is unknown, missing or wrong.
    """
    from copydesk.options import build_options  # who has a credential needs none of it
    from copydesk.registry import load_backend

    factory, origin = load_backend(source if isinstance(source, str) else source.backend)
    known = {} if isinstance(source, str) else source.options_for(factory.options)
    return factory.flows(build_options(origin.name, factory.options, {**known, **options}))
