"""A baseline for each category: who meets whom, what that takes, how a recipe and the form say it, and the rates of wins."""

from __future__ import annotations

import json

import pytest
import yaml
from django.core.management import call_command
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from arena.loading import BadInput, Report
from arena.models import Battle, LanguageModel
from judging import calling, running
from judging.assignment import pool
from judging.billing import estimate
from judging.copying import copy_of, form_of
from judging.items import items_of
from judging.models import Preference, Run
from judging.monitoring import matchups
from judging.preparing import prepare
from judging.progress import expected, judgments_of
from judging.recipe_yaml import as_yaml, initial_of
from judging.recipes import recipe_of
from judging.voting_items import prepare as prepare_items
from rating import boards, snapshots
from rating.win_rate import NoBaseline, win_rates
from tests import openai_server
from tests.judging import recorded as make
from tests.judging.asked import MODELS, answered, oracle, queued, reload

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def benchmark():
    """Five questions, q0 to q2 about cooking and q3 and q4 sums, answered by three models."""
    benchmark = answered(5)
    benchmark.questions.filter(key__in=("q3", "q4")).update(category=make.category("sums"))
    return benchmark


def run_of(benchmark, *judges, **fields) -> Run:
    """Against Ash, and against Birch in sums."""
    baselines = {str(make.category("sums").pk): make.model("Birch").pk}
    return queued(benchmark, *judges, mode="baseline", baseline=make.model("Ash"), baselines=baselines, **fields)


def pairs(battles) -> set[tuple[str, str, str]]:
    return {(one.question.key, *sorted((one.first.model.name, one.second.model.name))) for one in battles}


WANTED = {(f"q{n}", "Ash", other) for n in range(3) for other in ("Birch", "Cedar")}
WANTED |= {(f"q{n}", *pair) for n in (3, 4) for pair in (("Ash", "Birch"), ("Birch", "Cedar"))}


def test_each_model_meets_the_baseline_of_the_questions_category_and_all_of_it_is_counted(benchmark):
    with openai_server.serve() as server:
        run = run_of(benchmark, oracle(server))
        (bill,) = estimate(run).judges
        assert bill.calls == expected(run) == 20
        running.carry_out(run)
        assert server.count == 20
    assert pairs(Battle.objects.all()) == WANTED and reload(run).status == "done"
    assert judgments_of(run).count() == 20
    models = {model.pk: model for model in run.candidates.all()}
    bars = {bar.label: (bar.done, bar.total) for bar in matchups(run, models, 1)}
    assert bars == {"Ash – Birch": (10, 10), "Ash – Cedar": (6, 6), "Birch – Cedar": (4, 4)}


def test_judgments_of_pairs_that_are_not_against_it_are_none_of_the_runs(benchmark):
    run = run_of(benchmark, make.judge("rules"))
    whole = queued(benchmark, make.judge("rules"))
    for item in items_of(whole):
        make.preference(item.battle, make.judge("rules"), swapped=item.swapped)
    assert Preference.objects.count() == 30 and judgments_of(run).count() == 20


def test_people_are_given_the_same_battles(benchmark):
    run = run_of(benchmark, status="open")
    prepare_items(run)
    assert pairs(pool(run)) == WANTED


def test_in_the_order_that_is_fixed_the_baseline_comes_second_everywhere(benchmark):
    run = run_of(benchmark, make.judge("rules"), order="fixed")
    second = {item.answers[1].model.name for item in items_of(run) if item.question.key in ("q3", "q4")}
    assert second == {"Birch"} and {i.answers[1].model.name for i in items_of(run)} == {"Ash", "Birch"}
    for item in items_of(run):
        make.preference(item.battle, make.judge("rules"), swapped=item.swapped)
    assert judgments_of(run).count() == 10  # made by no run: each in the order that this one asks for
    form = form_of(copy_of(run, None))
    assert form.is_valid(), form.errors
    assert (form.estimate.items, form.estimate.known, form.estimate.judgments) == (10, 10, 10)


# --- a recipe


def told(benchmark, baseline, **more) -> dict:
    models = [{"name": name, "version": make.model(name).version, "vendor": make.model(name).vendor} for name in MODELS]
    about = {"name": benchmark.name, "version": benchmark.version}
    told = {"name": "by category", "mode": "baseline", "benchmark": about, "models": models}
    return {**told, "baseline": baseline, "judges": [{"kind": "rule"}], **more}


