"""That the suite for all backends notices a broken promise: each is broken here, on purpose.

A sabotage is an extension that stands before or around the local backend and breaks one promise of
``copydesk.hookspecs``. The test of the suite that stands beside it fails with it and passes without it. What
the suite does not notice yet is marked so: it is a test that the suite lacks.
"""

from __future__ import annotations

import fnmatch
import logging
import shutil
import subprocess
import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from inspect import signature
from pathlib import Path
from urllib.parse import quote, unquote

import attrs
import pygit2
import pytest
from copydesk import Repository, hookimpl, open_repository
from copydesk.errors import ConflictError, CopydeskError, NotFoundError, NotMergeableError
from copydesk.hookspecs import OPERATIONS
from copydesk.models import (
    Branch,
    Commit,
    Comparison,
    Delete,
    File,
    FileVersion,
    Mode,
    Move,
    NewCommit,
    Proposal,
    Put,
    User,
)
from copydesk.registry import InstalledBackend
from copydesk.testing import SEED, BackendSuite
from copydesk.testing._steps import Declared, Steps
from copydesk.ways import Cost, Listing
from copydesk_local import LocalBackend, LocalOptions

pytest_plugins = ["pytester"]

SECRET = "this-is-the-secret"
#: How a test of the suite notices: by an assertion of its own, or by what the facade or the backend raises.
#: Anything else is a mistake of the sabotage.
NOTICING = (AssertionError, pytest.fail.Exception, CopydeskError)
EVERYTHING = 10**6
BIG = bytes(range(256)) * 4096 + b"!"


class Suite(BackendSuite):
    unsupported = frozenset({"rebase_pull_request", "list_checks"})
    secret = SECRET
    many = 4  # nothing here has pages


@pytest.fixture(scope="session")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bare repository with the seed, made by git itself; it is only ever copied."""
    path = tmp_path_factory.mktemp("seeded") / "site.git"

    def git(*arguments: str, content: bytes | None = None) -> str:
        done = subprocess.run(["git", "-C", path, *arguments], input=content, capture_output=True, check=True)
        return done.stdout.decode().strip()

    path.mkdir()
    git("init", "-q", "-b", "main", "--bare", "--template=")
    git("config", "user.name", "Site Owner")
    git("config", "user.email", "owner@example.org")
    index = ""
    for file in SEED:
        sha = git("hash-object", "-w", "--stdin", content=file.content)
        index += f"{file.mode} {sha}\t{file.path}\n"
    git("update-index", "--index-info", content=index.encode())
    git("update-ref", "refs/heads/main", git("commit-tree", git("write-tree"), "-m", "Seed"))
    (path / "index").unlink()
    git("repack", "-adq")  # one file instead of a folder for each object: it is copied often
    return path


@pytest.fixture
def bare(seeded: Path, tmp_path: Path) -> Path:
    """A repository of this test alone that holds exactly the seed."""
    return shutil.copytree(seeded, tmp_path / "site.git")


@pytest.fixture
def run(request: pytest.FixtureRequest) -> Callable[..., None]:
    """Run one test of the suite, with its fixtures and a parameter, as pytest does."""

    def run_test(repository: Repository, name: str, *given: object, suite: type[BackendSuite] = Suite):
        test = getattr(suite(), name)
        repo = Declared(repository, suite.unsupported)
        fixtures = {"repository": repository, "repo": repo, "steps": Steps(repo)}
        wanted = list(signature(test).parameters)
        fixtures.update(zip(wanted[-len(given) :] if given else (), given, strict=True))
        test(*(fixtures[each] if each in fixtures else request.getfixturevalue(each) for each in wanted))

    return run_test


def is_in_suite(name: str, *given: object) -> bool:
    """Whether the suite has that test, with that parameter."""
    test = getattr(Suite, name, None)
    marks = [mark for mark in getattr(test, "pytestmark", ()) if mark.name == "parametrize"]
    return test is not None and all(given[0] in mark.args[1] for mark in marks)


def opened(path: Path, sabotage: type[Sabotage] | None = None) -> Repository:
    extensions = [sabotage()] if sabotage else []
    repository = open_repository("local", repo=path, extensions=extensions)
    repository.remembers = False  # as the suite has it
    for extension in extensions:
        extension.backend = repository.backends[0]
    return repository


def opened_by(backend: type[LocalBackend], path: Path, **options: str) -> Repository:
    """Open a backend that is not installed, as the registry would."""
    given = LeakyOptions(repo=path, **options) if options else LocalOptions(repo=path)
    origin = InstalledBackend("local", "copydesk-local", "0", "copydesk_local:backend")
    return Repository(origin, given, (backend.open(given),))


# -- means --------------------------------------------------------------------------------------------


class Sabotage:
    """Stands before or around the backend, which it is given once the repository is open."""

    backend: LocalBackend

    def head(self, branch: str) -> str:
        return self.backend.get_branch(branch).commit_sha

    def there(self, commit: NewCommit) -> dict[str, FileVersion]:
        return {entry.path: entry.version for entry in self.backend.list_files(commit.parent_commit_sha, "")}

    def as_it_is_now(self, pull_request):
        """What a backend acts on that does not look at the head which the caller saw."""
        return attrs.evolve(pull_request, head_commit_sha=self.head(pull_request.head))

    def force(self, branch: str, commit_sha: str) -> None:
        git = pygit2.Repository(self.backend.options.repo)
        git.references.create(f"refs/heads/{branch}", commit_sha, force=True)

    def overwriting(self, commit: NewCommit, chosen=lambda _: True) -> NewCommit:
        """The same commit, made to replace whatever is there."""
        there, changes = self.there(commit), []
        for change in commit.changes:
            if not chosen(change):
                changes.append(change)
            elif isinstance(change, Put) or change.path in there:
                changes.append(attrs.evolve(change, replaces=there.get(change.path)))
        return attrs.evolve(commit, changes=changes)


def answers(operation: str, change: Callable) -> type[Sabotage]:
    """A sabotage that changes what the backend answered."""

    @hookimpl(wrapper=True)
    def wrapped(self):
        return change((yield))

    return type(operation, (Sabotage,), {operation: wrapped})


#: A commit that nobody made.
MADE = Commit("1" * 40, (), User("nobody"), datetime(2026, 1, 1, tzinfo=UTC), "Made")


def finds(operation: str, nothing: object) -> type[Sabotage]:
    """A sabotage that answers with *nothing* where there is nothing to answer with."""

    @hookimpl(wrapper=True)
    def wrapped(self):
        try:
            return (yield)
        except NotFoundError:
            return nothing

    return type(operation, (Sabotage,), {operation: wrapped})


def commits(change: Callable[[Sabotage, NewCommit], NewCommit]) -> type[Sabotage]:
    """A sabotage that makes another commit than it was asked for."""

    @hookimpl(tryfirst=True)
    def commit_changes(self, commit):
        return self.backend.commit_changes(change(self, commit))

    return type("commits", (Sabotage,), {"commit_changes": commit_changes})


def overwriting_where(chosen: Callable) -> type[Sabotage]:
    """A sabotage that ignores what the chosen changes say that they replace."""
    return commits(lambda self, commit: self.overwriting(commit, chosen))


def puts(**changes: Callable) -> type[Sabotage]:
    """A sabotage that writes other files than it was asked for: other paths, content or modes."""

    def changed(_: Sabotage, commit: NewCommit) -> NewCommit:
        return attrs.evolve(
            commit,
            changes=[
                changing(**changes)(change) if isinstance(change, Put) else change
                for change in commit.changes
            ],
        )

    return commits(changed)


def changing(**changes: Callable) -> Callable:
    """Change some fields of a value, each by a function of what it was."""

    def changed(value):
        return attrs.evolve(
            value, **{field: change(getattr(value, field)) for field, change in changes.items()}
        )

    return changed


def all_of(change: Callable) -> Callable:
    return lambda found: tuple(map(change, found))


def cut(found):
    return found[:-1]


def backwards(found):
    return found[::-1]


def short(sha: str) -> str:
    return sha[:12]


def elsewhere(time: datetime) -> datetime:
    return time.astimezone(timezone(timedelta(hours=2)))


def composed(path: str) -> str:
    return unicodedata.normalize("NFC", path)


def decoded(content: bytes) -> bytes:
    return content.decode(errors="replace").encode()


def with_newlines(content: bytes) -> bytes:
    return content.replace(b"\r\n", b"\n")


def flat(version: FileVersion) -> FileVersion:
    return attrs.evolve(version, mode=Mode.FILE)


def flat_values(versions):
    return {path: flat(version) for path, version in versions.items()}


# -- sabotages that take more than a line -------------------------------------------------------------


class ListsByPrefix(Sabotage):
    """A folder taken for the beginning of a name."""

    @hookimpl(tryfirst=True)
    def list_files(self, commit_sha, folder):
        every = self.backend.list_files(commit_sha, "")
        return tuple(entry for entry in every if entry.path.startswith(folder))


class ListsFolders(Sabotage):
    """A folder listed like a file, as it stands in a forge's tree."""

    @hookimpl(wrapper=True)
    def list_files(self):
        found = yield
        folders = {attrs.evolve(entry, path=entry.path.rpartition("/")[0]) for entry in found}
        return tuple(sorted({*found, *(each for each in folders if each.path)}, key=lambda each: each.path))


