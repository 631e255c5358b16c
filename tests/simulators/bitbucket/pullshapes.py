"""Pull requests and their comments as Bitbucket shows them."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from simulators.bitbucket.shapes import STATES, STRATEGIES, Shapes, link, rendered, when
from simulators.store import Comment, PullRequest, Repository

Json = dict[str, Any]

#: What a pull request has and shows only to who asks for it, and what a list of them leaves out besides.
HIDDEN = tuple(
    f"{side}.branch.{name}"
    for side in ("source", "destination")
    for name in ("merge_strategies", "default_merge_strategy")
)
UNLISTED = (*HIDDEN, "participants", "reviewers", "rendered")
#: So many digits of a sha are enough here.
DIGITS = 12


def address(shapes: Shapes, repository: Repository, pull: PullRequest) -> str:
    return f"{shapes.url(repository)}/pullrequests/{pull.number}"


def spec(repository: Repository, pull: PullRequest) -> str:
    """Name what a pull request compares, as its links do."""
    new = pull.merge_commit_sha or pull.head_sha
    return f"{quote(repository.full_name)}:{new[:DIGITS]}%0D{pull.base_sha[:DIGITS]}"


def pull_request(shapes: Shapes, repository: Repository, pull: PullRequest) -> Json:
    text = pull.body or ""
    return {
        "rendered": {"description": rendered(text), "title": rendered(pull.title)},
        "type": "pullrequest",
        "description": text,
        "links": _links(shapes, repository, pull),
        "title": pull.title,
        "close_source_branch": pull.delete_branch,
        "draft": pull.draft,
        "reviewers": [shapes.user(each) for each in pull.reviewers],
        "id": pull.number,
        "destination": _endpoint(shapes, repository, pull.base, pull.base_sha, shapes.repository(repository)),
        "created_on": when(pull.created),
        "summary": rendered(text),
        "source": _endpoint(shapes, repository, pull.head, pull.head_sha, _origin(shapes, repository, pull)),
        "comment_count": sum(not each.deleted for each in pull.comments),
        "state": STATES[pull.state],
        "task_count": 0,
        "participants": [],
        "reason": pull.close_reason,
        "updated_on": when(pull.updated),
        "author": shapes.user(pull.author),
        **_closed(shapes, repository, pull),
    }


def _closed(shapes: Shapes, repository: Repository, pull: PullRequest) -> Json:
    sha, closer = pull.merge_commit_sha, pull.merged_by or pull.closed_by
    shown = {
        "merge_commit": None if sha is None else shapes.short_commit(repository, sha[:DIGITS]),
        "closed_by": None if closer is None else shapes.user(closer),
    }
    return shown if pull.closed is None else {**shown, "closed_on": when(pull.closed)}


def _origin(shapes: Shapes, repository: Repository, pull: PullRequest) -> Json | None:
    """Show the repository that a pull request comes from; a fork may be gone."""
    if pull.fork is None:
        return shapes.repository(repository)
    return None if pull.fork_deleted else {"type": "repository", "full_name": pull.fork}


def _endpoint(shapes: Shapes, repository: Repository, branch: str, sha: str, shown: Json | None) -> Json:
    strategies = {"merge_strategies": STRATEGIES, "default_merge_strategy": "merge_commit"}
    return {
        "commit": shapes.short_commit(repository, sha[:DIGITS]),
        "repository": shown,
        "branch": {"name": branch, **strategies},
    }


def _links(shapes: Shapes, repository: Repository, pull: PullRequest) -> Json:
    url, above = address(shapes, repository, pull), shapes.url(repository)
    names = ("decline", "commits", "comments", "merge", "activity", "approve", "statuses")
    compared = f"{spec(repository, pull)}?from_pullrequest_id={pull.number}"
    return {
        "self": link(url),
        "html": link(f"{shapes.page(repository)}/pull-requests/{pull.number}"),
        **{name: link(f"{url}/{name}") for name in names},
        **{name: link(f"{above}/{name}/{compared}") for name in ("diffstat", "diff")},
    }


def comment(shapes: Shapes, repository: Repository, pull: PullRequest, made: Comment) -> Json:
    url, page = address(shapes, repository, pull), f"{shapes.page(repository)}/pull-requests/{pull.number}"
    content = rendered("" if made.deleted else made.text)
    if shapes.escaping:
        content["raw"] = content["raw"].replace("_", r"\_")
    shown = {
        "links": {
            "self": link(f"{url}/comments/{made.id}"),
            "html": link(f"{page}/_/diff#comment-{made.id}"),
        },
        "deleted": made.deleted,
        "pullrequest": {
            "type": "pullrequest",
            "id": pull.number,
            "links": {"self": link(url), "html": link(page)},
            "title": pull.title,
        },
        "content": content,
        "created_on": when(made.created),
        "user": shapes.user(made.author),
        "updated_on": when(made.updated),
        "type": "pullrequest_comment",
        "id": made.id,
    }
    if made.inline:
        shown["inline"] = made.inline
    if made.parent is not None:
        shown["parent"] = {"id": made.parent}
    return shown
