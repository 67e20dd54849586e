"""The rule judge: shares of checks passed, as marks and as preferences."""

import asyncio
from dataclasses import replace

import pytest

from judging.judges.base import OK, SKIPPED, Exhibit, RubricText
from judging.judges.rule import NO_CHECKS, RuleJudge

CHECKS = (
    {"type": "contains", "all": ["red"]},
    {"type": "contains", "all": ["blue"]},
    {"type": "length", "max_words": 3},
    {"type": "not_contains", "any": ["green"]},
)
JUDGE = RuleJudge(RubricText("rules", {}, lowest=1, highest=10))


def exhibit(*answers, checks=CHECKS):
    return Exhibit(id=1, turns=("Colours?",), answers=tuple((answer,) for answer in answers), checks=checks)


@pytest.mark.parametrize(
    ("answer", "mark"),
    [("red blue", 10), ("red", 7.75), ("red and blue and more", 7.75), ("a b c green", 1)],
)
def test_a_mark_is_the_share_of_checks_passed_on_the_scale(answer, mark):
    verdict = JUDGE.verdict(exhibit(answer))
    assert (verdict.status, verdict.value) == (OK, mark)


def test_each_check_has_a_mark_of_its_own_and_the_reply_says_what_was_seen():
    verdict = JUDGE.verdict(exhibit("red"))
    assert verdict.scores == {"contains": 10, "contains 2": 1, "length": 10, "not_contains": 10}
    assert verdict.reply.splitlines()[1] == "contains 2: failed ('blue' is missing)"
    assert verdict.asked == 0


@pytest.mark.parametrize(
    ("first", "second", "value", "both_bad"),
    [
        ("red blue", "red", 1, False),
        ("red", "red blue", -1, False),
        ("red", "blue", 0, False),
        ("a b c green", "d e f green", 0, True),
    ],
)
def test_of_a_pair_the_answer_that_passes_more_is_better(first, second, value, both_bad):
    verdict = JUDGE.verdict(exhibit(first, second))
    assert (verdict.value, verdict.both_bad, verdict.scores) == (value, both_bad, {})


def test_a_question_without_checks_is_skipped():
    verdict = JUDGE.verdict(exhibit("red", checks=()))
    assert (verdict.status, verdict.error, verdict.value) == (SKIPPED, NO_CHECKS, None)


def test_python_tests_are_left_to_their_own_judge():
    tests = {"type": "python_tests", "code": "assert f()"}
    assert JUDGE.verdict(exhibit("red", checks=(tests, *CHECKS))).value == 7.75
    assert JUDGE.verdict(exhibit("red", checks=(tests,))).error == NO_CHECKS


def test_a_turn_is_judged_by_its_own_checks():
    checks = ({"type": "exact", "expected": "one", "turn": 1}, {"type": "exact", "expected": "two"})
    both = Exhibit(id=1, turns=("a", "b"), answers=(("one", "no"),), checks=checks)
    assert JUDGE.verdict(both).value == 5.5
    assert JUDGE.verdict(replace(both, turn=1)).value == 10
    assert JUDGE.verdict(replace(both, turn=2)).value == 1
    assert JUDGE.verdict(replace(both, turn=1, checks=checks[1:])).error == "the question has no checks of turn 1"


def test_a_question_with_a_broken_check_is_skipped_and_named():
    verdict = JUDGE.verdict(exhibit("red", checks=(*CHECKS, {"type": "regex", "pattern": "("})))
    assert verdict.status == SKIPPED
    assert verdict.error.startswith("check 5: 'pattern' of a check of type 'regex'")


def test_the_engine_gives_every_exhibit_its_verdict_in_order():
    async def judge(exhibits):
        return [pair async for pair in JUDGE.judge(exhibits)]

    exhibits = [exhibit("red"), exhibit("blue", checks=()), exhibit("red blue", "red")]
    pairs = asyncio.run(judge(exhibits))
    assert [each for each, _ in pairs] == exhibits
    assert [verdict.value for _, verdict in pairs] == [7.75, None, 1]
