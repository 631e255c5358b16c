"""Merge requests: listed, opened, changed, and what is in them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from werkzeug import Response

from simulators.gitlab.calls import PROJECT, Call, ProblemError, RefusedError, Route, not_found
from simulators.gitlab.knobs import Note
from simulators.gitlab.merge_shapes import basic, changes_of, commits_of, full, look, note_shape, simple
from simulators.gitlab.shapes import when
from simulators.store import PullRequest

MERGE_REQUESTS = f"{PROJECT}/merge_requests"
MERGE_REQUEST = f"{MERGE_REQUESTS}/<iid>"
EXISTS = "Another open merge request already exists for this source branch: !{}"
SAME_BRANCH = "You can't use same project/branch for source and target"
STATES = {"opened": "open"}


def found(call: Call, iid: str) -> PullRequest:
    pull = call.repository.pull(int(iid)) if iid.isdigit() else None
    if pull is None:
        raise not_found()
    return pull


# -- lists --------------------------------------------------------------------------------------------


def list_merge_requests(call: Call) -> Response:
    shown = _sorted(call, _selected(call, call.repository.pulls()))
    shape = simple if call.arg("view") == "simple" else basic
    return call.answer([shape(call, each) for each in call.page(shown)])


def _selected(call: Call, pulls: Iterable[PullRequest]) -> Iterable[PullRequest]:
    state = call.arg("state", "all")
    wanted = STATES.get(state, state)
    iids, after = call.names("iids"), call.arg("updated_after")
    for pull in pulls:
        if wanted not in {"all", pull.state}:
            continue
        if (
            call.arg("source_branch", pull.head) != pull.head
            or call.arg("target_branch", pull.base) != pull.base
        ):
            continue
        if not has_labels(pull, call.names("labels")):
            continue
        if (not iids or str(pull.number) in iids) and (when(pull.updated) or "") >= after:
            yield pull


def has_labels(pull: PullRequest, wanted: Iterable[str]) -> bool:
    """Hold labels against what is asked for: all of them, ``Any``, or ``None``."""
    for name in wanted:
        if name.casefold() == "none":
            return not pull.labels
        if name.casefold() == "any":
            return bool(pull.labels)
    return set(wanted) <= set(pull.labels)


def _sorted(call: Call, pulls: Iterable[PullRequest]) -> list[PullRequest]:
    by_update = call.arg("order_by", "created_at") == "updated_at"

    def key(pull: PullRequest) -> Any:
        return (pull.updated if by_update else pull.created, pull.number)

    return sorted(pulls, key=key, reverse=call.arg("sort", "desc") == "desc")


# -- one ----------------------------------------------------------------------------------------------


def create_merge_request(call: Call) -> Response:
    title, source, target = call.need("title", "source_branch", "target_branch")
    if source == target:
        raise ProblemError(422, [SAME_BRANCH])
    try:
        pull = call.repository.open_pull(
            title, source, target, author=call.user, body=call.get("description"), labels=call.names("labels"),
            empty=True,
        )  # fmt: skip
    except RefusedError as exc:
        raise _problem(call, exc, source, target) from exc
    state = look(call, pull)
    state.squash = bool(call.flag("squash"))
    state.remove_source_branch = call.flag("remove_source_branch")
    if state.remove_source_branch is None and call.repository.delete_branch_on_merge:
        state.remove_source_branch = True
    return call.answer(full(call, pull, fresh=True), 201)


def _problem(call: Call, refused: RefusedError, source: str, target: str) -> ProblemError:
    if refused.reason != "exists":
        side = {"bad-head": "source_branch", "bad-base": "target_branch"}[refused.reason]
        return ProblemError(400, {side: ["does not exist"]})
    return _conflict(call, source, target)


def _conflict(call: Call, source: str, target: str) -> ProblemError:
    pulls = call.repository.pulls()
    same = [each.number for each in pulls if (each.state, each.head, each.base) == ("open", source, target)]
    return ProblemError(409, [EXISTS.format(same[0])])


def update_merge_request(call: Call, iid: str) -> Response:
    pull = found(call, iid)
    state = look(call, pull)
    if not call.parameters.keys() - {"id", "merge_request_iid"}:
        raise ProblemError(400, "at least one parameter must be provided", key="error")
    _update_labels(call, pull)
    _update_texts(call, pull)
    if (flag := call.flag("squash")) is not None:
        state.squash = flag
    if (flag := call.flag("remove_source_branch")) is not None:
        state.remove_source_branch = flag
    _update_state(call, pull)
    return call.answer(full(call, pull))


def _update_labels(call: Call, pull: PullRequest) -> None:
    given = call.parameters.keys() & {"labels", "add_labels", "remove_labels"}
    if not given:
        return
    names = call.names("labels") if "labels" in given else list(pull.labels)
    names = [*names, *call.names("add_labels")]
    removed = set(call.names("remove_labels"))
    call.repository.set_labels(pull, [each for each in names if each not in removed])


def _update_texts(call: Call, pull: PullRequest) -> None:
    if (target := call.get("target_branch")) not in {None, pull.base}:
        tip = call.repository.head(target)
        if tip is None:
            raise ProblemError(400, {"target_branch": ["does not exist"]})
        pull.base, pull.base_sha = target, tip
        call.simulator.merge_request(pull).diff_head = ""
    if (title := call.get("title")) is not None:
        pull.title, pull.draft = title, False
    pull.body = call.get("description", pull.body)
    pull.updated = call.forge.now()


def _update_state(call: Call, pull: PullRequest) -> None:
    event = call.get("state_event")
    if event not in {None, "close", "reopen"}:
        raise ProblemError(400, "state_event does not have a valid value", key="error")
    if event == "close" and pull.state == "open":
        call.repository.close_pull(pull)
        call.simulator.merge_request(pull).closed_by = call.user
    if event == "reopen" and pull.state == "closed":
        others = (each for each in call.repository.pulls() if each is not pull and each.state == "open")
        if any((each.head, each.base) == (pull.head, pull.base) for each in others):
            raise _conflict(call, pull.head, pull.base)
        # One without its branch stays as it is, and nothing says so.
        if call.repository.head(pull.head) is not None:
            call.repository.reopen_pull(pull)


# -- what is in it ------------------------------------------------------------------------------------


def get_changes(call: Call, iid: str) -> Response:
    pull = found(call, iid)
    shown = [call.shapes.diff(each) for each in changes_of(call, pull)]
    return call.answer({**full(call, pull), "changes": shown, "overflow": False})


def list_diffs(call: Call, iid: str) -> Response:
    page = call.page(changes_of(call, found(call, iid)))
    return call.answer([call.shapes.diff(each) for each in page])


def list_commits(call: Call, iid: str) -> Response:
    page = call.page(commits_of(call, found(call, iid)))
    return call.answer([call.shapes.commit(call.repository, each) for each in page])


def list_notes(call: Call, iid: str) -> Response:
    pull = found(call, iid)
    notes = call.simulator.merge_request(pull).notes
    notes = notes if call.arg("sort") == "asc" else notes[::-1]
    return call.answer([note_shape(call, pull, each) for each in call.page(notes)])


def create_note(call: Call, iid: str) -> Response:
    pull, (body,) = found(call, iid), call.need("body")
    made = Note(call.forge.number(), body, call.user, call.forge.now())
    call.simulator.merge_request(pull).notes.append(made)
    return call.answer(note_shape(call, pull, made), 201)


ROUTES = (
    Route("GET", MERGE_REQUESTS, list_merge_requests),
    Route("POST", MERGE_REQUESTS, create_merge_request),
    Route("PUT", MERGE_REQUEST, update_merge_request),
    Route("GET", f"{MERGE_REQUEST}/changes", get_changes),
    Route("GET", f"{MERGE_REQUEST}/diffs", list_diffs),
    Route("GET", f"{MERGE_REQUEST}/commits", list_commits),
    Route("GET", f"{MERGE_REQUEST}/notes", list_notes),
    Route("POST", f"{MERGE_REQUEST}/notes", create_note),
)
