"""The login that a command is about: its backend, the address it is kept for, and the ways to get it."""

from __future__ import annotations

import os
from functools import cached_property
from typing import Self

import attrs

from copydesk.auth import KeyringStore, credential_variable
from copydesk.cli._site import Site
from copydesk.config import SiteConfig
from copydesk.errors import InvalidInputError, NotSupportedError
from copydesk.http import HttpSettings
from copydesk.models import LoginFlow
from copydesk.options import build_options
from copydesk.registry import load_backend

__all__ = ["Account"]


@attrs.define(eq=False, slots=False)  # cached_property needs a __dict__
class Account:
    """One login."""

    source: SiteConfig | dict[str, object]
    backend: str
    root: str
    account: str
    flows: tuple[LoginFlow, ...]

    @classmethod
    def of(cls, site: Site, account: str) -> Self:
        """Find the one that *site* means; nothing is asked.

        :raises ConfigError: there is no configuration, or a wrong one.
        :raises BackendNotFoundError: no installed distribution brings the backend.
        """
        source = site.source()
        if isinstance(source, SiteConfig):
            factory, origin = load_backend(source.backend)
            given = source.options_for(factory.options)
        else:
            factory, origin = load_backend(str(source["name"]))
            given = {key: value for key, value in source.items() if key != "name"}
        options = build_options(origin.name, factory.options, given)
        chosen = HttpSettings(account=account).chosen_account
        return cls(source, origin.name, options.login_root, chosen, factory.flows(options))

    @cached_property
    def store(self) -> KeyringStore:
        """The keyring of the system.

        :raises NotSupportedError: there is none.
        """
        return KeyringStore()

    @property
    def variable(self) -> str:
        """The variable whose token comes before a login."""
        return credential_variable(self.backend, "TOKEN")

    @property
    def in_environment(self) -> bool:
        """Whether it is set, or the key of an app."""
        app = credential_variable(self.backend, "APP")
        return any(os.environ.get(name, "").strip() for name in (self.variable, app))

    @property
    def needs_login(self) -> bool:
        """Whether the backend wants a credential at all."""
        return bool(self.flows)

    def flow(self, kind: str | None) -> LoginFlow:
        """Choose the way to log in.

        :raises NotSupportedError: the backend has none.
        :raises InvalidInputError: it has not that one.
        """
        if not self.flows:
            raise NotSupportedError(f"the {self.backend} backend needs no login")
        for flow in self.flows:
            if kind in {None, flow.kind}:
                return flow
        known = ", ".join(flow.kind for flow in self.flows)
        raise InvalidInputError(f"this configuration has no login by {kind!r} (it has: {known})")