class ReadsManyOfNow(Sabotage):
    """From the branch, and not as of the commit."""

    @hookimpl(tryfirst=True)
    def read_files(self, entries):
        return tuple(self.backend.read_file(self.head("main"), entry.path) for entry in entries)


class ListsBranchesOfAnyPrefix(Sabotage):
    @hookimpl(tryfirst=True)
    def list_branches(self):
        return self.backend.list_branches("")


class ListsBranchesByFolder(Sabotage):
    """A prefix taken for a folder of names."""

    @hookimpl(tryfirst=True)
    def list_branches(self, prefix):
        return self.backend.list_branches(prefix and f"{prefix.rstrip('/')}/")


class ListsBranchesAsMade(Sabotage):
    """In the order in which they were made."""

    def __init__(self):
        self.made = []

    @hookimpl(wrapper=True)
    def commit_changes(self, commit):
        self.made.append(commit.branch)
        return (yield)

    @hookimpl(wrapper=True)
    def list_branches(self):
        return tuple(
            sorted((yield), key=lambda branch: branch.name in self.made and self.made.index(branch.name))
        )


class ListsPullRequestsByPrefix(Sabotage):
    @hookimpl(tryfirst=True)
    def list_pull_requests(self, state, base, head):
        found = self.backend.list_pull_requests(state, base, "")
        return tuple(pull for pull in found if pull.head.startswith(head))


class ListsPullRequestsOfAnyBase(Sabotage):
    @hookimpl(tryfirst=True)
    def list_pull_requests(self, state, head):
        return self.backend.list_pull_requests(state, "", head)


class ListsPullRequestsOfAnyState(Sabotage):
    @hookimpl(tryfirst=True)
    def list_pull_requests(self, base, head):
        return self.backend.list_pull_requests("all", base, head)


class ListsMergedAsClosed(Sabotage):
    """The forge's own meaning of `closed`, which holds those that were merged."""

    @hookimpl(tryfirst=True)
    def list_pull_requests(self, state, base, head):
        found = self.backend.list_pull_requests(state, base, head)
        merged = self.backend.list_pull_requests("merged", base, head) if state == "closed" else ()
        return tuple(sorted(found + merged, key=lambda pull: -pull.number))


class ListsNoneAsMerged(Sabotage):
    """A state for which the forge has no filter."""

    @hookimpl(tryfirst=True)
    def list_pull_requests(self, state):
        return () if state == "merged" else None


class ListsCommitsOfAnyPath(Sabotage):
    @hookimpl(tryfirst=True)
    def list_commits(self, commit_sha, limit):
        return self.backend.list_commits(commit_sha, "", limit)


class ListsCommitsOfAnyNumber(Sabotage):
    @hookimpl(tryfirst=True)
    def list_commits(self, commit_sha, path):
        return self.backend.list_commits(commit_sha, path, EVERYTHING)


class ListsCommitsByPattern(Sabotage):
    """A path taken for a pattern, as git's own command takes it."""

    @hookimpl(tryfirst=True)
    def list_commits(self, commit_sha, path, limit):
        every = self.backend.list_commits(commit_sha, "", EVERYTHING)
        return tuple(commit for commit in every if not path or self.touches(commit, path))[:limit]

    def touches(self, commit, path: str) -> bool:
        if commit.parent_commit_shas:
            paths = self.backend.compare(commit.parent_commit_shas[0], commit.commit_sha).paths
        else:
            paths = {entry.path for entry in self.backend.list_files(commit.commit_sha, "")}
        return any(name == path or fnmatch.fnmatchcase(name, path) for name in paths)


class ComparesWithTheBase(Sabotage):
    """With the base as it is, and not as the head left it."""

    @hookimpl(tryfirst=True)
    def compare(self, base_commit_sha, head_commit_sha):
        ours = self.backend.compare(base_commit_sha, head_commit_sha)
        theirs = self.backend.compare(head_commit_sha, base_commit_sha)
        return attrs.evolve(ours, files=ours.files + theirs.files)


class OneCommitForEachChange(Sabotage):
    @hookimpl(tryfirst=True)
    def commit_changes(self, commit):
        made = None
        for change in commit.changes:
            made = self.backend.commit_changes(attrs.evolve(commit, changes=[change]))
            commit = attrs.evolve(commit, parent_commit_sha=made.commit_sha, creates_branch=False)
        return made


class CommitsThoughItRaises(Sabotage):
    @hookimpl(wrapper=True)
    def commit_changes(self, commit):
        try:
            return (yield)
        except ConflictError:
            self.backend.commit_changes(self.overwriting(commit))
            raise


class KeepsTheGoodChanges(Sabotage):
    """What fits is committed, then the rest is refused."""

    @hookimpl(wrapper=True)
    def commit_changes(self, commit):
        try:
            return (yield)
        except ConflictError as exc:
            good = [change for change in commit.changes if change.path not in exc.paths]
            if good and exc.paths:
                self.backend.commit_changes(attrs.evolve(commit, changes=good))
            raise


class LeavesTheNewBranch(Sabotage):
    """First the branch is made, then the commit, which is refused."""

    @hookimpl(wrapper=True)
    def commit_changes(self, commit):
        try:
            return (yield)
        except ConflictError as exc:
            if commit.creates_branch and exc.paths:
                self.force(commit.branch, commit.parent_commit_sha)
            raise


class ProposesTheFirstChange(Sabotage):
    @hookimpl(tryfirst=True)
    def propose_changes(self, commit, pull_request):
        made = self.backend.commit_changes(attrs.evolve(commit, changes=commit.changes[:1]))
        return Proposal(made, self.backend.create_pull_request(pull_request))


class ProposesAllOrNothing(Sabotage):
    """The branch is taken away where its pull request could not be opened."""

    @hookimpl(wrapper=True)
    def propose_changes(self, commit):
        try:
            return (yield)
        except NotFoundError:
            self.backend.delete_branch(commit.branch, self.head(commit.branch))
            raise


class MovesOntoFiles(Sabotage):
    @hookimpl(tryfirst=True)
    def commit_changes(self, commit):
        changes, there = [], self.there(commit)
        for change in commit.changes:
            if isinstance(change, Move) and change.to in there:
                content = self.backend.read_file(commit.parent_commit_sha, change.path).content
                changes += [Delete(change.path, change.replaces), Put(change.to, content, there[change.to])]
            else:
                changes.append(change)
        return self.backend.commit_changes(attrs.evolve(commit, changes=changes))


