"""Verdicts weighed by log-probability: closed forms, tokens as endpoints give them, and bounds whatever they give."""

from math import log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judging.judges.base import OK
from judging.replies import CUT_NUMBER, NO_VERDICT, weigh_pair, weigh_score


def at(shares):
    return {token: log(share) for token, share in shares.items()}


def test_a_pair_is_weighed_among_the_letters_alone():
    reading = weigh_pair([at({"A": 0.6, "B": 0.15, "C": 0.05, "The": 0.2})])
    assert reading.value == pytest.approx((0.6 - 0.15) / 0.8)
    assert reading.probabilities == pytest.approx({"A": 0.75, "B": 0.1875, "C": 0.0625})


@pytest.mark.parametrize(
    "tokens", [("A", " A", "B"), ("Ａ", "A", "Ｂ"), ("▁A", "[[A", " B"), ("ĠA", "**A", "ĠB"), ("(A", "A.", "B。")]
)
def test_tokens_that_are_the_same_letter_are_taken_together(tokens):
    reading = weigh_pair([at(dict(zip(tokens, (0.5, 0.3, 0.2), strict=True)))])
    assert reading.value == pytest.approx(0.6)


def test_marks_and_labels_may_stand_before_the_letter():
    before = [at({"\n": 0.9}), at({"Verdict": 0.8}), at({":": 1.0}), at({"[[": 0.9, "B": 0.1})]
    assert weigh_pair([*before, at({"B": 0.9, "A": 0.1})]).value == pytest.approx(-0.8)


@pytest.mark.parametrize(
    "top",
    [
        [],
        [{}],
        [at({"I": 0.9, "A": 0.1})],
        [at({"I": 0.9}), at({" prefer": 0.9}), at({" A": 0.9})],
        [at({"a": 0.9})],
        [at({"D": 0.9, "A": 0.05})],
        [{"A": float("nan")}],
        [{"A": -9999.0}],
    ],
)
def test_where_the_judge_was_about_to_say_something_else_nothing_is_weighed(top):
    assert weigh_pair(top).error == weigh_score(top, 1, 10).error == NO_VERDICT


def test_a_mark_is_the_one_to_be_expected():
    reading = weigh_score([at({"7": 0.5, " 8": 0.25, "8": 0.15, "10": 0.05, "The": 0.05})], 1, 10)
    assert reading.value == pytest.approx((7 * 0.5 + 8 * 0.4 + 10 * 0.05) / 0.95)
    assert reading.probabilities == pytest.approx({"7": 0.5 / 0.95, "8": 0.4 / 0.95, "10": 0.05 / 0.95})


def test_marks_outside_the_scale_are_left_out_and_never_moved():
    assert weigh_score([at({"5": 0.6, "7": 0.3, "4": 0.1})], 1, 5).value == pytest.approx((5 * 0.6 + 4 * 0.1) / 0.7)
    assert "outside the scale" in weigh_score([at({"9": 0.6, "5": 0.4})], 1, 5).error
    assert "outside the scale" in weigh_score([at({"0": 0.9})], 1, 10).error


def test_where_each_digit_is_a_token_the_next_place_tells_a_one_from_a_ten():
    ten = weigh_score([at({"1": 0.8, "9": 0.2}), at({"0": 0.75, "<eos>": 0.25})], 1, 10)
    assert ten.value == pytest.approx(10 * 0.6 + 1 * 0.2 + 9 * 0.2)
    assert weigh_score([at({"1": 0.8, "9": 0.2})], 1, 10).error == CUT_NUMBER
    assert weigh_score([at({"1": 0.8, "9": 0.1, "10": 0.1})], 1, 10).value == pytest.approx(0.8 + 0.9 + 1.0)
    assert weigh_score([at({"1": 0.8, "5": 0.2})], 1, 5).value == pytest.approx(1.8)
    assert weigh_score([at({"9": 0.8, "1": 0.2})], 1, 10).value == pytest.approx(9)


def test_the_order_of_the_tokens_makes_no_difference():
    """A database may give them back in another one."""
    shares = {"A": 0.3, " B": 0.4, "C": 0.2, "B": 0.1}
    assert weigh_pair([at(shares)]) == weigh_pair([at(dict(sorted(shares.items(), reverse=True)))])


@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(["A", " B", "C", "7", "1", "10", "0", "x", ""]) | st.text(max_size=3),
            st.floats(-30, 0.5) | st.just(float("nan")),
            max_size=6,
        ),
        max_size=4,
    )
)
def test_any_weights_give_a_value_within_bounds_or_a_named_failure(top):
    pair, score = weigh_pair(top), weigh_score(top, 1, 10)
    for reading, lowest, highest in ((pair, -1, 1), (score, 1, 10)):
        assert (reading.status == OK) == (reading.error == "") == (reading.value is not None)
        assert reading.value is None or lowest <= reading.value <= highest
        assert reading.value is None or sum(reading.probabilities.values()) == pytest.approx(1)
