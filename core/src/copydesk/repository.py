"""Opening a repository, and the typed facade over its backend."""

from __future__ import annotations

import contextlib
import fnmatch
import itertools
import os
import random
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, ParamSpec, Self, TypeVar, cast

import pluggy

from copydesk._defaults import CoreDefaults
from copydesk._guard import make_guard
from copydesk.changes import carry_over, check_commit, check_commit_sha, overwritten_versions
from copydesk.config import SiteConfig
from copydesk.errors import (
    BackendLoadError,
    ConfigError,
    ConflictError,
    CopydeskError,
    NotFoundError,
    NotSupportedError,
    ProtocolError,
    UnavailableError,
)
from copydesk.hookspecs import DERIVED, OPERATIONS, BackendHooks
from copydesk.lfs import LargeFiles, is_pointer
from copydesk.models import (
    Access,
    Branch,
    ChangedFile,
    Check,
    Commit,
    Comparison,
    Credential,
    Delete,
    File,
    FileVersion,
    Merge,
    Move,
    NewCommit,
    NewPullRequest,
    Proposal,
    PullRequest,
    RepositoryInfo,
    TreeEntry,
)
from copydesk.options import BackendOptions, build_options
from copydesk.outcomes import Outcomes
from copydesk.paths import check_branch, check_folder, check_path
from copydesk.pool import WORKERS, ReadPool
from copydesk.reading import Progress, Reader
from copydesk.registry import InstalledBackend, load_backend, load_extension
from copydesk.snapshot import Snapshots, Tree
from copydesk.ways import Way

if TYPE_CHECKING:
    from copydesk.auth import CredentialSource
    from copydesk.http import HttpClient, HttpSettings
    from copydesk.lfs import LfsServer, Place, Pointer
    from copydesk.store import BlobStore

__all__ = ["Repository", "open_repository"]

#: How long a commit on a branch that others move is tried again before the conflict is raised.
RETRY_SECONDS: Final = 60.0
#: How many large files are got at once.
_POINTERS: Final = 20
_STATES: Final = ("open", "closed", "merged", "all")
_METHODS: Final = ("merge", "squash")

P = ParamSpec("P")
R = TypeVar("R")


def open_repository(
    source: str | Mapping[str, object] | SiteConfig,
    /,
    *,
    extensions: Iterable[str | object] = (),
    credential: str | Credential | CredentialSource | None = None,
    http: HttpSettings | None = None,
    **options: object,
) -> Repository:
    """Open one repository on one forge.

    :param source: the name of a backend, the ``backend:`` mapping of a configuration, or a whole
        :class:`~copydesk.config.SiteConfig`.
    :param extensions: objects with hook wrappers for this repository, or names of installed ones; the last one is
        the outermost.
    :param credential: the token, or what gives one; None: that of the environment, then that of a login.
    :param http: how requests are sent, where the defaults do not fit.
    :param options: options of the backend; they win over those of *source*.
    :raises BackendNotFoundError: no installed distribution brings the backend, or an extension that was named.
    :raises BackendLoadError: it is there but does not fit.
    :raises ConfigError: an option is unknown, missing or wrong.
    :raises AuthenticationError: the backend needs a credential and there is none.
    """
    from copydesk.http import Connector, HttpSettings  # what only lists backends needs none of it

    name, given = _named(source)
    factory, origin = load_backend(name)
    if isinstance(source, SiteConfig):
        given = source.options_for(factory.options)
    typed = build_options(origin.name, factory.options, {**given, **options})
    settings = http or HttpSettings()
    connect = Connector(origin.name, credential, settings, factory.flows(typed), typed.login_root)
    opened = factory.open(typed, connect)
    backends = opened if isinstance(opened, tuple) else (opened,)
    repository = Repository(
        origin,
        typed,
        backends,
        tuple(load_extension(each) if isinstance(each, str) else each for each in extensions),
        sleep=settings.sleep,
        workers=connect.workers or WORKERS,
        # What is on this computer need not be kept on it a second time.
        store=_store(typed) if connect.workers is not None else None,
        require=connect.require,
        connect=connect.for_git,
        on_close=connect.close,
    )
    if not repository.own_operations:
        raise BackendLoadError(
            f"backend {origin.name!r} ({origin.origin}) opened {opened!r}, which implements no operation; "
            "tell its author",
            name=origin.name,
            distribution=origin.origin,
        )
    return repository


