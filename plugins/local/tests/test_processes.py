"""Many processes on one repository: nothing is lost, and a killed one stops nobody for long.

The processes are spawned and never forked: forks share the state of libgit2.
"""

from __future__ import annotations

import contextlib
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TextIO

import attrs
import pytest
from copydesk import Put, Repository, open_repository
from copydesk.errors import UnavailableError
from copydesk.testing._steps import Steps

PROCESSES = 8
#: How much each process does; without lock and comparison, twelve times fail as fifty do.
each_times = pytest.mark.parametrize("times", [6, pytest.param(50, marks=pytest.mark.long)])
#: How often processes are killed, at another moment each.
each_rounds = pytest.mark.parametrize("rounds", [3, pytest.param(20, marks=pytest.mark.long)])

HEADER = r"""
import itertools, os, sys
from copydesk import NewCommit, NewPullRequest, Put, User, open_repository
from copydesk.errors import ConflictError

path, name, times = sys.argv[1], sys.argv[2], int(sys.argv[3])
author = User(name, name, f"{name}@example.org")
repo = open_repository("local", repo=path)

def say(text):
    os.write(1, f"{text}\n".encode())  # in one piece, whoever else writes to the pipe

say("ready")
sys.stdin.readline()
"""
#: Commits new files to main and says each sha; 0 times is for ever.
COMMIT_FILES = f"""{HEADER}
for number in range(times) if times else itertools.count():
    head = repo.get_branch("main").commit_sha
    put = Put(f"new/{{name}}/{{number}}.md", f"{{name}} {{number}}\\n".encode())
    made = repo.commit_changes(NewCommit("main", head, [put], f"{{name}} {{number}}", author))
    say(made.commit_sha)
"""
#: Adds 1 to the number in one file, and again where somebody else was faster.
COUNT_UP = f"""{HEADER}
for number in range(times):
    while True:
        head = repo.get_branch("main").commit_sha
        file = repo.read_file(head, "counter.txt")
        put = Put("counter.txt", str(int(file.content) + 1).encode(), file.version)
        try:
            repo.commit_changes(NewCommit("main", head, [put], f"{{name}} {{number}}", author))
        except ConflictError as exc:
            assert exc.paths == ("counter.txt",), exc
        else:
            break
"""
#: Opens pull requests, each for a branch that git made beforehand, and says the numbers.
PROPOSE = f"""{HEADER}
for number in range(times):
    pull = NewPullRequest(f"{{name}} {{number}}", "", f"cms/{{name}}/{{number}}", "main", author=author)
    say(repo.create_pull_request(pull).number)
"""


@attrs.frozen
class Crowd:
    """Processes of one script; what they say comes line by line from one pipe."""

    processes: tuple[subprocess.Popen[str], ...]
    said: TextIO

    def finish(self) -> list[str]:
        """Wait for processes that must succeed, and give the lines they said."""
        lines = self.said.read().splitlines()
        # What went wrong comes last.
        assert [process.wait() for process in self.processes] == [0] * len(self.processes), lines[-40:]
        return lines

    def kill(self) -> None:
        """Kill each process and whatever it has started, with no chance to clean up."""
        for process in self.processes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)

    def kill_at_random(self, chance: random.Random) -> list[str]:
        """Kill them at a random moment after the first line, and give the lines that they said."""
        first = self.said.readline()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.processes[0].wait(chance.uniform(0, 0.05))
        self.kill()
        return (first + self.said.read()).splitlines()


@pytest.fixture
def crowd() -> Iterator[Callable[[str, Path, int, int], Crowd]]:
    """Start processes of one script that wait for each other, then run at once; all are gone afterwards."""
    with contextlib.ExitStack() as stack:

        def start(script: str, path: Path, count: int, times: int) -> Crowd:
            read, write = os.pipe()
            processes = tuple(
                stack.enter_context(
                    subprocess.Popen(
                        [sys.executable, "-c", script, path, f"writer{number}", str(times)],
                        stdin=subprocess.PIPE,
                        stdout=write,
                        stderr=subprocess.STDOUT,
                        text=True,
                        start_new_session=True,
                    )
                )
                for number in range(count)
            )
            os.close(write)
            started = Crowd(processes, stack.enter_context(os.fdopen(read)))
            stack.callback(started.kill)
            assert [started.said.readline() for _ in processes] == ["ready\n"] * count
            for process in processes:
                process.stdin.close()  # what they wait for
            return started

        yield start


@pytest.fixture
def chance() -> random.Random:
    """A source of random moments, whose seed is printed and can be given."""
    seed = int(os.environ.get("COPYDESK_TEST_SEED") or random.randrange(10**9))
    print(f"COPYDESK_TEST_SEED={seed}")  # noqa: T201 - pytest shows it where the test fails
    return random.Random(seed)


