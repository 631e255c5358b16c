"""What the same editorial work asks of a forge: by copydesk, by the forge's library, and as Decap CMS asks it.

::

    python -m benchmarks.requests            the full run, about nine minutes
    python -m benchmarks.requests --quick    fewer files and rounds, about a minute
    python -m benchmarks.requests --write    also keep the tables in benchmarks/results/

All work on one simulator per forge, each on a repository of its own that begins the same. Requests and bytes are
exact and a test holds them. Times are ratios to copydesk in the same round and hold nothing but for this
simulator.

Each forge is a package with a :class:`~benchmarks.requests.bench.Bench`, which is all that the rest knows of it.
"""

from __future__ import annotations

import sys
from pathlib import Path

# The simulators belong to the tests and are not installed. This is the one place that makes them importable;
# pytest does the same with its `pythonpath`.
_TESTS = str(Path(__file__).parents[2] / "tests")
if _TESTS not in sys.path:
    sys.path.append(_TESTS)
