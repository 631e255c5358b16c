"""Holding logged exchanges against the digest of GitHub's description of its REST interface."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from copydesk.testing import Exchange

from simulators.descriptions import Description
from simulators.github.archive import TARBALL

__all__ = ["check", "operation"]

#: Parameters that may hold slashes.
WIDE = {"path", "ref", "basehead", "branch", "name", "tree_sha"}
#: These come for every operation, whether its description has them or not.
ANY_TIME = {"401", "403", "404", "409", "422", "429", "301", "302", "307", "304", "500", "502", "503"}
#: Where the description is known to be narrower than GitHub.
NARROW = {
    # Its own text says "You can also pass an array of labels directly".
    "body of POST /repos/{owner}/{repo}/issues/{issue_number}/labels": re.compile(r"\$"),
    "body of PUT /repos/{owner}/{repo}/issues/{issue_number}/labels": re.compile(r"\$"),
    # The head of a pull request from a deleted fork has no repository and no user; a label may be undescribed.
    "200 of GET /repos/{owner}/{repo}/pulls": re.compile(
        r"\$\[\d+\]\.(head\.(repo|user)|labels\[\d+\]\.description)"
    ),
}
#: Addresses of other protocols: of git, and of its large files.
GIT = re.compile(r"/[^/]+/[^/]+\.git/(info/(refs$|lfs/)|git-(upload|receive)-pack$)")


DESCRIPTION = Description(
    Path(__file__).parent / "openapi.json",
    WIDE,
    ANY_TIME,
    error_fields={"message", "documentation_url", "status"},
    narrow=NARROW,
    # GitHub's own, in the Link header of every listing.
    general={"page"},
)


def operation(method: str, path: str) -> tuple[str, dict[str, Any]] | None:
    """Find what an operation is called and its description; None for what GitHub does not describe."""
    return DESCRIPTION.operation(method, path)


def check(exchange: Exchange, root: str = "") -> None:
    """Raise AssertionError where a request or its answer is not as GitHub describes them.

    What was cut, or not answered, is not looked at; nor is GraphQL, which its schema checks, nor git's protocol.
    """
    if TARBALL.fullmatch(exchange.path):  # as codeload gives it
        return
    path = exchange.path.removeprefix(root)
    if exchange.status == 0 or path.endswith("/graphql") or GIT.match(path):
        return
    path = re.sub(r"^/repositories/\d+", "/repos/o/r", path)
    if exchange.method == "GET":
        path = path.replace("/git/refs/", "/git/ref/")
    path = re.sub(r"/tarball$", "/tarball/HEAD", path)
    path = re.sub(r"/contents/?$", "/contents/.", path)
    DESCRIPTION.check(exchange, path)
