"""Holding logged exchanges against the digest of Bitbucket's description of its REST interface."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from copydesk.testing import Exchange

from simulators.descriptions import Description

__all__ = ["check", "operation"]

#: Parameters that may hold slashes.
WIDE = {"path", "name", "spec", "revspec", "revision"}
#: These come for every operation, whether its description has them or not.
ANY_TIME = {"301", "302", "304", "400", "401", "403", "404", "409", "410", "429", "500", "502", "503", "555"}
#: Query parameters that its introduction has for every operation, and those that only a text names.
GENERAL = {"page", "pagelen", "fields", "q", "sort", "include", "exclude", "path", "from_pullrequest_id"}
#: Where the description is known to be wrong: a place, and why.
NARROW = {
    # It says text; recorded are lists.
    "attributes": r"\$\.(values\[\d+\]\.)?attributes",
    # It has not what a merge preview says of a file that conflicts.
    "status": r"\$\.values\[\d+\]\.status",
    # It says text; whoever lacks a scope is told in an object.
    "detail": r"\$\.error\.detail",
}
DESCRIPTION = Description(
    Path(__file__).parent / "openapi.json",
    WIDE,
    ANY_TIME,
    error_fields={"type", "error"},
    general=GENERAL,
    loose=True,
    wrong=re.compile("|".join(NARROW.values())),
)


def operation(method: str, path: str) -> tuple[str, dict[str, Any]] | None:
    """Find what an operation is called and its description; None for what Bitbucket does not describe."""
    return DESCRIPTION.operation(method, path)


def check(exchange: Exchange, root: str = "") -> None:
    """Raise AssertionError where a request or its answer is not as Bitbucket describes them.

    What was not answered is not looked at, nor are addresses that are not those of its interface.
    """
    if exchange.status == 0 or not exchange.path.startswith(f"{root}/"):
        return
    path = exchange.path.removeprefix(root)
    # Newer than the description; it answers as the older one.
    path = re.sub(r"^/user/workspaces/[^/]+/permissions/", "/user/permissions/", path)
    if "/src/" not in path:
        path = path.rstrip("/")
    # A folder at the top has no path.
    path = re.sub(r"(/src/[^/]+)/$", r"\1/.", path)
    DESCRIPTION.check(exchange, path)