class ConflictsWithoutVersions(Sabotage):
    """A conflict that does not say what is there now."""

    @hookimpl(wrapper=True)
    def commit_changes(self):
        try:
            return (yield)
        except ConflictError as exc:
            exc.versions = {}
            raise


class ForcesTheBranchBack(Sabotage):
    """The branch is put where the caller saw it: what others committed since is gone."""

    @hookimpl(tryfirst=True)
    def commit_changes(self, commit):
        if not commit.creates_branch and self.head(commit.branch):
            self.force(commit.branch, commit.parent_commit_sha)
        return self.backend.commit_changes(commit)


class WritesOverTheNewHead(Sabotage):
    """Where the branch moved, what is there now is replaced, whatever it is."""

    @hookimpl(tryfirst=True)
    def commit_changes(self, commit):
        head = "" if commit.creates_branch else self.head(commit.branch)
        if head not in {"", commit.parent_commit_sha}:
            commit = self.overwriting(attrs.evolve(commit, parent_commit_sha=head))
        return self.backend.commit_changes(commit)


class CreatesOverABranch(Sabotage):
    @hookimpl(tryfirst=True)
    def commit_changes(self, commit):
        for there in self.backend.list_branches(commit.branch):
            if commit.creates_branch and there.name == commit.branch:
                self.backend.delete_branch(there.name, there.commit_sha)
        return self.backend.commit_changes(commit)


class TakesALeftoverBranch(Sabotage):
    """Commits on top of a branch that was to be a new one."""

    @hookimpl(wrapper=True)
    def commit_changes(self, commit):
        try:
            return (yield)
        except ConflictError as exc:
            if not commit.creates_branch or exc.paths:
                raise
            head = self.head(commit.branch)
            return self.backend.commit_changes(
                attrs.evolve(commit, parent_commit_sha=head, creates_branch=False)
            )


class DeletesAnyHead(Sabotage):
    @hookimpl(tryfirst=True)
    def delete_branch(self, name, head_commit_sha):
        there = {branch.name: branch.commit_sha for branch in self.backend.list_branches(name)}
        return self.backend.delete_branch(name, there.get(name, head_commit_sha))


class MergesAnyHead(Sabotage):
    method = "merge"

    @hookimpl(tryfirst=True)
    def merge_pull_request(self, pull_request, method, message, delete_branch):
        if method == self.method and self.backend.list_branches(pull_request.head):
            pull_request = self.as_it_is_now(pull_request)
        return self.backend.merge_pull_request(pull_request, method, message, delete_branch)


class SquashesAnyHead(MergesAnyHead):
    method = "squash"


class MergesByOverwriting(Sabotage):
    method = "merge"

    @hookimpl(tryfirst=True)
    def merge_pull_request(self, pull_request, method, message, delete_branch):
        try:
            return self.backend.merge_pull_request(pull_request, method, message, delete_branch)
        except NotMergeableError as exc:
            if not exc.paths or method != self.method:
                raise
            files = [self.backend.read_file(pull_request.head_commit_sha, path) for path in exc.paths]
            mine = [Put(file.path, file.content) for file in files]
            base = self.head(pull_request.base)
            forced = self.overwriting(NewCommit(pull_request.base, base, mine, "Mine", User("x")))
            self.backend.commit_changes(forced)
            return self.backend.merge_pull_request(pull_request, method, message, delete_branch)


class SquashesByOverwriting(MergesByOverwriting):
    method = "squash"


class MergesIntoOneCommit(Sabotage):
    @hookimpl(tryfirst=True)
    def merge_pull_request(self, pull_request, message, delete_branch):
        return self.backend.merge_pull_request(pull_request, "squash", message, delete_branch)


class MergesWithItsOwnMessage(Sabotage):
    @hookimpl(tryfirst=True)
    def merge_pull_request(self, pull_request, method, message, delete_branch):
        said = message if method == "squash" else ""
        return self.backend.merge_pull_request(pull_request, method, said, delete_branch)


class MergesAndKeepsTheBranch(Sabotage):
    @hookimpl(tryfirst=True)
    def merge_pull_request(self, pull_request, method, message):
        return self.backend.merge_pull_request(pull_request, method, message, delete_branch=False)


class MergesAndDeletesTheBranch(Sabotage):
    @hookimpl(tryfirst=True)
    def merge_pull_request(self, pull_request, method, message):
        return self.backend.merge_pull_request(pull_request, method, message, delete_branch=True)


class MergesClosedOnes(Sabotage):
    @hookimpl(wrapper=True)
    def merge_pull_request(self, pull_request):
        try:
            return (yield)
        except NotMergeableError as exc:
            if exc.reason == "closed":
                self.force(pull_request.base, pull_request.head_commit_sha)
            raise


class ClosesAnyHead(Sabotage):
    deleting = True

    @hookimpl(tryfirst=True)
    def close_pull_request(self, pull_request, delete_branch):
        if delete_branch is self.deleting:
            pull_request = self.as_it_is_now(pull_request)
        return self.backend.close_pull_request(pull_request, delete_branch)


class ClosesAnyHeadThatStays(ClosesAnyHead):
    deleting = False


class ClosesBeforeItLooks(Sabotage):
    @hookimpl(tryfirst=True)
    def close_pull_request(self, pull_request, delete_branch):
        closed = self.backend.close_pull_request(self.as_it_is_now(pull_request), delete_branch=False)
        if delete_branch:
            self.backend.delete_branch(pull_request.head, pull_request.head_commit_sha)
        return closed


class ClosesMergedOnes(Sabotage):
    @hookimpl(wrapper=True)
    def close_pull_request(self, pull_request):
        try:
            return (yield)
        except NotMergeableError:
            return attrs.evolve(pull_request, state="closed")


class SetsAllLabels(Sabotage):
    @hookimpl(tryfirst=True)
    def set_labels(self, pull_request, add):
        now = self.backend.set_labels(pull_request, (), ()).labels
        return self.backend.set_labels(pull_request, add, now)


class SetsTheLabelsItSaw(Sabotage):
    @hookimpl(tryfirst=True)
    def set_labels(self, pull_request, add, remove):
        now = self.backend.set_labels(pull_request, (), ()).labels
        wanted = {*pull_request.labels, *add} - {*remove}
        return self.backend.set_labels(pull_request, tuple(wanted), tuple({*now} - wanted))


class UpdatesAnyHead(Sabotage):
    @hookimpl(tryfirst=True)
    def update_from_base(self, pull_request):
        return self.backend.update_from_base(self.as_it_is_now(pull_request))


class UpdatesByRebase(Sabotage):
    """The branch is written again on top of the base."""

    @hookimpl(wrapper=True)
    def update_from_base(self, pull_request):
        merged = yield
        git = pygit2.Repository(self.backend.options.repo)
        old = git[merged.commit_sha]
        made = git.create_commit(None, old.author, old.author, "Rebase", old.tree.id, old.parent_ids[1:])
        self.force(pull_request.head, str(made))
        return Branch(pull_request.head, str(made))


class UpdatesByOverwriting(Sabotage):
    @hookimpl(wrapper=True)
    def update_from_base(self, pull_request):
        try:
            return (yield)
        except NotMergeableError:
            self.force(pull_request.head, self.head(pull_request.base))
            return Branch(pull_request.head, self.head(pull_request.base))


class ReadsManyAbsentAsEmpty(Sabotage):
    @hookimpl(tryfirst=True)
    def read_files(self, commit_sha, entries):
        there = {entry.path for entry in self.backend.list_files(commit_sha, "")}
        return tuple(
            self.backend.read_file(commit_sha, entry.path)
            if entry.path in there
            else File(entry.path, b"", entry.version)
            for entry in entries
        )


