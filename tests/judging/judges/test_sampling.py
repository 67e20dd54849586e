"""Several samples of one verdict: how many are drawn, when they are enough, what they come to."""

from collections.abc import Iterator, Sequence
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judging.judges.base import API_ERROR, OK, PARSE_ERROR
from judging.judges.sampling import MOST_SAMPLES, fewest, pooled, settled
from judging.replies import NO_VERDICT, Reading

UNREAD = Reading(status=PARSE_ERROR, error=NO_VERDICT)
DOWN = Reading(status=API_ERROR, error="status 500")

VALUES = {1.0: (-1, 0, 1), 2.0: (-2, -1, 0, 1, 2)}
"""What a sample of a pair can be worth, by the largest of them."""


def pairs(*values: float | None) -> list[Reading]:
    """The samples of a pair by their values; None is one that could not be read."""
    return [UNREAD if value is None else Reading(value=float(value)) for value in values]


def drawn(said: Sequence[Reading], wanted: int, *, strongest: float | None) -> list[Reading]:
    """Those of the samples that a judge would draw, one after the other."""
    readings: list[Reading] = []
    while not settled(readings, wanted, strongest=strongest):
        readings.append(said[len(readings)])
    return readings


def told(reading: Reading) -> int | None:
    """Which answer it prefers; None where it could not be read, for whatever reason."""
    value = reading.value
    return None if value is None else (value > 0) - (value < 0)


@st.composite
def samples_of_pairs(draw: st.DrawFn) -> tuple[list[Reading], float]:
    """As many samples as are wanted, weighed or not, some of them failures, and the largest value that was asked for.

    A judge may choose a stronger word than any of those.
    """
    strongest = draw(st.sampled_from([1.0, 2.0]))
    values = st.sampled_from(VALUES[2.0]) | st.floats(-strongest, strongest, allow_subnormal=False)
    one = st.builds(lambda value: Reading(value=float(value)), values) | st.sampled_from([UNREAD, DOWN])
    return draw(st.lists(one, min_size=1, max_size=MOST_SAMPLES)), strongest


def every_run(wanted: int, strongest: float) -> Iterator[list[Reading]]:
    for values in product((*VALUES[strongest], None), repeat=wanted):
        yield pairs(*values)


# When it is enough


@given(samples_of_pairs())
def test_the_samples_not_drawn_could_not_have_changed_the_verdict(given_samples):
    said, strongest = given_samples
    few = drawn(said, len(said), strongest=strongest)
    assert told(pooled(few, len(said), strongest=strongest)) == told(pooled(said, len(said), strongest=strongest))


@pytest.mark.parametrize(("wanted", "strongest"), [(2, 2.0), (3, 2.0), (4, 1.0), (5, 1.0), (4, 2.0)])
def test_no_run_of_replies_at_all_breaks_that(wanted, strongest):
    for said in every_run(wanted, strongest):
        few = drawn(said, wanted, strongest=strongest)
        assert told(pooled(few, wanted, strongest=strongest)) == told(pooled(said, wanted, strongest=strongest))


@pytest.mark.parametrize(("wanted", "strongest"), [(3, 1.0), (4, 1.0), (5, 1.0), (4, 2.0)])
def test_nothing_is_settled_that_could_still_change(wanted, strongest):
    """As long as some way of going on leads to another verdict, one more is drawn."""
    going_on: dict[tuple[float | None, ...], set[int | None]] = {}
    for said in every_run(wanted, strongest):
        verdict = told(pooled(said, wanted, strongest=strongest))
        for count in range(wanted):
            going_on.setdefault(tuple(each.value for each in said[:count]), set()).add(verdict)
    open_still = [values for values, verdicts in going_on.items() if len(verdicts) > 1]
    assert open_still
    assert not any(settled(pairs(*values), wanted, strongest=strongest) for values in open_still)


@given(samples_of_pairs())
def test_a_readable_pair_takes_as_many_samples_as_announced(given_samples):
    said, strongest = given_samples
    readable = [each if each.status == OK else Reading(value=0.0) for each in said]
    count = len(drawn(readable, len(said), strongest=strongest))
    assert fewest(len(said), is_pair=True) <= count <= len(said)


@pytest.mark.parametrize("wanted", range(1, MOST_SAMPLES + 1))
@pytest.mark.parametrize("strongest", [1.0, 2.0])
def test_the_fewest_are_really_enough_where_all_say_the_same(wanted, strongest):
    said = pairs(*[strongest] * wanted)
    assert len(drawn(said, wanted, strongest=strongest)) == fewest(wanted, is_pair=True)


@pytest.mark.parametrize(("wanted", "least"), [(1, 1), (2, 2), (3, 2), (4, 3), (5, 3), (15, 8)])
def test_the_fewest_are_more_than_half_of_a_pair_and_all_of_the_marks(wanted, least):
    assert fewest(wanted, is_pair=True) == least
    assert fewest(wanted, is_pair=False) == wanted


