"""A simulator of Bitbucket Cloud::

forge = Forge(tmp_path)
forge.add_token("full", forge.add_user("owner"))
site = forge.add_repository("owner/site", {"README.md": b"# A site"})
with BitbucketSimulator(forge) as simulator:
    ...                               # ask simulator.url + simulator.root
for exchange in simulator.log:
    check(exchange, simulator.root)   # simulators.bitbucket.validate
"""

from __future__ import annotations

from simulators.bitbucket.app import BitbucketSimulator

__all__ = ["BitbucketSimulator"]
