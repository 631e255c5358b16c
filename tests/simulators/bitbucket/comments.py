"""What is said about pull requests."""

from __future__ import annotations

import functools
from typing import Any

from werkzeug import Response

from simulators.bitbucket import pullshapes
from simulators.bitbucket.calls import Call, ProblemError, Route, bad_field
from simulators.bitbucket.pulls import PULL, found
from simulators.store import Comment, PullRequest

COMMENTS = f"{PULL}/comments"


def _shown(call: Call, pull: PullRequest, comment: Comment) -> dict[str, Any]:
    return pullshapes.comment(call.shapes, call.repository, pull, comment)


def list_comments(call: Call, number: str) -> Response:
    """List them, the oldest first, deleted ones among them."""
    pull = found(call, number)
    return call.page(pull.comments, functools.partial(_shown, call, pull))


def _text(body: dict[str, Any]) -> str:
    text = (body.get("content") or {}).get("raw")
    if not isinstance(text, str) or not text.strip():
        raise bad_field("content", "required key not provided")
    return text


def create_comment(call: Call, number: str) -> Response:
    pull, body = found(call, number), call.json()
    text, parent = _text(body), (body.get("parent") or {}).get("id")
    if parent is not None and all(each.id != parent for each in pull.comments):
        raise ProblemError(400, "Invalid parent ID")
    made = call.repository.comment(pull, call.user, text, inline=body.get("inline"))
    made.parent = parent
    shown = _shown(call, pull, made)
    return call.shown(shown, 201, Location=shown["links"]["self"]["href"])


def _found(call: Call, pull: PullRequest, comment: str) -> Comment:
    there = next((each for each in pull.comments if str(each.id) == comment), None)
    if there is None:
        raise ProblemError(404, f"Comment {comment} not found")
    return there


def get_comment(call: Call, number: str, comment: str) -> Response:
    pull = found(call, number)
    return call.shown(_shown(call, pull, _found(call, pull, comment)))


def update_comment(call: Call, number: str, comment: str) -> Response:
    pull = found(call, number)
    there = _own(call, _found(call, pull, comment))
    there.text, there.updated = _text(call.json()), call.forge.now()
    return call.shown(_shown(call, pull, there))


def delete_comment(call: Call, number: str, comment: str) -> Response:
    there = _own(call, _found(call, found(call, number), comment))
    there.deleted, there.updated = True, call.forge.now()
    return Response(status=204, content_type="text/html; charset=utf-8")


def _own(call: Call, comment: Comment) -> Comment:
    if comment.author is not call.user or comment.deleted:
        raise ProblemError(403, "You cannot change this comment.")
    return comment


ROUTES = (
    Route("GET", COMMENTS, list_comments),
    Route("POST", COMMENTS, create_comment),
    Route("GET", f"{COMMENTS}/<comment>", get_comment),
    Route("PUT", f"{COMMENTS}/<comment>", update_comment),
    Route("DELETE", f"{COMMENTS}/<comment>", delete_comment),
)
