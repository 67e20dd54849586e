"""Replies of judges, read from tables of recorded ones; each row's name is the behaviour it shows."""

import pytest

from judging.judges.base import OK, PARSE_ERROR, REFUSED, TRUNCATED, Dimension
from judging.prompts import PRESETS
from judging.replies import (
    PRESET_READERS,
    check_points,
    parse_pair,
    parse_points,
    parse_score,
    parse_scores,
    weighted_mean,
)
from tests.judging.replies_table import ANSWER, BARE, COUNTED, PAIR, RUBRIC, SINGLE, TO_FIVE, all_rows, rows


def table(kind):
    return [pytest.param(row, id=row["name"]) for row in rows(kind)]


def check(reading, row):
    assert reading.value == row.get("value")
    assert reading.error == row.get("error", "")
    assert reading.status == row.get("status", PARSE_ERROR if "error" in row else OK)
    assert reading.both_bad == row.get("both_bad", False)
    assert dict(reading.scores) == row.get("scores", {})
    assert list(reading.points) == row.get("points", [])


def finish_of(row):
    return row.get("finish", "stop")


@pytest.mark.parametrize("row", table("pair"))
def test_a_reply_about_two_answers_is_read(row):
    check(parse_pair(row["reply"], finish=finish_of(row)), row)


@pytest.mark.parametrize("row", table("score"))
def test_a_reply_about_one_answer_is_read(row):
    check(parse_score(row["reply"], row.get("lowest", 1), row.get("highest", 10), finish=finish_of(row)), row)


@pytest.mark.parametrize("row", table("scores"))
def test_a_reply_with_marks_by_dimension_is_read(row):
    check(parse_scores(row["reply"], RUBRIC, finish=finish_of(row)), row)


@pytest.mark.parametrize("row", table("points"))
def test_a_reply_with_faults_and_merits_is_counted(row):
    check(check_points(parse_points(row["reply"], COUNTED, finish=finish_of(row)), COUNTED, ANSWER), row)


@pytest.mark.parametrize("row", table("preset"))
def test_a_reply_of_a_tuned_judge_is_read_in_its_own_form(row):
    exhibit = SINGLE if row.get("single") else PAIR
    rubric = TO_FIVE if row["preset"] == "prometheus" else BARE
    check(PRESET_READERS[row["preset"]](row["reply"], exhibit, rubric, finish=finish_of(row)), row)


def test_every_preset_has_a_reader():
    assert set(PRESET_READERS) == set(PRESETS)


def test_the_tables_are_long_enough_and_in_both_languages():
    recorded = all_rows()
    chinese = [row for row in recorded if any("\u4e00" <= letter <= "\u9fff" for letter in row["name"] + row["reply"])]
    assert len(recorded) >= 500 and len(chinese) >= 0.4 * len(recorded)


def test_a_refusal_by_the_endpoint_is_one_whatever_the_text_says():
    readings = [
        parse_pair("[[A]]", finish="refused"),
        parse_score("[[7]]", 1, 10, finish="refused"),
        parse_scores('{"facts": 8, "tone": 4}', RUBRIC, finish="refused"),
        parse_points('{"deductions": [], "bonuses": []}', COUNTED, finish="refused"),
        *(read("[[1]]", PAIR, BARE, finish="refused") for read in PRESET_READERS.values()),
    ]
    assert {reading.status for reading in readings} == {REFUSED}


def test_a_cut_off_reply_is_a_failure_of_its_own():
    assert parse_pair("Let me see", finish="length").status == TRUNCATED != parse_pair("Let me see").status


def test_weights_that_add_up_to_nothing_weigh_alike():
    dimensions = (Dimension("facts", {}, weight=0), Dimension("tone", {}, weight=0))
    assert weighted_mean({"facts": 2, "tone": 4}, dimensions) == 3
