"""Random workflows of two editors and a reviewer, held against a dictionary."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Generator, Mapping
from typing import Any, ClassVar, Final

import attrs
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from copydesk.blobs import blob_sha
from copydesk.config import SiteConfig
from copydesk.content import Collection
from copydesk.entries import Entry
from copydesk.errors import ConflictError, CopydeskError, NotFoundError, NotMergeableError, UnavailableError
from copydesk.hookspecs import hookimpl
from copydesk.models import Change, Delete, FileVersion, NewCommit, Put, Status, User
from copydesk.naming import WORKFLOW
from copydesk.repository import Repository
from copydesk.testing._seed import SEED
from copydesk.workflow import Workflow

__all__ = ["WorkflowMachine", "run_machine"]

FOLDER: Final = "content/posts"
SITE: Final = SiteConfig(
    backend="any",
    publish_mode="editorial_workflow",
    media_folder="static/img",
    collections=(Collection("posts", "Post", folder=FOLDER, nested=True, depth=9),),
)
EDITORS: Final = ("ann", "ben")
#: Two are published at first; two cannot be held by git beside each other as they are.
SLUGS: Final = ("hello", "world", "new", "deep", "deep/er")
PREFIX: Final = "netlify-cms/"

Files = dict[str, bytes]

editors = st.sampled_from(EDITORS)
slugs = st.sampled_from(SLUGS)
#: Which write of a call is cut, counted from its first, and whether it took effect before.
cuts = st.none() | st.tuples(st.integers(0, 3), st.booleans())


def path_of(slug: str) -> str:
    """Give the path of an entry."""
    return f"{FOLDER}/{slug}.md"


def media_of(slug: str) -> str:
    """Give the path of an entry's image."""
    return f"static/img/{slug.replace('/', '-')}.png"


def user(name: str) -> User:
    """Give the author of a name."""
    return User(name, name.title(), f"{name}@example.org")


@attrs.define(eq=False)
class Cut:
    """Fails one write, before or after it took effect, as if the line was cut there or the process killed."""

    left: int = -1
    after: bool = False

    def arm(self, cut: tuple[int, bool] | None) -> None:
        """Cut the call that comes."""
        self.left, self.after = cut if cut is not None else (-1, False)

    def _write(self) -> Generator[None, Any, Any]:
        here, self.left = self.left == 0, self.left - 1
        if here and not self.after:
            raise UnavailableError("cut before it took effect")
        result = yield
        if here:
            raise UnavailableError("cut after it took effect")
        return result

    @hookimpl(wrapper=True)
    def commit_changes(self) -> Generator[None, Any, Any]:
        return (yield from self._write())

    @hookimpl(wrapper=True)
    def propose_changes(self) -> Generator[None, Any, Any]:
        return (yield from self._write())

    @hookimpl(wrapper=True)
    def create_pull_request(self) -> Generator[None, Any, Any]:
        return (yield from self._write())

    @hookimpl(wrapper=True)
    def set_labels(self) -> Generator[None, Any, Any]:
        return (yield from self._write())

    @hookimpl(wrapper=True)
    def merge_pull_request(self) -> Generator[None, Any, Any]:
        return (yield from self._write())

    @hookimpl(wrapper=True)
    def close_pull_request(self) -> Generator[None, Any, Any]:
        return (yield from self._write())

    @hookimpl(wrapper=True)
    def delete_branch(self) -> Generator[None, Any, Any]:
        return (yield from self._write())


