"""Whatever is said: no text raises, none takes long, and a verdict after it is read as that verdict."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judging.judges.base import OK, PARSE_ERROR, REFUSED, TRUNCATED
from judging.prompts import PRESETS
from judging.replies import PRESET_READERS, check_points, parse_pair, parse_points, parse_score, parse_scores
from tests.clocks import quickest
from tests.judging.replies_table import BARE, COUNTED, PAIR, RUBRIC, SINGLE, all_rows


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
        assert reading.status in (OK, PARSE_ERROR, REFUSED, TRUNCATED)


HIDES = ("<", "＜", "◁", "[TH", "［")  # with these, a text could begin a thought or a fence that never ends


@given(st.text(max_size=60), st.sampled_from(["[[A]]", "[[B]]", "[[C]]", "[[A>>B]]", '{"verdict": "B"}', "【【Ａ】】"]))
def test_a_verdict_on_a_last_line_of_its_own_is_what_counts(before, verdict):
    if not any(sign in before for sign in HIDES):
        assert parse_pair(f"{before}\n{verdict}") == parse_pair(verdict)


ENDING = [
    row
    for row in all_rows()
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
    assert quickest(lambda: read_all(text, "stop")) < len(read_all(text, "stop"))


def test_a_very_long_reply_is_read_from_its_end():
    assert parse_pair("no " * 100_000 + "\n[[B]]").value == -1
