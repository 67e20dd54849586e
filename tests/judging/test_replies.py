"""Replies of judges, read from tables of recorded ones; each row's name is the behaviour it shows."""

import json
from dataclasses import replace
from math import log
from pathlib import Path
from time import thread_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judging.judges.base import OK, PARSE_ERROR, REFUSED, Dimension, Exhibit, PointKind, Points, RubricText
from judging.prompts import PRESETS
from judging.replies import (
    CUT_NUMBER,
    NO_VERDICT,
    PRESET_READERS,
    TRUNCATED,
    check_points,
    parse_pair,
    parse_points,
    parse_score,
    parse_scores,
    weigh_pair,
    weigh_score,
    weighted_mean,
)

BARE = RubricText("bare", {})
RUBRIC = RubricText(
    name="two things",
    instructions={},
    dimensions=(
        Dimension("facts", {"en": "Facts right", "zh": "事实"}, weight=3),
        Dimension("tone", {"en": "Tone of voice", "zh": "语气"}, weight=1, veto=3),
    ),
)
COUNTED = RubricText(
    name="counted",
    instructions={},
    points=Points(
        base=6,
        deductions=(
            PointKind("wrong", 2, {"en": "Wrong fact", "zh": "事实错误"}, most=3),
            PointKind("gap", 1, {"en": "Gap", "zh": "遗漏"}, quoted=False),
        ),
        bonuses=(PointKind("source", 1, {"en": "Source", "zh": "出处"}),),
        floor=2,
        cap=8,
    ),
)
ANSWER = """**The river** flows north, into the sea: see the atlas of 1911.
据旧县志所载，河水向北流。"""
PAIR = Exhibit(id=0, turns=("Where to?",), answers=(("North.",), ("South.",)))
SINGLE = Exhibit(id=0, turns=("Where to?",), answers=(("North.",),))
TO_FIVE = replace(BARE, lowest=1, highest=5)


def table(name):
    rows = json.loads((Path(__file__).parent / f"replies_{name}.json").read_text(encoding="utf-8"))
    return [pytest.param(row, id=row["name"]) for row in rows]


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
    rows = [row.values[0] for name in ("pair", "score", "scores", "points", "preset") for row in table(name)]
    chinese = [row for row in rows if any("\u4e00" <= letter <= "\u9fff" for letter in row["name"] + row["reply"])]
    assert len(rows) >= 400 and len(chinese) >= 150


def test_a_refusal_by_the_endpoint_is_one_whatever_the_text_says():
    readings = [
        parse_pair("[[A]]", finish="refused"),
        parse_score("[[7]]", 1, 10, finish="refused"),
        parse_scores('{"facts": 8, "tone": 4}', RUBRIC, finish="refused"),
        parse_points('{"deductions": [], "bonuses": []}', COUNTED, finish="refused"),
        *(read("[[1]]", PAIR, BARE, finish="refused") for read in PRESET_READERS.values()),
    ]
    assert {reading.status for reading in readings} == {REFUSED}


# --- points


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


# --- weighed by log-probability


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


# --- whatever is said


def read_all(text, finish):
    return (
        parse_pair(text, finish=finish),
        parse_score(text, 1, 10, finish=finish),
        parse_scores(text, RUBRIC, finish=finish),
        check_points(parse_points(text, COUNTED, finish=finish), COUNTED, text),
        *(read(text, PAIR, BARE, finish=finish) for read in PRESET_READERS.values()),
        *(read(text, SINGLE, BARE, finish=finish) for name, read in PRESET_READERS.items() if PRESETS[name].single),
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
    "```\n",
    '{"deductions": [], "bonuses": [',
    '{"key": "gap"}',
    "]}",
    "[RESULT] ",
    "final decision is Response 1",
    "8 6",
    "\\",
    "“",
    "<<<ANSWER A 0123456789abcdef>>>\n",
    "<|channel|>analysis<|message|>",
]


@given(
    st.lists(st.sampled_from(PIECES) | st.text(max_size=5), max_size=30).map("".join),
    st.sampled_from(["stop", "length"]),
)
def test_any_text_gives_a_value_or_a_named_failure_never_both(text, finish):
    for reading in read_all(text, finish):
        assert (reading.status == OK) == (reading.value is not None) == (reading.error == "")
        assert reading.status in (OK, PARSE_ERROR, REFUSED)


HIDES = ("<", "＜", "◁", "[TH", "［")  # with these, a text could begin a thought or a fence that never ends


@given(st.text(max_size=60), st.sampled_from(["[[A]]", "[[B]]", "[[C]]", "[[A>>B]]", '{"verdict": "B"}', "【【Ａ】】"]))
def test_a_verdict_on_a_last_line_of_its_own_is_what_counts(before, verdict):
    if not any(sign in before for sign in HIDES):
        assert parse_pair(f"{before}\n{verdict}") == parse_pair(verdict)


ROWS = [row.values[0] for name in ("pair", "score", "scores", "points", "preset") for row in table(name)]
ENDING = [
    row
    for row in ROWS
    if "never" not in row["name"] and "while thinking" not in row["name"] and "<<<" not in row["reply"]
]


@pytest.mark.parametrize("verdict", ["[[B]]", '{"verdict": "B"}', "［［Ｂ］］"])
def test_after_any_of_the_recorded_replies_a_verdict_is_read_as_that_verdict(verdict):
    misread = [row["name"] for row in ENDING if parse_pair(f"{row['reply']}\n\nMy verdict:\n\n{verdict}").value != -1]
    assert not misread


@pytest.mark.parametrize("verdict", ["[[3]]", '{"score": 3}', "【【3分】】"])
def test_after_any_of_the_recorded_replies_a_mark_is_read_as_that_mark(verdict):
    misread = [
        row["name"] for row in ENDING if parse_score(f"{row['reply']}\n\nMy mark:\n\n{verdict}", 1, 10).value != 3
    ]
    assert not misread


@pytest.mark.parametrize("verdict", ['{"facts": 4, "tone": 8}', '```json\n{"语气": 8, "事实": 4}\n```'])
def test_after_any_of_the_recorded_replies_marks_are_read_as_those_marks(verdict):
    readings = {row["name"]: parse_scores(f"{row['reply']}\n\nMy marks:\n\n{verdict}", RUBRIC) for row in ENDING}
    assert {name for name, reading in readings.items() if reading.scores != {"facts": 4, "tone": 8}} == set()


def test_after_any_of_the_recorded_replies_points_are_read_as_those_points():
    verdict = '{"deductions": [{"key": "gap"}], "bonuses": []}'
    readings = {row["name"]: parse_points(f"{row['reply']}\n\nMine:\n\n{verdict}", COUNTED) for row in ENDING}
    assert {name for name, reading in readings.items() if reading.value != 5} == set()


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
        "```x\n" * 25_000,
        "> [[A]]\n" * 12_000 + "end",
        '{"a' * 30_000,
        '{"deductions": [' * 6_000,
        "{'" * 50_000,
        "\\[" * 50_000,
        "- [[A]] if\n- [[B]] if\n" * 4_000,
        "<|channel|>analysis<|message|>" * 3_000,
        "[RESULT] " * 11_000,
        "final decision is " * 5_500,
        "facts" * 20_000,
        "I " * 50_000,
        "我" * 100_000,
        "<verdict>" * 11_000,
        "Answer A: 1 " * 8_000,
        " " * 100_000 + "x",
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
