"""What a forge knows: users, repositories, pull requests, labels, checks; over real bare git repositories.

No forge's API is spoken here. Methods that a forge may refuse raise :class:`RefusedError` with a word as reason.
Whoever calls holds :attr:`Forge.lock`.
"""

from __future__ import annotations

import itertools
import shutil
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import attrs
import pygit2

from simulators import git as objects
from simulators.git import RefusedError

__all__ = [
    "Access",
    "CheckRun",
    "Comment",
    "Deployment",
    "DeploymentStatus",
    "Forge",
    "Label",
    "Protection",
    "PullRequest",
    "RefusedError",
    "Repository",
    "Status",
    "User",
]

START = datetime(2026, 1, 1, tzinfo=UTC)
FILE = 0o100644


@attrs.frozen
class User:
    """Somebody with an account."""

    id: int
    login: str
    name: str
    email: str


@attrs.frozen
class Access:
    """What a token lets its owner do in every repository: write, read, or only see what is public."""

    user: User
    level: Literal["write", "read", "none"] = "write"
    #: A token for chosen permissions: a forge says what it lacks, where others see nothing.
    fine_grained: bool = True


@attrs.frozen
class Label:
    """A label of a repository."""

    id: int
    name: str
    color: str = "ededed"
    description: str | None = None


@attrs.frozen
class Protection:
    """The rules of a protected branch."""

    required_checks: tuple[str, ...] = ()
    required_reviews: int = 0
    #: Commits come by pull requests only.
    no_direct_pushes: bool = True


@attrs.frozen
class Status:
    """A commit status."""

    id: int
    sha: str
    context: str
    state: str
    target_url: str | None
    description: str | None
    creator: User
    created: datetime
    #: The branch that it was reported for, where a forge asks.
    ref: str | None = None
    #: What people call it, the context when empty.
    name: str = ""


@attrs.frozen
class CheckRun:
    """What an app found out about a commit."""

    id: int
    sha: str
    name: str
    status: str
    conclusion: str | None
    details_url: str | None
    created: datetime


@attrs.frozen
class DeploymentStatus:
    """A step of a deployment."""

    id: int
    state: str
    environment_url: str
    created: datetime


@attrs.define(eq=False)
class Deployment:
    """A deployment of a commit, with its steps, oldest first."""

    id: int
    sha: str
    ref: str
    environment: str
    creator: User
    created: datetime
    statuses: list[DeploymentStatus] = attrs.field(factory=list)


@attrs.define(eq=False)
class Comment:
    """What somebody said about a pull request; a deleted one leaves its place."""

    id: int
    author: User
    text: str
    created: datetime
    updated: datetime
    #: What it is about: a path and lines of it, as its forge writes that.
    inline: dict[str, object] | None = None
    parent: int | None = None
    deleted: bool = False


@attrs.define(eq=False)
class PullRequest:
    """A pull request; read it through :meth:`Repository.pull`, which looks at its branches first."""

    id: int
    number: int
    title: str
    body: str | None
    author: User
    head: str
    base: str
    head_sha: str
    base_sha: str
    created: datetime
    updated: datetime
    draft: bool = False
    #: Full name of the fork that it comes from, None for the repository itself.
    fork: str | None = None
    fork_deleted: bool = False
    state: Literal["open", "closed", "merged"] = "open"
    labels: list[str] = attrs.field(factory=list)
    approvals: int = 0
    closed: datetime | None = None
    merged_by: User | None = None
    merge_commit_sha: str | None = None
    closed_by: User | None = None
    close_reason: str = ""
    #: Its branch goes when it is merged.
    delete_branch: bool = False
    reviewers: list[User] = attrs.field(factory=list)
    comments: list[Comment] = attrs.field(factory=list)