def _store(options: BackendOptions) -> BlobStore | None:
    """Give the store of this computer, None where the options or the environment want none."""
    if not options.cache:
        return None
    from copydesk.store import BlobStore, default_folder  # brings sqlite3

    folder = default_folder(os.environ)
    return BlobStore(folder) if folder is not None else None


def _named(source: str | Mapping[str, object] | SiteConfig) -> tuple[str, Mapping[str, object]]:
    if isinstance(source, SiteConfig):
        return source.backend, {}  # its options: when the class of the backend is known
    if isinstance(source, str):
        return source, {}
    rest = dict(source)
    name = rest.pop("name", None)
    if not isinstance(name, str) or not name:
        raise ConfigError("the backend mapping needs a 'name', such as 'github'", key="name")
    return name, rest


class Repository:
    """One open repository: every operation of the contract, typed, checked and safe to call from threads.

    Writes run one at a time, in a queue; reads that are made of parts run in a bounded pool. A commit on a
    branch that somebody else moved is tried again where none of its paths was touched. Close it, or use it as
    a context manager.
    """

    def __init__(
        self,
        origin: InstalledBackend,
        options: BackendOptions,
        backends: tuple[object, ...],
        extensions: tuple[object, ...] = (),
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        workers: int = WORKERS,
        store: BlobStore | None = None,
        require: Callable[[int], None] = lambda _: None,
        connect: Callable[..., HttpClient] | None = None,
        on_close: Callable[[], None] = lambda: None,
    ) -> None:
        self.origin = origin
        self.options = options
        self._clock = clock
        self._sleep = sleep
        self._on_close = on_close
        self._pool = ReadPool(workers)
        self._writing = threading.Lock()
        self._info: RepositoryInfo | None = None
        self._plugins = _plugins(origin, backends, extensions)
        # The one cast of the core: the Protocol is what `add_hookspecs` read, so it is the type of the relay.
        self._hooks = cast("BackendHooks", self._plugins.hook)
        self._store = store
        self._snapshots = Snapshots(self._ask_files, self._ask_comparison, store=store)
        self._connect = connect
        self._objects: LfsServer | None = None
        self._reader = Reader(
            self._run, self._hooks, self._pool, self._snapshots, store, self._reads_many, require, clock
        )
        defaults = CoreDefaults(self._hooks, self._pool, self._reader.asked, self._find_objects)
        self._large = LargeFiles(
            self._snapshots.nearest, self._read_plainly, self.download_objects, self.upload_objects
        )
        self._plugins.register(defaults, name="copydesk")
        self._plugins.register(make_guard(origin.name, origin.origin), name="guard")
        self._backends = backends
        self._heads: dict[str, str] = {}
        self._answerable = frozenset(name for name in OPERATIONS if self._has_answer(name))
        self._outcomes = Outcomes(
            self._hooks, self._snapshots, "list_commits" in self._answerable, self._back_off
        )

    def __repr__(self) -> str:
        """Name the backend and count its operations; options may hold what nobody should see."""
        return f"<Repository {self.backend!r}, {len(self.operations)} operations>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the threads and let the backend go; a second call does nothing."""
        self._pool.close()
        if self._store is not None:
            self._store.close()
        for plugin in self._plugins.get_plugins():
            self._plugins.unregister(plugin)
        self._answerable = frozenset()
        self._backends = ()
        self._on_close()

    # -- what it is -----------------------------------------------------------------------------------

    @property
    def backend(self) -> str:
        """The name of the backend."""
        return self.origin.name

    @property
    def backends(self) -> tuple[object, ...]:
        """The objects behind it, the first to be asked first."""
        return self._backends

    @property
    def operations(self) -> frozenset[str]:
        """What the backend can do: its hookimpls, and what the core derives from them."""
        own = self.own_operations
        return own | {name for name, sources in DERIVED.items() if own.issuperset(sources)}

    @property
    def own_operations(self) -> frozenset[str]:
        """What the backend itself implements."""
        callers = (self._plugins.get_hookcallers(backend) or [] for backend in self._backends)
        return frozenset(caller.name for caller in itertools.chain.from_iterable(callers))

    @property
    def remembers(self) -> bool:
        """Whether trees and comparisons that were seen are kept; without it the backend is asked each time."""
        return self._snapshots.enabled

    @remembers.setter
    def remembers(self, value: bool) -> None:
        self._snapshots.enabled = value

    @property
    def keeps(self) -> bool:
        """Whether what is read is kept on this computer for the next time."""
        return self._store is not None

    @property
    def base_branch(self) -> str:
        """The branch with the published content: the option ``branch``, else the repository's default."""
        if self.options.branch:
            return self.options.branch
        return self._described().default_branch

    def _described(self) -> RepositoryInfo:
        """Give what the forge says of the repository, asked for once."""
        if self._info is None:
            self._info = self.get_repository()
        return self._info

    def map_reads(self, function: Callable[[Any], R], items: Iterable[Any]) -> tuple[R, ...]:
        """Call *function*, which reads from this repository, for each item in the bounded pool."""
        return self._pool.map(function, items)

    # -- auth -----------------------------------------------------------------------------------------

    def authenticate(self) -> Access:
        """Tell whose credential this is; see :meth:`.BackendHooks.authenticate`."""
        return self._run(self._hooks.authenticate)

    # -- files ----------------------------------------------------------------------------------------

    def get_repository(self) -> RepositoryInfo:
        """Describe the repository; see :meth:`.BackendHooks.get_repository`."""
        return self._run(self._hooks.get_repository)

    def get_branch(self, name: str, known_commit_sha: str = "") -> Branch:
        """Find the head of a branch; see :meth:`.BackendHooks.get_branch`."""
        check_branch(name)
        branch = self._run(
            self._hooks.get_branch, name=name, known_commit_sha=known_commit_sha or self._known_head(name)
        )
        self._heads[name] = branch.commit_sha
        return branch

    def _known_head(self, branch: str) -> str:
        """Give where a branch was when it was asked for, or read; "" if never."""
        if not self.remembers:
            return ""
        return self._heads.get(branch) or self._reader.kept_head(self._place(branch))

    def _place(self, branch: str) -> str:
        """Name a branch of this repository among all that the store knows."""
        repo = getattr(self.options, "repo", "")
        return f"{self.backend} {self.options.login_root} {repo} {branch}"

    def list_branches(self, prefix: str = "") -> tuple[Branch, ...]:
        """List branches; see :meth:`.BackendHooks.list_branches`."""
        return self._run(self._hooks.list_branches, prefix=prefix)

    def delete_branch(self, name: str, head_commit_sha: str) -> bool:
        """Delete a branch; see :meth:`.BackendHooks.delete_branch`."""
        check_branch(name)
        check_commit_sha(head_commit_sha)
        return self._settled(
            lambda: self._run(self._hooks.delete_branch, name=name, head_commit_sha=head_commit_sha),
            lambda: self._outcomes.deletion(name),
        )

    def list_files(self, commit_sha: str, folder: str = "") -> tuple[TreeEntry, ...]:
        """List files; see :meth:`.BackendHooks.list_files`."""
        check_commit_sha(commit_sha)
        check_folder(folder)
        return self._snapshots.list_files(commit_sha, folder)

    def _ask_files(self, commit_sha: str, folder: str) -> tuple[TreeEntry, ...]:
        return self._run(self._hooks.list_files, commit_sha=commit_sha, folder=folder)

    def read_file(self, commit_sha: str, path: str, version: FileVersion | None = None) -> File:
        """Read one file; see :meth:`.BackendHooks.read_file`."""
        check_commit_sha(commit_sha)
        check_path(path)
        kept = self._reader.kept((TreeEntry(path, None, version),)) if version is not None else {}
        file = kept.get(path) or self._run(
            self._hooks.read_file, commit_sha=commit_sha, path=path, version=version
        )
        if not kept:
            self._learn((file,))
        return self._large.restored(commit_sha, (file,))[0]

    def read_files(self, commit_sha: str, entries: Iterable[TreeEntry]) -> tuple[File, ...]:
        """Read many files; see :meth:`.BackendHooks.read_files`."""
        check_commit_sha(commit_sha)
        asked = tuple(entries)
        kept = self._reader.kept(asked)
        rest = tuple(entry for entry in asked if entry.path not in kept) if kept else asked
        files = self._run(self._hooks.read_files, commit_sha=commit_sha, entries=rest)
        if len(files) != len(rest):
            raise ProtocolError(
                f"the {self.backend} backend ({self.origin.origin}) gave {len(files)} of {len(rest)} files; "
                "this is a bug in it, tell its author"
            )
        if self._reads_many():
            self._learn(files)  # what the core reads, it keeps
        if kept:
            kept |= {file.path: file for file in files}
            files = tuple(kept[entry.path] for entry in asked)
        return self._large.restored(commit_sha, files)

    def _learn(self, files: tuple[File, ...]) -> None:
        """Keep what was read."""
        self._snapshots.told(files)
        self._reader.keep(files)

    def list_ways(self) -> tuple[Way, ...]:
        """Name the ways to read many files; see :meth:`.BackendHooks.list_ways`."""
        return self._run(self._hooks.list_ways)

    def read_all(
        self,
        folder: str = "",
        pattern: str | Callable[[str], bool] = "",
        *,
        commit_sha: str = "",
        progress: Callable[[Progress], None] | None = None,
    ) -> Generator[File, None, None]:
        """Read every file below a folder, each as soon as it is here, in the order in which they come.

        Memory holds a few files at a time. Who stops taking them ends the requests.

        :param folder: "" for the whole repository.
        :param pattern: which ones, by a shell's pattern for the path below *folder*, such as ``*.md``; its ``*``
            matches slashes too. "" for all. Or a function that is asked with each whole path.
        :param commit_sha: the commit to read at; "" for the published content as it is now.
        :param progress: is told how far it is after each file.
        :raises NotFoundError: there is no such commit.
        """
        check_folder(folder)
        if commit_sha:
            check_commit_sha(commit_sha)
        return self._all(folder, _wanted(folder, pattern), commit_sha, progress)

    def _all(
        self,
        folder: str,
        wanted: Callable[[str], bool],
        commit_sha: str,
        progress: Callable[[Progress], None] | None,
    ) -> Generator[File, None, None]:
        at = commit_sha or self._read_head(folder)
        base = self.options.branch or (self._info.default_branch if self._info else "")
        place = self._place(base) if self._heads.get(base) == at else ""
        total: int | None = None

        def counted() -> Iterator[File]:
            nonlocal total
            for file, known in found:
                total = known
                yield file

        done = Progress(0, 0, None)
        with contextlib.closing(self._reader.below(at, folder, wanted, place)) as found:
            for file in self._restored(at, counted()):
                yield file
                if progress is not None:
                    done = Progress(done.files + 1, done.size + len(file.content), total)
                    progress(done)

    def _read_head(self, folder: str) -> str:
        """Give the head of the base branch as it is now, by beginning to read it where nothing of it is known."""
        base = self.base_branch
        found = "" if self._known_head(base) else self._reader.head(base, folder)
        if not found:
            return self.get_branch(base).commit_sha
        self._heads[base] = found
        return found

    def _restored(self, commit_sha: str, files: Iterable[File]) -> Iterator[File]:
        """Give files with their objects in the place of pointers; these are gathered, some at a time."""
        pointers: list[File] = []
        for file in files:
            if not is_pointer(file):
                yield file
                continue
            pointers.append(file)
            if len(pointers) == _POINTERS:
                yield from self._large.restored(commit_sha, tuple(pointers))
                pointers.clear()
        yield from self._large.restored(commit_sha, tuple(pointers))

    def read_folder(self, commit_sha: str, folder: str = "") -> tuple[File, ...]:
        """Read every file below a folder, in order of path; :meth:`read_all` gives each when it comes."""
        check_commit_sha(commit_sha)
        files = self.read_all(folder, commit_sha=commit_sha)
        return tuple(sorted(files, key=lambda file: file.path))

    def read_each(self, paths: Mapping[str, Iterable[str]]) -> Iterator[tuple[str, tuple[File, ...]]]:
        """Read some files at each of several commits; what is not there is left out.

        Where the forge lets git's protocol read, the trees and files of all commits come in one request.

        :param paths: the paths of each commit.
        :returns: commit and files, in the order of *paths*.
        """
        asked = {check_commit_sha(each): frozenset(map(check_path, wanted)) for each, wanted in paths.items()}
        for commit_sha, files in self._reader.each(asked, self._known_head(self.base_branch)):
            yield commit_sha, self._large.restored(commit_sha, files)

    def _reads_many(self) -> bool:
        """Whether a backend or an extension reads many files itself."""
        caller: pluggy.HookCaller = self._plugins.hook.read_files
        return any(impl.plugin_name != "copydesk" and not impl.wrapper for impl in caller.get_hookimpls())

    def list_commits(self, commit_sha: str, path: str = "", limit: int = 100) -> tuple[Commit, ...]:
        """List commits; see :meth:`.BackendHooks.list_commits`."""
        check_commit_sha(commit_sha)
        check_folder(path)
        return self._run(self._hooks.list_commits, commit_sha=commit_sha, path=path, limit=limit)

    def last_changes(self, commit_sha: str, paths: Iterable[str]) -> Mapping[str, Commit]:
        """Find the last commit of each path; see :meth:`.BackendHooks.last_changes`."""
        check_commit_sha(commit_sha)
        if "last_changes" not in self._answerable:
            raise self._refusal("last_changes")
        tree = self._snapshots.tree(commit_sha)
        asked = tuple(path for path in paths if tree.find(check_path(path)) is not None)
        return self._run(self._hooks.last_changes, commit_sha=commit_sha, paths=asked)

    def compare(self, base_commit_sha: str, head_commit_sha: str) -> Comparison:
        """Tell what the head changed; see :meth:`.BackendHooks.compare`."""
        check_commit_sha(base_commit_sha)
        check_commit_sha(head_commit_sha)
        return self._snapshots.compare(base_commit_sha, head_commit_sha)

    def _ask_comparison(self, base: str, head: str) -> Comparison:
        return self._run(self._hooks.compare, base_commit_sha=base, head_commit_sha=head)

    def commit_changes(self, commit: NewCommit) -> Commit:
        """Make one commit; see :meth:`.BackendHooks.commit_changes`.

        If the branch is no longer at the parent and nobody touched the paths of this commit since, it is made
        on the new head.

        :raises ConflictError: somebody touched them; *paths* and *versions* say what; nothing was written. Where
            the forge checks each file before it writes, somebody may have come in between: then the commit is
            made, *committed* says so, and *lost* has the versions that it replaced.
        """
        check_commit(commit)
        commit = self._snapshots.with_last_commits(self._stored(commit))
        with self._writing:
            deadline = self._clock() + RETRY_SECONDS
            for attempt in itertools.count():
                try:
                    return self._checked(commit, self._made(commit, self._attempted(commit)))
                except ConflictError as exc:
                    if exc.committed or commit.creates_branch or self._clock() > deadline:
                        raise
                    commit = self._moved(commit, exc)
                # Others got in between: step out of their way, a little longer each time.
                self._step_aside(attempt)
        raise AssertionError  # unreachable: the loop returns or raises

    def _attempted(self, commit: NewCommit) -> Commit:
        return self._outcomes.settle(
            partial(self._run, self._hooks.commit_changes, commit=commit, tree=self._tree(commit)),
            partial(self._outcomes.commit, commit),
        )

    def _checked(self, commit: NewCommit, made: Commit) -> Commit:
        """Report what a commit replaced unseen: its parent tells whether somebody got in between.

        :raises ConflictError: *committed*, with the versions in *lost*.
        """
        parent = made.parent_commit_shas[0] if made.parent_commit_shas else commit.parent_commit_sha
        if parent == commit.parent_commit_sha:
            return made
        try:
            lost = overwritten_versions(commit, self.compare(commit.parent_commit_sha, parent))
        except CopydeskError as exc:
            raise ConflictError(
                f"branch {commit.branch!r} moved while commit {made.commit_sha[:12]} was made on it, and what "
                f"came in between cannot be seen ({exc}); compare it with its parent {parent[:12]} first",
                branch=commit.branch,
                head_commit_sha=made.commit_sha,
                committed=True,
            ) from exc
        if not lost:
            return made
        raise ConflictError(
            f"somebody else changed {', '.join(map(repr, sorted(lost)))} on branch {commit.branch!r} in the "
            f"moment in which commit {made.commit_sha[:12]} replaced it; their version is in commit "
            f"{parent[:12]}: read it there, merge it into yours and save again",
            branch=commit.branch,
            paths=sorted(lost),
            versions={path: made.versions.get(path) for path in lost},
            head_commit_sha=made.commit_sha,
            committed=True,
            lost=lost,
        )

    def _back_off(self, attempt: int) -> None:
        """Wait for a forge that has trouble."""
        self._sleep(random.uniform(0, 0.5 * 2**attempt))  # noqa: S311 - not a secret

    def _step_aside(self, attempt: int) -> None:
        self._sleep(random.uniform(0, min(0.5, 0.002 * 2**attempt)))  # noqa: S311 - not a secret

    def _tree(self, commit: NewCommit) -> Tree:
        return self._snapshots.tree(commit.parent_commit_sha)

    def _made(self, commit: NewCommit, made: Commit) -> Commit:
        """Learn from a commit, so that nothing of it is asked again; a rehearsal makes none."""
        if self.remembers and made.commit_sha.strip("0"):
            self._snapshots.committed(commit, made)
            self._reader.keep(_written(commit, made))
            self._heads[commit.branch] = made.commit_sha
        return made

    def _moved(self, commit: NewCommit, conflict: ConflictError) -> NewCommit:
        """Give the commit on the branch's new head, or raise if its paths were touched."""
        head = self.get_branch(commit.branch).commit_sha
        if head == commit.parent_commit_sha:
            raise conflict
        try:
            comparison = self.compare(commit.parent_commit_sha, head)
        except NotFoundError:  # nothing in common with what it was
            comparison = Comparison("", ())
        return carry_over(commit, head, comparison)

    # -- large files ----------------------------------------------------------------------------------

    def download_objects(self, pointers: Mapping[str, Pointer]) -> Mapping[str, bytes]:
        """Give the large files of pointers, by path; see :meth:`.BackendHooks.download_objects`."""
        return self._run(self._hooks.download_objects, pointers=pointers)

    def upload_objects(self, contents: Mapping[str, bytes]) -> Mapping[str, Pointer]:
        """Store large files, by path; see :meth:`.BackendHooks.upload_objects`."""
        return self._run(self._hooks.upload_objects, contents=contents)

    def _stored(self, commit: NewCommit) -> NewCommit:
        """Give a commit of pointers, with what is LFS's uploaded; a backend that lists nothing has no LFS."""
        return self._large.stored(commit) if "list_files" in self._answerable else commit

    def _read_plainly(self, commit_sha: str, entry: TreeEntry) -> File:
        """Read a file as git has it."""
        kept = self._reader.kept((entry,))
        return kept.get(entry.path) or self._run(
            self._hooks.read_file, commit_sha=commit_sha, path=entry.path, version=entry.version
        )

    def _find_objects(self) -> LfsServer:
        """Find the LFS server, once: the configuration, ``.lfsconfig`` or the forge names it."""
        if self._objects is None:
            from copydesk.lfs import LfsServer  # brings requests, which most sites on disk do not need

            place = self._place_of_objects()
            if self._connect is None:
                raise NotSupportedError(
                    f"the {self.backend} backend has no way to the LFS server {place.address}"
                )
            client = self._connect(place.address, trusted=place.trusted)
            plain = self._connect(place.address, trusted=False)
            self._objects = LfsServer(client, plain, self._pool.map)
        return self._objects

    def _place_of_objects(self) -> Place:
        from copydesk.lfs import LFS_CONFIG, Place, find_place  # as above

        configured = self.options.lfs_address
        if configured:
            return Place(configured, trusted=True)
        tree = self._snapshots.nearest(self.get_branch(self.base_branch).commit_sha)
        entry = tree.find(LFS_CONFIG)
        config = self._read_plainly(tree.commit_sha, entry).content if entry is not None else None
        return find_place(config, self._described().lfs_url)

    # -- pull requests --------------------------------------------------------------------------------

    def propose_changes(self, commit: NewCommit, pull_request: NewPullRequest) -> Proposal:
        """Commit on a new branch and open its pull request; see :meth:`.BackendHooks.propose_changes`."""
        check_commit(commit)
        check_branch(pull_request.base)
        commit = self._stored(commit)
        proposal = self._settled(
            lambda: self._run(
                self._hooks.propose_changes, commit=commit, pull_request=pull_request, tree=self._tree(commit)
            ),
            lambda: self._outcomes.proposal(commit, pull_request),
        )
        self._made(commit, proposal.commit)
        return proposal

    def create_pull_request(self, pull_request: NewPullRequest) -> PullRequest:
        """Open a pull request; see :meth:`.BackendHooks.create_pull_request`."""
        check_branch(pull_request.head)
        check_branch(pull_request.base)
        return self._settled(
            lambda: self._run(self._hooks.create_pull_request, pull_request=pull_request),
            lambda: self._outcomes.pull_request(pull_request),
        )

    def list_pull_requests(
        self, state: str = "open", base: str = "", head: str = ""
    ) -> tuple[PullRequest, ...]:
        """List pull requests; see :meth:`.BackendHooks.list_pull_requests`."""
        _check_word("state", state, _STATES)
        return self._run(self._hooks.list_pull_requests, state=state, base=base, head=head)

    def list_changed_files(self, pull_request: PullRequest) -> tuple[ChangedFile, ...]:
        """Tell what a pull request changes; see :meth:`.BackendHooks.list_changed_files`."""
        return self._run(self._hooks.list_changed_files, pull_request=pull_request)

    def set_labels(
        self, pull_request: PullRequest, add: Iterable[str] = (), remove: Iterable[str] = ()
    ) -> PullRequest:
        """Add and remove labels; see :meth:`.BackendHooks.set_labels`."""
        wanted = tuple(add), tuple(remove)
        return self._settled(
            lambda: self._run(
                self._hooks.set_labels, pull_request=pull_request, add=wanted[0], remove=wanted[1]
            ),
            lambda: self._outcomes.labels(pull_request, *wanted),
        )

    def merge_pull_request(
        self,
        pull_request: PullRequest,
        method: str = "merge",
        message: str = "",
        delete_branch: bool = True,
    ) -> Merge:
        """Merge; see :meth:`.BackendHooks.merge_pull_request`."""
        _check_word("method", method, _METHODS)
        return self._settled(
            lambda: self._run(
                self._hooks.merge_pull_request,
                pull_request=pull_request,
                method=method,
                message=message,
                delete_branch=delete_branch,
            ),
            lambda: self._outcomes.merge(pull_request, delete_branch=delete_branch),
        )

    def close_pull_request(
        self,
        pull_request: PullRequest,
        delete_branch: bool = True,
    ) -> PullRequest:
        """Close without merging; see :meth:`.BackendHooks.close_pull_request`."""
        return self._settled(
            lambda: self._run(
                self._hooks.close_pull_request, pull_request=pull_request, delete_branch=delete_branch
            ),
            lambda: self._outcomes.closed(pull_request, delete_branch=delete_branch),
        )

    def update_from_base(self, pull_request: PullRequest, *, allow_rewrite: bool = False) -> Branch:
        """Merge the base into the head; see :meth:`.BackendHooks.update_from_base`.

        :param allow_rewrite: where the forge cannot merge, rebase: the commits of the branch get other shas, and
            who works on it elsewhere has to fetch it anew.
        """
        if allow_rewrite and "update_from_base" not in self._answerable:
            return self.rebase_pull_request(pull_request)
        return self._write(self._hooks.update_from_base, pull_request=pull_request)

    def rebase_pull_request(self, pull_request: PullRequest) -> Branch:
        """Rewrite the head onto the base; see :meth:`.BackendHooks.rebase_pull_request`."""
        return self._write(self._hooks.rebase_pull_request, pull_request=pull_request)

    def list_checks(self, commit_sha: str) -> tuple[Check, ...]:
        """List checks of a commit; see :meth:`.BackendHooks.list_checks`."""
        check_commit_sha(commit_sha)
        return self._run(self._hooks.list_checks, commit_sha=commit_sha)

    def repair(self) -> tuple[str, ...]:
        """Remove what a killed process left behind; see :meth:`.BackendHooks.repair`."""
        return self._write(self._hooks.repair)

    # -- how it asks ----------------------------------------------------------------------------------

    def _write(self, hook: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        with self._writing:
            return self._run(hook, *args, **kwargs)

    def _settled(self, attempt: Callable[[], R], look: Callable[[], R | None]) -> R:
        with self._writing:
            return self._outcomes.settle(attempt, look)

    def _run(self, hook: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        # At run time a hook of the relay is pluggy's HookCaller, which knows its name.
        name: str = cast("pluggy.HookCaller", hook).name
        if name not in self._answerable:
            raise self._refusal(name)
        answer = hook(*args, **kwargs)
        if answer is None:
            raise ProtocolError(
                f"the {self.backend} backend ({self.origin.origin}) answered None to {name}; "
                "this is a bug in it, tell its author"
            )
        return answer

    def _refusal(self, operation: str) -> Exception:
        if not self._backends:
            return UnavailableError("this repository was closed; open it again")
        remedy = f"what it can do is shown by: copydesk backends check {self.backend}"
        if operation == "update_from_base" and "rebase_pull_request" in self._answerable:
            remedy = "it can rebase the branch, which rewrites its commits: allow it by allow_rewrite"
        return NotSupportedError(
            f"the {self.backend} backend has no {operation}; {remedy}", operation=operation
        )

    def _has_answer(self, operation: str) -> bool:
        """Whether a backend or an extension answers it, or the core from what they answer."""
        caller: pluggy.HookCaller = getattr(self._plugins.hook, operation)
        answers = {impl.plugin_name for impl in caller.get_hookimpls() if not impl.wrapper}
        if answers - {"copydesk"}:
            return True
        return bool(answers) and all(self._has_answer(source) for source in DERIVED[operation])


def _written(commit: NewCommit, made: Commit) -> Iterator[File]:
    """Give the files whose bytes a commit brought."""
    for change in commit.changes:
        path = change.to if isinstance(change, Move) else change.path
        if not isinstance(change, Delete) and change.content is not None and path in made.versions:
            yield File(path, change.content, made.versions[path])


def _wanted(folder: str, pattern: str | Callable[[str], bool]) -> Callable[[str], bool]:
    """Give a function that tells whether a path is to be read."""
    start = f"{folder}/" if folder else ""

    def is_wanted(path: str) -> bool:
        if not path.startswith(start):
            return False
        if isinstance(pattern, str):
            return not pattern or fnmatch.fnmatchcase(path[len(start) :], pattern)
        return pattern(path)

    return is_wanted


def _check_word(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        # A mistake of the calling program, like a wrong type: no error of ours to be caught and shown.
        raise ValueError(f"{name} must be one of {', '.join(choices)}, not {value!r}")


class _Manager(pluggy.PluginManager):
    """A manager that does not look for hooks among what every object has: that is slow, and in vain."""

    def parse_hookimpl_opts(self, plugin: object, name: str) -> pluggy.HookimplOpts | None:
        return None if name.startswith("__") else super().parse_hookimpl_opts(plugin, name)


def _plugins(
    origin: InstalledBackend, backends: tuple[object, ...], extensions: tuple[object, ...]
) -> pluggy.PluginManager:
    """Make the manager of one open repository; pluggy checks every signature here."""
    plugins = _Manager("copydesk")
    plugins.add_hookspecs(BackendHooks)
    # pluggy asks the last one registered first, and here the first of a tuple is the one to be asked.
    for index, backend in reversed(tuple(enumerate(backends))):
        with _load_errors(origin, backend):
            plugins.register(backend, name=f"{origin.name}-{index}")
            plugins.check_pending()
    for index, extension in enumerate(extensions):
        _check_extension(origin, extension, extensions[:index])
        with _load_errors(origin, extension, what=f"extension {type(extension).__name__}"):
            plugins.register(extension, name=f"extension-{index}")
            plugins.check_pending()
    return plugins


def _check_extension(origin: InstalledBackend, extension: object, before: tuple[object, ...]) -> None:
    problem = ""
    if isinstance(extension, type):
        problem = f"is the class {extension.__name__}; pass an object: {extension.__name__}(…)"
    elif any(extension is other for other in before):
        problem = f"{type(extension).__name__} is given twice; pass it once"
    if problem:
        raise BackendLoadError(f"the extension {problem}", name=origin.name)


@contextlib.contextmanager
def _load_errors(origin: InstalledBackend, plugin: object, what: str = "") -> Iterator[None]:
    """Turn pluggy's refusal into a BackendLoadError that names who has to mend what."""
    try:
        yield
    except pluggy.PluginValidationError as exc:
        raise BackendLoadError(
            f"{what or f'backend {origin.name!r} ({origin.origin})'} does not fit this core: "
            f"{_explained(exc, plugin)}",
            name=origin.name,
            distribution=origin.origin,
        ) from exc


def _explained(exc: pluggy.PluginValidationError, plugin: object) -> str:
    import difflib  # only to explain a failure, as the next
    import inspect

    text = " ".join(str(exc).split())
    for name in dir(plugin):
        if inspect.getattr_static(plugin, name, None) is None or name in OPERATIONS:
            continue
        if getattr(inspect.getattr_static(plugin, name), "copydesk_impl", None):
            close = difflib.get_close_matches(name, OPERATIONS, n=1)
            meant = f"did you mean {close[0]!r}?" if close else "it may be written for a later copydesk"
            return f"it implements {name!r}, which is no operation; {meant}"
    if "Argument(s)" in text:
        return f"{text}; it may be written for a later copydesk, try: pip install --upgrade copydesk"
    return text
