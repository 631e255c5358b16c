"""What the editorial workflow calls things: branches, status labels, commit messages. Pure functions.

The names are those of the CMS, so that both can work on one site: branch ``cms/<collection>/<slug>``, label
``<prefix><status>``. A slug is written as it is; only where git cannot hold its ref beside another one is
``/`` written ``=2F`` and ``=`` written ``=3D``; one without ``/`` then gets ``=2F`` at its end.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping
from typing import Final

from copydesk.errors import InvalidInputError, InvalidSlugError
from copydesk.models import Status
from copydesk.paths import check_branch

__all__ = [
    "BRANCH_PREFIX",
    "KNOWN_PREFIXES",
    "WORKFLOW",
    "branch_key",
    "branch_names",
    "check_status",
    "commit_message",
    "label_statuses",
]

log = logging.getLogger(__name__)

BRANCH_PREFIX: Final = "cms/"
#: Prefixes of status labels that are understood besides the configured one.
KNOWN_PREFIXES: Final = ("netlify-cms/", "decap-cms/")
#: The states of the editorial workflow, in order.
WORKFLOW: Final = (Status.DRAFT, Status.PENDING_REVIEW, Status.PENDING_PUBLISH)

# What stands for another character in the name of a branch; `%2F` is another CMS's way to write it.
_CODES: Final = {"=2F": "/", "=3D": "=", "%2F": "/"}
_CODE: Final = re.compile("|".join(map(re.escape, _CODES)))
_TEMPLATES: Final = {
    "create": "Create {{collection}} “{{slug}}”",
    "update": "Update {{collection}} “{{slug}}”",
    "delete": "Delete {{collection}} “{{slug}}”",
    "uploadMedia": "Upload “{{path}}”",
    "deleteMedia": "Delete “{{path}}”",
    "openAuthoring": "{{message}}",
}
_VARIABLE: Final = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")


def branch_names(collection: str, slug: str) -> tuple[str, ...]:
    """Give the names that the branch of an entry may have: as it is, and encoded.

    :raises InvalidSlugError: no ref can hold it; the character is named.
    """
    if "%2F" in slug:
        raise InvalidSlugError(f"the slug {slug!r} holds '%2F', which is read as '/'; write '/'", slug=slug)
    plain = f"{BRANCH_PREFIX}{collection}/{slug}"
    check_branch(plain)
    encoded = slug.replace("=", "=3D").replace("/", "=2F")
    # One without `/` still has to differ from the folder of another's ref.
    other = f"{BRANCH_PREFIX}{collection}/{encoded if '/' in slug else f'{encoded}=2F'}"
    if _CODE.search(slug):  # it looks encoded already, and can only be written encoded
        return (check_branch(other),)
    try:
        return plain, check_branch(other)
    except InvalidSlugError:  # too long for the one name, and fine as it is
        return (plain,)


def branch_key(branch: str) -> tuple[str, str] | None:
    """Give collection and slug of a branch, or None where it is no branch of an entry."""
    if not branch.startswith(BRANCH_PREFIX):
        return None
    collection, _, slug = branch.removeprefix(BRANCH_PREFIX).partition("/")
    if not collection or not slug:
        return None
    decoded = _CODE.sub(lambda code: _CODES[code.group()], slug).rstrip("/")
    return (collection, decoded) if decoded else None


def label_statuses(labels: Iterable[str], prefix: str) -> dict[str, Status]:
    """Give the status labels among *labels*, least advanced first; *prefix* is the configured one."""
    known = {
        start + status: status for start in dict.fromkeys((prefix, *KNOWN_PREFIXES)) for status in WORKFLOW
    }
    found = {label: known[label] for label in labels if label in known}
    return dict(sorted(found.items(), key=lambda item: WORKFLOW.index(item[1])))


def check_status(status: str) -> Status:
    """Return *status* if an entry under workflow can have it.

    :raises InvalidInputError: it is none of the three.
    """
    if status in WORKFLOW:
        return Status(status)
    remedy = "call publish to publish" if status == Status.PUBLISHED else "use one of those"
    raise InvalidInputError(
        f"{status!r} is no status of the workflow (those are: {', '.join(WORKFLOW)}); {remedy}"
    )


def commit_message(templates: Mapping[str, str], kind: str, values: Mapping[str, str]) -> str:
    """Fill a template; an unknown variable becomes empty, with a warning in the log, as in the CMS."""
    template = templates.get(kind) or _TEMPLATES[kind]

    def value(match: re.Match[str]) -> str:
        if match.group(1) not in values:
            log.warning("the commit message template %r has no variable %r", kind, match.group(1))
        return values.get(match.group(1), "")

    return _VARIABLE.sub(value, template)
