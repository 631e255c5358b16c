"""Git Gateway: who works behind it, and what each of them has to be known for."""

from benchmarks.requests.git_gateway.bench import BEFORE_GITHUB, BEFORE_GITLAB

__all__ = ["BEFORE_GITHUB", "BEFORE_GITLAB"]