@attrs.define
class ModelDraft:
    """What a draft is: its files, those of the base where it began, its labels."""

    files: Files
    fork: Files
    labels: set[str]

    @property
    def statuses(self) -> list[Status]:
        """Its status labels, least advanced first."""
        return [status for status in WORKFLOW if f"{PREFIX}{status}" in self.labels]

    @property
    def status(self) -> Status:
        """What counts."""
        return next(iter(self.statuses), Status.DRAFT)

    def give(self, status: Status) -> None:
        """Replace all status labels by one."""
        self.labels -= {f"{PREFIX}{each}" for each in WORKFLOW}
        self.labels.add(f"{PREFIX}{status}")

    @property
    def changed(self) -> set[str]:
        """The paths that it changes."""
        return {
            path
            for path in self.files.keys() | self.fork.keys()
            if self.files.get(path) != self.fork.get(path)
        }

    def merged_into(self, base: Files) -> Files | None:
        """Give the base with the draft merged into it, three ways; None where they conflict."""
        merged = dict(base)
        for path in self.changed:
            mine, theirs = self.files.get(path), base.get(path)
            if theirs not in {self.fork.get(path), mine}:
                return None
            if mine is None:
                merged.pop(path, None)
            else:
                merged[path] = mine
        return merged


class WorkflowMachine(RuleBasedStateMachine):
    """Runs random workflows on a backend; a subclass says how to open it.

    ::

        class Machine(WorkflowMachine):
            def open_repository(self, extensions):
                return open_repository("forge", repo=seeded(SEED), extensions=extensions)

        TestWorkflows = Machine.TestCase

    Every example opens a repository that holds exactly :data:`~copydesk.testing.SEED`, with the *extensions*
    given. After each step all that is published and all that is under workflow is what the model says: so no
    call lost a byte, also when one of its writes was cut and the same call was made again.
    """

    #: Whether the forge holds but one label at a time, which is a status.
    one_label: ClassVar[bool] = False

    def open_repository(self, extensions: tuple[object, ...]) -> Repository:
        """Open a fresh repository that holds exactly the seed. Every subclass has its own."""
        raise NotImplementedError("the machine needs open_repository(extensions)")

    @initialize()
    def begin(self) -> None:
        """Open the repository and the model."""
        self.cut = Cut()
        self.repository = self.open_repository((self.cut,))
        self.now = 0.0
        self.workflow = Workflow(self.repository, SITE, clock=lambda: self.now)
        self.base: Files = {seed.path: seed.content for seed in SEED}
        self.drafts: dict[str, ModelDraft] = {}
        #: What was taken off the site and not put back otherwise, with its bytes.
        self.taken_off: dict[str, bytes] = {}
        self.views: dict[tuple[str, str], Mapping[str, FileVersion]] = {}
        self.count = 0

    def teardown(self) -> None:
        """Close the repository."""
        if hasattr(self, "repository"):
            self.repository.close()

    # -- helpers --------------------------------------------------------------------------------------

    def fresh(self) -> bytes:
        """Give bytes that were never there and resemble nothing else: no rename is seen where there is none."""
        self.count += 1
        return f"{blob_sha(str(self.count).encode())}\n".encode()

    def current(self, slug: str) -> Files:
        """Give what an edit of the entry meets: its draft, or what is published."""
        return self.drafts[slug].files if slug in self.drafts else self.base

    def fits(self, slug: str, opened: Mapping[str, FileVersion], path: str) -> bool:
        """Whether the file still is what the editor opened."""
        now, then = self.current(slug).get(path), opened.get(path)
        return (blob_sha(now) if now is not None else None) == (self.blob_of(path, then) if then else None)

    def blob_of(self, path: str, version: FileVersion) -> str:
        """Give the blob of a version; where the forge names none, by the bytes as of its commit."""
        if version.blob_sha:
            return version.blob_sha
        return blob_sha(self.repository.read_file(str(version.last_commit_sha), path, version).content)

    def call(self, cut: tuple[int, bool] | None, action: Callable[[], Any]) -> Any:
        """Make a call, and the same call again if one of its writes was cut; give result or error."""
        self.cut.arm(cut)
        try:
            try:
                return action()
            except UnavailableError:
                return action()
            finally:
                self.cut.arm(None)
        except CopydeskError as exc:
            return exc

    def seen(self, editor: str, slug: str, entry: Entry) -> None:
        """Note what an editor has in front of them."""
        self.views[editor, slug] = entry.versions

    def commit(self, branch: str, path: str, content: bytes | None) -> None:
        """Change one file of a branch by hand."""
        head = self.repository.get_branch(branch).commit_sha
        there = {entry.path: entry.version for entry in self.repository.list_files(head)}
        change: Change = Delete(path, there[path]) if content is None else Put(path, content, there.get(path))
        self.repository.commit_changes(NewCommit(branch, head, (change,), "By hand", user("rita")))

    # -- the editors ----------------------------------------------------------------------------------

    @rule(editor=editors, slug=slugs)
    def opens(self, editor: str, slug: str) -> None:
        """An editor opens an entry and sees its draft, or what is published."""
        result = self.call(None, lambda: self.workflow.get("posts", slug))
        if slug not in self.drafts and path_of(slug) not in self.base:
            assert isinstance(result, NotFoundError), result
            return
        files = self.current(slug)
        assert {path: files[path] for path in result.versions} == {
            file.path: file.content for file in self.workflow.read(result)
        }
        # A draft that took back what only it had brought removes nothing, whatever is published by then.
        fork = self.drafts[slug].fork if slug in self.drafts else {}
        assert result.deletes == (path_of(slug) in fork and path_of(slug) not in files)
        self.seen(editor, slug, result)

    @rule(editor=editors, slug=slugs, media=st.booleans(), cut=cuts)
    def saves(self, editor: str, slug: str, media: bool, cut: tuple[int, bool] | None) -> None:
        """An editor saves what they opened, with or without an image."""
        opened = self.views.get((editor, slug), {})
        files = {path_of(slug): self.fresh(), **({media_of(slug): self.fresh()} if media else {})}
        result = self.call(
            cut,
            lambda: self.workflow.save("posts", slug, files, based_on=opened, author=user(editor)),
        )
        if not all(self.fits(slug, opened, path) for path in files):
            assert isinstance(result, ConflictError), result
            return
        assert isinstance(result, Entry), result
        draft = self.drafts.setdefault(slug, ModelDraft(dict(self.base), dict(self.base), set()))
        draft.files.update(files)
        if not draft.statuses:
            draft.give(Status.DRAFT)
        self.seen(editor, slug, result)

    @precondition(lambda self: bool(self.views))
    @rule(editor=editors, slug=slugs, cut=cuts)
    def deletes(self, editor: str, slug: str, cut: tuple[int, bool] | None) -> None:
        """An editor asks for the removal of what they opened."""
        opened, path = self.views.get((editor, slug), {}), path_of(slug)
        if path not in opened:
            return
        result = self.call(
            cut, lambda: self.workflow.delete("posts", slug, based_on=opened, author=user(editor))
        )
        draft = self.drafts.get(slug)
        if draft is not None and path not in self.base:
            assert isinstance(result, NotFoundError), result
        elif draft is not None and path not in draft.files:
            assert isinstance(result, Entry), result  # it is deleted already
        elif not self.fits(slug, opened, path):
            assert isinstance(result, ConflictError), result
        else:
            assert isinstance(result, Entry), result
            draft = self.drafts.setdefault(slug, ModelDraft(dict(self.base), dict(self.base), set()))
            del draft.files[path]
            if not draft.statuses:
                draft.give(Status.DRAFT)
            self.seen(editor, slug, result)

    @precondition(lambda self: bool(self.views))
    @rule(editor=editors, slug=slugs, cut=cuts)
    def unpublishes(self, editor: str, slug: str, cut: tuple[int, bool] | None) -> None:
        """An editor takes what they opened off the site; after a discarded draft, the same call brings it back."""
        opened, path = self.views.get((editor, slug), {}), path_of(slug)
        if path not in opened:
            return
        fits = self.fits(slug, opened, path)
        result = self.call(
            cut, lambda: self.workflow.unpublish("posts", slug, based_on=opened, author=user(editor))
        )
        if slug in self.drafts:
            assert isinstance(result, Entry if slug in self.taken_off else ConflictError), result
            return
        if slug not in self.taken_off:
            if path not in self.base:
                assert isinstance(result, NotFoundError), result
                return
            if not fits:
                assert isinstance(result, ConflictError), result
                return
            self.taken_off[slug] = self.base.pop(path)
        assert isinstance(result, Entry), result
        files = {**self.base, path: self.taken_off[slug]}
        self.drafts[slug] = ModelDraft(files, dict(self.base), {f"{PREFIX}{Status.PENDING_PUBLISH}"})
        self.seen(editor, slug, result)

    @rule(slug=slugs, status=st.sampled_from(WORKFLOW), cut=cuts)
    def sets_status(self, slug: str, status: Status, cut: tuple[int, bool] | None) -> None:
        """Somebody moves a draft."""
        result = self.call(cut, lambda: self.workflow.set_status("posts", slug, status))
        if slug not in self.drafts:
            assert isinstance(result, NotFoundError), result
            return
        assert isinstance(result, Entry), result
        assert result.status is status
        self.drafts[slug].give(status)

    @rule(slug=slugs, cut=cuts, make_ready=st.booleans())
    def publishes(self, slug: str, cut: tuple[int, bool] | None, make_ready: bool) -> None:
        """Somebody publishes a draft that is ready; where there is none nothing happens."""
        draft = self.drafts.get(slug)
        if draft is not None and make_ready:
            self.sets_status(slug, Status.PENDING_PUBLISH, None)
        result = self.call(cut, lambda: self.workflow.publish("posts", slug))
        if draft is None:
            assert isinstance(result, Entry | NotFoundError), result
            return
        merged = draft.merged_into(self.base)
        if draft.status is not Status.PENDING_PUBLISH or merged is None:
            assert isinstance(result, NotMergeableError), result
            assert result.reason == ("status" if draft.status is not Status.PENDING_PUBLISH else "conflicts")
            return
        assert isinstance(result, Entry), result
        del self.drafts[slug]
        self.becomes(merged)

    @rule(slug=slugs, cut=cuts)
    def discards(self, slug: str, cut: tuple[int, bool] | None) -> None:
        """Somebody discards a draft; where there is none nothing happens."""
        result = self.call(cut, lambda: self.workflow.discard("posts", slug))
        if self.drafts.pop(slug, None) is not None:
            assert result is None, result

    # -- the reviewer, and people with git ------------------------------------------------------------

    @precondition(lambda self: bool(self.drafts))
    @rule(data=st.data(), media=st.booleans())
    def reviewer_commits(self, data: st.DataObject, media: bool) -> None:
        """The reviewer changes the entry or its image on the draft's branch, by hand."""
        slug = data.draw(st.sampled_from(sorted(self.drafts)))
        path, content = media_of(slug) if media else path_of(slug), self.fresh()
        self.commit(self.branch_of(slug), path, content)
        self.drafts[slug].files[path] = content

    @precondition(lambda self: bool(self.drafts))
    @rule(data=st.data(), label=st.sampled_from([*(f"{PREFIX}{status}" for status in WORKFLOW), "bug"]))
    def reviewer_labels(self, data: st.DataObject, label: str) -> None:
        """The reviewer adds a label by hand, or takes it away, and is seen a minute later.

        Where there is but one, the reviewer puts another status in its place.
        """
        self.now += 60
        slug = data.draw(st.sampled_from(sorted(self.drafts)))
        pull = self.pull_of(slug)
        labels = self.drafts[slug].labels
        if self.one_label:
            label = f"{PREFIX}draft" if label == "bug" else label
            self.repository.set_labels(pull, (label,))
            labels.clear()
            labels.add(label)
            return
        if label in labels:
            self.repository.set_labels(pull, (), (label,))
        else:
            self.repository.set_labels(pull, (label,))
        labels ^= {label}

    @rule(slug=slugs, remove=st.booleans())
    def base_changes(self, slug: str, remove: bool) -> None:
        """Somebody changes a published file, or removes it, with git, and is seen a minute later."""
        self.now += 60
        path = path_of(slug)
        content = None if remove and path in self.base else self.fresh()
        self.commit(self.repository.base_branch, path, content)
        changed = {key: value for key, value in self.base.items() if key != path}
        if content is None:
            self.taken_off.pop(slug, None)
        self.becomes(changed if content is None else {**changed, path: content})

    @precondition(lambda self: bool(self.drafts))
    @rule(data=st.data(), cut=cuts)
    def updates_from_base(self, data: st.DataObject, cut: tuple[int, bool] | None) -> None:
        """Somebody brings what was published since into a draft."""
        if "update_from_base" not in self.repository.operations:
            return
        slug = data.draw(st.sampled_from(sorted(self.drafts)))
        result = self.call(cut, lambda: self.workflow.update_from_base("posts", slug))
        merged = self.drafts[slug].merged_into(self.base)
        if merged is None:
            assert isinstance(result, NotMergeableError), result
            return
        assert isinstance(result, Entry), result
        self.drafts[slug].files = merged
        self.drafts[slug].fork = dict(self.base)

    @rule()
    def repairs(self) -> None:
        """Repair finds nothing but labels that people set."""
        told = self.workflow.repair()
        wrong = [draft for draft in self.drafts.values() if len(draft.statuses) != 1]
        assert len(told) == len(wrong), told
        for draft in wrong:
            draft.give(draft.status)

    # -- what always holds ----------------------------------------------------------------------------

    def becomes(self, base: Files) -> None:
        """The base changed: what is published again is no longer taken off."""
        self.base = base
        self.taken_off = {slug: old for slug, old in self.taken_off.items() if path_of(slug) not in base}

    def pull_of(self, slug: str) -> Any:
        """Find the open pull request of a draft."""
        entries = {entry.slug: entry for entry in self.workflow.entries()}
        return entries[slug].pull_request

    def branch_of(self, slug: str) -> str:
        """Give the branch of a draft."""
        return str(self.pull_of(slug).head)

    @invariant()
    def published_is_what_the_model_says(self) -> None:
        """No published byte is lost, and none comes from nowhere."""
        if not hasattr(self, "repository"):
            return
        head = self.repository.get_branch(self.repository.base_branch).commit_sha
        listed = self.repository.list_files(head)
        files = {entry.path: self.blob_of(entry.path, entry.version) for entry in listed}
        assert files == {path: blob_sha(content) for path, content in self.base.items()}

    @invariant()
    def drafts_are_what_the_model_says(self) -> None:
        """No draft vanishes, and none is listed twice or with another status."""
        if not hasattr(self, "repository"):
            return
        listed = [(e.slug, e.status, set(e.changed_paths), bool(e.problem)) for e in self.workflow.entries()]
        expected = [
            (slug, draft.status, draft.changed, len(draft.statuses) != 1)
            for slug, draft in self.drafts.items()
        ]
        assert sorted(listed, key=lambda each: each[0]) == sorted(expected, key=lambda each: each[0])


def run_machine(machine: type[WorkflowMachine], examples: int) -> None:
    """Run so many random workflows; a failure shows the seed, and ``COPYDESK_SEED`` runs it again.

    ``COPYDESK_EXAMPLES`` in the environment is the number to run instead.
    """
    number = int(os.environ.get("COPYDESK_SEED") or random.randrange(2**32))  # noqa: S311 - not a secret
    print(f"the seed is {number}: run again with COPYDESK_SEED={number}")  # noqa: T201 - shown on failure
    run_state_machine_as_test(
        seed(number)(machine),
        settings=settings(
            max_examples=int(os.environ.get("COPYDESK_EXAMPLES") or examples),
            stateful_step_count=25,
            deadline=None,
            database=None,
            report_multiple_bugs=False,
            # A step costs milliseconds of disk or of a server: a failure is told as it is, with its seed.
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