def test_a_recipe_names_a_baseline_for_each_category(benchmark):
    run = prepare(recipe_of(told(benchmark, {"cooking": "Ash", "sums": "Birch"})), Report(), stages=())
    assert [run.baseline_of(make.category(key).pk) for key in ("cooking", "sums")] == [
        make.model("Ash").pk,
        make.model("Birch").pk,
    ]
    assert run.recipe["baseline"] == {"cooking": "Ash", "sums": "Birch"} and expected(run) == 20
    again = prepare(recipe_of(told(benchmark, {"sums": "Birch", "*": "Ash"})), Report(), stages=())
    assert again.baseline.name == "Ash" and expected(again) == 20
    one = prepare(recipe_of(told(benchmark, "Ash")), Report(), stages=())
    assert (one.recipe["baseline"], one.baselines) == ("Ash", {}) and "baselines" not in one.recipe


@pytest.mark.parametrize(
    ("baseline", "problem"),
    [
        ({"cooking": "Ash"}, "baseline: has nothing for sums: name them"),
        ({"cooking": "Ash", "*": "Elm"}, "baseline.*: is 'Elm', not one of the models"),
        ({"cooking": "Ash", "sums": "Birch", "poems": "Ash"}, "baseline.poems: is no category of these questions"),
    ],
)
def test_what_is_wrong_with_the_baselines_is_told_before_the_run(benchmark, baseline, problem):
    with pytest.raises(BadInput) as refusal:
        prepare(recipe_of(told(benchmark, baseline)), Report(), stages=())
    assert problem in str(refusal.value) and not Run.objects.exists()


def test_the_recipe_of_a_run_says_them_and_fills_in_the_form(benchmark):
    run = prepare(recipe_of(told(benchmark, {"cooking": "Ash", "sums": "Birch"})), Report(), stages=())
    text = as_yaml(run, run.candidates.all(), run.judges.all())
    assert yaml.safe_load(text)["baseline"] == {"cooking": "Ash", "sums": "Birch", "*": "Ash"}
    initial, missing = initial_of(text)
    form = form_of(initial)
    assert missing == [] and form.is_valid(), form.errors
    assert form.unsaved().baselines == run.baselines and form.estimate.items == 10


# --- the form and the page


def posted(benchmark, **fields) -> dict:
    models = [row.pk for row in LanguageModel.objects.filter(name__in=MODELS)]
    told = {"name": "set up", "benchmark": benchmark.pk, "mode": "baseline", "candidates": models, "order": "both"}
    chosen = {"baseline": make.model("Ash").pk, "judges": [make.judge("rules").pk], "rubric": make.rubric().pk}
    return {**told, **chosen, "seed": "1", **fields}


def test_a_run_is_set_up_with_a_baseline_of_one_category_and_its_page_says_so(benchmark, client, monkeypatch):
    monkeypatch.setattr(calling, "call", lambda run: None)
    client.force_login(make.person("lena", "lead"))
    saved = client.post(reverse("run_new"), posted(benchmark, baselines="sums: Birch\n"), follow=True)
    run = Run.objects.get()
    assert run.baselines == {str(make.category("sums").pk): make.model("Birch").pk}
    assert run.recipe["baseline"] == {"sums": "Birch", "*": "Ash"} and expected(run) == 20
    assert "but in these categories:" in saved.text and form_of(copy_of(run, None)).unsaved().baselines == run.baselines