def assert_sound(path: Path) -> None:
    """Let git judge every object and ref; it has nothing to remark."""
    command = ["git", "-C", path, "fsck", "--strict", "--no-dangling", "--no-progress"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


# -- all at once --------------------------------------------------------------------------------------


@each_times
def test_commits_of_eight_processes_all_arrive(
    bare: Path, run_git: Callable[..., str], crowd: Callable[..., Crowd], times: int
) -> None:
    """Eight processes commit files to one branch, one after the other: all commits and files, one line."""
    reported = crowd(COMMIT_FILES, bare, PROCESSES, times).finish()
    line = run_git(bare, "rev-list", "--first-parent", "main").split()
    assert len(line) == PROCESSES * times + 1
    assert set(reported) == set(line[:-1])
    files = run_git(bare, "ls-tree", "-r", "--name-only", "main", "new/").splitlines()
    written = {f"new/writer{name}/{number}.md" for name in range(PROCESSES) for number in range(times)}
    assert set(files) == written
    assert_sound(bare)


@each_times
def test_counter_of_eight_processes_is_exact(
    bare: Path, run_git: Callable[..., str], crowd: Callable[..., Crowd], times: int
) -> None:
    """Eight processes read, add one and write one file; whoever was overtaken is told and tries again."""
    with open_repository("local", repo=bare) as repo:
        Steps(repo).commit(Put("counter.txt", b"0"))
    crowd(COUNT_UP, bare, PROCESSES, times).finish()
    assert run_git(bare, "show", "main:counter.txt") == str(PROCESSES * times)
    assert run_git(bare, "rev-list", "--count", "main") == str(PROCESSES * times + 2)
    assert_sound(bare)


@each_times
def test_pull_requests_of_eight_processes_have_their_own_numbers(
    bare: Path, run_git: Callable[..., str], crowd: Callable[..., Crowd], times: int
) -> None:
    """Eight processes open pull requests: they are numbered from 1 on, none twice, none left out."""
    tree, main = run_git(bare, "rev-parse", "main^{tree}", "main").split()
    draft = run_git(bare, "commit-tree", tree, "-p", main, "-m", "A draft")
    names = {f"cms/writer{name}/{number}" for name in range(PROCESSES) for number in range(times)}
    commands = "".join(f"create refs/heads/{name} {draft}\n" for name in names)
    run_git(bare, "update-ref", "--stdin", content=commands.encode())
    numbers = crowd(PROPOSE, bare, PROCESSES, times).finish()
    assert sorted(map(int, numbers)) == list(range(1, PROCESSES * times + 1))
    with open_repository("local", repo=bare) as repo:
        assert {pull.head for pull in repo.list_pull_requests() if not pull.problem} == names
    assert_sound(bare)


def test_foreign_and_own_commits_all_arrive(
    bare: Path, run_git: Callable[..., str], crowd: Callable[..., Crowd]
) -> None:
    """git moves the branch fifty times while two processes commit to it: nobody loses a commit."""
    own = crowd(COMMIT_FILES, bare, 2, 50)
    foreign = []
    while len(foreign) < 50:
        head = run_git(bare, "rev-parse", "main")
        made = run_git(bare, "commit-tree", f"{head}^{{tree}}", "-p", head, "-m", "Foreign")
        with contextlib.suppress(subprocess.CalledProcessError):  # git compares too, and was overtaken
            run_git(bare, "update-ref", "refs/heads/main", made, head)
            foreign.append(made)
    made_by_all = [*own.finish(), *foreign]
    line = run_git(bare, "rev-list", "--first-parent", "main").split()
    assert sorted(line[:-1]) == sorted(made_by_all)
    assert_sound(bare)


def test_two_busy_writers_both_get_their_turn(
    bare: Path, run_git: Callable[..., str], crowd: Callable[..., Crowd]
) -> None:
    """Of two processes that commit without a pause to different files, neither keeps the other waiting."""
    busy = crowd(COMMIT_FILES, bare, 2, 0)
    for _ in range(200):
        busy.said.readline()
    busy.kill()
    authors = run_git(bare, "log", "--format=%an", "main").splitlines()
    assert min(authors.count("writer0"), authors.count("writer1")) > 10


# -- killed -------------------------------------------------------------------------------------------


def commit_after_kill(repo: Repository, name: str) -> None:
    """Commit; where a lock was left behind, do what the error says."""
    put = Put(f"after/{name}.md", name.encode())
    try:
        Steps(repo).commit(put)
    except UnavailableError as exc:
        lock = re.findall(r"'(/\S+\.lock)'", str(exc))[0]
    else:
        return
    then = time.time() - 60
    os.utime(lock, (then, then))
    if lock.endswith("index.lock"):  # of our own git command, whose note says what it was at
        Steps(repo).commit(put)
        return
    with pytest.raises(UnavailableError, match=rf"{re.escape(lock)}.* remove it with: copydesk repair$"):
        Steps(repo).commit(put)
    assert any(lock in sentence for sentence in repo.repair())
    Steps(repo).commit(put)


def check_kills(
    path: Path, rounds: int, chance: random.Random, crowd: Callable[..., Crowd], git: Callable[..., str]
) -> None:
    reported: list[str] = []
    with open_repository("local", repo=path) as repo:
        for number in range(rounds):
            # In a folder of their own, for the files must be new.
            script = COMMIT_FILES.replace("new/", f"new/{number}/")
            reported += crowd(script, path, 2, 0).kill_at_random(chance)
            commit_after_kill(repo, str(number))
    line = git(path, "rev-list", "--first-parent", "main").split()
    assert len(reported) >= rounds
    assert set(reported) <= set(line)
    assert_sound(path)


@each_rounds
def test_kill_loses_nothing_that_was_reported(
    bare: Path,
    run_git: Callable[..., str],
    crowd: Callable[..., Crowd],
    chance: random.Random,
    rounds: int,
) -> None:
    """What a process had reported before it was killed is on the branch, and the next commit goes on."""
    check_kills(bare, rounds, chance, crowd, run_git)


@each_rounds
def test_kill_leaves_working_copy_that_next_commit_mends(
    working_copy: Path,
    run_git: Callable[..., str],
    crowd: Callable[..., Crowd],
    chance: random.Random,
    rounds: int,
) -> None:
    """Killed together with the git command that it runs, a process leaves files that are put right again."""
    check_kills(working_copy, rounds, chance, crowd, run_git)
    assert run_git(working_copy, "status", "--porcelain") == ""
