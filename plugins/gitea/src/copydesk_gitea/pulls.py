"""Pull requests and their labels: it sends what :mod:`copydesk_gitea.api` builds.

A merge names the head that was seen. Closing and bringing in the base do not: the answer to the first tells the
head, and before the second it is looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from http import HTTPStatus
from typing import Any, Final

import attrs
from copydesk import hookimpl
from copydesk.errors import CopydeskError, NotFoundError, ProtocolError, UnavailableError
from copydesk.http import Answer, HttpClient
from copydesk.models import Branch, ChangedFile, Merge, NewPullRequest, PullRequest
from copydesk.refusals import existing_pull_request, moved_head, not_mergeable

from copydesk_gitea import api
from copydesk_gitea.backend import GiteaBackend
from copydesk_gitea.labels import Labels

__all__ = ["GiteaPulls"]

#: How often a pull request is asked that is still being checked, and seconds in between.
_LOOKS: Final = (0.5, 1.0, 2.0, 4.0)
#: Gitea's words for "still being checked", and for "cannot be merged" too.
_LATER: Final = "try again later"
_REASONS: Final = {
    "work in progress": "draft",
    "approval": "approvals",
    "review": "approvals",
    "status check": "checks",
    "not allowed to merge": "protected",
    "behind the base": "rebase",
}


@attrs.define(eq=False)
class GiteaPulls:
    """The pull requests of one repository; *files* is the rest of it."""

    files: GiteaBackend
    client: HttpClient = attrs.field(init=False, repr=False)
    api: api.Api = attrs.field(init=False, repr=False)
    labels: Labels = attrs.field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self.client, self.api = self.files.client, self.files.api
        self.labels = Labels(self.client, self.api)

    @hookimpl
    def create_pull_request(self, pull_request: NewPullRequest) -> PullRequest:
        request = self.api.create_pull(pull_request, self.labels.ids(pull_request.labels))
        answer = self.client.send(request, allow={404, 409})
        if answer.status == HTTPStatus.CONFLICT:
            raise existing_pull_request(pull_request)
        if answer.status == HTTPStatus.NOT_FOUND:
            for name in (pull_request.head, pull_request.base):
                self.files.get_branch(name)
            raise NotFoundError(f"gitea opens no pull request here: {api.said(answer)!r}; check repo")
        made = self._pull(answer.json_object())
        missing = tuple(label for label in pull_request.labels if label not in made.labels)
        return self.set_labels(made, missing, ()) if missing else made

    def _pull(self, data: Mapping[str, Any]) -> PullRequest:
        self.labels.saw(data["labels"])
        pull = api.read_pull(data)
        if pull.base_commit_sha:
            self.files.saw(pull.base, pull.base_commit_sha)
        return pull

    @hookimpl
    def list_pull_requests(self, state: str, base: str, head: str) -> tuple[PullRequest, ...]:
        # A page may shift while it is read: each counts once.
        found = {pull.number: pull for pull in map(self._pull, self.files.listed(self.api.pulls(state)))}
        wanted = (
            pull
            for pull in found.values()
            if state in {"all", pull.state} and base in {"", pull.base} and head in {"", pull.head}
        )
        return tuple(sorted(wanted, key=lambda pull: -pull.number))

    def _one_pull(self, pull: PullRequest) -> Mapping[str, Any]:
        answer = self.client.send(self.api.pull(pull.number), allow={404})
        if answer.status == HTTPStatus.NOT_FOUND:
            raise self._absent_pull(pull)
        return answer.json_object()

    def _absent_pull(self, pull: PullRequest) -> NotFoundError:
        return NotFoundError(f"there is no pull request #{pull.number} in {self.files.repo!r} on {api.FORGE}")

    @hookimpl
    def list_changed_files(self, pull_request: PullRequest) -> tuple[ChangedFile, ...]:
        try:
            data = list(self.files.listed(self.api.changed_files(pull_request.number)))
        except NotFoundError as exc:
            raise self._absent_pull(pull_request) from exc
        except UnavailableError as exc:
            # Some versions fail where their two ways to count files differ.
            if exc.answer is None or exc.answer.status != HTTPStatus.INTERNAL_SERVER_ERROR:
                raise
            data = []
        # It is as of a moment after the last push; of an empty list nobody can say as of when.
        if data and all(api.is_as_of(each, pull_request.head_commit_sha) for each in data):
            return tuple(sorted(map(api.read_changed_file, data), key=lambda file: file.path))
        base = self.files.get_branch(pull_request.base).commit_sha
        return self.files.compare(base, pull_request.head_commit_sha).files

    @hookimpl
    def set_labels(
        self, pull_request: PullRequest, add: tuple[str, ...], remove: tuple[str, ...]
    ) -> PullRequest:
        there = self._with_labels(pull_request, add) if add else self._one_pull(pull_request)["labels"] or ()
        gone = [label for label in there if label["name"] in remove and label["name"] not in add]
        for label in gone:
            self._remove(pull_request, label)
        kept = tuple(label["name"] for label in there if label not in gone)
        return attrs.evolve(pull_request, labels=kept)

    def _remove(self, pull: PullRequest, label: Mapping[str, Any]) -> None:
        answer = self.client.send(self.api.remove_label(pull.number, label["id"]), allow={422})
        # It says so of a label that the repository has no longer.
        if answer.status >= 400 and label["name"] in self._pull(self._one_pull(pull)).labels:
            raise UnavailableError(
                f"gitea does not take the label {label['name']!r} from pull request #{pull.number}: "
                f"{api.said(answer)!r}; try again"
            )

    def _with_labels(self, pull: PullRequest, add: tuple[str, ...]) -> list[dict[str, Any]]:
        """Add labels, and give all that there are then."""
        for _ in range(2):
            answer = self.client.send(self.api.add_labels(pull.number, self.labels.ids(add)), allow={404})
            if answer.status == HTTPStatus.NOT_FOUND:
                raise self._absent_pull(pull)
            there = answer.json_list()
            missing = set(add) - {label["name"] for label in there}
            if not missing:
                return there
            # Somebody deleted a label whose number was known: Gitea leaves it out without a word.
            self.labels.forget(missing)
        raise ProtocolError(f"gitea does not give pull request #{pull.number} the labels {sorted(missing)}")

    @hookimpl
    def merge_pull_request(
        self, pull_request: PullRequest, method: str, message: str, delete_branch: bool
    ) -> Merge:
        request = self.api.merge(pull_request, method, message, delete_branch=delete_branch)
        for seconds in (*_LOOKS, None):
            answer = self.client.send(request, allow={404, 405, 409})
            if answer.status < 400:
                return self._merged(pull_request)
            refusal, may_pass = self._why_not(pull_request, answer)
            if seconds is None or not may_pass:
                raise refusal
            self.client.pause(seconds)
        raise AssertionError  # unreachable: the last answer is returned or raised

    def _merged(self, pull: PullRequest) -> Merge:
        """Look what a merge made, for its answer is empty; the branch stays where another one needs it."""
        try:
            return api.read_merge(self._one_pull(pull))
        except CopydeskError as exc:
            raise UnavailableError(
                f"gitea merged pull request #{pull.number}, but does not tell what came of it ({exc}); look at it",
                unclear=True,
            ) from exc

    def _why_not(self, pull: PullRequest, answer: Answer) -> tuple[CopydeskError, bool]:
        """Tell why a pull request was not merged, and whether that may pass in a moment."""
        now = self._pull(self._one_pull(pull))
        refused = partial(not_mergeable, api.FORGE, pull)
        words = api.said(answer)
        if now.state != "open":
            return refused("closed", words), False
        if now.head_commit_sha != pull.head_commit_sha:
            return moved_head(pull, now.head_commit_sha), False
        reason = next((each for part, each in _REASONS.items() if part in words.lower()), None)
        if reason is not None:
            return refused(reason, words), False
        # Gitea says the same of one that it is still checking and of one that cannot be merged.
        both = self._changed_on_both_sides(now)
        return refused("conflicts", words, both), not both and _LATER in words.lower()

    def _changed_on_both_sides(self, pull: PullRequest) -> tuple[str, ...]:
        base, head = pull.base_commit_sha or self.files.get_branch(pull.base).commit_sha, pull.head_commit_sha
        ours, theirs = self.files.compare(base, head).by_path, self.files.compare(head, base).by_path
        return tuple(path for path in sorted(ours.keys() & theirs.keys()) if ours[path] != theirs[path])

    @hookimpl
    def close_pull_request(self, pull_request: PullRequest, delete_branch: bool) -> PullRequest:
        answer = self.client.send(self.api.set_state(pull_request.number, "closed"), allow={404, 412, 422})
        if answer.status == HTTPStatus.NOT_FOUND:
            raise self._absent_pull(pull_request)
        now = self._pull(self._one_pull(pull_request) if answer.status >= 400 else answer.json_object())
        if now.state == "merged" or answer.status >= 400:
            raise not_mergeable(api.FORGE, pull_request, "closed", api.said(answer))
        if now.head_commit_sha != pull_request.head_commit_sha:
            self.client.send(self.api.set_state(pull_request.number, "open"))
            raise moved_head(pull_request, now.head_commit_sha)
        if delete_branch:
            self.files.delete(pull_request.head)
        return now

    @hookimpl
    def update_from_base(self, pull_request: PullRequest) -> Branch:
        data = self._one_pull(pull_request)
        now = self._pull(data)
        if now.head_commit_sha != pull_request.head_commit_sha:
            raise moved_head(pull_request, now.head_commit_sha)
        if data["merge_base"] == now.base_commit_sha:
            return Branch(now.head, now.head_commit_sha)
        answer = self.client.send(self.api.update(now.number), allow={409, 422, 500})
        if answer.status == HTTPStatus.INTERNAL_SERVER_ERROR:
            return self._after_failed_update(now, answer)
        if answer.status >= 400:
            reason = "conflicts" if answer.status == HTTPStatus.CONFLICT else "closed"
            raise not_mergeable(api.FORGE, now, reason, api.said(answer))
        return self.files.get_branch(now.head)

    def _after_failed_update(self, pull: PullRequest, answer: Answer) -> Branch:
        """Look what became of an update; one that has nothing to do is a failure to Gitea."""
        branch = self.files.get_branch(pull.head)
        if branch.commit_sha != pull.head_commit_sha or not self.files.between(
            branch.commit_sha, str(pull.base_commit_sha)
        ):
            return branch
        raise UnavailableError(
            f"gitea failed to bring {pull.base!r} into {pull.head!r}: {api.said(answer)!r}; try again"
        )
