"""Judges compared with people: the policy decides, and it is printed."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from judging.models import Judge
from rating.meta import Policy, compare
from tests.arena.loading_files import load
from tests.judging import recorded as make

pytestmark = pytest.mark.django_db

# what three people say of each pair, and what the judge says in both orders (None: unread), all towards the battle's first
CASES = {
    "agrees": ((1, 1, -1), 1, 1),
    "differs": ((1, 1, 1), -1, -1),
    "ties": ((0, 0, 1), 0, 0),
    "flips": ((1, 1, 1), 1, -1),
    "wavers": ((0, 0, 0), 1, 0),
    "is mute": ((-1, -1, -1), None, -1),
    "people are split": ((1, 0, -1), 1, 1),
}


@pytest.fixture
def benchmark():
    benchmark = make.benchmark()
    owl = make.judge("owl", kind="imported")
    people = [make.judge(f"person {n}", kind=Judge.Kind.IMPORTED_PERSON) for n in range(3)]
    for key, (said, plain, swapped) in CASES.items():
        question = make.question(benchmark, key)
        for name in ("Ash", "Birch"):
            make.answer(question, make.model(name)).save()
        battle = make.battle(question)
        for person, value in zip(people, said, strict=True):
            make.preference(battle, person, value=value, provenance="imported")
        for is_swapped, value in ((False, plain), (True, swapped)):
            told = (
                {"value": value} if value is not None else {"value": None, "status": "parse_error", "error": "unread"}
            )
            make.preference(battle, owl, swapped=is_swapped, provenance="imported", **told)
    return benchmark


@pytest.mark.parametrize(
    ("policy", "agreed", "n"),
    [
        (Policy(), 2, 5),
        (Policy(flips="tie"), 3, 5),
        (Policy(flips="abstain"), 2, 3),
        (Policy(unread="tie"), 2, 6),
        (Policy(unread="wrong"), 2, 6),
    ],
    ids=str,
)
def test_the_policy_decides_what_flips_and_unread_replies_count(benchmark, policy, agreed, n):
    overall = compare(benchmark, policy=policy)[0]
    assert (overall.judge, overall.category, overall.n) == ("owl", None, n)
    assert overall.agreement == pytest.approx(agreed / n) and overall.low <= overall.agreement <= overall.high
    assert (overall.n_flipped, overall.n_failed, overall.n_both) == (2, 1, 5)
    assert overall.consistency == pytest.approx(3 / 5) and (overall.no_ties, overall.n_no_ties) == (0.5, 2)


def test_a_policy_that_there_is_not_is_refused():
    with pytest.raises(ValueError, match="flips is one of wrong, tie, abstain, not 'both'"):
        Policy(flips="both")


def test_the_command_prints_the_policy_with_the_numbers(benchmark):
    def said(**options) -> str:
        out = StringIO()
        call_command("meta", stdout=out, **options)
        return out.getvalue()

    assert "policy: a verdict that changes with the order agrees with nobody; unread replies are left out" in said()
    assert [row["category"] for row in json.loads(said(format="json"))] == [None, "cooking"]
    assert said(format="csv").startswith("judge,category,agreement")
    with pytest.raises(CommandError, match="no judge 'hawk' has judged pairs here"):
        said(judge="hawk")


def test_auto_js_published_figures_follow_from_its_two_output_files(shared):
    folder = shared / "data" / "auto_j"
    names = ("testdata_pairwise", "pairwise_example_output", "pairwise_exchange_example_output")
    load("auto_j", *(folder / f"{name}.jsonl" for name in names), benchmark="auto-j")
    out = StringIO()
    call_command("meta", benchmark="auto-j", format="json", stdout=out)
    overall = json.loads(out.getvalue())[0]
    assert (overall["n"], overall["n_both"], overall["n_failed"]) == (1392, 1392, 0)
    assert f"{overall['agreement']:.4f}" == "0.5496" and f"{overall['consistency']:.4f}" == "0.8341"
