"""Bars on one axis."""

from hypothesis import given
from hypothesis import strategies as st

from rating.axis import EDGE, WIDTH, Axis

numbers = st.floats(-4000, 4000).map(lambda value: round(value, 3))


@given(st.lists(numbers, min_size=1, max_size=20))
def test_every_value_and_every_tick_stands_inside_the_axis(values):
    axis = Axis.around(values)
    places = [axis.at(value) for value in values] + [tick["x"] for tick in axis.ticks]
    assert all(EDGE - 0.1 <= place <= WIDTH - EDGE + 0.1 for place in places)
    assert 2 <= len(axis.ticks) <= 8


def test_ticks_are_round():
    assert [tick["value"] for tick in Axis.around([812, 1145]).ticks] == [800, 900, 1000, 1100, 1200]
    assert [tick["value"] for tick in Axis.around([6.6, 7.8]).ticks] == [6.5, 7, 7.5, 8]


def test_a_model_without_an_interval_is_a_point():
    assert Axis.around([900, 1100]).bar(1000, None, None) == {"x": "120", "start": "120", "width": "0"}
