"""Questions of several turns judged turn by turn or as a whole, and several answers of each model to each question."""

from __future__ import annotations

import pytest

from arena.models import Answer
from judging import running
from judging.billing import estimate
from judging.items import items_of
from judging.judges.base import NoRubric
from judging.models import Grade, Preference
from judging.progress import expected, progress
from rating import snapshots
from tests import openai_server
from tests.judging import recorded as make
from tests.judging.asked import answered, by_mode, oracle, panel, prompts, queued, reload

pytestmark = pytest.mark.django_db(transaction=True)
CARRIED_OUT = {"single": (12, Grade), "baseline": (16, Preference), "pairwise": (24, Preference)}


@pytest.fixture
def server():
    with openai_server.serve() as served:
        yield served


# --- turns


@pytest.mark.parametrize("mode", CARRIED_OUT)
def test_each_turn_is_a_judgment_of_its_own_and_as_many_are_expected_as_are_made(server, mode):
    benchmark = answered(2, turns=2)
    make.question(benchmark, "of one turn", "And how long does a goose egg boil?")
    for name, said in (("Ash", "Ten minutes."), ("Birch", "A quarter of an hour.")):
        make.answer(benchmark.questions.get(key="of one turn"), make.model(name), said).save()
    run = by_mode(benchmark, mode, oracle(server), turns="each")
    count, table = CARRIED_OUT[mode]
    count += {"single": 2, "baseline": 2, "pairwise": 2}[mode]
    assert expected(run) == estimate(run).judges[0].calls == count
    running.carry_out(run)
    assert server.count == len(set(prompts(server))) == table.objects.count() == progress(run).done == count
    assert set(table.objects.values_list("turn", flat=True)) == {1, 2}
    assert {item.turn for item in items_of(run)} == {1, 2}


def test_a_turn_is_shown_with_what_came_before_and_without_what_came_after(server):
    run = queued(answered(1, turns=3), oracle(server), mode="single", turns="each", names=("Ash",))
    running.carry_out(run)
    for row in Grade.objects.order_by("turn"):
        prompt = row.prompt[-1]["content"]
        context, _fence, answer = prompt.partition("<<<ANSWER")
        for turn in (1, 2, 3):
            assert (f"part {turn}?" in prompt) == (turn <= row.turn)
            mark = f"markx0x{turn}x0"
            assert (mark in context) == (turn < row.turn), "an earlier answer is context"
            assert (mark in answer) == (turn == row.turn), "only the turn's own answer is fenced as the answer"


def test_a_reference_and_a_check_are_those_of_the_turn(server):
    benchmark = answered(1, turns=2)
    checks = [
        {"type": "contains", "any": ["markx0x1x0"], "turn": 1},
        {"type": "contains", "any": ["nothing of the kind"]},
    ]
    benchmark.questions.update(reference=["REFERENCE-ONE", "REFERENCE-TWO"], checks=checks)
    rules = make.judge("rules")
    run = queued(benchmark, oracle(server), rules, mode="single", turns="each", names=("Ash",))
    running.carry_out(run)
    first, second = (Grade.objects.get(judge__kind="llm", turn=turn).prompt[-1]["content"] for turn in (1, 2))
    assert "REFERENCE-ONE" in first and "REFERENCE-TWO" not in first and "REFERENCE-TWO" in second
    marks = dict(Grade.objects.filter(judge=rules).values_list("turn", "score"))
    assert marks[1] == 10 and marks[2] == 1


def test_the_whole_conversation_and_its_turns_stand_side_by_side(server):
    benchmark, judge = answered(2, turns=2), oracle(server)
    running.carry_out(queued(benchmark, judge))
    server.forget()
    run = queued(benchmark, judge, turns="each")
    running.carry_out(run)
    assert server.count == 24 and progress(run).total == progress(run).done == 24
    assert sorted(Preference.objects.values_list("turn", flat=True)) == [0] * 12 + [1] * 12 + [2] * 12


