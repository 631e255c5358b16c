"""What was read and is kept on this computer: read back as it was, bounded, and never in the way of anybody."""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
import stat
import subprocess
import sys
import threading
import tracemalloc
from pathlib import Path

import pytest
from copydesk import _store_file
from copydesk.blobs import blob_sha
from copydesk.models import FileVersion, Mode, TreeEntry
from copydesk.store import REST, BlobStore, default_folder
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

KB = 1024
COMMIT = "c" * 40
ENTRIES = (
    TreeEntry("a.md", 3, FileVersion("1" * 40)),
    TreeEntry("b\udcff.md", None, FileVersion(None, Mode.EXECUTABLE, "2" * 40)),
)
as_root = pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs two users")
on_posix = pytest.mark.skipif(not hasattr(os, "geteuid"), reason="needs POSIX")


def pairs(*contents: bytes) -> list[tuple[str, bytes]]:
    return [(blob_sha(content), content) for content in contents]


def numbered(count: int, size: int = 4 * KB, start: int = 0) -> list[tuple[str, bytes]]:
    return pairs(*(f"{at:08}".encode() * (size // 8) for at in range(start, start + count)))


def shas(given: list[tuple[str, bytes]]) -> list[str]:
    return [sha for sha, _ in given]


@pytest.fixture
def folder(tmp_path) -> Path:
    return tmp_path / "copydesk"


@pytest.fixture
def make_store(folder, clock):
    """Open stores, in one folder where nothing else is said; they are closed with the test."""
    with contextlib.ExitStack() as closing:

        def make(where: Path = folder, **options: object) -> BlobStore:
            store = BlobStore(where, **{"clock": clock, **options})
            closing.callback(store.close)
            return store

        yield make


@pytest.fixture
def store(make_store) -> BlobStore:
    return make_store()


@pytest.fixture
def filled(make_store, folder) -> Path:
    """The file of a store with two blobs, a snapshot and a head, closed."""
    store = make_store()
    store.write(pairs(b"one" * KB, b"two" * KB))
    store.write_snapshot(COMMIT, "", ENTRIES)
    store.write_head("here", COMMIT)
    store.close()
    return folder / "blobs.sqlite"


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(_store_file, "PATIENCE", 0.05)


def run(code: str, *arguments: object, **options: object) -> subprocess.Popen[str]:
    """Start a process of Python that has *arguments* and the store at hand."""
    head = (
        "import os, resource, signal, sqlite3, sys, time\nfrom pathlib import Path\n"
        "from copydesk.store import BlobStore\n"
        "from copydesk.blobs import blob_sha\nfolder = Path(sys.argv[1])\n"
    )
    command = [sys.executable, "-c", head + code, *map(str, arguments)]
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
    )


def ended(process: subprocess.Popen[str]) -> str:
    shown, told = process.communicate(timeout=60)
    assert (process.returncode, told) == (0, "")
    return shown


# -- what comes back ----------------------------------------------------------------------------------


def test_blobs_come_back_each_once(store):
    given = pairs(b"", b"one", b"\0\xff" * KB)
    store.write(given)
    assert sorted(store.read([*shas(given), *shas(given), "f" * 40, "no sha"])) == sorted(given)


def test_blobs_come_back_in_another_process_and_another_store(store, make_store, folder):
    store.write(pairs(b"one"))
    assert dict(make_store().read(shas(pairs(b"one")))) == dict(pairs(b"one"))
    assert (
        ended(run("print(len(list(BlobStore(folder).read(sys.argv[2:]))))", folder, blob_sha(b"one")))
        == "1\n"
    )


def test_many_blobs_come_back(store):
    """More than sqlite is asked for at once."""
    given = numbered(1201, 64)
    store.write(given)
    assert dict(store.read(iter(shas(given)))) == dict(given)


def test_large_blobs_are_not_all_in_memory(store):
    given = shas(numbered(40, KB * KB))
    store.write(numbered(40, KB * KB))
    tracemalloc.start()
    try:
        assert sum(1 for _ in store.read(given)) == 40
        assert tracemalloc.get_traced_memory()[1] < 16 * KB * KB
    finally:
        tracemalloc.stop()


def test_store_can_be_written_while_it_is_read(store):
    """Nobody holds the lock while the caller works."""
    store.write(numbered(600, 64))
    for sha, data in store.read(shas(numbered(600, 64))):
        store.write([(sha, data)])
    store.write(store.read(shas(numbered(3, 64))))


def test_what_is_not_of_its_sha_does_not_come_out(store):
    store.write([(blob_sha(b"one"), b"two"), *pairs(b"three")])
    assert list(store.read([blob_sha(b"one"), blob_sha(b"three")])) == pairs(b"three")
    assert store.info().blobs == 1


def test_what_is_larger_than_an_eighth_of_the_limit_is_not_kept(make_store):
    store = make_store(limit=800 * KB)
    store.write([*pairs(b"x" * (100 * KB + 1)), *pairs(b"y" * (100 * KB))])
    assert store.info().blobs == 1


def test_snapshot_comes_back_as_it_was(store):
    assert store.read_snapshot(COMMIT, "") is None
    store.write_snapshot(COMMIT, "", ENTRIES)
    store.write_snapshot(COMMIT, "empty", ())
    assert store.read_snapshot(COMMIT, "") == ENTRIES
    assert store.read_snapshot(COMMIT, "empty") == ()
    assert store.read_snapshot(COMMIT, "a") is None
    store.write_snapshot(COMMIT, "", ENTRIES[:1])
    assert store.read_snapshot(COMMIT, "") == ENTRIES[:1]


def test_head_comes_back_as_it_was(store):
    assert store.read_head("here") == ""
    store.write_head("here", "a" * 40)
    store.write_head("there\udcff", "b" * 40)
    store.write_head("here", COMMIT)
    assert (store.read_head("here"), store.read_head("there\udcff")) == (COMMIT, "b" * 40)


names = st.text(
    st.characters(exclude_characters="\0", exclude_categories=[]) | st.characters(categories=["Cs"]),
    max_size=20,
)
digits = st.none() | st.text("0123456789abcdef", min_size=40, max_size=40)
versions = st.builds(FileVersion, digits, st.sampled_from(Mode), digits)
trees = st.lists(st.builds(TreeEntry, names, st.none() | st.integers(0, 2**60), versions)).map(tuple)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(contents=st.lists(st.binary()), entries=trees, commit=st.text("0123456789abcdef"), place=names)
def test_whatever_was_written_is_read_back(store, contents, entries, commit, place):
    given_blobs = pairs(*contents)
    store.write(given_blobs)
    store.write_snapshot(commit, place, entries)
    store.write_head(place, commit)
    assert dict(store.read(shas(given_blobs))) == dict(given_blobs)
    assert store.read_snapshot(commit, place) == entries
    assert store.read_head(place) == commit
    assert store.info().problem == ""


# -- nothing before it is needed ----------------------------------------------------------------------


def test_nothing_is_made_before_something_is_written(store, folder):
    assert list(store.read([COMMIT])) == []
    assert store.read_snapshot(COMMIT, "") is None
    assert store.read_head("here") == ""
    assert (store.info().size, store.info().problem) == (0, "")
    store.write([])
    assert not folder.exists()


def test_sqlite_is_not_imported_before_it_is_used(folder):
    code = "BlobStore(folder)\nprint('sqlite3' in sys.modules)"
    head = "import sys\nfrom pathlib import Path\nfrom copydesk.store import BlobStore\nfolder = Path('x')\n"
    done = subprocess.run([sys.executable, "-c", head + code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


@on_posix
def test_folder_and_file_are_for_nobody_else(store, folder):
    store.write(pairs(b"one"))
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


@on_posix
def test_folder_of_ours_that_others_may_enter_is_closed(store, filled, folder):
    folder.chmod(0o777)
    filled.chmod(0o644)
    assert store.info().blobs == 2
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(filled.stat().st_mode) == 0o600


# -- bounds -------------------------------------------------------------------------------------------


def test_what_was_not_used_for_longest_goes_first(make_store, clock):
    """Down to nine tenths; what was read since stays, and the file shrinks."""
    limit = 5 * KB * KB // 2
    store = make_store(limit=limit)
    first, second = numbered(200), numbered(200, start=200)
    store.write(first)
    clock.now += 2
    store.write(second)
    clock.now += 2 * 3600
    assert len(list(store.read(shas(first)))) == 200
    store.write(numbered(150, start=400))
    store.close()
    assert store.info().size <= limit
    assert store.info().size > limit // 2
    assert len(list(store.read(shas(first)))) == 200
    assert 0 < len(list(store.read(shas(second)))) < 200
    assert len(list(store.read(shas(numbered(150, start=400))))) == 150


def test_reading_notes_the_use_once_an_hour(store, filled, clock):
    def used() -> set[int]:
        with contextlib.closing(sqlite3.connect(filled)) as connection:
            return {used for (used,) in connection.execute("SELECT used FROM blobs")}

    (before,) = used()
    wanted = shas(pairs(b"one" * KB, b"two" * KB))
    clock.now += 3000
    assert len(list(store.read(wanted))) == 2
    assert used() == {before}
    clock.now += 1000
    assert len(list(store.read(wanted))) == 2
    assert used() == {before + 4000}


def test_snapshots_are_bounded_by_number(store, clock):
    for number in range(205):
        clock.now += 1
        store.write_snapshot(f"{number:040}", "", ENTRIES)
        assert store.read_snapshot("0" * 40, "") == ENTRIES
    assert store.info().snapshots == 200
    assert store.read_snapshot(f"{1:040}", "") is None


def test_snapshots_are_bounded_by_size(make_store, clock):
    store = make_store(limit=KB * KB)
    entries = tuple(TreeEntry(f"{at:0500}", 1, FileVersion("1" * 40)) for at in range(200))
    for number in range(5):
        clock.now += 1
        store.write_snapshot(f"{number}", "", entries)
    assert store.info().snapshots == 2
    store.write_snapshot("large", "", entries + entries)
    assert store.read_snapshot("large", "") is None


# -- files that cannot be believed --------------------------------------------------------------------


def warnings_of(caplog) -> list[str]:
    assert {record.levelno for record in caplog.records} <= {logging.WARNING}
    return [record.getMessage() for record in caplog.records]


def set_aside(folder: Path) -> list[Path]:
    return list(folder.glob("blobs.sqlite.damaged-*"))


def check_it_starts_afresh(store: BlobStore, folder: Path, caplog) -> None:
    """Nothing is found, one warning is given, the old file stands aside, and the new one works."""
    everything = shas(pairs(b"one" * KB, b"two" * KB))
    assert list(store.read(everything)) == []
    assert store.read_snapshot(COMMIT, "") is None
    assert store.read_head("here") == ""
    store.write(pairs(b"new"))
    assert list(store.read([*everything, blob_sha(b"new")])) == pairs(b"new")
    (told,) = warnings_of(caplog)
    (aside,) = set_aside(folder)
    assert str(aside) in told
    assert "damaged-" in store.info().problem


def no_database(path: Path) -> None:
    path.write_bytes(b"not a database\n" * 1000)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def of_somebody_else(path: Path) -> None:
    path.unlink()
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.executescript("CREATE TABLE blobs (name); PRAGMA user_version=1;")


def of_another_version(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version=2")


def without_tables(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.executescript("DROP TABLE blobs; DROP TABLE heads; DROP TABLE snapshots;")


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2 + 100)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (no_database, "is damaged (file is not a database)"),
        (empty, "is not of copydesk"),
        (of_somebody_else, "is not of copydesk"),
        (of_another_version, "is of another version (2)"),
        (without_tables, "is damaged (no such table"),
        (cut, "is damaged (database disk image is malformed)"),
    ],
)
def test_file_that_cannot_be_believed_is_set_aside(store, folder, filled, caplog, change, words):
    change(filled)
    check_it_starts_afresh(store, folder, caplog)
    assert words in store.info().problem


def test_second_file_that_is_set_aside_replaces_the_first(make_store, folder, filled):
    for _ in range(2):
        no_database(filled)
        store = make_store()
        assert list(store.read([COMMIT])) == []
        store.write(pairs(b"one"))
    assert len(set_aside(folder)) == 1


def flip(path: Path, near: bytes) -> None:
    content = bytearray(path.read_bytes())
    at = content.rindex(near) + 5
    content[at] ^= 1
    path.write_bytes(content)


def test_blob_with_a_flipped_bit_is_deleted_and_left_out(store, filled, caplog):
    flip(filled, b"twotwotwo")
    both = pairs(b"one" * KB, b"two" * KB)
    assert list(store.read(shas(both))) == both[:1]
    assert store.info().blobs == 1
    assert "1 damaged in the table blobs" in " ".join(warnings_of(caplog))
    store.write(both)
    assert dict(store.read(shas(both))) == dict(both)


def test_snapshot_with_a_flipped_bit_is_deleted_and_left_out(store, filled):
    flip(filled, b'[["a.md"')
    assert store.read_snapshot(COMMIT, "") is None
    assert store.info().snapshots == 0


def test_head_with_a_flipped_bit_is_deleted_and_left_out(store, filled):
    flip(filled, COMMIT.encode())
    assert store.read_snapshot(COMMIT, "") in (None, ENTRIES)
    assert store.read_head("here") == ""


@pytest.mark.parametrize("seed", range(12))
def test_whatever_is_flipped_nothing_wrong_comes_out(make_store, filled, seed):
    """At many places, wherever they are: all that is given is right, and the store works again in the end."""
    import random

    chance = random.Random(seed)
    whole = filled.read_bytes()
    given = dict(pairs(b"one" * KB, b"two" * KB))
    for _ in range(6):
        content = bytearray(whole)
        for _ in range(chance.randrange(1, 30)):
            content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
        for path in filled.parent.iterdir():
            path.unlink()
        filled.write_bytes(content)
        store = make_store()
        for sha, data in store.read(given):
            assert given[sha] == data
        assert store.read_snapshot(COMMIT, "") in (None, ENTRIES)
        assert store.read_head("here") in ("", COMMIT)
        store.write(pairs(b"new"))
        store.write_snapshot(COMMIT, "", ENTRIES)
        store.write_head("here", COMMIT)
        store.info()
        store.close()
    store.clear()
    store.write(pairs(b"new"))
    assert list(store.read([blob_sha(b"new")])) == pairs(b"new")


# -- folders that cannot be used ----------------------------------------------------------------------


def check_it_does_without(store: BlobStore, caplog, problem: str) -> None:
    store.write(pairs(b"one"))
    assert list(store.read([blob_sha(b"one")])) == []
    store.write_head("here", COMMIT)
    assert store.read_head("here") == ""
    assert problem in store.info().problem
    (told,) = warnings_of(caplog)
    assert problem in told


def test_folder_that_cannot_be_made_is_done_without(make_store, tmp_path, caplog):
    (tmp_path / "file").write_text("in the way")
    check_it_does_without(make_store(tmp_path / "file" / "copydesk"), caplog, "file")


def test_folder_that_is_a_file_is_done_without(make_store, tmp_path, caplog):
    (tmp_path / "file").write_text("in the way")
    check_it_does_without(make_store(tmp_path / "file"), caplog, "is no folder; remove it")


@on_posix
def test_folder_where_others_may_write_is_not_used(make_store, tmp_path, caplog):
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o777)
    check_it_does_without(make_store(shared), caplog, "others may write in")
    assert list(shared.iterdir()) == []
    assert stat.S_IMODE(shared.stat().st_mode) == 0o777


@as_root
def test_folder_of_somebody_else_is_not_used(make_store, folder, caplog):
    folder.mkdir()
    os.chown(folder, 65534, 65534)
    check_it_does_without(make_store(), caplog, "belongs to somebody else")


@as_root
def test_link_of_somebody_else_is_not_followed(make_store, folder, tmp_path, caplog):
    (tmp_path / "ours").mkdir()
    folder.symlink_to(tmp_path / "ours")
    os.chown(folder, 65534, 65534, follow_symlinks=False)
    check_it_does_without(make_store(), caplog, "belongs to somebody else")


@as_root
def test_file_of_somebody_else_is_not_used(store, folder, filled, caplog):
    os.chown(filled, 65534, 65534)
    check_it_does_without(store, caplog, "belongs to somebody else, or is no file")


@on_posix
def test_link_of_ours_is_followed(store, folder, tmp_path):
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    folder.symlink_to(tmp_path / "elsewhere")
    store.write(pairs(b"one"))
    assert (tmp_path / "elsewhere/blobs.sqlite").exists()


NOBODY = """
import logging
logging.basicConfig(stream=sys.stdout, format="%(message)s")
store, sha = BlobStore(folder), sys.argv[2]
list(store.read([]))
import sqlite3, encodings.idna
if os.geteuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
print(len(list(store.read([sha]))) <= 1)
store.write([(blob_sha(b"new"), b"new")])
store.write_head("here", "a" * 40)
print(list(store.read([blob_sha(b"new")])), store.read_head("here") != "a" * 40)
print(store.info().problem != "")
"""


@on_posix
@pytest.mark.parametrize("mode", [0o500, 0o700])
def test_file_that_is_for_reading_alone_is_not_written(folder, filled, mode):
    """Also where the folder is; root writes everywhere, so it becomes nobody."""
    filled.chmod(0o400)
    if os.geteuid() == 0:
        for path in (filled, folder):
            os.chown(path, 65534, 65534)
        for above in folder.parents[:4]:
            if above != Path("/tmp") and stat.S_IMODE(above.stat().st_mode) == 0o700:
                above.chmod(0o711)
    before = filled.read_bytes()
    folder.chmod(mode)
    shown = ended(run(NOBODY, folder, blob_sha(b"one" * KB))).splitlines()
    folder.chmod(0o700)
    assert [line for line in shown if line in {"True", "[] True"}] == ["True", "[] True", "True"], shown
    assert filled.read_bytes() == before
    assert sum("is not kept" in line for line in shown) == 1


FULL = """
import logging
logging.basicConfig(stream=sys.stdout, format="%(message)s")
store = BlobStore(folder)
store.write([(blob_sha(b"one"), b"one")])
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
many = [os.urandom(4000) for _ in range(200)]
store.write((blob_sha(each), each) for each in many)
print(len(list(store.read([blob_sha(b"one")]))), len(list(store.read(map(blob_sha, many)))))
print(store.info().problem != "")
"""


@on_posix
def test_full_disk_keeps_what_was_there(folder, make_store):
    """As a limit for the size of files, which the system holds for one process."""
    told, *shown = ended(run(FULL, folder)).splitlines()
    assert "is not kept" in told
    assert shown == ["1 0", "True"]
    assert list(make_store().read([blob_sha(b"one")])) == pairs(b"one")


# -- others at the same time --------------------------------------------------------------------------


@pytest.mark.usefixtures("impatient")
def test_lock_of_another_is_not_waited_for_again_and_again(store, filled, clock, caplog):
    """What is there is read all the same; writing is tried again after a minute."""
    one = pairs(b"one" * KB)
    with contextlib.closing(sqlite3.connect(filled, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        clock.now += 7200
        assert list(store.read(shas(one))) == one
        assert warnings_of(caplog) == []
        store.write(pairs(b"new"))
        assert "database is locked" in store.info().problem
        other.execute("COMMIT")
    store.write(pairs(b"new"))
    assert list(store.read([blob_sha(b"new")])) == []
    clock.now += REST
    store.write(pairs(b"new"))
    assert list(store.read([blob_sha(b"new")])) == pairs(b"new")
    assert len(warnings_of(caplog)) == 1


LOCKER = """
connection = sqlite3.connect(folder / "blobs.sqlite", isolation_level=None)
connection.execute("PRAGMA locking_mode=EXCLUSIVE")
connection.execute("PRAGMA journal_mode=DELETE")
connection.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
sys.stdin.read()
"""


@pytest.mark.usefixtures("impatient")
def test_file_that_another_process_has_for_itself_is_as_if_not_there(store, folder, filled, caplog):
    other = run(LOCKER, folder)
    assert other.stdout.readline() == "locked\n"
    check_it_does_without(store, caplog, "database is locked")
    ended(other)
    assert set_aside(folder) == []


def test_file_that_is_deleted_while_it_is_open_is_made_anew(store, folder):
    store.write(pairs(b"one"))
    for path in folder.iterdir():
        path.unlink()
    assert list(store.read([blob_sha(b"one")])) == []
    store.write(pairs(b"two"))
    assert list(store.read([blob_sha(b"two")])) == pairs(b"two")
    assert (folder / "blobs.sqlite").exists()
    assert store.info().problem == ""


def test_file_that_another_store_cleared_is_found_anew(store, make_store):
    other = make_store()
    store.write(pairs(b"one"))
    other.write(pairs(b"two"))
    assert other.clear().blobs == 2
    assert list(store.read([blob_sha(b"one")])) == []
    store.write(pairs(b"three"))
    assert list(other.read([blob_sha(b"three")])) == pairs(b"three")


KILLED = """
store = BlobStore(folder)
def endless():
    for at in range(100_000_000):
        yield blob_sha(b"%d" % at * 500), b"%d" % at * 500
many = endless()
import itertools
while True:
    store.write(itertools.islice(many, 50))
    print("written", flush=True)
"""


def test_process_that_is_killed_while_it_writes_leaves_a_file_that_is_right(folder, make_store):
    process = run(KILLED, folder)
    for _ in range(8):
        process.stdout.readline()
    process.kill()
    process.communicate()
    store = make_store()
    found = dict(store.read(blob_sha(b"%d" % at * 500) for at in range(400)))
    assert len(found) == 400
    store.write(pairs(b"new"))
    assert list(store.read([blob_sha(b"new")])) == pairs(b"new")
    assert store.info().problem == ""


BUSY = """
import logging, random
logging.basicConfig(stream=sys.stdout, format="%(message)s")
from copydesk import _store_file
_store_file.PATIENCE = 30.0
store, me = BlobStore(folder, limit=4 * 2**20), sys.argv[2]
chance, end = random.Random(me), time.monotonic() + 1
while time.monotonic() < end:
    owners = [chance.choice([me, "all"]) for _ in range(20)]
    blobs = [f"{owner} {chance.randrange(300)} ".encode() * 400 for owner in owners]
    store.write((blob_sha(each), each) for each in blobs)
    store.write_head("here", me * 40)
    known = {blob_sha(each): each for each in blobs}
    assert all(known[sha] == data for sha, data in store.read(known))
    assert store.read_head("here") in [letter * 40 for letter in "abcd"]
print(store.info().blobs > 0)
"""


def test_several_processes_write_and_read_at_once(folder):
    processes = [run(BUSY, folder, name) for name in "abcd"]
    assert [ended(process) for process in processes] == ["True\n"] * 4


def test_several_threads_write_and_read_at_once(store):
    wrong: list[object] = []

    def work(number: int) -> None:
        for turn in range(20):
            given = numbered(20, 256, start=number * 7 + turn)
            store.write(given)
            if dict(store.read(shas(given))) != dict(given):
                wrong.append((number, turn))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


FORKED = """
store = BlobStore(folder)
store.write([(blob_sha(b"one"), b"one")])
store._lock.acquire()  # as by another thread, which is not in the child
of_parent, child = store._file._connection, os.fork()
if child:
    store._lock.release()
else:
    signal.alarm(20)
here = b"child" if not child else b"parent"
for at in range(50):
    store.write([(blob_sha(here * at), here * at)])
    assert len(list(store.read([blob_sha(b"one"), blob_sha(here * at)]))) == 2
if not child:
    assert store._file._connection is not of_parent
    assert store._file._left == [of_parent]
    of_parent.total_changes  # is still open
    sys.exit(0)  # as an ordinary end, which lets go of all there is
assert os.waitpid(child, 0)[1] == 0
print(store.info().blobs, store.info().problem == "")
print(*sqlite3.connect(folder / "blobs.sqlite").execute("PRAGMA integrity_check").fetchone())
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_process_that_was_forked_has_a_connection_of_its_own(folder):
    assert ended(run(FORKED, folder)).splitlines() == ["100 True", "ok"]


# -- the whole ----------------------------------------------------------------------------------------


def test_info_tells_what_is_there(store, filled):
    told = store.info()
    assert (told.path, told.blobs, told.snapshots, told.problem) == (filled, 2, 1, "")
    assert told.size >= filled.stat().st_size
    assert told.limit == 512 * 2**20


def test_clear_removes_all_and_tells_what(store, filled, folder):
    size = store.info().size
    told = store.clear()
    assert (told.blobs, told.snapshots, told.problem) == (2, 1, "")
    assert told.size == size
    assert list(folder.iterdir()) == []
    assert store.clear().size == 0


def test_clear_removes_a_damaged_file_and_those_beside_it(store, filled, folder):
    no_database(filled)
    (folder / "blobs.sqlite.damaged-1").write_bytes(b"older")
    (folder / "else").write_bytes(b"not ours")
    told = store.clear()
    assert (told.blobs, told.size, told.problem) == (0, 15_005, "")
    assert [path.name for path in folder.iterdir()] == ["else"]


def test_error_of_the_caller_is_no_damage(store, folder):
    store.write(pairs(b"one"))
    with pytest.raises(TypeError):
        store.write([(blob_sha(b"one"), None)])
    assert set_aside(folder) == []
    assert list(store.read([blob_sha(b"one")])) == pairs(b"one")


# -- where --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", ["off", "0", "No", " false "])
def test_default_folder_is_none_where_it_is_off(value, tmp_path):
    assert default_folder({"COPYDESK_CACHE": value, "COPYDESK_CACHE_DIR": str(tmp_path)}) is None


def test_default_folder_can_be_named(tmp_path):
    assert default_folder({"COPYDESK_CACHE": "on", "COPYDESK_CACHE_DIR": str(tmp_path)}) == tmp_path
    assert default_folder({"COPYDESK_CACHE_DIR": "here"}) == Path("here").absolute()


@pytest.mark.skipif(sys.platform != "linux", reason="its place is that of Linux")
def test_default_folder_is_that_of_the_person(tmp_path, monkeypatch):
    pytest.importorskip("platformdirs", reason="platformdirs is not installed")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_folder({}) == tmp_path / "copydesk"


def test_default_folder_is_none_without_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "platformdirs", None)
    assert default_folder({}) is None
