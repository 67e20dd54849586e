"""Faults and merits: their quotes are looked for in the answer, however they are written."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judging.judges.base import OK, PARSE_ERROR
from judging.replies import check_points, parse_points
from tests.judging.replies_table import BARE, COUNTED


def finding(quote, answer, key="wrong"):
    reply = json.dumps({"deductions": [{"key": key, "quote": quote}], "bonuses": []}, ensure_ascii=False)
    return check_points(parse_points(reply, COUNTED), COUNTED, answer)


@given(st.text(min_size=1, max_size=60).filter(str.strip), st.text(max_size=20), st.text(max_size=20))
def test_what_is_quoted_word_for_word_is_found(passage, before, after):
    assert finding(passage, f"{before}{passage}{after}").status == OK


@pytest.mark.parametrize(
    "passage", ["\\[x^2\\] and \\frac{1}{2}", "<think>so</think> it is", '{"a": [1, {}]}', "```\nx\n```", "> q"]
)
def test_a_passage_may_look_like_anything(passage):
    assert finding(passage, f"It says {passage}, and so on.").value == 4
    assert finding(passage, "It says nothing of that kind.").status == PARSE_ERROR


def test_a_quote_of_nothing_but_marks_must_stand_there_as_it_is():
    assert finding("!!!", "Wow!!!").status == OK
    assert finding("!!!", "Wow!").status == PARSE_ERROR


def test_a_rubric_without_points_cannot_be_counted():
    with pytest.raises(ValueError, match="bare does not mark by points"):
        parse_points("{}", BARE)
