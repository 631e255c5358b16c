"""A simulator of GitLab::

forge = Forge(tmp_path)
forge.add_token("full", forge.add_user("owner"))
site = forge.add_repository("group/sub/site", {"README.md": b"# A site"})
with GitLabSimulator(forge) as simulator:
    ...                               # ask simulator.url
    simulator.project(site).merge_method = "ff"
"""

from __future__ import annotations

from simulators.gitlab.app import GitLabSimulator

__all__ = ["GitLabSimulator"]
