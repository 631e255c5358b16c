"""What copydesk costs, each figure as a ratio to the same thing done without it.

::

    python -m benchmarks            the full run, under five minutes
    python -m benchmarks --quick    fewer rounds, under a minute
    python -m benchmarks --write    also keep the table in benchmarks/results/

The two sides of a figure are timed in turns in one run, so that a busy machine slows both; the figure is the
median of the ratios of neighbours. The program exits with 1 when one is over its limit.

What forges are asked, and how long that takes next to others, is a program of its own: `benchmarks.requests`.

Commits wait for the disk below TMPDIR, on both sides alike; where that is memory, what is left is the
computing, and the ratios of commits are higher (about 1.7 instead of 1.2).
"""