class FindsABranchLikeIt(Sabotage):
    """The first of those whose names begin so, as an old interface of a forge answers."""

    @hookimpl(tryfirst=True)
    def get_branch(self, name):
        found = self.backend.list_branches(name)
        return attrs.evolve(found[0], name=name) if found else None


class MakesAnAbsentHead(Sabotage):
    @hookimpl(tryfirst=True)
    def create_pull_request(self, pull_request):
        if not self.backend.list_branches(pull_request.head):
            self.backend.commit_changes(
                NewCommit(
                    pull_request.head, self.head("main"), [Put("x", b"")], "x", User("x"), creates_branch=True
                )
            )
        return self.backend.create_pull_request(pull_request)


class TakesTheDefaultBase(Sabotage):
    @hookimpl(tryfirst=True)
    def create_pull_request(self, pull_request):
        return self.backend.create_pull_request(attrs.evolve(pull_request, base="main"))


class GivesTheFirstPullRequest(Sabotage):
    """A second pull request of a branch answered with the first."""

    @hookimpl(wrapper=True)
    def create_pull_request(self, pull_request):
        try:
            return (yield)
        except ConflictError:
            return self.backend.list_pull_requests("open", pull_request.base, pull_request.head)[0]


class LabelsNothing(Sabotage):
    @hookimpl(wrapper=True)
    def set_labels(self, pull_request):
        try:
            return (yield)
        except NotFoundError:
            return pull_request


class ReadsUnquoted(Sabotage):
    @hookimpl(tryfirst=True)
    def read_file(self, commit_sha, path):
        return self.backend.read_file(commit_sha, unquote(path))


class ReadsInAnyCase(Sabotage):
    """As a disk reads that takes small letters for large ones."""

    @hookimpl(tryfirst=True)
    def read_file(self, commit_sha, path):
        there = {entry.path.lower(): entry.path for entry in self.backend.list_files(commit_sha, "")}
        return attrs.evolve(self.backend.read_file(commit_sha, there.get(path.lower(), path)), path=path)


class FlattensModes(Sabotage):
    """Writes the tree of a commit again, with plain files at the paths that are chosen."""

    @hookimpl(wrapper=True)
    def commit_changes(self, commit):
        made = yield
        git = pygit2.Repository(self.backend.options.repo)
        old = git[made.commit_sha]
        index = pygit2.Index()
        index.read_tree(old.tree)
        for path in self.chosen({entry.path for entry in index}, commit):
            index.add(pygit2.IndexEntry(path, index[path].id, pygit2.enums.FileMode.BLOB))
        tree = index.write_tree(git)
        sha = str(git.create_commit(None, old.author, old.committer, old.message, tree, old.parent_ids))
        self.force(commit.branch, sha)
        return attrs.evolve(made, commit_sha=sha)


class FlattensWhatIsEdited(FlattensModes):
    def chosen(self, paths, commit):
        return {change.path for change in commit.changes if isinstance(change, Put) and change.replaces}


class FlattensWhatIsMoved(FlattensModes):
    def chosen(self, paths, commit):
        return {change.to for change in commit.changes if isinstance(change, Move)}


class FlattensWhatIsBeside(FlattensModes):
    def chosen(self, paths, commit):
        return paths - {change.path for change in commit.changes}


class FollowsSymlinks(Sabotage):
    @hookimpl(wrapper=True)
    def read_file(self, commit_sha):
        return self.followed(commit_sha, (yield))

    def followed(self, commit_sha, file):
        if file.version.mode is not Mode.SYMLINK:
            return file
        return attrs.evolve(file, content=self.backend.read_file(commit_sha, file.content.decode()).content)


class FollowsManySymlinks(FollowsSymlinks):
    read_file = None

    @hookimpl(wrapper=True)
    def read_files(self, commit_sha):
        return tuple(self.followed(commit_sha, file) for file in (yield))


class WritesThroughSymlinks(Sabotage):
    @hookimpl(tryfirst=True)
    def commit_changes(self, commit):
        there, changes = self.there(commit), []
        for change in commit.changes:
            if isinstance(change, Put) and change.replaces and change.replaces.mode is Mode.SYMLINK:
                target = self.backend.read_file(commit.parent_commit_sha, change.path).content.decode()
                changes.append(Put(target, change.content, there[target]))
            else:
                changes.append(change)
        return self.backend.commit_changes(attrs.evolve(commit, changes=changes))


class TellsErrorsTheSecret(Sabotage):
    @hookimpl(wrapper=True)
    def get_branch(self):
        try:
            return (yield)
        except NotFoundError as exc:
            raise NotFoundError(f"{exc} (asked with {SECRET})") from exc


class LogsTheSecret(Sabotage):
    @hookimpl(tryfirst=True)
    def get_branch(self, name):
        logging.getLogger("copydesk_local").info("GET %s with token %s", name, SECRET)


class GivesShortBlobShas(Sabotage):
    """Everywhere, so that they agree with each other."""

    @staticmethod
    def cut(thing):
        return thing if thing.version is None else changing(version=changing(blob_sha=short))(thing)

    @hookimpl(wrapper=True)
    def list_files(self):
        return tuple(map(self.cut, (yield)))

    @hookimpl(wrapper=True)
    def read_file(self):
        return self.cut((yield))

    @hookimpl(tryfirst=True)
    def read_files(self, commit_sha, entries):
        return tuple(self.cut(self.backend.read_file(commit_sha, entry.path)) for entry in entries)

    @hookimpl(wrapper=True)
    def compare(self):
        return changing(files=all_of(self.cut))((yield))

    @hookimpl(tryfirst=True)
    def commit_changes(self, commit):
        there = {short(version.blob_sha): version.blob_sha for version in self.there(commit).values()}
        full = changing(blob_sha=lambda sha: there.get(sha, sha))
        changes = [
            changing(replaces=full)(change) if change.replaces else change for change in commit.changes
        ]
        made = self.backend.commit_changes(attrs.evolve(commit, changes=changes))
        cut_versions = {path: changing(blob_sha=short)(version) for path, version in made.versions.items()}
        return attrs.evolve(made, versions=cut_versions)


class TellsNoVersionOfMoves(Sabotage):
    @hookimpl(wrapper=True)
    def commit_changes(self, commit):
        made = yield
        moved = {change.to for change in commit.changes if isinstance(change, Move)}
        return attrs.evolve(made, versions={p: v for p, v in made.versions.items() if p not in moved})


class NamesWay(Sabotage):
    """A way beside a backend that needs none."""

    name = "tale"

    @hookimpl
    def list_ways(self):
        return (self,)

    def cost(self, wanted):
        return Cost(1, 1)

    def files(self, wanted):
        return self.backend.read_files(wanted.commit_sha, self.backend.list_files(wanted.commit_sha, ""))

    def listing(self, wanted):
        return Listing(wanted.commit_sha, "", self.backend.list_files(wanted.commit_sha, ""))

    def read(self, wanted):
        if wanted.entries is None:
            yield self.listing(wanted)
        for file in self.files(wanted):
            yield file.content


class WayOfOtherNewlines(NamesWay):
    def files(self, wanted):
        return map(changing(content=lambda content: content + b"\n"), super().files(wanted))


class WayOfNothing(NamesWay):
    def files(self, wanted):
        return ()


class WayThatListsPart(NamesWay):
    def listing(self, wanted):
        return changing(entries=cut)(super().listing(wanted))


class WayThatListsAfterwards(NamesWay):
    def read(self, wanted):
        yield from reversed(list(super().read(wanted)))


class WayOfAnyCommit(NamesWay):
    def read(self, wanted):
        return super().read(attrs.evolve(wanted, commit_shas=(self.head("main"),)))


# -- the table ----------------------------------------------------------------------------------------


@attrs.frozen
class Row:
    """A promise, how it is broken, and the tests of the suite that notice; one with a parameter is a pair."""

    promise: int
    what: str
    sabotage: type[Sabotage]
    tests: tuple[str | tuple[str, object], ...]

    @property
    def calls(self) -> list[tuple[object, ...]]:
        return [(test,) if isinstance(test, str) else test for test in self.tests]


