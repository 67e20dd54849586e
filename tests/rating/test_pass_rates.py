"""pass@k from the Python tests that answers passed."""

from __future__ import annotations

import json
from io import StringIO
from itertools import combinations

import pytest
from django.core.management import CommandError, call_command

from rating.pass_rates import pass_rates
from tests.judging import recorded as make

pytestmark = pytest.mark.django_db

PASSED = {"q1": (True, False, False, False), "q2": (True, True, False, False), "q3": (False,) * 4}


@pytest.fixture
def benchmark():
    """Three questions, four answers of Ash to each, of which so many passed; and one of Birch that nobody tested."""
    benchmark = make.benchmark()
    tests = make.judge("Python tests", kind="python_tests")
    for key, passed in PASSED.items():
        question = make.question(benchmark, key)
        for sample, good in enumerate(passed):
            answer = make.answer(question, make.model("Ash"), f"attempt {sample}", sample=sample)
            answer.save()
            make.grade(answer, tests, score=10 if good else 1)
        make.answer(question, make.model("Birch")).save()
    return benchmark


def test_the_rate_is_the_share_of_choices_of_k_answers_in_which_one_passes(benchmark):
    rates = {rate.k: rate for rate in pass_rates(benchmark, ks=(1, 2, 4)) if rate.category is None}
    for k, rate in rates.items():
        each = [
            sum(any(chosen) for chosen in combinations(passed, k)) / len(list(combinations(passed, k)))
            for passed in PASSED.values()
        ]
        assert rate.rate == pytest.approx(sum(each) / 3)
        assert (rate.model, rate.questions, rate.answers) == ("Ash", 3, 12)
        assert 0 <= rate.low <= rate.rate <= rate.high <= 1


def test_a_question_with_fewer_than_k_answers_says_nothing_of_that_k(benchmark):
    assert [(rate.k, rate.rate, rate.questions) for rate in pass_rates(benchmark, ks=(5,))] == [(5, None, 0)] * 2


def test_failed_and_superseded_runs_are_not_counted(benchmark):
    grades = make.Grade.objects.filter(answer__question__key="q1").order_by("pk")
    grades.filter(pk=grades[0].pk).update(score=None, status="api_error", error="the sandbox could not start")
    overall = next(rate for rate in pass_rates(benchmark, ks=(1,)) if rate.category is None)
    assert (overall.answers, overall.rate) == (11, pytest.approx((0 + 0.5 + 0) / 3))


def test_the_command_prints_rates_with_interval_and_n(benchmark):
    def said(**options) -> str:
        out = StringIO()
        call_command("pass_at_k", stdout=out, **options)
        return out.getvalue()

    rows = json.loads(said(format="json", k=[1]))
    assert rows[0]["rate"] == pytest.approx(0.25) and rows[0]["questions"] == 3 and rows[0]["low"] is not None
    assert "pass@k" in said() and said(format="csv").startswith("judge,model,category,k,rate")
    with pytest.raises(CommandError, match="--k: k is a whole number from 1, not 0"):
        said(k=[0])


def test_where_nothing_was_tested_it_says_how_to(db):
    make.benchmark()
    out = StringIO()
    call_command("pass_at_k", stdout=out)
    assert "python_tests" in out.getvalue()