def test_marks_are_drawn_to_the_last():
    said = [Reading(value=7.0)] * 5
    assert len(drawn(said, 5, strongest=None)) == 5


@pytest.mark.parametrize(("strongest", "count"), [(1.0, 3), (None, 3)])
def test_what_no_majority_can_read_any_more_is_given_up(strongest, count):
    assert len(drawn([UNREAD] * 5, 5, strongest=strongest)) == count


def test_an_even_number_is_settled_only_by_more_than_half():
    assert not settled(pairs(1, 1), 4, strongest=1.0)
    assert settled(pairs(1, 1, 1), 4, strongest=1.0)
    assert not settled(pairs(1, 1, -1), 4, strongest=1.0)


def test_on_the_scale_of_five_one_strong_word_can_outweigh_two():
    assert settled(pairs(1, 1, 1), 4, strongest=1.0)
    assert not settled(pairs(1, 1), 3, strongest=2.0)
    assert settled(pairs(2, 1), 3, strongest=2.0)


def test_a_tie_is_never_settled_early():
    assert len(drawn(pairs(0, 0, 0, 0, 0), 5, strongest=1.0)) == 5


# What they come to


def test_a_pair_is_the_mean_of_what_could_be_read():
    assert pooled(pairs(1, -1, 1), 3, strongest=2.0).value == pytest.approx(1 / 3)
    assert pooled(pairs(1, None, 1), 3, strongest=2.0).value == 1


def test_a_failure_is_neither_a_tie_nor_a_vote():
    assert pooled(pairs(2, None, 2), 3, strongest=2.0).value == 2


@given(samples_of_pairs())
def test_a_pair_stays_within_the_samples_it_is_made_of(given_samples):
    said, strongest = given_samples
    verdict = pooled(said, len(said), strongest=strongest)
    if verdict.value is not None:
        values = [min(strongest, max(-strongest, each.value)) for each in said if each.value is not None]
        if len(said) == 1:
            values = [said[0].value]
        assert min(values) - 1e-9 <= verdict.value <= max(values) + 1e-9


@given(samples_of_pairs(), st.randoms(use_true_random=False))
def test_the_order_of_the_samples_changes_no_status(given_samples, random):
    said, _ = given_samples
    mixed = random.sample(said, len(said))
    one, other = (pooled(each, len(said), strongest=2.0) for each in (said, mixed))
    if len(said) > 1:
        assert (one.status == OK) == (other.status == OK)


def test_both_are_bad_only_where_every_sample_says_so():
    bad = Reading(value=0.0, both_bad=True)
    assert pooled([bad, bad, bad], 3, strongest=2.0).both_bad
    assert not pooled([bad, bad, *pairs(0)], 3, strongest=2.0).both_bad
    assert pooled([bad, bad, UNREAD], 3, strongest=2.0).both_bad


def test_marks_and_their_dimensions_are_means():
    said = [Reading(value=value, scores={"facts": value + 1, "tone": value - 1}) for value in (4.0, 5.0, 9.0)]
    verdict = pooled(said, 3, strongest=None)
    assert (verdict.value, verdict.scores) == (6, {"facts": 7, "tone": 5})


@pytest.mark.parametrize(("values", "middle"), [((9, 3, 5), 5), ((9, 3, 5, 7), 5), ((4, 8, 4), 4)])
def test_of_points_the_median_sample_stands_as_a_whole(values, middle):
    said = [
        Reading(value=float(value), points=({"key": "wrong", "points": value - 10, "quote": str(value)},))
        for value in values
    ]
    verdict = pooled(said, len(values), strongest=None)
    assert verdict == next(each for each in said if each.value == middle)


def test_a_sample_without_findings_can_be_the_median_of_points():
    clean = Reading(value=7.0)
    poor = Reading(value=3.0, points=({"key": "wrong", "points": -4, "quote": "x"},))
    rich = Reading(value=9.0, points=({"key": "extra", "points": 2, "quote": "y"},))
    assert pooled([poor, clean, rich], 3, strongest=None) == clean


def test_too_few_that_could_be_read_are_a_failure_that_says_so():
    verdict = pooled([*pairs(1, 1), UNREAD, DOWN], 4, strongest=2.0)
    assert (verdict.status, verdict.value) == (API_ERROR, None)
    assert verdict.error == "2 of 4 samples could be read: status 500"


def test_samples_that_were_never_drawn_are_no_votes():
    verdict = pooled(pairs(1, 1), 5, strongest=2.0)
    assert (verdict.status, verdict.value) == (API_ERROR, None)
    assert verdict.error.startswith("2 of 2 samples could be read")


def test_a_single_sample_stands_as_it_is():
    reading = Reading(value=2.0, probabilities={"A": 1.0})
    assert pooled([reading], 1, strongest=2.0) is reading
    assert pooled([UNREAD], 1, strongest=None) is UNREAD