def test_a_question_of_one_turn_judged_by_turns_is_the_whole_of_it_and_not_paid_for_again(server):
    benchmark, judge = answered(2, turns=1), oracle(server)
    running.carry_out(queued(benchmark, judge))
    server.forget()
    run = queued(benchmark, judge, turns="each")
    calls = estimate(run).judges[0].calls
    running.carry_out(run)
    assert server.count == calls == 0 and progress(run).done == 12


def test_an_order_that_is_balanced_shows_each_model_first_equally_often(server):
    run = queued(answered(8), oracle(server), order="balanced")
    running.carry_out(run)
    first = [item.answers[0].model.name for item in items_of(run)]
    assert server.count == 24 and {name: first.count(name) for name in set(first)} == {"Ash": 8, "Birch": 8, "Cedar": 8}


def test_a_panel_judges_turn_by_turn(server):
    jury = panel("jury", oracle(server, "first"), oracle(server, "second"))
    run = queued(answered(1, turns=2), jury, mode="single", turns="each")
    running.carry_out(run)
    assert (
        server.count == 12
        and sorted(Grade.objects.filter(judge=jury).values_list("turn", flat=True)) == [1] * 3 + [2] * 3
    )


# --- samples


@pytest.mark.parametrize("mode", CARRIED_OUT)
def test_with_two_samples_all_answers_are_judged_and_sample_meets_sample(server, mode):
    benchmark = answered(2, samples=3)
    run = by_mode(benchmark, mode, oracle(server), limits={"samples": 2})
    count, table = CARRIED_OUT[mode]
    assert expected(run) == estimate(run).judges[0].calls == count
    running.carry_out(run)
    assert server.count == table.objects.count() == progress(run).done == count
    if mode == "single":
        assert sorted(Grade.objects.values_list("answer__sample", flat=True)) == [0] * 6 + [1] * 6
    else:
        places = set(Preference.objects.values_list("battle__first__sample", "battle__second__sample"))
        assert places == {(0, 0), (1, 1)}


def test_a_sample_that_one_model_lacks_is_no_battle(server):
    benchmark = answered(1, models=("Ash", "Birch"), samples=2)
    Answer.objects.filter(model__name="Ash", sample=1).delete()
    run = queued(benchmark, oracle(server), names=("Ash", "Birch"), limits={"samples": 2})
    assert expected(run) == 2
    running.carry_out(run)
    assert server.count == 2 and reload(run).status == "done"


def test_missing_samples_are_collected_one_for_each(server):
    benchmark = answered(2, models=())
    make.model("Ash", provider="openai", base_url=server.base_url, endpoint_model="Ash")
    run = queued(
        benchmark, oracle(server), names=("Ash",), mode="single", collects=True, limits={"samples": 3}, cache=False
    )
    bill = estimate(run)
    running.carry_out(run)
    assert (bill.answers, bill.answer_calls, bill.judges[0].calls) == (6, 6, 6)
    assert server.count == 12 and sorted(Answer.objects.values_list("sample", flat=True)) == [0, 0, 1, 1, 2, 2]


def test_samples_and_turns_multiply_and_reach_a_rating(server):
    benchmark = answered(2, turns=2, samples=2)
    run = queued(benchmark, oracle(server), turns="each", limits={"samples": 2})
    running.carry_out(run)
    assert server.count == expected(run) == Preference.objects.count() == 2 * 2 * 2 * 3 * 2
    assert snapshots.take(benchmark) is not None


# --- a rubric for each category


def test_what_a_rubric_has_nothing_for_has_failed_with_the_reason_and_is_not_asked(server):
    benchmark = answered(2)
    sums = make.category("sums")
    benchmark.questions.filter(key="q1").update(category=sums)
    rubric = make.rubric("narrow", variants={"cooking": {"instructions_en": "Taste it."}}, only_variants=True)
    run = queued(benchmark, oracle(server), rubric=rubric)
    assert estimate(run).judges[0].calls == 6
    running.carry_out(run)
    assert (server.count, progress(run).failed, progress(run).skipped) == (6, 6, 0)
    assert "nothing for the category 'sums'" in Preference.objects.failed().first().error
    with pytest.raises(NoRubric):
        rubric.text().of("sums")
