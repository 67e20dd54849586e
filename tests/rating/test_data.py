"""The door from rows to arrays: what counts, how two orders become one vote, and what is left out and why."""

from __future__ import annotations

import numpy as np
import pytest
from django.utils import timezone

from arena.models import Battle
from judging.models import Grade, Preference, Rubric, Run
from rating import data
from tests.judging import recorded as make

pytestmark = pytest.mark.django_db


@pytest.fixture
def benchmark():
    benchmark = make.benchmark()
    make.answered(benchmark, "Ash", "Birch", questions=3)
    return benchmark


@pytest.fixture
def battles(benchmark) -> list[Battle]:
    return [make.battle(question) for question in benchmark.questions.all()]


@pytest.fixture
def run(benchmark) -> Run:
    return make.run(benchmark, order="both")


def person(name: str):
    return make.judge(name, kind="person", user=make.person(name))


def both(battle: Battle, plain: float, swapped: float, **fields) -> None:
    """Two preferences of one machine in the battle's own frame, one for each order."""
    make.preference(battle, value=plain, swapped=False, **fields)
    make.preference(battle, value=swapped, swapped=True, **fields)


@pytest.mark.parametrize(
    ("plain", "swapped", "vote"),
    [(1, 1, 1), (2, 1, 1.5), (-0.2, -0.6, -0.4), (0, 0, 0), (1, -1, 0), (1, 0, 0), (0, -2, 0)],
)
def test_two_orders_are_one_vote_their_mean_when_they_agree_and_a_tie_when_they_do_not(
    benchmark, battles, run, plain, swapped, vote
):
    both(battles[0], plain, swapped, run=run)
    record = data.read(benchmark)
    assert record.votes.value.tolist() == [vote] and len(record.sides) == 2 and record.n == 1
    assert (record.orders.plain.tolist(), record.orders.swapped.tolist()) == ([plain], [swapped])
    assert sorted(record.sides.shown.tolist()) == sorted([plain, -swapped]) and not record.excluded


def test_a_battle_read_in_one_of_two_orders_is_left_out_and_counted(benchmark, battles, run):
    both(battles[0], 1, 1, run=run)
    make.preference(battles[1], run=run)
    make.preference(battles[1], run=run, swapped=True, status="parse_error", error="nothing")
    record = data.read(benchmark)
    assert record.votes.item.tolist() == [battles[0].pk]
    assert record.excluded == {"one order only": 1, "parse_error": 1}


def test_one_order_is_a_whole_vote_where_one_was_asked_for(benchmark, battles):
    make.preference(battles[0], run=make.run(benchmark, order="random"), swapped=True)
    make.preference(battles[1])
    assert data.read(benchmark).votes.value.tolist() == [1, 1]


def test_two_orders_are_one_vote_whichever_runs_asked_for_them(benchmark, battles, run):
    """A run in one order came first, a run in both asked for the missing order alone."""
    make.preference(battles[0], value=1, run=make.run(benchmark, order="fixed"))
    make.preference(battles[0], value=-1, swapped=True, run=run)
    record = data.read(benchmark)
    assert record.votes.value.tolist() == [0] and not record.excluded and len(record.orders) == 1


def test_a_person_who_saw_a_battle_the_other_way_round_has_one_vote_as_it_is(benchmark, battles, run):
    make.preference(battles[0], person("ann"), value=1, run=run)
    make.preference(battles[0], person("bob"), value=-1, run=run, swapped=True)
    record = data.read(benchmark)
    assert record.votes.value.tolist() == [1, -1] and record.votes.person.all() and not len(record.orders)
    assert record.votes.shown.tolist() == [1, 1]


def test_rubrics_and_repeats_are_votes_of_their_own(benchmark, battles, run):
    both(battles[0], 1, 1, run=run)
    both(battles[0], -1, -1, run=run, trial=1)
    both(battles[0], 1, -1, run=run, rubric=make.rubric("another"))
    assert data.read(benchmark).votes.value.tolist() == [1, -1, 0]


def test_votes_stand_in_the_order_of_the_record_people_and_machines_alike(benchmark, battles, run):
    ann = person("ann")
    make.preference(battles[2], run=run, value=1)
    make.preference(battles[0], ann, value=2)
    both(battles[1], 1, 1, run=run)
    make.preference(battles[1], ann, value=2)
    make.preference(battles[2], run=run, value=1, swapped=True)
    votes = data.read(benchmark).votes
    assert votes.item.tolist() == [battle.pk for battle in (battles[2], battles[0], battles[1], battles[1])]
    assert votes.person.tolist() == [False, True, False, True]


