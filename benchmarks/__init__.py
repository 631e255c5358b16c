"""What copydesk costs, each figure as a ratio to the same thing done without it.

::

    python -m benchmarks            the full run: five minutes, and half an hour for reading forges
    python -m benchmarks --quick    fewer rounds, about a minute
    python -m benchmarks --write    also keep tables and plot in benchmarks/results/

The two sides of a figure are timed in turns in one run, so that a busy machine slows both; the figure is the
median of the ratios of neighbours. The program exits with 1 when one is over its limit.

What reading a whole site from a forge costs is measured at the end, by `benchmarks.reading`. What forges are asked
for other work, and how long that takes next to others, is a program of its own: `benchmarks.requests`.

Commits wait for the disk below TMPDIR, on both sides alike; where that is memory, what is left is the
computing, and the ratios of commits are higher (about 1.7 instead of 1.2).
"""
