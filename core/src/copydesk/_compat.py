"""Choosing the implementation of importlib.metadata."""

from __future__ import annotations

import sys

# The backport gives Python 3.11 the fixes of 3.12 (duplicate distributions, entry points by name).
if sys.version_info >= (3, 12):
    from importlib import metadata
else:
    import importlib_metadata as metadata

__all__ = ["metadata"]
