"""A server of Git LFS by its public batch protocol, alone or at the clone addresses of simulated forges::

with Bucket() as bucket, LFSSimulator(tmp_path / "objects", bucket=bucket) as simulator:
    simulator.tokens["full"] = "write"           # without tokens everybody may do everything
    ...                                          # ask simulator.url + simulator.root + "/objects/batch"
    simulator.lfs.fail_uploads(503, skip=1)      # the second upload fails
    simulator.objects.oids()                     # what was kept

A forge's simulator has the same at ``simulator.lfs``, its repositories keep their objects in
``Objects.of_repository(repository.path)``, and ``simulator.lfs.bucket = bucket`` has them transferred elsewhere.
"""

from __future__ import annotations

from simulators.lfs.app import LargeMedia, LFSSimulator
from simulators.lfs.bucket import Bucket
from simulators.lfs.objects import Objects, oid_of, pointed_to, pointer_to
from simulators.lfs.server import MEDIA_TYPE, LargeFiles, Place

__all__ = [
    "MEDIA_TYPE",
    "Bucket",
    "LFSSimulator",
    "LargeFiles",
    "LargeMedia",
    "Objects",
    "Place",
    "oid_of",
    "pointed_to",
    "pointer_to",
]
