"""How many examples hypothesis makes up where each of them takes servers and repositories."""

from __future__ import annotations

from hypothesis import HealthCheck, Phase, settings

__all__ = ["the_same_examples"]


def the_same_examples(count: int) -> settings:
    """Try so many, the same ones each time, however long they take."""
    return settings(
        max_examples=count,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