def row(promise: int, what: str, sabotage: type[Sabotage], *tests: str | tuple[str, object]) -> Row:
    return Row(promise, what, sabotage, tests)


PATH, CONTENT = "test_path_is_kept_as_it_is", "test_content_is_kept_as_it_is"

NOTICED = (
    # 1. complete or an error
    row(1, "files cut", answers("list_files", cut), "test_list_files_of_many", "test_seed_is_there"),
    row(1, "files by prefix", ListsByPrefix, "test_list_files_in_a_folder_is_complete"),
    row(1, "folders among files", ListsFolders, "test_seed_is_there"),
    row(1, "many files cut", answers("read_files", cut), "test_list_files_of_many"),
    row(1, "many files in another order", answers("read_files", backwards), "test_read_files_keeps_the_order"),
    row(1, "many files of another commit", ReadsManyOfNow, "test_read_files_of_an_older_commit"),
    row(1, "a way that lists a part", WayThatListsPart, "test_each_way_gives_files_as_they_are"),
    row(1, "a way that lists afterwards", WayThatListsAfterwards, "test_each_way_gives_files_as_they_are"),
    row(1, "a way of nothing", WayOfNothing, "test_each_way_gives_files_as_they_are"),
    row(4, "a way of any commit", WayOfAnyCommit, "test_ways_of_an_absent_commit"),
    row(6, "a way that alters", WayOfOtherNewlines, "test_each_way_gives_files_as_they_are"),
    row(1, "branches cut", answers("list_branches", cut), "test_list_branches_is_complete"),
    row(1, "branches unsorted", answers("list_branches", backwards), "test_list_branches_is_complete"),
    row(1, "branches of any prefix", ListsBranchesOfAnyPrefix, "test_list_branches_is_complete"),
    row(1, "branches by folder", ListsBranchesByFolder, "test_list_branches_is_complete"),
    row(1, "pulls cut", answers("list_pull_requests", cut), "test_list_pull_requests_is_complete"),
    row(1, "pulls unsorted", answers("list_pull_requests", backwards), "test_list_pull_requests_is_complete"),
    row(1, "pulls by prefix", ListsPullRequestsByPrefix, "test_list_pull_requests_by_state_base_and_head"),
    row(1, "pulls of any base", ListsPullRequestsOfAnyBase, "test_list_pull_requests_by_state_base_and_head"),
    row(1, "pulls of any state", ListsPullRequestsOfAnyState, "test_list_pull_requests_by_state_base_and_head"),
    row(1, "commits cut", answers("list_commits", cut), "test_list_commits_newest_first"),
    row(1, "commits unsorted", answers("list_commits", backwards), "test_list_commits_newest_first"),
    row(1, "commits of any path", ListsCommitsOfAnyPath, "test_list_commits_of_a_path"),
    row(1, "commits of any number", ListsCommitsOfAnyNumber, "test_list_commits_newest_first"),
    row(1, "last changes cut", answers("last_changes", lambda found: dict(list(found.items())[:-1])),
        "test_last_changes_of_many_paths"),
    row(1, "comparison cut", answers("compare", changing(files=cut)), "test_compare_is_complete"),
    row(1, "comparison without old names",
        answers("compare", changing(files=all_of(changing(previous_path=lambda _: None)))),
        "test_compare_tells_both_names_of_a_rename"),
    row(1, "comparison with the base", ComparesWithTheBase, "test_compare_is_complete"),
    # 2. atomic or an error
    row(2, "the first change only", commits(lambda _, commit: changing(changes=lambda all_: all_[:1])(commit)),
        "test_commit_makes_all_changes_in_one", "test_list_files_of_many"),
    row(2, "a commit for each change", OneCommitForEachChange, "test_commit_makes_all_changes_in_one"),
    row(2, "commits though it raises", CommitsThoughItRaises,
        "test_new_file_that_exists", "test_edit_of_an_older_version", "test_one_bad_change_stops_all"),
    row(2, "keeps the good changes", KeepsTheGoodChanges, "test_one_bad_change_stops_all"),
    # 3. no lost update
    row(3, "replaces ignored", commits(Sabotage.overwriting), "test_edit_of_an_older_version"),
    row(3, "replaces ignored where created",
        overwriting_where(lambda change: isinstance(change, Put) and not change.replaces),
        "test_new_file_that_exists"),
    row(3, "replaces ignored where edited",
        overwriting_where(lambda change: isinstance(change, Put) and change.replaces),
        "test_edit_of_an_older_version", "test_edit_of_a_file_that_is_gone", "test_one_bad_change_stops_all"),
    row(3, "replaces ignored where deleted", overwriting_where(lambda change: isinstance(change, Delete)),
        "test_delete_of_an_older_version"),
    row(3, "replaces ignored where moved", overwriting_where(lambda change: isinstance(change, Move)),
        "test_move_of_an_older_version"),
    row(3, "moved onto a file", MovesOntoFiles, "test_move_onto_a_file"),
    row(3, "replaces ignored where the branch moved", WritesOverTheNewHead,
        "test_branch_moved_on_the_same_file", "test_branch_moved_and_both_create",
        "test_branch_moved_by_a_rename_of_the_file"),
    row(3, "branch forced back", ForcesTheBranchBack,
        "test_branch_moved_elsewhere", "test_branch_moved_on_the_same_file"),
    row(3, "branch created over another", CreatesOverABranch,
        "test_commit_on_a_new_branch_that_exists", "test_propose_changes_on_a_branch_that_exists"),
    row(3, "left-over branch taken", TakesALeftoverBranch,
        "test_commit_on_a_new_branch_that_exists", "test_propose_changes_on_a_branch_that_exists"),
    row(3, "any head deleted", DeletesAnyHead, "test_delete_branch_moved"),
    row(3, "any head merged", MergesAnyHead, "test_merge_of_a_moved_head_is_refused"),
    row(3, "merged by overwriting", MergesByOverwriting, "test_merge_with_conflicts_is_refused"),
    row(3, "merged into one commit", MergesIntoOneCommit, "test_merge_keeps_history"),
    row(3, "closed one merged", MergesClosedOnes, "test_merge_of_a_closed_one_is_refused"),
    row(3, "kept branch deleted by a merge", MergesAndDeletesTheBranch, "test_merge_may_keep_the_branch"),
    row(3, "any head closed", ClosesAnyHead, "test_close_with_a_moved_head_is_refused"),
    row(3, "closed before it looks", ClosesBeforeItLooks, "test_close_with_a_moved_head_is_refused"),
    row(3, "all labels replaced", SetsAllLabels, "test_set_labels_leaves_others_alone"),
    row(3, "labels of another day", SetsTheLabelsItSaw, "test_set_labels_works_on_the_labels_of_now"),
    row(3, "updated by a rebase", UpdatesByRebase, "test_update_from_base_brings_the_base"),
    row(3, "updated by overwriting", UpdatesByOverwriting, "test_update_from_base_with_conflicts_is_refused"),
    row(3, "first pull given for the second", GivesTheFirstPullRequest, "test_second_pull_request_of_a_branch"),
    # 4. what is absent raises
    row(4, "absent file empty", finds("read_file", File("x", b"", FileVersion("0" * 40))),
        "test_read_file_absent"),
    row(4, "one of many absent empty", ReadsManyAbsentAsEmpty, "test_read_files_absent"),
    row(4, "absent commit without files", finds("list_files", ()), "test_list_files_absent_commit"),
    row(4, "absent commit without history", finds("list_commits", ()), "test_list_commits_absent_commit"),
    row(4, "absent commit equal", finds("compare", Comparison("0" * 40, ())), "test_compare_absent_commit"),
    row(4, "absent branch found", finds("get_branch", Branch("x", "0" * 40)), "test_get_branch_absent"),
    row(4, "absent branch taken", finds("commit_changes", MADE), "test_commit_on_an_absent_branch"),
    row(4, "absent branch deleted", answers("delete_branch", lambda _: True), "test_delete_branch_absent"),
    row(4, "absent head made", MakesAnAbsentHead, "test_pull_request_of_an_absent_branch"),
    # 5. paths are kept
    row(5, "paths composed", puts(path=composed), (PATH, "cafe\u0301.md"), "test_names_that_look_alike_are_two"),
    row(5, "paths quoted", puts(path=quote), (PATH, "a file with spaces.md"), (PATH, "日本語/記事.md")),
    row(5, "paths stripped", puts(path=str.strip), (PATH, " leading and trailing .md ")),
    row(5, "paths read unquoted", ReadsUnquoted, (PATH, "percent%2Fencoded.md")),
    row(5, "paths listed composed", answers("list_files", all_of(changing(path=composed))),
        (PATH, "cafe\u0301.md")),
    row(5, "paths listed quoted", answers("list_files", all_of(changing(path=quote))), (PATH, "hash#mark.md")),
    row(5, "paths compared quoted", answers("compare", changing(files=all_of(changing(path=quote)))),
        (PATH, "question?.md")),
    # 6. content is bytes, modes survive, a symlink is one
    row(6, "content decoded", puts(content=decoded), (CONTENT, b"\xff\xfe not utf-8 \x80\x81")),
    row(6, "newlines normalised", puts(content=with_newlines), (CONTENT, b"crlf\r\nand\rcr\n")),
    row(6, "newline added", puts(content=lambda content: content.rstrip(b"\n") + b"\n"),
        (CONTENT, b"no newline at the end"), (CONTENT, b"")),
    row(6, "byte order mark dropped", puts(content=lambda content: content.removeprefix(b"\xef\xbb\xbf")),
        (CONTENT, b"\xef\xbb\xbfbyte order mark")),
    row(6, "content read decoded", answers("read_file", changing(content=decoded)),
        "test_read_file_gives_bytes_and_version"),
    row(6, "newlines of many normalised", answers("read_files", all_of(changing(content=with_newlines))),
        (CONTENT, b"crlf\r\nand\rcr\n")),
    row(6, "edited modes flat", FlattensWhatIsEdited,
        "test_executable_survives_an_edit", "test_symlink_stays_one_when_it_is_edited"),
    row(6, "moved modes flat", FlattensWhatIsMoved, "test_mode_survives_a_move"),
    row(6, "other modes flat", FlattensWhatIsBeside, "test_modes_survive_an_edit_beside_them"),
    row(6, "new modes flat", puts(mode=lambda _: Mode.FILE), "test_new_executable"),
    row(6, "listed modes flat", answers("list_files", all_of(changing(version=flat))), "test_seed_is_there"),
    row(6, "read modes flat", answers("read_file", changing(version=flat)),
        "test_read_file_gives_bytes_and_version"),
    row(6, "symlink followed", FollowsSymlinks, "test_read_file_gives_bytes_and_version"),
    row(6, "symlink among many followed", FollowsManySymlinks, "test_read_files_keeps_the_order"),
    row(6, "symlink overwritten", overwriting_where(lambda change: change.path == "latest.md"),
        "test_symlink_is_not_overwritten_by_accident"),
    row(6, "symlink written through", WritesThroughSymlinks, "test_symlink_stays_one_when_it_is_edited"),
    # 8. times are aware and in UTC, shas are full length; and a commit tells what it made
    row(8, "branch short", answers("get_branch", changing(commit_sha=short)), "test_get_branch_gives_a_full_sha"),
    row(8, "listed branch short", answers("list_branches", all_of(changing(commit_sha=short))),
        "test_list_branches_is_complete"),
    row(8, "commit short", answers("commit_changes", changing(commit_sha=short)),
        "test_commit_tells_what_it_made"),
    row(8, "parents short", answers("list_commits", all_of(changing(parent_commit_shas=all_of(short)))),
        "test_list_commits_tells_author_date_message"),
    row(8, "merge base short", answers("compare", changing(merge_base_commit_sha=short)),
        "test_compare_is_complete"),
    row(8, "merge short", answers("merge_pull_request", changing(commit_sha=short)),
        "test_merge_brings_the_changes"),
    row(8, "new pull short", answers("create_pull_request", changing(head_commit_sha=short)),
        "test_create_pull_request_tells_what_it_made"),
    row(8, "listed pull short", answers("list_pull_requests", all_of(changing(head_commit_sha=short))),
        "test_list_pull_requests_is_complete"),
    row(8, "updated branch short", answers("update_from_base", changing(commit_sha=short)),
        "test_update_from_base_brings_the_base"),
    row(8, "commit elsewhere", answers("commit_changes", changing(date=elsewhere)),
        "test_commit_tells_what_it_made"),
    row(8, "commit in local time called UTC",
        answers("commit_changes", changing(date=lambda date: date + timedelta(hours=2))),
        "test_commit_tells_what_it_made"),
    row(8, "listed commit elsewhere", answers("list_commits", all_of(changing(date=elsewhere))),
        "test_list_commits_tells_author_date_message"),
    row(8, "new pull elsewhere", answers("create_pull_request", changing(updated_at=elsewhere)),
        "test_create_pull_request_tells_what_it_made"),
    row(8, "no versions", answers("commit_changes", changing(versions=lambda _: {})),
        "test_commit_tells_what_it_made"),
    row(8, "another author", commits(lambda _, commit: attrs.evolve(commit, author=User("robot"))),
        "test_commit_tells_what_it_made", "test_list_commits_tells_author_date_message"),
    row(8, "message cut",
        commits(lambda _, commit: changing(message=lambda text: text.partition("\n")[0])(commit)),
        "test_message_is_kept_as_it_is"),
)  # fmt: skip

