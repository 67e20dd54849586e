"""What the demo must show a newcomer in two minutes: computed from its record, not written anywhere."""

from __future__ import annotations

import json

import pytest
from django.core.management import call_command

from arena.models import Answer, Benchmark, Category, LanguageModel, Provenance
from judging import demo
from judging.models import Grade, Judge, Preference, Rubric, Run
from judging.running import carry_out
from rating import boards, data, snapshots

pytestmark = pytest.mark.django_db

LONG = "Lantern 13B"
FAIR, LEANING = "Fair judge (scripted)", "Leaning judge (scripted)"
CLOSE = 1.0  # marks between two answers


@pytest.fixture(scope="module")
def loaded(django_db_setup, django_db_blocker):
    """The demo, loaded, judged and rated once for this file."""
    with django_db_blocker.unblock():
        demo.load()
        for run in Run.objects.filter(status=Run.Status.QUEUED):
            assert carry_out(run)
        benchmark = Benchmark.objects.get(name=demo.NAME)
        snapshots.take(benchmark)
        yield benchmark
        for table in (Preference, Grade):
            table.objects.all().delete()
        benchmark.runs.all().delete()
        benchmark.delete()
        Judge.objects.all().delete()
        Rubric.objects.all().delete()
        LanguageModel.objects.all().delete()
        Category.objects.all().delete()


def leaders(benchmark, *, source="all"):
    """Names of the models ranked first, by category key ("all" for the overall board)."""
    all_rows = boards.latest(benchmark).ratings.filter(source=source, method="bt", rank=1, language="")
    rows = all_rows.exclude(category__members__isnull=False).select_related("category", "model")
    return {boards.key_of(row.category): row.model.name for row in rows}


def flips_of_close_pairs(benchmark, judge):
    """Share of close battles (by our notes) whose decided side turns round with the order."""
    marks = demo.marks()
    answers = {answer.pk: answer for answer in Answer.objects.select_related("question", "model")}
    record = data.read(benchmark)
    turned = close = 0
    mine = record.orders.where(record.orders.judge == Judge.objects.get(name=judge).pk)
    battles = dict(Preference.objects.values_list("battle", "battle__first").distinct())
    seconds = dict(Preference.objects.values_list("battle", "battle__second").distinct())
    for item, plain, swapped in zip(mine.item, mine.plain, mine.swapped, strict=True):
        one, other = answers[battles[item]], answers[seconds[item]]
        gap = marks[one.question.key, one.model.name]["mark"] - marks[other.question.key, other.model.name]["mark"]
        if abs(gap) <= CLOSE:
            close += 1
            turned += plain * swapped < 0
    assert close > 100
    return turned / close


def test_every_row_says_that_it_is_a_demo(loaded):
    assert not Answer.objects.exclude(provenance=Provenance.DEMO).exists()
    assert not Preference.objects.exclude(provenance=Provenance.DEMO).exists()
    assert not Grade.objects.exclude(provenance=Provenance.DEMO).exists()
    assert boards.latest(loaded).is_demo


def test_scripted_judges_went_through_the_real_prompt_order_and_parser(loaded):
    asked = Preference.objects.filter(judge__name__in=(FAIR, LEANING))
    assert asked.count() == 2 * 500 * 2
    assert not asked.exclude(status="ok").exists()
    one = asked.first()
    assert "<<<ANSWER A" in one.prompt[-1]["content"]
    assert one.reply.rstrip().endswith("]]")
    assert set(asked.values_list("swapped", flat=True)) == {False, True}


def test_one_ranking_hides_a_lot(loaded):
    for source in ("all", "people"):
        first = leaders(loaded, source=source)
        overall = first.pop("all")
        assert len(first) == 10
        assert sum(name != overall for name in first.values()) >= 3


def test_the_leaning_judge_can_be_fooled_and_the_fair_one_cannot(loaded):
    assert flips_of_close_pairs(loaded, LEANING) > 0.25
    assert flips_of_close_pairs(loaded, FAIR) < 0.08


def test_the_long_model_is_first_under_the_leaning_judge_and_not_under_people(loaded):
    assert leaders(loaded, source=f"judge:{LEANING}")["all"] == LONG
    assert leaders(loaded, source="people")["all"] != LONG


def test_people_agree_on_maths_and_not_on_comfort(loaded):
    found = {boards.key_of(row.category): row.alpha for row in boards.agreement_rows(loaded).of("people")}
    assert found["maths"] >= 0.7
    assert min(found["chat"], found["persona"]) <= 0.4


def test_rules_compute_for_real_and_skip_what_has_no_check(loaded):
    rules = Preference.objects.filter(judge__kind=Judge.Kind.RULE)
    assert rules.filter(status="ok").count() == 460
    assert rules.filter(status="skipped").count() == 40


def test_simulated_people_are_called_so(loaded):
    people = Judge.objects.filter(preferences__isnull=False).people().distinct()
    assert people.count() == 4
    assert all(judge.kind == Judge.Kind.SIMULATED and judge.name.startswith("Simulated") for judge in people)


def test_the_second_start_keeps_the_data_and_prints_no_password(loaded, capsys):
    before = Preference.objects.count()
    call_command("demo", "--no-serve")
    first = capsys.readouterr().out
    call_command("demo", "--no-serve")
    second = capsys.readouterr().out
    assert first.count(" password ") == 3
    assert "changepassword" in second and second.count(" password ") == 0
    assert Preference.objects.count() == before
    assert loaded.leaderboard.snapshots.count() == 1


def test_the_board_prints_as_json(loaded, capsys):
    call_command(
        "leaderboard", "--benchmark", demo.NAME, "--source", "people", "--category", "maths", "--format", "json"
    )
    told = json.loads(capsys.readouterr().out)
    assert (told["benchmark"], told["category"], told["source"], told["method"]) == (demo.NAME, "maths", "people", "bt")
    assert len(told["rows"]) == 5
