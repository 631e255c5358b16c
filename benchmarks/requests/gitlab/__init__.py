"""GitLab: who works on it, and what each of them has to be known for."""

from benchmarks.requests.gitlab.bench import GITLAB

__all__ = ["GITLAB"]