#: What some test of those named notices, and not each of them has to.
NOTICED_BY_SOME = (
    row(1, "files level by level",
        answers("list_files", lambda found: tuple(sorted(found, key=lambda e: (e.path.count("/"), e.path)))),
        "test_seed_is_there", "test_list_files_tells_order_size_and_version"),
    row(1, "sizes of nothing", answers("list_files", all_of(changing(size=lambda _: 0))),
        "test_seed_is_there", "test_list_files_tells_order_size_and_version"),
    row(1, "big files empty",
        answers("read_file", changing(content=lambda content: b"" if len(content) > 2**20 else content)),
        (CONTENT, BIG)),
    row(1, "branches as they were made", ListsBranchesAsMade, "test_list_branches_is_complete"),
    row(1, "merged among closed", ListsMergedAsClosed, "test_list_pull_requests_that_are_merged"),
    row(1, "none merged", ListsNoneAsMerged, "test_list_pull_requests_that_are_merged"),
    row(1, "one page of commits", answers("list_commits", lambda found: found[:3]),
        "test_list_commits_newest_first", "test_list_commits_of_many"),
    row(1, "commits by pattern", ListsCommitsByPattern,
        "test_list_commits_of_a_path", "test_list_commits_takes_a_path_and_no_pattern"),
    row(2, "first change proposed only", ProposesTheFirstChange,
        "test_propose_changes_makes_both", "test_propose_changes_makes_all_changes"),
    row(2, "new branch left by a conflict", LeavesTheNewBranch, "test_propose_changes_of_an_older_version"),
    row(2, "proposal taken back", ProposesAllOrNothing, "test_propose_changes_into_an_absent_base"),
    row(3, "conflict without versions", ConflictsWithoutVersions, "test_new_file_that_exists"),
    row(3, "any head squashed", SquashesAnyHead, "test_squash_of_a_moved_head_is_refused"),
    row(3, "squashed by overwriting", SquashesByOverwriting, "test_squash_with_conflicts_is_refused"),
    row(3, "any head closed whose branch stays", ClosesAnyHeadThatStays,
        "test_close_with_a_moved_head_that_stays_is_refused"),
    row(3, "any head updated", UpdatesAnyHead, "test_update_from_base_of_a_moved_head_is_refused"),
    row(3, "merged one closed", ClosesMergedOnes, "test_close_of_a_merged_one_is_refused"),
    row(3, "merged without deleting", MergesAndKeepsTheBranch, "test_merge_brings_the_changes"),
    row(3, "merged with another message", MergesWithItsOwnMessage,
        "test_merge_keeps_history", "test_merge_tells_the_message"),
    row(4, "branch like an absent one", FindsABranchLikeIt,
        "test_get_branch_absent", "test_get_branch_takes_a_name_and_no_prefix"),
    row(4, "absent base replaced", TakesTheDefaultBase,
        "test_pull_request_of_an_absent_branch", "test_pull_request_into_an_absent_base"),
    row(4, "absent pull labelled", LabelsNothing, "test_set_labels_of_an_absent_pull_request"),
    row(5, "paths read in any case", ReadsInAnyCase,
        "test_read_file_absent", "test_names_that_look_alike_are_two"),
    row(6, "modes of many flat", answers("read_files", all_of(changing(version=flat))),
        "test_read_files_keeps_the_order"),
    row(6, "modes told flat", answers("commit_changes", changing(versions=flat_values)),
        "test_executable_survives_an_edit", "test_mode_survives_a_move"),
    row(7, "secret in an error", TellsErrorsTheSecret, "test_secret_is_not_told"),
    row(7, "secret in an address",
        answers("get_repository", changing(clone_url=lambda _: f"https://x:{SECRET}@example.org/site.git")),
        "test_secret_is_not_told"),
    row(7, "secret in a log", LogsTheSecret, "test_secret_is_not_told"),
    row(8, "blobs short", GivesShortBlobShas,
        "test_seed_is_there", "test_list_files_tells_order_size_and_version"),
    row(8, "labelled pull short", answers("set_labels", changing(head_commit_sha=short)),
        "test_set_labels_twice_is_once", "test_pull_request_is_told_alike"),
    row(8, "labelled pull elsewhere", answers("set_labels", changing(updated_at=elsewhere)),
        "test_set_labels_twice_is_once", "test_pull_request_is_told_alike"),
    row(8, "closed pull short", answers("close_pull_request", changing(head_commit_sha=short)),
        "test_close_deletes_the_branch", "test_pull_request_is_told_alike"),
    row(8, "listed pull elsewhere", answers("list_pull_requests", all_of(changing(updated_at=elsewhere))),
        "test_list_pull_requests_is_complete"),
    row(8, "last change elsewhere",
        answers("last_changes", lambda found: {p: changing(date=elsewhere)(c) for p, c in found.items()}),
        "test_last_changes_of_many_paths"),
    row(8, "no versions of moves", TellsNoVersionOfMoves,
        "test_commit_makes_all_changes_in_one", "test_mode_survives_a_move"),
)  # fmt: skip

