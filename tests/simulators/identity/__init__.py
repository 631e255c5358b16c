"""Simulators of identity providers, each an origin of its own::

clock = Clock()
with GitHubIdentity([Client("cli")], clock=clock) as github, PopupServer({"github": github}) as popup:
    ...                               # base_url is popup.url; press "authorize" on the page of github
    clock.advance(900)                # nobody waits
github.log                            # what was asked, of each provider
"""

from __future__ import annotations

from simulators.identity.attacks import FORGED, AttackServer
from simulators.identity.bitbucket import BitbucketIdentity
from simulators.identity.clock import Clock
from simulators.identity.github import App, GitHubIdentity
from simulators.identity.gitlab import GitLabIdentity
from simulators.identity.grants import Client, challenge
from simulators.identity.handshakes import Manner
from simulators.identity.keys import Key
from simulators.identity.oidc import OpenIdProvider
from simulators.identity.popup import PopupServer

__all__ = [
    "FORGED",
    "App",
    "AttackServer",
    "BitbucketIdentity",
    "Client",
    "Clock",
    "GitHubIdentity",
    "GitLabIdentity",
    "Key",
    "Manner",
    "OpenIdProvider",
    "PopupServer",
    "challenge",
]
