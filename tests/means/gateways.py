"""A site behind a gateway: a forge, the gateway before it, and the identity server that knows the editors."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import jwt
import pytest
from copydesk import Repository, open_repository
from copydesk.http import HttpSettings
from copydesk.testing import SEED, ServerSimulator
from simulators.git_gateway import GitGatewaySimulator, Upstream
from simulators.github import GitHubSimulator
from simulators.gitlab import GitLabSimulator
from simulators.gotrue import GoTrueSimulator
from simulators.netlify import SECRET
from simulators.store import Forge

__all__ = [
    "EMAIL",
    "FORGES",
    "PASSWORD",
    "SEED_FILES",
    "SEED_MODES",
    "BehindGateway",
    "GatewayBefore",
    "before_both",
    "token_of_ann",
]

EMAIL: Final = "ann@example.org"
PASSWORD: Final = "correct horse"
SEED_FILES: Final = {file.path: file.content for file in SEED}
SEED_MODES: Final = {file.path: int(file.mode, 8) for file in SEED}
FORGES: Final = ("github", "gitlab")
before_both = pytest.mark.parametrize("site", FORGES, indirect=True)


def token_of_ann(**claims: object) -> str:
    """Make a token of Ann's as another login server does that shares the gateway's secret; it never expires."""
    known = {
        "email": EMAIL,
        "app_metadata": {"roles": ["editor"]},
        "user_metadata": {"full_name": "Ann Editor"},
    }
    return jwt.encode({**known, **claims}, SECRET, "HS256")


class GatewayBefore:
    """A gateway before a forge whose store somebody else keeps; its repository is ``owner/site``."""

    def __init__(self, store: Forge, forge: str) -> None:
        self.forge = store
        self.forge.add_token("upstream-token", self.forge.add_user("bot", "The Gateway", "bot@example.org"))
        self.name = forge
        self.upstream: ServerSimulator
        self.upstream = GitHubSimulator(self.forge) if forge == "github" else GitLabSimulator(self.forge)
        self.identity = GoTrueSimulator()
        self.identity.add_user(EMAIL, PASSWORD, name="Ann Editor", roles=["editor"])
        self._open = contextlib.ExitStack()

    def start(self) -> Self:
        """Start the three servers."""
        upstream: Any = self._open.enter_context(self.upstream)
        self._open.enter_context(self.identity)
        below = "repos/owner/site" if self.name == "github" else "projects/owner%2Fsite"
        behind = Upstream(f"{upstream.url}{upstream.root}/{below}", "upstream-token")
        self.gateway = self._open.enter_context(GitGatewaySimulator(**{self.name: behind}))
        return self

    def stop(self) -> None:
        """Stop them, and see that nothing was asked for that the gateway never lets through."""
        self._open.close()
        assert self.gateway.refused == []

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def options(self) -> dict[str, object]:
        """What a configuration of the site says."""
        return {
            "gateway_url": self.gateway.url + self.gateway.root,
            "identity_url": self.identity.url + self.identity.root,
            "branch": "main",
        }

    def open(
        self, http: HttpSettings, credential: object = None, *, from_elsewhere: bool = False, **more: Any
    ) -> Repository:
        """Open the site with a token of the editor's, unless a credential is given or is to be found elsewhere."""
        given = self.identity.issue(EMAIL) if credential is None and not from_elsewhere else credential
        return open_repository("git-gateway", credential=given, http=http, **{**self.options, **more})


class BehindGateway(GatewayBefore):
    """One site with a store of its own, which ends with it."""

    def __init__(
        self,
        folder: Path,
        forge: str,
        files: Mapping[str, bytes] = SEED_FILES,
        modes: Mapping[str, int] = SEED_MODES,
    ) -> None:
        store = Forge(folder)
        store.now = lambda: datetime.now(UTC)
        super().__init__(store, forge)
        self.site = store.add_repository("owner/site", files, modes=modes)

    def stop(self) -> None:
        try:
            super().stop()
        finally:
            self.forge.close()
