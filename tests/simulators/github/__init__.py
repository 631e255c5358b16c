"""A simulator of GitHub::

forge = Forge(tmp_path)
forge.add_token("full", forge.add_user("owner"))
site = forge.add_repository("owner/site", {"README.md": b"# A site"})
with GitHubSimulator(forge) as simulator:
    ...                               # ask simulator.url
for exchange in simulator.log:
    check(exchange, simulator.root)   # simulators.github.validate
"""

from __future__ import annotations

from simulators.github.app import Codeload, GitHubSimulator

__all__ = ["Codeload", "GitHubSimulator"]
