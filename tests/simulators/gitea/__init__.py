"""A simulator of Gitea and Forgejo::

forge = Forge(tmp_path)
forge.add_token("full", forge.add_user("owner"))
site = forge.add_repository("owner/site", {"README.md": b"# A site"})
with GiteaSimulator(forge) as simulator:
    ...                               # ask simulator.url + simulator.root
"""

from __future__ import annotations

from simulators.gitea.app import GiteaSimulator

__all__ = ["GiteaSimulator"]
