"""GitHub: who works on it, and what each of them has to be known for."""

from benchmarks.requests.github.bench import GITHUB

__all__ = ["GITHUB"]