#: Which test notices that an operation answers None. Every operation that the local backend has is here.
NONE = {
    "authenticate": "test_authenticate_answers",
    "get_repository": "test_get_repository_tells_the_default_branch",
    "get_branch": "test_get_branch_gives_a_full_sha",
    "list_branches": "test_list_branches_without_any",
    "delete_branch": "test_delete_branch_absent",
    "list_files": "test_list_files_absent_folder_is_empty",
    "read_file": "test_read_file_gives_bytes_and_version",
    "read_files": "test_read_files_keeps_the_order",
    "list_commits": "test_list_commits_newest_first",
    "last_changes": "test_last_changes_of_many_paths",
    "compare": "test_compare_of_equals_is_empty",
    "commit_changes": "test_commit_on_a_new_branch",
    "download_objects": "test_large_files_come_back",
    "upload_objects": "test_large_files_come_back",
    "propose_changes": "test_propose_changes_makes_both",
    "create_pull_request": "test_create_pull_request_tells_what_it_made",
    "list_pull_requests": "test_list_pull_requests_by_state_base_and_head",
    "list_changed_files": "test_list_changed_files_is_complete",
    "set_labels": "test_set_labels_twice_is_once",
    "merge_pull_request": "test_merge_may_keep_the_branch",
    "close_pull_request": "test_close_may_keep_the_branch",
    "update_from_base": "test_update_from_base_without_news",
    "repair": "test_repair_of_a_healthy_repository_does_nothing",
}


# -- every broken promise -----------------------------------------------------------------------------


def in_words(call: tuple[object, ...]) -> str:
    return str(call[0]).removeprefix("test_") + "".join(f"({ascii(given)[:24]})" for given in call[1:])


CALLS = [
    *(call for each in NOTICED for call in each.calls),
    *(call for each in NOTICED_BY_SOME for call in each.calls),
    *((name,) for name in NONE.values()),
]


@pytest.mark.parametrize("call", [pytest.param(call, id=in_words(call)) for call in dict.fromkeys(CALLS)])
def test_passes_without_sabotage(bare, run, call):
    with opened(bare) as repository:
        run(repository, *call)


@pytest.mark.parametrize(
    ("sabotage", "call"),
    [
        pytest.param(each.sabotage, call, id=f"{each.promise}: {each.what} - {in_words(call)}")
        for each in NOTICED
        for call in each.calls
    ],
)
def test_broken_promise_is_noticed(bare, run, sabotage, call):
    assert is_in_suite(*call)
    with opened(bare, sabotage) as repository, pytest.raises(NOTICING):
        run(repository, *call)


@pytest.mark.parametrize(
    ("sabotage", "calls"),
    [pytest.param(each.sabotage, each.calls, id=f"{each.promise}: {each.what}") for each in NOTICED_BY_SOME],
)
def test_broken_promise_is_noticed_by_some(seeded, tmp_path, run, sabotage, calls):
    noticed = []
    for number, call in enumerate(calls):
        assert is_in_suite(*call), call
        path = shutil.copytree(seeded, tmp_path / str(number))
        with opened(path, sabotage) as repository:
            try:
                run(repository, *call)
            except NOTICING:
                noticed.append(call)
    assert noticed


@pytest.mark.parametrize("operation", NONE)
def test_none_is_noticed(bare, run, operation):
    sabotage = answers(operation, lambda _: None)
    with opened(bare, sabotage) as repository, pytest.raises(NOTICING):
        run(repository, NONE[operation])


def test_none_is_tried_for_every_operation():
    assert set(NONE) == set(OPERATIONS) - Suite.unsupported


@pytest.mark.parametrize(
    "sabotage",
    [
        answers("commit_changes", changing(date=lambda date: date.replace(tzinfo=None))),
        answers("list_commits", all_of(changing(date=lambda date: date.replace(tzinfo=None)))),
        answers("create_pull_request", changing(updated_at=lambda date: date.replace(tzinfo=None))),
    ],
    ids=["commit", "listed commit", "pull request"],
)
def test_naive_time_cannot_be_told(bare, run, sabotage):
    """The models refuse it before the suite sees it."""
    with opened(bare, sabotage) as repository:
        steps = Steps(repository)
        with pytest.raises(ValueError, match="naive datetime; times are aware and in UTC"):
            repository.list_commits(steps.pull_request("topic", Put("new.md", b"new")).head_commit_sha)


# -- the backend as a plugin --------------------------------------------------------------------------


class WithADefault(LocalBackend):
    @hookimpl
    def get_branch(self, name, known_commit_sha=""):
        return LocalBackend.get_branch(self, name)


class WithADefaultOfItsOwn(LocalBackend):
    @hookimpl
    def get_branch(self, name, cached=True):
        return LocalBackend.get_branch(self, name)


class WithAKeyword(LocalBackend):
    @hookimpl
    def get_branch(self, *, name):
        return LocalBackend.get_branch(self, name)