@attrs.define(eq=False)
class Repository:
    """One repository and what belongs to it."""

    forge: Forge = attrs.field(repr=False)
    id: int
    owner: User
    name: str
    path: Path
    git: pygit2.Repository = attrs.field(repr=False)
    default_branch: str
    created: datetime
    private: bool = False
    archived: bool = False
    delete_branch_on_merge: bool = False
    labels: dict[str, Label] = attrs.field(factory=dict, repr=False)
    protections: dict[str, Protection] = attrs.field(factory=dict, repr=False)
    statuses: list[Status] = attrs.field(factory=list, repr=False)
    check_runs: list[CheckRun] = attrs.field(factory=list, repr=False)
    deployments: list[Deployment] = attrs.field(factory=list, repr=False)
    _pulls: dict[int, PullRequest] = attrs.field(factory=dict, repr=False)
    _sizes: dict[str, int] = attrs.field(factory=dict, repr=False)

    @property
    def full_name(self) -> str:
        return f"{self.owner.login}/{self.name}"

    @property
    def empty(self) -> bool:
        return not any(True for _ in self.branches())

    # -- branches ---------------------------------------------------------------------------------

    def branches(self, prefix: str = "") -> Iterator[tuple[str, str]]:
        """List names and heads, sorted."""
        start = f"refs/heads/{prefix}"
        for name in sorted(self.git.references):
            if name.startswith(start):
                yield name.removeprefix("refs/heads/"), str(self.git.references[name].target)

    def head(self, branch: str) -> str | None:
        """Give the head of a branch, None when it is not there."""
        name = f"refs/heads/{branch}"
        if not pygit2.reference_is_valid_name(name):
            return None
        return str(self.git.references[name].target) if name in self.git.references else None

    def create_branch(self, branch: str, sha: str) -> None:
        """Create a branch; *exists*, *unknown-object*, *bad-name* and *ref-conflict* are refused."""
        if not pygit2.reference_is_valid_name(f"refs/heads/{branch}"):
            raise RefusedError("bad-name", branch=branch)
        if self.head(branch) is not None:
            raise RefusedError("exists", branch=branch)
        self._commit(sha)
        nested = any(name.startswith(f"{branch}/") for name, _ in self.branches())
        above = (branch[:at] for at, letter in enumerate(branch) if letter == "/")
        if nested or any(self.head(each) for each in above):
            raise RefusedError("ref-conflict", branch=branch)
        self.git.references.create(f"refs/heads/{branch}", pygit2.Oid(hex=sha))

    def move_branch(
        self, branch: str, sha: str, *, expected: str | None = None, force: bool = False, pushed: bool = True
    ) -> None:
        """Move a branch by compare-and-swap.

        :raises RefusedError: *missing*, *moved* (it is not at *expected*), *protected* (for a push),
            *unknown-object*, *not-fast-forward*.
        """
        head = self.head(branch)
        if head is None:
            raise RefusedError("missing", branch=branch)
        if expected is not None and head != expected:
            raise RefusedError("moved", branch=branch, head=head)
        self._commit(sha)
        if not force and not self.descends(sha, head):
            raise RefusedError("not-fast-forward", branch=branch)
        if pushed:
            self._refuse_protected(branch)
        reference = self.git.references[f"refs/heads/{branch}"]
        reference.set_target(pygit2.Oid(hex=sha))

    def delete_branch(self, branch: str, *, expected: str | None = None) -> None:
        """Delete a branch, which closes its pull requests."""
        head = self.head(branch)
        if head is None:
            raise RefusedError("missing", branch=branch)
        if expected is not None and head != expected:
            raise RefusedError("moved", branch=branch, head=head)
        self._refuse_protected(branch)
        self.pulls()  # each learns its last head
        self.git.references.delete(f"refs/heads/{branch}")
        self.pulls()

    def _refuse_protected(self, branch: str) -> None:
        rules = self.protections.get(branch)
        if rules is not None and rules.no_direct_pushes:
            raise RefusedError("protected", branch=branch)

    # -- objects ----------------------------------------------------------------------------------

    def commit(self, revision: str) -> pygit2.Commit | None:
        """Find a commit by its sha, branch or tag."""
        found = objects.resolve(self.git, revision)
        if isinstance(found, pygit2.Tag):
            found = found.peel(pygit2.Commit)
        return found if isinstance(found, pygit2.Commit) else None

    def _commit(self, sha: str) -> pygit2.Commit:
        found = self.git.get(sha) if len(sha) == 40 else None
        if not isinstance(found, pygit2.Commit):
            raise RefusedError("unknown-object", sha=sha)
        return found

    def size(self, sha: str) -> int:
        """Give the size of a blob."""
        if sha not in self._sizes:
            self._sizes[sha] = self.git[sha].size
        return self._sizes[sha]

    def descends(self, sha: str, ancestor: str) -> bool:
        """Say whether a commit is another one or comes after it."""
        return sha == ancestor or self.git.descendant_of(pygit2.Oid(hex=sha), pygit2.Oid(hex=ancestor))

    def merge_base(self, one: str, two: str) -> str | None:
        base = self.git.merge_base(pygit2.Oid(hex=one), pygit2.Oid(hex=two))
        return None if base is None else str(base)

    def signature(self, user: User) -> pygit2.Signature:
        return pygit2.Signature(user.name, user.email, int(self.forge.now().timestamp()), 0)

    def commit_files(
        self,
        branch: str,
        files: Mapping[str, bytes | None],
        message: str = "Change",
        *,
        author: User | None = None,
        start: str | None = None,
        modes: Mapping[str, int] | None = None,
    ) -> str:
        """Commit files as a push would, past every rule; None deletes one. *start* makes the branch."""
        parent = self.head(branch) or (self.head(start) if start else None)
        tree = self._commit(parent).tree if parent else None
        edits: dict[str, tuple[int, str] | None] = {}
        for path, content in files.items():
            mode = (modes or {}).get(path, FILE)
            edits[path] = None if content is None else (mode, str(self.git.create_blob(content)))
        made = objects.edit_tree(self.git, tree, edits)
        signature = self.signature(author or self.owner)
        sha = objects.write_commit(self.git, made, [parent] if parent else [], message, signature)
        self.git.references.create(f"refs/heads/{branch}", pygit2.Oid(hex=sha), force=True)
        return sha

    # -- labels -----------------------------------------------------------------------------------

    def label(self, name: str) -> Label | None:
        """Find a label; case does not count."""
        return self.labels.get(name.casefold())

    def create_label(self, name: str, color: str = "ededed", description: str | None = None) -> Label:
        if self.label(name) is not None:
            raise RefusedError("exists", label=name)
        made = Label(self.forge.number(), name, color, description)
        self.labels[name.casefold()] = made
        return made

    def set_labels(self, pull: PullRequest, names: Iterable[str]) -> None:
        """Give a pull request these labels, creating what is unknown."""
        kept = [self.label(name) or self.create_label(name) for name in dict.fromkeys(names)]
        pull.labels = [each.name for each in kept]
        pull.updated = self.forge.now()

    # -- pull requests ----------------------------------------------------------------------------

    def pulls(self) -> tuple[PullRequest, ...]:
        """Give all, oldest first."""
        return tuple(map(self._refreshed, self._pulls.values()))

    def pull(self, number: int) -> PullRequest | None:
        found = self._pulls.get(number)
        return None if found is None else self._refreshed(found)

    def open_pull(
        self,
        title: str,
        head: str,
        base: str | None = None,
        *,
        author: User | None = None,
        body: str | None = None,
        draft: bool = False,
        labels: Iterable[str] = (),
        fork: str | None = None,
        fork_deleted: bool = False,
        head_sha: str | None = None,
        empty: bool = False,
    ) -> PullRequest:
        """Open a pull request; *bad-head*, *bad-base*, *exists* and, unless *empty*, *no-commits* are refused.

        One from a fork names the fork and the commit, which is in this repository.
        """
        base = base or self.default_branch
        tip, head_sha = self.head(base), head_sha or self.head(head)
        if head_sha is None:
            raise RefusedError("bad-head", branch=head)
        if tip is None:
            raise RefusedError("bad-base", branch=base)
        same = (each for each in self.pulls() if (each.head, each.base, each.fork) == (head, base, fork))
        if any(each.state == "open" for each in same):
            raise RefusedError("exists", branch=head)
        if not empty and self.descends(tip, head_sha):
            raise RefusedError("no-commits", head=head, base=base)
        now = self.forge.now()
        number = max(self._pulls, default=0) + 1
        made = PullRequest(
            self.forge.number(), number, title, body, author or self.owner, head, base, head_sha, tip, now, now,
            draft=draft, fork=fork, fork_deleted=fork_deleted,
        )  # fmt: skip
        self._pulls[number] = made
        self._keep(made)
        self.set_labels(made, labels)
        return made

    def close_pull(self, pull: PullRequest) -> None:
        if pull.state == "open":
            pull.state = "closed"
            pull.closed = pull.updated = self.forge.now()

    def reopen_pull(self, pull: PullRequest) -> None:
        """Open it again; *merged* and *missing* (its branch is gone) are refused."""
        if pull.state == "merged":
            raise RefusedError("merged")
        if pull.fork is None and self.head(pull.head) is None:
            raise RefusedError("missing", branch=pull.head)
        pull.state, pull.closed, pull.updated = "open", None, self.forge.now()

    def blocked(self, pull: PullRequest) -> RefusedError | None:
        """Say why a pull request cannot be merged, None when it can."""
        if pull.state != "open":
            return RefusedError(pull.state)
        if pull.draft:
            return RefusedError("draft")
        try:
            objects.merge_trees(self.git, self.head(pull.base) or pull.base_sha, pull.head_sha)
        except RefusedError as exc:
            return exc
        rules = self.protections.get(pull.base, Protection())
        missing = [each for each in rules.required_checks if not self.passed(pull.head_sha, each)]
        if missing:
            return RefusedError("checks", missing=tuple(missing))
        return (
            RefusedError("reviews", count=rules.required_reviews)
            if pull.approvals < rules.required_reviews
            else None
        )

    def merge_pull(
        self,
        pull: PullRequest,
        actor: User,
        message: str,
        *,
        squash: bool = False,
        expected: str | None = None,
    ) -> str:
        """Merge a pull request and give the commit; *moved* and what :meth:`blocked` says are refused."""
        if pull.state == "open" and expected is not None and expected != pull.head_sha:
            raise RefusedError("moved", head=pull.head_sha)
        if (refused := self.blocked(pull)) is not None:
            raise refused
        tip = self.head(pull.base) or pull.base_sha
        parents = [tip] if squash else [tip, pull.head_sha]
        tree = objects.merge_trees(self.git, tip, pull.head_sha)
        author = self.signature(pull.author if squash else actor)
        sha = objects.write_commit(self.git, tree, parents, message, author)
        self.move_branch(pull.base, sha, pushed=False)
        pull.base_sha = tip
        self.mark_merged(pull, actor, sha)
        if self.delete_branch_on_merge and pull.fork is None:
            self.delete_branch(pull.head)
        return sha

    def update_pull(self, pull: PullRequest, actor: User, *, expected: str | None = None) -> str:
        """Merge the base into the head; *moved*, *up-to-date* and *conflicts* are refused."""
        tip, head = self.head(pull.base) or pull.base_sha, pull.head_sha
        if expected is not None and expected != head:
            raise RefusedError("moved", head=head)
        if self.descends(head, tip):
            raise RefusedError("up-to-date")
        tree = objects.merge_trees(self.git, head, tip)
        message = f"Merge branch '{pull.base}' into {pull.head}"
        sha = objects.write_commit(self.git, tree, [head, tip], message, self.signature(actor))
        self.move_branch(pull.head, sha, expected=head)
        return sha

    def mark_merged(self, pull: PullRequest, actor: User, sha: str | None) -> None:
        """Note that a pull request was merged, and in which commit."""
        pull.state, pull.merged_by, pull.merge_commit_sha = "merged", actor, sha
        pull.closed = pull.updated = self.forge.now()

    def _refreshed(self, pull: PullRequest) -> PullRequest:
        """Let it follow its branches, which others may have pushed to."""
        if pull.state != "open":
            return pull
        head = pull.head_sha if pull.fork is not None else self.head(pull.head)
        if head is None and self.forge.pulls_outlive_branches:
            head = pull.head_sha
        tip = self.head(pull.base)
        if head is None or tip is None:
            self.close_pull(pull)
            return pull
        if head != pull.head_sha:
            pull.head_sha, pull.updated = head, self.forge.now()
            self._keep(pull)
        # One that never had a commit of its own is not merged by what happens to its base.
        if tip != pull.base_sha and self.descends(tip, head) and not self.descends(pull.base_sha, head):
            self.mark_merged(pull, pull.author, tip)
        elif tip != pull.base_sha:
            pull.base_sha = tip
        return pull

    def _keep(self, pull: PullRequest) -> None:
        """Keep the commits of a pull request when its branch goes."""
        name = f"refs/pull/{pull.number}/head"
        self.git.references.create(name, pygit2.Oid(hex=pull.head_sha), force=True)

    def comment(
        self, pull: PullRequest, author: User, text: str, *, inline: dict[str, object] | None = None
    ) -> Comment:
        now = self.forge.now()
        made = Comment(self.forge.number(), author, text, now, now, inline)
        pull.comments.append(made)
        pull.updated = now
        return made

    # -- checks -----------------------------------------------------------------------------------

    def add_status(
        self,
        sha: str,
        context: str,
        state: str = "success",
        *,
        target_url: str | None = None,
        description: str | None = None,
        creator: User | None = None,
        ref: str | None = None,
        name: str = "",
    ) -> Status:
        made = Status(
            self.forge.number(), sha, context, state, target_url, description, creator or self.owner,
            self.forge.now(), ref, name,
        )  # fmt: skip
        self.statuses.append(made)
        return made

    def add_check_run(
        self,
        sha: str,
        name: str,
        conclusion: str | None = "success",
        *,
        status: str = "completed",
        details_url: str | None = None,
    ) -> CheckRun:
        made = CheckRun(self.forge.number(), sha, name, status, conclusion, details_url, self.forge.now())
        self.check_runs.append(made)
        return made

    def add_deployment(
        self, sha: str, environment: str, environment_url: str = "", state: str = "success", ref: str = ""
    ) -> Deployment:
        made = Deployment(self.forge.number(), sha, ref or sha, environment, self.owner, self.forge.now())
        made.statuses.append(DeploymentStatus(self.forge.number(), state, environment_url, self.forge.now()))
        self.deployments.append(made)
        return made

    def newest_statuses(self, sha: str) -> list[Status]:
        """Give the newest status of each context."""
        newest = {each.context: each for each in self.statuses if each.sha == sha}
        return sorted(newest.values(), key=lambda each: -each.id)

    def passed(self, sha: str, check: str) -> bool:
        states = [each.state for each in self.newest_statuses(sha) if each.context == check]
        runs = [each.conclusion for each in self.check_runs if (each.sha, each.name) == (sha, check)]
        return bool({"success", "neutral", "skipped"} & {*states, *runs[-1:]})


