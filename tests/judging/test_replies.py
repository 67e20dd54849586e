"""Replies of judges, read from tables of recorded ones; each row's name is the behaviour it shows."""

import json
from pathlib import Path
from time import thread_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judging.judges.base import OK, PARSE_ERROR, REFUSED, Dimension, RubricText
from judging.replies import TRUNCATED, parse_pair, parse_score, parse_scores, weighted_mean

RUBRIC = RubricText(
    name="two things",
    instructions={},
    dimensions=(
        Dimension("facts", {"en": "Facts right", "zh": "事实"}, weight=3),
        Dimension("tone", {"en": "Tone of voice", "zh": "语气"}, weight=1),
    ),
)


def table(name):
    rows = json.loads((Path(__file__).parent / f"replies_{name}.json").read_text(encoding="utf-8"))
    return [pytest.param(row, id=row["name"]) for row in rows]


def check(reading, row):
    assert reading.value == row.get("value")
    assert reading.error == row.get("error", "")
    assert reading.status == row.get("status", PARSE_ERROR if "error" in row else OK)
    assert reading.both_bad == row.get("both_bad", False)
    assert dict(reading.scores) == row.get("scores", {})


@pytest.mark.parametrize("row", table("pair"))
def test_a_reply_about_two_answers_is_read(row):
    check(parse_pair(row["reply"], finish=row.get("finish", "stop")), row)


@pytest.mark.parametrize("row", table("score"))
def test_a_reply_about_one_answer_is_read(row):
    check(
        parse_score(row["reply"], row.get("lowest", 1), row.get("highest", 10), finish=row.get("finish", "stop")), row
    )


@pytest.mark.parametrize("row", table("scores"))
def test_a_reply_with_marks_by_dimension_is_read(row):
    check(parse_scores(row["reply"], RUBRIC, finish=row.get("finish", "stop")), row)


def read_all(text, finish):
    return (
        parse_pair(text, finish=finish),
        parse_score(text, 1, 10, finish=finish),
        parse_scores(text, RUBRIC, finish=finish),
    )


PIECES = [
    "[[A]]",
    "[[",
    "]]",
    "<think>",
    "</think>",
    "{",
    "}",
    '"verdict": "B"',
    "facts: 3",
    "[[11]]",
    "-1",
    "\n",
    "【【Ｂ】】",
    "> ",
]


@given(
    st.lists(st.sampled_from(PIECES) | st.text(max_size=5), max_size=30).map("".join),
    st.sampled_from(["stop", "length"]),
)
def test_any_text_gives_a_value_or_a_named_failure_never_both(text, finish):
    for reading in read_all(text, finish):
        assert (reading.status == OK) == (reading.value is not None) == (reading.error == "")
        assert reading.status in (OK, PARSE_ERROR, REFUSED)


@given(st.text(max_size=60), st.sampled_from(["[[A]]", "[[B]]", "[[C]]", "[[A>>B]]"]))
def test_a_verdict_on_a_last_line_of_its_own_is_what_counts(before, verdict):
    if "<" not in before and ">" not in before:
        assert parse_pair(f"{before}\n{verdict}") == parse_pair(verdict)


@pytest.mark.parametrize(
    "text",
    [
        "[[" * 50_000,
        "{" * 100_000,
        '{"a":' * 20_000,
        "<think>" * 14_000,
        "<<<ANSWER A 0123456789abcdef>>>x" * 3_000,
        "score " * 16_000,
        "score: " + "1" * 90_000,
        "verdict is " * 9_000,
        "\n" * 100_000,
        "[[A]] " * 16_000,
        "> [[A]]\n" * 12_000,
        "sorry " * 16_000,
        "1 " * 50_000,
        "A: 1 " * 20_000,
        "-" * 100_000,
        "﷽" * 100_000,
    ],
    ids=lambda text: text[:8].strip() or "blank",
)
def test_a_hostile_reply_is_read_in_less_than_a_second(text):
    started = thread_time()
    readings = read_all(text, "stop")
    assert thread_time() - started < len(readings)


def test_a_very_long_reply_is_read_from_its_end():
    assert parse_pair("no " * 100_000 + "\n[[B]]").value == -1


def test_a_cut_off_reply_is_a_failure_of_its_own():
    assert parse_pair("Let me see", finish="length").error == TRUNCATED != parse_pair("Let me see").error


def test_weights_that_add_up_to_nothing_weigh_alike():
    dimensions = (Dimension("facts", {}, weight=0), Dimension("tone", {}, weight=0))
    assert weighted_mean({"facts": 2, "tone": 4}, dimensions) == 3
