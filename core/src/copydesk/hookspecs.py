"""The contract: every operation of a backend, what it promises and what it raises.

A backend is an object with some of these methods, each marked ``@copydesk.hookimpl``. It speaks to one
repository on one forge and does nothing else: retries, conflict handling, threads, caching and the editorial
workflow are the core's. What a backend can do is read off its marked methods; nothing is declared twice.

Kinds: *required* operations make a whole backend; those with a *core default* are derived from others and
overridden where a forge does better; *optional* ones may be missing. What is missing raises
:class:`~copydesk.errors.NotSupportedError` when it is called, and only then.

Promises that hold for all of them, proved by ``copydesk.testing.BackendSuite``:

1. Complete or an error: a listing follows every page; what the forge truncates is completed or raises.
2. Atomic or an error: a commit holds all its changes; after an error the branch is where it was.
3. No lost update: a change replaces the version it names and no other, and nothing is ever forced.
4. What is absent raises :class:`~copydesk.errors.NotFoundError`; a failure is never an empty answer.
5. Paths are kept as they are. The core refuses the impossible ones before a backend sees them.
6. Content is bytes. Modes survive an edit; a symlink is a symlink and never followed.
7. The secret stays secret: not in reprs, errors, logs or addresses.
8. Times are aware UTC datetimes, shas are full length.

And for whoever implements them: an answer is a value, never None. Signatures have no defaults and no
keyword-only parameters (pluggy before 1.7 mishandles both); a backend may leave out parameters that it does
not need. Every operation may also raise :class:`~copydesk.errors.AuthenticationError`,
:class:`~copydesk.errors.PermissionDeniedError`, :class:`~copydesk.errors.RateLimitedError`,
:class:`~copydesk.errors.UnavailableError` and :class:`~copydesk.errors.ProtocolError`.

An answer of another shape than its reader expects needs no checks of keys and types: a LookupError, TypeError,
ValueError, AttributeError or ArithmeticError that leaves an operation becomes a ProtocolError that names backend
and operation, from the original. What would be read as *nothing* needs one, such as an object in place of a list:
:meth:`copydesk.http.Answer.json_list` raises there.

``docs/contract.md`` says which endpoint answers which operation on each forge.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

import pluggy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from copydesk.lfs import Pointer
    from copydesk.models import (
        Access,
        Branch,
        ChangedFile,
        Check,
        Commit,
        Comparison,
        File,
        FileVersion,
        Merge,
        NewCommit,
        NewPullRequest,
        Proposal,
        PullRequest,
        RepositoryInfo,
        TreeEntry,
    )
    from copydesk.snapshot import Tree
    from copydesk.ways import Way

__all__ = ["DERIVED", "OPERATIONS", "OPTIONAL", "WRITES", "BackendHooks", "hookimpl", "hookspec"]

hookspec = pluggy.HookspecMarker("copydesk")
hookimpl = pluggy.HookimplMarker("copydesk")


class BackendHooks(Protocol):
    """The operations. Each has exactly one implementer in an open repository."""

    # -- auth -----------------------------------------------------------------------------------------

    @hookspec(firstresult=True)
    def authenticate(self) -> Access:
        """Tell whose credential this is and what it may do. Required.

        :returns: user, right to write and scopes, each None or empty where the forge does not say.
        :raises AuthenticationError: the credential is missing, wrong or expired.
        """
        ...

    # -- files ----------------------------------------------------------------------------------------

    @hookspec(firstresult=True)
    def get_repository(self) -> RepositoryInfo:
        """Describe the repository: default branch, rights, addresses. Required.

        :returns: what the forge says; None where it does not.
        :raises NotFoundError: no such repository, or none that this user may see.
        """
        ...

    @hookspec(firstresult=True)
    def get_branch(self, name: str, known_commit_sha: str) -> Branch:
        """Find the head of branch *name*. Required.

        *known_commit_sha* is where the caller saw it last, "" if never: a forge with conditional requests
        answers with it for free.

        :returns: the branch as it is now.
        :raises NotFoundError: there is no such branch.
        """
        ...

    @hookspec(firstresult=True)
    def list_branches(self, prefix: str) -> tuple[Branch, ...]:
        """List every branch whose name begins with *prefix*. Required.

        :returns: complete, in order of name; empty where there are none.
        :raises UnavailableError: not all pages could be had.
        """
        ...

    @hookspec(firstresult=True)
    def delete_branch(self, name: str, head_commit_sha: str) -> bool:
        """Delete branch *name*, which the caller saw at *head_commit_sha*. Required.

        :returns: True; False where there was no such branch.
        :raises ConflictError: it is elsewhere by now; nothing was deleted.
        """
        ...

    @hookspec(firstresult=True)
    def list_files(self, commit_sha: str, folder: str) -> tuple[TreeEntry, ...]:
        """List every file below *folder* ("" for all) as of a commit, at any depth. Required.

        :returns: complete, in order of path; empty where there is no such folder.
        :raises NotFoundError: there is no such commit.
        """
        ...

    @hookspec(firstresult=True)
    def read_file(self, commit_sha: str, path: str, version: FileVersion | None) -> File:
        """Read one file as of a commit. Required.

        *version* is what a listing said that it is, None where nobody knows: a forge that gives bytes by their
        sha needs no look for it.

        :returns: bytes and version; for a symlink the path it points at.
        :raises NotFoundError: no such commit, no such path, or a folder or submodule.
        """
        ...

    @hookspec(firstresult=True)
    def read_files(self, commit_sha: str, entries: tuple[TreeEntry, ...]) -> tuple[File, ...]:
        """Read many files that :meth:`list_files` listed. Core default: :meth:`list_ways`, :meth:`read_file`.

        To be overridden where reading costs no requests at all.

        :returns: one file for each entry, in the same order.
        :raises NotFoundError: one of them is not there; nothing is left out in silence.
        """
        ...

    @hookspec(firstresult=True)
    def list_ways(self) -> tuple[Way, ...]:
        """Name the ways to read many files in fewer requests than one by one. Core default: none.

        The core chooses by what each costs and what has failed; see :mod:`copydesk.ways`. They are named once
        for an open repository; that asks for nothing, and so nothing is raised.

        :returns: the one to prefer first, where two cost the same.
        """
        ...

    @hookspec(firstresult=True)
    def list_commits(self, commit_sha: str, path: str, limit: int) -> tuple[Commit, ...]:
        """List the commits that led to *commit_sha* and changed *path* ("" for all). Optional.

        :returns: newest first, *limit* at the most.
        :raises NotFoundError: there is no such commit.
        """
        ...

    @hookspec(firstresult=True)
    def last_changes(self, commit_sha: str, paths: tuple[str, ...]) -> Mapping[str, Commit]:
        """Find the last commit that changed each path. Core default: :meth:`list_commits`.

        Costs a walk or a request for each path; never part of loading a collection.

        :returns: path to commit; a path that is not there is left out.
        :raises NotFoundError: there is no such commit.
        """
        ...

    @hookspec(firstresult=True)
    def compare(self, base_commit_sha: str, head_commit_sha: str) -> Comparison:
        """Tell what the head changed since it left the base. Required.

        :returns: the merge base and every file that differs between it and the head; renames are told as
            such where the forge finds them, else as a deletion and an addition. A *version* that the forge
            does not tell is None, and the core adds it.
        :raises NotFoundError: one of the commits is not there, or they have no common history.
        """
        ...

    @hookspec(firstresult=True)
    def commit_changes(self, commit: NewCommit, tree: Tree) -> Commit:
        """Make one commit of all the changes. Required.

        *tree* is that of the parent: where the forge guards the branch and not each file, ask
        `copydesk.changes.check_versions` with it; it costs nothing where the tree is known.

        Each change is checked against the version that it replaces. Where the forge has a compare-and-swap on
        the branch, the branch must also be at the parent; elsewhere the docstring of the backend says how
        large the window is. One that moved is the core's to look at; a backend that can lock everybody else out
        may carry the commit over itself, by `copydesk.changes.carry_over`.

        :returns: the commit, with its parents as they are and the versions of what was written.
        :raises ConflictError: the branch is not at the parent, a file is not the version named, or a
            branch to be created exists, or git cannot hold it beside one that does (``a`` and ``a/b``; where the
            forge does not tell which, InvalidInputError). Nothing was written, unless its *committed* says so.
        :raises NotFoundError: no such parent, or no such branch.
        """
        ...

    # -- large files ----------------------------------------------------------------------------------

    @hookspec(firstresult=True)
    def download_objects(self, pointers: Mapping[str, Pointer]) -> Mapping[str, bytes]:
        """Give the large files that pointers point to, by path. Core default: Git LFS at ``lfs_url``.

        :returns: the bytes of each, checked against its pointer.
        :raises NotFoundError: one of them is not there.
        :raises NotSupportedError: nobody knows where they are.
        """
        ...

    @hookspec(firstresult=True)
    def upload_objects(self, contents: Mapping[str, bytes]) -> Mapping[str, Pointer]:
        """Store large files, by path, before a commit has their pointers. Core default: Git LFS at ``lfs_url``.

        :returns: the pointer of each, when all are stored.
        :raises InvalidInputError: one of them is too large for the server.
        :raises NotSupportedError: nobody knows where to.
        """
        ...

    # -- pull requests --------------------------------------------------------------------------------

    @hookspec(firstresult=True)
    def propose_changes(self, commit: NewCommit, pull_request: NewPullRequest, tree: Tree) -> Proposal:
        """Commit on a new branch and open its pull request. Core default: one after the other.

        *tree* is as in :meth:`commit_changes`.

        :returns: both. If the second step fails the branch stays, and its error is raised.
        :raises ConflictError: the branch exists, or a file is not the version named.
        """
        ...

    @hookspec(firstresult=True)
    def create_pull_request(self, pull_request: NewPullRequest) -> PullRequest:
        """Open a pull request, with its labels. Required.

        :returns: the pull request as the forge now has it.
        :raises ConflictError: one is open from that head into that base already.
        :raises NotFoundError: no such head or base.
        """
        ...

    @hookspec(firstresult=True)
    def list_pull_requests(self, state: str, base: str, head: str) -> tuple[PullRequest, ...]:
        """List pull requests; "" as *base* or *head* is any. Required.

        *state* is `open`, `closed`, `merged` or `all`.

        :returns: complete, newest first; one that cannot be read in full has a *problem*.
        :raises UnavailableError: not all pages could be had.
        """
        ...

    @hookspec(firstresult=True)
    def list_changed_files(self, pull_request: PullRequest) -> tuple[ChangedFile, ...]:
        """Tell what a pull request changes. Core default: :meth:`get_branch`, :meth:`compare`.

        For listings, where they do not tell it themselves.

        :returns: complete, in order of path; versions may be None.
        :raises NotFoundError: there is no such pull request, or its branch is gone.
        """
        ...

    @hookspec(firstresult=True)
    def set_labels(
        self, pull_request: PullRequest, add: tuple[str, ...], remove: tuple[str, ...]
    ) -> PullRequest:
        """Add and remove labels, leaving all others alone. Required.

        :returns: the pull request with the labels that it now has.
        :raises NotFoundError: there is no such pull request.
        """
        ...

    @hookspec(firstresult=True)
    def merge_pull_request(
        self, pull_request: PullRequest, method: str, message: str, delete_branch: bool
    ) -> Merge:
        """Merge (*method* `merge` or `squash`) if the head is the one in *pull_request*. Required.

        The branch is deleted only after the merge is known to have happened.

        :returns: the commit on the base, and whether the branch is gone.
        :raises ConflictError: the head has moved; nothing was merged.
        :raises NotMergeableError: conflicts, checks, approvals, protection, or closed. Nothing is forced.
        """
        ...

    @hookspec(firstresult=True)
    def close_pull_request(self, pull_request: PullRequest, delete_branch: bool) -> PullRequest:
        """Close without merging; delete the branch if the head is the one in *pull_request*. Required.

        :returns: the pull request, closed.
        :raises ConflictError: the head has moved; nothing was deleted, and the pull request is still open, or
            another one like it where the forge cannot open one again.
        :raises NotMergeableError: it is merged already.
        """
        ...

    @hookspec(firstresult=True)
    def update_from_base(self, pull_request: PullRequest) -> Branch:
        """Merge the base into the head; never rewrites. Optional.

        :returns: the branch with its new head, or as it was where there was nothing to merge.
        :raises ConflictError: the head has moved.
        :raises NotMergeableError: both sides changed the same places.
        """
        ...

    @hookspec(firstresult=True)
    def rebase_pull_request(self, pull_request: PullRequest) -> Branch:
        """Put the commits of the head onto the base; they get other shas. Optional.

        For a forge that cannot merge the base into the head. The core asks for it only where its caller allows
        the branch to be rewritten.

        :returns: the branch with its new head, or as it was where there was nothing to do.
        :raises ConflictError: the head has moved.
        :raises NotMergeableError: both sides changed the same places; the branch is as it was.
        """
        ...

    @hookspec(firstresult=True)
    def list_checks(self, commit_sha: str) -> tuple[Check, ...]:
        """List statuses, check runs and deployments of a commit. Optional.

        :returns: complete, newest first; empty where there are none.
        :raises NotFoundError: there is no such commit.
        """
        ...

    @hookspec(firstresult=True)
    def repair(self) -> tuple[str, ...]:
        """Remove what a killed process left in the way, such as a stale lock. Optional.

        :returns: one sentence for each thing removed; empty where all was well.
        :raises UnavailableError: somebody is at work; nothing was touched.
        """
        ...


#: Every operation, in the order of the contract.
OPERATIONS: Final = tuple(name for name in vars(BackendHooks) if not name.startswith("_"))
#: Operations that the core derives, each with what it is derived from.
DERIVED: Final[Mapping[str, tuple[str, ...]]] = {
    "read_files": ("read_file",),
    "list_ways": ("read_file",),
    "last_changes": ("list_commits",),
    "propose_changes": ("commit_changes", "create_pull_request"),
    "download_objects": ("get_repository",),
    "upload_objects": ("get_repository",),
    "list_changed_files": ("get_branch", "compare"),
}
#: Operations that a whole backend may lack.
OPTIONAL: Final = frozenset(
    {
        "list_commits",
        "update_from_base",
        "rebase_pull_request",
        "list_checks",
        "repair",
    }
)
#: Operations that change something on the forge.
WRITES: Final = frozenset(
    {
        "delete_branch",
        "commit_changes",
        "upload_objects",
        "propose_changes",
        "create_pull_request",
        "set_labels",
        "merge_pull_request",
        "close_pull_request",
        "update_from_base",
        "rebase_pull_request",
        "repair",
    }
)