def test_the_baseline_of_the_rest_meets_those_of_categories_too_where_it_is_no_candidate(
    benchmark, client, monkeypatch
):
    monkeypatch.setattr(calling, "call", lambda run: None)
    client.force_login(make.person("lena", "lead"))
    others = [make.model(name).pk for name in ("Birch", "Cedar")]
    client.post(reverse("run_new"), posted(benchmark, baselines="sums: Birch", candidates=others))
    run = Run.objects.get()
    assert {model.name for model in run.candidates.all()} == set(MODELS) == set(run.recipe["models"])
    for item in items_of(queued(benchmark, make.judge("rules"))):
        make.preference(item.battle, make.judge("rules"), swapped=item.swapped)
    assert (expected(run), judgments_of(run).count()) == (20, 20)
    plain = form_of({**posted(benchmark, candidates=others)})
    assert plain.is_valid() and {model.pk for model in plain.cleaned_data["candidates"]} == set(others)


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ("poems: Birch", "poems is no category of this benchmark."),
        ("sums: Elm", "Elm is none of the candidate models."),
        ("sums: Birch\nsums: Ash", "sums stands here twice."),
    ],
)
def test_a_line_that_cannot_be_is_told_at_the_field(benchmark, client, lines, problem):
    client.force_login(make.person("lena", "lead"))
    page = client.post(reverse("run_new"), posted(benchmark, baselines=lines, start="1"))
    assert page.context["form"].errors["baselines"] == [problem] and not Run.objects.exists()


# --- rates of wins


def test_the_rate_of_wins_is_against_the_baseline_of_each_category(benchmark, capsys):
    run = run_of(benchmark, make.judge("rules"), status="done")
    for item in items_of(run):
        ahead = "Cedar" if item.question.key in ("q0", "q3") else "Birch"
        names = [item.battle.first.model.name, item.battle.second.model.name]
        value = 0 if ahead not in names else 1 if names[0] == ahead else -1
        make.preference(item.battle, make.judge("rules"), run=run, swapped=item.swapped, value=value)
    found = win_rates(benchmark)
    rates = {line.model.name: (line.rates.win_rate, line.rates.n) for line in found.lines}
    # Cedar: won q0, tie on q1 and q2 against Ash; against Birch won q3 and lost q4. Birch: q0 a tie, q1 and q2 won.
    assert rates["Cedar"] == (pytest.approx((1 + 0.5 + 0.5 + 1 + 0) / 5), 5)
    assert rates["Birch"] == (pytest.approx((0.5 + 1 + 1) / 3), 3)
    assert rates["Ash"] == (pytest.approx((0.5 + 0) / 2), 2)
    assert found.baseline is None and {k: m.name for k, m in found.baselines.items()} == {
        "cooking": "Ash",
        "sums": "Birch",
    }
    sums = win_rates(benchmark, category="sums")
    assert sums.baseline.name == "Birch" and {line.model.name for line in sums.lines} == {"Ash", "Cedar"}
    call_command("leaderboard", method="win_rate", benchmark=benchmark.name)
    assert "wins against several baselines" in (said := capsys.readouterr().out)
    assert "each question counts against the baseline of its category: cooking: Ash; sums: Birch" in said
    call_command("leaderboard", method="win_rate", benchmark=benchmark.name, format="json")
    assert json.loads(capsys.readouterr().out)["baseline"] == {"cooking": "Ash", "sums": "Birch"}


def test_runs_with_other_baselines_in_one_category_are_told(benchmark):
    run_of(benchmark, make.judge("rules"))
    queued(benchmark, make.judge("rules"), mode="baseline", baseline=make.model("Ash"))
    with pytest.raises(NoBaseline, match="other baselines in the same category: Ash, Birch"):
        win_rates(benchmark)


def less_judged(benchmark) -> list[list[str]]:
    """Whom the boards of all categories, of cooking and of sums name as judged less often."""
    snapshots.take(benchmark)
    found = [boards.board(benchmark, category=key) for key in (None, "cooking", "sums")]
    return [[gap.row.model.name for gap in board.gaps] for board in found]


def test_a_board_of_all_categories_names_nobody_where_all_was_judged_and_who_is_no_baseline_where_not(benchmark):
    for question in benchmark.questions.all():
        make.answer(question, make.model("Elm")).save()
    run = run_of(benchmark, make.judge("rules"), names=(*MODELS, "Elm"), status="done")
    for item in items_of(run):
        make.preference(item.battle, make.judge("rules"), run=run, swapped=item.swapped)
    assert less_judged(benchmark) == [[], [], []]
    rows = Preference.objects.filter(battle__question__key="q0")
    lost = rows.filter(Q(battle__first_model__name="Elm") | Q(battle__second_model__name="Elm"))
    assert lost.update(superseded_at=timezone.now())
    assert less_judged(benchmark) == [["Elm"], ["Elm"], []]
