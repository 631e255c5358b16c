"""What is read: sites of entries of 4 kB, later states of them, and sites with drafts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import attrs
import pygit2
from simulators import git as objects
from simulators.store import Forge, PullRequest, Repository

from benchmarks.reading.clients.protocol import digest, digest_of
from benchmarks.requests.sites import POSTS, PREFIX, path_of
from benchmarks.sites import text

__all__ = ["Site", "make_drafts", "make_entries"]

#: The published entries of a site with drafts.
_PUBLISHED: Final = 20


@attrs.define(eq=False)
class Site:
    """A repository and the heads of its branch by how many entries they changed; *expected* is what is read."""

    repository: Repository
    heads: dict[int, str]
    expected: dict[int, str]

    def point(self, changed: int) -> None:
        """Let the branch be at the state with so many entries changed."""
        oid = pygit2.Oid(hex=self.heads[changed])
        self.repository.git.references.create("refs/heads/main", oid, force=True)


def make_entries(forge: Forge, name: str, count: int, changed: tuple[int, ...]) -> Site:
    """Make a site of so many entries and nothing else, and the states that come after."""
    files = {path_of(f"entry-{number:05}"): text(f"entry {number}") for number in range(count)}
    repository = forge.add_repository(f"owner/{name}", files)
    first = repository.head("main") or ""
    site = Site(repository, {0: first}, {0: digest(files)})
    for many in changed:
        # All over the site, as editors change it.
        paths = [path_of(f"entry-{at * count // many:05}") for at in range(min(many, count))]
        edits = {path: text(f"{path} changed with {many}") for path in paths}
        site.heads[many] = repository.commit_files("main", dict(edits), f"Change {many}")
        site.expected[many] = digest_of(_shas(repository))
        site.point(0)
    return site


def _shas(repository: Repository) -> dict[str, str]:
    tree = repository.git.revparse_single(f"main:{POSTS}").peel(pygit2.Tree)
    return {path: str(entry.id) for path, entry in objects.listing(tree, f"{POSTS}/")}


def make_drafts(
    forge: Forge, name: str, count: int, mark: Callable[[Repository, PullRequest, str], object]
) -> Site:
    """Make a site of a few entries with so many drafts of new ones; *mark* says on the forge what a draft is."""
    files = {path_of(f"entry-{number:05}"): text(f"entry {number}") for number in range(_PUBLISHED)}
    repository = forge.add_repository(f"owner/{name}", files)
    drafts = {}
    for slug in (f"draft-{number:03}" for number in range(count)):
        branch, title, path = f"cms/posts/{slug}", f"Create {slug}", path_of(slug)
        drafts[path] = text(slug)
        repository.commit_files(branch, {path: drafts[path]}, title, start="main")
        mark(repository, repository.open_pull(title, branch, "main"), f"{PREFIX}draft")
    return Site(repository, {0: repository.head("main") or ""}, {0: digest(drafts)})
