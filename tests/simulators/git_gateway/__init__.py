"""A simulator of Git Gateway, in front of the simulator of a forge::

with GitHubSimulator(forge) as github, GoTrueSimulator() as identity:
    upstream = Upstream(f"{github.url}/repos/owner/site", "full")
    with GitGatewaySimulator(github=upstream) as gateway:
        ...                           # ask gateway.url + gateway.root, with tokens of identity
"""

from __future__ import annotations

from simulators.git_gateway.app import GitGatewaySimulator
from simulators.git_gateway.hosts import Upstream

__all__ = ["GitGatewaySimulator", "Upstream"]
