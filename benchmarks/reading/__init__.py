"""What it costs to read a whole site: by copydesk, by the forges' libraries, and as two other editors ask for it.

::

    python -m benchmarks.reading            the full run, about half an hour
    python -m benchmarks.reading --quick    copydesk and the models on small sites, under half a minute
    python -m benchmarks.reading --write    also keep table and plot in benchmarks/results/
    python -m benchmarks.reading --only GitHub

The plot needs the group `bench`: ``uv run --group bench python -m benchmarks.reading --write``.

A forge is a simulator in a process of its own; so is every client, at each load, with the environment that its
library needs. Delays are the server's, so that clients are untouched. What is counted is exact; times are ratios
to copydesk in the same round and hold nothing but for this simulator. The program exits with 1 when copydesk
breaks a limit that a forge documents, and in the full run when a threshold is missed.

Clients are run in environments without copydesk: nothing may be imported here.
"""