class WithoutTheMark(LocalBackend):
    def get_branch(self, name):
        return LocalBackend.get_branch(self, name)


class DerivingNone(LocalBackend):
    """What the core derives comes after it and hides the None."""

    @hookimpl
    def read_files(self):
        return None


class Showing(LocalBackend):
    def __repr__(self):
        return f"Showing(token={SECRET!r})"


@attrs.frozen(kw_only=True)
class LeakyOptions(LocalOptions):
    token: str = ""


SIGNATURE = "test_hookimpls_have_the_signature_of_the_contract"


@pytest.mark.parametrize(
    ("backend", "name", "says"),
    [
        (WithADefault, SIGNATURE, "'known_commit_sha' has a default"),
        (WithADefaultOfItsOwn, SIGNATURE, "the contract has no 'cached'"),
        (WithAKeyword, SIGNATURE, "get_branch: 'name'"),
        (WithoutTheMark, "test_operations_are_marked", "WithoutTheMark.get_branch lacks @hookimpl"),
        (DerivingNone, "test_own_derived_operations_answer", "read_files answered None"),
        (Showing, "test_secret_is_not_shown", None),
    ],
)
def test_backend_that_does_not_fit_is_noticed(bare, run, backend, name, says):
    with opened_by(LocalBackend, bare) as repository:
        run(repository, name)
    with opened_by(backend, bare) as repository, pytest.raises(AssertionError, match=says):
        run(repository, name)


def test_secret_in_the_options_is_noticed(bare, run):
    with opened_by(LocalBackend, bare, token=SECRET) as repository, pytest.raises(AssertionError):
        run(repository, "test_secret_is_not_shown")


# -- the subclass as an honest one --------------------------------------------------------------------


def suite(**attributes: object) -> type[BackendSuite]:
    return type("TestForge", (Suite,), attributes)


def another(*marks: pytest.MarkDecorator) -> Callable:
    """A test to stand in the place of one of the suite."""

    def other_test(self):
        pass

    for mark in marks:
        other_test = mark(other_test)
    return other_test


UNSUPPORTED_TEST, OVERRIDDEN_TEST = (
    "test_unsupported_is_what_is_missing",
    "test_nothing_of_the_suite_is_overridden",
)


@pytest.mark.parametrize(
    ("name", "subclass"),
    [
        (UNSUPPORTED_TEST, suite(unsupported=Suite.unsupported | {"list_commits"})),
        (UNSUPPORTED_TEST, suite(unsupported=Suite.unsupported - {"list_checks"})),
        ("test_list_checks_without_any", suite(unsupported=Suite.unsupported - {"list_checks"})),
        (UNSUPPORTED_TEST, suite(unsupported=Suite.unsupported | {"list_cheques"})),
        (OVERRIDDEN_TEST, suite(test_seed_is_there=another())),
        (OVERRIDDEN_TEST, suite(test_seed_is_there=another(pytest.mark.xfail))),
        (OVERRIDDEN_TEST, suite(test_seed_is_there=another(pytest.mark.xfail(reason="")))),
        (OVERRIDDEN_TEST, suite(test_seed_is_there=another(pytest.mark.skip(reason="later")))),
        (OVERRIDDEN_TEST, suite(test_seed_is_there=None)),
        ("test_list_files_of_many", suite(many=0)),
    ],
    ids=[
        "declared but implemented",
        "missing but undeclared",
        "missing but undeclared, when called",
        "no operation declared",
        "overridden",
        "overridden with a bare xfail",
        "overridden with an xfail without reason",
        "overridden with a skip",
        "deleted",
        "many of nothing",
    ],
)
def test_dishonest_subclass_is_noticed(bare, run, name, subclass):
    with opened(bare) as repository, pytest.raises(NOTICING):
        run(repository, name, suite=subclass)


def test_xfail_with_a_reason_is_accepted(bare, run):
    excused = suite(test_seed_is_there=another(pytest.mark.xfail(reason="the forge adds a file")))
    with opened(bare) as repository:
        run(repository, OVERRIDDEN_TEST, suite=excused)


def test_skip_on_a_test_of_the_suite_is_noticed(bare, run, monkeypatch):
    """What ``test_seed_is_there = pytest.mark.skip(BackendSuite.test_seed_is_there)`` does in a subclass."""
    monkeypatch.setattr(BackendSuite.test_seed_is_there, "pytestmark", [], raising=False)
    skipped = pytest.mark.skip(reason="later")(BackendSuite.test_seed_is_there)
    with opened(bare) as repository, pytest.raises(NOTICING):
        run(repository, OVERRIDDEN_TEST, suite=suite(test_seed_is_there=skipped))


@pytest.mark.parametrize("name", ["test_list_commits_newest_first", "test_merge_keeps_history"])
def test_declared_as_missing_is_skipped(bare, run, name):
    declared = suite(unsupported=Suite.unsupported | {"list_commits"})
    with (
        opened(bare) as repository,
        pytest.raises(pytest.skip.Exception, match="declares list_commits unsupported"),
    ):
        run(repository, name, suite=declared)


def test_exactly_what_is_declared_is_skipped(bare):
    """Whatever is asked for, and by its name alone."""
    skipped = set()
    with opened(bare) as repository:
        declared = Declared(repository, Suite.unsupported)
        for name in [*OPERATIONS, "base_branch", "operations", "backend"]:
            try:
                getattr(declared, name)
            except pytest.skip.Exception:
                skipped.add(name)
    assert skipped == Suite.unsupported


def test_secret_that_is_not_named_is_skipped(bare, run):
    """A backend that was opened without a credential has none to hide."""
    with opened(bare) as repository, pytest.raises(pytest.skip.Exception):
        run(repository, "test_secret_is_not_shown", suite=suite(secret=""))


def test_suite_without_a_fixture_is_noticed(pytester):
    pytester.makepyfile(
        """
        from copydesk.testing import BackendSuite

        class TestForge(BackendSuite):
            pass
        """
    )
    result = pytester.runpytest_inprocess("-k", "test_seed_is_there", "-p", "no:hypothesispytest")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*the suite needs a fixture 'repository'*exactly SEED*"])


# -- the repository as the seed -----------------------------------------------------------------------


def another_mode(steps: Steps) -> None:
    steps.commit(Delete("bin/build.sh", steps.version("bin/build.sh")))
    steps.commit(Put("bin/build.sh", SEED[1].content))


def closed_pull_request(steps: Steps) -> None:
    steps.repo.close_pull_request(steps.pull_request("topic", Put("new.md", b"new")))


SEEDED, CONTENT_OF_SEED = "test_seed_is_there", "test_read_file_gives_bytes_and_version"


@pytest.mark.parametrize(
    ("name", "spoil"),
    [
        (SEEDED, lambda steps: steps.commit(Put("more.md", b"more"))),
        (SEEDED, lambda steps: steps.commit(Delete("empty.txt", steps.version("empty.txt")))),
        (SEEDED, another_mode),
        (SEEDED, lambda steps: steps.branch("topic", Put("new.md", b"new"))),
        (SEEDED, closed_pull_request),
        (CONTENT_OF_SEED, lambda steps: steps.commit(Put("empty.txt", b"x", steps.version("empty.txt")))),
    ],
    ids=[
        "a file more",
        "a file less",
        "another mode",
        "a branch more",
        "a closed pull request",
        "other bytes",
    ],
)
def test_repository_that_is_not_the_seed_is_noticed(bare, run, name, spoil):
    with opened(bare) as repository:
        run(repository, name)
        spoil(Steps(repository))
        with pytest.raises(AssertionError):
            run(repository, name)


def test_seed_with_a_history_is_noticed(bare, run):
    with opened(bare) as repository:
        steps = Steps(repository)
        made = steps.commit(Put("more.md", b"more"))
        steps.commit(Delete("more.md", made.versions["more.md"]))
        with pytest.raises(AssertionError):
            run(repository, "test_list_commits_newest_first")
