"""An editor's process is killed anywhere in its work: the same call again, and the work is there.

Run as a program this module is that editor: it works through the workflow on and on, and writes each call into a
journal before it makes it and after it is done.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from copydesk import FileVersion, Status, User, Workflow, open_repository
from copydesk.config import SiteConfig
from copydesk.content import Collection
from copydesk.errors import UnavailableError

SITE = SiteConfig(
    backend="local",
    publish_mode="editorial_workflow",
    collections=(Collection("posts", "Post", folder="content/posts"),),
)
ANN = User("ann", "Ann", "ann@example.org")
READY = Status.PENDING_PUBLISH.value


def plan(seed: int):
    """Give the calls of one editor, for ever: the ways an entry goes, one after the other."""
    chance = random.Random(seed)
    for number in itertools.count():
        slug = f"post-{number}"
        yield {"call": "save", "slug": slug, "content": f"{number} one\n"}
        yield {"call": "save", "slug": slug, "content": f"{number} two\n"}
        if chance.random() < 0.25:
            yield {"call": "discard", "slug": slug}
            continue
        yield {"call": "set_status", "slug": slug, "status": READY}
        yield {"call": "publish", "slug": slug}
        way = chance.choice(["delete", "unpublish", "save", "stay"])
        if way in {"delete", "save"}:
            yield {"call": way, "slug": slug, "content": f"{number} three\n"}
            yield {"call": "set_status", "slug": slug, "status": READY}
            yield {"call": "publish", "slug": slug}
        elif way == "unpublish":
            yield {"call": "unpublish", "slug": slug}
            yield {"call": chance.choice(["publish", "discard"]), "slug": slug}


def perform(workflow: Workflow, done: dict[str, Any]) -> None:
    """Make one call of the journal, exactly as it stands there."""
    slug = done["slug"]
    based_on = {path: FileVersion.from_json(data) for path, data in done.get("based_on", {}).items()}
    match done["call"]:
        case "save":
            workflow.save("posts", slug, done["content"].encode(), based_on=based_on, author=ANN)
        case "delete":
            workflow.delete("posts", slug, based_on=based_on, author=ANN)
        case "unpublish":
            workflow.unpublish("posts", slug, based_on=based_on, author=ANN)
        case "set_status":
            workflow.set_status("posts", slug, done["status"])
        case "publish":
            workflow.publish("posts", slug)
        case "discard":
            workflow.discard("posts", slug)


def apply(done: dict[str, Any], published: dict[str, str], drafts: dict[str, list[Any]]) -> None:
    """Do to the model what a call does: drafts are [content or None, status]."""
    slug = done["slug"]
    match done["call"]:
        case "save":
            drafts.setdefault(slug, [None, "draft"])[0] = done["content"]
        case "delete":
            drafts[slug] = [None, "draft"]
        case "unpublish":
            drafts[slug] = [published.pop(slug), READY]
        case "set_status":
            drafts[slug][1] = done["status"]
        case "publish":
            content = drafts.pop(slug)[0]
            published.pop(slug, None)
            published.update({} if content is None else {slug: content})
        case "discard":
            del drafts[slug]


def edit(repository: str, journal: str, seed: str) -> None:
    """Be the editor."""
    with open_repository("local", repo=repository) as opened, Path(journal).open("w") as book:
        workflow = Workflow(opened, SITE)
        for call in plan(int(seed)):
            if call["call"] in {"save", "delete", "unpublish"}:
                try:
                    versions = workflow.get("posts", call["slug"]).versions
                    call["based_on"] = {path: version.to_json() for path, version in versions.items()}
                except Exception:  # noqa: BLE001 - it is new
                    call["based_on"] = {}
            for state in ("begun", "done"):
                if state == "done":
                    perform(workflow, call)
                book.write(json.dumps({**call, "state": state}) + "\n")
                book.flush()


def kill_at_work(repository: Path, journal: Path, seed: int, seconds: float) -> list[dict[str, Any]]:
    """Start the editor, kill it after so many seconds of work, and give its journal."""
    child = subprocess.Popen([sys.executable, __file__, str(repository), str(journal), str(seed)])
    try:
        deadline = time.monotonic() + 60
        while not (journal.exists() and journal.stat().st_size) and time.monotonic() < deadline:
            time.sleep(0.005)
        time.sleep(seconds)
        assert child.poll() is None, "the editor ended by itself"
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
    # The last line may be cut off.
    return [json.loads(line) for line in journal.read_text().splitlines(keepends=True) if line.endswith("\n")]


def freely(workflow: Workflow, action):
    """Make a call; where a lock of the killed process is in the way, do what the error says, and make it again."""
    try:
        return action()
    except UnavailableError as exc:
        lock = re.search(r"'(/\S+\.lock)'", str(exc))[1]
        # Nobody waits ten seconds here for it, and others that it left, to be old enough.
        for each in Path(workflow.repository.options.repo).rglob("*.lock"):
            os.utime(each, (time.time() - 60, time.time() - 60))
        if action != workflow.repair:
            with pytest.raises(UnavailableError, match="copydesk repair"):
                action()
        assert any(lock in sentence for sentence in workflow.repair())
        return action()


def state_of(workflow: Workflow) -> tuple[dict[str, str], dict[str, list[Any]]]:
    """Give what is published beside the seed, and what is under workflow."""
    published = {
        entry.slug: workflow.read(entry)[0].content.decode()
        for entry in workflow.published("posts")
        if entry.slug.startswith("post-")
    }
    drafts = {}
    for listed in workflow.entries():
        assert not listed.problem, listed.problem
        entry = workflow.get("posts", listed.slug)
        content = None if entry.deletes else workflow.read(entry)[0].content.decode()
        drafts[listed.slug] = [content, entry.status.value]
    return published, drafts


@pytest.fixture
def run_and_kill(bare, tmp_path, run_git):
    """Kill one editor after another in one repository, and see after each that all is there."""

    def run(times: int) -> None:
        seed = int(os.environ.get("COPYDESK_SEED") or random.randrange(2**32))
        print(f"the seed is {seed}: run again with COPYDESK_SEED={seed}")  # noqa: T201 - shown on failure
        chance = random.Random(seed)
        finished = 0
        for number in range(times):
            path = tmp_path / f"site-{number}.git"
            run_git(tmp_path, "clone", "-q", "--mirror", str(bare), str(path))
            journal = tmp_path / f"journal-{number}"
            lines = kill_at_work(path, journal, chance.randrange(2**32), chance.uniform(0, 0.4))
            published: dict[str, str] = {}
            drafts: dict[str, list[Any]] = {}
            for line in lines:
                if line["state"] == "done":
                    apply(line, published, drafts)
                    finished += 1
            with open_repository("local", repo=path) as repository:
                workflow = Workflow(repository, SITE)
                if number % 2:
                    freely(workflow, workflow.repair)
                    assert workflow.repair() == (), "a second repair found something"
                if lines[-1]["state"] == "begun":
                    freely(workflow, lambda call=lines[-1], workflow=workflow: perform(workflow, call))
                    apply(lines[-1], published, drafts)
                assert state_of(workflow) == (published, drafts), lines[-1]
                # A lock on what nobody touched since is all that can be left.
                told = freely(workflow, workflow.repair)
                assert all(".lock" in sentence for sentence in told), told
                assert workflow.repair() == ()
            assert run_git(path, "fsck", "--strict", "--no-dangling") == ""
        assert finished, "no editor finished a call"

    return run


def test_killed_editors_lose_nothing(run_and_kill):
    run_and_kill(3)


@pytest.mark.long
def test_many_killed_editors_lose_nothing(run_and_kill):
    run_and_kill(200)


if __name__ == "__main__":
    edit(*sys.argv[1:])
