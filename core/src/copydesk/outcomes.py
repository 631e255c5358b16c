"""What became of a write whose answer was lost: it is looked for, and never made a second time blindly."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeVar

import attrs

from copydesk.changes import written_versions
from copydesk.errors import CopydeskError, NotFoundError, UnavailableError
from copydesk.models import (
    Commit,
    Delete,
    FileVersion,
    Merge,
    Move,
    NewCommit,
    NewPullRequest,
    Proposal,
    PullRequest,
    TreeEntry,
)

if TYPE_CHECKING:
    from copydesk.hookspecs import BackendHooks
    from copydesk.snapshot import Snapshots

__all__ = ["Outcomes"]

#: How often a write is made whose answers are lost, if it is seen each time that it did not happen.
TRIES: Final = 3
#: How many commits back one of ours is looked for: others may have committed on it since.
DEPTH: Final = 20

R = TypeVar("R")


@attrs.frozen(eq=False)
class Outcomes:
    """Makes the writes of one repository, and looks where an answer was lost.

    It asks the hooks and not the facade, which holds its lock meanwhile.
    """

    hooks: BackendHooks
    snapshots: Snapshots
    can_list_commits: bool
    pause: Callable[[int], None]

    def settle(self, attempt: Callable[[], R], look: Callable[[], R | None]) -> R:
        """Make a write; where its answer was lost, give what it made, or make it again if it made nothing.

        :param look: finds what the attempt made, None where it made nothing.
        :raises UnavailableError: nobody can tell; it may have happened.
        """
        for number in range(1, TRIES + 1):
            try:
                return attempt()
            except UnavailableError as exc:
                if not exc.unclear:
                    raise
                lost = exc
            found = self._looked(look, lost)
            if found is not None:
                return found
            if number < TRIES:
                self.pause(number)
        raise lost

    def _looked(self, look: Callable[[], R | None], lost: UnavailableError) -> R | None:
        try:
            return look()
        except CopydeskError as exc:
            raise lost from exc

    # -- what is looked for ---------------------------------------------------------------------------

    def commit(self, commit: NewCommit) -> Commit | None:
        """Find a commit of ours on its branch.

        :raises UnavailableError: the branch moved, and the backend cannot list who did that.
        """
        try:
            head = self.hooks.get_branch(name=commit.branch, known_commit_sha="").commit_sha
        except NotFoundError:
            return None
        if not self.can_list_commits:
            if head == commit.parent_commit_sha:
                return None
            raise UnavailableError(f"branch {commit.branch!r} has moved to {head[:12]}", unclear=True)
        for found in self.hooks.list_commits(commit_sha=head, path="", limit=DEPTH):
            if found.commit_sha == commit.parent_commit_sha:
                return None
            # A branch may have moved between the check of a forge and its commit, a new one cannot have.
            exact = found.parent_commit_shas == (commit.parent_commit_sha,)
            ours = exact or (not commit.creates_branch and len(found.parent_commit_shas) == 1)
            if ours and found.message.strip() == commit.message.strip() and self._holds(found, commit):
                return attrs.evolve(found, versions=written_versions(commit))
        return None

    def _holds(self, found: Commit, commit: NewCommit) -> bool:
        tree = self.snapshots.tree(found.commit_sha)
        written = written_versions(commit)
        gone = [change.path for change in commit.changes if isinstance(change, Delete | Move)]
        entries = {path: tree.find(path) for path in (*written, *gone)}
        return all(
            self._is_there(found.commit_sha, entries[path], version) for path, version in written.items()
        ) and all(entries[path] is None for path in gone if path not in written)

    def _is_there(self, commit_sha: str, entry: TreeEntry | None, version: FileVersion) -> bool:
        if entry is None or entry.version.blob_sha or entry.version.mode != version.mode:
            return entry is not None and version.same_as(entry.version)
        # A forge that names no blobs tells them with the bytes.
        read = self.hooks.read_file(commit_sha=commit_sha, path=entry.path, version=entry.version)
        return version.same_as(read.version)

    def proposal(self, commit: NewCommit, new: NewPullRequest) -> Proposal | None:
        """Find a proposal of ours, and complete one that is half made."""
        made = self.commit(commit)
        if made is None:
            return None
        return Proposal(made, self.pull_request(new) or self.hooks.create_pull_request(pull_request=new))

    def pull_request(self, new: NewPullRequest) -> PullRequest | None:
        """Find the open pull request, and give it the labels that it lacks."""
        pulls = self.hooks.list_pull_requests(state="open", base=new.base, head=new.head)
        ours = [pull for pull in pulls if not pull.from_fork and not pull.problem]
        if not ours:
            return None
        missing = tuple(label for label in new.labels if label not in ours[0].labels)
        if not missing:
            return ours[0]
        return self.hooks.set_labels(pull_request=ours[0], add=missing, remove=())

    def labels(self, pull: PullRequest, add: tuple[str, ...], remove: tuple[str, ...]) -> PullRequest | None:
        """Find out whether a pull request has the labels that it was given."""
        pulls = self.hooks.list_pull_requests(state="all", base=pull.base, head=pull.head)
        now = next((each for each in pulls if each.number == pull.number), None)
        if now is None or not set(add) <= set(now.labels) or set(remove) & set(now.labels):
            return None
        return now

    def merge(self, pull: PullRequest, *, delete_branch: bool) -> Merge | None:
        """Find out whether a pull request was merged, and delete the branch that it left."""
        now = self._ended(pull, "merged")
        if now is None:
            return None
        return Merge(None, delete_branch and self._delete(pull))

    def closed(self, pull: PullRequest, *, delete_branch: bool) -> PullRequest | None:
        """Find out whether a pull request was closed, and delete the branch that it left."""
        now = self._ended(pull, "closed")
        if now is not None and delete_branch:
            self._delete(pull)
        return now

    def _ended(self, pull: PullRequest, state: str) -> PullRequest | None:
        pulls = self.hooks.list_pull_requests(state="all", base=pull.base, head=pull.head)
        return next((each for each in pulls if (each.number, each.state) == (pull.number, state)), None)

    def _delete(self, pull: PullRequest) -> bool:
        self.hooks.delete_branch(name=pull.head, head_commit_sha=pull.head_commit_sha)
        return True

    def deletion(self, name: str) -> bool | None:
        """Find out whether a branch is gone."""
        try:
            self.hooks.get_branch(name=name, known_commit_sha="")
        except NotFoundError:
            return True
        return None
