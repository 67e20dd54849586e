"""What a column may hold: numbers that fit, levels that are shares."""

import numpy as np
import pytest

from rating.stats.arrays import check_level, codes, indices, numbers
from rating.stats.errors import ImpossibleInput


@pytest.mark.parametrize("check", [codes, indices])
def test_an_unsigned_code_that_does_not_fit_is_told_as_it_was_given(check):
    fits = np.array([2**63 - 1, 0], dtype=np.uint64)
    assert check(fits, "item").tolist() == [2**63 - 1, 0]
    with pytest.raises(ImpossibleInput, match=r"item holds 18446744073709551615 at row 1; 2\*\*63 - 1 is the most"):
        check(np.array([0, 2**64 - 1], dtype=np.uint64), "item")


def test_an_unsigned_preference_does_not_turn_round():
    """2**64 - 1 would be -1 in int64: a loss."""
    with pytest.raises(ImpossibleInput, match="value holds 18446744073709551615"):
        numbers(np.array([2**64 - 1], dtype=np.uint64), "value", most=2)


def test_a_level_lies_between_0_and_1():
    check_level(0.95)
    for level in (0.0, 1.0, 95, float("nan")):
        with pytest.raises(ImpossibleInput, match="not between 0 and 1"):
            check_level(level)
