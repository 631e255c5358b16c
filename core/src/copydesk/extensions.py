"""What a host app may add to a repository that it opens: read-only mode, rehearsal, an audit trail.

An extension is an object with hook wrappers (``@hookimpl(wrapper=True)``, one ``yield``) or implementations
that come before the backend's (``@hookimpl(tryfirst=True)``). It sees one repository only::

    open_repository("local", repo="site.git", extensions=[ReadOnly()])

A distribution may bring one under the entry-point group ``copydesk.extensions``, as a class or a function that
makes it without arguments; a host app then opts into it by its name: ``extensions=["audit-log"]``.

A wrapper cannot skip the call inside it: to refuse, raise before the ``yield``; to answer instead of the
backend, be an implementation.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

import attrs

from copydesk.changes import written_versions
from copydesk.errors import CopydeskError, PermissionDeniedError
from copydesk.hookspecs import hookimpl
from copydesk.lfs import Pointer
from copydesk.models import (
    Branch,
    Commit,
    Merge,
    NewCommit,
    NewPullRequest,
    Proposal,
    PullRequest,
    User,
)

__all__ = ["Audit", "AuditRecord", "DryRun", "ReadOnly"]

T = TypeVar("T")

#: The sha of what a rehearsal did not make.
NOTHING_SHA: Final = "0" * 40


def _refusal(operation: str) -> Any:
    @hookimpl(wrapper=True)
    def refuse(self: ReadOnly) -> Generator[None, Any, Any]:  # noqa: ARG001 - pluggy passes it
        raise PermissionDeniedError(
            f"this repository is open read-only: {operation} is refused; open it without ReadOnly() to write"
        )
        yield  # type: ignore[unreachable]  # makes it a wrapper

    return refuse


@attrs.define(eq=False)
class ReadOnly:
    """Refuses every operation that writes, before it reaches the backend."""

    delete_branch = _refusal("delete_branch")
    commit_changes = _refusal("commit_changes")
    upload_objects = _refusal("upload_objects")
    propose_changes = _refusal("propose_changes")
    create_pull_request = _refusal("create_pull_request")
    set_labels = _refusal("set_labels")
    merge_pull_request = _refusal("merge_pull_request")
    close_pull_request = _refusal("close_pull_request")
    update_from_base = _refusal("update_from_base")
    rebase_pull_request = _refusal("rebase_pull_request")
    repair = _refusal("repair")


@attrs.define(eq=False)
class DryRun:
    """Answers every operation that writes as if it had happened, and sends nothing.

    *planned* holds one sentence for each. What would be made has the sha ``000…``; the versions of written
    files are the real ones.
    """

    planned: list[str] = attrs.field(factory=list)

    @hookimpl(tryfirst=True)
    def delete_branch(self, name: str, head_commit_sha: str) -> bool:
        self.planned.append(f"delete branch {name!r} at {head_commit_sha[:12]}")
        return True

    @hookimpl(tryfirst=True)
    def commit_changes(self, commit: NewCommit) -> Commit:
        kinds = ", ".join(f"{type(change).__name__.lower()} {change.path!r}" for change in commit.changes)
        self.planned.append(f"commit {commit.message!r} on branch {commit.branch!r}: {kinds}")
        return Commit(
            commit_sha=NOTHING_SHA,
            parent_commit_shas=(commit.parent_commit_sha,),
            author=commit.author or User(login=""),
            date=datetime.now(UTC),
            message=commit.message,
            versions=written_versions(commit),
        )

    @hookimpl(tryfirst=True)
    def upload_objects(self, contents: Mapping[str, bytes]) -> Mapping[str, Pointer]:
        self.planned += [f"store {path!r} by Git LFS" for path in contents]
        return {path: Pointer.of(content) for path, content in contents.items()}

    @hookimpl(tryfirst=True)
    def propose_changes(self, commit: NewCommit, pull_request: NewPullRequest) -> Proposal:
        return Proposal(self.commit_changes(commit), self.create_pull_request(pull_request))

    @hookimpl(tryfirst=True)
    def create_pull_request(self, pull_request: NewPullRequest) -> PullRequest:
        self.planned.append(f"open pull request {pull_request.title!r} from branch {pull_request.head!r}")
        return PullRequest(
            number=0,
            node_id="",
            title=pull_request.title,
            state="open",
            head=pull_request.head,
            head_commit_sha=NOTHING_SHA,
            base=pull_request.base,
            labels=pull_request.labels,
            author=pull_request.author,
            updated_at=datetime.now(UTC),
        )

    @hookimpl(tryfirst=True)
    def set_labels(
        self, pull_request: PullRequest, add: tuple[str, ...], remove: tuple[str, ...]
    ) -> PullRequest:
        self.planned.append(f"label pull request #{pull_request.number}: add {add}, remove {remove}")
        kept = tuple(label for label in pull_request.labels if label not in {*add, *remove})
        return attrs.evolve(pull_request, labels=kept + add)

    @hookimpl(tryfirst=True)
    def merge_pull_request(self, pull_request: PullRequest, method: str, delete_branch: bool) -> Merge:
        self.planned.append(f"{method} pull request #{pull_request.number} into {pull_request.base!r}")
        return Merge(NOTHING_SHA, branch_deleted=delete_branch)

    @hookimpl(tryfirst=True)
    def close_pull_request(self, pull_request: PullRequest) -> PullRequest:
        self.planned.append(f"close pull request #{pull_request.number}")
        return attrs.evolve(pull_request, state="closed")

    @hookimpl(tryfirst=True)
    def update_from_base(self, pull_request: PullRequest) -> Branch:
        self.planned.append(f"merge {pull_request.base!r} into branch {pull_request.head!r}")
        return Branch(pull_request.head, pull_request.head_commit_sha)

    @hookimpl(tryfirst=True)
    def rebase_pull_request(self, pull_request: PullRequest) -> Branch:
        self.planned.append(f"rebase branch {pull_request.head!r} onto {pull_request.base!r}")
        return Branch(pull_request.head, pull_request.head_commit_sha)

    @hookimpl(tryfirst=True)
    def repair(self) -> tuple[str, ...]:
        self.planned.append("remove what killed processes left behind")
        return ()


@attrs.frozen
class AuditRecord:
    """One operation that wrote, or failed to: what it was about, never the content."""

    operation: str
    subject: str
    at: datetime
    error: str = ""


@attrs.define(eq=False)
class Audit:
    """Tells *record* of every operation that writes, after it happened or failed."""

    record: Callable[[AuditRecord], None]

    def _recorded(self, operation: str, subject: str) -> Generator[None, T, T]:
        try:
            result = yield
        except CopydeskError as exc:
            self.record(AuditRecord(operation, subject, datetime.now(UTC), error=str(exc)))
            raise
        self.record(AuditRecord(operation, subject, datetime.now(UTC)))
        return result

    @hookimpl(wrapper=True)
    def delete_branch(self, name: str) -> Generator[None, bool, bool]:
        return (yield from self._recorded("delete_branch", f"branch {name!r}"))

    @hookimpl(wrapper=True)
    def commit_changes(self, commit: NewCommit) -> Generator[None, Commit, Commit]:
        paths = ", ".join(change.path for change in commit.changes)
        return (yield from self._recorded("commit_changes", f"branch {commit.branch!r}: {paths}"))

    @hookimpl(wrapper=True)
    def upload_objects(
        self, contents: Mapping[str, bytes]
    ) -> Generator[None, Mapping[str, Pointer], Mapping[str, Pointer]]:
        return (yield from self._recorded("upload_objects", ", ".join(contents)))

    @hookimpl(wrapper=True)
    def propose_changes(self, commit: NewCommit) -> Generator[None, Proposal, Proposal]:
        return (yield from self._recorded("propose_changes", f"branch {commit.branch!r}"))

    @hookimpl(wrapper=True)
    def create_pull_request(self, pull_request: NewPullRequest) -> Generator[None, PullRequest, PullRequest]:
        return (yield from self._recorded("create_pull_request", f"branch {pull_request.head!r}"))

    @hookimpl(wrapper=True)
    def set_labels(
        self, pull_request: PullRequest, add: tuple[str, ...], remove: tuple[str, ...]
    ) -> Generator[None, PullRequest, PullRequest]:
        subject = f"#{pull_request.number}: +{list(add)} -{list(remove)}"
        return (yield from self._recorded("set_labels", subject))

    @hookimpl(wrapper=True)
    def merge_pull_request(self, pull_request: PullRequest) -> Generator[None, Merge, Merge]:
        return (yield from self._recorded("merge_pull_request", f"#{pull_request.number}"))

    @hookimpl(wrapper=True)
    def close_pull_request(self, pull_request: PullRequest) -> Generator[None, PullRequest, PullRequest]:
        return (yield from self._recorded("close_pull_request", f"#{pull_request.number}"))

    @hookimpl(wrapper=True)
    def update_from_base(self, pull_request: PullRequest) -> Generator[None, Branch, Branch]:
        return (yield from self._recorded("update_from_base", f"#{pull_request.number}"))

    @hookimpl(wrapper=True)
    def rebase_pull_request(self, pull_request: PullRequest) -> Generator[None, Branch, Branch]:
        return (yield from self._recorded("rebase_pull_request", f"#{pull_request.number}"))

    @hookimpl(wrapper=True)
    def repair(self) -> Generator[None, tuple[str, ...], tuple[str, ...]]:
        return (yield from self._recorded("repair", "the repository"))
