"""Answers that are run: which code is taken, and what the tests make of it; pass@k."""

import asyncio
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judging.judges.base import OK, SKIPPED, Exhibit, RubricText
from judging.judges.pass_at_k import PassAtK, Samples, pass_at_k, pass_at_k_table
from judging.judges.python_tests import NO_TESTS, SWITCHED_OFF, PythonTestsJudge, python_code

TEST = {"type": "python_tests", "code": "assert double(2) == 4", "entry_point": "double"}
RIGHT = "Here it is:\n```python\ndef double(x):\n    return 2 * x\n```\nIt doubles."
WRONG = "```python\ndef double(x):\n    return x\n```"
JUDGE = PythonTestsJudge(RubricText("tests", {}, lowest=1, highest=10))


@pytest.fixture
def allowed(monkeypatch):
    monkeypatch.setenv("JURYROOM_RUN_CODE", "1")


def exhibit(*answers, checks=(TEST,), turn=0):
    turns = tuple(answer if isinstance(answer, tuple) else (answer,) for answer in answers)
    return Exhibit(id=1, turns=("Q",) * len(turns[0]), answers=turns, checks=checks, turn=turn)


@pytest.mark.parametrize(
    ("text", "entry", "code"),
    [
        ("```python\na = 1\n```", "", "a = 1\n"),
        ("```\na = 1\n```", "", "a = 1\n"),
        ("```Py\na = 1\n```", "", "a = 1\n"),
        ("```python\na = 1\n```\ntext\n```python\nb = 2\n```", "", "b = 2\n"),
        ("```python\ndef f(): pass\n```\ntry it:\n```python\nf()\n```", "f", "def f(): pass\n"),
        ("```python\nf = 1\n```\nbetter:\n```python\nf = 2\n```", "f", "f = 2\n"),
        ("```python\na = 1\n```\n```bash\npip install x\n```", "", "a = 1\n"),
        ("```python\na = 1", "", "a = 1"),
        ('```python title="x.py"\na = 1\n```', "", "a = 1\n"),
        ("def f():\n    return 1", "", "def f():\n    return 1"),
        ("import os\nprint(1)", "", "import os\nprint(1)"),
        ("```bash\nls\n```", "", ""),
        ("yes", "", ""),
        ("I cannot do that.", "", ""),
        ("", "", ""),
        ("\0", "", ""),
    ],
)
def test_the_code_of_an_answer_is_found(text, entry, code):
    assert python_code(text, entry_point=entry) == code


def test_nothing_runs_unless_it_was_allowed(monkeypatch):
    monkeypatch.delenv("JURYROOM_RUN_CODE", raising=False)
    verdict = JUDGE.verdict(exhibit(RIGHT))
    assert (verdict.status, verdict.error) == (SKIPPED, SWITCHED_OFF)


def test_passing_is_the_highest_mark_and_failing_the_lowest(allowed):
    right, wrong = JUDGE.verdict(exhibit(RIGHT)), JUDGE.verdict(exhibit(WRONG))
    assert (right.status, right.value, right.reply) == (OK, 10, "1: passed")
    assert (wrong.value, wrong.reply) == (1, "1: failed (the check failed at 'assert double(2) == 4': AssertionError)")
    assert "audit hook" in right.details["sandbox"]


def test_of_several_tests_the_share_counts(allowed):
    other = {"type": "python_tests", "code": "assert double(0) == 0"}
    assert JUDGE.verdict(exhibit(WRONG, checks=(TEST, other))).value == 5.5


def test_an_answer_without_code_fails(allowed):
    verdict = JUDGE.verdict(exhibit("I would rather not."))
    assert (verdict.value, verdict.reply) == (1, "1: failed (the answer holds no Python code)")


@pytest.mark.parametrize(
    ("first", "second", "value", "both_bad"),
    [(RIGHT, WRONG, 1, False), (WRONG, RIGHT, -1, False), (RIGHT, RIGHT, 0, False), (WRONG, "no", 0, True)],
)
def test_of_a_pair_the_answer_that_passes_more_is_better(allowed, first, second, value, both_bad):
    verdict = JUDGE.verdict(exhibit(first, second))
    assert (verdict.value, verdict.both_bad) == (value, both_bad)


def test_the_tests_of_a_turn_are_for_that_turn(allowed):
    first = {**TEST, "turn": 1}
    answer = (WRONG, RIGHT)
    assert JUDGE.verdict(exhibit(answer)).value == 10
    assert JUDGE.verdict(exhibit(answer, checks=(first,))).value == 1
    assert JUDGE.verdict(exhibit(answer, checks=(first, TEST), turn=2)).value == 10
    assert JUDGE.verdict(exhibit(answer, checks=(first,), turn=2)).error == NO_TESTS


def test_other_checks_are_not_its_own_and_broken_ones_are_named(allowed):
    assert JUDGE.verdict(exhibit(RIGHT, checks=({"type": "json"},))).error == NO_TESTS
    broken = {"type": "python_tests", "code": ""}
    assert JUDGE.verdict(exhibit(RIGHT, checks=(broken,))).error.startswith("Python test 1: 'code'")


def test_the_engine_gives_every_exhibit_its_verdict(allowed):
    async def judge(exhibits):
        return {each.answers: verdict.value async for each, verdict in JUDGE.judge(exhibits)}

    values = asyncio.run(judge([exhibit(RIGHT), exhibit(WRONG), exhibit(RIGHT, WRONG)]))
    assert values == {((RIGHT,),): 10, ((WRONG,),): 1, ((RIGHT,), (WRONG,)): 1}


@given(st.integers(1, 9).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n), st.integers(1, n))))
def test_pass_at_k_is_the_share_of_choices_in_which_one_passes(numbers):
    n, passed, k = numbers
    choices = list(combinations(range(n), k))
    expected = sum(any(each < passed for each in choice) for choice in choices) / len(choices)
    assert pass_at_k(n, passed, k) == pytest.approx(expected)


def test_pass_at_k_of_many_answers_stays_a_number():
    assert pass_at_k(100_000, 1, 50_000) == pytest.approx(0.5)
    assert pass_at_k(1_000, 0, 10) == 0
    assert pass_at_k(1_000, 999, 2) == 1


@pytest.mark.parametrize("numbers", [(0, 0, 1), (5, 6, 1), (5, -1, 1), (5, 1, 0), (5, 1, 6)])
def test_pass_at_k_of_what_cannot_be_is_an_error(numbers):
    with pytest.raises(ValueError, match="pass@k needs"):
        pass_at_k(*numbers)


def test_the_table_is_the_mean_over_questions_and_leaves_out_those_with_too_few_answers():
    rows = [Samples("code", 2, 1), Samples("code", 1, 1), Samples("maths", 1, 0)]
    table = pass_at_k_table(rows, ks=(1, 2))
    assert table == {
        "code": {1: PassAtK(0.75, 2), 2: PassAtK(1.0, 1)},
        "maths": {1: PassAtK(0.0, 1), 2: PassAtK(None, 0)},
    }