def test_columns_name_models_questions_categories_and_judges(benchmark, battles):
    row = make.preference(battles[0], value=0.25)
    votes = data.read(benchmark).votes
    battle = battles[0]
    assert (votes.first[0], votes.second[0]) == (battle.first.model_id, battle.second.model_id)
    assert (votes.cluster[0], votes.category[0], votes.judge[0]) == (
        battle.question_id,
        battle.question.category_id,
        row.judge_id,
    )
    assert votes.value.dtype == np.float64 and data.read(benchmark).names[row.judge_id] == "steady"


@pytest.mark.parametrize(
    ("of", "counted"), [("real", {"real", "imported"}), ("imported", {"real", "imported"}), ("demo", {"demo"})]
)
def test_only_real_and_imported_rows_count_and_on_a_demo_only_its_own(of, counted):
    benchmark = make.benchmark(provenance=of)
    make.answered(benchmark, questions=4)
    for question, provenance in zip(benchmark.questions.all(), ("real", "imported", "dry_run", "demo"), strict=True):
        make.preference(make.battle(question), provenance=provenance)
        make.grade(question.answers.first(), provenance=provenance)
    record = data.read(benchmark)
    assert set(record.provenances) == counted and record.n == 2 * len(counted)
    assert record.excluded == dict.fromkeys(sorted({"real", "imported", "dry_run", "demo"} - counted), 2)


def test_what_was_changed_or_taken_back_does_not_count_and_is_counted(benchmark, battles):
    make.preference(battles[0], value=-1, superseded_at=timezone.now())
    make.preference(battles[0], value=1)
    record = data.read(benchmark)
    assert record.votes.value.tolist() == [1] and record.excluded == {"set aside": 1}


def test_failures_are_left_out_by_their_reason(benchmark, battles):
    for battle, status in zip(battles, ("parse_error", "truncated", "api_error"), strict=True):
        make.preference(battle, status=status, error="why")
    make.grade(battles[0].first, status="refused", error="why")
    record = data.read(benchmark)
    assert record.n == 0 and record.excluded == {"api_error": 1, "parse_error": 1, "truncated": 1, "refused": 1}


def test_judgments_under_an_older_version_of_a_rubric_are_left_out(benchmark, battles):
    old, new = (Rubric.objects.create(name="terse", version=version) for version in (1, 2))
    Preference.objects.create(battle=battles[0], judge=make.judge(), status="ok", value=-1, rubric=old)
    Preference.objects.create(battle=battles[0], judge=make.judge(), status="ok", value=1, rubric=new)
    make.grade(battles[0].first, rubric=old, score=1)
    make.grade(battles[0].first, rubric=new, score=9)
    record = data.read(benchmark)
    assert record.votes.value.tolist() == [1] and record.marks.score.tolist() == [9]
    assert record.excluded == {"older rubric version": 2}


def test_grades_under_two_rubrics_do_not_mix_the_more_used_one_counts(benchmark, battles):
    for battle in battles:
        make.grade(battle.first, score=8)
    make.grade(battles[0].first, rubric=make.rubric("out of a hundred"), score=80)
    record = data.read(benchmark)
    assert record.marks.score.tolist() == [8, 8, 8] and record.excluded == {"another rubric": 1}


def test_other_benchmarks_are_none_of_ours(benchmark, battles):
    other = make.benchmark("cellar")
    make.preference(make.battle(make.answered(other)[0]))
    assert data.read(benchmark).n == 0 and data.read(other).n == 1


def test_an_empty_record_has_empty_columns_and_still_a_digest(benchmark):
    record = data.read(benchmark)
    assert record.n == 0 and len(record.orders) == 0 and record.excluded == {} and record.provenances == ()
    assert record.digest() == data.read(benchmark).digest()


def test_the_digest_is_the_inputs_and_changes_with_every_vote_and_seasoning(benchmark, battles):
    make.preference(battles[0])
    first = data.read(benchmark).digest("recipe")
    assert data.read(benchmark).digest("recipe") == first != data.read(benchmark).digest("another")
    make.preference(battles[1])
    second = data.read(benchmark).digest("recipe")
    Preference.objects.filter(battle=battles[1]).update(value=-1)
    assert len({first, second, data.read(benchmark).digest("recipe")}) == 3


def test_reading_takes_as_many_queries_for_one_judgment_as_for_hundreds(django_assert_max_num_queries):
    counts = []
    for size in (1, 100):
        benchmark = make.benchmark(f"of {size}")
        questions = make.answered(benchmark, questions=size)
        pairs = Battle.objects.pair(tuple(question.answers.all()[:2]) for question in questions)
        common = {"judge": make.judge(), "rubric": make.rubric(), "status": "ok"}
        Preference.objects.bulk_create(Preference(battle=battle, value=1, **common) for battle in pairs)
        Grade.objects.bulk_create(Grade(answer=battle.first, score=5, **common) for battle in pairs)
        with django_assert_max_num_queries(20) as seen:
            assert data.read(benchmark).n == 2 * size
        counts.append(len(seen))
    assert counts[0] == counts[1]
