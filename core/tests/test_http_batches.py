"""Batches are halved where a forge says that they are too much, and no more than that."""

from __future__ import annotations

import pytest
from copydesk.errors import UnavailableError
from copydesk.http import Batches


class Forge:
    """Gives what it is asked for by the name that it was asked by, so many at once."""

    def __init__(self, most: int, *, bad: frozenset[int] = frozenset()) -> None:
        self.most = most
        self.bad = bad
        self.asked: list[int] = []

    def __call__(self, keys):
        self.asked.append(len(keys))
        return None if len(keys) > self.most or self.bad & set(keys) else {key: str(key) for key in keys}


def found_of(batches: Batches, count: int, forge: Forge) -> dict[int, str]:
    return {key: value for part in batches.gather(range(count), forge) for key, value in part.items()}


def test_all_comes_and_what_fits_is_remembered():
    batches, forge = Batches(100), Forge(most=30)
    assert batches.requests(101) == 2
    assert found_of(batches, 60, forge) == {number: str(number) for number in range(60)}
    assert forge.asked == [60, 30, 30]
    assert batches.requests(61) == 3


def test_each_batch_is_given_as_it_comes():
    forge = Forge(most=10)
    given = Batches(10).gather(range(30), forge)
    assert next(given) == {number: str(number) for number in range(10)}
    assert forge.asked == [10]


def test_one_thing_that_is_too_much_alone_is_left_out_and_halves_nothing_for_good():
    batches, forge = Batches(8), Forge(most=8, bad=frozenset({5}))
    assert found_of(batches, 40, forge).keys() == set(range(40)) - {5}
    assert batches.size == 8


def test_forge_that_is_away_is_not_asked_for_each_thing():
    forge = Forge(most=0)
    with pytest.raises(
        UnavailableError, match="refuses even one thing at a time as too much; read another way"
    ):
        found_of(Batches(64), 1000, forge)
    assert len(forge.asked) == 14
