"""The yardstick of a warm load: the rows of copydesk's cache read with sqlite alone, 500 at a time."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Final

from benchmarks.reading.clients.protocol import Given, Go, serve

_AT_ONCE: Final = 500


def load(given: Given) -> Go:
    database = sqlite3.connect(f"file:{given.options['path']}?mode=ro", uri=True)
    shas = [sha for (sha,) in database.execute("SELECT sha FROM blobs ORDER BY sha")]
    database.close()

    def go() -> int:
        found: dict[bytes, bytes] = {}
        with closing(sqlite3.connect(given.options["path"])) as again:
            for first in range(0, len(shas), _AT_ONCE):
                some = shas[first : first + _AT_ONCE]
                marks = ",".join("?" * len(some))
                found.update(again.execute(f"SELECT sha, data FROM blobs WHERE sha IN ({marks})", some))
        return len(found)

    return go


if __name__ == "__main__":
    serve({"load": load})