@attrs.define(eq=False)
class Forge:
    """Everything that a forge knows, its repositories being kept below *folder*."""

    folder: Path
    repositories: dict[str, Repository] = attrs.field(factory=dict)
    #: Old full names of repositories that were renamed.
    renamed: dict[str, str] = attrs.field(factory=dict)
    users: dict[str, User] = attrs.field(factory=dict)
    tokens: dict[str, Access] = attrs.field(factory=dict, repr=False)
    lock: threading.RLock = attrs.field(factory=threading.RLock, repr=False)
    #: Whether a pull request stays open when its branch goes.
    pulls_outlive_branches: bool = False
    #: The clock is asked for every event; by default it goes on by a second each time.
    now: Callable[[], datetime] = attrs.field(repr=False)
    _numbers: Iterator[int] = attrs.field(factory=lambda: itertools.count(1000), repr=False)

    @now.default
    def _ticking(self) -> Callable[[], datetime]:
        seconds = itertools.count()
        return lambda: START + timedelta(seconds=next(seconds))

    def number(self) -> int:
        """Give an id that nothing else has."""
        return next(self._numbers)

    def add_user(self, login: str, name: str = "", email: str = "") -> User:
        made = User(self.number(), login, name or login.title(), email or f"{login}@example.org")
        self.users[login] = made
        return made

    def add_token(
        self,
        token: str,
        user: User,
        level: Literal["write", "read", "none"] = "write",
        *,
        fine_grained: bool = True,
    ) -> Access:
        self.tokens[token] = Access(user, level, fine_grained)
        return self.tokens[token]

    def add_repository(
        self,
        full_name: str,
        files: Mapping[str, bytes] | None = None,
        *,
        default_branch: str = "main",
        modes: Mapping[str, int] | None = None,
        message: str = "A site",
    ) -> Repository:
        """Create a bare repository, empty or with some files in one commit.

        What stands before the last slash of its name is its owner's, be it of several groups in each other.
        """
        login, _, name = full_name.rpartition("/")
        owner = self.users.get(login) or self.add_user(login)
        path = self.folder / login / f"{name}.git"
        # Most forges of the tests begin alike, and copying is faster than writing.
        known = tuple(
            (name, content, (modes or {}).get(name, FILE)) for name, content in (files or {}).items()
        )
        shutil.copytree(objects.prepared(default_branch, known), path)
        git = pygit2.Repository(path)
        made = Repository(self, self.number(), owner, name, path, git, default_branch, self.now())
        self.repositories[full_name.casefold()] = made
        if files:
            made.commit_files(default_branch, files, message, modes=modes)
        return made

    def repository(self, full_name: str) -> Repository | None:
        """Find a repository; case does not count."""
        return self.repositories.get(full_name.casefold())

    def rename(self, repository: Repository, full_name: str) -> None:
        """Give a repository another name; the old one leads to it."""
        old = repository.full_name
        login, _, repository.name = full_name.rpartition("/")
        repository.owner = self.users.get(login) or self.add_user(login)
        self.renamed[old.casefold()] = full_name
        del self.repositories[old.casefold()]
        self.repositories[full_name.casefold()] = repository

    def close(self) -> None:
        """Let go of the files."""
        for each in self.repositories.values():
            each.git.free()
